//! `audit`: replay the repository's own history and hold every answer against cargo.

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8PathBuf;

use super::args::WorkspaceArgs;
use crate::audit::{Outcome, Step};
use crate::error::Status;
use crate::exec::replay::Replay;
use crate::graph::Verb;
use crate::question::Evidence;
use crate::render;
use crate::repo::git::Repository;
use crate::usage;

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many commits to replay, the newest last
    #[arg(long, value_name = "N", default_value_t = 10)]
    commits: usize,
    /// The newest commit to replay
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    head: String,
    /// What to build at each commit
    #[arg(long, value_name = "VERB", default_value = "check")]
    verb: Verb,
    /// Answer from the sources alone
    #[arg(long)]
    no_records: bool,
    /// Where to put the clone and its target directory, which are removed at the end
    /// [default: the system's directory for temporary files]
    #[arg(long, value_name = "DIR")]
    scratch: Option<Utf8PathBuf>,
    /// How to show the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    workspace: WorkspaceArgs,
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
    let (runner, workspace) = args.workspace.load()?;
    let repository = Repository::discover(&runner, &workspace.root)?.ok_or_else(|| {
        usage!(
            "{} is in no git repository, so it has no history to replay",
            workspace.root
        )
    })?;
    let scratch = match &args.scratch {
        Some(scratch) => scratch.clone(),
        None => Utf8PathBuf::try_from(std::env::temp_dir())
            .context("the directory for temporary files is not UTF-8; name one with --scratch")?,
    };
    let evidence = match args.no_records {
        true => Evidence::Sources,
        false => Evidence::Records("debug".to_owned()),
    };
    let history = repository.history(&repository.commit(&args.head)?, args.commits)?;
    let Some((first, commits)) = history
        .split_first()
        .filter(|(_, commits)| !commits.is_empty())
    else {
        return Err(usage!("{} has no parent to compare with", args.head));
    };
    let replay = Replay::new(
        &runner,
        &repository,
        &workspace,
        &scratch,
        (args.verb, evidence),
    )?;
    render::status(
        "Building",
        format_args!("{}, the base of the first commit", first.0),
    );
    let mut is_built = replay.start(first)?;
    let mut parent = first;
    let mut steps: Vec<Step> = Vec::new();
    for commit in commits {
        let step = replay.step(parent, commit, is_built)?;
        is_built = !matches!(step.outcome, Outcome::DoesNotBuild) || replay.builds()?;
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
    let is_missed = |step: &Step| match &step.outcome {
        Outcome::Compared(comparison) => !comparison.missed.is_empty(),
        Outcome::DoesNotBuild => false,
    };
    Ok(if steps.iter().any(is_missed) {
        Status::Found
    } else {
        Status::Done
    })
}
