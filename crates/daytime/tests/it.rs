//! Times of day as a caller sees them.

use daytime::{Daytime, Span};

#[test]
fn a_time_is_written_as_it_was_read() {
    for text in ["00:00", "07:05", "23:59", "24:30", "47:59"] {
        assert_eq!(text.parse::<Daytime>().unwrap().to_string(), text);
    }
}

#[test]
fn other_texts_are_refused() {
    for text in ["", "7:05", "07:60", "48:00", "07-05", "+7:05", "07:05:00"] {
        let error = text.parse::<Daytime>().unwrap_err();
        assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
    }
}

#[test]
fn the_clock_on_the_wall_starts_again_at_midnight() {
    let late: Daytime = "25:10".parse().unwrap();
    assert_eq!(late.on_the_clock(), "01:10");
    assert_eq!(late.clock_hour(), 1);
}

#[test]
fn spans_add_up_and_never_fall_below_nothing() {
    let start = Daytime::new(8, 50).unwrap();
    let end = start + Span::minutes(75);
    assert_eq!(end.since(start), Some(Span::minutes(75)));
    assert_eq!(start.since(end), None);
    assert_eq!(Span::minutes(75).to_string(), "1 h 15 min");
    assert_eq!(Span::minutes(3) - Span::minutes(5), Span::ZERO);
}

#[test]
fn the_service_day_has_an_end() {
    let last = Daytime::new(47, 59).unwrap();
    assert_eq!(last + Span::minutes(1), last);
}
