//! Which of cargo's units behind one of ours a change touches.
//!
//! A library that a build script or a procedural macro is built from may have other features there
//! than elsewhere, and then reads other files. For the kit both are one unit; their records tell
//! them apart, since each names those that it was built against. A unit all of whose records go back
//! to others than the changed ones is not reached, if they are proof: see [`super::records`]. Where
//! anything but a record says what a change touches, all behind a unit are touched.
//!
//! No more than these two are told apart: somebody who builds packages one by one has records of
//! them with other features than when all are built, and which of those the next build needs is not
//! known. A record that was built against one which is gone is a leftover, of no build that could be
//! the base's: cargo would have built it anew.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::records::{Record, RecordId, Records};
use super::{Affected, Effect, Seed, Spread};
use crate::graph::UnitIx;

/// What of a change's units it touches, by their records.
pub struct Variants<'a> {
    records: &'a Records<'a>,
    /// The units whose records do not tell which of them are touched.
    wholly: HashSet<UnitIx>,
    /// The records by the values that others refer to them by; empty where no unit is touched in
    /// part, as is what follows.
    by_value: HashMap<u64, Vec<&'a Record<'a>>>,
    /// What is recorded of a unit on each side.
    recorded: HashMap<(UnitIx, Side), Vec<&'a Record<'a>>>,
    touched: RefCell<HashMap<(UnitIx, Side), bool>>,
    as_recorded: RefCell<HashMap<(UnitIx, Side), bool>>,
}

/// For whom cargo builds a unit; without `--target` that is the same machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Side {
    /// A build script, a procedural macro, or what these are built from.
    Host,
    /// Everything else.
    Target,
}

const SIDES: [Side; 2] = [Side::Host, Side::Target];

