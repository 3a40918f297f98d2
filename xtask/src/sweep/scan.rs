//! Reads a build directory: its units with their files and sizes, and the files that units share.

mod listing;
mod notes;
mod walk;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::unit_inputs::dep_info_names;
use xtask_impact::build_dir::unit_record::{NamedUnit, RecordedKind, RecordedMode, UnitName};
use xtask_impact::build_dir::{Directories, Layout, ProfileDir};
use xtask_impact::paths::hashed;
use xtask_impact::{build_dir, parallel, state};

use self::listing::{FileStat, ListedFile, Listing, find};
pub(crate) use self::notes::RecordNotes;
use crate::artifacts::disk_size::HardLink;
use crate::artifacts::inspect::crate_metadata::compiler_of;
use crate::artifacts::plan::Artifact;
use crate::artifacts::quick_hash::{QuickMap, quick_hash};
use crate::artifacts::reader::UnitAddress;

/// The units and the other contents of a build directory and its target directory.
#[derive(Debug, Default)]
pub(crate) struct DirectoryScan {
    /// The profile directories. A directory with both layouts is listed twice.
    pub places: Vec<ProfileDir>,
    /// The units, sorted by profile directory, package and hash.
    pub units: Vec<SweepUnit>,
    /// The files and directories that belong to no unit, or to several.
    pub shared: Vec<SharedArtifact>,
    /// The size of everything in the directories.
    pub bytes: u64,
    /// A hash of all times that a build changes.
    pub(super) activity: u64,
    /// The contents of the records, for the next sweep.
    pub notes: RecordNotes,
}

/// A unit of a build directory: everything that has the unit's hash.
#[derive(Clone, Debug)]
pub(crate) struct SweepUnit {
    /// The profile directory, as an index of [`DirectoryScan::places`].
    pub place: usize,
    pub package: String,
    pub hash: String,
    /// The units that share the directory of the fingerprint; usually one.
    pub names: Vec<UnitName>,
    /// The numbers of the fingerprints. Empty if cargo never completed a build of the unit.
    pub values: Vec<u64>,
    /// The numbers of the fingerprints of the dependencies.
    pub dependencies: Vec<u64>,
    /// The number of the compiler in the fingerprint.
    pub rustc: Option<u64>,
    /// True if the unit has a directory for its fingerprint.
    pub has_fingerprint: bool,
    /// The time of the unit's last build.
    pub built: SystemTime,
    /// The start and the end of the last complete build of each unit name.
    pub spans: Vec<(String, SystemTime, SystemTime)>,
    /// The time at which another program than cargo read a file that cargo never reads.
    pub read_by_others: Option<SystemTime>,
    /// The record files that were read since their access times were set back; see
    /// [`super::last_use::arm`].
    pub unarmed: Vec<Utf8PathBuf>,
    /// The times of the record files; see [`SweepUnit::records`].
    pub(super) record_times: RecordTimes,
    /// The last access to the files that cargo reads for every build that the unit is part of.
    pub accessed: Option<SystemTime>,
    /// The time of the last use, as far as it is known.
    pub last_use: SystemTime,
    /// The files and directories, each with its kind.
    pub files: Vec<(Artifact, Utf8PathBuf)>,
    pub sizes: Sizes,
}

/// The times of the last change and of the last access of files; `None` if there is no such file.
pub(super) type RecordTimes = Vec<Option<(SystemTime, SystemTime)>>;

/// A number of files and their size on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub files: u64,
    pub bytes: u64,
}

/// An artifact that is removed when its last owner is removed.
#[derive(Clone, Debug)]
pub(crate) struct SharedArtifact {
    /// The kind of the artifact. `None` for files that the kit never removes.
    pub kind: Option<Artifact>,
    /// The profile directory. `None` outside of profile directories.
    pub place: Option<usize>,
    /// The crate name, or the name of the file.
    pub name: String,
    pub paths: Vec<Utf8PathBuf>,
    pub sizes: Sizes,
    /// The newest time of the artifact.
    pub modified: SystemTime,
    /// The units that use the artifact, as indexes of [`DirectoryScan::units`].
    pub owners: Vec<usize>,
}

