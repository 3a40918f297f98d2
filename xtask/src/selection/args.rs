//! Arguments that `run-affected` and `ci` share: they select packages and targets for a cargo
//! command.

use std::collections::BTreeSet;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::query::Query;

use crate::cli::args::JobsArg;
use crate::cli::workspaces::{Loaded, Questions};
use crate::cli::{global, output, progress};
use crate::selection::filter::PackageFilter;
use crate::selection::question_args::{BuildChoice, SubjectArgs};
use crate::selection::select::Selector;
use crate::selection::unification::FeatureUnification;
use crate::selection::{Tool, ToolOptions, config_in, profile_in};

/// The packages, the change set, and arguments for cargo.
#[derive(Debug, clap::Args)]
pub(crate) struct SelectedArgs {
    #[command(flatten)]
    filter: PackageFilter,
    /// Choose the features of shared dependencies [default: the key `feature-unification` of
    /// `[workspace.metadata.xtask]`, or cheapest]
    #[arg(long, value_enum, hide_short_help = true, value_name = "WHICH")]
    feature_unification: Option<FeatureUnification>,
    #[command(flatten)]
    subject: SubjectArgs,
    #[command(flatten)]
    jobs: JobsArg,
    /// Pass these arguments to the cargo command
    #[arg(last = true, value_name = "ARGS", help_heading = None::<&str>)]
    pub forwarded: Vec<String>,
}

impl SelectedArgs {
    /// Returns the queries of a tool, for every workspace of the repository if `all` is true, or
    /// else for the one workspace.
    pub(crate) fn questions(&self, tool: Tool, all: bool) -> Result<Questions> {
        self.subject
            .each(&self.build(tool), all, &self.filter.named())
    }

    /// Returns the query of a tool. Continuous integration chooses the base unless the user names a
    /// change.
    pub(crate) fn question_in_ci(&self, tool: Tool) -> Result<Query> {
        self.subject.resolve_in_ci(&self.build(tool))
    }

    /// Returns the user's arguments for the cargo command.
    fn for_cargo(&self) -> Vec<String> {
        [self.jobs.forwarded(), self.forwarded.clone()].concat()
    }

    /// Returns true if `--jobs` was given.
    pub(crate) fn has_jobs(&self) -> bool {
        !self.jobs.forwarded().is_empty()
    }

    /// Returns the flags about the change that were given.
    pub(crate) fn change_flags(&self) -> Vec<&'static str> {
        self.subject.change_flags()
    }

    /// Counts these paths as changed, and nothing else.
    pub(crate) fn count_as_changed(&mut self, paths: &BTreeSet<Utf8PathBuf>) {
        self.subject.count_as_changed(paths);
    }

    /// Loads every workspace of the repository if `all` is true, or else the one workspace.
    pub(crate) fn workspaces(&self, all: bool) -> Result<Vec<Loaded>> {
        self.subject.workspace.load_each(all)
    }

    /// Returns the flags of the workspace, for another call of the kit.
    pub(crate) fn workspace_flags(&self) -> Vec<String> {
        let workspace = &self.subject.workspace;
        let mut flags = workspace.forwarded_with_manifest();
        for triple in workspace.targets() {
            flags.extend(["--target".to_owned(), triple.clone()]);
        }
        flags
    }

    fn build(&self, tool: Tool) -> BuildChoice {
        let forwarded = self.for_cargo();
        let profile = profile_in(tool, &forwarded);
        BuildChoice {
            verb: tool.verb(),
            profile: profile.unwrap_or_else(|| tool.profile().to_owned()),
            config: config_in(tool, &forwarded),
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
        let left_out = self.filter.left_out(&question.workspace, name.is_some())?;
        let forwarded = self.for_cargo();
        let unification =
            FeatureUnification::or_configured(self.feature_unification, &question.workspace)?;
        let workspace = &self.subject.workspace;
        let question_root = question.workspace.root.clone();
        let answer = progress::during("Finding", "what is affected", || question.answer())?;
        for note in &answer.notes {
            output::note_once(name, note);
        }
        let options = ToolOptions {
            left_out,
            keep_going,
            color: global::forwarded_color(),
            in_private_copy: false,
            unification,
            given: workspace.forwarded_with_targets(&question_root),
            forwarded: &forwarded,
        };
        act(&Selector::new(&runner, &answer, tool, &options))
    }
}
