//! What `clean-affected` is going to remove: the affected units' artifacts, and nothing else.
//!
//! `cargo clean -p` is not used, since it knows files by their target's name: it would remove
//! those of every other package that has a `tests/it.rs` too. Here they are known by the hash of
//! the unit; see [`crate::artifacts::reader`].

mod finder;
mod selection;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use self::finder::ArtifactFinder;
pub use self::selection::{ArtifactSelection, CleanScope, CleanSelection};
use crate::artifacts::profile_dir::{ProfileDirScan, ScannedUnit};
use xtask_impact::build_dir::unit_record::{RecordedMode, UnitName};
use xtask_impact::workspace;
use xtask_impact::workspace::Package;

/// What goes, and from where.
#[derive(Debug, PartialEq, Serialize)]
pub struct CleanPlan {
    /// Of this format; it changes when a reader would have to.
    pub version: u32,
    /// The host's first; one with two layouts comes twice.
    pub directories: Vec<Directory>,
    /// Other build directories of the workspace that were found and not looked into.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Utf8PathBuf>,
}

/// A profile directory, and what goes from it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Directory {
    /// Where it is.
    pub path: Utf8PathBuf,
    /// The target triple, unless it is the host's own directory.
    pub triple: Option<String>,
    /// In the order of removal: a unit whose fingerprint is gone is built again, whatever is left
    /// of it, so fingerprints go before everything else.
    pub removals: Vec<Removal>,
    /// Packages that stay because the running kit is built from them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Crates whose incremental state goes, and with it that of units of the same name in other
    /// packages. Those stay fresh, but their next compilation starts from nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared_incremental: Vec<String>,
    /// What may be orphans, and stays since that is not certain.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<DoubtfulUnit>,
}

/// A unit that nothing of the workspace claims, and that may yet be somebody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DoubtfulUnit {
    /// Name of the package.
    pub package: String,
    /// Which of the package's units; `None` where cargo never built it to its end.
    pub unit: Option<UnitName>,
    /// Its fingerprint.
    pub path: Utf8PathBuf,
    /// What the workspace no longer has.
    pub because: String,
    /// Why that is no proof.
    pub doubt: String,
}

/// A file, or a directory with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Removal {
    /// What kind of artifact it is.
    pub kind: Artifact,
    /// Where it is.
    pub path: Utf8PathBuf,
    /// Name of the package.
    pub package: String,
    /// Cargo's package id; `None` for an orphan.
    pub package_id: Option<String>,
    /// Which of the package's units; `None` where cargo never built it to its end.
    pub unit: Option<UnitName>,
    /// What changed, or what the workspace no longer has.
    pub because: String,
    /// How many files it is; not counting what goes before.
    pub files: u64,
    /// How many bytes they are.
    pub bytes: u64,
}

impl Removal {
    /// Returns whether the artifact is of a package that the workspace no longer has.
    pub fn is_orphan(&self) -> bool {
        self.package_id.is_none()
    }
}

/// The kinds of artifact, in the order in which they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Artifact {
    /// By which cargo takes a unit as it is.
    Fingerprint,
    /// What rustc or a script wrote.
    Output,
    /// What cargo put, or linked, to where users look for it.
    Uplifted,
    /// What rustdoc wrote of one crate; what it shares between crates stays.
    Documentation,
    /// From which rustc starts.
    Incremental,
}

impl CleanPlan {
    /// The plan for these directories. What two layouts of one share is listed once.
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

    /// Everything that goes.
    pub fn removals(&self) -> impl Iterator<Item = &Removal> {
        self.directories.iter().flat_map(|it| &it.removals)
    }
}

impl Directory {
    /// What goes from a profile directory. The running kit must not be removed under its own feet:
    /// its package stays in the directory that holds it. `stranger` is what shows that another
    /// workspace builds there, too.
    pub fn new(
        selection: &ArtifactSelection<'_>,
        contents: &ProfileDirScan,
        stranger: Option<&str>,
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
            match stray.doubt_with(stranger) {
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
        // Paths are compared component by component, which is slow where there are thousands.
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

/// Returns whether rustc can start from the unit's old outputs. A script's run cannot: the files
/// in `OUT_DIR` are the result of the inputs that changed. An orphan is never built again, and
/// without a fingerprint no later clean would find the orphan's outputs.
fn is_compiled_again(found: &ScannedUnit) -> bool {
    let is_compiled = |unit: &UnitName| unit.mode != RecordedMode::Run;
    found.package.is_some() && found.unit.as_ref().is_some_and(is_compiled)
}

/// Returns whether a file is one whose mtime cargo compares with the unit's inputs: `dep-*` of a
/// compiled unit, `output` or `stdout` of a script's run. Without this file cargo rebuilds the unit
/// and its dependents. Without the hash file alone, cargo rebuilds the unit and calls its dependents
/// fresh. So the reference file goes first, and a clean that is killed leaves nothing stale.
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

/// `my_lib-3gxugw2anlsrk`, whose end is not the hash that other files have.
fn crate_of_incremental(path: &Utf8Path) -> Option<&str> {
    Some(path.file_name()?.rsplit_once('-')?.0)
}

#[cfg(test)]
mod tests;
