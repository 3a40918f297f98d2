//! Timetables and their faults.

mod common;

use common::{coast, leaving};
use testkit::station;
use timetable::{Fault, Timetable, Weekday};

#[test]
fn trips_are_found_by_number() {
    let late = coast(9, &[("GRA", "08:00"), ("ALD", "08:10")]);
    let early = coast(4, &[("HAR", "07:00"), ("FER", "07:06")]);
    let timetable = Timetable::new(vec![late.clone(), early.clone()]).unwrap();
    assert_eq!(timetable.trips(), [early, late.clone()]);
    assert_eq!(timetable.trip(9), Some(&late));
    assert_eq!(timetable.trip(5), None);
}

#[test]
fn nobody_departs_from_the_last_station() {
    let trip = coast(4, &[("HAR", "07:00"), ("FER", "07:06")]);
    let timetable = Timetable::new(vec![trip]).unwrap();
    assert_eq!(
        leaving(&timetable, station("HAR"), Weekday::Sunday, "07:00"),
        [4]
    );
    assert!(leaving(&timetable, station("HAR"), Weekday::Sunday, "07:01").is_empty());
    assert!(leaving(&timetable, station("FER"), Weekday::Sunday, "00:00").is_empty());
}

#[test]
fn faults_are_named() {
    let fault = |calls: &[_]| Timetable::new(vec![coast(4, calls)]).unwrap_err();
    assert_eq!(fault(&[("HAR", "07:00")]), Fault::TooShort(4));
    assert_eq!(
        fault(&[("HAR", "07:00"), ("KIN", "07:30")]),
        Fault::OffLine(4, station("KIN"))
    );
    assert_eq!(
        fault(&[("HAR", "07:00"), ("GRA", "07:10"), ("FER", "07:20")]),
        Fault::OutOfOrder(4, station("FER"))
    );
    assert_eq!(
        fault(&[("HAR", "07:00"), ("FER", "07:00")]),
        Fault::BackInTime(4, station("FER"))
    );
}

#[test]
fn a_number_is_used_once() {
    let trip = coast(4, &[("HAR", "07:00"), ("FER", "07:06")]);
    let fault = Timetable::new(vec![trip.clone(), trip]).unwrap_err();
    assert_eq!(fault.to_string(), "two trips have the number 4");
}
