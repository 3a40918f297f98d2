//! Compares every unit of a build directory with its record, and plans the changes that make cargo
//! come to the same result.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use xtask_impact::build_dir::unit_record::RecordedMode;
use xtask_impact::build_dir::{is_hash, split_hash};

use super::clock::FileClock;
use super::content::{Evaluated, PathContent};
use super::declared::InputFinder;
use super::inputs::UnitInput;
use super::macros::in_order;
use super::record::{RecordedInput, RecordedUnit};
use super::save::{is_tied, outputs};
use super::subject::{FreshnessScene, RecordedBuilds};
use super::units::{DiskUnit, has_several_names, modified};

/// The action on one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FreshnessAction {
    /// Cargo considers the unit fresh, and the kit found no difference.
    Keep,
    /// The unit is unchanged, and its reference file gets a time with which cargo considers the
    /// unit fresh.
    Stamp,
    /// The unit is an unchanged script that watches its whole package. The package's files get
    /// their recorded times.
    Touch,
    /// Cargo builds the unit by itself.
    Rebuild,
    /// The kit makes cargo build the unit.
    Invalidate,
}

/// The judgement of one unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JudgedUnit {
    /// The index of the unit.
    pub at: usize,
    /// The action.
    pub action: FreshnessAction,
    /// The reason of a rebuild or an invalidation.
    pub reason: Option<String>,
    /// True if an input has another content than the record says.
    pub has_changed: bool,
    /// True if cargo would consider the unit itself fresh, without its dependencies.
    pub is_natural: bool,
    /// True if the unit is a script that watches its whole package.
    pub watches_package: bool,
    /// True if the dependencies and the artifacts of the unit are the recorded ones.
    is_consistent: bool,
}

/// The options of a judgement.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JudgeOptions {
    /// Set the files of packages to their recorded times, for scripts that watch their package.
    pub touch: bool,
    /// Find only stale units that cargo considers fresh, as in a directory that was never moved.
    pub verify: bool,
}

/// The facts about a unit that decide its action.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct UnitFacts {
    /// `Err` with the reason if the record belongs to another build of the unit, if its
    /// dependencies or its artifacts differ, or if its inputs are not known.
    pub tie: Result<(), String>,
    /// The first input whose content differs.
    pub difference: Option<String>,
    /// True if cargo finds no newer input.
    pub is_natural: bool,
    /// True if the reference file of a carried unit lies in the future: the clock of the build was
    /// ahead, and later edits would look old.
    pub is_ahead: bool,
    /// An input that is younger than the limit.
    pub young: Option<String>,
    /// True if cargo compares no reference file: the newest file of the package is in the hash.
    pub watches_package: bool,
    /// True if a missing file can be written only by a build script.
    pub must_run: bool,
    /// True if the build directory is a hard-linked copy, so that no time may be set.
    pub is_linked: bool,
}

/// Returns the action for a unit, with the reason.
pub(crate) fn action(
    facts: &UnitFacts,
    is_carried: bool,
    options: JudgeOptions,
) -> (FreshnessAction, Option<String>) {
    use FreshnessAction::{Invalidate, Keep, Rebuild, Stamp, Touch};
    let proves_nothing = is_carried || options.touch;
    if facts.must_run {
        let reason = "a missing file can be written only by a build script";
        return (Invalidate, Some(reason.to_owned()));
    }
    if let Err(reason) = &facts.tie {
        return match proves_nothing {
            true => (Invalidate, Some(reason.clone())),
            false => (Keep, Some(reason.clone())),
        };
    }
    match (&facts.difference, facts.is_natural) {
        (None, true) if facts.is_ahead => (Stamp, None),
        (None, true) => (Keep, None),
        (Some(path), true) => (Invalidate, Some(path.clone())),
        (Some(path), false) if options.touch => (Invalidate, Some(path.clone())),
        (Some(path), false) => (Rebuild, Some(path.clone())),
        (None, false) => match &facts.young {
            Some(young) if proves_nothing => (Invalidate, Some(young.clone())),
            Some(young) => (Rebuild, Some(young.clone())),
            None if facts.is_linked => {
                let reason = "its build directory is a hard-linked copy";
                (Rebuild, Some(reason.to_owned()))
            }
            None if !facts.watches_package => (Stamp, None),
            None if options.touch => (Touch, None),
            None => {
                let reason = "it watches its whole package, whose files have new times";
                (Rebuild, Some(reason.to_owned()))
            }
        },
    }
}

