//! The units in the workspace's own build directory, with their records and their files.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::dep_info::Fingerprint;
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode, UnitName};
use xtask_impact::build_dir::{self, Layout, ProfileDir};
use xtask_impact::parallel;
use xtask_impact::paths::resolved;
use xtask_impact::workspace::{PackageIx, Workspace};

use crate::artifacts::plan::{Artifact, ArtifactFinder};
use crate::artifacts::profile_dir::{ProfileDirScan, ScannedUnit};
use crate::artifacts::reader::ProfileReader;

/// The index of a unit in [`Inventory::units`].
pub(crate) type BuiltIx = usize;

/// The units that the workspace's packages have in the build directory.
pub(crate) struct Inventory {
    /// The profile directories.
    pub(crate) places: Vec<ProfileDir>,
    /// The units of all profile directories.
    pub(crate) units: Vec<BuiltUnit>,
    /// The directories of incremental caches, each with the index of its profile directory.
    pub(crate) incremental: Vec<(usize, Utf8PathBuf)>,
    /// The target directory, which holds the final artifacts.
    target: Utf8PathBuf,
    by_value: HashMap<u64, BuiltIx>,
}

/// A unit that cargo built, or began to build.
#[derive(Clone, Debug)]
pub(crate) struct BuiltUnit {
    /// The index of the profile directory.
    pub(crate) place: usize,
    /// The package. If several packages could have built the unit, the first of them.
    pub(crate) package: PackageIx,
    /// The name of the package.
    pub(crate) package_name: String,
    /// The hash in the name of the unit's directory.
    pub(crate) hash: String,
    /// The mode, the kind and the name of the target.
    pub(crate) name: UnitName,
    /// The number of the fingerprint and its values. `None` if the last build of the unit did not
    /// finish: cargo builds such a unit again.
    pub(crate) record: Option<(u64, Fingerprint)>,
    /// The files that rustc wrote, without the incremental cache.
    pub(crate) outputs: Vec<Utf8PathBuf>,
}

impl BuiltUnit {
    /// Returns true if the unit is a compiled library, which has metadata.
    pub(crate) fn is_library(&self) -> bool {
        (self.name.mode, self.name.kind) == (RecordedMode::Compile, RecordedKind::Lib)
    }

    /// Returns true if the unit is the run of a build script.
    pub(crate) fn is_run(&self) -> bool {
        self.name.mode == RecordedMode::Run
    }

    /// Returns the name of the unit's crate in Rust code.
    pub(crate) fn crate_name(&self) -> String {
        self.name.target.replace('-', "_")
    }

    /// Returns the output with this extension.
    pub(crate) fn output(&self, extension: &str) -> Option<&Utf8PathBuf> {
        let mut outputs = self.outputs.iter();
        outputs.find(|it| it.extension() == Some(extension))
    }
}

