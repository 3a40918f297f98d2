//! `ci comment`: one comment on a pull request, which the next run updates.

mod body;
mod chains;
mod post;
mod reports;
mod sections;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::process::Runner;
use xtask_impact::query::Answer;
use xtask_impact::usage;

use self::body::CommentBody;
use self::reports::ReportFiles;
use crate::ci_service;
use crate::cli::output;
use crate::selection::Tool;

/// The limit of GitHub for the text of a comment, in characters.
const LIMIT: usize = 65_536;

/// Arguments of `ci comment`, in addition to the tool and the change.
#[derive(Debug, clap::Args)]
pub(crate) struct CommentArgs {
    /// Show these timings: the output of `timings --format json` or `timings show --format json`
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    timings: Option<Utf8PathBuf>,
    /// Show this output of `freshness restore --format json`
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    freshness: Option<Utf8PathBuf>,
    /// Show this output of `policy check --format json`
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    policy: Option<Utf8PathBuf>,
    /// Show the results of these jobs: GitHub's `toJSON(needs)`
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    results: Option<Utf8PathBuf>,
    /// Update the comment of this name; comments of other names stay
    #[arg(
        long,
        hide_short_help = true,
        value_name = "NAME",
        default_value = "ci"
    )]
    name: String,
    /// Cut the text to this number of characters
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = LIMIT)]
    limit: usize,
    /// Post the comment with GitHub's program `gh`, or update the comment of an earlier run
    #[arg(long)]
    post: bool,
    /// Post on this pull request [default: the pull request of $GITHUB_EVENT_PATH]
    #[arg(long, hide_short_help = true, value_name = "NUMBER", requires = "post")]
    pull_request: Option<u64>,
    /// Update only comments of this user
    #[arg(
        long,
        value_name = "LOGIN",
        default_value = "github-actions[bot]",
        hide_short_help = true
    )]
    author: String,
}

impl CommentArgs {
    /// Checks the arguments before anything is computed.
    ///
    /// # Errors
    /// Returns an error if the name or the limit cannot be used.
    pub(crate) fn check(&self) -> Result<()> {
        const LEAST: usize = 1000;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        // Two hyphens would end the hidden line that marks the comment.
        let is_name = !self.name.is_empty() && self.name.bytes().all(plain);
        if !is_name || self.name.contains("--") {
            return Err(usage!(
                "--name: a name has letters, digits, `_`, `.` and single hyphens"
            ));
        }
        if self.limit < LEAST {
            return Err(usage!(
                "--limit: a comment needs at least {LEAST} characters"
            ));
        }
        Ok(())
    }

    /// Writes the comment. Posts it if asked to.
    ///
    /// # Errors
    /// Returns an error if the comment cannot be printed or posted.
    pub(crate) fn run(
        &self,
        answer: &Answer,
        tool: Tool,
        command: Option<&str>,
        is_noted: bool,
    ) -> Result<()> {
        let reports = ReportFiles {
            timings: self.timings.as_deref(),
            freshness: self.freshness.as_deref(),
            policy: self.policy.as_deref(),
            results: self.results.as_deref(),
        };
        let marker = marker(&self.name);
        let body = CommentBody {
            marker: marker.clone(),
            parts: sections::parts(answer, tool, command, &reports),
        };
        let text = body.within(self.limit);
        if is_noted {
            ci_service::add_to("GITHUB_STEP_SUMMARY", &text)?;
        }
        output::data(&text)?;
        if self.post {
            let target = post::CommentTarget::of_run(self.pull_request, marker, &self.author)?;
            let done = target.post(&Runner::new()?, &text)?;
            output::status(done, format_args!("the comment on #{}", target.number()));
        }
        Ok(())
    }
}

/// Returns the hidden line by which the next run finds the comment.
fn marker(name: &str) -> String {
    format!("<!-- xtask-kit comment: {name} -->")
}
