//! The records of a build directory, kept so that only those that changed are read again.
//!
//! Cargo empties a unit's fingerprint before it builds the unit and writes it anew after, so its
//! time and size tell whether the record is still the one that was read. In [`Layout::V1`] rustc
//! makes its files in directories that all units share: while these stay as they were, nothing was
//! compiled. A build that failed may leave them so, but then the sources are newer than the record,
//! which counts for nothing.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::SystemTime;

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::RealPaths;
use super::build_dir::{Layout, ProfileDir, profile_dirs};
use super::state;
use super::unit_inputs::{Roots, Watch};
use super::unit_record::{Mode, UnitDir, UnitName};
use crate::parallel;

/// The record of one unit, with what it read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// The package's name.
    pub package: String,
    /// Mode, kind and target.
    pub name: UnitName,
    /// See [`super::dep_info::Fingerprint::rustc`].
    pub rustc: u64,
    /// The features that were on, sorted.
    pub features: Vec<String>,
    /// When rustc or the script started.
    pub invoked: Option<SystemTime>,
    /// What it read, for each directory that a package of this name has, as far as it is recorded.
    pub inputs: Vec<(Utf8PathBuf, Inputs)>,
    /// See [`ProfileDir::compiled_from`].
    pub compiled_from: Option<Utf8PathBuf>,
    /// See [`super::unit_record::UnitRecord::hash`].
    pub hash: String,
    /// See [`super::unit_record::UnitRecord::value`].
    pub value: u64,
    /// See [`super::dep_info::Fingerprint::likeness`].
    pub likeness: u64,
    /// What it was built against: a hash of the package's id, and the value of its record.
    pub dependencies: Vec<(u64, u64)>,
    /// Hashes of the names by which it knows these, in the same order.
    pub names: Vec<u64>,
    /// Time and size of the fingerprint's file.
    stamp: Option<(SystemTime, u64)>,
}

/// What a recorded unit read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Inputs {
    /// A compiled unit.
    Compiled {
        /// Absolute paths, and by which paths they are known without symbolic links, if others.
        files: Vec<Utf8PathBuf>,
        /// Those of the files that links lead elsewhere.
        real: Vec<Utf8PathBuf>,
        /// The names of the variables.
        env: Vec<String>,
    },
    /// A build script's run.
    Run(Watch),
}

/// The records of one profile directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The profile directory's name.
    pub directory: String,
    /// The profile directory itself.
    pub path: Utf8PathBuf,
    /// The records of the units that were asked for.
    pub units: Vec<Evidence>,
    is_v1: bool,
    /// The times of the shared directories.
    marks: Vec<SystemTime>,
    /// A hash of which packages were wanted, and where they were.
    wanted: u64,
}

/// Which packages' records are wanted, and what their paths are relative to.
pub struct Wanted<'a> {
    /// The workspace's root.
    pub root: &'a Utf8Path,
    /// The directories of the packages, by their names.
    pub directories: &'a HashMap<&'a str, Vec<&'a Utf8Path>>,
}

/// The records of every profile directory below a build directory; from what was kept in a file,
/// if one is given, where that still holds.
///
/// # Errors
/// A directory that cannot be listed, or has a layout that is not known.
pub fn read(
    build_directory: &Utf8Path,
    wanted: &Wanted<'_>,
    kept: Option<&Utf8Path>,
) -> Result<Vec<Place>> {
    let mut known: Vec<Place> = kept.and_then(state::read).unwrap_or_default();
    let mut real = RealPaths::default();
    for unit in known.iter_mut().flat_map(|place| &mut place.units) {
        unit.follow_links(&mut real);
    }
    let hash = wanted.hash();
    let started = SystemTime::now();
    let mut has_changed = false;
    let mut places = Vec::new();
    for profile in profile_dirs(build_directory)? {
        let is_it = |place: &Place| {
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
                places.push(Place {
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
    let is_settled = |place: &Place| is_settled(&place.marks, started);
    if let Some(kept) = kept.filter(|_| has_changed && places.iter().all(is_settled)) {
        state::write(kept, &places);
    }
    Ok(places)
}

impl Evidence {
    /// Finds anew where links lead that led elsewhere when the record was read.
    fn follow_links(&mut self, paths: &mut RealPaths) {
        for (_, inputs) in &mut self.inputs {
            if let Inputs::Compiled { files, real, .. } = inputs
                && !real.is_empty()
            {
                *real = files.iter().filter_map(|file| paths.of(file)).collect();
            }
        }
    }
}

impl Wanted<'_> {
    fn hash(&self) -> u64 {
        let mut directories: Vec<_> = self.directories.iter().collect();
        directories.sort();
        super::hashed((self.root, directories))
    }
}

/// Returns whether directories were left alone for a while before they were read. What a build changes
/// meanwhile may bear the same time as what was read.
fn is_settled(marks: &[SystemTime], started: SystemTime) -> bool {
    let is_old = |&mark: &SystemTime| {
        let age = started.duration_since(mark);
        age.is_ok_and(|age| age.as_millis() > 50)
    };
    marks.iter().all(is_old)
}

/// The times of the directories that a compiler makes its files in; none where each unit has one
/// of its own.
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
    wanted: &Wanted<'_>,
    earlier: Vec<Evidence>,
) -> Result<Vec<Evidence>> {
    let mut known: HashMap<UnitDir, Vec<Evidence>> = HashMap::new();
    for unit in earlier {
        let key = (unit.package.clone(), unit.hash.clone());
        known.entry(key).or_default().push(unit);
    }
    let is_wanted = |package: &str| wanted.directories.contains_key(package);
    let keys = profile.unit_dirs(&is_wanted)?;
    let still = parallel::parts(&keys, |keys| {
        let is_still = |key: &UnitDir| {
            let stamp = |unit: &Evidence| stamp(profile, key, &unit.name);
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

/// What the records in some units' directories say.
fn read_units(
    profile: &ProfileDir,
    wanted: &Wanted<'_>,
    keys: &[UnitDir],
    hashes: &HashSet<String>,
) -> Result<Vec<Evidence>> {
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
                    Mode::Run => Inputs::Run(profile.script_run(&record, package)?.watch),
                    _ => {
                        let roots = Roots {
                            workspace: wanted.root,
                            package,
                        };
                        let sources = profile.sources(&record, roots)?;
                        let linked = sources.files.iter().filter_map(|file| real.of(file));
                        Inputs::Compiled {
                            real: linked.collect(),
                            files: sources.files,
                            env: sources.env.into_iter().map(|(name, _)| name).collect(),
                        }
                    }
                };
                Some((package.to_owned(), inputs))
            });
            let dependencies = record.fingerprint.deps.iter();
            units.push(Evidence {
                inputs: inputs.collect(),
                compiled_from: profile.compiled_from(&record),
                value: record.value,
                likeness: record.fingerprint.likeness(),
                names: dependencies
                    .clone()
                    .map(|it| super::hashed(&it.1))
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

#[test]
fn what_is_read_while_it_changes_is_not_kept() {
    use std::time::Duration;

    let started = SystemTime::now();
    let before = |age| started - Duration::from_millis(age);
    for (marks, expected) in [
        (vec![], true),
        (vec![before(51)], true),
        (vec![before(50)], false),
        (vec![before(1000), before(0)], false),
        (vec![started + Duration::from_secs(1)], false),
    ] {
        assert_eq!(is_settled(&marks, started), expected, "{marks:?}");
    }
}