impl Inventory {
    /// Reads all units of the workspace's packages.
    ///
    /// # Errors
    /// Returns an error if the build directory cannot be listed or has an unknown layout.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let own = workspace.directories();
        let packages = workspace.packages().map(|(package, _)| package);
        let mut reader = ProfileReader::new(workspace, packages, None, None);
        let places = build_dir::profile_dirs(&own.build)?;
        let (mut units, mut incremental) = (Vec::new(), BTreeSet::new());
        for (at, place) in places.iter().enumerate() {
            let contents = reader.read(place, &own.target)?;
            units.extend(units_of(workspace, at, &contents)?);
            let directory = place.path.join("incremental");
            for name in build_dir::entries(&directory)? {
                incremental.insert((directory.join(name), at));
            }
        }
        let mut found: Vec<(usize, Utf8PathBuf)> = Vec::new();
        for (path, at) in incremental {
            // A profile directory with both layouts has one directory of incremental caches.
            if found.last().is_none_or(|(_, last)| *last != path) {
                found.push((at, path));
            }
        }
        let by_value = (units.iter().enumerate())
            .filter_map(|(at, unit): (usize, &BuiltUnit)| Some((unit.record.as_ref()?.0, at)));
        Ok(Self {
            by_value: by_value.collect(),
            places,
            units,
            incremental: found,
            target: own.target,
        })
    }

    /// Returns the profile directory of a unit.
    pub(crate) fn place(&self, unit: &BuiltUnit) -> &ProfileDir {
        &self.places[unit.place]
    }

    /// Returns the finished units with this fingerprint, or none.
    pub(crate) fn with_value(&self, value: u64) -> Option<BuiltIx> {
        self.by_value.get(&value).copied()
    }

    /// Returns the recorded dependencies of a unit, those of the last finished build. A dependency that was built again in the
    /// meantime, with other settings, is left out.
    pub(crate) fn dependencies(&self, unit: BuiltIx) -> Vec<BuiltIx> {
        let unit = &self.units[unit];
        let former = || {
            let place = self.place(unit);
            place.former_values(&unit.package_name, &unit.hash, &unit.name)
        };
        let recorded = unit.record.as_ref().map(|(_, values)| values.clone());
        let dependencies = recorded.or_else(former).into_iter().flat_map(|it| it.deps);
        let known = dependencies.filter_map(|it| self.with_value(it.3));
        known.collect()
    }

    /// Returns the units and all units that were built with them.
    pub(crate) fn with_dependents(&self, units: &BTreeSet<BuiltIx>) -> BTreeSet<BuiltIx> {
        let mut dependents: HashMap<BuiltIx, Vec<BuiltIx>> = HashMap::new();
        for unit in 0..self.units.len() {
            for on in self.dependencies(unit) {
                dependents.entry(on).or_default().push(unit);
            }
        }
        let mut found = units.clone();
        let mut open: Vec<BuiltIx> = units.iter().copied().collect();
        while let Some(unit) = open.pop() {
            for &dependent in dependents.get(&unit).into_iter().flatten() {
                if found.insert(dependent) {
                    open.push(dependent);
                }
            }
        }
        found
    }

    /// Returns the units that a path belongs to: an artifact, a record, a directory of a unit, a
    /// file in `OUT_DIR`, or a final artifact. The path does not have to exist.
    pub(crate) fn units_at(&self, path: &Utf8Path) -> Vec<BuiltIx> {
        let (path, real) = (path, parent_resolved(path));
        let below = |place: &ProfileDir| {
            let below = real.strip_prefix(resolved(&place.path));
            let below = below.or_else(|_| path.strip_prefix(&place.path));
            below.map(Utf8Path::to_owned).ok()
        };
        let mut found = Vec::new();
        for (at, place) in self.places.iter().enumerate() {
            let Some(below) = below(place) else { continue };
            let mut names = below.iter();
            let hash = names.find_map(|name| match build_dir::is_hash(name) {
                true => Some(name),
                false => build_dir::hash_in(name),
            });
            let of_hash = self.all().filter(|(_, unit)| unit.place == at);
            let of_hash = of_hash.filter(|(_, unit)| Some(&*unit.hash) == hash);
            found.extend(of_hash.map(|(unit, _)| unit));
        }
        let name = path.file_name().unwrap_or_default();
        let is_named = |unit: &BuiltUnit| {
            let file = unit.name.file_name();
            [&file, &format!("{file}.json"), &format!("dep-{file}")].contains(&&name.to_owned())
        };
        if found.iter().any(|&unit| is_named(&self.units[unit])) {
            found.retain(|&unit| is_named(&self.units[unit]));
        }
        match found.is_empty() {
            true => self.units_of_final(path, &real),
            false => found,
        }
    }

    /// Returns the units whose final artifact a path is. Cargo makes final artifacts as hard links,
    /// or as copies where links are not possible.
    fn units_of_final(&self, path: &Utf8Path, real: &Utf8Path) -> Vec<BuiltIx> {
        let Some(directory) = real.parent() else {
            return Vec::new();
        };
        let is_there = |unit: &BuiltUnit| {
            let outputs = resolved(&self.place(unit).outputs(&self.target));
            directory == outputs || directory == outputs.join("examples")
        };
        let stem = path.file_stem().unwrap_or_default();
        let is_named = |unit: &BuiltUnit| {
            let crate_name = unit.crate_name();
            match unit.name.kind {
                RecordedKind::Lib => stem == format!("lib{crate_name}"),
                _ => stem == unit.name.target,
            }
        };
        let candidates = self.all().filter(|(_, unit)| {
            unit.name.mode == RecordedMode::Compile && is_there(unit) && is_named(unit)
        });
        let candidates: Vec<BuiltIx> = candidates.map(|(unit, _)| unit).collect();
        let linked = candidates.iter().copied().filter(|&unit| {
            let mut outputs = self.units[unit].outputs.iter();
            outputs.any(|output| is_one_file(output, path))
        });
        let linked: Vec<BuiltIx> = linked.collect();
        match linked.is_empty() {
            true => candidates,
            false => linked,
        }
    }

    /// Returns all units with their indexes.
    pub(crate) fn all(&self) -> impl Iterator<Item = (BuiltIx, &BuiltUnit)> {
        self.units.iter().enumerate()
    }

    /// Returns the incremental caches of the unit's crate in the unit's profile directory.
    pub(crate) fn incremental_of(&self, unit: &BuiltUnit) -> impl Iterator<Item = &Utf8PathBuf> {
        let crate_name = unit.crate_name();
        let place = &self.place(unit).path;
        let caches = self.incremental.iter().map(|(_, path)| path);
        caches.filter(move |path| {
            let name = path.file_name().and_then(|name| name.rsplit_once('-'));
            path.starts_with(place) && name.is_some_and(|(name, _)| name == crate_name)
        })
    }
}

