//! The files of a state of the repository, and their contents.

#[cfg(all(test, unix))]
mod tests;

use std::collections::HashSet;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Repository, TreeState, null_separated};
use crate::paths::{is_absent, normalized};
use crate::{files, process, quote};

/// A path of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// The path relative to the top level of the repository.
    pub path: Utf8PathBuf,
    /// The kind of the path.
    pub kind: EntryKind,
}

/// The kind of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A symbolic link. Its content is the path that it points to.
    Link,
    /// Another repository.
    Submodule,
}

impl Repository {
    /// Returns every path of a state, sorted.
    ///
    /// # Errors
    /// Returns git's own message if git cannot list the paths.
    pub fn entries(&self, state: &TreeState) -> Result<Vec<TreeEntry>> {
        let mut entries = match state {
            TreeState::Empty => Vec::new(),
            TreeState::Commit(commit) => {
                tree_entries(&self.ask(&["ls-tree", "-r", "-z", &commit.0])?)?
            }
            TreeState::Index => tree_entries(&self.ask(&["ls-files", "-s", "-z"])?)?,
            TreeState::WorkTree => {
                let tracked = self.entries(&TreeState::Index)?.into_iter();
                let untracked = self.untracked()?.into_iter().map(|change| change.path);
                let paths = tracked.map(|entry| entry.path).chain(untracked);
                paths.filter_map(|path| self.on_disk(path)).collect()
            }
        };
        entries.sort_by(|a: &TreeEntry, b| a.path.cmp(&b.path));
        // An unmerged path is listed once for each side of the merge.
        entries.dedup_by(|a, b| a.path == b.path);
        Ok(entries)
    }

    /// Returns the manifests in the index, relative to the top level, sorted.
    ///
    /// # Errors
    /// Returns git's own message if git cannot list the files.
    pub fn manifests(&self) -> Result<Vec<Utf8PathBuf>> {
        self.tracked(&["Cargo.toml", "*/Cargo.toml"])
    }

    /// Returns the files in the index that match one of git's patterns, relative to the top level,
    /// sorted.
    ///
    /// # Errors
    /// Returns git's own message if git cannot list the files.
    pub fn tracked(&self, patterns: &[&str]) -> Result<Vec<Utf8PathBuf>> {
        let listed = self.ask(&[&["ls-files", "-z", "--"], patterns].concat())?;
        let mut paths: Vec<_> = null_separated(&listed)
            .map(|path| Utf8PathBuf::from(&*path))
            .collect();
        paths.dedup();
        Ok(paths)
    }

    /// Returns the paths that git tracks or would add, relative to the top level, sorted. A
    /// submodule is one path. A path that git tracks and that does not exist is listed too.
    ///
    /// # Errors
    /// Returns git's own message if git cannot list the paths.
    pub fn tracked_and_untracked(&self) -> Result<Vec<Utf8PathBuf>> {
        let ask = [
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ];
        let listed = self.ask(&ask)?;
        let mut paths: Vec<_> = null_separated(&listed)
            .map(|path| Utf8PathBuf::from(path.trim_end_matches('/')))
            .collect();
        paths.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        paths.dedup();
        Ok(paths)
    }

    /// Returns git's description of the checked out state: the commit, the branch, the nearest tag,
    /// and the tracked files that differ from the commit.
    ///
    /// # Errors
    /// Returns an error if git cannot be started.
    pub fn described(&self) -> Result<String> {
        let mut said = self.head().map_or_else(String::new, |it| it.0.clone());
        for ask in [
            &["symbolic-ref", "--quiet", "HEAD"][..],
            &["describe", "--tags", "--always"],
            &["status", "--porcelain=v2", "--untracked-files=no"],
        ] {
            let output = process::output(self.git().args(ask))?;
            said.push('\n');
            said.push_str(String::from_utf8_lossy(&output.stdout).trim_end());
        }
        Ok(said)
    }

    /// Returns the files at or below these paths that any commit of `HEAD`'s history deleted.
    ///
    /// # Errors
    /// Returns git's own message if git cannot list the files.
    pub fn deleted(&self, paths: &[&Utf8PathBuf]) -> Result<Vec<Utf8PathBuf>> {
        if self.head().is_none() || paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = self.git();
        command.args([
            "--literal-pathspecs",
            "log",
            "--format=",
            "--name-only",
            "-z",
        ]);
        command.args(["--no-renames", "--diff-filter=D", "--no-ext-diff", "--"]);
        let listed = process::checked(command.args(paths))?;
        let paths = null_separated(&listed).map(|path| path.trim_start_matches('\n').into());
        Ok(paths.collect())
    }

