//! Exports of the files of the index or of a commit to another directory.

use std::fs;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Commit, EntryKind, Repository, TreeEntry, TreeState, mirror};
use crate::{process, quote};

/// A state whose files can be written to a directory. The user's index is never written.
pub struct Export<'a> {
    repository: &'a Repository,
    /// The tree of the state.
    tree: TreeState,
    /// The path of an index of the tree, for git alone.
    index: Utf8PathBuf,
    entries: Vec<TreeEntry>,
}

impl<'a> Export<'a> {
    /// Prepares the export of a state. `private` is an existing directory for git's own files.
    ///
    /// # Errors
    /// Returns git's own message, or an error of the disk.
    pub fn new(repository: &'a Repository, state: &TreeState, private: &Utf8Path) -> Result<Self> {
        let tree = match state {
            TreeState::Commit(commit) => commit.0.clone(),
            _ => repository.tree_of_index(&private.join("staged"))?,
        };
        let index = private.join("index");
        let mut command = repository.git();
        command.env("GIT_INDEX_FILE", &index);
        command.args(["-c", "core.sparseCheckout=false", "read-tree", &tree]);
        process::checked(&mut command)?;
        let tree = TreeState::Commit(Commit(tree));
        Ok(Self {
            entries: repository.entries(&tree)?,
            repository,
            tree,
            index,
        })
    }

    /// Returns every path of the state, sorted.
    pub fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }

    /// Writes the files and links that `is_wanted` selects to a directory. Files of checked-out
    /// submodules are written, too, as they are committed.
    ///
    /// # Errors
    /// Returns git's own message, or an error of the disk.
    pub fn write(&self, to: &Utf8Path, is_wanted: &dyn Fn(&TreeEntry) -> bool) -> Result<()> {
        let files = self.entries.iter();
        let files = files.filter(|it| it.kind != EntryKind::Submodule && is_wanted(it));
        let names: String = files.map(|it| format!("{}\0", it.path)).collect();
        if !names.is_empty() {
            let mut command = self.repository.git();
            command.env("GIT_INDEX_FILE", &self.index);
            command.args(["checkout-index", "--quiet", "--force", "-z", "--stdin"]);
            command.arg(format!("--prefix={to}/"));
            let output = process::output_with_input(&mut command, names.into_bytes())?;
            process::succeeded(&command, output)?;
        }
        if self
            .entries
            .iter()
            .any(|it| it.kind == EntryKind::Submodule)
        {
            self.write_submodules(to, is_wanted)?;
        }
        Ok(())
    }

    fn write_submodules(
        &self,
        to: &Utf8Path,
        is_wanted: &dyn Fn(&TreeEntry) -> bool,
    ) -> Result<()> {
        let mut command = self.repository.git();
        command.env("GIT_INDEX_FILE", &self.index);
        let listed = process::checked(command.args(["ls-files", "-s", "-z"]))?;
        for (path, commit) in mirror::submodules(&String::from_utf8_lossy(&listed)) {
            let theirs = self.repository.top_level.join(path);
            if !theirs.join(".git").exists() {
                continue;
            }
            let Some(submodule) = Repository::discover(&self.repository.runner, &theirs)? else {
                continue;
            };
            let commit = Commit(commit.to_owned());
            // A missing submodule is reported by cargo itself.
            if submodule.known(&commit.0)?.is_none() {
                continue;
            }
            let private = self.index.with_file_name("modules");
            let private = private.join(path.replace('/', "%"));
            fs::create_dir_all(&private)
                .with_context(|| format!("cannot create {}", quote::name(&private)))?;
            let export = Export::new(&submodule, &TreeState::Commit(commit), &private)?;
            export.write(&to.join(path), is_wanted)?;
        }
        Ok(())
    }

    /// Returns true if a Rust file of the state contains one of these words.
    ///
    /// # Errors
    /// Returns an error if git cannot be started.
    pub fn mentions(&self, words: &[String]) -> Result<bool> {
        let TreeState::Commit(tree) = &self.tree else {
            return Ok(true);
        };
        let mut command = self.repository.git();
        command.args(["grep", "--quiet", "--fixed-strings"]);
        for word in words {
            command.args(["-e", word]);
        }
        command.args([&tree.0, "--", "*.rs"]);
        Ok(process::output(&mut command)?.status.code() != Some(1))
    }
}