/// Returns the path with its parent's symbolic links resolved.
fn parent_resolved(path: &Utf8Path) -> Utf8PathBuf {
    let mut above = path.ancestors().skip(1);
    let there = above.find(|it| it.exists());
    match there.and_then(|there| Some((there, path.strip_prefix(there).ok()?))) {
        Some((there, below)) => resolved(there).join(below),
        None => path.to_owned(),
    }
}

/// Returns true if two paths name one file.
pub(super) fn is_one_file(one: &Utf8Path, other: &Utf8Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let id = |path: &Utf8Path| path.metadata().map(|it| (it.dev(), it.ino())).ok();
        matches!((id(one), id(other)), (Some(one), Some(other)) if one == other)
    }
    #[cfg(not(unix))]
    {
        resolved(one) == resolved(other)
    }
}

/// Returns the units of a profile directory.
fn units_of(workspace: &Workspace, at: usize, contents: &ProfileDirScan) -> Result<Vec<BuiltUnit>> {
    let finder = ArtifactFinder::new(workspace, contents);
    // A unit that may belong to several packages is listed once for each of them.
    let mut seen = HashSet::new();
    let scanned = contents.units.iter().filter_map(|found| {
        let (package, name) = (found.package?, found.unit.as_ref()?);
        let key = (&found.package_name, &found.hash, name);
        seen.insert(key).then_some((found, package, name))
    });
    let scanned: Vec<(&ScannedUnit, PackageIx, &UnitName)> = scanned.collect();
    let place = &contents.place;
    let records = parallel::parts(&scanned, |part| {
        let records = part.iter();
        let read = records
            .map(|(found, _, name)| place.fingerprint(&found.package_name, &found.hash, name));
        read.collect()
    });
    let mut units = Vec::new();
    for ((found, package, name), record) in scanned.into_iter().zip(records) {
        units.push(BuiltUnit {
            place: at,
            package,
            package_name: found.package_name.clone(),
            hash: found.hash.clone(),
            name: name.clone(),
            record,
            outputs: outputs(&finder, place, found, name)?,
        });
    }
    Ok(units)
}

/// Returns the files that rustc wrote for a unit.
fn outputs(
    finder: &ArtifactFinder<'_>,
    place: &ProfileDir,
    found: &ScannedUnit,
    name: &UnitName,
) -> Result<Vec<Utf8PathBuf>> {
    let has_own_directory = place.layout == Layout::V2 || name.kind == RecordedKind::BuildScript;
    match name.mode {
        RecordedMode::Run | RecordedMode::Doc => Ok(Vec::new()),
        _ if has_own_directory => {
            let directory = place.output_dir(&found.package_name, &found.hash, name.kind);
            let names = build_dir::entries(&directory)?.into_iter();
            Ok(names.map(|it| directory.join(it)).collect())
        }
        _ => {
            let artifacts = finder.artifacts(found, false).into_iter();
            let outputs = artifacts.filter(|(kind, _)| *kind == Artifact::Output);
            Ok(outputs.map(|(_, path)| path).collect())
        }
    }
}
