//! The packages on disk: the members of the workspace by cargo's rules, and the path dependencies
//! outside it.

use std::collections::{BTreeSet, HashMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::DependencyKind;

use super::package::{Origin, package, parsed};
use super::place::ReadPlace;
use super::toml_manifest::{TomlManifest, TomlWorkspace};
use super::{ReadOrAsk, ask};
use crate::parallel;
use crate::paths::normalized;
use crate::workspace::metadata_json::Manifest;

/// The packages on disk.
pub(super) struct PathPackages {
    /// The packages by their manifests.
    pub(super) packages: HashMap<Utf8PathBuf, Manifest<'static>>,
    /// The manifests of the members.
    pub(super) members: BTreeSet<Utf8PathBuf>,
    /// The table `[workspace.metadata]`.
    pub(super) metadata: serde_json::Value,
}

/// A loaded manifest. A member without a package is the root manifest of a virtual workspace.
struct LoadedManifest {
    path: Utf8PathBuf,
    package: Option<Manifest<'static>>,
}

impl PathPackages {
    /// Reads the members of a workspace, and all path dependencies.
    pub(super) fn read(place: &ReadPlace) -> ReadOrAsk<Self> {
        let root_manifest = place.root.join("Cargo.toml");
        let root = parsed(&root_manifest)?;
        if root.patch.is_some() {
            return Err(ask("the workspace has [patch]"));
        }
        if root.replace.is_some() {
            return Err(ask("the workspace has [replace]"));
        }
        let Some(workspace) = &root.workspace else {
            return Err(ask("the root manifest has no [workspace]"));
        };
        check_root(&root, workspace)?;
        let search = MemberSearch {
            place,
            workspace,
            root_manifest: &root_manifest,
        };
        let mut this = Self {
            packages: HashMap::new(),
            members: BTreeSet::new(),
            metadata: metadata(workspace)?,
        };
        search.members(&root, &mut this)?;
        search.check_members(&this)?;
        search.outside(&mut this)?;
        Ok(this)
    }
}

/// Checks the root manifest.
fn check_root(root: &TomlManifest, workspace: &TomlWorkspace) -> ReadOrAsk<()> {
    let package = root.package.as_ref();
    let of_package = package.and_then(|it| it.resolver.as_ref());
    let resolvers = [of_package, workspace.resolver.as_ref()];
    let mut resolvers = resolvers.into_iter().flatten();
    let is_known = resolvers
        .next()
        .is_none_or(|it| ["1", "2", "3"].contains(&&**it));
    if !is_known || resolvers.next().is_some() {
        return Err(ask("the resolver is not known"));
    }
    if package.is_none() {
        let is_empty = root.features.is_empty()
            && root.dependencies.is_empty()
            && root.dev_dependencies.is_empty()
            && root.build_dependencies.is_empty()
            && root.target.is_empty()
            && root.lib.is_none()
            && root.lints.is_none()
            && [&root.bin, &root.example, &root.test, &root.bench]
                .iter()
                .all(|it| it.is_none());
        if !is_empty {
            return Err(ask(
                "the root manifest has tables of a package, and no package",
            ));
        }
        super::profiles::check(&root.profile)?;
    }
    Ok(())
}

fn metadata(workspace: &TomlWorkspace) -> ReadOrAsk<serde_json::Value> {
    fn has_date(value: &toml::Value) -> bool {
        match value {
            toml::Value::Datetime(_) => true,
            toml::Value::Array(items) => items.iter().any(has_date),
            toml::Value::Table(table) => table.values().any(has_date),
            _ => false,
        }
    }
    match &workspace.metadata {
        None => Ok(serde_json::Value::Null),
        Some(metadata) if has_date(metadata) => Err(ask("the metadata has a date")),
        Some(metadata) => serde_json::to_value(metadata)
            .map_err(|_| ask("the metadata cannot be converted to JSON")),
    }
}

struct MemberSearch<'a> {
    place: &'a ReadPlace,
    workspace: &'a TomlWorkspace,
    root_manifest: &'a Utf8Path,
}

