//! Decides which of cargo's variants of a unit a change touches.
//!
//! A library can be a dependency of both a build script (or procedural macro) and ordinary code.
//! Cargo may then build the library twice, with different features, and the two variants read
//! different files. The kit has one unit for both variants. The records distinguish the variants,
//! because each record names the records of its dependencies. A unit is left out if no record of
//! the unit depends on a changed variant. The records must also be current, because only current
//! records are proof: see [`crate::records`]. If a seed does not come from a record, all variants
//! of its unit are touched.
//!
//! Two variants with the same features are also distinguished in one case: cargo may build a
//! library once for programs that abort and once for tests that unwind. Other variants are not
//! distinguished. A user who builds packages one by one also has records with other features than a
//! build of the whole workspace, and the kit does not know which of them the next build needs. A
//! record whose dependency's record is gone is a leftover: such a record cannot belong to the build
//! of the base, because cargo would have rebuilt the unit.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::Affected;
use crate::records::{Record, RecordId, Records};
use crate::seeds::{Effect, Propagation, Seed};
use crate::unit_graph::UnitIx;

/// The variants of units that the seeds of a change touch, by their records.
pub struct Variants<'a> {
    records: &'a Records<'a>,
    /// The units whose variants are all touched, because a seed does not come from a record.
    wholly: HashSet<UnitIx>,
    /// The records by the value by which their dependents refer to them. This field and the fields
    /// below stay empty if every touched unit is touched in all its variants.
    by_value: HashMap<u64, Vec<&'a Record<'a>>>,
    /// The records of each unit on each side.
    recorded: HashMap<(UnitIx, MachineSide), Vec<&'a Record<'a>>>,
    touched: RefCell<HashMap<(UnitIx, MachineSide), bool>>,
    /// True for the records that the change touches.
    touched_records: RefCell<HashMap<(*const Record<'a>, MachineSide), bool>>,
    as_recorded: RefCell<HashMap<(UnitIx, MachineSide), bool>>,
}

/// The machine that cargo builds a unit for. Without `--target` both sides are the same machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum MachineSide {
    /// Build scripts, procedural macros and their dependencies.
    Host,
    /// All other units.
    Target,
}

const SIDES: [MachineSide; 2] = [MachineSide::Host, MachineSide::Target];

