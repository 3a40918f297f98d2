//! The old unit next to a new unit.
//!
//! A new unit is compared with the unit that the same dependent used before, of the same mode. If
//! no dependent was built before, the unit is compared with the old unit of the same mode that
//! differs least.

use std::cell::RefCell;
use std::collections::BTreeMap;

use xtask_impact::build_dir::dep_info::Fingerprint;

use super::cause::{CauseKind, RootCause};
use super::graph::BuildGraph;
use crate::cargo_runs::rehearsal::{JudgedUnit, RecordKey};
use crate::rebuilds::records::{Produced, Record, Records};

/// The search for siblings in the records before the build.
pub(crate) struct Siblings<'a> {
    pub(crate) units: &'a [JudgedUnit],
    pub(crate) graph: &'a BuildGraph,
    pub(crate) before: &'a Records,
    pub(crate) after: &'a Records,
    pub(crate) is_clippy: bool,
    pub(crate) flags: &'a dyn Fn(&RecordKey) -> Option<Vec<String>>,
    found: RefCell<BTreeMap<usize, Option<RecordKey>>>,
}

impl<'a> Siblings<'a> {
    pub(crate) fn new(
        units: &'a [JudgedUnit],
        graph: &'a BuildGraph,
        before: &'a Records,
        after: &'a Records,
        is_clippy: bool,
        flags: &'a dyn Fn(&RecordKey) -> Option<Vec<String>>,
    ) -> Self {
        Self {
            units,
            graph,
            before,
            after,
            is_clippy,
            flags,
            found: RefCell::default(),
        }
    }

    /// Returns the old record of a unit: its own, or the record of its sibling.
    pub(crate) fn of(&self, unit: usize) -> Option<RecordKey> {
        let own = &self.units[unit].key;
        if self.before.get(own).is_some() {
            return Some(own.clone());
        }
        if let Some(found) = self.found.borrow().get(&unit) {
            return found.clone();
        }
        let used = self.used_by_dependents(unit);
        let found = self.nearest(unit, used);
        self.found.borrow_mut().insert(unit, found.clone());
        found
    }

    /// Returns the old units with the same name that the dependents used.
    fn used_by_dependents(&self, unit: usize) -> Vec<RecordKey> {
        let mut used = Vec::new();
        for &dependent in &self.graph.dependents[unit] {
            let Some(old) = self.of(dependent) else {
                continue;
            };
            let Some(record) = self.before.get(&old) else {
                continue;
            };
            for dependency in &record.values.deps {
                used.extend(self.before.with_value(dependency.3).iter().cloned());
            }
        }
        used.sort();
        used.dedup();
        used
    }

    /// Returns the most similar candidate of the same mode; of equal candidates, the newest.
    fn nearest(&self, unit: usize, used: Vec<RecordKey>) -> Option<RecordKey> {
        let own = &self.units[unit].key;
        let own_flags = (self.flags)(own).unwrap_or_default();
        let is_alike = |key: &RecordKey, record: &Record| {
            // A unit of this build was not replaced by another unit.
            !self.graph.places.contains_key(key) && self.has_mode(unit, record)
        };
        let own_values = self.after.get(own).map(|it| &it.values);
        let settings = |record: &Record| {
            own_values.map_or(0, |new| differences(&record.values, new, own).len())
        };
        let distance = |key: &RecordKey, record: &Record| {
            // The same platform comes first.
            let is_elsewhere = key.place != own.place;
            let flags = (self.flags)(key).unwrap_or_default();
            let other = flags.iter().filter(|it| !own_flags.contains(it)).count()
                + own_flags.iter().filter(|it| !flags.contains(it)).count();
            let age = std::cmp::Reverse(record.finished);
            (is_elsewhere, settings(record), other, age)
        };
        let mut alike = self.before.variants(own);
        alike.retain(|(key, record)| is_alike(key, record));
        let best = |candidates: &[(&RecordKey, &Record)]| {
            let nearest = candidates.iter().min_by_key(|it| distance(it.0, it.1));
            nearest.map(|it| it.0.clone())
        };
        let by_dependents: Vec<_> = alike
            .iter()
            .filter(|(key, _)| used.binary_search(key).is_ok())
            .copied()
            .collect();
        best(&by_dependents).or_else(|| best(&alike))
    }

    fn has_mode(&self, unit: usize, record: &Record) -> bool {
        let judged = &self.units[unit];
        let is_member = judged.package.ends_with(')');
        match judged.mode.split(' ').next().unwrap_or_default() {
            "Check" if self.is_clippy && is_member => {
                matches!(record.produced, Produced::Linted | Produced::Other)
            }
            "Check" => matches!(record.produced, Produced::Metadata | Produced::Other),
            "Build" | "Test" => matches!(record.produced, Produced::Linked | Produced::Other),
            _ => true,
        }
    }
}

/// Returns the settings in which two records of one target differ, each as a cause. A record of
/// another compiler cannot be compared further.
pub(crate) fn differences(old: &Fingerprint, new: &Fingerprint, key: &RecordKey) -> Vec<RootCause> {
    if old.rustc != new.rustc {
        return vec![RootCause::of(CauseKind::Toolchain).with_values(
            Some(format!("{:x}", old.rustc)),
            Some(format!("{:x}", new.rustc)),
        )];
    }
    let of_package = |kind| RootCause::about(kind, &key.package);
    let listed = |words: &[String], between: &str| Some(words.join(between));
    let mut found = Vec::new();
    if old.features != new.features {
        let values = |it: &Fingerprint| listed(&it.features, ", ");
        found.push(of_package(CauseKind::Features).with_values(values(old), values(new)));
    }
    if old.declared_features != new.declared_features {
        let values = |it: &Fingerprint| listed(&it.declared_features, ", ");
        found.push(of_package(CauseKind::DeclaredFeatures).with_values(values(old), values(new)));
    }
    if old.rustflags != new.rustflags {
        let values = |it: &Fingerprint| listed(&it.rustflags, " ");
        found.push(RootCause::of(CauseKind::Rustflags).with_values(values(old), values(new)));
    }
    let numbers = [
        (
            old.profile != new.profile,
            RootCause::of(CauseKind::Profile),
        ),
        (
            old.compile_kind != new.compile_kind,
            RootCause::of(CauseKind::Platform),
        ),
        (
            old.target != new.target,
            of_package(CauseKind::TargetSettings),
        ),
        (old.path != new.path, of_package(CauseKind::SourcePath)),
        (
            old.config != new.config,
            RootCause::of(CauseKind::ConfigSettings),
        ),
    ];
    found.extend(numbers.into_iter().filter(|it| it.0).map(|it| it.1));
    found
}
