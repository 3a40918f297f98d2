//! What cargo answered before: a question about the features of a selection costs a large workspace
//! a second or two, and its answer changes only with manifests, the lock file and configuration.

use std::fs;

use cargo_metadata::camino::Utf8PathBuf;

use super::selection::Preserved;
use crate::paths::hashed;
use crate::state;
use crate::workspace::Workspace;

/// How many answers are kept.
const MOST: usize = 256;

/// The file that has the answer to a question, if it was asked before.
pub struct Remembered {
    file: Utf8PathBuf,
}

impl Remembered {
    /// For a question in these words; `None` where what cargo goes by is not known to stay.
    pub fn of(workspace: &Workspace, question: &[&[String]]) -> Option<Self> {
        let name = format!("{:016x}", hashed((workspace.ground?, question)));
        let directory = workspace.kept()?.join("features");
        Some(Self {
            file: directory.join(name),
        })
    }

    /// The answer.
    pub fn read(&self) -> Option<Preserved> {
        state::read(&self.file)
    }

    /// Keeps the answer.
    pub fn write(&self, kept: &Preserved) {
        if let Some(directory) = self.file.parent()
            && fs::read_dir(directory).is_ok_and(|entries| entries.count() > MOST)
        {
            drop(fs::remove_dir_all(directory));
        }
        state::write(&self.file, kept);
    }
}
