//! The duration of the last full build, kept in `<target directory>/xtask/full-builds`.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8Path;
use xtask_impact::state;

use crate::cargo_runs::built::BuildOutcome;

/// The duration in seconds, by the arguments of cargo.
type Seconds = BTreeMap<String, f64>;

/// Stores the duration of a build that compiled every unit, and returns the duration of the last
/// such build with these arguments. The file only serves this comparison, so errors of reading and
/// writing are ignored.
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
