//! A reader of workspaces that does not start cargo: it reads the manifests, `Cargo.lock`, and
//! cargo's copy of the registry.
//!
//! The result is the value that the output of `cargo metadata` is parsed into, so everything that
//! follows is the same for both. The reader knows the usual shapes only. In all other cases it
//! returns [`AskCargo`] with the reason, and cargo is asked: a stale lock file, `[patch]`,
//! `[replace]`, dependencies from git or from another registry, an unknown key, a package that is
//! not downloaded, a setting that changes the resolution.
//!
//! `cargo metadata` is the authority: where both answer, they must be equal. Tests compare them on
//! shapes in a table, on generated workspaces, on this repository and, in the nightly suite
//! `manifests`, on commits of public workspaces.

mod dependencies;
mod lock;
mod members;
mod package;
mod place;
mod profiles;
mod registry;
mod resolve;
mod targets;
#[cfg(test)]
pub(crate) mod tests;
mod toml_manifest;
mod tree;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::panic::resume_unwind;

use cargo_metadata::semver::Version;

use self::lock::LockedEntry;
use self::members::PathPackages;
use self::place::ReadPlace;
pub use self::profiles::RESERVED_PROFILES;
use self::registry::Registry;
use self::resolve::{MemberFeatures, Node, Summary};
use self::tree::Tree;
use super::metadata::CompilerFacts;
use super::metadata_json::{Manifest, MetadataJson, Resolve, Text};
use super::{LoadOptions, TargetKind};
use crate::parallel;
use crate::process::Runner;

/// The source of packages from crates.io.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The versions of cargo with which the reader is proven by the nightly suite `manifests`.
const PROVEN: RangeInclusive<(u64, u64)> = (1, 95)..=(1, 97);

/// A reason to ask cargo.
#[derive(Debug)]
pub(super) struct AskCargo(pub(super) String);

/// The result of reading.
type ReadOrAsk<T> = Result<T, AskCargo>;

fn ask(reason: impl Into<String>) -> AskCargo {
    AskCargo(reason.into())
}

/// The parts of a workspace that are known without the platforms.
pub(super) struct ManifestReader {
    place: ReadPlace,
    on_disk: PathPackages,
    locked: Vec<LockedEntry>,
    registry: Option<Registry>,
}

