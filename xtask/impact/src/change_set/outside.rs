//! Finds changes in path packages outside the repository, whose files git does not compare.
//!
//! A file counts as changed if the file is newer than the oldest fitting record of its package;
//! cargo compares times in the same way. If the package has no record, the uncommitted changes of
//! the package's own repository count.

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};

use super::superseded_records;
use crate::build_dir::evidence::{ProfileRecords, RecordedInputs, UnitRecord};
use crate::process::Runner;
use crate::quote;
use crate::records::is_newer;
use crate::records::layout::PackageDirectories;
use crate::vcs::{Change, ChangeStatus, Range, Repository, Seen};
use crate::workspace::{Package, Workspace};

/// The path packages of a workspace, with the sources of their records and repositories.
pub struct OutsidePackages<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The directories of the path packages.
    pub layout: &'a PackageDirectories,
    /// The records of builds.
    pub places: &'a [ProfileRecords],
    /// The name of the profile directory that is queried; `None` if no record may be used.
    pub directory: Option<&'a str>,
    /// The runner that starts git.
    pub runner: &'a Runner,
}

/// The changes of a package, with a description of the comparison that found them.
struct OutsideChanges {
    changes: Vec<Change>,
    how: &'static str,
    /// True if records were compared, so that the changes include everything that cargo would
    /// rebuild.
    is_complete: bool,
}

impl OutsidePackages<'_> {
    /// Returns the changes of the packages outside `root`, with absolute paths. The notes name the
    /// packages and the kind of comparison.
    pub fn changes(&self, root: &Utf8Path) -> (Vec<Change>, Vec<String>) {
        let (mut changes, mut notes) = (Vec::new(), Vec::new());
        for (index, at) in self.layout.packages() {
            if at.starts_with(root) {
                continue;
            }
            let package = self.workspace.package(index);
            let found = self.of(package, at);
            if found.is_complete && found.changes.is_empty() {
                continue;
            }
            let number = match found.changes.len() {
                0 => "nothing".to_owned(),
                1 => "1 file".to_owned(),
                many => format!("{many} files"),
            };
            notes.push(format!(
                "{} in {} lies outside the repository: {number} changed {}",
                package.name,
                quote::name(at),
                found.how
            ));
            changes.extend(found.changes);
        }
        (changes, notes)
    }

    fn of(&self, package: &Package, at: &Utf8Path) -> OutsideChanges {
        let records: Vec<&UnitRecord> = self.records(package, at).collect();
        let records = superseded_records::without(records, self.places, at);
        if let Some(oldest) = records.iter().filter_map(|it| it.invoked).min() {
            return OutsideChanges {
                changes: newer(at, oldest, &records),
                how: "since the last build",
                is_complete: true,
            };
        }
        let runner = self.runner.in_directory(at);
        if let Ok(Some(repository)) = Repository::discover(&runner, at)
            && let Some(base) = repository.head().cloned()
            && let Ok(changes) = repository.changes(&Range::WorkTree { base })
        {
            let top_level = repository.top_level();
            let changes = changes.into_iter().map(|it| Change {
                path: top_level.join(it.path),
                ..it
            });
            return OutsideChanges {
                changes: changes.filter(|it| it.path.starts_with(at)).collect(),
                how: "since the last commit of its own repository, because there is no record of a \
                      build",
                is_complete: false,
            };
        }
        OutsideChanges {
            changes: Vec::new(),
            how: "at least: there is no record of a build and no repository to compare with; pass \
                  changed files with --file",
            is_complete: false,
        }
    }

    /// Returns the records of a package's units that a build of the queried profile, toolchain and
    /// features left.
    fn records<'a>(
        &'a self,
        package: &'a Package,
        at: &'a Utf8Path,
    ) -> impl Iterator<Item = &'a UnitRecord> {
        let places = self.places.iter();
        let places = places.filter(|place| Some(place.directory.as_str()) == self.directory);
        places.flat_map(move |place| {
            let toolchain = place.toolchain();
            place.units.iter().filter(move |unit| {
                Some(unit.rustc) == toolchain
                    && unit.package == package.name
                    && unit.features == package.features
                    && unit.inputs.iter().any(|(known, _)| known == at)
            })
        })
    }
}

/// Returns the files of a package that are newer than `time`, and the deleted files that a record
/// lists.
fn newer(at: &Utf8Path, time: SystemTime, records: &[&UnitRecord]) -> Vec<Change> {
    let mut changes = Vec::new();
    let change = |path: &Utf8Path, status| Change {
        path: path.to_owned(),
        status,
        seen: Seen::WorkTree,
    };
    for file in files(at) {
        if is_newer(&file, time) {
            changes.push(change(&file, ChangeStatus::Modified));
        }
    }
    let recorded = records.iter().flat_map(|record| &record.inputs);
    for (_, inputs) in recorded.filter(|(known, _)| known == at) {
        if let RecordedInputs::Compiled { files, .. } = inputs {
            let gone = files
                .iter()
                .filter(|file| file.starts_with(at) && !file.exists());
            changes.extend(gone.map(|file| change(file, ChangeStatus::Deleted)));
        }
    }
    changes.sort();
    changes.dedup();
    changes
}

/// Returns the files below a directory, without `.git` directories and build directories.
pub(super) fn files(directory: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        if directory.join("CACHEDIR.TAG").exists() {
            continue;
        }
        for entry in directory.read_dir_utf8().into_iter().flatten().flatten() {
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            match (is_directory, entry.file_name()) {
                (true, ".git") => {}
                (true, _) => pending.push(entry.into_path()),
                (false, _) => found.push(entry.into_path()),
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests;