impl DirectoryScan {
    /// Reads a build directory and its target directory. `others` are directories in which another
    /// cargo target directory lies; they are left out.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed, or if its layout is unknown.
    pub(crate) fn read(directories: &Directories, others: &[Utf8PathBuf]) -> Result<Self> {
        let listing = Listing::of(directories, others)?;
        let notes = RecordNotes::read(directories);
        Self::of(&listing, notes, directories, others)
    }

    /// Makes the scan from a listing. Reads only the fingerprints about which there is no note.
    fn of(
        listing: &Listing,
        notes: RecordNotes,
        directories: &Directories,
        others: &[Utf8PathBuf],
    ) -> Result<Self> {
        let mut scan = Self {
            places: build_dir::profile_dirs(&directories.build)?,
            notes,
            ..Self::default()
        };
        for (index, place) in scan.places.iter().enumerate() {
            let named = place.listed_names(&|directory| listing.names(directory));
            let units = parallel::parts(&named, |part| {
                let units = part
                    .iter()
                    .map(|it| SweepUnit::read((listing, &scan.notes), place, index, it));
                units.collect()
            });
            scan.units.extend(units);
        }
        walk::walk(&mut scan, listing, directories, others)?;
        scan.own_incremental();
        scan.own_documentation();
        let changed = |path: &Utf8Path| listing.stat(path).map(|it| it.modified);
        let files = |path: &Utf8Path| listing.get(path).unwrap_or_default().to_vec();
        let of_directories = scan.times_of_directories(directories, &changed, &files);
        let records = scan.units.iter().flat_map(|it| it.record_times.iter());
        scan.activity = quick_hash((of_directories, records.copied().collect::<RecordTimes>()));
        Ok(scan)
    }

    /// Returns true if no build used the directories since they were read, so that a second scan
    /// would find the same units. Looks at a few files of each unit only.
    pub(crate) fn is_current(&self, directories: &Directories) -> bool {
        let times = |path: &Utf8Path| {
            let found = path.symlink_metadata().ok()?;
            let modified = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            Some((modified, found.accessed().unwrap_or(modified)))
        };
        // Files without a fingerprint have no records.
        let units = self.units.iter().filter(|it| !it.record_times.is_empty());
        let records = units.flat_map(|unit| {
            let records = unit.records(&self.places[unit.place]).into_iter();
            records.map(|path| times(&path))
        });
        let places = build_dir::profile_dirs(&directories.build);
        let is_same = places.is_ok_and(|it| it == self.places);
        let changed = |path: &Utf8Path| times(path).map(|it| it.0);
        let files = |path: &Utf8Path| listing::list(path).unwrap_or_default();
        let of_directories = || self.times_of_directories(directories, &changed, &files);
        let records = records.collect::<RecordTimes>();
        is_same && quick_hash((of_directories(), records)) == self.activity
    }

    /// Returns the times of all directories that a build changes when it adds, removes or links an
    /// artifact. `changed` returns the time of the last change of a directory, and `files` returns
    /// the files in it.
    ///
    /// A build of a unit changes the unit's records, and a build in which the unit is fresh reads
    /// the records; see [`SweepUnit::records`].
    fn times_of_directories(
        &self,
        directories: &Directories,
        changed: &dyn Fn(&Utf8Path) -> Option<SystemTime>,
        files: &dyn Fn(&Utf8Path) -> Vec<ListedFile>,
    ) -> (Vec<Option<SystemTime>>, Vec<FinalArtifact>) {
        /// The directories in which units share their files.
        const SHARED: [&str; 5] = [".fingerprint", "build", "deps", "examples", "incremental"];
        // A profile may have the name of the directory in which the kit itself writes.
        let kits = [&directories.build, &directories.target].map(|it| state::in_target(it));
        let (mut times, mut artifacts) = (Vec::new(), Vec::new());
        for place in &self.places {
            times.extend(SHARED.map(|name| changed(&place.path.join(name))));
            let outputs = place.outputs(&directories.target);
            times.push(changed(&outputs.join("examples")));
            match kits.contains(&outputs) {
                true => artifacts.extend(final_artifacts(files(&outputs))),
                false => times.push(changed(&outputs)),
            }
        }
        for unit in &self.units {
            let place = &self.places[unit.place];
            if !is_first_layout(place) {
                let package = place.path.join("build").join(&unit.package);
                times.push(changed(&package));
            }
        }
        (times, artifacts)
    }

