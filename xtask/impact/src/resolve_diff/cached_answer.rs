//! A cache of cargo's answers about selections: their features and their units. In a large workspace
//! such an answer takes one or two seconds, and it changes only with manifests, lock file and
//! configuration.

use std::fs;

use camino::Utf8PathBuf;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::paths::hashed;
use crate::state;
use crate::workspace::Workspace;

/// The maximum number of cached answers.
const MOST: usize = 128;

/// The cache file for the answer to one question.
pub struct CachedAnswer {
    file: Utf8PathBuf,
}

impl CachedAnswer {
    /// Returns the cache file for a question in these words. Returns `None` if files that cargo
    /// reads changed while cargo ran (see [`Workspace::inputs_hash`]).
    pub fn of(workspace: &Workspace, question: &[&[String]]) -> Option<Self> {
        let name = format!("{:016x}", hashed((workspace.inputs_hash?, question)));
        let directory = workspace.state_directory()?.join("features");
        Some(Self {
            file: directory.join(name),
        })
    }

    /// Returns the cached answer, if there is one.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        state::read(&self.file)
    }

    /// Writes the answer. Empties the cache first if it holds too many answers.
    pub fn write(&self, answer: &impl Serialize) {
        if let Some(directory) = self.file.parent()
            && fs::read_dir(directory).is_ok_and(|entries| entries.count() > MOST)
        {
            drop(fs::remove_dir_all(directory));
        }
        state::write(&self.file, answer);
    }
}
