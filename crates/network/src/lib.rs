//! The lines and the stations that they serve.
//!
//! The lines are those of `data/lines.csv`. `data/walks.csv`, the walks between stations, is kept
//! beside it for the journey planner, which is the only one to read it.

use labels_derive::Label;
use stations::Code;

include!(concat!(env!("OUT_DIR"), "/lines.rs"));

/// The kind of vehicle on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum LineKind {
    /// Trains that stop everywhere.
    #[label("regional train")]
    Regional,
    /// Trains that stop at the large stations only.
    #[label("express train")]
    Express,
    /// Trams in the streets.
    Tram,
}

/// A line of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    code: &'static str,
    name: &'static str,
    kind: LineKind,
    stops: &'static [Code],
}

impl Line {
    /// The code, which is unique.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The name for passengers.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the kind of vehicle on the line.
    pub fn kind(&self) -> LineKind {
        self.kind
    }

    /// The stations in the order in which trains from the first one pass them.
    pub fn stops(&self) -> &'static [Code] {
        self.stops
    }

    /// Returns the position of a station on the line, if the station is on the line.
    pub fn position(&self, station: Code) -> Option<usize> {
        self.stops.iter().position(|stop| *stop == station)
    }
}

/// Every line, in the order of the table.
pub fn lines() -> &'static [Line] {
    LINES
}

/// The line with this code.
pub fn line(code: &str) -> Option<&'static Line> {
    LINES.iter().find(|line| line.code == code)
}

/// The lines that serve a station.
pub fn lines_at(station: Code) -> impl Iterator<Item = &'static Line> {
    LINES
        .iter()
        .filter(move |line| line.position(station).is_some())
}
