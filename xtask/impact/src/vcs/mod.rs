//! Git: the paths that differ between two states of the repository, and their contents.

mod diff;
mod export;
mod files;
mod mirror;
mod status;

use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
pub use diff::{Change, ChangeStatus, Seen};
pub use export::Export;
pub use files::{EntryKind, TreeEntry};
use serde::Serialize;
pub use status::PathStatus;

use crate::process::{self, Runner};
use crate::{quote, usage};

/// A repository with a work tree.
pub struct Repository {
    runner: Runner,
    top_level: Utf8PathBuf,
    head: Option<Commit>,
    /// The ignored paths that one call of git listed together with the changes.
    ignored: OnceLock<Vec<Utf8PathBuf>>,
}

/// Two states of the repository to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// A commit and the work tree, untracked files included.
    WorkTree {
        /// The older side.
        base: Commit,
    },
    /// `HEAD`, or nothing before the first commit, and the index.
    Index {
        /// The older side; `None` before the first commit.
        head: Option<Commit>,
    },
    /// A commit and another commit.
    Revisions {
        /// The older side.
        base: Commit,
        /// The newer side.
        head: Commit,
    },
}

/// One state of the repository's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeState {
    /// The files of a commit.
    Commit(Commit),
    /// The files of the index.
    Index,
    /// The files on disk, without files that git ignores.
    WorkTree,
    /// No files, as before the first commit.
    Empty,
}

impl Range {
    /// Returns the older state.
    pub fn before(&self) -> TreeState {
        match self {
            Self::WorkTree { base } | Self::Revisions { base, .. } => {
                TreeState::Commit(base.clone())
            }
            Self::Index { head: Some(head) } => TreeState::Commit(head.clone()),
            Self::Index { head: None } => TreeState::Empty,
        }
    }

    /// Returns the newer state.
    pub fn after(&self) -> TreeState {
        match self {
            Self::WorkTree { .. } => TreeState::WorkTree,
            Self::Index { .. } => TreeState::Index,
            Self::Revisions { head, .. } => TreeState::Commit(head.clone()),
        }
    }
}

/// A commit, by its full hash.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Commit(pub String);

/// The branches that the kit tries as the default base, in this order.
pub const DEFAULT_BASES: [&str; 5] = [
    "origin/HEAD",
    "origin/main",
    "origin/master",
    "main",
    "master",
];

impl Repository {
    /// Returns the repository that holds a directory, or `None` if there is none. `GIT_DIR` and
    /// `GIT_WORK_TREE` name the repository if their work tree holds the directory, unless another
    /// repository lies in between.
    ///
    /// # Errors
    /// Returns an error if git cannot be started or refuses the repository, because of its owner or
    /// because it has no work tree.
    pub fn discover(runner: &Runner, directory: &Utf8Path) -> Result<Option<Self>> {
        let runner = runner.in_directory(directory).without_named_repository();
        let nearest = Self::open(&runner, directory);
        let Some(named) = runner.with_named_repository() else {
            return nearest;
        };
        let Ok(Some(named)) = Self::open(&named, directory) else {
            return nearest;
        };
        let is_named = crate::paths::resolved(directory).starts_with(&named.top_level)
            && match &nearest {
                Ok(Some(nearest)) => {
                    named.top_level.starts_with(&nearest.top_level)
                        && named.git_directory()? != nearest.git_directory()?
                }
                _ => true,
            };
        match is_named {
            true => Ok(Some(named)),
            false => nearest,
        }
    }

    /// Returns the repository that git finds with this runner.
    fn open(runner: &Runner, directory: &Utf8Path) -> Result<Option<Self>> {
        let ask = ["rev-parse", "--show-toplevel", "HEAD^{commit}"];
        let output = process::output(runner.git().args(ask))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let mut lines = said.lines();
        // Before the first commit, git prints the directory and then fails at `HEAD`.
        let Some(top_level) = lines.next().filter(|line| *line != "HEAD^{commit}") else {
            let stderr = String::from_utf8_lossy(&output.stderr);
            if stderr.contains("not a git repository") {
                return Ok(None);
            }
            bail!(
                "git cannot open the repository of {}\n{}",
                quote::name(&directory),
                stderr.trim_end()
            );
        };
        let head = lines.next().filter(|_| output.status.success());
        let top_level = Utf8PathBuf::from(top_level);
        Ok(Some(Self {
            runner: runner.in_directory(&top_level).with_work_tree(&top_level),
            head: head.map(|head| Commit(head.to_owned())),
            top_level,
            ignored: OnceLock::new(),
        }))
    }

