//! From cargo's reasons to root causes: the causes of each unit, and the cascade of each cause.

pub(crate) mod cause;
mod committed;
mod fix;
mod flags;
mod graph;
mod inputs;
mod new_units;
mod own_causes;
mod sibling;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use cause::{CauseKind, RootCause};
pub(crate) use fix::fix;
use graph::BuildGraph;
use own_causes::OwnCauses;
pub(crate) use own_causes::shown_value;
use sibling::Siblings;
use xtask_impact::build_dir::ProfileDir;
use xtask_impact::process::Runner;
use xtask_impact::workspace::Workspace;

use crate::cargo_runs::rehearsal::{Reason, RecordKey};
use crate::rebuilds::history::{FormerSettings, History};
use crate::rebuilds::rehearsal::Rehearsal;

/// Explains the units that cargo builds, from the facts of a rehearsal and of former runs.
pub(crate) struct Explainer<'a> {
    pub(crate) rehearsal: &'a Rehearsal,
    pub(crate) workspace: &'a Workspace,
    pub(crate) build_directory: Utf8PathBuf,
    /// The profile directories of the build.
    pub(crate) profiles: Vec<ProfileDir>,
    /// The runs that the kit remembers.
    pub(crate) history: &'a History,
    /// The versions of compilers, by their number in the records.
    pub(crate) compilers: BTreeMap<u64, String>,
    pub(crate) is_clippy: bool,
    pub(crate) runner: &'a Runner,
    /// The packages of the committed lock file, each with its version.
    pub(crate) committed: OnceCell<Vec<(String, String)>>,
}

/// A unit that cargo builds, and the root causes that lead to it.
#[derive(Clone, Debug)]
pub(crate) struct ExplainedUnit {
    pub(crate) key: RecordKey,
    /// The package, as cargo's log names it.
    pub(crate) package: String,
    /// The mode in the words of cargo's commands.
    pub(crate) mode: &'static str,
    /// True if the unit has no record: it is a new unit next to old units.
    pub(crate) is_new: bool,
    /// The causes that the unit has itself.
    pub(crate) own: BTreeSet<RootCause>,
    /// All root causes, also those of its dependencies.
    pub(crate) causes: BTreeSet<RootCause>,
    /// The old unit: its own, or the sibling of a new unit.
    pub(crate) sibling: Option<RecordKey>,
    /// The former settings, if the build in place returns to them.
    pub(crate) former: Option<FormerSettings>,
}

impl Explainer<'_> {
    /// Returns the units that cargo builds, in cargo's order.
    pub(crate) fn explain(&self) -> Vec<ExplainedUnit> {
        let units = &self.rehearsal.units;
        let graph = BuildGraph::new(self.rehearsal);
        let flags = |key: &RecordKey| {
            let now = flags::of(key, &self.rehearsal.flags);
            now.or_else(|| self.history.flags(key))
                .map(<[String]>::to_vec)
        };
        let siblings = Siblings::new(
            units,
            &graph,
            &self.rehearsal.before,
            &self.rehearsal.after,
            self.is_clippy,
            &flags,
        );
        let own: Vec<OwnCauses> = (0..units.len())
            .map(|place| self.own_causes(place, &siblings))
            .collect();
        let mut cascade = Cascade {
            explainer: self,
            graph: &graph,
            siblings: &siblings,
            own: &own,
            found: vec![None; units.len()],
        };
        let mut explained = Vec::new();
        for place in 0..units.len() {
            let Some(causes) = cascade.causes(place) else {
                continue;
            };
            let unit = &units[place];
            let own = match &own[place] {
                OwnCauses::Built(own) if !own.is_empty() => own.iter().cloned().collect(),
                _ if cascade.is_root(place) => causes.clone(),
                _ => BTreeSet::new(),
            };
            explained.push(ExplainedUnit {
                key: unit.key.clone(),
                package: unit.package.clone(),
                mode: self.mode_of(unit),
                is_new: self.rehearsal.before.get(&unit.key).is_none(),
                own,
                causes,
                sibling: siblings.of(place),
                former: self.former(&unit.key),
            });
        }
        explained
    }

    /// Returns the former settings of a unit, if the build in place returns to them.
    fn former(&self, key: &RecordKey) -> Option<FormerSettings> {
        let present = self.rehearsal.before.get(key)?;
        let next = self.rehearsal.after.get(key)?;
        self.history.former(key, &present.values, &next.values)
    }
}

