//! What `clean-affected` is going to remove: the affected units' artifacts, and nothing else.
//!
//! `cargo clean -p` is not used, since it knows files by their target's name: it would remove
//! those of every other package that has a `tests/it.rs` too. Here they are known by the hash of
//! the unit; see [`super::artifacts`].

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use self::finder::Finder;
use super::artifacts::{Contents, Found};
use crate::graph::Mode;
use crate::impact::Effect;
use crate::impact::records::{crate_name, in_graph};
use crate::question::Answer;
use crate::repo::unit_record::UnitName;
use crate::workspace::{self, Package, PackageIx, Workspace};

/// How much goes with a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The units that cargo would build again.
    #[default]
    Affected,
    /// Those that the change touches itself; cargo builds the others again on its own.
    Changed,
    /// Everything of the packages of affected units, documentation's records too.
    Packages,
}

/// The units whose artifacts go, each with its reason.
pub struct Selection<'a> {
    workspace: &'a Workspace,
    units: BTreeMap<(PackageIx, workspace::TargetKind, String, Mode), String>,
    packages: BTreeMap<PackageIx, String>,
    scope: Scope,
}

/// What goes, and from where.
#[derive(Debug, PartialEq, Serialize)]
pub struct CleanPlan {
    /// Of this format; it changes when a reader would have to.
    pub version: u32,
    /// The host's first; one with two layouts comes twice.
    pub directories: Vec<Directory>,
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
    /// Cargo's package id.
    pub package_id: String,
    /// Which of the package's units; `None` where cargo never built it to its end.
    pub unit: Option<UnitName>,
    /// What changed.
    pub because: String,
    /// How many files it is; not counting what goes before.
    pub files: u64,
    /// How many bytes they are.
    pub bytes: u64,
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
    /// From which rustc starts.
    Incremental,
}

impl<'a> Selection<'a> {
    /// What an answer says goes.
    pub fn new(answer: &'a Answer, scope: Scope) -> Self {
        let mut selection = Self {
            workspace: &answer.workspace,
            units: BTreeMap::new(),
            packages: BTreeMap::new(),
            scope,
        };
        for (index, effect) in answer.affected.units() {
            let Some((way, seed)) = answer.affected.chain(index) else {
                continue;
            };
            if effect != Effect::Rebuilt || scope == Scope::Changed && way.len() > 1 {
                continue;
            }
            let because = match &seed.path {
                Some(path) => format!("{path}: {}", seed.because),
                None => seed.because.clone(),
            };
            let unit = answer.graph.unit(index);
            let target = crate_name(unit.kind, &unit.target);
            let key = (unit.package, unit.kind, target, unit.mode);
            selection
                .packages
                .entry(unit.package)
                .or_insert_with(|| because.clone());
            selection.units.insert(key, because);
        }
        selection
    }

    /// The packages with a unit that goes.
    pub fn packages(&self) -> impl Iterator<Item = PackageIx> {
        self.packages.keys().copied()
    }

    /// Why something that was found goes; `None` if it stays.
    fn because(&self, found: &Found) -> Option<&str> {
        let of_package = self.packages.get(&found.package).map(String::as_str);
        let Some(unit) = &found.unit else {
            // Cargo has to build it in any case.
            return of_package;
        };
        if self.scope == Scope::Packages {
            return of_package;
        }
        let (kind, target, mode) = in_graph(unit)?;
        let key = (found.package, kind, target, mode);
        self.units.get(&key).map(String::as_str)
    }

    /// Whether a package that nothing goes of has incremental state under this crate's name.
    fn is_crate_elsewhere(&self, crate_name: &str) -> bool {
        let mut packages = self.workspace.packages();
        packages.any(|(index, package)| {
            let mut targets = package.targets.iter();
            package.source.is_none()
                && !self.packages.contains_key(&index)
                && targets.any(|target| target.name.replace('-', "_") == crate_name)
        })
    }
}

impl CleanPlan {
    /// The plan for these directories. What two layouts of one share is listed once.
    pub fn new(mut directories: Vec<Directory>) -> Self {
        let mut seen = HashSet::new();
        for directory in &mut directories {
            directory
                .removals
                .retain(|removal| seen.insert(removal.path.clone()));
        }
        Self {
            version: 1,
            directories,
        }
    }

    /// Everything that goes.
    pub fn removals(&self) -> impl Iterator<Item = &Removal> {
        self.directories
            .iter()
            .flat_map(|directory| &directory.removals)
    }
}

impl Directory {
    /// What goes from a profile directory, or its fingerprints alone. The running kit must not be
    /// removed under its own feet: its package stays in the directory that holds it.
    pub fn new(selection: &Selection<'_>, contents: &Contents, fingerprints_alone: bool) -> Self {
        let mut kept = BTreeSet::new();
        let mut found = Vec::new();
        for unit in &contents.units {
            let Some(because) = selection.because(unit) else {
                continue;
            };
            if is_running(selection.workspace.package(unit.package), contents) {
                kept.insert(selection.workspace.package(unit.package).id.clone());
            } else {
                found.push((unit, because));
            }
        }
        let finder = Finder::new(selection.workspace, contents);
        let mut paths: BTreeMap<Utf8PathBuf, (Artifact, &Found, &str)> = BTreeMap::new();
        for &(unit, because) in &found {
            for (artifact, path) in finder.artifacts(unit) {
                if artifact == Artifact::Fingerprint || !fingerprints_alone {
                    paths.entry(path).or_insert((artifact, unit, because));
                }
            }
        }
        let removal = |(path, (kind, found, because)): (_, (Artifact, &Found, &str))| Removal {
            kind,
            path,
            package: found.package_name.clone(),
            package_id: selection.workspace.package(found.package).id.clone(),
            unit: found.unit.clone(),
            because: because.to_owned(),
            files: 0,
            bytes: 0,
        };
        let mut removals: Vec<_> = paths.into_iter().map(removal).collect();
        removals.sort();
        let is_shared = |name: &&str| selection.is_crate_elsewhere(name);
        let crates = removals
            .iter()
            .filter(|it| it.kind == Artifact::Incremental);
        let crates: BTreeSet<_> = crates
            .filter_map(|it| crate_of_incremental(&it.path))
            .collect();
        Self {
            path: contents.place.path.clone(),
            triple: contents.place.triple.clone(),
            kept: kept.into_iter().collect(),
            shared_incremental: crates
                .into_iter()
                .filter(is_shared)
                .map(str::to_owned)
                .collect(),
            removals,
        }
    }
}

fn is_running(package: &Package, contents: &Contents) -> bool {
    let mut targets = package.targets.iter();
    targets.any(|target| {
        target.kind == workspace::TargetKind::Bin && Some(&target.name) == contents.running.as_ref()
    })
}

/// `my_lib-3gxugw2anlsrk`, whose end is not the hash that other files have.
fn crate_of_incremental(path: &Utf8Path) -> Option<&str> {
    Some(path.file_name()?.rsplit_once('-')?.0)
}

mod finder;
#[cfg(test)]
mod tests;
