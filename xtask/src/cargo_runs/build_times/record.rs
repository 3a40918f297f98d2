//! The record of one measured build. `xtask/docs/json.md` documents the format.

use serde::{Deserialize, Serialize};

use super::schedule::Schedule;
use super::{BuildTimings, path};
use crate::cargo_runs::machine_use::MachineUse;
use crate::compiler_cache::counts::CacheCounts;

/// The version of the format. The version changes if a reader has to change.
pub const VERSION: u32 = 1;

/// A run and its measured build.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BuildRecord {
    /// The version of the format: [`VERSION`].
    pub version: u32,
    /// The command that was run, and the figures that a history shows.
    pub run: Run,
    /// The build that cargo measured.
    pub build: BuildTimings,
}

/// The command that was run, its surroundings, and the figures that a history shows. A text is
/// empty if it is not known.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// Cargo's id of the run, which begins with the run's start:
    /// `20261121T073539352Z-fcff66da9ef016b7`.
    pub id: String,
    /// The id of the first run of the same `--repeat`. A single run has its own id here.
    pub series: String,
    /// The label that the user gave the run.
    pub label: Option<String>,
    /// Cargo's command: `build`, `check`, …
    pub command: String,
    /// The arguments that were forwarded to cargo.
    pub arguments: Vec<String>,
    /// The scope of the clean before the build: `none`, `affected`, `workspace`, `all`.
    pub clean: String,
    /// The commit of the work tree. `None` outside git.
    pub commit: Option<String>,
    /// The branch. `None` if `HEAD` is on no branch.
    pub branch: Option<String>,
    /// True if the work tree differed from the commit.
    pub dirty: Option<bool>,
    /// The version of cargo: `cargo 1.95.0 (…)`.
    pub cargo: String,
    /// The version of rustc: `rustc 1.95.0 (…)`.
    pub rustc: String,
    /// The host's triple.
    pub host: String,
    /// The profile by the name that `--profile` takes.
    pub profile: String,
    /// The arguments that choose features.
    pub features: Vec<String>,
    /// The number of units that cargo was allowed to run at a time.
    pub jobs: Option<usize>,
    /// The number of the machine's cores.
    pub cores: Option<usize>,
    /// Seconds that cargo waited for another cargo's lock.
    pub waited_for_lock: f64,
    /// Seconds from cargo's start to the end of the last unit, without the wait for the lock.
    pub total: f64,
    /// Seconds of the longest chain of units that wait for one another.
    pub critical_path: f64,
    /// The sum of all units' durations, in seconds.
    pub time_sum: f64,
    /// The number of units that ran.
    pub ran: usize,
    /// True if the build failed.
    pub failed: bool,
    /// The size of the build and the target directory after the build, in bytes on the disk.
    pub directory_bytes: Option<u64>,
    /// The requests of the build to a compiler cache. `None` if the build used none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheCounts>,
    /// The use of the machine during the build. `None` in records of older kits and in imported
    /// reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineUse>,
    /// The reason for which the build was contended: the machine did other work. `None` if nothing
    /// shows that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contended: Option<String>,
}

/// The beginning of a record's file, for a history that does not read whole records.
#[derive(Deserialize)]
struct Head {
    version: u32,
    run: Run,
}

impl BuildRecord {
    /// Returns the record of a run. The run's figures are computed from the build.
    ///
    /// # Errors
    /// Returns a message if the run's id is not valid or if the build contradicts itself.
    pub fn new(mut run: Run, build: BuildTimings) -> Result<Self, String> {
        if !is_id(&run.id) {
            return Err(format!("`{}` is not the id of a run", run.id));
        }
        let (critical, _) = path::ideal(&Schedule::new(&build)?);
        run.waited_for_lock = run.waited_for_lock.min(build.before_first());
        run.critical_path = super::round(critical.length);
        run.total = super::round(build.total - run.waited_for_lock);
        run.time_sum = super::round(build.units.iter().map(|unit| unit.duration).sum());
        run.ran = build.units.iter().filter(|unit| unit.started()).count();
        run.failed = build.error.is_some();
        run.machine = run.machine.map(|machine| machine.with_units(&build));
        run.contended = run.machine.as_ref().and_then(MachineUse::contention);
        if run.series.is_empty() {
            run.series.clone_from(&run.id);
        }
        Ok(Self {
            version: VERSION,
            run,
            build,
        })
    }

