//! The report of `freshness`.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use xtask_impact::quote;

use crate::built_from::judge::{FreshnessAction, JudgedUnit, RestorePlan};
use crate::built_from::macros::in_order;
use crate::built_from::record::RecordedUnit;
use crate::built_from::save::SavePlan;
use crate::built_from::subject::{FreshnessScene, RecordedBuilds};
use crate::selection::filter::ShownPackages;

/// The report of one call.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct FreshnessReport {
    /// The version of this JSON format. The version changes if a reader has to change.
    pub version: u32,
    /// The directory of the root manifest.
    #[cfg_attr(test, schemars(with = "String"))]
    pub workspace_root: Utf8PathBuf,
    /// True if nothing was changed.
    pub dry_run: bool,
    /// The build directories.
    pub directories: Vec<DirectoryFreshness>,
}

/// The report on one build directory.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct DirectoryFreshness {
    /// The build directory.
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: Utf8PathBuf,
    /// The task: `save`, `restore` or `verify`.
    pub task: &'static str,
    /// True if there is a record of this workspace, build directory and cargo.
    pub has_record: bool,
    /// The numbers of units by state.
    pub counts: BTreeMap<&'static str, usize>,
    /// The number of files whose contents were compared or recorded.
    pub files: usize,
    /// The units that have a reason, sorted by package and unit.
    pub units: Vec<UnitFreshness>,
    /// The packages whose script runs again only because it watches its whole package, sorted.
    pub watch_all: Vec<String>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// The report on one unit.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct UnitFreshness {
    /// The name of the package.
    pub package: String,
    /// The name of the unit's hash file.
    pub unit: String,
    /// The path of the hash file, relative to the build directory.
    pub key: String,
    /// The state: see `docs/json.md`.
    pub state: &'static str,
    /// The first input that differs, or the reason why nothing is proven.
    pub reason: String,
}

impl FreshnessReport {
    /// Returns a report without directories.
    pub(super) fn new(root: &Utf8Path, dry_run: bool) -> Self {
        Self {
            version: 1,
            workspace_root: root.to_owned(),
            dry_run,
            directories: Vec::new(),
        }
    }

    /// Returns all notes.
    pub(super) fn notes(&self) -> impl Iterator<Item = &String> {
        self.directories.iter().flat_map(|it| &it.notes)
    }

    /// Returns true if a unit is stale.
    pub(super) fn has_findings(&self) -> bool {
        let counts = self.directories.iter().map(|it| it.counts.get("stale"));
        counts.flatten().any(|it| *it > 0)
    }
}

impl DirectoryFreshness {
    fn new(builds: &RecordedBuilds<'_>, task: &'static str) -> Self {
        let path = &builds.owner.build_directory;
        let unusable = builds.unusable.iter();
        Self {
            path: path.clone(),
            task,
            has_record: builds.record.is_some(),
            notes: unusable.map(|reason| ignored(path, reason)).collect(),
            ..Self::default()
        }
    }

    fn add(&mut self, builds: &RecordedBuilds<'_>, at: usize, state: &'static str, reason: &str) {
        let unit = &builds.units.units[at];
        self.units.push(UnitFreshness {
            package: unit.package.clone(),
            unit: unit.unit_name(),
            key: unit.key.clone(),
            state,
            reason: below(&builds.owner.root, reason),
        });
    }

    fn count(&mut self, state: &'static str) {
        *self.counts.entry(state).or_default() += 1;
    }

    /// Returns the report of `save`.
    pub(super) fn of_save(
        builds: &RecordedBuilds<'_>,
        plan: &SavePlan,
        shown: &ShownPackages,
    ) -> Self {
        let mut report = Self::new(builds, "save");
        for state in ["recorded", "kept", "unrecorded"] {
            report.counts.insert(state, 0);
        }
        let entries = plan.record.units.iter();
        let entries: BTreeMap<&str, &RecordedUnit> =
            entries.map(|it| (it.key.as_str(), it)).collect();
        for (at, unit) in builds.units.units.iter().enumerate() {
            if !shown.contains(&unit.package) {
                continue;
            }
            let Some(entry) = entries.get(unit.key.as_str()) else {
                let reason = match &unit.record {
                    None => "its hash file or the values next to it cannot be read",
                    Some(_) => "cargo left no `invoked.timestamp`",
                };
                report.count("unrecorded");
                report.add(builds, at, "unrecorded", reason);
                continue;
            };
            let refusal = entry.inputs.as_ref().err();
            if let Some(reason) = refusal.or(entry.dependencies.as_ref().err()) {
                report.count("unrecorded");
                report.add(builds, at, "unrecorded", reason);
            } else {
                report.count(match plan.kept.contains(&unit.key) {
                    true => "kept",
                    false => "recorded",
                });
            }
        }
        report.files = plan.files;
        report.units.sort();
        report
    }

