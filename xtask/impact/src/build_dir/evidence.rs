//! The records of a build directory, cached so that only changed records are read again.
//!
//! Cargo empties a unit's fingerprint file before it builds the unit and writes the file again
//! after the build. So time and size of the file show if the cached record is still valid. In
//! [`Layout::V1`] rustc writes to directories that all units share: while the times of these
//! directories are unchanged, nothing was compiled. A failed build may leave them unchanged, but
//! then the sources are newer than the record, and the record does not count.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::SystemTime;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::dep_info::Local;
use super::unit_inputs::{Newest, Roots, Watch};
use super::unit_record::{RecordedMode, UnitDir, UnitName, output_directory};
use crate::build_dir::{Layout, ProfileDir, profile_dirs};
use crate::paths::RealPaths;
use crate::{parallel, state};

/// The record of a unit, with the inputs that the unit read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnitRecord {
    /// The name of the package.
    pub package: String,
    /// The mode, the kind and the name of the target.
    pub name: UnitName,
    /// The hash of the compiler; see [`super::dep_info::Fingerprint::rustc`].
    pub rustc: u64,
    /// The features that were on, sorted.
    pub features: Vec<String>,
    /// The time at which rustc or the script started.
    pub invoked: Option<SystemTime>,
    /// The recorded inputs, resolved for each directory that has a package of this name.
    pub inputs: Vec<(Utf8PathBuf, RecordedInputs)>,
    /// The newest file of the package when the unit was documented, as cargo wrote it; see
    /// [`Newest::parse`].
    documented: Option<String>,
    /// The root source file that the unit was compiled from; see [`ProfileDir::compiled_from`].
    pub compiled_from: Option<Utf8PathBuf>,
    /// The hash of the unit; see [`super::unit_record::StoredFingerprint::hash`].
    pub hash: String,
    /// The fingerprint as a number; see [`super::unit_record::StoredFingerprint::value`].
    pub value: u64,
    /// See [`super::dep_info::Fingerprint::likeness`].
    pub likeness: u64,
    /// The dependencies that the unit was built with: the hash of the package id, and the value of
    /// the dependency's record.
    pub dependencies: Vec<(u64, u64)>,
    /// Hashes of the names that the unit's code uses for these dependencies, in the same order.
    pub names: Vec<u64>,
    /// The time and the size of the fingerprint file.
    stamp: Option<(SystemTime, u64)>,
}

/// The inputs that a recorded unit read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RecordedInputs {
    /// The inputs of a compiled unit.
    Compiled {
        /// The absolute paths of the files.
        files: Vec<Utf8PathBuf>,
        /// The canonical paths of the files that are reached through symbolic links.
        real: Vec<Utf8PathBuf>,
        /// The names of the environment variables.
        env: Vec<String>,
    },
    /// The inputs of a build script's run.
    Run(Watch),
}

/// The records of one profile directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProfileRecords {
    /// The name of the profile directory.
    pub directory: String,
    /// The path of the profile directory.
    pub path: Utf8PathBuf,
    /// The records of the units of the wanted packages.
    pub units: Vec<UnitRecord>,
    is_v1: bool,
    /// The times of the directories that all units share (only in V1).
    marks: Vec<SystemTime>,
    /// A hash of the names and directories of the wanted packages.
    wanted: u64,
}

impl ProfileRecords {
    /// Returns the toolchain of the newest record, as [`UnitRecord::rustc`].
    pub fn toolchain(&self) -> Option<u64> {
        let newest = self.units.iter().max_by_key(|unit| unit.invoked);
        newest.map(|unit| unit.rustc)
    }

    /// Returns true if rustc only checked a unit: it wrote metadata, and no library.
    pub fn is_checked(&self, unit: &UnitRecord) -> bool {
        let UnitName { mode, kind, target } = &unit.name;
        if !matches!(mode, RecordedMode::Compile | RecordedMode::Test) {
            return false;
        }
        let layout = match self.is_v1 {
            true => Layout::V1,
            false => Layout::V2,
        };
        let directory = output_directory(layout, &unit.package, &unit.hash, *kind);
        let directory = self.path.join(directory);
        let name = format!("lib{}-{}", target.replace('-', "_"), unit.hash);
        let has = |extension| directory.join(format!("{name}.{extension}")).is_file();
        has("rmeta") && !has("rlib")
    }
}

