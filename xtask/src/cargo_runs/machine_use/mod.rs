//! The use of the machine during a build, and the rule by which a build counts as contended.
//!
//! A build that had to share the machine with other work takes longer for a reason that is not in
//! the workspace. Two facts show it, and each is enough:
//!
//! - The other work took a tenth of the machine, and no core was idle for a tenth of the build's
//!   time. Both are needed: a build that waits for its dependencies on one core leaves cores for
//!   other work.
//! - The units got less than 0.6 of the processor time that they could use, and more processes were
//!   ready to run than the build had units. A unit that waits for the network or the disk also gets
//!   little time, but then nothing else is ready to run.

mod meter;
mod proc;

pub(crate) use meter::{MachineMeter, Restarter};
use serde::{Deserialize, Serialize};

use super::build_times::{BuildTimings, round};

/// The least share of the machine that other work takes if a build is contended.
const OTHER_WORK: f64 = 0.1;

/// The least share of the time without an idle core if a build is contended.
const WITHOUT_IDLE_CORE: f64 = 0.1;

/// The share of its processor time that a contended build does not reach.
const GOT: f64 = 0.6;

/// The use of the machine during a build. Times are in seconds.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineUse {
    /// The time from the start of cargo to its end, without waiting for a lock.
    pub wall: f64,
    /// The processor time, user and system, of cargo and all its descendants, and of the server of
    /// a compiler cache. `None` if the system does not report it.
    pub cpu: Option<f64>,
    /// The processor time of all other work on the machine, with the time that a hypervisor took
    /// away. Known only on Linux.
    pub other_cpu: Option<f64>,
    /// The time in which no core was idle. Known only on Linux.
    pub without_idle_core: Option<f64>,
    /// The processor time that the units could use, if each unit used one core and there were
    /// enough cores.
    pub usable: f64,
    /// The number of the machine's cores.
    pub cores: usize,
    /// The load average of the last minute before the build. `None` on systems without it.
    pub load_before: Option<f64>,
    /// The load average of the last minute at the end of the build.
    pub load_after: Option<f64>,
}

impl MachineUse {
    /// Adds the processor time that the units of the build could use.
    pub(crate) fn with_units(mut self, build: &BuildTimings) -> Self {
        self.usable = round(usable(build, self.cores));
        self
    }

    /// Returns the reason for which a build was contended, or `None` if nothing shows that it was.
    pub fn contention(&self) -> Option<String> {
        self.other_work().or_else(|| self.too_little_time())
    }

    fn other_work(&self) -> Option<String> {
        let other = self.other_cpu? / self.wall.max(0.01);
        let full = self.without_idle_core? / self.wall.max(0.01);
        let is_contended = other >= OTHER_WORK * self.cores as f64 && full >= WITHOUT_IDLE_CORE;
        is_contended.then(|| {
            format!(
                "other work used {other:.1} of {} cores, and no core was idle for {:.0}% of the \
                 time",
                self.cores,
                100.0 * full.min(1.0),
            )
        })
    }

    fn too_little_time(&self) -> Option<String> {
        let (cpu, load) = (self.cpu?, self.load_after?);
        let units = self.usable / self.wall.max(0.01);
        let is_contended = cpu < GOT * self.usable && load > units + 1.0;
        is_contended.then(|| {
            format!(
                "the units got {cpu:.1}s of processor time where they could use {:.1}s, and the \
                 load average was {load:.1}",
                self.usable
            )
        })
    }
}

/// Returns the core time of a build's units: the number of running units at each moment, at most
/// the number of cores, summed over time.
fn usable(build: &BuildTimings, cores: usize) -> f64 {
    let mut events = Vec::new();
    for unit in build.units.iter().filter(|unit| unit.duration > 0.0) {
        events.push((unit.start, 1_i64));
        events.push((unit.end(), -1));
    }
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut running, mut since) = (0.0, 0, 0.0);
    for (at, change) in events {
        sum += running.min(cores.max(1) as i64) as f64 * (at - since);
        running += change;
        since = at;
    }
    sum
}

#[cfg(test)]
mod tests;
