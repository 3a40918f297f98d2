//! The inputs of units, and their evaluation: the contents that an input has now.

use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;
use std::{fs, io};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use xtask_impact::cargo_config::{CargoConfig, configuration_files};
use xtask_impact::files::FileStamp;
use xtask_impact::paths::is_absent;
use xtask_impact::process::Runner;
use xtask_impact::vcs::Repository;
use xtask_impact::workspace::Workspace;

use super::content::{ContentItem, ContentReader, Evaluated, PathContent};

/// An input of a unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum UnitInput {
    /// A file, or a directory with everything below it. Cargo compares its time.
    Watched(Utf8PathBuf),
    /// A file of git that cargo watches. The kit compares its time, and the state of git instead of
    /// its content.
    WatchedGit(Utf8PathBuf),
    /// A file or directory that cargo does not watch. It may be missing.
    Untracked(Utf8PathBuf),
    /// The files of the package in this directory, as git lists them. Cargo compares the newest file
    /// for a script that declares no input.
    Package(Utf8PathBuf),
    /// The files of the package in this directory that git ignores: a script may have written them.
    Ignored(Utf8PathBuf),
    /// All files of the repository, as git lists them.
    WorkTree,
    /// The commit, the branch and the nearest tag.
    Git,
    /// The table `[env]` of cargo's configuration.
    Environment,
}

/// The most paths that one input may hold.
const MANY: usize = 50_000;

/// The deepest directory that is read.
const DEEP: usize = 64;

/// Evaluates inputs in one workspace.
pub(crate) struct Evaluator<'a> {
    workspace: &'a Workspace,
    runner: &'a Runner,
    /// The reader of contents.
    pub reader: ContentReader,
    /// The build directories, without symbolic links. An input that contains a build directory is
    /// never equal.
    build_directories: Vec<Utf8PathBuf>,
    repository: OnceLock<Option<Repository>>,
    listed: OnceLock<Result<Vec<Utf8PathBuf>, String>>,
    ignored: OnceLock<Result<Vec<Utf8PathBuf>, String>>,
    git: OnceLock<Result<Evaluated, String>>,
    environment: OnceLock<Result<String, String>>,
}

impl<'a> Evaluator<'a> {
    /// Returns an evaluator.
    pub(crate) fn new(
        workspace: &'a Workspace,
        runner: &'a Runner,
        build_directories: &[Utf8PathBuf],
        reader: ContentReader,
    ) -> Self {
        let real = |it: &Utf8PathBuf| xtask_impact::paths::resolved(it);
        Self {
            workspace,
            runner,
            reader,
            build_directories: build_directories.iter().map(real).collect(),
            repository: OnceLock::new(),
            listed: OnceLock::new(),
            ignored: OnceLock::new(),
            git: OnceLock::new(),
            environment: OnceLock::new(),
        }
    }

