//! The report of a sweep, as JSON and as the basis of the text.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode};

use super::garbage::SweepClass;
use super::last_use::UseEvidence;
use super::needed::CommandReport;
use super::plan::{KeptReason, PlanLimits, SweepItem, SweepPlan, SweptDirectory};
use super::scan::SweepUnit;
use crate::artifacts::plan::Artifact;

/// The report of a sweep of one workspace.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct SweepReport {
    /// The version of this JSON format. The version changes if a reader has to change.
    pub version: u32,
    #[cfg_attr(test, schemars(with = "String"))]
    pub workspace_root: Utf8PathBuf,
    /// The limits: bytes and seconds.
    pub max_size: Option<u64>,
    pub max_age: Option<u64>,
    /// The size of the directories before the sweep, the removed part, and the rest.
    pub before: u64,
    pub removed: u64,
    pub after: u64,
    /// The bytes by which the rest exceeds the limit.
    pub missing: u64,
    pub directories: Vec<DirectoryReport>,
    /// The keep commands. Empty if nothing could be removed.
    pub commands: Vec<CommandReport>,
    /// Other build directories of the workspace, which were not swept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub others: Vec<Utf8PathBuf>,
    /// The removed bytes, by the reason of the removal.
    pub by_reason: BTreeMap<SweepClass, Share>,
    /// The kept bytes, by the reason to keep them.
    pub kept: BTreeMap<KeptReason, u64>,
    pub by_kind: BTreeMap<String, Share>,
    pub by_profile: BTreeMap<String, Share>,
    pub by_triple: BTreeMap<String, Share>,
    pub by_age: BTreeMap<AgeClass, Share>,
    pub removals: Vec<RemovalReport>,
}

/// A build directory of the report.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct DirectoryReport {
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: Utf8PathBuf,
    pub bytes: u64,
    pub units: usize,
    pub last_use: UseEvidence,
}

/// The size of one part of the directories.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Share {
    pub before: u64,
    pub removed: u64,
    /// The number of removed units.
    pub removed_units: usize,
}

/// A removed unit, or a removed artifact without a unit.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct RemovalReport {
    pub reason: SweepClass,
    pub because: String,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub profile: Option<Utf8PathBuf>,
    pub package: String,
    pub unit: String,
    pub hash: Option<String>,
    /// The time of the last use, in seconds since 1970.
    pub last_use: u64,
    pub files: u64,
    pub bytes: u64,
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub paths: Vec<Utf8PathBuf>,
}

/// A class of ages since the last use.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AgeClass {
    Day,
    Week,
    Month,
    Quarter,
    Older,
}

impl AgeClass {
    fn of(age: Duration) -> Self {
        match age.as_secs() / 86_400 {
            0 => Self::Day,
            1..7 => Self::Week,
            7..30 => Self::Month,
            30..90 => Self::Quarter,
            _ => Self::Older,
        }
    }

    /// Returns the name of the class in the text.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Day => "used in the last day",
            Self::Week => "in the last week",
            Self::Month => "in the last 30 days",
            Self::Quarter => "in the last 90 days",
            Self::Older => "longer ago",
        }
    }
}

impl SweepReport {
    /// Starts the report of a plan.
    pub(crate) fn new(
        root: &Utf8Path,
        read: &[SweptDirectory],
        plan: &SweepPlan,
        limits: PlanLimits,
        now: SystemTime,
    ) -> Self {
        let directories = read.iter().map(|it| DirectoryReport {
            path: it.directories.build.clone(),
            bytes: it.scan.bytes,
            units: it.scan.units.len(),
            last_use: it.evidence,
        });
        let kept = plan
            .kept
            .iter()
            .map(|(reason, sizes)| (*reason, sizes.bytes));
        let mut report = Self {
            version: 1,
            workspace_root: root.to_owned(),
            max_size: limits.max_size,
            max_age: limits.max_age.map(|it| it.as_secs()),
            before: plan.before,
            removed: plan.before.saturating_sub(plan.after),
            after: plan.after,
            missing: plan.missing(limits),
            directories: directories.collect(),
            commands: Vec::new(),
            others: Vec::new(),
            by_reason: BTreeMap::new(),
            kept: kept.collect(),
            by_kind: BTreeMap::new(),
            by_profile: BTreeMap::new(),
            by_triple: BTreeMap::new(),
            by_age: BTreeMap::new(),
            removals: plan
                .items
                .iter()
                .map(|it| RemovalReport::new(it, read))
                .collect(),
        };
        report.count(read, plan, now);
        report
    }

