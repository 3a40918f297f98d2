//! What makes caches lie or builds slow: found, not guessed. Every check says what it read.
//!
//! Each module is a group of checks that read the same things. In a group, reading comes first; what
//! follows from what was read is decided by functions on plain values.

mod ci_files;
mod cost;
mod dependencies;
pub mod disk;
mod environment;
mod inherit;
mod layout;
mod policy_cost;
mod recorded;
mod scripts;
mod shared;
pub mod tracked;
mod workflow;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::time::SystemTime;

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

pub use self::cost::BuildTimes;
use crate::finding::{Check, Finding, Level, Place};
use crate::graph::UnitGraph;
use crate::process::Runner;
use crate::repo::git::{EntryKind, Repository, State};
use crate::repo::{files, resolved};
use crate::workspace::{Package, Workspace};

/// What is examined.
pub struct Patient<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// Starts git and cargo in the workspace's root.
    pub runner: &'a Runner,
    /// The repository that holds it, if one does.
    pub repository: Option<&'a Repository>,
    /// What the newest kept timings say of macros.
    pub macros: Option<MacroTimes>,
    /// How long a kept build of everything took.
    pub times: Option<BuildTimes>,
    /// When.
    pub now: SystemTime,
    /// What could not be looked at, and why.
    pub notes: RefCell<Vec<String>>,
    top_level: Utf8PathBuf,
    /// The workspace's root below it.
    root_below: Option<Utf8PathBuf>,
    /// The files that git tracks, below the top level.
    tracked: OnceCell<Vec<Utf8PathBuf>>,
    units: OnceCell<UnitGraph>,
}

/// How long procedural macros, and what is built for them alone, hold a build up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MacroTimes {
    /// The run, as `timings list` calls it.
    pub run: String,
    /// Seconds of its critical path.
    pub path: f64,
    /// Seconds of the path by package, of those.
    pub packages: Vec<(String, f64)>,
}

/// Checks that read the same things, and what looks for all of them.
type Group = (
    &'static [&'static Check],
    fn(&Patient<'_>) -> Result<Vec<Finding>>,
);

const GROUPS: &[Group] = &[
    (scripts::CHECKS, scripts::examine),
    (environment::CHECKS, environment::examine),
    (layout::CHECKS, layout::examine),
    (ci_files::CHECKS, ci_files::examine),
    (dependencies::CHECKS, dependencies::examine),
    (inherit::CHECKS, inherit::examine),
    (shared::CHECKS, shared::examine),
    (disk::CHECKS, disk::examine),
    (tracked::CHECKS, tracked::examine),
];

/// That the workspace does not build in the new layout: found by a build, where one is asked for.
pub static LAYOUT_BUILD: Check = Check {
    code: "layout-v2-build",
    level: Level::Error,
    cost: "The workspace does not build with cargo 1.100 and later, which lay the build directory \
           out anew.",
    explanation: "Read, with `--layout-v2` alone: the end of `cargo build --workspace \
                  --all-targets` in the new layout, in a scratch directory that is removed; where \
                  that fails, the same build in the former layout has to succeed.\n\nMend: see \
                  what cargo says; mostly a build script or a test looks for a file where the \
                  former layout had it.",
};

/// Every check of doctor's own.
pub fn checks() -> Vec<&'static Check> {
    let checks = GROUPS.iter().flat_map(|(checks, _)| *checks).copied();
    checks.chain([&LAYOUT_BUILD]).collect()
}

/// What the wanted checks find.
///
/// # Errors
/// Git, cargo or the disk, where something that is there cannot be read.
pub fn examine(patient: &Patient<'_>, wanted: &dyn Fn(&Check) -> bool) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for (checks, examine) in GROUPS {
        if checks.iter().any(|check| wanted(check)) {
            found.extend(examine(patient)?);
        }
    }
    for (path, why) in files::take_skipped() {
        patient.note_skipped(&path, &why);
    }
    found.retain(|finding| wanted(finding.check));
    state_costs(patient, &mut found);
    Ok(found)
}

/// Gives each finding, of this and of other checks, its cost in the workspace.
pub fn state_costs(patient: &Patient<'_>, found: &mut [Finding]) {
    for finding in found {
        cost::complete(patient, finding);
    }
}

/// Returns what a build of all of the workspace takes, in figures.
pub fn whole_build(patient: &Patient<'_>) -> String {
    cost::from_nothing(patient)
}

