//! Was it as announced? What cargo compiled after a clean, held against the plan.

use std::collections::BTreeSet;

use cargo_metadata::Message;

use super::clean::CleanPlan;
use crate::workspace::Workspace;

/// Packages by what cargo did with them after the clean. Members and path packages are what is
/// told of; of external packages only what was compiled.
#[derive(Debug, PartialEq)]
pub struct Verification {
    /// Announced, and compiled.
    pub compiled: Vec<String>,
    /// Announced, and yet fresh: the answer or the clean is wrong.
    pub missed: Vec<String>,
    /// Compiled without having been announced: dependents, or more than `cargo clean -p` was
    /// asked to remove.
    pub besides: Vec<String>,
    /// How many packages stayed fresh as they should.
    pub fresh: usize,
}

impl Verification {
    /// Holds the messages of the build after the clean against the plan.
    pub fn new(plan: &CleanPlan, workspace: &Workspace, messages: &[Message]) -> Self {
        let mut compiled = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for message in messages {
            if let Message::CompilerArtifact(artifact) = message {
                seen.insert(artifact.package_id.repr.as_str());
                if !artifact.fresh {
                    compiled.insert(artifact.package_id.repr.as_str());
                }
            }
        }
        let announced: BTreeSet<&str> = plan
            .packages
            .iter()
            .map(|planned| planned.id.as_str())
            .collect();
        let named = |wanted: &dyn Fn(&str) -> bool| {
            let packages = workspace.packages.iter();
            packages
                .filter(|package| wanted(&package.id))
                .map(|package| match package.member {
                    true => package.name.clone(),
                    false => format!("{} {}", package.name, package.version),
                })
                .collect::<Vec<_>>()
        };
        Self {
            compiled: named(&|id| announced.contains(id) && compiled.contains(id)),
            missed: named(&|id| announced.contains(id) && !compiled.contains(id)),
            besides: named(&|id| !announced.contains(id) && compiled.contains(id)),
            fresh: seen
                .difference(&compiled)
                .filter(|id| !announced.contains(*id))
                .count(),
        }
    }
}

#[cfg(test)]
mod tests;
