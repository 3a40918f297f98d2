//! Invalidates single units: removes the records by which cargo calls a unit fresh, and nothing
//! else. Cargo then builds the unit and its dependents again.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::build_dir;
use xtask_impact::build_dir::ProfileDir;
use xtask_impact::build_dir::unit_record::UnitName;
use xtask_impact::workspace::Workspace;

use super::inspect::inventory::{BuiltIx, Inventory};
use super::lock::BuildLocks;
use super::remove::{self, Bounds};
use crate::artifacts::plan::{Artifact, CleanPlan, Directory, Removal, is_reference};

/// The units to invalidate and the incremental caches to remove, each with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InvalidatedUnits {
    /// The units.
    pub(crate) units: BTreeMap<BuiltIx, String>,
    /// The directories of incremental caches.
    pub(crate) caches: BTreeMap<Utf8PathBuf, String>,
    /// Damaged files in `OUT_DIR`, each with the run of the script that made the file. A script may
    /// keep a file that exists.
    pub(crate) files: BTreeMap<Utf8PathBuf, (BuiltIx, String)>,
}

impl InvalidatedUnits {
    /// Returns true if there is nothing to invalidate or to remove.
    pub(crate) fn is_empty(&self) -> bool {
        self.units.is_empty() && self.caches.is_empty() && self.files.is_empty()
    }

    /// Adds the units and caches of another value.
    pub(crate) fn extend(&mut self, other: Self) {
        self.units.extend(other.units);
        self.caches.extend(other.caches);
        self.files.extend(other.files);
    }

    /// Returns the units that cargo builds again: the invalidated units and their dependents.
    pub(crate) fn rebuilt(&self, inventory: &Inventory) -> BTreeSet<BuiltIx> {
        inventory.with_dependents(&self.units.keys().copied().collect())
    }

    /// Plans the removal. The sizes are those of the present files.
    ///
    /// # Errors
    /// Returns an error if a path cannot be read.
    pub(crate) fn plan(&self, workspace: &Workspace, inventory: &Inventory) -> Result<CleanPlan> {
        let mut directories = Vec::new();
        for (at, place) in inventory.places.iter().enumerate() {
            let mut removals = Vec::new();
            for (&unit, because) in &self.units {
                let unit = &inventory.units[unit];
                if unit.place == at {
                    let id = &workspace.package(unit.package).id;
                    let records = records(place, &unit.package_name, &unit.hash, &unit.name);
                    removals.extend(records.map(|removal| Removal {
                        package_id: Some(id.clone()),
                        because: because.clone(),
                        ..removal
                    }));
                }
            }
            for (path, (unit, because)) in &self.files {
                let unit = &inventory.units[*unit];
                if unit.place == at {
                    removals.push(Removal {
                        kind: Artifact::Output,
                        path: path.clone(),
                        package: unit.package_name.clone(),
                        package_id: Some(workspace.package(unit.package).id.clone()),
                        unit: Some(unit.name.clone()),
                        because: because.clone(),
                        files: 0,
                        bytes: 0,
                    });
                }
            }
            for (of, path) in &inventory.incremental {
                if let (true, Some(because)) = (*of == at, self.caches.get(path)) {
                    removals.push(cache(path, because));
                }
            }
            removals.sort_by_key(|removal| (removal.kind, !is_reference(&removal.path)));
            let mut directory = Directory::of_removals(place, removals);
            remove::measure(&mut directory)?;
            if !directory.removals.is_empty() {
                directories.push(directory);
            }
        }
        Ok(CleanPlan::new(directories, Vec::new()))
    }
}

/// Returns the removals that make cargo build a unit: of the file by whose time cargo judges the
/// inputs, then of the hash file. Removing only the hash file would leave the dependents fresh.
pub(crate) fn records(
    place: &ProfileDir,
    package: &str,
    hash: &str,
    name: &UnitName,
) -> [Removal; 2] {
    let reference = place.reference(package, hash, name);
    let hash_file = place.fingerprint_dir(package, hash).join(name.file_name());
    [reference, hash_file].map(|path| Removal {
        kind: Artifact::Fingerprint,
        path,
        package: package.to_owned(),
        package_id: None,
        unit: Some(name.clone()),
        because: String::new(),
        files: 0,
        bytes: 0,
    })
}

fn cache(path: &Utf8PathBuf, because: &str) -> Removal {
    let name = path.file_name().unwrap_or_default();
    let crate_name = name.rsplit_once('-').map_or(name, |(name, _)| name);
    Removal {
        kind: Artifact::Incremental,
        path: path.clone(),
        package: crate_name.to_owned(),
        package_id: None,
        unit: None,
        because: because.to_owned(),
        files: 0,
        bytes: 0,
    }
}

/// Executes a plan under cargo's locks. `plan` is called again for each profile directory while its
/// locks are held: without the locks, a build may have changed the directory. Returns the plan that
/// was executed.
///
/// # Errors
/// Returns an error if `plan` fails, if a path cannot be locked or removed, or if the directory is
/// not provably cargo's.
pub(crate) fn apply(
    workspace: &Workspace,
    plan: &mut dyn FnMut() -> Result<CleanPlan>,
) -> Result<CleanPlan> {
    let own = workspace.directories();
    let places = build_dir::profile_dirs(&own.build)?;
    let mut done = Vec::new();
    let planned: BTreeSet<Utf8PathBuf> =
        plan()?.directories.into_iter().map(|it| it.path).collect();
    for path in planned {
        let Some(place) = places.iter().find(|it| it.path == path) else {
            continue;
        };
        let (lock, again) = BuildLocks::while_planning(place, &own.target, &mut *plan)?;
        let bounds = Bounds::of_profile(&own, &path)?;
        for directory in again.directories.into_iter().filter(|it| it.path == path) {
            remove::remove(&directory, &bounds, &mut |_| {})?;
            done.push(directory);
        }
        drop(lock);
    }
    Ok(CleanPlan::new(done, Vec::new()))
}
