//! The checks of the policy, each with its code.

mod environment;
mod nested;
mod profiles;
mod required;
mod shared;
mod toolchain;

use anyhow::Result;

use super::subject::{PolicySubject, relative};
use crate::checks::{Check, Finding, Level, Policy};

/// Every policy check, in the order of the documentation.
pub(crate) const CHECKS: &[&Check] = &[
    &environment::ENVIRONMENT_OVERRIDES,
    &environment::ENVIRONMENT_DEPARTS,
    &environment::SPLIT_RUSTFLAGS,
    &environment::ENV_TABLE_IGNORED,
    &nested::NESTED_CONFIG,
    &nested::CONTRADICTING_CONFIG,
    &nested::CONTRADICTING_MANIFEST,
    &nested::MEMBER_PROFILE,
    &nested::TWO_CONFIG_FILES,
    &shared::SAME_PACKAGE_TWICE,
    &shared::SAME_OUTPUTS_TWICE,
    &profiles::INCREMENTAL_WITH_CACHE,
    &profiles::CODEGEN_UNITS_WITH_INCREMENTAL,
    &profiles::LTO_WITH_INCREMENTAL,
    &profiles::DEBUG_STRIPPED,
    &profiles::FULL_DEBUG_INFO,
    &toolchain::TOOLCHAIN_UNPINNED,
    &toolchain::TOOLCHAIN_DIFFERS_IN_CI,
    &required::REQUIRED_VALUE,
    &UNREADABLE_WORKSPACE,
];

static UNREADABLE_WORKSPACE: Check = Check {
    code: "unreadable-workspace",
    level: Level::Warning,
    finds: "A tracked workspace whose manifest or configuration cargo refuses",
    cost: "The workspace cannot be built, and was not checked.",
    explanation: "Cargo refuses the root manifest of a tracked workspace, or a configuration file \
that applies there, so the workspace was not checked. In the current workspace, this is an error \
instead of a finding.

Fix the file; or, if it is invalid on purpose, add an exception for the manifest with a reason.",
};

/// Runs every check, and returns the findings at their own levels.
///
/// # Errors
/// Returns an error if cargo would refuse a configuration, or if a required value is not a value of
/// cargo's.
pub(crate) fn find(subject: &PolicySubject, policy: &Policy) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    environment::find(subject, &mut found)?;
    nested::find(subject, &mut found);
    shared::find(subject, &mut found)?;
    profiles::find(subject, &mut found)?;
    toolchain::find(subject, &mut found);
    required::find(subject, policy, &mut found)?;
    for (manifest, error) in &subject.unreadable {
        let place = subject.at(manifest, None);
        let message = format!(
            "the workspace of {} was not checked",
            relative(manifest, &subject.top)
        );
        let fix = "Fix the named file, or add an exception for the manifest with a reason.";
        let error = format!("{error:#}");
        let finding = UNREADABLE_WORKSPACE.found(place, message, fix);
        found.push(finding.evidence(error.lines().next().map(str::to_owned)));
    }
    // A finding that several workspaces or profiles share is reported once.
    let key = |it: &Finding| (it.check.code, it.place.clone(), it.message.clone());
    found.sort_by_key(key);
    found.dedup_by(|one, other| key(one) == key(other));
    Ok(found)
}

#[cfg(test)]
mod tests;
