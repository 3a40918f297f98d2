//! All locks of a build directory at once.

use anyhow::Result;
use xtask_impact::build_dir::{Directories, profile_dirs};

use crate::artifacts::lock::BuildLocks;
use crate::cli::output;

/// The locks of all profile directories of a build directory. Dropping the value releases them.
pub(crate) struct AllLocks {
    held: Vec<BuildLocks>,
}

impl AllLocks {
    /// Takes the locks, and waits for running builds. No lock is held during a wait: a cargo that
    /// builds for another platform holds several of these locks.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed or a lock cannot be taken.
    pub(crate) fn take(directories: &Directories) -> Result<Self> {
        loop {
            let mut held = Vec::new();
            let mut busy = None;
            for place in profile_dirs(&directories.build)? {
                let known = |it: &BuildLocks| it.is_of(&place);
                if held.iter().any(known) {
                    continue;
                }
                match BuildLocks::take(&place, &directories.target, false)? {
                    Some(lock) => held.push(lock),
                    None => {
                        busy = Some(place);
                        break;
                    }
                }
            }
            let Some(place) = busy else {
                if held.iter().all(BuildLocks::is_complete) {
                    return Ok(Self { held });
                }
                continue;
            };
            drop(held);
            let message = format_args!("waiting for the build in {}", place.path);
            output::status("Blocking", message);
            drop(BuildLocks::take(&place, &directories.target, true)?);
        }
    }

    /// Returns true if cargo takes locks here, too, so that no build runs.
    pub(crate) fn keep_cargo_out(&self) -> bool {
        self.held.iter().all(|it| it.keeps_cargo_out)
    }
}
