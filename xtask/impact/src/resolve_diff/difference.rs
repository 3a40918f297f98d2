//! Compares two of cargo's unit graphs.
//!
//! [`differences`] reports *direct* differences only. A unit that changes because a dependency
//! changed is found by following the edges of the graph, or by [`rebuilt`].

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use crate::resolve_diff::cargo_unit_graph::{
    CargoUnit, CargoUnitGraph, PackageKey, RecordedConfiguration, TargetKey, UnitConfiguration,
    UnitDependency,
};

/// A unit that cargo would configure differently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitDifference {
    /// The package after the change, or before the change if the unit vanished.
    pub package: PackageKey,
    /// The unit within the package.
    pub target: TargetKey,
    /// The difference.
    pub what: Difference,
}

/// The kind of difference of a unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Difference {
    /// The unit did not exist before.
    Appeared,
    /// An existing unit is also built in a new, additional configuration. Its dependents are not
    /// affected by that: dependents that use the new configuration are reported themselves.
    Further,
    /// A configuration of the unit no longer exists. This alone rebuilds nothing.
    Vanished,
    /// The unit exists on both sides. Each line names one difference (`features +a -b`).
    Changed(Vec<String>),
}

/// Returns the units that cargo would configure differently after the change than before, sorted.
pub(super) fn differences(before: &CargoUnitGraph, after: &CargoUnitGraph) -> Vec<UnitDifference> {
    let mut found = BTreeSet::new();
    let mut sides: BTreeMap<_, (Vec<&CargoUnit>, Vec<usize>)> = BTreeMap::new();
    for unit in &before.units {
        sides.entry(&unit.key).or_default().0.push(unit);
    }
    for (index, unit) in after.units.iter().enumerate() {
        sides.entry(&unit.key).or_default().1.push(index);
    }
    let mut own = vec![None; after.units.len()];
    for ((_, target), (mut old, new)) in sides {
        let was_there = !old.is_empty();
        let mut unlike = Vec::new();
        for index in new {
            let facts = &after.units[index].facts;
            match old.iter().position(|old| &old.facts == facts) {
                Some(same) => drop(old.swap_remove(same)),
                None => unlike.push(index),
            }
        }
        for index in unlike {
            let unit = &after.units[index];
            let nearest = (0..old.len())
                .map(|index| (changes(&old[index].facts, &unit.facts), index))
                .min_by_key(|(changes, index)| (changes.len(), *index));
            own[index] = Some(match nearest {
                Some((changes, index)) => {
                    old.swap_remove(index);
                    Difference::Changed(changes)
                }
                None if was_there => Difference::Further,
                None => Difference::Appeared,
            });
        }
        found.extend(old.into_iter().map(|unit| UnitDifference {
            package: unit.facts.package.clone(),
            target: target.clone(),
            what: Difference::Vanished,
        }));
    }
    switched(before, after, &mut own);
    for (unit, what) in after.units.iter().zip(own) {
        let (package, target) = (unit.facts.package.clone(), unit.key.1.clone());
        found.extend(what.map(|what| UnitDifference {
            package,
            target,
            what,
        }));
    }
    found.into_iter().collect()
}

/// Returns all units that cargo would recompile or rerun, including dependents. Configurations of
/// one unit are kept apart. In a graph with one node for all configurations of a unit, following
/// [`differences`] finds the same units or more.
pub(super) fn rebuilt(
    before: &CargoUnitGraph,
    after: &CargoUnitGraph,
) -> BTreeSet<(PackageKey, TargetKey)> {
    let built: HashSet<u64> = before.units.iter().map(|unit| unit.deep).collect();
    let units = after.units.iter();
    units
        .filter(|unit| !built.contains(&unit.deep))
        .map(|unit| (unit.facts.package.clone(), unit.key.1.clone()))
        .collect()
}

/// Returns the units that cargo would build again, but that another command built before the change
/// in all their configurations. `other` is the unit graph of the other command before the change.
pub(super) fn checked(
    before: &CargoUnitGraph,
    other: &CargoUnitGraph,
    after: &CargoUnitGraph,
) -> BTreeMap<(PackageKey, TargetKey), Vec<RecordedConfiguration>> {
    let values = |graph: &CargoUnitGraph| graph.units.iter().map(|unit| unit.deep).collect();
    let (built, built_by_other): (HashSet<u64>, HashSet<u64>) = (values(before), values(other));
    let mut found = BTreeMap::new();
    let mut unbuilt = BTreeSet::new();
    for unit in after
        .units
        .iter()
        .filter(|unit| !built.contains(&unit.deep))
    {
        let key = (unit.facts.package.clone(), unit.key.1.clone());
        if built_by_other.contains(&unit.deep) {
            let forms: &mut Vec<_> = found.entry(key).or_default();
            forms.push(RecordedConfiguration {
                features: unit.facts.features.clone(),
                is_checked: !unit.facts.object_code,
            });
        } else {
            unbuilt.insert(key);
        }
    }
    found.retain(|key, _| !unbuilt.contains(key));
    found
}

