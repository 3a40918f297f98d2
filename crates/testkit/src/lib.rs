//! A sample timetable and short constructors for tests.
//!
//! Every function panics when it is called with nonsense, which is what a test wants. The crates
//! that the kit depends on use it in their own integration tests. Their unit tests cannot: there,
//! the types of the kit and those of the crate under test are not the same.

use daytime::Daytime;
use stations::Code;
use timetable::{Call, Days, Timetable, Trip};

const WEEKDAY: &str = include_str!("../../timetable-csv/samples/weekday.csv");

/// The timetable that the command line tools are built with.
pub fn weekday() -> Timetable {
    timetable_csv::read(WEEKDAY).expect("the sample timetable has no faults")
}

/// The time of day that `text` says.
pub fn at(text: &str) -> Daytime {
    text.parse().expect("a test gives a time of day")
}

/// The code of a station of the register.
pub fn station(code: &str) -> Code {
    let code = code.parse().expect("a test gives a station code");
    stations::find(code)
        .expect("a test gives a station of the register")
        .code()
}

/// A trip whose train never stands longer than it has to.
pub fn trip(number: u32, line: &str, days: Days, calls: &[(&str, &str)]) -> Trip {
    let call = |&(code, time): &(&str, &str)| {
        let time = at(time);
        Call {
            station: station(code),
            arrive: time,
            depart: time,
        }
    };
    let line = network::line(line).expect("a test gives a line of the network");
    Trip::new(number, line, days, calls.iter().map(call).collect())
}
