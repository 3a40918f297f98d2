//! All workspaces of a repository, each loaded from the directory in which cargo finds its
//! configuration.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::paths::resolved;
use xtask_impact::process::Runner;
use xtask_impact::query::{Query, UnusedPaths};
use xtask_impact::vcs::Repository;
use xtask_impact::workspace::{LoadOptions, Workspace, workspaces_below};
use xtask_impact::{quote, usage};

use crate::cli::args::WorkspaceArgs;
use crate::cli::status::Status;
use crate::cli::{output, progress};

/// A loaded workspace.
pub(crate) struct Loaded {
    /// The path of the workspace's root in the repository, `.` for the top level. `None` if the
    /// user asked for one workspace only.
    pub name: Option<String>,
    /// The runner that loaded the workspace. It starts cargo in the same directory.
    pub runner: Runner,
    /// The workspace as cargo metadata describes it.
    pub workspace: Workspace,
}

/// Queries, each with the name of its workspace if there may be several.
pub(crate) type Questions = Vec<(Option<String>, Query)>;

/// Loads every workspace of the repository that the runner is in, sorted by path. If cargo cannot
/// load a fixture, prints a note and leaves the fixture out.
///
/// # Errors
/// Returns an error if there is no repository, if the repository has no workspace, or if cargo
/// cannot load a workspace that is no fixture.
pub(crate) fn load_all(runner: &Runner, options: &LoadOptions) -> Result<Vec<Loaded>> {
    let here = Utf8Path::from_path(runner.directory());
    let here = here.context("the current directory's path is not UTF-8")?;
    let repository = Repository::discover(runner, here)?.ok_or_else(|| {
        usage!(
            "{} is not in a git repository, so its workspaces are unknown",
            quote::name(&here)
        )
    })?;
    let top = repository.top_level();
    let mut all = Vec::new();
    for root in workspaces_below(top, repository.manifests()?) {
        let directory = root.path.parent().unwrap_or(top);
        let runner = runner.in_directory(directory);
        let name = match directory.strip_prefix(top) {
            Ok(below) if below != "" => below.to_string(),
            _ => ".".to_owned(),
        };
        let load = || Workspace::load(&runner, options);
        match progress::during("Loading", &name, load) {
            Ok(workspace) => all.push(Loaded {
                name: Some(name),
                runner,
                workspace,
            }),
            Err(error) if root.is_fixture => {
                let said = format!("{error:#}");
                let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
                let reason = lines.find_map(|line| line.strip_prefix("error: "));
                output::note(format_args!(
                    "{name} is skipped: cargo does not load it, and it looks like a fixture: {}",
                    reason.unwrap_or(&said)
                ));
            }
            Err(error) => return Err(error.context(format!("the workspace {name} is not loaded"))),
        }
    }
    if all.is_empty() {
        return Err(usage!(
            "git tracks no workspace in {} that cargo loads",
            quote::name(&top)
        ));
    }
    Ok(all)
}

/// Returns the error for a directory that is in no workspace. The hint names the workspaces below
/// the directory. Returns `None` if the directory or a directory above it has a manifest.
pub(crate) fn no_workspace(runner: &Runner) -> Option<anyhow::Error> {
    let here = Utf8Path::from_path(runner.directory())?;
    if here.ancestors().any(|it| it.join("Cargo.toml").exists()) {
        return None;
    }
    let hint = match &below(runner, &resolved(here))[..] {
        [] => "run the command in a workspace, or pass --manifest-path".to_owned(),
        [only] => format!("pass --manifest-path {}", quote::shell(only.as_str())),
        [first, others @ ..] => format!(
            "{} workspaces lie below; pass --manifest-path, as in --manifest-path {}, or \
             --all-workspaces where the command has it",
            others.len() + 1,
            quote::shell(first.as_str())
        ),
    };
    Some(usage!(
        "no Cargo.toml in {} or any directory above it\nhint: {hint}",
        quote::name(&here)
    ))
}

/// Returns the root manifests of the workspaces below a directory, relative to the directory. In a
/// repository, these are the workspaces that git tracks, without fixtures. Without a repository,
/// these are the manifests in the directory's direct subdirectories.
fn below(runner: &Runner, here: &Utf8Path) -> Vec<Utf8PathBuf> {
    let relative = |path: &Utf8Path| Some(path.strip_prefix(here).ok()?.to_owned());
    if let Ok(Some(repository)) = Repository::discover(runner, here)
        && let Ok(manifests) = repository.manifests()
    {
        let all = workspaces_below(repository.top_level(), manifests);
        let all = all.iter().filter(|it| !it.is_fixture);
        return all.filter_map(|it| relative(&it.path)).collect();
    }
    let entries = here.read_dir_utf8().into_iter().flatten().flatten();
    let manifests = entries.map(|it| it.path().join("Cargo.toml"));
    let manifests = manifests.filter(|it| it.is_file());
    let mut found: Vec<_> = manifests.filter_map(|it| relative(&it)).collect();
    found.sort();
    found
}

/// Calls `act` with each query in turn, even after an error, and returns the worst status.
///
/// # Errors
/// Returns the first error after all queries are done.
pub(crate) fn each(
    questions: Questions,
    mut act: impl FnMut(Option<&str>, Query) -> Result<Status>,
) -> Result<Status> {
    let (mut worst, mut first) = (Status::Done, None);
    let count = questions.len();
    let unused = UnusedPaths::default();
    for (name, mut question) in questions {
        question.unused = (count > 1).then(|| unused.clone());
        match act(name.as_deref(), question) {
            // An interrupt ends the work for all workspaces.
            Ok(Status::Forwarded(130)) => return Ok(Status::Forwarded(130)),
            Ok(status) => worst = worst.max(status),
            Err(error) => {
                let error = match &name {
                    Some(name) => error.context(format!("in the workspace {name}")),
                    None => error,
                };
                // An error with the same cause as the first error is not printed again.
                let cause = |error: &anyhow::Error| error.root_cause().to_string();
                if first.as_ref().is_some_and(|it| cause(it) != cause(&error)) {
                    output::error(&error);
                }
                first.get_or_insert(error);
            }
        }
    }
    if let Some(error) = first {
        return Err(error);
    }
    unused.refuse(&Runner::new()?, count)?;
    Ok(worst)
}

impl WorkspaceArgs {
    /// Loads every workspace of the repository if `all` is true, otherwise the current workspace.
    ///
    /// # Errors
    /// Returns the errors of [`WorkspaceArgs::load`] and [`load_all`].
    pub(crate) fn load_each(&self, all: bool) -> Result<Vec<Loaded>> {
        if all {
            return load_all(&self.runner()?, &self.options());
        }
        let (runner, workspace) = self.load()?;
        Ok(vec![Loaded {
            name: None,
            runner,
            workspace,
        }])
    }
}
