//! `rebuilds`: shows what cargo built, or would build, and why.

mod compilers;
mod explain;
mod history;
mod invocation;
mod limit;
mod records;
mod rehearsal;
pub(crate) mod report;
mod text;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use camino::Utf8PathBuf;
use explain::cause::{CauseKind, RootCause};
use explain::{ExplainedUnit, Explainer};
use history::{History, RebuildRun};
use invocation::Invocation;
use records::Records;
use rehearsal::{Rehearsal, RehearsedBuild};
use report::{BuildFacts, RebuildReport};
use xtask_impact::process::Runner;
use xtask_impact::workspace::Workspace;
use xtask_impact::{quote, usage};

use crate::cargo_runs;
use crate::cargo_runs::rehearsal::RecordKey;
use crate::cli::args::{JobsArg, WorkspaceArgs};
use crate::cli::status::Status;
use crate::cli::{output, progress};
use crate::selection::filter::{PackageFilter, ShownPackages};

/// Arguments of `rebuilds`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  cargo xtask rebuilds -- test --workspace
  cargo xtask rebuilds --predict -- check
  cargo xtask rebuilds --last --format markdown")]
pub struct Args {
    /// Show what the command would rebuild, and build nothing
    #[arg(long, conflicts_with = "last")]
    predict: bool,
    /// Print the report of the last run again
    #[arg(long)]
    last: bool,
    /// Print the report in this format
    #[arg(long, value_enum, default_value_t)]
    format: RebuildsFormat,
    #[command(flatten)]
    filter: PackageFilter,
    #[command(flatten)]
    workspace: WorkspaceArgs,
    #[command(flatten)]
    jobs: JobsArg,
    /// Run this cargo command [default: check]
    #[arg(last = true, value_name = "CARGO ARGS", help_heading = None::<&str>)]
    cargo_args: Vec<String>,
}

/// The formats of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum RebuildsFormat {
    /// Print text for people
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
    /// Print Markdown, for example for the summary of a CI job
    Markdown,
}

/// Runs the command.
///
/// # Errors
/// Returns an error if the command is not known, or if cargo, git or the disk fails.
pub(crate) fn run(args: &Args) -> Result<Status> {
    let invocation = Invocation::parse(&args.cargo_args)?;
    let (runner, workspace) = args.workspace.load()?;
    let build = Build::new(args, &invocation, &runner, &workspace)?;
    if args.last {
        if !args.cargo_args.is_empty() {
            return Err(usage!(
                "--last prints the last report again and runs nothing, so it takes no cargo \
                 command\nhint: leave out `-- {}`",
                args.cargo_args.join(" ")
            ));
        }
        return build.last();
    }
    match args.predict {
        true => build.predict(),
        false => build.run(),
    }
}

/// A build that is run or predicted.
struct Build<'a> {
    format: RebuildsFormat,
    /// The packages that the report shows.
    reported: ShownPackages,
    rehearsed: RehearsedBuild<'a>,
    forwarded: Vec<String>,
    history: History,
    /// The file of the history, if the file cannot be read.
    damaged: Option<Utf8PathBuf>,
}

impl<'a> Build<'a> {
    fn new(
        args: &Args,
        invocation: &'a Invocation,
        runner: &'a Runner,
        workspace: &'a Workspace,
    ) -> Result<Self> {
        let target = cargo_runs::target_directory(runner, workspace, &invocation.arguments);
        let is_moved = target != workspace.target_directory;
        let is_split = workspace.build_directory != workspace.target_directory;
        let build_directory: Utf8PathBuf = match is_moved && !is_split {
            true => target.clone(),
            false => workspace.build_directory.clone(),
        };
        let mut forwarded = args.workspace.forwarded_with_manifest();
        forwarded.extend(args.jobs.forwarded());
        let (history, damaged) = History::read(workspace, &target);
        Ok(Self {
            format: args.format,
            reported: args.filter.shown(workspace)?,
            history,
            damaged,
            rehearsed: RehearsedBuild {
                runner,
                workspace,
                invocation,
                forwarded: forwarded.clone(),
                build_directory,
                target_directory: target,
                is_followed: !args.predict,
            },
            forwarded,
        })
    }

