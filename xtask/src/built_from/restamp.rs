//! Executes plans of [`judge`](super::judge): invalidates units, then sets times. At any moment of
//! the execution cargo builds at least the units that are not proven.

use std::fs;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8Path;
use xtask_impact::build_dir::Directories;
use xtask_impact::build_dir::unit_record::RecordedMode;
use xtask_impact::quote;

use super::content::nanoseconds;
use super::judge::{FreshnessAction, RestorePlan};
use super::save::set_time;
use super::subject::RecordedBuilds;
use crate::artifacts::plan::{Artifact, Directory, Removal};
use crate::artifacts::remove::{self, Bounds};

/// Executes a plan. Returns the units that turned out not to be proven, because a file changed in
/// the meantime.
///
/// # Errors
/// Returns an error if a file cannot be removed or a time cannot be set. The units that are not
/// proven are invalid then.
pub(crate) fn apply(
    plan: &RestorePlan,
    builds: &RecordedBuilds<'_>,
    directories: &Directories,
) -> Result<Vec<usize>> {
    let invalid = plan
        .units
        .iter()
        .filter(|it| it.action == FreshnessAction::Invalidate);
    let invalid: Vec<usize> = invalid.map(|it| it.at).collect();
    invalidate(&invalid, builds, directories)?;
    for path in &plan.outputs {
        let is_done = !plan.is_carried && time_at(path).is_none_or(|it| it >= plan.time);
        if !is_done && time_at(path).is_some() {
            stamp(path, plan.time)?;
        }
    }
    for (_, path) in &plan.references {
        stamp(path, plan.time)?;
    }
    let mut changed = Vec::new();
    for (&at, files) in &plan.proofs {
        let is_unchanged = |it| builds.evaluator.reader.is_unchanged(it);
        if !files.iter().all(|it| is_unchanged(it)) {
            changed.push(at);
        }
    }
    if !changed.is_empty() {
        invalidate(&changed, builds, directories)?;
        return Ok(changed);
    }
    touch(plan, builds)?;
    Ok(changed)
}

/// Sets source files to their recorded times. A file that changes at this moment gets the present
/// time.
fn touch(plan: &RestorePlan, builds: &RecordedBuilds<'_>) -> Result<()> {
    let reader = &builds.evaluator.reader;
    for (path, time) in &plan.touched {
        let before = reader.file(path).ok().map(|it| it.1);
        if !reader.is_unchanged(path) {
            continue;
        }
        stamp(path, *time)?;
        if reader.file(path).ok().map(|it| it.1) != before {
            stamp(path, nanoseconds(std::time::SystemTime::now()))?;
        }
    }
    Ok(())
}

fn time_at(path: &Utf8Path) -> Option<i64> {
    let modified = fs::metadata(path).and_then(|it| it.modified());
    modified.ok().map(nanoseconds)
}

fn stamp(path: &Utf8Path, time: i64) -> Result<()> {
    let set = set_time(path, time);
    set.with_context(|| format!("cannot set the time of {}", quote::name(path)))
}

/// Makes cargo build units: removes the reference file, then the hash file. Removing only the hash
/// file would leave the dependents fresh.
///
/// # Errors
/// Returns an error if a file cannot be removed or the build directory is not provably cargo's.
pub(crate) fn invalidate(
    units: &[usize],
    builds: &RecordedBuilds<'_>,
    directories: &Directories,
) -> Result<()> {
    for (index, place) in builds.units.places.iter().enumerate() {
        let mut removals = Vec::new();
        for unit in units.iter().map(|at| &builds.units.units[*at]) {
            if unit.place != index {
                continue;
            }
            let reference = unit.files.reference.iter();
            let reference = reference.filter(|_| unit.name.mode != RecordedMode::Doc);
            for path in reference.chain([&unit.files.hash]) {
                removals.push(Removal {
                    kind: Artifact::Fingerprint,
                    path: path.clone(),
                    package: unit.package.clone(),
                    package_id: None,
                    unit: Some(unit.name.clone()),
                    because: String::new(),
                    files: 1,
                    bytes: 0,
                });
            }
        }
        if removals.is_empty() {
            continue;
        }
        let bounds = Bounds::of_profile(directories, &place.path)?;
        let plan = Directory {
            path: place.path.clone(),
            triple: place.triple.clone(),
            kept: Vec::new(),
            shared_incremental: Vec::new(),
            doubtful: Vec::new(),
            removals,
        };
        remove::remove(&plan, &bounds, &mut |_| {})?;
    }
    Ok(())
}
