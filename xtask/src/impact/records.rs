//! Evidence from a build: which units read a file, as their last builds recorded.
//!
//! That a record lists a changed file is reason enough to select its unit, whichever build wrote
//! it. That no record lists it is a reason to leave a unit out only where the record is *current*:
//! made with the same features, profile directory and toolchain; no recorded file, but for those in
//! the change set, newer than the compiler's start, and neither the manifests nor cargo's
//! configuration; and all that the unit is built from current too, since macros of a dependency and
//! what a script printed decide what is read. This is sound: if no recorded file is in the change
//! set, everything that decides what is read was the same for the record as it is at the base, so
//! the base's build read the same files, and the changed one was not among them. If one is, the
//! unit is selected for that one already, or for the unit that it is built from.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::SystemTime;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::changed::ChangedPaths;
use super::layout::Layout;
use super::platform::runs_on_host;
use super::record_names::{UnitsByName, is_its};
use crate::graph::{Link, Mode, UnitGraph, UnitIx};
use crate::repo::cargo_config::configuration_files;
use crate::repo::evidence::{Evidence, Inputs, Place};
use crate::repo::resolved;
use crate::repo::unit_inputs::Watch;
use crate::repo::unit_record::{self, TargetKind, UnitName};
use crate::workspace::{TargetKind as GraphKind, Workspace};

/// What a question about records is asked of.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The packages.
    pub workspace: &'a Workspace,
    /// Their units under the verb.
    pub graph: &'a UnitGraph,
    /// Where the path packages lie.
    pub layout: &'a Layout,
    /// The absolute paths of the change set.
    pub changed: &'a ChangedPaths,
}

/// What the build directory holds about the units of path packages.
pub struct Records<'a> {
    ground: Ground<'a>,
    by_unit: BTreeMap<UnitIx, Vec<Record<'a>>>,
    /// The units that read a path of the change set.
    readers: HashMap<&'a Utf8Path, Vec<UnitIx>>,
    /// The values of the records that stand for overridden scripts, which are no units.
    overridden: HashSet<u64>,
    found: RefCell<Found>,
}

/// What was found out about records when it was first asked for, since it takes a look at every
/// file that a unit read.
#[derive(Default)]
struct Found {
    /// When the last record of a unit started that still says what the unit reads.
    started: HashMap<UnitIx, Option<SystemTime>>,
    settings: Option<Option<SystemTime>>,
    /// Whether units are current, with settings and without.
    settled: HashMap<(UnitIx, bool), bool>,
}

/// A record, as that of one unit.
pub struct Record<'a> {
    pub(super) unit: UnitIx,
    pub(super) evidence: &'a Evidence,
    inputs: &'a Inputs,
    /// Whether it runs on the host.
    pub(super) is_for_host: bool,
    /// Whether profile directory and toolchain are those of the question.
    pub(super) is_here: bool,
    /// Whether the features of what was compiled are, too.
    pub(super) fits: bool,
    /// Whether it lists a path of the change set, to compile it.
    pub(super) lists_change: bool,
}

impl<'a> Records<'a> {
    /// No record, as on a fresh clone.
    pub fn none(ground: Ground<'a>) -> Self {
        Self {
            ground,
            by_unit: BTreeMap::new(),
            readers: HashMap::new(),
            overridden: HashSet::new(),
            found: RefCell::default(),
        }
    }

    /// What [`super::checkouts::read`] found. `directory` is the name of the profile directory that
    /// the question is about. External packages' files do not change, so their records are there
    /// only where it is asked which variables they read.
    pub fn new(
        ground: Ground<'a>,
        directory: &str,
        with_external: bool,
        places: &'a [Place],
    ) -> Self {
        let mut records = Self::none(ground);
        let by_name =
            UnitsByName::new(ground.workspace, ground.graph, ground.layout, with_external);
        for place in places {
            let newest = place.units.iter().max_by_key(|unit| unit.invoked);
            let toolchain = newest.map(|unit| unit.rustc);
            let scripts = CompiledScripts::new(place);
            for unit in &place.units {
                let mut inputs = unit.inputs.iter();
                if inputs.any(|(_, it)| matches!(it, Inputs::Run(Watch::Overridden))) {
                    records.overridden.insert(unit.value);
                }
                let is_here = place.directory == directory && Some(unit.rustc) == toolchain;
                records.add(unit, is_here, &by_name, &scripts);
            }
        }
        records
    }

