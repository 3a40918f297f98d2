//! What `doctor` does beside looking: it mends what is safe to mend, tries a build, and gathers what
//! the timings know.

mod fix;
mod layout;

pub use fix::{FIXABLE, fix};
pub use layout::try_layout;

use anyhow::Result;

use super::timings::store::Store;
use crate::doctor::MacroTimes;
use crate::timings::path;
use crate::timings::schedule::Schedule;
use crate::timings::{Record, State};
use crate::workspace::Workspace;

/// What the newest kept build of everything says of macros.
///
/// # Errors
/// Where kept runs cannot be listed or read.
pub fn macro_times(workspace: &Workspace) -> Result<Option<MacroTimes>> {
    let store = Store::of(&workspace.target_directory);
    let history = store.history()?;
    let newest = history.iter().rev();
    let newest = newest.filter(|series| !series[series.len() - 1].failed);
    let mut records = Vec::new();
    for series in newest.take(5) {
        records.extend(store.records(series)?.pop());
    }
    // Of a change alone little is compiled, and mostly no macro.
    let is_whole = |record: &&Record| record.build.units.iter().all(|it| it.state == State::Ran);
    let Some(record) = records.iter().find(is_whole) else {
        return Ok(None);
    };
    let Ok(schedule) = Schedule::new(&record.build) else {
        return Ok(None);
    };
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
    Ok(Some(MacroTimes {
        run: record.run.name(),
        path: path.length,
        packages,
    }))
}
