//! `ci`: what continuous integration asks.

use anyhow::Result;
use cargo_metadata::camino::Utf8PathBuf;

use super::args::WorkspaceArgs;
use super::selected::SelectedArgs;
use crate::action::run::Tool;
use crate::ci::matrix::Matrix;
use crate::error::Status;
use crate::exec::select::Selector;
use crate::{exec, render};

/// Arguments of `ci`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The jobs of a matrix, as JSON: what is affected, in parts
    Matrix {
        /// How many jobs at most
        #[arg(long, value_name = "N", default_value = "4")]
        shards: std::num::NonZeroUsize,
        /// A JUnit report of nextest's, by which the jobs are sized (repeatable) [default: those in
        /// the target directory]
        #[arg(long, value_name = "PATH")]
        durations: Vec<Utf8PathBuf>,
        #[command(flatten)]
        job: JobArgs,
    },
    /// What is run and why, as Markdown
    Summary(JobArgs),
    /// A key for a cache of builds, as JSON
    CacheKey {
        /// What the key begins with
        #[arg(long, value_name = "WORD", default_value = "cargo")]
        prefix: String,
        /// Write the key to the file that GITHUB_OUTPUT names too
        #[arg(long)]
        github: bool,
        #[command(flatten)]
        workspace: WorkspaceArgs,
    },
}

/// What the jobs run, on what.
#[derive(Debug, clap::Args)]
struct JobArgs {
    /// The cargo command
    #[arg(value_enum, default_value = "test")]
    tool: Tool,
    /// Write to the file that GITHUB_OUTPUT, or GITHUB_STEP_SUMMARY, names too
    #[arg(long)]
    github: bool,
    #[command(flatten)]
    selected: SelectedArgs,
}

pub(super) fn run(args: &Args) -> Result<Status> {
    match &args.command {
        Command::Matrix {
            shards,
            durations,
            job,
        } => job.with(|selector| {
            let answer = selector.answer;
            let durations = exec::ci::durations(&answer.workspace, durations)?;
            let weight = |unit| exec::ci::weight(answer, &durations, unit);
            let is_timed = !durations.is_empty();
            let parts = selector.parts(shards.get(), &weight)?.into_iter();
            let jobs = parts.map(|(load, part)| exec::ci::job(selector, load, part, is_timed));
            let matrix = Matrix::new(answer.compared.clone(), jobs.collect());
            if job.github {
                exec::ci::add_to("GITHUB_OUTPUT", &render::ci::matrix_output(&matrix)?)?;
            }
            render::json(&matrix)
        })?,
        Command::Summary(job) => job.with(|selector| {
            let (selection, _) = selector.all();
            let command = (!selection.is_empty()).then(|| exec::ci::command(selector, &selection));
            let text = render::ci::summary(selector.answer, job.tool, command.as_deref());
            if job.github {
                exec::ci::add_to("GITHUB_STEP_SUMMARY", &text)?;
            }
            render::data(&text)
        })?,
        Command::CacheKey {
            prefix,
            github,
            workspace: arguments,
        } => {
            let (runner, workspace) = arguments.load()?;
            let key = exec::ci::key(&runner, &workspace, prefix, arguments.targets())?;
            if *github {
                exec::ci::add_to("GITHUB_OUTPUT", &render::ci::key_output(&key))?;
            }
            render::json(&key)?;
        }
    }
    Ok(Status::Done)
}

impl JobArgs {
    /// Asks what is affected, and goes on with the answer.
    fn with(&self, act: impl FnOnce(&Selector<'_>) -> Result<()>) -> Result<()> {
        let question = self.selected.question_in_ci(self.tool)?;
        self.selected
            .answered(None, question, (self.tool, true), act)
    }
}
