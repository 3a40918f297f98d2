//! From what a difference of meaning touches, in words, to the units of the graph.

use std::collections::BTreeSet;

use super::Effect;
use super::meaning::manifest::inherited;
use super::meaning::{DepKind, Units};
use super::seeds::{Finder, Inputs};
use crate::graph::{Mode, Unit, UnitIx, Verb};
use crate::repo::build_dir::profile_dirs;
use crate::repo::rust_source;
use crate::repo::unit_inputs::Watch;
use crate::workspace::{PackageIdSpec, PackageIx, TargetKind, Workspace};

impl Finder<'_> {
    /// The units that a difference touches, each with what happens to it. `package` is the one
    /// whose manifest was compared; a root without a package has none.
    pub(super) fn meant(
        &mut self,
        package: Option<PackageIx>,
        what: &Units,
    ) -> Vec<(UnitIx, Effect)> {
        let Inputs {
            workspace, graph, ..
        } = *self.inputs;
        let units = |effect, is_meant: &dyn Fn(&Unit) -> bool| -> Vec<_> {
            let units = graph.units().filter(|(_, unit)| is_meant(unit));
            units.map(|(index, _)| (index, effect)).collect()
        };
        let rebuilt = |is_meant: &dyn Fn(&Unit) -> bool| units(Effect::Rebuilt, is_meant);
        let own = |is_meant: &dyn Fn(&Unit) -> bool| {
            let units = package.map_or(&[][..], |package| graph.units_of(package));
            let meant = units.iter().filter(|&&unit| is_meant(graph.unit(unit)));
            meant.map(|&unit| (unit, Effect::Rebuilt)).collect()
        };
        let is_run = |unit: &Unit| unit.mode == Mode::RunCustomBuild;
        match what {
            Units::All => rebuilt(&|_| true),
            Units::External => rebuilt(&|unit| workspace.package(unit.package).source.is_some()),
            Units::Members => rebuilt(&|unit| workspace.package(unit.package).member),
            Units::Package => own(&|_| true),
            Units::PackageAndDependencies => {
                let below = self.below(package.into_iter().collect());
                rebuilt(&|unit| below.contains(&unit.package))
            }
            Units::Dependency {
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
            Units::Target { kind, name } => own(&|unit| {
                let is_it = |name: &String| *kind == TargetKind::Lib || *name == unit.target;
                unit.kind == *kind && name.as_ref().is_none_or(is_it)
            }),
            Units::ReadersOf(names) => self.readers_of(package, names),
            Units::DependentRuns => rebuilt(&|unit| {
                let mut dependencies = workspace.package(unit.package).dependencies.iter();
                is_run(unit) && dependencies.any(|known| Some(known.package) == package)
            }),
            Units::OverriddenRuns { platform, .. } | Units::Platform { platform, .. }
                if !is_possible(platform.as_deref(), workspace) =>
            {
                Vec::new()
            }
            Units::Platform { .. } => rebuilt(&|_| true),
            Units::OverriddenRuns { links, .. } => rebuilt(&|unit| {
                let known = workspace.package(unit.package).links.as_ref();
                is_run(unit) && known.is_some_and(|name| links.contains(name))
            }),
            Units::PackageScan => {
                let is_silent = package.is_some_and(|package| self.watches_package(package));
                own(&|unit| is_silent && is_run(unit))
            }
            Units::Profile { name, .. } if !self.is_built_in(name) => Vec::new(),
            Units::Profile { package: spec, .. } => rebuilt(&|unit| {
                let package = workspace.package(unit.package);
                match spec.as_deref() {
                    None => true,
                    Some("*") => !package.member,
                    Some(spec) => PackageIdSpec::new(spec).may_match(package),
                }
            }),
            Units::Docs => units(Effect::Rerun, &|unit| unit.mode == Mode::Doctest),
            Units::Runs => units(Effect::Rerun, &Unit::is_test),
            Units::Inherited(inherit) => {
                let mut units = Vec::new();
                for (member, _) in self.inputs.layout.packages() {
                    let manifest = &workspace.package(member).manifest_path;
                    let table = std::fs::read_to_string(manifest)
                        .ok()
                        .and_then(|text| text.parse::<toml::Table>().ok())
                        .unwrap_or_default();
                    for meant in inherited(&table, inherit) {
                        units.extend(self.meant(Some(member), &meant));
                    }
                }
                units
            }
        }
    }

    /// Units that read one of the variables as they are compiled, and script runs that watch one.
    /// Where no current record tells, a macro may read it.
    fn readers_of(
        &mut self,
        package: Option<PackageIx>,
        names: &[String],
    ) -> Vec<(UnitIx, Effect)> {
        let Inputs { graph, records, .. } = *self.inputs;
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
                Mode::RunCustomBuild | Mode::Doctest => false,
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

    /// The packages and whatever they depend on by any path.
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
        let Inputs { graph, records, .. } = *self.inputs;
        let Some(run) = graph.find(package, TargetKind::CustomBuild, Mode::RunCustomBuild) else {
            return false;
        };
        match records.of(run) {
            [] => self
                .sources
                .script(package)
                .is_some_and(|script| script.is_silent() || script.may_be_silent()),
            runs => runs.iter().any(|run| run.watch() == Some(&Watch::Package)),
        }
    }

    /// Whether anything is built in a profile. One that inherits from another is told by cargo's own
    /// graph where that can be asked; here any may be what a profile of the user's inherits from.
    fn is_built_in(&self, profile: &str) -> bool {
        match (self.inputs.profile, profile) {
            (Some(_), _) | (None, "dev") => true,
            (None, "test") => self.inputs.verb == Verb::Test,
            (None, _) => false,
        }
    }
}

