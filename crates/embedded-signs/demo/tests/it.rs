//! The program as it is run.

use std::process::Command;

#[test]
fn the_delay_is_shown_below_the_time() {
    let program = env!("CARGO_BIN_EXE_sign-demo");
    let output = Command::new(program).args(["07:05", "3"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 6);
    assert!(text.ends_with("Delayed: 3 min\n"), "{text}");
}

#[test]
fn the_time_is_needed() {
    let output = Command::new(env!("CARGO_BIN_EXE_sign-demo"))
        .output()
        .unwrap();
    assert!(!output.status.success());
}