/// The plan for one build directory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RestorePlan {
    /// The judgements, in the order of the units.
    pub units: Vec<JudgedUnit>,
    /// The artifacts that get the time [`RestorePlan::time`], those of dependents first.
    pub outputs: Vec<Utf8PathBuf>,
    /// The reference files of compiled units that get the time, each with the files that prove it.
    pub references: Vec<(usize, Utf8PathBuf)>,
    /// The source files that get their recorded time.
    pub touched: BTreeMap<Utf8PathBuf, i64>,
    /// The time for artifacts and reference files: older than every later change, newer than every
    /// input.
    pub time: i64,
    /// The time of the youngest input that is too young, if waiting helps.
    pub wait_for: Option<i64>,
    /// The source files on which the proof of each stamped or touched unit rests.
    pub proofs: HashMap<usize, Vec<Utf8PathBuf>>,
    /// True if the artifacts are set exactly to the time, not only forward.
    pub is_carried: bool,
}

/// Judges the units of a build directory.
pub(crate) fn plan(
    scene: &FreshnessScene<'_>,
    builds: &RecordedBuilds<'_>,
    clock: FileClock,
    options: JudgeOptions,
) -> RestorePlan {
    let is_carried = builds.is_carried && !options.verify;
    let mut judge = Judge::new(scene, builds, clock, options);
    let mut facts = judge.facts();
    judge.require_runs(&mut facts);
    let mut plan = RestorePlan {
        time: clock.limit(),
        is_carried,
        ..RestorePlan::default()
    };
    for (at, facts) in facts.iter().enumerate() {
        let (action, reason) = action(facts, is_carried, options);
        plan.units.push(JudgedUnit {
            at,
            action,
            reason,
            has_changed: facts.difference.is_some(),
            is_natural: facts.is_natural,
            watches_package: facts.watches_package,
            is_consistent: judge.consistent[at],
        });
    }
    judge.stamps(&mut plan);
    if options.touch {
        judge.touches(&mut plan);
    }
    plan.wait_for = judge.wait_for(&plan);
    plan
}

struct Judge<'a> {
    scene: &'a FreshnessScene<'a>,
    builds: &'a RecordedBuilds<'a>,
    clock: FileClock,
    options: JudgeOptions,
    /// The entry of each unit that is tied to the record.
    tied: Vec<Option<&'a RecordedUnit>>,
    /// True for a unit whose dependencies and artifacts are the recorded ones.
    consistent: Vec<bool>,
    /// The contents now, by the recorded input.
    contents: HashMap<&'a UnitInput, Result<Evaluated, String>>,
    /// The first difference of each recorded input.
    differences: Vec<Option<String>>,
    /// The time of the newest input of each unit that is too young.
    young: Vec<Option<i64>>,
    /// The files of recorded inputs.
    known_files: BTreeSet<Utf8PathBuf>,
    /// True if the build directory is a hard-linked copy.
    is_linked: bool,
}