    /// Returns the report of `restore`. `changed` are the units whose files changed meanwhile.
    pub(super) fn of_restore(
        builds: &RecordedBuilds<'_>,
        plan: &RestorePlan,
        changed: &[usize],
        shown: &ShownPackages,
    ) -> Self {
        let mut report = Self::new(builds, "restore");
        for state in ["kept", "rebuild", "unproven", "dependents"] {
            report.counts.insert(state, 0);
        }
        let is_built = |it: &JudgedUnit| {
            let is_built = [FreshnessAction::Rebuild, FreshnessAction::Invalidate];
            is_built.contains(&it.action) || changed.contains(&it.at)
        };
        let mut built: BTreeSet<usize> = BTreeSet::new();
        for at in in_order(&builds.units) {
            let judged = &plan.units[at];
            let mut depends_on = builds.units.dependencies_on_disk(at);
            let is_dependent = depends_on.any(|it| built.contains(&it));
            if is_built(judged) || is_dependent {
                built.insert(at);
            }
            if !shown.contains(&builds.units.units[at].package) {
                continue;
            }
            if is_built(judged) {
                let state = match judged.has_changed || changed.contains(&at) {
                    true => "rebuild",
                    false => "unproven",
                };
                report.count(state);
                let meanwhile = "a file changed meanwhile";
                report.add(
                    builds,
                    at,
                    state,
                    judged.reason.as_deref().unwrap_or(meanwhile),
                );
                if judged.watches_package && builds.units.units[at].is_run() && !judged.has_changed
                {
                    report
                        .watch_all
                        .push(builds.units.units[at].package.clone());
                }
            } else if is_dependent {
                report.count("dependents");
            } else {
                report.count("kept");
            }
        }
        report.units.sort();
        report.files = builds.evaluator.reader.count();
        report.watch_all.sort();
        report.watch_all.dedup();
        report
    }

    /// Returns the report of `verify`.
    pub(super) fn of_verify(
        builds: &RecordedBuilds<'_>,
        plan: &RestorePlan,
        fix: bool,
        shown: &ShownPackages,
    ) -> Self {
        let mut report = Self::new(builds, "verify");
        let stale = match fix {
            true => "fixed",
            false => "stale",
        };
        for state in ["equal", stale, "unrecorded"] {
            report.counts.insert(state, 0);
        }
        let is_shown = |it: &&JudgedUnit| shown.contains(&builds.units.units[it.at].package);
        for judged in plan.units.iter().filter(is_shown) {
            let reason = judged.reason.as_deref().unwrap_or_default();
            match judged.action {
                FreshnessAction::Invalidate => {
                    report.count(stale);
                    report.add(builds, judged.at, stale, reason);
                }
                FreshnessAction::Keep if judged.reason.is_some() => report.count("unrecorded"),
                FreshnessAction::Rebuild => report.count("rebuild"),
                _ => report.count("equal"),
            }
        }
        report.units.sort();
        report
    }

    /// Returns the report on a directory without a usable record.
    pub(super) fn without_record(builds: &RecordedBuilds<'_>, missing: &MissingRecord) -> Self {
        Self {
            path: builds.owner.build_directory.clone(),
            task: "restore",
            notes: vec![missing.note(&builds.owner.build_directory)],
            ..Self::default()
        }
    }
}

/// The reason why a build directory has no usable record.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum MissingRecord {
    /// There is a record, but it is ignored for this reason.
    Ignored(String),
    /// A cache action removed the record, with the artifacts of the workspace.
    Pruned,
    /// No record was made.
    Absent,
}

impl MissingRecord {
    /// Returns the reason for a build directory without a usable record.
    pub(super) fn of(scene: &FreshnessScene<'_>, builds: &RecordedBuilds<'_>) -> Self {
        if let Some(reason) = &builds.unusable {
            return Self::Ignored(reason.clone());
        }
        let is_own = |name: &str| {
            let mut packages = scene.workspace.packages.iter();
            packages.any(|it| it.name == name && it.source.is_none())
        };
        let units = &builds.units.units;
        match !units.is_empty() && !units.iter().any(|it| is_own(&it.package)) {
            true => Self::Pruned,
            false => Self::Absent,
        }
    }

    /// Returns the note for the user, with a hint.
    pub(super) fn note(&self, build_directory: &Utf8Path) -> String {
        let path = quote::name(build_directory);
        match self {
            Self::Ignored(reason) => format!(
                "{}\nhint: use the same path and the same cargo in each job, or build here and run \
                 `cargo xtask freshness save`",
                ignored(build_directory, reason)
            ),
            Self::Pruned => format!(
                "{path} holds artifacts of dependencies only, and no record: the cache action \
                 removed the artifacts of the workspace and the record, as Swatinem/rust-cache \
                 does\nhint: cache the whole target directory with actions/cache, see \
                 docs/freshness.md"
            ),
            Self::Absent => format!(
                "there is no record of builds in {path}\nhint: run `cargo xtask freshness save` \
                 after a build"
            ),
        }
    }
}

fn ignored(build_directory: &Utf8Path, reason: &str) -> String {
    let (path, reason) = (quote::name(build_directory), quote::line(reason));
    format!("the record in {path} is ignored: {reason}")
}

/// Returns a reason with paths relative to the workspace root.
fn below(root: &Utf8Path, reason: &str) -> String {
    reason.replace(&format!("{root}/"), "")
}
