//! Helpers that the tests of this package share.

use stations::Code;
use timetable::{Days, Timetable, Trip, Weekday};

/// A trip on the coast line with these calls, on every day.
pub(crate) fn coast(number: u32, calls: &[(&str, &str)]) -> Trip {
    testkit::trip(number, "COAST", Days::DAILY, calls)
}

/// The numbers of the trips that leave `station` from `after` on, in order.
pub(crate) fn leaving(timetable: &Timetable, station: Code, day: Weekday, after: &str) -> Vec<u32> {
    let departures = timetable.departures(station, day, testkit::at(after));
    departures.iter().map(|(trip, _)| trip.number()).collect()
}