    /// Reads the text of a record.
    ///
    /// # Errors
    /// Returns a message that says what is wrong with the text.
    pub fn read(text: &str) -> Result<Self, String> {
        Self::head(text)?;
        let record: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Schedule::new(&record.build)?;
        Ok(record)
    }

    /// Reads the part of a record that a history shows.
    ///
    /// # Errors
    /// Returns a message that says what is wrong with the text.
    pub fn head(text: &str) -> Result<Run, String> {
        let head: Head = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match head.version {
            VERSION if is_id(&head.run.id) => Ok(head.run),
            VERSION => Err(format!("`{}` is not the id of a run", head.run.id)),
            version => Err(format!("unknown version {version}; update xtask-kit")),
        }
    }

    /// Returns the seconds from cargo's start to the end of the last unit, without the wait for a
    /// lock.
    pub fn total(&self) -> f64 {
        self.build.total - self.run.waited_for_lock
    }

    /// Returns the number of units at a time: the number that cargo was given, or else the largest
    /// number that was observed.
    pub fn width(&self) -> usize {
        let busiest = self.build.concurrency.iter().map(|it| it.active).max();
        self.run.jobs.or(busiest).unwrap_or(1).max(1)
    }
}

impl Run {
    /// Returns true if two runs did the same work, so that their times can be compared: the same
    /// command and arguments for the same profile, host and number of jobs. If the amount of work
    /// depends on a change, the numbers of units that ran must not differ by more than a fifth.
    pub fn is_like(&self, other: &Self) -> bool {
        let of_a_change = matches!(self.clean.as_str(), "none" | "affected" | "");
        let (less, more) = (self.ran.min(other.ran), self.ran.max(other.ran));
        self.command == other.command
            && self.arguments == other.arguments
            && self.clean == other.clean
            && self.profile == other.profile
            && self.host == other.host
            && self.jobs == other.jobs
            && (!of_a_change || less * 5 >= more * 4)
    }

    /// Returns the start of the run in UTC: `2026-11-21 07:35:39`.
    pub fn started(&self) -> String {
        let part = |range: std::ops::Range<usize>| self.id.get(range).unwrap_or("??");
        format!(
            "{}-{}-{} {}:{}:{}",
            part(0..4),
            part(4..6),
            part(6..8),
            part(9..11),
            part(11..13),
            part(13..15)
        )
    }

    /// Returns the moment of the run's start in days since 1970-01-01.
    pub fn moment(&self) -> Option<f64> {
        let number = |range: std::ops::Range<usize>| self.id.get(range)?.parse::<u32>().ok();
        let (hours, minutes, seconds) = (number(9..11)?, number(11..13)?, number(13..15)?);
        let seconds = hours * 3600 + minutes * 60 + seconds;
        Some(self.day()? as f64 + f64::from(seconds) / 86_400.0)
    }

    /// Returns the day of the run's start as the number of days since 1970-01-01.
    pub fn day(&self) -> Option<i64> {
        let number = |range: std::ops::Range<usize>| self.id.get(range)?.parse::<i64>().ok();
        let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
        // A year that begins in March has its leap day at the end.
        let (year, month) = match month > 2 {
            true => (year, month - 3),
            false => (year - 1, month + 9),
        };
        let days = 365 * year + year / 4 - year / 100 + year / 400;
        Some(days + (153 * month + 2) / 5 + day - 1 - 719_468)
    }

    /// Returns a short name for the run: its label, its commit, or its start.
    pub fn name(&self) -> String {
        match (&self.label, &self.commit) {
            (Some(label), _) => label.clone(),
            (None, Some(commit)) => {
                let short = commit.get(..9).unwrap_or(commit);
                let dirty = if self.dirty == Some(true) { "+" } else { "" };
                format!("{short}{dirty}")
            }
            (None, None) => self.started(),
        }
    }
}

/// Returns true if a run's id is valid. The id names the run's file, so other characters are
/// refused.
fn is_id(id: &str) -> bool {
    // The name of a page, which is its id, may have a point.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id.len() <= 80
        && id.bytes().all(plain)
}
