//! Checks for other checkouts that build in the directories of this checkout.

use anyhow::Result;

use crate::checks::{Check, Finding, Level, Policy};
use crate::doctor::context::Context;
use xtask_impact::records::checkouts;
use xtask_impact::records::checkouts::Shared;
use xtask_impact::workspace::Workspace;

pub(crate) const CHECKS: &[&Check] = &[&SHARED];

static SHARED: Check = Check {
    code: "shared-with-checkout",
    level: Level::Warning,
    cost: "Cargo takes the one's artifacts for the other's, so that each may run the other's code.",
    explanation: "Read: where the libraries in each profile directory were compiled, by their \
                  metadata and rustc's dep-info, and the dep-info beside the binary that was put up \
                  last.\n\nA checkout that does not exist any more is none, and nothing is found \
                  under `allow-shared` of the policy.\n\nMend: give each checkout a build directory of its own, in \
                  .cargo/config.toml: `[build] build-dir = \
                  \"{cargo-cache-home}/build/{workspace-path-hash}\"`.",
};

pub(crate) fn check(patient: &Context<'_>) -> Result<Vec<Finding>> {
    let policy: Policy = patient.workspace.configured("policy")?;
    if policy.allow_shared {
        return Ok(Vec::new());
    }
    let shared = others(patient.workspace)?;
    let found = shared.into_iter().map(|it| {
        let message = format!("another checkout builds in {}, too", it.directory);
        let place = patient.place(&it.directory, None);
        let evidence = format!("{} was last built from {}", it.package, it.source);
        let finding = SHARED.found(place, message, checkouts::MEND);
        finding.evidence([evidence])
    });
    Ok(found.collect())
}

/// Returns the profile directories in which another existing checkout builds.
pub(crate) fn others(workspace: &Workspace) -> Result<Vec<Shared>> {
    let mut shared = checkouts::sharing(workspace)?;
    shared.retain(|it| it.is_there);
    Ok(shared)
}
