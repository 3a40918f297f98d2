//! Evidence from builds: the files that each unit read, as its last builds recorded.
//!
//! A record that lists a changed file is reason enough to select its unit. This is true for a
//! record of any build. A record that does not list the file is a reason to leave its unit out only
//! if the record is *current*:
//!
//! * Its features, profile directory and toolchain are those of the query.
//! * No recorded file outside the change set is newer than the start of the compiler. The same
//!   holds for the manifests and cargo's configuration.
//! * The records of all dependencies of the unit are current too, because macros of a dependency
//!   and the output of a build script decide which files are read.
//!
//! This rule is sound. If no recorded file is in the change set, everything that decides which
//! files are read is the same for the record as at the base. So the build of the base read the same
//! files, and the changed file was not among them. If a recorded file is in the change set, this
//! file already selects the unit or one of its dependencies.

pub mod changed;
pub mod checked;
pub mod checkouts;
pub mod layout;
pub mod missing;
pub mod names;
pub(crate) mod platform;
mod record;
pub mod refusals;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
pub use record::{Documented, Record, RecordId};
pub(crate) use record::{is_newer, modified};

use crate::build_dir::evidence::{ProfileRecords, RecordedInputs, UnitRecord};
use crate::build_dir::unit_inputs::Watch;
use crate::build_dir::unit_record;
use crate::build_dir::unit_record::RecordedKind;
use crate::cargo_config::configuration_files;
use crate::paths::resolved;
use crate::records::changed::ChangedPaths;
use crate::records::layout::PackageDirectories;
use crate::records::names::{UnitsByName, is_by_clippy, is_its};
use crate::records::platform::runs_on_host;
use crate::unit_graph::{Link, Mode, UnitGraph, UnitIx, Verb};
use crate::workspace::{TargetKind as GraphKind, Workspace};

/// The data that every question about records needs.
#[derive(Clone, Copy)]
pub struct QueryContext<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The units of the workspace under the verb.
    pub graph: &'a UnitGraph,
    /// The directories of the path packages.
    pub layout: &'a PackageDirectories,
    /// The absolute paths of the change set.
    pub changed: &'a ChangedPaths,
}

/// The records of the units of path packages in the build directory.
pub struct Records<'a> {
    context: QueryContext<'a>,
    by_unit: BTreeMap<UnitIx, Vec<Record<'a>>>,
    /// The units that read each path of the change set.
    readers: HashMap<&'a Utf8Path, Vec<UnitIx>>,
    /// The units for which clippy read each path of the change set.
    clippys_readers: HashMap<&'a Utf8Path, Vec<UnitIx>>,
    /// The records of documentation, by unit.
    documented: HashMap<UnitIx, Vec<Documented>>,
    /// The values of the records of overridden scripts. The unit graph has no units for such
    /// scripts.
    overridden: HashSet<u64>,
    found: RefCell<RecordFindings>,
}

/// Findings about records, computed on first use: they need the modification time of every file
/// that a unit read.
#[derive(Default)]
struct RecordFindings {
    /// The start of each unit's last record, if the record still says what the unit reads.
    started: HashMap<UnitIx, Option<SystemTime>>,
    settings: Option<Option<SystemTime>>,
    /// True for a unit whose records are current. The flag of the key says if settings are compared
    /// too.
    settled: HashMap<(UnitIx, bool), bool>,
}

