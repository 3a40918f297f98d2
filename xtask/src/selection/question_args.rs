//! Arguments of a query: the workspace, the change, and the verb.

use std::collections::BTreeSet;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::change_set::{ChangeRequest, NamedFiles};
use xtask_impact::process::{self, Runner};
use xtask_impact::query::{Evidence, Query, package_of};
use xtask_impact::unit_graph::Verb;
use xtask_impact::workspace::Workspace;
use xtask_impact::{quote, usage};

use crate::built_from::replaced;
use crate::ci_service;
use crate::cli::args::WorkspaceArgs;
use crate::cli::change_args::ChangeArgs;
use crate::cli::workspaces::{Loaded, Questions};
use crate::cli::{output, verbs};
use crate::selection::profiles;

/// A complete query: the workspace, the change, and the verb.
#[derive(Debug, clap::Args)]
pub(crate) struct QuestionArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Answer for this cargo command
    #[arg(
        long,
        value_name = "VERB",
        value_parser = verbs(),
        default_value = "check",
        help_heading = "Change set"
    )]
    verb: Verb,
    /// Answer for a build with this profile [default: dev]
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "Change set",
        hide_short_help = true
    )]
    profile: Option<String>,
}

impl QuestionArgs {
    /// Resolves the arguments to a query.
    ///
    /// # Errors
    /// Returns an error if the arguments name something that does not exist.
    pub(crate) fn resolve(&self) -> Result<Query> {
        let in_ci = self.subject.change.is_in_ci();
        self.subject.resolved(&self.build(), in_ci)
    }

    /// Returns the flags of the change set that were given.
    pub(crate) fn given(&self) -> Vec<&'static str> {
        self.subject.change.given()
    }

    /// Returns the value of `--head`.
    pub(crate) fn head(&self) -> Option<&str> {
        self.subject.change.head.as_deref()
    }

    /// Returns the value of `--profile`.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Returns true if `--target-dir` was given.
    pub(crate) fn names_target_dir(&self) -> bool {
        self.subject.workspace.names_target_dir()
    }

    /// Returns the build that the query is about.
    fn build(&self) -> BuildChoice {
        BuildChoice {
            verb: self.verb,
            profile: self.profile().unwrap_or("dev").to_owned(),
            config: Vec::new(),
        }
    }

    /// Returns the target triples that the user named. `host-tuple`, cargo's word for the host's
    /// triple, is replaced by the triple.
    ///
    /// # Errors
    /// Returns an error if rustc does not print the host's triple.
    pub(crate) fn triples(&self, runner: &Runner) -> Result<Vec<String>> {
        let named = self.subject.workspace.targets().iter();
        let resolve = |triple: &String| match &**triple {
            "host-tuple" => {
                let said = process::checked(runner.rustc().args(["--print", "host-tuple"]))?;
                Ok(String::from_utf8_lossy(&said).trim().to_owned())
            }
            named => Ok(named.to_owned()),
        };
        named.map(resolve).collect()
    }

    /// Returns the arguments that cargo takes, too, for a build by a cargo that starts in this
    /// directory.
    pub(crate) fn forwarded_to(&self, directory: &Utf8Path) -> Vec<String> {
        let mut forwarded = self.subject.workspace.forwarded_with_targets(directory);
        if let Some(profile) = &self.profile {
            forwarded.extend(["--profile".to_owned(), profile.clone()]);
        }
        forwarded
    }
}

/// The build that a query is about.
pub(crate) struct BuildChoice {
    /// The verb.
    pub verb: Verb,
    /// The name of the profile.
    pub profile: String,
    /// The values of `--config` that cargo gets.
    pub config: Vec<String>,
}

/// The workspace and the change set, for commands that choose the verb themselves.
#[derive(Debug, clap::Args)]
pub(crate) struct SubjectArgs {
    #[command(flatten)]
    change: ChangeArgs,
    /// Ignore the records of earlier builds and read only the sources, as in a fresh clone
    #[arg(long, help_heading = "Change set", hide_short_help = true)]
    pub no_records: bool,
    #[command(flatten)]
    pub workspace: WorkspaceArgs,
}

impl SubjectArgs {
    /// Resolves the arguments to a query. Continuous integration chooses the base unless the user
    /// names a change.
    ///
    /// # Errors
    /// Returns an error if the arguments name something that does not exist.
    pub(crate) fn resolve_in_ci(&self, build: &BuildChoice) -> Result<Query> {
        let in_ci =
            self.change.is_in_ci() || !(self.change.compares() || self.change.names_something());
        self.resolved(build, in_ci)
    }

