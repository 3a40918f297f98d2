//! Finds the seeds of a change: the units that the changed paths touch directly.
//!
//! For every changed path, the kit asks the same questions. Which units compile the path? Which build
//! scripts watch the path? Is the path the root file of a target? Is the path a settings file? If
//! no answer leads to a unit, the configured rules decide. If no rule matches, the location of the
//! path decides. No step removes the seeds of another step.

pub(crate) mod config_files;
pub(crate) mod listing;
mod named_targets;
pub mod prefetch;
pub mod rules;
pub(crate) mod run_time;
pub(crate) mod scope;
pub(crate) mod scripts;
mod seed;
pub mod settings;
pub mod sources;
pub(crate) mod unplaced;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use camino::Utf8Path;
use named_targets::NamedTargets;
pub use seed::{Effect, Propagation, Rule, Seed};

use super::records::Records;
use crate::build_dir::unit_inputs::Newest;
use crate::cargo_config::CargoConfig;
use crate::records::layout::PackageDirectories;
use crate::seeds::rules::{PathRule, Rules};
use crate::seeds::scripts::{SeenPackage, is_in_nested_package};
use crate::seeds::settings::{BothSides, SettingFiles};
use crate::seeds::sources::{Outsides, READMES, SourceFacts, Sources};
use crate::unit_graph::{Mode, Unit, UnitGraph, UnitIx, Verb, unit_name};
use crate::vcs::{Change, ChangeStatus};
use crate::workspace::{PackageIx, TargetKind, Workspace};
use crate::{files, observed, quote, resolve_diff};

/// The data that seeds are found from.
pub struct SeedInputs<'a> {
    /// The workspace on disk.
    pub workspace: &'a Workspace,
    /// The units of the workspace under the verb.
    pub graph: &'a UnitGraph,
    /// The verb that will be run after the change.
    pub verb: Verb,
    /// The profile that will be built; `None` for the default profile of the verb.
    pub profile: Option<&'a str>,
    /// The canonical path of the top level that changed paths are relative to.
    pub root: &'a Utf8Path,
    /// The paths that differ.
    pub changes: &'a [Change],
    /// True if the two sides are different commits, so that git's own files differ too.
    pub head_moved: bool,
    /// The target triples that the query names in addition to cargo's configuration.
    pub targets: &'a [String],
    /// Cargo's configuration on the newer side; `None` if the configuration did not change or
    /// cannot be read.
    pub config: Option<&'a CargoConfig>,
    /// Returns both sides of a changed file, given its path relative to the top level.
    pub contents: &'a dyn Fn(&Utf8Path) -> BothSides,
    /// Returns true if two sides of a toolchain file choose the same compiler.
    pub is_same_compiler: &'a dyn Fn(Option<&str>, Option<&str>) -> bool,
    /// The differences in cargo's resolution of the two sides.
    pub resolution: &'a Resolution,
    /// The directories of the path packages.
    pub layout: &'a PackageDirectories,
    /// The records of builds.
    pub records: &'a Records<'a>,
    /// The configured rules of the workspace.
    pub rules: &'a Rules,
    /// The settings files of the workspace.
    pub settings: &'a SettingFiles,
    /// The facts about sources that earlier answers cached.
    pub facts: &'a RefCell<SourceFacts>,
}

/// The result of comparing cargo's resolution of the two sides.
#[derive(Debug)]
pub enum Resolution {
    /// No file that resolution depends on has changed.
    Unchanged,
    /// Cargo resolved both sides; these units differ.
    Compared(resolve_diff::ResolveDifferences),
    /// Cargo could not resolve a side, for this reason.
    Unknown(String),
}

impl Resolution {
    /// Returns the note for the reader about a failed resolution.
    pub fn note(&self) -> Option<String> {
        let Self::Unknown(why) = self else {
            return None;
        };
        Some(format!(
            "the change in dependency resolution is unknown, so more units are selected than \
             needed: {why}"
        ))
    }
}

/// Finds the seeds of a change. The seeds are unsorted, and several seeds may name the same unit.
/// `outsides` holds the paths outside packages that were found in advance.
pub fn find(inputs: &SeedInputs<'_>, outsides: Outsides) -> Vec<Seed> {
    let mut finder = SeedFinder::new(inputs, outsides);
    for change in inputs.changes {
        let before = finder.seeds.len();
        finder.change(change);
        log_placed(inputs, change, &finder.seeds[before..]);
    }
    finder.new_targets();
    finder.standing();
    finder.sources.log_scans();
    finder.seeds
}

