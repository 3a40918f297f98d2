//! Superseded records: records of a version that a package no longer has.
//!
//! When the version of a package changes, cargo builds the package's units in new directories. The
//! records of the old version stay, but cargo does not read them again. A file that is newer than
//! such a record proves nothing.

use std::collections::HashMap;
use std::time::SystemTime;

use camino::Utf8Path;

use crate::build_dir::evidence::{ProfileRecords, UnitRecord};

/// Returns the records of a package that are not superseded. `places` holds the records of the
/// package's dependencies.
///
/// All records are kept if a manifest changed after the newest build, or if the time of this change
/// is not known. A record is superseded only if a newer record belongs to the same target, and was
/// built in the same way with the same dependencies.
pub(super) fn without<'a>(
    records: Vec<&'a UnitRecord>,
    places: &[ProfileRecords],
    at: &Utf8Path,
) -> Vec<&'a UnitRecord> {
    let newest = records.iter().filter_map(|it| it.invoked).max();
    let manifest_changed = last_manifest_change(at);
    if records.len() < 2 || manifest_changed.is_none() || newest < manifest_changed {
        return records;
    }
    let mut made = HashMap::new();
    for unit in places.iter().flat_map(|place| &place.units) {
        made.insert(unit.value, Made::of(unit));
    }
    let mut superseded = Superseded {
        made: &made,
        known: HashMap::new(),
    };
    let mut is_superseded = |old: &UnitRecord| {
        let old = Made::of(old);
        let mut newer = records.iter().map(|it| Made::of(it));
        newer.any(|new| superseded.replaces(&new, &old))
    };
    let kept = records.iter().filter(|it| !is_superseded(it));
    kept.copied().collect()
}

/// The values that decide if a record is superseded.
#[derive(Clone, Copy, Debug)]
struct Made<'a> {
    package: &'a str,
    /// See [`UnitRecord::likeness`].
    likeness: u64,
    invoked: Option<SystemTime>,
    /// See [`UnitRecord::dependencies`] and [`UnitRecord::names`].
    dependencies: &'a [(u64, u64)],
    names: &'a [u64],
}

impl<'a> Made<'a> {
    fn of(record: &'a UnitRecord) -> Self {
        Self {
            package: &record.package,
            likeness: record.likeness,
            invoked: record.invoked,
            dependencies: &record.dependencies,
            names: &record.names,
        }
    }

    fn named(&self) -> impl Iterator<Item = (u64, (u64, u64))> {
        let dependencies = self.dependencies.iter().copied();
        self.names.iter().copied().zip(dependencies)
    }
}

/// The comparisons of records so far. Packages that share dependencies compare the same pairs of
/// records, so each pair is compared once.
struct Superseded<'a> {
    /// The records by their values.
    made: &'a HashMap<u64, Made<'a>>,
    /// True for the pairs of values, new and old, in which the new record replaces the old one.
    known: HashMap<(u64, u64), bool>,
}

impl Superseded<'_> {
    /// Returns true if a record replaces an older record: the two differ only in the version of the
    /// package, and in dependencies that differ for the same reason. Records that differ in the
    /// features of a dependency belong to one version, and cargo may need both.
    fn replaces(&mut self, new: &Made<'_>, old: &Made<'_>) -> bool {
        new.package == old.package
            && new.likeness == old.likeness
            && old.invoked.is_some()
            && new.invoked > old.invoked
            && new.names.len() == old.names.len()
            && old.named().all(|(name, (id, value))| {
                let mut named = new.named().filter(|it| it.0 == name);
                named.any(|(_, (new_id, new_value))| {
                    // A different id means a different version of the dependency, and the lock file
                    // has only one of the two versions.
                    new_id != id || new_value == value || self.dependency_replaces(new_value, value)
                })
            })
    }

    fn dependency_replaces(&mut self, new: u64, old: u64) -> bool {
        if let Some(&known) = self.known.get(&(new, old)) {
            return known;
        }
        let both = self.made.get(&new).zip(self.made.get(&old));
        let replaces = both.is_some_and(|(new, old)| self.replaces(new, old));
        self.known.insert((new, old), replaces);
        replaces
    }
}

/// Returns the time of the last change of a package's manifest and of the manifests above it. One
/// of these may be the manifest of the package's workspace. Returns `None` if the system does not
/// know the time.
fn last_manifest_change(at: &Utf8Path) -> Option<SystemTime> {
    let manifests = at.ancestors().map(|above| above.join("Cargo.toml"));
    let found = manifests.filter_map(|it| it.metadata().ok());
    found.map(|it| changed(&it)).max().flatten()
}

