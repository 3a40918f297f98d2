//! The search itself: one pass over the hops in the order of departure.

use std::collections::BTreeMap;

use clock::{Daytime, Span};
use stations::Code;

use super::{Graph, Hop};
use crate::{Leg, Means};

/// The time that a passenger needs to get from a train, or from the street, into a train.
const CHANGE: Span = Span::minutes(2);

struct Search<'a> {
    graph: &'a Graph,
    from: Code,
    start: Daytime,
    /// The last leg of the best way to each station that has been reached.
    best: BTreeMap<Code, Leg>,
    /// The hop on which a passenger gets into each train that can be caught.
    boarded: BTreeMap<u32, &'a Hop>,
}

pub(crate) fn search(graph: &Graph, from: Code, to: Code, start: Daytime) -> Option<Vec<Leg>> {
    let (best, boarded) = (BTreeMap::new(), BTreeMap::new());
    let mut search = Search {
        graph,
        from,
        start,
        best,
        boarded,
    };
    search.walk_on(from, start);

    let first = graph.hops.partition_point(|hop| hop.depart < start);
    for hop in &graph.hops[first..] {
        if search
            .best
            .get(&to)
            .is_some_and(|leg| leg.arrive <= hop.depart)
        {
            break;
        }
        search.ride(hop);
    }
    search.legs(to)
}

impl<'a> Search<'a> {
    fn ride(&mut self, hop: &'a Hop) {
        let can_board = hop.from == self.from
            || self
                .best
                .get(&hop.from)
                .is_some_and(|leg| leg.arrive + CHANGE <= hop.depart);
        if can_board {
            self.boarded.entry(hop.trip).or_insert(hop);
        }
        let Some(boarding) = self.boarded.get(&hop.trip) else {
            return;
        };
        let leg = Leg {
            by: Means::Ride(hop.trip, hop.line),
            from: boarding.from,
            depart: boarding.depart,
            to: hop.to,
            arrive: hop.arrive,
        };
        if self.offer(leg) {
            self.walk_on(hop.to, hop.arrive);
        }
    }

    fn walk_on(&mut self, from: Code, depart: Daytime) {
        let graph = self.graph;
        for (to, span) in graph.walks_from(from) {
            self.offer(Leg {
                by: Means::Walk,
                from,
                depart,
                to,
                arrive: depart + span,
            });
        }
    }

    /// Keeps the leg if it reaches its station earlier than any before it.
    fn offer(&mut self, leg: Leg) -> bool {
        let known = self.best.get(&leg.to);
        let better = leg.to != self.from && known.is_none_or(|best| leg.arrive < best.arrive);
        if better {
            self.best.insert(leg.to, leg);
        }
        better
    }

    /// The legs from the start to `to`.
    fn legs(&self, to: Code) -> Option<Vec<Leg>> {
        debug_assert!(self.best.values().all(|leg| leg.depart >= self.start));
        let mut legs = Vec::new();
        let mut station = to;
        while station != self.from {
            let leg = self.best.get(&station)?;
            station = leg.from;
            legs.push(leg.clone());
        }
        legs.reverse();
        Some(legs)
    }
}
