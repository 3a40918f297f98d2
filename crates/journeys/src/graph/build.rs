//! Builds the graph of a day.

use anyhow::{Context, Result};
use clock::Span;
use petgraph::prelude::{DiGraphMap, UnGraphMap};
use stations::Code;
use timetable::{Timetable, Trip, Weekday};

use super::{Graph, Hop};

const WALKS: &str = include_str!("../../../network/data/walks.csv");

pub(crate) fn build(timetable: &Timetable, day: Weekday) -> Graph {
    let mut hops: Vec<_> = timetable.on(day).flat_map(hops_of).collect();
    hops.sort_by_key(|hop| hop.depart);
    let walks = read_walks(WALKS).expect("the table of walks is tested");

    let mut joined = DiGraphMap::new();
    for hop in &hops {
        joined.add_edge(hop.from, hop.to, ());
    }
    for (a, b, _) in walks.all_edges() {
        joined.add_edge(a, b, ());
        joined.add_edge(b, a, ());
    }
    Graph {
        hops,
        walks,
        joined,
    }
}

fn hops_of(trip: &Trip) -> impl Iterator<Item = Hop> {
    trip.calls().windows(2).map(|pair| Hop {
        trip: trip.number(),
        line: trip.line(),
        from: pair[0].station,
        depart: pair[0].depart,
        to: pair[1].station,
        arrive: pair[1].arrive,
    })
}

fn read_walks(text: &str) -> Result<UnGraphMap<Code, Span>> {
    let mut walks = UnGraphMap::new();
    for row in tables::rows(text, 3)? {
        let [from, to, minutes] = row.cells() else {
            unreachable!("rows have 3 cells")
        };
        let minutes = minutes
            .parse()
            .with_context(|| format!("line {}", row.line()))?;
        walks.add_edge(from.parse()?, to.parse()?, Span::minutes(minutes));
    }
    Ok(walks)
}

#[cfg(test)]
mod tests {
    use super::{WALKS, read_walks};

    #[test]
    fn walks_join_stations_of_the_register() {
        let walks = read_walks(WALKS).unwrap();
        assert!(walks.edge_count() > 0);
        assert!(walks.nodes().all(|code| stations::find(code).is_some()));
    }

    #[test]
    fn a_walk_takes_minutes() {
        assert!(read_walks("GRA, MIL, five").is_err());
    }
}