    /// Prints the report of the last run.
    fn last(&self) -> Result<Status> {
        if let Some(damaged) = &self.damaged {
            bail!(
                "cannot read the record of the last run in {}: the file is damaged, or another \
                 version of the kit wrote it\nhint: run `cargo xtask rebuilds`, which writes a new \
                 record",
                quote::name(damaged)
            );
        }
        let report = self
            .history
            .report()
            .and_then(|it| serde_json::from_str(it).ok());
        let report: RebuildReport = report.ok_or_else(|| {
            usage!(
                "no run of `rebuilds` is recorded in {}\nhint: run `cargo xtask rebuilds` first",
                quote::name(&self.rehearsed.target_directory)
            )
        })?;
        self.emit(&report)?;
        Ok(Status::Done)
    }

    /// Says that values of earlier runs are missing, if their record cannot be read.
    fn note_damage(&self) {
        if let Some(damaged) = &self.damaged {
            output::note(format_args!(
                "cannot read the record of the last runs in {}, so old values of settings may be \
                 missing; the next run of `rebuilds` writes a new record",
                quote::name(damaged)
            ));
        }
    }

    /// Prints what the command would rebuild.
    fn predict(&self) -> Result<Status> {
        self.note_damage();
        let rehearse = || self.rehearsed.run(&|_| true);
        let rehearsal = progress::during("Asking", "cargo what it would build", rehearse)?;
        let variables = history::variables(self.rehearsed.runner, &rehearsal.before);
        let explained = self.explain(&rehearsal)?;
        let fresh = rehearsal.units.len() - explained.len();
        let timed: Vec<_> = explained
            .into_iter()
            .map(|unit| {
                let earlier = unit.sibling.as_ref();
                let record = earlier.and_then(|it| rehearsal.before.get(it));
                let time = record.and_then(|it| it.duration());
                (unit, time.map(|it| it.as_secs_f64()))
            })
            .collect();
        let facts = BuildFacts {
            command: self.shown(),
            predicted: true,
            exit_status: None,
            fresh,
            not_reached: 0,
        };
        let workspace = self.rehearsed.workspace;
        let report = RebuildReport::new(facts, &timed, workspace, &self.history, &variables);
        self.emit(&report)?;
        Ok(Status::Done)
    }

    /// Runs the command, and prints what was rebuilt.
    fn run(mut self) -> Result<Status> {
        self.note_damage();
        let rehearse = || self.rehearsed.run(&|key| self.history.flags(key).is_some());
        let rehearsal = progress::during("Asking", "cargo what it will build", rehearse);
        // The build overwrites the records that the explanation reads.
        let rehearsed = rehearsal.and_then(|it| Ok((self.explain(&it)?, it)));
        let mut command = self.command();
        output::status("Running", xtask_impact::process::shown(&command));
        let time = SystemTime::now();
        let status = cargo_runs::interruptible(&mut command)?;
        let (explained, rehearsal) = match rehearsed {
            Ok(rehearsed) => rehearsed,
            Err(error) if status == Status::Done => return Err(error),
            // Cargo has printed the same error.
            Err(_) => return Ok(status),
        };
        let after = Records::read(&self.rehearsed.profiles(&self.rehearsed.build_directory)?)?;
        let variables = history::variables(self.rehearsed.runner, &rehearsal.before);
        let unforeseen = match self.rehearsed.invocation.is_fix() {
            true => CauseKind::Forced,
            false => CauseKind::ChangedMeanwhile,
        };
        let (timed, fresh, not_reached) = built(&rehearsal, explained, &after, unforeseen);
        let facts = BuildFacts {
            command: self.shown(),
            predicted: false,
            exit_status: exit_status(status),
            fresh,
            not_reached,
        };
        let workspace = self.rehearsed.workspace;
        let report = RebuildReport::new(facts, &timed, workspace, &self.history, &variables);
        self.keep(time, &report, &rehearsal, &after, variables)?;
        self.emit(&report)?;
        Ok(status)
    }

    fn command(&self) -> Command {
        let mut command = self.rehearsed.runner.cargo();
        command.args(self.rehearsed.invocation.words(&self.forwarded));
        if self.format != RebuildsFormat::Text {
            // Only the report goes to standard output.
            command.stdout(std::io::stderr());
        }
        command
    }

    fn shown(&self) -> String {
        let words = self.rehearsed.invocation.words(&self.forwarded);
        format!("cargo {}", words.join(" "))
    }

