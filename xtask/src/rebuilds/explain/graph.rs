//! The dependencies between the units of a build, from the records that the rehearsal left.

use std::collections::BTreeMap;

use crate::cargo_runs::rehearsal::{JudgedUnit, RecordKey};
use crate::rebuilds::records::Records;
use crate::rebuilds::rehearsal::Rehearsal;

/// The units of a build by their index, and the dependencies between them.
pub(crate) struct BuildGraph {
    /// The index of each unit.
    pub(crate) places: BTreeMap<RecordKey, usize>,
    /// The dependencies of each unit.
    pub(crate) dependencies: Vec<Vec<usize>>,
    /// The dependents of each unit.
    pub(crate) dependents: Vec<Vec<usize>>,
}

impl BuildGraph {
    /// Returns the graph of a rehearsed build. A unit that the rehearsal did not reach has the
    /// dependencies of its old record.
    pub(crate) fn new(rehearsal: &Rehearsal) -> Self {
        let units = &rehearsal.units;
        let keys = units.iter().map(|unit| unit.key.clone());
        let places: BTreeMap<RecordKey, usize> = keys.zip(0..).collect();
        let mut dependents = vec![Vec::new(); units.len()];
        let dependencies: Vec<Vec<usize>> = units
            .iter()
            .map(|unit| dependencies_of(unit, rehearsal, &places))
            .collect();
        for (user, needed) in dependencies.iter().enumerate() {
            for &place in needed {
                dependents[place].push(user);
            }
        }
        Self {
            places,
            dependencies,
            dependents,
        }
    }
}

fn dependencies_of(
    unit: &JudgedUnit,
    rehearsal: &Rehearsal,
    places: &BTreeMap<RecordKey, usize>,
) -> Vec<usize> {
    let in_records = |records: &Records| {
        let record = records.get(&unit.key).filter(|it| it.value.is_some())?;
        let needed = record.values.deps.iter().flat_map(|it| {
            let keys = records.with_value(it.3).iter();
            keys.filter_map(|key| places.get(key).copied())
        });
        Some(needed.collect::<Vec<_>>())
    };
    in_records(&rehearsal.after)
        .or_else(|| in_records(&rehearsal.before))
        .unwrap_or_default()
}
