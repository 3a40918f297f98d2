//! The search for the journey that arrives first.
//!
//! A [`Planner`] is made for a day and answers any number of questions about it.

use clock::{Daytime, Span};
use network::Line;
use stations::Code;
use timetable::{Timetable, Weekday};

mod graph;

/// A way from one station to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// The parts, in order. A journey from a station to the same station has no parts.
    pub legs: Vec<Leg>,
}

/// A part of a journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The means of travel.
    pub by: Means,
    /// The station where the leg starts.
    pub from: Code,
    /// The time of the start.
    pub depart: Daytime,
    /// The station where the leg ends.
    pub to: Code,
    /// The time of the end.
    pub arrive: Daytime,
}

/// The means of travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// On foot.
    Walk,
    /// By the trip with this number on this line.
    Ride(u32, &'static Line),
}

impl Journey {
    /// Returns the start of the journey; `None` if the journey has no legs.
    pub fn depart(&self) -> Option<Daytime> {
        self.legs.first().map(|leg| leg.depart)
    }

    /// Returns the end of the journey; `None` if the journey has no legs.
    pub fn arrive(&self) -> Option<Daytime> {
        self.legs.last().map(|leg| leg.arrive)
    }

    /// Returns the duration of the journey.
    pub fn duration(&self) -> Span {
        let ends = self.arrive().zip(self.depart());
        ends.and_then(|(arrive, depart)| arrive.since(depart))
            .unwrap_or_default()
    }

    /// Returns the number of changes from one train to another.
    pub fn changes(&self) -> usize {
        let rides = self.legs.iter().filter(|leg| leg.by != Means::Walk).count();
        rides.saturating_sub(1)
    }
}

/// Finds journeys on a day.
#[derive(Debug)]
pub struct Planner {
    graph: graph::Graph,
}

impl Planner {
    /// A planner for the trips that run on `day`.
    pub fn new(timetable: &Timetable, day: Weekday) -> Self {
        Self {
            graph: graph::build(timetable, day),
        }
    }

    /// Returns the journey that arrives first, for a passenger who is at `from` at the time
    /// `start`.
    pub fn plan(&self, from: Code, to: Code, start: Daytime) -> Option<Journey> {
        if !self.graph.is_joined(from, to) {
            return None;
        }
        graph::search(&self.graph, from, to, start).map(|legs| Journey { legs })
    }
}