    /// Returns the top level of the work tree as git prints it: the canonical path.
    pub fn top_level(&self) -> &Utf8Path {
        &self.top_level
    }

    /// Returns the commit that a revision names.
    ///
    /// # Errors
    /// Returns an error if there is no such commit. The message says what to fetch.
    pub fn commit(&self, revision: &str) -> Result<Commit> {
        self.known(revision)?.ok_or_else(|| {
            let remedy = match () {
                () if !revision.is_empty() && revision.bytes().all(|byte| byte == b'0') => {
                    "zeros mean that there is no commit before; pass --all"
                }
                () if self.is_shallow() => {
                    "this clone is shallow: run `git fetch --unshallow`, or fetch that revision \
                     with enough depth"
                }
                () if self.is_before_first(revision) => {
                    "the history has no commit that early; pass --all"
                }
                () => "fetch it, or pass another revision with --base or --since",
            };
            usage!(
                "git knows no revision `{}`\nhint: {remedy}",
                quote::name(&revision)
            )
        })
    }

    /// Returns true if a revision such as `HEAD~3` would lie before the first commit.
    fn is_before_first(&self, revision: &str) -> bool {
        // `^2` names the second parent of a merge, which an ordinary commit does not have.
        let first_parents = |rest: &str| {
            let is_step = |it: char| it == '~' || it == '^' || it.is_ascii_digit();
            rest.chars().all(is_step) && !rest.contains("^2")
        };
        let split = revision.find(['~', '^']).map(|at| revision.split_at(at));
        let start = split.filter(|(start, rest)| !start.is_empty() && first_parents(rest));
        start.is_some_and(|(start, _)| matches!(self.known(start), Ok(Some(_))))
    }

    /// Returns the commit that a revision names, or `None` if git does not know the revision.
    ///
    /// # Errors
    /// Returns an error if git cannot be started.
    pub fn known(&self, revision: &str) -> Result<Option<Commit>> {
        if revision == "HEAD" {
            return Ok(self.head.clone());
        }
        self.peeled(revision, "commit")
            .map(|object| object.map(Commit))
    }

    /// Returns true if the repository has an object of any kind with this name.
    ///
    /// # Errors
    /// Returns an error if git cannot be started.
    pub fn has_object(&self, name: &str) -> Result<bool> {
        Ok(self.peeled(name, "object")?.is_some())
    }

    /// Returns the object of a kind that a revision leads to, or `None` if there is none.
    fn peeled(&self, revision: &str, kind: &str) -> Result<Option<String>> {
        let name = format!("{revision}^{{{kind}}}");
        let mut command = self.git();
        command.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
        let output = process::output(command.arg(name))?;
        let object = || one_line(&output.stdout);
        Ok(output.status.success().then(object))
    }

    /// Returns `HEAD` as it was when the repository was opened, or `None` before the first commit.
    pub fn head(&self) -> Option<&Commit> {
        self.head.as_ref()
    }

    /// Returns the older and the newer state of a range. Without a range, these are `HEAD` and the
    /// work tree.
    pub fn sides(&self, range: Option<&Range>) -> (TreeState, TreeState) {
        match range {
            Some(range) => (range.before(), range.after()),
            None => (
                self.head
                    .clone()
                    .map_or(TreeState::Empty, TreeState::Commit),
                TreeState::WorkTree,
            ),
        }
    }