/// Logs the rule and the unit of each seed of a changed path. If there is no seed, logs the
/// configured rule that is the reason, if there is one.
fn log_placed(inputs: &SeedInputs<'_>, change: &Change, seeds: &[Seed]) {
    if !log::log_enabled!(log::Level::Debug) {
        return;
    }
    let path = quote::name(&change.path);
    let mut logged = HashSet::new();
    for seed in seeds {
        let unit = unit_name(inputs.workspace, inputs.graph.unit(seed.unit));
        let rule = serde_json::to_string(&seed.rule).unwrap_or_default();
        let rule = rule.trim_matches('"');
        let placed = format!("{unit} ({rule}: {})", seed.because);
        if logged.insert(placed.clone()) {
            log::debug!("changed {path}: {}", quote::line(&placed));
        }
    }
    if seeds.is_empty() {
        let rule = inputs.rules.of(&change.path).map(PathRule::shown);
        let why = rule.map_or_else(
            || "no unit reads this file".to_owned(),
            |rule| format!("the rule for {rule}"),
        );
        log::debug!("changed {path}: no unit ({why})");
    }
}

pub(super) struct SeedFinder<'a> {
    pub(super) inputs: &'a SeedInputs<'a>,
    pub(super) sources: Sources<'a>,
    pub(super) seeds: Vec<Seed>,
    /// True for a recorded newest file that is still the newest file of its package.
    pub(super) newest: HashMap<Newest, bool>,
    /// The places that all packages name for their run time.
    pub(super) named_targets: Option<Rc<NamedTargets>>,
    /// The units with a seed of [`Rule::Doubt`] from [`unplaced`].
    pub(super) doubted: HashSet<UnitIx>,
}

impl<'a> SeedFinder<'a> {
    fn new(inputs: &'a SeedInputs<'a>, outsides: Outsides) -> Self {
        Self {
            inputs,
            sources: Sources::new(inputs.workspace, inputs.layout, inputs.facts, outsides)
                .in_profile(inputs.profile),
            seeds: Vec::new(),
            newest: HashMap::new(),
            named_targets: None,
            doubted: HashSet::new(),
        }
    }

    fn change(&mut self, change: &Change) {
        let path = self.inputs.root.join(&change.path);
        let before = self.seeds.len();
        if observed::is_directory(&path) {
            self.directory(change, &path);
            return self.run_time(change, &path, true);
        }
        self.readers(change, &path);
        let is_read = self.seeds.len() > before;
        self.scripts(change, &path, is_read);
        self.target(change, &path);
        let is_setting = self.setting(change, &path);
        let is_placed = is_setting || self.seeds.len() > before;
        if !is_placed {
            self.unplaced(change, &path);
        } else if !is_setting {
            self.hidden(change, &path, before);
        }
        self.reached(change, &path);
        self.documents(change, &path);
        self.run_time(change, &path, is_placed);
        if is_placed {
            self.named_by_rule(change);
        }
    }

    /// Seeds the units that compile the file, by their records. Units without a current record are
    /// judged by their sources.
    fn readers(&mut self, change: &Change, path: &Utf8Path) {
        let SeedInputs { graph, records, .. } = *self.inputs;
        let because = "it is compiled from this file";
        let mut seen = HashSet::new();
        for unit in records.readers(path) {
            if seen.insert(unit) {
                self.seeds.push(Seed {
                    path: Some(change.path.clone()),
                    spread: Propagation::Recorded,
                    ..Seed::new(unit, Rule::Source, because)
                });
            }
        }
        // The answer for check is also the answer for clippy, which sets `cfg(clippy)`.
        let is_for_clippy = self.inputs.verb == Verb::Check;
        for unit in records.clippys_readers(path) {
            if is_for_clippy && seen.insert(unit) {
                self.seed(
                    unit,
                    Rule::Source,
                    change,
                    "clippy checks it with this file",
                );
            }
        }
        let owner = self.inputs.layout.owner(path);
        for package in self.sources.may_read(path) {
            for &unit in graph.units_of(package) {
                let node = graph.unit(unit);
                if node.mode == Mode::Doctest
                    && (Some(package) == owner || self.sources.names_below(package, path))
                    && self.is_scanned(unit, path)
                {
                    let because = "its documentation includes this file";
                    self.add(unit, Effect::Rerun, Rule::Source, change, because);
                }
                if !node.is_compiled() || seen.contains(&unit) {
                    continue;
                }
                // Checking a record needs the time of every recorded file, and scanning reads the
                // sources. For the package that owns the file, the scan goes first: other steps are
                // likely to need the scan anyway.
                let is_read = match Some(package) == owner {
                    true => self.is_scanned(unit, path) && !records.is_current(unit),
                    false => !records.is_current(unit) && self.is_scanned(unit, path),
                };
                if is_read {
                    self.seed(unit, Rule::Source, change, because);
                }
            }
        }
    }

