//! Which change is asked about: from what the user named to paths that differ.

mod ahead;
mod ignored;
mod named;
mod outside;
pub mod path_list;
mod superseded;

use std::collections::HashMap;

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

pub use ahead::{Ahead, Compared};
pub use named::{NamedFiles, NamedOutside};
pub use outside::Outside;

use crate::impact::settings::{Contents, Settings};
use crate::repo::git::{Change, Commit, Range, Repository, Seen, Status};
use crate::repo::lock_file::LockState;
use crate::repo::resolved;
use crate::usage;

/// A change, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Asked {
    /// What git is asked to compare, if it is.
    pub compare: Option<Comparison>,
    /// Paths that the user names as changed; `None` where the user names none, not even by an empty
    /// list.
    pub files: Option<NamedFiles>,
    /// `PACKAGE[:TARGET]`, as if they had changed.
    pub assumed: Vec<String>,
    /// As if everything had changed.
    pub all: bool,
}

/// Two states to compare, as they were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The merge base with a revision (or the default one), against the work tree or `head`.
    Base {
        /// By default the first of [`crate::repo::git::DEFAULT_BASES`].
        revision: Option<String>,
        /// The newer side, when it is not the work tree.
        head: Option<String>,
    },
    /// A revision itself, against the work tree or `head`.
    Since {
        /// The older side.
        revision: String,
        /// The newer side, when it is not the work tree.
        head: Option<String>,
    },
    /// `HEAD` against the index.
    Staged,
}

impl Comparison {
    /// The two states, and what they are in words.
    ///
    /// # Errors
    /// Where a revision is not there, or two have nothing in common.
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

/// What changed, and what tells.
pub struct ChangeSet {
    /// The repository that the workspace lies in.
    pub repository: Option<Repository>,
    /// What paths are relative to, without symbolic links: the repository's top level.
    pub top_level: Utf8PathBuf,
    /// The two states that git compared, if it did.
    pub range: Option<Range>,
    /// What was compared or named, each in words.
    pub in_words: Vec<String>,
    /// The paths that differ, sorted.
    pub changes: Vec<Change>,
    /// The names by which the user means paths outside the repository alone.
    pub named_outside: Vec<NamedOutside>,
    /// Notes on how named paths were understood, and on what git does not compare.
    notes: Vec<String>,
}

impl ChangeSet {
    /// Waits for git, and adds what the user names.
    ///
    /// # Errors
    /// Where git cannot compare, or is to and there is no repository.
    pub fn new(asked: &Asked, ahead: Ahead, outside: &Outside<'_>) -> Result<Self> {
        let Outside {
            workspace, layout, ..
        } = *outside;
        let (repository, compared) = ahead.compared()?;
        let workspace_root = resolved(&workspace.root);
        let top_level = repository.as_ref().map(Repository::top_level);
        let root = top_level.unwrap_or(&workspace_root).to_owned();
        let mut range = None;
        let mut in_words = Vec::new();
        let mut changes = Vec::new();
        let mut notes = Vec::new();
        let mut named_outside = Vec::new();
        if asked.compare.is_some() {
            let compared = compared.ok_or_else(|| {
                usage!(
                    "{} is in no git repository, so there is nothing to compare with: name what \
                     changed with --file or --assume-changed, or ask with --all",
                    workspace.root
                )
            })?;
            changes = compared.changes;
            // Where git is not told to ignore it, what cargo built is no change.
            changes
                .retain(|it| it.seen != Seen::Untracked || !layout.is_built(&root.join(&it.path)));
            // Cargo rewrites a stale lock file when it builds.
            let is_stale = workspace.lock_file.state == LockState::Stale;
            let lock = resolved(&workspace.lock_file.path);
            if let (true, Ok(lock)) = (is_stale, lock.strip_prefix(&root))
                && changes.iter().all(|it| it.path != lock)
            {
                changes.push(Change {
                    path: lock.to_owned(),
                    status: Status::Modified,
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
        if let Some(files) = &asked.files {
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

    /// The paths that differ, absolute.
    pub fn paths(&self) -> impl Iterator<Item = Utf8PathBuf> {
        self.changes.iter().map(|it| self.top_level.join(&it.path))
    }

    /// Whether `HEAD` is another commit on the newer side.
    pub fn head_moved(&self) -> bool {
        match (&self.range, &self.repository) {
            (Some(Range::WorkTree { base }), Some(repository)) => repository.head() != Some(base),
            (Some(Range::Revisions { base, head }), _) => base != head,
            _ => false,
        }
    }

    /// Whether the newer side is what lies on disk.
    pub fn is_on_disk(&self) -> bool {
        matches!(self.range, Some(Range::WorkTree { .. }) | None)
    }

    /// Returns what the reader should know about the comparison.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        let at = self.repository.as_ref().and_then(Repository::head);
        if let Some(Range::Revisions { head, .. }) = &self.range
            && at != Some(head)
        {
            notes.push(
                "the newer side is not what is checked out, but the packages and their sources are \
                 those of the work tree; check it out for an exact answer"
                    .to_owned(),
            );
        }
        notes
    }

    /// Both sides of the changed files whose meaning counts, by their paths as in the changes. What
    /// the user named is compared with `HEAD`, since "changed" says no more. Git knows no older side
    /// of a file outside the repository, which is left out.
    ///
    /// # Errors
    /// Where git or the disk cannot read a file that is there.
    pub fn contents(&self, settings: &Settings) -> Result<HashMap<Utf8PathBuf, Contents>> {
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
            .map(|(before, after)| Contents { before, after });
        let read: HashMap<Utf8PathBuf, Contents> = paths.into_iter().zip(sides).collect();
        let mut contents = read.clone();
        for (path, rival) in rivals {
            let effective = rival.effective(&read[&path], &read[&rival.path]);
            contents.insert(path, effective);
        }
        Ok(contents)
    }
}

/// The other one of `.cargo/config` and `.cargo/config.toml`. Cargo reads the first where both exist.
struct Rival {
    /// The path below the top level.
    path: Utf8PathBuf,
    /// True for the file that cargo reads where both exist.
    wins: bool,
}

impl Rival {
    /// The rival of a file of cargo's configuration, if its name can have one.
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

    /// The text that cargo reads on each side, of a file and its rival.
    fn effective(&self, own: &Contents, rival: &Contents) -> Contents {
        let (first, second) = match self.wins {
            true => (rival, own),
            false => (own, rival),
        };
        let side = |first: &Option<String>, second: &Option<String>| {
            first.as_ref().or(second.as_ref()).cloned()
        };
        Contents {
            before: side(&first.before, &second.before),
            after: side(&first.after, &second.after),
        }
    }
}

#[cfg(test)]
mod tests;
