//! Was it as announced? What cargo built after a clean, held against the answer.

use std::collections::BTreeSet;

use crate::artifacts::plan::CleanPlan;
use crate::cargo_runs::built::{BuildOutcome, UnitKey};
use xtask_impact::query::Answer;
use xtask_impact::seeds::Effect;

/// Units by what cargo did with them after the clean.
#[derive(Debug, PartialEq)]
pub struct Verification {
    /// Affected, and built.
    pub built: BTreeSet<UnitKey>,
    /// Affected, and yet fresh: the answer or the clean is wrong.
    pub missed: BTreeSet<UnitKey>,
    /// Built without being affected.
    pub besides: BTreeSet<UnitKey>,
    /// How many units stayed fresh as they should.
    pub fresh: usize,
}

impl Verification {
    /// Holds the builds before and after the clean against the answer. Cargo builds what is built
    /// from removed units too, so everything affected counts, whatever the plan's scope; only what
    /// the first build did not need, and what was kept, need not be built again.
    pub fn new(
        answer: &Answer,
        plan: &CleanPlan,
        before: &BuildOutcome,
        after: &BuildOutcome,
    ) -> Self {
        let kept: BTreeSet<_> = plan.directories.iter().flat_map(|it| &it.kept).collect();
        let key = |unit| UnitKey::new(&answer.workspace, answer.graph.unit(unit));
        let affected: BTreeSet<UnitKey> = answer
            .affected
            .units()
            .filter(|(_, effect)| *effect == Effect::Rebuilt)
            .map(|(unit, _)| key(unit))
            .collect();
        let needed = affected.iter().filter(|unit| before.named.contains(*unit));
        let missed =
            needed.filter(|unit| !after.rebuilt.contains(*unit) && !kept.contains(&unit.package));
        let fresh = after.named.difference(&after.rebuilt);
        Self {
            missed: missed.cloned().collect(),
            built: affected.intersection(&after.rebuilt).cloned().collect(),
            besides: after.rebuilt.difference(&affected).cloned().collect(),
            fresh: fresh.filter(|unit| !affected.contains(*unit)).count(),
        }
    }
}

#[cfg(test)]
mod tests;
