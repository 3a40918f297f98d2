//! The contents of records, remembered from one sweep to the next.
//!
//! A note holds as long as the times, the lengths and the numbers of the unit's record files are
//! unchanged. The listing has these values for all files, so a unit that no build changed is not
//! read again. Access times do not count: a build in which the unit is fresh changes nothing else.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use xtask_impact::build_dir::Directories;
use xtask_impact::files::COARSEST_CLOCK;
use xtask_impact::paths::hashed;
use xtask_impact::state;

use super::listing::{FileStat, Listing, find};
use crate::artifacts::reader::{UnitAddress, UnitRecords};

/// The numbers in a unit's fingerprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FingerprintNumbers {
    /// The fingerprint itself as a number.
    pub value: u64,
    /// The number of the compiler.
    pub rustc: u64,
    /// The numbers of the fingerprints of the dependencies.
    pub dependencies: Vec<u64>,
}

/// The answers that the records of one unit gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct UnitNote {
    /// A hash of the times, lengths and numbers of the record files.
    stamp: u64,
    /// `None` if cargo never completed a build of the unit.
    numbers: Option<FingerprintNumbers>,
    /// The hashes of questions about the dep-info, each with the answer.
    answers: Vec<(u64, bool)>,
}

/// Notes by the hash of the unit's place and name.
type Notes = HashMap<u64, UnitNote>;

/// The notes about the units of a build directory.
#[derive(Debug, Default)]
pub(crate) struct RecordNotes {
    /// The notes of the last sweep.
    earlier: Notes,
    /// The notes for the next sweep. They have only units that still exist.
    next: Mutex<Notes>,
}

impl RecordNotes {
    fn file(directories: &Directories) -> Utf8PathBuf {
        state::in_target(&directories.build).join("sweep-records")
    }

    /// Reads the notes of the last sweep.
    pub(super) fn read(directories: &Directories) -> Self {
        Self {
            earlier: state::read(&Self::file(directories)).unwrap_or_default(),
            next: Mutex::default(),
        }
    }

    /// Writes the notes for the next sweep, if they differ from those of the last one.
    pub(crate) fn write(&self, directories: &Directories) {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if *next != self.earlier {
            state::write(&Self::file(directories), &*next);
        }
    }

    /// Returns the numbers of a unit's fingerprint, from the notes or from the disk.
    pub(super) fn numbers(
        &self,
        listing: &Listing,
        unit: UnitAddress<'_>,
    ) -> Option<FingerprintNumbers> {
        let key = key(unit);
        let stamp = stamp(listing, unit);
        let earlier = self.earlier.get(&key);
        let note = match earlier.filter(|it| Some(it.stamp) == stamp) {
            Some(note) => note.clone(),
            None => UnitNote {
                stamp: stamp.unwrap_or_default(),
                numbers: read(unit),
                answers: Vec::new(),
            },
        };
        let numbers = note.numbers.clone();
        if stamp.is_some() {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            next.insert(key, note);
        }
        numbers
    }
}

impl UnitRecords for RecordNotes {
    fn numbers(&self, unit: UnitAddress<'_>) -> Option<(u64, Vec<u64>)> {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = match next.get(&key(unit)) {
            Some(note) => note.numbers.clone(),
            None => read(unit),
        };
        numbers.map(|it| (it.value, it.dependencies))
    }

    fn answer(&self, unit: UnitAddress<'_>, question: u64, ask: &dyn Fn() -> bool) -> bool {
        let lock = || self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(unit);
        let known = lock().get(&key).and_then(|note| {
            let mut answers = note.answers.iter();
            answers.find(|it| it.0 == question).map(|it| it.1)
        });
        known.unwrap_or_else(|| {
            let answer = ask();
            if let Some(note) = lock().get_mut(&key) {
                note.answers.push((question, answer));
            }
            answer
        })
    }
}

fn read(unit: UnitAddress<'_>) -> Option<FingerprintNumbers> {
    let (value, fingerprint) = unit.fingerprint()?;
    Some(FingerprintNumbers {
        value,
        rustc: fingerprint.rustc,
        dependencies: fingerprint.deps.iter().map(|it| it.3).collect(),
    })
}

fn key(unit: UnitAddress<'_>) -> u64 {
    let UnitAddress {
        place,
        package,
        hash,
        name,
    } = unit;
    // The text of a path is hashed faster than its parts.
    hashed((place.path.as_str(), place.layout, package, hash, name))
}

/// Returns a hash of the times, lengths and numbers of a unit's record files: the fingerprint, and
/// the dep-info of cargo and of rustc. Returns `None` if a file is so new that a later change might
/// leave the hash as it is.
fn stamp(listing: &Listing, unit: UnitAddress<'_>) -> Option<u64> {
    let place = unit.place;
    let directory = place.fingerprint_dir(unit.package, unit.hash);
    let files = listing.get(&directory).unwrap_or_default();
    let name = unit.name.file_name();
    let own = [
        find(files, &name),
        find(files, &format!("{name}.json")),
        find(files, &format!("dep-{name}")),
    ];
    let dep_info = place.dep_info_paths(unit.package, unit.hash, unit.name);
    let dep_info = dep_info.map(|path| listing.stat(&path));
    let is_old = |it: &FileStat| {
        let age = listing.started().duration_since(it.modified);
        age.is_ok_and(|age| age > COARSEST_CLOCK)
    };
    let mut found = own.iter().chain(&dep_info).flatten();
    if !found.all(is_old) {
        return None;
    }
    let values = |it: FileStat| (it.modified, it.length, it.inode);
    Some(hashed((
        own.map(|it| it.map(values)),
        dep_info.map(|it| it.map(values)),
    )))
}
