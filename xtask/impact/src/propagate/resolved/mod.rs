//! Maps the differences that cargo resolves to the units of the kit's graph.
//!
//! Cargo's unit graph has a unit for each configuration (features, platform, profile) of a target;
//! the kit's graph has one unit for all of them. Therefore cargo's unit graph decides which units
//! are affected, and the kit's graph only supplies the chains of reasons.

mod causes;

use std::collections::{HashMap, HashSet};

pub use self::causes::Causes;
use super::{Affected, propagate_within};
use crate::resolve_diff::{
    Difference, PackageKey, RecordedConfiguration, ResolveDifferences, TargetKey,
};
use crate::seeds::{Effect, Propagation, Rule, Seed};
use crate::unit_graph::{UnitGraph, UnitIx};
use crate::workspace::{PackageIx, Workspace};

/// Returns the units that cargo rebuilds because of a difference in resolution. The chain of each
/// unit starts at a unit that is resolved differently. `is_checked` returns true if `cargo check`
/// left a unit in a form.
pub fn affected(
    workspace: &Workspace,
    graph: &UnitGraph,
    resolution: &ResolveDifferences,
    causes: &Causes,
    is_checked: &dyn Fn(UnitIx, &RecordedConfiguration) -> bool,
) -> Affected {
    let places = PackagesByName::new(workspace);
    let mut fresh = HashSet::new();
    for ((package, target), forms) in &resolution.checked {
        let units = places.units(graph, package, target).into_iter();
        let is_fresh = |unit: &UnitIx| forms.iter().all(|it| is_checked(*unit, it));
        fresh.extend(units.filter(is_fresh));
    }
    let seed = |unit, because: &str, spread, lines: &[String]| Seed {
        path: causes.of(workspace.package(graph.unit(unit).package), lines),
        spread,
        ..Seed::new(unit, Rule::Resolution, because)
    };
    let mut seeds = Vec::new();
    for difference in &resolution.differences {
        let because = match &difference.what {
            Difference::Vanished => continue,
            Difference::Appeared => "cargo resolves a new unit".to_owned(),
            Difference::Further => "cargo builds it in one more configuration".to_owned(),
            Difference::Changed(what) => {
                format!("cargo resolves it differently: {}", what.join("; "))
            }
        };
        let spread = match difference.what {
            Difference::Further => Propagation::Nothing,
            _ => Propagation::All,
        };
        let lines = match &difference.what {
            Difference::Changed(lines) => &lines[..],
            _ => &[],
        };
        let units = places.units(graph, &difference.package, &difference.target);
        for unit in units.into_iter().filter(|unit| !fresh.contains(unit)) {
            seeds.push(seed(unit, &because, spread, lines));
        }
    }
    let rebuilt: HashSet<UnitIx> = resolution
        .rebuilt
        .iter()
        .flat_map(|(package, target)| places.units(graph, package, target))
        .filter(|unit| !fresh.contains(unit))
        .collect();
    let is_rebuilt = |unit| rebuilt.contains(&unit);
    let reached = propagate_within(graph, seeds.clone(), &is_rebuilt);
    // A test that only runs a binary is rebuilt, and not just rerun, if the test itself is resolved
    // differently.
    let is_unreached = |unit: &&UnitIx| match reached.effect(**unit) {
        Some(Effect::Rerun) => graph.unit(**unit).is_compiled(),
        effect => effect.is_none(),
    };
    let unreached = rebuilt.iter().filter(is_unreached);
    let because = "cargo resolves its dependencies differently";
    seeds.extend(unreached.map(|&unit| seed(unit, because, Propagation::All, &[])));
    propagate_within(graph, seeds, &is_rebuilt)
}

/// The packages of a workspace by name and version.
struct PackagesByName<'a> {
    workspace: &'a Workspace,
    packages: HashMap<(&'a str, &'a str), Vec<PackageIx>>,
}

impl<'a> PackagesByName<'a> {
    fn new(workspace: &'a Workspace) -> Self {
        let mut packages: HashMap<_, Vec<_>> = HashMap::new();
        for (index, package) in workspace.packages() {
            packages
                .entry((&*package.name, &*package.version))
                .or_default()
                .push(index);
        }
        Self {
            workspace,
            packages,
        }
    }

    /// Returns the units of the kit that stand for one of cargo's units.
    fn units(&self, graph: &UnitGraph, package: &PackageKey, target: &TargetKey) -> Vec<UnitIx> {
        let named = self.packages.get(&(&*package.name, &*package.version));
        let is_its = |index: &&PackageIx| match &self.workspace.package(**index).source {
            Some(source) => *source == package.source,
            None => package.source.starts_with("path+"),
        };
        let is_it = |unit: &UnitIx| {
            let unit = graph.unit(*unit);
            word(&unit.kind) == target.kind
                && word(&unit.mode) == target.mode
                && unit.target.replace('-', "_") == target.name.replace('-', "_")
        };
        let packages = named.into_iter().flatten().filter(is_its);
        packages
            .flat_map(|&index| graph.units_of(index))
            .copied()
            .filter(is_it)
            .collect()
    }
}

/// Returns the serialized name of a kind or a mode, which cargo and the kit share.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
