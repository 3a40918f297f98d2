//! The command `clean-affected`: removes the artifacts of the units that a change affects.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use camino::Utf8Path;
use xtask_impact::process::Runner;
use xtask_impact::query::{Answer, Query};
use xtask_impact::unit_graph::Verb;
use xtask_impact::{build_dir, quote};

use crate::artifacts::apply::{CleanOptions, clean};
use crate::artifacts::plan::{CleanPlan, CleanScope, CleanSelection, Removal};
use crate::artifacts::text;
use crate::artifacts::verify::Verification;
use crate::cargo_runs;
use crate::cargo_runs::built::BuildOutcome;
use crate::cargo_runs::full_build;
use crate::cli::args::JobsArg;
use crate::cli::output::verdict;
use crate::cli::status::Status;
use crate::cli::{output, progress, workspaces};
use crate::selection::filter::PackageFilter;
use crate::selection::locked;
use crate::selection::question_args::QuestionArgs;

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask clean-affected --dry-run              every path that would be removed
  cargo xtask clean-affected --assume-changed fares  a package whose artifacts you do not trust
  cargo xtask clean-affected --orphans              also artifacts that nothing builds any more
  cargo xtask clean-affected --verify               build before and after, and compare";

/// Arguments of `clean-affected`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// List the paths that would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Exit with 1 if there are artifacts to remove, and remove nothing
    #[arg(long, hide_short_help = true)]
    check: bool,
    /// Remove all artifacts of the affected packages, including the records of their documentation
    #[arg(long, hide_short_help = true, conflicts_with = "only_changed")]
    whole_package: bool,
    /// Remove only the units that the change touches directly; cargo rebuilds their dependents
    #[arg(long, hide_short_help = true)]
    only_changed: bool,
    /// Also remove documentation
    #[arg(long, hide_short_help = true)]
    doc: bool,
    /// Also remove what the workspace no longer has
    ///
    /// Removes artifacts of packages, versions and targets that the workspace no longer has.
    #[arg(long)]
    orphans: bool,
    /// Also clean the other build directories of the workspace (editor, coverage tool)
    #[arg(long, hide_short_help = true)]
    all_target_dirs: bool,
    /// Also remove the artifacts of the running xtask
    #[arg(long, hide_short_help = true)]
    include_running: bool,
    /// Keep compiled artifacts and incremental caches; remove only the records of builds
    #[arg(long, hide_short_help = true)]
    keep_incremental: bool,
    /// Clean a build directory that another checkout also uses
    #[arg(long, hide_short_help = true)]
    allow_shared: bool,
    /// Fail if a build is running, instead of waiting until it ends
    #[arg(long, hide_short_help = true)]
    no_wait: bool,
    /// Build before and after, and compare with the prediction
    ///
    /// Builds, cleans, builds again, and compares what cargo rebuilt with the prediction.
    #[arg(long, conflicts_with_all = ["dry_run", "check"])]
    verify: bool,
    /// Print the plan in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    filter: PackageFilter,
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    jobs: JobsArg,
    /// Clean every workspace of the repository
    #[arg(long, hide_short_help = true, conflicts_with = "manifest_path")]
    all_workspaces: bool,
    /// Pass these arguments to the builds of --verify
    #[arg(last = true, value_name = "CARGO ARGS", requires = "verify", help_heading = None::<&str>)]
    cargo_args: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// Print text for people: files, bytes and reason per profile directory and package
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
}

pub(crate) fn run(args: &Args) -> Result<Status> {
    let all = args.all_workspaces;
    let questions = args.question.each(all, &args.filter.named())?;
    let mut plans = Vec::new();
    let status = workspaces::each(questions, |name, question| {
        let root = question.workspace.root.clone();
        let (status, plan) = clean_one(args, name, question)?;
        plans.push(text::Rooted {
            workspace_root: root,
            plan,
        });
        Ok(status)
    });
    if all && args.format == Format::Json {
        output::json(&output::Reports::new(plans))?;
    }
    status
}

