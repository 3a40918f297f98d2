//! The plan of a sweep: the artifacts to remove, in their order, and the artifacts to keep, each
//! with its reason.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use camino::Utf8PathBuf;
use serde::Serialize;
use xtask_impact::build_dir::Directories;

use super::garbage::{Garbage, SweepClass};
use super::last_use::{KnownUses, UseEvidence};
use super::scan::{DirectoryScan, SharedArtifact, Sizes, SweepUnit};
use crate::artifacts::plan::{Artifact, Removal, is_reference};

/// A build directory, and everything that the plan needs to know about it.
#[derive(Debug)]
pub(crate) struct SweptDirectory {
    pub directories: Directories,
    pub scan: DirectoryScan,
    /// The uses that the last run of the kit remembered.
    pub uses: KnownUses,
    pub evidence: UseEvidence,
    pub garbage: Garbage,
    /// The units that keep commands need, with everything that they were built from.
    pub needed: BTreeSet<usize>,
    /// The units that the running kit is built from.
    pub running: BTreeSet<usize>,
    /// The profile directories in which the needed units are unknown.
    pub unknown_profiles: BTreeSet<String>,
}

/// The reason to keep an artifact.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeptReason {
    /// A keep command needs the unit.
    Needed,
    /// The running kit is built from the unit.
    Running,
    /// A keep command failed, so the unit may be needed.
    Unknown,
    /// The unit was used within `--max-age`.
    RecentlyUsed,
    /// The limit holds without the removal.
    WithinLimit,
    /// The kit does not remove such files.
    NeverRemoved,
}

/// An artifact to remove: a unit with its files, or a shared artifact without a unit.
#[derive(Clone, Debug)]
pub(crate) struct SweepItem {
    pub class: SweepClass,
    pub because: String,
    /// The index of the directory.
    pub directory: usize,
    /// The index of the profile directory in the scan.
    pub place: Option<usize>,
    pub package: String,
    /// The names of the units, or of the shared artifact.
    pub unit: String,
    pub hash: Option<String>,
    pub last_use: SystemTime,
    pub sizes: Sizes,
    pub removals: Vec<Removal>,
}

/// The limits of a plan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PlanLimits {
    pub max_size: Option<u64>,
    pub max_age: Option<Duration>,
}

/// The plan of a sweep.
#[derive(Debug, Default)]
pub(crate) struct SweepPlan {
    /// The artifacts to remove, in their order.
    pub items: Vec<SweepItem>,
    /// The units to remove, as indexes of directory and unit.
    pub removed: BTreeSet<(usize, usize)>,
    /// The shared artifacts to remove, as indexes of directory and artifact.
    pub removed_shared: BTreeSet<(usize, usize)>,
    /// The size of the directories before and after the sweep.
    pub before: u64,
    pub after: u64,
    /// The sizes that are kept, by reason.
    pub kept: BTreeMap<KeptReason, Sizes>,
}

impl SweepPlan {
    /// Makes the plan for these directories. Garbage is removed in any case. Then the units that
    /// were not used for the longest time are removed until the limit holds.
    pub(crate) fn new(directories: &[SweptDirectory], limits: PlanLimits, now: SystemTime) -> Self {
        let before = directories.iter().map(|it| it.scan.bytes).sum();
        let mut planner = Planner {
            directories,
            limits,
            now,
            owners_left: Vec::new(),
            owned: Vec::new(),
            plan: Self {
                before,
                after: before,
                ..Self::default()
            },
        };
        for directory in directories {
            let mut owned: HashMap<usize, Vec<usize>> = HashMap::new();
            for (index, shared) in directory.scan.shared.iter().enumerate() {
                for &owner in &shared.owners {
                    owned.entry(owner).or_default().push(index);
                }
            }
            let counts = directory.scan.shared.iter().map(|it| it.owners.len());
            planner.owners_left.push(counts.collect());
            planner.owned.push(owned);
        }
        planner.remove_garbage();
        planner.remove_by_last_use();
        planner.count_kept();
        planner.plan
    }

    /// Returns the bytes by which the directories exceed the limit after the sweep.
    pub(crate) fn missing(&self, limits: PlanLimits) -> u64 {
        limits
            .max_size
            .map_or(0, |limit| self.after.saturating_sub(limit))
    }
}

