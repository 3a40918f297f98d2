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
    /// Files and symbolic links through which cargo reads such a file, because a link stands in its
    /// place or above it: from each of them to the path that cargo reads.
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

    /// The files in which cargo looks for its configuration, whether or not they exist.
    pub(super) fn configuration(&self) -> impl Iterator<Item = &Utf8PathBuf> {
        self.configuration.iter()
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

/// Returns the symbolic links on the way to a file, in its own path and in those that links lead to,
/// and the file itself; nothing where no link is on the way. Each path has no links above it.
fn behind(path: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    // As many as the system follows.
    const MOST_LINKS: usize = 40;
    let mut followed = 0;
    let mut found = BTreeSet::new();
    if path.symlink_metadata().is_err() {
        return found;
    }
    let parts = |path: &Utf8Path| -> Vec<String> {
        path.components().rev().map(|it| it.to_string()).collect()
    };
    let mut pending = parts(path);
    let mut at = Utf8PathBuf::new();
    while let Some(part) = pending.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        match next.read_link_utf8() {
            Ok(target) if followed < MOST_LINKS => {
                followed += 1;
                pending.extend(parts(&target));
                found.insert(next);
            }
            _ => at = next,
        }
    }
    if !found.is_empty() {
        found.insert(at);
    }
    found.remove(path);
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

#[test]
#[cfg(unix)]
fn every_link_on_the_way_to_a_file_counts() {
    use std::os::unix::fs::symlink;

    use crate::testing::{scratch, write};

    let (_directory, top) = scratch();
    write(&top.join("plain"), "");
    write(&top.join("locks/one.lock"), "");
    for (target, link) in [
        ("locks/current", "Cargo.lock"),
        ("one.lock", "locks/current"),
        ("locks", "directory"),
        ("directory/../directory/current", "through"),
        ("gone", "dangling"),
        ("circle", "circle"),
    ] {
        symlink(target, top.join(link)).unwrap();
    }
    let behind = |path: &str| {
        let found = behind(&top.join(path)).into_iter();
        let found = found.map(|it| it.strip_prefix(&top).map_or(it.clone(), Utf8Path::to_owned));
        let found: Vec<_> = found.map(Utf8PathBuf::into_string).collect();
        format!("{path}: {}", found.join(" "))
    };
    let all = [
        "plain",
        "absent",
        "Cargo.lock",
        "directory/one.lock",
        "through",
        "dangling",
        "circle",
    ];
    expect_test::expect![[r#"
        plain: 
        absent: 
        Cargo.lock: locks/current locks/one.lock
        directory/one.lock: directory locks/one.lock
        through: directory locks/current locks/one.lock
        dangling: gone
        circle: "#]]
    .assert_eq(&all.map(behind).join("\n"));
}