    /// Returns the flags about the change that were given.
    pub(crate) fn change_flags(&self) -> Vec<&'static str> {
        self.change.given()
    }

    /// Counts these paths as changed, and nothing else.
    pub(crate) fn count_as_changed(&mut self, paths: &BTreeSet<Utf8PathBuf>) {
        self.change.count_as_changed(paths);
    }

    fn resolved(&self, build: &BuildChoice, in_ci: bool) -> Result<Query> {
        let asked = self.change.resolve()?;
        let runner = self.workspace.runner()?;
        let prefetch = || self.workspace.prefetch(&runner, &asked, !self.no_records);
        let prefetch = (!in_ci).then(prefetch).flatten();
        let workspace = self.workspace.load_by(&runner)?;
        profiles::require(&runner, &workspace, &build.profile, &build.config)?;
        let asked = self.asked(asked, in_ci, &runner, &workspace)?;
        let question = self.question((runner, workspace), asked, build);
        Ok(Query {
            prefetch,
            ..question
        })
    }

    fn asked(
        &self,
        mut asked: ChangeRequest,
        in_ci: bool,
        runner: &Runner,
        workspace: &Workspace,
    ) -> Result<ChangeRequest> {
        if in_ci {
            let last_success = self.change.last_success.as_deref();
            let base = ci_service::find_base(runner, workspace, last_success)?;
            output::note(&base.because);
            asked.all |= base.compare.is_none();
            asked.compare = base.compare;
        }
        if !self.no_records && asked.compare.is_some() {
            add_replaced(&mut asked, runner, workspace);
        }
        Ok(asked)
    }

    fn question(
        &self,
        (runner, workspace): (Runner, Workspace),
        asked: ChangeRequest,
        build: &BuildChoice,
    ) -> Query {
        let question = Query::new(runner, workspace, asked, build.verb);
        let mut question = question.in_profile(&build.profile);
        if self.no_records {
            question.evidence = Evidence::Sources;
        }
        question.targets = self.workspace.targets().to_vec();
        question.no_cache = self.workspace.no_cache;
        question.network = self.workspace.network();
        question
    }
}

impl SubjectArgs {
    /// Returns the queries for every workspace of the repository if `all` is true, otherwise for
    /// the current workspace. A package that is assumed to be changed is passed to the workspaces
    /// that have the package. `others` are further packages; at least one workspace must have each
    /// of them.
    ///
    /// # Errors
    /// Returns an error if the arguments name something that no workspace has.
    pub(crate) fn each(
        &self,
        build: &BuildChoice,
        all: bool,
        others: &[String],
    ) -> Result<Questions> {
        if !all {
            let question = self.resolved(build, self.change.is_in_ci())?;
            for spec in question.request.assumed.iter().chain(others) {
                question.workspace.find(package_of(spec))?;
            }
            return Ok(vec![(None, question)]);
        }
        let loaded = self.workspace.load_each(true)?;
        defined_somewhere(&loaded, build)?;
        let first = &loaded[0];
        let asked = self.change.resolve()?;
        let asked = self.asked(
            asked,
            self.change.is_in_ci(),
            &first.runner,
            &first.workspace,
        )?;
        for spec in asked.assumed.iter().chain(others) {
            somewhere(&loaded, spec)?;
        }
        let questions = loaded.into_iter().map(|one| {
            let mut asked = asked.clone();
            let has = |spec: &String| one.workspace.find(package_of(spec)).is_ok();
            asked.assumed.retain(has);
            let question = self.question((one.runner, one.workspace), asked, build);
            (one.name, question)
        });
        Ok(questions.collect())
    }
}

impl QuestionArgs {
    /// Returns the queries for every workspace of the repository if `all` is true, otherwise for
    /// the current workspace.
    ///
    /// # Errors
    /// Returns the errors of [`SubjectArgs::each`].
    pub(crate) fn each(&self, all: bool, others: &[String]) -> Result<Questions> {
        self.subject.each(&self.build(), all, others)
    }
}

/// Adds to the change the files with a new content and an old modification time. Once such a file
/// is committed, neither git nor cargo reports it; the record of `freshness save` shows it.
fn add_replaced(asked: &mut ChangeRequest, runner: &Runner, workspace: &Workspace) {
    let replaced = replaced::files(workspace);
    let (Some(first), Some(here)) = (replaced.first(), Utf8Path::from_path(runner.directory()))
    else {
        return;
    };
    let number = output::count(replaced.len(), "file");
    output::note(format_args!(
        "{number} changed since the last build without a new modification time; the first is {}",
        quote::name(first)
    ));
    let named = asked.files.get_or_insert_with(|| NamedFiles {
        directory: here.to_owned(),
        paths: Vec::new(),
    });
    named
        .paths
        .extend(replaced.into_iter().map(Utf8PathBuf::into_string));
}

/// Checks that at least one of the workspaces defines the profile of the build.
fn defined_somewhere(loaded: &[Loaded], build: &BuildChoice) -> Result<()> {
    let required =
        |it: &Loaded| profiles::require(&it.runner, &it.workspace, &build.profile, &build.config);
    let Err(error) = required(&loaded[0]) else {
        return Ok(());
    };
    match loaded[1..].iter().any(|it| required(it).is_ok()) {
        true => Ok(()),
        false => Err(error),
    }
}

/// Checks that at least one of the workspaces has the package of `PACKAGE[:TARGET]`.
///
/// # Errors
/// Returns the error of the first workspace if no workspace has the package.
pub(crate) fn somewhere(loaded: &[Loaded], spec: &str) -> Result<()> {
    let mut found = loaded.iter().map(|it| it.workspace.find(package_of(spec)));
    match (found.next(), loaded.len()) {
        (Some(Err(error)), 1) => Err(error),
        (Some(Err(error)), several) if !found.any(|it| it.is_ok()) => Err(usage!(
            "none of {several} workspaces has the package: {error}"
        )),
        _ => Ok(()),
    }
}
