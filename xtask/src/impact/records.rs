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

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::SystemTime;

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::layout::Layout;
use crate::graph::{Link, Mode, Unit, UnitGraph, UnitIx};
use crate::repo::build_dir::{self, ProfileDir};
use crate::repo::cargo_config::configuration_files;
use crate::repo::resolved;
use crate::repo::rust_source::normalized;
use crate::repo::unit_inputs::{Roots, Watch};
use crate::repo::unit_record::{self, UnitName, UnitRecord};
use crate::workspace::{PackageIx, TargetKind, Workspace};

/// What the build directory holds about the units of path packages.
#[derive(Default)]
pub struct Records {
    compiled: BTreeMap<UnitIx, Vec<Compiled>>,
    runs: BTreeMap<UnitIx, Vec<Run>>,
    readers: HashMap<Utf8PathBuf, Vec<UnitIx>>,
    current: HashSet<UnitIx>,
    nearly_current: HashSet<UnitIx>,
}

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

impl Records {
    /// Reads the records of every profile directory. `directory` is the name of the one that the
    /// question is about. External packages' files do not change, so their records are read only
    /// where it is asked which variables they read.
    ///
    /// # Errors
    /// A build directory that cannot be listed, or has a layout that is not known.
    pub fn read(
        workspace: &Workspace,
        graph: &UnitGraph,
        layout: &Layout,
        directory: &str,
        changed: &HashSet<Utf8PathBuf>,
        with_external: bool,
    ) -> Result<Self> {
        let by_name = UnitsByName::new(workspace, graph, layout, with_external);
        let mut records = Self::default();
        for place in build_dir::profile_dirs(&workspace.build_directory)? {
            let units = place.records()?.units;
            let newest = units.iter().max_by_key(|record| record.invoked);
            let toolchain = newest.map(|record| record.fingerprint.rustc);
            for record in &units {
                let fits =
                    place.directory == directory && Some(record.fingerprint.rustc) == toolchain;
                for &unit in by_name.of(record) {
                    let node = graph.unit(unit);
                    if node.mode == Mode::RunCustomBuild {
                        let at = workspace.package(node.package).directory();
                        let at = layout.directory(node.package).unwrap_or(at);
                        let run = place.script_run(record, at).map(|run| Run {
                            watch: run.watch,
                            invoked: record.invoked,
                            fits,
                        });
                        records.runs.entry(unit).or_default().extend(run);
                    } else if let Some(mut compiled) = compiled(workspace, node, &place, record) {
                        compiled.fits &= fits;
                        records.compiled.entry(unit).or_default().push(compiled);
                    }
                }
            }
        }
        records.index();
        records.settle(workspace, graph, layout, changed);
        Ok(records)
    }

    fn index(&mut self) {
        let mut directories: HashMap<Utf8PathBuf, Utf8PathBuf> = HashMap::new();
        let mut real = |file: &Utf8Path| -> Utf8PathBuf {
            let (Some(parent), Some(name)) = (file.parent(), file.file_name()) else {
                return file.to_owned();
            };
            if file.is_symlink() {
                return resolved(file);
            }
            let parent = directories
                .entry(parent.to_owned())
                .or_insert_with(|| resolved(parent));
            parent.join(name)
        };
        for (&unit, records) in &self.compiled {
            for record in records {
                for file in &record.files {
                    let real = real(file);
                    if real != *file {
                        self.readers.entry(real).or_default().push(unit);
                    }
                    self.readers.entry(file.clone()).or_default().push(unit);
                }
            }
        }
    }

