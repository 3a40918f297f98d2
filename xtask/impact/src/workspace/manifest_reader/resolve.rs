//! The resolution of a workspace whose lock file fits its manifests: which dependencies and
//! features are active.
//!
//! Cargo's resolver works with all features of the members when it compares the lock file with the
//! manifests, and with the default features when it prints `cargo metadata`. In both cases it
//! unifies host and target, and all platforms (`core/resolver/dep_cache.rs` in cargo).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cargo_metadata::DependencyKind;
use cargo_metadata::semver::VersionReq;

use super::lock::LockedEntry;
use super::package::text;
use super::{CRATES_IO, ReadOrAsk, ask};
use crate::workspace::metadata_json::{DeclaredEdge, Manifest, Text};

/// The declarations of a package with which cargo resolves.
pub(super) struct Summary<'a> {
    pub(super) features: Cow<'a, BTreeMap<String, Vec<String>>>,
    pub(super) dependencies: Cow<'a, [DeclaredEdge<'static>]>,
    pub(super) links: Option<String>,
}

/// A package to resolve.
pub(super) struct Node<'a> {
    pub(super) entry: &'a LockedEntry,
    pub(super) summary: Summary<'a>,
    /// The manifest of a path package.
    pub(super) on_disk: Option<&'a Manifest<'static>>,
    pub(super) is_member: bool,
}

/// The features of the members that are on from the beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MemberFeatures {
    All,
    Default,
}

/// An active package.
#[derive(Clone, Default)]
pub(super) struct ActiveNode<'a> {
    pub(super) features: BTreeSet<&'a str>,
    /// The active dependencies: the index of the declaration, and the index of the package.
    pub(super) dependencies: Vec<(usize, usize)>,
}

/// Checks that the lock file fits the manifests. Otherwise cargo would change the lock file, or
/// fail.
pub(super) fn check(nodes: &[Node<'_>]) -> ReadOrAsk<()> {
    let all = activate(nodes, MemberFeatures::All)?;
    let mut links = HashSet::new();
    for (node, active) in nodes.iter().zip(&all) {
        let what = format!("`{} {}`", node.entry.name, node.entry.version);
        let Some(active) = active else {
            return Err(ask(format!("the lock file has {what}, which nothing uses")));
        };
        let used: BTreeSet<usize> = active.dependencies.iter().map(|it| it.1).collect();
        if !used.into_iter().eq(node.entry.dependencies.iter().copied()) {
            return Err(ask(format!(
                "the lock file has other dependencies of {what}"
            )));
        }
        if let Some(library) = &node.summary.links
            && !links.insert(library)
        {
            return Err(ask(format!("two packages link `{library}`")));
        }
    }
    check_cycles(nodes, &all)
}

/// Checks that no package depends on itself other than through dev-dependencies.
fn check_cycles(nodes: &[Node<'_>], all: &[Option<ActiveNode<'_>>]) -> ReadOrAsk<()> {
    let below = |index: usize| {
        let active = all[index].iter().flat_map(|it| &it.dependencies);
        let is_built = move |(declared, _): &&(usize, usize)| {
            let kind = nodes[index].summary.dependencies[*declared].kind;
            kind != Some(DependencyKind::Development)
        };
        active.filter(is_built).map(|it| it.1)
    };
    let mut dependents = vec![0usize; nodes.len()];
    for index in 0..nodes.len() {
        for on in below(index) {
            dependents[on] += 1;
        }
    }
    let mut free: Vec<usize> = (0..nodes.len()).filter(|&it| dependents[it] == 0).collect();
    let mut removed = 0;
    while let Some(index) = free.pop() {
        removed += 1;
        for on in below(index) {
            dependents[on] -= 1;
            if dependents[on] == 0 {
                free.push(on);
            }
        }
    }
    match removed == nodes.len() {
        true => Ok(()),
        false => Err(ask("packages depend on each other in a cycle")),
    }
}

/// Returns the active packages, in the order of `nodes`.
pub(super) fn activate<'a>(
    nodes: &'a [Node<'a>],
    of_members: MemberFeatures,
) -> ReadOrAsk<Vec<Option<ActiveNode<'a>>>> {
    let mut requested: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); nodes.len()];
    let mut active: Vec<Option<ActiveNode<'a>>> = vec![None; nodes.len()];
    let mut pending = Vec::new();
    for (index, node) in nodes.iter().enumerate().filter(|(_, it)| it.is_member) {
        let features = node.summary.features.keys().map(String::as_str);
        let is_on = |it: &&str| of_members == MemberFeatures::All || *it == "default";
        requested[index].extend(features.filter(is_on));
        pending.push(index);
    }
    let mut is_pending: Vec<bool> = nodes.iter().map(|it| it.is_member).collect();
    while let Some(index) = pending.pop() {
        is_pending[index] = false;
        let node = &nodes[index];
        let mut turned_on = TurnedOn::default();
        for feature in &requested[index] {
            turned_on.feature(&node.summary, feature)?;
        }
        let mut dependencies = Vec::new();
        for (declared, dependency) in node.summary.dependencies.iter().enumerate() {
            let is_dev = dependency.kind == Some(DependencyKind::Development);
            let by_features = turned_on.dependencies.get(dependency.key());
            if is_dev && !node.is_member || dependency.optional && by_features.is_none() {
                continue;
            }
            let on = node.locked(dependency, nodes)?;
            dependencies.push((declared, on));
            let before = requested[on].len();
            let known = &nodes[on].summary.features;
            let default = dependency.uses_default_features && known.contains_key("default");
            requested[on].extend(default.then_some("default"));
            requested[on].extend(dependency.features.iter().map(String::as_str));
            requested[on].extend(by_features.into_iter().flatten());
            let is_more = requested[on].len() > before || active[on].is_none() && on != index;
            if is_more && !is_pending[on] {
                is_pending[on] = true;
                pending.push(on);
            }
        }
        active[index] = Some(ActiveNode {
            features: turned_on.features,
            dependencies,
        });
    }
    Ok(active)
}

