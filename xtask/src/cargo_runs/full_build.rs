//! How long the last build of everything took, kept in `<target directory>/xtask/full-builds`.

use std::collections::BTreeMap;
use std::time::Duration;

use cargo_metadata::camino::Utf8Path;

use crate::cargo_runs::built::BuildOutcome;
use xtask_impact::state;

/// Seconds by the arguments that cargo was given.
type Seconds = BTreeMap<String, f64>;

/// Notes a build that compiled everything anew, and gives the time of the last such build with
/// these arguments. The file serves nothing but the comparison: what cannot be read or written is
/// as if it were not there.
pub fn note(
    target: &Utf8Path,
    arguments: &[String],
    built: &BuildOutcome,
    took: Duration,
) -> Option<Duration> {
    let path = state::in_target(target).join("full-builds");
    let mut known: Seconds = state::read(&path).unwrap_or_default();
    let key = arguments.join(" ");
    if built.named == built.rebuilt {
        known.insert(key.clone(), took.as_secs_f64());
        state::write(&path, &known);
    }
    let last = known.get(&key)?;
    Duration::try_from_secs_f64(*last).ok()
}
