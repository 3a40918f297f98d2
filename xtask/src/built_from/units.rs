//! The units of a build directory, as cargo recorded them.

use std::collections::HashMap;
use std::fs;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::dep_info::{Fingerprint, Local};
use xtask_impact::build_dir::unit_inputs::Newest;
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode, UnitName};
use xtask_impact::build_dir::{Layout, ProfileDir, entries, hash_in, profile_dirs};
use xtask_impact::files::nanoseconds;
use xtask_impact::{files, parallel};

/// A unit on disk.
#[derive(Clone, Debug)]
pub(crate) struct DiskUnit {
    /// The path of the hash file, relative to the build directory. It names the unit.
    pub key: String,
    /// The name of the package.
    pub package: String,
    /// The hash in the name of the unit's directory.
    pub hash: String,
    /// The mode, the kind and the name of the target.
    pub name: UnitName,
    /// The index of the profile directory in [`DiskUnits::places`].
    pub place: usize,
    /// The number in the hash file and the values that it was computed from; `None` if they are not
    /// readable.
    pub record: Option<(u64, Fingerprint)>,
    /// The files by which cargo and the kit judge the unit.
    pub files: UnitFiles,
}

/// The files of a unit that are no artifacts.
#[derive(Clone, Debug)]
pub(crate) struct UnitFiles {
    /// The file whose time cargo compares with the inputs: `dep-*` or the output of a script.
    /// Documentation has none.
    pub reference: Option<Utf8PathBuf>,
    /// `invoked.timestamp`, which cargo writes when the unit starts and never reads.
    pub timestamp: Utf8PathBuf,
}

/// All units of a build directory, with their artifacts.
#[derive(Debug)]
pub(crate) struct DiskUnits {
    /// The build directory.
    pub build_directory: Utf8PathBuf,
    /// The profile directories; a directory with two layouts is listed twice.
    pub places: Vec<ProfileDir>,
    /// The units, sorted by profile directory and key.
    pub units: Vec<DiskUnit>,
    /// The units that have a number, by the number. Dependents name their dependencies by it.
    by_value: HashMap<u64, Vec<usize>>,
    /// The files of rustc, by profile directory and hash.
    outputs: Vec<HashMap<String, Vec<Utf8PathBuf>>>,
}

impl DiskUnits {
    /// Reads the units of a build directory.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed or has an unknown layout.
    pub(crate) fn read(build_directory: &Utf8Path) -> Result<Self> {
        let places = profile_dirs(build_directory)?;
        let mut units = Vec::new();
        let mut outputs = Vec::new();
        for (at, place) in places.iter().enumerate() {
            let names = place.unit_names(&|_| true)?;
            let all = names.into_iter().flat_map(|(package, hash, names)| {
                let named = move |name| (package.clone(), hash.clone(), name);
                names.into_iter().map(named)
            });
            let all: Vec<(String, String, UnitName)> = all.collect();
            let read = |(package, hash, name): &(String, String, UnitName)| {
                read_unit(place, at, package, hash, name)
            };
            units.extend(parallel::parts(&all, |part| {
                part.iter().filter_map(read).collect()
            }));
            outputs.push(shared_outputs(place)?);
        }
        let mut by_value: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, unit) in units.iter().enumerate() {
            if let Some((value, _)) = &unit.record {
                by_value.entry(*value).or_default().push(at);
            }
        }
        Ok(Self {
            build_directory: build_directory.to_owned(),
            places,
            units,
            by_value,
            outputs,
        })
    }

    /// Returns the units that have a number.
    pub(crate) fn of_value(&self, value: u64) -> &[usize] {
        self.by_value.get(&value).map_or(&[], Vec::as_slice)
    }

    /// Returns the numbers of a unit's dependencies.
    pub(crate) fn dependencies(&self, unit: usize) -> impl Iterator<Item = u64> {
        self.units[unit].dependencies()
    }

    /// Returns the dependencies of a unit that are on disk.
    pub(crate) fn dependencies_on_disk(&self, unit: usize) -> impl Iterator<Item = usize> {
        self.of_unit(&self.units[unit])
    }

    /// Returns the dependencies of a unit that are on disk.
    pub(crate) fn of_unit<'s>(&'s self, unit: &'s DiskUnit) -> impl Iterator<Item = usize> + 's {
        let values = unit.dependencies();
        values.flat_map(|it| self.of_value(it)).copied()
    }

    /// Returns the build scripts that a run executed.
    pub(crate) fn scripts<'s>(&'s self, run: &'s DiskUnit) -> impl Iterator<Item = &'s DiskUnit> {
        let is_script = |it: &&DiskUnit| {
            let is_compiled = it.name.mode == RecordedMode::Compile;
            run.is_run() && is_compiled && it.name.kind == RecordedKind::BuildScript
        };
        self.of_unit(run)
            .map(|at| &self.units[at])
            .filter(is_script)
    }

    /// Returns the `OUT_DIR` of a build script's run.
    pub(crate) fn out_dir(&self, run: &DiskUnit) -> Utf8PathBuf {
        self.places[run.place].out_dir(&run.package, &run.hash)
    }

    /// Returns the artifacts whose times cargo compares with those of dependencies.
    pub(crate) fn outputs(&self, at: usize) -> Vec<Utf8PathBuf> {
        let unit = &self.units[at];
        let place = &self.places[unit.place];
        match unit.name.mode {
            RecordedMode::Run => unit.files.reference.iter().cloned().collect(),
            RecordedMode::Doc => Vec::new(),
            _ if place.layout == Layout::V2 || unit.name.kind == RecordedKind::BuildScript => {
                let directory = place.output_dir(&unit.package, &unit.hash, unit.name.kind);
                let names = entries(&directory).unwrap_or_default().into_iter();
                let paths = names.map(|name| directory.join(name));
                paths
                    .filter(|it| it.extension() != Some("d") && it.is_file())
                    .collect()
            }
            _ => {
                let hashed = self.outputs[unit.place].get(&unit.hash);
                let plain = || self.outputs[unit.place].get(&plain_name(&unit.name));
                hashed.or_else(plain).cloned().unwrap_or_default()
            }
        }
    }
}

