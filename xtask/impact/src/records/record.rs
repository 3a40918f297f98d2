//! A record of a build, assigned to a unit of the graph, and the files that the record names.

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};

use crate::build_dir::evidence::{ProfileRecords, RecordedInputs, UnitRecord};
use crate::build_dir::unit_inputs::{Newest, Watch};
use crate::build_dir::unit_record::UnitName;
use crate::observed;
use crate::records::changed::ChangedPaths;
use crate::unit_graph::UnitIx;

/// The record of a documentation unit. Cargo documents the unit again when another file is the
/// newest of its package.
pub struct Documented {
    /// The newest file of the package; `None` if the record does not say.
    pub newest: Option<Newest>,
    /// The time at which cargo wrote the record.
    pub written: Option<SystemTime>,
}

/// A record, assigned to a unit.
pub struct Record<'a> {
    pub(crate) unit: UnitIx,
    pub(crate) evidence: &'a UnitRecord,
    /// The records of the profile directory that the record comes from.
    pub(super) place: &'a ProfileRecords,
    pub(super) inputs: &'a RecordedInputs,
    /// True if the unit runs on the host.
    pub(crate) is_for_host: bool,
    /// True if the profile directory and the toolchain are those of the query.
    pub(crate) is_here: bool,
    /// True if `is_here`, and the features of the compiled unit fit the query too.
    pub(crate) fits: bool,
    /// True if the record lists a path of the change set that was compiled.
    pub(crate) lists_change: bool,
}

/// The id of a record: the hash in the name of its directory, and the name of the unit, because a
/// directory can hold several units.
pub type RecordId = (String, UnitName);

impl Record<'_> {
    /// Returns the id of the record.
    pub(crate) fn id(&self) -> RecordId {
        (self.evidence.hash.clone(), self.evidence.name.clone())
    }

    /// Returns the time at which rustc or the script started.
    pub(crate) fn invoked(&self) -> Option<SystemTime> {
        self.evidence.invoked
    }

    /// Returns the files and variables that a script run watches; `None` for a compiled unit.
    pub fn watch(&self) -> Option<&Watch> {
        match self.inputs {
            RecordedInputs::Run(watch) => Some(watch),
            RecordedInputs::Compiled { .. } => None,
        }
    }

    /// Returns true if only the change set can have altered the files that the compiler read, or
    /// the output of the script.
    pub(super) fn is_current(&self, changed: &ChangedPaths) -> bool {
        are_current(self.inputs, self.invoked(), changed)
    }
}

/// Returns true if no input outside the change set is newer than the start of the compiler or of
/// the script. As in cargo, a file with the same time as the start counts as older.
pub(super) fn are_current(
    inputs: &RecordedInputs,
    started: Option<SystemTime>,
    changed: &ChangedPaths,
) -> bool {
    let is_older = |at: Option<SystemTime>| at.is_some_and(|at| Some(at) <= started);
    let is_unchanged = |path: &&Utf8PathBuf| !changed.contains(path);
    match inputs {
        RecordedInputs::Compiled { files, .. } => {
            let mut files = files.iter().filter(is_unchanged);
            started.is_some() && files.all(|file| is_older(modified(file)))
        }
        RecordedInputs::Run(Watch::Declared(paths, variables)) => {
            let mut paths = paths.iter().filter(is_unchanged);
            paths.all(|path| is_older(newest_in(path, changed)))
                && variables
                    .iter()
                    .all(|(name, value)| std::env::var(name).ok() == *value)
        }
        RecordedInputs::Run(_) => started.is_some(),
    }
}

pub(crate) fn modified(file: &Utf8Path) -> Option<SystemTime> {
    observed::note(file);
    file.metadata()
        .and_then(|metadata| metadata.modified())
        .ok()
}

/// Returns true if a file was modified after a time.
pub(crate) fn is_newer(file: &Utf8Path, time: SystemTime) -> bool {
    modified(file) > Some(time)
}

/// Returns the time of the newest file at or below a path, without the files of the change set;
/// `None` if a time cannot be read.
pub(super) fn newest_in(path: &Utf8Path, changed: &ChangedPaths) -> Option<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    let entries = path.read_dir_utf8().ok()?.flatten();
    let files = entries.filter(|entry| !changed.contains(entry.path()));
    files
        .map(|entry| newest_in(entry.path(), changed))
        .try_fold(SystemTime::UNIX_EPOCH, |a, b| Some(a.max(b?)))
}
