//! Gives the tools the label of the build, which is set where releases are made.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RAIL_BUILD_LABEL");

    let label = env::var("RAIL_BUILD_LABEL").unwrap_or_else(|_| "development".to_owned());
    println!("cargo::rustc-env=RAIL_LABEL={label}");
}