    /// Takes a record for the units that it is of.
    fn add(
        &mut self,
        evidence: &'a Evidence,
        is_here: bool,
        by_name: &UnitsByName,
        scripts: &CompiledScripts<'_>,
    ) {
        let Ground {
            workspace,
            graph,
            layout,
            changed,
        } = self.ground;
        for &unit in by_name.of(evidence) {
            let node = graph.unit(unit);
            let package = workspace.package(node.package);
            let at = layout
                .directory(node.package)
                .unwrap_or(package.directory());
            let Some(inputs) = inputs_in(evidence, at) else {
                continue;
            };
            let mut record = Record {
                unit,
                evidence,
                inputs,
                is_for_host: runs_on_host(node, package),
                is_here,
                fits: is_here,
                lists_change: false,
            };
            match inputs {
                Inputs::Run(_) if node.mode == Mode::RunCustomBuild => {
                    let is_script_its = |script: &Evidence| match inputs_in(script, at) {
                        Some(Inputs::Compiled { files, env, .. }) => {
                            is_its(workspace, node, files, env)
                        }
                        _ => false,
                    };
                    let is_overridden = evidence.dependencies.is_empty();
                    if !is_overridden && !scripts.run_by(evidence).is_some_and(is_script_its) {
                        continue;
                    }
                }
                Inputs::Compiled { files, real, env } if is_its(workspace, node, files, env) => {
                    for file in files.iter().chain(real) {
                        if changed.contains(file) {
                            record.lists_change = true;
                            self.readers.entry(file).or_default().push(unit);
                        }
                    }
                    record.fits &= package.may_have_features(&evidence.features);
                }
                _ => continue,
            }
            self.by_unit.entry(unit).or_default().push(record);
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Record<'a>> {
        self.by_unit.values().flatten()
    }

    /// Returns whether a value is that of a record which stands for an overridden script.
    pub(super) fn is_of_overridden(&self, value: u64) -> bool {
        self.overridden.contains(&value)
    }

    /// Those of a unit: of a script's run, or of a compiled unit.
    pub fn of(&self, unit: UnitIx) -> &[Record<'a>] {
        self.by_unit.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// When the last record of a unit started, if it still says what the unit reads.
    fn started(&self, unit: UnitIx) -> Option<SystemTime> {
        if let Some(&known) = self.found.borrow().started.get(&unit) {
            return known;
        }
        let changed = self.ground.changed;
        let records = self.of(unit).iter();
        let holding: Vec<_> = records
            .filter(|it| it.fits && it.is_current(changed))
            .collect();
        let started = match self.is_every_build_among(unit, &holding) {
            true => holding.into_iter().map(Record::invoked).max().flatten(),
            false => None,
        };
        self.found.borrow_mut().started.insert(unit, started);
        started
    }

    /// Returns whether records of a library are there for each set of features that cargo builds it
    /// with: the record of one build does not tell what another one reads.
    fn is_every_build_among(&self, unit: UnitIx, records: &[&Record<'_>]) -> bool {
        if !self.has_several_builds(unit) {
            return true;
        }
        let package = self.ground.graph.unit(unit).package;
        let mut builds = self.ground.workspace.package(package).builds.iter();
        builds.all(|features| {
            let mut records = records.iter();
            records.any(|record| record.evidence.features == *features)
        })
    }

    /// Returns whether cargo builds a unit with several sets of features: only what other packages
    /// are built from is built more than once.
    pub(super) fn has_several_builds(&self, unit: UnitIx) -> bool {
        let node = self.ground.graph.unit(unit);
        let is_shared = matches!(node.kind, GraphKind::Lib | GraphKind::CustomBuild);
        let package = self.ground.workspace.package(node.package);
        is_shared && node.mode == Mode::Build && package.builds.len() > 1
    }

    /// Whether a unit's record, and those of all that it is built from, still say what is read, and
    /// with `settings` are newer than what sets something for them.
    fn is_settled(&self, unit: UnitIx, settings: bool) -> bool {
        let known = self.found.borrow().settled.get(&(unit, settings)).copied();
        known.unwrap_or_else(|| {
            let mut below = self.ground.graph.dependencies(unit);
            let is_settled = self.is_settled_alone(unit, settings)
                && below.all(|(on, link)| link != Link::Rebuilds || self.is_settled(on, settings));
            let mut found = self.found.borrow_mut();
            found.settled.insert((unit, settings), is_settled);
            is_settled
        })
    }

    fn is_settled_alone(&self, unit: UnitIx, settings: bool) -> bool {
        // An external package is as the lock file says, whatever the time of its files.
        !self.has_all_of(unit)
            || self
                .started(unit)
                .is_some_and(|started| !settings || self.set(unit) <= Some(started))
    }

    /// The units that read a path of the change set when they were last built.
    pub fn readers(&self, path: &Utf8Path) -> impl Iterator<Item = UnitIx> {
        self.readers.get(path).into_iter().flatten().copied()
    }

    /// The units that read something in a directory when they were last built, or watched it.
    pub fn reading_below(&self, directory: &Utf8Path) -> impl Iterator<Item = UnitIx> {
        let is_below = move |file: &Utf8PathBuf| file.starts_with(directory);
        let reads = move |record: &Record<'_>| match record.inputs {
            Inputs::Compiled { files, real, .. } => files.iter().chain(real).any(is_below),
            Inputs::Run(Watch::Declared(paths, _)) => paths.iter().any(is_below),
            Inputs::Run(_) => false,
        };
        let units = self.by_unit.iter();
        let reading = units.filter(move |(_, records)| records.iter().any(reads));
        reading.map(|(&unit, _)| unit)
    }

    /// When what sets something for a unit was written last, without the change set: the meaning of
    /// a changed manifest or configuration is compared, and selects the units that it reaches.
    fn set(&self, unit: UnitIx) -> Option<SystemTime> {
        let package = self.ground.graph.unit(unit).package;
        let manifest = &self.ground.workspace.package(package).manifest_path;
        let is_changed = self.ground.changed.contains(manifest);
        let written = (!is_changed).then(|| modified(manifest)).flatten();
        self.settings().max(written)
    }

    /// When what sets something for all units was written last, without the change set.
    fn settings(&self) -> Option<SystemTime> {
        *self.found.borrow_mut().settings.get_or_insert_with(|| {
            let root = resolved(&self.ground.workspace.root);
            let files = configuration_files(&root).into_iter();
            files
                .chain([root.join("Cargo.toml")])
                .filter(|file| !self.ground.changed.contains(file))
                .filter_map(|file| modified(&file))
                .max()
        })
    }

    /// Whether the unit's record is current, so that it reads no file which the record does not
    /// list, or a script's run watches none besides.
    pub fn is_current(&self, unit: UnitIx) -> bool {
        self.is_settled(unit, true)
    }

    /// The same, but for manifests and cargo's configuration, which may be newer. Cargo does not
    /// build again what a change of them does not reach, so that after one most records stay so;
    /// what such a record does not list is then read only if the change made a macro, or generated
    /// code, name it. That weighs enough against a mere doubt.
    pub fn is_nearly_current(&self, unit: UnitIx) -> bool {
        self.is_settled(unit, false)
    }

    /// Whether nothing but the change set can have altered what a record lists, and what set
    /// something for it is older.
    pub(super) fn is_as_recorded(&self, record: &Record<'_>) -> bool {
        self.set(record.unit) <= record.invoked() && record.is_current(self.ground.changed)
    }

    /// Whether a unit's package is a path package, whose records are all there.
    pub(super) fn has_all_of(&self, unit: UnitIx) -> bool {
        let package = self.ground.graph.unit(unit).package;
        self.ground.layout.directory(package).is_some()
    }

    /// Whether a compiled unit is recorded to read one of the variables; `None` where it has no
    /// current record.
    pub fn reads_variable(&self, unit: UnitIx, names: &[String]) -> Option<bool> {
        let records = self.by_unit.get(&unit)?;
        self.is_current(unit).then(|| {
            records.iter().any(|record| match record.inputs {
                Inputs::Compiled { env, .. } => env.iter().any(|name| names.contains(name)),
                Inputs::Run(_) => false,
            })
        })
    }

    /// Counts the compiled units of path packages that have a record of a build of this kind. Records
    /// of other packages are only read where the configuration changed, and never counted.
    pub fn fitting(&self) -> usize {
        let fits = |it: &Record<'_>| it.fits && matches!(it.inputs, Inputs::Compiled { .. });
        let records = self.by_unit.iter();
        let of_path_packages = records.filter(|(unit, _)| self.has_all_of(**unit));
        of_path_packages
            .filter(|(_, records)| records.iter().any(fits))
            .count()
    }
}

/// The inputs that a record has if its package is the one in this directory.
fn inputs_in<'a>(evidence: &'a Evidence, package: &Utf8Path) -> Option<&'a Inputs> {
    let mut inputs = evidence.inputs.iter();
    let (_, inputs) = inputs.find(|(known, _)| known.as_str() == package || known == package)?;
    Some(inputs)
}