    fn explain(&self, rehearsal: &Rehearsal) -> Result<Vec<ExplainedUnit>> {
        let build_directory = self.rehearsed.build_directory.clone();
        let profiles = self.rehearsed.profiles(&build_directory)?;
        let mut compilers =
            compilers::versions(&profiles, &rehearsal.before, self.history.compilers());
        compilers.extend(self.present_compiler(rehearsal));
        let explainer = Explainer {
            rehearsal,
            workspace: self.rehearsed.workspace,
            build_directory,
            profiles,
            history: &self.history,
            compilers,
            is_clippy: self.rehearsed.invocation.is_clippy(),
            runner: self.rehearsed.runner,
            committed: OnceCell::new(),
        };
        Ok(explainer.explain())
    }

    /// Returns the number and the version of the compiler that the build uses, if all units of the
    /// rehearsal agree.
    fn present_compiler(&self, rehearsal: &Rehearsal) -> Option<(u64, String)> {
        let records = rehearsal
            .units
            .iter()
            .filter_map(|it| rehearsal.after.get(&it.key));
        let numbers: BTreeSet<u64> = records
            .map(|it| it.values.rustc)
            .filter(|it| *it != 0)
            .collect();
        let [number] = numbers.into_iter().collect::<Vec<_>>()[..] else {
            return None;
        };
        Some((number, rehearsal.compiler.clone()?))
    }

    fn keep(
        &mut self,
        time: SystemTime,
        report: &RebuildReport,
        rehearsal: &Rehearsal,
        after: &Records,
        variables: BTreeMap<String, String>,
    ) -> Result<()> {
        let profiles = self.rehearsed.profiles(&self.rehearsed.build_directory)?;
        let run = RebuildRun {
            time,
            command: report.command.clone(),
            variables,
        };
        let mut compilers = compilers::versions(&profiles, after, self.history.compilers());
        compilers.extend(self.present_compiler(rehearsal));
        self.history.add(run, rehearsal, after, compilers);
        let json = serde_json::to_string(report).context("cannot write JSON")?;
        self.history.keep_report(json);
        let rehearsed = &self.rehearsed;
        self.history
            .write(rehearsed.workspace, &rehearsed.target_directory);
        Ok(())
    }

    fn emit(&self, report: &RebuildReport) -> Result<()> {
        let report = &report.limited(&self.reported);
        match self.format {
            RebuildsFormat::Text => output::advice(&text::text(report)),
            RebuildsFormat::Json => output::json(report),
            RebuildsFormat::Markdown => output::advice(&text::markdown(report)),
        }
    }
}

fn exit_status(status: Status) -> Option<i32> {
    match status {
        Status::Done => Some(0),
        Status::Forwarded(code) => Some(i32::from(code)),
        Status::Found | Status::Usage | Status::Failed => None,
    }
}

/// Returns the units that cargo built, each with its time, the number of fresh units, and the
/// number of units that cargo did not reach. `unforeseen` is the cause of a unit that the rehearsal
/// called fresh.
fn built(
    rehearsal: &Rehearsal,
    explained: Vec<ExplainedUnit>,
    after: &Records,
    unforeseen: CauseKind,
) -> (Vec<(ExplainedUnit, Option<f64>)>, usize, usize) {
    let is_built = |key: &RecordKey| {
        let record = after.get(key).filter(|it| it.value.is_some())?;
        let before = rehearsal.before.get(key);
        let is_other = before.is_none_or(|it| it.value.is_none() || it.finished != record.finished);
        is_other.then_some(record)
    };
    let (mut timed, mut not_reached) = (Vec::new(), 0);
    let mut seen = BTreeSet::new();
    for unit in explained {
        seen.insert(unit.key.clone());
        match is_built(&unit.key) {
            Some(record) => {
                let time = record.duration().map(|it| it.as_secs_f64());
                timed.push((unit, time));
            }
            None => not_reached += 1,
        }
    }
    let mut fresh = 0;
    for unit in &rehearsal.units {
        if seen.contains(&unit.key) {
            continue;
        }
        let Some(record) = is_built(&unit.key) else {
            fresh += 1;
            continue;
        };
        let cause = RootCause::of(unforeseen);
        let unit = ExplainedUnit {
            key: unit.key.clone(),
            package: unit.package.clone(),
            mode: "build",
            is_new: false,
            own: BTreeSet::from([cause.clone()]),
            causes: BTreeSet::from([cause]),
            sibling: None,
            former: None,
        };
        timed.push((unit, record.duration().map(|it| it.as_secs_f64())));
    }
    (timed, fresh, not_reached)
}
