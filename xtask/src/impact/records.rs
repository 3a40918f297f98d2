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
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::changed::ChangedPaths;
use super::checkouts::Shared;
use super::layout::Layout;
use super::record_names::{UnitsByName, is_its};
use crate::graph::{Link, Mode, Unit, UnitGraph, UnitIx};
use crate::repo::cargo_config::configuration_files;
use crate::repo::evidence::{Evidence, Inputs, Place};
use crate::repo::resolved;
use crate::repo::unit_inputs::Watch;
use crate::repo::unit_record::UnitName;
use crate::workspace::{Package, TargetKind, Workspace};

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
    compiled: BTreeMap<UnitIx, Vec<Compiled>>,
    runs: BTreeMap<UnitIx, Vec<Run>>,
    /// The units that read a path of the change set.
    readers: HashMap<Utf8PathBuf, Vec<UnitIx>>,
    /// Every record by the value that others refer to it by.
    pub(super) built: HashMap<u64, Vec<Built>>,
    found: RefCell<Found>,
    /// The profile directories that hold records of another checkout.
    pub shared: Vec<Shared>,
}

/// What was found out about records when it was first asked for, since it takes a look at every
/// file that a unit read.
#[derive(Default)]
struct Found {
    /// When the last record of a unit started that still says what the unit reads.
    started: HashMap<UnitIx, Option<SystemTime>>,
    settings: Option<Option<SystemTime>>,
    current: HashMap<UnitIx, bool>,
    nearly_current: HashMap<UnitIx, bool>,
}

/// What a record says of its place among the others.
pub(super) struct Built {
    pub(super) unit: UnitIx,
    pub(super) id: RecordId,
    /// By which others refer to it.
    pub(super) value: u64,
    /// When it was started.
    pub(super) invoked: Option<SystemTime>,
    /// A hash of each dependency's package id, and the value of its record.
    pub(super) dependencies: Vec<(u64, u64)>,
    /// Whether it is a build script or a procedural macro, which run on the host.
    pub(super) is_for_host: bool,
    /// Whether profile directory and toolchain are those of the question.
    pub(super) is_here: bool,
    /// Whether the features are, too.
    pub(super) fits: bool,
    /// Whether it lists a path of the change set.
    pub(super) lists_change: bool,
    /// Its place among the records of its unit, if that was compiled.
    compiled: Option<usize>,
}

/// The directory of a record, by its hash, and the unit, since a directory can have several.
pub type RecordId = (String, UnitName);

/// One record of a build script's run.
#[derive(Debug)]
pub struct Run {
    /// What the script was recorded to watch.
    pub watch: Watch,
    /// When it started.
    pub invoked: Option<SystemTime>,
    /// Whether the profile directory and the toolchain are those of the question.
    fits: bool,
}

/// One record of a compiled unit.
struct Compiled {
    files: Vec<Utf8PathBuf>,
    env: Vec<String>,
    invoked: Option<SystemTime>,
    /// Whether features, profile directory and toolchain are those of the question.
    fits: bool,
}

impl<'a> Records<'a> {
    /// No record, as on a fresh clone.
    pub fn none(ground: Ground<'a>) -> Self {
        Self {
            ground,
            compiled: BTreeMap::new(),
            runs: BTreeMap::new(),
            readers: HashMap::new(),
            built: HashMap::new(),
            found: RefCell::default(),
            shared: Vec::new(),
        }
    }

    /// What [`super::checkouts::read`] found. `directory` is the name of the profile directory that
    /// the question is about. External packages' files do not change, so their records are there
    /// only where it is asked which variables they read.
    pub fn new(
        ground: Ground<'a>,
        directory: &str,
        with_external: bool,
        (places, shared): (Vec<Place>, Vec<Shared>),
    ) -> Self {
        let mut records = Self::none(ground);
        let by_name = {
            let Ground {
                workspace,
                graph,
                layout,
                ..
            } = ground;
            UnitsByName::new(workspace, graph, layout, with_external)
        };
        records.shared = shared;
        for place in places {
            let newest = place.units.iter().max_by_key(|unit| unit.invoked);
            let toolchain = newest.map(|unit| unit.rustc);
            for unit in place.units {
                let is_here = place.directory == directory && Some(unit.rustc) == toolchain;
                records.add(&unit, is_here, &by_name);
            }
        }
        records
    }

