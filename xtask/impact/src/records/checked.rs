//! Finds the units that `cargo check` left as `cargo doc` needs them.
//!
//! The first documentation that uses a library makes cargo check the library, unless `cargo check`
//! has done so already. A record proves that: the record has the features that the documentation
//! needs, and since the record was made, only the change set can have altered the unit or one of
//! its dependencies.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::{Record, Records};
use crate::resolve_diff::RecordedConfiguration;
use crate::unit_graph::{Mode, UnitIx};

/// The checked units of a workspace.
pub struct CheckedUnits<'a> {
    records: &'a Records<'a>,
    /// The records by the value by which their dependents refer to them.
    by_value: HashMap<u64, Vec<&'a Record<'a>>>,
    /// The hashes of the packages that have records.
    packages: HashSet<u64>,
    /// True for the records that only the change set can have altered.
    settled: RefCell<HashMap<u64, bool>>,
}

impl<'a> CheckedUnits<'a> {
    /// Finds the records that the units refer to.
    pub fn new(records: &'a Records<'a>) -> Self {
        let mut by_value: HashMap<u64, Vec<&Record<'_>>> = HashMap::new();
        for record in records.all().filter(|record| record.is_here) {
            let same = by_value.entry(record.evidence.value);
            same.or_default().push(record);
        }
        let all = by_value.values().flatten();
        let dependencies = all.flat_map(|record| &record.evidence.dependencies);
        let met = dependencies.filter(|(_, value)| by_value.contains_key(value));
        Self {
            records,
            packages: met.map(|(package, _)| *package).collect(),
            by_value,
            settled: RefCell::default(),
        }
    }

    /// Returns true if a build left a unit in this form.
    pub fn has(&self, unit: UnitIx, form: &RecordedConfiguration) -> bool {
        // The record of a script run has no features.
        let is_run = self.records.graph().unit(unit).mode == Mode::RunCustomBuild;
        let mut records = self.records.of(unit).iter();
        records.any(|record| {
            record.is_here
                && (is_run || record.evidence.features.iter().eq(&form.features))
                && record.place.is_checked(record.evidence) == form.is_checked
                && self.is_settled(record)
        })
    }

    /// Returns true if only the change set can have altered the files of a record and of the
    /// records of its dependencies.
    fn is_settled(&self, record: &Record<'_>) -> bool {
        let value = record.evidence.value;
        if let Some(&known) = self.settled.borrow().get(&value) {
            return known;
        }
        let mut dependencies = record.evidence.dependencies.iter();
        let is_settled = self.records.is_as_recorded(record)
            && dependencies.all(|(package, value)| match self.by_value.get(value) {
                Some(records) => records.iter().all(|record| self.is_settled(record)),
                // External packages have no records here, and neither have overridden scripts.
                None => !self.packages.contains(package) || self.records.is_of_overridden(*value),
            });
        self.settled.borrow_mut().insert(value, is_settled);
        is_settled
    }
}

#[cfg(test)]
mod tests;