impl<'a> Records<'a> {
    /// Returns the unit graph of the query.
    pub fn graph(&self) -> &'a UnitGraph {
        self.context.graph
    }

    /// Creates an empty set of records, as on a fresh clone.
    pub fn none(context: QueryContext<'a>) -> Self {
        Self {
            context,
            by_unit: BTreeMap::new(),
            readers: HashMap::new(),
            clippys_readers: HashMap::new(),
            documented: HashMap::new(),
            overridden: HashSet::new(),
            found: RefCell::default(),
        }
    }

    /// Assigns the records that [`crate::records::checkouts::read`] returned to units. `directory`
    /// is the name of the queried profile directory. The files of external packages do not change,
    /// so their records are read only if the variables that they read matter.
    pub fn new(
        context: QueryContext<'a>,
        directory: &str,
        with_external: bool,
        places: &'a [ProfileRecords],
    ) -> Self {
        let mut records = Self::none(context);
        let by_name = UnitsByName::new(
            context.workspace,
            context.graph,
            context.layout,
            with_external,
        );
        let scripts = CompiledScripts::new(places);
        for place in places {
            let toolchain = place.toolchain();
            for unit in &place.units {
                let mut inputs = unit.inputs.iter();
                if inputs.any(|(_, it)| matches!(it, RecordedInputs::Run(Watch::Overridden))) {
                    records.overridden.insert(unit.value);
                }
                let is_here = place.directory == directory && Some(unit.rustc) == toolchain;
                records.add((place, unit), is_here, &by_name, &scripts);
                if is_here {
                    records.add_documented(unit, &by_name);
                }
            }
        }
        records
    }

    /// Assigns a record of documentation to its units.
    fn add_documented(&mut self, evidence: &UnitRecord, by_name: &UnitsByName) {
        let QueryContext {
            workspace,
            graph,
            layout,
            ..
        } = self.context;
        for &unit in by_name.documented_by(evidence) {
            let package = graph.unit(unit).package;
            let directory = layout.directory(package);
            let fits = workspace
                .package(package)
                .may_have_features(&evidence.features);
            if let Some(directory) = directory.filter(|_| fits) {
                let documented = Documented {
                    newest: evidence.documented(directory),
                    written: evidence.written(),
                };
                self.documented.entry(unit).or_default().push(documented);
            }
        }
    }

    /// Returns the records of a documentation unit.
    pub fn documented(&self, unit: UnitIx) -> &[Documented] {
        self.documented.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// Assigns a record to the units that it belongs to.
    fn add(
        &mut self,
        (place, evidence): (&'a ProfileRecords, &'a UnitRecord),
        is_here: bool,
        by_name: &UnitsByName,
        scripts: &CompiledScripts<'_>,
    ) {
        let QueryContext {
            workspace,
            graph,
            layout,
            changed,
        } = self.context;
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
                place,
                inputs,
                is_for_host: runs_on_host(node, package),
                is_here,
                fits: is_here,
                lists_change: false,
            };
            match inputs {
                RecordedInputs::Run(_) if node.mode == Mode::RunCustomBuild => {
                    let is_script_its = |script: &UnitRecord| match inputs_in(script, at) {
                        Some(RecordedInputs::Compiled { files, env, .. }) => {
                            !is_by_clippy(env) && is_its(workspace, node, files)
                        }
                        _ => false,
                    };
                    let is_overridden = evidence.dependencies.is_empty();
                    if !is_overridden && !scripts.run_by(evidence).is_some_and(is_script_its) {
                        continue;
                    }
                }
                RecordedInputs::Compiled { files, real, env } if is_its(workspace, node, files) => {
                    let changed = files.iter().chain(real).filter(|it| changed.contains(it));
                    if is_by_clippy(env) {
                        for file in changed {
                            self.clippys_readers.entry(file).or_default().push(unit);
                        }
                        continue;
                    }
                    for file in changed {
                        record.lists_change = true;
                        self.readers.entry(file).or_default().push(unit);
                    }
                    record.fits &= package.may_have_features(&evidence.features);
                }
                _ => continue,
            }
            self.by_unit.entry(unit).or_default().push(record);
        }
    }

    /// Returns all records.
    pub(super) fn all(&self) -> impl Iterator<Item = &Record<'a>> {
        self.by_unit.values().flatten()
    }

    /// Returns true if a value belongs to the record of an overridden script.
    pub(super) fn is_of_overridden(&self, value: u64) -> bool {
        self.overridden.contains(&value)
    }

    /// Returns the records of a unit: of a script run or of a compiled unit.
    pub fn of(&self, unit: UnitIx) -> &[Record<'a>] {
        self.by_unit.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// Returns the start time of the last record of a unit, if the record still says what the unit
    /// reads.
    fn started(&self, unit: UnitIx) -> Option<SystemTime> {
        if let Some(&known) = self.found.borrow().started.get(&unit) {
            return known;
        }
        let changed = self.context.changed;
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

    /// Returns true if there is a record for each set of features that cargo builds the unit with.
    /// The record of one variant does not say what another variant reads.
    fn is_every_build_among(&self, unit: UnitIx, records: &[&Record<'_>]) -> bool {
        if !self.has_several_builds(unit) {
            return true;
        }
        let package = self.context.graph.unit(unit).package;
        let mut builds = self.context.workspace.package(package).builds.iter();
        builds.all(|features| {
            let mut records = records.iter();
            records.any(|record| record.evidence.features == *features)
        })
    }

    /// Returns true if cargo builds a unit with several sets of features. Only libraries and build
    /// scripts are built more than once.
    pub(super) fn has_several_builds(&self, unit: UnitIx) -> bool {
        let node = self.context.graph.unit(unit);
        let is_shared = matches!(node.kind, GraphKind::Lib | GraphKind::CustomBuild);
        let package = self.context.workspace.package(node.package);
        is_shared && node.mode == Mode::Build && package.builds.len() > 1
    }

    /// Returns true if the records of a unit and of all its dependencies still say what the units
    /// read. With `settings`, the records must also be newer than the settings of their units.
    fn is_settled(&self, unit: UnitIx, settings: bool) -> bool {
        let known = self.found.borrow().settled.get(&(unit, settings)).copied();
        known.unwrap_or_else(|| {
            let mut below = self.context.graph.dependencies(unit);
            let is_settled = self.is_settled_alone(unit, settings)
                && below.all(|(on, link)| link != Link::Rebuilds || self.is_settled(on, settings));
            let mut found = self.found.borrow_mut();
            found.settled.insert((unit, settings), is_settled);
            is_settled
        })
    }

    fn is_settled_alone(&self, unit: UnitIx, settings: bool) -> bool {
        // The lock file determines an external package, so the modification times of the package's
        // files do not matter.
        !self.has_all_of(unit)
            || self
                .started(unit)
                .is_some_and(|started| !settings || self.set(unit) <= Some(started))
    }

    /// Returns the units whose last build read a path of the change set.
    pub fn readers(&self, path: &Utf8Path) -> impl Iterator<Item = UnitIx> {
        self.readers.get(path).into_iter().flatten().copied()
    }

    /// Returns the units for which clippy read a path of the change set. Clippy also reads manifests
    /// and its own configuration, which do not count here.
    pub fn clippys_readers(&self, path: &Utf8Path) -> impl Iterator<Item = UnitIx> {
        let is_setting = matches!(
            path.file_name(),
            Some("Cargo.toml" | "clippy.toml" | ".clippy.toml")
        );
        let units = self.clippys_readers.get(path).filter(|_| !is_setting);
        units.into_iter().flatten().copied()
    }

    /// Returns the units whose last build read or watched a file in a directory.
    pub fn reading_below(&self, directory: &Utf8Path) -> impl Iterator<Item = UnitIx> {
        let is_below = move |file: &Utf8PathBuf| file.starts_with(directory);
        let reads = move |record: &Record<'_>| match record.inputs {
            RecordedInputs::Compiled { files, real, .. } => files.iter().chain(real).any(is_below),
            RecordedInputs::Run(Watch::Declared(paths, _)) => paths.iter().any(is_below),
            RecordedInputs::Run(_) => false,
        };
        let units = self.by_unit.iter();
        let reading = units.filter(move |(_, records)| records.iter().any(reads));
        reading.map(|(&unit, _)| unit)
    }

    /// Returns the last modification time of the files that hold settings for a unit, without the
    /// files of the change set. Changed manifests and configuration files are compared by meaning
    /// elsewhere, and select the units that they reach.
    fn set(&self, unit: UnitIx) -> Option<SystemTime> {
        let package = self.context.graph.unit(unit).package;
        let manifest = &self.context.workspace.package(package).manifest_path;
        let is_changed = self.context.changed.contains(manifest);
        let written = (!is_changed).then(|| modified(manifest)).flatten();
        self.settings().max(written)
    }

    /// Returns the last modification time of the files that hold settings for all units, without
    /// the files of the change set.
    fn settings(&self) -> Option<SystemTime> {
        *self.found.borrow_mut().settings.get_or_insert_with(|| {
            let files = self.settings_files();
            files.filter_map(|file| modified(&file)).max()
        })
    }

    /// Returns the files that hold settings for all units, without the files of the change set.
    fn settings_files(&self) -> impl Iterator<Item = Utf8PathBuf> {
        let root = resolved(&self.context.workspace.root);
        let files = configuration_files(&root).into_iter();
        let files = files.chain([root.join("Cargo.toml")]);
        files.filter(|file| !self.context.changed.contains(file))
    }

    /// Returns true if the record of a unit is current. The unit then reads no file that the record
    /// does not list, and a script run watches no other file.
    pub fn is_current(&self, unit: UnitIx) -> bool {
        self.is_settled(unit, true)
    }

    /// Returns true if the record of a unit is current, except that manifests and cargo's
    /// configuration may be newer. Cargo does not rebuild units that a change of these files does
    /// not reach, so most records stay in this state after such a change. A file that such a record
    /// does not list is read only if the change made a macro or generated code name the file. This
    /// evidence is strong enough against a mere doubt.
    pub fn is_nearly_current(&self, unit: UnitIx) -> bool {
        self.is_settled(unit, false)
    }

    /// Returns true if the record of a unit shows all files that the unit reads by variables: the
    /// record is nearly current, and older settings set the variables that it lists.
    pub fn shows_files_by_variables(&self, unit: UnitIx) -> bool {
        let started = self.started(unit);
        let is_newer = |set: Option<SystemTime>| set > started;
        let records = self.of(unit).iter().filter(|record| record.fits);
        let mut variables = records.flat_map(|record| match record.inputs {
            RecordedInputs::Compiled { env, .. } => env.as_slice(),
            RecordedInputs::Run(_) => &[],
        });
        let may_be_set = |variable: &String| match variable.as_str() {
            name if LOCATIONS.contains(&name) => false,
            // Most of these variables come from the package's manifest.
            name if name.starts_with("CARGO_") => is_newer(self.set(unit)),
            _ => is_newer(self.configured()),
        };
        started.is_some() && self.is_nearly_current(unit) && !variables.any(may_be_set)
    }

    /// Returns the last modification time of cargo's configuration files, without the files of the
    /// change set.
    fn configured(&self) -> Option<SystemTime> {
        let files = configuration_files(&resolved(&self.context.workspace.root)).into_iter();
        let files = files.filter(|file| !self.context.changed.contains(file));
        files.filter_map(|file| modified(&file)).max()
    }

    /// Returns true if only the change set can have altered the files of a record, and the settings
    /// of its unit are older than the record.
    pub(super) fn is_as_recorded(&self, record: &Record<'_>) -> bool {
        self.set(record.unit) <= record.invoked() && record.is_current(self.context.changed)
    }

    /// Returns true if a current record shows that a unit was built as the verb builds the unit:
    /// compiled, or only checked.
    pub fn is_built_for(&self, unit: UnitIx, verb: Verb) -> bool {
        let QueryContext {
            workspace, graph, ..
        } = self.context;
        let node = graph.unit(unit);
        let is_for_host = runs_on_host(node, workspace.package(node.package));
        let is_checked =
            matches!(verb, Verb::Check | Verb::Doc) && node.is_compiled() && !is_for_host;
        let mut records = self.of(unit).iter();
        self.is_current(unit)
            && records.any(|it| it.fits && it.place.is_checked(it.evidence) == is_checked)
    }

    /// Returns true if the package of a unit is a path package. The records of path packages are
    /// always read.
    pub(super) fn has_all_of(&self, unit: UnitIx) -> bool {
        let package = self.context.graph.unit(unit).package;
        self.context.layout.directory(package).is_some()
    }

    /// Returns true if a compiled unit is recorded to read one of the variables; `None` if the unit
    /// has no nearly current record. A newer setting that lets the unit's code read another variable
    /// rebuilds the unit.
    pub fn reads_variable(&self, unit: UnitIx, names: &[String]) -> Option<bool> {
        let records = self.by_unit.get(&unit)?;
        self.is_nearly_current(unit).then(|| {
            records.iter().any(|record| match record.inputs {
                RecordedInputs::Compiled { env, .. } => env.iter().any(|name| names.contains(name)),
                RecordedInputs::Run(_) => false,
            })
        })
    }

    /// Counts the compiled units of path packages that have a record of a build with the queried
    /// profile, toolchain and features. Records of other packages are never counted.
    pub fn fitting(&self) -> usize {
        let fits =
            |it: &Record<'_>| it.fits && matches!(it.inputs, RecordedInputs::Compiled { .. });
        let records = self.by_unit.iter();
        let of_path_packages = records.filter(|(unit, _)| self.has_all_of(**unit));
        of_path_packages
            .filter(|(_, records)| records.iter().any(fits))
            .count()
    }
}

/// The variables that cargo sets to directories and names that no setting changes.
const LOCATIONS: [&str; 5] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "OUT_DIR",
];

