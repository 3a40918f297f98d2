//! The tools as they are run.

use std::process::{Command, Output};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_journey_is_planned_between_misspelt_names() {
    let arguments = ["plan", "harbor", "lockend", "--at", "07:08", "--day", "tue"];
    let text = text(run(env!("CARGO_BIN_EXE_rail"), &arguments));
    assert!(
        text.starts_with("07:15 Harbour          07:32 Alder Junction"),
        "{text}"
    );
    assert!(text.contains("1 h 05 min, changes: 1"), "{text}");
    assert_eq!(text.contains("6.00 EUR"), cfg!(feature = "fares"), "{text}");
}

#[test]
#[cfg(feature = "json")]
fn a_journey_can_be_json() {
    let text = text(run(
        env!("CARGO_BIN_EXE_rail"),
        &["plan", "FER", "MIL", "--json"],
    ));
    let journey: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(journey["legs"][0]["to"], "MIL");
}

#[test]
fn there_is_no_way_at_night() {
    let output = run(
        env!("CARGO_BIN_EXE_rail"),
        &["plan", "KIN", "HAR", "--at", "23:00"],
    );
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("from Kingsmoor to Harbour"));
}

#[test]
fn the_tools_know_their_licence_and_their_stations() {
    assert!(text(run(env!("CARGO_BIN_EXE_rail"), &["about"])).contains("MIT License"));
    let stations = text(run(env!("CARGO_BIN_EXE_rail"), &["stations"]));
    assert_eq!(stations.lines().count(), stations::all().len());
}

#[test]
fn a_board_has_a_clock() {
    let text = text(run(
        env!("CARGO_BIN_EXE_rail-board"),
        &["HAR", "--count", "1", "--clock"],
    ));
    assert!(
        text.ends_with("08:10  COAST  Alder Junction   On time\n"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 8);
}

#[test]
#[cfg(feature = "json")]
fn a_board_shows_delays() {
    let feed = format!("{FIXTURES}/late.json");
    let arguments = ["HAR", "--at", "07:20", "--delays", &feed];
    let text = text(run(env!("CARGO_BIN_EXE_rail-board"), &arguments));
    assert!(text.contains("Delayed 12 min, awaiting crew"), "{text}");
}

#[test]
fn timetables_are_checked() {
    let check = env!("CARGO_BIN_EXE_rail-check");
    let (good, bad) = (
        format!("{FIXTURES}/good.csv"),
        format!("{FIXTURES}/bad.csv"),
    );
    assert!(text(run(check, &[&good])).ends_with("good.csv: 1 trips\n"));

    let output = run(check, &[&good, &bad]);
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("two trips have the number 1"), "{errors}");
}
