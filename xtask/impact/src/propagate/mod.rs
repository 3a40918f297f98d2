//! Propagates a change through the unit graph: from seeds to all affected units.
//!
//! A [`Seed`] is a unit that a change touches directly, with the rule that says so. [`propagate`]
//! follows the unit graph from the seeds to their dependents. In case of doubt more units are
//! selected, never fewer, and the reason states the doubt.
//!
//! Architecture invariant: this module starts no process.

pub mod resolved;
pub mod variants;

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};

use crate::seeds::{Effect, Propagation, Seed};
use crate::unit_graph::{Link, Mode, UnitGraph, UnitIx};

/// The reason why a unit is affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A change touches the unit directly.
    Seed(Seed),
    /// The unit is built from another affected unit, or runs this other unit.
    Through(UnitIx),
}

/// All affected units, each with its strongest effect and the shortest chain of reasons for this
/// effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    units: BTreeMap<UnitIx, (Effect, Reason)>,
}

impl Affected {
    /// Returns the affected units in the order of the graph, with their effects.
    pub fn units(&self) -> impl Iterator<Item = (UnitIx, Effect)> {
        self.units
            .iter()
            .map(|(&unit, &(effect, _))| (unit, effect))
    }

    /// Returns the effect of the change on a unit; `None` if the unit is not affected.
    pub fn effect(&self, unit: UnitIx) -> Option<Effect> {
        self.units.get(&unit).map(|&(effect, _)| effect)
    }

    /// Returns the chain from a unit back to its seed: the units on the way, starting with `unit`,
    /// and the seed itself. Returns `None` if the unit is not affected.
    pub fn chain(&self, unit: UnitIx) -> Option<(Vec<UnitIx>, &Seed)> {
        let mut way = vec![unit];
        loop {
            match &self.units.get(way.last()?)?.1 {
                Reason::Seed(seed) => return Some((way, seed)),
                Reason::Through(next) => way.push(*next),
            }
        }
    }

    /// Returns true if the variants of a unit that cargo builds for the host are not affected.
    pub fn spares_host(&self, unit: UnitIx) -> bool {
        let reason = self.units.get(&unit).map(|(_, reason)| reason);
        matches!(reason, Some(Reason::Seed(seed)) if seed.spread == Propagation::NamedTriple)
    }

    /// Merges another set of affected units into this set. The stronger effect wins. If the effects
    /// are equal, the first reason stays, unless the first reason does not affect the variants for
    /// the host.
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

    /// Returns true if no unit is affected.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }
}

/// Follows the graph from the seeds to all units that are built from them or run them. The search
/// is breadth first, so the chain of each unit is a shortest one.
pub fn propagate(graph: &UnitGraph, seeds: Vec<Seed>) -> Affected {
    propagate_within(graph, seeds, &|_| true)
}

/// Propagates as [`propagate`] does, but rebuilds a dependent only if `is_rebuilt` returns true for
/// the dependent. Reruns are not limited.
pub fn propagate_within(
    graph: &UnitGraph,
    mut seeds: Vec<Seed>,
    is_rebuilt: &dyn Fn(UnitIx) -> bool,
) -> Affected {
    // The first of several seeds for one unit becomes the reason. A seed that does not affect the
    // variants for the host comes last.
    let order = |it: &Seed| (it.unit, it.spread == Propagation::NamedTriple, it.rule);
    seeds.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.path.cmp(&b.path)));
    let mut affected = Affected::default();
    let mut pending = VecDeque::new();
    // Units whose dependents are not affected. The stronger effect comes first.
    let mut alone = Vec::new();
    let mut reruns = Vec::new();
    for seed in seeds {
        let unit = seed.unit;
        // Cargo never builds doctests: rustdoc compiles them while they run.
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
