//! Maps a difference in meaning (a [`TouchedUnits`]) to the units of the graph that the difference
//! touches.

use std::collections::BTreeSet;

use super::Effect;
use crate::build_dir::unit_inputs::Watch;
use crate::files;
use crate::records::platform::{is_host_apart, is_possible, rustflags_apply, targets_own};
use crate::seeds::{SeedFinder, SeedInputs};
use crate::semantic_diff::manifest::inherited;
use crate::semantic_diff::{DepKind, Inherit, TouchedUnits};
use crate::unit_graph::{Mode, Unit, UnitIx, Verb};
use crate::workspace::{Package, PackageIdSpec, PackageIx, TargetKind, Workspace};

impl SeedFinder<'_> {
    /// Returns the units that a difference touches, with the effect on each. `package` is the
    /// package whose manifest was compared; `None` for a root manifest without a package.
    pub(super) fn touched_units(
        &mut self,
        package: Option<PackageIx>,
        what: &TouchedUnits,
    ) -> Vec<(UnitIx, Effect)> {
        let SeedInputs {
            workspace, graph, ..
        } = *self.inputs;
        let units = |effect, is_touched: &dyn Fn(&Unit) -> bool| -> Vec<_> {
            let units = graph.units().filter(|(_, unit)| is_touched(unit));
            units.map(|(index, _)| (index, effect)).collect()
        };
        let rebuilt = |is_touched: &dyn Fn(&Unit) -> bool| units(Effect::Rebuilt, is_touched);
        let own = |is_touched: &dyn Fn(&Unit) -> bool| {
            let units = package.map_or(&[][..], |package| graph.units_of(package));
            let touched = units.iter().filter(|&&unit| is_touched(graph.unit(unit)));
            touched.map(|&unit| (unit, Effect::Rebuilt)).collect()
        };
        let is_run = |unit: &Unit| unit.mode == Mode::RunCustomBuild;
        match what {
            TouchedUnits::All => rebuilt(&|_| true),
            TouchedUnits::External => {
                rebuilt(&|unit| workspace.package(unit.package).source.is_some())
            }
            TouchedUnits::Members => rebuilt(&|unit| workspace.package(unit.package).member),
            TouchedUnits::Package => own(&|_| true),
            TouchedUnits::PackageAndDependencies => {
                let below = self.below(package.into_iter().collect());
                rebuilt(&|unit| below.contains(&unit.package))
            }
            TouchedUnits::Dependency {
                kind,
                package: name,
            } => {
                let named = workspace
                    .packages()
                    .filter(|(_, package)| package.name == *name);
                let below = self.below(named.map(|(index, _)| index).collect());
                rebuilt(&|unit| {
                    let is_own = Some(unit.package) == package;
                    below.contains(&unit.package) || is_own && uses(unit, *kind)
                })
            }
            TouchedUnits::Target { kind, name } => own(&|unit| {
                let is_it = |name: &String| *kind == TargetKind::Lib || *name == unit.target;
                unit.kind == *kind && name.as_ref().is_none_or(is_it)
            }),
            TouchedUnits::ReadersOf(names) => self.readers_of(package, names),
            TouchedUnits::DependentRuns => rebuilt(&|unit| {
                let mut dependencies = workspace.package(unit.package).dependencies.iter();
                is_run(unit) && dependencies.any(|known| Some(known.package) == package)
            }),
            TouchedUnits::OverriddenRuns { .. }
            | TouchedUnits::OverriddenScripts { .. }
            | TouchedUnits::Platform { .. }
            | TouchedUnits::Flags { .. } => self.touched_on_platform(what),
            TouchedUnits::PackageScan => {
                let is_silent = package.is_some_and(|package| self.watches_package(package));
                own(&|unit| is_silent && is_run(unit))
            }
            TouchedUnits::Profile { name, .. } if !self.is_built_in(name) => Vec::new(),
            TouchedUnits::Profile { package: spec, .. } => rebuilt(&|unit| {
                let package = workspace.package(unit.package);
                match spec.as_deref() {
                    None => true,
                    Some("*") => !package.member,
                    Some(spec) => PackageIdSpec::new(spec).may_match(package),
                }
            }),
            TouchedUnits::Docs => {
                let mut docs = units(Effect::Rerun, &|unit| unit.mode == Mode::Doctest);
                docs.extend(rebuilt(&|unit| unit.mode == Mode::Doc));
                docs
            }
            TouchedUnits::Runs => units(Effect::Rerun, &Unit::is_test),
            TouchedUnits::Inherited(inherit) => self.inheriting(inherit),
        }
    }

    /// Returns the units that inherit a key of the root manifest.
    fn inheriting(&mut self, inherit: &Inherit) -> Vec<(UnitIx, Effect)> {
        let mut units = Vec::new();
        for (member, _) in self.inputs.layout.packages() {
            let manifest = &self.inputs.workspace.package(member).manifest_path;
            let table = files::read_text(manifest, files::SETTINGS)
                .ok()
                .and_then(|text| text.parse::<toml::Table>().ok())
                .unwrap_or_default();
            for touched in inherited(&table, inherit) {
                units.extend(self.touched_units(Some(member), &touched));
            }
        }
        units
    }

    /// Returns the units that a difference in the configuration of a platform touches.
    fn touched_on_platform(&mut self, what: &TouchedUnits) -> Vec<(UnitIx, Effect)> {
        let SeedInputs {
            workspace, graph, ..
        } = *self.inputs;
        let rebuilt = |is_touched: &dyn Fn(&Unit) -> bool| -> Vec<_> {
            let units = graph.units().filter(|(_, unit)| is_touched(unit));
            units.map(|(index, _)| (index, Effect::Rebuilt)).collect()
        };
        // Rustdoc has flags of its own. But cargo has a unit for the run of an overridden script,
        // with the flags of rustc, and documentation depends on this unit.
        let has_flags = |unit: &Unit| {
            unit.mode != Mode::Doc || workspace.package(unit.package).is_script_overridden
        };
        match what {
            TouchedUnits::OverriddenRuns { platform, .. }
            | TouchedUnits::OverriddenScripts { platform, .. }
            | TouchedUnits::Platform { platform, .. }
            | TouchedUnits::Flags { platform }
                if !is_possible(platform.as_deref(), workspace) =>
            {
                Vec::new()
            }
            TouchedUnits::OverriddenRuns {
                platform: None,
                links,
            }
            | TouchedUnits::OverriddenScripts {
                platform: None,
                links,
            } if !self.may_be_overridden(links) => Vec::new(),
            TouchedUnits::Flags { platform }
                if !rustflags_apply(platform.as_deref(), workspace, self.inputs.config) =>
            {
                Vec::new()
            }
            TouchedUnits::Platform { .. } | TouchedUnits::Flags { .. }
                if self.spares_host(what) =>
            {
                let is_flags = matches!(what, TouchedUnits::Flags { .. });
                let units = targets_own(workspace, graph).into_iter();
                units
                    .filter(|&unit| !is_flags || has_flags(graph.unit(unit)))
                    .map(|unit| (unit, Effect::Rebuilt))
                    .collect()
            }
            TouchedUnits::Flags { .. } => rebuilt(&has_flags),
            TouchedUnits::Platform { .. } => rebuilt(&|_| true),
            TouchedUnits::OverriddenRuns { links, .. } => self.overridden_runs(links),
            TouchedUnits::OverriddenScripts { links, platform } => {
                self.overridden_scripts(links, platform.as_deref())
            }
            _ => Vec::new(),
        }
    }

    /// Returns true if cargo's configuration may override the build script of a package with one of
    /// these `links`, or might have done so before it changed.
    fn may_be_overridden(&mut self, links: &[String]) -> bool {
        let texts = self.sources.configuration_texts();
        let is_named =
            |text: &String| text.contains("target") && links.iter().any(|name| text.contains(name));
        self.inputs.config.is_some() || texts.iter().any(is_named)
    }

    /// Returns the script runs of the packages with these `links`. If the configuration overrides a
    /// script, the graph has no run of the script. The users of the script are then returned
    /// instead: the package's own units, and the script runs of dependents, which see `DEP_*`
    /// variables.
    fn overridden_runs(&mut self, links: &[String]) -> Vec<(UnitIx, Effect)> {
        let SeedInputs {
            workspace, graph, ..
        } = *self.inputs;
        let mut units = Vec::new();
        for (index, _) in with_links(workspace, links) {
            match graph.find(index, TargetKind::CustomBuild, Mode::RunCustomBuild) {
                Some(run) => units.push((run, Effect::Rebuilt)),
                None => {
                    units.extend(self.touched_units(Some(index), &TouchedUnits::Package));
                    let is_user = |unit: &Unit| {
                        let mut on = workspace.package(unit.package).dependencies.iter();
                        unit.mode == Mode::RunCustomBuild
                            && on.any(|on| on.package == index && on.normal)
                    };
                    let users = graph.units().filter(|(_, unit)| is_user(unit));
                    units.extend(users.map(|(unit, _)| (unit, Effect::Rebuilt)));
                }
            }
        }
        units
    }

    /// Returns the scripts of the packages with these `links`, and the libraries that the scripts
    /// are built with. A script is left out if the configuration overrides it, or if it has a
    /// record of an earlier build.
    fn overridden_scripts(
        &self,
        links: &[String],
        platform: Option<&str>,
    ) -> Vec<(UnitIx, Effect)> {
        let SeedInputs {
            workspace,
            graph,
            records,
            config,
            ..
        } = *self.inputs;
        let is_replaced = |name: &str| {
            let key = ["target", platform.unwrap_or_default(), name];
            config.is_some_and(|config| matches!(config.get(&key), Ok(Some(_))))
        };
        let mut units = Vec::new();
        for (index, package) in with_links(workspace, links) {
            let is_replaced = package.links.as_ref().is_some_and(|name| is_replaced(name));
            let script = graph.find(index, TargetKind::CustomBuild, Mode::Build);
            let script = script.filter(|it| !is_replaced && records.of(*it).is_empty());
            let Some(script) = script else { continue };
            units.push(script);
            let built_with = package.dependencies.iter().filter(|on| on.build);
            let below = self.below(built_with.map(|on| on.package).collect());
            let built = graph.units().filter(|(_, unit)| {
                below.contains(&unit.package) && unit.kind == TargetKind::Lib && !unit.is_test()
            });
            units.extend(built.map(|(index, _)| index));
        }
        let units = units.into_iter();
        units.map(|unit| (unit, Effect::Rebuilt)).collect()
    }

    /// Returns true if a difference does not touch the variants that cargo builds for the host.
    pub(super) fn spares_host(&self, what: &TouchedUnits) -> bool {
        let is_targets = matches!(
            what,
            TouchedUnits::Flags { .. }
                | TouchedUnits::Platform {
                    host_too: false,
                    ..
                }
        );
        let is_apart = |config| is_host_apart(self.inputs.workspace, config);
        is_targets && self.inputs.config.is_some_and(is_apart)
    }

    /// Returns the units that read one of the variables at compile time, and the script runs that
    /// watch one of the variables. Without a current record, units whose macros may read a variable
    /// are included.
    fn readers_of(
        &mut self,
        package: Option<PackageIx>,
        names: &[String],
    ) -> Vec<(UnitIx, Effect)> {
        let SeedInputs { graph, records, .. } = *self.inputs;
        let mut found = Vec::new();
        for (index, unit) in graph.units() {
            if package.is_some_and(|package| unit.package != package) {
                continue;
            }
            let reads = match unit.mode {
                Mode::RunCustomBuild if package.is_none() => {
                    let watches = records.of(index);
                    watches.iter().any(|recorded| match recorded.watch() {
                        Some(Watch::Declared(_, variables)) => {
                            variables.iter().any(|(name, _)| names.contains(name))
                        }
                        _ => false,
                    }) || watches.is_empty()
                        && names
                            .iter()
                            .any(|name| self.sources.may_watch_variable(unit.package, name))
                }
                // Cargo does not record the variables that rustdoc reads.
                Mode::RunCustomBuild | Mode::Doctest | Mode::Doc => false,
                Mode::Build | Mode::Test => match records.reads_variable(index, names) {
                    Some(reads) => reads,
                    None => names
                        .iter()
                        .any(|name| self.sources.may_read_variable(unit, name)),
                },
            };
            if reads {
                found.push((index, Effect::Rebuilt));
            }
        }
        found
    }

    /// Returns the packages and all their direct and indirect dependencies.
    fn below(&self, packages: Vec<PackageIx>) -> BTreeSet<PackageIx> {
        let workspace = self.inputs.workspace;
        let mut below = BTreeSet::new();
        let mut pending = packages;
        while let Some(package) = pending.pop() {
            if below.insert(package) {
                let dependencies = workspace.package(package).dependencies.iter();
                pending.extend(dependencies.map(|dependency| dependency.package));
            }
        }
        below
    }

    fn watches_package(&mut self, package: PackageIx) -> bool {
        let SeedInputs { graph, records, .. } = *self.inputs;
        let Some(run) = graph.find(package, TargetKind::CustomBuild, Mode::RunCustomBuild) else {
            return false;
        };
        match records.of(run) {
            [] => self
                .sources
                .script(package)
                .is_some_and(|script| script.is_silent() || script.may_be_silent()),
            runs => runs
                .iter()
                .any(|run| matches!(run.watch(), Some(Watch::Package(_)))),
        }
    }

    /// Returns true if a unit is built in a profile. If the query names a profile, every profile
    /// counts, because the named profile may inherit from any profile. Cargo's unit graph decides
    /// exactly, if cargo can be asked.
    fn is_built_in(&self, profile: &str) -> bool {
        match (self.inputs.profile, profile) {
            (Some(_), _) | (None, "dev") => true,
            (None, "test") => self.inputs.verb == Verb::Test,
            (None, _) => false,
        }
    }
}

/// Returns the packages whose `links` is in the list.
fn with_links<'a>(
    workspace: &'a Workspace,
    links: &'a [String],
) -> impl Iterator<Item = (PackageIx, &'a Package)> {
    let is_named = |package: &Package| package.links.as_ref().is_some_and(|it| links.contains(it));
    let packages = workspace.packages();
    packages.filter(move |(_, package)| is_named(package))
}

/// Returns true if a unit uses its package's dependencies of a kind.
fn uses(unit: &Unit, kind: DepKind) -> bool {
    match kind {
        DepKind::Normal => unit.kind != TargetKind::CustomBuild,
        DepKind::Dev => unit.is_test() || unit.kind == TargetKind::Example,
        DepKind::Build => unit.kind == TargetKind::CustomBuild && unit.mode == Mode::Build,
    }
}
