//! Turns the tariff into constants. The script names no inputs, so every file of the package is
//! one.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Tariff {
    currency: String,
    base: u32,
    zone: u32,
    peak_surcharge: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Tariff {
        currency,
        base,
        zone,
        peak_surcharge,
    } = toml::from_str(&fs::read_to_string("tariff.toml")?)?;
    let code = format!(
        "const CURRENCY: &str = {currency:?};
        const BASE: u32 = {base};
        const ZONE: u32 = {zone};
        const PEAK_SURCHARGE: u32 = {peak_surcharge};
        "
    );
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out_dir.join("tariff.rs"), code)?;
    Ok(())
}
