//! Compares an answer of the kit with the units that cargo really built.
//!
//! Architecture invariant: this module starts no process and reads no file. Its input is the answer
//! and cargo's messages; its output is figures and differences.

use std::collections::BTreeSet;

use serde::Serialize;
use xtask_impact::query::Answer;
use xtask_impact::seeds::Effect;
use xtask_impact::unit_graph::{Mode, UnitId};
use xtask_impact::vcs::Commit;

use crate::cargo_runs::built::BuildOutcome;
use crate::selection::filter::LeftOut;

/// The comparison of one answer with one build.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Default, Serialize)]
pub(crate) struct Comparison {
    /// The number of units that were predicted and rebuilt.
    pub hits: usize,
    /// The units that were rebuilt but not predicted. Each of them is an error of the answer.
    pub missed: Vec<UnitId>,
    /// The false positives: units that were predicted but not rebuilt, each with the reason of the
    /// prediction.
    pub false_positives: Vec<(UnitId, String)>,
}

/// A commit that was replayed.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct ReplayedCommit {
    /// The commit.
    pub commit: Commit,
    /// The first line of the commit message.
    pub subject: String,
    /// The outcome of the replay.
    pub outcome: ReplayOutcome,
}

/// The outcome of replaying a commit.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReplayOutcome {
    /// Cargo built the commit, and the answer was compared with the build.
    Compared(Comparison),
    /// The commit or its parent does not build here, so there is no comparison.
    DoesNotBuild(Failure),
}

/// A build that failed.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    /// The commit that does not build.
    pub commit: Commit,
    /// Cargo's error.
    pub error: String,
}

impl Comparison {
    /// Compares an answer with a build, without the packages that are left out. Units that are only
    /// rerun are left out, because cargo does not report them.
    pub(crate) fn new(answer: &Answer, built: &BuildOutcome, left_out: &LeftOut) -> Self {
        let mut comparison = Self::default();
        let mut named = BTreeSet::new();
        for (index, effect) in answer.affected.units() {
            let unit = answer.graph.unit(index);
            let is_known = built.runs_are_known || unit.mode != Mode::RunCustomBuild;
            if effect != Effect::Rebuilt || !is_known || left_out.contains(unit.package) {
                continue;
            }
            let key = UnitId::of(&answer.workspace, unit);
            if built.rebuilt.contains(&key) {
                comparison.hits += 1;
            } else {
                let seed = answer.affected.chain(index).map(|(_, seed)| seed);
                let because = seed.map(|seed| match &seed.path {
                    Some(path) => format!("{path}: {}", seed.because),
                    None => seed.because.clone(),
                });
                comparison
                    .false_positives
                    .push((key.clone(), because.unwrap_or_default()));
            }
            named.insert(key);
        }
        let workspace = &answer.workspace;
        let left_out = left_out.all();
        let ids: BTreeSet<&str> = left_out
            .iter()
            .map(|&it| &*workspace.package(it).id)
            .collect();
        let missed = built.rebuilt.difference(&named);
        comparison.missed = missed
            .filter(|unit| !ids.contains(&*unit.package))
            .cloned()
            .collect();
        comparison
    }
}

#[cfg(test)]
mod tests;
