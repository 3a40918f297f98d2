//! Measuring a build: cargo is run with `--timings`, and what it left is read and tied together.

mod import;
mod watch;

use std::collections::BTreeSet;
use std::process::ExitStatus;

use anyhow::{Context as _, Result, anyhow};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::cargo_runs::build_times::readers::{build_log, unit_graph};
use crate::cargo_runs::build_times::store::Store;
use crate::cargo_runs::build_times::{
    BuildRecord, BuildTimings, ReportError, Run, read_report, read_run,
};
use crate::cli::output;
use crate::selection::locked;
use xtask_impact::cargo_config::cargo_home;
use xtask_impact::error::Status;
use xtask_impact::files;
use xtask_impact::lock_file;
use xtask_impact::process;
use xtask_impact::process::Runner;
use xtask_impact::quote;
use xtask_impact::records::checkouts;
use xtask_impact::vcs::{Range, Repository};
use xtask_impact::workspace::{Package, Workspace};

/// What is measured, and what is known of it before.
pub struct MeasureRequest<'a> {
    /// Starts cargo where the user is.
    pub runner: &'a Runner,
    /// The workspace.
    pub workspace: &'a Workspace,
    /// Cargo's command and what it takes to make it build alone: `test`, `--no-run`.
    pub command: &'a [&'a str],
    /// Which workspace, and how it is resolved.
    pub forwarded: &'a [String],
    /// What the user forwards.
    pub arguments: &'a [String],
    /// Label, what is cleaned, series.
    pub run: Run,
}

/// Warns where another checkout builds in the workspace's directories: what is fresh there tells
/// nothing of this one.
///
/// # Errors
/// A build directory that cannot be listed, or has a layout that is not known.
pub fn warn_of_others(workspace: &Workspace) -> Result<()> {
    if let Some(note) = checkouts::note(&checkouts::sharing(workspace)?) {
        output::warning(note);
    }
    Ok(())
}

