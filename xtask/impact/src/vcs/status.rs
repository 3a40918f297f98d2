//! The differences between `HEAD`, the index and the work tree.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Change, ChangeStatus, Repository, Seen, TreeState, null_separated};
use crate::process;

/// A path that differs between `HEAD`, the index and the work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStatus {
    /// The path relative to the top level of the repository.
    pub path: Utf8PathBuf,
    /// The difference of the index from `HEAD`, which is going to be committed.
    pub staged: Option<ChangeStatus>,
    /// True if the work tree differs from the index, or if the file is untracked.
    pub unstaged: bool,
}

impl Repository {
    /// Returns every path that differs, with one call of git. Ignored files are left out.
    ///
    /// # Errors
    /// Returns git's own message if git fails.
    pub fn status(&self) -> Result<Vec<PathStatus>> {
        let mut command = self.git();
        command.args(["status", "--porcelain=v2", "-z", "--no-renames"]);
        command.args(["--untracked-files=all", "--ignore-submodules=none"]);
        parse(&process::checked(&mut command)?)
    }

    /// Returns every path of the work tree that differs from `HEAD`, with one call of git, and keeps
    /// the ignored paths for [`Self::ignored_paths`]. Returns `None` if the difference of a path
    /// from `HEAD` does not follow from the two differences that git lists: of the index from
    /// `HEAD`, and of the work tree from the index.
    pub(super) fn uncommitted(&self) -> Result<Option<Vec<Change>>> {
        let mut command = self.git();
        command.args(["status", "--porcelain=v2", "-z", "--no-renames"]);
        command.args(["--untracked-files=all", "--ignored=matching"]);
        command.arg("--ignore-submodules=none");
        let listed = process::checked(&mut command)?;
        let ignored = null_separated(&listed);
        let ignored = ignored.filter_map(|line| Some(line.strip_prefix("! ")?.to_owned()));
        let ignored = ignored.map(|path| path.trim_end_matches('/').into());
        self.ignored.get_or_init(|| ignored.collect());
        let lines = null_separated(&listed);
        // A header, such as the number of stashes, starts with `#`.
        let lines = lines.filter(|line| !line.starts_with(['!', '#']));
        Ok(lines.map(|line| difference_from_head(&line)).collect())
    }

    /// Returns the tracked files that differ from the index, but that git does not check because of
    /// `git update-index --assume-unchanged`, `--skip-worktree`, or a sparse checkout.
    ///
    /// # Errors
    /// Returns git's own message if git cannot list or read the files.
    pub fn hidden_differences(&self) -> Result<Vec<Utf8PathBuf>> {
        let listed = self.ask(&["ls-files", "-v", "-z"])?;
        let mut hidden = hidden(&listed);
        let staged = self.read(&TreeState::Index, &hidden)?;
        let here = self.read(&TreeState::WorkTree, &hidden)?;
        let mut differs = staged
            .into_iter()
            .zip(here)
            .map(|(staged, here)| staged != here);
        hidden.retain(|_| differs.next().unwrap_or(true));
        Ok(hidden)
    }

