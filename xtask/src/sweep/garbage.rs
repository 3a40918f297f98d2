//! Artifacts that no build uses any more: artifacts of removed toolchains, of packages that the
//! workspace no longer has, and of the old layout, and files of removed units.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::Result;
use camino::Utf8PathBuf;
use serde::Serialize;
use xtask_impact::build_dir::Directories;
use xtask_impact::build_dir::unit_record::UnitName;
use xtask_impact::process::Runner;
use xtask_impact::workspace::Workspace;
use xtask_impact::{process, usage};

use super::scan::{DirectoryScan, SweepUnit, is_first_layout};
use crate::artifacts::orphans::LiveSet;
use crate::artifacts::plan::{Artifact, ArtifactSelection, CleanSelection, Directory, Removal};
use crate::artifacts::reader::ProfileReader;
use crate::artifacts::toolchains;
use crate::cli::output;

/// The reason to remove an artifact, in the order of removal.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SweepClass {
    /// The toolchain that built the unit is not installed.
    GoneToolchain,
    /// The workspace no longer has the package, the version or the target.
    Orphan,
    /// The unit lies in the former layout, and its toolchain now builds in the new layout.
    FormerLayout,
    /// The files have no fingerprint, so cargo does not use them.
    WithoutFingerprint,
    /// No unit uses the incremental state.
    Incremental,
    /// The unit was not used for the longest time.
    LastUse,
}

/// The garbage among the units of a scan: the class and the reason, by the index of the unit.
pub(crate) type Garbage = HashMap<usize, (SweepClass, String)>;

/// Finds the garbage of a directory.
///
/// # Errors
/// Returns an error if a directory cannot be listed.
pub(crate) fn find(
    scan: &mut DirectoryScan,
    workspace: &Workspace,
    directories: &Directories,
    toolchains: &InstalledToolchains<'_>,
) -> Result<Garbage> {
    let mut garbage = Garbage::new();
    let compilers = scan.compilers();
    let gone = toolchains.gone(compilers.values());
    for (index, unit) in scan.units.iter().enumerate() {
        let version = unit.rustc.and_then(|it| compilers.get(&it));
        if let Some(version) = version.filter(|it| gone.contains(*it)) {
            let because = match toolchains.are_named {
                true => format!("built by {version}, which is not one of the named toolchains"),
                false => format!("built by {version}, which is not installed"),
            };
            garbage.insert(index, (SweepClass::GoneToolchain, because));
        }
    }
    for (index, because) in orphans(scan, workspace, directories)? {
        garbage
            .entry(index)
            .or_insert((SweepClass::Orphan, because));
    }
    for index in former_layout(scan) {
        let because = "its toolchain now builds in the new layout".to_owned();
        garbage
            .entry(index)
            .or_insert((SweepClass::FormerLayout, because));
    }
    for (index, unit) in scan.units.iter().enumerate() {
        if unit.is_unusable() {
            let because = "it has no fingerprint".to_owned();
            garbage
                .entry(index)
                .or_insert((SweepClass::WithoutFingerprint, because));
        }
    }
    Ok(garbage)
}

/// The toolchains that count as installed.
pub(crate) struct InstalledToolchains<'a> {
    runner: &'a Runner,
    /// True if the user named the toolchains.
    are_named: bool,
    /// The directory of the kit's cache.
    state: Option<Utf8PathBuf>,
    /// The versions of the compilers that count as installed. `Some(None)` if they are not known.
    versions: OnceCell<Option<BTreeSet<String>>>,
}

impl<'a> InstalledToolchains<'a> {
    /// Returns the toolchains that `named` names: each by its name in rustup, or by its version. If
    /// none is named, returns all toolchains of rustup. Rustup is then asked when it is needed.
    ///
    /// # Errors
    /// Returns an error if a name is neither a toolchain of rustup nor a version.
    pub(crate) fn new(
        runner: &'a Runner,
        named: &BTreeSet<String>,
        state: Option<Utf8PathBuf>,
    ) -> Result<Self> {
        let versions = OnceCell::new();
        if !named.is_empty() {
            let named = named.iter().map(|name| version_of(runner, name));
            let _ = versions.set(Some(named.collect::<Result<_>>()?));
        }
        Ok(Self {
            runner,
            are_named: !named.is_empty(),
            state,
            versions,
        })
    }

    /// Returns the versions whose compilers do not count as installed. If the installed toolchains
    /// are not known, no version is gone.
    fn gone<'v>(&self, versions: impl Iterator<Item = &'v String>) -> BTreeSet<String> {
        let versions: BTreeSet<String> = versions.cloned().collect();
        let is_asked = self.versions.get().is_some();
        if !is_asked && toolchains::are_still_installed(self.state.as_deref(), &versions) {
            return BTreeSet::new();
        }
        let ask = || toolchains::installed(self.runner, self.state.as_deref());
        let Some(installed) = self.versions.get_or_init(ask) else {
            return BTreeSet::new();
        };
        let is_gone = |version: &String| !toolchains::includes(installed, version);
        versions.into_iter().filter(is_gone).collect()
    }
}

