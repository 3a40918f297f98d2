//! The paths that differ between two states of a repository.

use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use super::{Commit, Range, Repository, null_separated, one_line};
use crate::process;

/// The kind of a change. A rename is a deletion and an addition.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeStatus {
    /// Only the newer side has the path.
    Added,
    /// Both sides have the path, with different content, mode or type.
    Modified,
    /// Only the older side has the path.
    Deleted,
}

impl ChangeStatus {
    /// Returns the kind for git's letter.
    pub(super) fn of(letter: u8) -> Self {
        match letter {
            b'A' => Self::Added,
            b'D' => Self::Deleted,
            _ => Self::Modified,
        }
    }
}

/// The place in which the newer side of a difference was seen.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// In a commit, or staged on top of a commit.
    Commits,
    /// In the index.
    Index,
    /// In the work tree, not staged.
    WorkTree,
    /// In the work tree, but in no commit and not in the index.
    Untracked,
    /// Named by the user.
    Named,
}

/// A changed path.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// The path relative to the top level of the repository, with `/`. Absolute outside the
    /// repository.
    #[cfg_attr(feature = "testing", schemars(with = "String"))]
    pub path: Utf8PathBuf,
    /// The kind of the change.
    pub status: ChangeStatus,
    /// The place in which the change was seen.
    pub seen: Seen,
}

impl Change {
    /// Returns true for a path outside the repository, which git does not know.
    pub fn is_outside(&self) -> bool {
        self.path.is_absolute()
    }
}

