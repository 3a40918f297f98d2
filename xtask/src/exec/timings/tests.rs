use super::features;
use super::watch::Waiting;

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn features_are_what_cargos_arguments_choose() {
    for (arguments, chosen) in [
        ("--workspace", ""),
        ("-r --all-features", "--all-features"),
        ("--profile ci -F a,b --features c", "-F a,b --features c"),
        ("--profile=ci --features=x -p y", "--features=x"),
    ] {
        assert_eq!(features(&words(arguments)).join(" "), chosen);
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