/// The packages whose records are wanted, and the directories that recorded paths are relative to.
pub struct RecordFilter<'a> {
    /// The workspace root.
    pub root: &'a Utf8Path,
    /// The directories of the packages by package name.
    pub directories: &'a HashMap<&'a str, Vec<&'a Utf8Path>>,
}

/// Reads the records of every profile directory below a build directory. `kept` is the cache file,
/// from which unchanged records are taken.
///
/// # Errors
/// Returns an error if a directory cannot be listed or has an unknown layout.
pub fn read(
    build_directory: &Utf8Path,
    wanted: &RecordFilter<'_>,
    kept: Option<&Utf8Path>,
) -> Result<Vec<ProfileRecords>> {
    let mut known: Vec<ProfileRecords> = kept.and_then(state::read).unwrap_or_default();
    let mut real = RealPaths::default();
    for unit in known.iter_mut().flat_map(|place| &mut place.units) {
        unit.follow_links(&mut real);
    }
    let hash = wanted.hash();
    let started = SystemTime::now();
    let mut has_changed = false;
    let mut places = Vec::new();
    for profile in profile_dirs(build_directory)? {
        let is_it = |place: &ProfileRecords| {
            place.path == profile.path
                && place.is_v1 == (profile.layout == Layout::V1)
                && place.wanted == hash
        };
        let earlier = known.iter().position(is_it).map(|at| known.swap_remove(at));
        let marks = marks(&profile);
        match earlier {
            Some(place) if !marks.is_empty() && place.marks == marks => places.push(place),
            earlier => {
                has_changed = true;
                let earlier = earlier.map(|place| place.units).unwrap_or_default();
                places.push(ProfileRecords {
                    directory: profile.directory.clone(),
                    path: profile.path.clone(),
                    is_v1: profile.layout == Layout::V1,
                    units: units(&profile, wanted, earlier)?,
                    marks,
                    wanted: hash,
                });
            }
        }
    }
    let is_settled = |place: &ProfileRecords| is_settled(&place.marks, started);
    if let Some(kept) = kept.filter(|_| has_changed && places.iter().all(is_settled)) {
        state::write(kept, &places);
    }
    Ok(places)
}

impl UnitRecord {
    /// Returns the newest file of a package when the unit was documented. Returns `None` for a unit
    /// in another mode.
    pub fn documented(&self, package: &Utf8Path) -> Option<Newest> {
        Newest::parse(self.documented.as_deref()?, package)
    }

    /// Returns the time at which cargo wrote the fingerprint of the unit, after the build.
    pub fn written(&self) -> Option<SystemTime> {
        self.stamp.map(|(time, _)| time)
    }

    /// Resolves the symbolic links again, because a link may point elsewhere than when the record
    /// was read.
    fn follow_links(&mut self, paths: &mut RealPaths) {
        for (_, inputs) in &mut self.inputs {
            if let RecordedInputs::Compiled { files, real, .. } = inputs
                && !real.is_empty()
            {
                *real = files.iter().filter_map(|file| paths.of(file)).collect();
            }
        }
    }
}

impl RecordFilter<'_> {
    fn hash(&self) -> u64 {
        let mut directories: Vec<_> = self.directories.iter().collect();
        directories.sort();
        crate::paths::hashed((self.root, directories))
    }
}

/// Returns true if directories were unchanged for a while before they were read. If a build changes
/// a directory while it is read, the directory may keep the same time, so the change would not be
/// noticed.
fn is_settled(marks: &[SystemTime], started: SystemTime) -> bool {
    let is_old = |&mark: &SystemTime| {
        let age = started.duration_since(mark);
        age.is_ok_and(|age| age.as_millis() > 50)
    };
    marks.iter().all(is_old)
}

/// Returns the times of the directories that all units share. Returns nothing for V2, where each
/// unit has a directory of its own.
fn marks(profile: &ProfileDir) -> Vec<SystemTime> {
    let shared: &[&str] = match profile.layout {
        Layout::V1 => &[".fingerprint", "deps", "examples", "build"],
        Layout::V2 => &[],
    };
    let paths = shared.iter().map(|name| profile.path.join(name));
    paths
        .filter_map(|path| fs::metadata(path).ok()?.modified().ok())
        .collect()
}

