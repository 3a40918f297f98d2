//! What differs between `HEAD`, the index and the work tree.

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8PathBuf;

use super::{Repository, Status, null_separated};
use crate::process;

/// A path that is not the same in all three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStatus {
    /// Relative to the top level of the repository.
    pub path: Utf8PathBuf,
    /// How the index differs from `HEAD`: what is going to be committed.
    pub staged: Option<Status>,
    /// Whether the work tree differs from the index, untracked files included.
    pub unstaged: bool,
}

impl Repository {
    /// Every path that differs, in one call of git; those that are ignored left out.
    ///
    /// # Errors
    /// Git's own message where it cannot tell.
    pub fn status(&self) -> Result<Vec<PathStatus>> {
        let mut command = self.git();
        command.args(["status", "--porcelain=v2", "-z", "--no-renames"]);
        command.args(["--untracked-files=all", "--ignore-submodules=none"]);
        parse(&process::checked(&mut command)?)
    }
}

/// Reads `1 XY SUB MODE MODE MODE HASH HASH PATH`, `u XY SUB` with four modes and three hashes, and
/// `? PATH`, as git-status(1) has it. A path that `git add --intent-to-add` announced is not going
/// to be committed: its `X` is a point.
fn parse(output: &[u8]) -> Result<Vec<PathStatus>> {
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
            staged: staged.filter(|letter| *letter != b'.').map(Status::of),
            unstaged,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

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
