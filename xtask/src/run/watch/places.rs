//! The watched directories: those that hold files which git tracks or would add. Ignored directories
//! and target directories are not watched at all.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use xtask_impact::quote;
use xtask_impact::vcs::Repository;

/// The files and directories of a repository.
pub(super) struct Places {
    repository: Repository,
    watcher: RecommendedWatcher,
    /// Directories of cargo, in which nothing is a save.
    excluded: Vec<Utf8PathBuf>,
    files: BTreeSet<Utf8PathBuf>,
    directories: BTreeSet<Utf8PathBuf>,
}

impl Places {
    /// Watches the directories of a repository, and git's own directory.
    ///
    /// # Errors
    /// Returns an error if git cannot list its files, or if the system refuses to watch a directory.
    pub(super) fn new(
        repository: Repository,
        watcher: RecommendedWatcher,
        excluded: Vec<Utf8PathBuf>,
    ) -> Result<Self> {
        let mut places = Self {
            repository,
            watcher,
            excluded,
            files: BTreeSet::new(),
            directories: BTreeSet::new(),
        };
        let lock = places.lock()?;
        let git = lock.parent().unwrap_or(&lock).to_owned();
        places.watch(&git)?;
        places.list()?;
        Ok(places)
    }

    /// Returns the path of the lock that git holds while it writes.
    pub(super) fn lock(&self) -> Result<Utf8PathBuf> {
        self.repository.git_path("index.lock")
    }

    /// Returns the number of watched directories.
    pub(super) fn number(&self) -> usize {
        self.directories.len()
    }

    /// Returns the files that are saves: files that git tracks or would add, and removed files that
    /// were such files. A removed file that git has forgotten is replaced by its directory. Watches
    /// new directories; their files are saves too.
    ///
    /// # Errors
    /// Returns an error if git cannot list its files, or if the system refuses to watch a directory.
    pub(super) fn saves(&mut self, written: &BTreeSet<PathBuf>) -> Result<BTreeSet<Utf8PathBuf>> {
        let known = std::mem::take(&mut self.files);
        let fresh = self.list()?;
        let mut saves: BTreeSet<Utf8PathBuf> = self
            .files
            .iter()
            .filter(|file| file.parent().is_some_and(|it| fresh.contains(it)))
            .cloned()
            .collect();
        for path in written {
            let Some(path) = Utf8Path::from_path(path) else {
                continue;
            };
            if self.files.contains(path) {
                saves.insert(path.to_owned());
            } else if known.contains(path) {
                let mut above = path.ancestors().skip(1);
                saves.extend(above.find(|it| it.is_dir()).map(Utf8Path::to_owned));
            }
        }
        Ok(saves)
    }

    /// Returns all files, for events that the system lost.
    pub(super) fn all(&self) -> BTreeSet<PathBuf> {
        let files = self.files.iter();
        files.map(|it| it.as_std_path().to_owned()).collect()
    }

    /// Lists the files again, watches their directories, and returns the directories that are new.
    fn list(&mut self) -> Result<BTreeSet<Utf8PathBuf>> {
        let top = self.repository.top_level().to_owned();
        let listed = self.repository.tracked_and_untracked()?.into_iter();
        let is_kept = |path: &Utf8PathBuf| !self.excluded.iter().any(|it| path.starts_with(it));
        self.files = listed.map(|it| top.join(it)).filter(is_kept).collect();
        let parents = self.files.iter().filter_map(|file| file.parent());
        let mut directories = BTreeSet::from([top.clone()]);
        for parent in parents {
            let below = parent.ancestors().take_while(|it| *it != top);
            for directory in below {
                if !directories.insert(directory.to_owned()) {
                    break;
                }
            }
        }
        directories.retain(|it| it.is_dir());
        let fresh: BTreeSet<_> = directories.difference(&self.directories).cloned().collect();
        for directory in &fresh {
            self.watch(directory)?;
        }
        self.directories = directories;
        Ok(fresh)
    }

    fn watch(&mut self, directory: &Utf8Path) -> Result<()> {
        let watched = self
            .watcher
            .watch(directory.as_std_path(), RecursiveMode::NonRecursive);
        watched.with_context(|| {
            format!(
                "cannot watch {}\nhint: if the system's limit is reached, raise it: sysctl \
                 fs.inotify.max_user_watches",
                quote::name(directory)
            )
        })
    }
}
