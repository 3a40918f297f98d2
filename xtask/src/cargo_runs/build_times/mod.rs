//! What a build took, unit by unit, and what follows from it.
//!
//! [`read_report`] reads cargo's own `--timings` page, [`build_log::read`](super::readers::build_log::read) its log of a build;
//! [`unit_graph::join`](super::readers::unit_graph::join) ties the units together, a [`BuildRecord`] keeps it all. Over records go the
//! questions: [`analysis`] of one, [`compare`] of two, [`trend`] of many, a [`budget`], and
//! [`what_if`]. Nothing here starts a process, touches the disk or prints.

pub mod path;
pub mod readers;
pub mod record;
pub mod schedule;
pub(crate) mod seal;
pub mod select;
pub mod store;

use crate::cargo_runs::build_times::readers::report_html;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use record::{BuildRecord, Run};
pub use report_html::{ReportError, read_report, read_run};

/// One build as cargo measured it. All times are seconds from cargo's start, rounded to 0.01.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BuildTimings {
    /// In the order in which they started; those that never did come first.
    pub units: Vec<UnitTiming>,
    /// How busy the build was; empty where the report holds no such curve.
    pub concurrency: Vec<Concurrency>,
    /// `(time, percent)` samples of the whole machine's CPU; empty where cargo took none.
    pub cpu: Vec<(f64, f64)>,
    /// When the last unit ended. A unit that failed has no end in the report, so a failed build
    /// may have taken longer.
    pub total: f64,
    /// Cargo's words for why the build failed; none where it succeeded.
    pub error: Option<String>,
    /// What is known of which unit waits for which.
    pub order: Order,
}

/// What is known of which unit waits for which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// All of it, from cargo's own unit graph.
    UnitGraph,
    /// For each unit the last one that it waited for, from the report: what other dependencies
    /// would hold it up if that one were faster is not known.
    #[default]
    LastBlocker,
}

/// One of cargo's units: a target of a package, built or run in one mode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitTiming {
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// `lib` (proc-macros too), `build script`, or kind and name, like `bin "tool"`.
    pub target: String,
    /// `build`, `check`, `test`, `check-test`, `doc`, or `run` for a build script.
    pub mode: String,
    /// The package's features that are on; empty where cargo is older than 1.94.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// When it started, in seconds from cargo's start; 0 if it never did.
    pub start: f64,
    /// How long it took, in seconds; 0 if it never ran, or failed.
    pub duration: f64,
    /// Seconds until its metadata was there, which is when dependents could start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontend: Option<f64>,
    /// Seconds after that; under `check` a short tail in which no code is generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codegen: Option<f64>,
    /// Seconds of linking; known only with nightly's `-Zsection-timings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<f64>,
    /// What became of it.
    pub state: UnitState,
    /// The triple that `--target` named for it; none for the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Whether its package is a member of the workspace.
    #[serde(default, skip_serializing_if = "is_false")]
    pub member: bool,
    /// Whether only build scripts and procedural macros need it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub host: bool,
    /// Whether it is a procedural macro.
    #[serde(default, skip_serializing_if = "is_false")]
    pub proc_macro: bool,
    /// The places in [`BuildTimings::units`] of those whose metadata it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs_metadata: Vec<usize>,
    /// The places of those whose end it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<usize>,
    /// Whether it links, and so waits for the end of all that its dependencies stand on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub links: bool,
    /// The unit's place in cargo's unit graph, and whom it let start, by cargo's numbers.
    #[serde(skip)]
    pub(crate) cargos: Cargos,
}

/// What cargo's report says in numbers of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cargos {
    pub(crate) index: Option<usize>,
    pub(crate) unblocked: Vec<usize>,
    pub(crate) unblocked_by_metadata: Vec<usize>,
}

impl UnitTiming {
    /// When it ended, in seconds from cargo's start.
    pub fn end(&self) -> f64 {
        self.start + self.duration
    }

    /// Seconds until its dependents could start: its metadata, or its end where it has none apart.
    pub fn metadata(&self) -> f64 {
        self.frontend
            .map_or(self.duration, |frontend| frontend.min(self.duration))
    }

    /// Whether it took a core at some time.
    pub fn started(&self) -> bool {
        matches!(self.state, UnitState::Ran | UnitState::Failed) || self.duration > 0.0
    }
}

impl BuildTimings {
    /// When the first unit started: what comes before is resolving, downloads, and waiting for
    /// another cargo's lock.
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

/// What became of a unit in a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitState {
    /// It ran to its end, be it in no measurable time.
    Ran,
    /// Cargo had nothing to do for it.
    Fresh,
    /// It started and did not succeed.
    Failed,
    /// The build ended before its turn.
    NotRun,
    /// The report alone does not tell; cargo's JSON messages would.
    #[default]
    Unknown,
}

/// How many units were in which state at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concurrency {
    /// Seconds from cargo's start.
    pub t: f64,
    /// Units at work.
    pub active: usize,
    /// Units that wait for a job slot.
    pub waiting: usize,
    /// Units that wait for their dependencies.
    pub inactive: usize,
}

/// `serde v1.0.0 lib`, `tool v0.1.0 bin "tool" (check)`.
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

/// When the last unit ended, in seconds from cargo's start.
pub(crate) fn last_end(units: &[UnitTiming]) -> f64 {
    round(units.iter().map(UnitTiming::end).fold(0.0, f64::max))
}

/// To 0.01 s, as cargo rounds: what is added and subtracted here is no more exact than that.
pub(crate) fn round(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests;