    /// Returns the package, the hash and the names of each unit with a directory of its own in a
    /// profile directory.
    pub(crate) fn named(&self, place: usize) -> Vec<NamedUnit> {
        let has_directory = |unit: &&SweepUnit| {
            let is_first = is_first_layout(&self.places[place]);
            unit.place == place && (unit.has_fingerprint || !is_first)
        };
        let units = self.units.iter().filter(has_directory);
        units
            .map(|it| (it.package.clone(), it.hash.clone(), it.names.clone()))
            .collect()
    }

    /// Returns a hash of what the plan depends on: the units and the times of their builds.
    pub(crate) fn stamp(&self) -> u64 {
        let units = self.units.iter();
        let units = units.map(|it| (it.place, &it.hash, it.built, &it.values));
        hashed(units.collect::<Vec<_>>())
    }

    /// Returns the path of a profile directory relative to the build directory.
    pub(crate) fn profile(&self, place: usize) -> &Utf8Path {
        let place = &self.places[place];
        // Texts are compared faster than the parts of paths.
        let build = place.build_directory.as_str();
        let below = place.path.as_str().strip_prefix(build);
        let below = below.and_then(|it| it.strip_prefix(std::path::is_separator));
        below.map_or(&place.path, Utf8Path::new)
    }

    /// Returns the units of a set and all units that they were built from. A unit that lost its
    /// record has no known dependencies.
    pub(crate) fn with_dependencies(
        &self,
        units: impl IntoIterator<Item = usize>,
    ) -> BTreeSet<usize> {
        let mut pending: Vec<usize> = units.into_iter().collect();
        let mut found = BTreeSet::new();
        if pending.is_empty() {
            return found;
        }
        let by_value = self.by_value();
        while let Some(unit) = pending.pop() {
            if found.insert(unit) {
                pending.extend(by_value.dependencies(&self.units[unit], &self.places));
            }
        }
        found
    }

    /// Returns a number for each unit, from 0 to the number of units. It is larger than the numbers
    /// of the units that the unit was built from.
    pub(crate) fn build_order(&self) -> Vec<usize> {
        let by_value = self.by_value();
        let mut order = vec![0; self.units.len()];
        let mut is_visited = vec![false; self.units.len()];
        let mut next = 0;
        for first in 0..self.units.len() {
            let mut pending = vec![(first, false)];
            while let Some((unit, is_left)) = pending.pop() {
                if is_left {
                    order[unit] = next;
                    next += 1;
                } else if !std::mem::replace(&mut is_visited[unit], true) {
                    pending.push((unit, true));
                    let dependencies = by_value.dependencies(&self.units[unit], &self.places);
                    pending.extend(dependencies.map(|it| (it, false)));
                }
            }
        }
        order
    }

    /// Returns the units by the numbers of their fingerprints.
    pub(crate) fn by_value(&self) -> UnitsByValue {
        let mut by_value = UnitsByValue::default();
        for (index, unit) in self.units.iter().enumerate() {
            let layout = self.places[unit.place].layout;
            for value in &unit.values {
                by_value.0.entry((layout, *value)).or_default().push(index);
            }
        }
        by_value
    }

