//! What continuous integration is asked about the machine it runs on.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::Write as _;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::select::{Noted, Selector};
use crate::action::run::{Selection, binary_id};
use crate::ci::base::{self, Base, detect};
use crate::ci::durations::Durations;
use crate::ci::key::{Facts, Key};
use crate::ci::matrix::Job;
use crate::graph::UnitIx;
use crate::process::{self, Runner};
use crate::question::Answer;
use crate::quote;
use crate::repo::cargo_config::{cargo_home, configuration_files};
use crate::repo::files;
use crate::repo::git::Repository;
use crate::usage;
use crate::workspace::Workspace;

/// What this run is compared with.
///
/// # Errors
/// Where there is no repository.
pub fn base(runner: &Runner, workspace: &Workspace) -> Result<Base> {
    let repository = Repository::discover(runner, &workspace.root)?
        .ok_or_else(|| usage!("{} is in no git repository", workspace.root))?;
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let event =
        variable("GITHUB_EVENT_PATH").and_then(|path| files::read(path, files::RECORD).ok());
    let event = event.and_then(|text| serde_json::from_slice(&text).ok());
    // What GitHub checks out for a pull request unless the workflow says else.
    let head = repository.head().map(|commit| commit.0.clone());
    let is_merge = head == variable("GITHUB_SHA") && repository.known("HEAD^2")?.is_some();
    Ok(detect(&base::Facts {
        variable: &variable,
        event: &event.unwrap_or(Value::Null),
        is_merge,
        is_possible: &|comparison| comparison.resolve(&repository).is_ok(),
    }))
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
    let lock =
        files::read_text(workspace.root.join("Cargo.lock"), files::SETTINGS).unwrap_or_default();
    Ok(Key::new(&Facts {
        prefix,
        host: &format!("{}-{}", env::consts::OS, env::consts::ARCH),
        targets,
        toolchain: &String::from_utf8_lossy(&toolchain),
        policy: &policy(&workspace.root)?,
        lock: &lock,
    }))
}

/// The profiles of the root manifest, cargo's configuration from the root upward with what it
/// includes, and the variables that cargo and rustc are told flags and profiles by.
fn policy(root: &Utf8Path) -> Result<Vec<(String, String)>> {
    let manifest = root.join("Cargo.toml");
    let text = files::read_text(&manifest, files::SETTINGS)
        .with_context(|| format!("cannot read {}", quote::name(&manifest)))?;
    let manifest: toml::Table = text
        .parse()
        .with_context(|| format!("in {}", quote::name(&manifest)))?;
    let profiles = manifest.get("profile").map(ToString::to_string);
    let mut policy = vec![("profile".to_owned(), profiles.unwrap_or_default())];
    // One that is the configuration of a directory above is not the machine's alone.
    let is_apart = |home: &Utf8PathBuf| root.ancestors().all(|above| *home != above.join(".cargo"));
    let home = cargo_home().filter(is_apart);
    for file in configuration_files(root) {
        let is_homes = home.as_ref().is_some_and(|home| file.starts_with(home));
        if let (Ok(text), false) = (files::read_text(&file, files::SETTINGS), is_homes) {
            // Another machine has the repository elsewhere.
            let name = file.strip_prefix(root).ok().map(Utf8Path::as_str);
            policy.push((
                name.or(file.file_name()).unwrap_or_default().to_owned(),
                text,
            ));
        }
    }
    let says_how = |name: &str| {
        ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_INCREMENTAL"].contains(&name)
            || ["CARGO_PROFILE_", "CARGO_BUILD_", "CARGO_TARGET_"]
                .iter()
                .any(|start| name.starts_with(start) && name != "CARGO_TARGET_DIR")
    };
    let mut variables: Vec<_> = env::vars().filter(|(name, _)| says_how(name)).collect();
    variables.sort();
    policy.extend(variables);
    Ok(policy)
}

/// What nextest recorded: the named reports, or those in its own directory.
///
/// # Errors
/// Where a named one cannot be read.
pub fn durations(workspace: &Workspace, reports: &[Utf8PathBuf]) -> Result<Durations> {
    let mut durations = Durations::default();
    for report in reports {
        let text = std::fs::read_to_string(report);
        durations
            .add(&text.map_err(|error| usage!("cannot read {}: {error}", quote::name(&report)))?);
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