    /// Takes a record for the units that it is of.
    fn add(&mut self, record: &Evidence, is_here: bool, by_name: &UnitsByName) {
        let Ground {
            workspace,
            graph,
            layout,
            changed,
        } = self.ground;
        for &unit in by_name.of(record) {
            let node = graph.unit(unit);
            let package = workspace.package(node.package);
            let at = layout
                .directory(node.package)
                .unwrap_or(package.directory());
            let mut inputs = record.inputs.iter();
            let inputs = inputs.find(|(known, _)| known.as_str() == at.as_str() || known == at);
            let mut built = Built {
                unit,
                id: (record.hash.clone(), record.name.clone()),
                value: record.value,
                invoked: record.invoked,
                is_for_host: runs_on_host(node, package),
                dependencies: record.dependencies.clone(),
                is_here,
                fits: is_here,
                lists_change: false,
                compiled: None,
            };
            match inputs.map(|(_, inputs)| inputs) {
                Some(Inputs::Run(watch)) if node.mode == Mode::RunCustomBuild => {
                    self.runs.entry(unit).or_default().push(Run {
                        watch: watch.clone(),
                        invoked: record.invoked,
                        fits: is_here,
                    });
                }
                Some(Inputs::Compiled { files, real, env })
                    if is_its(workspace, node, files, env) =>
                {
                    for file in files.iter().chain(real) {
                        if changed.contains(file) {
                            built.lists_change = true;
                            self.readers.entry(file.clone()).or_default().push(unit);
                        }
                    }
                    built.fits &= record.features == package.features;
                    let compiled = self.compiled.entry(unit).or_default();
                    built.compiled = Some(compiled.len());
                    compiled.push(Compiled {
                        files: files.clone(),
                        env: env.clone(),
                        invoked: record.invoked,
                        fits: built.fits,
                    });
                }
                _ => continue,
            }
            self.built.entry(record.value).or_default().push(built);
        }
    }

    /// When the last record of a unit started, if it still says what the unit reads.
    fn started(&self, unit: UnitIx) -> Option<SystemTime> {
        if let Some(&known) = self.found.borrow().started.get(&unit) {
            return known;
        }
        let changed = self.ground.changed;
        let compiled = self.compiled.get(&unit).into_iter().flatten();
        let compiled = compiled.filter(|it| it.fits && it.is_current(changed));
        let runs = self.runs.get(&unit).into_iter().flatten();
        let runs = runs.filter(|it| it.fits && it.is_current(changed));
        let started = compiled
            .map(|it| it.invoked)
            .chain(runs.map(|it| it.invoked))
            .max();
        let started = started.flatten();
        self.found.borrow_mut().started.insert(unit, started);
        started
    }

    /// Whether a unit's record, and those of all that it is built from, still say what is read.
    /// With `settings`, the time of the newest, they are newer than these and than the manifests.
    fn is_settled(
        &self,
        unit: UnitIx,
        settings: Option<Option<SystemTime>>,
        known: &mut HashMap<UnitIx, bool>,
    ) -> bool {
        if let Some(&known) = known.get(&unit) {
            return known;
        }
        let Ground {
            workspace,
            graph,
            layout,
            ..
        } = self.ground;
        let package = graph.unit(unit).package;
        // An external package is as the lock file says, whatever the time of its files.
        let by_itself = layout.directory(package).is_none()
            || self.started(unit).is_some_and(|started| {
                settings.is_none_or(|settings| {
                    let manifest = modified(&workspace.package(package).manifest_path);
                    settings.max(manifest) <= Some(started)
                })
            });
        let mut below = graph
            .dependencies(unit)
            .filter(|&(_, link)| link == Link::Rebuilds);
        let is_settled = by_itself && below.all(|(on, _)| self.is_settled(on, settings, known));
        known.insert(unit, is_settled);
        is_settled
    }

    /// The units that read a path of the change set when they were last built.
    pub fn readers(&self, path: &Utf8Path) -> impl Iterator<Item = UnitIx> {
        self.readers.get(path).into_iter().flatten().copied()
    }

    /// The units that read something in a directory when they were last built, or watched it.
    pub fn reading_below(&self, directory: &Utf8Path) -> Vec<UnitIx> {
        let is_below = |file: &Utf8PathBuf| file.starts_with(directory);
        let compiled = self.compiled.iter();
        let compiled = compiled.filter(|(_, records)| {
            let mut files = records.iter().flat_map(|record| &record.files);
            files.any(is_below)
        });
        let runs = self.runs.iter();
        let runs = runs.filter(|(_, runs)| {
            let mut watched = runs.iter().flat_map(|run| match &run.watch {
                Watch::Declared(paths, _) => paths.as_slice(),
                _ => &[],
            });
            watched.any(is_below)
        });
        let compiled = compiled.map(|(&unit, _)| unit);
        compiled.chain(runs.map(|(&unit, _)| unit)).collect()
    }

