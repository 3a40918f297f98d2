//! The settings files, whose meaning counts and not their text: manifests, the lock file, toolchain
//! files and cargo's configuration.

use std::collections::{BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};
use toml::Table;

use crate::cargo_config::{configuration_files, toolchain_file};
use crate::paths::resolved;
use crate::semantic_diff::SemanticChange as Meaning;
use crate::semantic_diff::config::compare_config;
use crate::semantic_diff::manifest::compare_manifest;
use crate::workspace::Workspace;

/// The kind of a settings file, by its name and location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A `Cargo.toml`. A manifest of no package in the graph is a fixture of another package.
    Manifest,
    /// The `Cargo.lock` of the workspace.
    Lock,
    /// `rust-toolchain` or `rust-toolchain.toml`, in a directory where rustup searches.
    Toolchain,
    /// A configuration file of cargo, in a directory where cargo searches from the workspace root.
    Configuration,
}

impl Setting {
    /// Returns the kind of settings file that an absolute path names.
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

    /// Returns true if a change of the file can change cargo's resolution, so that both sides must
    /// be resolved. A different text is not enough: a comment or a description has no effect on
    /// resolution.
    pub fn is_resolved(self, contents: &BothSides) -> bool {
        let meanings = match self {
            Self::Toolchain => return false,
            Self::Lock => return true,
            Self::Manifest if contents.before.is_none() || contents.after.is_none() => return true,
            Self::Manifest => contents.compare(compare_manifest),
            Self::Configuration => contents.compare(compare_config),
        };
        meanings.is_none_or(|meanings| meanings.iter().any(|meaning| meaning.covered_by_unit_graph))
    }
}

/// The settings files of a workspace.
pub struct SettingFiles {
    /// The canonical path of the workspace root.
    pub(super) workspace_root: Utf8PathBuf,
    lock_file: Utf8PathBuf,
    configuration: BTreeSet<Utf8PathBuf>,
    /// The files and symbolic links behind a settings file whose path contains a symbolic link.
    /// Each of them maps to the path by which cargo reads the file.
    linked: HashMap<Utf8PathBuf, Utf8PathBuf>,
}

impl SettingFiles {
    /// Finds the settings files of a workspace on disk.
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

    /// Returns the kind of settings file at an absolute path, and the path by which cargo knows the
    /// file; `None` if the path is not a settings file.
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

/// Returns the symbolic links on the way to a file, and the file itself. Links in the targets of
/// links are included. Returns an empty set if there is no link on the way. The directories of the
/// returned paths contain no links.
fn behind(path: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    // The number of links that the operating system follows before it fails.
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

/// The text of a changed file on both sides; `None` on a side without the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BothSides {
    /// The text on the older side, the base.
    pub before: Option<String>,
    /// The text on the newer side.
    pub after: Option<String>,
}

impl BothSides {
    /// Returns the differences in meaning. A missing side counts as an empty table. Returns `None`
    /// if a side cannot be parsed.
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
fn every_link_on_the_way_to_a_file_is_found() {
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

#[test]
fn a_settings_file_is_recognized_by_its_name_and_its_place() {
    let home = "/home/cargo/config.toml";
    let settings = SettingFiles {
        workspace_root: "/r/w".into(),
        lock_file: "/r/w/locks/Cargo.lock".into(),
        configuration: BTreeSet::from([home.into(), "/r/w/included.toml".into()]),
        linked: HashMap::from([("/r/real.toml".into(), "/r/w/.cargo/config.toml".into())]),
    };
    for (path, expected) in [
        ("/r/w/a/Cargo.toml", Some(Setting::Manifest)),
        ("/r/w/locks/Cargo.lock", Some(Setting::Lock)),
        ("/r/w/Cargo.lock", None),
        ("/r/w/rust-toolchain", Some(Setting::Toolchain)),
        ("/r/rust-toolchain.toml", Some(Setting::Toolchain)),
        ("/r/w/a/rust-toolchain.toml", None),
        ("/r/w/.cargo/config", Some(Setting::Configuration)),
        ("/r/.cargo/config.toml", Some(Setting::Configuration)),
        ("/r/w/a/.cargo/config.toml", None),
        ("/r/w/config.toml", None),
        ("/r/w/.cargo/other.toml", None),
        (home, Some(Setting::Configuration)),
        ("/r/w/included.toml", Some(Setting::Configuration)),
        ("/r/real.toml", Some(Setting::Configuration)),
        ("/r/w/src/lib.rs", None),
    ] {
        let found = settings.of(path.into());
        assert_eq!(found.map(|it| it.0), expected, "{path}");
    }
}

#[test]
fn only_some_differences_change_the_resolution() {
    let package = "[package]\nname = 'a'\n";
    let depends = "[package]\nname = 'a'\n[dependencies]\nb = '1'\n";
    let comment = "# a comment\n[package]\nname = 'a'\n";
    let (profile, flags) = ("profile.dev.debug = 0", "build.rustflags = ['-g']");
    use Setting::{Configuration, Lock, Manifest, Toolchain};
    for (setting, before, after, expected) in [
        (Manifest, Some(package), Some(depends), true),
        (Manifest, Some(package), Some(comment), false),
        (Manifest, Some(package), Some("["), true),
        // A package that came or went.
        (Manifest, None, Some(""), true),
        (Manifest, Some(""), None, true),
        (Configuration, Some(""), Some(profile), true),
        (Configuration, Some(""), Some(flags), false),
        (Configuration, None, Some(flags), false),
        (Lock, Some(""), Some(""), true),
        (Toolchain, Some(""), Some("stable"), false),
    ] {
        let [before, after] = [before, after].map(|side| side.map(str::to_owned));
        let sides = BothSides { before, after };
        assert_eq!(
            setting.is_resolved(&sides),
            expected,
            "{setting:?}: {sides:?}"
        );
    }
}
