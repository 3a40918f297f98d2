//! The network as the search sees it.

use clock::{Daytime, Span};
use network::Line;
use petgraph::prelude::{DiGraphMap, UnGraphMap};
use petgraph::visit::Dfs;
use stations::Code;

mod build;
mod search;

pub(crate) use build::build;
pub(crate) use search::search;

/// A train's way from a stop to the next one.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    trip: u32,
    line: &'static Line,
    from: Code,
    depart: Daytime,
    to: Code,
    arrive: Daytime,
}

/// A day's hops, and the walks between stations.
#[derive(Debug)]
pub(crate) struct Graph {
    /// In the order of departure.
    hops: Vec<Hop>,
    walks: UnGraphMap<Code, Span>,
    /// Every pair of stations that a hop or a walk joins.
    joined: DiGraphMap<Code, ()>,
}

impl Graph {
    /// Returns true if there is a way at any time.
    pub(crate) fn is_joined(&self, from: Code, to: Code) -> bool {
        if !self.joined.contains_node(from) {
            return from == to;
        }
        let mut visit = Dfs::new(&self.joined, from);
        std::iter::from_fn(|| visit.next(&self.joined)).any(|station| station == to)
    }

    /// Returns the stations that a passenger can walk to, each with the time of the walk.
    fn walks_from(&self, station: Code) -> impl Iterator<Item = (Code, Span)> {
        self.walks.edges(station).map(|(_, to, span)| (to, *span))
    }
}
