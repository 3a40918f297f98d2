//! The causes of new units. Cargo builds a new unit next to the old unit, and its log gives no
//! reason.

use xtask_impact::build_dir::dep_info::Fingerprint;

use super::cause::{CauseKind, RootCause};
use super::sibling::{Siblings, differences};
use super::{Explainer, committed, flags};
use crate::cargo_runs::rehearsal::{JudgedUnit, Reason, RecordKey};

impl Explainer<'_> {
    /// Returns the own causes of a new unit. No cause means that a dependency is a new unit.
    pub(crate) fn of_new(&self, place: usize, siblings: &Siblings<'_>) -> Vec<RootCause> {
        let unit = &self.rehearsal.units[place];
        if self.history.knows(&unit.key) {
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

    /// Returns the cause of a new unit that differs from its sibling in nothing, and whose
    /// dependencies are not new: the package id, or a wrapper of the compiler. The records of the
    /// dependents hold a hash of the package id. The former id stands in the history of the kit's
    /// runs, or the former version in the committed lock file. If only dependents that were never
    /// built use the unit, the unit is built for the first time, beside the sibling.
    pub(crate) fn of_unknown_identity(&self, place: usize, siblings: &Siblings<'_>) -> RootCause {
        let unit = &self.rehearsal.units[place];
        let dependents = &siblings.graph.dependents[place];
        if !dependents.is_empty() && dependents.iter().all(|&it| siblings.of(it).is_none()) {
            return RootCause::about(CauseKind::FirstBuild, self.mode_of(unit));
        }
        let old = siblings.of(place);
        let package = &unit.key.package;
        let known = old.as_ref().and_then(|old| self.history.package(old));
        let known = known.filter(|known| *known != unit.package);
        let former = known.map(str::to_owned).or_else(|| self.committed(unit));
        if former.is_none() && self.has_other_id(place, siblings) == Some(false) {
            return RootCause::of(CauseKind::Wrapper);
        }
        let cause = RootCause::about(CauseKind::PackageId, package);
        match former {
            Some(former) => cause.with_values(Some(former), Some(unit.package.clone())),
            None => cause,
        }
    }

    /// Returns true if a dependent was built with a former package id of a unit. `None` if no
    /// dependent was built before.
    fn has_other_id(&self, place: usize, siblings: &Siblings<'_>) -> Option<bool> {
        let unit = &self.rehearsal.units[place];
        let name = unit.key.unit()?.target.replace('-', "_");
        let ids = |values: &Fingerprint| {
            let named = values
                .deps
                .iter()
                .filter(|it| it.1.replace('-', "_") == name);
            named.map(|it| it.0).collect::<Vec<u64>>()
        };
        let dependents = siblings.graph.dependents[place].iter();
        let mut known = dependents.filter_map(|&dependent| {
            let old = self.rehearsal.before.get(&siblings.of(dependent)?)?;
            let new = self
                .rehearsal
                .after
                .get(&self.rehearsal.units[dependent].key)?;
            let (old, new) = (ids(&old.values), ids(&new.values));
            (!old.is_empty() && !new.is_empty()).then(|| old != new)
        });
        known.next()
    }

    /// Returns a package with the version of the committed lock file, if that version is another
    /// one and the only one.
    fn committed(&self, unit: &JudgedUnit) -> Option<String> {
        let (name, rest) = unit.package.split_once(" v")?;
        let (version, source) = rest.split_once(' ').unwrap_or((rest, ""));
        let locked = self
            .committed
            .get_or_init(|| committed::packages(self.runner, &self.workspace.root));
        let mut versions = locked.iter().filter(|it| it.0 == name).map(|it| &it.1);
        let former = versions.next().filter(|it| *it != version)?;
        let is_only = versions.next().is_none();
        is_only.then(|| format!("{name} v{former} {source}").trim_end().to_owned())
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