impl<'a> Variants<'a> {
    /// Of the seeds of a change.
    pub fn new(records: &'a Records<'a>, seeds: &[Seed]) -> Self {
        let rebuilt = || seeds.iter().filter(|it| it.effect == Effect::Rebuilt);
        let of = |is_its: &dyn Fn(Spread) -> bool| {
            let seeds = rebuilt().filter(|it| is_its(it.spread));
            seeds.map(|seed| seed.unit).collect::<HashSet<_>>()
        };
        // Of these the records are touched that list a changed path.
        let in_part = of(&|spread| spread == Spread::Recorded);
        let mut variants = Self {
            records,
            wholly: of(&|spread| spread != Spread::Recorded),
            by_value: HashMap::new(),
            recorded: HashMap::new(),
            touched: RefCell::default(),
            as_recorded: RefCell::default(),
        };
        let tells_apart = |record: &Record<'_>| {
            let is_in_part = in_part.contains(&record.unit);
            let is_one_of_several = records.has_several_builds(record.unit);
            let is_apart = !record.fits || is_one_of_several;
            record.is_here && (is_apart || is_in_part && !record.lists_change)
        };
        let all_recorded = rebuilt().all(|seed| records.has_all_of(seed.unit));
        if all_recorded && records.all().any(tells_apart) {
            variants.take_sides();
        }
        variants
    }

    /// Finds for which side each record was built.
    fn take_sides(&mut self) {
        for record in self.records.all() {
            let same = self.by_value.entry(record.evidence.value);
            same.or_default().push(record);
        }
        let live = self.live();
        let hosts_own = live.iter().filter(|it| it.is_for_host);
        let host = self.below(hosts_own.copied(), Side::Host);
        let is_the_targets =
            |it: &&Record<'_>| !it.is_for_host && !host.contains(&it.evidence.value);
        let with_own: HashSet<UnitIx> = live
            .iter()
            .filter(|it| is_the_targets(it))
            .map(|it| it.unit)
            .collect();
        // What is the same on both sides is built once.
        let starts = live
            .iter()
            .filter(|it| is_the_targets(it) || !it.is_for_host && !with_own.contains(&it.unit));
        let target = self.below(starts.copied(), Side::Target);
        for record in live {
            for (side, values) in SIDES.into_iter().zip([&host, &target]) {
                if values.contains(&record.evidence.value) {
                    let recorded = self.recorded.entry((record.unit, side));
                    recorded.or_default().push(record);
                }
            }
        }
    }

    /// The records that are no leftovers.
    fn live(&self) -> Vec<&'a Record<'a>> {
        let here = self.records.all().filter(|record| record.is_here);
        let mut live: Vec<_> = here.collect();
        let mut values: HashSet<u64> = live.iter().map(|it| it.evidence.value).collect();
        let dependencies = live.iter().flat_map(|it| &it.evidence.dependencies);
        let met = dependencies.filter(|(_, on)| values.contains(on));
        let packages: HashSet<u64> = met.map(|&(package, _)| package).collect();
        loop {
            live.retain(|record| {
                let mut dependencies = record.evidence.dependencies.iter();
                dependencies.all(|(package, on)| {
                    let is_there = values.contains(on) || self.records.is_of_overridden(*on);
                    is_there || !packages.contains(package)
                })
            });
            let left: HashSet<u64> = live.iter().map(|it| it.evidence.value).collect();
            if left.len() == values.len() {
                return live;
            }
            values = left;
        }
    }

    /// The values of records and of all that these were built against on the same side.
    fn below(&self, starts: impl Iterator<Item = &'a Record<'a>>, side: Side) -> HashSet<u64> {
        let mut below = HashSet::new();
        let mut pending: Vec<&Record<'_>> = starts.collect();
        while let Some(record) = pending.pop() {
            if below.insert(record.evidence.value) {
                let on = self.dependencies(record);
                pending.extend(on.filter(|it| side == Side::Host || !it.is_for_host));
            }
        }
        below
    }

    fn dependencies(&self, record: &Record<'a>) -> impl Iterator<Item = &'a Record<'a>> {
        let values = record.evidence.dependencies.iter().map(|(_, value)| value);
        let records = values.flat_map(|value| self.by_value.get(value).into_iter().flatten());
        records.copied()
    }

    /// Whether any of cargo's units behind one that is built from a touched one is touched, too.
    pub fn are_reached(&self, unit: UnitIx) -> bool {
        let is_proof = || {
            let mut records = SIDES.iter().flat_map(|&side| self.on(unit, side));
            records.any(|record| record.fits)
        };
        let is_touched = || SIDES.iter().any(|&side| self.is_touched(unit, side));
        let is_as_recorded = || SIDES.iter().all(|&side| self.is_as_recorded(unit, side));
        let is_left_out = !self.recorded.is_empty()
            && is_proof()
            && !is_touched()
            && is_as_recorded()
            && self.records.is_current(unit);
        !is_left_out
    }

    /// The records of affected units that the change does not touch, where records are proof.
    pub fn untouched(&self, affected: &Affected) -> HashMap<UnitIx, Vec<RecordId>> {
        let mut untouched = HashMap::new();
        if self.recorded.is_empty() {
            return untouched;
        }
        for (unit, _) in affected.units() {
            let (touched, apart): (Vec<Side>, Vec<Side>) = SIDES
                .into_iter()
                .partition(|&side| self.is_touched(unit, side));
            let touched = touched.iter().flat_map(|&side| self.on(unit, side));
            let touched: HashSet<u64> = touched.map(|it| it.evidence.value).collect();
            let records = apart.iter().flat_map(|&side| self.on(unit, side));
            let records = records.filter(|it| !touched.contains(&it.evidence.value));
            let records: Vec<RecordId> = records.map(Record::id).collect();
            let mut apart = apart.into_iter();
            if !records.is_empty()
                && apart.all(|side| self.is_as_recorded(unit, side))
                && self.records.is_current(unit)
            {
                untouched.insert(unit, records);
            }
        }
        untouched
    }

    /// What is recorded of a unit on a side.
    fn on(&self, unit: UnitIx, side: Side) -> impl Iterator<Item = &'a Record<'a>> {
        let records = self.recorded.get(&(unit, side)).into_iter().flatten();
        records.copied()
    }

    /// Whether a change touches what is recorded of a unit on a side, or what that was built
    /// against.
    fn is_touched(&self, unit: UnitIx, side: Side) -> bool {
        if let Some(&known) = self.touched.borrow().get(&(unit, side)) {
            return known;
        }
        // Leftovers of other manifests may go round in a circle.
        self.touched.borrow_mut().insert((unit, side), true);
        let is_touched = self.on(unit, side).any(|record| {
            let mut below = self.dependencies(record);
            record.lists_change
                || self.wholly.contains(&unit)
                || below.any(|on| self.is_touched(on.unit, on.side(side)))
        });
        self.touched.borrow_mut().insert((unit, side), is_touched);
        is_touched
    }

    /// Whether what was recorded last of a unit on a side still holds, and that of all that it was
    /// built against. That takes a look at every file.
    fn is_as_recorded(&self, unit: UnitIx, side: Side) -> bool {
        if let Some(&known) = self.as_recorded.borrow().get(&(unit, side)) {
            return known;
        }
        self.as_recorded.borrow_mut().insert((unit, side), false);
        let newest = self.on(unit, side).max_by_key(|record| record.invoked());
        let is_as_recorded = newest.is_none_or(|record| {
            let mut below = self.dependencies(record);
            self.records.is_as_recorded(record)
                && below.all(|on| self.is_as_recorded(on.unit, on.side(side)))
        });
        let mut known = self.as_recorded.borrow_mut();
        known.insert((unit, side), is_as_recorded);
        is_as_recorded
    }
}

impl Record<'_> {
    /// For whom it is built, by what is built against it.
    fn side(&self, user: Side) -> Side {
        match self.is_for_host {
            true => Side::Host,
            false => user,
        }
    }
}

#[cfg(test)]
mod tests;
