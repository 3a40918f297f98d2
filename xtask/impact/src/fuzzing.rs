//! The parsers of the engine, for the fuzz targets in `xtask/fuzz`. Each function takes what a file
//! or a program may contain and must return: a panic, an endless loop or a failed assertion is a
//! fault.
//!
//! This module exists only under `--cfg fuzzing`.

use camino::Utf8Path;

use crate::build_dir::compiled_from;
use crate::build_dir::dep_info::{self, Fingerprint, ScriptOutput};
use crate::build_dir::evidence::ProfileRecords;
use crate::build_dir::unit_record::UnitName;
use crate::change_set::path_list;
use crate::seeds::sources::SourceFacts;
use crate::semantic_diff::config::compare_config;
use crate::semantic_diff::lock::compare_locks;
use crate::semantic_diff::manifest::compare_manifest;
use crate::workspace::Workspace;
use crate::{source_scan, vcs};

/// Parses cargo's dep-info, as in `dep-lib-app`.
pub fn cargo_dep_info(bytes: &[u8]) {
    drop(dep_info::parse_cargo(bytes));
}

/// Parses rustc's dep-info, a `.d` file.
pub fn rustc_dep_info(text: &str) {
    drop(dep_info::parse_rustc(text));
    for path in dep_info::first_rule(text) {
        // Paths with escapes are compared after they are decoded.
        dep_info::first_rule_has(text, &path);
    }
}

/// Finds the path of the root source file in a library's metadata.
pub fn metadata(bytes: &[u8]) {
    let relative = Utf8Path::new("src/lib.rs");
    if let Some(path) = compiled_from::absolute_in(bytes, relative) {
        assert!(path.is_absolute() && path.ends_with(relative));
    }
}

/// Parses the name and the JSON of a fingerprint.
pub fn fingerprint(text: &str) {
    if let Some(name) = UnitName::parse(text) {
        assert_eq!(name.file_name(), text);
    }
    drop(serde_json::from_str::<Fingerprint>(text));
}

/// Parses the output of a build script.
pub fn script_output(bytes: &[u8]) {
    drop(ScriptOutput::parse(bytes, "/then", "/now"));
}

/// Decodes the body of each kind of cache file.
pub fn kept_state(bytes: &[u8]) {
    drop(postcard::from_bytes::<Workspace>(bytes));
    drop(postcard::from_bytes::<SourceFacts>(bytes));
    drop(postcard::from_bytes::<Vec<ProfileRecords>>(bytes));
}

/// Compares two manifests, two configuration files or two lock files. The first empty line separates
/// the older one from the newer one.
pub fn manifests(text: &str) {
    let (old, new) = text.split_once("\n\n").unwrap_or((text, ""));
    drop(compare_locks(Some(old), Some(new)));
    if let (Ok(old), Ok(new)) = (old.parse::<toml::Table>(), new.parse::<toml::Table>()) {
        drop(compare_manifest(&old, &new));
        drop(compare_config(&old, &new));
        assert_eq!(compare_manifest(&old, &old).len(), 0);
        assert_eq!(compare_config(&new, &new).len(), 0);
    }
}

/// Parses the output of git, and a list of paths.
pub fn git_output(bytes: &[u8]) {
    vcs::parse_all(bytes);
    drop(path_list::parse(bytes));
}

/// Scans a text as a Rust source file and as a build script.
pub fn sources(text: &str) {
    drop(source_scan::made_paths(text));
    drop(source_scan::script_inputs(text));
    drop(source_scan::RunTimePaths::of(text));
    let package = Utf8Path::new("/package");
    // Every module has the same text, so a scan that never ends shows.
    let root = package.join("src/lib.rs");
    let mut files_left = 8;
    let mut read = |_: &Utf8Path| {
        files_left -= 1;
        (files_left >= 0).then(|| text.to_owned().into())
    };
    drop(source_scan::scan(&root, package, &|_, _| None, &mut read));
    drop(source_scan::scan_build_script(
        &root,
        package,
        &[],
        &mut read,
    ));
}
