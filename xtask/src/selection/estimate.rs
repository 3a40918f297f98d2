//! Estimates of what cargo has to compile for a selection: the units, and their time if a build was
//! measured.

use std::collections::HashMap;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode};
use xtask_impact::build_dir::{Directories, directory_of};
use xtask_impact::records::missing::BuiltUnits;
use xtask_impact::resolve_diff::cached_answer::CachedAnswer;
use xtask_impact::resolve_diff::planned::{PlannedBuild, PlannedFor, PlannedUnit};
use xtask_impact::resolve_diff::selection::UnitGraphQuery;
use xtask_impact::workspace::{Workspace, name_and_version};

use crate::cargo_runs;
use crate::cargo_runs::build_times::store::Store;
use crate::selection::select::Selector;
use crate::selection::{Selection, Tool, profile_in};

/// The estimated work of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Estimate {
    /// The number of units that cargo has to compile or run.
    pub units: usize,
    /// The seconds that these units take, one after another. `None` if no build was measured.
    pub seconds: Option<f64>,
}

impl Estimate {
    /// Returns true if this estimate is lower than another. Seconds decide if both are known.
    pub(crate) fn is_less_than(self, other: Self) -> bool {
        match self.seconds.zip(other.seconds) {
            Some((one, other)) => one < other,
            None => self.units < other.units,
        }
    }

    /// Returns true if neither estimate is lower.
    pub(crate) fn is_like(self, other: Self) -> bool {
        !self.is_less_than(other) && !other.is_less_than(self)
    }
}

/// Estimates the work of selections from one reading of the records.
pub(crate) struct Estimator<'s, 'a> {
    selector: &'s Selector<'a>,
    built: BuiltUnits<'s>,
    times: Option<UnitTimes>,
}

impl<'s, 'a> Estimator<'s, 'a> {
    /// Reads the records of the target directory that the command uses. `changed` are the absolute
    /// paths of the changed files.
    ///
    /// # Errors
    /// Returns an error if the records cannot be listed.
    pub(crate) fn new(selector: &'s Selector<'a>, changed: &'s [Utf8PathBuf]) -> Result<Self> {
        let workspace = &selector.answer.workspace;
        let (tool, forwarded) = (selector.tool, selector.options.forwarded);
        let target = cargo_runs::target_directory(selector.runner, workspace, forwarded);
        let directories = match target == workspace.target_directory {
            true => workspace.directories(),
            false => Directories {
                build: target.clone(),
                target,
            },
        };
        let profile = profile_in(tool, forwarded);
        let profile = directory_of(profile.as_deref().unwrap_or(tool.profile())).to_owned();
        let state = workspace
            .inputs_hash
            .and_then(|_| workspace.state_directory());
        Ok(Self {
            built: BuiltUnits::read(workspace, &directories, &profile, changed, state.as_deref())?,
            times: UnitTimes::read(workspace),
            selector,
        })
    }

    /// Returns true if nothing was built in the profile.
    pub(crate) fn is_unbuilt(&self) -> bool {
        self.built.is_empty()
    }

    /// Returns the estimate of a selection.
    ///
    /// # Errors
    /// Returns cargo's message if cargo fails.
    pub(crate) fn of(&self, selection: &Selection) -> Result<Estimate> {
        let planned = self.planned(selection)?;
        let by_clippy = self.selector.tool == Tool::Clippy;
        let missing = self.built.missing(&planned, by_clippy);
        let units = || missing.iter().map(|&index| &planned.units[index]);
        Ok(Estimate {
            units: missing.len(),
            seconds: self
                .times
                .as_ref()
                .map(|times| units().map(|unit| times.of(unit)).sum()),
        })
    }

    /// Returns the units of the command for a selection. Cargo's answer is cached.
    fn planned(&self, selection: &Selection) -> Result<PlannedBuild> {
        let Selector {
            runner,
            answer,
            tool,
            options,
            ..
        } = self.selector;
        let command = selection.planned_arguments(&answer.workspace, *tool, options);
        let kind = ["planned".to_owned(), tool.name().to_owned()];
        let cached_answer = CachedAnswer::of(&answer.workspace, &[&kind, &command]);
        if let Some(known) = cached_answer.as_ref().and_then(CachedAnswer::read) {
            return Ok(known);
        }
        let query = UnitGraphQuery {
            runner,
            cache: self.selector.compiler_cache(),
            command,
            members: Default::default(),
            whole: Vec::new(),
        };
        let planned = PlannedBuild::ask(
            &query,
            match tool {
                Tool::Check | Tool::Clippy => PlannedFor::Check,
                _ => PlannedFor::Build,
            },
        )?;
        if let Some(cached_answer) = cached_answer {
            cached_answer.write(&planned);
        }
        Ok(planned)
    }
}

/// The durations of units in the newest measured builds.
struct UnitTimes {
    /// The seconds of a unit, by package, version, target and mode.
    seconds: HashMap<(String, String, String, String), f64>,
    /// The median of all durations, for units that were not measured.
    median: f64,
}

/// The number of measured builds that are read.
const READ: usize = 4;

impl UnitTimes {
    /// Reads the newest measured builds. Returns `None` if there is none.
    fn read(workspace: &Workspace) -> Option<Self> {
        let store = Store::of(&workspace.target_directory);
        let history = store.history().ok()?;
        let mut seconds = HashMap::new();
        for series in history.iter().rev().take(READ) {
            for record in store.records(series).unwrap_or_default() {
                for unit in record
                    .build
                    .units
                    .into_iter()
                    .filter(|it| it.duration > 0.0)
                {
                    let key = (unit.name, unit.version, unit.target, unit.mode);
                    seconds.entry(key).or_insert(unit.duration);
                }
            }
        }
        let mut all: Vec<f64> = seconds.values().copied().collect();
        all.sort_by(f64::total_cmp);
        let median = *all.get(all.len() / 2)?;
        Some(Self { seconds, median })
    }

    fn of(&self, unit: &PlannedUnit) -> f64 {
        let (name, version) = name_and_version(&unit.package);
        let target = match unit.name.kind {
            RecordedKind::Lib => "lib".to_owned(),
            RecordedKind::BuildScript => "build script".to_owned(),
            RecordedKind::Bin => format!("bin \"{}\"", unit.name.target),
            RecordedKind::Example => format!("example \"{}\"", unit.name.target),
            RecordedKind::Test => format!("test \"{}\"", unit.name.target),
            RecordedKind::Bench => format!("bench \"{}\"", unit.name.target),
        };
        let mode = match (unit.name.mode, unit.is_checked) {
            (RecordedMode::Compile, true) => "check",
            (RecordedMode::Compile, false) => "build",
            (RecordedMode::Test, true) => "check-test",
            (RecordedMode::Test, false) => "test",
            (RecordedMode::Doc, _) => "doc",
            (RecordedMode::Run, _) => "run",
        };
        let key = (name.to_owned(), version.to_owned(), target, mode.to_owned());
        self.seconds.get(&key).copied().unwrap_or(self.median)
    }
}