    /// Returns the first of [`DEFAULT_BASES`] that exists, and its commit.
    ///
    /// # Errors
    /// Returns an error if none exists, or if there is no commit at all.
    pub fn default_base(&self) -> Result<(&'static str, Commit)> {
        // One call of git answers for all branches: it prints a line for each that exists.
        let mut command = self.git();
        command.args(["for-each-ref", "--format=%(refname) %(objectname)"]);
        let refs = |name: &str| match name.strip_prefix("origin/") {
            Some(_) => format!("refs/remotes/{name}"),
            None => format!("refs/heads/{name}"),
        };
        command.args(DEFAULT_BASES.iter().map(|name| refs(name)));
        let output = process::checked(&mut command)?;
        let found = String::from_utf8_lossy(&output);
        let found = DEFAULT_BASES.into_iter().find_map(|name| {
            let mut lines = found.lines().filter_map(|line| line.split_once(' '));
            let (_, commit) = lines.find(|(known, _)| *known == refs(name))?;
            Some((name, Commit(commit.to_owned())))
        });
        if let Some(found) = found {
            return Ok(found);
        }
        if self.head.is_none() {
            return Err(usage!(
                "{} has no commit yet to compare with\nhint: commit first, or pass --staged, \
                 --file, --assume-changed or --all",
                quote::name(&self.top_level)
            ));
        }
        Err(usage!(
            "no base branch found (tried {})\nhint: pass --base <REV> or --since <REV>",
            DEFAULT_BASES.join(", ")
        ))
    }

    /// Returns the merge base of two commits.
    ///
    /// # Errors
    /// Returns an error if the commits have no common ancestor in this clone.
    pub fn merge_base(&self, one: &Commit, other: &Commit) -> Result<Commit> {
        if one == other {
            return Ok(one.clone());
        }
        let output = process::output(self.git().args(["merge-base", &one.0, &other.0]))?;
        if output.status.success() {
            return Ok(Commit(one_line(&output.stdout)));
        }
        let remedy = if self.is_shallow() {
            "this clone is shallow: run `git fetch --unshallow` (in CI, check out the full history)"
        } else {
            "compare the two directly with --since"
        };
        Err(usage!(
            "{} and {} have no common ancestor in this clone\nhint: {remedy}",
            short(one),
            short(other)
        ))
    }

    /// Returns a commit and its last `count` ancestors, by first parents, the oldest first.
    ///
    /// # Errors
    /// Returns git's own message if git cannot list the commits.
    pub fn history(&self, head: &Commit, count: usize) -> Result<Vec<Commit>> {
        let count = format!("--max-count={}", count.saturating_add(1));
        let output = self.ask(&["rev-list", "--first-parent", "--reverse", &count, &head.0])?;
        let output = String::from_utf8_lossy(&output);
        let commits = output.lines().map(|line| Commit(line.to_owned()));
        Ok(commits.collect())
    }

    /// Returns the number of commits that a remote lacks, and the commits of the remote that they
    /// start from. Remote-tracking branches show which commits the remote has.
    ///
    /// # Errors
    /// Returns git's own message if git cannot list the commits.
    pub fn unpushed(&self, head: &Commit, remote: &str) -> Result<(usize, Vec<Commit>)> {
        let remotes = format!("--remotes={remote}");
        let output = self.ask(&["rev-list", "--boundary", &head.0, "--not", &remotes])?;
        let output = String::from_utf8_lossy(&output);
        let (boundary, lacking): (Vec<&str>, Vec<&str>) =
            output.lines().partition(|line| line.starts_with('-'));
        let boundary = boundary.iter().map(|line| Commit(line[1..].to_owned()));
        Ok((lacking.len(), boundary.collect()))
    }

    fn git_directory(&self) -> Result<Utf8PathBuf> {
        let output = self.ask(&["rev-parse", "--absolute-git-dir"])?;
        Ok(crate::paths::resolved(Utf8Path::new(&one_line(&output))))
    }

    /// Returns true if this clone lacks a part of its history.
    pub fn is_shallow(&self) -> bool {
        process::output(self.git().args(["rev-parse", "--is-shallow-repository"]))
            .is_ok_and(|output| one_line(&output.stdout) == "true")
    }

    fn git(&self) -> Command {
        self.runner.git()
    }

    /// Returns the output of git with these arguments.
    fn ask(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        process::checked(self.git().args(arguments))
    }
}

/// Parses the output of each git command that lists changes or files.
#[cfg(fuzzing)]
pub(crate) fn parse_all(output: &[u8]) {
    drop(diff::raw_diff(output, Seen::WorkTree));
    drop(status::parse(output));
    drop(files::tree_entries(output));
}

fn short(commit: &Commit) -> &str {
    commit.0.get(..12).unwrap_or(&commit.0)
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