/// Returns the later of two times: when the file was written, and when it was moved to its place.
fn changed(metadata: &std::fs::Metadata) -> Option<SystemTime> {
    let written = metadata.modified().ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        use std::time::Duration;
        let (seconds, nanos) = (metadata.ctime(), metadata.ctime_nsec());
        let since = Duration::new(seconds.try_into().ok()?, nanos.try_into().ok()?);
        Some(written.max(SystemTime::UNIX_EPOCH + since))
    }
    #[cfg(not(unix))]
    {
        let created = metadata.created().unwrap_or(written);
        Some(written.max(created))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Returns a record of the package `a` that was built at a second. The dependencies are ids and
    /// values; their names are 1, 2 and so on.
    fn record(likeness: u64, second: u64, dependencies: &[(u64, u64)]) -> Made<'_> {
        const NAMES: [u64; 3] = [1, 2, 3];
        Made {
            package: "a",
            likeness,
            invoked: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(second)),
            dependencies,
            names: &NAMES[..dependencies.len()],
        }
    }

    #[test]
    fn a_newer_record_replaces_a_similar_record() {
        // Two versions of one package, and two variants of another package in one version.
        let made = HashMap::from([
            (100, record(7, 1, &[])),
            (101, record(7, 5, &[])),
            (200, record(8, 1, &[(30, 300)])),
            (201, record(8, 5, &[(30, 301)])),
        ]);
        let replaces = |new: &Made<'_>, old: &Made<'_>| {
            let known = HashMap::new();
            Superseded { made: &made, known }.replaces(new, old)
        };
        let dependencies: [&[(u64, u64)]; 5] =
            [&[], &[(10, 100)], &[(10, 101)], &[(11, 101)], &[(20, 200)]];
        for (old, new, expected) in [
            (record(1, 1, &[]), record(1, 5, &[]), true),
            // The new record was built in another way, for example by `cargo check`.
            (record(1, 1, &[]), record(2, 5, &[]), false),
            // The new record is not newer than the old record.
            (record(1, 5, &[]), record(1, 1, &[]), false),
            (record(1, 5, &[]), record(1, 5, &[]), false),
            // The same dependency, its next version, and its next version from a registry.
            (
                record(1, 1, dependencies[1]),
                record(1, 5, dependencies[1]),
                true,
            ),
            (
                record(1, 1, dependencies[1]),
                record(1, 5, dependencies[2]),
                true,
            ),
            (
                record(1, 1, dependencies[1]),
                record(1, 5, dependencies[3]),
                true,
            ),
            // Another variant of a dependency, and a dependency without a record.
            (
                record(1, 1, &[(20, 200)]),
                record(1, 5, &[(20, 201)]),
                false,
            ),
            (
                record(1, 1, &[(20, 900)]),
                record(1, 5, &[(20, 901)]),
                false,
            ),
            // The new record has more dependencies.
            (
                record(1, 1, dependencies[0]),
                record(1, 5, dependencies[4]),
                false,
            ),
        ] {
            assert_eq!(replaces(&new, &old), expected, "{old:?} {new:?}");
        }
        let unknown = Made {
            invoked: None,
            ..record(1, 1, &[])
        };
        assert!(!replaces(&record(1, 5, &[]), &unknown));
    }

    /// Each level has two packages, and each of the two depends on both packages of the level
    /// below. A comparison of every path through the levels would not end.
    #[test]
    fn shared_dependencies_are_compared_once() {
        const LEVELS: u64 = 60;
        // The old records of a level have the values 4n and 4n + 1, the new ones 4n + 2 and 4n + 3.
        let below = |level: u64, new: u64| {
            let first = 4 * (level + 1) + 2 * new;
            [(2 * level, first), (2 * level + 1, first + 1)]
        };
        let levels: Vec<_> = (0..LEVELS).map(|it| [below(it, 0), below(it, 1)]).collect();
        let mut made = HashMap::new();
        for (level, dependencies) in (0..LEVELS).zip(&levels) {
            for value in 4 * level..4 * level + 4 {
                let new = (value / 2) % 2;
                let second = 1 + 4 * new;
                let has_some = level + 1 < LEVELS;
                let dependencies = &dependencies[new as usize][..if has_some { 2 } else { 0 }];
                made.insert(value, record(level, second, dependencies));
            }
        }
        let known = HashMap::new();
        let mut superseded = Superseded { made: &made, known };
        assert!(superseded.dependency_replaces(2, 0));
    }

    #[test]
    fn a_manifest_above_counts() {
        let (_directory, top) = crate::testing::scratch();
        crate::testing::write(&top.join("Cargo.toml"), "");
        let before = SystemTime::now() - Duration::from_secs(60);
        assert!(last_manifest_change(&top.join("ext")) > Some(before));
        #[cfg(unix)]
        {
            // An archive gives a file an old time, but the file is new in this place.
            let manifest = std::fs::File::options()
                .append(true)
                .open(top.join("Cargo.toml"));
            let old = before - Duration::from_secs(3600);
            manifest.unwrap().set_modified(old).unwrap();
            assert!(last_manifest_change(&top.join("ext")) > Some(before));
        }
    }
}