impl<'a> Patient<'a> {
    /// A workspace as it is now.
    pub fn new(
        workspace: &'a Workspace,
        runner: &'a Runner,
        repository: Option<&'a Repository>,
    ) -> Self {
        let root = resolved(&workspace.root);
        let mut notes = Vec::new();
        let top_level = match repository {
            Some(repository) => repository.top_level().to_owned(),
            None => {
                let what = "so its sources, commands and CI files were not looked at";
                notes.push(format!("{root} is in no git repository, {what}"));
                root.clone()
            }
        };
        Self {
            workspace,
            runner,
            repository,
            macros: None,
            times: None,
            now: SystemTime::now(),
            notes: RefCell::new(notes),
            root_below: root.strip_prefix(&top_level).map(Utf8Path::to_owned).ok(),
            top_level,
            tracked: OnceCell::new(),
            units: OnceCell::new(),
        }
    }

    /// The repository's top level, or the workspace's root where there is none.
    pub fn top_level(&self) -> &Utf8Path {
        &self.top_level
    }

    /// The files that git tracks, below the top level; none outside a repository.
    fn tracked(&self) -> Result<&[Utf8PathBuf]> {
        if let Some(tracked) = self.tracked.get() {
            return Ok(tracked);
        }
        let entries = match self.repository {
            Some(repository) => repository.entries(&State::Index)?,
            None => Vec::new(),
        };
        let files = entries.into_iter().filter(|it| it.kind == EntryKind::File);
        let files = files.map(|it| it.path);
        Ok(self.tracked.get_or_init(|| files.collect()))
    }

    /// Returns a tracked file's text; none where the file is not there or not UTF-8. A file that
    /// was skipped is noted.
    fn text(&self, file: &Utf8Path) -> Option<String> {
        match files::read_text(self.top_level.join(file), Self::TEXT) {
            Ok(text) => Some(text),
            Err(error) => {
                let skipped = [ErrorKind::FileTooLarge, ErrorKind::InvalidInput];
                if skipped.contains(&error.kind()) {
                    self.note_skipped(file, &error);
                }
                None
            }
        }
    }

    /// The largest file that is read line by line; what is larger was not written by hand.
    const TEXT: files::Limit = files::Limit(4 << 20);

    /// Notes once that a file was not looked at.
    fn note_skipped(&self, file: &Utf8Path, why: &dyn std::fmt::Display) {
        let note = format!("{file} was not looked at: {why}");
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// A place by its path below the top level, where it is there.
    pub fn place(&self, path: &Utf8Path, line: Option<usize>) -> Place {
        let path = self.below(path).unwrap_or_else(|| path.to_owned());
        Place::Path { path, line }
    }

    /// A path as it is below the top level.
    pub fn below(&self, path: &Utf8Path) -> Option<Utf8PathBuf> {
        if path.is_relative() {
            return Some(path.to_owned());
        }
        if let Ok(below) = path.strip_prefix(&self.top_level) {
            return Some(below.to_owned());
        }
        // The workspace's root may be reached by a link, and git's top level has none.
        let below = path.strip_prefix(&self.workspace.root).ok()?;
        Some(self.root_below.as_ref()?.join(below))
    }

    /// The path packages, by their directories below the top level.
    fn own_packages(&self) -> HashMap<Utf8PathBuf, &Package> {
        let packages = self.workspace.packages.iter();
        let own = packages.filter(|it| it.source.is_none());
        let own = own.filter_map(|it| Some((self.below(it.directory())?, it)));
        own.collect()
    }
}

/// The first of a list, a line each, and how many more there are.
fn first(number: usize, all: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = all.len().saturating_sub(number);
    let more = (more > 0).then(|| format!("and {more} more"));
    all.take(number).chain(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_every_check_and_no_other() {
        let documentation = include_str!("../../docs/doctor.md");
        let rows = documentation
            .lines()
            .filter_map(|line| line.strip_prefix("| `"));
        let mut documented: Vec<_> = rows
            .filter_map(|row| {
                let (code, rest) = row.split_once("` | ")?;
                Some(format!("{code} {}", rest.split(' ').next()?))
            })
            .collect();
        let known = checks();
        let word = |level| format!("{level:?}").to_lowercase();
        let mut known: Vec<_> = known
            .iter()
            .map(|it| format!("{} {}", it.code, word(it.level)))
            .collect();
        documented.sort();
        known.sort();
        assert_eq!(documented, known);
    }

    #[test]
    fn explanations_say_what_is_read_and_how_to_mend() {
        for Check {
            code, explanation, ..
        } in checks()
        {
            assert!(
                explanation.starts_with("Read: ") || explanation.starts_with("Read, "),
                "{code}"
            );
            assert!(explanation.contains("\n\nMend: "), "{code}");
        }
    }
}
