//! A mirror: a second work tree with the files that are going to be committed.
//!
//! The mirror is a linked worktree, except that the repository does not know of it: `tree/.git`
//! points to `git/`, which has a `HEAD` and an index of its own and names the repository as its
//! common directory (gitrepository-layout(5), `commondir`). Therefore git itself updates the
//! mirror, file by file and with filters, and all git commands work there. The user's work tree and
//! index are never written.

use std::fs;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Commit, Repository, TreeState, one_line};
use crate::{files, process, quote};

impl Repository {
    /// Makes the work tree `tree` in a directory hold the files of the index or of a commit. Files
    /// that are equal already keep their modification times.
    ///
    /// # Errors
    /// Returns git's own message, or an error of the disk. After an error the next call continues
    /// from the existing files.
    pub fn mirror(&self, state: &TreeState, directory: &Utf8Path) -> Result<()> {
        self.mirror_to(state, &directory.join("tree"), &directory.join("git"))
    }

    fn mirror_to(&self, state: &TreeState, tree: &Utf8Path, own: &Utf8Path) -> Result<()> {
        for path in [tree, own] {
            fs::create_dir_all(path)
                .with_context(|| format!("cannot create {}", quote::name(&path)))?;
        }
        let head = match state {
            TreeState::Commit(commit) => Some(commit.clone()),
            _ => self.head().cloned(),
        };
        // Before the first commit, `HEAD` names a branch without commits.
        let head = head.map_or("ref: refs/heads/none".to_owned(), |commit| commit.0);
        let common = self.common_directory()?;
        put(&tree.join(".git"), &format!("gitdir: {own}\n"))?;
        put(&own.join("commondir"), &format!("{common}\n"))?;
        put(&own.join("HEAD"), &format!("{head}\n"))?;
        let wanted = match state {
            TreeState::Commit(commit) => commit.0.clone(),
            _ => self.tree_of_index(&own.join("staged"))?,
        };
        // A git that was killed may have left this file. The caller makes sure that no other git
        // works here.
        drop(fs::remove_file(own.join("index.lock")));
        let git_there = || {
            let mut command = self
                .runner
                .in_directory(tree)
                .without_named_repository()
                .git();
            command.env_remove("GIT_INDEX_FILE");
            command
        };
        let mut command = git_there();
        for setting in [
            "core.hooksPath=.git/none",
            "core.fsmonitor=false",
            "core.sparseCheckout=false",
            "advice.detachedHead=false",
        ] {
            command.args(["-c", setting]);
        }
        process::checked(command.args(["read-tree", "--reset", "-u", &wanted]))?;
        if !tree.join(".gitmodules").is_file() {
            return Ok(());
        }
        let entries = process::checked(git_there().args(["ls-files", "-s", "-z"]))?;
        for (path, commit) in submodules(&String::from_utf8_lossy(&entries)) {
            let theirs = self.top_level.join(path);
            // A submodule that the user did not check out stays empty.
            if theirs.join(".git").exists()
                && let Some(submodule) = Self::discover(&self.runner, &theirs)?
            {
                let state = TreeState::Commit(Commit(commit.to_owned()));
                let own = own.join("modules").join(path.replace('/', "%"));
                let mirrored = submodule.mirror_to(&state, &tree.join(path), &own);
                mirrored.with_context(|| {
                    format!(
                        "the submodule {} has no commit {commit} in this clone",
                        quote::name(path)
                    )
                })?;
            }
        }
        Ok(())
    }

    /// Returns the tree that a commit of the index would have. The tree is written from a copy of
    /// the index, since git changes an index when it writes a tree from it.
    pub(super) fn tree_of_index(&self, copy: &Utf8Path) -> Result<String> {
        let index = match std::env::var("GIT_INDEX_FILE") {
            Ok(index) => self.top_level.join(index),
            Err(_) => self.git_path("index")?,
        };
        fs::copy(&index, copy).with_context(|| format!("cannot copy {}", quote::name(&index)))?;
        let mut command = self.git();
        command.env("GIT_INDEX_FILE", copy).arg("write-tree");
        Ok(one_line(&process::checked(&mut command)?))
    }

    /// Returns the path of git's own file or directory, such as `hooks` or `index`.
    ///
    /// # Errors
    /// Returns an error if git does not print the path.
    pub fn git_path(&self, name: &str) -> Result<Utf8PathBuf> {
        let output = self.ask(&["rev-parse", "--git-path", name])?;
        Ok(self.top_level.join(one_line(&output)))
    }

    /// Returns the directory that all worktrees of the repository share.
    ///
    /// # Errors
    /// Returns an error if git does not print the directory.
    pub fn common_directory(&self) -> Result<Utf8PathBuf> {
        let output = self.ask(&["rev-parse", "--git-common-dir"])?;
        Ok(self.top_level.join(one_line(&output)))
    }
}

/// Returns the path and commit of the submodules in the output of `git ls-files -s -z`.
pub(super) fn submodules(entries: &str) -> impl Iterator<Item = (&str, &str)> {
    let entries = entries.split('\0');
    entries.filter_map(|entry| {
        let (facts, path) = entry.strip_prefix("160000 ")?.split_once('\t')?;
        Some((path, facts.split(' ').next()?))
    })
}

fn put(path: &Utf8Path, text: &str) -> Result<()> {
    if files::read_text(path, files::SETTINGS).is_ok_and(|known| known == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", quote::name(&path)))
}