impl MemberSearch<'_> {
    /// Finds the members: those that `workspace.members` names, and their path dependencies below
    /// the root.
    fn members(&self, root: &TomlManifest, all: &mut PathPackages) -> ReadOrAsk<()> {
        let listed = self.workspace.members.as_deref();
        let mut pending = self.expanded(listed.unwrap_or_default())?;
        pending.push(self.root_manifest.to_owned());
        while !pending.is_empty() {
            let mut wave = Vec::new();
            for path in pending.drain(..) {
                let path = normalized(&path);
                if !self.is_excluded(&path) && all.members.insert(path.clone()) {
                    wave.push(path);
                }
            }
            for loaded in self.load(&wave, Some(root))? {
                let Some(package) = loaded.package else {
                    continue;
                };
                let named = package
                    .dependencies
                    .iter()
                    .filter_map(|it| it.path.as_ref());
                let named = named.map(|it| Utf8Path::new(&*it.0));
                let near = named.filter(|it| it.starts_with(&self.place.root));
                pending.extend(near.map(|it| it.join("Cargo.toml")));
                all.packages.insert(loaded.path, package);
            }
        }
        Ok(())
    }

    /// Returns the manifests that match these patterns.
    fn expanded(&self, patterns: &[String]) -> ReadOrAsk<Vec<Utf8PathBuf>> {
        let mut found = Vec::new();
        for pattern in patterns {
            let path = self.place.root.join(pattern);
            let matched = glob::glob(path.as_str()).map_err(|_| ask("a glob is not valid"))?;
            let mut is_empty = true;
            for matched in matched {
                let matched = matched.map_err(|_| ask("a directory cannot be listed"))?;
                is_empty = false;
                if matched.is_dir() {
                    let matched = Utf8PathBuf::try_from(matched);
                    let matched = matched.map_err(|_| ask("a path is not UTF-8"))?;
                    found.push(matched.join("Cargo.toml"));
                }
            }
            if is_empty {
                found.push(path.join("Cargo.toml"));
            }
        }
        Ok(found)
    }

    fn is_excluded(&self, manifest: &Utf8Path) -> bool {
        let is_below = |path: &String| manifest.starts_with(self.place.root.join(path));
        self.workspace.exclude.iter().any(is_below)
            && !self.workspace.members.iter().flatten().any(is_below)
    }

    /// Loads manifests. With `root`, the packages are members.
    fn load(
        &self,
        wave: &[Utf8PathBuf],
        root: Option<&TomlManifest>,
    ) -> ReadOrAsk<Vec<LoadedManifest>> {
        let load = |path: &Utf8PathBuf| self.load_one(path, root);
        let loaded = parallel::parts(wave, |part| part.iter().map(load).collect());
        loaded.into_iter().collect()
    }

    fn load_one(
        &self,
        path: &Utf8PathBuf,
        root: Option<&TomlManifest>,
    ) -> ReadOrAsk<LoadedManifest> {
        let inherited = Some((self.workspace, &*self.place.root));
        if let Some(root) = root.filter(|_| path == self.root_manifest) {
            let of_root = || package(path, root, inherited, Origin::Path);
            let package = root.package.as_ref().map(|_| of_root()).transpose()?;
            return Ok(LoadedManifest {
                path: path.clone(),
                package,
            });
        }
        let manifest = parsed(path)?;
        let names_root = manifest
            .package
            .as_ref()
            .is_some_and(|it| it.workspace.is_some());
        if root.is_some() && (manifest.workspace.is_some() || names_root) {
            return Err(ask(format!("{path} has a workspace of its own")));
        }
        if root.is_some() {
            let package = package(path, &manifest, inherited, Origin::Path)?;
            return Ok(LoadedManifest {
                path: path.clone(),
                package: Some(package),
            });
        }
        if names_root {
            return Err(ask(format!("{path} names its workspace")));
        }
        let own = manifest.workspace.as_ref();
        let directory = path.parent().unwrap_or(path);
        let package = match own {
            Some(own) => package(path, &manifest, Some((own, directory)), Origin::Path)?,
            None => match self.above(path)? {
                Some((above, root)) => {
                    let above = above.workspace.as_ref().map(|it| (it, &*root));
                    package(path, &manifest, above, Origin::Path)?
                }
                None => package(path, &manifest, None, Origin::Path)?,
            },
        };
        Ok(LoadedManifest {
            path: path.clone(),
            package: Some(package),
        })
    }

    /// Returns the root manifest above a package outside the workspace, and its directory.
    fn above(&self, path: &Utf8Path) -> ReadOrAsk<Option<(TomlManifest, Utf8PathBuf)>> {
        for directory in path.ancestors().skip(2) {
            let manifest = directory.join("Cargo.toml");
            if !manifest.is_file() {
                continue;
            }
            let parsed = parsed(&manifest)?;
            if let Some(workspace) = &parsed.workspace {
                let is_below = |it: &String| path.starts_with(directory.join(it));
                let is_member = workspace.members.iter().flatten().any(is_below);
                if is_member || !workspace.exclude.iter().any(is_below) {
                    return Ok(Some((parsed, directory.to_owned())));
                }
            }
        }
        Ok(None)
    }

    /// Checks that every member belongs to the workspace by cargo's search for its root, that the
    /// names are unique, and that the manifest that cargo begins with is a member.
    fn check_members(&self, all: &PathPackages) -> ReadOrAsk<()> {
        let mut names = HashSet::new();
        if !all.packages.values().all(|it| names.insert(&*it.name)) {
            return Err(ask("two members have one name"));
        }
        if !all.members.contains(&self.place.start) {
            return Err(ask("the package of this directory is not a member"));
        }
        let mut checked = HashSet::new();
        for member in &all.members {
            for directory in member.ancestors().skip(2) {
                if !directory.starts_with(&self.place.root) {
                    break;
                }
                let between = directory.join("Cargo.toml");
                if directory == self.place.root
                    || all.members.contains(&between)
                    || !checked.insert(directory)
                {
                    continue;
                }
                if between.exists() && parsed(&between)?.workspace.is_some() {
                    return Err(ask(format!("{between} is another workspace")));
                }
            }
            if !member.starts_with(&self.place.root) {
                return Err(ask(format!("the member {member} is outside the root")));
            }
        }
        self.check_default(all)
    }

    /// Checks that `default-members` names members.
    fn check_default(&self, all: &PathPackages) -> ReadOrAsk<()> {
        let default = self.workspace.default_members.as_deref();
        let named = self.expanded(default.unwrap_or_default())?;
        if named.is_empty() {
            return Ok(());
        }
        let listed = self.expanded(self.workspace.members.as_deref().unwrap_or_default())?;
        let is_fine = |path: &Utf8PathBuf| {
            let manifest = normalized(path);
            all.members.contains(&manifest)
                || self.is_excluded(&manifest) && listed.contains(&manifest)
        };
        match named.iter().all(is_fine) {
            true => Ok(()),
            false => Err(ask("`default-members` names no member")),
        }
    }

    /// Reads the path dependencies outside the workspace. Cargo does not follow their
    /// dev-dependencies.
    fn outside(&self, all: &mut PathPackages) -> ReadOrAsk<()> {
        let mut pending: Vec<Utf8PathBuf> = all
            .packages
            .values()
            .flat_map(|it| &it.dependencies)
            .filter_map(|it| Some(Utf8Path::new(&*it.path.as_ref()?.0).join("Cargo.toml")))
            .collect();
        while !pending.is_empty() {
            let mut wave: Vec<_> = pending
                .drain(..)
                .filter(|it| !all.packages.contains_key(it))
                .collect();
            wave.sort();
            wave.dedup();
            for loaded in self.load(&wave, None)? {
                let Some(package) = loaded.package else {
                    continue;
                };
                let used = package.dependencies.iter();
                let used = used.filter(|it| it.kind != Some(DependencyKind::Development));
                let used = used.filter_map(|it| it.path.as_ref());
                pending.extend(used.map(|it| Utf8Path::new(&*it.0).join("Cargo.toml")));
                all.packages.insert(loaded.path, package);
            }
        }
        Ok(())
    }
}
