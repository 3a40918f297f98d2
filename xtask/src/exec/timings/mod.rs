//! Measuring a build: cargo is run with `--timings`, and what it left is read and tied together.

pub mod clean;
pub mod store;

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::process::ExitStatus;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use cargo_metadata::Message;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::process::{self, Runner};
use crate::render;
use crate::repo::git::{Range, Repository};
use crate::timings::import::{self, Imported};
use crate::timings::{
    BuildTimings, Header, Record, ReportError, Run, build_log, read_report, unit_graph,
};
use crate::usage;
use crate::workspace::Workspace;

/// What is measured, and what is known of it before.
pub struct Request<'a> {
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

/// What came of a measured build.
pub struct Measured {
    /// Cargo's own.
    pub status: ExitStatus,
    /// Its record, unless cargo left none or there was nothing to measure.
    pub record: Option<Record>,
    /// Cargo's page.
    pub report: Option<Utf8PathBuf>,
}

impl Request<'_> {
    /// Runs cargo and reads what it measured.
    ///
    /// # Errors
    /// Where cargo cannot be started, or its report cannot be read.
    pub fn measure(&self) -> Result<Measured> {
        let target = super::target_directory(self.runner, self.workspace, self.arguments);
        let directory = target.join("cargo-timings");
        let earlier = reports(&directory);
        let (status, messages, waited) = self.build()?;
        // `cargo-timing.html` may be an older build's, where cargo had nothing to write; a report
        // of this build is one that was not there before.
        let new = reports(&directory);
        let Some(report) = new.difference(&earlier).max().cloned() else {
            let ended = match status.code() {
                Some(_) => "cargo wrote no timing report to",
                None => "cargo was killed before it wrote its timing report to",
            };
            render::warning(format_args!(
                "{ended} {directory}; there is nothing to sum up"
            ));
            return Ok(Measured {
                status,
                record: None,
                report: None,
            });
        };
        let html =
            std::fs::read_to_string(&report).with_context(|| format!("cannot read {report}"))?;
        let record = match read_report(&html, &messages) {
            Ok(build) => Some(self.record(&html, &report, build, waited)?),
            Err(ReportError::NoUnits) => {
                render::note(ReportError::NoUnits);
                None
            }
            Err(error) => return Err(error).with_context(|| format!("cannot use {report}")),
        };
        Ok(Measured {
            status,
            record,
            report: Some(report),
        })
    }

    /// Builds without measuring, so that what is cleaned then is all that is built.
    ///
    /// # Errors
    /// Where cargo cannot be started.
    pub fn build_before(&self) -> Result<ExitStatus> {
        let mut command = self.runner.cargo();
        command
            .args(self.command)
            .args(self.forwarded)
            .args(self.arguments);
        process::status(&mut command)
    }

    fn record(
        &self,
        html: &str,
        report: &Utf8Path,
        mut build: BuildTimings,
        waited: f64,
    ) -> Result<Record> {
        let id = run_id(report).unwrap_or_default().to_owned();
        match self.log(&id) {
            Some(log) => {
                let (concurrency, cpu, error) = (build.concurrency, build.cpu, build.error);
                build = BuildTimings {
                    concurrency,
                    cpu,
                    error,
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
            ..import::of_header(Header::read(html))
        };
        self.finish(run, build)
    }

    fn finish(&self, run: Run, mut build: BuildTimings) -> Result<Record> {
        for unit in &mut build.units {
            let package = find(self.workspace, &unit.name, &unit.version);
            unit.member = package.is_some_and(|package| package.member);
            unit.proc_macro |= unit.target == "lib" && package.is_some_and(is_proc_macro);
        }
        Record::new(run, build).map_err(|error| anyhow!("cargo's report: {error}"))
    }

    /// What the user's own `-Zbuild-analysis` wrote of this run.
    fn log(&self, id: &str) -> Option<BuildTimings> {
        let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
        let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")))?;
        let text = std::fs::read_to_string(home.join("log").join(format!("{id}.jsonl"))).ok()?;
        let log = build_log::read(&text, &|name, version| {
            find(self.workspace, name, version).is_some_and(is_proc_macro)
        });
        Some(log.ok()?.build)
    }

    /// Asks cargo which unit waits for which. The variable lets stable cargo tell; no compiler
    /// runs that would see it.
    fn tie(&self, build: &mut BuildTimings) {
        let runner = self.runner.with_variable("RUSTC_BOOTSTRAP", "1");
        let mut command = runner.cargo();
        command
            .args(self.command)
            .args(["--unit-graph", "-Zunstable-options"])
            .args(self.forwarded)
            .args(self.arguments);
        let tied = process::output(&mut command).map_err(|error| error.to_string());
        let tied = tied.and_then(|output| match output.status.success() {
            true => unit_graph::join(build, &String::from_utf8_lossy(&output.stdout)),
            false => Err("cargo does not print its unit graph".to_owned()),
        });
        if let Err(why) = tied {
            render::note(format_args!(
                "which unit waits for which is known by the last one of each alone ({why}), so \
                 the critical path and `what-if` are guesses"
            ));
        }
    }

    /// Runs the build. How long it waited for other cargos is known by when it says so, and when
    /// it goes on.
    fn build(&self) -> Result<(ExitStatus, Vec<Message>, f64)> {
        let mut command = self.runner.cargo();
        command
            .args(self.command)
            .args(["--timings", "--message-format", "json-render-diagnostics"])
            .args(as_on_a_terminal(self.arguments))
            .args(self.forwarded)
            .args(self.arguments);
        let mut messages = Vec::new();
        let waiting = std::sync::Mutex::new(Waiting::default());
        let status = process::stream_both(
            &mut command,
            |line| {
                locked(&waiting).goes_on();
                match serde_json::from_str(line) {
                    Ok(message) => messages.push(message),
                    Err(_) => render::plain(line),
                }
            },
            |bytes| {
                locked(&waiting).hears(bytes);
                render::raw(bytes);
            },
        )?;
        let waited = locked(&waiting).total;
        Ok((status, messages, waited))
    }

    /// Commit, branch, and whether the work tree differs; nothing where git cannot tell.
    fn commit(&self) -> Result<(Option<String>, Option<String>, Option<bool>)> {
        let Some(repository) = Repository::discover(self.runner, &self.workspace.root)? else {
            return Ok((None, None, None));
        };
        let Some(base) = repository.head()? else {
            return Ok((None, None, None));
        };
        let commit = base.0.clone();
        let dirty = !repository.changes(&Range::WorkTree { base })?.is_empty();
        let runner = self.runner.in_directory(&self.workspace.root);
        let branch =
            process::output(
                runner
                    .git()
                    .args(["symbolic-ref", "--quiet", "--short", "HEAD"]),
            )?;
        let branch = String::from_utf8_lossy(&branch.stdout).trim().to_owned();
        let branch = Some(branch).filter(|branch| !branch.is_empty());
        Ok((Some(commit), branch, Some(dirty)))
    }

    fn version(&self) -> String {
        let output = process::checked(self.runner.cargo().arg("--version")).unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    }

    /// Reads records from a file.
    ///
    /// # Errors
    /// As for [`Request::import`].
    pub fn import_file(&self, file: &Utf8Path) -> Result<Vec<Record>> {
        let text = std::fs::read(file).map_err(|error| usage!("cannot read {file}: {error}"))?;
        let text = String::from_utf8_lossy(&text);
        self.import(&text, file.file_stem().unwrap_or_default(), file.as_str())
    }

    /// Reads records from files, directories of files, and standard input (`-`). Of a directory
    /// what cannot be used is left out with a warning.
    ///
    /// # Errors
    /// Where one that was named cannot be used.
    pub fn import_all(&self, named: &[Utf8PathBuf]) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for path in named {
            if path == "-" {
                let text = std::io::read_to_string(std::io::stdin());
                let text = text.context("cannot read standard input")?;
                records.extend(self.import(&text, "", "standard input")?);
            } else if path.is_dir() {
                for file in files(path)? {
                    match self.import_file(&file) {
                        Ok(found) => records.extend(found),
                        Err(error) => render::warning(format_args!("left out: {error}")),
                    }
                }
            } else {
                records.extend(self.import_file(path)?);
            }
        }
        Ok(records)
    }

    /// Reads records from a text: exported ones, a page or a log of cargo's.
    ///
    /// # Errors
    /// Where there is none in it.
    pub fn import(&self, text: &str, name: &str, file: &str) -> Result<Vec<Record>> {
        let imported = import::read(text, name, &|name, version| {
            find(self.workspace, name, version).is_some_and(is_proc_macro)
        });
        match imported.map_err(|error| usage!("cannot use {file}: {error}"))? {
            Imported::Records(records, damaged) => {
                for damage in damaged {
                    render::warning(format_args!("{file}: left out, {damage}"));
                }
                Ok(records)
            }
            Imported::Build(imported) => {
                let (mut run, mut build) = *imported;
                if build.order != crate::timings::Order::UnitGraph {
                    self.tie(&mut build);
                }
                if run.command.is_empty() {
                    run.command = self.command[0].to_owned();
                    run.arguments = self.arguments.to_vec();
                }
                run.label.clone_from(&self.run.label);
                Ok(vec![self.finish(run, build)?])
            }
        }
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

/// The files of a directory that may hold records, sorted.
fn files(directory: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let entries = directory.read_dir_utf8();
    let entries = entries.with_context(|| format!("cannot list {directory}"))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.into_path()));
    let mut files: Vec<_> = paths
        .filter(|path| matches!(path.extension(), Some("json" | "jsonl" | "html")))
        // A link to the newest report, and a page of the kit's own.
        .filter(|path| !matches!(path.file_name(), Some("cargo-timing.html" | "report.html")))
        .collect();
    files.sort();
    Ok(files)
}

