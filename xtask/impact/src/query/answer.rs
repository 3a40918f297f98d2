//! The answer to a query.

use std::collections::HashSet;

use anyhow::Result;
use camino::Utf8PathBuf;

use super::unit_spec::units_named;
use crate::propagate::Affected;
use crate::records::RecordId;
use crate::records::checkouts::Shared;
use crate::seeds::{Effect, Seed};
use crate::unit_graph::{UnitGraph, UnitIx, Verb, unit_name};
use crate::vcs::Change;
use crate::workspace::Workspace;

/// The answer to a query, with the data that the answer was derived from.
pub struct Answer {
    /// The workspace.
    pub workspace: Workspace,
    /// The unit graph of the workspace under the verb.
    pub graph: UnitGraph,
    /// The verb that will be run after the change.
    pub verb: Verb,
    /// A description of the comparison, in words.
    pub compared: String,
    /// The canonical path of the top level that changed paths are relative to.
    pub top_level: Utf8PathBuf,
    /// The paths that differ.
    pub changes: Vec<Change>,
    /// The units that the change affects.
    pub affected: Affected,
    /// The records of affected units that the change does not touch. They belong to other variants
    /// of the same target.
    pub untouched: HashSet<RecordId>,
    /// The number of compiled units of path packages that have a record of a build with the queried
    /// profile, toolchain and features, and the number of all compiled units of path packages.
    pub recorded: (usize, usize),
    /// The profile directories that another checkout builds in too; `None` if no record was read.
    pub shared: Option<Vec<Shared>>,
    /// Notes for the reader about how the answer was found.
    pub notes: Vec<String>,
}

/// The reason for which a unit is affected: the way to the unit that the change touches.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation<'a> {
    /// The effect on the unit.
    pub effect: Effect,
    /// The units on the way, the affected unit first and the seed's unit last. Each unit is built
    /// from the next one, or runs it.
    pub units: Vec<UnitIx>,
    /// The seed: the rule, the reason and the changed path.
    pub seed: &'a Seed,
}

impl Answer {
    /// Returns the name of a unit in reports, for instance `network lib test`.
    pub fn unit_name(&self, unit: UnitIx) -> String {
        unit_name(&self.workspace, self.graph.unit(unit))
    }

    /// Returns the units that a specification names: `PACKAGE`, `PACKAGE:TARGET` or
    /// `PACKAGE:KIND`.
    ///
    /// # Errors
    /// Returns an error if no such package or target exists.
    pub fn find(&self, spec: &str) -> Result<Vec<UnitIx>> {
        units_named(&self.workspace, &self.graph, spec)
    }

    /// Returns the reason for which a unit is affected; `None` if the unit is not affected.
    pub fn explain(&self, unit: UnitIx) -> Option<Explanation<'_>> {
        let effect = self.affected.effect(unit)?;
        let (units, seed) = self.affected.chain(unit)?;
        Some(Explanation {
            effect,
            units,
            seed,
        })
    }
}
