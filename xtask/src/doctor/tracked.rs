//! What git tracks and should not, and times that cannot be.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::{Patient, first};
use crate::finding::{Check, Finding, Level};

pub(super) const CHECKS: &[&Check] = &[&OUTPUT, &FUTURE];

static OUTPUT: Check = Check {
    code: "tracked-output",
    level: Level::Error,
    cost: "A checkout puts another build's artifacts in place, newer than every source, and cargo \
           takes them for its own; every build changes files that git tracks.",
    explanation: "Read: the files that git tracks, by its index. Some lie in the target or the build \
                  directory.\n\nMend: `git rm --cached`, which leaves them on the disk, and a line for \
                  the directory in `.gitignore`; `--fix` does both, and commits nothing.",
};

static FUTURE: Check = Check {
    code: "future-source",
    level: Level::Warning,
    cost: "Cargo takes a file that is newer than its last build for changed: every build compiles its \
           package again, until that time has come.",
    explanation: "Read: the modification times of the files that git tracks in the directories of the \
                  workspace's path packages, against the clock. An archive, a file system of another \
                  machine or a clock that was wrong left them.\n\nMend: `--fix` sets the time to now; \
                  what is built from the file is compiled once more.",
};

pub(super) fn examine(patient: &Patient<'_>) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let outputs = outputs(patient)?;
    if let Some(one) = outputs.first() {
        let message = match outputs.len() {
            1 => "git tracks a file in the target directory".to_owned(),
            number => format!("git tracks {number} files in the target directory"),
        };
        let mend = "`cargo xtask doctor --fix` takes them out of the index and adds an entry to \
                    `.gitignore`.";
        let finding = OUTPUT.found(patient.place(one, None), message, mend);
        let evidence = outputs.iter().map(|it| format!("`git ls-files`: {it}"));
        found.push(finding.evidence(first(5, evidence)));
    }
    let future = future(patient)?;
    if let Some(one) = future.first() {
        let message = match future.len() {
            1 => "a source was modified in the future".to_owned(),
            number => format!("{number} sources were modified in the future"),
        };
        let mend = "`cargo xtask doctor --fix` sets their times to now.";
        let finding = FUTURE.found(patient.place(one, None), message, mend);
        let evidence = future.iter().map(|it| format!("the time: {it}"));
        found.push(finding.evidence(first(5, evidence)));
    }
    Ok(found)
}

/// The tracked files in the target and the build directory, below the top level; none of one in
/// which packages of the workspace lie, as under `CARGO_TARGET_DIR=.`.
///
/// # Errors
/// Git's own message where it cannot list.
pub fn outputs(patient: &Patient<'_>) -> Result<Vec<Utf8PathBuf>> {
    let built = built(patient);
    let tracked = patient.tracked()?.iter();
    let outputs = tracked.filter(|file| built.iter().any(|it| file.starts_with(it)));
    Ok(outputs.cloned().collect())
}

/// The target and the build directory below the top level, but for one that holds a package: what is
/// a source there and what was built cannot be told apart.
pub fn built(patient: &Patient<'_>) -> BTreeSet<Utf8PathBuf> {
    let own = patient.workspace.directories();
    let packages = patient.own_packages();
    let has_sources = |it: &Utf8PathBuf| packages.keys().any(|package| package.starts_with(it));
    let built = [&own.target, &own.build].into_iter();
    let below = built.filter_map(|it| patient.below(it));
    below.filter(|it| !has_sources(it)).collect()
}

/// The sources of path packages that are newer than now, below the top level.
///
/// # Errors
/// Git's own message where it cannot list.
pub fn future(patient: &Patient<'_>) -> Result<Vec<Utf8PathBuf>> {
    let packages = patient.own_packages();
    let is_source = |file: &Utf8Path| file.ancestors().skip(1).any(|it| packages.contains_key(it));
    let modified = |file: &Utf8Path| {
        let metadata = patient.top_level().join(file).metadata();
        metadata.ok()?.modified().ok()
    };
    let files = patient.tracked()?.iter().filter(|file| is_source(file));
    let files = files.filter(|file| modified(file).is_some_and(|it| is_future(it, patient.now)));
    Ok(files.cloned().collect())
}

/// Whether a time is further ahead than clocks of file systems differ.
fn is_future(time: SystemTime, now: SystemTime) -> bool {
    time.duration_since(now)
        .is_ok_and(|ahead| ahead > Duration::from_secs(10))
}
