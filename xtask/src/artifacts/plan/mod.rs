//! The plan of `clean-affected`: the artifacts of the affected units, and nothing else.
//!
//! `cargo clean -p` is not used, since it finds files by the name of their target: it would also
//! remove the files of every other package that has a `tests/it.rs`. The kit finds files by the
//! unit's hash; see [`crate::artifacts::reader`].

mod finder;
mod selection;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use xtask_impact::build_dir::ProfileDir;
use xtask_impact::build_dir::unit_record::{RecordedMode, UnitName};
use xtask_impact::workspace;
use xtask_impact::workspace::Package;

pub(crate) use self::finder::ArtifactFinder;
pub use self::selection::{ArtifactSelection, CleanScope, CleanSelection};
use crate::artifacts::profile_dir::{ProfileDirScan, ScannedUnit};

/// The artifacts to remove, by profile directory.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, PartialEq, Serialize)]
pub struct CleanPlan {
    /// The version of this JSON format. The version changes if a reader has to change.
    pub version: u32,
    /// The profile directories, the host's first. A directory that holds both layouts comes twice.
    pub directories: Vec<Directory>,
    /// Other build directories of the workspace, which were found but not searched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub others: Vec<Utf8PathBuf>,
}

/// A profile directory, and the artifacts to remove from it.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Directory {
    /// The path of the directory.
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: Utf8PathBuf,
    /// The target triple. `None` for the host's own directory.
    pub triple: Option<String>,
    /// The removals in their order. Fingerprints come first: cargo rebuilds a unit without a
    /// fingerprint, even if other files of the unit are left.
    pub removals: Vec<Removal>,
    /// Ids of packages that are not removed because the running kit is built from them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Crates whose incremental state is removed although units of the same crate name in other
    /// packages share it. Those units stay fresh, but their next compilation does not reuse
    /// incremental state.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared_incremental: Vec<String>,
    /// Possible orphans that are not removed because they may be in use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<DoubtfulUnit>,
}

/// A unit that no package of the workspace claims, but that may still be in use.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DoubtfulUnit {
    /// The name of the package.
    pub package: String,
    /// The unit within the package. `None` if cargo never completed a build of the unit.
    pub unit: Option<UnitName>,
    /// The path of the unit's fingerprint.
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: Utf8PathBuf,
    /// The reason: the package, version or target that the workspace no longer has.
    pub because: String,
    /// The reason why the unit is not certainly an orphan.
    pub doubt: String,
}

/// A file to remove, or a directory to remove with everything in it.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Removal {
    /// The kind of artifact.
    pub kind: Artifact,
    /// The path of the artifact.
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: Utf8PathBuf,
    /// The name of the package.
    pub package: String,
    /// Cargo's package id. `None` for an orphan.
    pub package_id: Option<String>,
    /// The unit within the package. `None` if cargo never completed a build of the unit.
    pub unit: Option<UnitName>,
    /// The reason: the change, or what the workspace no longer has.
    pub because: String,
    /// The number of files, without the files of an earlier removal.
    pub files: u64,
    /// The size of the files in bytes.
    pub bytes: u64,
}

impl Removal {
    /// Returns true if the artifact belongs to a package or target that the workspace no longer
    /// has.
    pub fn is_orphan(&self) -> bool {
        self.package_id.is_none()
    }
}

/// The kinds of artifacts, in the order of their removal.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Artifact {
    /// A fingerprint, by which cargo decides that a unit is fresh.
    Fingerprint,
    /// A file that rustc or a build script wrote.
    Output,
    /// A final artifact that cargo copied or linked to the place where users look for it.
    Uplifted,
    /// The documentation that rustdoc wrote for one crate. Files that crates share are not removed.
    Documentation,
    /// The incremental cache, from which rustc starts.
    Incremental,
}

impl CleanPlan {
    /// Returns the plan for these directories. A path that two layouts of one directory share is
    /// listed once.
    pub fn new(mut directories: Vec<Directory>, others: Vec<Utf8PathBuf>) -> Self {
        let mut seen = HashSet::new();
        for directory in &mut directories {
            let removals = &mut directory.removals;
            removals.retain(|removal| seen.insert(removal.path.as_str().to_owned()));
        }
        Self {
            version: 1,
            directories,
            others,
        }
    }

    /// Returns all removals.
    pub fn removals(&self) -> impl Iterator<Item = &Removal> {
        self.directories.iter().flat_map(|it| &it.removals)
    }
}

impl Directory {
    /// Returns a profile directory with these removals.
    pub(crate) fn of_removals(place: &ProfileDir, removals: Vec<Removal>) -> Self {
        Self {
            path: place.path.clone(),
            triple: place.triple.clone(),
            removals,
            kept: Vec::new(),
            shared_incremental: Vec::new(),
            doubtful: Vec::new(),
        }
    }

