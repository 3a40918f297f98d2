//! Finds changes that git does not list in its own work tree: ignored files that a unit is built
//! from. Members of the workspace can lie in ignored directories too.
//!
//! An ignored file counts as changed if the file is newer than a record of a unit that reads the
//! file; cargo compares times in the same way. For a package without a record there is nothing to
//! compare with, so every ignored file that the package's sources name counts as changed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::SystemTime;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use super::outside::{OutsidePackages, files};
use crate::build_dir::evidence::{RecordedInputs, UnitRecord};
use crate::build_dir::unit_inputs::Watch;
use crate::build_dir::unit_record::UnitName;
use crate::cargo_config::configuration_files;
use crate::files::{SOURCE, read};
use crate::records::is_newer;
use crate::vcs::{Change, ChangeStatus, Repository, Seen};
use crate::workspace::PackageIx;
use crate::{quote, source_scan};

/// Returns the changes in a repository that git does not list, relative to the top level, and notes
/// that name these changes. `listed` holds the changes that git lists.
///
/// # Errors
/// Returns an error if git cannot list its files.
pub(super) fn changes(
    builds: &OutsidePackages<'_>,
    repository: &Repository,
    listed: &[Change],
) -> Result<(Vec<Change>, Vec<String>)> {
    let records = PackageRecords::of(builds);
    let is_listed: HashSet<&Utf8Path> = listed.iter().map(|it| &*it.path).collect();
    let mut ignored = Ignored {
        builds,
        repository,
        is_listed,
        tracked: HashMap::new(),
    };
    let (mut changes, mut notes) = (Vec::new(), Vec::new());

    let newer = ignored.among(&records.newer(builds))?;
    notes.extend(note(
        &newer,
        "newer than a record of a build: counts as changed",
    ));
    changes.extend(
        newer
            .into_iter()
            .map(|path| change(path, ChangeStatus::Modified)),
    );

    let gone = ignored.gone(records.gone())?;
    notes.extend(note(&gone, "and it does not exist: counts as changed"));
    changes.extend(
        gone.into_iter()
            .map(|path| change(path, ChangeStatus::Deleted)),
    );

    let unrecorded = ignored.named_by(&records.unrecorded)?;
    notes.extend(note(
        &unrecorded,
        "and there is no record of a build to compare with: counts as changed",
    ));
    let unrecorded = unrecorded.into_iter();
    changes.extend(unrecorded.map(|path| change(path, ChangeStatus::Modified)));

    let settings = ignored.among(&records.newer_settings(builds))?;
    notes.extend(note(
        &settings,
        "newer than the last build: the changes there are unknown and select nothing; in doubt, \
         pass --all",
    ));
    Ok((changes, notes))
}

fn change(path: Utf8PathBuf, status: ChangeStatus) -> Change {
    Change {
        path,
        status,
        seen: Seen::Untracked,
    }
}

/// Returns a note that names the first of some ignored files and says `what` they are.
fn note(paths: &BTreeSet<Utf8PathBuf>, what: &str) -> Option<String> {
    let first = quote::name(paths.first()?);
    Some(match paths.len() - 1 {
        0 => format!("git ignores {first}, {what}"),
        more => format!("git ignores {first} (and {more} more), {what}"),
    })
}

/// The records of the packages, limited to the queried profile directory, toolchain and features.
struct PackageRecords<'a> {
    by_package: HashMap<PackageIx, Vec<(&'a UnitRecord, &'a RecordedInputs)>>,
    /// The packages without a record.
    unrecorded: HashSet<PackageIx>,
}

