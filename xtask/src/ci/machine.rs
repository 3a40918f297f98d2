//! Reads the facts that `ci` needs from the machine.

use std::collections::BTreeSet;
use std::env;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::cargo_config::{CargoConfig, Surroundings, toolchain_file};
use xtask_impact::process::Runner;
use xtask_impact::query::Answer;
use xtask_impact::unit_graph::UnitIx;
use xtask_impact::workspace::Workspace;
use xtask_impact::{files, process, quote};

use crate::ci::durations::Durations;
use crate::ci::key::{self, CacheKey, KeyInputs};
use crate::selection::binary_id;

/// Returns the cache key of a workspace's builds.
///
/// # Errors
/// Returns an error if rustc cannot be run, or if the root manifest or cargo's configuration cannot
/// be read.
pub(crate) fn key(
    runner: &Runner,
    workspace: &Workspace,
    prefix: &str,
    targets: &[String],
) -> Result<CacheKey> {
    let runner = runner.in_directory(&workspace.root);
    let toolchain = process::checked(runner.rustc().arg("-vV"))?;
    let lock = files::read_text(&workspace.lock_file.path, files::SETTINGS).unwrap_or_default();
    Ok(CacheKey::new(&KeyInputs {
        prefix,
        host: &format!("{}-{}", env::consts::OS, env::consts::ARCH),
        targets,
        toolchain: &String::from_utf8_lossy(&toolchain),
        policy: &policy(&workspace.root)?,
        lock: &lock,
    }))
}

/// Returns the settings that decide how a build is done: the profiles of the root manifest, the
/// toolchain file, cargo's configuration, and the variables that set flags and profiles.
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
    // The configuration in cargo's home is left out, since it belongs to the machine.
    let config = CargoConfig::in_directory(root, &Surroundings::default());
    let config = config.context("cannot read cargo's configuration")?;
    policy.extend(key::configuration(config.written()));
    policy.extend(key::variables(env::vars()));
    Ok(policy)
}

/// Returns the durations that nextest recorded: those in the given reports, or, if none is given,
/// those in nextest's own directory.
///
/// # Errors
/// Returns an error if a given report cannot be read.
pub(crate) fn durations(workspace: &Workspace, reports: &[Utf8PathBuf]) -> Result<Durations> {
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

/// Returns the expected duration of a test binary in milliseconds, or 1 if no duration is known at
/// all.
pub(crate) fn weight(answer: &Answer, durations: &Durations, unit: UnitIx) -> u64 {
    let unit = answer.graph.unit(unit);
    let package = &answer.workspace.package(unit.package).name;
    durations.of(&binary_id(package, unit.kind, &unit.target))
}
