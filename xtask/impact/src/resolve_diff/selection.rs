//! Finds the packages that must also be selected, so that a selection is built with the features of
//! the whole workspace.
//!
//! Cargo unifies features over the selected packages. With `-p a`, a dependency loses the features
//! that only another member turns on, and is built a second time. This module compares cargo's unit
//! graphs of the selection and of the whole workspace to find out if that happens. If it does, the
//! unit graph in which every package is resolved alone (`resolver.feature-unification = "package"`,
//! an unstable option) shows which package turns on which feature.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::{Context as _, Result};
use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::unit_graph_json::{self, UnitGraphJson, users_first};
use crate::cargo_config::wrapper::asking_cargo;
use crate::paths::hashed;
use crate::process::{self, Runner};
use crate::{lock_file, state};

/// A question to cargo for the units of a selection.
pub struct UnitGraphQuery<'a> {
    /// The runner that starts cargo, in the directory in which the user's cargo will run.
    pub runner: &'a Runner,
    /// A directory in which cargo may cache what rustc prints with unstable options. The user's own
    /// cargo must not find this cache.
    pub cache: Utf8PathBuf,
    /// The command `build` with the flags that choose targets, features and profile.
    pub command: Vec<String>,
    /// The flags that select the whole workspace: `--workspace` and the excluded packages.
    pub whole: Vec<String>,
    /// The package ids of the packages that `whole` selects.
    pub members: BTreeSet<String>,
}

/// A package that is selected in addition to the requested packages, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraPackage {
    /// The package id of the additional member.
    pub package: String,
    /// The package id of the package that would otherwise be built with fewer features.
    pub keeps: String,
    /// The features that the package would otherwise lose.
    pub features: Vec<String>,
}

/// The units of a selection with their features.
struct UnitFeatures {
    graph: UnitGraphJson,
    /// The users of each unit: the indexes of the units that depend on it.
    users: Vec<Vec<usize>>,
    /// A hash for each unit, of its features and of the features of all its dependencies.
    hashes: Vec<u64>,
}

/// A package id, and true if the package is built for the host (for build scripts and procedural
/// macros). Features for the host are separate.
type PackageBuild<'a> = (&'a str, bool);

/// Finds the packages that a selection needs to keep the features of the whole workspace.
pub struct FeaturePreserver<'a> {
    query: UnitGraphQuery<'a>,
    whole: UnitFeatures,
    each: OnceCell<UnitFeatures>,
}

/// The packages that must be selected so that a selection is built with the features of the whole
/// workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preserved {
    /// The selection and these additional packages, often none.
    With(Vec<ExtraPackage>),
    /// The selection alone: cargo itself unifies the features with the whole workspace if its
    /// setting [`UNIFIED`] is given by `--config`.
    ByCargo,
    /// The whole workspace: no smaller selection keeps the features.
    Whole,
}

/// The setting that makes cargo give selected packages the features of the whole workspace.
pub const UNIFIED: &str = "resolver.feature-unification='workspace'";

/// Returns true if cargo uses the setting [`UNIFIED`]. A cargo in which the setting is unstable
/// ignores it with a warning.
fn has_unification(runner: &Runner) -> Result<bool> {
    let mut command = asking_cargo(runner);
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    command.args(["--config", UNIFIED]);
    let output = process::output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(output.status.success() && !said.contains("feature-unification"))
}

impl<'a> FeaturePreserver<'a> {
    /// Asks cargo for the unit graph of the whole workspace.
    ///
    /// # Errors
    /// Returns cargo's message if cargo fails.
    pub fn new(query: UnitGraphQuery<'a>) -> Result<Self> {
        Ok(Self {
            whole: query.ask(&query.whole)?,
            each: OnceCell::new(),
            query,
        })
    }

