//! Which features fewer packages would be built with, and which packages keep them as they are.
//!
//! Cargo unifies features over the packages that are selected: with `-p a` a dependency loses what
//! only another member turns on, and is built a second time. Cargo itself is asked, by its unit
//! graphs, whether that is so; and where it is, its graph with every package resolved for itself
//! (`resolver.feature-unification = "package"`, an unstable option) tells who turns on what.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::raw::{self, RawGraph, users_first};
use crate::process::{self, Runner};
use crate::repo::{hashed, lock_file, state};

/// How cargo is asked for a selection's units.
pub struct Asker<'a> {
    /// In the directory where cargo is going to run.
    pub runner: &'a Runner,
    /// A directory in which cargo may keep what an unstable rustc tells of itself: the user's own
    /// cargo must not find that.
    pub cache: Utf8PathBuf,
    /// `build`, with the flags that choose targets, features and profile.
    pub command: Vec<String>,
    /// `--workspace`, with what is left out of it.
    pub whole: Vec<String>,
    /// Cargo's ids of the packages that this selects.
    pub members: BTreeSet<String>,
}

/// A package that is selected beside those that were asked for, and what it is needed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// Cargo's package id of the member.
    pub package: String,
    /// Cargo's package id of what would else be built with fewer features.
    pub keeps: String,
    /// Those features.
    pub features: Vec<String>,
}

/// The features that every unit of a selection is built with.
struct Features {
    graph: RawGraph,
    /// The units that are built from each one.
    users: Vec<Vec<usize>>,
    /// For every unit a number that stands for its features and those of all that it is built from.
    hashes: Vec<u64>,
}

/// A package, and whether it is built for build scripts and procedural macros, which have features
/// of their own.
type Key<'a> = (&'a str, bool);

/// Keeps the features of the whole for selections of it.
pub struct Keeper<'a> {
    asker: Asker<'a>,
    whole: Features,
    each: OnceCell<Features>,
}

/// What it takes for a selection to be built with the features of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    /// These packages have to be selected too; often none.
    With(Vec<Added>),
    /// Nothing less than the whole would do.
    Whole,
}

impl<'a> Keeper<'a> {
    /// Asks cargo for the whole.
    ///
    /// # Errors
    /// Cargo's own words where it does not answer.
    pub fn new(asker: Asker<'a>) -> Result<Self> {
        Ok(Self {
            whole: asker.ask(&asker.whole)?,
            each: OnceCell::new(),
            asker,
        })
    }

    /// What it takes for these packages, by cargo's ids.
    ///
    /// # Errors
    /// Cargo's own words where it does not answer.
    pub fn keep(&self, selected: &BTreeSet<String>) -> Result<Kept> {
        if self.holds(selected)? {
            return Ok(Kept::With(Vec::new()));
        }
        let added = self.added(selected)?;
        let mut widened = selected.clone();
        widened.extend(added.iter().map(|added| added.package.clone()));
        let does = widened.len() > selected.len() && self.holds(&widened)?;
        Ok(if does { Kept::With(added) } else { Kept::Whole })
    }

    /// The packages that one alone would take, as far as cargo's graph tells.
    ///
    /// # Errors
    /// Cargo's own words where it does not answer.
    pub fn needs(&self, package: &str) -> Result<Vec<Added>> {
        self.added(&BTreeSet::from([package.to_owned()]))
    }

    fn added(&self, selected: &BTreeSet<String>) -> Result<Vec<Added>> {
        let members = &self.asker.members;
        Ok(added(&self.whole, self.each()?, members, selected))
    }

    fn holds(&self, selected: &BTreeSet<String>) -> Result<bool> {
        let packages: Vec<String> = selected
            .iter()
            .flat_map(|id| ["-p".to_owned(), id.clone()])
            .collect();
        Ok(self.asker.ask(&packages)?.is_part_of(&self.whole))
    }

    /// The whole, each package of it resolved as if it alone were selected.
    fn each(&self) -> Result<&Features> {
        const EACH: [&str; 3] = [
            "-Zfeature-unification",
            "--config",
            "resolver.feature-unification='package'",
        ];
        if self.each.get().is_none() {
            let each = EACH.map(str::to_owned);
            let each = self.asker.ask(&[&self.asker.whole[..], &each].concat())?;
            drop(self.each.set(each));
        }
        self.each.get().context("it was set above")
    }
}

impl Asker<'_> {
    fn ask(&self, packages: &[String]) -> Result<Features> {
        Features::of(self.graph(packages)?)
    }

    /// The units that cargo would build of these, as flags name them.
    pub(super) fn graph(&self, packages: &[String]) -> Result<RawGraph> {
        state::create(&self.cache).with_context(|| format!("cannot create {}", self.cache))?;
        let command = || {
            let mut command = self.runner.cargo();
            command.args(&self.command).args(packages);
            raw::printed_instead(&mut command, &self.cache);
            command
        };
        let (output, _) = lock_file::ask(&command)?;
        RawGraph::read(&process::succeeded(&command(), output)?)
    }
}

