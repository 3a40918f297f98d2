//! What is done for an answer while cargo is asked for the workspace.

use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::ComparedStates;
use crate::parallel;
use crate::paths::resolved;
use crate::process::Runner;
use crate::records::checkouts::top_level;
use crate::seeds::prefetch;
use crate::seeds::sources::Outsides;
use crate::vcs::{Change, Range, Repository};

/// What git says of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The two states.
    pub range: Range,
    /// What they are in words.
    pub in_words: String,
    /// The paths that differ.
    pub changes: Vec<Change>,
}

/// The repository that a directory lies in, and what was to be compared there.
type Discovered = (Option<Repository>, Option<Compared>);

/// Git at work on a comparison, and evidence being read.
pub struct Prefetch {
    directory: Utf8PathBuf,
    /// `None` once they are joined.
    git: Option<JoinHandle<Result<Discovered>>>,
    evidence: Option<JoinHandle<Option<Outsides>>>,
}

impl Prefetch {
    /// Has git compare in the repository that holds a directory.
    pub fn compare(
        runner: &Runner,
        directory: &Utf8Path,
        comparison: Option<&ComparedStates>,
    ) -> Self {
        let (runner, at) = (runner.clone(), directory.to_owned());
        let comparison = comparison.cloned();
        let git = thread::spawn(move || {
            let repository = Repository::discover(&runner, &at)?;
            let compared = match (&repository, &comparison) {
                (Some(repository), Some(comparison)) => {
                    let (range, in_words) = comparison.resolve(repository)?;
                    let changes = repository.changes(&range)?;
                    Some(Compared {
                        range,
                        in_words,
                        changes,
                    })
                }
                _ => None,
            };
            Ok((repository, compared))
        });
        Self {
            directory: directory.to_owned(),
            git: Some(git),
            evidence: None,
        }
    }

    /// Has sources be read of the workspace that holds the directory, and `with_records` those of
    /// builds, too.
    #[must_use]
    pub fn with_evidence(mut self, runner: &Runner, with_records: bool) -> Self {
        let (runner, at) = (runner.clone(), self.directory.clone());
        // Cargo is busy meanwhile.
        let read = move || parallel::alone(|| prefetch::read(&runner, &at, with_records));
        self.evidence = Some(thread::spawn(read));
        self
    }

    /// Whether a directory lies in the work tree that git compares in.
    pub fn is_of(&self, directory: &Utf8Path) -> bool {
        let work_tree = |directory| top_level(&resolved(directory)).map(Utf8Path::to_owned);
        work_tree(directory) == work_tree(&self.directory)
    }

    /// Waits for what was read.
    pub fn evidence(&mut self) -> Outsides {
        let read = self.evidence.take().and_then(|it| it.join().ok());
        read.flatten().unwrap_or_default()
    }

    /// Waits for git.
    ///
    /// # Errors
    /// Where git does not open the repository, or cannot compare.
    pub fn compared(mut self) -> Result<Discovered> {
        let found = self.git.take().and_then(|git| git.join().ok());
        found.context("git was asked, and its answer was lost")?
    }
}

/// Nothing that was started is left behind.
impl Drop for Prefetch {
    fn drop(&mut self) {
        drop(self.git.take().map(JoinHandle::join));
        self.evidence();
    }
}