/// The search for the root causes of each unit along its dependencies.
struct Cascade<'a> {
    explainer: &'a Explainer<'a>,
    graph: &'a BuildGraph,
    siblings: &'a Siblings<'a>,
    own: &'a [OwnCauses],
    /// The causes of each unit that was asked about. `Some(None)` is a fresh unit.
    found: Vec<Option<Option<BTreeSet<RootCause>>>>,
}

impl Cascade<'_> {
    /// Returns the root causes of a unit; `None` if the unit is fresh.
    fn causes(&mut self, place: usize) -> Option<BTreeSet<RootCause>> {
        if let Some(found) = &self.found[place] {
            return found.clone();
        }
        // Only a damaged record can make a cycle. This value ends the search in such a cycle.
        self.found[place] = Some(None);
        let mut causes = BTreeSet::new();
        let mut has_built_dependency = false;
        for at in 0..self.graph.dependencies[place].len() {
            let dependency = self.graph.dependencies[place][at];
            if let Some(below) = self.causes(dependency) {
                has_built_dependency = true;
                causes.extend(below);
            }
        }
        let found = match &self.own[place] {
            OwnCauses::Fresh if !has_built_dependency => None,
            // The own records of the unit show no difference, except for variables that the
            // rehearsal sets. The unit is built because a dependency is built.
            OwnCauses::Fresh => {
                let reason = &self.explainer.rehearsal.units[place].reason;
                reason.is_some().then_some(causes)
            }
            OwnCauses::Built(own) => {
                causes.extend(own.iter().cloned());
                if causes.is_empty() {
                    let last = self.without_causes(place);
                    last.map(|cause| BTreeSet::from([cause]))
                } else {
                    Some(causes)
                }
            }
        };
        self.found[place] = Some(found.clone());
        found
    }

    /// Returns true if no dependency of the unit is built.
    fn is_root(&self, place: usize) -> bool {
        let dependencies = self.graph.dependencies[place].iter();
        let mut built = dependencies.filter(|&&it| matches!(self.found[it], Some(Some(_))));
        built.next().is_none()
    }

    /// Returns the cause of a unit that has no cause of its own and whose dependencies have none.
    /// `None` if a dependency is built only because of the variables that the rehearsal sets.
    fn without_causes(&self, place: usize) -> Option<RootCause> {
        let unit = &self.explainer.rehearsal.units[place];
        // Variables cannot make a new unit, since they are no part of a unit's identity.
        if unit.reason == Some(Reason::NoRecord) {
            return Some(self.explainer.of_unknown_identity(place, self.siblings));
        }
        let below = &self.graph.dependencies[place];
        if below
            .iter()
            .any(|&it| self.explainer.rehearsal.units[it].reason.is_some())
        {
            return None;
        }
        let names = below
            .iter()
            .filter(|&&it| self.is_other_than_before(place, it))
            .map(|&it| self.explainer.rehearsal.units[it].key.package.clone());
        let mut names: BTreeSet<String> = names.collect();
        if names.is_empty() {
            let newer = &self.explainer.rehearsal.newer;
            let all = below
                .iter()
                .map(|&it| &self.explainer.rehearsal.units[it].key.package);
            names.extend(all.clone().filter(|it| newer.contains(*it)).cloned());
            if names.is_empty() {
                names.extend(all.cloned());
            }
        }
        let names: Vec<String> = names.into_iter().collect();
        Some(RootCause::about(
            CauseKind::DependencyBuiltBefore,
            names.join(", "),
        ))
    }

    /// Returns true if the record of a dependency is not the one that the unit was built with, or
    /// if it is younger than the unit.
    fn is_other_than_before(&self, place: usize, dependency: usize) -> bool {
        let before = &self.explainer.rehearsal.before;
        let units = &self.explainer.rehearsal.units;
        let (Some(own), Some(below)) = (
            before.get(&units[place].key),
            before.get(&units[dependency].key),
        ) else {
            return true;
        };
        let is_recorded = own.values.deps.iter().any(|it| Some(it.3) == below.value);
        !is_recorded || below.finished > own.finished
    }
}