impl ManifestReader {
    /// Reads the workspace of the runner's directory, or of the manifest in `options`.
    pub(super) fn new(runner: &Runner, options: &LoadOptions) -> ReadOrAsk<Self> {
        let place = ReadPlace::new(runner, options)?;
        let lock_file = place.root.join("Cargo.lock");
        let (on_disk, locked) = std::thread::scope(|scope| {
            let locked = scope.spawn(|| lock::read(&lock_file));
            let on_disk = PathPackages::read(&place);
            let locked = locked.join();
            (on_disk, locked.unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let (on_disk, locked) = (on_disk?, locked?);
        let has_external = locked.iter().any(|it| it.checksum.is_some());
        let registry = has_external.then(|| Registry::new(&place.home));
        Ok(Self {
            registry: registry.transpose()?,
            place,
            on_disk,
            locked,
        })
    }

    /// Returns the reader if the reader is proven with this version of cargo.
    pub(super) fn proven_with(self, cargo: Option<Version>) -> ReadOrAsk<Self> {
        let cargo = cargo.ok_or_else(|| ask("cargo does not tell its version"))?;
        match PROVEN.contains(&(cargo.major, cargo.minor)) {
            true => Ok(self),
            false => Err(ask(format!(
                "the reader of manifests is not proven with cargo {cargo}"
            ))),
        }
    }

    /// Resolves the workspace, for the dependencies of the host and of `triples`. Without triples,
    /// the dependencies of all platforms count.
    pub(super) fn resolved(
        mut self,
        triples: &Option<Vec<String>>,
        facts: Option<&CompilerFacts>,
    ) -> ReadOrAsk<MetadataJson<'static>> {
        let platforms = facts.map(|(platforms, _)| &**platforms);
        if triples.is_some() && platforms.is_none() {
            return Err(ask("the compiler does not tell its platforms"));
        }
        let nodes = self.nodes()?;
        resolve::check(&nodes)?;
        let active = resolve::activate(&nodes, MemberFeatures::Default)?;
        let tree = Tree {
            nodes: &nodes,
            active: &active,
            platforms,
        };
        tree.check_flags(&self.place.config)?;
        let external = self.downloaded(&tree.used(&|_| true))?;
        let library = |index: usize| {
            let manifest = nodes[index].on_disk.or_else(|| external.get(&index))?;
            let mut targets = manifest.targets.iter().filter_map(|it| it.0.as_ref());
            let library = targets.find(|it| it.kind == TargetKind::Lib)?;
            Some(&*library.name)
        };
        let has_library = |index: usize| library(index).is_some();
        let used = tree.used(&has_library);
        tree.check_names(&used, &library)?;
        let resolved = used.iter().map(|&index| tree.resolved(index, &has_library));
        let resolve = Resolve {
            nodes: resolved.collect(),
        };
        let ids: Vec<Text<'static>> = used.iter().map(|&index| nodes[index].id()).collect();
        let mut packages = external;
        let member = |path| Some(self.on_disk.packages.get(path)?.id.clone());
        let workspace_members = self.on_disk.members.iter().filter_map(member).collect();
        let on_disk = std::mem::take(&mut self.on_disk.packages).into_values();
        let mut all: HashMap<_, _> = on_disk.map(|it| (it.id.clone(), it)).collect();
        all.extend(packages.drain().map(|(_, it)| (it.id.clone(), it)));
        let packages = ids.iter().filter_map(|id| all.remove(id)).collect();
        Ok(MetadataJson {
            packages,
            workspace_members,
            resolve: Some(resolve),
            workspace_root: self.place.root,
            target_directory: self.place.target_directory,
            build_directory: Some(self.place.build_directory),
            metadata: self.on_disk.metadata,
        })
    }

    /// Returns the packages of the lock file with their declarations.
    fn nodes(&self) -> ReadOrAsk<Vec<Node<'_>>> {
        let mut by_name = HashMap::new();
        for (path, package) in &self.on_disk.packages {
            let key = (&*package.name, &*package.version);
            if by_name.insert(key, (path, package)).is_some() {
                return Err(ask(format!("two packages are `{} {}`", key.0, key.1)));
            }
        }
        let indexes: Vec<usize> = (0..self.locked.len()).collect();
        let node = |&index: &usize| {
            let entry = &self.locked[index];
            let version = entry.version.to_string();
            if entry.checksum.is_some() {
                let registry = self.registry.as_ref().ok_or_else(|| ask("no registry"))?;
                return Ok(Node {
                    entry,
                    summary: registry.summary(entry)?,
                    on_disk: None,
                    is_member: false,
                });
            }
            let found = by_name.get(&(&*entry.name, &*version));
            let &(path, package) = found.ok_or_else(|| {
                let name = &entry.name;
                ask(format!(
                    "the lock file has `{name} {version}`, which no manifest has"
                ))
            })?;
            Ok(Node {
                entry,
                summary: Summary {
                    features: Cow::Borrowed(&package.features),
                    dependencies: Cow::Borrowed(&package.dependencies),
                    links: package.links.clone(),
                },
                on_disk: Some(package),
                is_member: self.on_disk.members.contains(path),
            })
        };
        let nodes = parallel::parts(&indexes, |part| part.iter().map(node).collect());
        let nodes = nodes.into_iter().collect::<ReadOrAsk<Vec<Node<'_>>>>()?;
        let members = self.on_disk.members.iter();
        let members = members.filter(|it| self.on_disk.packages.contains_key(*it));
        match nodes.iter().filter(|it| it.is_member).count() == members.count() {
            true => Ok(nodes),
            false => Err(ask("a member is not in the lock file")),
        }
    }

    /// Returns the manifests of the packages from crates.io among these packages.
    fn downloaded(&self, used: &[usize]) -> ReadOrAsk<HashMap<usize, Manifest<'static>>> {
        let Some(registry) = &self.registry else {
            return Ok(HashMap::new());
        };
        let is_external = |index: &usize| self.locked[*index].checksum.is_some();
        let external: Vec<usize> = used.iter().copied().filter(is_external).collect();
        let manifest = |&index: &usize| Ok((index, registry.manifest(&self.locked[index])?));
        let manifests = parallel::parts(&external, |part| part.iter().map(manifest).collect());
        manifests.into_iter().collect()
    }
}
