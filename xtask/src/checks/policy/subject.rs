//! The input of the policy checks: the workspaces of a repository, the files that configure cargo,
//! and the toolchain in the files of continuous integration.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::cargo_config::{
    CargoConfig, ConfigValue, Surroundings, ValueOrigin, table, table_of,
};
use xtask_impact::workspace::{RootManifest, workspaces_below};
use xtask_impact::{files, usage};

use crate::checks::Place;

/// The input of the policy checks.
pub(crate) struct PolicySubject {
    /// The repository's top level. Only files below it belong to the repository.
    pub top: Utf8PathBuf,
    /// The workspaces. The workspace that was asked about comes first.
    pub workspaces: Vec<KnownWorkspace>,
    /// The root manifests of workspaces that cargo could not build, each with the error.
    pub unreadable: Vec<(Utf8PathBuf, anyhow::Error)>,
    /// The files of cargo's configuration that git tracks and cargo reads, each with its values.
    pub configurations: BTreeMap<Utf8PathBuf, ConfigValue>,
    /// The files `config.toml` that cargo ignores because of a file `config` next to them.
    pub ignored: Vec<Utf8PathBuf>,
    /// The manifests that git tracks, as absolute paths.
    pub manifests: Vec<Utf8PathBuf>,
    /// The other files that the checks read, with their kind and text.
    pub others: Vec<(FileKind, Utf8PathBuf, String)>,
}

/// A workspace and its effective configuration.
pub(crate) struct KnownWorkspace {
    /// The directory of the root manifest.
    pub root: Utf8PathBuf,
    /// The table `profile` of the root manifest.
    pub profiles: Option<ConfigValue>,
    /// The configuration that applies in the workspace's root.
    pub config: CargoConfig,
}

/// The files that the checks read, as git's patterns.
pub(crate) const FILES: &[&str] = &[
    "Cargo.toml",
    "*/Cargo.toml",
    ".cargo/config*",
    "*/.cargo/config*",
    "rust-toolchain*",
    "*/rust-toolchain*",
    ".github/workflows/*",
    ".gitlab-ci.yml",
    ".circleci/*",
    ".envrc",
    ".vscode/settings.json",
    "Makefile",
    "justfile",
];

/// The purpose for which a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Cargo's configuration: `.cargo/config.toml`.
    Configuration,
    /// The pinned toolchain: `rust-toolchain.toml`.
    Toolchain,
    /// A workflow of a continuous integration service.
    ContinuousIntegration,
    /// A file that sets variables for a shell or an editor.
    Variables,
}

impl FileKind {
    /// Returns the kind of a file by its path from the top level, or `None` if the file is not
    /// read. Manifests have no kind.
    fn of(path: &Utf8Path) -> Option<Self> {
        let above = path.parent().unwrap_or(path);
        match path.file_name()? {
            "config" | "config.toml" if above.file_name() == Some(".cargo") => {
                Some(Self::Configuration)
            }
            "rust-toolchain" | "rust-toolchain.toml" => Some(Self::Toolchain),
            ".gitlab-ci.yml" => Some(Self::ContinuousIntegration),
            _ if above == ".github/workflows" || above == ".circleci" => {
                Some(Self::ContinuousIntegration)
            }
            ".envrc" | "Makefile" | "justfile" if above == "" => Some(Self::Variables),
            "settings.json" if above == ".vscode" => Some(Self::Variables),
            _ => None,
        }
    }
}

impl PolicySubject {
    /// Reads the input below a top level. `tracked` are the paths of the tracked files, relative to
    /// the top level. The workspace with this root comes first.
    ///
    /// # Errors
    /// Returns an error if cargo would refuse the first workspace's configuration or manifest.
    pub(crate) fn read(
        top: &Utf8Path,
        tracked: &[Utf8PathBuf],
        root: &Utf8Path,
        around: &Surroundings,
    ) -> Result<Self> {
        let of_repository = workspaces_below(top, tracked);
        let roots = of_repository.iter().filter(|it| !it.is_fixture);
        let roots = roots.map(RootManifest::directory);
        let mut workspaces = vec![KnownWorkspace::read(root, root, around)?];
        let mut unreadable = Vec::new();
        for other in roots.filter(|it| *it != root) {
            match KnownWorkspace::read(other, other, around) {
                Ok(known) => workspaces.push(known),
                Err(error) => unreadable.push((other.join("Cargo.toml"), error)),
            }
        }
        let mut configurations = BTreeMap::new();
        let (mut manifests, mut others) = (Vec::new(), Vec::new());
        for path in tracked.iter().map(|path| top.join(path)) {
            if path.file_name() == Some("Cargo.toml") {
                manifests.extend(path.is_file().then_some(path));
                continue;
            }
            let Some(kind) = FileKind::of(&relative(&path, top)) else {
                continue;
            };
            let Ok(text) = files::read_text(&path, files::SETTINGS) else {
                continue;
            };
            if kind == FileKind::Configuration {
                let said = table(&text, &in_file(&path)).ok();
                configurations.extend(said.map(|said| (path, said)));
            } else {
                others.push((kind, path, text));
            }
        }
        let is_ignored = |path: &&Utf8PathBuf| {
            let beside = path.with_file_name("config");
            beside != **path && configurations.contains_key(&beside)
        };
        let ignored: Vec<_> = configurations.keys().filter(is_ignored).cloned().collect();
        configurations.retain(|path, _| !ignored.contains(path));
        Ok(Self {
            top: top.to_owned(),
            workspaces,
            unreadable,
            configurations,
            ignored,
            manifests,
            others,
        })
    }