/// Whether a unit is built with its package's dependencies of a kind.
fn uses(unit: &Unit, kind: DepKind) -> bool {
    match kind {
        DepKind::Normal => unit.kind != TargetKind::CustomBuild,
        DepKind::Dev => unit.is_test() || unit.kind == TargetKind::Example,
        DepKind::Build => unit.kind == TargetKind::CustomBuild && unit.mode == Mode::Build,
    }
}

/// Whether anything is built for a platform: for the host, for a triple that cargo's configuration or
/// the question names, or for one that was built for. A triple of another architecture or system is
/// none of these, and neither is a `cfg(…)` that holds for none of them.
fn is_possible(platform: Option<&str>, workspace: &Workspace) -> bool {
    let Some(platform) = platform else {
        return true;
    };
    if platform.starts_with("cfg(") {
        let evaluate = |for_host| {
            let is_set =
                |option: &str, value: Option<&str>| workspace.is_set(option, value, for_host);
            rust_source::evaluate(platform, &is_set)
        };
        let known = workspace.platforms.iter().flatten();
        let known: Vec<&str> = known.map(|facts| facts.name.as_str()).collect();
        let is_other = |triple: &String| !known.contains(&triple.as_str());
        let is_built_for_others = || {
            // What cannot be listed may hold anything.
            profile_dirs(&workspace.build_directory).map_or(true, |built| {
                let mut triples = built.iter().filter_map(|place| place.triple.as_ref());
                triples.any(is_other)
            })
        };
        return [true, false].map(evaluate) != [Some(false); 2] || is_built_for_others();
    }
    if workspace.build_directory.join(platform).is_dir() {
        return true;
    }
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    platform.starts_with(std::env::consts::ARCH) && platform.contains(system)
}

#[cfg(test)]
mod tests {
    use cargo_metadata::camino::Utf8Path;

    use super::*;
    use crate::testing::workspace;
    use crate::workspace::PlatformFacts;

    #[test]
    fn what_holds_for_no_platform_that_is_built_for_is_not_possible() {
        let facts = |name: &str, cfg: &[&str]| PlatformFacts {
            name: name.to_owned(),
            cfg: cfg.iter().map(ToString::to_string).collect(),
        };
        let linux = facts("x86_64-unknown-linux-gnu", &["unix", "target_os=\"linux\""]);
        let windows = facts(
            "x86_64-pc-windows-msvc",
            &["windows", "target_os=\"windows\""],
        );
        let directory = tempfile::tempdir().unwrap();
        let build = Utf8Path::from_path(directory.path()).unwrap();
        let mut workspace = workspace("a: lib");
        workspace.build_directory = build.to_owned();
        let possible = |workspace: &Workspace| {
            [
                "cfg(unix)",
                "cfg(windows)",
                "cfg(not(windows))",
                "cfg(all(unix, target_os = \"macos\"))",
                "cfg(any(windows, my_own))",
            ]
            .map(|cfg| is_possible(Some(cfg), workspace))
        };
        assert_eq!(possible(&workspace), [true; 5], "nothing is known");
        workspace.platforms = Some(vec![linux.clone()]);
        assert_eq!(possible(&workspace), [true, false, true, false, true]);
        workspace.platforms = Some(vec![linux.clone(), windows]);
        assert_eq!(possible(&workspace), [true, true, true, false, true]);
        // Built for with `--target`, which the question does not say.
        workspace.platforms = Some(vec![linux]);
        let other = build.join("aarch64-apple-darwin/debug/.fingerprint");
        std::fs::create_dir_all(other).unwrap();
        assert_eq!(possible(&workspace), [true; 5]);
    }
}
