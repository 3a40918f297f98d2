//! The records of all units in a build directory, as they were at one moment.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use xtask_impact::build_dir::dep_info::{self, Fingerprint};
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode, UnitName};
use xtask_impact::build_dir::{Layout, ProfileDir};
use xtask_impact::{files, parallel};

use crate::cargo_runs::rehearsal::RecordKey;

/// The artifacts of a compiled unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Produced {
    /// Metadata only, as `cargo check` makes it.
    Metadata,
    /// Metadata only, by Clippy.
    Linted,
    /// A library, or an executable.
    Linked,
    /// A run of a script, documentation, or nothing that is known.
    Other,
}

/// The record of one unit.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The fingerprint as a number; `None` if the last build of the unit did not finish.
    pub(crate) value: Option<u64>,
    /// The fingerprint JSON as text.
    pub(crate) json: String,
    /// The values in the JSON.
    pub(crate) values: Fingerprint,
    /// The start of the compiler or of the script.
    pub(crate) started: Option<SystemTime>,
    /// The end of the unit.
    pub(crate) finished: Option<SystemTime>,
    /// The artifacts.
    pub(crate) produced: Produced,
    /// The names of the variables that the sources read: `env!`.
    pub(crate) variables: Vec<String>,
}

impl Record {
    /// Returns the duration of the unit. Cargo stamps the start; the end is the time of the
    /// fingerprint file.
    pub(crate) fn duration(&self) -> Option<Duration> {
        self.finished?.duration_since(self.started?).ok()
    }
}

/// The records by their place, and the places by the number of the record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    units: BTreeMap<RecordKey, Record>,
    by_value: HashMap<u64, Vec<RecordKey>>,
    by_name: HashMap<(String, String), Vec<RecordKey>>,
}

impl Records {
    /// Reads all records of some profile directories.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed.
    pub(crate) fn read(profiles: &[ProfileDir]) -> Result<Self> {
        let mut records = Self::default();
        for profile in profiles {
            let directories = profile.unit_names(&|_| true)?;
            let read = parallel::parts(&directories, |part| {
                let units = part.iter().flat_map(|(package, hash, names)| {
                    names.iter().map(move |name| (package, hash, name))
                });
                units
                    .filter_map(|(package, hash, name)| read_unit(profile, package, hash, name))
                    .collect()
            });
            for (key, record) in read {
                records.insert(key, record);
            }
        }
        Ok(records)
    }

    pub(crate) fn insert(&mut self, key: RecordKey, record: Record) {
        if let Some(value) = record.value {
            self.by_value.entry(value).or_default().push(key.clone());
        }
        let name = (key.package.clone(), key.name.clone());
        self.by_name.entry(name).or_default().push(key.clone());
        self.units.insert(key, record);
    }

    /// Returns the record at a place.
    pub(crate) fn get(&self, key: &RecordKey) -> Option<&Record> {
        self.units.get(key)
    }

    /// Returns the records with this number.
    pub(crate) fn with_value(&self, value: u64) -> &[RecordKey] {
        self.by_value.get(&value).map_or(&[], Vec::as_slice)
    }

    /// Returns the records of all variants of a unit.
    pub(crate) fn variants(&self, key: &RecordKey) -> Vec<(&RecordKey, &Record)> {
        let name = (key.package.clone(), key.name.clone());
        let keys = self.by_name.get(&name).into_iter().flatten();
        keys.filter_map(|key| self.units.get_key_value(key))
            .collect()
    }

    /// Returns all records, sorted by place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&RecordKey, &Record)> {
        self.units.iter()
    }
}

fn read_unit(
    profile: &ProfileDir,
    package: &str,
    hash: &str,
    name: &UnitName,
) -> Option<(RecordKey, Record)> {
    let json = profile.fingerprint_json(package, hash, name)?;
    let values: Fingerprint = serde_json::from_str(&json).ok()?;
    let directory = profile.fingerprint_dir(package, hash);
    let file = directory.join(name.file_name());
    let stamp = match name.mode {
        RecordedMode::Run => profile
            .script_output(package, hash)
            .with_file_name("invoked.timestamp"),
        RecordedMode::Doc => directory.join("invoked.timestamp"),
        _ => directory.join(format!("dep-{}", name.file_name())),
    };
    let time = |path: &Utf8Path| fs::metadata(path).and_then(|it| it.modified()).ok();
    let variables = variables_of(profile, package, hash, name);
    let record = Record {
        value: profile.fingerprint(package, hash, name).map(|it| it.0),
        started: time(&stamp).or_else(|| time(&directory.join("invoked.timestamp"))),
        finished: time(&file),
        produced: produced(profile, package, hash, name, &variables),
        variables,
        json,
        values,
    };
    let place = profile.path.strip_prefix(&profile.build_directory).ok()?;
    let key = RecordKey {
        place: place.as_str().replace('\\', "/"),
        package: package.to_owned(),
        hash: hash.to_owned(),
        name: name.file_name(),
    };
    Some((key, record))
}

/// Returns the kind of the unit's artifacts. `cargo check` and `cargo build` name their units
/// alike, but only a build leaves more than metadata.
fn produced(
    profile: &ProfileDir,
    package: &str,
    hash: &str,
    name: &UnitName,
    variables: &[String],
) -> Produced {
    if matches!(name.mode, RecordedMode::Run | RecordedMode::Doc)
        || name.kind == RecordedKind::BuildScript
    {
        return Produced::Other;
    }
    let directory = profile.output_dir(package, hash, name.kind);
    let target = name.target.replace('-', "_");
    let metadata = [
        format!("lib{target}-{hash}.rmeta"),
        format!("lib{target}.rmeta"),
    ];
    let linked = match profile.layout {
        Layout::V1 => vec![
            format!("lib{target}-{hash}.rlib"),
            format!("{target}-{hash}{}", std::env::consts::EXE_SUFFIX),
            format!(
                "{}{target}-{hash}{}",
                std::env::consts::DLL_PREFIX,
                std::env::consts::DLL_SUFFIX
            ),
        ],
        Layout::V2 => vec![
            format!("lib{target}-{hash}.rlib"),
            format!("{target}-{hash}{}", std::env::consts::EXE_SUFFIX),
            format!("{target}{}", std::env::consts::EXE_SUFFIX),
            format!(
                "{}{target}-{hash}{}",
                std::env::consts::DLL_PREFIX,
                std::env::consts::DLL_SUFFIX
            ),
        ],
    };
    let exists = |name: &String| directory.join(name).exists();
    if linked.iter().any(exists) {
        return Produced::Linked;
    }
    if !metadata.iter().any(exists) {
        return Produced::Other;
    }
    // Clippy reads its arguments by this variable.
    match variables.iter().any(|it| it == "CLIPPY_ARGS") {
        true => Produced::Linted,
        false => Produced::Metadata,
    }
}

/// Returns the names of the variables in cargo's dep-info of a compiled unit.
fn variables_of(profile: &ProfileDir, package: &str, hash: &str, name: &UnitName) -> Vec<String> {
    if matches!(name.mode, RecordedMode::Run | RecordedMode::Doc) {
        return Vec::new();
    }
    let path = profile.cargo_dep_info(package, hash, name);
    let bytes = files::read(path, files::RECORD).ok();
    let info = bytes.and_then(|it| dep_info::parse_cargo(&it));
    let variables = info.into_iter().flat_map(|it| it.env);
    variables.map(|(variable, _)| variable).collect()
}