fn units(
    profile: &ProfileDir,
    wanted: &RecordFilter<'_>,
    earlier: Vec<UnitRecord>,
) -> Result<Vec<UnitRecord>> {
    let mut known: HashMap<UnitDir, Vec<UnitRecord>> = HashMap::new();
    for unit in earlier {
        let key = (unit.package.clone(), unit.hash.clone());
        known.entry(key).or_default().push(unit);
    }
    let is_wanted = |package: &str| wanted.directories.contains_key(package);
    let keys = profile.unit_dirs(&is_wanted)?;
    let still = parallel::parts(&keys, |keys| {
        let is_still = |key: &UnitDir| {
            let stamp = |unit: &UnitRecord| stamp(profile, key, &unit.name);
            known.get(key).is_some_and(|known| {
                let mut known = known.iter();
                known.all(|it| it.stamp.is_some() && it.stamp == stamp(it))
            })
        };
        keys.iter().map(is_still).collect()
    });
    let (mut units, mut changed) = (Vec::new(), Vec::new());
    for (key, is_still) in keys.into_iter().zip(still) {
        match is_still {
            true => units.extend(known.remove(&key).into_iter().flatten()),
            false => changed.push(key),
        }
    }
    if !changed.is_empty() {
        let hashes = profile.hashes()?;
        let read = |keys: &[UnitDir]| vec![read_units(profile, wanted, keys, &hashes)];
        for read in parallel::parts(&changed, read) {
            units.extend(read?);
        }
    }
    Ok(units)
}

/// Reads the records in the directories of some units.
fn read_units(
    profile: &ProfileDir,
    wanted: &RecordFilter<'_>,
    keys: &[UnitDir],
    hashes: &HashSet<String>,
) -> Result<Vec<UnitRecord>> {
    let mut real = RealPaths::default();
    let mut units = Vec::new();
    for key in keys {
        let Some(directories) = wanted.directories.get(key.0.as_str()) else {
            continue;
        };
        for record in profile.read_unit(&key.0, &key.1, hashes)? {
            let stamp = stamp(profile, key, &record.name);
            let inputs = directories.iter().filter_map(|&package| {
                let inputs = match record.name.mode {
                    RecordedMode::Run => {
                        RecordedInputs::Run(profile.script_run(&record, package)?.watch)
                    }
                    _ => {
                        let roots = Roots {
                            workspace: wanted.root,
                            package,
                        };
                        let sources = profile.sources(&record, roots)?;
                        let linked = sources.files.iter().filter_map(|file| real.of(file));
                        RecordedInputs::Compiled {
                            real: linked.collect(),
                            files: sources.files,
                            env: sources.env.into_iter().map(|(name, _)| name).collect(),
                        }
                    }
                };
                Some((package.to_owned(), inputs))
            });
            let dependencies = record.fingerprint.deps.iter();
            let documented = match (record.name.mode, &record.fingerprint.local[..]) {
                (RecordedMode::Doc, [Local::Precalculated(newest)]) => Some(newest.clone()),
                _ => None,
            };
            units.push(UnitRecord {
                documented,
                inputs: inputs.collect(),
                compiled_from: profile.compiled_from(&record),
                value: record.value,
                likeness: record.fingerprint.likeness(),
                names: dependencies
                    .clone()
                    .map(|it| crate::paths::hashed(&it.1))
                    .collect(),
                dependencies: dependencies.map(|it| (it.0, it.3)).collect(),
                package: record.package,
                name: record.name,
                rustc: record.fingerprint.rustc,
                features: record.fingerprint.features,
                invoked: record.invoked,
                hash: record.hash,
                stamp,
            });
        }
    }
    Ok(units)
}

fn stamp(
    profile: &ProfileDir,
    (package, hash): &UnitDir,
    name: &UnitName,
) -> Option<(SystemTime, u64)> {
    let file = profile
        .fingerprint_dir(package, hash)
        .join(name.file_name());
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests;