    /// Returns the paths that git is told to ignore and does not track. A directory may stand for all
    /// files below it.
    ///
    /// # Errors
    /// Returns git's own message if git cannot list the paths.
    pub fn ignored_paths(&self) -> Result<Vec<Utf8PathBuf>> {
        if let Some(known) = self.ignored.get() {
            return Ok(known.clone());
        }
        let mut command = self.git();
        command.args(["ls-files", "-z", "--others", "--ignored"]);
        command.args(["--exclude-standard", "--directory"]);
        let listed = process::checked(&mut command)?;
        let paths = null_separated(&listed).map(|path| path.trim_end_matches('/').into());
        Ok(paths.collect())
    }

    /// Returns true if git ignores a path and does not track it.
    ///
    /// # Errors
    /// Returns an error if git cannot be started.
    pub fn is_ignored(&self, path: &Utf8Path) -> Result<bool> {
        let mut command = self.git();
        command.args(["check-ignore", "--quiet", "--", path.as_str()]);
        Ok(process::output(&mut command)?.status.success())
    }

    /// Returns true if git would ignore a path that is not tracked.
    ///
    /// # Errors
    /// Returns an error if git cannot be started.
    pub fn ignores_untracked(&self, path: &Utf8Path) -> Result<bool> {
        let mut command = self.git();
        command.args(["check-ignore", "--quiet", "--no-index", "--"]);
        Ok(process::output(command.arg(path.as_str()))?
            .status
            .success())
    }

    fn on_disk(&self, path: Utf8PathBuf) -> Option<TreeEntry> {
        let kind = self
            .top_level
            .join(&path)
            .symlink_metadata()
            .ok()?
            .file_type();
        let kind = match (kind.is_symlink(), kind.is_dir()) {
            (true, _) => EntryKind::Link,
            (_, true) => EntryKind::Submodule,
            _ => EntryKind::File,
        };
        Some(TreeEntry { path, kind })
    }

    /// Returns the contents of files in a state, in the order of the paths. Returns `None` for a
    /// file that does not exist.
    ///
    /// # Errors
    /// Returns git's own message or an error of the disk if an existing file cannot be read.
    pub fn read(&self, state: &TreeState, paths: &[Utf8PathBuf]) -> Result<Vec<Option<Vec<u8>>>> {
        match state {
            TreeState::Empty => Ok(vec![None; paths.len()]),
            TreeState::WorkTree => paths.iter().map(|path| self.read_from_disk(path)).collect(),
            TreeState::Commit(commit) => self.read_objects(&commit.0, paths),
            TreeState::Index => self.read_objects(":0", paths),
        }
    }

    /// Returns the contents of files in a state, as [`Self::read`] does. For a symbolic link,
    /// returns the content of the link's target in the same state. For a link that leads out of the
    /// repository, returns the path in the link. An absolute path only has content in the work
    /// tree.
    ///
    /// # Errors
    /// Returns git's own message or an error of the disk if an existing file cannot be read.
    pub fn read_through_links(
        &self,
        state: &TreeState,
        paths: &[Utf8PathBuf],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        /// The maximum number of consecutive links, as on Linux.
        const LINKS: usize = 40;
        let mut paths = paths.to_vec();
        for _ in 0..LINKS {
            let links = self.links(state, &paths)?;
            let led: Vec<usize> = (0..paths.len())
                .filter(|at| links.contains(&paths[*at]))
                .collect();
            let asked: Vec<Utf8PathBuf> = led.iter().map(|at| paths[*at].clone()).collect();
            let mut is_done = true;
            for (at, target) in led.into_iter().zip(self.read(state, &asked)?) {
                let target = target.and_then(|it| String::from_utf8(it).ok());
                let target = target.and_then(|it| self.target_of(&paths[at], &it));
                if let Some(target) = target {
                    paths[at] = target;
                    is_done = false;
                }
            }
            if is_done {
                break;
            }
        }
        self.read(state, &paths)
    }

    /// Returns the path below the top level that a link points to, or `None` if it points outside.
    fn target_of(&self, link: &Utf8Path, target: &str) -> Option<Utf8PathBuf> {
        let path = self.top_level.join(link.parent()?).join(target);
        let path = normalized(&path);
        Some(path.strip_prefix(&self.top_level).ok()?.to_owned())
    }

    /// Returns the symbolic links among these paths of a state.
    fn links(&self, state: &TreeState, paths: &[Utf8PathBuf]) -> Result<HashSet<Utf8PathBuf>> {
        let listing = match state {
            TreeState::Empty => return Ok(HashSet::new()),
            TreeState::WorkTree => {
                let is_link = |it: &&Utf8PathBuf| self.top_level.join(it).is_symlink();
                return Ok(paths.iter().filter(is_link).cloned().collect());
            }
            TreeState::Commit(commit) => vec!["ls-tree", "-z", &commit.0, "--"],
            TreeState::Index => vec!["ls-files", "-s", "-z", "--"],
        };
        let mut links = HashSet::new();
        // Git refuses paths outside the repository.
        let inside: Vec<&Utf8PathBuf> = paths.iter().filter(|it| it.is_relative()).collect();
        // The length of a command line is limited, but the size of a change is not.
        for paths in inside.chunks(500) {
            let mut command = self.git();
            command.arg("--literal-pathspecs").args(&listing);
            let entries = tree_entries(&process::checked(command.args(paths))?)?;
            let of_links = entries.into_iter().filter(|it| it.kind == EntryKind::Link);
            links.extend(of_links.map(|it| it.path));
        }
        Ok(links)
    }

