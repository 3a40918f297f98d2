//! What a build took, unit by unit: cargo's own `--timings` report, read and summed up.
//!
//! [`read_report`] takes the page's text and the JSON messages of the same build, [`summarize`]
//! takes what it returns. Nothing here starts a process, touches the disk or prints.

mod messages;
mod report_html;
mod summary;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use report_html::{ReportError, read_report};
pub use summary::{Summary, summarize};

/// One build as cargo measured it. All times are seconds from cargo's start, rounded to 0.01.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
}

/// One of cargo's units: a target of a package, built or run in one mode.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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
    pub features: Vec<String>,
    /// When it started, in seconds from cargo's start; 0 if it never did.
    pub start: f64,
    /// How long it took, in seconds; 0 if it never ran, or failed.
    pub duration: f64,
    /// Seconds until its metadata was there, which is when dependents could start.
    pub frontend: Option<f64>,
    /// Seconds after that; under `check` a short tail in which no code is generated.
    pub codegen: Option<f64>,
    /// Seconds of linking; known only with nightly's `-Zsection-timings`.
    pub link: Option<f64>,
    /// What became of it.
    pub state: State,
}

/// What became of a unit in a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
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

/// To 0.01 s, as cargo rounds: what is added and subtracted here is no more exact than that.
fn round(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}
