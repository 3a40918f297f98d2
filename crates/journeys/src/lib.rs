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
    /// Its parts, in order. A journey to where one already is has none.
    pub legs: Vec<Leg>,
}

/// A part of a journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// How one gets on.
    pub by: Means,
    /// Where it starts.
    pub from: Code,
    /// When it starts.
    pub depart: Daytime,
    /// Where it ends.
    pub to: Code,
    /// When it ends.
    pub arrive: Daytime,
}

/// How one gets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// On foot.
    Walk,
    /// By the trip with this number on this line.
    Ride(u32, &'static Line),
}

impl Journey {
    /// When the journey starts, unless it has no legs.
    pub fn depart(&self) -> Option<Daytime> {
        self.legs.first().map(|leg| leg.depart)
    }

    /// When the journey ends, unless it has no legs.
    pub fn arrive(&self) -> Option<Daytime> {
        self.legs.last().map(|leg| leg.arrive)
    }

    /// How long it takes.
    pub fn duration(&self) -> Span {
        let ends = self.arrive().zip(self.depart());
        ends.and_then(|(arrive, depart)| arrive.since(depart))
            .unwrap_or_default()
    }

    /// How often one gets from one train into another.
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

    /// The journey that arrives first, for one who is at `from` at the time `start`.
    pub fn plan(&self, from: Code, to: Code, start: Daytime) -> Option<Journey> {
        if !self.graph.is_joined(from, to) {
            return None;
        }
        graph::search(&self.graph, from, to, start).map(|legs| Journey { legs })
    }
}