    /// Returns what must be selected so that the packages in `selected` (package ids) keep their
    /// features. Cargo confirms the result.
    ///
    /// # Errors
    /// Returns cargo's message if cargo fails.
    pub fn keep(&self, selected: &BTreeSet<String>) -> Result<Preserved> {
        if self.holds(selected)? {
            return Ok(Preserved::With(Vec::new()));
        }
        if has_unification(self.query.runner)?
            && self.holds_with(selected, &["--config", UNIFIED])?
        {
            return Ok(Preserved::ByCargo);
        }
        let added = self.added(selected)?;
        let mut widened = selected.clone();
        widened.extend(added.iter().map(|added| added.package.clone()));
        let does = widened.len() > selected.len() && self.holds(&widened)?;
        Ok(if does {
            Preserved::With(added)
        } else {
            Preserved::Whole
        })
    }

    fn added(&self, selected: &BTreeSet<String>) -> Result<Vec<ExtraPackage>> {
        let members = &self.query.members;
        Ok(added(&self.whole, self.each()?, members, selected))
    }

    fn holds(&self, selected: &BTreeSet<String>) -> Result<bool> {
        self.holds_with(selected, &[])
    }

    /// Returns true if the selection has the features of the whole workspace with these settings.
    fn holds_with(&self, selected: &BTreeSet<String>, settings: &[&str]) -> Result<bool> {
        let packages = selected.iter().flat_map(|id| ["-p", id]);
        let packages = packages.chain(settings.iter().copied());
        let packages: Vec<String> = packages.map(str::to_owned).collect();
        Ok(self.query.ask(&packages)?.is_part_of(&self.whole))
    }

    /// Returns the units of the whole workspace, each package resolved as if it were selected
    /// alone.
    fn each(&self) -> Result<&UnitFeatures> {
        const EACH: [&str; 3] = [
            "-Zfeature-unification",
            "--config",
            "resolver.feature-unification='package'",
        ];
        if self.each.get().is_none() {
            let each = EACH.map(str::to_owned);
            let each = self.query.ask(&[&self.query.whole[..], &each].concat())?;
            drop(self.each.set(each));
        }
        self.each.get().context("it was set above")
    }
}

/// A dependency that is built with fewer features if packages are built alone than in a build of
/// the whole workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureDifference {
    /// The package id of the dependency.
    pub package: String,
    /// The features that some members lack, if they are built alone.
    pub features: BTreeSet<String>,
    /// The package ids of the members that turn on all these features.
    pub with: BTreeSet<String>,
    /// The package ids of the members that use the dependency without all these features.
    pub without: BTreeSet<String>,
}

impl FeaturePreserver<'_> {
    /// Returns the dependencies whose features depend on the selected members, sorted by the number
    /// of members that use them with fewer features, the highest number first.
    ///
    /// # Errors
    /// Returns cargo's message if cargo fails.
    pub fn differences(&self) -> Result<Vec<FeatureDifference>> {
        Ok(differences(&self.whole, self.each()?, &self.query.members))
    }
}

