//! Delays as they are reported, and what they mean for later stops.

use std::collections::{BTreeMap, BTreeSet};

use daytime::{Daytime, Span};
use labels_derive::Label;
use stations::Code;
use timetable::{Call, Trip};

#[cfg(feature = "feed")]
mod feed;
#[cfg(test)]
mod tests;

/// The shortest time that a train stands. A longer planned stop makes up for a delay.
const SHORTEST_DWELL: Span = Span::minutes(1);

/// The cause of a delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum Cause {
    /// A signal does not work.
    SignalFailure,
    /// Wind, snow, or leaves.
    Weather,
    /// The driver is on another train, which is late.
    #[label("awaiting crew")]
    Crew,
}

/// A report that a train left a station late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The number of the trip.
    pub trip: u32,
    /// The station.
    pub station: Code,
    /// The delay.
    pub late: Span,
    /// The cause, if it is known.
    pub cause: Option<Cause>,
}

/// The reports about the trips of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    reports: BTreeMap<u32, Report>,
    cancelled: BTreeSet<u32>,
}

impl Delays {
    /// A day without delays.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a report, which replaces an earlier report about the same trip.
    pub fn report(&mut self, report: Report) {
        self.reports.insert(report.trip, report);
    }

    /// Records that a trip does not run.
    pub fn cancel(&mut self, trip: u32) {
        self.cancelled.insert(trip);
    }

    /// Returns true if the trip does not run.
    pub fn is_cancelled(&self, trip: u32) -> bool {
        self.cancelled.contains(&trip)
    }

    /// Returns the cause of the delay, if the trip is late and the cause is known.
    pub fn cause(&self, trip: u32) -> Option<Cause> {
        self.reports.get(&trip)?.cause
    }

    /// Returns the delay with which the trip is expected to leave a station.
    pub fn late(&self, trip: &Trip, station: Code) -> Span {
        let Some(report) = self.reports.get(&trip.number()) else {
            return Span::ZERO;
        };
        let from = trip
            .calls()
            .iter()
            .skip_while(|call| call.station != report.station);
        let mut late = report.late;
        for (index, call) in from.enumerate() {
            if index > 0 {
                late = late - (call.dwell() - SHORTEST_DWELL);
            }
            if call.station == station {
                return late;
            }
        }
        Span::ZERO
    }

    /// Returns the expected departure of the trip; `None` if the trip does not run.
    pub fn expected(&self, trip: &Trip, call: &Call) -> Option<Daytime> {
        let runs = !self.is_cancelled(trip.number());
        runs.then(|| call.depart + self.late(trip, call.station))
    }
}
