//! Seeds from what no evidence places: the rules decide, then where the path lies.

use cargo_metadata::camino::Utf8Path;

use super::rules::Affects;
use super::seeds::{Finder, Inputs};
use super::{Effect, Rule};
use crate::graph::Unit;
use crate::repo::git::Change;
use crate::workspace::{PackageIx, TargetKind};

impl Finder<'_> {
    /// What no evidence places: the rules decide, then where the path lies.
    pub(super) fn unplaced(&mut self, change: &Change, path: &Utf8Path) {
        let Inputs {
            rules,
            layout,
            graph,
            workspace,
            ..
        } = *self.inputs;
        if let Some(rule) = rules.of(&change.path) {
            let packages: Vec<PackageIx> = match &rule.affects {
                Affects::Nothing => return,
                Affects::Everything => workspace.packages().map(|(index, _)| index).collect(),
                Affects::Packages(packages) => packages.clone(),
            };
            let units: Vec<_> = packages
                .iter()
                .flat_map(|&package| graph.units_of(package))
                .copied()
                .collect();
            for unit in units {
                if rule.effect == Effect::Rebuilt || is_a_test(graph.unit(unit)) {
                    self.add(
                        unit,
                        rule.effect,
                        Rule::Configured,
                        change,
                        "a configured rule says so",
                    );
                }
            }
            return;
        }
        match layout.owner(path) {
            Some(package) => self.unplaced_in(package, change, path),
            None => self.unplaced_outside(change, path),
        }
    }

    /// A file of a package that no unit is known to compile. Cargo learns of a file only through a
    /// record or a build script, so what remains is what a macro may have read unseen; where that
    /// cannot be, the package's tests may read the file as they run.
    fn unplaced_in(&mut self, package: PackageIx, change: &Change, path: &Utf8Path) {
        let Inputs { graph, records, .. } = *self.inputs;
        let suspicious = path.extension() != Some("rs") && self.macros_may_read(package, path);
        for &unit in graph.units_of(package) {
            let node = graph.unit(unit);
            let is_unknown = node.is_compiled()
                && !records.is_current(unit)
                && (suspicious || !self.sources.of(node).is_some_and(|reads| reads.complete));
            if is_unknown {
                self.seed(
                    unit,
                    Rule::Doubt,
                    change,
                    "a macro of its may read this file",
                );
            } else if is_a_test(node) {
                let because = "its tests may read this file as they run";
                self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, because);
            }
        }
    }

    /// A file outside every package. Whoever reads it has to name it, or a directory above it.
    fn unplaced_outside(&mut self, change: &Change, path: &Utf8Path) {
        let Inputs {
            graph,
            layout,
            records,
            root,
            ..
        } = *self.inputs;
        let packages: Vec<_> = layout.packages().collect();
        for package in packages {
            if !self.sources.mentions(package, path, root) {
                continue;
            }
            for &unit in graph.units_of(package) {
                let node = graph.unit(unit);
                if node.is_compiled() && !records.is_current(unit) {
                    self.seed(
                        unit,
                        Rule::Doubt,
                        change,
                        "its package's sources mention this name",
                    );
                } else if is_a_test(node) {
                    let because = "its tests may read this file as they run";
                    self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, because);
                }
            }
        }
    }

    fn macros_may_read(&mut self, package: PackageIx, path: &Utf8Path) -> bool {
        let Inputs {
            workspace,
            rules,
            layout,
            ..
        } = *self.inputs;
        let uses = |package: PackageIx| {
            workspace
                .package(package)
                .dependencies
                .iter()
                .map(|dependency| dependency.package)
        };
        let reads_files = |package: PackageIx| {
            let package = workspace.package(package);
            package.library().is_some_and(|library| library.proc_macro)
                && !rules.is_blind(&package.name)
        };
        // A macro is often handed on by the library that one depends on.
        let has_macros = uses(package).any(|one| reads_files(one) || uses(one).any(reads_files));
        let Some(directory) = layout.directory(package) else {
            return true;
        };
        has_macros && self.sources.mentions(package, path, directory)
    }
}

/// Whether cargo runs it under `cargo test`.
fn is_a_test(unit: &Unit) -> bool {
    unit.is_test() && unit.kind != TargetKind::Bench
}
