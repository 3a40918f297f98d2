//! Seeds from the files that build scripts watch.

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};

use super::sources::WatchedBySource;
use super::{Rule, Seed};
use crate::build_dir::unit_inputs::{Newest, Watch};
use crate::observed;
use crate::records::modified;
use crate::seeds::{SeedFinder, SeedInputs};
use crate::unit_graph::{Mode, UnitIx};
use crate::vcs::{Change, ChangeStatus};
use crate::workspace::{PackageIx, TargetKind};

const WATCHES_FILE: &str = "its build script watches this file";
const WATCHES_PACKAGE: &str = "its build script names no input, so it watches the package";

/// The newest file of a package that a build saw.
pub(super) struct SeenPackage<'a> {
    /// The file; `None` if the record does not name it.
    pub(super) newest: Option<&'a Newest>,
    /// The time of the build.
    pub(super) at: Option<SystemTime>,
}

impl SeedFinder<'_> {
    /// Seeds the script runs that watch the file.
    pub(super) fn scripts(&mut self, change: &Change, path: &Utf8Path, is_read: bool) {
        let SeedInputs { records, root, .. } = *self.inputs;
        let owner = self.inputs.layout.owner(path);
        for (run, package, directory) in script_runs(self.inputs) {
            // Links below the package are searched only if the result matters.
            let mut known = None;
            let mut in_package = |finder: &mut Self| {
                *known.get_or_insert_with(|| {
                    owner == Some(package) && !is_in_nested_package(directory, path)
                        || !path.starts_with(directory) && finder.sources.covers(directory, path)
                })
            };
            let runs = records.of(run).iter();
            let seen = runs.filter_map(|recorded| match recorded.watch() {
                Some(Watch::Package(newest)) => Some(SeenPackage {
                    newest: newest.as_ref(),
                    at: recorded.invoked(),
                }),
                _ => None,
            });
            let seen: Vec<_> = seen.collect();
            let reaches_package = !seen.is_empty()
                && in_package(self)
                && self.sources.lists(package, path)
                && self.changes_newest(&seen, change, path, directory);
            let mut because = None;
            for recorded in records.of(run) {
                match recorded.watch() {
                    Some(Watch::Package(_)) if reaches_package => because = Some(WATCHES_PACKAGE),
                    Some(Watch::Package(Some(newest))) if takes_out(change, path, newest) => {
                        because = Some(WATCHES_PACKAGE);
                    }
                    Some(Watch::Declared(paths, _))
                        if paths.iter().any(|it| self.sources.covers(it, path)) =>
                    {
                        because = Some(WATCHES_FILE);
                    }
                    _ => {}
                }
            }
            if because.is_none()
                && !records.is_current(run)
                && let Some(script) = self.sources.script(package)
            {
                let in_package = in_package(self);
                if script.named().any(|it| self.sources.covers(it, path)) {
                    because = Some(WATCHES_FILE);
                } else if in_package && script.is_silent() && self.sources.lists(package, path) {
                    because = Some(WATCHES_PACKAGE);
                } else if records.is_nearly_current(run) {
                    continue;
                } else if in_package && script.may_be_silent() && self.sources.lists(package, path)
                {
                    because = Some("its build script may name no input, and watch the package");
                } else {
                    let within = if in_package { directory } else { root };
                    let is_named = script.names(path, within, directory)
                        || script.has_doubts()
                            && (script.may_end_in(path)
                                || self.sources.is_named_for_script(package, path, within));
                    let is_own = in_package && (!is_read || script.may_take(path, directory));
                    // The output that a library prints for the script is not visible in the
                    // script's sources.
                    let may_print = !in_package
                        && self.sources.may_be_given_watch(package, path, root)
                        || is_named && script.is_silent()
                        || (is_named || is_own)
                            && (script.has_doubts() || self.sources.may_print_watches(package));
                    because = may_print.then_some("its build script may watch this file");
                }
            }
            if let Some(because) = because {
                self.seed(run, Rule::BuildScriptInput, change, because);
            }
        }
    }

    /// Returns true if a changed path of a package changes the newest file that one of the builds
    /// saw. An earlier build with other settings may have seen another file. That build does not
    /// count, because a later build saw the file that is still the newest.
    pub(super) fn changes_newest(
        &mut self,
        seen: &[SeenPackage<'_>],
        change: &Change,
        path: &Utf8Path,
        directory: &Utf8Path,
    ) -> bool {
        let mut current = Vec::new();
        let mut others = Vec::new();
        for build in seen {
            let is_current = came_or_went(change, path, build.at)
                && self.is_newest(build.newest, path, directory);
            match is_current {
                true => current.push(build.at),
                false => others.push(build),
            }
        }
        let last = current.into_iter().max().flatten();
        let is_superseded = |build: &&SeenPackage<'_>| {
            build.newest.is_some_and(|newest| newest.path != path)
                && build.at.is_some()
                && build.at <= last
        };
        !others.iter().all(is_superseded)
    }

    /// Returns true if the recorded newest file of a package is not `path` and is still the newest
    /// file.
    pub(super) fn is_newest(
        &mut self,
        newest: Option<&Newest>,
        path: &Utf8Path,
        directory: &Utf8Path,
    ) -> bool {
        let is_apart = |it: &&Newest| it.path != path && modified(path) < Some(it.time);
        let Some(newest) = newest.filter(is_apart) else {
            return false;
        };
        let find = || {
            modified(&newest.path) == Some(newest.time)
                && !is_in_nested_package(directory, &newest.path)
                && !may_hold_newer(directory, newest, 0)
        };
        *self.newest.entry(newest.clone()).or_insert_with(find)
    }

    /// Seeds the script runs that watch files which no list of changed paths contains: git's own
    /// files, which change with `HEAD`, and files that do not exist. Cargo runs a script at every
    /// build if a watched file does not exist.
    pub(super) fn standing(&mut self) {
        let inputs = self.inputs;
        for (run, package, _) in script_runs(self.inputs) {
            let runs = inputs.records.of(run);
            let declared: Vec<_> = runs
                .iter()
                .filter_map(|recorded| match recorded.watch()? {
                    Watch::Declared(paths, _) => Some((paths, recorded.invoked())),
                    Watch::Package(_) | Watch::Overridden => None,
                })
                .flat_map(|(paths, invoked)| paths.iter().map(move |path| (path, invoked)))
                .collect();
            let script = match runs {
                [] => self.sources.script(package),
                _ => None,
            };
            let says =
                |is_said: fn(&WatchedBySource) -> bool| script.as_deref().is_some_and(is_said);
            let is_gits = |path: &Utf8Path| path.iter().any(|name| name == ".git");
            let names_index =
                |script: &WatchedBySource| script.named().any(|path| path.ends_with(".git/index"));
            // For files that git does not list, modification times are compared as in cargo.
            let is_newer = |(path, invoked): &(&Utf8PathBuf, Option<SystemTime>)| {
                let unlisted = is_gits(path) || !path.starts_with(inputs.root);
                unlisted && modified(path) > *invoked
            };
            let because = if inputs.head_moved
                && (declared.iter().any(|(path, _)| is_gits(path))
                    || says(WatchedBySource::may_watch_git))
            {
                "its build script watches git's HEAD, which moved"
            } else if says(names_index) {
                "its build script watches git's index, which most of git's commands write"
            } else if declared.iter().any(|(path, _)| !observed::exists(path))
                || says(WatchedBySource::watches_missing_file)
            {
                "its build script watches a file that does not exist, so it runs at every build"
            } else if declared.iter().any(is_newer) {
                "its build script watches a file outside the work tree, which is newer than its run"
            } else {
                continue;
            };
            let seed = Seed::new(run, Rule::BuildScriptInput, because);
            self.seeds.push(seed);
        }
    }
}

