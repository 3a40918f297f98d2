//! The command `ci`: a job matrix, a summary and a cache key for continuous integration.

pub mod durations;
pub mod key;
pub mod machine;
pub mod matrix;
pub mod text;

use anyhow::Result;
use cargo_metadata::camino::Utf8PathBuf;

use crate::ci::matrix::Matrix;
use crate::ci_service;
use crate::cli::args::WorkspaceArgs;
use crate::cli::output;
use crate::selection::Tool;
use crate::selection::args::SelectedArgs;
use crate::selection::select::Selector;
use xtask_impact::error::Status;

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

pub(crate) fn run(args: &Args) -> Result<Status> {
    match &args.command {
        Command::Matrix {
            shards,
            durations,
            job,
        } => job.with(|selector| {
            let answer = selector.answer;
            let durations = machine::durations(&answer.workspace, durations)?;
            let weight = |unit| machine::weight(answer, &durations, unit);
            let is_timed = !durations.is_empty();
            let parts = selector.parts(shards.get(), &weight)?.into_iter();
            let jobs = parts.map(|(load, part)| machine::job(selector, load, part, is_timed));
            let matrix = Matrix::new(answer.compared.clone(), jobs.collect());
            if job.github {
                ci_service::add_to("GITHUB_OUTPUT", &text::matrix_output(&matrix)?)?;
            }
            output::json(&matrix)
        })?,
        Command::Summary(job) => job.with(|selector| {
            let (selection, _) = selector.all();
            let command = (!selection.is_empty()).then(|| machine::command(selector, &selection));
            let text = text::summary(selector.answer, job.tool, command.as_deref());
            if job.github {
                ci_service::add_to("GITHUB_STEP_SUMMARY", &text)?;
            }
            output::data(&text)
        })?,
        Command::CacheKey {
            prefix,
            github,
            workspace: arguments,
        } => {
            let (runner, workspace) = arguments.load()?;
            let key = machine::key(&runner, &workspace, prefix, arguments.targets())?;
            if *github {
                ci_service::add_to("GITHUB_OUTPUT", &text::key_output(&key))?;
            }
            output::json(&key)?;
        }
    }
    Ok(Status::Done)
}

impl JobArgs {
    /// Answers the query and calls `act` with the selector of the answer.
    fn with(&self, act: impl FnOnce(&Selector<'_>) -> Result<()>) -> Result<()> {
        let question = self.selected.question_in_ci(self.tool)?;
        self.selected
            .answered(None, question, (self.tool, true), act)
    }
}
