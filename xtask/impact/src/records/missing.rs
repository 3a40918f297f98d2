//! Estimates which units of a planned build cargo has to compile or run, from the records of
//! builds.
//!
//! A planned unit is *fresh* if there is a record with its name, its features, its platform and
//! records of fresh dependencies, and if no file that the unit read is newer than the record. This
//! is cargo's own rule, without the hashes that only cargo computes: flags and profiles are not
//! compared. No record counts for two planned units, so a library that is built for the host and
//! for the target needs two records.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use super::changed::ChangedPaths;
use super::layout::PackageDirectories;
use super::record::are_current;
use super::{checkouts, inputs_in, is_newer};
use crate::build_dir::Directories;
use crate::build_dir::evidence::{ProfileRecords, RecordedInputs, UnitRecord};
use crate::build_dir::unit_inputs::Watch;
use crate::build_dir::unit_record::{RecordedKind, RecordedMode};
use crate::resolve_diff::planned::{PlannedBuild, PlannedUnit};
use crate::workspace::{PackageIx, Workspace, name_and_version};

/// The records of all units that were built in one profile.
pub struct BuiltUnits<'a> {
    workspace: &'a Workspace,
    layout: PackageDirectories,
    packages: HashMap<&'a str, PackageIx>,
    /// The names of the packages whose libraries are procedural macros.
    macros: HashSet<&'a str>,
    /// The absolute paths of the changed files. They decide for units that cargo compares by the
    /// newest file of the package.
    changed: &'a [Utf8PathBuf],
    build_directory: Utf8PathBuf,
    /// The name of the profile directories.
    profile: String,
    /// The profile directories by path. One path can hold both layouts.
    places: HashMap<Utf8PathBuf, Vec<ProfileRecords>>,
}

/// A name, by which the records of a unit are found: the package's name, and the name of the
/// record's file.
type RecordName = (String, String);

/// The records of a profile directory, each with its toolchain's mark.
type Named<'r> = HashMap<RecordName, Vec<(&'r ProfileRecords, &'r UnitRecord)>>;

impl<'a> BuiltUnits<'a> {
    /// Reads the records below a build directory. `profile` is the name of a profile directory,
    /// such as `debug`. `state` is the directory of the kit's cache.
    ///
    /// # Errors
    /// Returns an error if the build directory cannot be listed or has an unknown layout.
    pub fn read(
        workspace: &'a Workspace,
        directories: &Directories,
        profile: &str,
        changed: &'a [Utf8PathBuf],
        state: Option<&Utf8Path>,
    ) -> Result<Self> {
        let layout = PackageDirectories::new(workspace);
        let (read, _) = checkouts::read((workspace, &layout), directories, true, state)?;
        Ok(Self::new(
            (workspace, layout),
            &directories.build,
            profile,
            changed,
            read,
        ))
    }