/// Returns the inputs of a record, if its package is the package in this directory.
fn inputs_in<'a>(evidence: &'a UnitRecord, package: &Utf8Path) -> Option<&'a RecordedInputs> {
    let mut inputs = evidence.inputs.iter();
    let (_, inputs) = inputs.find(|(known, _)| known.as_str() == package || known == package)?;
    Some(inputs)
}

/// The records of compiled build scripts. The record of a script run does not name its package. The
/// files of the compiled script show the package. With a target triple, the script is compiled in
/// another profile directory than the directory of the run.
struct CompiledScripts<'a>(HashMap<u64, &'a UnitRecord>);

impl<'a> CompiledScripts<'a> {
    fn new(places: &'a [ProfileRecords]) -> Self {
        let is_script = |unit: &&UnitRecord| {
            unit.name.kind == RecordedKind::BuildScript
                && unit.name.mode == unit_record::RecordedMode::Compile
        };
        let units = places.iter().flat_map(|place| &place.units);
        let scripts = units.filter(is_script);
        Self(scripts.map(|script| (script.value, script)).collect())
    }

    /// Returns the compiled script of a run; `None` if the script was compiled again since the run,
    /// or belongs to another package.
    fn run_by(&self, run: &UnitRecord) -> Option<&'a UnitRecord> {
        let mut built_against = run.dependencies.iter();
        built_against.find_map(|(_, value)| self.0.get(value).copied())
    }
}

#[cfg(test)]
mod tests;
