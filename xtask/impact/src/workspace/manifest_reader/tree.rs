//! The resolved packages that members reach on the selected platforms, as `cargo metadata` prints
//! them.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::DependencyKind;

use super::resolve::{ActiveNode, Node};
use super::{ReadOrAsk, ask};
use crate::cargo_config::CargoConfig;
use crate::workspace::PlatformFacts;
use crate::workspace::metadata_json::{DeclaredEdge, EdgeKind, On, ResolvedNode};

/// The resolved packages.
pub(super) struct Tree<'a> {
    pub(super) nodes: &'a [Node<'a>],
    pub(super) active: &'a [Option<ActiveNode<'a>>],
    pub(super) platforms: Option<&'a [PlatformFacts]>,
}

impl Tree<'_> {
    /// Returns the packages that the members reach. A dependency without a library is left out.
    pub(super) fn used(&self, has_library: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let members = self.nodes.iter().enumerate().filter(|(_, it)| it.is_member);
        let mut pending: Vec<usize> = members.map(|(index, _)| index).collect();
        let mut is_used = vec![false; self.nodes.len()];
        while let Some(index) = pending.pop() {
            if !std::mem::replace(&mut is_used[index], true) {
                let edges = self.edges(index).into_keys();
                pending.extend(edges.filter(|&on| has_library(on)));
            }
        }
        (0..self.nodes.len())
            .filter(|&index| is_used[index])
            .collect()
    }

    /// Returns the dependencies of a package on the selected platforms, each with its declarations.
    fn edges(&self, index: usize) -> BTreeMap<usize, Vec<&DeclaredEdge<'static>>> {
        let mut edges: BTreeMap<usize, Vec<_>> = BTreeMap::new();
        for &(declared, on) in self.active[index].iter().flat_map(|it| &it.dependencies) {
            let declared = &self.nodes[index].summary.dependencies[declared];
            edges.entry(on).or_default().push(declared);
        }
        edges.retain(|_, declared| declared.iter().any(|it| self.is_on_platform(it)));
        edges
    }

    /// Checks that no compiler flag decides about a dependency. Cargo asks the compiler for a
    /// platform's `cfg` options with the flags of the configuration.
    pub(super) fn check_flags(&self, config: &CargoConfig) -> ReadOrAsk<()> {
        let platforms = self.platforms.unwrap_or_default();
        if platforms.iter().any(|it| it.name.ends_with(".json")) {
            return Err(ask("a platform is described by a file"));
        }
        let has_flags = |it: &PlatformFacts| !matches!(it.rustflags(config), Ok(None));
        if !platforms.iter().any(has_flags) {
            return Ok(());
        }
        for (node, active) in self.nodes.iter().zip(self.active) {
            for (declared, _) in active.iter().flat_map(|it| &it.dependencies) {
                let Some(target) = &node.summary.dependencies[*declared].target else {
                    continue;
                };
                let target = target.to_string();
                if platforms.iter().any(|it| it.is_own(&target).is_none()) {
                    return Err(ask(format!("compiler flags may decide about `{target}`")));
                }
            }
        }
        Ok(())
    }

    /// Checks that every dependency has one name in the package that depends on it. `library` is
    /// the name of a package's library.
    pub(super) fn check_names<'b>(
        &self,
        used: &[usize],
        library: &dyn Fn(usize) -> Option<&'b str>,
    ) -> ReadOrAsk<()> {
        for &index in used {
            for (on, declared) in self.edges(index) {
                let Some(library) = library(on) else {
                    continue;
                };
                let library = library.replace('-', "_");
                let name = |it: &&DeclaredEdge<'_>| match &it.rename {
                    Some(rename) => rename.0.replace('-', "_"),
                    None => library.clone(),
                };
                let names: BTreeSet<String> = declared.iter().map(name).collect();
                if names.len() > 1 {
                    return Err(ask("a package is a dependency under two names"));
                }
            }
        }
        Ok(())
    }

    fn is_on_platform(&self, dependency: &DeclaredEdge<'_>) -> bool {
        match (&dependency.target, self.platforms) {
            (None, _) | (_, None) => true,
            (Some(target), Some(platforms)) => platforms.iter().any(|it| it.matches(target)),
        }
    }

    /// Returns a package with its dependencies and features.
    pub(super) fn resolved(
        &self,
        index: usize,
        has_library: &dyn Fn(usize) -> bool,
    ) -> ResolvedNode<'static> {
        let mut edges: Vec<_> = self.edges(index).into_iter().collect();
        edges.retain(|&(on, _)| has_library(on));
        // Cargo's order: by name, then by version, then by source.
        edges.sort_by_key(|&(on, _)| {
            let entry = self.nodes[on].entry;
            (&entry.name, &entry.version, entry.checksum.is_some())
        });
        let deps = edges.into_iter().map(|(on, mut declared)| {
            declared.sort_by_key(|it| (order(it.kind), it.target.clone()));
            let kinds = declared.into_iter().map(|it| EdgeKind {
                kind: it.kind,
                target: it.target.clone(),
            });
            On {
                pkg: self.nodes[on].id(),
                dep_kinds: kinds.collect(),
            }
        });
        let features = self.active[index].iter().flat_map(|it| &it.features);
        ResolvedNode {
            id: self.nodes[index].id(),
            deps: deps.collect(),
            features: features.map(|&it| it.to_owned()).collect(),
        }
    }
}

/// Returns cargo's order of the kinds.
fn order(kind: Option<DependencyKind>) -> u8 {
    match kind.unwrap_or_default() {
        DependencyKind::Normal => 0,
        DependencyKind::Development => 1,
        _ => 2,
    }
}
