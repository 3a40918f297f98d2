//! One measured build, as it is kept: `xtask/docs/json.md` documents the format.

use serde::{Deserialize, Serialize};

use super::{BuildTimings, path, schedule::Schedule};

/// Of the format; it changes when a reader would have to.
pub const VERSION: u32 = 1;

/// A run with what it measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BuildRecord {
    /// Of this format: [`VERSION`].
    pub version: u32,
    /// What was run, and the figures that a history shows.
    pub run: Run,
    /// What cargo measured.
    pub build: BuildTimings,
}

/// What was run, where, and the figures that a history shows. Texts are empty where nothing is
/// known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// Cargo's id of the run, which begins with its start: `20261121T073539352Z-fcff66da9ef016b7`.
    pub id: String,
    /// The id of the first run of those that `--repeat` made; its own where there was one only.
    pub series: String,
    /// What the user calls it.
    pub label: Option<String>,
    /// Cargo's command: `build`, `check`, …
    pub command: String,
    /// What was forwarded to it.
    pub arguments: Vec<String>,
    /// What was built from nothing: `none`, `affected`, `workspace`, `all`.
    pub clean: String,
    /// Of the work tree; none outside git.
    pub commit: Option<String>,
    /// None where `HEAD` is on no branch.
    pub branch: Option<String>,
    /// Whether the work tree differed from the commit.
    pub dirty: Option<bool>,
    /// `cargo 1.95.0 (…)`.
    pub cargo: String,
    /// `rustc 1.95.0 (…)`.
    pub rustc: String,
    /// The host's triple.
    pub host: String,
    /// As `--profile` names it.
    pub profile: String,
    /// The arguments that choose features.
    pub features: Vec<String>,
    /// How many units cargo was to run at a time.
    pub jobs: Option<usize>,
    /// The machine's cores.
    pub cores: Option<usize>,
    /// Seconds that cargo waited for another cargo's lock.
    pub waited_for_lock: f64,
    /// Seconds from cargo's start to the end of the last unit, without that.
    pub total: f64,
    /// Seconds of the longest chain of units that wait for one another.
    pub critical_path: f64,
    /// What all units took together, in seconds.
    pub time_sum: f64,
    /// Units that ran.
    pub ran: usize,
    /// Whether the build failed.
    pub failed: bool,
}

/// The beginning of a record's file, for a history that is not read whole.
#[derive(Deserialize)]
struct Head {
    version: u32,
    run: Run,
}

impl BuildRecord {
    /// Of a run, whose figures are taken from the build.
    ///
    /// # Errors
    /// In words, where the build contradicts itself.
    pub fn new(mut run: Run, build: BuildTimings) -> Result<Self, String> {
        if !is_id(&run.id) {
            return Err(format!("`{}` is no id of a run", run.id));
        }
        let (critical, _) = path::ideal(&Schedule::new(&build)?);
        run.waited_for_lock = run.waited_for_lock.min(build.before_first());
        run.critical_path = super::round(critical.length);
        run.total = super::round(build.total - run.waited_for_lock);
        run.time_sum = super::round(build.units.iter().map(|unit| unit.duration).sum());
        run.ran = build.units.iter().filter(|unit| unit.started()).count();
        run.failed = build.error.is_some();
        if run.series.is_empty() {
            run.series.clone_from(&run.id);
        }
        Ok(Self {
            version: VERSION,
            run,
            build,
        })
    }

    /// Reads a record's text.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        Self::head(text)?;
        let record: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Schedule::new(&record.build)?;
        Ok(record)
    }

    /// Reads what a history shows of a record.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn head(text: &str) -> Result<Run, String> {
        let head: Head = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match head.version {
            VERSION if is_id(&head.run.id) => Ok(head.run),
            VERSION => Err(format!("`{}` is no id of a run", head.run.id)),
            version => Err(format!("version {version} is not known to this tool")),
        }
    }

    /// Seconds from cargo's start to the end of the last unit, without waiting for a lock.
    pub fn total(&self) -> f64 {
        self.build.total - self.run.waited_for_lock
    }

    /// Units at a time: as cargo was told, or as many as there were at most.
    pub fn width(&self) -> usize {
        let busiest = self.build.concurrency.iter().map(|it| it.active).max();
        self.run.jobs.or(busiest).unwrap_or(1).max(1)
    }
}

impl Run {
    /// Whether two runs did the same, so that their times can be compared: the same command for
    /// the same profile and as many jobs. Where it depends on a change what is built, they have to
    /// have built as much as one another, give or take a fifth.
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

    /// When it started: `2026-11-21 07:35:39`, in UTC.
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

    /// The day of its start, counted from 1970-01-01.
    pub fn day(&self) -> Option<i64> {
        let number = |range: std::ops::Range<usize>| self.id.get(range)?.parse::<i64>().ok();
        let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
        // Years that begin in March have their odd day at the end.
        let (year, month) = match month > 2 {
            true => (year, month - 3),
            false => (year - 1, month + 9),
        };
        let days = 365 * year + year / 4 - year / 100 + year / 400;
        Some(days + (153 * month + 2) / 5 + day - 1 - 719_468)
    }

    /// What to call it in a line: its label, its commit, or its start.
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

/// A run's id names its file, so nothing else may stand in it.
fn is_id(id: &str) -> bool {
    // Cargo before 1.94 has a point in it: `20261121T083728.636708223Z`.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id.len() <= 80
        && id.bytes().all(plain)
}