    /// Finds the units whose records are current.
    fn settle(
        &mut self,
        workspace: &Workspace,
        graph: &UnitGraph,
        layout: &Layout,
        changed: &HashSet<Utf8PathBuf>,
    ) {
        let root = resolved(&workspace.root);
        let settings = configuration_files(&root)
            .into_iter()
            .chain([root.join("Cargo.toml")])
            .filter_map(|file| modified(&file))
            .max();
        // When each unit's last record started that still says what the unit reads.
        let compiled = self.compiled.iter().flat_map(|(&unit, records)| {
            let still = records
                .iter()
                .filter(|it| it.fits && it.is_current(changed));
            still.map(move |it| (unit, it.invoked))
        });
        let runs = self.runs.iter().flat_map(|(&unit, records)| {
            let still = records
                .iter()
                .filter(|it| it.fits && it.is_current(changed));
            still.map(move |it| (unit, it.invoked))
        });
        let mut started: HashMap<UnitIx, Option<SystemTime>> = HashMap::new();
        for (unit, invoked) in compiled.chain(runs) {
            let known = started.entry(unit).or_default();
            *known = invoked.max(*known);
        }
        let settled = |settings: Option<SystemTime>| -> HashSet<UnitIx> {
            let is_settled = |&(index, unit): &(UnitIx, &Unit)| {
                // An external package is as the lock file says, whatever the time of its files.
                layout.directory(unit.package).is_none()
                    || started.get(&index).is_some_and(|started| {
                        let manifest = &workspace.package(unit.package).manifest_path;
                        settings.max(modified(manifest)) <= *started
                    })
            };
            let by_itself = graph
                .units()
                .filter(is_settled)
                .map(|(index, _)| index)
                .collect();
            let mut known = HashMap::new();
            let units = graph.units().map(|(index, _)| index);
            units
                .filter(|&index| is_settled_below(graph, index, &by_itself, &mut known))
                .collect()
        };
        self.nearly_current = settled(None);
        self.current = settled(settings);
    }

    /// The units that read the file when they were last built.
    pub fn readers(&self, path: &Utf8Path) -> impl Iterator<Item = UnitIx> {
        self.readers.get(path).into_iter().flatten().copied()
    }

    /// Whether the unit's record is current, so that it reads no file which the record does not
    /// list, or a script's run watches none besides.
    pub fn is_current(&self, unit: UnitIx) -> bool {
        self.current.contains(&unit)
    }

    /// The same, but for the root manifest and cargo's configuration, which may be newer. Cargo
    /// does not build again what a change of them does not reach, so that after one most records
    /// stay so; what such a record does not list is then read only if the change made a macro, or
    /// generated code, name it. That weighs enough against a mere doubt.
    pub fn is_nearly_current(&self, unit: UnitIx) -> bool {
        self.nearly_current.contains(&unit)
    }

    /// The records of a script's run.
    pub fn runs(&self, run: UnitIx) -> &[Run] {
        self.runs.get(&run).map_or(&[], Vec::as_slice)
    }

    /// Whether a unit is recorded to read one of the variables; `None` where it has no current
    /// record.
    pub fn reads_variable(&self, unit: UnitIx, names: &[String]) -> Option<bool> {
        if !self.is_current(unit) {
            return None;
        }
        let records = self.compiled.get(&unit)?;
        Some(
            records
                .iter()
                .any(|record| record.env.iter().any(|name| names.contains(name))),
        )
    }

    /// How many compiled units of path packages have a current record.
    pub fn current(&self) -> usize {
        self.compiled
            .keys()
            .filter(|unit| self.current.contains(unit))
            .count()
    }
}

impl Compiled {
    /// Whether nothing but the change set can have altered the files since the compiler read
    /// them. Cargo's own comparison: a file as new as the start counts as older.
    fn is_current(&self, changed: &HashSet<Utf8PathBuf>) -> bool {
        let mut files = self.files.iter().filter(|file| !changed.contains(*file));
        self.invoked.is_some()
            && files.all(|file| modified(file).is_some_and(|at| Some(at) <= self.invoked))
    }
}

impl Run {
    /// Whether the script would print the same again, but for the change set.
    fn is_current(&self, changed: &HashSet<Utf8PathBuf>) -> bool {
        let Watch::Declared(paths, variables) = &self.watch else {
            return self.invoked.is_some();
        };
        let is_same = |(name, value): &(String, Option<String>)| std::env::var(name).ok() == *value;
        let mut paths = paths.iter().filter(|path| !changed.contains(*path));
        paths.all(|path| newest_in(path, changed).is_some_and(|at| Some(at) <= self.invoked))
            && variables.iter().all(is_same)
    }
}

fn modified(file: &Utf8Path) -> Option<SystemTime> {
    file.metadata()
        .and_then(|metadata| metadata.modified())
        .ok()
}

/// The time of the newest file at or below a path, the change set's left out.
fn newest_in(path: &Utf8Path, changed: &HashSet<Utf8PathBuf>) -> Option<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    let entries = path.read_dir_utf8().ok()?.flatten();
    let files = entries.filter(|entry| !changed.contains(entry.path()));
    files
        .map(|entry| newest_in(entry.path(), changed))
        .try_fold(SystemTime::UNIX_EPOCH, |a, b| Some(a.max(b?)))
}