    /// Seeds the documentation units of the packages that list the file. Cargo does not know which
    /// files rustdoc reads, so cargo compares all files of the package.
    fn documents(&mut self, change: &Change, path: &Utf8Path) {
        let SeedInputs { graph, layout, .. } = *self.inputs;
        if self.inputs.verb != Verb::Doc {
            return;
        }
        let owner = layout.owner(path);
        for (package, directory) in layout.packages() {
            let is_its = match owner == Some(package) {
                true => !is_in_nested_package(directory, path),
                false => !path.starts_with(directory) && self.sources.covers(directory, path),
            };
            if !is_its || !self.sources.lists(package, path) {
                continue;
            }
            for &unit in graph.units_of(package) {
                if graph.unit(unit).mode == Mode::Doc
                    && !self.is_still_documented(unit, change, path, directory)
                {
                    let because = "cargo documents its package again when any of its files changes";
                    self.seed(unit, Rule::Source, change, because);
                }
            }
        }
    }

    /// Returns true if an added or deleted file changes nothing for a documentation unit, because
    /// the newest file that rustdoc's record names is still the newest.
    fn is_still_documented(
        &mut self,
        unit: UnitIx,
        change: &Change,
        path: &Utf8Path,
        directory: &Utf8Path,
    ) -> bool {
        // Cargo documents a target with another root file again, even if the file is old.
        if self.starts_at(unit, path) {
            return false;
        }
        let documented = self.inputs.records.documented(unit).iter();
        let seen = documented.map(|record| SeenPackage {
            newest: record.newest.as_ref(),
            at: record.written,
        });
        let seen: Vec<_> = seen.collect();
        !seen.is_empty() && !self.changes_newest(&seen, change, path, directory)
    }

    /// Returns true if a unit reads a file according to the unit's sources.
    fn is_scanned(&mut self, unit: UnitIx, path: &Utf8Path) -> bool {
        let reads = self.sources.of(self.inputs.graph.unit(unit));
        reads.is_some_and(|reads| reads.has(path))
    }

    /// Seeds the units that depend on a target whose root file was added or deleted.
    fn target(&mut self, change: &Change, path: &Utf8Path) {
        if change.status == ChangeStatus::Modified {
            return;
        }
        if change.status == ChangeStatus::Deleted && path.ends_with("src/lib.rs") {
            self.library_went(change, path);
        }
        let inputs = self.inputs;
        let Some(package) = inputs.layout.owner(path) else {
            return;
        };
        let directory = inputs.layout.directory(package);
        let Some(below) = directory.and_then(|it| path.strip_prefix(it).ok()) else {
            return;
        };
        if READMES.contains(&below.as_str()) {
            return self.readme(change, package);
        }
        let Some(kind) = conventional_target(below) else {
            return;
        };
        let came = change.status == ChangeStatus::Added;
        if kind == TargetKind::Bin && !self.may_be_binary(package, below, came) {
            return;
        }
        for &index in inputs.graph.units_of(package) {
            let unit = inputs.graph.unit(index);
            let (is_reached, because) = match kind {
                // All units of the package are built with its library and its build script.
                TargetKind::Lib if !came => (
                    unit.kind != TargetKind::CustomBuild,
                    "the library of its package was removed",
                ),
                TargetKind::CustomBuild if !came => {
                    (true, "the build script of its package was removed")
                }
                // Cargo passes the paths of a package's binaries to its tests.
                TargetKind::Bin if inputs.verb != Verb::Check => (
                    matches!(unit.kind, TargetKind::Test | TargetKind::Bench),
                    "cargo passes it the paths of its package's binaries",
                ),
                _ => (false, ""),
            };
            if is_reached {
                self.seed(index, Rule::Target, change, because);
            }
        }
    }