    /// Returns the version of each compiler, by the number in the fingerprints. A number is left
    /// out if no library contains its version, or if libraries disagree.
    pub(crate) fn compilers(&self) -> HashMap<u64, String> {
        /// Three libraries are enough to notice that a number is not one compiler.
        const ENOUGH: usize = 3;
        let mut versions: QuickMap<u64, Vec<String>> = QuickMap::default();
        for unit in &self.units {
            let Some(rustc) = unit.rustc else { continue };
            let known = versions.entry(rustc).or_default();
            if known.len() < ENOUGH {
                known.extend(unit.metadata().and_then(|it| compiler_of(&it)));
            }
        }
        let only = |(rustc, known): (u64, Vec<String>)| {
            let mut known = BTreeSet::from_iter(known);
            match known.len() {
                1 => Some((rustc, known.pop_first()?)),
                _ => None,
            }
        };
        versions.into_iter().filter_map(only).collect()
    }

    /// Finds the units of each directory of incremental state. Rustc finishes a session between
    /// the start and the end of the unit's build.
    fn own_incremental(&mut self) {
        /// The difference between times that a restored archive may round.
        const ROUNDING: Duration = Duration::from_secs(2);
        let mut by_crate: QuickMap<(usize, String), Vec<usize>> = QuickMap::default();
        let first_places = self.first_places();
        for (index, unit) in self.units.iter().enumerate() {
            let first = first_places[unit.place];
            for name in &unit.names {
                let of_crate = by_crate.entry((first, name.target.replace('-', "_")));
                of_crate.or_default().push(index);
            }
        }
        let mut matched = HashSet::new();
        for shared in &mut self.shared {
            let (Some(Artifact::Incremental), Some(place)) = (shared.kind, shared.place) else {
                continue;
            };
            let units = by_crate.get(&(place, shared.name.clone()));
            for &index in units.into_iter().flatten() {
                let unit = &self.units[index];
                let fits = |(name, start, end): &(String, SystemTime, SystemTime)| {
                    *name == shared.name
                        && *start <= shared.modified + ROUNDING
                        && shared.modified <= *end + ROUNDING
                };
                if unit.spans.iter().any(fits) {
                    shared.owners.push(index);
                    matched.insert((place, shared.name.clone()));
                }
            }
        }
        for shared in &mut self.shared {
            let (Some(Artifact::Incremental), Some(place)) = (shared.kind, shared.place) else {
                continue;
            };
            let key = (place, shared.name.clone());
            let units = by_crate.get(&key).into_iter().flatten().copied();
            let no_match = shared.owners.is_empty() && !matched.contains(&key);
            // A build of the crate that failed changed the times of the unit. Without any match,
            // the times of the units do not show which unit owns the directory.
            let is_unsure = |unit: &usize| no_match || self.units[*unit].values.is_empty();
            let unsure: Vec<_> = units.filter(is_unsure).collect();
            shared.owners.extend(unsure);
        }
    }

    /// Returns the first place of each profile directory, which stands for both layouts.
    pub(crate) fn first_places(&self) -> Vec<usize> {
        let first = |place: usize| {
            let profile = self.profile(place);
            let mut places = 0..place;
            let first = places.find(|&it| self.profile(it) == profile);
            first.unwrap_or(place)
        };
        (0..self.places.len()).map(first).collect()
    }

    /// Finds the documentation units of each crate's pages.
    fn own_documentation(&mut self) {
        let mut by_crate: QuickMap<String, Vec<usize>> = QuickMap::default();
        for (index, unit) in self.units.iter().enumerate() {
            let names = unit.names.iter().filter(|it| it.mode == RecordedMode::Doc);
            let crates: BTreeSet<String> = names.map(|it| it.target.replace('-', "_")).collect();
            for documented in crates {
                by_crate.entry(documented).or_default().push(index);
            }
        }
        for shared in &mut self.shared {
            if shared.kind == Some(Artifact::Documentation) {
                shared.owners = by_crate.get(&shared.name).cloned().unwrap_or_default();
            }
        }
    }
}

