//! Arguments that `run-affected` and `ci` share: they select packages and targets for a cargo
//! command.

use anyhow::Result;
use xtask_impact::query::Query;

use crate::cli::workspaces::Questions;
use crate::cli::{global, output};
use crate::selection::question_args::{Build, SubjectArgs};
use crate::selection::select::Selector;
use crate::selection::{Tool, ToolOptions, config_in, profile_in};

/// The packages, the change set, and arguments for cargo.
#[derive(Debug, clap::Args)]
pub(crate) struct SelectedArgs {
    /// Leave this package out (repeatable)
    #[arg(long, value_name = "SPEC")]
    exclude: Vec<String>,
    #[command(flatten)]
    subject: SubjectArgs,
    /// Pass these arguments to the cargo command
    #[arg(last = true, value_name = "ARGS")]
    forwarded: Vec<String>,
}

impl SelectedArgs {
    /// Returns the queries of a tool, for every workspace of the repository if `all` is true, or
    /// else for the one workspace.
    pub(crate) fn questions(&self, tool: Tool, all: bool) -> Result<Questions> {
        self.subject.each(&self.build(tool), all, &self.exclude)
    }

    /// Returns the query of a tool. Continuous integration chooses the base unless the user names a
    /// change.
    pub(crate) fn question_in_ci(&self, tool: Tool) -> Result<Query> {
        self.subject.resolve_in_ci(&self.build(tool))
    }

    fn build(&self, tool: Tool) -> Build {
        let profile = profile_in(tool, &self.forwarded);
        Build {
            verb: tool.verb(),
            profile: profile.unwrap_or_else(|| tool.profile().to_owned()),
            config: config_in(tool, &self.forwarded),
        }
    }

    /// Answers the query and calls `act` with the selector of the answer, whose runner starts in
    /// the workspace's root. A query with a name is one of several, and its workspace need not have
    /// the excluded packages.
    pub(crate) fn answered<T>(
        &self,
        name: Option<&str>,
        question: Query,
        (tool, keep_going): (Tool, bool),
        act: impl FnOnce(&Selector<'_>) -> Result<T>,
    ) -> Result<T> {
        let runner = question.runner.in_directory(&question.workspace.root);
        let find = |spec: &String| question.workspace.find(spec);
        let excluded = self.exclude.iter().map(find);
        let excluded = excluded.filter(|found| found.is_ok() || name.is_none());
        let excluded = excluded.collect::<Result<_>>()?;
        let answer = question.answer()?;
        for note in &answer.notes {
            output::note_once(name, note);
        }
        let options = ToolOptions {
            excluded,
            keep_going,
            color: global::forwarded_color(),
            in_private_copy: false,
            given: self.subject.workspace.forwarded_with_targets(),
            forwarded: &self.forwarded,
        };
        act(&Selector::new(&runner, &answer, tool, &options))
    }
}