fn differences(
    whole: &UnitFeatures,
    each: &UnitFeatures,
    members: &BTreeSet<String>,
) -> Vec<FeatureDifference> {
    let wanted = whole.below(None);
    let mut used: BTreeMap<&str, Vec<(&str, BTreeSet<&str>)>> = BTreeMap::new();
    for member in members {
        let alone = BTreeSet::from([member.clone()]);
        let mut lacking: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (key @ (package, _), has) in each.below(Some(&alone)) {
            let missing = wanted
                .get(&key)
                .into_iter()
                .flat_map(|it| it.difference(&has));
            lacking.entry(package).or_default().extend(missing.copied());
        }
        for (package, missing) in lacking {
            used.entry(package).or_default().push((member, missing));
        }
    }
    let found = used.into_iter().filter_map(|(package, users)| {
        let names = |lacks: bool| {
            let users = users
                .iter()
                .filter(|(_, missing)| missing.is_empty() != lacks);
            users.map(|(member, _)| (*member).to_owned()).collect()
        };
        let features: BTreeSet<_> = users.iter().flat_map(|(_, missing)| missing).collect();
        (!features.is_empty()).then(|| FeatureDifference {
            package: package.to_owned(),
            features: features.into_iter().map(|&it| it.to_owned()).collect(),
            with: names(false),
            without: names(true),
        })
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|it| std::cmp::Reverse(it.without.len()));
    found
}

impl UnitGraphQuery<'_> {
    fn ask(&self, packages: &[String]) -> Result<UnitFeatures> {
        UnitFeatures::of(self.graph(packages)?)
    }

    /// Returns the units that cargo would build for these packages. `packages` are command-line
    /// flags such as `-p`.
    pub(super) fn graph(&self, packages: &[String]) -> Result<UnitGraphJson> {
        state::create(&self.cache).with_context(|| format!("cannot create {}", self.cache))?;
        let command = || {
            let mut command = asking_cargo(self.runner);
            command.args(&self.command).args(packages);
            unit_graph_json::print_instead(&mut command, &self.cache);
            command
        };
        let (output, _) = lock_file::ask(&command)?;
        UnitGraphJson::read(&process::succeeded(&command(), output)?)
    }
}

impl UnitFeatures {
    /// Computes the users and the hash of each unit.
    fn of(graph: UnitGraphJson) -> Result<Self> {
        let count = graph.units.len();
        let below = |unit: usize| graph.units[unit].dependencies.iter().map(|on| on.index);
        let order = users_first(count, below)?;
        let (mut users, mut hashes) = (vec![Vec::new(); count], vec![0; count]);
        for index in order.into_iter().rev() {
            let unit = &graph.units[index];
            let mut below = Vec::new();
            for on in &unit.dependencies {
                users[on.index].push(index);
                // A binary is built together with a test that runs it, but is not linked into the
                // test.
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

    /// Returns true if every unit of this selection is a unit of the whole workspace, with the same
    /// features and with dependencies of the same features.
    fn is_part_of(&self, whole: &Self) -> bool {
        let built: HashSet<&u64> = whole.hashes.iter().collect();
        self.hashes.iter().all(|hash| built.contains(hash))
    }

    /// Returns the features of every package below the selected packages, or below all roots
    /// without a selection.
    fn below(
        &self,
        selected: Option<&BTreeSet<String>>,
    ) -> BTreeMap<PackageBuild<'_>, BTreeSet<&str>> {
        let mut found: BTreeMap<PackageBuild<'_>, BTreeSet<&str>> = BTreeMap::new();
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

    /// Returns the root packages that depend, at any depth, on a unit of `package` with one of
    /// these features.
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

/// Returns the packages that must be selected in addition to `selected`, so that everything below
/// them has the features that it has in the whole workspace. Repeatedly takes the package that
/// brings most of the missing features, so the result is small. `each` is the graph in which every
/// package is resolved alone.
///
/// Features of several packages add up, with one exception: `dependency?/feature` turns a feature
/// on only if something else turns the optional dependency on. So the caller asks cargo to confirm
/// the result.
fn added(
    whole: &UnitFeatures,
    each: &UnitFeatures,
    members: &BTreeSet<String>,
    selected: &BTreeSet<String>,
) -> Vec<ExtraPackage> {
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
                // The features that a package requests count even if none of its targets is built.
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
            // If two packages bring the same number of features, take the first by name.
            (a.len(), other).cmp(&(b.len(), one))
        });
        let Some((package, brought)) = most else {
            return added;
        };
        let (keeps, features) = brought
            .into_iter()
            .min()
            .expect("a provider has a missing feature");
        added.push(ExtraPackage {
            package: package.to_owned(),
            keeps: keeps.to_owned(),
            features: features.into_iter().map(str::to_owned).collect(),
        });
        selected.insert(package.to_owned());
    }
}

#[cfg(test)]
mod tests;
