//! Which paths differ between two states.

use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use super::{Commit, Range, Repository, null_separated, one_line};
use crate::process;

/// What happened to a path. A rename is a deletion and an addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeStatus {
    /// Only the newer side has it.
    Added,
    /// Both sides have it, with different content, mode or type.
    Modified,
    /// Only the older side has it.
    Deleted,
}

impl ChangeStatus {
    /// By the letter that git has for it.
    pub(super) fn of(letter: u8) -> Self {
        match letter {
            b'A' => Self::Added,
            b'D' => Self::Deleted,
            _ => Self::Modified,
        }
    }
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
    /// Relative to the top level of the repository, with `/`; absolute outside the repository.
    pub path: Utf8PathBuf,
    /// What happened to it.
    pub status: ChangeStatus,
    /// Where that was seen.
    pub seen: Seen,
}

impl Change {
    /// Returns true for a path outside the repository, of which git knows nothing.
    pub fn is_outside(&self) -> bool {
        self.path.is_absolute()
    }
}

impl Repository {
    /// Every path that differs between the two states, sorted. Of a submodule that is checked out
    /// and has its older commit, these are the paths in it, unless a file that says how it is built
    /// is among them: then it is the directory, as of every other repository in this one.
    ///
    /// # Errors
    /// Git's own message where it cannot compare.
    pub fn changes(&self, range: &Range) -> Result<Vec<Change>> {
        let mut command = self.git();
        // The user's configuration must not change what is listed: renames stay a deletion and
        // an addition, paths stay relative to the top level and unquoted.
        command.args(["diff", "--raw", "-z", "--no-renames", "--no-ext-diff"]);
        command.args(["--no-relative", "--no-textconv"]);
        command.args(["--ignore-submodules=none", "--no-abbrev"]);
        let changes = match range {
            Range::WorkTree { base } => {
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

    /// What differs in a submodule, where that tells all.
    fn changes_in(
        &self,
        path: &Utf8Path,
        [base, head]: [Commit; 2],
        range: &Range,
    ) -> Option<Vec<Change>> {
        let top_level = self.top_level.join(path);
        // Without one of its own git would find this repository there.
        if !top_level.join(".git").exists() {
            return None;
        }
        let runner = self.runner.in_directory(&top_level);
        let submodule = Self {
            runner: runner.without_variable("GIT_INDEX_FILE"),
            head: None,
            top_level,
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

    /// Returns the paths that git neither tracks nor is told to ignore.
    ///
    /// # Errors
    /// Git's own message where it cannot list.
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

    /// The tree without files, which the first commit is compared with; its hash depends on the
    /// repository's hash function.
    fn empty_tree(&self) -> Result<String> {
        let output = self.ask(&["hash-object", "-t", "tree", "--stdin"])?;
        Ok(one_line(&output))
    }
}

/// Reads `git diff --raw -z`: `:mode mode hash hash status NUL path NUL …`. Against a work tree
/// the newer hash is all zeros where the file differs from the index. Of a submodule on both sides
/// the hashes are its commits.
fn raw_diff(output: &[u8], newer: Seen) -> Result<Vec<(Change, Option<[Commit; 2]>)>> {
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

/// One entry a path, sorted. Git lists a path twice where it is unmerged, and where it was
/// removed from the index but still lies in the work tree: deleted and untracked, so modified.
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