impl<'a> Judge<'a> {
    fn new(
        scene: &'a FreshnessScene<'a>,
        builds: &'a RecordedBuilds<'a>,
        clock: FileClock,
        options: JudgeOptions,
    ) -> Self {
        let entries = builds.record.iter().flat_map(|it| &it.units);
        let entries: HashMap<&str, &RecordedUnit> =
            entries.map(|it| (it.key.as_str(), it)).collect();
        let units = &builds.units.units;
        let tied = units.iter().map(|unit| {
            let entry = entries.get(unit.key.as_str()).copied()?;
            is_tied(entry, unit).then_some(entry)
        });
        let tied: Vec<_> = tied.collect();
        let recorded = builds.record.as_ref().map_or(&[][..], |it| &it.inputs);
        let used: BTreeSet<u32> = tied
            .iter()
            .flatten()
            .filter_map(|it| it.inputs.as_ref().ok())
            .flatten()
            .copied()
            .collect();
        let used_inputs = used.iter().map(|it| &recorded[*it as usize].input);
        let contents = builds.evaluate(used_inputs);
        let mut differences = vec![None; recorded.len()];
        for at in used {
            differences[at as usize] = difference(&recorded[at as usize], &contents);
        }
        let mut references = units.iter().filter_map(|it| it.files.reference.as_ref());
        Self {
            scene,
            builds,
            clock,
            options,
            consistent: vec![false; units.len()],
            young: vec![None; units.len()],
            known_files: known_files(recorded),
            is_linked: references.any(|it| has_several_names(it)),
            tied,
            contents,
            differences,
        }
    }