    /// Returns true if a file that was added or deleted may be the root file of a binary. With
    /// `autobins = false`, cargo does not look for such files.
    fn may_be_binary(&self, package: PackageIx, below: &Utf8Path, came: bool) -> bool {
        let package = self.inputs.workspace.package(package);
        let mut binaries = package.targets.iter();
        if came {
            return binaries.any(|it| it.kind == TargetKind::Bin && it.src_path.ends_with(below));
        }
        let manifest = files::read_text(&package.manifest_path, files::SETTINGS);
        let manifest = manifest.unwrap_or_default().parse::<toml::Table>();
        let autobins = manifest
            .ok()
            .and_then(|it| it.get("package")?.get("autobins")?.as_bool());
        autobins != Some(false)
    }

    /// Seeds the units that are needed only because of new targets. For example, with a package's
    /// first integration test, `cargo test` also builds the package's binaries.
    fn new_targets(&mut self) {
        // Cargo's unit graphs show these units, if cargo was asked.
        if matches!(self.inputs.resolution, Resolution::Compared(_)) {
            return;
        }
        let SeedInputs {
            workspace,
            graph,
            verb,
            ..
        } = *self.inputs;
        let changes = self.inputs.changes.iter();
        let went = changes.filter(|change| change.status == ChangeStatus::Deleted);
        let places_of_deleted = went.map(|change| place_of(&change.path)).collect();
        let mut came: HashMap<UnitIx, &Change> = HashMap::new();
        for change in self.inputs.changes {
            if change.status == ChangeStatus::Added {
                let new = self.new_units(change, &places_of_deleted);
                came.extend(new.map(|unit| (unit, change)));
            }
        }
        let Some(change) = came.values().next().copied() else {
            return;
        };
        let some = came.keys().copied().collect();
        let because = "a new target is the first that needs it";
        for unit in graph.needed_only_for(workspace, verb, &some) {
            // A build with another verb may have built the unit.
            if !self.inputs.records.is_built_for(unit, verb) {
                self.seed(unit, Rule::Target, change, because);
            }
        }
    }

    /// Returns the units of the target that a file starts. Returns no units if a file with the same
    /// extension was deleted from the same directory, because the deleted target may have needed
    /// the same units.
    fn new_units(
        &self,
        change: &Change,
        places_of_deleted: &HashSet<TargetPlace<'_>>,
    ) -> impl Iterator<Item = UnitIx> {
        let SeedInputs {
            graph,
            layout,
            root,
            ..
        } = *self.inputs;
        let path = root.join(&change.path);
        let is_alone = !places_of_deleted.contains(&place_of(&change.path));
        let package = layout.owner(&path).filter(|_| is_alone);
        let units = package.map_or(&[][..], |package| graph.units_of(package));
        let starts = |unit: &UnitIx| self.starts_at(*unit, &path);
        let units = units.iter().copied().filter(starts);
        units.collect::<Vec<_>>().into_iter()
    }

    /// Returns true if a file is the root file of a unit's target.
    fn starts_at(&self, unit: UnitIx, path: &Utf8Path) -> bool {
        let unit = self.inputs.graph.unit(unit);
        let package = self.inputs.workspace.package(unit.package);
        let mut targets = package.targets.iter();
        targets.any(|it| (it.kind, &it.name, &*it.src_path) == (unit.kind, &unit.target, path))
    }

    /// Seeds the packages whose manifests name a package that lost its library. Cargo ignores a
    /// dependency without a library and does not report the dependency, so the manifests are
    /// searched for the name.
    fn library_went(&mut self, change: &Change, path: &Utf8Path) {
        let SeedInputs {
            workspace, layout, ..
        } = *self.inputs;
        let has_library = |package| workspace.package(package).library().is_some();
        let read =
            |directory: &Utf8Path| files::read_text(directory.join("Cargo.toml"), files::SETTINGS);
        let directory = path.ancestors().nth(2).unwrap_or(path);
        let mut packages = layout.packages();
        let has_one = packages.any(|(package, at)| at == directory && has_library(package));
        let manifest = read(directory).unwrap_or_default().parse::<toml::Table>();
        let name = manifest
            .ok()
            .and_then(|it| it.get("package")?.get("name").cloned());
        let Some(name) = name.filter(|_| !has_one) else {
            return;
        };
        let names = [name.as_str(), directory.file_name()];
        for (package, at) in layout.packages() {
            let manifest = read(at).unwrap_or_default();
            if at != directory && names.iter().flatten().any(|it| manifest.contains(it)) {
                let because = "its manifest names a package whose library was removed";
                self.seed_package(package, Rule::Target, change, because);
            }
        }
    }

