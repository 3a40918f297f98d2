//! Cargo's configuration files: where they lie, and what few keys the kit asks of them.

use std::collections::BTreeSet;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use toml::{Table, Value};

use super::rust_source::normalized;

/// The files in which cargo looks for its configuration from a directory upwards, and those that
/// they include, whether or not they exist.
pub fn configuration_files(directory: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    let mut pending: Vec<Utf8PathBuf> = directory.ancestors().flat_map(in_directory).collect();
    let mut files = BTreeSet::new();
    while let Some(file) = pending.pop() {
        if !files.insert(file.clone()) {
            continue;
        }
        let Some(table) = table(&file) else { continue };
        let entries = match table.get("include") {
            Some(Value::Array(entries)) => entries.clone(),
            Some(entry) => vec![entry.clone()],
            None => continue,
        };
        for entry in entries {
            let path = entry.as_str().or_else(|| entry.get("path")?.as_str());
            let path = path.zip(file.parent());
            pending.extend(path.map(|(path, beside)| normalized(&beside.join(path))));
        }
    }
    files
}

/// The target triples that cargo builds for from a directory where no `--target` says so:
/// `CARGO_BUILD_TARGET`, or `build.target` of the nearest file that has one; none for the host.
pub fn build_target(directory: &Utf8Path) -> Vec<String> {
    if let Some(triple) = std::env::var("CARGO_BUILD_TARGET")
        .ok()
        .filter(|it| !it.is_empty())
    {
        return vec![triple];
    }
    let files = directory.ancestors().flat_map(in_directory).chain(
        cargo_home()
            .into_iter()
            .flat_map(|home| [home.join("config.toml"), home.join("config")]),
    );
    let configured = files.filter_map(|file| table(&file)?.get("build")?.get("target").cloned());
    match configured.into_iter().next() {
        Some(Value::String(triple)) => vec![triple],
        Some(Value::Array(triples)) => triples
            .iter()
            .filter_map(|triple| triple.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

/// The target directory of a workspace by its root, as cargo finds it from a directory, save for
/// what flags and `CARGO_HOME` say.
pub fn target_directory(directory: &Utf8Path, root: &Utf8Path) -> Utf8PathBuf {
    let variables = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"];
    let named = variables.iter().find_map(|name| std::env::var(name).ok());
    if let Some(named) = named {
        return normalized(&directory.join(named));
    }
    let configured = directory.ancestors().find_map(|above| {
        let table = in_directory(above).iter().find_map(|file| table(file))?;
        let named = table.get("build")?.get("target-dir")?.as_str()?;
        Some(normalized(&above.join(named)))
    });
    configured.unwrap_or_else(|| root.join("target"))
}

/// Cargo's home directory.
pub fn cargo_home() -> Option<Utf8PathBuf> {
    let home = match std::env::var_os("CARGO_HOME") {
        Some(home) => std::path::PathBuf::from(home),
        None => std::env::home_dir()?.join(".cargo"),
    };
    Utf8PathBuf::try_from(home).ok()
}

fn in_directory(directory: &Utf8Path) -> [Utf8PathBuf; 2] {
    ["config.toml", "config"].map(|name| directory.join(".cargo").join(name))
}

fn table(file: &Utf8Path) -> Option<Table> {
    std::fs::read_to_string(file).ok()?.parse().ok()
}
