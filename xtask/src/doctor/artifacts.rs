//! Checks the artifacts of finished builds: damaged files, and libraries that do not belong to
//! their dependents.

use std::collections::BTreeMap;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::workspace::Workspace;

use crate::artifacts::inspect::damage::{
    caches_to_distrust, damaged, damaged_caches, missing_generated,
};
use crate::artifacts::inspect::inventory::{BuiltIx, Inventory};
use crate::artifacts::inspect::stale::{Disagreement, stale};
use crate::artifacts::invalidate::{self, InvalidatedUnits};
use crate::artifacts::plan::CleanPlan;
use crate::artifacts::text::{size, unit_name};
use crate::checks::{Check, Finding, Level};
use crate::cli::output::count;
use crate::doctor::context::{Context, first};

pub(crate) const CHECKS: &[&Check] = &[&DAMAGED, &STALE];

static DAMAGED: Check = Check {
    code: "damaged-artifact",
    level: Level::Error,
    finds: "An artifact that cargo considers fresh and that is truncated or damaged",
    cost: "Cargo considers the damaged unit fresh, so its dependents fail to compile or link, or a \
           damaged program runs.",
    explanation: "Read: the format of the files that the finished units of the workspace's \
                  packages left in the build directory: length, first and last bytes, the tables \
                  of archives and executables; the objects and the metadata in incremental caches; \
                  and the existence of the generated files that units were compiled from. Files \
                  that are not ELF are only checked for zeros.\n\nCauses are a full disk, a crash, \
                  or an incomplete copy of the directory. Damage in the middle of a file is not \
                  found.\n\nFix: `--fix` removes the records of exactly these units, and the \
                  incremental caches that contain damaged files, under cargo's lock.",
};

static STALE: Check = Check {
    code: "stale-artifact",
    level: Level::Error,
    finds: "An artifact that cargo considers fresh and that was built from other libraries",
    cost: "Cargo considers the stale units fresh, so rustc refuses to compile the dependents, or a \
           program contains old code.",
    explanation: "Read: the crate hash in the metadata of each library, and the hashes that the \
                  metadata of the workspace's libraries names for their dependencies. Reported if \
                  the hashes differ although cargo's records and times agree: then the library or \
                  its dependent was replaced after the build. Libraries with an unknown metadata \
                  format are skipped.\n\nSources that changed but have an old time are not found: \
                  `cargo xtask freshness verify` compares their content.\n\nFix: `--fix` removes \
                  the records of exactly these libraries, under cargo's lock.",
};

/// The faults of one check in a profile directory.
#[derive(Default)]
struct Faults {
    evidence: Vec<String>,
    invalid: InvalidatedUnits,
}

impl Faults {
    /// Adds a unit with a file that is wrong, and the incremental caches that hold the file.
    fn distrust(
        &mut self,
        inventory: &Inventory,
        unit: BuiltIx,
        file: &Utf8PathBuf,
        because: String,
    ) {
        let caches = caches_to_distrust(inventory, &inventory.units[unit], [file]);
        let caches = caches.into_iter().map(|cache| (cache, because.clone()));
        self.invalid.caches.extend(caches);
        self.invalid.units.insert(unit, because);
    }
}

pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let workspace = context.workspace;
    let inventory = Inventory::read(workspace)?;
    let mut found = Vec::new();
    let groups = [
        (&DAMAGED, "damaged", damage(workspace, &inventory)),
        (&STALE, "stale", staleness(workspace, &inventory)),
    ];
    for (check, word, by_place) in groups {
        for (place, faults) in by_place {
            let directory = &inventory.places[place].path;
            let number = faults.evidence.len();
            let message = format!(
                "{} in {directory}",
                count(number, &format!("{word} artifact"))
            );
            let fix = format!(
                "`cargo xtask doctor --fix --only {}` removes the records of these units alone.",
                check.code
            );
            let plan = faults.invalid.plan(workspace, &inventory)?;
            let impact = format!(
                "{} to remove; cargo then builds at least {} again.",
                size(plan.removals()),
                count(faults.invalid.rebuilt(&inventory).len(), "unit")
            );
            let place = context.place(directory, None);
            let finding = check.found(place, message, fix).impact(impact);
            found.push(finding.evidence(first(8, faults.evidence.into_iter())));
        }
    }
    Ok(found)
}

