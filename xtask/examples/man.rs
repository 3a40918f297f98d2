//! Writes a man page for each command: `cargo run -p xtask-kit --example man -- DIRECTORY`.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args_os().nth(1).ok_or("usage: man DIRECTORY")?;
    let directory = PathBuf::from(directory);
    std::fs::create_dir_all(&directory)?;
    clap_mangen::generate_to(xtask_kit::command(), directory)?;
    Ok(())
}
