//! Measures a build: runs cargo with `--timings`, reads cargo's report, and adds the order of the
//! units.

mod import;
mod watch;

use std::collections::BTreeSet;
use std::process::ExitStatus;

use anyhow::{Context as _, Result, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::Directories;
use xtask_impact::cargo_config::cargo_home;
use xtask_impact::process::Runner;
use xtask_impact::records::checkouts;
use xtask_impact::resolve_diff::unit_graph_json::UnitGraphJson;
use xtask_impact::vcs::{Range, Repository};
use xtask_impact::workspace::{Package, Workspace};
use xtask_impact::{files, lock_file, process, quote};

use crate::artifacts::disk_usage;
use crate::cargo_runs::build_times::readers::{build_log, unit_graph};
use crate::cargo_runs::build_times::store::Store;
use crate::cargo_runs::build_times::{
    BuildRecord, BuildTimings, ReportError, Run, read_report, read_run,
};
use crate::cli::output;
use crate::cli::status::Status;
use crate::compiler_cache::meter::{CacheMeter, SERVER};
use crate::selection::locked;
use crate::timings::measure::watch::MeasuredOutput;

/// A request to measure a build, and the facts that are known before the build.
pub struct MeasureRequest<'a> {
    /// Starts cargo in the user's directory.
    pub runner: &'a Runner,
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The cargo command, with the flags that make the command only build: `test`, `--no-run`.
    pub command: &'a [&'a str],
    /// The arguments that name the workspace and say how cargo resolves it.
    pub forwarded: &'a [String],
    /// The arguments that the user forwards to cargo.
    pub arguments: &'a [String],
    /// A run with the facts that are known before the build: label, cleaned units, series.
    pub run: Run,
}

/// Warns if another checkout builds in the workspace's directories: units that cargo calls fresh
/// may then come from the other checkout.
///
/// # Errors
/// Returns an error if a build directory cannot be listed or has an unknown layout.
pub fn warn_of_others(workspace: &Workspace) -> Result<()> {
    if let Some(note) = checkouts::note(&checkouts::sharing(workspace)?) {
        output::warning(note);
    }
    Ok(())
}

impl MeasureRequest<'_> {
    /// Runs cargo and reads its report. The record is `None` if cargo wrote no report or if there
    /// was nothing to measure.
    ///
    /// # Errors
    /// Returns an error if cargo cannot be started, or if the report cannot be read.
    fn measure(&self) -> Result<(ExitStatus, Option<BuildRecord>)> {
        let target =
            crate::cargo_runs::target_directory(self.runner, self.workspace, self.arguments);
        let directory = target.join("cargo-timings");
        let earlier = reports(&directory);
        let cache = CacheMeter::start(self.runner);
        let output = self.build(cache.as_ref().map(|_| SERVER))?;
        let cache = cache.and_then(CacheMeter::end);
        let status = output.status;
        // `cargo-timing.html` may belong to an older build, if cargo had nothing to write. The
        // report of this build did not exist before, and was not written by another cargo at the
        // same time.
        let mut new = &reports(&directory) - &earlier;
        if new.iter().any(|path| output.names(path)) {
            new.retain(|path| output.names(path));
        }
        let Some(report) = new.pop_last() else {
            let ended = match status.code() {
                Some(_) => "cargo wrote no timing report to",
                None => "cargo was killed before it wrote its timing report to",
            };
            output::warning(format_args!(
                "{ended} {directory}, so there is no record of this build"
            ));
            return Ok((status, None));
        };
        let html = files::read_text(&report, files::LARGE)
            .with_context(|| format!("cannot read {}", quote::name(&report)))?;
        let record = match read_report(&html, &output.messages) {
            Ok(build) => {
                let mut record = self.record(&html, &report, build, &output)?;
                record.run.directory_bytes = self.directory_bytes(target);
                record.run.cache = cache;
                Some(record)
            }
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

    /// Measures a build several times and stores each run. `clean` is called before each run. If a
    /// run fails, only the failed run is returned.
    ///
    /// # Errors
    /// Returns an error if cargo cannot be started, if its report cannot be read, or if a record
    /// cannot be written.
    pub fn measure_series(
        &mut self,
        times: usize,
        clean: &dyn Fn() -> Result<()>,
        store: &Store,
    ) -> Result<(Status, Vec<BuildRecord>)> {
        if times > 1 {
            output::status("Building", "first, so that every run builds the same units");
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

    /// Returns the size of the build and the target directory. `target` is the directory in which
    /// the build put final artifacts.
    fn directory_bytes(&self, target: Utf8PathBuf) -> Option<u64> {
        let mut directories = self.workspace.directories();
        if target != directories.target {
            directories = Directories {
                build: target.clone(),
                target,
            };
        }
        disk_usage::total(&directories).ok()
    }

    /// Returns the arguments of a build, including `--locked`.
    fn build_arguments(&self) -> Vec<String> {
        locked([self.forwarded, self.arguments].concat())
    }

    fn record(
        &self,
        html: &str,
        report: &Utf8Path,
        mut build: BuildTimings,
        output: &MeasuredOutput,
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
            None => self.add_unit_order(&mut build),
        }
        let commit = self.commit().unwrap_or_default();
        let run = Run {
            id,
            command: self.command[0].to_owned(),
            arguments: self.arguments.to_vec(),
            features: features(self.arguments),
            cargo: self.version(),
            waited_for_lock: output.waited,
            machine: Some(output.machine.clone()),
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

    /// Reads the log of this run, which the user's own `-Zbuild-analysis` wrote.
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

    /// Adds the order of the units, which cargo prints with `--unit-graph`. `RUSTC_BOOTSTRAP`
    /// allows this flag on stable cargo. With this variable, rustc also reports more about itself.
    /// `CARGO_CACHE_RUSTC_INFO=0` keeps cargo from writing this information to the target
    /// directory, where the user's own cargo would read it.
    fn add_unit_order(&self, build: &mut BuildTimings) {
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
        let order = lock_file::ask(&command).map_err(|error| error.to_string());
        let order = order.and_then(|(output, _)| match output.status.success() {
            true => {
                let graph = UnitGraphJson::read(&output.stdout);
                unit_graph::join(build, &graph.map_err(|error| format!("{error:#}"))?)
            }
            false => Err("cargo does not print its unit graph".to_owned()),
        });
        if let Err(why) = order {
            output::note(format_args!(
                "only the last dependency of each unit is known ({why}), so the critical path and \
                 `what-if` are estimates"
            ));
        }
    }

    /// Returns the commit, the branch, and true if the work tree differs; `None` for facts that git
    /// does not know.
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

/// Returns the report files in a directory, one for each run. Their names sort by time.
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

/// Returns the arguments that choose features.
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
