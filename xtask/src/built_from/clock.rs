//! The clock of a file system.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use camino::Utf8Path;
use xtask_impact::files::{nanoseconds, time_of};
use xtask_impact::state;

use crate::cli::write_error::cannot;

/// The present time of a file system, and how exactly the file system keeps times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FileClock {
    /// The time, in nanoseconds.
    pub now: i64,
    /// The time within which two changes may get the same time.
    pub margin: i64,
}

/// The margin on a file system that keeps parts of a microsecond: longer than a tick of any kernel.
const FINE: i64 = 100_000_000;

/// The margin on any other file system. FAT counts in steps of two seconds.
const COARSE: i64 = 2_100_000_000;

impl FileClock {
    /// Reads the clock by the times of a temporary file in the kit's own directory.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) fn probe(build_directory: &Utf8Path) -> Result<Self> {
        let directory = state::in_target(build_directory);
        let failed = |error| cannot("write in", &directory, error);
        state::create(&directory).map_err(failed)?;
        let file = tempfile::tempfile_in(&directory).map_err(failed)?;
        let read = || -> std::io::Result<(i64, i64)> {
            std::io::Write::write_all(&mut &file, b".")?;
            let now = nanoseconds(file.metadata()?.modified()?);
            file.set_modified(time_of(ODD))?;
            Ok((now, nanoseconds(file.metadata()?.modified()?)))
        };
        let (now, kept) = read().map_err(failed)?;
        Ok(Self {
            now,
            margin: margin(ODD - kept),
        })
    }

    /// Returns the clock of the system, for a plan that writes nothing.
    pub(crate) fn of_system() -> Self {
        Self {
            now: nanoseconds(SystemTime::now()),
            margin: FINE,
        }
    }

    /// Returns the newest time that an input may have: any later change gets a later time.
    pub(crate) fn limit(&self) -> i64 {
        self.now - self.margin
    }

    /// Waits until `time` lies before the limit of a clock that is read afterwards.
    pub(crate) fn wait_for(&self, time: i64) {
        let nanoseconds = u64::try_from(time - self.limit()).unwrap_or_default();
        std::thread::sleep(Duration::from_nanos(nanoseconds) + Duration::from_millis(5));
    }
}

/// A time that only a file system with exact times keeps.
const ODD: i64 = 1_600_000_001_123_456_789;

/// Returns the margin for a file system that loses this much of [`ODD`].
fn margin(lost: i64) -> i64 {
    match (0..1000).contains(&lost) {
        true => FINE,
        false => COARSE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_follows_the_steps_of_the_file_system() {
        for (step, expected) in [
            (1, FINE),
            (100, FINE),
            (1_000_000, COARSE),
            (1_000_000_000, COARSE),
            (2_000_000_000, COARSE),
        ] {
            assert_eq!(margin(ODD % step), expected, "{step}");
        }
        assert_eq!(margin(-1), COARSE, "a file system that rounds up");
    }
}
