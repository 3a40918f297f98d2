//! What the checks look at: the workspaces of a repository, the files that configure cargo, and
//! what continuous integration says of the toolchain.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::finding::Place;
use crate::repo::cargo_config::{CargoConfig, Origin, Surroundings, Value, table, table_of};
use crate::repo::files;
use crate::usage;
use crate::workspace::{RootManifest, workspaces_below};

/// Everything that is looked at.
pub struct Subject {
    /// Without it nothing is of the repository.
    pub top: Utf8PathBuf,
    /// The workspace that was asked about comes first.
    pub workspaces: Vec<Known>,
    /// The root manifests of those that cargo could not build, each with why.
    pub unreadable: Vec<(Utf8PathBuf, anyhow::Error)>,
    /// The files of cargo's configuration that git tracks and cargo reads, each with what it says.
    pub configurations: BTreeMap<Utf8PathBuf, Value>,
    /// Those that it does not read for the file `config` beside them.
    pub ignored: Vec<Utf8PathBuf>,
    /// The manifests that git tracks, absolute.
    pub manifests: Vec<Utf8PathBuf>,
    /// The other files that are looked at, with what for and their text.
    pub others: Vec<(Kind, Utf8PathBuf, String)>,
}

/// A workspace, and how it is built from its root.
pub struct Known {
    /// The directory of its root manifest.
    pub root: Utf8PathBuf,
    /// The table `profile` of its manifest.
    pub profiles: Option<Value>,
    /// What holds there.
    pub config: CargoConfig,
}

/// The files that are looked at, in git's patterns.
pub const FILES: &[&str] = &[
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

/// What a file is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `.cargo/config.toml`.
    Configuration,
    /// `rust-toolchain.toml`.
    Toolchain,
    /// A workflow, or what other services call so.
    ContinuousIntegration,
    /// What sets variables for a shell or an editor.
    Variables,
}

impl Kind {
    /// By its path from the top level, of what is no manifest; `None` where it is not looked at.
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

impl Subject {
    /// Reads what there is below a top level, of the files that are `tracked`, by their paths from
    /// there; the workspace with this root comes first.
    ///
    /// # Errors
    /// Where cargo would refuse the first workspace's configuration or manifest.
    pub fn read(
        top: &Utf8Path,
        tracked: &[Utf8PathBuf],
        root: &Utf8Path,
        around: &Surroundings,
    ) -> Result<Self> {
        let of_repository = workspaces_below(top, tracked);
        let roots = of_repository.iter().filter(|it| !it.is_fixture);
        let roots = roots.map(RootManifest::directory);
        let mut workspaces = vec![Known::read(root, root, around)?];
        let mut unreadable = Vec::new();
        for other in roots.filter(|it| *it != root) {
            match Known::read(other, other, around) {
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
            let Some(kind) = Kind::of(&relative(&path, top)) else {
                continue;
            };
            let Ok(text) = files::read_text(&path, files::SETTINGS) else {
                continue;
            };
            if kind == Kind::Configuration {
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

    /// A file, or a line of it, in the words of findings.
    pub fn at(&self, path: &Utf8Path, line: Option<usize>) -> Place {
        let path = relative(path, &self.top);
        Place::Path { path, line }
    }

    /// Where a value stands.
    pub fn place(&self, origin: &Origin) -> Place {
        match origin {
            Origin::File { path, line } | Origin::FlagFile { path, line } => {
                self.at(path, Some(*line))
            }
            Origin::Variable(name) => Place::Variable(name.clone()),
            Origin::Default | Origin::Flag(_) => Place::Whole,
        }
    }

    /// The same in words.
    pub fn named(&self, origin: &Origin) -> String {
        match origin {
            Origin::File { path, line } => format!("{}:{line}", relative(path, &self.top)),
            other => other.to_string(),
        }
    }

    /// Whether a value stands in a file of the repository: that is the policy.
    pub fn is_own(&self, origin: &Origin) -> bool {
        matches!(origin, Origin::File { path, .. } if path.starts_with(&self.top))
    }

    /// The workspace whose root is the nearest above a path.
    pub fn owner(&self, path: &Utf8Path) -> Option<&Known> {
        let workspaces = self.workspaces.iter();
        let above = workspaces.filter(|it| path.starts_with(&it.root));
        above.max_by_key(|it| it.root.as_str().len())
    }
}

impl Known {
    /// The workspace with this root, and the configuration as it holds in a directory.
    ///
    /// # Errors
    /// Where cargo would refuse its manifest or the configuration.
    pub fn read(root: &Utf8Path, from: &Utf8Path, around: &Surroundings) -> Result<Self> {
        Ok(Self {
            root: root.to_owned(),
            config: CargoConfig::in_directory(from, around)?,
            profiles: profiles_of(&root.join("Cargo.toml"))?,
        })
    }
}

/// The table `profile` of a manifest.
///
/// # Errors
/// Where it cannot be read.
pub fn profiles_of(manifest: &Utf8Path) -> Result<Option<Value>> {
    let text = files::read_text(manifest, files::SETTINGS)
        .map_err(|error| usage!("cannot read {manifest}: {error}"))?;
    let profiles = table_of(&text, "profile", &in_file(manifest));
    profiles.with_context(|| format!("cannot read {manifest}"))
}

/// The lines of a file, as values have them.
fn in_file(path: &Utf8Path) -> impl Fn(usize) -> Origin {
    |line| Origin::File {
        path: path.to_owned(),
        line,
    }
}

/// A path by the way to it from the top level, as git writes it, where it is below that.
pub fn relative(path: &Utf8Path, top: &Utf8Path) -> Utf8PathBuf {
    match path.strip_prefix(top) {
        Ok(below) if cfg!(windows) => below.as_str().replace('\\', "/").into(),
        Ok(below) => below.to_owned(),
        Err(_) => path.to_owned(),
    }
}

/// The directory of the root manifest of the workspace that a directory is in, as cargo finds it.
pub fn root_above(directory: &Utf8Path) -> Option<Utf8PathBuf> {
    let mut manifests = directory.ancestors().map(|above| above.join("Cargo.toml"));
    let manifest = manifests.find(|it| it.is_file())?;
    let everything = manifest.ancestors().last()?;
    let roots = workspaces_below(everything, [&manifest]);
    roots.first().map(|it| it.directory().to_owned())
}

#[test]
fn only_files_of_the_repository_are_its_policy() {
    let subject = Subject {
        top: "/r".into(),
        workspaces: Vec::new(),
        unreadable: Vec::new(),
        configurations: BTreeMap::new(),
        ignored: Vec::new(),
        manifests: Vec::new(),
        others: Vec::new(),
    };
    let file = |path: &str| Origin::File {
        path: path.into(),
        line: 1,
    };
    for (origin, expected) in [
        (file("/r/.cargo/config.toml"), true),
        (file("/home/.cargo/config.toml"), false),
        (file("/r2/.cargo/config.toml"), false),
        (Origin::Variable("CARGO_BUILD_JOBS".to_owned()), false),
        (Origin::Flag("build.jobs=1".to_owned()), false),
    ] {
        assert_eq!(subject.is_own(&origin), expected, "{origin:?}");
    }
}
