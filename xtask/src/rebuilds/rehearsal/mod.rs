//! The rehearsal of a build: cargo decides, and nothing is compiled or run.
//!
//! The kit copies the records of the build directory to a private directory, with the times of all
//! artifacts but without their content. The user's cargo builds in the copy, with a
//! [compiler](compiler) that compiles nothing. Cargo's log then has the reason for every unit. The
//! log is never turned on in the user's own build, because a compiler cache hashes `CARGO_LOG`.

mod compiler;

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
pub(crate) use compiler::CompilerFlags;
use xtask_impact::build_dir::unit_record::RecordedMode;
use xtask_impact::build_dir::{self, ProfileDir};
use xtask_impact::process::Runner;
use xtask_impact::workspace::Workspace;
use xtask_impact::{lock_file, process, quote};

use crate::artifacts::lock::BuildLocks;
use crate::artifacts::mirror::Mirror;
use crate::cargo_runs::rehearsal::{JudgedUnit, RecordKey, log};
use crate::rebuilds::invocation::Invocation;
use crate::rebuilds::records::Records;

/// The directories of a build, and the arguments of cargo.
pub(crate) struct RehearsedBuild<'a> {
    pub(crate) runner: &'a Runner,
    pub(crate) workspace: &'a Workspace,
    /// The command that the user asks about.
    pub(crate) invocation: &'a Invocation,
    /// Arguments of the kit that cargo needs too.
    pub(crate) forwarded: Vec<String>,
    /// The directory of intermediate artifacts.
    pub(crate) build_directory: Utf8PathBuf,
    /// The directory of final artifacts.
    pub(crate) target_directory: Utf8PathBuf,
    /// True if the user's own command follows. Cargo may then write the lock file, as that command
    /// does, and the kit learns the flags of all units.
    pub(crate) is_followed: bool,
}

/// The result of a rehearsal.
pub(crate) struct Rehearsal {
    /// The records before the build.
    pub(crate) before: Records,
    /// The records as the build would leave them. Their numbers are not those of a real build.
    pub(crate) after: Records,
    /// All units of the build, in cargo's order.
    pub(crate) units: Vec<JudgedUnit>,
    /// The dependencies that are newer than a dependent, by their names.
    pub(crate) newer: BTreeSet<String>,
    /// The flags of units that are not fresh, and of units whose flags were not known.
    pub(crate) flags: CompilerFlags,
    /// The version of the compiler.
    pub(crate) compiler: Option<String>,
    /// The values of variables that the kit set for the rehearsal.
    pub(crate) variables: Vec<(String, String)>,
}

