//! Which change is asked about: from what the user named to paths that differ.

mod ahead;

use std::collections::HashMap;

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

pub use ahead::{Ahead, Compared};

use crate::impact::settings::Contents;
use crate::impact::settings::Settings;
use crate::repo::git::{Change, Commit, Range, Repository, Seen, Status};

/// A change, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Asked {
    /// What git is asked to compare, if it is.
    pub compare: Option<Comparison>,
    /// Paths that the user names, absolute.
    pub files: Vec<Utf8PathBuf>,
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

/// A path that the user named, absolute, as a change below the repository's top level.
pub fn named(root: &Utf8Path, path: &Utf8Path) -> Change {
    let exists = path.symlink_metadata().is_ok();
    let path = canonical(path);
    Change {
        path: path
            .strip_prefix(root)
            .map_or_else(|_| path.clone(), Utf8Path::to_owned),
        status: if exists {
            Status::Modified
        } else {
            Status::Deleted
        },
        seen: Seen::Named,
    }
}

/// The path without symbolic links in its directories, as git names paths; a path that does not
/// exist is taken as it is, below the deepest directory that does.
fn canonical(path: &Utf8Path) -> Utf8PathBuf {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
    };
    match parent.canonicalize_utf8() {
        Ok(parent) => parent.join(name),
        Err(_) => canonical(parent).join(name),
    }
}

/// Both sides of the changed files whose meaning counts, by their paths as in the changes. What
/// the user named is compared with `HEAD`, since "changed" says no more.
///
/// # Errors
/// Where git or the disk cannot read a file that is there.
pub fn contents(
    repository: Option<&Repository>,
    range: Option<&Range>,
    (root, settings): (&Utf8Path, &Settings),
    changes: &[Change],
) -> Result<HashMap<Utf8PathBuf, Contents>> {
    let is_setting = |change: &&Change| settings.of(&root.join(&change.path)).is_some();
    let paths: Vec<Utf8PathBuf> = changes
        .iter()
        .filter(is_setting)
        .map(|change| change.path.clone())
        .collect();
    let (Some(repository), false) = (repository, paths.is_empty()) else {
        return Ok(HashMap::new());
    };
    let (before, after) = repository.sides(range);
    let text = |content: Option<Vec<u8>>| {
        content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let before = repository.read(&before, &paths)?.into_iter().map(text);
    let after = repository.read(&after, &paths)?.into_iter().map(text);
    let sides = before
        .zip(after)
        .map(|(before, after)| Contents { before, after });
    Ok(paths.into_iter().zip(sides).collect())
}

#[cfg(test)]
mod tests;
