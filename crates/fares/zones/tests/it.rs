//! The zones against the register.

use zones::{passed, zone};

#[test]
fn every_station_is_in_a_zone() {
    for station in stations::all() {
        assert!(zone(station.code()).is_some(), "{}", station.name());
    }
}

#[test]
fn the_way_back_passes_as_many_zones() {
    let code = |text: &str| text.parse().unwrap();
    assert_eq!(passed(code("HAR"), code("FER")), Some(1));
    assert_eq!(passed(code("HAR"), code("LOC")), Some(4));
    assert_eq!(passed(code("LOC"), code("HAR")), Some(4));
    assert_eq!(passed(code("HAR"), code("XYZ")), None);
}
