//! The serialised form, with the feature `serde`.

use daytime::{Daytime, Span};

#[test]
fn a_time_is_a_string_and_a_span_is_a_number() {
    let time: Daytime = serde_json::from_str("\"07:05\"").unwrap();
    assert_eq!(serde_json::to_string(&time).unwrap(), "\"07:05\"");
    let span: Span = serde_json::from_str("12").unwrap();
    assert_eq!(serde_json::to_string(&span).unwrap(), "12");
}

#[test]
fn a_wrong_time_is_refused() {
    assert!(serde_json::from_str::<Daytime>("\"7 o'clock\"").is_err());
}
