//! Days of the week.

mod common;

use common::{coast, leaving};
use testkit::station;
use timetable::{Days, Timetable, Weekday};

#[test]
fn days_are_written_as_they_were_read() {
    for text in ["MTWTF--", "-----SS", "-------", "M-W-F-S"] {
        assert_eq!(text.parse::<Days>().unwrap().to_string(), text);
    }
    for text in ["", "MTWTF", "mtwtfss", "TTWTFSS"] {
        assert!(text.parse::<Days>().is_err(), "{text}");
    }
}

#[test]
fn a_trip_runs_on_its_days_only() {
    let weekend = "-----SS".parse().unwrap();
    let calls = [("HAR", "09:00"), ("FER", "09:06")];
    let timetable = Timetable::new(vec![
        coast(1, &[("HAR", "08:00"), ("FER", "08:06")]),
        testkit::trip(2, "COAST", weekend, &calls),
    ])
    .unwrap();

    let on = |day| leaving(&timetable, station("HAR"), day, "00:00");
    assert_eq!(on(Weekday::Saturday), [1, 2]);
    assert_eq!(on(Weekday::Monday), [1]);
}

#[test]
fn weekdays_have_names() {
    assert_eq!(Weekday::ALL.len(), 7);
    assert_eq!(Weekday::Wednesday.label(), "wednesday");
}