    fn unit(&self, at: usize) -> &'a DiskUnit {
        &self.builds.units.units[at]
    }

    fn recorded(&self, at: u32) -> &'a RecordedInput {
        let inputs = self.builds.record.as_ref().map_or(&[][..], |it| &it.inputs);
        &inputs[at as usize]
    }

    fn facts(&mut self) -> Vec<UnitFacts> {
        let nonces: HashMap<&str, Option<&str>> = (0..self.tied.len())
            .map(|at| {
                (
                    self.unit(at).key.as_str(),
                    self.tied[at].map(|it| it.nonce.as_str()),
                )
            })
            .collect();
        (0..self.tied.len())
            .map(|at| self.facts_of(at, &nonces))
            .collect()
    }

    fn facts_of(&mut self, at: usize, nonces: &HashMap<&str, Option<&str>>) -> UnitFacts {
        let unit = self.unit(at);
        let mut facts = UnitFacts {
            tie: Err("it was not recorded".to_owned()),
            difference: None,
            is_natural: true,
            is_ahead: false,
            young: None,
            watches_package: unit.watches_package(),
            must_run: false,
            is_linked: self.is_linked,
        };
        let Some(entry) = self.tied[at] else {
            return facts;
        };
        facts.tie = self.tie(at, entry, nonces);
        self.consistent[at] = facts.tie.is_ok();
        let Ok(inputs) = &entry.inputs else {
            facts.tie = facts.tie.and(entry.inputs.clone().map(|_| ()));
            return facts;
        };
        let reference = unit.files.reference.as_deref().and_then(modified);
        let is_late = reference.is_some_and(|it| it > self.clock.limit());
        facts.is_ahead = self.builds.is_carried && !unit.is_run() && is_late;
        let mut weak = None;
        for &input in inputs {
            let recorded = self.recorded(input);
            let difference = &self.differences[input as usize];
            match &recorded.input {
                UnitInput::Ignored(_) => weak = weak.or_else(|| difference.clone()),
                _ => facts.difference = facts.difference.or_else(|| difference.clone()),
            }
            let Ok(found) = &self.contents[&recorded.input] else {
                // Cargo may consider the unit fresh. But `verify` lists only inputs that differ.
                facts.is_natural &= !self.options.verify;
                continue;
            };
            let is_watched = match &recorded.input {
                UnitInput::Watched(_) | UnitInput::WatchedGit(_) => true,
                UnitInput::Package(root) => {
                    let newest = unit.newest_file(root);
                    facts.is_natural &= newest.is_none_or(|it| found.is_newest(&it));
                    false
                }
                _ => false,
            };
            if is_watched && !unit.is_by_content() {
                let is_older = reference.is_some_and(|it| found.newest <= it);
                facts.is_natural &= is_older && found.missing().is_none();
                if found.newest > self.clock.limit() {
                    self.young[at] = self.young[at].max(Some(found.newest));
                    let name = found.items.iter().max_by_key(|it| it.modified);
                    let name = name.map_or("", |it| it.path.as_str());
                    facts.young = Some(format!("{name} was modified just before the restore"));
                }
            }
        }
        // Editors and programs often write ignored files. A difference in such a file does not
        // prove that a fresh unit is stale. But the kit makes a unit fresh, and keeps a unit of a
        // copied directory fresh, only without such a difference.
        if weak.is_some() && (!facts.is_natural || self.builds.is_carried && !self.options.verify) {
            facts.difference = facts.difference.or(weak);
        }
        facts
    }

    /// Checks that the entry of the record describes this build of the unit. Returns the reason if
    /// it does not.
    fn tie(
        &self,
        at: usize,
        entry: &RecordedUnit,
        nonces: &HashMap<&str, Option<&str>>,
    ) -> Result<(), String> {
        for (key, nonce) in entry.dependencies.as_ref().map_err(Clone::clone)? {
            let now = nonces.get(key.as_str()).copied().flatten();
            if now != Some(nonce) {
                return Err(format!(
                    "its dependency {} was built again since",
                    named(key)
                ));
            }
        }
        match entry.outputs == outputs(self.builds, at) {
            true => Ok(()),
            false => Err("its artifacts differ from those of the recorded build".to_owned()),
        }
    }

    /// Marks the script runs below a unit with a missing input that git does not bring back.
    fn require_runs(&self, facts: &mut [UnitFacts]) {
        let units = &self.builds.units;
        let finder = InputFinder::new(self.scene.workspace, units, &self.scene.config, None);
        let mut pending = Vec::new();
        for at in 0..units.units.len() {
            if self
                .missing(at, &finder)
                .iter()
                .any(|it| self.is_generated(it))
            {
                pending.push(at);
            }
        }
        let mut seen: BTreeSet<usize> = pending.iter().copied().collect();
        while let Some(at) = pending.pop() {
            if units.units[at].is_run() {
                facts[at].must_run = true;
            }
            let below = units.dependencies_on_disk(at);
            pending.extend(below.filter(|it| seen.insert(*it)));
        }
    }

    /// Returns true if git did not track a missing file when the file was recorded. A file that is
    /// not recorded counts if git does not track it.
    fn is_generated(&self, path: &Utf8PathBuf) -> bool {
        let record = self.builds.record.as_ref();
        let is_recorded = record.is_some_and(|it| it.generated.contains(path));
        is_recorded
            || !self.known_files.contains(path) && !self.builds.evaluator.is_tracked_by_git(path)
    }

    /// Returns the missing inputs of a unit.
    fn missing(&self, at: usize, finder: &InputFinder<'_>) -> Vec<Utf8PathBuf> {
        let unit = self.unit(at);
        if unit.name.mode == RecordedMode::Doc {
            return Vec::new();
        }
        let missing = |found: &Evaluated| {
            let missing = found
                .items
                .iter()
                .filter(|it| it.content == PathContent::Missing);
            missing
                .map(|it| Utf8PathBuf::from(&it.path))
                .collect::<Vec<_>>()
        };
        let recorded = self.tied[at].and_then(|it| it.inputs.as_ref().ok());
        let Some(recorded) = recorded else {
            let tracked = finder.tracked(unit).unwrap_or_default().into_iter();
            let paths = tracked.filter_map(|it| match it {
                UnitInput::Watched(path) => Some(path),
                _ => None,
            });
            return paths.filter(|it| it.symlink_metadata().is_err()).collect();
        };
        let watched = recorded.iter().map(|it| &self.recorded(*it).input);
        let watched = watched.filter(|it| matches!(it, UnitInput::Watched(_)));
        let found = watched.filter_map(|it| self.contents[it].as_ref().ok());
        found.flat_map(missing).collect()
    }

    /// Plans the times of artifacts and reference files.
    fn stamps(&self, plan: &mut RestorePlan) {
        use FreshnessAction::{Invalidate, Rebuild, Stamp, Touch};
        if self.options.verify || self.is_linked {
            return;
        }
        let units = &self.builds.units;
        let order = in_order(units);
        let mut is_moved = vec![plan.is_carried; units.units.len()];
        for &at in &order {
            let is_run = units.units[at].is_run();
            is_moved[at] |= is_run && matches!(plan.units[at].action, Stamp | Touch);
            is_moved[at] |= units.dependencies_on_disk(at).any(|it| is_moved[it]);
        }
        for &at in order.iter().rev() {
            let judged = &plan.units[at];
            let is_run = units.units[at].is_run();
            // The output of a script is its reference file, too.
            let is_stale_run = is_run && judged.action == Rebuild;
            let is_left = judged.action == Invalidate || !judged.is_consistent || is_stale_run;
            if is_moved[at] && !is_left {
                plan.outputs.extend(units.outputs(at));
            }
            if judged.action == Stamp && !is_run {
                let reference = units.units[at].files.reference.clone();
                plan.references.extend(reference.map(|it| (at, it)));
            }
            if matches!(judged.action, Stamp | Touch) {
                plan.proofs.insert(at, self.files(at));
            }
        }
    }

    /// Returns the files on which the proof of a unit rests.
    fn files(&self, at: usize) -> Vec<Utf8PathBuf> {
        let entry = self.tied[at].and_then(|it| it.inputs.as_ref().ok());
        let inputs = entry
            .into_iter()
            .flatten()
            .map(|it| &self.recorded(*it).input);
        let found = inputs.filter_map(|it| self.contents[it].as_ref().ok());
        found.flat_map(|it| it.files.clone()).collect()
    }

    /// Plans the times of source files.
    fn touches(&self, plan: &mut RestorePlan) {
        let touched = plan
            .units
            .iter()
            .filter(|it| it.action == FreshnessAction::Touch);
        for judged in touched {
            let inputs = self.tied[judged.at].and_then(|it| it.inputs.as_ref().ok());
            for &input in inputs.into_iter().flatten() {
                let recorded = self.recorded(input);
                if !matches!(recorded.input, UnitInput::Package(_)) {
                    continue;
                }
                for item in &recorded.items {
                    let is_file = matches!(item.content, PathContent::File { .. });
                    let is_link = Utf8Path::new(&item.path).is_symlink();
                    if is_file && !is_link {
                        plan.touched
                            .insert(Utf8PathBuf::from(&item.path), item.modified);
                    }
                }
            }
        }
    }

    /// Returns the time to wait for, if units are unproven only because an input is young.
    fn wait_for(&self, plan: &RestorePlan) -> Option<i64> {
        let young = plan.units.iter().filter(|judged| {
            let tied = self.tied[judged.at].is_some() && judged.is_consistent;
            // In a carried directory the output of a script, by which cargo judges the script, is set
            // back. The script's inputs must be older then, too.
            let is_set_back = !judged.is_natural || plan.is_carried;
            tied && !judged.has_changed && is_set_back
        });
        let times = young.filter_map(|judged| self.young[judged.at]);
        times.filter(|time| *time <= self.clock.now).max()
    }
}

fn known_files(recorded: &[RecordedInput]) -> BTreeSet<Utf8PathBuf> {
    let watched = recorded.iter().filter_map(|it| match &it.input {
        UnitInput::Watched(path) => Some(path.clone()),
        _ => None,
    });
    watched.collect()
}

/// Returns the first path whose content differs from the recorded content, as a reason.
fn difference(
    recorded: &RecordedInput,
    contents: &HashMap<&UnitInput, Result<Evaluated, String>>,
) -> Option<String> {
    match contents.get(&recorded.input)? {
        Err(reason) => Some(reason.clone()),
        Ok(found) => found.difference(&recorded.items).map(str::to_owned),
    }
}

/// Returns the package in the key of a unit. Both layouts are supported.
fn named(key: &str) -> &str {
    let parts: Vec<&str> = key.split('/').collect();
    let hashed = parts.iter().find_map(|it| split_hash(it));
    let parent = parts.windows(2).find(|it| is_hash(it[1])).map(|it| it[0]);
    hashed.map(|it| it.0).or(parent).unwrap_or(key)
}

#[cfg(test)]
mod tests;
