//! The change set: resolves the user's request (revisions, named files) to the paths that differ.

mod ignored;
mod named;
mod outside;
pub mod path_list;
mod prefetch;
mod superseded_records;

use std::collections::HashMap;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
pub use named::{NamedFiles, NamedOutside};
pub use outside::OutsidePackages;
pub use prefetch::Prefetch;

use crate::lock_file::LockState;
use crate::paths::resolved;
use crate::seeds::settings::{BothSides, SettingFiles};
use crate::usage;
use crate::vcs::{Change, ChangeStatus, Commit, Range, Repository, Seen};

/// A change, as the user requested it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ChangeRequest {
    /// The two states that git compares; `None` if git compares nothing.
    pub compare: Option<ComparedStates>,
    /// The paths that the user names as changed; `None` if the user names no paths. An empty list
    /// is not `None`.
    pub files: Option<NamedFiles>,
    /// The packages and targets that count as changed, written `PACKAGE[:TARGET]`.
    pub assumed: Vec<String>,
    /// True if everything counts as changed.
    pub all: bool,
}

impl ChangeRequest {
    /// Creates a request that compares the work tree with a revision.
    pub fn since(revision: impl Into<String>) -> Self {
        Self {
            compare: Some(ComparedStates::Since {
                revision: revision.into(),
                head: None,
            }),
            ..Self::default()
        }
    }

    /// Creates a request that counts files as changed. Paths are absolute, relative to the
    /// directory, or relative to the top level of the repository.
    pub fn files<S: Into<String>>(
        directory: impl Into<Utf8PathBuf>,
        paths: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            files: Some(NamedFiles {
                directory: directory.into(),
                paths: paths.into_iter().map(Into::into).collect(),
            }),
            ..Self::default()
        }
    }

    /// Creates a request that counts packages and targets as changed, written `PACKAGE[:TARGET]`.
    pub fn assuming<S: Into<String>>(specs: impl IntoIterator<Item = S>) -> Self {
        Self {
            assumed: specs.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Creates a request that counts everything as changed.
    pub fn everything() -> Self {
        Self {
            all: true,
            ..Self::default()
        }
    }
}

/// The two states to compare, as the user requested them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComparedStates {
    /// The merge base with a revision, compared with the work tree or with `head`.
    Base {
        /// The revision; `None` for the first of [`crate::vcs::DEFAULT_BASES`] that exists.
        revision: Option<String>,
        /// The newer side; `None` for the work tree.
        head: Option<String>,
    },
    /// A revision itself, compared with the work tree or with `head`.
    Since {
        /// The older side.
        revision: String,
        /// The newer side; `None` for the work tree.
        head: Option<String>,
    },
    /// `HEAD`, compared with the index.
    Staged,
}

impl ComparedStates {
    /// Returns the two states and a description of the comparison in words.
    ///
    /// # Errors
    /// Returns an error if a revision does not exist, or if two revisions have no common ancestor.
    pub fn resolve(&self, repository: &Repository) -> Result<(Range, String)> {
        let newer = |head: &Option<String>| match head {
            Some(head) => repository.commit(head).map(Some),
            None => Ok(None),
        };
        let side =
            |head: &Option<String>| head.clone().unwrap_or_else(|| "the work tree".to_owned());
        match self {
            Self::Staged => Ok((
                Range::Index {
                    head: repository.head().cloned(),
                },
                "the index against HEAD".to_owned(),
            )),
            Self::Since { revision, head } => Ok((
                between(repository.commit(revision)?, newer(head)?),
                format!("{} since {revision}", side(head)),
            )),
            Self::Base { revision, head } => {
                let (name, other) = match revision {
                    Some(revision) => (revision.as_str(), repository.commit(revision)?),
                    None => repository.default_base()?,
                };
                let newer = newer(head)?;
                let tip = match &newer {
                    Some(commit) => commit.clone(),
                    None => repository.commit("HEAD")?,
                };
                let base = repository.merge_base(&other, &tip)?;
                Ok((
                    between(base, newer),
                    format!("{} since the merge base with {name}", side(head)),
                ))
            }
        }
    }
}

