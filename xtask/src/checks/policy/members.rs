//! The members of a workspace, read from its manifests alone.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use glob::{MatchOptions, Pattern};
use toml::{Table, Value};
use xtask_impact::files;
use xtask_impact::paths::normalized;

/// A package of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberPackage {
    /// The directory of its manifest, relative to the root.
    pub directory: Utf8PathBuf,
    /// The name of the package.
    pub name: String,
    /// The version of the package, `0.0.0` if the manifest has none.
    pub version: String,
}

/// The member patterns of a root manifest.
pub(crate) struct DeclaredMembers {
    root: Utf8PathBuf,
    manifest: Table,
    members: Vec<Pattern>,
    exclude: Vec<Utf8PathBuf>,
}

impl DeclaredMembers {
    /// Reads the manifest in this directory. The result has no members if the manifest cannot be
    /// read.
    pub(crate) fn read(root: &Utf8Path) -> Self {
        let manifest = manifest(root).unwrap_or_default();
        let listed = |key: &str| -> Vec<Utf8PathBuf> {
            let listed = of_workspace(&manifest, key).and_then(Value::as_array);
            let listed = listed.into_iter().flatten().filter_map(Value::as_str);
            listed.map(|it| normalized(it.into())).collect()
        };
        let members = listed("members");
        let patterns = members.iter().map(|it| Pattern::new(it.as_str()));
        Self {
            root: root.to_owned(),
            members: patterns.flatten().collect(),
            exclude: listed("exclude"),
            manifest,
        }
    }

    /// Returns true if the root manifest lists a directory as a member.
    pub(crate) fn lists(&self, directory: &Utf8Path) -> bool {
        let options = MatchOptions {
            require_literal_separator: true,
            ..MatchOptions::new()
        };
        let Ok(directory) = directory.strip_prefix(&self.root) else {
            return false;
        };
        let matches = |it: &Pattern| it.matches_with(directory.as_str(), options);
        // Cargo accepts a directory that is listed by its own name as a member, even if it is
        // excluded.
        self.members.iter().any(|it| it.as_str() == directory)
            || self.members.iter().any(matches) && !self.excludes(directory)
    }

    fn excludes(&self, directory: &Utf8Path) -> bool {
        self.exclude.iter().any(|it| directory.starts_with(it))
    }

    /// Returns all members among these manifests: the root package, the listed packages, and their
    /// path dependencies below the root.
    pub(crate) fn members(&self, manifests: &[Utf8PathBuf]) -> Vec<MemberPackage> {
        let listed = manifests.iter().filter_map(|it| it.parent());
        let mut pending: Vec<Utf8PathBuf> = listed
            .filter(|directory| *directory == self.root || self.lists(directory))
            .map(Utf8Path::to_owned)
            .collect();
        let mut seen: BTreeSet<_> = pending.iter().cloned().collect();
        let mut members = Vec::new();
        while let Some(directory) = pending.pop() {
            let Some(manifest) = manifest(&directory) else {
                continue;
            };
            let below = directory.strip_prefix(&self.root).unwrap_or(&directory);
            members.extend(self.member(below, &manifest));
            for path in self.path_dependencies(&directory, &manifest) {
                let below = path.strip_prefix(&self.root);
                if below.is_ok_and(|it| !self.excludes(it)) && seen.insert(path.clone()) {
                    pending.push(path);
                }
            }
        }
        members.sort();
        members
    }

    fn member(&self, directory: &Utf8Path, manifest: &Table) -> Option<MemberPackage> {
        let package = manifest.get("package")?;
        let version = match package.get("version") {
            Some(Value::Table(_)) => {
                let inherited = of_workspace(&self.manifest, "package")?;
                inherited.get("version")?.as_str()
            }
            version => version.and_then(Value::as_str),
        };
        Some(MemberPackage {
            directory: directory.to_owned(),
            name: package.get("name")?.as_str()?.to_owned(),
            version: version.unwrap_or("0.0.0").to_owned(),
        })
    }

    fn path_dependencies(&self, directory: &Utf8Path, manifest: &Table) -> Vec<Utf8PathBuf> {
        const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
        let of_targets = manifest.get("target").and_then(Value::as_table);
        let of_targets = of_targets.into_iter().flatten();
        let of_targets = of_targets.filter_map(|(_, it)| it.as_table());
        let dependencies = of_targets.chain([manifest]).flat_map(|table| {
            let kinds = KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table());
            kinds.flatten()
        });
        let inherited = of_workspace(&self.manifest, "dependencies");
        let paths = dependencies.filter_map(|(name, dependency)| {
            if let Some(path) = dependency.get("path") {
                return Some(normalized(&directory.join(path.as_str()?)));
            }
            dependency.get("workspace")?;
            let path = inherited?.get(name)?.get("path")?.as_str()?;
            Some(normalized(&self.root.join(path)))
        });
        paths.collect()
    }
}

fn manifest(directory: &Utf8Path) -> Option<Table> {
    let text = files::read_text(directory.join("Cargo.toml"), files::SETTINGS);
    text.ok()?.parse().ok()
}

fn of_workspace<'a>(manifest: &'a Table, key: &str) -> Option<&'a Value> {
    manifest.get("workspace")?.get(key)
}
