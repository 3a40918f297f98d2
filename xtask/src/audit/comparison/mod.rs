//! Is the answer right? What was named, held against what cargo really built.
//!
//! Pure: the answer and cargo's own words in, figures and differences out.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::cargo_runs::built::{BuildOutcome, UnitKey};
use xtask_impact::query::Answer;
use xtask_impact::seeds::Effect;
use xtask_impact::unit_graph::Mode;
use xtask_impact::vcs::Commit;

/// One answer held against one build.
#[derive(Debug, Default, Serialize)]
pub struct Comparison {
    /// How many units were named and rebuilt.
    pub hits: usize,
    /// Rebuilt and not named: the answer was wrong.
    pub missed: Vec<UnitKey>,
    /// Named and not rebuilt, with the reason that they were named for.
    pub besides: Vec<(UnitKey, String)>,
}

/// One commit, replayed.
#[derive(Debug, Serialize)]
pub struct ReplayedCommit {
    /// The commit.
    pub commit: Commit,
    /// The first line of its message.
    pub subject: String,
    /// What came of it.
    pub outcome: ReplayOutcome,
}

/// What came of replaying a commit.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplayOutcome {
    /// Cargo built it, and the answer was held against that.
    Compared(Comparison),
    /// The commit, or its parent, does not build here, so there is nothing to compare with.
    DoesNotBuild(Failure),
}

/// A build that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The commit that does not build.
    pub commit: Commit,
    /// Cargo's own error.
    pub error: String,
}

impl Comparison {
    /// Holds an answer against a build.
    pub fn new(answer: &Answer, built: &BuildOutcome) -> Self {
        let mut comparison = Self::default();
        let mut named = BTreeSet::new();
        for (index, effect) in answer.affected.units() {
            let unit = answer.graph.unit(index);
            let is_known = built.runs_are_known || unit.mode != Mode::RunCustomBuild;
            if effect != Effect::Rebuilt || !is_known {
                continue;
            }
            let key = UnitKey::new(&answer.workspace, unit);
            if built.rebuilt.contains(&key) {
                comparison.hits += 1;
            } else {
                let seed = answer.affected.chain(index).map(|(_, seed)| seed);
                let because = seed.map(|seed| match &seed.path {
                    Some(path) => format!("{path}: {}", seed.because),
                    None => seed.because.clone(),
                });
                comparison
                    .besides
                    .push((key.clone(), because.unwrap_or_default()));
            }
            named.insert(key);
        }
        comparison.missed = built.rebuilt.difference(&named).cloned().collect();
        comparison
    }
}

#[cfg(test)]
mod tests;