struct Planner<'a> {
    directories: &'a [SweptDirectory],
    limits: PlanLimits,
    now: SystemTime,
    /// The number of owners that are kept, by directory and shared artifact.
    owners_left: Vec<Vec<usize>>,
    /// The shared artifacts of each unit, by directory.
    owned: Vec<HashMap<usize, Vec<usize>>>,
    plan: SweepPlan,
}

impl Planner<'_> {
    fn remove_garbage(&mut self) {
        let mut found = Vec::new();
        for (index, directory) in self.directories.iter().enumerate() {
            for (&unit, (class, because)) in &directory.garbage {
                if self.protection(index, unit, *class).is_none() {
                    found.push((*class, index, unit, because));
                }
            }
        }
        found.sort();
        for (class, directory, unit, because) in found {
            self.remove(directory, unit, class, because);
        }
        for (index, directory) in self.directories.iter().enumerate() {
            for (at, shared) in directory.scan.shared.iter().enumerate() {
                let is_unused =
                    shared.kind == Some(Artifact::Incremental) && shared.owners.is_empty();
                if is_unused && !self.is_recent(shared.modified) {
                    let item = self.shared_item(index, shared);
                    self.plan.after = self.plan.after.saturating_sub(item.sizes.bytes);
                    self.plan.removed_shared.insert((index, at));
                    self.plan.items.push(item);
                }
            }
        }
    }

    fn remove_by_last_use(&mut self) {
        if !self.is_over() {
            return;
        }
        let mut candidates = Vec::new();
        for (index, directory) in self.directories.iter().enumerate() {
            let order = directory.scan.build_order();
            for (unit, order) in order.into_iter().enumerate() {
                let is_free = !self.plan.removed.contains(&(index, unit))
                    && self.protection(index, unit, SweepClass::LastUse).is_none();
                if is_free {
                    let last_use = directory.scan.units[unit].last_use;
                    candidates.push((last_use, Reverse(order), index, unit));
                }
            }
        }
        candidates.sort_unstable();
        for (_, _, directory, unit) in candidates {
            if !self.is_over() {
                break;
            }
            self.remove(directory, unit, SweepClass::LastUse, "least recently used");
        }
    }

    /// Returns true if units have to be removed although they are no garbage.
    fn is_over(&self) -> bool {
        match (self.limits.max_size, self.limits.max_age) {
            (Some(limit), _) => self.plan.after > limit,
            // Units that were used within `--max-age` are protected.
            (None, Some(_)) => true,
            (None, None) => false,
        }
    }

    /// Returns the reason to keep a unit that is a candidate of this class.
    fn protection(&self, directory: usize, unit: usize, class: SweepClass) -> Option<KeptReason> {
        let directory = &self.directories[directory];
        let found = &directory.scan.units[unit];
        let profile = &directory.scan.places[found.place].directory;
        let is_doubtful = matches!(class, SweepClass::LastUse | SweepClass::FormerLayout);
        if directory.needed.contains(&unit) {
            Some(KeptReason::Needed)
        } else if directory.running.contains(&unit) {
            Some(KeptReason::Running)
        } else if is_doubtful && directory.unknown_profiles.contains(profile) {
            Some(KeptReason::Unknown)
        } else if self.is_recent(found.last_use) {
            Some(KeptReason::RecentlyUsed)
        } else {
            None
        }
    }

    /// Returns true if a time lies within `--max-age`.
    fn is_recent(&self, time: SystemTime) -> bool {
        let age = self.now.duration_since(time).unwrap_or_default();
        self.limits.max_age.is_some_and(|limit| age <= limit)
    }

    /// Removes a unit, and the shared artifacts that only this unit still used.
    fn remove(&mut self, directory: usize, unit: usize, class: SweepClass, because: &str) {
        let scan = &self.directories[directory].scan;
        let found = &scan.units[unit];
        let mut item = SweepItem {
            class,
            because: because.to_owned(),
            directory,
            place: Some(found.place),
            package: found.package.clone(),
            unit: found.label(),
            hash: Some(found.hash.clone()),
            last_use: found.last_use,
            sizes: found.sizes,
            removals: removals(scan, found),
        };
        for &shared in self.owned[directory].get(&unit).into_iter().flatten() {
            let left = &mut self.owners_left[directory][shared];
            *left -= 1;
            if *left == 0 {
                self.plan.removed_shared.insert((directory, shared));
                let shared = &scan.shared[shared];
                item.sizes.add(shared.sizes);
                item.removals.extend(shared_removals(shared));
            }
        }
        self.plan.after = self.plan.after.saturating_sub(item.sizes.bytes);
        self.plan.removed.insert((directory, unit));
        self.plan.items.push(item);
    }

    fn shared_item(&self, directory: usize, shared: &SharedArtifact) -> SweepItem {
        SweepItem {
            class: SweepClass::Incremental,
            because: "no unit uses it".to_owned(),
            directory,
            place: shared.place,
            package: shared.name.clone(),
            unit: "incremental".to_owned(),
            hash: None,
            last_use: shared.modified,
            sizes: shared.sizes,
            removals: shared_removals(shared).collect(),
        }
    }

    /// Sums up what is kept, by reason.
    fn count_kept(&mut self) {
        let mut kept: BTreeMap<KeptReason, Sizes> = BTreeMap::new();
        let mut rest = self.plan.after;
        for (index, directory) in self.directories.iter().enumerate() {
            for (unit, found) in directory.scan.units.iter().enumerate() {
                if self.plan.removed.contains(&(index, unit)) {
                    continue;
                }
                let class = directory
                    .garbage
                    .get(&unit)
                    .map_or(SweepClass::LastUse, |it| it.0);
                let reason = self.protection(index, unit, class);
                let sizes = kept
                    .entry(reason.unwrap_or(KeptReason::WithinLimit))
                    .or_default();
                sizes.add(found.sizes);
                rest = rest.saturating_sub(found.sizes.bytes);
            }
            for (at, shared) in directory.scan.shared.iter().enumerate() {
                let mut owners = shared.owners.iter();
                let owner = owners.find(|it| !self.plan.removed.contains(&(index, **it)));
                if let (Some(&owner), 1..) = (owner, self.owners_left[index][at]) {
                    let reason = self.protection(index, owner, SweepClass::LastUse);
                    let sizes = kept
                        .entry(reason.unwrap_or(KeptReason::WithinLimit))
                        .or_default();
                    sizes.add(shared.sizes);
                    rest = rest.saturating_sub(shared.sizes.bytes);
                }
            }
        }
        kept.entry(KeptReason::NeverRemoved).or_default().bytes = rest;
        kept.retain(|_, sizes| sizes.bytes > 0);
        self.plan.kept = kept;
    }
}