/// Returns the version of a toolchain that the user named.
fn version_of(runner: &Runner, name: &str) -> Result<String> {
    let mut rustup = runner.program("rustup");
    let said = process::checked(rustup.args(["run", name, "rustc", "--version"]));
    match said {
        Ok(said) => Ok(String::from_utf8_lossy(&said).trim().to_owned()),
        Err(_) if name.starts_with(|it: char| it.is_ascii_digit()) => Ok(format!("rustc {name}")),
        Err(_) => Err(usage!(
            "the toolchain `{name}` is not installed, so its version is unknown\nhint: write the \
             version, as in --toolchain 1.95.0"
        )),
    }
}

/// Returns the units of packages, versions and targets that the workspace no longer has, each with
/// the reason. Their final artifacts become shared artifacts that they own.
fn orphans(
    scan: &mut DirectoryScan,
    workspace: &Workspace,
    directories: &Directories,
) -> Result<Vec<(usize, String)>> {
    if scan.units.is_empty() {
        return Ok(Vec::new());
    }
    let living = match LiveSet::new(workspace) {
        Ok(living) => living,
        Err(error) => {
            output::note_once(None, &format!("no artifact counts as an orphan: {error:#}"));
            return Ok(Vec::new());
        }
    };
    let mut reader = ProfileReader::new(workspace, std::iter::empty(), None, Some(&living));
    let mut read = Vec::new();
    for (index, place) in scan.places.iter().enumerate() {
        let named = scan.named(index);
        read.push(reader.read_named(place, &directories.target, &named, &scan.notes));
    }
    if read.iter().all(|it| it.strays.is_empty()) {
        return Ok(Vec::new());
    }
    let foreign = living.foreign_package(&read, &scan.notes);
    let nothing = CleanSelection::default();
    let selection = ArtifactSelection::nothing(workspace, &nothing);
    let units = scan.units.iter().enumerate();
    let by_hash: HashMap<_, _> = units
        .map(|(index, unit)| ((unit.place, unit.hash.clone()), index))
        .collect();
    let mut found = Vec::new();
    for (place, contents) in read.iter().enumerate() {
        let strays: HashSet<(&str, Option<&UnitName>)> = contents
            .strays
            .iter()
            .map(|it| (&*it.found.hash, it.found.unit.as_ref()))
            .collect();
        let orphans = contents.strays.iter();
        let orphans = orphans.filter(|it| it.doubt_with(foreign.as_deref()).is_none());
        let mut indexes: HashMap<(&str, Option<&UnitName>), usize> = HashMap::new();
        for orphan in orphans {
            let Some(&index) = by_hash.get(&(place, orphan.found.hash.clone())) else {
                continue;
            };
            // A directory that other units share is kept until all of them are orphans.
            let hash = &*orphan.found.hash;
            let mut names = scan.units[index].names.iter();
            if names.all(|name| strays.contains(&(hash, Some(name)))) {
                found.push((index, orphan.because.clone()));
                let key = (&*orphan.found.package_name, orphan.found.unit.as_ref());
                indexes.entry(key).or_insert(index);
            }
        }
        if indexes.is_empty() {
            continue;
        }
        let mut contents = contents.clone();
        contents.list(&directories.target)?;
        let planned = Directory::new(&selection, &contents, foreign.as_deref());
        let mut owned: HashMap<Utf8PathBuf, usize> = HashMap::new();
        for Removal {
            path,
            package,
            unit,
            ..
        } in planned.removals
        {
            let index = indexes.get(&(package.as_str(), unit.as_ref()));
            owned.extend(index.map(|index| (path, *index)));
        }
        for shared in scan.shared.iter_mut().filter(|it| it.kind.is_none()) {
            if let Some(&index) = owned.get(&shared.paths[0]) {
                shared.kind = Some(Artifact::Uplifted);
                shared.owners.push(index);
            }
        }
    }
    Ok(found)
}

/// Returns the units in the first layout whose toolchain used the second layout later, in the same
/// profile directory.
fn former_layout(scan: &DirectoryScan) -> Vec<usize> {
    let mut newest = HashMap::new();
    let profiles = scan.first_places();
    let has_both = profiles.iter().enumerate().any(|(at, first)| at != *first);
    if !has_both {
        return Vec::new();
    }
    let key = |unit: &SweepUnit| {
        let is_first = is_first_layout(&scan.places[unit.place]);
        Some((profiles[unit.place], unit.rustc?, is_first))
    };
    for unit in &scan.units {
        if let Some(key) = key(unit) {
            let used = newest.entry(key).or_insert(unit.last_use);
            *used = unit.last_use.max(*used);
        }
    }
    let is_former = |unit: &SweepUnit| {
        let Some((profile, rustc, true)) = key(unit) else {
            return false;
        };
        let in_second = newest.get(&(profile, rustc, false));
        in_second.is_some_and(|it| Some(it) > newest.get(&(profile, rustc, true)))
    };
    let units = scan.units.iter().enumerate();
    units
        .filter(|(_, unit)| is_former(unit))
        .map(|(index, _)| index)
        .collect()
}
