//! The checks of `doctor`: mistakes that make caches unreliable or builds slow. Every finding names
//! the evidence that the check read.
//!
//! Each module is a group of checks that read the same files or records. In each group, the
//! functions that read are separate from the functions that decide; the latter work on plain
//! values.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::time::SystemTime;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::files;
use xtask_impact::paths::resolved;
use xtask_impact::process::Runner;
use xtask_impact::unit_graph::UnitGraph;
use xtask_impact::vcs::{EntryKind, Repository, TreeState};
use xtask_impact::workspace::{Package, Workspace};

use crate::checks::{Check, Finding, Level, Place};
pub(crate) use crate::doctor::cost::BuildTimes;
use crate::doctor::{
    artifacts, ci_files, compiler_cache, cost, dependencies, disk, environment, inherit, layout,
    scripts, shared, tracked,
};

/// The workspace that is checked, with the facts that several checks need.
pub(crate) struct Context<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// Starts git and cargo in the workspace's root.
    pub runner: &'a Runner,
    /// The repository that contains the workspace; `None` if there is no repository.
    pub repository: Option<&'a Repository>,
    /// The times of procedural macros in the newest timings of a build of everything.
    pub macros: Option<MacroTimes>,
    /// The times of the newest recorded build of everything.
    pub times: Option<BuildTimes>,
    /// The time of the check. A source with a later time is a finding.
    pub now: SystemTime,
    /// Notes about files and facts that could not be read, each with the reason.
    pub notes: RefCell<Vec<String>>,
    top_level: Utf8PathBuf,
    /// The workspace's root, relative to the top level.
    root_below: Option<Utf8PathBuf>,
    /// The files that git tracks, relative to the top level.
    tracked: OnceCell<Vec<Utf8PathBuf>>,
    pub(crate) units: OnceCell<UnitGraph>,
}

/// The time for which procedural macros and their dependencies delay a build.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MacroTimes {
    /// The name of the run, as in `timings list`.
    pub run: String,
    /// The length of the run's critical path, in seconds.
    pub path: f64,
    /// The seconds that each package with such units adds to the critical path.
    pub packages: Vec<(String, f64)>,
}

/// A group of checks that read the same files or records, and the function that runs all of them.
type Group = (
    &'static [&'static Check],
    fn(&Context<'_>) -> Result<Vec<Finding>>,
);

const GROUPS: &[Group] = &[
    (scripts::CHECKS, scripts::check),
    (environment::CHECKS, environment::check),
    (layout::CHECKS, layout::check),
    (ci_files::CHECKS, ci_files::check),
    (compiler_cache::CHECKS, compiler_cache::check),
    (dependencies::CHECKS, dependencies::check),
    (inherit::CHECKS, inherit::check),
    (shared::CHECKS, shared::check),
    (disk::CHECKS, disk::check),
    (artifacts::CHECKS, artifacts::check),
    (tracked::CHECKS, tracked::check),
];

/// The check that the workspace builds in cargo's new layout. Only `--layout-v2` runs this check,
/// because it builds the workspace.
pub(crate) static LAYOUT_BUILD: Check = Check {
    code: "layout-v2-build",
    level: Level::Error,
    finds: "A build that fails in the build directory layout of cargo 1.100",
    cost: "The workspace does not build with cargo 1.100 and later, which use a new layout of the \
           build directory.",
    explanation: "Read, only with `--layout-v2`: the result of `cargo build --workspace \
                  --all-targets` in the new layout, in a temporary directory. Reported if that \
                  build fails, but the same build in the old layout succeeds.\n\nFix: read the \
                  errors of cargo; usually a build script or a test looks for a file at its old \
                  path.",
};

/// Returns all checks of `doctor`.
pub(crate) fn checks() -> Vec<&'static Check> {
    let checks = GROUPS.iter().flat_map(|(checks, _)| *checks).copied();
    checks.chain([&LAYOUT_BUILD]).collect()
}

