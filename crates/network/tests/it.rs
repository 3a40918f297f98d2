//! The network, also against the sample timetable, whose crates depend on this one.

use network::{LineKind, line, lines, lines_at};

#[test]
fn every_line_is_found_by_its_code() {
    for each in lines() {
        assert_eq!(line(each.code()), Some(each));
        assert!(each.stops().len() >= 2, "{} goes nowhere", each.name());
    }
    assert_eq!(line("MOON"), None);
}

#[test]
fn every_station_is_served() {
    for station in stations::all() {
        assert!(
            lines_at(station.code()).next().is_some(),
            "{}",
            station.name()
        );
    }
}

#[test]
fn kinds_have_names_for_passengers() {
    let names: Vec<_> = LineKind::ALL.iter().map(LineKind::label).collect();
    assert_eq!(names, ["regional train", "express train", "tram"]);
}

#[test]
fn the_sample_timetable_has_trips_on_every_line() {
    let timetable = testkit::weekday();
    for each in lines() {
        assert!(
            timetable.trips().iter().any(|trip| trip.line() == each),
            "{}",
            each.name()
        );
    }
}