/// The units by layout and by the number of their fingerprint. Units in several profile directories
/// can have one number, and both layouts use the same numbers.
#[derive(Debug, Default)]
pub(crate) struct UnitsByValue(QuickMap<(Layout, u64), Vec<usize>>);

impl UnitsByValue {
    /// Returns the units that a unit was built from.
    pub(crate) fn dependencies(
        &self,
        unit: &SweepUnit,
        places: &[ProfileDir],
    ) -> impl Iterator<Item = usize> {
        let layout = places[unit.place].layout;
        let values = unit.dependencies.iter();
        let units = values.filter_map(move |value| self.0.get(&(layout, *value)));
        units.flatten().copied()
    }
}

/// The file that cargo writes when it starts to build a unit, and never reads.
const STAMP: &str = "invoked.timestamp";

impl SweepUnit {
    /// Reads the record of a unit. `named` are its package, its hash and its names.
    fn read(
        (listing, notes): (&Listing, &RecordNotes),
        place: &ProfileDir,
        index: usize,
        named: &NamedUnit,
    ) -> Self {
        let (package, hash, names) = named;
        let directory = place.fingerprint_dir(package, hash);
        let own = listing.stat(&directory);
        // In the second layout, a unit without a fingerprint has a directory.
        let changed = own.or_else(|| listing.stat(directory.parent()?));
        let mut unit = Self {
            place: index,
            package: package.clone(),
            hash: hash.clone(),
            names: names.clone(),
            values: Vec::new(),
            dependencies: Vec::new(),
            rustc: None,
            has_fingerprint: own.is_some_and(|it| it.is_dir),
            built: changed.map_or(SystemTime::UNIX_EPOCH, |it| it.modified),
            spans: Vec::new(),
            read_by_others: None,
            unarmed: Vec::new(),
            record_times: Vec::new(),
            accessed: None,
            last_use: SystemTime::UNIX_EPOCH,
            files: Vec::new(),
            sizes: Sizes::default(),
        };
        let files = listing.get(&directory).unwrap_or_default();
        let run_stamp = || place.script_output(package, hash).with_file_name(STAMP);
        let own_start = find(files, STAMP);
        let started = own_start.or_else(|| listing.stat(&run_stamp()));
        unit.read_by_others = started.and_then(read_by_others);
        unit.add_record(own_start, || directory.join(STAMP));
        for name in names {
            let file_name = name.file_name();
            let reference_name = format!("dep-{file_name}");
            let record = find(files, &file_name);
            let reference = find(files, &reference_name);
            let json = find(files, &format!("{file_name}.json"));
            let outputs = listing.get(&place.output_dir(package, hash, name.kind));
            let [first, second] =
                dep_info_names(hash, name).map(|it| outputs.and_then(|outputs| find(outputs, &it)));
            let stats = [record, json, reference, first, second];
            let address = UnitAddress {
                place,
                package,
                hash,
                name,
            };
            let stamp = notes::stamp(listing.started(), stats);
            if let Some(numbers) = notes.numbers(address, stamp) {
                unit.values.push(numbers.value);
                unit.rustc = Some(numbers.rustc);
                unit.dependencies.extend(numbers.dependencies);
            }
            for used in [record, reference].into_iter().flatten() {
                unit.accessed = unit.accessed.max(Some(used.accessed));
            }
            let end = record.map(|it| it.modified);
            let start = reference.or(started).map(|it| it.modified);
            if let (Some(start), Some(end), false) = (start, end, unit.values.is_empty()) {
                unit.spans.push((name.target.replace('-', "_"), start, end));
            }
            unit.built = unit.built.max(end.unwrap_or(unit.built));
            unit.add_record(reference, || directory.join(reference_name));
            unit.add_record(record, || directory.join(file_name));
        }
        unit.last_use = unit.built;
        if unit.is_run() {
            unit.add_record(listing.stat(&run_stamp()), run_stamp);
        }
        unit
    }