    fn read_from_disk(&self, path: &Utf8Path) -> Result<Option<Vec<u8>>> {
        let path = self.top_level.join(path);
        let read = match path.read_link_utf8() {
            Ok(target) => Ok(target.into_string().into_bytes()),
            Err(_) => files::read(&path, files::RECORD),
        };
        match read {
            Ok(content) => Ok(Some(content)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", quote::name(&path))),
        }
    }

    /// Returns the id of the object that `TREE:PATH` names, or [`NO_OBJECT`] if there is none.
    fn object_id(&self, name: &str) -> Result<String> {
        let mut command = self.git();
        command.args(["rev-parse", "--verify", "--quiet", "--end-of-options", name]);
        let output = process::output(&mut command)?;
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(match id.is_empty() {
            true => NO_OBJECT.to_owned(),
            false => id,
        })
    }

    /// Returns the output of `git cat-file` for names. Git reads one name per line, so a name with
    /// a line break is replaced by the object's id.
    fn cat_file(&self, mode: &str, names: &[String]) -> Result<Vec<u8>> {
        let mut lines = String::new();
        for name in names {
            lines += &match name.contains(['\n', '\r']) {
                true => self.object_id(name)?,
                false => name.clone(),
            };
            lines.push('\n');
        }
        let mut command = self.git();
        command.args(["cat-file", mode]);
        let output = process::output_with_input(&mut command, lines.into_bytes())?;
        process::succeeded(&command, output)
    }

    /// Returns an error if an object is larger than the limit of a file. Git itself would hold the
    /// whole object in memory.
    fn check_sizes(&self, names: &[String], limit: files::Limit) -> Result<()> {
        let sizes = self.cat_file("--batch-check=%(objectsize)", names)?;
        let sizes = String::from_utf8_lossy(&sizes);
        for (name, size) in names.iter().zip(sizes.lines()) {
            // `missing` and the commit of a submodule are no numbers.
            if size.parse::<u64>().is_ok_and(|it| it > limit.0) {
                let mib = limit.0 >> 20;
                bail!(
                    "cannot read {} of git: larger than {mib} MiB",
                    quote::name(name)
                );
            }
        }
        Ok(())
    }

    /// Reads all paths with one call of `git cat-file --batch`. Git prints `HASH TYPE SIZE`, a line
    /// break, the content and a line break, or a line that ends in `missing`.
    fn read_objects(&self, tree: &str, paths: &[Utf8PathBuf]) -> Result<Vec<Option<Vec<u8>>>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = paths.iter().map(|it| format!("{tree}:{it}")).collect();
        self.check_sizes(&names, files::RECORD)?;
        let output = self.cat_file("--batch", &names)?;
        let mut rest = &output[..];
        let mut contents = Vec::new();
        for path in paths {
            let cut_short = || format!("git's answer for {} is cut short", quote::name(&path));
            let end = rest
                .iter()
                .position(|&byte| byte == b'\n')
                .with_context(cut_short)?;
            let header = String::from_utf8_lossy(&rest[..end]);
            rest = &rest[end + 1..];
            let size = header.rsplit(' ').next().map(str::parse::<usize>);
            // A submodule's commit is not in this repository, and a tree is not a file.
            let Some(Ok(size)) = size else {
                contents.push(None);
                continue;
            };
            let content = rest.get(..size).with_context(cut_short)?;
            contents.push(header.contains(" blob ").then(|| content.to_vec()));
            rest = rest.get(size + 1..).with_context(cut_short)?;
        }
        Ok(contents)
    }
}

/// An id that no object has.
const NO_OBJECT: &str = "0000000000000000000000000000000000000000";

/// Parses `git ls-tree -r -z` and `git ls-files -s -z`: `MODE …TAB PATH NUL`.
pub(super) fn tree_entries(output: &[u8]) -> Result<Vec<TreeEntry>> {
    null_separated(output)
        .map(|line| {
            let (facts, path) = line
                .split_once('\t')
                .with_context(|| format!("git listed a path in an unknown way: {line:?}"))?;
            let kind = match facts.split(' ').next() {
                Some("120000") => EntryKind::Link,
                Some("160000") => EntryKind::Submodule,
                _ => EntryKind::File,
            };
            Ok(TreeEntry {
                path: path.into(),
                kind,
            })
        })
        .collect()
}