impl Node<'_> {
    /// Returns the package id.
    pub(super) fn id(&self) -> Text<'static> {
        match self.on_disk {
            Some(manifest) => manifest.id.clone(),
            None => {
                let LockedEntry { name, version, .. } = self.entry;
                text(format!("{CRATES_IO}#{name}@{version}"))
            }
        }
    }

    fn directory(&self) -> Option<&str> {
        Some(self.on_disk?.manifest_path.parent()?.as_str())
    }

    /// Returns the package of the lock file that a dependency is locked to.
    fn locked(&self, dependency: &DeclaredEdge<'_>, nodes: &[Node<'_>]) -> ReadOrAsk<usize> {
        let path = dependency.path.as_ref().map(|it| &*it.0);
        let is_any = path.is_some() && dependency.req == VersionReq::STAR;
        let fits = |&&index: &&usize| {
            let on = &nodes[index];
            on.entry.name == dependency.name.0
                && on.directory() == path
                && (is_any || dependency.req.matches(&on.entry.version))
        };
        let mut found = self.entry.dependencies.iter().filter(fits);
        match (found.next(), found.next()) {
            (Some(&index), None) => Ok(index),
            (first, _) => Err(ask(format!(
                "the lock file has {} for `{}` of `{}`",
                if first.is_some() {
                    "several packages"
                } else {
                    "no package"
                },
                dependency.key(),
                self.entry.name
            ))),
        }
    }
}

/// The features and dependencies that the requested features of a package turn on.
#[derive(Default)]
struct TurnedOn<'a> {
    features: BTreeSet<&'a str>,
    /// The dependencies that features name, with the features that are requested of them.
    dependencies: HashMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> TurnedOn<'a> {
    fn feature(&mut self, summary: &'a Summary<'_>, feature: &str) -> ReadOrAsk<()> {
        let mut pending = vec![feature];
        while let Some(feature) = pending.pop() {
            let Some((feature, values)) = summary.features.get_key_value(feature) else {
                return Err(ask(format!("no feature `{feature}` in a package")));
            };
            if !self.features.insert(feature) {
                continue;
            }
            for value in values {
                if let Some((name, of_it)) = value.split_once('/') {
                    let weak = name.strip_suffix('?');
                    let name = weak.unwrap_or(name);
                    let mut named = summary.dependencies.iter().filter(|it| it.key() == name);
                    if weak.is_none()
                        && named.any(|it| it.optional)
                        && summary.features.contains_key(name)
                    {
                        pending.push(name);
                    }
                    self.dependencies.entry(name).or_default().insert(of_it);
                } else if let Some(name) = value.strip_prefix("dep:") {
                    self.dependencies.entry(name).or_default();
                } else {
                    pending.push(value);
                }
            }
        }
        Ok(())
    }
}