    /// Adds the times of a record file. The order is that of [`SweepUnit::records`].
    fn add_record(&mut self, stat: Option<&FileStat>, path: impl FnOnce() -> Utf8PathBuf) {
        let times = stat.map(|it| (it.modified, it.accessed));
        self.record_times.push(times);
        if times.is_some_and(|(modified, accessed)| modified != accessed) {
            self.unarmed.push(path());
        }
    }

    /// Returns the files of the unit that cargo reads in every build that the unit is part of, and
    /// a file that cargo never reads.
    pub(crate) fn records(&self, place: &ProfileDir) -> Vec<Utf8PathBuf> {
        let directory = place.fingerprint_dir(&self.package, &self.hash);
        let mut files = vec![directory.join(STAMP)];
        for name in &self.names {
            let name = name.file_name();
            files.push(directory.join(format!("dep-{name}")));
            files.push(directory.join(name));
        }
        if self.is_run() {
            let output = place.script_output(&self.package, &self.hash);
            files.push(output.with_file_name(STAMP));
        }
        files
    }

    /// Returns true if the unit is a remainder that cargo cannot use: files without a fingerprint.
    /// An empty directory is none. In the second layout, each run of documentation tests makes one.
    pub(crate) fn is_unusable(&self) -> bool {
        !self.has_fingerprint && self.sizes.files > 0
    }

    /// Returns true if the unit is the run of a build script.
    pub(crate) fn is_run(&self) -> bool {
        self.names.iter().any(|it| it.mode == RecordedMode::Run)
    }

    /// Returns the metadata file of a library.
    fn metadata(&self) -> Option<Utf8PathBuf> {
        let is_metadata = |path: &Utf8PathBuf| path.extension() == Some("rmeta");
        let mut files = self.files.iter().map(|(_, path)| path);
        if let Some(found) = files.find(|it| is_metadata(it)) {
            return Some(found.clone());
        }
        let [unit] = &self.names[..] else { return None };
        let directory = self
            .files
            .iter()
            .find(|(_, path)| path.ends_with(&self.hash));
        let path = directory?
            .1
            .join("out")
            .join(format!("lib{}-{}.rmeta", unit.target, self.hash));
        (unit.kind == RecordedKind::Lib && path.is_file()).then_some(path)
    }

    /// Returns the name of the unit in reports: the names of its targets with their modes.
    pub(crate) fn label(&self) -> String {
        let names = self.names.iter().map(UnitName::file_name);
        let names: Vec<_> = names.collect();
        match names.is_empty() {
            true => "never built".to_owned(),
            false => names.join(", "),
        }
    }
}

/// Returns the time at which a file was read, if it was read after it was written. Cargo writes
/// `invoked.timestamp` and never reads it.
fn read_by_others(stat: &FileStat) -> Option<SystemTime> {
    let was_read = stat.accessed > stat.modified + Duration::from_secs(1);
    was_read.then_some(stat.accessed)
}

/// The files of units with several hard links, by their identity.
pub(crate) type LinkedFiles = QuickMap<HardLink, usize>;

/// The name, the number and the time of a final artifact.
type FinalArtifact = (String, u64, SystemTime);

/// Returns the final artifacts among the files of a directory, and their dep-info: cargo writes
/// `NAME.d` beside each of them.
fn final_artifacts(files: Vec<ListedFile>) -> Vec<FinalArtifact> {
    let has_dep_info = |file: &&ListedFile| {
        let stem = file.name.rsplit_once('.').map_or(&*file.name, |it| it.0);
        find(&files, &format!("{stem}.d")).is_some()
    };
    let artifacts = files.iter().filter(has_dep_info);
    let artifacts = artifacts.map(|it| (it.name.clone(), it.stat.inode, it.stat.modified));
    artifacts.collect()
}

/// Returns true if a profile directory has units in the first layout.
pub(crate) fn is_first_layout(place: &ProfileDir) -> bool {
    place.layout == Layout::V1
}

#[cfg(test)]
mod tests;
