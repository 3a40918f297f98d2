//! Records that newer records of the same package take the place of.
//!
//! When the version of a package moves, cargo gives its units other directories, and the records of
//! the old version stay. Cargo will not look at these records again, so that a file which is newer
//! than such a record says nothing.

use std::collections::HashMap;
use std::time::SystemTime;

use cargo_metadata::camino::Utf8Path;

use crate::build_dir::evidence::{ProfileRecords, UnitRecord};

/// Returns the records of a package without those of versions that the package no longer has.
/// `places` hold the records of the package's dependencies.
///
/// A record is kept where there is a doubt: a manifest changed since the newest build, or no newer
/// record is of the same target, built in the same way against the same dependencies.
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
    let is_superseded = |old: &UnitRecord| {
        let old = Made::of(old);
        let mut newer = records.iter().map(|it| Made::of(it));
        newer.any(|new| new.supersedes(&old, &made))
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

    /// Returns whether this record takes the place of an older one: they differ in the version of
    /// the package alone, and in what changed of dependencies for the same reason. Records that
    /// differ in the features of a dependency are of one version, and cargo may need both.
    fn supersedes(&self, old: &Made<'_>, made: &HashMap<u64, Made<'_>>) -> bool {
        self.package == old.package
            && self.likeness == old.likeness
            && old.invoked.is_some()
            && self.invoked > old.invoked
            && self.names.len() == old.names.len()
            && old.named().all(|(name, (id, value))| {
                let mut named = self.named().filter(|it| it.0 == name);
                named.any(|(_, (new_id, new_value))| {
                    // Another version, of which the lock file has one only.
                    new_id != id
                        || new_value == value
                        || made
                            .get(&value)
                            .zip(made.get(&new_value))
                            .is_some_and(|(old, new)| new.supersedes(old, made))
                })
            })
    }

    fn named(&self) -> impl Iterator<Item = (u64, (u64, u64))> {
        let dependencies = self.dependencies.iter().copied();
        self.names.iter().copied().zip(dependencies)
    }
}

/// Returns the time of the last change of a package's manifest and of those above it, one of which
/// may be its workspace's; `None` where the system does not tell.
fn last_manifest_change(at: &Utf8Path) -> Option<SystemTime> {
    let manifests = at.ancestors().map(|above| above.join("Cargo.toml"));
    let found = manifests.filter_map(|it| it.metadata().ok());
    found.map(|it| changed(&it)).max().flatten()
}

/// Returns the later of the times at which a file was written and at which it was put there.
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

    /// A record of `a` that was built at a second, with the ids and values of its dependencies, which
    /// are called 1, 2 and so on.
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
    fn a_newer_record_takes_the_place_of_an_alike_one() {
        // Two versions of another package, and two variants of a third one in one version.
        let made = HashMap::from([
            (100, record(7, 1, &[])),
            (101, record(7, 5, &[])),
            (200, record(8, 1, &[(30, 300)])),
            (201, record(8, 5, &[(30, 301)])),
        ]);
        let dependencies: [&[(u64, u64)]; 5] =
            [&[], &[(10, 100)], &[(10, 101)], &[(11, 101)], &[(20, 200)]];
        for (old, new, expected) in [
            (record(1, 1, &[]), record(1, 5, &[]), true),
            // Built in another way, such as checked.
            (record(1, 1, &[]), record(2, 5, &[]), false),
            // Older.
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
            // Another variant of a dependency, and one of which there is no record.
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
            // More dependencies.
            (
                record(1, 1, dependencies[0]),
                record(1, 5, dependencies[4]),
                false,
            ),
        ] {
            assert_eq!(new.supersedes(&old, &made), expected, "{old:?} {new:?}");
        }
        let unknown = Made {
            invoked: None,
            ..record(1, 1, &[])
        };
        assert!(!record(1, 5, &[]).supersedes(&unknown, &made));
    }

    #[test]
    fn a_manifest_above_counts() {
        let (_directory, top) = crate::testing::scratch();
        crate::testing::write(&top.join("Cargo.toml"), "");
        let before = SystemTime::now() - Duration::from_secs(60);
        assert!(last_manifest_change(&top.join("ext")) > Some(before));
    }
}
