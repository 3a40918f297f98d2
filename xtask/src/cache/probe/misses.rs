//! The causes of misses in the builds of a probe.

use serde::Serialize;
use xtask_impact::workspace::{Package, Workspace};

use super::builds::{ProbeBuild, is_needed};
use crate::cache::crates::{CrateNames, explained, has_script};
use crate::compiler_cache::log::CacheOutcome;

/// A package that did not come from the cache, though it was compiled before.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct MissedPackage {
    /// The build: `warm` or `other path`.
    pub build: &'static str,
    /// The name of the package, or of the crate if several packages have such a crate.
    pub package: String,
    /// True if the cache could have served the package.
    pub cacheable: bool,
    /// The cause.
    pub cause: String,
}

/// Returns the packages that missed in a build.
pub(super) fn of(
    build: &ProbeBuild,
    workspace: &Workspace,
    variables: &[String],
) -> Vec<MissedPackage> {
    let crates = CrateNames::new(workspace);
    let mut missed = Vec::new();
    for (name, outcomes) in &build.outcomes {
        for outcome in outcomes {
            let (cacheable, cause) = match outcome {
                CacheOutcome::Hit => continue,
                CacheOutcome::Miss => (true, cause(build.name, crates.package(name), variables)),
                CacheOutcome::Error => (true, "the cache failed".to_owned()),
                CacheOutcome::NotCached(reason) => (false, explained(reason)),
            };
            missed.push(MissedPackage {
                build: build.name,
                package: crates.shown(name),
                cacheable,
                cause,
            });
        }
    }
    missed.sort();
    missed.dedup();
    missed
}

/// Returns the cause of the miss of a cacheable package.
fn cause(build: &str, package: Option<&Package>, variables: &[String]) -> String {
    let differing = variables.iter().filter(|name| !is_needed(name));
    let differing: Vec<_> = differing.map(String::as_str).collect();
    if !differing.is_empty() {
        return format!("a variable that differs: {}", differing.join(", "));
    }
    match package {
        Some(package) if has_script(package) => {
            "OUT_DIR: the path of the target directory is in the code or in the flags of its build \
             script"
                .to_owned()
        }
        Some(package) if package.source.is_none() && build == "other path" => {
            "the checkout's path: sccache hashes the directory of path packages".to_owned()
        }
        _ => "unknown: its inputs differ between two builds of the same sources".to_owned(),
    }
}
