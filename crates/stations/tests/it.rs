//! The register as the other crates use it.

use stations::{Code, all, by_name, find};

#[test]
fn every_station_is_found_by_code_and_by_name() {
    for station in all() {
        assert_eq!(find(station.code()), Some(station));
        assert_eq!(by_name(&station.name().to_uppercase()), Some(station));
    }
}

#[test]
fn codes_are_three_capital_letters() {
    assert_eq!("HAR".parse(), Ok(Code::new(*b"HAR")));
    for text in ["", "HA", "har", "HARB", "HÄ"] {
        assert!(text.parse::<Code>().is_err(), "{text}");
    }
}

#[test]
fn distances_are_the_same_both_ways() {
    let (harbour, ferry) = (by_name("Harbour").unwrap(), by_name("Ferry Quay").unwrap());
    assert_eq!(harbour.distance(ferry), 1500);
    assert_eq!(ferry.distance(harbour), 1500);
}
