//! The inputs of a unit that are newer than its record. Cargo names one reason per unit, and a
//! dependency comes before the unit's own files.

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::ProfileDir;
use xtask_impact::build_dir::unit_inputs::{Roots, Watch};
use xtask_impact::build_dir::unit_record::{RecordedMode, StoredFingerprint};

use super::cause::{CauseKind, RootCause};
use crate::cargo_runs::rehearsal::RecordKey;
use crate::rebuilds::records::Record;

/// Returns the causes among the files of a unit: changed files and missing files.
pub(crate) fn changed(
    profile: &ProfileDir,
    key: &RecordKey,
    record: &Record,
    roots: Roots<'_>,
) -> Vec<RootCause> {
    let (Some(name), Some(value)) = (key.unit(), record.value) else {
        return Vec::new();
    };
    let stored = StoredFingerprint {
        package: key.package.clone(),
        hash: key.hash.clone(),
        value,
        fingerprint: record.values.clone(),
        invoked: record.started,
        plain: false,
        name,
    };
    let files = match stored.name.mode {
        RecordedMode::Doc => Vec::new(),
        RecordedMode::Run => match profile.script_run(&stored, roots.package) {
            Some(run) => match run.watch {
                Watch::Declared(paths, _) => paths,
                Watch::Package(_) | Watch::Overridden => Vec::new(),
            },
            None => Vec::new(),
        },
        _ => profile
            .cargo_sources(&key.package, &key.hash, &stored.name, roots)
            .map(|it| it.files)
            .unwrap_or_default(),
    };
    let Some(reference) = record.started else {
        return Vec::new();
    };
    // A file that a build script makes is older than its dependents, or the script is a cause.
    let files = files
        .iter()
        .filter(|it| !it.starts_with(&profile.build_directory));
    files.filter_map(|file| judged(file, reference)).collect()
}

fn judged(file: &Utf8Path, reference: SystemTime) -> Option<RootCause> {
    match newest(file, 0) {
        None => Some(RootCause::about(CauseKind::FileMissing, file.as_str())),
        Some((path, time)) if time > reference => {
            let kind = match time > SystemTime::now() {
                true => CauseKind::FutureTime,
                false => CauseKind::FileChanged,
            };
            Some(RootCause::about(kind, path.as_str()))
        }
        Some(_) => None,
    }
}

/// Returns the newest file at or below a path, with its time. `None` if the path does not exist.
fn newest(path: &Utf8Path, depth: usize) -> Option<(Utf8PathBuf, SystemTime)> {
    let metadata = std::fs::metadata(path).ok()?;
    let mut newest = (path.to_owned(), metadata.modified().ok()?);
    // Links can form a loop.
    if metadata.is_dir() && depth < 64 {
        for entry in path.read_dir_utf8().ok()?.flatten() {
            if let Some(below) = self::newest(entry.path(), depth + 1)
                && below.1 > newest.1
            {
                newest = below;
            }
        }
    }
    Some(newest)
}
