//! The contents of records, remembered from one sweep to the next.
//!
//! A note holds as long as the times, the lengths and the numbers of the unit's record files are
//! unchanged. The listing has these values for all files, so a unit that no build changed is not
//! read again. Access times do not count: a build in which the unit is fresh changes nothing else.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use camino::Utf8PathBuf;
use xtask_impact::build_dir::Directories;
use xtask_impact::files::{COARSEST_CLOCK, nanoseconds};
use xtask_impact::state;

use super::listing::FileStat;
use crate::artifacts::quick_hash::{QuickMap, quick_hash};
use crate::artifacts::reader::{UnitAddress, UnitRecords};

/// The numbers in a unit's fingerprint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FingerprintNumbers {
    /// The fingerprint itself as a number.
    pub value: u64,
    /// The number of the compiler.
    pub rustc: u64,
    /// The numbers of the fingerprints of the dependencies.
    pub dependencies: Vec<u64>,
}

/// The answers that the records of one unit gave.
#[derive(Debug, PartialEq)]
struct UnitNote {
    /// A hash of the times, lengths and numbers of the record files.
    stamp: u64,
    /// `None` if cargo never completed a build of the unit.
    numbers: Option<FingerprintNumbers>,
    /// The hashes of questions about the unit, each with the answer.
    answers: Vec<(u64, Option<bool>)>,
    /// True if this scan found the unit as the note describes it.
    is_valid: bool,
}

/// The notes by the hash of the unit's place and name.
#[derive(Debug, Default)]
struct Notes {
    by_unit: QuickMap<u64, UnitNote>,
    /// True if the notes differ from those of the last sweep.
    is_changed: bool,
}

/// The notes about the units of a build directory.
#[derive(Debug, Default)]
pub(crate) struct RecordNotes(Mutex<Notes>);

impl RecordNotes {
    fn file(directories: &Directories) -> Utf8PathBuf {
        state::in_target(&directories.build).join("sweep-records")
    }

    /// Reads the notes of the last sweep.
    pub(super) fn read(directories: &Directories) -> Self {
        let numbers = state::read_numbers(&Self::file(directories));
        Self(Mutex::new(Notes {
            by_unit: numbers.and_then(|it| decoded(&it)).unwrap_or_default(),
            is_changed: false,
        }))
    }

