//! `audit`: replays the history of the repository and compares every answer with cargo.

pub(crate) mod comparison;
pub(crate) mod replay;
pub(crate) mod text;

use std::collections::HashSet;
use std::fs::create_dir_all;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::private_dir::TemporaryDir;
use xtask_impact::query::Query;
use xtask_impact::vcs::Repository;
use xtask_impact::{files, quote, usage};

use crate::audit::comparison::{Comparison, ReplayOutcome, ReplayedCommit};
use crate::audit::replay::Replay;
use crate::cargo_runs;
use crate::cargo_runs::built::BuildOutcome;
use crate::cli::args::JobsArg;
use crate::cli::output::verdict;
use crate::cli::status::Status;
use crate::cli::{output, progress};
use crate::selection::filter::PackageFilter;
use crate::selection::question_args::QuestionArgs;

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask audit --commits 20                    replay the last 20 commits
  cargo xtask audit --against build.json --since HEAD~1    compare with a finished build";

/// Arguments of `audit`. Of the change set, a replay uses only `--head`: the newest commit to
/// replay.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Replay this many commits, the oldest first
    #[arg(long, value_name = "N", default_value_t = 10)]
    commits: usize,
    /// Compare with the JSON messages of a build that you already did, and replay nothing
    ///
    /// Build the older side first, then the newer side; pass the messages of the second build.
    #[arg(long, value_name = "MESSAGES", conflicts_with_all = ["commits", "scratch"])]
    against: Option<Utf8PathBuf>,
    /// Create the clone and its target directory here; they are removed at the end [default: the
    /// system's directory for temporary files]
    #[arg(long, value_name = "DIR")]
    scratch: Option<Utf8PathBuf>,
    /// Print the result in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    filter: PackageFilter,
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    jobs: JobsArg,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// Print text for people: one line per commit and per difference
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
}

pub(crate) fn run(args: &Args) -> Result<Status> {
    if args.against.is_none() {
        refuse_change_set(&args.question.given())?;
        if args.question.names_target_dir() {
            return Err(usage!(
                "--target-dir has no effect on a replay, which builds in its own directory\nhint: \
                 --scratch DIR chooses the place of this directory"
            ));
        }
    }
    let question = args.question.resolve()?;
    match &args.against {
        Some(messages) => hold_against(args, question, messages),
        None => replay(args, &question),
    }
}

/// Refuses the flags of the change set that a replay does not use.
fn refuse_change_set(given: &[&str]) -> Result<()> {
    match given.iter().find(|it| **it != "--head") {
        None => Ok(()),
        Some(flag) => Err(usage!(
            "{flag} cannot be used for a replay, which takes the change of each commit\nhint: \
             choose commits with --head and --commits, or compare one build with --against"
        )),
    }
}

fn hold_against(args: &Args, question: Query, file: &Utf8Path) -> Result<Status> {
    let messages = cargo_runs::read_messages(&*files::read_named(file)?)?;
    let answer = progress::during("Finding", "what is affected", || question.answer())?;
    let built = BuildOutcome::new(&messages, None);
    let ids: HashSet<&str> = answer.workspace.packages.iter().map(|it| &*it.id).collect();
    if !built.named.iter().any(|unit| ids.contains(&*unit.package)) {
        return Err(usage!(
            "the messages contain no package of {}\nhint: build this checkout with \
             --message-format json",
            answer.workspace.root
        ));
    }
    let left_out = args.filter.left_out(&answer.workspace, false)?;
    let comparison = Comparison::new(&answer, &built, &left_out);
    match args.format {
        Format::Text => output::data(&text::comparison(&comparison))?,
        Format::Json => output::json(&comparison)?,
    }
    Ok(verdict(!comparison.missed.is_empty()))
}

fn replay(args: &Args, question: &Query) -> Result<Status> {
    let root = &question.workspace.root;
    let repository = Repository::discover(&question.runner, root)?.ok_or_else(|| {
        usage!(
            "{} is not in a git repository, so there is no history to replay",
            quote::name(&root)
        )
    })?;
    if repository.head().is_none() {
        return Err(usage!("this repository has no commit yet"));
    }
    let head = args.question.head().unwrap_or("HEAD");
    let history = repository.history(&repository.commit(head)?, args.commits)?;
    let Some((first, commits)) = history
        .split_first()
        .filter(|(_, commits)| !commits.is_empty())
    else {
        return Err(usage!(
            "the commit {} has no parent to compare with",
            quote::name(&head)
        ));
    };
    let scratch = match &args.scratch {
        Some(scratch) => {
            create_dir_all(scratch)
                .with_context(|| format!("cannot create {}", quote::name(&scratch)))?;
            TemporaryDir::inside(&scratch.canonicalize_utf8()?)?
        }
        None => TemporaryDir::outside(repository.top_level())?,
    };
    // Refuses a package that the workspace does not have.
    args.filter.left_out(&question.workspace, false)?;
    let replay = Replay::new(question, &repository, scratch, args.jobs.forwarded())?;
    output::status(
        "Building",
        format_args!("{}, the base of the first commit", first.0),
    );
    let mut failure = replay.start(first)?;
    let mut parent = first;
    let mut steps: Vec<ReplayedCommit> = Vec::new();
    for commit in commits {
        let step = replay.step(parent, commit, failure.as_ref(), &args.filter)?;
        failure = match &step.outcome {
            ReplayOutcome::Compared(_) => None,
            ReplayOutcome::DoesNotBuild(failed) if failed.commit == *commit => Some(failed.clone()),
            ReplayOutcome::DoesNotBuild(_) => None,
        };
        if args.format == Format::Text {
            output::data(&text::step(&step))?;
        }
        steps.push(step);
        parent = commit;
    }
    match args.format {
        Format::Text => output::data(&text::summary(&steps))?,
        Format::Json => output::json(&text::json(&steps))?,
    }
    let misses = |step: &ReplayedCommit| match &step.outcome {
        ReplayOutcome::Compared(comparison) => !comparison.missed.is_empty(),
        ReplayOutcome::DoesNotBuild(_) => false,
    };
    let is_compared = |step: &ReplayedCommit| matches!(step.outcome, ReplayOutcome::Compared(_));
    if !steps.iter().any(is_compared) {
        return Ok(Status::Failed);
    }
    Ok(verdict(steps.iter().any(misses)))
}
