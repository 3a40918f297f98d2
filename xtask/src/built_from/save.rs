//! Records the contents that the units of a build directory were built from.
//!
//! A unit is recorded only if nothing can have changed since the unit was started: every input is
//! older than the start, by its time of modification and by its time of change. If the former
//! record describes the present build of a unit, the unit keeps its entry, even if files changed
//! since.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::{fs, io};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::unit_record::RecordedMode;
use xtask_impact::files::time_of;
use xtask_impact::private_dir::write_whole;

use super::clock::FileClock;
use super::content::{DirectoryIdentity, Evaluated};
use super::declared::InputFinder;
use super::inputs::UnitInput;
use super::macros::{self, MacroReach};
use super::record::{self, BuildRecord, InputTable, RecordedInput, RecordedUnit};
use super::subject::{FreshnessScene, RecordedBuilds};
use super::units::{DiskUnit, NONCE, modified};
use crate::cli::write_error::cannot;

/// A record to write, and the nonces that tie it to the units.
pub(crate) struct SavePlan {
    /// The record.
    pub record: BuildRecord,
    /// The files to write, each with its nonce.
    pub nonces: Vec<(Utf8PathBuf, String)>,
    /// The units whose entries are taken from the former record.
    pub kept: BTreeSet<String>,
    /// The number of files that were read.
    pub files: usize,
}

/// The nonces of units by their keys.
type Nonces<'a> = HashMap<&'a str, String>;

/// Plans the record of a build directory.
pub(crate) fn plan(
    scene: &FreshnessScene<'_>,
    builds: &RecordedBuilds<'_>,
    clock: FileClock,
) -> SavePlan {
    let units = &builds.units;
    let kept = valid_entries(builds);
    let (nonces, written) = nonces(builds, &kept);
    let finder = InputFinder::new(
        scene.workspace,
        units,
        &scene.config,
        builds.evaluator.head(),
    );
    let is_new = kept.iter().any(Option::is_none);
    let reaches = is_new.then(|| macros::reaches(scene.workspace, &finder, &scene.config));
    let named = named_inputs(
        scene,
        &finder,
        &kept,
        reaches.as_deref().unwrap_or_default(),
    );
    let all = named.iter().flatten().flat_map(|it| it.iter().flatten());
    let contents = builds.evaluate(all);

    let mut table = InputTable::default();
    let mut recorded = Vec::new();
    for (at, unit) in units.units.iter().enumerate() {
        let (Some((value, _)), Some(nonce)) = (&unit.record, nonces.get(unit.key.as_str())) else {
            continue;
        };
        if let Some(entry) = kept[at] {
            recorded.push(moved(entry, builds, &mut table));
            continue;
        }
        let started = started(unit);
        let inputs = named[at].as_ref().expect("new units have inputs");
        let inputs = inputs.as_ref().map_err(Clone::clone).and_then(|inputs| {
            let started = started.clone()?;
            inputs
                .iter()
                .map(|input| {
                    let found = contents[input].as_ref().map_err(Clone::clone)?;
                    check(builds, unit, started, input, found)?;
                    Ok(table.index(RecordedInput {
                        input: input.clone(),
                        items: found.items.clone(),
                    }))
                })
                .collect()
        });
        recorded.push(RecordedUnit {
            key: unit.key.clone(),
            value: *value,
            nonce: nonce.clone(),
            dependencies: started.and_then(|it| dependencies(builds, at, it, &nonces)),
            inputs,
            outputs: outputs(builds, at),
        });
    }
    recorded.sort_by(|a, b| a.key.cmp(&b.key));
    let kept = kept.iter().flatten().map(|it| it.key.clone()).collect();
    let mut generated = builds.evaluator.generated(contents.keys().copied());
    generated.extend(
        builds
            .record
            .iter()
            .flat_map(|it| it.generated.iter().cloned()),
    );
    SavePlan {
        record: BuildRecord {
            generated,
            owner: builds.owner.clone(),
            build_identity: DirectoryIdentity::of(&builds.owner.build_directory),
            root_identity: DirectoryIdentity::of(&builds.owner.root),
            saved: clock.now,
            stamps: builds.evaluator.reader.settled(clock.now, &table.paths()),
            inputs: table.inputs,
            units: recorded,
        },
        nonces: written,
        kept,
        files: builds.evaluator.reader.count(),
    }
}

/// Returns the entry of each unit in the record, if the entry describes the unit's last build.
fn valid_entries<'b>(builds: &'b RecordedBuilds<'_>) -> Vec<Option<&'b RecordedUnit>> {
    let entries = builds.record.iter().flat_map(|it| &it.units);
    let entries: HashMap<&str, &RecordedUnit> = entries.map(|it| (it.key.as_str(), it)).collect();
    let units = builds.units.units.iter();
    units
        .map(|unit| {
            let entry = entries.get(unit.key.as_str()).copied()?;
            is_tied(entry, unit).then_some(entry)
        })
        .collect()
}

