//! Checks for other checkouts that build in the directories of this checkout.

use anyhow::Result;
use xtask_impact::records::checkouts;
use xtask_impact::records::checkouts::Shared;
use xtask_impact::workspace::Workspace;

use crate::checks::{Check, Finding, Level, Policy};
use crate::doctor::context::Context;

pub(crate) const CHECKS: &[&Check] = &[&SHARED];

static SHARED: Check = Check {
    code: "shared-with-checkout",
    level: Level::Warning,
    finds: "A target directory with artifacts of another checkout",
    cost: "Cargo may use artifacts of the other checkout, so a program may contain code of the \
           other checkout.",
    explanation: "Read: the directories in which the libraries of each profile directory were \
                  compiled, by their metadata and rustc's dep-info, and the dep-info next to the \
                  newest final binary.\n\nA checkout that no longer exists is ignored. Nothing is \
                  reported if the policy sets `allow-shared`.\n\nFix: give each checkout its own \
                  build directory in .cargo/config.toml: `[build] build-dir = \
                  \"{cargo-cache-home}/build/{workspace-path-hash}\"`.",
};

pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let policy: Policy = context.workspace.setting("policy")?;
    if policy.allow_shared {
        return Ok(Vec::new());
    }
    let shared = others(context.workspace)?;
    let found = shared.into_iter().map(|it| {
        let message = format!("another checkout also builds in {}", it.directory);
        let place = context.place(&it.directory, None);
        let evidence = format!("{} was last built from {}", it.package, it.source);
        let finding = SHARED.found(place, message, checkouts::FIX);
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
