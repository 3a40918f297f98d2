//! Seeds from files whose meaning counts, not their text: manifests, the lock file, toolchain
//! files, cargo's configuration; and from what cargo resolves differently.

use std::collections::{BTreeSet, HashMap};

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use toml::Table;

use super::meaning::config::compare_config;
use super::meaning::lock::compare_locks;
use super::meaning::manifest::compare_manifest;
use super::meaning::toolchain::compare_toolchain;
use super::meaning::{Effect as Meaning, Units};
use super::seeds::{Contents, Finder, Inputs, Resolution};
use super::{Rule, Seed};
use crate::repo::cargo_config::configuration_files;
use crate::repo::git::{Change, Seen};
use crate::repo::resolved;
use crate::workspace::{PackageIx, Workspace};

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
    fn of(path: &Utf8Path, workspace_root: &Utf8Path) -> Option<Self> {
        let directory = path.parent()?;
        match path.file_name()? {
            "Cargo.toml" => Some(Self::Manifest),
            "Cargo.lock" => (directory == workspace_root).then_some(Self::Lock),
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
            Self::Manifest | Self::Configuration if contents.tables().is_none() => return true,
            Self::Manifest if contents.before.is_none() || contents.after.is_none() => return true,
            Self::Manifest => contents.compare(compare_manifest),
            Self::Configuration => contents.compare(compare_config),
        };
        meanings.iter().any(|meaning| meaning.told_by_graph)
    }
}

/// The files of a workspace that set something.
pub struct Settings {
    /// Without symbolic links.
    workspace_root: Utf8PathBuf,
    configuration: BTreeSet<Utf8PathBuf>,
    /// Where such a file really lies, if a symbolic link stands in its place: git tells of the
    /// file, cargo reads the link. From the one to the other.
    linked: HashMap<Utf8PathBuf, Utf8PathBuf>,
}

impl Settings {
    /// Looks the files of a workspace up on disk.
    pub fn new(workspace: &Workspace) -> Self {
        let root = resolved(&workspace.root);
        let configuration = configuration_files(&root);
        let manifests = workspace.links.iter();
        let manifests = manifests.filter(|(known, _)| known.file_name() == Some("Cargo.toml"));
        let others = [root.join("Cargo.toml"), root.join("Cargo.lock")].into_iter();
        let linked = others
            .chain(configuration.iter().cloned())
            .map(|path| (resolved(&path), path))
            .filter(|(real, path)| real != path)
            .chain(manifests.map(|(known, real)| (real.clone(), known.clone())))
            .collect();
        Self {
            workspace_root: root,
            configuration,
            linked,
        }
    }

    /// What an absolute path sets, if anything, and by which path cargo knows it.
    pub fn of<'a>(&'a self, path: &'a Utf8Path) -> Option<(Setting, &'a Utf8Path)> {
        let path = self.linked.get(path).map_or(path, Utf8PathBuf::as_path);
        let setting = match Setting::of(path, &self.workspace_root) {
            Some(setting) => setting,
            None if self.configuration.contains(path) => Setting::Configuration,
            None => return None,
        };
        Some((setting, path))
    }
}

impl Contents {
    /// Both sides as tables, an absent side as an empty one; `None` where a side does not parse.
    fn tables(&self) -> Option<(Table, Table)> {
        let table =
            |side: &Option<String>| side.as_deref().unwrap_or_default().parse::<Table>().ok();
        Some((table(&self.before)?, table(&self.after)?))
    }

    fn compare(&self, compare: fn(&Table, &Table) -> Vec<Meaning>) -> Vec<Meaning> {
        self.tables()
            .map(|(before, after)| compare(&before, &after))
            .unwrap_or_default()
    }
}

