//! Work that starts early, in threads, while `cargo metadata` runs.

use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use super::ComparedStates;
use crate::parallel;
use crate::paths::resolved;
use crate::process::Runner;
use crate::records::checkouts::top_level;
use crate::seeds::prefetch;
use crate::seeds::sources::Outsides;
use crate::vcs::{Change, Range, Repository};

/// The result of a comparison by git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The two states that were compared.
    pub range: Range,
    /// A description of the comparison in words.
    pub in_words: String,
    /// The paths that differ.
    pub changes: Vec<Change>,
}

/// The repository that contains a directory, and the comparison that was requested there.
type Discovered = (Option<Repository>, Option<Compared>);

/// A running comparison by git, and a running read of evidence. Each is a thread.
pub struct Prefetch {
    directory: Utf8PathBuf,
    /// The thread of git; `None` after the thread is joined.
    git: Option<JoinHandle<Result<Discovered>>>,
    evidence: Option<JoinHandle<Option<Outsides>>>,
}

impl Prefetch {
    /// Starts a comparison in the repository that contains `directory`.
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

    /// Starts to read the sources of the workspace that contains the directory. With
    /// `with_records`, the records of builds are read too.
    #[must_use]
    pub fn with_evidence(mut self, runner: &Runner, with_records: bool) -> Self {
        let (runner, at) = (runner.clone(), self.directory.clone());
        // Cargo runs at the same time, so the evidence is read on this thread only.
        let read = move || parallel::alone(|| prefetch::read(&runner, &at, with_records));
        self.evidence = Some(thread::spawn(read));
        self
    }

    /// Returns true if a directory lies in the work tree in which git compares.
    pub fn is_of(&self, directory: &Utf8Path) -> bool {
        let work_tree = |directory| top_level(&resolved(directory)).map(Utf8Path::to_owned);
        work_tree(directory) == work_tree(&self.directory)
    }

    /// Waits for the evidence, and returns the paths that sources name outside their packages.
    pub fn evidence(&mut self) -> Outsides {
        let read = self.evidence.take().and_then(|it| it.join().ok());
        read.flatten().unwrap_or_default()
    }

    /// Waits for git, and returns the repository and the result of the comparison.
    ///
    /// # Errors
    /// Returns an error if git cannot open the repository or cannot compare.
    pub fn compared(mut self) -> Result<Discovered> {
        let found = self.git.take().and_then(|git| git.join().ok());
        found.context("the answer of git was lost")?
    }
}

/// Dropping joins the threads, so that no thread outlives the prefetch.
impl Drop for Prefetch {
    fn drop(&mut self) {
        drop(self.git.take().map(JoinHandle::join));
        self.evidence();
    }
}
