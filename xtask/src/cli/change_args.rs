//! Arguments that name a change set.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use camino::Utf8PathBuf;
use xtask_impact::change_set::{ChangeRequest, ComparedStates, NamedFiles, path_list};
use xtask_impact::{quote, usage};

use crate::cli::completion::packages;

/// The change set. By default, the work tree, including untracked files, is compared with the merge
/// base with the first of `origin/HEAD`, `origin/main`, `origin/master`, `main`, `master`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Change set")]
pub(crate) struct ChangeArgs {
    /// Compare with the merge base of REV and HEAD
    ///
    /// By default, REV is the first of these branches that exists: origin/HEAD, origin/main,
    /// origin/master, main, master.
    #[arg(long, value_name = "REV", conflicts_with_all = ["since", "staged"])]
    base: Option<String>,
    /// Compare with REV itself
    ///
    /// For example, after a pull: --since @{1}
    #[arg(long, value_name = "REV", conflicts_with = "staged")]
    since: Option<String>,
    /// Compare up to REV instead of the work tree
    #[arg(long, hide_short_help = true, value_name = "REV", conflicts_with_all = ["staged", "ci", "last_success"])]
    pub(crate) head: Option<String>,
    /// Compare HEAD with the index
    #[arg(long, hide_short_help = true)]
    staged: bool,
    /// Treat this path as changed; it is relative to the current directory or to the top level of
    /// the repository (repeatable)
    #[arg(
        long,
        hide_short_help = true,
        value_name = "PATH",
        allow_hyphen_values = true
    )]
    file: Vec<String>,
    /// Treat the paths in this file as changed, one per line or separated by NUL (- reads stdin)
    #[arg(long, hide_short_help = true, value_name = "PATH")]
    files_from: Option<Utf8PathBuf>,
    /// Treat this PACKAGE[:TARGET] as changed (repeatable)
    #[arg(long, value_name = "SPEC", add = packages())]
    assume_changed: Vec<String>,
    /// Treat everything as changed
    #[arg(long)]
    all: bool,
    /// Compare with the base commit of the CI service
    ///
    /// The service names the commit in its variables.
    #[arg(long, conflicts_with_all = ["base", "since", "staged"])]
    ci: bool,
    /// Like --ci, but compare a branch with REV, the commit of its last successful run; if no run
    /// has succeeded yet, pass an empty REV
    #[arg(long, hide_short_help = true, value_name = "REV", conflicts_with_all = ["base", "since", "staged"])]
    pub(crate) last_success: Option<String>,
}

impl ChangeArgs {
    /// Resolves the arguments to plain values.
    ///
    /// # Errors
    /// Returns an error if a value is empty or if a list of files cannot be read.
    pub(crate) fn resolve(&self) -> Result<ChangeRequest> {
        self.refuse_empty()?;
        let mut paths = self.file.clone();
        if let Some(source) = &self.files_from {
            paths.extend(match source == "-" {
                true => path_list::read(std::io::stdin().lock(), "standard input")?,
                false => {
                    let file = std::fs::File::open(source)
                        .map_err(|error| usage!("cannot read {}: {error}", quote::name(&source)))?;
                    path_list::read(file, source.as_str())?
                }
            });
        }
        let directory = std::env::current_dir().context("cannot read the current directory")?;
        let directory =
            Utf8PathBuf::try_from(directory).context("the current directory is not UTF-8")?;
        let are_named = !self.file.is_empty() || self.files_from.is_some();
        Ok(ChangeRequest {
            // Without a comparison flag, only the paths and packages that the user names count as
            // changed.
            compare: (self.compares() || !self.names_something()).then(|| self.comparison()),
            files: are_named.then_some(NamedFiles { directory, paths }),
            assumed: self.assume_changed.clone(),
            all: self.all,
        })
    }

    /// Counts these paths as changed, and nothing else.
    pub(crate) fn count_as_changed(&mut self, paths: &BTreeSet<Utf8PathBuf>) {
        self.file = paths.iter().map(|it| it.to_string()).collect();
    }

    /// Returns the flags that were given.
    pub(crate) fn given(&self) -> Vec<&'static str> {
        let flags = [
            ("--base", self.base.is_some()),
            ("--since", self.since.is_some()),
            ("--head", self.head.is_some()),
            ("--staged", self.staged),
            ("--file", !self.file.is_empty()),
            ("--files-from", self.files_from.is_some()),
            ("--assume-changed", !self.assume_changed.is_empty()),
            ("--all", self.all),
            ("--ci", self.ci),
            ("--last-success", self.last_success.is_some()),
        ];
        let given = flags.iter().filter(|(_, is_given)| *is_given);
        given.map(|(name, _)| *name).collect()
    }

    /// Returns an error if a value is empty, as for a variable that is not set.
    fn refuse_empty(&self) -> Result<()> {
        let is_empty = |value: &Option<String>| value.as_ref().is_some_and(String::is_empty);
        let files_from = self.files_from.as_ref();
        for (name, is_empty) in [
            ("--base", is_empty(&self.base)),
            ("--since", is_empty(&self.since)),
            ("--head", is_empty(&self.head)),
            ("--file", self.file.iter().any(String::is_empty)),
            ("--files-from", files_from.is_some_and(|it| it == "")),
            (
                "--assume-changed",
                self.assume_changed.iter().any(String::is_empty),
            ),
        ] {
            if is_empty {
                return Err(usage!(
                    "{name} is empty\nhint: check that the variable in your script is set"
                ));
            }
        }
        Ok(())
    }

    /// Returns true if continuous integration chooses the base.
    pub(crate) fn is_in_ci(&self) -> bool {
        self.ci || self.last_success.is_some()
    }

    pub(crate) fn compares(&self) -> bool {
        self.base.is_some() || self.since.is_some() || self.head.is_some() || self.staged
    }

    pub(crate) fn names_something(&self) -> bool {
        !self.file.is_empty()
            || self.files_from.is_some()
            || !self.assume_changed.is_empty()
            || self.all
    }

    fn comparison(&self) -> ComparedStates {
        match (&self.since, self.staged) {
            (_, true) => ComparedStates::Staged,
            (Some(since), _) => ComparedStates::Since {
                revision: since.clone(),
                head: self.head.clone(),
            },
            (None, _) => ComparedStates::Base {
                revision: self.base.clone(),
                head: self.head.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        change: ChangeArgs,
    }

    #[test]
    fn empty_values_are_refused() {
        for name in [
            "--base",
            "--since",
            "--head",
            "--file",
            "--files-from",
            "--assume-changed",
        ] {
            let line = Line::try_parse_from(["x", name, ""]).unwrap();
            let error = line.change.resolve().unwrap_err();
            let expected = format!(
                "{name} is empty\nhint: check that the variable in your script \
                                    is set"
            );
            assert_eq!(error.to_string(), expected);
        }
        let line = Line::try_parse_from(["x", "--last-success", ""]).unwrap();
        assert!(line.change.resolve().is_ok());
    }
}
