//! The command `ci`: a job matrix, a summary and a cache key for continuous integration.

pub(crate) mod durations;
pub(crate) mod key;
pub(crate) mod machine;
pub(crate) mod matrix;
pub(crate) mod text;

use anyhow::Result;
use cargo_metadata::camino::Utf8PathBuf;

use crate::ci::matrix::Matrix;
use crate::ci_service;
use crate::cli::args::WorkspaceArgs;
use crate::cli::output;
use crate::cli::status::Status;
use crate::selection::Tool;
use crate::selection::args::SelectedArgs;
use crate::selection::select::Selector;

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask ci matrix test --shards 4 --github    the jobs, as an output of a step
  cargo xtask ci summary test --github              what runs and why, for the job summary
  cargo xtask ci cache-key --prefix test            a key for a cache of builds";

/// Arguments of `ci`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print a job matrix as JSON: the affected packages, split into jobs
    Matrix {
        /// Print at most this many jobs
        #[arg(long, value_name = "N", default_value = "4")]
        shards: std::num::NonZeroUsize,
        /// Size the jobs by this JUnit report of nextest (repeatable) [default: the reports in the
        /// target directory]
        #[arg(long, hide_short_help = true, value_name = "PATH")]
        durations: Vec<Utf8PathBuf>,
        #[command(flatten)]
        job: JobArgs,
    },
    /// Print a summary in Markdown: what is run, and why
    Summary(JobArgs),
    /// Print the key for a cache of builds, as JSON
    CacheKey {
        /// Begin the key with this word
        #[arg(long, value_name = "WORD", default_value = "cargo")]
        prefix: String,
        /// Also write the key to the file $GITHUB_OUTPUT
        #[arg(long)]
        github: bool,
        #[command(flatten)]
        workspace: WorkspaceArgs,
    },
}

/// The cargo command and the packages of the jobs.
#[derive(Debug, clap::Args)]
struct JobArgs {
    /// Select for this cargo command
    #[arg(value_enum, default_value = "test")]
    tool: Tool,
    /// Also write to the file $GITHUB_OUTPUT (matrix) or $GITHUB_STEP_SUMMARY (summary)
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
