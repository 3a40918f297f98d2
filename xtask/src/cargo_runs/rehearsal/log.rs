//! Cargo's log about fingerprints. For every unit of a build, in one step after the other, cargo
//! writes the path of the unit's fingerprint, then, unless the unit is fresh, the reason.

use std::collections::BTreeSet;

use camino::Utf8Path;
use xtask_impact::build_dir::Layout;

use super::reason::Reason;
use super::record_key::RecordKey;

/// The value of `CARGO_LOG`. Cargo 1.99 renamed the module.
pub(crate) const FILTER: &str =
    "cargo::core::compiler::fingerprint=debug,cargo::compiler::fingerprint=debug";

/// A unit of a build, with cargo's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JudgedUnit {
    /// The place of the unit's record.
    pub(crate) key: RecordKey,
    /// The layout of the unit's record.
    pub(crate) layout: Layout,
    /// The package: `name v1.0.0`, or `name v1.0.0 (/path)`.
    pub(crate) package: String,
    /// Cargo's mode, such as `Check { test: false }`. Empty for a fresh unit.
    pub(crate) mode: String,
    /// The reason to build the unit; `None` if the unit is fresh.
    pub(crate) reason: Option<Reason>,
}

/// Reads the names of the dependencies that are newer than a dependent.
pub(crate) fn newer_dependencies(log: &str) -> BTreeSet<String> {
    let lines = log.lines().filter_map(|line| {
        let (_, behind) = line.split_once("fingerprint: dependency on `")?;
        let (name, behind) = behind.split_once('`')?;
        behind.starts_with(" is newer").then(|| name.to_owned())
    });
    lines.collect()
}

/// Reads cargo's log. `build_directory` is the directory that cargo built in.
pub(crate) fn read(log: &str, build_directory: &Utf8Path) -> Vec<JudgedUnit> {
    let mut units: Vec<JudgedUnit> = Vec::new();
    for line in log.lines() {
        let Some((before, message)) = line.split_once("fingerprint: ") else {
            continue;
        };
        let message = message.trim_start();
        if let Some(path) = message.strip_prefix("fingerprint at: ") {
            let key = RecordKey::at(build_directory, Utf8Path::new(path.trim_end()));
            units.extend(key.map(|(key, layout)| JudgedUnit {
                key,
                layout,
                package: package_in(before).unwrap_or_default().to_owned(),
                mode: String::new(),
                reason: None,
            }));
            continue;
        }
        let Some(unit) = units.last_mut() else {
            continue;
        };
        let told = message
            .strip_prefix("fingerprint dirty for ")
            .or_else(|| message.strip_prefix("fingerprint error for "));
        if let Some(told) = told {
            unit.mode = mode_in(told).unwrap_or_default().to_owned();
        } else if let Some(reason) = message.strip_prefix("dirty: ") {
            unit.reason = Some(Reason::parse(reason));
        } else if message.starts_with("err: ") {
            unit.reason = Some(Reason::NoRecord);
        }
    }
    // Cargo writes a line again if another part of cargo asks about the unit.
    let mut seen = BTreeSet::new();
    units.retain(|unit| seen.insert(unit.key.clone()));
    units
}

/// Returns the package in the span of a line: `prepare_target{… package_id=NAME target="…"}`.
fn package_in(span: &str) -> Option<&str> {
    let (_, behind) = span.split_once("package_id=")?;
    Some(behind.rsplit_once(" target=")?.0)
}

/// Returns the mode of `PACKAGE/MODE/TargetInner { … }`.
fn mode_in(told: &str) -> Option<&str> {
    let (before, _) = told.split_once("/TargetInner")?;
    Some(before.rsplit_once('/')?.1)
}
