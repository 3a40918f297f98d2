//! The command `ci`: a job matrix, a summary and a cache key for continuous integration.

pub(crate) mod comment;
pub(crate) mod durations;
pub(crate) mod gitlab;
pub(crate) mod jobs;
pub(crate) mod key;
pub(crate) mod machine;
pub(crate) mod matrix;
pub(crate) mod text;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::change_set::ChangeRequest;
use xtask_impact::query::Evidence;
use xtask_impact::usage;

use crate::ci::jobs::MatrixOptions;
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
  cargo xtask ci cache-key --prefix test            a key for a cache of builds
  cargo xtask ci comment test --post                one comment on the pull request";

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
        /// Balance the jobs by the durations in this JUnit report of nextest (repeatable) [default:
        /// the reports in the target directory]
        #[arg(long, hide_short_help = true, value_name = "PATH")]
        durations: Vec<Utf8PathBuf>,
        /// Build the tests once, into a nextest archive; each job runs a part
        #[arg(long, hide_short_help = true)]
        archive: bool,
        /// Print the matrix in this format
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        job: JobArgs,
    },
    /// Print a summary as Markdown: what runs, and why
    Summary(JobArgs),
    /// Print a comment for a pull request in Markdown: what is affected, what ran, and what was found
    Comment {
        #[command(flatten)]
        comment: comment::CommentArgs,
        #[command(flatten)]
        job: JobArgs,
    },
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

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// Print JSON, see docs/json.md
    #[default]
    Json,
    /// Print a child pipeline for GitLab, as YAML
    Gitlab,
}

/// The cargo command and the packages of the jobs.
#[derive(Debug, clap::Args)]
struct JobArgs {
    /// Plan jobs for this cargo command
    #[arg(value_enum, default_value = "test")]
    tool: Tool,
    /// Also write to the file that GitHub Actions reads
    ///
    /// The file is $GITHUB_OUTPUT for a matrix and $GITHUB_STEP_SUMMARY for a summary or a comment.
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
            archive,
            format,
            job,
        } => {
            if *archive && job.tool != Tool::Nextest {
                return Err(usage!(
                    "--archive works only with nextest\nhint: use `ci matrix nextest --archive`"
                ));
            }
            job.with(|selector, asked| {
                let workspace = &selector.answer.workspace;
                let options = MatrixOptions {
                    shards: shards.get(),
                    durations: machine::durations(workspace, durations)?,
                    archive: *archive,
                    asked,
                    workspace: job.selected.workspace_flags(),
                };
                let matrix = jobs::matrix(selector, &options)?;
                if job.github {
                    ci_service::add_to("GITHUB_OUTPUT", &text::matrix_output(&matrix)?)?;
                }
                matrix.notes.iter().for_each(output::note);
                match format {
                    Format::Json => output::json(&matrix),
                    Format::Gitlab => output::data(&gitlab::pipeline(&matrix, job.tool)?),
                }
            })?;
        }
        Command::Summary(job) => job.with(|selector, _| {
            let (selection, _) = selector.all();
            let command = (!selection.is_empty()).then(|| jobs::command(selector, &selection));
            let text = text::summary(selector.answer, job.tool, command.as_deref());
            if job.github {
                ci_service::add_to("GITHUB_STEP_SUMMARY", &text)?;
            }
            output::data(&text)
        })?,
        Command::Comment { comment, job } => {
            comment.check()?;
            job.with(|selector, _| {
                let (selection, _) = selector.all();
                let command = (!selection.is_empty()).then(|| jobs::command(selector, &selection));
                comment.run(selector.answer, job.tool, command.as_deref(), job.github)
            })?;
        }
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
    /// Answers the query and calls `act` with the selector of the answer and with the change.
    fn with(&self, act: impl FnOnce(&Selector<'_>, &ChangeRequest) -> Result<()>) -> Result<()> {
        let mut question = self.selected.question_in_ci(self.tool)?;
        if matches!(self.tool, Tool::Test | Tool::Bench) {
            // A job may ask the kit again on another machine, whose records are not known.
            question.evidence = Evidence::Sources;
        }
        let asked = question.request.clone();
        let act = |selector: &Selector<'_>| act(selector, &asked);
        self.selected
            .answered(None, question, (self.tool, true), act)
    }
}
