//! Executes plans of [`judge`](super::judge): invalidates units, then sets times. If the execution
//! is interrupted, cargo still builds all units that are not proven.

use anyhow::Result;
use camino::Utf8Path;
use xtask_impact::build_dir::Directories;
use xtask_impact::files::nanoseconds;

use super::judge::{FreshnessAction, RestorePlan};
use super::save::set_time;
use super::subject::RecordedBuilds;
use super::units::modified;
use crate::artifacts::invalidate::records;
use crate::artifacts::plan::{Directory, Removal};
use crate::artifacts::remove::{self, Bounds};
use crate::cli::write_error::cannot;

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
        let is_done = !plan.is_carried && modified(path).is_none_or(|it| it >= plan.time);
        if !is_done && path.is_file() {
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

fn stamp(path: &Utf8Path, time: i64) -> Result<()> {
    set_time(path, time).map_err(|error| cannot("set the time of", path, error))
}

/// Makes cargo build units.
///
/// # Errors
/// Returns an error if a file cannot be removed or the build directory is not provably cargo's.
pub(crate) fn invalidate(
    units: &[usize],
    builds: &RecordedBuilds<'_>,
    directories: &Directories,
) -> Result<()> {
    for (index, place) in builds.units.places.iter().enumerate() {
        let units = units.iter().map(|at| &builds.units.units[*at]);
        let units = units.filter(|unit| unit.place == index);
        let removals = units.flat_map(|it| records(place, &it.package, &it.hash, &it.name));
        let removals: Vec<Removal> = removals.collect();
        if removals.is_empty() {
            continue;
        }
        let bounds = Bounds::of_profile(directories, &place.path)?;
        remove::remove(
            &Directory::of_removals(place, removals),
            &bounds,
            &mut |_| {},
        )?;
    }
    Ok(())
}