/// Plans the fix of the findings of a check.
///
/// # Errors
/// Returns an error if the build directory cannot be read.
fn plan(workspace: &Workspace, code: &str) -> Result<CleanPlan> {
    let inventory = Inventory::read(workspace)?;
    let by_place = match code == DAMAGED.code {
        true => damage(workspace, &inventory),
        false => staleness(workspace, &inventory),
    };
    let mut invalid = InvalidatedUnits::default();
    for faults in by_place.into_values() {
        invalid.extend(faults.invalid);
    }
    invalid.plan(workspace, &inventory)
}

/// Removes the records of the units that a check of this module finds. In a dry run, returns the
/// plan and removes nothing.
///
/// # Errors
/// Returns an error if a path cannot be read, locked or removed.
pub(crate) fn fix(workspace: &Workspace, code: &str, dry_run: bool) -> Result<CleanPlan> {
    let mut plan = || plan(workspace, code);
    if dry_run {
        return plan();
    }
    invalidate::apply(workspace, &mut plan)
}

/// Returns the damaged artifacts by profile directory.
fn damage(workspace: &Workspace, inventory: &Inventory) -> BTreeMap<usize, Faults> {
    let mut by_place: BTreeMap<usize, Faults> = BTreeMap::new();
    let all = || 0..inventory.units.len();
    let mut files = damaged(workspace, inventory, all());
    files.extend(missing_generated(workspace, inventory, all()));
    for file in files {
        let faults = by_place
            .entry(inventory.units[file.unit].place)
            .or_default();
        let because = format!("{} {}", file.path, file.fault.text());
        let evidence = format!("{because} ({})", named(inventory, file.unit));
        faults.evidence.push(evidence);
        faults.distrust(inventory, file.unit, &file.path, because);
    }
    for cache in damaged_caches(inventory.incremental.iter().map(|(_, path)| path)) {
        let of = inventory.incremental.iter();
        let place = of.clone().find(|(_, path)| *path == cache.directory);
        let faults = by_place.entry(place.map_or(0, |it| it.0)).or_default();
        let because = format!("{} {}", cache.path, cache.fault.text());
        let is_new = faults
            .invalid
            .caches
            .insert(cache.directory, because.clone())
            .is_none();
        if is_new {
            faults
                .evidence
                .push(format!("{because} (incremental cache)"));
        }
    }
    by_place
}

/// Returns the stale artifacts by profile directory.
fn staleness(workspace: &Workspace, inventory: &Inventory) -> BTreeMap<usize, Faults> {
    let mut by_place: BTreeMap<usize, Faults> = BTreeMap::new();
    // The packages of a registry do not change.
    let own = inventory
        .all()
        .filter(|(_, unit)| workspace.package(unit.package).source.is_none());
    for it in stale(inventory, own.map(|(at, _)| at)) {
        let faults = by_place.entry(inventory.units[it.unit].place).or_default();
        let evidence = match &it.disagreement {
            Disagreement::Dependent(dependent, path) => format!(
                "{path} ({}) was compiled against another build of {} ({})",
                named(inventory, *dependent),
                it.path,
                named(inventory, it.unit)
            ),
            Disagreement::OwnLibrary(metadata) => format!(
                "{} and {metadata} are of different builds ({})",
                it.path,
                named(inventory, it.unit)
            ),
        };
        faults.distrust(inventory, it.unit, &it.path, evidence.clone());
        faults.evidence.push(evidence);
    }
    by_place
}

/// Returns package and name of a unit.
fn named(inventory: &Inventory, unit: BuiltIx) -> String {
    let unit = &inventory.units[unit];
    format!("{} {}", unit.package_name, unit_name(Some(&unit.name)))
}