impl Features {
    /// With who uses what.
    fn of(graph: RawGraph) -> Result<Self> {
        let count = graph.units.len();
        let below = |unit: usize| graph.units[unit].dependencies.iter().map(|on| on.index);
        let order = users_first(count, below)?;
        let (mut users, mut hashes) = (vec![Vec::new(); count], vec![0; count]);
        for index in order.into_iter().rev() {
            let unit = &graph.units[index];
            let mut below = Vec::new();
            for on in &unit.dependencies {
                users[on.index].push(index);
                // Binaries are built beside a test that runs them, and are no part of it.
                if graph.units[on.index].target.kind != ["bin"] {
                    below.push((&on.extern_crate_name, hashes[on.index]));
                }
            }
            below.sort_unstable();
            let mut features: Vec<_> = unit.features.iter().collect();
            features.sort_unstable();
            let target = (&unit.target.kind, &unit.target.name, &unit.mode);
            hashes[index] = hashed((&unit.pkg_id, target, &unit.platform, features, below));
        }
        Ok(Self {
            graph,
            users,
            hashes,
        })
    }

    /// Whether every unit of this selection is one of the whole's: of the same features, and built
    /// from such units.
    fn is_part_of(&self, whole: &Self) -> bool {
        let built: HashSet<&u64> = whole.hashes.iter().collect();
        self.hashes.iter().all(|hash| built.contains(hash))
    }

    /// The features of every package below the given ones, or below all.
    fn below(&self, selected: Option<&BTreeSet<String>>) -> BTreeMap<Key<'_>, BTreeSet<&str>> {
        let mut found: BTreeMap<Key<'_>, BTreeSet<&str>> = BTreeMap::new();
        let is_selected =
            |id: &String| selected.is_none_or(|selected| selected.contains(id.as_str()));
        let roots = self.graph.roots.iter().copied();
        let mut pending: Vec<(usize, bool)> = roots
            .filter(|&root| is_selected(&self.graph.units[root].pkg_id))
            .map(|root| (root, false))
            .collect();
        let mut seen = HashSet::new();
        while let Some((index, for_host)) = pending.pop() {
            let unit = &self.graph.units[index];
            let for_host = for_host
                || unit.target.kind == ["custom-build"]
                || unit.target.kind == ["proc-macro"];
            if !seen.insert((index, for_host)) {
                continue;
            }
            let features = found.entry((&unit.pkg_id, for_host)).or_default();
            features.extend(unit.features.iter().map(String::as_str));
            pending.extend(unit.dependencies.iter().map(|on| (on.index, for_host)));
        }
        found
    }

    /// The packages among the roots that lead to a package with one of these features.
    fn providers(&self, package: &str, features: &[&str]) -> BTreeSet<&str> {
        let has = |index: &usize| {
            let unit = &self.graph.units[*index];
            let mut known = unit.features.iter();
            unit.pkg_id == package && known.any(|it| features.contains(&it.as_str()))
        };
        let mut pending: Vec<usize> = (0..self.graph.units.len()).filter(has).collect();
        let mut seen: HashSet<usize> = pending.iter().copied().collect();
        let mut next = 0;
        while let Some(&index) = pending.get(next) {
            next += 1;
            let users = self.users[index].iter().copied();
            pending.extend(users.filter(|&user| seen.insert(user)));
        }
        let roots = self.graph.roots.iter().filter(|root| seen.contains(root));
        let units = roots.map(|&root| &self.graph.units[root]);
        units.map(|unit| unit.pkg_id.as_str()).collect()
    }
}

/// The packages that have to be selected beside `selected` so that everything below them has the
/// features that it has in the whole: few of them, each the one that brings the most of what is
/// missing. `each` is the graph in which every package of the whole is resolved for itself.
///
/// Features add up over packages, but for those that are turned on only where something else turns
/// an optional dependency on (`dependency?/feature`), so cargo is asked to confirm the result.
fn added(
    whole: &Features,
    each: &Features,
    members: &BTreeSet<String>,
    selected: &BTreeSet<String>,
) -> Vec<Added> {
    let mut selected = selected.clone();
    let mut added = Vec::new();
    let wanted = whole.below(None);
    let mut without_units: BTreeSet<&str> = members.iter().map(String::as_str).collect();
    for &root in &each.graph.roots {
        without_units.remove(each.graph.units[root].pkg_id.as_str());
    }
    loop {
        let mut brings: HashMap<&str, Vec<(&str, Vec<&str>)>> = HashMap::new();
        for (key @ (package, _), has) in each.below(Some(&selected)) {
            let Some(wanted) = wanted.get(&key) else {
                continue;
            };
            let missing: Vec<&str> = wanted.difference(&has).copied().collect();
            if missing.is_empty() {
                continue;
            }
            let mut providers = each.providers(package, &missing);
            if providers.iter().all(|&known| selected.contains(known)) {
                // Features of a package count even where none of its targets is built.
                providers.clone_from(&without_units);
            }
            for provider in providers {
                if !selected.contains(provider) {
                    let brought = brings.entry(provider).or_default();
                    brought.push((package, missing.clone()));
                }
            }
        }
        let most = brings.into_iter().max_by(|(one, a), (other, b)| {
            // Of two that bring as much, the first by name.
            (a.len(), other).cmp(&(b.len(), one))
        });
        let Some((package, brought)) = most else {
            return added;
        };
        let (keeps, features) = brought
            .into_iter()
            .min()
            .expect("who brings nothing is no provider");
        added.push(Added {
            package: package.to_owned(),
            keeps: keeps.to_owned(),
            features: features.into_iter().map(str::to_owned).collect(),
        });
        selected.insert(package.to_owned());
    }
}

#[cfg(test)]
mod tests;
