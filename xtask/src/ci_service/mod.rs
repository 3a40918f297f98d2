//! The services that run continuous integration: the base commit that they name, and the files that
//! they read.

pub(crate) mod base;

use std::io::Write as _;
use std::{env, fs};

use anyhow::{Context as _, Result};
use base::{Base, detect};
use serde_json::Value;
use xtask_impact::process::Runner;
use xtask_impact::vcs::Repository;
use xtask_impact::workspace::Workspace;
use xtask_impact::{files, usage};

/// Chooses the base commit of this run. `last_success` is the commit of the branch's last
/// successful run, if the user looked it up.
///
/// # Errors
/// Returns an error if the workspace is in no git repository, or if git fails.
pub(crate) fn find_base(
    runner: &Runner,
    workspace: &Workspace,
    last_success: Option<&str>,
) -> Result<Base> {
    let repository = Repository::discover(runner, &workspace.root)?
        .ok_or_else(|| usage!("{} is not in a git repository", workspace.root))?;
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    // The commit that a service checks out for a pull request, unless the workflow says otherwise.
    let head = repository.head().map(|commit| commit.0.clone());
    let named = ["GITHUB_SHA", "CI_COMMIT_SHA"].map(variable);
    let is_services = head.is_some() && named.contains(&head);
    let is_on_default_branch = match (repository.default_base(), repository.head()) {
        (Ok((_, tip)), Some(head)) => repository
            .merge_base(&tip, head)
            .is_ok_and(|it| it == *head),
        _ => false,
    };
    Ok(detect(&base::CiRun {
        variable: &variable,
        event: &event(variable("GITHUB_EVENT_PATH")),
        last_success: last_success.map(str::trim),
        is_merge: is_services && repository.known("HEAD^2")?.is_some(),
        is_shallow: repository.is_shallow(),
        is_on_default_branch,
        is_possible: &|comparison| comparison.resolve(&repository).is_ok(),
    }))
}

/// Reads the event that GitHub describes in a file.
fn event(path: Option<String>) -> Result<Value, String> {
    let path = path.ok_or("GITHUB_EVENT_PATH is not set")?;
    let text = files::read(&path, files::RECORD).map_err(|error| format!("{path}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{path}: {error}"))
}

/// Returns the number of the pull request that GitHub's event is about.
///
/// # Errors
/// Returns a message if there is no event, or if the event is about no pull request.
pub(crate) fn pull_request() -> Result<u64, String> {
    let path = env::var("GITHUB_EVENT_PATH")
        .ok()
        .filter(|it| !it.is_empty());
    let event = event(path)?;
    let number = |key: &str| event.pointer(key).and_then(Value::as_u64);
    let number = number("/pull_request/number").or_else(|| number("/issue/number"));
    number.ok_or_else(|| "the event is about no pull request".to_owned())
}

/// Appends text to the file that GitHub names by a variable.
///
/// # Errors
/// Returns an error if the variable is not set, or if the file cannot be written.
pub(crate) fn add_to(variable: &str, text: &str) -> Result<()> {
    let path = env::var_os(variable)
        .filter(|path| !path.is_empty())
        .ok_or_else(|| {
            usage!(
                "--github: {variable} is not set\nhint: GitHub sets it in its jobs; elsewhere, \
                 leave out --github"
            )
        })?;
    let file = fs::File::options().append(true).create(true).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write to {}", path.display()))
}
