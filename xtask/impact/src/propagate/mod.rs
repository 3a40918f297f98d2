//! From a change to the units that cargo would build or run again.
//!
//! Changed paths become [`Seed`]s: units that a change touches directly, each with the rule that
//! says so. [`propagate`] follows the unit graph from there. The doubtful case selects more, never
//! less, and carries its doubt as its reason.
//!
//! Architecture invariant: nothing here starts a process.

pub mod resolved;
pub mod variants;

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};

use crate::seeds::{Effect, Propagation, Seed};
use crate::unit_graph::{Link, Mode, UnitGraph, UnitIx};

/// Why a unit is affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A change touches it directly.
    Seed(Seed),
    /// It is built from, or runs, another affected unit.
    Through(UnitIx),
}

/// Every affected unit with the shortest reason for its strongest effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    units: BTreeMap<UnitIx, (Effect, Reason)>,
}

impl Affected {
    /// The units in the graph's order.
    pub fn units(&self) -> impl Iterator<Item = (UnitIx, Effect)> {
        self.units
            .iter()
            .map(|(&unit, &(effect, _))| (unit, effect))
    }

    /// What happens to a unit.
    pub fn effect(&self, unit: UnitIx) -> Option<Effect> {
        self.units.get(&unit).map(|&(effect, _)| effect)
    }

    /// The way from a unit back to the seed that reached it: the units in between, the given one
    /// first, and the seed.
    pub fn chain(&self, unit: UnitIx) -> Option<(Vec<UnitIx>, &Seed)> {
        let mut way = vec![unit];
        loop {
            match &self.units.get(way.last()?)?.1 {
                Reason::Seed(seed) => return Some((way, seed)),
                Reason::Through(next) => way.push(*next),
            }
        }
    }

    /// Whether what is built of a unit for the host stays as it is.
    pub fn spares_host(&self, unit: UnitIx) -> bool {
        let reason = self.units.get(&unit).map(|(_, reason)| reason);
        matches!(reason, Some(Reason::Seed(seed)) if seed.spread == Propagation::NamedTriple)
    }

    /// With everything that another answer has; of two reasons for one effect the first stays,
    /// unless the second touches more of the unit.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        for (unit, (effect, reason)) in other.units {
            let known = self.effect(unit);
            if known < Some(effect) || known == Some(effect) && self.spares_host(unit) {
                self.units.insert(unit, (effect, reason));
            }
        }
        self
    }

    /// Whether nothing is affected.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }
}

/// Follows the graph from the seeds to everything that is built from them or runs them, breadth
/// first, so that each unit's chain of reasons is a shortest one.
pub fn propagate(graph: &UnitGraph, seeds: Vec<Seed>) -> Affected {
    propagate_within(graph, seeds, &|_| true)
}

/// The same, where only some units are rebuilt. What is run again is not limited.
pub fn propagate_within(
    graph: &UnitGraph,
    mut seeds: Vec<Seed>,
    is_rebuilt: &dyn Fn(UnitIx) -> bool,
) -> Affected {
    // Of several for one unit the first is told, and what spares the host comes last.
    let order = |it: &Seed| (it.unit, it.spread == Propagation::NamedTriple, it.rule);
    seeds.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.path.cmp(&b.path)));
    let mut affected = Affected::default();
    let mut pending = VecDeque::new();
    // What reaches no others, the stronger effect first.
    let mut alone = Vec::new();
    let mut reruns = Vec::new();
    for seed in seeds {
        let unit = seed.unit;
        // Documentation tests are compiled as they run, and cargo never builds them.
        let is_doctest = graph.unit(unit).mode == Mode::Doctest;
        if seed.effect == Effect::Rerun || is_doctest {
            reruns.push((unit, (Effect::Rerun, Reason::Seed(seed))));
        } else if matches!(seed.spread, Propagation::Nothing | Propagation::NamedTriple) {
            alone.push((unit, (Effect::Rebuilt, Reason::Seed(seed))));
        } else if let Entry::Vacant(entry) = affected.units.entry(unit) {
            entry.insert((Effect::Rebuilt, Reason::Seed(seed)));
            pending.push_back(unit);
        }
    }
    while let Some(unit) = pending.pop_front() {
        let mut dependents: Vec<_> = graph.dependents(unit).collect();
        dependents.sort_by_key(|&(dependent, _)| dependent);
        for (dependent, link) in dependents {
            let reason = Reason::Through(unit);
            if link == Link::Reruns || graph.unit(dependent).mode == Mode::Doctest {
                reruns.push((dependent, (Effect::Rerun, reason)));
            } else if !is_rebuilt(dependent) {
                continue;
            } else if let Entry::Vacant(entry) = affected.units.entry(dependent) {
                entry.insert((Effect::Rebuilt, reason));
                pending.push_back(dependent);
            }
        }
    }
    for (unit, found) in alone.into_iter().chain(reruns) {
        affected.units.entry(unit).or_insert(found);
    }
    affected
}

#[cfg(test)]
mod tests;