/// Returns the key of files without a hash: the crate name, with a mark that no hash has.
fn plain_name(name: &UnitName) -> String {
    format!("={}", name.target.replace('-', "_"))
}

/// Returns the files in the directories that all units of a V1 profile share, by the hash in their
/// names, or by [`plain_name`].
fn shared_outputs(place: &ProfileDir) -> Result<HashMap<String, Vec<Utf8PathBuf>>> {
    let mut found: HashMap<String, Vec<Utf8PathBuf>> = HashMap::new();
    if place.layout == Layout::V2 {
        return Ok(found);
    }
    for directory in ["deps", "examples"] {
        let directory = place.path.join(directory);
        for name in entries(&directory)? {
            if name.ends_with(".d") {
                continue;
            }
            let stem = name.split('.').next().unwrap_or_default();
            let plain = || format!("={}", stem.strip_prefix("lib").unwrap_or(stem));
            let key = hash_in(&name).map_or_else(plain, str::to_owned);
            found.entry(key).or_default().push(directory.join(&name));
        }
    }
    Ok(found)
}

/// Returns a unit; `None` if its hash file is empty, because cargo then always builds the unit.
fn read_unit(
    place: &ProfileDir,
    at: usize,
    package: &str,
    hash: &str,
    name: &UnitName,
) -> Option<DiskUnit> {
    let directory = place.fingerprint_dir(package, hash);
    let file = directory.join(name.file_name());
    let record = place.fingerprint(package, hash, name);
    if record.is_none() && fs::metadata(&file).is_ok_and(|it| it.len() == 0) {
        return None;
    }
    let reference = place.reference(package, hash, name);
    let timestamp = match name.mode {
        RecordedMode::Run => reference.with_file_name("invoked.timestamp"),
        _ => directory.join("invoked.timestamp"),
    };
    Some(DiskUnit {
        key: file.strip_prefix(&place.build_directory).ok()?.to_string(),
        package: package.to_owned(),
        hash: hash.to_owned(),
        name: name.clone(),
        place: at,
        record,
        files: UnitFiles {
            reference: (name.mode != RecordedMode::Doc).then_some(reference),
            timestamp,
        },
    })
}

impl DiskUnit {
    /// Returns true for the run of a build script.
    pub(crate) fn is_run(&self) -> bool {
        self.name.mode == RecordedMode::Run
    }

    /// Returns the numbers of the unit's dependencies.
    fn dependencies(&self) -> impl Iterator<Item = u64> {
        let record = self.record.iter();
        record.flat_map(|(_, it)| it.deps.iter().map(|it| it.3))
    }

    /// Returns the inputs that cargo compares.
    pub(crate) fn local(&self) -> &[Local] {
        self.record.as_ref().map_or(&[], |(_, it)| &it.local)
    }

    /// Returns true if cargo compares the contents of the unit's files, not their times.
    pub(crate) fn is_by_content(&self) -> bool {
        let by_content = |it: &Local| {
            matches!(
                it,
                Local::CheckDepInfo {
                    by_content: true,
                    ..
                }
            )
        };
        self.local().iter().any(by_content)
    }

    /// Returns the newest file of the package in `root`, as cargo recorded it for a script that
    /// declares no input and for documentation.
    pub(crate) fn newest_file(&self, root: &Utf8Path) -> Option<Newest> {
        match self.local() {
            [Local::Precalculated(text)] => Newest::parse(text, root),
            _ => None,
        }
    }

    /// Returns true if cargo compares the newest file of the package.
    pub(crate) fn watches_package(&self) -> bool {
        self.newest_file(Utf8Path::new("")).is_some()
    }

    /// Returns true for a run whose script declares variables, but no file. Cargo then watches no
    /// file. The `cc` crate declares variables by default.
    pub(crate) fn declares_no_file(&self) -> bool {
        let is_variable = |it: &Local| matches!(it, Local::RerunIfEnvChanged { .. });
        !self.local().is_empty() && self.local().iter().all(is_variable)
    }

    /// Returns the nonce in `invoked.timestamp`, which ties a record to exactly this build of the
    /// unit.
    pub(crate) fn nonce(&self) -> Option<String> {
        let text = files::read_text(&self.files.timestamp, files::SETTINGS).ok()?;
        text.strip_prefix(NONCE).map(str::to_owned)
    }

    /// Returns the name for people, such as `run-build-script-build-script-build`.
    pub(crate) fn unit_name(&self) -> String {
        self.name.file_name()
    }
}

/// The beginning of a `invoked.timestamp` that holds a nonce.
pub(crate) const NONCE: &str = "xtask-freshness ";

/// Returns true if a file has several names. Then the build directory is a hard-linked copy, and
/// setting the time of the file would also change the original.
pub(crate) fn has_several_names(path: &Utf8Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata(path).is_ok_and(|it| it.nlink() > 1)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Returns the time of modification of a file in nanoseconds.
pub(crate) fn modified(path: &Utf8Path) -> Option<i64> {
    fs::metadata(path)
        .and_then(|it| it.modified())
        .ok()
        .map(nanoseconds)
}
