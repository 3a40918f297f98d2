use camino::Utf8Path;

use super::features;
use super::watch::Waiting;
use crate::cargo_runs::build_times::store::Store;

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn feature_arguments_are_read_from_cargos_arguments() {
    for (arguments, chosen) in [
        ("--workspace", ""),
        ("-r --all-features", "--all-features"),
        ("--profile ci -F a,b --features c", "-F a,b --features c"),
        ("--profile=ci --features=x -p y", "--features=x"),
    ] {
        assert_eq!(features(&words(arguments)).join(" "), chosen);
    }
}

#[test]
fn a_file_without_a_record_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let directory = Utf8Path::from_path(directory.path()).unwrap();
    let file = directory.join("empty.json");
    std::fs::write(&file, "").unwrap();
    let error = Store::of(directory).find(&[], file.as_str()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("is not a record of `timings`"), "{error}");
}

/// Cargo's line about waiting comes in pieces, with colours. The next line ends the waiting.
#[test]
fn waiting_for_a_lock_is_measured() {
    let mut waiting = Waiting::default();
    waiting.read(b"   Compiling a v0.1.0\n");
    assert!(waiting.since.is_none());
    waiting.read(b"\x1b[1m    Blocking\x1b[0m waiting for ");
    assert!(waiting.since.is_none());
    waiting.read(b"file lock on build directory\n");
    assert!(waiting.since.is_some());
    waiting.read(b"   Compiling b v0.1.0\n");
    assert!(waiting.since.is_none());
    let output = waiting.total;
    waiting.read(b"   Compiling c v0.1.0\n");
    assert_eq!(waiting.total, output);
}
