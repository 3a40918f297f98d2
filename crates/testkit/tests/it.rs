//! The kit itself.

use timetable::Days;

#[test]
fn the_sample_has_trips_for_every_station() {
    let timetable = testkit::weekday();
    for station in stations::all() {
        let calls = timetable.trips().iter().flat_map(|trip| trip.calls());
        assert!(calls.into_iter().any(|call| call.station == station.code()));
    }
}

#[test]
fn a_trip_has_the_calls_it_was_given() {
    let trip = testkit::trip(
        1,
        "LOOP",
        Days::DAILY,
        &[("GRA", "09:00"), ("MIL", "09:03")],
    );
    assert_eq!(
        trip.departure(testkit::station("GRA")).unwrap().arrive,
        testkit::at("09:00")
    );
    assert_eq!(trip.destination(), Some(testkit::station("MIL")));
}

#[test]
#[should_panic = "a station of the register"]
fn nonsense_panics() {
    testkit::station("XYZ");
}