    /// Writes the notes for the next sweep, if they differ from those of the last one. Notes about
    /// units that no longer exist are left out.
    pub(crate) fn write(&self, directories: &Directories) {
        let notes = self.lock();
        if notes.is_changed || notes.by_unit.values().any(|it| !it.is_valid) {
            state::write_numbers(&Self::file(directories), &encoded(&notes.by_unit));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the numbers of a unit's fingerprint, from the notes or from the disk. `stamp` is the
    /// [`stamp`] of the unit's record files.
    pub(super) fn numbers(
        &self,
        unit: UnitAddress<'_>,
        stamp: Option<u64>,
    ) -> Option<FingerprintNumbers> {
        let key = key(unit);
        if let Some(note) = self.lock().by_unit.get_mut(&key)
            && Some(note.stamp) == stamp
        {
            note.is_valid = true;
            return note.numbers.clone();
        }
        let numbers = read(unit);
        let mut notes = self.lock();
        notes.is_changed = true;
        match stamp {
            Some(stamp) => {
                let note = UnitNote {
                    stamp,
                    numbers: numbers.clone(),
                    answers: Vec::new(),
                    is_valid: true,
                };
                notes.by_unit.insert(key, note);
            }
            None => drop(notes.by_unit.remove(&key)),
        }
        numbers
    }
}

impl UnitRecords for RecordNotes {
    fn numbers(&self, unit: UnitAddress<'_>) -> Option<(u64, Vec<u64>)> {
        let notes = self.lock();
        let note = notes.by_unit.get(&key(unit)).filter(|it| it.is_valid);
        let numbers = match note {
            Some(note) => note.numbers.clone(),
            None => read(unit),
        };
        numbers.map(|it| (it.value, it.dependencies))
    }

    fn answer(
        &self,
        unit: UnitAddress<'_>,
        question: u64,
        ask: &dyn Fn() -> Option<bool>,
    ) -> Option<bool> {
        let key = key(unit);
        let notes = self.lock();
        let note = notes.by_unit.get(&key).filter(|it| it.is_valid);
        let known = note.and_then(|note| {
            let mut answers = note.answers.iter();
            answers.find(|it| it.0 == question).map(|it| it.1)
        });
        drop(notes);
        known.unwrap_or_else(|| {
            let answer = ask();
            let mut notes = self.lock();
            if let Some(note) = notes.by_unit.get_mut(&key).filter(|it| it.is_valid) {
                note.answers.push((question, answer));
                notes.is_changed = true;
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
    quick_hash((place.path.as_str(), place.layout, package, hash, name))
}

/// Returns a hash of the times, lengths and numbers of a unit's record files: the fingerprint, and
/// the dep-info of cargo and of rustc. Returns `None` if a file is so new that a later change might
/// leave the hash as it is. `listed` is the time before the files were listed.
pub(super) fn stamp(listed: SystemTime, files: [Option<&FileStat>; 5]) -> Option<u64> {
    let mut states = Vec::with_capacity(files.len());
    for file in files {
        let Some(file) = file else {
            states.push(None);
            continue;
        };
        let age = listed.duration_since(file.modified).ok()?;
        if age <= COARSEST_CLOCK {
            return None;
        }
        states.push(Some((nanoseconds(file.modified), file.length, file.inode)));
    }
    Some(quick_hash(states))
}

/// Returns the notes about existing units as a list of numbers, which is read faster than a
/// structure.
fn encoded(notes: &QuickMap<u64, UnitNote>) -> Vec<u64> {
    let mut list = Vec::new();
    for (key, note) in notes.iter().filter(|(_, note)| note.is_valid) {
        list.extend([*key, note.stamp, note.answers.len() as u64]);
        for (question, answer) in &note.answers {
            list.extend([*question, answer.map_or(2, u64::from)]);
        }
        list.push(u64::from(note.numbers.is_some()));
        if let Some(numbers) = &note.numbers {
            let count = numbers.dependencies.len() as u64;
            list.extend([numbers.value, numbers.rustc, count]);
            list.extend(&numbers.dependencies);
        }
    }
    list
}

/// Returns the notes that [`encoded`] listed.
fn decoded(list: &[u64]) -> Option<QuickMap<u64, UnitNote>> {
    let mut notes = QuickMap::default();
    let mut list = list.iter().copied();
    while let Some(key) = list.next() {
        let mut note = UnitNote {
            stamp: list.next()?,
            numbers: None,
            answers: Vec::new(),
            is_valid: false,
        };
        for _ in 0..list.next()? {
            let question = list.next()?;
            let answer = list.next()?;
            note.answers
                .push((question, (answer < 2).then_some(answer == 1)));
        }
        if list.next()? == 1 {
            let mut numbers = FingerprintNumbers {
                value: list.next()?,
                rustc: list.next()?,
                dependencies: Vec::new(),
            };
            for _ in 0..list.next()? {
                numbers.dependencies.push(list.next()?);
            }
            note.numbers = Some(numbers);
        }
        notes.insert(key, note);
    }
    Some(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_were_written() {
        let numbers = |dependencies: &[u64]| {
            Some(FingerprintNumbers {
                value: 7,
                rustc: u64::MAX,
                dependencies: dependencies.to_vec(),
            })
        };
        let note = |numbers, answers: &[(u64, Option<bool>)]| UnitNote {
            stamp: 5,
            numbers,
            answers: answers.to_vec(),
            is_valid: true,
        };
        let mut notes = QuickMap::from_iter([
            (1, note(None, &[])),
            (
                2,
                note(None, &[(8, Some(true)), (9, Some(false)), (10, None)]),
            ),
            (3, note(numbers(&[]), &[])),
            (4, note(numbers(&[1, 2, 3]), &[(0, Some(true))])),
        ]);
        let list = encoded(&notes);
        for length in [1, 2, list.len() - 1] {
            assert_eq!(decoded(&list[..length]), None);
        }
        let mut read = decoded(&list).unwrap();
        for note in read.values_mut() {
            assert!(!note.is_valid);
            note.is_valid = true;
        }
        assert_eq!(read, notes);
        notes.values_mut().for_each(|it| it.is_valid = false);
        assert!(encoded(&notes).is_empty());
    }
}
