//! The files whose meaning counts, not their text: manifests, the lock file, toolchain files,
//! cargo's configuration.

use std::collections::{BTreeSet, HashMap};

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use toml::Table;

use super::meaning::Effect as Meaning;
use super::meaning::config::compare_config;
use super::meaning::manifest::compare_manifest;
use crate::repo::cargo_config::configuration_files;
use crate::repo::{resolved, toolchain_file};
use crate::workspace::Workspace;

/// What a path sets, by its name and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A `Cargo.toml`. One that belongs to no package of the graph is another package's fixture.
    Manifest,
    /// The workspace's `Cargo.lock`.
    Lock,
    /// `rust-toolchain` or `rust-toolchain.toml`, where rustup looks for it.
    Toolchain,
    /// A file of cargo's configuration, where cargo looks for it from the workspace's root.
    Configuration,
}

impl Setting {
    /// What an absolute path sets by its name and place.
    fn of(path: &Utf8Path, workspace_root: &Utf8Path, lock_file: &Utf8Path) -> Option<Self> {
        let directory = path.parent()?;
        match path.file_name()? {
            "Cargo.toml" => Some(Self::Manifest),
            "Cargo.lock" => (path == lock_file).then_some(Self::Lock),
            "rust-toolchain" | "rust-toolchain.toml" => workspace_root
                .starts_with(directory)
                .then_some(Self::Toolchain),
            "config" | "config.toml" if directory.file_name() == Some(".cargo") => {
                let above = directory.parent()?;
                workspace_root
                    .starts_with(above)
                    .then_some(Self::Configuration)
            }
            _ => None,
        }
    }

    /// Whether a change of it can change what cargo resolves, so that both sides must be asked.
    /// That its text differs is not enough: a comment or a description changes nothing there.
    pub fn is_resolved(self, contents: &Contents) -> bool {
        let meanings = match self {
            Self::Toolchain => return false,
            Self::Lock => return true,
            Self::Manifest if contents.before.is_none() || contents.after.is_none() => return true,
            Self::Manifest => contents.compare(compare_manifest),
            Self::Configuration => contents.compare(compare_config),
        };
        meanings.is_none_or(|meanings| meanings.iter().any(|meaning| meaning.told_by_graph))
    }
}

/// The files of a workspace that set something.
pub struct Settings {
    /// Without symbolic links.
    pub(super) workspace_root: Utf8PathBuf,
    lock_file: Utf8PathBuf,
    configuration: BTreeSet<Utf8PathBuf>,
    /// Files by whose content such a file changes because a symbolic link, or a chain of links,
    /// stands in its place: from each file and link on the way to the path that cargo reads.
    linked: HashMap<Utf8PathBuf, Utf8PathBuf>,
}

impl Settings {
    /// Looks the files of a workspace up on disk.
    pub fn new(workspace: &Workspace) -> Self {
        let root = resolved(&workspace.root);
        let configuration = configuration_files(&root);
        let manifests = workspace.links.iter();
        let manifests = manifests.filter(|(known, _)| known.file_name() == Some("Cargo.toml"));
        let lock_file = workspace.lock_file.in_real_directory();
        let toolchain = root
            .ancestors()
            .flat_map(|above| toolchain_file::NAMES.map(|name| above.join(name)));
        let linked = [root.join("Cargo.toml"), lock_file.clone()]
            .into_iter()
            .chain(toolchain)
            .chain(configuration.iter().cloned())
            .flat_map(|path| behind(&path).into_iter().map(move |it| (it, path.clone())))
            .chain(manifests.map(|(known, real)| (real.clone(), known.clone())))
            .collect();
        Self {
            workspace_root: root,
            lock_file,
            configuration,
            linked,
        }
    }

    /// What an absolute path sets, if anything, and by which path cargo knows it.
    pub fn of<'a>(&'a self, path: &'a Utf8Path) -> Option<(Setting, &'a Utf8Path)> {
        let path = self.linked.get(path).map_or(path, Utf8PathBuf::as_path);
        let setting = match Setting::of(path, &self.workspace_root, &self.lock_file) {
            Some(setting) => setting,
            None if self.configuration.contains(path) => Setting::Configuration,
            None => return None,
        };
        Some((setting, path))
    }
}

/// Returns the links and the file that a symbolic link leads to, each without links in its
/// directory; nothing of a file that is no link.
fn behind(path: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    let mut found = BTreeSet::new();
    let mut at = path.to_owned();
    while let Ok(target) = at.read_link_utf8() {
        let next = at.parent().unwrap_or(Utf8Path::new("")).join(target);
        at = match (next.parent(), next.file_name()) {
            (Some(directory), Some(name)) => resolved(directory).join(name),
            _ => resolved(&next),
        };
        if !found.insert(at.clone()) {
            break;
        }
    }
    let real = resolved(path);
    found.extend((real != path).then_some(real));
    found
}

/// A changed file on both sides; nothing where a side has no such file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// At the base.
    pub before: Option<String>,
    /// Now.
    pub after: Option<String>,
}

impl Contents {
    /// What differs in meaning, an absent side taken as an empty table; `None` where a side does
    /// not parse.
    pub(super) fn compare(
        &self,
        compare: fn(&Table, &Table) -> Vec<Meaning>,
    ) -> Option<Vec<Meaning>> {
        let table =
            |side: &Option<String>| side.as_deref().unwrap_or_default().parse::<Table>().ok();
        Some(compare(&table(&self.before)?, &table(&self.after)?))
    }
}