impl<'a> PackageRecords<'a> {
    fn of(builds: &OutsidePackages<'a>) -> Self {
        let mut by_package: HashMap<_, Vec<_>> = HashMap::new();
        let places = builds.places.iter();
        for place in places.filter(|it| Some(it.directory.as_str()) == builds.directory) {
            let toolchain = place.toolchain();
            for unit in &place.units {
                for (at, inputs) in &unit.inputs {
                    let Some(index) = builds.layout.at(at) else {
                        continue;
                    };
                    let package = builds.workspace.package(index);
                    // A script run has no features of its own.
                    let fits = matches!(inputs, RecordedInputs::Run(_))
                        || package.may_have_features(&unit.features);
                    if Some(unit.rustc) == toolchain && unit.package == package.name && fits {
                        by_package.entry(index).or_default().push((unit, inputs));
                    }
                }
            }
        }
        let packages = builds.layout.packages().map(|(index, _)| index);
        let unrecorded = packages.filter(|it| !by_package.contains_key(it)).collect();
        Self {
            by_package,
            unrecorded,
        }
    }

    /// Returns the files that are newer than a record that lists them. Manifests and root files of
    /// targets are included if they are newer than every record of their package.
    fn newer(&self, builds: &OutsidePackages<'_>) -> BTreeSet<Utf8PathBuf> {
        let mut oldest: HashMap<&Utf8Path, SystemTime> = HashMap::new();
        let mut newer = BTreeSet::new();
        for (&index, records) in &self.by_package {
            for (record, inputs) in records {
                let Some(started) = record.invoked else {
                    continue;
                };
                let read: &[Utf8PathBuf] = match inputs {
                    RecordedInputs::Compiled { files, .. } => files,
                    RecordedInputs::Run(Watch::Declared(paths, _)) => paths,
                    RecordedInputs::Run(_) => &[],
                };
                for path in read {
                    let known = oldest.entry(path).or_insert(started);
                    *known = started.min(*known);
                }
            }
            let newest = records.iter().filter_map(|(record, _)| record.invoked);
            if let Some(newest) = newest.max() {
                let package = builds.workspace.package(index);
                let roots = package.targets.iter().map(|target| &target.src_path);
                let own = roots.chain([&package.manifest_path]);
                newer.extend(own.filter(|path| is_newer(path, newest)).cloned());
            }
        }
        for (path, started) in oldest {
            match path.is_dir() {
                true => newer.extend(files(path).into_iter().filter(|it| is_newer(it, started))),
                false if is_newer(path, started) => drop(newer.insert(path.to_owned())),
                false => {}
            }
        }
        newer
    }

    /// Returns the deleted files that the newest record of a unit lists.
    fn gone(&self) -> BTreeSet<&'a Utf8Path> {
        let mut newest: HashMap<(PackageIx, &UnitName), &(&UnitRecord, &'a RecordedInputs)> =
            HashMap::new();
        for (&index, records) in &self.by_package {
            for record in records {
                let known = newest.entry((index, &record.0.name)).or_insert(record);
                if known.0.invoked < record.0.invoked {
                    *known = record;
                }
            }
        }
        let read = newest.into_values().flat_map(|(_, inputs)| match inputs {
            RecordedInputs::Compiled { files, .. } => &files[..],
            RecordedInputs::Run(_) => &[],
        });
        read.filter(|file| !file.exists())
            .map(|file| &**file)
            .collect()
    }

    /// Returns the files that hold settings for all packages and that are newer than every record.
    fn newer_settings(&self, builds: &OutsidePackages<'_>) -> BTreeSet<Utf8PathBuf> {
        let records = self.by_package.values().flatten();
        let Some(newest) = records.filter_map(|(record, _)| record.invoked).max() else {
            return BTreeSet::new();
        };
        let workspace = builds.workspace;
        let files = configuration_files(&workspace.root).into_iter();
        let files = files.chain([
            workspace.root.join("Cargo.toml"),
            workspace.lock_file.path.clone(),
        ]);
        files.filter(|file| is_newer(file, newest)).collect()
    }
}

/// Decides which files git ignores.
struct Ignored<'a> {
    builds: &'a OutsidePackages<'a>,
    repository: &'a Repository,
    /// The paths that git lists as changed.
    is_listed: HashSet<&'a Utf8Path>,
    /// The tracked paths of the repository and of its submodules, by top level. Each set is filled
    /// on first use.
    tracked: HashMap<Utf8PathBuf, HashSet<Utf8PathBuf>>,
}

