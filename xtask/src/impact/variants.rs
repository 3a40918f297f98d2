//! Which of cargo's units behind one of ours a change touches.
//!
//! A library that a build script uses may have other features there than elsewhere, and then read
//! other files. For the kit both are one unit; their records tell them apart, since each names those
//! that it was built against. A unit all of whose records go back to others than the changed ones is
//! not reached, if they are proof: see [`super::records`]. Where anything but a record says what a
//! change touches, all behind a unit are touched.
//!
//! A record that was built against one which is gone is a leftover, of no build that could be the
//! base's: cargo would have built it anew.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::records::{Built, RecordId, Records};
use super::{Affected, Effect, Seed, Spread};
use crate::graph::UnitIx;

/// What of a change's units it touches, by their records.
pub struct Variants<'a> {
    records: &'a Records<'a>,
    /// The units whose records do not tell which of them are touched.
    wholly: HashSet<UnitIx>,
    /// The units of which those are touched that list a changed path.
    in_part: HashSet<UnitIx>,
    /// By unit, the values of its records; empty where no unit is touched in part.
    values: HashMap<UnitIx, Vec<u64>>,
    /// The packages, by a hash of their ids, that have records.
    packages: HashSet<u64>,
    touched: RefCell<HashMap<u64, bool>>,
}

impl<'a> Variants<'a> {
    /// Of the seeds of a change.
    pub fn new(records: &'a Records<'a>, seeds: &[Seed]) -> Self {
        let rebuilt = || seeds.iter().filter(|it| it.effect == Effect::Rebuilt);
        let of = |is_its: &dyn Fn(Spread) -> bool| {
            let seeds = rebuilt().filter(|it| is_its(it.spread));
            seeds.map(|seed| seed.unit).collect::<HashSet<_>>()
        };
        let mut variants = Self {
            records,
            wholly: of(&|spread| spread != Spread::Recorded),
            in_part: of(&|spread| spread == Spread::Recorded),
            values: HashMap::new(),
            packages: HashSet::new(),
            touched: RefCell::default(),
        };
        let is_apart = |built: &Built| {
            variants.in_part.contains(&built.unit)
                && !variants.wholly.contains(&built.unit)
                && !built.lists_change
        };
        let all_recorded = rebuilt().all(|seed| records.has_all_of(seed.unit));
        if all_recorded && records.built.values().flatten().any(is_apart) {
            variants.index();
        }
        variants
    }

    fn index(&mut self) {
        let known = &self.records.built;
        for (&value, built) in known {
            for built in built {
                self.values.entry(built.unit).or_default().push(value);
                let dependencies = built.dependencies.iter();
                let met = dependencies.filter(|(_, on)| known.contains_key(on));
                self.packages.extend(met.map(|&(package, _)| package));
            }
        }
    }

    /// Whether any of cargo's units behind one that is built from a touched one is touched, too.
    pub fn are_reached(&self, unit: UnitIx) -> bool {
        let Some(values) = self.values.get(&unit) else {
            return true;
        };
        let mut fits = false;
        for value in values {
            let mut built = self.records.built[value].iter();
            let Some(built) = built.find(|it| it.unit == unit && it.is_here) else {
                continue;
            };
            if !self.is_leftover(built) {
                fits |= built.fits;
                if self.is_touched(*value) {
                    return true;
                }
            }
        }
        !fits || !self.records.is_current(unit)
    }

    /// The records of affected units that the change does not touch, where records are proof.
    pub fn untouched(&self, affected: &Affected) -> HashMap<UnitIx, Vec<RecordId>> {
        let mut untouched = HashMap::new();
        for (unit, _) in affected.units() {
            let values = self.values.get(&unit).into_iter().flatten();
            let apart: Vec<u64> = values.copied().filter(|it| !self.is_touched(*it)).collect();
            if !apart.is_empty() && self.records.is_current(unit) {
                let built = apart.iter().flat_map(|value| &self.records.built[value]);
                untouched.insert(unit, built.map(|built| built.id.clone()).collect());
            }
        }
        untouched
    }

    fn is_leftover(&self, built: &Built) -> bool {
        let mut dependencies = built.dependencies.iter();
        dependencies.any(|(package, on)| {
            self.packages.contains(package) && !self.records.built.contains_key(on)
        })
    }

    /// Whether a change touches a record, or what it was built against.
    fn is_touched(&self, value: u64) -> bool {
        if let Some(&known) = self.touched.borrow().get(&value) {
            return known;
        }
        let is_touched = self.records.built[&value].iter().any(|built| {
            let dependencies = built.dependencies.iter().map(|&(_, on)| on);
            let mut known = dependencies.filter(|on| self.records.built.contains_key(on));
            built.lists_change
                || self.wholly.contains(&built.unit)
                || self.in_part.contains(&built.unit) && !self.records.is_as_recorded(built)
                || self.is_leftover(built)
                || known.any(|on| self.is_touched(on))
        });
        self.touched.borrow_mut().insert(value, is_touched);
        is_touched
    }
}