/// Writes the nonces, then the record: a kill in between leaves units without an entry.
///
/// # Errors
/// Returns an error if a file cannot be written.
pub(crate) fn apply(plan: &SavePlan) -> Result<()> {
    for (path, nonce) in &plan.nonces {
        write_nonce(path, nonce).map_err(|error| cannot("write", path, error))?;
    }
    let path = record::path(&plan.record.owner.build_directory);
    record::write(&plan.record).map_err(|error| cannot("write", &path, error))
}

/// Writes a nonce by a rename, because another build directory may have a hard link to the file,
/// and keeps the time of the file.
fn write_nonce(path: &Utf8Path, nonce: &str) -> io::Result<()> {
    let time = fs::metadata(path)?.modified()?;
    write_whole(path, format!("{NONCE}{nonce}"))?;
    fs::File::options()
        .write(true)
        .open(path)?
        .set_modified(time)
}

/// Returns true if an entry describes exactly this build of the unit.
pub(crate) fn is_tied(entry: &RecordedUnit, unit: &DiskUnit) -> bool {
    let value = unit.record.as_ref().map(|it| it.0);
    value == Some(entry.value) && unit.nonce().as_ref() == Some(&entry.nonce)
}

/// Returns the nonces of all units, and those to write. Units that share a directory share a nonce.
fn nonces<'a>(
    builds: &'a RecordedBuilds<'_>,
    kept: &[Option<&RecordedUnit>],
) -> (Nonces<'a>, Vec<(Utf8PathBuf, String)>) {
    let (mut nonces, mut written) = (HashMap::new(), BTreeMap::new());
    let all = || builds.units.units.iter().zip(kept);
    let tied: HashMap<&Utf8Path, &RecordedUnit> = all()
        .filter_map(|(unit, entry)| Some((unit.files.timestamp.as_path(), (*entry)?)))
        .collect();
    for (unit, entry) in all() {
        if let Some(entry) = entry.or_else(|| tied.get(unit.files.timestamp.as_path()).copied()) {
            nonces.insert(unit.key.as_str(), entry.nonce.clone());
        } else if unit.files.timestamp.is_file() {
            let path = unit.files.timestamp.clone();
            let nonce = written.entry(path).or_insert_with(new_nonce);
            nonces.insert(unit.key.as_str(), nonce.clone());
        }
    }
    (nonces, written.into_iter().collect())
}

/// Returns a random text of 32 digits.
fn new_nonce() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}

/// The inputs of each new unit; the reason if they cannot be known. `None` for a kept unit.
type NamedInputs = Vec<Option<Result<Vec<UnitInput>, String>>>;

fn named_inputs(
    scene: &FreshnessScene<'_>,
    finder: &InputFinder<'_>,
    kept: &[Option<&RecordedUnit>],
    reaches: &[MacroReach],
) -> NamedInputs {
    let all: Vec<usize> = (0..kept.len()).collect();
    xtask_impact::parallel::parts(&all, |part| {
        let named = part.iter().map(|&at| {
            if kept[at].is_some() {
                return None;
            }
            let unit = &finder.units().units[at];
            if unit.name.mode == RecordedMode::Doc {
                return Some(Err("documentation is not recorded".to_owned()));
            }
            if unit.is_run() && scene.config.always_run.contains(&unit.package) {
                return Some(Err("the configuration says that it always runs".to_owned()));
            }
            Some(finder.tracked(unit).map(|mut inputs| {
                inputs.extend(finder.untracked(at, reaches[at]));
                inputs
            }))
        });
        named.collect()
    })
}

/// Returns the time at which a unit started.
///
/// # Errors
/// Returns the reason if the times are not those that cargo wrote. Cargo sets the reference file to
/// the time of `invoked.timestamp`. A copy has other times, and an archive may hold whole seconds.
fn started(unit: &DiskUnit) -> Result<i64, String> {
    let reference = unit.files.reference.as_deref().and_then(modified);
    match (reference, modified(&unit.files.timestamp)) {
        (Some(reference), Some(started))
            if reference == started && started % 1_000_000_000 != 0 =>
        {
            Ok(started)
        }
        (Some(_), Some(_)) => Err("the exact times of its build are lost".to_owned()),
        _ => Err("the time of its build is unknown".to_owned()),
    }
}