    /// Returns the files in the work tree that git ignores and does not track. A directory is left
    /// out if it has a `CACHEDIR.TAG`, as cargo's target directory has, if it is a repository, or
    /// if its name is `node_modules`. After 10,000 files only Rust sources are returned.
    ///
    /// # Errors
    /// Returns git's own message if git cannot list the files.
    pub fn ignored(&self) -> Result<Vec<Utf8PathBuf>> {
        let mut command = self.git();
        command.args(["status", "--porcelain=v2", "-z", "--no-renames"]);
        command.args(["--untracked-files=all", "--ignored=matching"]);
        command.arg("--ignore-submodules=all");
        let listed = process::checked(&mut command)?;
        let mut found = Vec::new();
        for line in null_separated(&listed) {
            if let Some(path) = line.strip_prefix("! ") {
                let path = Utf8Path::new(path.trim_end_matches('/'));
                gather(&self.top_level, path, &mut found);
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

/// Returns the difference of the work tree from `HEAD`, given a line of git's status. Returns `None`
/// for a submodule, for an unmerged file, and for a file that differs from the index and that
/// `HEAD` has: the file may be the same as in `HEAD`.
fn difference_from_head(line: &str) -> Option<Change> {
    if let Some(path) = line.strip_prefix("? ") {
        return Some(Change {
            // A nested repository is listed as a directory, with a slash at its end.
            path: path.trim_end_matches('/').into(),
            status: ChangeStatus::Added,
            seen: Seen::Untracked,
        });
    }
    let fields: Vec<&str> = line.splitn(9, ' ').collect();
    let ["1", letters, "N...", _, _, _, _, _, path] = fields[..] else {
        return None;
    };
    let (status, seen) = match letters {
        ".M" | ".T" => (ChangeStatus::Modified, Seen::WorkTree),
        ".D" | "D." => (ChangeStatus::Deleted, Seen::WorkTree),
        "M." | "T." => (ChangeStatus::Modified, Seen::Commits),
        "A." => (ChangeStatus::Added, Seen::Commits),
        "AM" => (ChangeStatus::Added, Seen::WorkTree),
        _ => return None,
    };
    let path = path.into();
    Some(Change { path, status, seen })
}

/// The maximum number of ignored files of any kind.
const MANY: usize = 10_000;

/// Collects the files at and below a path.
fn gather(top: &Utf8Path, path: &Utf8Path, found: &mut Vec<Utf8PathBuf>) {
    let here = top.join(path);
    let Ok(metadata) = here.symlink_metadata() else {
        return;
    };
    if !metadata.is_dir() {
        if found.len() < MANY || path.extension() == Some("rs") {
            found.push(path.to_owned());
        }
        return;
    }
    let is_left_out = path.file_name() == Some("node_modules")
        || [".git", "CACHEDIR.TAG"]
            .iter()
            .any(|it| here.join(it).exists());
    let (false, Ok(entries)) = (is_left_out, here.read_dir_utf8()) else {
        return;
    };
    for entry in entries.flatten() {
        gather(top, &path.join(entry.file_name()), found);
    }
}

/// Returns the marked paths of `git ls-files -v -z`: small letters mark files that are assumed to
/// be unchanged, `S` marks skipped files.
fn hidden(listed: &[u8]) -> Vec<Utf8PathBuf> {
    let marked = null_separated(listed).filter_map(|line| {
        let (mark, path) = line.split_once(' ')?;
        let is_hidden = mark == "S" || mark.starts_with(|it: char| it.is_ascii_lowercase());
        is_hidden.then(|| Utf8PathBuf::from(path))
    });
    marked.collect()
}

/// Parses `1 XY SUB MODE MODE MODE HASH HASH PATH`, `u XY SUB` with four modes and three hashes,
/// and `? PATH`, as in git-status(1). A path of `git add --intent-to-add` is not going to be
/// committed: its `X` is a point.
pub(super) fn parse(output: &[u8]) -> Result<Vec<PathStatus>> {
    let mut found = Vec::new();
    for line in null_separated(output) {
        let fields = match line.as_bytes().first() {
            Some(b'1') => 9,
            Some(b'u') => 11,
            Some(b'?') => 2,
            _ => continue,
        };
        let unknown = || format!("git printed a status that the kit cannot read: {line:?}");
        let path = line
            .splitn(fields, ' ')
            .nth(fields - 1)
            .with_context(unknown)?;
        let mut letters = line.bytes().skip(2);
        let (staged, unstaged) = match fields {
            2 => (None, true),
            _ => {
                let staged = letters.next().with_context(unknown)?;
                (Some(staged), letters.next() != Some(b'.'))
            }
        };
        found.push(PathStatus {
            // A nested repository is listed as a directory, with a slash at its end.
            path: path.trim_end_matches('/').into(),
            staged: staged
                .filter(|letter| *letter != b'.')
                .map(ChangeStatus::of),
            unstaged,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_files_are_read() {
        let hidden = hidden(b"H plain\0h assumed\0S skipped\0s both\0C changed\0");
        assert_eq!(hidden, ["assumed", "skipped", "both"]);
    }

    #[test]
    fn hidden_and_ignored_files_are_found() {
        use crate::process::Runner;
        use crate::testing::{scratch, write};

        let (_directory, top) = scratch();
        let runner = Runner::new().unwrap().in_directory(&top);
        let git = |arguments: &[&str]| {
            process::checked(runner.git().args(arguments)).unwrap();
        };
        git(&["init", "--quiet"]);
        for path in ["a.rs", "b.rs", "c.rs", "d.rs"] {
            write(&top.join(path), "fn f() {}");
        }
        write(&top.join(".gitignore"), "*gen.rs\n/target\n/out/\n");
        git(&["add", "--all"]);
        git(&["update-index", "--assume-unchanged", "a.rs", "b.rs"]);
        git(&["update-index", "--skip-worktree", "c.rs", "d.rs"]);
        write(&top.join("a.rs"), "edited");
        std::fs::remove_file(top.join("c.rs")).unwrap();
        for path in [
            "src/regen.rs",
            "target/CACHEDIR.TAG",
            "target/x",
            "out/deep/x",
            "new.rs",
        ] {
            write(&top.join(path), "");
        }
        let repository = Repository::discover(&runner, &top).unwrap().unwrap();
        assert_eq!(repository.hidden_differences().unwrap(), ["a.rs", "c.rs"]);
        assert_eq!(
            repository.ignored().unwrap(),
            ["out/deep/x", "src/regen.rs"]
        );
    }

    /// One call of git must list the same changes as the comparison of a commit with the work tree,
    /// whatever is staged.
    #[test]
    fn the_status_lists_the_same_changes_as_a_comparison() {
        use crate::process::Runner;
        use crate::testing::{scratch, write};
        use crate::vcs::Range;

        type Edit = (&'static str, bool, fn(&Utf8Path, &dyn Fn(&[&str])));
        let edits: [Edit; 12] = [
            ("nothing", true, |_, _| {}),
            ("edited", true, |top, _| write(&top.join("a.rs"), "edited")),
            ("staged", true, |top, git| {
                write(&top.join("a.rs"), "edited");
                git(&["add", "a.rs"]);
            }),
            ("staged and edited back", false, |top, git| {
                write(&top.join("a.rs"), "edited");
                git(&["add", "a.rs"]);
                write(&top.join("a.rs"), "fn f() {}");
            }),
            ("new", true, |top, git| {
                write(&top.join("é b.rs"), "");
                write(&top.join("c.rs"), "");
                write(&top.join("d.rs"), "");
                write(&top.join("x-gen.rs"), "");
                git(&["add", "c.rs", "d.rs"]);
                write(&top.join("d.rs"), "edited");
            }),
            ("new, and gone", false, |top, git| {
                write(&top.join("c.rs"), "");
                git(&["add", "c.rs"]);
                std::fs::remove_file(top.join("c.rs")).unwrap();
            }),
            ("announced", false, |top, git| {
                write(&top.join("c.rs"), "");
                git(&["add", "--intent-to-add", "c.rs"]);
            }),
            ("gone", true, |top, git| {
                std::fs::remove_file(top.join("a.rs")).unwrap();
                git(&["rm", "--quiet", "b/b.rs"]);
            }),
            ("no longer tracked", true, |_, git| {
                git(&["rm", "--quiet", "--cached", "a.rs"])
            }),
            ("moved", true, |_, git| git(&["mv", "a.rs", "b/a.rs"])),
            ("a file and a directory", true, |top, _| {
                std::fs::remove_file(top.join("a.rs")).unwrap();
                write(&top.join("a.rs/mod.rs"), "");
            }),
            ("a repository", true, |top, git| {
                git(&["init", "--quiet", "nested"]);
                write(&top.join("nested/x.rs"), "");
            }),
        ];
        for (story, is_simple, edit) in edits {
            let (_directory, top) = scratch();
            let runner = Runner::new().unwrap().in_directory(&top);
            let git = |arguments: &[&str]| {
                let author = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
                let arguments = [&author, arguments].concat();
                process::checked(runner.git().args(arguments)).unwrap();
            };
            git(&["init", "--quiet"]);
            write(&top.join("a.rs"), "fn f() {}");
            write(&top.join("b/b.rs"), "fn f() {}");
            write(&top.join(".gitignore"), "*gen.rs\n");
            git(&["add", "--all"]);
            git(&["commit", "--quiet", "-m", "base"]);
            edit(&top, &git);
            let open = || Repository::discover(&runner, &top).unwrap().unwrap();
            let range = Range::WorkTree {
                base: open().head().unwrap().clone(),
            };
            assert_eq!(
                open().uncommitted().unwrap().is_some(),
                is_simple,
                "{story}"
            );
            let mut compared = open();
            let changes = compared.changes(&range).unwrap();
            compared.head = None;
            assert_eq!(changes, compared.changes(&range).unwrap(), "{story}");
        }
    }

    #[test]
    fn every_kind_of_difference_is_read() {
        let (hash, zero) = ("1".repeat(40), "0".repeat(40));
        let output = format!(
            "1 MM N... 100644 100644 100644 {hash} {hash} both\0\
             1 D. N... 100644 000000 000000 {hash} {zero} d/gone\0\
             1 .A N... 000000 000000 100644 {zero} {zero} announced\0\
             1 A. N... 000000 100755 100755 {zero} {hash} a new one\0\
             1 .M N... 100644 100644 100755 {hash} {hash} mode\0\
             1 T. N... 100644 120000 120000 {hash} {hash} link\0\
             u UU N... 100644 100644 100644 100644 {hash} {hash} {hash} merged\0\
             ? not tracked\0? nested/\0"
        );
        let told: Vec<_> = parse(output.as_bytes())
            .unwrap()
            .into_iter()
            .map(|it| format!("{}: {:?} {}", it.path, it.staged, it.unstaged))
            .collect();
        expect_test::expect![[r#"
            both: Some(Modified) true
            d/gone: Some(Deleted) false
            announced: None true
            a new one: Some(Added) false
            mode: None true
            link: Some(Modified) false
            merged: Some(Modified) true
            not tracked: None true
            nested: None true"#]]
        .assert_eq(&told.join("\n"));
        assert!(parse(b"1 M").is_err());
    }
}
