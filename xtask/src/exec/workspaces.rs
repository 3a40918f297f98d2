//! Every workspace of a repository, each asked for where cargo finds its configuration.

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::error::Status;
use crate::process::Runner;
use crate::question::{Question, UnusedPaths};
use crate::quote;
use crate::repo::git::Repository;
use crate::repo::resolved;
use crate::workspace::{LoadOptions, Workspace, workspaces_below};
use crate::{render, usage};

/// A workspace, and where it was asked for.
pub struct Loaded {
    /// Where its root lies in the repository, `.` for the top level; `None` for the only one that
    /// was asked for.
    pub name: Option<String>,
    /// Starts cargo as it was started for this workspace.
    pub runner: Runner,
    /// What cargo said.
    pub workspace: Workspace,
}

/// Questions, each with the name of its workspace where there may be several.
pub type Questions = Vec<(Option<String>, Question)>;

/// Loads every workspace of the repository that the runner is in, sorted. A fixture that cargo does
/// not load is told and left out.
///
/// # Errors
/// Where there is no repository, or none of its workspaces, or cargo does not load one.
pub fn load_all(runner: &Runner, options: &LoadOptions) -> Result<Vec<Loaded>> {
    let here = Utf8Path::from_path(runner.directory());
    let here = here.context("the current directory's path is not UTF-8")?;
    let repository = Repository::discover(runner, here)?.ok_or_else(|| {
        usage!(
            "{} is in no git repository, so there is no telling which workspaces it has",
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
        match Workspace::load(&runner, options) {
            Ok(workspace) => all.push(Loaded {
                name: Some(name),
                runner,
                workspace,
            }),
            Err(error) if root.is_fixture => {
                let said = format!("{error:#}");
                let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
                let reason = lines.find_map(|line| line.strip_prefix("error: "));
                render::note(format_args!(
                    "{name} is left out, since cargo does not load it, and it looks like a \
                     fixture: {}",
                    reason.unwrap_or(&said)
                ));
            }
            Err(error) => return Err(error.context(format!("the workspace {name} is not loaded"))),
        }
    }
    if all.is_empty() {
        return Err(usage!(
            "git tracks no workspace of {} that cargo loads",
            quote::name(&top)
        ));
    }
    Ok(all)
}

/// Returns the error for a directory that is in no workspace, with the workspaces below the
/// directory; `None` where the directory or one above it has a manifest.
pub fn no_workspace(runner: &Runner) -> Option<anyhow::Error> {
    let here = Utf8Path::from_path(runner.directory())?;
    if here.ancestors().any(|it| it.join("Cargo.toml").exists()) {
        return None;
    }
    let hint = match &below(runner, &resolved(here))[..] {
        [] => "run the command in a workspace, or name one with --manifest-path".to_owned(),
        [only] => format!("pass --manifest-path {}", quote::shell(only.as_str())),
        [first, others @ ..] => format!(
            "{} workspaces lie below; pass --manifest-path, as in --manifest-path {}, or \
             --all-workspaces where the command has it",
            others.len() + 1,
            quote::shell(first.as_str())
        ),
    };
    Some(usage!(
        "there is no Cargo.toml in {} or any directory above it\nhint: {hint}",
        quote::name(&here)
    ))
}

/// Returns the root manifests of the workspaces below a directory that git tracks, relative to the
/// directory and without fixtures; where there is no repository, those of the directories in it.
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

/// Does something with each question in turn, whatever became of the one before, and gives the worst
/// status.
///
/// # Errors
/// The first, once all are done.
pub fn each(
    questions: Questions,
    mut act: impl FnMut(Option<&str>, Question) -> Result<Status>,
) -> Result<Status> {
    let (mut worst, mut first) = (Status::Done, None);
    let count = questions.len();
    let unused = UnusedPaths::default();
    for (name, mut question) in questions {
        question.unused = (count > 1).then(|| unused.clone());
        match act(name.as_deref(), question) {
            // An interrupt is meant for all of them.
            Ok(Status::Forwarded(130)) => return Ok(Status::Forwarded(130)),
            Ok(status) => worst = worst.max(status),
            Err(error) => {
                let error = match &name {
                    Some(name) => error.context(format!("in the workspace {name}")),
                    None => error,
                };
                // What is wrong with the question is wrong for each.
                let cause = |error: &anyhow::Error| error.root_cause().to_string();
                if first.as_ref().is_some_and(|it| cause(it) != cause(&error)) {
                    render::error(&error);
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