fn between(base: Commit, head: Option<Commit>) -> Range {
    match head {
        Some(head) => Range::Revisions { base, head },
        None => Range::WorkTree { base },
    }
}

/// The changed paths, with the comparison that found them.
pub struct ChangeSet {
    /// The repository that contains the workspace.
    pub repository: Option<Repository>,
    /// The directory that changed paths are relative to: the canonical path of the repository's top
    /// level, or of the workspace root if there is no repository.
    pub top_level: Utf8PathBuf,
    /// The two states that git compared; `None` if git compared nothing.
    pub range: Option<Range>,
    /// Descriptions of everything that was compared or named.
    pub in_words: Vec<String>,
    /// The paths that differ, sorted.
    pub changes: Vec<Change>,
    /// The names by which the user means only paths outside the repository.
    pub named_outside: Vec<NamedOutside>,
    /// Notes about the meaning of named paths, and about files that git does not compare.
    notes: Vec<String>,
}

impl ChangeSet {
    /// Waits for the comparison that `prefetch` started, and adds the files that the user names.
    ///
    /// # Errors
    /// Returns an error if git cannot compare, or if a comparison was requested outside a
    /// repository.
    pub fn new(
        request: &ChangeRequest,
        prefetch: Prefetch,
        outside: &OutsidePackages<'_>,
    ) -> Result<Self> {
        let OutsidePackages {
            workspace, layout, ..
        } = *outside;
        let (repository, compared) = prefetch.compared()?;
        let workspace_root = resolved(&workspace.root);
        let top_level = repository.as_ref().map(Repository::top_level);
        let root = top_level.unwrap_or(&workspace_root).to_owned();
        let mut range = None;
        let mut in_words = Vec::new();
        let mut changes = Vec::new();
        let mut notes = Vec::new();
        let mut named_outside = Vec::new();
        if request.compare.is_some() {
            let compared = compared.ok_or_else(|| {
                usage!(
                    "{} is not in a git repository, so there is nothing to compare with\nhint: \
                     pass the changes with --file or --assume-changed, or pass --all",
                    workspace.root
                )
            })?;
            changes = compared.changes;
            // Build output is not a change, even if no ignore rule of git covers the build
            // directory.
            changes
                .retain(|it| it.seen != Seen::Untracked || !layout.is_built(&root.join(&it.path)));
            // Cargo rewrites a stale lock file during a build, so the lock file counts as changed.
            let is_stale = workspace.lock_file.state == LockState::Stale;
            let lock = resolved(&workspace.lock_file.path);
            if let (true, Ok(lock)) = (is_stale, lock.strip_prefix(&root))
                && changes.iter().all(|it| it.path != lock)
            {
                changes.push(Change {
                    path: lock.to_owned(),
                    status: ChangeStatus::Modified,
                    seen: Seen::WorkTree,
                });
            }
            if let Range::WorkTree { .. } = compared.range {
                let (found, told) = outside.changes(&root);
                changes.extend(found);
                notes.extend(told);
                if let Some(repository) = &repository {
                    let (found, told) = ignored::changes(outside, repository, &changes)?;
                    changes.extend(found);
                    notes.extend(told);
                }
            }
            in_words.push(compared.in_words);
            range = Some(compared.range);
        }
        if let Some(files) = &request.files {
            in_words.push(match files.paths.is_empty() {
                true => "an empty list of files".to_owned(),
                false => "the named files".to_owned(),
            });
            let placed = files.place(&root, repository.as_ref(), range.as_ref())?;
            notes.extend(placed.notes);
            named_outside = placed.outside;
            changes.extend(placed.changes);
            changes.sort();
            changes.dedup_by(|later, earlier| later.path == earlier.path);
        }
        Ok(Self {
            repository,
            top_level: root,
            range,
            in_words,
            changes,
            named_outside,
            notes,
        })
    }

    /// Returns the absolute paths that differ.
    pub fn paths(&self) -> impl Iterator<Item = Utf8PathBuf> {
        self.changes.iter().map(|it| self.top_level.join(&it.path))
    }

