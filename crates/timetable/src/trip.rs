//! Trips and their calls.

use daytime::{Daytime, Span};
use network::Line;
use stations::Code;

use crate::{Days, Weekday};

/// A stop of a trip at a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The station.
    pub station: Code,
    /// The time of arrival. At the first station, this is the time of departure.
    pub arrive: Daytime,
    /// The time of departure. At the last station, this is the time of arrival.
    pub depart: Daytime,
}

impl Call {
    /// Returns the time for which the train stands.
    pub fn dwell(&self) -> Span {
        self.depart.since(self.arrive).unwrap_or_default()
    }
}

/// A run of a train along a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    number: u32,
    line: &'static Line,
    days: Days,
    calls: Vec<Call>,
}

impl Trip {
    /// A trip as it is planned. [`Timetable::new`](crate::Timetable::new) checks it.
    pub fn new(number: u32, line: &'static Line, days: Days, calls: Vec<Call>) -> Self {
        Self {
            number,
            line,
            days,
            calls,
        }
    }

    /// The number, which is unique in a timetable.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The line that the train runs on.
    pub fn line(&self) -> &'static Line {
        self.line
    }

    /// The days on which the trip runs.
    pub fn days(&self) -> Days {
        self.days
    }

    /// The calls, in order.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// The station where the trip ends.
    pub fn destination(&self) -> Option<Code> {
        self.calls.last().map(|call| call.station)
    }

    /// The call from which passengers can depart at `station`: not the last one.
    pub fn departure(&self, station: Code) -> Option<&Call> {
        let (_, boarding) = self.calls.split_last()?;
        boarding.iter().find(|call| call.station == station)
    }

    /// Returns true if the trip runs on `day`.
    pub fn runs_on(&self, day: Weekday) -> bool {
        self.days.contains(day)
    }
}