    /// Seeds the units that read `CARGO_PKG_README`, because a README was added or deleted. The
    /// value of the variable depends on the existence of the file.
    fn readme(&mut self, change: &Change, package: PackageIx) {
        let SeedInputs { graph, records, .. } = *self.inputs;
        let variable = "CARGO_PKG_README".to_owned();
        for &unit in graph.units_of(package) {
            let node = graph.unit(unit);
            if !node.is_compiled() {
                continue;
            }
            let recorded = records.reads_variable(unit, std::slice::from_ref(&variable));
            let is_read = recorded.unwrap_or_else(|| {
                let reads = self.sources.of(node);
                reads.is_some_and(|reads| reads.env.contains(&variable))
            });
            if is_read {
                self.seed(unit, Rule::Manifest, change, "it reads CARGO_PKG_README");
            }
        }
    }

    /// Seeds the units that may read a changed directory: a submodule, a nested repository, or a
    /// directory that the user named.
    fn directory(&mut self, change: &Change, path: &Utf8Path) {
        let SeedInputs {
            graph,
            layout,
            records,
            ..
        } = *self.inputs;
        let is_empty = observed::read_directory(path).is_ok_and(|mut it| it.next().is_none());
        if is_empty && change.status == ChangeStatus::Modified {
            // The submodule is not checked out.
            return;
        }
        let below: HashSet<_> = layout.below(path).collect();
        let owner = layout.owner(path);
        for (package, _) in layout.packages() {
            let (rule, because) = if below.contains(&package) || owner == Some(package) {
                (Rule::Doubt, "the changes in this directory are unknown")
            } else if self.sources.names_below(package, path) {
                (Rule::Source, "its sources name files in this directory")
            } else {
                continue;
            };
            for &unit in graph.units_of(package) {
                if below.contains(&package) || !records.is_current(unit) {
                    self.seed(unit, rule, change, because);
                } else if is_a_test(graph.unit(unit)) {
                    let because = "its tests may read this directory as they run";
                    self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, because);
                }
            }
        }
        for unit in records.reading_below(path) {
            let because = "it was compiled from this directory";
            self.seed(unit, Rule::Source, change, because);
        }
        self.scripts(change, path, false);
    }

    /// Seeds all units of a package.
    pub(super) fn seed_package(
        &mut self,
        package: PackageIx,
        rule: Rule,
        change: &Change,
        because: &str,
    ) {
        let graph = self.inputs.graph;
        for &unit in graph.units_of(package) {
            self.seed(unit, rule, change, because);
        }
    }

    pub(super) fn seed(&mut self, unit: UnitIx, rule: Rule, change: &Change, because: &str) {
        self.add(unit, Effect::Rebuilt, rule, change, because);
    }

    pub(super) fn add(
        &mut self,
        unit: UnitIx,
        effect: Effect,
        rule: Rule,
        change: &Change,
        because: &str,
    ) {
        self.seeds.push(Seed {
            effect,
            path: Some(change.path.clone()),
            ..Seed::new(unit, rule, because)
        });
    }
}

/// The directory and the extension of a file.
type TargetPlace<'a> = (Option<&'a Utf8Path>, Option<&'a str>);

fn place_of(path: &Utf8Path) -> TargetPlace<'_> {
    (path.parent(), path.extension())
}

/// Returns true if `cargo test` runs the unit.
pub(super) fn is_a_test(unit: &Unit) -> bool {
    unit.is_test() && unit.kind != TargetKind::Bench
}

/// Returns the kind of target that cargo discovers at a path, given relative to the package's
/// directory.
fn conventional_target(below: &Utf8Path) -> Option<TargetKind> {
    let parts: Vec<&str> = below.iter().collect();
    match parts[..] {
        ["src", "bin", name, ..] if name.starts_with('.') => None,
        ["build.rs"] => Some(TargetKind::CustomBuild),
        ["src", "lib.rs"] => Some(TargetKind::Lib),
        ["src", "main.rs"] => Some(TargetKind::Bin),
        ["src", "bin", file] if file.ends_with(".rs") => Some(TargetKind::Bin),
        ["src", "bin", _, "main.rs"] => Some(TargetKind::Bin),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