impl<'a> Variants<'a> {
    /// Finds the touched variants, given the seeds of a change.
    pub fn new(records: &'a Records<'a>, seeds: &[Seed]) -> Self {
        let rebuilt = || seeds.iter().filter(|it| it.effect == Effect::Rebuilt);
        let of = |is_its: &dyn Fn(Propagation) -> bool| {
            let seeds = rebuilt().filter(|it| is_its(it.spread));
            seeds.map(|seed| seed.unit).collect::<HashSet<_>>()
        };
        // For these units, only the records that list a changed path are touched.
        let in_part = of(&|spread| spread == Propagation::Recorded);
        let mut variants = Self {
            records,
            wholly: of(&|spread| spread != Propagation::Recorded),
            by_value: HashMap::new(),
            recorded: HashMap::new(),
            touched: RefCell::default(),
            touched_records: RefCell::default(),
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

    /// Finds the side or sides that each record was built for.
    fn take_sides(&mut self) {
        for record in self.records.all() {
            let same = self.by_value.entry(record.evidence.value);
            same.or_default().push(record);
        }
        let live = self.live();
        let hosts_own = live.iter().filter(|it| it.is_for_host);
        let host = self.below(hosts_own.copied(), MachineSide::Host);
        let is_the_targets =
            |it: &&Record<'_>| !it.is_for_host && !host.contains(&it.evidence.value);
        let with_own: HashSet<UnitIx> = live
            .iter()
            .filter(|it| is_the_targets(it))
            .map(|it| it.unit)
            .collect();
        // A unit whose variants for host and target are identical is built once and has one record.
        let starts = live
            .iter()
            .filter(|it| is_the_targets(it) || !it.is_for_host && !with_own.contains(&it.unit));
        let target = self.below(starts.copied(), MachineSide::Target);
        for record in live {
            for (side, values) in SIDES.into_iter().zip([&host, &target]) {
                if values.contains(&record.evidence.value) {
                    let recorded = self.recorded.entry((record.unit, side));
                    recorded.or_default().push(record);
                }
            }
        }
    }

    /// Returns the records that are not leftovers.
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

    /// Returns the values of the records in `starts` and of all their dependencies on the same
    /// side.
    fn below(
        &self,
        starts: impl Iterator<Item = &'a Record<'a>>,
        side: MachineSide,
    ) -> HashSet<u64> {
        let mut below = HashSet::new();
        let mut pending: Vec<&Record<'_>> = starts.collect();
        while let Some(record) = pending.pop() {
            if below.insert(record.evidence.value) {
                let on = self.dependencies(record);
                pending.extend(on.filter(|it| side == MachineSide::Host || !it.is_for_host));
            }
        }
        below
    }

    fn dependencies(&self, record: &Record<'a>) -> impl Iterator<Item = &'a Record<'a>> {
        let values = record.evidence.dependencies.iter().map(|(_, value)| value);
        let records = values.flat_map(|value| self.by_value.get(value).into_iter().flatten());
        records.copied()
    }

    /// Returns true if the change may touch a variant of a unit. Returns false only if the records
    /// prove that the change touches no variant.
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

    /// Returns the records of affected units that the change does not touch, if the records are
    /// proof.
    pub fn untouched(&self, affected: &Affected) -> HashMap<UnitIx, Vec<RecordId>> {
        let mut untouched = HashMap::new();
        if self.recorded.is_empty() {
            return untouched;
        }
        for (unit, _) in affected.units() {
            let (touched, apart): (Vec<MachineSide>, Vec<MachineSide>) = SIDES
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

    /// Returns the records of a unit on one side.
    fn on(&self, unit: UnitIx, side: MachineSide) -> impl Iterator<Item = &'a Record<'a>> {
        let records = self.recorded.get(&(unit, side)).into_iter().flatten();
        records.copied()
    }

    /// Returns true if the change touches a record of a unit on one side, or a dependency of this
    /// record.
    fn is_touched(&self, unit: UnitIx, side: MachineSide) -> bool {
        if let Some(&known) = self.touched.borrow().get(&(unit, side)) {
            return known;
        }
        // Leftover records of older manifests can form a cycle. This entry ends the recursion.
        self.touched.borrow_mut().insert((unit, side), true);
        let mut records = self.on(unit, side);
        let is_touched = records.any(|record| self.is_record_touched(record, side));
        self.touched.borrow_mut().insert((unit, side), is_touched);
        is_touched
    }

    /// Returns true if the change touches a record or a dependency of the record. The next build
    /// may use a variant of a dependency with other features.
    fn is_record_touched(&self, record: &'a Record<'a>, side: MachineSide) -> bool {
        let key = (std::ptr::from_ref(record), side);
        if let Some(&known) = self.touched_records.borrow().get(&key) {
            return known;
        }
        // See [`Self::is_touched`].
        self.touched_records.borrow_mut().insert(key, true);
        let is_touched_below = |on: &'a Record<'a>| {
            let side = on.side(side);
            let others = self.on(on.unit, side);
            let mut others = others.filter(|it| it.evidence.features != on.evidence.features);
            self.is_record_touched(on, side) || others.any(|it| self.is_record_touched(it, side))
        };
        let is_touched = record.lists_change
            || self.wholly.contains(&record.unit)
            || self.dependencies(record).any(is_touched_below);
        self.touched_records.borrow_mut().insert(key, is_touched);
        is_touched
    }

    /// Returns true if the last record of a unit on one side is still current, and so are the
    /// records of its dependencies. This check reads the modification time of every recorded file.
    fn is_as_recorded(&self, unit: UnitIx, side: MachineSide) -> bool {
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
    /// Returns the side that the record is built for, given the side of its dependent.
    fn side(&self, user: MachineSide) -> MachineSide {
        match self.is_for_host {
            true => MachineSide::Host,
            false => user,
        }
    }
}

#[cfg(test)]
mod tests;