impl Ignored<'_> {
    /// Returns the existing files among `paths` that git ignores, relative to the top level.
    fn among(&mut self, paths: &BTreeSet<Utf8PathBuf>) -> Result<BTreeSet<Utf8PathBuf>> {
        let mut found = BTreeSet::new();
        for path in paths {
            let Ok(path) = path.canonicalize_utf8() else {
                continue;
            };
            if let Some(below) = self.unlisted(&path)
                && !self.is_tracked(self.repository.top_level(), &below)?
            {
                found.insert(below);
            }
        }
        Ok(found)
    }

    /// Returns the deleted files among `paths` that git would ignore, relative to the top level.
    fn gone(&self, paths: BTreeSet<&Utf8Path>) -> Result<BTreeSet<Utf8PathBuf>> {
        let mut found = BTreeSet::new();
        for path in paths {
            if let Some(below) = self.unlisted(path)
                && self.repository.is_ignored(&below)?
            {
                found.insert(below);
            }
        }
        Ok(found)
    }

    /// Returns the ignored files that the sources of the packages name, relative to the top level.
    fn named_by(&self, packages: &HashSet<PackageIx>) -> Result<BTreeSet<Utf8PathBuf>> {
        let mut found = BTreeSet::new();
        if packages.is_empty() {
            return Ok(found);
        }
        let layout = self.builds.layout;
        let ignored: HashSet<Utf8PathBuf> = self
            .repository
            .ignored_paths()?
            .into_iter()
            .filter(|it| {
                self.unlisted(&self.repository.top_level().join(it))
                    .is_some()
            })
            .collect();
        let paths: Vec<_> = ignored
            .iter()
            .map(|it| self.repository.top_level().join(it))
            .collect();
        let around = layout.around(&paths);
        for &index in packages {
            let Some(at) = layout.directory(index).filter(|&at| around.contains(at)) else {
                continue;
            };
            for target in &self.builds.workspace.package(index).targets {
                let mut read = |path: &Utf8Path| {
                    let bytes = read(path, SOURCE).ok()?;
                    Some(String::from_utf8_lossy(&bytes).into_owned().into())
                };
                let scan = source_scan::scan(&target.src_path, at, &|_, _| None, &mut read);
                for file in scan.modules.iter().chain(&scan.included) {
                    if let Ok(file) = file.canonicalize_utf8()
                        && let Some(below) = self.unlisted(&file)
                        && below.ancestors().any(|it| ignored.contains(it))
                    {
                        found.insert(below);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Returns an absolute path relative to the top level. Returns `None` if the path is outside
    /// the repository, if cargo built the file, or if git lists the path or a directory above the
    /// path.
    fn unlisted(&self, path: &Utf8Path) -> Option<Utf8PathBuf> {
        let below = path.strip_prefix(self.repository.top_level()).ok()?;
        let is_listed = below.ancestors().any(|it| self.is_listed.contains(it));
        let is_built = self.builds.layout.is_built(path);
        (!is_listed && !is_built).then(|| below.to_owned())
    }

    /// Returns true if the repository at `top_level`, or a submodule of this repository, tracks a
    /// path.
    fn is_tracked(&mut self, top_level: &Utf8Path, below: &Utf8Path) -> Result<bool> {
        if !self.tracked.contains_key(top_level) {
            let tracked = match top_level == self.repository.top_level() {
                true => self.repository.tracked(&[])?,
                false => {
                    let runner = self.builds.runner.in_directory(top_level);
                    match Repository::discover(&runner, top_level)? {
                        Some(inner) if inner.top_level() == top_level => inner.tracked(&[])?,
                        _ => Vec::new(),
                    }
                }
            };
            let tracked = tracked.into_iter().collect();
            self.tracked.insert(top_level.to_owned(), tracked);
        }
        let tracked = &self.tracked[top_level];
        if tracked.contains(below) {
            return Ok(true);
        }
        // Git tracks a submodule as a single path.
        let mut above = below.ancestors().skip(1);
        match above.find(|it| tracked.contains(*it)) {
            Some(submodule) => {
                let inner = below.strip_prefix(submodule).unwrap_or(below);
                self.is_tracked(&top_level.join(submodule), inner)
            }
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests;
