//! The feed, with the feature `feed`.

use std::fs;

use delays::{Cause, Delays};
use testkit::{station, weekday};

#[test]
fn a_morning_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/morning.json");
    let delays = Delays::from_json(&fs::read_to_string(path).unwrap()).unwrap();
    let timetable = weekday();
    let trip = timetable.trip(1003).unwrap();
    assert_eq!(delays.late(trip, station("ALD")).as_minutes(), 5);
    assert_eq!(delays.cause(1003), Some(Cause::SignalFailure));
    assert!(delays.is_cancelled(2003));
}

#[test]
fn mistakes_are_named() {
    for (text, part) in [
        (r#"[{"trip": 1, "late": 5}]"#, "no station"),
        (r#"[{"trip": 1, "station": "har"}]"#, "`har`"),
        (
            r#"[{"trip": 1, "station": "HAR", "cause": "ghosts"}]"#,
            "`ghosts`",
        ),
        (r#"[{"trip": 1, "platform": 3}]"#, "unknown field"),
    ] {
        let error = format!("{:#}", Delays::from_json(text).unwrap_err());
        assert!(error.contains(part), "{error}");
    }
}