impl MeasureRequest<'_> {
    /// Runs cargo and reads what it measured, unless cargo left nothing or there was nothing to
    /// measure.
    ///
    /// # Errors
    /// Where cargo cannot be started, or its report cannot be read.
    fn measure(&self) -> Result<(ExitStatus, Option<BuildRecord>)> {
        let target =
            crate::cargo_runs::target_directory(self.runner, self.workspace, self.arguments);
        let directory = target.join("cargo-timings");
        let earlier = reports(&directory);
        let heard = self.build()?;
        let status = heard.status;
        // `cargo-timing.html` may be an older build's, where cargo had nothing to write; a report
        // of this build is one that was not there before, and that no other cargo wrote meanwhile.
        let mut new = &reports(&directory) - &earlier;
        if new.iter().any(|path| heard.names(path)) {
            new.retain(|path| heard.names(path));
        }
        let Some(report) = new.pop_last() else {
            let ended = match status.code() {
                Some(_) => "cargo wrote no timing report to",
                None => "cargo was killed before it wrote its timing report to",
            };
            output::warning(format_args!(
                "{ended} {directory}; there is nothing to sum up"
            ));
            return Ok((status, None));
        };
        let html = files::read_text(&report, files::LARGE)
            .with_context(|| format!("cannot read {}", quote::name(&report)))?;
        let record = match read_report(&html, &heard.messages) {
            Ok(build) => Some(self.record(&html, &report, build, heard.waited)?),
            Err(ReportError::NoUnits) => {
                output::note(ReportError::NoUnits);
                None
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot use {}", quote::name(&report)));
            }
        };
        Ok((status, record))
    }

    /// Measures a build so many times, and keeps each run; `clean` is called before each. Where
    /// one fails, that one is all there is to show.
    ///
    /// # Errors
    /// When cargo cannot be started, what it left cannot be read, or a record cannot be written.
    pub fn measure_series(
        &mut self,
        times: usize,
        clean: &dyn Fn() -> Result<()>,
        store: &Store,
    ) -> Result<(Status, Vec<BuildRecord>)> {
        if times > 1 {
            output::status("Building", "first, so that every run builds the same");
            let mut command = self.runner.cargo();
            command.args(self.command).args(self.build_arguments());
            let status = process::status(&mut command)?;
            if !status.success() {
                return Ok((crate::cargo_runs::forwarded(status), Vec::new()));
            }
        }
        let mut records: Vec<BuildRecord> = Vec::new();
        for number in 1..=times {
            if times > 1 {
                output::status("Measuring", format_args!("{number} of {times}"));
            }
            clean()?;
            let (status, record) = self.measure()?;
            let status = crate::cargo_runs::forwarded(status);
            let Some(mut record) = record else {
                return Ok((status, records));
            };
            if record.run.failed {
                record.run.series.clone_from(&record.run.id);
            }
            store.save(&record)?;
            if status != Status::Done {
                return Ok((status, vec![record]));
            }
            self.run.series.clone_from(&record.run.series);
            records.push(record);
        }
        Ok((Status::Done, records))
    }

    /// The arguments of a build, `--locked` among them.
    fn build_arguments(&self) -> Vec<String> {
        locked([self.forwarded, self.arguments].concat())
    }

    fn record(
        &self,
        html: &str,
        report: &Utf8Path,
        mut build: BuildTimings,
        waited: f64,
    ) -> Result<BuildRecord> {
        let id = run_id(report).unwrap_or_default().to_owned();
        match self.log(&id) {
            Some(log) => {
                build = BuildTimings {
                    concurrency: build.concurrency,
                    cpu: build.cpu,
                    error: build.error,
                    ..log
                };
            }
            None => self.tie(&mut build),
        }
        let commit = self.commit().unwrap_or_default();
        let run = Run {
            id,
            command: self.command[0].to_owned(),
            arguments: self.arguments.to_vec(),
            features: features(self.arguments),
            cargo: self.version(),
            waited_for_lock: waited,
            commit: commit.0,
            branch: commit.1,
            dirty: commit.2,
            label: self.run.label.clone(),
            clean: self.run.clean.clone(),
            series: self.run.series.clone(),
            ..read_run(html)
        };
        self.finish(run, build)
    }

    fn finish(&self, run: Run, mut build: BuildTimings) -> Result<BuildRecord> {
        for unit in &mut build.units {
            let package = self.package(&unit.name, &unit.version);
            unit.member = package.is_some_and(|package| package.member);
            unit.proc_macro |= unit.target == "lib" && package.is_some_and(Package::is_proc_macro);
        }
        BuildRecord::new(run, build).map_err(|error| anyhow!("cargo's report: {error}"))
    }

    /// What the user's own `-Zbuild-analysis` wrote of this run.
    fn log(&self, id: &str) -> Option<BuildTimings> {
        let log = cargo_home()?.join("log").join(format!("{id}.jsonl"));
        let text = files::read_text(log, files::LARGE).ok()?;
        let log = build_log::read(&text, &|name, version| self.is_proc_macro(name, version));
        Some(log.ok()?.1)
    }

    fn package(&self, name: &str, version: &str) -> Option<&Package> {
        // The packages are sorted by name, then version as text.
        let packages = &self.workspace.packages;
        let place = packages.binary_search_by(|it| (&*it.name, &*it.version).cmp(&(name, version)));
        Some(&packages[place.ok()?])
    }

    fn is_proc_macro(&self, name: &str, version: &str) -> bool {
        self.package(name, version)
            .is_some_and(Package::is_proc_macro)
    }

    /// Asks cargo which unit waits for which. The variable lets stable cargo tell. With it rustc
    /// tells more as well, which the user's own cargo must not find in the target directory.
    fn tie(&self, build: &mut BuildTimings) {
        let runner = self.runner.with_variable("RUSTC_BOOTSTRAP", "1");
        let runner = runner.with_variable("CARGO_CACHE_RUSTC_INFO", "0");
        let command = || {
            let mut command = runner.cargo();
            command
                .args(self.command)
                .args(["--unit-graph", "-Zunstable-options"])
                .args(self.forwarded)
                .args(self.arguments);
            command
        };
        let tied = lock_file::ask(&command).map_err(|error| error.to_string());
        let tied = tied.and_then(|(output, _)| match output.status.success() {
            true => unit_graph::join(build, &String::from_utf8_lossy(&output.stdout)),
            false => Err("cargo does not print its unit graph".to_owned()),
        });
        if let Err(why) = tied {
            output::note(format_args!(
                "which unit waits for which is known by the last one of each alone ({why}), so \
                 the critical path and `what-if` are guesses"
            ));
        }
    }

    /// Commit, branch, and whether the work tree differs; nothing where git cannot tell.
    fn commit(&self) -> Result<(Option<String>, Option<String>, Option<bool>)> {
        let Some(repository) = Repository::discover(self.runner, &self.workspace.root)? else {
            return Ok((None, None, None));
        };
        let Some(base) = repository.head().cloned() else {
            return Ok((None, None, None));
        };
        let commit = base.0.clone();
        let dirty = !repository.changes(&Range::WorkTree { base })?.is_empty();
        let mut git = self.runner.in_directory(&self.workspace.root).git();
        git.args(["symbolic-ref", "--quiet", "--short", "HEAD"]);
        let branch = process::output(&mut git)?;
        let branch = String::from_utf8_lossy(&branch.stdout).trim().to_owned();
        let branch = Some(branch).filter(|branch| !branch.is_empty());
        Ok((Some(commit), branch, Some(dirty)))
    }

    fn version(&self) -> String {
        let output = process::checked(self.runner.cargo().arg("--version")).unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    }
}

/// The reports in a directory, one a run; their names sort by time.
fn reports(directory: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    let Ok(entries) = directory.read_dir_utf8() else {
        return BTreeSet::new();
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.into_path()))
        .filter(|path| run_id(path).is_some() && path.extension() == Some("html"))
        .collect()
}

fn run_id(report: &Utf8Path) -> Option<&str> {
    report.file_stem()?.strip_prefix("cargo-timing-")
}

/// The arguments that choose features.
fn features(arguments: &[String]) -> Vec<String> {
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter().peekable();
    while let Some(argument) = arguments.next() {
        let takes_value = matches!(argument.as_str(), "--features" | "-F");
        let is_whole = [
            "--features=",
            "--all-features",
            "--no-default-features",
            "-F",
        ];
        if takes_value || is_whole.iter().any(|it| argument.starts_with(it)) {
            chosen.push(argument.clone());
            chosen.extend(takes_value.then(|| arguments.next().cloned()).flatten());
        }
    }
    chosen
}

#[cfg(test)]
mod tests;
