//! Prices of journeys through the sample timetable.

use journeys::Planner;
use testkit::{at, station, weekday};
use timetable::Weekday;

fn price(from: &str, to: &str, start: &str) -> String {
    let planner = Planner::new(&weekday(), Weekday::Monday);
    let journey = planner.plan(station(from), station(to), at(start)).unwrap();
    fares::price(&journey).unwrap().to_string()
}

#[test]
fn zones_are_counted_between_the_ends() {
    assert_eq!(price("CAS", "LOC", "09:00"), "3.00 EUR");
    assert_eq!(price("LOC", "LOC", "16:00"), "0.00 EUR");
}

#[test]
fn peak_hours_cost_more() {
    assert_eq!(price("HAR", "FER", "06:30"), "2.62 EUR");
    assert_eq!(price("LOC", "ALD", "16:00"), "4.87 EUR");
    assert_eq!(price("GRA", "MIL", "12:00"), "2.10 EUR");
}

#[test]
fn peak_hours_are_those_of_the_clock() {
    assert!(fares::is_peak(at("08:59")));
    assert!(!fares::is_peak(at("09:00")));
    assert!(fares::is_peak(at("31:00")), "07:00 on the next day");
}