/// Checks that an input is as it was when the unit started.
fn check(
    builds: &RecordedBuilds<'_>,
    unit: &DiskUnit,
    started: i64,
    input: &UnitInput,
    found: &Evaluated,
) -> Result<(), String> {
    let missing = || match found.missing() {
        Some(missing) => Err(format!("{missing} does not exist")),
        None => Ok(()),
    };
    let older = |what: &dyn std::fmt::Display| match found.changed < started {
        true => Ok(()),
        false => Err(format!("{what} changed after the unit was started")),
    };
    match input {
        UnitInput::Watched(path) => {
            missing()?;
            match path.starts_with(&builds.owner.build_directory) {
                // Users do not edit files in the build directory, so the time of modification is
                // enough.
                true if found.newest <= started => Ok(()),
                _ => older(path),
            }
        }
        UnitInput::Untracked(path) => older(path),
        UnitInput::WatchedGit(_) => missing().and_then(|()| older(&"git's state")),
        UnitInput::Git => older(&"git's state"),
        UnitInput::Environment => older(&"cargo's configuration"),
        UnitInput::WorkTree => older(&"a file of the repository"),
        UnitInput::Package(root) => {
            older(&format_args!("a file of the package in {root}"))?;
            match unit.newest_file(root) {
                Some(newest) if !found.is_newest(&newest) => {
                    let path = newest.path;
                    Err(format!(
                        "{path} is no longer the newest file of the package"
                    ))
                }
                _ => Ok(()),
            }
        }
        UnitInput::Ignored(_) => {
            let beside = unit.files.timestamp.with_file_name("root-output");
            let ended = modified(&beside).unwrap_or(started);
            match found.changed <= ended {
                true => Ok(()),
                false => Err("an ignored file of the package changed after the run".to_owned()),
            }
        }
    }
}

/// Returns the keys and nonces of a unit's dependencies.
fn dependencies(
    builds: &RecordedBuilds<'_>,
    at: usize,
    started: i64,
    nonces: &Nonces<'_>,
) -> Result<Vec<(String, String)>, String> {
    let units = &builds.units;
    let mut found = Vec::new();
    for value in units.dependencies(at) {
        let of_value = units.of_value(value);
        if of_value.is_empty() {
            return Err("a dependency was built again since".to_owned());
        }
        for &dependency in of_value {
            let dependency = &units.units[dependency];
            let nonce = nonces.get(dependency.key.as_str());
            let before = modified(&dependency.files.timestamp).is_some_and(|it| it <= started);
            match nonce.filter(|_| before) {
                Some(nonce) => found.push((dependency.key.clone(), nonce.clone())),
                None => {
                    let package = &dependency.package;
                    return Err(format!("its dependency {package} was built again since"));
                }
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Returns the artifacts of a unit with their sizes, relative to the build directory.
pub(crate) fn outputs(builds: &RecordedBuilds<'_>, at: usize) -> Vec<(String, u64)> {
    let units = &builds.units;
    let mut paths = units.outputs(at);
    if units.units[at].is_run() {
        let mut found = Vec::new();
        files_below(&units.out_dir(&units.units[at]), &mut found);
        paths.append(&mut found);
    }
    let sized = paths.into_iter().filter_map(|path| {
        let size = fs::metadata(&path).ok()?.len();
        let below = path.strip_prefix(&units.build_directory).ok()?;
        Some((below.to_string(), size))
    });
    let mut sized: Vec<_> = sized.collect();
    sized.sort();
    sized
}

fn files_below(directory: &Utf8Path, found: &mut Vec<Utf8PathBuf>) {
    for entry in directory.read_dir_utf8().into_iter().flatten().flatten() {
        let path = entry.into_path();
        match path.symlink_metadata().is_ok_and(|it| it.is_dir()) {
            true => files_below(&path, found),
            false => found.push(path),
        }
    }
}

/// Returns an entry of the former record with its inputs in the new table.
fn moved(
    entry: &RecordedUnit,
    builds: &RecordedBuilds<'_>,
    table: &mut InputTable,
) -> RecordedUnit {
    let former = builds.record.as_ref().map_or(&[][..], |it| &it.inputs);
    let mut entry = entry.clone();
    if let Ok(inputs) = &mut entry.inputs {
        for input in inputs {
            // A damaged record has another checksum, so each index is valid.
            *input = table.index(former[*input as usize].clone());
        }
    }
    entry
}

/// Sets the time of a file.
///
/// # Errors
/// Returns an error if the time cannot be set.
pub(crate) fn set_time(path: &Utf8Path, time: i64) -> io::Result<()> {
    let mut options = fs::File::options();
    // Windows sets times only through a handle that may write. Elsewhere the owner may set the time
    // of a file that is read-only.
    match cfg!(windows) {
        true => options.write(true),
        false => options.read(true),
    };
    options.open(path)?.set_modified(time_of(time))
}