impl RehearsedBuild<'_> {
    /// Runs the rehearsal. `knows` returns true if the kit knows the flags of a unit.
    ///
    /// # Errors
    /// Returns an error if the records cannot be copied, or if cargo fails before it decides about
    /// the units; the message is then cargo's.
    pub(crate) fn run(&self, knows: &dyn Fn(&RecordKey) -> bool) -> Result<Rehearsal> {
        let mirror = Mirror::new(&self.workspace.root)?;
        let copy = mirror.target();
        let program = compiler::write(mirror.scratch())?;
        let before = self.copy_records(&mirror)?;
        let (settings, variables) = self.settings(copy, &program);
        let command = || {
            let mut command = self.runner.cargo();
            command
                .args(self.invocation.rehearsal(&self.forwarded, &settings))
                .envs(variables.iter().map(|(name, value)| (name, value)));
            command
        };
        let output = match self.is_followed {
            true => process::output(&mut command())?,
            false => self.ask(&command)?,
        };
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.replace(copy.as_str(), self.build_directory.as_str());
        let units = log::read(&said, &self.build_directory);
        if units.is_empty() && !output.status.success() {
            bail!(
                "cargo cannot build\n{}",
                quote::text(without_log(&said).trim_end())
            );
        }
        let after = Records::read(&self.profiles(copy)?)?;
        if self.is_followed {
            self.learn_flags(&units, knows, copy, command())?;
        }
        Ok(Rehearsal {
            before,
            after,
            newer: log::newer_dependencies(&said),
            units,
            flags: compiler::notes(&program),
            compiler: compiler::version(self.runner, &program),
            variables,
        })
    }

    /// Builds the fresh units in the copy whose flags are not known, so that a later run can show
    /// old and new values of settings.
    fn learn_flags(
        &self,
        units: &[JudgedUnit],
        knows: &dyn Fn(&RecordKey) -> bool,
        copy: &Utf8Path,
        mut command: Command,
    ) -> Result<()> {
        let is_compiled = |key: &RecordKey| {
            let mode = key.unit().map(|it| it.mode);
            !matches!(mode, None | Some(RecordedMode::Run | RecordedMode::Doc))
        };
        let unknown = units.iter().filter(|it| it.reason.is_none());
        let unknown: BTreeSet<&RecordKey> = unknown
            .map(|it| &it.key)
            .filter(|key| is_compiled(key) && !knows(key))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        for profile in self.profiles(copy)? {
            for key in unknown
                .iter()
                .filter(|it| copy.join(&it.place) == profile.path)
            {
                let record = profile.fingerprint_dir(&key.package, &key.hash);
                if record.is_dir() {
                    std::fs::remove_dir_all(record)?;
                }
            }
        }
        // The flags only show values, so a failure is no error.
        drop(process::output(&mut command));
        Ok(())
    }

    /// Runs cargo without letting cargo write the lock file.
    fn ask(&self, command: &dyn Fn() -> Command) -> Result<std::process::Output> {
        lock_file::ask(command).map(|(output, _)| output)
    }

    /// Returns the profile directories that the command builds in.
    pub(crate) fn profiles(&self, build_directory: &Utf8Path) -> Result<Vec<ProfileDir>> {
        let profile = self.invocation.profile();
        let directory = build_dir::directory_of(&profile);
        let mut found = build_dir::profile_dirs(build_directory)?;
        found.retain(|it| it.directory == directory);
        Ok(found)
    }

    /// Copies the records, and returns them. Waits for a running build.
    fn copy_records(&self, mirror: &Mirror) -> Result<Records> {
        let profiles = self.profiles(&self.build_directory)?;
        for profile in &profiles {
            let (lock, ()) = BuildLocks::while_planning(profile, &self.target_directory, || {
                mirror.add_profile(profile)
            })?;
            drop(lock);
        }
        mirror.add_documentation(&self.target_directory)?;
        Records::read(&profiles)
    }

    /// Returns the arguments and the variables that make cargo build in the copy, with the kit's
    /// compiler. A setting is an argument where possible, since scripts can watch a variable.
    fn settings(
        &self,
        copy: &Utf8Path,
        program: &Utf8Path,
    ) -> (Vec<String>, Vec<(String, String)>) {
        let quoted = |path: &Utf8Path| toml::Value::from(path.as_str()).to_string();
        let mut arguments = vec!["--target-dir".to_owned(), copy.to_string()];
        if self.build_directory != self.target_directory {
            let build_dir = format!("build.build-dir={}", quoted(copy));
            arguments.extend(["--config".to_owned(), build_dir]);
        }
        let mut variables = vec![("CARGO_LOG".to_owned(), log::FILTER.to_owned())];
        for (variable, key) in [
            ("RUSTC_WRAPPER", "build.rustc-wrapper"),
            ("RUSTDOC", "build.rustdoc"),
        ] {
            if std::env::var_os(variable).is_some() {
                variables.push((variable.to_owned(), program.to_string()));
            } else {
                let setting = format!("{key}={}", quoted(program));
                arguments.extend(["--config".to_owned(), setting]);
            }
        }
        (arguments, variables)
    }
}

/// Returns cargo's own words, without the lines of the log.
fn without_log(said: &str) -> String {
    let is_log = |line: &&str| line.contains("compiler::fingerprint: ");
    let lines = said.lines().filter(|line| !is_log(line));
    lines.map(|line| format!("{line}\n")).collect()
}