/// Returns true if a path was added or deleted since a build and has no effect on other files. Cargo
/// compares only the newest file of a package whose script declares no input, and of a package that
/// it documents.
pub(super) fn came_or_went(change: &Change, path: &Utf8Path, built: Option<SystemTime>) -> bool {
    // These files decide which files belong to the package, so they can bring in newer files.
    let decides = matches!(path.file_name(), Some(".gitignore" | "Cargo.toml"));
    let mut above = path.ancestors().skip(1);
    matches!(change.status, ChangeStatus::Added | ChangeStatus::Deleted)
        && !decides
        && above
            .find(|above| observed::is_directory(above))
            .and_then(modified)
            > built
}

/// Returns true if an added manifest makes a nested package of the directory with the newest file.
fn takes_out(change: &Change, path: &Utf8Path, newest: &Newest) -> bool {
    let is_new = change.status == ChangeStatus::Added && path.file_name() == Some("Cargo.toml");
    let directory = path.parent().filter(|_| is_new);
    directory.is_some_and(|directory| newest.path.starts_with(directory))
}

/// Returns true if a directory may hold a file of its package that is newer than `newest` or has
/// the same time. Of several files with the same time, cargo takes the first file that it meets.
fn may_hold_newer(directory: &Utf8Path, newest: &Newest, depth: usize) -> bool {
    // Links can form a cycle.
    const DEEPEST: usize = 32;
    let Some(entries) = observed::read_directory(directory)
        .ok()
        .filter(|_| depth < DEEPEST)
    else {
        return true;
    };
    entries.into_iter().any(|entry| match entry {
        Ok(entry) if observed::is_directory(entry.path()) => {
            let is_others = entry.file_name() == ".git"
                || depth == 0 && entry.file_name() == "target"
                || observed::is_file(&entry.path().join("Cargo.toml"));
            !is_others && may_hold_newer(entry.path(), newest, depth + 1)
        }
        Ok(entry) if entry.path() == newest.path => false,
        Ok(entry) => modified(entry.path()).is_some_and(|at| at >= newest.time),
        Err(_) => true,
    })
}

/// Returns the script runs of path packages, with the packages and their directories.
fn script_runs<'a>(
    inputs: &'a SeedInputs<'_>,
) -> impl Iterator<Item = (UnitIx, PackageIx, &'a Utf8Path)> {
    inputs.layout.packages().filter_map(|(package, directory)| {
        let (kind, mode) = (TargetKind::CustomBuild, Mode::RunCustomBuild);
        Some((inputs.graph.find(package, kind, mode)?, package, directory))
    })
}

/// Returns true if a directory between the package's directory and the path contains a manifest.
/// Cargo leaves such directories out when it scans a package.
pub(super) fn is_in_nested_package(directory: &Utf8Path, path: &Utf8Path) -> bool {
    path.ancestors()
        .skip(1)
        .take_while(|above| *above != directory)
        .any(|above| observed::exists(&above.join("Cargo.toml")))
}