    /// When what sets something for all units was written last.
    fn settings(&self) -> Option<SystemTime> {
        *self.found.borrow_mut().settings.get_or_insert_with(|| {
            let root = resolved(&self.ground.workspace.root);
            let files = configuration_files(&root).into_iter();
            files
                .chain([root.join("Cargo.toml")])
                .filter_map(|file| modified(&file))
                .max()
        })
    }

    /// Whether the unit's record is current, so that it reads no file which the record does not
    /// list, or a script's run watches none besides.
    pub fn is_current(&self, unit: UnitIx) -> bool {
        let settings = self.settings();
        let mut known = std::mem::take(&mut self.found.borrow_mut().current);
        let is_current = self.is_settled(unit, Some(settings), &mut known);
        self.found.borrow_mut().current = known;
        is_current
    }

    /// The same, but for manifests and cargo's configuration, which may be newer. Cargo does not
    /// build again what a change of them does not reach, so that after one most records stay so;
    /// what such a record does not list is then read only if the change made a macro, or generated
    /// code, name it. That weighs enough against a mere doubt.
    pub fn is_nearly_current(&self, unit: UnitIx) -> bool {
        let mut known = std::mem::take(&mut self.found.borrow_mut().nearly_current);
        let is_current = self.is_settled(unit, None, &mut known);
        self.found.borrow_mut().nearly_current = known;
        is_current
    }

    /// Whether nothing but the change set can have altered what a record lists, and what set
    /// something for it is older.
    pub(super) fn is_as_recorded(&self, built: &Built) -> bool {
        let Ground {
            workspace,
            graph,
            changed,
            ..
        } = self.ground;
        let records = self.compiled.get(&built.unit);
        let record = records.zip(built.compiled).map(|(all, at)| &all[at]);
        let package = workspace.package(graph.unit(built.unit).package);
        self.settings().max(modified(&package.manifest_path)) <= built.invoked
            && record.is_none_or(|it| it.is_current(changed))
    }

    /// Whether a unit's package is a path package, whose records are all there.
    pub(super) fn has_all_of(&self, unit: UnitIx) -> bool {
        let package = self.ground.graph.unit(unit).package;
        self.ground.layout.directory(package).is_some()
    }

    /// The records of a script's run.
    pub fn runs(&self, run: UnitIx) -> &[Run] {
        self.runs.get(&run).map_or(&[], Vec::as_slice)
    }

    /// Whether a unit is recorded to read one of the variables; `None` where it has no current
    /// record.
    pub fn reads_variable(&self, unit: UnitIx, names: &[String]) -> Option<bool> {
        let records = self.compiled.get(&unit)?;
        self.is_current(unit).then(|| {
            let mut read = records.iter().flat_map(|record| &record.env);
            read.any(|name| names.contains(name))
        })
    }

    /// How many compiled units have a record that fits the question.
    pub fn fitting(&self) -> usize {
        let records = self.compiled.values();
        records
            .filter(|records| records.iter().any(|it| it.fits))
            .count()
    }
}

impl Compiled {
    /// Whether nothing but the change set can have altered the files since the compiler read
    /// them. Cargo's own comparison: a file as new as the start counts as older.
    fn is_current(&self, changed: &ChangedPaths) -> bool {
        let mut files = self.files.iter().filter(|file| !changed.contains(file));
        self.invoked.is_some()
            && files.all(|file| modified(file).is_some_and(|at| Some(at) <= self.invoked))
    }
}

impl Run {
    /// Whether the script would print the same again, but for the change set.
    fn is_current(&self, changed: &ChangedPaths) -> bool {
        let Watch::Declared(paths, variables) = &self.watch else {
            return self.invoked.is_some();
        };
        let is_same = |(name, value): &(String, Option<String>)| std::env::var(name).ok() == *value;
        let mut paths = paths.iter().filter(|path| !changed.contains(path));
        paths.all(|path| newest_in(path, changed).is_some_and(|at| Some(at) <= self.invoked))
            && variables.iter().all(is_same)
    }
}

/// Whether it is a build script or a procedural macro, or the latter's tests.
fn runs_on_host(unit: &Unit, package: &Package) -> bool {
    match unit.kind {
        TargetKind::CustomBuild => unit.mode == Mode::Build,
        TargetKind::Lib => package.is_proc_macro(),
        _ => false,
    }
}

fn modified(file: &Utf8Path) -> Option<SystemTime> {
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
