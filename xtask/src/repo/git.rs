//! Git: which paths differ between two states of the repository, and what they held.

use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::process::{self, Runner};
use crate::usage;

/// A repository with a work tree.
pub struct Repository {
    runner: Runner,
    top_level: Utf8PathBuf,
}

/// Two states of the repository to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// A revision against the work tree, untracked files included.
    WorkTree {
        /// The older side.
        base: Commit,
    },
    /// `HEAD`, or nothing before the first commit, against the index.
    Index {
        /// The older side; `None` before the first commit.
        head: Option<Commit>,
    },
    /// One revision against another.
    Revisions {
        /// The older side.
        base: Commit,
        /// The newer side.
        head: Commit,
    },
}

/// One state of the repository's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// As a commit has them.
    Commit(Commit),
    /// As the index has them.
    Index,
    /// As they lie on disk, those that git ignores left out.
    WorkTree,
    /// No file at all, as before the first commit.
    Empty,
}

impl Range {
    /// The older state.
    pub fn before(&self) -> State {
        match self {
            Self::WorkTree { base } | Self::Revisions { base, .. } => State::Commit(base.clone()),
            Self::Index { head: Some(head) } => State::Commit(head.clone()),
            Self::Index { head: None } => State::Empty,
        }
    }

    /// The newer state.
    pub fn after(&self) -> State {
        match self {
            Self::WorkTree { .. } => State::WorkTree,
            Self::Index { .. } => State::Index,
            Self::Revisions { head, .. } => State::Commit(head.clone()),
        }
    }
}

/// A path of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the top level of the repository.
    pub path: Utf8PathBuf,
    /// What it is.
    pub kind: EntryKind,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A symbolic link; its content is the path that it points to.
    Link,
    /// Another repository.
    Submodule,
}

/// A commit by its full hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Commit(pub String);

/// What happened to a path. A rename is a deletion and an addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Only the newer side has it.
    Added,
    /// Both sides have it, with different content, mode or type.
    Modified,
    /// Only the older side has it.
    Deleted,
}

/// Where the newer side of a difference was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// In a commit, or staged on top of one.
    Commits,
    /// In the index.
    Index,
    /// In the work tree, not staged.
    WorkTree,
    /// In the work tree, in no commit and not in the index.
    Untracked,
    /// The user named it.
    Named,
}

/// A path that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Relative to the top level of the repository, with `/`.
    pub path: Utf8PathBuf,
    /// What happened to it.
    pub status: Status,
    /// Where that was seen.
    pub seen: Seen,
}

/// The branches that stand for "what everybody builds on", in order.
pub const DEFAULT_BASES: [&str; 5] = [
    "origin/HEAD",
    "origin/main",
    "origin/master",
    "main",
    "master",
];