impl Repository {
    /// Returns every path that differs between the two states, sorted. For a submodule that is
    /// checked out and has its older commit, the changed paths in the submodule are returned. If
    /// these include a file that configures builds, such as `Cargo.toml`, the submodule's directory
    /// is returned instead. Any other repository inside this one is returned as a directory.
    ///
    /// # Errors
    /// Returns git's own message if git cannot compare the states.
    pub fn changes(&self, range: &Range) -> Result<Vec<Change>> {
        let mut command = self.git();
        // The user's configuration must not change the list: renames stay a deletion and an
        // addition, and paths stay unquoted and relative to the top level.
        command.args(["diff", "--raw", "-z", "--no-renames", "--no-ext-diff"]);
        command.args(["--no-relative", "--no-textconv"]);
        command.args(["--ignore-submodules=none", "--no-abbrev"]);
        let changes = match range {
            Range::WorkTree { base } => {
                if self.head.as_ref() == Some(base)
                    && let Some(changes) = self.uncommitted()?
                {
                    return Ok(merged(changes));
                }
                command.args([&base.0, "--"]);
                let diff = std::thread::scope(|scope| {
                    let untracked = scope.spawn(|| self.untracked());
                    let changes = self.diff(&mut command, range)?;
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
                self.diff(&mut command, range)?
            }
            Range::Revisions { base, head } => {
                command.args([&base.0, &head.0, "--"]);
                self.diff(&mut command, range)?
            }
        };
        Ok(merged(changes))
    }

    fn diff(&self, command: &mut Command, range: &Range) -> Result<Vec<Change>> {
        let newer = match range {
            Range::WorkTree { .. } => Seen::WorkTree,
            Range::Index { .. } => Seen::Index,
            Range::Revisions { .. } => Seen::Commits,
        };
        let mut changes = Vec::new();
        for (change, submodule) in raw_diff(&process::checked(command)?, newer)? {
            let inside = submodule.and_then(|sides| self.changes_in(&change.path, sides, range));
            changes.extend(inside.unwrap_or_else(|| vec![change]));
        }
        Ok(changes)
    }

    /// Returns the changed paths in a submodule, or `None` if they are not the whole change.
    fn changes_in(
        &self,
        path: &Utf8Path,
        [base, head]: [Commit; 2],
        range: &Range,
    ) -> Option<Vec<Change>> {
        let top_level = self.top_level.join(path);
        // Without a `.git` in the submodule, git would find the outer repository there.
        if !top_level.join(".git").exists() {
            return None;
        }
        let runner = self.runner.in_directory(&top_level);
        let submodule = Self {
            runner: runner.without_variable("GIT_INDEX_FILE"),
            head: None,
            top_level,
            ignored: OnceLock::new(),
        };
        let range = match range {
            Range::WorkTree { .. } => Range::WorkTree { base },
            Range::Index { .. } | Range::Revisions { .. } => Range::Revisions { base, head },
        };
        let mut inside = submodule.changes(&range).ok()?;
        let says_how = |it: &Change| {
            let name = it.path.file_name().unwrap_or_default();
            ["Cargo.toml", "Cargo.lock"].contains(&name)
                || name.starts_with("rust-toolchain")
                || it.path.iter().any(|part| part == ".cargo")
        };
        if inside.iter().any(says_how) {
            return None;
        }
        for change in &mut inside {
            change.path = path.join(&change.path);
        }
        Some(inside)
    }

    /// Returns the paths that git neither tracks nor ignores.
    ///
    /// # Errors
    /// Returns git's own message if git cannot list the paths.
    pub fn untracked(&self) -> Result<Vec<Change>> {
        let output = self.ask(&["ls-files", "-z", "--others", "--exclude-standard"])?;
        let untracked = null_separated(&output).map(|path| Change {
            // A nested repository is listed as a directory, with a slash at its end.
            path: path.trim_end_matches('/').into(),
            status: ChangeStatus::Added,
            seen: Seen::Untracked,
        });
        Ok(untracked.collect())
    }

    /// Returns the tree without files, with which the first commit is compared. Its hash depends on
    /// the repository's hash function.
    fn empty_tree(&self) -> Result<String> {
        let output = self.ask(&["hash-object", "-t", "tree", "--stdin"])?;
        Ok(one_line(&output))
    }
}

/// Parses `git diff --raw -z`: `:mode mode hash hash status NUL path NUL …`. In a comparison with a
/// work tree, the newer hash is all zeros if the file differs from the index. If a path is a
/// submodule on both sides, the hashes are its commits.
pub(super) fn raw_diff(output: &[u8], newer: Seen) -> Result<Vec<(Change, Option<[Commit; 2]>)>> {
    const SUBMODULE: &str = "160000";
    let mut changes = Vec::new();
    let mut fields = null_separated(output);
    while let Some(header) = fields.next() {
        let [older, mode, base, hash, status] = header.split(' ').collect::<Vec<_>>()[..] else {
            bail!("git printed a difference that the kit cannot read: {header:?}");
        };
        let is_submodule = older.ends_with(SUBMODULE) && mode == SUBMODULE;
        let sides = || [base, hash].map(|hash| Commit(hash.to_owned()));
        let path = fields
            .next()
            .context("git's list of differences is cut short")?;
        let change = Change {
            path: path.as_ref().into(),
            status: status
                .bytes()
                .next()
                .map_or(ChangeStatus::Modified, ChangeStatus::of),
            seen: match newer {
                Seen::WorkTree if hash.bytes().any(|byte| byte != b'0') => Seen::Commits,
                newer => newer,
            },
        };
        changes.push((change, is_submodule.then(sides)));
    }
    Ok(changes)
}

/// Merges entries of the same path, and sorts. Git lists a path twice if it is unmerged. Git also
/// lists a path twice if it was removed from the index but still lies in the work tree: deleted and
/// untracked become modified.
fn merged(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort();
    changes.dedup_by(|later, earlier| {
        let same = later.path == earlier.path;
        if same && later.status != earlier.status {
            earlier.status = ChangeStatus::Modified;
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
             :100644 000000 {hash} {zero} D\0gone.rs\0:100644 120000 {hash} {hash} T\0link\0\
             :160000 160000 {hash} {zero} M\0sub\0:160000 000000 {hash} {zero} D\0sub gone\0"
        );
        let read = |newer| {
            raw_diff(output.as_bytes(), newer)
                .unwrap()
                .into_iter()
                .map(|(change, sides)| {
                    let sides = if sides.is_some() { " submodule" } else { "" };
                    format!(
                        "{:?} {:?} {}{sides}",
                        change.seen, change.status, change.path
                    )
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(
            read(Seen::WorkTree),
            [
                "WorkTree Modified src/a b.rs",
                "Commits Added é.rs",
                "WorkTree Deleted gone.rs",
                "Commits Modified link",
                "WorkTree Modified sub submodule",
                "WorkTree Deleted sub gone",
            ]
        );
        assert!(
            raw_diff(b":100644 100644", Seen::Commits).is_err(),
            "cut short"
        );
    }

    #[test]
    fn a_path_that_is_listed_twice_is_modified() {
        let change = |path: &str, status, seen| Change {
            path: path.into(),
            status,
            seen,
        };
        let merged = merged(vec![
            change("b", ChangeStatus::Added, Seen::Untracked),
            change("a", ChangeStatus::Modified, Seen::WorkTree),
            change("b", ChangeStatus::Deleted, Seen::Commits),
        ]);
        assert_eq!(
            merged,
            [
                change("a", ChangeStatus::Modified, Seen::WorkTree),
                change("b", ChangeStatus::Modified, Seen::Untracked),
            ]
        );
    }
}