    /// Asks git and cargo's configuration what the inputs need, before threads evaluate the inputs.
    pub(crate) fn prepare<'i>(&self, inputs: impl Iterator<Item = &'i UnitInput>) {
        for input in inputs {
            match input {
                UnitInput::Package(_) | UnitInput::WorkTree => _ = self.listed(),
                UnitInput::Ignored(_) => _ = self.ignored(),
                UnitInput::Git | UnitInput::WatchedGit(_) => _ = self.git(),
                UnitInput::Environment => _ = self.environment(),
                UnitInput::Watched(_) | UnitInput::Untracked(_) => {}
            }
        }
    }

    /// Returns the present content of an input.
    ///
    /// # Errors
    /// Returns the reason if the content cannot be known.
    pub(crate) fn evaluate(&self, input: &UnitInput) -> Result<Evaluated, String> {
        let mut found = Evaluated::default();
        match input {
            UnitInput::Watched(path) | UnitInput::Untracked(path) => {
                self.walk(path, &mut Vec::new(), &mut found)?;
            }
            UnitInput::WatchedGit(path) => {
                let mut times = Evaluated::default();
                self.walk(path, &mut Vec::new(), &mut times)?;
                found = self.git()?.clone();
                if times.missing().is_some() {
                    found.items.extend(times.items);
                }
                found.newest = times.newest;
                found.changed = found.changed.max(times.newest);
            }
            UnitInput::Package(root) => self.package(root, &mut found)?,
            UnitInput::Ignored(root) => {
                for path in self.ignored()?.iter().filter(|it| it.starts_with(root)) {
                    self.walk(path, &mut Vec::new(), &mut found)?;
                }
            }
            UnitInput::WorkTree => {
                for path in self.listed()? {
                    self.walk(path, &mut Vec::new(), &mut found)?;
                }
            }
            UnitInput::Git => found = self.git()?.clone(),
            UnitInput::Environment => {
                let value = PathContent::Value(self.environment()?.clone());
                found.add("[env]".into(), value, FileStamp::default());
                for file in configuration_files(&self.workspace.root) {
                    if let Ok(metadata) = fs::metadata(file) {
                        found.changed = found.changed.max(FileStamp::of(&metadata).latest());
                    }
                }
            }
        }
        found.items.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Returns the watched paths among inputs that git does not track. Files of the build directory
    /// are left out.
    pub(crate) fn generated<'i>(
        &self,
        inputs: impl Iterator<Item = &'i UnitInput>,
    ) -> BTreeSet<Utf8PathBuf> {
        let watched = inputs.filter_map(|it| match it {
            UnitInput::Watched(path) => Some(path),
            _ => None,
        });
        let is_built = |it: &&Utf8PathBuf| {
            self.build_directories
                .iter()
                .any(|built| it.starts_with(built))
        };
        let mut generated: BTreeSet<Utf8PathBuf> =
            watched.filter(|it| !is_built(it)).cloned().collect();
        if generated.is_empty() {
            return generated;
        }
        if let Some(repository) = self.repository()
            && let Ok(tracked) = repository.tracked(&[])
        {
            let tracked = tracked.iter().map(|it| repository.top_level().join(it));
            let tracked: HashSet<Utf8PathBuf> = tracked.collect();
            let mut real = xtask_impact::paths::RealPaths::default();
            generated.retain(|path| !tracked.contains(&real.resolved(path)));
        }
        generated.retain(|it| !it.is_dir());
        generated
    }

    /// Returns true if git tracks a path, so that a checkout restores the path.
    pub(crate) fn is_tracked_by_git(&self, path: &Utf8Path) -> bool {
        let real = |path: &Utf8Path| {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
                return path.to_owned();
            };
            xtask_impact::paths::resolved(parent).join(name)
        };
        let Some(repository) = self.repository() else {
            return false;
        };
        let path = real(path);
        let Ok(below) = path.strip_prefix(repository.top_level()) else {
            return false;
        };
        let listed = repository.tracked(&[&format!(":(literal){below}")]);
        listed.is_ok_and(|it| !it.is_empty())
    }

    /// Returns the commit that is checked out.
    pub(crate) fn head(&self) -> Option<&str> {
        Some(self.repository()?.head()?.0.as_str())
    }

    /// Adds a path, with everything below it, as cargo compares it: links are followed, and both
    /// the link and its target count.
    fn walk(
        &self,
        path: &Utf8Path,
        above: &mut Vec<Utf8PathBuf>,
        found: &mut Evaluated,
    ) -> Result<(), String> {
        let cannot = |error: io::Error| format!("cannot read {path}: {error}");
        if found.items.len() > MANY {
            return Err(format!("{path}: too many files"));
        }
        let own = match fs::symlink_metadata(path) {
            Err(error) if is_absent(&error) => {
                found.add(path, PathContent::Missing, FileStamp::default());
                return Ok(());
            }
            own => own.map_err(cannot)?,
        };
        let metadata = if own.is_symlink() {
            let target = path.read_link_utf8().map_err(cannot)?;
            found.add(
                path,
                PathContent::Link(target.into_string()),
                FileStamp::of(&own),
            );
            match fs::metadata(path) {
                Err(error) if is_absent(&error) => {
                    found.add(path, PathContent::Missing, FileStamp::default());
                    return Ok(());
                }
                metadata => metadata.map_err(cannot)?,
            }
        } else {
            own
        };
        if !metadata.is_dir() {
            let (stamp, content) = self.reader.file_of(path, &metadata).map_err(cannot)?;
            found.add(path, content, stamp);
            return Ok(());
        }
        let real = path.canonicalize_utf8().map_err(cannot)?;
        if self
            .build_directories
            .iter()
            .any(|it| it.starts_with(&real))
        {
            return Err(format!("{path} contains the build directory"));
        }
        if above.contains(&real) || above.len() > DEEP {
            return Err(format!("{path}: symbolic links form a loop"));
        }
        found.add(path, PathContent::Directory, FileStamp::of(&metadata));
        above.push(real);
        for entry in path.read_dir_utf8().map_err(cannot)? {
            self.walk(entry.map_err(cannot)?.path(), above, found)?;
        }
        above.pop();
        Ok(())
    }

    /// Adds the files of a package, without the packages below it, and the directories that hold
    /// these files: a deleted file leaves a trace only in the time of its directory.
    fn package(&self, root: &Utf8Path, found: &mut Evaluated) -> Result<(), String> {
        let listed = self.listed()?;
        let start = listed.partition_point(|it| it.as_str() < root.as_str());
        let below = listed[start..].iter();
        let below = below.take_while(|it| it.as_str().starts_with(root.as_str()));
        let inside: Vec<&Utf8PathBuf> = below.filter(|it| it.starts_with(root)).collect();
        if inside.is_empty() {
            return Err(format!("git lists no file in {root}"));
        }
        let manifests = inside
            .iter()
            .filter(|it| it.as_str().ends_with("/Cargo.toml"));
        let nested = manifests
            .filter_map(|it| it.parent())
            .filter(|it| *it != root);
        let nested: HashSet<&str> = nested.map(Utf8Path::as_str).collect();
        let mut directories = BTreeSet::new();
        for path in inside {
            let mut above = path.ancestors().skip(1);
            if !nested.is_empty() && above.any(|it| nested.contains(it.as_str())) {
                continue;
            }
            let above = path
                .ancestors()
                .skip(1)
                .take_while(|it| it.starts_with(root));
            for directory in above {
                if !directories.insert(directory.to_owned()) {
                    break;
                }
            }
            if fs::symlink_metadata(path).is_ok() {
                self.walk(path, &mut Vec::new(), found)?;
            }
        }
        for directory in directories {
            if let Ok(metadata) = fs::metadata(&directory) {
                found.changed = found.changed.max(FileStamp::of(&metadata).modified);
            }
        }
        // Cargo compares only files. Directories are left out, and a link stands for its target.
        let is_file = |it: &&ContentItem| matches!(it.content, PathContent::File { .. });
        let files = found.items.iter().filter(is_file).map(|it| it.modified);
        found.newest = files.max().unwrap_or_default();
        Ok(())
    }

    fn repository(&self) -> Option<&Repository> {
        let found = self.repository.get_or_init(|| {
            Repository::discover(self.runner, &self.workspace.root)
                .ok()
                .flatten()
        });
        found.as_ref()
    }

    /// Returns the absolute paths that git tracks or would add, sorted as texts.
    fn listed(&self) -> Result<&Vec<Utf8PathBuf>, String> {
        let listed = self.listed.get_or_init(|| {
            let repository = self
                .repository()
                .ok_or("the workspace is in no git repository")?;
            let listed = repository.tracked_and_untracked();
            let listed = listed.map_err(|error| error.to_string())?.into_iter();
            let mut listed: Vec<_> = listed.map(|it| repository.top_level().join(it)).collect();
            listed.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            Ok(listed)
        });
        listed.as_ref().map_err(Clone::clone)
    }

    fn ignored(&self) -> Result<&Vec<Utf8PathBuf>, String> {
        let ignored = self.ignored.get_or_init(|| {
            let repository = self
                .repository()
                .ok_or("the workspace is in no git repository")?;
            let ignored = repository.ignored().map_err(|error| error.to_string())?;
            let absolute = ignored
                .into_iter()
                .map(|it| repository.top_level().join(it));
            let is_source = |it: &Utf8PathBuf| {
                let real = xtask_impact::paths::resolved(it);
                !self
                    .build_directories
                    .iter()
                    .any(|built| real.starts_with(built))
            };
            Ok(absolute.filter(is_source).collect())
        });
        ignored.as_ref().map_err(Clone::clone)
    }

    fn git(&self) -> Result<&Evaluated, String> {
        let git = self.git.get_or_init(|| {
            let repository = self
                .repository()
                .ok_or("the workspace is in no git repository")?;
            let text = |error: anyhow::Error| error.to_string();
            let described = repository.described().map_err(text)?;
            let mut found = Evaluated::default();
            found.add(
                "[git]".into(),
                PathContent::Value(described),
                FileStamp::default(),
            );
            // A commit, a checkout and a tag write these files.
            for name in [
                "HEAD",
                "logs/HEAD",
                "packed-refs",
                "refs/heads",
                "refs/tags",
            ] {
                let path = repository.git_path(name).map_err(text)?;
                if let Ok(metadata) = fs::metadata(path) {
                    found.changed = found.changed.max(FileStamp::of(&metadata).latest());
                }
            }
            Ok(found)
        });
        git.as_ref().map_err(Clone::clone)
    }

    fn environment(&self) -> Result<&String, String> {
        let environment = self.environment.get_or_init(|| {
            let runner = self.runner.in_directory(&self.workspace.root);
            let config = CargoConfig::of(&runner).map_err(|error| error.to_string())?;
            let Some(table) = config.written().get("env") else {
                return Ok(String::new());
            };
            serde_json::to_string(table).map_err(|error| error.to_string())
        });
        environment.as_ref().map_err(Clone::clone)
    }
}