    /// Returns the artifacts to remove from a profile directory. The package that the running kit
    /// is built from is kept in the directory that holds the kit. `foreign_package` is a package that
    /// shows that another workspace builds in this directory, too.
    pub fn new(
        selection: &ArtifactSelection<'_>,
        contents: &ProfileDirScan,
        foreign_package: Option<&str>,
    ) -> Self {
        let options = selection.options;
        let triple = contents.place.triple.as_deref();
        let mut kept = BTreeSet::new();
        let mut doubtful = Vec::new();
        let mut found: Vec<(&ScannedUnit, &str)> = Vec::new();
        for unit in &contents.units {
            let because = selection.because(unit, triple);
            let package = unit.package.map(|it| selection.workspace.package(it));
            let running = package.filter(|it| !options.running_too && is_running(it, contents));
            match (because, running) {
                (Some(_), Some(package)) => _ = kept.insert(package.id.clone()),
                (Some(because), None) => found.push((unit, because)),
                (None, _) => {}
            }
        }
        for stray in &contents.strays {
            match stray.doubt_with(foreign_package) {
                None => found.push((&stray.found, &stray.because)),
                Some(doubt) => doubtful.push(DoubtfulUnit {
                    package: stray.found.package_name.clone(),
                    unit: stray.found.unit.clone(),
                    path: contents
                        .place
                        .fingerprint_dir(&stray.found.package_name, &stray.found.hash),
                    because: stray.because.clone(),
                    doubt,
                }),
            }
        }
        let finder = ArtifactFinder::new(selection.workspace, contents);
        // Strings are faster: paths are compared component by component, and there may be
        // thousands.
        let mut paths: BTreeMap<String, (Artifact, &ScannedUnit, &str)> = BTreeMap::new();
        for &(unit, because) in &found {
            let keeps_outputs = options.keep_incremental && is_compiled_again(unit);
            for (artifact, path) in finder.artifacts(unit, options.documentation) {
                if artifact == Artifact::Fingerprint || !keeps_outputs {
                    let entry = paths.entry(path.into_string());
                    entry.or_insert((artifact, unit, because));
                }
            }
        }
        let id = |package| selection.workspace.package(package).id.clone();
        let removal =
            |(path, (kind, found, because)): (_, (Artifact, &ScannedUnit, &str))| Removal {
                kind,
                path: Utf8PathBuf::from(path),
                package: found.package_name.clone(),
                package_id: found.package.map(id),
                unit: found.unit.clone(),
                because: because.to_owned(),
                files: 0,
                bytes: 0,
            };
        let mut removals: Vec<_> = paths.into_iter().map(removal).collect();
        removals.sort_by_key(|removal| (removal.kind, !is_reference(&removal.path)));
        let incremental = removals
            .iter()
            .filter(|it| it.kind == Artifact::Incremental);
        let crates = incremental.filter_map(|it| crate_of_incremental(&it.path));
        let mut crates: BTreeSet<&str> = crates.collect();
        if !crates.is_empty() {
            let elsewhere = selection.crates_elsewhere();
            crates.retain(|it| elsewhere.contains(*it));
        }
        Self {
            path: contents.place.path.clone(),
            triple: contents.place.triple.clone(),
            kept: kept.into_iter().collect(),
            shared_incremental: crates.into_iter().map(str::to_owned).collect(),
            doubtful,
            removals,
        }
    }
}

/// Returns true if rustc can start from the unit's old outputs. A script run cannot: the files in
/// `OUT_DIR` are the result of the inputs that changed. An orphan is never rebuilt, and without a
/// fingerprint no later clean would find the orphan's outputs.
fn is_compiled_again(found: &ScannedUnit) -> bool {
    let is_compiled = |unit: &UnitName| unit.mode != RecordedMode::Run;
    found.package.is_some() && found.unit.as_ref().is_some_and(is_compiled)
}

/// Returns true if cargo compares the file's mtime with the unit's inputs: `dep-*` of a compiled
/// unit, `output` or `stdout` of a script run. Without this reference file cargo rebuilds the unit
/// and its dependents. Without the hash file alone, cargo rebuilds the unit and calls its
/// dependents fresh. Therefore the reference file is removed first, so that a clean that is killed
/// leaves nothing stale.
pub fn is_reference(path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.starts_with("dep-") || name == "output" || name == "stdout"
}

fn is_running(package: &Package, contents: &ProfileDirScan) -> bool {
    let mut targets = package.targets.iter();
    targets.any(|target| {
        target.kind == workspace::TargetKind::Bin && Some(&target.name) == contents.running.as_ref()
    })
}

/// Returns the crate name of an incremental cache: `my_lib-3gxugw2anlsrk` becomes `my_lib`. The end
/// of the name is not the hash that the unit's other files have.
fn crate_of_incremental(path: &Utf8Path) -> Option<&str> {
    Some(path.file_name()?.rsplit_once('-')?.0)
}

#[cfg(test)]
mod tests;
