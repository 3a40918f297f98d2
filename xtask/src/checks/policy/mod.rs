//! The policy by which a repository builds: the effective configuration of cargo, and the
//! differences between the configuration and the policy.
//!
//! Architecture invariant: this module starts no process, writes no file and sets no variable. The
//! kit applies the policy by starting cargo in the directory in which its users would, with an
//! unchanged environment.

pub(crate) mod check;
pub(crate) mod members;
pub(crate) mod profiles;
pub(crate) mod subject;
#[cfg(all(test, unix))]
mod tests;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use check::find;
use subject::{FILES, PolicySubject};
use xtask_impact::cargo_config::{CargoConfig, ConfigValue, Surroundings, ValueKind, ValueOrigin};
use xtask_impact::paths::resolved;
use xtask_impact::process::Runner;
use xtask_impact::vcs::Repository;
use xtask_impact::workspace::setting_in;

use super::{Check, Finding, Policy};

/// The programs of cargo that a variable of their own overrides, before any configuration.
pub(crate) const TOOLS: [(&str, &str); 4] = [
    ("rustc", "RUSTC"),
    ("rustc-wrapper", "RUSTC_WRAPPER"),
    ("rustc-workspace-wrapper", "RUSTC_WORKSPACE_WRAPPER"),
    ("rustdoc", "RUSTDOC"),
];

/// Returns a value that holds by default, if no file and no variable sets one.
pub(crate) fn default(kind: ValueKind) -> ConfigValue {
    ConfigValue {
        kind,
        origin: ValueOrigin::Default,
    }
}

pub(crate) fn text(text: &str) -> ValueKind {
    ValueKind::String(text.to_owned())
}

/// Returns the entries of a table, or nothing for any other value.
pub(crate) fn entries(
    table: Option<&ConfigValue>,
) -> impl Iterator<Item = (&String, &ConfigValue)> {
    table.into_iter().flat_map(ConfigValue::entries)
}

/// Returns the program that the user chose in place of one of cargo's, such as `rustc-wrapper`.
/// Returns `None` if an empty name removes it.
///
/// # Errors
/// Returns an error if the configuration has a value that is no text.
pub(crate) fn tool(config: &CargoConfig, key: &str) -> Result<Option<ConfigValue>> {
    let variable = TOOLS.iter().find(|(known, _)| *known == key);
    let by_variable = variable.and_then(|(_, name)| {
        let value = config.variable(name)?.to_owned();
        Some((value, ValueOrigin::Variable((*name).to_owned())))
    });
    let named = match by_variable {
        Some(named) => Some(named),
        None => config.text(&["build", key])?,
    };
    let named = named.filter(|(name, _)| !name.is_empty());
    Ok(named.map(|(name, origin)| ConfigValue {
        kind: ValueKind::String(config.program(&name, &origin).into_string()),
        origin,
    }))
}

/// Returns the differences from the policy of the workspace with this root. Levels and exceptions
/// are not applied yet.
///
/// # Errors
/// Returns an error if cargo would refuse the configuration.
pub(crate) fn differences(
    runner: &Runner,
    root: &Utf8Path,
    repository: Option<&Repository>,
    policy: &Policy,
) -> Result<Vec<Finding>> {
    let (top, tracked) = files(root, repository)?;
    let around = Surroundings::of(runner, &[]);
    find(&PolicySubject::read(&top, &tracked, root, &around)?, policy)
}

/// Returns the top level of a workspace's repository and the files that the repository tracks.
/// Without a repository, returns the root manifest alone.
pub(crate) fn files(
    root: &Utf8Path,
    repository: Option<&Repository>,
) -> Result<(Utf8PathBuf, Vec<Utf8PathBuf>)> {
    Ok(match repository {
        Some(it) => (resolved(it.top_level()), it.tracked(FILES)?),
        None => (root.to_owned(), vec!["Cargo.toml".into()]),
    })
}

/// Finds the differences from the policy of the workspace with this root, and applies the policy's
/// levels and exceptions, which may name any of the `known` checks. `tracked` are the files that
/// count, relative to the top level.
///
/// # Errors
/// Returns an error if cargo would refuse the configuration, or if the policy is not valid.
pub(crate) fn check(
    known: &[&Check],
    root: &Utf8Path,
    top: &Utf8Path,
    tracked: &[Utf8PathBuf],
    around: &Surroundings,
) -> Result<Vec<Finding>> {
    let policy: Policy = setting_in(&root.join("Cargo.toml"), "policy")?;
    let subject = PolicySubject::read(top, tracked, root, around)?;
    policy.weigh(known, find(&subject, &policy)?)
}
