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

/// How long a train has to stand. What it is planned to stand beyond that makes up for a delay.
const SHORTEST_DWELL: Span = Span::minutes(1);

/// Why a train is late.
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

/// That a train left a station late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The number of the trip.
    pub trip: u32,
    /// The station.
    pub station: Code,
    /// How late the train was.
    pub late: Span,
    /// Why, if that is known.
    pub cause: Option<Cause>,
}

/// What is known of the trips of a day.
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

    /// Takes note of a report, which replaces the one before it about the same trip.
    pub fn report(&mut self, report: Report) {
        self.reports.insert(report.trip, report);
    }

    /// Takes note that a trip does not run.
    pub fn cancel(&mut self, trip: u32) {
        self.cancelled.insert(trip);
    }

    /// Whether the trip does not run.
    pub fn is_cancelled(&self, trip: u32) -> bool {
        self.cancelled.contains(&trip)
    }

    /// Why the trip is late, if it is and if that is known.
    pub fn cause(&self, trip: u32) -> Option<Cause> {
        self.reports.get(&trip)?.cause
    }

    /// How late the trip is expected to leave a station.
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

    /// When the trip is expected to depart, unless it does not run.
    pub fn expected(&self, trip: &Trip, call: &Call) -> Option<Daytime> {
        let runs = !self.is_cancelled(trip.number());
        runs.then(|| call.depart + self.late(trip, call.station))
    }
}
