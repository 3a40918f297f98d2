//! The fourth step of an answer: from the seeds to the affected units.

use std::collections::HashSet;

use crate::propagate::variants::Variants;
use crate::propagate::{self, Affected};
use crate::records::{RecordId, Records};
use crate::resolve_diff::ResolveDifferences;
use crate::seeds::{Resolution, Seed};

/// The units that the seeds reach.
pub(super) struct Reached {
    pub(super) affected: Affected,
    /// Records of affected units that the change does not touch.
    pub(super) untouched: HashSet<RecordId>,
}

impl Reached {
    /// Follows the seeds to their dependents, as far as the records do not prove that a dependent
    /// is fresh, and adds the units that cargo resolves differently.
    pub(super) fn new(
        seeds: Vec<Seed>,
        records: &Records<'_>,
        resolution: &Resolution,
        resolved: impl FnOnce(&ResolveDifferences) -> Affected,
    ) -> Self {
        // Records prove nothing if the differences in resolution are unknown.
        let proven = match resolution {
            Resolution::Unknown(_) => &[],
            _ => &*seeds,
        };
        let variants = Variants::new(records, proven);
        let is_reached = |unit| variants.are_reached(unit);
        let mut affected = propagate::propagate_within(records.graph(), seeds, &is_reached);
        let mut untouched = variants.untouched(&affected);
        if let Resolution::Compared(compared) = resolution {
            let resolved = resolved(compared);
            untouched.retain(|unit, _| resolved.effect(*unit).is_none());
            affected = affected.or(resolved);
        }
        Self {
            affected,
            untouched: untouched.into_values().flatten().collect(),
        }
    }
}
