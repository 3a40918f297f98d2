use super::watch::Waiting;
use super::{features, profile};

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn what_cargos_arguments_choose() {
    for (arguments, expected, chosen) in [
        ("--workspace", "dev", ""),
        ("-r --all-features", "release", "--all-features"),
        (
            "--profile ci -F a,b --features c",
            "ci",
            "-F a,b --features c",
        ),
        ("--profile=ci --features=x -p y", "ci", "--features=x"),
    ] {
        let arguments = words(arguments);
        assert_eq!(profile(&arguments), expected);
        assert_eq!(features(&arguments).join(" "), chosen);
    }
}

/// Cargo's line comes in pieces, with colours, and what follows it ends the waiting.
#[test]
fn waiting_is_heard() {
    let mut waiting = Waiting::default();
    waiting.hears(b"   Compiling a v0.1.0\n");
    assert!(waiting.since.is_none());
    waiting.hears(b"\x1b[1m    Blocking\x1b[0m waiting for ");
    assert!(waiting.since.is_none());
    waiting.hears(b"file lock on build directory\n");
    assert!(waiting.since.is_some());
    waiting.hears(b"   Compiling b v0.1.0\n");
    assert!(waiting.since.is_none());
    let heard = waiting.total;
    waiting.hears(b"   Compiling c v0.1.0\n");
    assert_eq!(waiting.total, heard);
}