/// Runs the wanted checks and returns their findings.
///
/// # Errors
/// Returns an error if git or cargo fails, or if an existing file cannot be read.
pub(crate) fn check(
    context: &Context<'_>,
    wanted: &dyn Fn(&Check) -> bool,
) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for (checks, find) in GROUPS {
        if checks.iter().any(|check| wanted(check)) {
            found.extend(find(context)?);
        }
    }
    for (path, why) in files::take_skipped() {
        context.note_skipped(&path, &why);
    }
    found.retain(|finding| wanted(finding.check));
    state_costs(context, &mut found);
    Ok(found)
}

/// Adds to each finding its cost in this workspace. The findings of other commands' checks get a
/// cost too.
pub(crate) fn state_costs(context: &Context<'_>, found: &mut [Finding]) {
    for finding in found {
        cost::complete(context, finding);
    }
}

impl<'a> Context<'a> {
    /// Makes the context of a workspace in its present state.
    pub(crate) fn new(
        workspace: &'a Workspace,
        runner: &'a Runner,
        repository: Option<&'a Repository>,
    ) -> Self {
        let root = resolved(&workspace.root);
        let mut notes = Vec::new();
        let top_level = match repository {
            Some(repository) => repository.top_level().to_owned(),
            None => {
                let what = "so its sources, commands and CI files were not checked";
                notes.push(format!("{root} is not in a git repository, {what}"));
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

    /// Returns the top level of the repository, or the workspace's root if there is no repository.
    pub(crate) fn top_level(&self) -> &Utf8Path {
        &self.top_level
    }

    /// Returns the files that git tracks, relative to the top level; none if there is no
    /// repository.
    pub(crate) fn tracked(&self) -> Result<&[Utf8PathBuf]> {
        if let Some(tracked) = self.tracked.get() {
            return Ok(tracked);
        }
        let entries = match self.repository {
            Some(repository) => repository.entries(&TreeState::Index)?,
            None => Vec::new(),
        };
        let files = entries.into_iter().filter(|it| it.kind == EntryKind::File);
        let files = files.map(|it| it.path);
        Ok(self.tracked.get_or_init(|| files.collect()))
    }

    /// Returns the text of a tracked file; `None` if the file is missing or is not UTF-8. If the
    /// file is too large or is not a regular file, a note says that the file was skipped.
    pub(crate) fn text(&self, file: &Utf8Path) -> Option<String> {
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

    /// The largest text file that the checks read. A larger file was not written by hand.
    const TEXT: files::Limit = files::Limit(4 << 20);

    /// Adds a note, at most once, that a file was not checked.
    fn note_skipped(&self, file: &Utf8Path, why: &dyn std::fmt::Display) {
        let note = format!("{file} was not checked: {why}");
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// Returns a path as the place of a finding: relative to the top level, if the path lies below
    /// it.
    pub(crate) fn place(&self, path: &Utf8Path, line: Option<usize>) -> Place {
        let path = self.below(path).unwrap_or_else(|| path.to_owned());
        Place::Path { path, line }
    }

    /// Returns a path relative to the top level; `None` if the path does not lie below it.
    pub(crate) fn below(&self, path: &Utf8Path) -> Option<Utf8PathBuf> {
        if path.is_relative() {
            return Some(path.to_owned());
        }
        if let Ok(below) = path.strip_prefix(&self.top_level) {
            return Some(below.to_owned());
        }
        // The workspace's root may contain a symbolic link. Git resolves links in the top level.
        let below = path.strip_prefix(&self.workspace.root).ok()?;
        Some(self.root_below.as_ref()?.join(below))
    }

    /// Returns the path packages by their directories, relative to the top level.
    pub(crate) fn own_packages(&self) -> HashMap<Utf8PathBuf, &Package> {
        let packages = self.workspace.packages.iter();
        let own = packages.filter(|it| it.source.is_none());
        let own = own.filter_map(|it| Some((self.below(it.directory())?, it)));
        own.collect()
    }
}

/// Returns the first lines of a list, and the number of further lines as a last line.
pub(crate) fn first(number: usize, all: impl ExactSizeIterator<Item = String>) -> Vec<String> {
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
    fn explanations_name_what_is_read_and_the_fix() {
        for Check {
            code, explanation, ..
        } in checks()
        {
            assert!(
                explanation.starts_with("Read: ") || explanation.starts_with("Read, "),
                "{code}"
            );
            assert!(explanation.contains("\n\nFix: "), "{code}");
        }
    }
}