/// The records of compiled build scripts in a profile directory. A script's run does not say which
/// package it is of; the compiled script that was run does, by the files that it was made from.
struct CompiledScripts<'a>(HashMap<u64, &'a Evidence>);

impl<'a> CompiledScripts<'a> {
    fn new(place: &'a Place) -> Self {
        let is_script = |unit: &&Evidence| {
            unit.name.kind == TargetKind::BuildScript
                && unit.name.mode == unit_record::Mode::Compile
        };
        let scripts = place.units.iter().filter(is_script);
        Self(scripts.map(|script| (script.value, script)).collect())
    }

    /// The script that ran; `None` where that is another package's, or was compiled again since.
    fn run_by(&self, run: &Evidence) -> Option<&'a Evidence> {
        let mut built_against = run.dependencies.iter();
        built_against.find_map(|(_, value)| self.0.get(value).copied())
    }
}

/// The directory of a record, by its hash, and the unit, since a directory can have several.
pub type RecordId = (String, UnitName);

impl Record<'_> {
    /// What tells it from all others.
    pub(super) fn id(&self) -> RecordId {
        (self.evidence.hash.clone(), self.evidence.name.clone())
    }

    /// When rustc or the script started.
    pub(super) fn invoked(&self) -> Option<SystemTime> {
        self.evidence.invoked
    }

    /// What a script's run was recorded to watch.
    pub fn watch(&self) -> Option<&Watch> {
        match self.inputs {
            Inputs::Run(watch) => Some(watch),
            Inputs::Compiled { .. } => None,
        }
    }

    /// Whether nothing but the change set can have altered what the compiler read since then, or
    /// what the script would print. Cargo's own comparison: a file as new as the start counts as
    /// older.
    fn is_current(&self, changed: &ChangedPaths) -> bool {
        let started = self.invoked();
        let is_older = |at: Option<SystemTime>| at.is_some_and(|at| Some(at) <= started);
        let is_unchanged = |path: &&Utf8PathBuf| !changed.contains(path);
        match self.inputs {
            Inputs::Compiled { files, .. } => {
                let mut files = files.iter().filter(is_unchanged);
                started.is_some() && files.all(|file| is_older(modified(file)))
            }
            Inputs::Run(Watch::Declared(paths, variables)) => {
                let mut paths = paths.iter().filter(is_unchanged);
                paths.all(|path| is_older(newest_in(path, changed)))
                    && variables
                        .iter()
                        .all(|(name, value)| std::env::var(name).ok() == *value)
            }
            Inputs::Run(_) => started.is_some(),
        }
    }
}

pub(super) fn modified(file: &Utf8Path) -> Option<SystemTime> {
    file.metadata()
        .and_then(|metadata| metadata.modified())
        .ok()
}

/// The time of the newest file at or below a path, the change set's left out.
fn newest_in(path: &Utf8Path, changed: &ChangedPaths) -> Option<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    let entries = path.read_dir_utf8().ok()?.flatten();
    let files = entries.filter(|entry| !changed.contains(entry.path()));
    files
        .map(|entry| newest_in(entry.path(), changed))
        .try_fold(SystemTime::UNIX_EPOCH, |a, b| Some(a.max(b?)))
}

#[cfg(test)]
mod tests;