/// Returns the removals of a unit. The reference file and the fingerprint come first: without them,
/// cargo builds the unit again, whatever else is left.
fn removals(scan: &DirectoryScan, unit: &SweepUnit) -> Vec<Removal> {
    let place = &scan.places[unit.place];
    let fingerprint = place.fingerprint_dir(&unit.package, &unit.hash);
    let mut files = unit.files.clone();
    if unit.has_fingerprint && !files.iter().any(|(_, path)| *path == fingerprint) {
        // In the second layout, the fingerprint lies in the directory of the unit.
        files.push((Artifact::Fingerprint, fingerprint));
    }
    if unit.is_run() || unit.names.is_empty() && unit.has_fingerprint {
        let output = place.script_output(&unit.package, &unit.hash);
        files.push((Artifact::Fingerprint, output));
    }
    files.sort_by_key(|(kind, path)| (*kind, !is_reference(path), path.clone()));
    files
        .into_iter()
        .map(|(kind, path)| removal(kind, path))
        .collect()
}

fn shared_removals(shared: &SharedArtifact) -> impl Iterator<Item = Removal> {
    let kind = shared.kind.unwrap_or(Artifact::Output);
    let paths: Vec<Utf8PathBuf> = shared.paths.clone();
    paths.into_iter().map(move |path| removal(kind, path))
}

fn removal(kind: Artifact, path: Utf8PathBuf) -> Removal {
    Removal {
        kind,
        path,
        package: String::new(),
        package_id: None,
        unit: None,
        because: String::new(),
        files: 0,
        bytes: 0,
    }
}