    /// Takes the records of one profile from all records.
    fn new(
        (workspace, layout): (&'a Workspace, PackageDirectories),
        build_directory: &Utf8Path,
        profile: &str,
        changed: &'a [Utf8PathBuf],
        read: Vec<ProfileRecords>,
    ) -> Self {
        let mut places: HashMap<Utf8PathBuf, Vec<ProfileRecords>> = HashMap::new();
        for place in read.into_iter().filter(|it| it.directory == profile) {
            places.entry(place.path.clone()).or_default().push(place);
        }
        let macros = workspace
            .packages()
            .filter(|(_, package)| package.is_proc_macro());
        let packages = workspace.packages();
        let packages = packages.map(|(index, package)| (&*package.id, index));
        Self {
            packages: packages.collect(),
            macros: macros.map(|(_, package)| &*package.name).collect(),
            workspace,
            layout,
            changed,
            build_directory: build_directory.to_owned(),
            profile: profile.to_owned(),
            places,
        }
    }

    /// Returns true if there is no record of the profile.
    pub fn is_empty(&self) -> bool {
        let mut places = self.places.values().flatten();
        places.all(|place| place.units.is_empty())
    }

    /// Returns the indexes of the planned units that cargo has to compile or run.
    /// `by_clippy` is true if Clippy compiles the members.
    pub fn missing(&self, planned: &PlannedBuild, by_clippy: bool) -> Vec<usize> {
        let names: HashMap<&Utf8Path, Named<'_>> = self
            .places
            .iter()
            .map(|(path, places)| (path.as_path(), named(places)))
            .collect();
        let roles: HashMap<&Utf8Path, HashSet<u64>> = self
            .places
            .iter()
            .map(|(path, places)| (path.as_path(), self.for_target(places)))
            .collect();
        let is_split = is_split(planned);
        let mut missing = Vec::new();
        // The values of each unit's fresh records.
        let mut fresh: Vec<HashSet<u64>> = Vec::with_capacity(planned.units.len());
        let mut counted: HashSet<u64> = HashSet::new();
        for (index, unit) in planned.units.iter().enumerate() {
            let directory = self.directory_of(unit);
            let package = name_and_version(&unit.package).0.to_owned();
            let name = (package, unit.name.file_name());
            let known = names.get(&*directory).and_then(|named| named.get(&name));
            let for_target = roles.get(&*directory);
            let is_for_host = |record: &UnitRecord| {
                for_target.is_some_and(|values| !values.contains(&record.value))
            };
            let records = known.into_iter().flatten().filter(|(place, record)| {
                Some(record.rustc) == place.toolchain()
                    && has_settings_of(unit, record)
                    && (!is_split || is_for_host(record) == unit.is_for_host)
                    && has_dependencies(unit, record, &fresh)
                    && place.is_checked(record) == unit.is_checked
                    && self.is_by(unit, record, by_clippy)
                    && self.is_current(unit, record)
            });
            let values: Vec<u64> = records.map(|(_, record)| record.value).collect();
            if !values.iter().any(|&value| counted.insert(value)) {
                missing.push(index);
            }
            fresh.push(values.into_iter().collect());
        }
        missing
    }

    /// Returns the values of the records of units that something other than build scripts and
    /// procedural macros uses. Such a unit was compiled with the profile of the target.
    fn for_target(&self, places: &[ProfileRecords]) -> HashSet<u64> {
        let records = || places.iter().flat_map(|place| &place.units);
        let known: HashMap<u64, &UnitRecord> = records().map(|it| (it.value, it)).collect();
        let used: HashSet<u64> = records()
            .flat_map(|it| &it.dependencies)
            .map(|on| on.1)
            .collect();
        let is_root = |record: &&UnitRecord| !used.contains(&record.value);
        let mut pending: Vec<&UnitRecord> = records().filter(is_root).collect();
        let mut found = HashSet::new();
        while let Some(record) = pending.pop() {
            if !self.runs_on_host(record) && found.insert(record.value) {
                let below = record.dependencies.iter();
                pending.extend(below.filter_map(|(_, value)| known.get(value).copied()));
            }
        }
        found
    }

    /// Returns true for the record of a build script, of its run, or of a procedural macro.
    fn runs_on_host(&self, record: &UnitRecord) -> bool {
        record.name.kind == RecordedKind::BuildScript
            || record.name.kind == RecordedKind::Lib
                && record.name.mode == RecordedMode::Compile
                && self.macros.contains(record.package.as_str())
    }

    /// Returns the profile directory of a unit.
    fn directory_of(&self, unit: &PlannedUnit) -> Utf8PathBuf {
        let triple = unit.platform.as_deref().map(|platform| {
            let custom = platform.ends_with(".json");
            let stem = custom
                .then(|| Utf8Path::new(platform).file_stem())
                .flatten();
            stem.unwrap_or(platform)
        });
        let above = triple.map_or(self.build_directory.clone(), |triple| {
            self.build_directory.join(triple)
        });
        above.join(&self.profile)
    }

    /// Returns true if a record was made by the right compiler. Clippy compiles only members, and
    /// leaves a mark in their records.
    fn is_by(&self, unit: &PlannedUnit, record: &UnitRecord, clippy: bool) -> bool {
        let package = self.packages.get(unit.package.as_str());
        let is_member = package.is_some_and(|&it| self.workspace.package(it).member);
        if unit.name.mode == RecordedMode::Run || !is_member {
            return true;
        }
        let is_marked = record.inputs.iter().any(|(_, inputs)| match inputs {
            RecordedInputs::Compiled { env, .. } => env.iter().any(|name| name == "CLIPPY_ARGS"),
            RecordedInputs::Run(_) => false,
        });
        is_marked == clippy
    }

    /// Returns true if no input of a record changed since. The lock file determines the files of an
    /// external package.
    fn is_current(&self, unit: &PlannedUnit, record: &UnitRecord) -> bool {
        let Some(&package) = self.packages.get(unit.package.as_str()) else {
            return true;
        };
        let Some(directory) = self.layout.directory(package) else {
            return true;
        };
        let manifest = &self.workspace.package(package).manifest_path;
        let is_changed = |since| {
            let own = self.changed.iter().filter(|it| it.starts_with(directory));
            let mut own = own.map(Utf8PathBuf::as_path).chain([manifest.as_path()]);
            own.any(|file| is_newer(file, since))
        };
        match inputs_in(record, directory) {
            Some(RecordedInputs::Run(Watch::Package(newest))) => {
                let newest = newest.as_ref().map(|it| it.time);
                !newest.or(record.invoked).is_none_or(is_changed)
            }
            Some(inputs) => are_current(inputs, record.invoked, &ChangedPaths::default()),
            // Documentation has no list of files.
            None => unit.name.mode == RecordedMode::Doc && !record.invoked.is_none_or(is_changed),
        }
    }
}

/// Returns true if cargo compiles a unit for the host with another profile than for the target. By
/// default cargo leaves debug information out of units for the host.
fn is_split(planned: &PlannedBuild) -> bool {
    let compiled = || {
        let units = planned.units.iter();
        units.filter(|unit| unit.name.mode != RecordedMode::Run)
    };
    let targets = || compiled().filter(|unit| !unit.is_for_host);
    let profiles: HashSet<u64> = targets().map(|unit| unit.profile).collect();
    targets().any(|unit| unit.has_debuginfo)
        || compiled().any(|unit| unit.is_for_host && !profiles.contains(&unit.profile))
}

fn named(places: &[ProfileRecords]) -> Named<'_> {
    let mut named = Named::new();
    for place in places {
        for record in &place.units {
            let name = (record.package.clone(), record.name.file_name());
            named.entry(name).or_default().push((place, record));
        }
    }
    named
}

/// Returns true if the record of a unit of this name has the features of the unit, and was compiled
/// from the unit's source. The record of a script run has no features.
fn has_settings_of(unit: &PlannedUnit, record: &UnitRecord) -> bool {
    let is_here = match (&record.compiled_from, &unit.source) {
        // The path of an external package contains the version.
        (Some(from), Some(source)) => from == source,
        _ => true,
    };
    is_here && (unit.name.mode == RecordedMode::Run || record.features == unit.features)
}

/// Returns true if a record was built with a fresh record of each dependency.
fn has_dependencies(unit: &PlannedUnit, record: &UnitRecord, fresh: &[HashSet<u64>]) -> bool {
    let built_with = || record.dependencies.iter().map(|(_, value)| value);
    let mut below = unit.dependencies.iter();
    unit.dependencies.len() == record.dependencies.len()
        && below.all(|&on| built_with().any(|value| fresh[on].contains(value)))
}

#[cfg(test)]
mod tests;
