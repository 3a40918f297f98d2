//! The time at which each unit was used last.
//!
//! Cargo reads the fingerprint of every unit of a build, fresh or not, so the access time of the
//! fingerprint is the time of the last use. Most file systems change an access time only if it is
//! not newer than the modification time, or a day old. [`arm`] therefore remembers the access times
//! and sets them back.
//!
//! A program that reads every file, for example to make an archive, overwrites the access times.
//! Cargo never reads `invoked.timestamp`. An access to a fingerprint is ignored if
//! `invoked.timestamp` was read in the same minute.

use std::collections::BTreeSet;
use std::fs::{File, FileTimes};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use xtask_impact::build_dir::Directories;
use xtask_impact::{files, state};

use super::scan::{DirectoryScan, SweepUnit};
use crate::artifacts::quick_hash::{QuickMap, quick_hash};

/// The last known use of each unit, in seconds since 1970. The key is a hash of the profile directory
/// below the build directory, and of the unit's hash.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct KnownUses(QuickMap<u64, u64>);

/// The evidence for the last uses of the units of a directory.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum UseEvidence {
    /// Access times.
    AccessTimes,
    /// The times of builds: the file system does not keep access times.
    Builds,
    /// The times of builds: nearly all files were read within a minute.
    Archived,
}

/// The time between two accesses that belong to one pass over all files.
const PASS: Duration = Duration::from_secs(60);

impl KnownUses {
    fn file(directories: &Directories) -> Utf8PathBuf {
        state::in_target(&directories.build).join("last-uses")
    }

    /// Reads the uses that the last run of the kit remembered.
    pub(crate) fn read(directories: &Directories) -> Self {
        let numbers = state::read_numbers(&Self::file(directories)).unwrap_or_default();
        let (pairs, _) = numbers.as_chunks();
        Self(
            pairs
                .iter()
                .map(|[key, seconds]| (*key, *seconds))
                .collect(),
        )
    }

    fn write(&self, directories: &Directories) {
        let pairs = self.0.iter().flat_map(|(key, seconds)| [*key, *seconds]);
        state::write_numbers(&Self::file(directories), &pairs.collect::<Vec<_>>());
    }

    fn key(scan: &DirectoryScan, unit: &SweepUnit) -> u64 {
        quick_hash((scan.profile(unit.place).as_str(), &unit.hash))
    }
}

/// Finds the last use of each unit. The use of a unit is a use of the units that it was built from.
/// Returns the evidence that most of the uses have.
pub(crate) fn find(
    scan: &mut DirectoryScan,
    directories: &Directories,
    known: &KnownUses,
) -> UseEvidence {
    if scan.units.is_empty() {
        // There may be no directory in which to test the file system.
        return UseEvidence::AccessTimes;
    }
    let keeps = files::keeps_access_times(&directories.build).unwrap_or(false);
    let mut archived = 0;
    for index in 0..scan.units.len() {
        let key = KnownUses::key(scan, &scan.units[index]);
        let unit = &mut scan.units[index];
        let remembered = known.0.get(&key).map(|seconds| from_seconds(*seconds));
        let accessed = unit.accessed.filter(|_| keeps);
        archived += usize::from(accessed.is_some() && was_archived(unit));
        let accessed = accessed.filter(|_| !was_archived(unit));
        let found = [Some(unit.built), remembered, accessed];
        unit.last_use = found.into_iter().flatten().max().unwrap_or(unit.built);
    }
    pass_on(scan);
    let accessed = scan.units.iter().filter(|it| it.accessed.is_some()).count();
    match keeps {
        false => UseEvidence::Builds,
        true if archived > 0 && archived * 10 >= accessed * 9 => UseEvidence::Archived,
        true => UseEvidence::AccessTimes,
    }
}

/// Returns true if the last access to a unit belongs to a pass over all files.
fn was_archived(unit: &SweepUnit) -> bool {
    let (Some(accessed), Some(others)) = (unit.accessed, unit.read_by_others) else {
        return false;
    };
    let distance = accessed
        .duration_since(others)
        .or_else(|it| Ok::<_, ()>(it.duration()));
    distance.is_ok_and(|it| it <= PASS)
}

/// Passes the last use of each unit on to its dependencies.
fn pass_on(scan: &mut DirectoryScan) {
    let by_value = scan.by_value();
    let mut order: Vec<usize> = (0..scan.units.len()).collect();
    order.sort_by_key(|&unit| std::cmp::Reverse(scan.units[unit].last_use));
    // The newest use comes first, so each unit is visited with the newest use that reaches it.
    let mut is_done = vec![false; scan.units.len()];
    for first in order {
        let last_use = scan.units[first].last_use;
        let mut pending = vec![first];
        while let Some(unit) = pending.pop() {
            if std::mem::replace(&mut is_done[unit], true) {
                continue;
            }
            scan.units[unit].last_use = last_use.max(scan.units[unit].last_use);
            pending.extend(by_value.dependencies(&scan.units[unit], &scan.places));
        }
    }
}

/// Remembers the last uses, and sets the access times back so that the next use changes them.
/// Returns the number of units whose access times could not be set. `known` are the uses that were
/// remembered before, and `removed` are the units that do not exist any more.
pub(crate) fn arm(
    scan: &DirectoryScan,
    directories: &Directories,
    known: &KnownUses,
    removed: &BTreeSet<usize>,
) -> usize {
    let mut uses = KnownUses::default();
    let mut failed = 0;
    for (index, unit) in scan.units.iter().enumerate() {
        if !unit.has_fingerprint || removed.contains(&index) {
            continue;
        }
        let seconds = unit.last_use.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = seconds.unwrap_or_default().as_secs();
        let entry = uses.0.entry(KnownUses::key(scan, unit)).or_default();
        *entry = seconds.max(*entry);
        let failures = unit.unarmed.iter().filter(|it| !set_back(it)).count();
        failed += usize::from(failures > 0);
    }
    if uses != *known {
        uses.write(directories);
    }
    failed
}

/// Sets the access time of a file to its modification time, unless nobody read the file since the
/// time was set. Returns false if the system refuses.
fn set_back(path: &Utf8Path) -> bool {
    let times = path
        .metadata()
        .and_then(|it| Ok((it.accessed()?, it.modified()?)));
    let Ok((accessed, modified)) = times else {
        return true;
    };
    if accessed == modified {
        return true;
    }
    let file = File::options().append(true).open(path);
    let times = FileTimes::new().set_accessed(modified);
    file.and_then(|file| file.set_times(times)).is_ok()
}

fn from_seconds(seconds: u64) -> SystemTime {
    let since = Duration::from_secs(seconds);
    SystemTime::UNIX_EPOCH
        .checked_add(since)
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
