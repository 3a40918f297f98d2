//! Verification of a clean: compares the units that cargo built after the clean with the units that
//! were predicted.

use std::collections::BTreeSet;

use xtask_impact::query::Answer;
use xtask_impact::seeds::Effect;
use xtask_impact::unit_graph::UnitId;

use crate::artifacts::plan::CleanPlan;
use crate::cargo_runs::built::BuildOutcome;

/// Units, grouped by what cargo did with them after the clean.
#[derive(Debug, PartialEq)]
pub struct Verification {
    /// Units that were affected and were rebuilt.
    pub built: BTreeSet<UnitId>,
    /// Units that were affected but stayed fresh: the answer or the clean is wrong.
    pub missed: BTreeSet<UnitId>,
    /// Units that were rebuilt but were not affected.
    pub unpredicted: BTreeSet<UnitId>,
    /// The number of units that were not affected and stayed fresh.
    pub fresh: usize,
}

impl Verification {
    /// Compares the builds before and after the clean with the answer. All affected units count,
    /// not only those of the plan, since cargo also rebuilds the dependents of removed units. Units
    /// that the first build did not need and units that the plan kept do not count as missed.
    pub fn new(
        answer: &Answer,
        plan: &CleanPlan,
        before: &BuildOutcome,
        after: &BuildOutcome,
    ) -> Self {
        let kept: BTreeSet<_> = plan.directories.iter().flat_map(|it| &it.kept).collect();
        let key = |unit| UnitId::of(&answer.workspace, answer.graph.unit(unit));
        let affected: BTreeSet<UnitId> = answer
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
            unpredicted: after.rebuilt.difference(&affected).cloned().collect(),
            fresh: fresh.filter(|unit| !affected.contains(*unit)).count(),
        }
    }
}

#[cfg(test)]
mod tests;
