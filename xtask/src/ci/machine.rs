//! What continuous integration is asked about the machine it runs on.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::Write as _;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::ci::durations::Durations;
use crate::ci::key::{self, Facts, Key};
use crate::ci::matrix::Job;
use crate::ci_service::base;
use crate::ci_service::base::{Base, detect};
use crate::selection::select::{Noted, Selector};
use crate::selection::{Selection, binary_id};
use xtask_impact::cargo_config::toolchain_file;
use xtask_impact::cargo_config::{CargoConfig, Surroundings};
use xtask_impact::files;
use xtask_impact::process;
use xtask_impact::process::Runner;
use xtask_impact::query::Answer;
use xtask_impact::quote;
use xtask_impact::unit_graph::UnitIx;
use xtask_impact::usage;
use xtask_impact::vcs::Repository;
use xtask_impact::workspace::Workspace;

/// Chooses what this run is compared with. `last_success` is the commit of the branch's last
/// successful run, as far as the user looked it up.
///
/// # Errors
/// Where there is no repository.
pub fn base(runner: &Runner, workspace: &Workspace, last_success: Option<&str>) -> Result<Base> {
    let repository = Repository::discover(runner, &workspace.root)?
        .ok_or_else(|| usage!("{} is in no git repository", workspace.root))?;
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    // What a service checks out for a pull request, unless the workflow says otherwise.
    let head = repository.head().map(|commit| commit.0.clone());
    let named = ["GITHUB_SHA", "CI_COMMIT_SHA"].map(variable);
    let is_services = head.is_some() && named.contains(&head);
    let is_on_default_branch = match (repository.default_base(), repository.head()) {
        (Ok((_, tip)), Some(head)) => repository
            .merge_base(&tip, head)
            .is_ok_and(|it| it == *head),
        _ => false,
    };
    Ok(detect(&base::Facts {
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

/// The key of a cache for a workspace's builds.
///
/// # Errors
/// Where rustc cannot be asked.
pub fn key(
    runner: &Runner,
    workspace: &Workspace,
    prefix: &str,
    targets: &[String],
) -> Result<Key> {
    let runner = runner.in_directory(&workspace.root);
    let toolchain = process::checked(runner.rustc().arg("-vV"))?;
    let lock = files::read_text(&workspace.lock_file.path, files::SETTINGS).unwrap_or_default();
    Ok(Key::new(&Facts {
        prefix,
        host: &format!("{}-{}", env::consts::OS, env::consts::ARCH),
        targets,
        toolchain: &String::from_utf8_lossy(&toolchain),
        policy: &policy(&workspace.root)?,
        lock: &lock,
    }))
}

/// Returns what decides how things are built: the profiles of the root manifest, the toolchain
/// file, cargo's configuration, and the variables that tell cargo and rustc flags and profiles.
fn policy(root: &Utf8Path) -> Result<Vec<(String, String)>> {
    let manifest = root.join("Cargo.toml");
    let text = files::read_text(&manifest, files::SETTINGS)
        .with_context(|| format!("cannot read {}", quote::name(&manifest)))?;
    let manifest: toml::Table = text
        .parse()
        .with_context(|| format!("in {}", quote::name(&manifest)))?;
    let profiles = manifest.get("profile").map(ToString::to_string);
    let mut policy = vec![("profile".to_owned(), profiles.unwrap_or_default())];
    let toolchain = root.ancestors().find_map(|above| {
        let found = toolchain_file::NAMES.map(|name| above.join(name));
        found
            .iter()
            .find_map(|file| files::read_text(file, files::SETTINGS).ok())
    });
    policy.extend(toolchain.map(|text| ("toolchain".to_owned(), key::toolchain(&text))));
    // What stands in cargo's home is the machine's alone.
    let config = CargoConfig::in_directory(root, &Surroundings::default());
    let config = config.context("cannot read cargo's configuration")?;
    policy.extend(key::configuration(config.written()));
    policy.extend(key::variables(env::vars()));
    Ok(policy)
}

/// What nextest recorded: the named reports, or those in its own directory.
///
/// # Errors
/// Where a named one cannot be read.
pub fn durations(workspace: &Workspace, reports: &[Utf8PathBuf]) -> Result<Durations> {
    let mut durations = Durations::default();
    for report in reports {
        durations.add(&String::from_utf8_lossy(&files::read_named(report)?));
    }
    if reports.is_empty()
        && let Ok(profiles) = workspace.target_directory.join("nextest").read_dir_utf8()
    {
        let reports: BTreeSet<_> = profiles
            .flatten()
            .map(|it| it.path().join("junit.xml"))
            .collect();
        for text in reports
            .iter()
            .flat_map(|it| files::read_text(it, files::LARGE))
        {
            durations.add(&text);
        }
    }
    Ok(durations)
}

/// How long a test binary is going to take, in milliseconds; 1 where nothing is known of any.
pub fn weight(answer: &Answer, durations: &Durations, unit: UnitIx) -> u64 {
    let unit = answer.graph.unit(unit);
    let package = &answer.workspace.package(unit.package).name;
    durations.of(&binary_id(package, unit.kind, &unit.target))
}

/// The job that does a part.
pub fn job(selector: &Selector<'_>, weight: u64, (part, notes): Noted, is_timed: bool) -> Job {
    let packages = part.packages.iter();
    let name = |&package| selector.answer.workspace.package(package).name.clone();
    Job {
        shard: 0,
        of: 0,
        seconds: is_timed.then(|| weight as f64 / 1000.0),
        packages: packages.map(name).collect(),
        command: command(selector, &part),
        notes,
    }
}

/// The cargo command on a selection, for a shell.
pub fn command(selector: &Selector<'_>, selection: &Selection) -> String {
    let workspace = &selector.answer.workspace;
    let arguments = selection.arguments(workspace, selector.tool, selector.options);
    // Another machine has its cargo elsewhere.
    process::shown(selector.runner.program("cargo").args(arguments))
}

/// Adds to a file that GitHub names by a variable.
///
/// # Errors
/// Where it names none, or the file cannot be written.
pub fn add_to(variable: &str, text: &str) -> Result<()> {
    let path = env::var_os(variable)
        .filter(|path| !path.is_empty())
        .ok_or_else(|| usage!("--github: {variable} is not set, as it is in GitHub's jobs"))?;
    let file = fs::File::options().append(true).create(true).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write to {}", path.display()))
}
