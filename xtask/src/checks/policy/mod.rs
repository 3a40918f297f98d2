//! The policy by which a repository builds: what cargo's configuration comes to, and what departs
//! from it.
//!
//! Architecture invariant: nothing here starts a process, writes a file or sets a variable. The kit
//! applies the policy by starting cargo where its users would, and leaving the environment alone.

pub mod check;
pub mod members;
pub mod profiles;
pub mod subject;
#[cfg(all(test, unix))]
mod tests;

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::{Check, Finding, Policy};
use check::find;
use subject::{FILES, PolicySubject};
use xtask_impact::cargo_config::{CargoConfig, ConfigValue, Surroundings, ValueKind, ValueOrigin};
use xtask_impact::paths::resolved;
use xtask_impact::process::Runner;
use xtask_impact::vcs::Repository;
use xtask_impact::workspace::configured_in;

/// The programs that variables of their own name, before any configuration.
pub(crate) const TOOLS: [(&str, &str); 4] = [
    ("rustc", "RUSTC"),
    ("rustc-wrapper", "RUSTC_WRAPPER"),
    ("rustc-workspace-wrapper", "RUSTC_WORKSPACE_WRAPPER"),
    ("rustdoc", "RUSTDOC"),
];

/// What holds where nobody says otherwise.
pub(crate) fn default(kind: ValueKind) -> ConfigValue {
    ConfigValue {
        kind,
        origin: ValueOrigin::Default,
    }
}

pub(crate) fn text(text: &str) -> ValueKind {
    ValueKind::String(text.to_owned())
}

/// The entries of a table; none of anything else.
pub(crate) fn entries(
    table: Option<&ConfigValue>,
) -> impl Iterator<Item = (&String, &ConfigValue)> {
    table.into_iter().flat_map(ConfigValue::entries)
}

/// The program that stands for one of cargo's, such as `rustc-wrapper`; none where an empty name
/// takes it away.
///
/// # Errors
/// Where the configuration has no text there.
pub fn tool(config: &CargoConfig, key: &str) -> Result<Option<ConfigValue>> {
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

/// What departs from the policy of the workspace with this root, not weighed yet.
///
/// # Errors
/// Where the configuration is at fault.
pub fn examine(
    runner: &Runner,
    root: &Utf8Path,
    repository: Option<&Repository>,
    policy: &Policy,
) -> Result<Vec<Finding>> {
    let (top, tracked) = files(root, repository)?;
    let around = Surroundings::of(runner, &[]);
    find(&PolicySubject::read(&top, &tracked, root, &around)?, policy)
}

/// The top level of a workspace's repository, and the files that it tracks; without a repository
/// the root manifest alone.
pub(crate) fn files(
    root: &Utf8Path,
    repository: Option<&Repository>,
) -> Result<(Utf8PathBuf, Vec<Utf8PathBuf>)> {
    Ok(match repository {
        Some(it) => (resolved(it.top_level()), it.tracked(FILES)?),
        None => (root.to_owned(), vec!["Cargo.toml".into()]),
    })
}

/// Finds what departs from the policy of the workspace with this root, weighed as that says; its
/// levels and exceptions may name any of the known checks. Of the files
/// below the top level those count that are `tracked`, by their paths from there.
///
/// # Errors
/// Where the configuration is at fault.
pub fn check(
    known: &[&Check],
    root: &Utf8Path,
    top: &Utf8Path,
    tracked: &[Utf8PathBuf],
    around: &Surroundings,
) -> Result<Vec<Finding>> {
    let policy: Policy = configured_in(&root.join("Cargo.toml"), "policy")?;
    let subject = PolicySubject::read(top, tracked, root, around)?;
    policy.weigh(known, find(&subject, &policy)?)
}
