//! Turns the messages of the signs, which are files in another workspace, into constants.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

const MESSAGES: &str = "../embedded-signs/messages";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={MESSAGES}");

    let files: Result<Vec<_>, _> = fs::read_dir(MESSAGES)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect();
    let mut files = files?;
    files.sort();

    let mut items = Vec::new();
    for file in files {
        let name = file
            .file_stem()
            .ok_or("a message has no name")?
            .to_string_lossy();
        let (name, text) = (tables::rust::literal(&name), fs::read_to_string(&file)?);
        items.push(format!("({name}, {})", tables::rust::literal(text.trim())));
    }

    let code = tables::rust::slice("const MESSAGES", "(&str, &str)", &items);
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out_dir.join("messages.rs"), code)?;
    Ok(())
}
