//! How long the last build of everything took, kept in `<target directory>/xtask/full-builds.json`.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use cargo_metadata::camino::Utf8Path;

use crate::built::Built;
use crate::private_dir::write_whole;
use crate::repo::state;

/// Seconds by the arguments that cargo was given.
type Seconds = BTreeMap<String, f64>;

/// Notes a build that compiled everything anew, and gives the time of the last such build with
/// these arguments. The file serves nothing but the comparison: what cannot be read or written is
/// as if it were not there.
pub fn note(
    target: &Utf8Path,
    arguments: &[String],
    built: &Built,
    took: Duration,
) -> Option<Duration> {
    let directory = state::directory(target);
    let path = directory.join("full-builds.json");
    let read = fs::read(&path).ok();
    let read = read.and_then(|bytes| serde_json::from_slice::<Seconds>(&bytes).ok());
    let mut known = read.unwrap_or_default();
    let key = arguments.join(" ");
    if built.named == built.rebuilt {
        known.insert(key.clone(), took.as_secs_f64());
        if let Ok(text) = serde_json::to_vec(&known)
            && fs::create_dir_all(&directory).is_ok()
        {
            drop(write_whole(&path, text));
        }
    }
    let last = known.get(&key)?;
    Duration::try_from_secs_f64(*last).ok()
}
