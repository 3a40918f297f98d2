//! Turns the register's table into a constant, and publishes the codes that are in it.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

const TABLE: &str = "data/stations.csv";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={TABLE}");

    let text = fs::read_to_string(TABLE)?;
    let mut codes = BTreeSet::new();
    let mut items = Vec::new();
    for row in tables::rows(&text, 4)? {
        let [code, name, east, north] = row.cells() else {
            unreachable!("rows have 4 cells")
        };
        if !codes.insert(*code) {
            return Err(row.error(format!("the code {code} is taken")).into());
        }
        let name = tables::rust::literal(name);
        items.push(format!(
            "Station {{ code: Code::new(*b\"{code}\"), name: {name}, east: {east}, north: {north} }}"
        ));
    }

    let code = tables::rust::slice("const REGISTER", "Station", &items);
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out_dir.join("register.rs"), code)?;

    println!("cargo::metadata=CODES={}", Vec::from_iter(codes).join(" "));
    Ok(())
}
