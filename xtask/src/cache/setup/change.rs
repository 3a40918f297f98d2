//! A change of a file: shown as lines, and then made.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context as _, Result};
use camino::Utf8PathBuf;
use xtask_impact::private_dir::write_whole;
use xtask_impact::{files, quote};

use crate::cli::output;

/// A change of a file. `None` stands for a file that does not exist.
#[derive(Debug, PartialEq)]
pub(super) struct FileChange {
    /// The file.
    pub path: Utf8PathBuf,
    /// The text before the change.
    pub before: Option<String>,
    /// The text after the change.
    pub after: Option<String>,
}

/// Returns the text of a file, without the text of a symbolic link on the way. Returns `None` if the
/// file does not exist.
///
/// # Errors
/// Returns an error if an existing file cannot be read.
pub(super) fn text_of(path: &Utf8PathBuf) -> Result<Option<String>> {
    match files::read_text(path, files::SETTINGS) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", quote::name(path))),
    }
}

impl FileChange {
    /// Returns the lines that the change removes and adds.
    pub(super) fn text(&self) -> String {
        let lines = |text: &Option<String>| -> Vec<String> {
            let text = text.as_deref().unwrap_or_default();
            text.lines()
                .map(|line| quote::line(line).into_owned())
                .collect()
        };
        let (before, after) = (lines(&self.before), lines(&self.after));
        let mut shown = format!("{}\n", quote::name(&self.path));
        for (sign, line) in differences(&before, &after) {
            shown.push_str(&format!("  {sign} {line}\n"));
        }
        shown
    }

    /// Makes the change. A symbolic link stays a link. If the file is removed and its directory is
    /// empty then, the directory is removed too.
    pub(super) fn apply(&self) -> Result<()> {
        let path = self
            .path
            .canonicalize_utf8()
            .unwrap_or_else(|_| self.path.clone());
        let directory = path.parent();
        match &self.after {
            Some(text) => {
                if let Some(directory) = directory {
                    fs::create_dir_all(directory)
                        .with_context(|| format!("cannot create {directory}"))?;
                }
                write_whole(&path, text).with_context(|| format!("cannot write {path}"))?;
                output::status("Wrote", quote::name(&self.path));
            }
            None => {
                fs::remove_file(&path).with_context(|| format!("cannot remove {path}"))?;
                output::status("Removed", quote::name(&self.path));
                // A directory with other files stays.
                drop(directory.map(fs::remove_dir));
            }
        }
        Ok(())
    }
}

/// Returns the removed and the added lines, in order: the lines outside the longest common
/// subsequence.
fn differences<'a>(before: &'a [String], after: &'a [String]) -> Vec<(char, &'a str)> {
    let same = before
        .iter()
        .zip(after)
        .take_while(|(one, other)| one == other)
        .count();
    let (before, after) = (&before[same..], &after[same..]);
    let width = after.len() + 1;
    // The lengths of the common subsequences of the ends.
    let mut lengths = vec![0_u32; (before.len() + 1) * width];
    for (at, one) in before.iter().enumerate().rev() {
        for (to, other) in after.iter().enumerate().rev() {
            let below = lengths[(at + 1) * width + to].max(lengths[at * width + to + 1]);
            let both = lengths[(at + 1) * width + to + 1] + 1;
            lengths[at * width + to] = if one == other { both } else { below };
        }
    }
    let (mut at, mut to, mut found) = (0, 0, Vec::new());
    while at < before.len() || to < after.len() {
        let is_same = before.get(at).is_some() && before.get(at) == after.get(to);
        let down = (at < before.len()).then(|| lengths[(at + 1) * width + to]);
        let right = (to < after.len()).then(|| lengths[at * width + to + 1]);
        if is_same {
            (at, to) = (at + 1, to + 1);
        } else if down >= right {
            found.push(('-', before[at].as_str()));
            at += 1;
        } else {
            found.push(('+', after[to].as_str()));
            to += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changed_lines_are_shown() {
        let change = FileChange {
            path: "a b.toml".into(),
            before: Some("[a]\nx = 1\ny = 2\n[b]\n".to_owned()),
            after: Some("[a]\nw = 0\nx = 1\n[b]\nz = 3\u{1b}\n".to_owned()),
        };
        let shown = change.text();
        assert!(!shown.contains('\u{1b}'));
        let lines: Vec<_> = shown.lines().skip(1).map(|it| &it[..7]).collect();
        assert_eq!(lines, ["  + w =", "  - y =", "  + z ="]);
    }
}