    /// Returns true if `HEAD` is another commit on the newer side than on the older side.
    pub fn head_moved(&self) -> bool {
        match (&self.range, &self.repository) {
            (Some(Range::WorkTree { base }), Some(repository)) => repository.head() != Some(base),
            (Some(Range::Revisions { base, head }), _) => base != head,
            _ => false,
        }
    }

    /// Returns true if the newer side is the files on disk.
    pub fn is_on_disk(&self) -> bool {
        matches!(self.range, Some(Range::WorkTree { .. }) | None)
    }

    /// Returns notes for the reader about the comparison.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        let at = self.repository.as_ref().and_then(Repository::head);
        if let Some(Range::Revisions { head, .. }) = &self.range
            && at != Some(head)
        {
            notes.push(
                "the newer side is not checked out, so packages and sources are read from the work \
                 tree; check it out for an exact answer"
                    .to_owned(),
            );
        }
        notes
    }

    /// Returns both sides of the changed settings files, by their paths as in the change set.
    /// Without a comparison, named files are compared with `HEAD`, because the user names no older
    /// side. A file outside the repository is left out, because git has no older side of the file.
    ///
    /// # Errors
    /// Returns an error if git or the disk cannot read an existing file.
    pub fn contents(&self, settings: &SettingFiles) -> Result<HashMap<Utf8PathBuf, BothSides>> {
        let mut paths = Vec::new();
        let mut rivals = Vec::new();
        for (change, path) in self.changes.iter().zip(self.paths()) {
            let Some((_, known)) = settings.of(&path).filter(|_| !change.is_outside()) else {
                continue;
            };
            paths.push(change.path.clone());
            if let Some(rival) = Rival::of(known, &self.top_level) {
                paths.push(rival.path.clone());
                rivals.push((change.path.clone(), rival));
            }
        }
        let (Some(repository), false) = (&self.repository, paths.is_empty()) else {
            return Ok(HashMap::new());
        };
        let (before, after) = repository.sides(self.range.as_ref());
        let text = |content: Option<Vec<u8>>| {
            content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let before = repository
            .read_through_links(&before, &paths)?
            .into_iter()
            .map(text);
        let after = repository
            .read_through_links(&after, &paths)?
            .into_iter()
            .map(text);
        let sides = before
            .zip(after)
            .map(|(before, after)| BothSides { before, after });
        let read: HashMap<Utf8PathBuf, BothSides> = paths.into_iter().zip(sides).collect();
        let mut contents = read.clone();
        for (path, rival) in rivals {
            let effective = rival.effective(&read[&path], &read[&rival.path]);
            contents.insert(path, effective);
        }
        Ok(contents)
    }
}

/// The other file of the pair `.cargo/config` and `.cargo/config.toml`. If both exist, cargo reads
/// only `.cargo/config`.
struct Rival {
    /// The path relative to the top level.
    path: Utf8PathBuf,
    /// True if cargo prefers this file when both files exist.
    wins: bool,
}

impl Rival {
    /// Returns the rival of a configuration file, if the file's name can have a rival.
    fn of(path: &Utf8Path, top_level: &Utf8Path) -> Option<Self> {
        let directory = path.parent()?;
        if directory.file_name() != Some(".cargo") {
            return None;
        }
        let (name, wins) = match path.file_name()? {
            "config" => ("config.toml", false),
            "config.toml" => ("config", true),
            _ => return None,
        };
        let path = directory.join(name);
        let path = path.strip_prefix(top_level).ok()?.to_owned();
        Some(Self { path, wins })
    }

    /// Returns the text that cargo reads on each side, given a file and its rival.
    fn effective(&self, own: &BothSides, rival: &BothSides) -> BothSides {
        let (first, second) = match self.wins {
            true => (rival, own),
            false => (own, rival),
        };
        let side = |first: &Option<String>, second: &Option<String>| {
            first.as_ref().or(second.as_ref()).cloned()
        };
        BothSides {
            before: side(&first.before, &second.before),
            after: side(&first.after, &second.after),
        }
    }
}

#[cfg(test)]
mod tests;
