//! The measured times of a build, unit by unit.
//!
//! [`read_report`] reads cargo's own `--timings` page, and `readers::build_log` reads cargo's log
//! of a build. `readers::unit_graph` adds the dependencies between the units. A [`BuildRecord`]
//! holds the result. The command `timings` analyses and compares records. Reading, joining and
//! scheduling start no process, touch no file and print nothing; only [`store`] reads and writes
//! files.

pub mod path;
pub mod readers;
pub mod record;
pub mod schedule;
pub(crate) mod seal;
pub mod select;
pub mod store;

use std::fmt;

pub use record::{BuildRecord, Run};
pub use report_html::{ReportError, read_report, read_run};
use serde::{Deserialize, Serialize};

use crate::cargo_runs::build_times::readers::report_html;

/// A build as cargo measured it. All times are seconds from cargo's start, rounded to 0.01.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BuildTimings {
    /// The units in the order of their start. Units that never started come first.
    pub units: Vec<UnitTiming>,
    /// The number of running and waiting units over time. Empty if the report has no such curve.
    pub concurrency: Vec<Concurrency>,
    /// `(time, percent)` samples of the whole machine's CPU use. Empty if cargo took no samples.
    pub cpu: Vec<(f64, f64)>,
    /// The end of the last unit. A unit that failed has no end in the report, so a failed build may
    /// have taken longer.
    pub total: f64,
    /// Cargo's error message. `None` if the build succeeded.
    pub error: Option<String>,
    /// The source of the dependencies between the units.
    pub order: Order,
}

/// The source of the dependencies between the units of a build.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Cargo's own unit graph, which names every dependency.
    UnitGraph,
    /// The report, which names only the last dependency that each unit waited for. If that
    /// dependency were faster, the next dependency to wait for is not known.
    #[default]
    LastBlocker,
}

/// One of cargo's units: a target of a package, built or run in one mode.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitTiming {
    /// The name of the package.
    pub name: String,
    /// The version of the package.
    pub version: String,
    /// `lib` (also for procedural macros), `build script`, or kind and name, such as `bin "tool"`.
    pub target: String,
    /// `build`, `check`, `test`, `check-test`, `doc`, or `run` for a build script.
    pub mode: String,
    /// The enabled features of the package. Empty if only cargo's messages name the unit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The start in seconds from cargo's start. 0 if the unit never started.
    pub start: f64,
    /// The duration in seconds. 0 if the unit never ran or failed.
    pub duration: f64,
    /// Seconds until the unit's metadata was written. From then on dependents could start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontend: Option<f64>,
    /// Seconds after the metadata was written. Under `check` this is a short tail without code
    /// generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codegen: Option<f64>,
    /// Seconds of linking. Known only with nightly's `-Zsection-timings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<f64>,
    /// The outcome of the unit.
    pub state: UnitState,
    /// The triple that `--target` named for the unit. `None` for the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// True if the package is a member of the workspace.
    #[serde(default, skip_serializing_if = "is_false")]
    pub member: bool,
    /// True if only build scripts and procedural macros need the unit.
    #[serde(default, skip_serializing_if = "is_false")]
    pub host: bool,
    /// True if the unit is a procedural macro.
    #[serde(default, skip_serializing_if = "is_false")]
    pub proc_macro: bool,
    /// The dependencies whose metadata the unit waits for, as indices into [`BuildTimings::units`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs_metadata: Vec<usize>,
    /// The dependencies whose end the unit waits for, as indices into [`BuildTimings::units`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<usize>,
    /// True if the unit links. Such a unit waits for the end of all its direct and indirect
    /// dependencies.
    #[serde(default, skip_serializing_if = "is_false")]
    pub links: bool,
    /// The unit's index in cargo's unit graph, and the units that could start because of this unit.
    #[serde(skip)]
    pub(crate) cargos: Cargos,
}

/// Cargo's own numbers of a unit and its dependents, as the report has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cargos {
    pub(crate) index: Option<usize>,
    pub(crate) unblocked: Vec<usize>,
    pub(crate) unblocked_by_metadata: Vec<usize>,
}

impl UnitTiming {
    /// Returns the end in seconds from cargo's start.
    pub fn end(&self) -> f64 {
        self.start + self.duration
    }

    /// Returns the seconds until dependents could start: until the metadata was written, or until
    /// the end if the unit has no separate metadata.
    pub fn metadata(&self) -> f64 {
        self.frontend
            .map_or(self.duration, |frontend| frontend.min(self.duration))
    }

    /// Returns true if the unit ran on a core at any time.
    pub fn started(&self) -> bool {
        matches!(self.state, UnitState::Ran | UnitState::Failed) || self.duration > 0.0
    }
}

impl BuildTimings {
    /// Returns the start of the first unit. Cargo spends the time before on resolving, on
    /// downloads, and on waiting for another cargo's lock.
    pub fn before_first(&self) -> f64 {
        let at_all = |unit: &&UnitTiming| unit.start > 0.0 || unit.duration > 0.0;
        let started = self.units.iter().filter(at_all);
        started
            .map(|unit| unit.start)
            .reduce(f64::min)
            .unwrap_or(0.0)
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

/// The outcome of a unit in a build.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitState {
    /// The unit ran to its end, possibly in no measurable time.
    Ran,
    /// The unit was fresh, so cargo had nothing to do.
    Fresh,
    /// The unit started and did not succeed.
    Failed,
    /// The build ended before the unit started.
    NotRun,
    /// The report alone does not show the state. Cargo's JSON messages would show it.
    #[default]
    Unknown,
}

/// The number of units in each state at one moment.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concurrency {
    /// Seconds from cargo's start.
    pub t: f64,
    /// The number of running units.
    pub active: usize,
    /// The number of units that wait for a job slot.
    pub waiting: usize,
    /// The number of units that wait for their dependencies.
    pub inactive: usize,
}

/// Formats a unit as `serde v1.0.0 lib` or `tool v0.1.0 bin "tool" (check)`.
impl fmt::Display for UnitTiming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{} {}", self.name, self.version, self.target)?;
        if self.mode == "build" {
            Ok(())
        } else {
            write!(f, " ({})", self.mode)
        }
    }
}

/// Returns the end of the last unit, in seconds from cargo's start.
pub(crate) fn last_end(units: &[UnitTiming]) -> f64 {
    round(units.iter().map(UnitTiming::end).fold(0.0, f64::max))
}

/// Rounds to 0.01 s, as cargo does. Sums and differences of cargo's figures are not more exact.
pub(crate) fn round(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests;
