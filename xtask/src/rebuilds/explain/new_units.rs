//! The causes of new units, which cargo builds beside old ones without a reason.

use super::Evidence;
use super::cause::{CauseKind, RootCause};
use super::flags;
use super::sibling::{Siblings, differences};
use crate::rebuilds::records::RecordKey;
use crate::rebuilds::rehearsal::JudgedUnit;

impl Evidence<'_> {
    /// Returns the own causes of a new unit. No cause means that a dependency is a new unit.
    pub(crate) fn of_new(&self, place: usize, siblings: &Siblings<'_>) -> Vec<RootCause> {
        let unit = &self.rehearsal.units[place];
        if self.history.json(&unit.key).is_some() {
            return vec![RootCause::of(CauseKind::Removed)];
        }
        let Some(old) = siblings.of(place) else {
            let mode = self.mode_of(unit);
            return vec![RootCause::about(CauseKind::FirstBuild, mode)];
        };
        let (Some(old_record), Some(new_record)) = (
            self.rehearsal.before.get(&old),
            self.rehearsal.after.get(&unit.key),
        ) else {
            return vec![RootCause::about(CauseKind::FirstBuild, self.mode_of(unit))];
        };
        let found = differences(&old_record.values, &new_record.values, &unit.key);
        let found = self.with_versions(found);
        let refined = found.into_iter().flat_map(|cause| match cause.kind {
            CauseKind::Profile | CauseKind::ConfigSettings => flags::refined(
                cause.kind,
                &unit.key.package,
                self.history.flags(&old),
                flags::of(&unit.key, &self.rehearsal.flags),
            ),
            _ => vec![cause],
        });
        refined.collect()
    }

    /// Returns the cause of a new unit that differs from its sibling in nothing, and whose
    /// dependencies are not new. The kit's last run may know the former package id.
    pub(crate) fn of_unknown_identity(
        &self,
        unit: &JudgedUnit,
        old: Option<&RecordKey>,
    ) -> RootCause {
        let before = old.and_then(|old| self.history.package(old));
        let cause = RootCause::about(CauseKind::PackageId, &unit.key.package);
        match before.filter(|before| *before != unit.package) {
            Some(before) => cause.from_to(Some(before.to_owned()), Some(unit.package.clone())),
            None => cause,
        }
    }

    /// Returns the mode of a unit in the words of cargo's commands.
    pub(crate) fn mode_of(&self, unit: &JudgedUnit) -> &'static str {
        let is_test = unit.key.name.starts_with("test-");
        match unit.mode.split(' ').next().unwrap_or_default() {
            "Check" if self.is_clippy && unit.package.ends_with(')') => "clippy",
            "Check" => "check",
            "Test" => "test",
            "Doc" => "doc",
            "RunCustomBuild" => "run",
            _ if is_test => "test",
            _ if unit.key.is_run() => "run",
            _ if unit.key.name.starts_with("doc-") => "doc",
            _ => "build",
        }
    }
}
