//! Turns the table of lines into a constant.
//!
//! The stations that a line names must be in the register. The build script of `stations` says
//! which are, because a build script cannot call a library that it is going to be part of.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

const TABLE: &str = "data/lines.csv";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={TABLE}");

    let known = env::var("DEP_RAIL_STATIONS_CODES")?;
    let text = fs::read_to_string(TABLE)?;
    let mut items = Vec::new();
    for row in tables::rows(&text, 4)? {
        let [code, name, kind, stops] = row.cells() else {
            unreachable!("rows have 4 cells")
        };
        if let Some(stop) = stops
            .split(' ')
            .find(|stop| !known.split(' ').any(|c| c == *stop))
        {
            return Err(row.error(format!("no station has the code {stop}")).into());
        }
        let stops: Vec<_> = stops
            .split(' ')
            .map(|c| format!("Code::new(*b\"{c}\")"))
            .collect();
        items.push(format!(
            "Line {{ code: {}, name: {}, kind: LineKind::{kind}, stops: &[{}] }}",
            tables::rust::literal(code),
            tables::rust::literal(name),
            stops.join(", "),
        ));
    }

    let code = tables::rust::slice("const LINES", "Line", &items);
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out_dir.join("lines.rs"), code)?;
    Ok(())
}
