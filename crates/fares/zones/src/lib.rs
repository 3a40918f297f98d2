//! The fare zones: rings around the town, the innermost of which is zone 1.

use stations::Code;

const ZONES: &str = include_str!("../zones.txt");

/// The zone of a station, if it is in one.
///
/// ```
/// let kingsmoor = stations::Code::new(*b"KIN");
/// assert_eq!(zones::zone(kingsmoor), Some(4));
/// ```
pub fn zone(station: Code) -> Option<u8> {
    let code = station.to_string();
    let lines = ZONES.lines().filter_map(|line| line.split_once(':'));
    lines
        .filter(|(_, codes)| codes.split_whitespace().any(|each| each == code))
        .find_map(|(number, _)| number.parse().ok())
}

/// Returns the number of zones from one station to another, including the zones of both stations.
pub fn passed(from: Code, to: Code) -> Option<u8> {
    Some(zone(from)?.abs_diff(zone(to)?) + 1)
}
