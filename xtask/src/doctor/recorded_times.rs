//! Reads the times of recorded builds, for the checks that need the cost of macros and of builds.

use std::collections::BTreeMap;

use anyhow::Result;
use xtask_impact::workspace::Workspace;

use crate::cargo_runs::build_times::schedule::Schedule;
use crate::cargo_runs::build_times::store::Store;
use crate::cargo_runs::build_times::{BuildRecord, UnitState, path};
use crate::doctor::context::{BuildTimes, MacroTimes};

/// Returns the times of macros, and the times of the whole build, from the newest recorded build of
/// everything. Both are `None` if none of the five newest series of runs has such a build.
///
/// # Errors
/// Returns an error if the recorded runs cannot be listed or read.
pub(crate) fn recorded_times(
    workspace: &Workspace,
) -> Result<(Option<MacroTimes>, Option<BuildTimes>)> {
    let store = Store::of(&workspace.target_directory);
    let history = store.history()?;
    let newest = history.iter().rev();
    let newest = newest.filter(|series| !series[series.len() - 1].failed);
    let mut records = Vec::new();
    for series in newest.take(5) {
        records.extend(store.records(series)?.pop());
    }
    // A build after a small change compiles few units, and usually no macro.
    let is_whole = |record: &&BuildRecord| {
        record
            .build
            .units
            .iter()
            .all(|it| it.state == UnitState::Ran)
    };
    Ok(match records.iter().find(is_whole) {
        Some(record) => (macro_times(record), Some(build_times(record))),
        None => (None, None),
    })
}

fn build_times(record: &BuildRecord) -> BuildTimes {
    let mut packages = BTreeMap::new();
    for unit in &record.build.units {
        let key = (unit.name.clone(), unit.version.clone());
        *packages.entry(key).or_default() += unit.duration;
    }
    BuildTimes {
        run: record.run.name(),
        total: record.total(),
        packages,
    }
}

fn macro_times(record: &BuildRecord) -> Option<MacroTimes> {
    let schedule = Schedule::new(&record.build).ok()?;
    let (path, _) = path::ideal(&schedule);
    let mut packages: Vec<(String, f64)> = Vec::new();
    for step in &path.steps {
        let unit = &record.build.units[step.unit];
        if !unit.proc_macro && !unit.host {
            continue;
        }
        match packages.iter_mut().find(|(name, _)| *name == unit.name) {
            Some((_, seconds)) => *seconds += step.seconds,
            None => packages.push((unit.name.clone(), step.seconds)),
        }
    }
    packages.sort_by(|one, other| other.1.total_cmp(&one.1));
    Some(MacroTimes {
        run: record.run.name(),
        path: path.length,
        packages,
    })
}
