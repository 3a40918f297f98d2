//! Delays on a trip that is planned to stand for longer than it must.

use std::str::FromStr;

use timetable::Days;

use super::{Call, Cause, Code, Daytime, Delays, Report, Span, Trip};

fn trip() -> Trip {
    let call = |station: &str, arrive, depart| Call {
        station: station.parse().unwrap(),
        arrive: Daytime::from_str(arrive).unwrap(),
        depart: Daytime::from_str(depart).unwrap(),
    };
    let calls = vec![
        call("HAR", "07:10", "07:10"),
        call("FER", "07:16", "07:17"),
        call("GRA", "07:24", "07:27"),
        call("ALD", "07:37", "07:37"),
    ];
    Trip::new(1003, network::line("COAST").unwrap(), Days::DAILY, calls)
}

fn late_at_ferry_quay(minutes: u16) -> Delays {
    let mut delays = Delays::new();
    let station = Code::new(*b"FER");
    let late = Span::minutes(minutes);
    delays.report(Report {
        trip: 1003,
        station,
        late,
        cause: Some(Cause::Crew),
    });
    delays
}

fn minutes_late(delays: &Delays) -> Vec<u16> {
    let trip = trip();
    trip.calls()
        .iter()
        .map(|call| delays.late(&trip, call.station).as_minutes())
        .collect()
}

#[test]
fn a_day_without_reports_has_no_delays() {
    assert_eq!(minutes_late(&Delays::new()), [0, 0, 0, 0]);
}

#[test]
fn a_delay_goes_on_but_a_long_stop_makes_up_for_some_of_it() {
    assert_eq!(minutes_late(&late_at_ferry_quay(7)), [0, 7, 5, 5]);
    assert_eq!(minutes_late(&late_at_ferry_quay(1)), [0, 1, 0, 0]);
}

#[test]
fn a_later_report_replaces_an_earlier_one() {
    let mut delays = late_at_ferry_quay(7);
    let station = Code::new(*b"GRA");
    delays.report(Report {
        trip: 1003,
        station,
        late: Span::ZERO,
        cause: None,
    });
    assert_eq!(minutes_late(&delays), [0, 0, 0, 0]);
    assert_eq!(delays.cause(1003), None);
}

#[test]
fn a_cancelled_trip_is_not_expected() {
    let mut delays = late_at_ferry_quay(7);
    let trip = trip();
    let call = &trip.calls()[1];
    assert_eq!(
        delays
            .expected(&trip, call)
            .map(|time| time.to_string())
            .unwrap(),
        "07:24"
    );
    delays.cancel(1003);
    assert_eq!(delays.expected(&trip, call), None);
}
