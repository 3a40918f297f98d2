//! Stamps of files: metadata that changes when the content of a file changes.

use std::fs::{self, Metadata};
use std::time::{Duration, SystemTime};

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

/// Returns a time as nanoseconds since the year 1970.
#[must_use]
pub fn nanoseconds(time: SystemTime) -> i64 {
    let signed = |it: Duration| i64::try_from(it.as_nanos()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => signed(after),
        Err(before) => -signed(before.duration()),
    }
}

/// Returns the time that is this many nanoseconds after the year 1970.
#[must_use]
pub fn time_of(nanoseconds: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanoseconds.unsigned_abs());
    match nanoseconds < 0 {
        true => SystemTime::UNIX_EPOCH - distance,
        false => SystemTime::UNIX_EPOCH + distance,
    }
}

/// The longest time in which two changes of a file may leave the same times.
pub const COARSEST_CLOCK: Duration = Duration::from_millis(50);

/// Values that change when the content of a file changes. Two equal stamps of one path mean equal
/// content if the stamp is older than the moment at which the content was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileStamp {
    /// The size in bytes.
    pub size: u64,
    /// The time of modification, in nanoseconds.
    pub modified: i64,
    /// The time of change, in nanoseconds: `mv`, `cp -p` and `tar` set it, and no program can set it
    /// back. Systems without it have the time of creation here.
    pub changed: i64,
    inode: u64,
    device: u64,
}

impl FileStamp {
    /// Returns the stamp of a file, given its metadata.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().map(nanoseconds).unwrap_or(i64::MAX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let seconds = metadata.ctime().saturating_mul(1_000_000_000);
            Self {
                size: metadata.len(),
                modified,
                changed: seconds.saturating_add(metadata.ctime_nsec()),
                inode: metadata.ino(),
                device: metadata.dev(),
            }
        }
        #[cfg(not(unix))]
        Self {
            size: metadata.len(),
            modified,
            changed: metadata.created().map(nanoseconds).unwrap_or(i64::MAX),
            inode: 0,
            device: 0,
        }
    }

    /// Returns the stamp of the file at a path; `None` if there is no file.
    #[must_use]
    pub fn at(path: &Utf8Path) -> Option<Self> {
        Some(Self::of(&fs::metadata(path).ok()?))
    }

    /// Returns the later of the two times.
    #[must_use]
    pub fn latest(&self) -> i64 {
        self.modified.max(self.changed)
    }

    /// Returns the number of the file in its file system; 0 on systems without such numbers.
    #[must_use]
    pub fn inode(&self) -> u64 {
        self.inode
    }

    /// Returns true if the file changed so shortly before `time` that a later change might get the
    /// same stamp.
    #[must_use]
    pub fn is_fresh_at(&self, time: SystemTime) -> bool {
        time_of(self.latest()) + COARSEST_CLOCK >= time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_and_after_1970_keep_their_distance() {
        for nanoseconds_since in [0, 1, -1, 1_700_000_000_123_456_789] {
            assert_eq!(nanoseconds(time_of(nanoseconds_since)), nanoseconds_since);
        }
    }

    #[test]
    fn a_stamp_is_fresh_until_the_clock_has_moved_on() {
        let stamp = FileStamp {
            modified: 100_000_000,
            ..FileStamp::default()
        };
        assert!(stamp.is_fresh_at(time_of(100_000_000)));
        assert!(stamp.is_fresh_at(time_of(150_000_000)));
        assert!(!stamp.is_fresh_at(time_of(150_000_001)));
        // `mv` and `cp -p` keep the time of modification.
        let moved = FileStamp {
            changed: 140_000_000,
            ..stamp
        };
        assert!(moved.is_fresh_at(time_of(190_000_000)));
        assert!(!moved.is_fresh_at(time_of(190_000_001)));
    }
}