impl Finder<'_> {
    /// Seeds from a file that sets something; `false` where the path is no such file.
    pub(super) fn setting(&mut self, change: &Change, path: &Utf8Path) -> bool {
        let Inputs {
            contents, settings, ..
        } = *self.inputs;
        let Some((setting, path)) = settings.of(path) else {
            return false;
        };
        let contents = contents(&change.path);
        if change.seen == Seen::Named && contents.before == contents.after {
            self.said_to_have_changed(change, path, setting);
            return true;
        }
        match setting {
            Setting::Manifest => return self.manifest(change, path, &contents),
            Setting::Lock => self.lock(change, &contents),
            Setting::Toolchain => {
                let meanings =
                    compare_toolchain(contents.before.as_deref(), contents.after.as_deref());
                self.meanings(change, None, Rule::Toolchain, meanings);
            }
            Setting::Configuration => match contents.tables() {
                Some(_) => {
                    let meanings = contents.compare(compare_config);
                    self.meanings(change, None, Rule::Configuration, meanings);
                }
                None => self.everything(change, "one side of it cannot be read"),
            },
        }
        true
    }

    /// A file that the user names, and that is as `HEAD` has it: how it changed is not known.
    fn said_to_have_changed(&mut self, change: &Change, path: &Utf8Path, setting: Setting) {
        let Inputs {
            layout,
            workspace,
            graph,
            ..
        } = *self.inputs;
        let because = "it is said to have changed, and how is not known";
        let directory = path.parent().unwrap_or(path);
        let package = layout.at(directory);
        let is_root = resolved(&workspace.root) == directory;
        match package {
            Some(package) if setting == Setting::Manifest && !is_root => {
                for &unit in graph.units_of(package) {
                    self.seed(unit, Rule::Doubt, change, because);
                }
            }
            _ => self.everything(change, because),
        }
    }

    fn manifest(&mut self, change: &Change, path: &Utf8Path, contents: &Contents) -> bool {
        let Inputs {
            workspace,
            layout,
            graph,
            ..
        } = *self.inputs;
        let directory = path.parent().unwrap_or(path);
        let package = layout.at(directory);
        let is_root = resolved(&workspace.root) == directory;
        let roots_others = self.others_rooted_at(directory);
        if package.is_none() && !is_root && roots_others.is_empty() {
            // A fixture; or the manifest of a package that went, and then resolution tells.
            return contents.after.is_none();
        }
        if contents.tables().is_none() {
            self.everything(change, "one side of it cannot be read");
            return true;
        }
        if let Some(package) = package
            && contents.before.is_none()
        {
            for &unit in graph.units_of(package) {
                self.seed(unit, Rule::Manifest, change, "the package is new");
            }
        }
        let mut meanings = contents.compare(compare_manifest);
        if !is_root {
            meanings.retain(|meaning| {
                !meaning.root_only()
                    || !roots_others.is_empty() && matches!(meaning.what, Units::Inherited(_))
            });
        }
        self.meanings(change, package, Rule::Manifest, meanings);
        true
    }

    /// Path packages outside the workspace whose own workspace has its root in a directory.
    fn others_rooted_at(&self, directory: &Utf8Path) -> Vec<PackageIx> {
        let Inputs {
            workspace, layout, ..
        } = *self.inputs;
        layout
            .packages()
            .filter(|&package| !workspace.package(package).member)
            .filter(|&package| {
                layout
                    .directory(package)
                    .is_some_and(|at| at.starts_with(directory) && at != directory)
            })
            .collect()
    }

    fn lock(&mut self, change: &Change, contents: &Contents) {
        let Inputs {
            workspace,
            graph,
            resolution,
            ..
        } = *self.inputs;
        let sides = (contents.before.as_deref(), contents.after.as_deref());
        let Some(entries) = compare_locks(sides.0, sides.1) else {
            return self.everything(change, "one side of it cannot be read");
        };
        let is_compared = matches!(resolution, Resolution::Compared(_));
        for entry in entries {
            // Cargo's own graphs tell all but a checksum.
            if is_compared && !entry.only_checksum {
                continue;
            }
            for (index, package) in workspace.packages() {
                if package.name == entry.name && package.version == entry.version {
                    for &unit in graph.units_of(index) {
                        self.seed(
                            unit,
                            Rule::Resolution,
                            change,
                            "its entry in the lock differs",
                        );
                    }
                }
            }
        }
    }

    fn everything(&mut self, change: &Change, because: &str) {
        let graph = self.inputs.graph;
        for (unit, _) in graph.units() {
            self.seed(unit, Rule::Doubt, change, because);
        }
    }

    fn meanings(
        &mut self,
        change: &Change,
        package: Option<PackageIx>,
        rule: Rule,
        meanings: Vec<Meaning>,
    ) {
        let is_compared = matches!(self.inputs.resolution, Resolution::Compared(_));
        for meaning in meanings {
            if is_compared && meaning.told_by_graph {
                continue;
            }
            let because = format!("`{}` {}", meaning.key, meaning.why);
            for (unit, effect) in self.meant(package, &meaning.what) {
                let path = Some(change.path.clone());
                let because = because.clone();
                self.found.seeds.push(Seed {
                    unit,
                    effect,
                    rule,
                    path,
                    because,
                    spreads: true,
                });
            }
        }
    }
}
