//! Seeds for files that no evidence places: the configured rules decide, then the location of the
//! file.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::rules::Affects;
use super::sources::{Lines, Sources};
use super::{Effect, Rule};
use crate::seeds::{SeedFinder, SeedInputs, is_a_test};
use crate::unit_graph::{Mode, Unit, UnitIx};
use crate::vcs::{Change, ChangeStatus};
use crate::workspace::PackageIx;

/// Returns true if a unit may read the file in question.
type MayRead<'a> = dyn Fn(&mut Sources<'_>, UnitIx, &Unit) -> bool + 'a;

impl SeedFinder<'_> {
    /// Seeds units for a file that no evidence places. The rules decide; if no rule matches, the
    /// location of the file decides.
    pub(super) fn unplaced(&mut self, change: &Change, path: &Utf8Path) {
        let inputs = self.inputs;
        match inputs.rules.of(&change.path).map(|rule| &rule.affects) {
            Some(Affects::Nothing) => self.passed_to_macros(change, path),
            Some(Affects::Everything | Affects::Packages(_)) => self.named_by_rule(change),
            None => match inputs.layout.owner(path) {
                Some(package) => self.unplaced_in(package, change, path),
                None => self.unplaced_outside(change, path),
            },
        }
    }

    /// Seeds the units that a configured rule names, in addition to all other seeds of the file.
    pub(super) fn named_by_rule(&mut self, change: &Change) {
        let inputs = self.inputs;
        let Some(rule) = inputs.rules.of(&change.path) else {
            return;
        };
        let packages: Vec<PackageIx> = match &rule.affects {
            Affects::Nothing => return,
            Affects::Everything => inputs.workspace.packages().map(|it| it.0).collect(),
            Affects::Packages(packages) => packages.clone(),
        };
        let graph = inputs.graph;
        for &unit in packages.iter().flat_map(|&it| graph.units_of(it)) {
            if rule.effect == Effect::Rebuilt || is_a_test(graph.unit(unit)) {
                let because = "a configured rule says so";
                self.add(unit, rule.effect, Rule::Configured, change, because);
            }
        }
    }

    /// Seeds the units whose macros get the name of a file, although a rule says that the file
    /// affects nothing.
    fn passed_to_macros(&mut self, change: &Change, path: &Utf8Path) {
        let Some(package) = self.inputs.layout.owner(path) else {
            return;
        };
        self.doubt(package, change, &|sources, _, node| {
            sources.is_passed_to_macros(node, path)
        });
    }

    /// Seeds the units of a package that may read a file through a macro, unless a record says that
    /// they do not.
    pub(super) fn doubt(&mut self, package: PackageIx, change: &Change, may_read: &MayRead<'_>) {
        let graph = self.inputs.graph;
        for &unit in graph.units_of(package) {
            let node = graph.unit(unit);
            if node.is_compiled()
                && !self.is_doubted(unit, change)
                && !self.is_recorded(unit)
                && may_read(&mut self.sources, unit, node)
            {
                let because = "one of its macros may read this file";
                self.seed_in_doubt(unit, change, because);
            }
        }
    }

    fn seed_in_doubt(&mut self, unit: UnitIx, change: &Change, because: &str) {
        self.doubted.insert(unit);
        self.seed(unit, Rule::Doubt, change, because);
    }

    /// Returns true if a doubt about an earlier path already rebuilds a unit with all dependents. A
    /// further doubt adds nothing to the answer. The log names all paths, and a path outside the
    /// repository needs a seed of its own to count as used.
    fn is_doubted(&self, unit: UnitIx, change: &Change) -> bool {
        self.doubted.contains(&unit)
            && change.path.is_relative()
            && !log::log_enabled!(log::Level::Debug)
    }

    /// Seeds the units of other packages that may read a file by a path that a macro, a variable or
    /// generated code makes.
    pub(super) fn reached(&mut self, change: &Change, path: &Utf8Path) {
        if change.status == ChangeStatus::Deleted {
            return;
        }
        let SeedInputs {
            graph,
            layout,
            records,
            root,
            ..
        } = *self.inputs;
        let owner = layout.owner(path);
        for (package, _) in layout.packages() {
            // A nearly current record is not enough for a package that knows its location: only a
            // current record shows the files that a unit reads by a variable.
            let is_unknown = |unit: &&UnitIx| {
                graph.unit(**unit).is_compiled() && !records.is_nearly_current(**unit)
            };
            let units = graph.units_of(package);
            let mut compiled = units.iter().filter(|unit| graph.unit(**unit).is_compiled());
            let is_open = owner != Some(package)
                && compiled.any(|&unit| !self.is_doubted(unit, change))
                && (graph.units_of(package).iter().any(|unit| is_unknown(&unit))
                    || self.sources.knows_location(package));
            if is_open && self.sources.leads_near(package, path, root) {
                self.doubt(package, change, &|sources, _, node| {
                    sources.may_reach(node, path, root)
                });
            }
        }
    }

    /// Seeds the units that may read a file in a way that sources do not show. Other units are
    /// known to read this file. `before` is the number of seeds that belong to other files.
    pub(super) fn hidden(&mut self, change: &Change, path: &Utf8Path, before: usize) {
        let Some(package) = self.inputs.layout.owner(path) else {
            return;
        };
        let known = self.seeds[before..].iter().map(|seed| seed.unit);
        let known: BTreeSet<UnitIx> = known.collect();
        let graph = self.inputs.graph;
        // A Rust file that a unit of its package compiles is hidden from no other unit.
        let is_compiled_here = || {
            let mut units = known.iter().map(|&unit| graph.unit(unit));
            units.any(|unit| unit.package == package && unit.is_compiled())
        };
        let is_source = path.extension() == Some("rs") && is_compiled_here();
        if is_source || change.status == ChangeStatus::Deleted {
            return;
        }
        self.doubt(package, change, &|sources, unit, node| {
            !known.contains(&unit) && sources.may_hide(node, path)
        });
    }

    /// Seeds units for a file of a package that no unit is known to compile. Cargo learns about a
    /// file only from a record or a build script, so only a macro can have read the file unseen. If
    /// no macro can have read the file, the tests of the package may still read the file while they
    /// run.
    fn unplaced_in(&mut self, package: PackageIx, change: &Change, path: &Utf8Path) {
        let SeedInputs { graph, .. } = *self.inputs;
        for &unit in graph.units_of(package) {
            let node = graph.unit(unit);
            if self.is_doubted(unit, change) {
                continue;
            }
            let is_unknown =
                node.is_compiled() && !self.is_recorded(unit) && self.sources.may_hide(node, path);
            if is_unknown {
                let because = "a macro or generated code may read this file";
                self.seed_in_doubt(unit, change, because);
            } else if is_a_test(node) {
                let because = "its tests may read this file as they run";
                self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, because);
            }
        }
    }

    /// Seeds the tests that may read a file that lies outside every package and that no unit
    /// compiles. A test that reads the file must name the file or a directory above it.
    fn unplaced_outside(&mut self, change: &Change, path: &Utf8Path) {
        let SeedInputs { graph, root, .. } = *self.inputs;
        for (package, _) in self.inputs.layout.packages() {
            let mut mention = |lines| self.sources.mentions(package, lines, path, root);
            let in_code = mention(Lines::Code);
            if !in_code && !mention(Lines::Docs) {
                continue;
            }
            for &unit in graph.units_of(package) {
                let node = graph.unit(unit);
                if is_a_test(node) && (in_code || node.mode == Mode::Doctest) {
                    let because = "its tests may read this file as they run";
                    self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, because);
                }
            }
        }
    }

    /// Returns true if the records of a unit outweigh a doubt about the files that the unit reads.
    fn is_recorded(&mut self, unit: UnitIx) -> bool {
        let SeedInputs { graph, records, .. } = *self.inputs;
        let reads = self.sources.of(graph.unit(unit));
        match reads.is_some_and(|reads| reads.by_environment) {
            true => records.is_current(unit) || records.shows_files_by_variables(unit),
            false => records.is_nearly_current(unit),
        }
    }
}