/// Whether a unit and all that it is built from are settled.
fn is_settled_below(
    graph: &UnitGraph,
    unit: UnitIx,
    by_itself: &HashSet<UnitIx>,
    known: &mut HashMap<UnitIx, bool>,
) -> bool {
    if let Some(&known) = known.get(&unit) {
        return known;
    }
    let is_settled = by_itself.contains(&unit)
        && graph
            .dependencies(unit)
            .filter(|&(_, link)| link == Link::Rebuilds)
            .all(|(on, _)| is_settled_below(graph, on, by_itself, known));
    known.insert(unit, is_settled);
    is_settled
}

/// The record of a compiled unit, if it is that unit's.
fn compiled(
    workspace: &Workspace,
    unit: &Unit,
    place: &ProfileDir,
    record: &UnitRecord,
) -> Option<Compiled> {
    let package = workspace.package(unit.package);
    let roots = Roots {
        workspace: &workspace.root,
        package: package.directory(),
    };
    let sources = place.sources(record, roots)?;
    let env: Vec<String> = sources.env.into_iter().map(|(name, _)| name).collect();
    // Clippy's records list files that rustc does not read, and cargo does not go by them.
    let clippys = env.iter().any(|name| name == "CLIPPY_ARGS");
    // Packages of one name are told apart by the root file, which every record lists, but for
    // those of external packages.
    let is_its = package.targets.iter().any(|target| {
        let root = [
            target.src_path.clone(),
            normalized(&target.src_path),
            resolved(&target.src_path),
        ];
        target.kind == unit.kind
            && target.name == unit.target
            && (package.source.is_some() || root.iter().any(|root| sources.files.contains(root)))
    });
    (is_its && !clippys).then(|| Compiled {
        files: sources.files,
        env,
        invoked: record.invoked,
        fits: record.fingerprint.features == package.features,
    })
}

/// The units of path packages by what a record says of itself.
struct UnitsByName(HashMap<(String, TargetKind, String, Mode), Vec<UnitIx>>);

impl UnitsByName {
    fn new(workspace: &Workspace, graph: &UnitGraph, layout: &Layout, with_external: bool) -> Self {
        let mut units: HashMap<_, Vec<_>> = HashMap::new();
        for (index, unit) in graph.units() {
            if with_external || layout.directory(unit.package).is_some() {
                let package: &PackageIx = &unit.package;
                let name = workspace.package(*package).name.clone();
                let target = crate_name(unit.kind, &unit.target);
                units
                    .entry((name, unit.kind, target, unit.mode))
                    .or_default()
                    .push(index);
            }
        }
        Self(units)
    }

    fn of(&self, record: &UnitRecord) -> &[UnitIx] {
        let Some((kind, target, mode)) = in_graph(&record.name) else {
            return &[];
        };
        self.0
            .get(&(record.package.clone(), kind, target, mode))
            .map_or(&[], Vec::as_slice)
    }
}

/// Kind, target (see [`crate_name`]) and mode of what a record names, in the graph's terms; `None`
/// for documentation, which is not in the graph.
pub fn in_graph(name: &UnitName) -> Option<(TargetKind, String, Mode)> {
    let mode = match name.mode {
        unit_record::Mode::Compile => Mode::Build,
        unit_record::Mode::Test => Mode::Test,
        unit_record::Mode::Run => Mode::RunCustomBuild,
        unit_record::Mode::Doc => return None,
    };
    let kind = target_kind(name.kind);
    Some((kind, crate_name(kind, &name.target), mode))
}

/// The graph's word for a kind that a record names.
pub fn target_kind(kind: unit_record::TargetKind) -> TargetKind {
    match kind {
        unit_record::TargetKind::Lib => TargetKind::Lib,
        unit_record::TargetKind::Bin => TargetKind::Bin,
        unit_record::TargetKind::Example => TargetKind::Example,
        unit_record::TargetKind::Test => TargetKind::Test,
        unit_record::TargetKind::Bench => TargetKind::Bench,
        unit_record::TargetKind::BuildScript => TargetKind::CustomBuild,
    }
}

/// A library's target goes by its crate's name in records, and by either in older metadata.
pub fn crate_name(kind: TargetKind, target: &str) -> String {
    if kind == TargetKind::Lib {
        target.replace('-', "_")
    } else {
        target.to_owned()
    }
}
