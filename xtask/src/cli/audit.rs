//! `audit`: replay the repository's own history and hold every answer against cargo.

use std::collections::HashSet;
use std::fs::create_dir_all;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::args::QuestionArgs;
use super::verdict;
use crate::audit::{Comparison, Outcome, Step};
use crate::built::Built;
use crate::error::Status;
use crate::exec;
use crate::exec::replay::Replay;
use crate::private_dir::TemporaryDir;
use crate::question::Question;
use crate::quote;
use crate::render;
use crate::repo::files;
use crate::repo::git::Repository;
use crate::usage;

/// Arguments of `audit`. Of the change set a replay takes `--head` alone: the newest commit.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many commits to replay, the newest last
    #[arg(long, value_name = "N", default_value_t = 10)]
    commits: usize,
    /// Replay nothing, but hold the answer against the JSON messages of a build that was done
    /// anyway, of the newer side over a built base
    #[arg(long, value_name = "MESSAGES", conflicts_with_all = ["commits", "scratch"])]
    against: Option<Utf8PathBuf>,
    /// Where to put the clone and its target directory, which are removed at the end
    /// [default: the system's directory for temporary files]
    #[arg(long, value_name = "DIR")]
    scratch: Option<Utf8PathBuf>,
    /// How to show the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    question: QuestionArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// A line a commit, and one for each difference
    #[default]
    Text,
    /// For programs; see the documentation of the JSON
    Json,
}

pub(super) fn run(args: &Args) -> Result<Status> {
    if args.against.is_none() {
        refuse_change_set(&args.question.given())?;
    }
    let question = args.question.resolve()?;
    match &args.against {
        Some(messages) => hold_against(args, question, messages),
        None => replay(args, &question),
    }
}

/// Refuses the flags of the change set that a replay does not heed.
fn refuse_change_set(given: &[&str]) -> Result<()> {
    match given.iter().find(|it| **it != "--head") {
        None => Ok(()),
        Some(flag) => Err(usage!(
            "{flag} has no effect on a replay, which takes the change of each commit\nhint: choose \
             commits by --head and --commits, or hold one answer against a build by --against"
        )),
    }
}

fn hold_against(args: &Args, question: Question, file: &Utf8Path) -> Result<Status> {
    let messages = exec::read_messages(&*files::read_named(file)?)?;
    let answer = question.answer()?;
    let built = Built::new(&messages, None);
    let ids: HashSet<&str> = answer.workspace.packages.iter().map(|it| &*it.id).collect();
    if !built.named.iter().any(|unit| ids.contains(&*unit.package)) {
        return Err(usage!(
            "these messages name no package of {}; they are of another checkout, or were not made \
             with --message-format json",
            answer.workspace.root
        ));
    }
    let comparison = Comparison::new(&answer, &built);
    match args.format {
        Format::Text => render::data(&render::audit::comparison(&comparison))?,
        Format::Json => render::json(&comparison)?,
    }
    Ok(verdict(!comparison.missed.is_empty()))
}

fn replay(args: &Args, question: &Question) -> Result<Status> {
    let root = &question.workspace.root;
    let repository = Repository::discover(&question.runner, root)?.ok_or_else(|| {
        usage!(
            "{} is in no git repository, so it has no history to replay",
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
            "{} has no parent to compare with",
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
    let replay = Replay::new(question, &repository, scratch)?;
    render::status(
        "Building",
        format_args!("{}, the base of the first commit", first.0),
    );
    let mut failure = replay.start(first)?;
    let mut parent = first;
    let mut steps: Vec<Step> = Vec::new();
    for commit in commits {
        let step = replay.step(parent, commit, failure.as_ref())?;
        failure = match &step.outcome {
            Outcome::Compared(_) => None,
            Outcome::DoesNotBuild(failed) if failed.commit == *commit => Some(failed.clone()),
            Outcome::DoesNotBuild(_) => None,
        };
        if args.format == Format::Text {
            render::data(&render::audit::step(&step))?;
        }
        steps.push(step);
        parent = commit;
    }
    match args.format {
        Format::Text => render::data(&render::audit::summary(&steps))?,
        Format::Json => render::json(&render::audit::json(&steps))?,
    }
    let misses = |step: &Step| match &step.outcome {
        Outcome::Compared(comparison) => !comparison.missed.is_empty(),
        Outcome::DoesNotBuild(_) => false,
    };
    let is_compared = |step: &Step| matches!(step.outcome, Outcome::Compared(_));
    if !steps.iter().any(is_compared) {
        return Ok(Status::Failed);
    }
    Ok(verdict(steps.iter().any(misses)))
}
