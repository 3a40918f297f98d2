//! The units that the keep commands need.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use xtask_impact::build_dir::{self, Directories, Layout};
use xtask_impact::paths::resolved;
use xtask_impact::process::Runner;

use super::scan::DirectoryScan;
use crate::artifacts::mirror::Mirror;
use crate::cargo_runs::no_op::{Freshness, KeepCommand};
use crate::cargo_runs::rehearsal::JudgedUnit;
use crate::cli::{output, progress};

/// A unit: its profile directory, relative to the build directory, its layout and its hash. Both
/// layouts use the same hashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CargoUnitId {
    profile: Utf8PathBuf,
    layout: Layout,
    hash: String,
}

/// The units that the keep commands considered in a directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct NeededUnits {
    pub units: BTreeSet<CargoUnitId>,
    /// The units that a command of the user would compile, by profile directory, package and name.
    /// A unit of this name with another hash may be the one that the user means.
    stale: BTreeSet<(Utf8PathBuf, String, String)>,
    /// The names of the profile directories in which every unit is kept, because a command failed
    /// before cargo knew its units.
    pub unknown_profiles: BTreeSet<String>,
    pub commands: Vec<CommandReport>,
}

/// The outcome of a keep command.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct CommandReport {
    /// The command, as the user wrote it.
    pub command: String,
    /// True if the kit chose the command, because the user named none.
    pub is_default: bool,
    /// The state of the command before the sweep.
    pub state: CommandState,
    /// The number of units that the command uses.
    pub units: usize,
    /// The error of cargo, if cargo failed before it knew the units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The state of a keep command.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CommandState {
    /// Cargo would build nothing.
    Fresh,
    /// Cargo would build something.
    Stale,
    /// Cargo failed, and every unit of the profile is kept.
    Failed,
}

impl CargoUnitId {
    fn of(unit: &JudgedUnit) -> Self {
        Self {
            profile: unit.key.place.clone().into(),
            layout: unit.layout,
            hash: unit.key.hash.clone(),
        }
    }
}

impl NeededUnits {
    /// Runs the keep commands that build in this directory, in a mirror of the directory. `own` is
    /// true for the workspace's own directory, in which commands without `--target-dir` build.
    ///
    /// # Errors
    /// Returns an error if the mirror cannot be written, or if cargo cannot be started.
    pub(crate) fn find(
        runner: &Runner,
        forwarded: &[String],
        (root, directories, own): (&Utf8Path, &Directories, bool),
        commands: &[KeepCommand],
    ) -> Result<Self> {
        // Cargo builds in a configured build directory, whatever the target directory is.
        let is_split = directories.build != directories.target;
        let is_here = |command: &&KeepCommand| match &command.target_directory {
            None => own,
            Some(_) if own && is_split => true,
            Some(named) => resolved(&root.join(named)) == resolved(&directories.target),
        };
        let commands: Vec<_> = commands.iter().filter(is_here).collect();
        let mut needed = Self::default();
        if commands.is_empty() {
            return Ok(needed);
        }
        let profiles: BTreeSet<_> = commands.iter().map(|it| &it.profile).collect();
        let mirror = Mirror::new(root)?;
        for place in build_dir::profile_dirs(&directories.build)? {
            if profiles.contains(&place.directory) {
                mirror.add_profile(&place)?;
            }
        }
        mirror.add_documentation(&directories.target)?;
        let runner = runner.in_directory(root);
        for command in commands {
            output::status("Checking", KeepCommand::shown(&command.text));
            let ask = || command.no_op(&runner, forwarded, mirror.scratch(), mirror.target());
            let run = progress::during("Asking", "cargo what it needs", ask)?;
            let (state, error) = match run.state {
                Freshness::Fresh => (CommandState::Fresh, None),
                Freshness::Stale => (CommandState::Stale, None),
                Freshness::Unknown(error) => {
                    needed.unknown_profiles.insert(command.profile.clone());
                    (CommandState::Failed, Some(error))
                }
            };
            let units: BTreeSet<CargoUnitId> = run.units.iter().map(CargoUnitId::of).collect();
            needed.commands.push(CommandReport {
                command: command.text.clone(),
                is_default: command.is_default,
                state,
                units: units.len(),
                error,
            });
            if state == CommandState::Stale && !command.is_default {
                let keys = run.units.into_iter().map(|unit| unit.key);
                let stale = keys.map(|key| (key.place.into(), key.package, key.name));
                needed.stale.extend(stale);
            }
            needed.units.extend(units);
        }
        Ok(needed)
    }

    /// Returns the needed units of a scan, with everything that they were built from. If a command
    /// of the user would compile a unit that the scan does not have, the unit of the same name that
    /// was used last is needed: the command may run with other settings here than elsewhere.
    pub(crate) fn in_scan(&self, scan: &DirectoryScan) -> BTreeSet<usize> {
        let mut found = Vec::new();
        let mut names_found = BTreeSet::new();
        let mut newest: HashMap<(Utf8PathBuf, String, String), usize> = HashMap::new();
        for (index, unit) in scan.units.iter().enumerate() {
            let profile = scan.profile(unit.place).to_owned();
            let id = CargoUnitId {
                profile: profile.clone(),
                layout: scan.places[unit.place].layout,
                hash: unit.hash.clone(),
            };
            let is_needed = self.units.contains(&id);
            found.extend(is_needed.then_some(index));
            for name in &unit.names {
                let key = (profile.clone(), unit.package.clone(), name.file_name());
                if !self.stale.contains(&key) {
                    continue;
                }
                if is_needed {
                    names_found.insert(key.clone());
                }
                let best = newest.entry(key).or_insert(index);
                if scan.units[*best].last_use < unit.last_use {
                    *best = index;
                }
            }
        }
        newest.retain(|key, _| !names_found.contains(key));
        found.extend(newest.into_values());
        scan.with_dependencies(found)
    }
}