    /// Counts the shares of all units and shared artifacts.
    fn count(&mut self, read: &[SweptDirectory], plan: &SweepPlan, now: SystemTime) {
        for item in &plan.items {
            let share = self.by_reason.entry(item.class).or_default();
            share.add(item.sizes.bytes, true, 1);
        }
        for (index, directory) in read.iter().enumerate() {
            let scan = &directory.scan;
            let mut rest = scan.bytes;
            // The names of kinds and places become texts at the end, once for all units.
            let mut by_kind: BTreeMap<&str, Share> = BTreeMap::new();
            let mut by_place: BTreeMap<Option<usize>, Share> = BTreeMap::new();
            let mut add = |kind, place: Option<usize>, time: SystemTime, bytes: u64, gone| {
                let units = usize::from(gone);
                let age = AgeClass::of(now.duration_since(time).unwrap_or_default());
                rest = rest.saturating_sub(bytes);
                for share in [
                    by_kind.entry(kind).or_default(),
                    by_place.entry(place).or_default(),
                    self.by_age.entry(age).or_default(),
                ] {
                    share.add(bytes, gone, units);
                }
            };
            for (at, unit) in scan.units.iter().enumerate() {
                let is_gone = plan.removed.contains(&(index, at));
                add(
                    kind(unit),
                    Some(unit.place),
                    unit.last_use,
                    unit.sizes.bytes,
                    is_gone,
                );
            }
            for (at, shared) in scan.shared.iter().enumerate() {
                let kind = match shared.kind {
                    Some(Artifact::Incremental) => "incremental state",
                    Some(Artifact::Documentation) => "documentation",
                    Some(_) => "final artifacts",
                    None => "others",
                };
                let owners = shared.owners.iter().map(|&it| scan.units[it].last_use);
                let time = owners.max().unwrap_or(shared.modified);
                let is_gone = plan.removed_shared.contains(&(index, at));
                add(kind, shared.place, time, shared.sizes.bytes, is_gone);
            }
            for (kind, share) in by_kind {
                self.by_kind.entry(kind.to_owned()).or_default().join(share);
            }
            for (place, share) in by_place {
                let place = place.map(|it| &scan.places[it]);
                let profile = place.map_or("no profile", |it| &it.directory);
                let triple = place.map_or("no triple", |it| it.triple.as_deref().unwrap_or("host"));
                let of_profile = self.by_profile.entry(profile.to_owned()).or_default();
                of_profile.join(share);
                self.by_triple
                    .entry(triple.to_owned())
                    .or_default()
                    .join(share);
            }
            // The directories themselves.
            let directories = rest;
            let share = self.by_kind.entry("others".to_owned()).or_default();
            share.add(directories, false, 0);
        }
    }
}

impl Share {
    fn add(&mut self, bytes: u64, is_removed: bool, units: usize) {
        self.before += bytes;
        self.removed += if is_removed { bytes } else { 0 };
        self.removed_units += units;
    }

    fn join(&mut self, other: Self) {
        self.before += other.before;
        self.removed += other.removed;
        self.removed_units += other.removed_units;
    }
}

impl RemovalReport {
    fn new(item: &SweepItem, read: &[SweptDirectory]) -> Self {
        let scan = &read[item.directory].scan;
        let last_use = item.last_use.duration_since(SystemTime::UNIX_EPOCH);
        Self {
            reason: item.class,
            because: item.because.clone(),
            profile: item.place.map(|it| scan.places[it].path.clone()),
            package: item.package.clone(),
            unit: item.unit.clone(),
            hash: item.hash.clone(),
            last_use: last_use.unwrap_or_default().as_secs(),
            files: item.sizes.files,
            bytes: item.sizes.bytes,
            paths: item.removals.iter().map(|it| it.path.clone()).collect(),
        }
    }
}

/// Returns the kind of a unit in reports.
fn kind(unit: &SweepUnit) -> &'static str {
    let Some(name) = unit.names.first() else {
        return match unit.has_fingerprint {
            true => "never built",
            false => "without fingerprint",
        };
    };
    match (name.mode, name.kind) {
        (RecordedMode::Doc, _) => "documentation",
        (RecordedMode::Run, _) => "script runs",
        (RecordedMode::Test, _) | (_, RecordedKind::Test) => "tests",
        (_, RecordedKind::Lib) => "libraries",
        (_, RecordedKind::Bin) => "binaries",
        (_, RecordedKind::Example) => "examples",
        (_, RecordedKind::Bench) => "benches",
        (_, RecordedKind::BuildScript) => "build scripts",
    }
}