fn run_id(report: &Utf8Path) -> Option<&str> {
    report.file_stem()?.strip_prefix("cargo-timing-")
}

fn find<'a>(
    workspace: &'a Workspace,
    name: &str,
    version: &str,
) -> Option<&'a crate::workspace::Package> {
    // The packages are sorted by name, then version as text.
    let packages = &workspace.packages;
    let place = packages.binary_search_by(|it| (&*it.name, &*it.version).cmp(&(name, version)));
    Some(&packages[place.ok()?])
}

fn is_proc_macro(package: &crate::workspace::Package) -> bool {
    package.library().is_some_and(|library| library.proc_macro)
}

/// The profile that cargo builds with these arguments.
pub fn profile(arguments: &[String]) -> String {
    let mut profile = "dev";
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        match argument {
            "--release" | "-r" => profile = "release",
            "--profile" => profile = arguments.next().unwrap_or(profile),
            _ => profile = argument.strip_prefix("--profile=").unwrap_or(profile),
        }
    }
    profile.to_owned()
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

/// Cargo sees a pipe where the user has a terminal: what it would do there is asked for, unless
/// the user has asked for something.
fn as_on_a_terminal(arguments: &[String]) -> Vec<String> {
    let is_set = |name: &str| std::env::var_os(name).is_some();
    let mut asked = Vec::new();
    if !std::io::stderr().is_terminal() {
        return asked;
    }
    let coloured = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let chosen = arguments.iter().any(|it| it.starts_with("--color"));
    if coloured && !chosen && !is_set("CARGO_TERM_COLOR") {
        asked.extend(["--color".to_owned(), "always".to_owned()]);
    }
    let quiet = arguments
        .iter()
        .any(|it| matches!(it.as_str(), "-q" | "--quiet"));
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if !quiet && !is_dumb && !is_set("CI") && !is_set("CARGO_TERM_PROGRESS_WHEN") {
        let width = std::env::var("COLUMNS")
            .ok()
            .and_then(|it| it.parse::<u16>().ok());
        let width = width.unwrap_or(80);
        let width = format!("term.progress.width={width}");
        for setting in ["term.progress.when=\"always\"".to_owned(), width] {
            asked.extend(["--config".to_owned(), setting]);
        }
    }
    asked
}

/// Measures how long cargo waits for locks, by what it says.
#[derive(Default)]
struct Waiting {
    since: Option<Instant>,
    total: f64,
    line: Vec<u8>,
}

impl Waiting {
    fn hears(&mut self, bytes: &[u8]) {
        self.goes_on();
        self.line.extend(bytes);
        let line = String::from_utf8_lossy(&self.line);
        let last = line.trim_end_matches('\n').rsplit(['\n', '\r']).next();
        // `Blocking waiting for file lock on build directory`
        if last.is_some_and(|last| last.contains("waiting for file lock on")) {
            self.since = Some(Instant::now());
        }
        let end = self.line.iter().rposition(|byte| *byte == b'\n');
        self.line.drain(..end.map_or(0, |end| end + 1));
    }

    fn goes_on(&mut self) {
        if let Some(since) = self.since.take() {
            self.total += since.elapsed().as_secs_f64();
        }
    }
}

fn locked<'a>(waiting: &'a std::sync::Mutex<Waiting>) -> std::sync::MutexGuard<'a, Waiting> {
    waiting
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