    /// Returns the place of a file, or of a line of it, for a finding.
    pub(crate) fn at(&self, path: &Utf8Path, line: Option<usize>) -> Place {
        let path = relative(path, &self.top);
        Place::Path { path, line }
    }

    /// Returns the place where a value is set.
    pub(crate) fn place(&self, origin: &ValueOrigin) -> Place {
        match origin {
            ValueOrigin::File { path, line } | ValueOrigin::FlagFile { path, line } => {
                self.at(path, Some(*line))
            }
            ValueOrigin::Variable(name) => Place::Variable(name.clone()),
            ValueOrigin::Default | ValueOrigin::Flag(_) => Place::Whole,
        }
    }

    /// Returns the place where a value is set, as text.
    pub(crate) fn named(&self, origin: &ValueOrigin) -> String {
        match origin {
            ValueOrigin::File { path, line } => format!("{}:{line}", relative(path, &self.top)),
            other => other.to_string(),
        }
    }

    /// Returns true if a file of the repository sets the value. Such values are the policy.
    pub(crate) fn is_own(&self, origin: &ValueOrigin) -> bool {
        matches!(origin, ValueOrigin::File { path, .. } if path.starts_with(&self.top))
    }

    /// Returns the workspace with the nearest root above a path.
    pub(crate) fn owner(&self, path: &Utf8Path) -> Option<&KnownWorkspace> {
        let workspaces = self.workspaces.iter();
        let above = workspaces.filter(|it| path.starts_with(&it.root));
        above.max_by_key(|it| it.root.as_str().len())
    }
}

impl KnownWorkspace {
    /// Reads the workspace with this root, and the configuration that applies in the directory
    /// `from`.
    ///
    /// # Errors
    /// Returns an error if cargo would refuse the manifest or the configuration.
    pub(crate) fn read(root: &Utf8Path, from: &Utf8Path, around: &Surroundings) -> Result<Self> {
        Ok(Self {
            root: root.to_owned(),
            config: CargoConfig::in_directory(from, around)?,
            profiles: profiles_of(&root.join("Cargo.toml"))?,
        })
    }
}

/// Returns the table `profile` of a manifest.
///
/// # Errors
/// Returns an error if the manifest cannot be read.
pub(crate) fn profiles_of(manifest: &Utf8Path) -> Result<Option<ConfigValue>> {
    let text = files::read_text(manifest, files::SETTINGS)
        .map_err(|error| usage!("cannot read {manifest}: {error}"))?;
    let profiles = table_of(&text, "profile", &in_file(manifest));
    profiles.with_context(|| format!("cannot read {manifest}"))
}

/// Returns a function that makes the origin of a value from the value's line in a file.
fn in_file(path: &Utf8Path) -> impl Fn(usize) -> ValueOrigin {
    |line| ValueOrigin::File {
        path: path.to_owned(),
        line,
    }
}

/// Returns a path relative to the top level, with `/` as git writes it. A path that does not lie
/// below the top level stays unchanged.
pub(crate) fn relative(path: &Utf8Path, top: &Utf8Path) -> Utf8PathBuf {
    match path.strip_prefix(top) {
        Ok(below) if cfg!(windows) => below.as_str().replace('\\', "/").into(),
        Ok(below) => below.to_owned(),
        Err(_) => path.to_owned(),
    }
}

/// Returns the root directory of the workspace that a directory belongs to, found as cargo finds
/// it.
pub(crate) fn root_above(directory: &Utf8Path) -> Option<Utf8PathBuf> {
    let mut manifests = directory.ancestors().map(|above| above.join("Cargo.toml"));
    let manifest = manifests.find(|it| it.is_file())?;
    let everything = manifest.ancestors().last()?;
    let roots = workspaces_below(everything, [&manifest]);
    roots.first().map(|it| it.directory().to_owned())
}

#[test]
fn only_files_of_the_repository_are_its_policy() {
    let subject = PolicySubject {
        top: "/r".into(),
        workspaces: Vec::new(),
        unreadable: Vec::new(),
        configurations: BTreeMap::new(),
        ignored: Vec::new(),
        manifests: Vec::new(),
        others: Vec::new(),
    };
    let file = |path: &str| ValueOrigin::File {
        path: path.into(),
        line: 1,
    };
    for (origin, expected) in [
        (file("/r/.cargo/config.toml"), true),
        (file("/home/.cargo/config.toml"), false),
        (file("/r2/.cargo/config.toml"), false),
        (ValueOrigin::Variable("CARGO_BUILD_JOBS".to_owned()), false),
        (ValueOrigin::Flag("build.jobs=1".to_owned()), false),
    ] {
        assert_eq!(subject.is_own(&origin), expected, "{origin:?}");
    }
}
