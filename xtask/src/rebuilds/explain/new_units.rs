//! The causes of new units, which cargo builds next to old units without a reason.

use xtask_impact::build_dir::dep_info::Fingerprint;

use super::cause::{CauseKind, RootCause};
use super::sibling::{Siblings, differences};
use super::{Evidence, flags};
use crate::cargo_runs::rehearsal::RecordKey;
use crate::cargo_runs::rehearsal::{JudgedUnit, Reason};

impl Evidence<'_> {
    /// Returns the own causes of a new unit. No cause means that a dependency is a new unit.
    pub(crate) fn of_new(&self, place: usize, siblings: &Siblings<'_>) -> Vec<RootCause> {
        let unit = &self.rehearsal.units[place];
        if self.history.json(&unit.key).is_some() {
            return vec![RootCause::of(CauseKind::Removed)];
        }
        // The records of a script and of its run have few settings; the library of its package has
        // them all.
        if unit.key.is_script() {
            let users = siblings.graph.dependents[place].iter();
            let mut users = users.filter(|&&it| self.is_new_beside(it, unit));
            let causes =
                users.find_map(|&it| Some(self.of_new(it, siblings)).filter(|it| !it.is_empty()));
            if let Some(causes) = causes {
                return causes;
            }
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
        let mut found = self.with_versions(found);
        let is_comparable = found.iter().all(|it| it.kind != CauseKind::Toolchain);
        if is_comparable {
            let (old, new) = other_dependencies(&old_record.values, &new_record.values);
            if old != new {
                let cause = RootCause::about(CauseKind::Dependencies, &unit.key.package);
                found.push(cause.with_values(Some(old), Some(new)));
            }
        }
        let refined = found.into_iter().flat_map(|cause| match cause.kind {
            CauseKind::Profile | CauseKind::ConfigSettings => flags::refined(
                cause.kind,
                &unit.key.package,
                self.history.flags(&old),
                flags::of(&unit.key, &self.rehearsal.flags),
            ),
            CauseKind::Platform => {
                let platform = |key: &RecordKey| match key.place.split_once('/') {
                    Some((triple, _)) => triple.to_owned(),
                    None => "host".to_owned(),
                };
                vec![cause.with_values(Some(platform(&old)), Some(platform(&unit.key)))]
            }
            _ => vec![cause],
        });
        refined.collect()
    }

    /// Returns true if a unit is new, and belongs to the package of another unit.
    fn is_new_beside(&self, place: usize, unit: &JudgedUnit) -> bool {
        let other = &self.rehearsal.units[place];
        other.reason == Some(Reason::NoRecord) && other.key.package == unit.key.package
    }

    /// Returns the cause of a new unit that is equal to its sibling, and whose dependencies are not
    /// new. The kit's last run may know the former package id.
    pub(crate) fn of_unknown_identity(
        &self,
        unit: &JudgedUnit,
        old: Option<&RecordKey>,
    ) -> RootCause {
        let before = old.and_then(|old| self.history.package(old));
        let cause = RootCause::about(CauseKind::PackageId, &unit.key.package);
        match before.filter(|before| *before != unit.package) {
            Some(before) => cause.with_values(Some(before.to_owned()), Some(unit.package.clone())),
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

/// Returns the names of the dependencies that only the old or only the new unit has.
pub(crate) fn other_dependencies(old: &Fingerprint, new: &Fingerprint) -> (String, String) {
    let names = |values: &Fingerprint| -> Vec<String> {
        values.deps.iter().map(|it| it.1.clone()).collect()
    };
    let (old, new) = (names(old), names(new));
    let only = |of: &[String], other: &[String]| {
        let only = of.iter().filter(|it| !other.contains(it));
        only.cloned().collect::<Vec<_>>().join(", ")
    };
    (only(&old, &new), only(&new, &old))
}