/// Cleans one workspace. `name` is set if the command handles all workspaces of the repository.
fn clean_one(args: &Args, name: Option<&str>, mut question: Query) -> Result<(Status, CleanPlan)> {
    // cargo starts in the workspace's root, so that cargo reads the configuration that applies
    // there.
    let runner = question.runner.in_directory(&question.workspace.root);
    let left_out = args.filter.left_out(&question.workspace, name.is_some())?;
    let options = CleanSelection {
        left_out: left_out.all(),
        ..args.options(&runner)?
    };
    let arguments = args.build_arguments(question.verb, &question.workspace.root);
    let mut before = None;
    if args.verify {
        // A build may write source files, so nothing is read before the build.
        question.prefetch = None;
        question.workspace.lock_file.check()?;
        // The artifacts must exist before the clean. Otherwise a later build of them proves
        // nothing.
        output::status("Building", "first, so that there are artifacts to remove");
        let failed = "this workspace does not build, so nothing was removed";
        let (built, took) = build(&runner, &arguments, failed)?;
        let target = &question.workspace.target_directory;
        let last = full_build::note(target, &arguments, &built, took);
        before = Some((built, last));
    }
    let answer = progress::during("Finding", "what is affected", || question.answer())?;
    for note in &answer.notes {
        output::note_once(name, note);
    }
    let how = CleanOptions {
        only_plan: args.dry_run || args.check,
        wait: !args.no_wait,
        all_target_dirs: args.all_target_dirs,
        orphans: args.orphans,
        allow_shared: args.allow_shared,
    };
    let plan = clean(&answer, &options, how)?;
    match (args.format, name) {
        (Format::Text, _) => {
            let text = text::plan(&plan, how.only_plan);
            let heading = (!text.is_empty()).then(|| output::heading(name));
            output::data(&(heading.unwrap_or_default() + &text))?;
        }
        (Format::Json, None) => output::json(&plan)?,
        (Format::Json, Some(_)) => {}
    }
    let is_empty = plan.removals().next().is_none();
    for message in nothing_to_remove(args, &answer, &plan) {
        output::note(output::of(name, message));
    }
    if let Some((before, last)) = before {
        output::status("Building", "again, to compare with the prediction");
        let (after, took) = build(&runner, &arguments, "the build after cleaning failed")?;
        let verification = Verification::new(&answer, &plan, &before, &after);
        output::data(&text::verification(&verification, took, last))?;
        if !verification.missed.is_empty() {
            return Ok((Status::Found, plan));
        }
    }
    Ok((verdict(args.check && !is_empty), plan))
}

/// Returns the messages for the user if nothing is affected, nothing is built, or nothing is an
/// orphan.
fn nothing_to_remove(args: &Args, answer: &Answer, plan: &CleanPlan) -> Vec<String> {
    let directory = &answer.workspace.build_directory;
    let (orphans, affected): (Vec<&Removal>, Vec<_>) =
        plan.removals().partition(|it| it.is_orphan());
    let mut messages = Vec::new();
    if answer.affected.is_empty() {
        messages.push(format!(
            "nothing is affected ({})",
            quote::line(&answer.compared)
        ));
    } else if affected.is_empty() {
        messages.push(format!("no artifacts to remove in {directory}"));
    }
    if args.orphans && orphans.is_empty() {
        messages.push(format!("no orphans to remove in {directory}"));
    }
    messages
}

impl Args {
    /// Returns the arguments of the verification builds: the verb, the arguments of the query that
    /// cargo takes too, and the arguments after `--`.
    fn build_arguments(&self, verb: Verb, root: &Utf8Path) -> Vec<String> {
        let verb = verb.cargo_args().iter().map(|&it| it.to_owned());
        let mut arguments: Vec<_> = verb.chain(self.question.forwarded_to(root)).collect();
        arguments.extend(self.jobs.forwarded());
        arguments.extend(self.cargo_args.iter().cloned());
        locked(arguments)
    }

    fn options(&self, runner: &Runner) -> Result<CleanSelection> {
        let directory = self.question.profile().map(build_dir::directory_of);
        Ok(CleanSelection {
            scope: match (self.whole_package, self.only_changed) {
                (true, _) => CleanScope::Packages,
                (_, true) => CleanScope::Changed,
                _ => CleanScope::Affected,
            },
            directory: directory.map(str::to_owned),
            triples: self.question.triples(runner)?,
            documentation: self.doc,
            keep_incremental: self.keep_incremental,
            running_too: self.include_running,
            ..CleanSelection::default()
        })
    }
}

/// Runs cargo and returns the build's outcome and duration. `failed` is the error message for a
/// failed build.
fn build(runner: &Runner, arguments: &[String], failed: &str) -> Result<(BuildOutcome, Duration)> {
    let mut command = runner.cargo();
    command.args(arguments);
    let start = Instant::now();
    let (messages, said, status) = cargo_runs::observe(&mut command)?;
    if !status.success() {
        output::plain(said.trim_end());
        bail!("{failed}; see the output of cargo above");
    }
    Ok((BuildOutcome::new(&messages, Some(&said)), start.elapsed()))
}