impl Repository {
    /// The repository that holds a directory, or `None` where there is none.
    ///
    /// # Errors
    /// When git cannot be started, or refuses the repository (its owner, a bare one).
    pub fn discover(runner: &Runner, directory: &Utf8Path) -> Result<Option<Self>> {
        let runner = runner.in_directory(directory);
        let output = process::output(runner.git().args(["rev-parse", "--show-toplevel"]))?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            if stderr.contains("not a git repository") {
                return Ok(None);
            }
            bail!(
                "git does not open the repository of {directory}\n{}",
                stderr.trim_end()
            );
        }
        let top_level = Utf8PathBuf::from(one_line(&output.stdout));
        Ok(Some(Self {
            runner: runner.in_directory(&top_level),
            top_level,
        }))
    }

    /// The top level of the work tree, as git spells it: without symbolic links.
    pub fn top_level(&self) -> &Utf8Path {
        &self.top_level
    }

    /// The commit that a revision names.
    ///
    /// # Errors
    /// When there is none; the message says what to fetch.
    pub fn commit(&self, revision: &str) -> Result<Commit> {
        self.find_commit(revision)?.ok_or_else(|| {
            let remedy = if self.is_shallow() {
                "this clone is shallow: `git fetch --unshallow`, or fetch that revision with \
                 enough depth"
            } else {
                "fetch it, or name another with --base or --since"
            };
            usage!("git knows no revision `{revision}`: {remedy}")
        })
    }

    fn find_commit(&self, revision: &str) -> Result<Option<Commit>> {
        let name = format!("{revision}^{{commit}}");
        let output = process::output(self.git().args([
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &name,
        ]))?;
        Ok(output
            .status
            .success()
            .then(|| Commit(one_line(&output.stdout))))
    }

    /// `HEAD`, or `None` before the first commit.
    ///
    /// # Errors
    /// When git cannot be started.
    pub fn head(&self) -> Result<Option<Commit>> {
        self.find_commit("HEAD")
    }

    /// The first of [`DEFAULT_BASES`] that exists.
    ///
    /// # Errors
    /// When none does, or there is no commit at all.
    pub fn default_base(&self) -> Result<&'static str> {
        // One call answers for all of them: each that exists prints a line.
        let mut command = self.git();
        command.args(["for-each-ref", "--format=%(refname)"]);
        let refs = |name: &str| match name.strip_prefix("origin/") {
            Some(_) => format!("refs/remotes/{name}"),
            None => format!("refs/heads/{name}"),
        };
        command.args(DEFAULT_BASES.iter().map(|name| refs(name)));
        let output = checked(&mut command)?;
        let found = String::from_utf8_lossy(&output);
        if let Some(name) = DEFAULT_BASES
            .into_iter()
            .find(|name| found.lines().any(|line| line == refs(name)))
        {
            return Ok(name);
        }
        if self.head()?.is_none() {
            return Err(usage!(
                "{} has no commit yet, so nothing can have changed since one: commit first, or \
                 ask with --staged, --file, --assume-changed or --all",
                self.top_level
            ));
        }
        Err(usage!(
            "none of {} exists here: name what to compare with by --base or --since",
            DEFAULT_BASES.join(", ")
        ))
    }

    /// The commit from which two histories part.
    ///
    /// # Errors
    /// When they share none, as far as this clone knows.
    pub fn merge_base(&self, one: &Commit, other: &Commit) -> Result<Commit> {
        let output = process::output(self.git().args(["merge-base", &one.0, &other.0]))?;
        if output.status.success() {
            return Ok(Commit(one_line(&output.stdout)));
        }
        let remedy = if self.is_shallow() {
            "this clone is shallow: `git fetch --unshallow` (in CI, a checkout with full history)"
        } else {
            "compare directly with --since"
        };
        Err(usage!(
            "{} and {} have no common ancestor here: {remedy}",
            short(one),
            short(other)
        ))
    }

    /// A commit with its last `count` ancestors, by first parents, the oldest first.
    ///
    /// # Errors
    /// Git's own message where it cannot list them.
    pub fn history(&self, head: &Commit, count: usize) -> Result<Vec<Commit>> {
        let count = format!("--max-count={}", count.saturating_add(1));
        let mut command = self.git();
        command.args(["rev-list", "--first-parent", "--reverse", &count, &head.0]);
        let output = checked(&mut command)?;
        Ok(String::from_utf8_lossy(&output)
            .lines()
            .map(|line| Commit(line.to_owned()))
            .collect())
    }

    /// Every path of a state, sorted.
    ///
    /// # Errors
    /// Git's own message where it cannot list.
    pub fn entries(&self, state: &State) -> Result<Vec<Entry>> {
        let mut entries = match state {
            State::Empty => Vec::new(),
            State::Commit(commit) => tree_entries(&checked(
                self.git().args(["ls-tree", "-r", "-z", &commit.0]),
            )?)?,
            State::Index => tree_entries(&checked(self.git().args(["ls-files", "-s", "-z"]))?)?,
            State::WorkTree => {
                let tracked = tree_entries(&checked(self.git().args(["ls-files", "-s", "-z"]))?)?;
                let untracked = self.untracked()?.into_iter().map(|change| change.path);
                let paths = tracked.into_iter().map(|entry| entry.path).chain(untracked);
                paths.filter_map(|path| self.on_disk(path)).collect()
            }
        };
        entries.sort_by(|a: &Entry, b| a.path.cmp(&b.path));
        // An unmerged path is listed once for each side of the merge.
        entries.dedup_by(|a, b| a.path == b.path);
        Ok(entries)
    }

    /// Whether git is told to ignore a path that it does not track.
    ///
    /// # Errors
    /// When git cannot be started.
    pub fn is_ignored(&self, path: &Utf8Path) -> Result<bool> {
        let output =
            process::output(
                self.git()
                    .args(["check-ignore", "--quiet", "--", path.as_str()]),
            )?;
        Ok(output.status.success())
    }

    fn on_disk(&self, path: Utf8PathBuf) -> Option<Entry> {
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
        Some(Entry { path, kind })
    }

    /// What files hold in a state, in the order of the paths; nothing for one that is not there.
    ///
    /// # Errors
    /// Git's own message, or the disk's, where a file that is there cannot be read.
    pub fn read(&self, state: &State, paths: &[Utf8PathBuf]) -> Result<Vec<Option<Vec<u8>>>> {
        match state {
            State::Empty => Ok(vec![None; paths.len()]),
            State::WorkTree => paths.iter().map(|path| self.read_from_disk(path)).collect(),
            State::Commit(commit) => self.read_objects(&commit.0, paths),
            State::Index => self.read_objects("", paths),
        }
    }

    fn read_from_disk(&self, path: &Utf8Path) -> Result<Option<Vec<u8>>> {
        let path = self.top_level.join(path);
        let read = match path.read_link_utf8() {
            Ok(target) => Ok(target.into_string().into_bytes()),
            Err(_) => std::fs::read(&path),
        };
        match read {
            Ok(content) => Ok(Some(content)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {path}")),
        }
    }

    /// One call of `git cat-file --batch` for all paths: `HASH TYPE SIZE`, a line break, the
    /// content, a line break; or a line that ends in `missing`.
    fn read_objects(&self, tree: &str, paths: &[Utf8PathBuf]) -> Result<Vec<Option<Vec<u8>>>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let names: String = paths
            .iter()
            .map(|path| format!("{tree}:{path}\n"))
            .collect();
        let mut command = self.git();
        command.args(["cat-file", "--batch"]);
        let output = process::output_with_input(&mut command, names.into_bytes())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` failed\n{}", process::shown(&command), said.trim_end());
        }
        let mut rest = &output.stdout[..];
        let mut contents = Vec::new();
        for path in paths {
            let cut_short = || format!("git's answer for {path} is cut short");
            let end = rest
                .iter()
                .position(|&byte| byte == b'\n')
                .with_context(cut_short)?;
            let header = String::from_utf8_lossy(&rest[..end]).into_owned();
            rest = &rest[end + 1..];
            let size = header
                .rsplit(' ')
                .next()
                .and_then(|size| size.parse::<usize>().ok());
            let Some(size) = size.filter(|_| header.contains(" blob ")) else {
                // A submodule's commit is not in this repository, and a tree is no file.
                if let Some(size) = size {
                    rest = rest.get(size + 1..).with_context(cut_short)?;
                }
                contents.push(None);
                continue;
            };
            contents.push(Some(rest.get(..size).with_context(cut_short)?.to_vec()));
            rest = rest.get(size + 1..).with_context(cut_short)?;
        }
        Ok(contents)
    }

    fn is_shallow(&self) -> bool {
        process::output(self.git().args(["rev-parse", "--is-shallow-repository"]))
            .is_ok_and(|output| one_line(&output.stdout) == "true")
    }

    /// Every path that differs between the two states, sorted.
    ///
    /// # Errors
    /// Git's own message where it cannot compare.
    pub fn changes(&self, range: &Range) -> Result<Vec<Change>> {
        let mut command = self.git();
        // The user's configuration must not change what is listed: renames stay a deletion and
        // an addition, paths stay relative to the top level and unquoted.
        command.args([
            "diff",
            "--raw",
            "-z",
            "--no-renames",
            "--no-ext-diff",
            "--no-relative",
        ]);
        command.args(["--no-textconv", "--ignore-submodules=none", "--no-abbrev"]);
        let changes = match range {
            Range::WorkTree { base } => {
                command.args([&base.0, "--"]);
                let diff = std::thread::scope(|scope| {
                    let untracked = scope.spawn(|| self.untracked());
                    let changes = raw_diff(&checked(&mut command)?, true)?;
                    let untracked = untracked
                        .join()
                        .map_err(|_| anyhow!("reading git's output"))??;
                    anyhow::Ok([changes, untracked].concat())
                });
                diff?
            }
            Range::Index { head } => {
                command.arg("--cached");
                let base = match head {
                    Some(head) => head.0.clone(),
                    None => self.empty_tree()?,
                };
                command.args([&base, "--"]);
                let mut changes = raw_diff(&checked(&mut command)?, false)?;
                for change in &mut changes {
                    change.seen = Seen::Index;
                }
                changes
            }
            Range::Revisions { base, head } => {
                command.args([&base.0, &head.0, "--"]);
                raw_diff(&checked(&mut command)?, false)?
            }
        };
        Ok(merged(changes))
    }

    fn untracked(&self) -> Result<Vec<Change>> {
        let output =
            checked(
                self.git()
                    .args(["ls-files", "-z", "--others", "--exclude-standard"]),
            )?;
        Ok(null_separated(&output)
            .map(|path| Change {
                // A nested repository is listed as a directory, with a slash at its end.
                path: path.trim_end_matches('/').into(),
                status: Status::Added,
                seen: Seen::Untracked,
            })
            .collect())
    }

    /// The tree without files, which the first commit is compared with; its hash depends on the
    /// repository's hash function.
    fn empty_tree(&self) -> Result<String> {
        Ok(one_line(&checked(self.git().args([
            "hash-object",
            "-t",
            "tree",
            "--stdin",
        ]))?))
    }

    fn git(&self) -> Command {
        self.runner.git()
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory
    )
}

/// Reads `git ls-tree -r -z` and `git ls-files -s -z`: `MODE …TAB PATH NUL`.
fn tree_entries(output: &[u8]) -> Result<Vec<Entry>> {
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
            Ok(Entry {
                path: path.into(),
                kind,
            })
        })
        .collect()
}

fn short(commit: &Commit) -> &str {
    commit.0.get(..12).unwrap_or(&commit.0)
}

fn checked(command: &mut Command) -> Result<Vec<u8>> {
    let output = process::output(command)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed\n{}", process::shown(command), said.trim_end());
    }
    Ok(output.stdout)
}

fn one_line(output: &[u8]) -> String {
    String::from_utf8_lossy(output)
        .trim_end_matches(['\n', '\r'])
        .to_owned()
}

fn null_separated(output: &[u8]) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    output
        .split(|&byte| byte == 0)
        .filter(|path| !path.is_empty())
        .map(String::from_utf8_lossy)
}

/// Reads `git diff --raw -z`: `:mode mode hash hash status NUL path NUL …`. Against a work tree
/// the newer hash is all zeros where the file differs from the index.
fn raw_diff(output: &[u8], against_work_tree: bool) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let mut fields = null_separated(output);
    while let Some(header) = fields.next() {
        let mut parts = header.split(' ');
        let (Some(hash), Some(status)) = (parts.nth(3), parts.next()) else {
            bail!("git printed a difference that the kit cannot read: {header:?}");
        };
        let path = fields
            .next()
            .context("git's list of differences is cut short")?;
        let status = match status.as_bytes().first() {
            Some(b'A') => Status::Added,
            Some(b'D') => Status::Deleted,
            _ => Status::Modified,
        };
        let in_work_tree = against_work_tree && hash.bytes().all(|byte| byte == b'0');
        let seen = if in_work_tree {
            Seen::WorkTree
        } else {
            Seen::Commits
        };
        changes.push(Change {
            path: path.as_ref().into(),
            status,
            seen,
        });
    }
    Ok(changes)
}

/// One entry a path, sorted. Git lists a path twice where it is unmerged, and where it was
/// removed from the index but still lies in the work tree: deleted and untracked, so modified.
fn merged(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort();
    changes.dedup_by(|later, earlier| {
        let same = later.path == earlier.path;
        if same && later.status != earlier.status {
            earlier.status = Status::Modified;
            earlier.seen = earlier.seen.max(later.seen);
        }
        same
    });
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_diff_is_read_with_every_kind_of_status() {
        let hash = "1".repeat(40);
        let zero = "0".repeat(40);
        let output = format!(
            ":100644 100644 {hash} {zero} M\0src/a b.rs\0:000000 100644 {zero} {hash} A\0é.rs\0\
             :100644 000000 {hash} {zero} D\0gone.rs\0:100644 120000 {hash} {hash} T\0link\0"
        );
        let read = |work_tree| {
            raw_diff(output.as_bytes(), work_tree)
                .unwrap()
                .into_iter()
                .map(|change| format!("{:?} {:?} {}", change.seen, change.status, change.path))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            read(true),
            [
                "WorkTree Modified src/a b.rs",
                "Commits Added é.rs",
                "WorkTree Deleted gone.rs",
                "Commits Modified link",
            ]
        );
        assert!(raw_diff(b":100644 100644", false).is_err(), "cut short");
    }

    #[test]
    fn a_path_that_is_listed_twice_is_modified() {
        let change = |path: &str, status, seen| Change {
            path: path.into(),
            status,
            seen,
        };
        let merged = merged(vec![
            change("b", Status::Added, Seen::Untracked),
            change("a", Status::Modified, Seen::WorkTree),
            change("b", Status::Deleted, Seen::Commits),
        ]);
        assert_eq!(
            merged,
            [
                change("a", Status::Modified, Seen::WorkTree),
                change("b", Status::Modified, Seen::Untracked),
            ]
        );
    }
}