/// Reports the units whose own configuration is the same, but whose dependency is another of
/// several configurations of one unit. No difference of the dependency leads to such a unit.
fn switched(before: &CargoUnitGraph, after: &CargoUnitGraph, own: &mut [Option<Difference>]) {
    let built: HashSet<u64> = before.units.iter().map(|unit| unit.deep).collect();
    let leads_on = |what: &Option<Difference>| {
        matches!(what, Some(Difference::Appeared | Difference::Changed(_)))
    };
    let mut reached = vec![false; own.len()];
    for &index in after.users_first.iter().rev() {
        let unit = &after.units[index];
        let mut below = unit.dependencies.iter().map(|(_, index)| *index);
        reached[index] = leads_on(&own[index]) || below.any(|index| reached[index]);
        if !reached[index] && own[index].is_none() && !built.contains(&unit.deep) {
            let names: BTreeSet<&str> = unit.dependencies.iter().map(|on| &*on.0).collect();
            let names = Vec::from_iter(names).join(", ");
            let line = format!("dependency in another of its configurations: one of {names}");
            own[index] = Some(Difference::Changed(vec![line]));
            reached[index] = true;
        }
    }
}

/// Returns the differences between two configurations of one unit, one per line.
fn changes(old: &UnitConfiguration, new: &UnitConfiguration) -> Vec<String> {
    let mut lines = Vec::new();
    let mut values = |what: &str, old: &str, new: &str| {
        if old != new {
            lines.push(format!("{what} {old} → {new}"));
        }
    };
    values("version", &old.package.version, &new.package.version);
    values("source", &old.package.source, &new.package.source);
    if old.package == new.package {
        // The source file of a registry or git package moves whenever its version or source
        // changes.
        values("source file", &old.source_file, &new.source_file);
    }
    values("edition", &old.edition, &new.edition);
    let crate_types = |facts: &UnitConfiguration| facts.crate_types.join(", ");
    values("crate types", &crate_types(old), &crate_types(new));
    let fields: BTreeSet<&String> = old.profile.keys().chain(new.profile.keys()).collect();
    for field in fields {
        let value =
            |facts: &UnitConfiguration| facts.profile.get(field).cloned().unwrap_or_default();
        values(&format!("profile {field}"), &value(old), &value(new));
    }
    lines.extend(signed("features", &old.features, &new.features));
    match (old.object_code, new.object_code) {
        (true, false) => lines.push("object code → metadata".to_owned()),
        (false, true) => lines.push("metadata → object code".to_owned()),
        _ => {}
    }
    let linked = "used with link-time optimisation by";
    lines.extend(signed(linked, &old.needed_for, &new.needed_for));
    if old.doc_doctest_test != new.doc_doctest_test {
        lines.push("the target's doc, doctest or test setting".to_owned());
    }
    let gone: Vec<_> = old.dependencies.difference(&new.dependencies).collect();
    let mut come: Vec<_> = new.dependencies.difference(&old.dependencies).collect();
    for old in gone {
        let same = |new: &&UnitDependency| {
            (&new.extern_name, &new.target.kind) == (&old.extern_name, &old.target.kind)
        };
        let line = match come.iter().position(same) {
            Some(index) => old.compared(come.remove(index)),
            None => format!("dependency -{}", old.named()),
        };
        lines.push(line);
    }
    let come = come.into_iter();
    lines.extend(come.map(|new| format!("dependency +{}", new.named())));
    lines
}

fn signed(what: &str, old: &BTreeSet<String>, new: &BTreeSet<String>) -> Option<String> {
    let come = new.difference(old).map(|name| format!(" +{name}"));
    let gone = old.difference(new).map(|name| format!(" -{name}"));
    let signs: String = come.chain(gone).collect();
    (!signs.is_empty()).then(|| format!("{what}{signs}"))
}

impl UnitDependency {
    fn named(&self) -> String {
        let Self {
            package, target, ..
        } = self;
        match target.kind.as_str() {
            "lib" if target.name.replace('-', "_") == self.extern_name => package.to_string(),
            "lib" => format!("{package} as {}", self.extern_name),
            "custom-build" => format!("{package}, its build script"),
            kind => format!("{package}, {kind} {}", target.name),
        }
    }

    fn compared(&self, new: &Self) -> String {
        let name = new.named();
        if self.package != new.package {
            format!("dependency {} → {name}", self.named())
        } else if self.target != new.target {
            format!("dependency {name}: {:?} → {:?}", self.target, new.target)
        } else {
            format!("dependency {name}: {:?} → {:?}", self.options, new.options)
        }
    }
}

#[cfg(test)]
mod tests;
