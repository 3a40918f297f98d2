//! Finds the outcome of each unit from the JSON messages of the same build.

use std::collections::BTreeMap;

use cargo_metadata::{Artifact, Message, PackageId};
use xtask_impact::workspace::name_and_version;

use super::unit_graph::target;
use crate::cargo_runs::build_times::{UnitState, UnitTiming};

/// The finished units with one label. Several units have one label if they differ only in features
/// or platform. Neither the report nor the messages name the platform.
#[derive(Default)]
struct FinishedUnits {
    unit: UnitTiming,
    ran: usize,
    fresh: usize,
}

/// Sets the state of every unit, and adds the fresh units that the report leaves out. The result is
/// the same for every version of cargo.
pub(crate) fn settle(units: &mut Vec<UnitTiming>, messages: &[Message], failed: bool) {
    let mut done: BTreeMap<String, FinishedUnits> = BTreeMap::new();
    for message in messages {
        let (unit, fresh) = match message {
            Message::CompilerArtifact(artifact) => (compiled(artifact), artifact.fresh),
            // Cargo sends this message for fresh scripts, too. The report shows if the script ran.
            Message::BuildScriptExecuted(s) => (unit(&s.package_id, "build script", "run"), false),
            _ => continue,
        };
        let entry = done.entry(unit.to_string()).or_default();
        entry.unit = unit;
        match fresh {
            true => entry.fresh += 1,
            false => entry.ran += 1,
        }
    }
    // The longest unit comes first: if two units have one label, the unit without a duration is the
    // one that failed.
    units.sort_by(|a, b| b.duration.total_cmp(&a.duration));
    for unit in units.iter_mut() {
        let started = unit.start > 0.0 || unit.duration > 0.0;
        let FinishedUnits { ran, fresh, .. } = done.entry(unit.to_string()).or_default();
        unit.state = match started {
            _ if messages.is_empty() => guess(unit, started, failed),
            true if take(ran) || !failed => UnitState::Ran,
            true => UnitState::Failed,
            false if take(fresh) || (unit.mode == "run" && take(ran)) => UnitState::Fresh,
            false if take(ran) => UnitState::Ran,
            false => UnitState::NotRun,
        };
    }
    for FinishedUnits { unit, ran, fresh } in done.into_values() {
        let left_out = if unit.mode == "run" { ran } else { fresh };
        units.extend(std::iter::repeat_n(unit, left_out));
    }
}

/// Returns the state that the report alone implies. A compiler needs more than the 5 ms that are
/// rounded to zero, but a build script may not.
fn guess(unit: &UnitTiming, started: bool, failed: bool) -> UnitState {
    match unit.mode.as_str() {
        _ if started && (unit.duration > 0.0 || !failed) => UnitState::Ran,
        mode if started && mode != "run" => UnitState::Failed,
        _ => UnitState::Unknown,
    }
}

fn take(count: &mut usize) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}

fn compiled(artifact: &Artifact) -> UnitTiming {
    let kind = artifact.target.kind.first();
    let kind = kind.map_or(String::new(), ToString::to_string);
    let target = target(&kind, &artifact.target.name);
    // The message does not name the mode, but the extensions of its files show the mode.
    let extensions = artifact.filenames.iter().map(|it| it.extension());
    let all = |extension| extensions.clone().all(|it| it == Some(extension));
    let mode = match artifact.profile.test {
        _ if artifact.filenames.is_empty() => "doc scrape",
        _ if all("html") => "doc",
        true if all("rmeta") => "check-test",
        true => "test",
        false if all("rmeta") => "check",
        false => "build",
    };
    unit(&artifact.package_id, &target, mode)
}

/// Returns a unit in the state fresh. The caller corrects the state if the report shows another
/// state.
fn unit(id: &PackageId, target: &str, mode: &str) -> UnitTiming {
    let (name, version) = name_and_version(&id.repr);
    UnitTiming {
        name: name.to_owned(),
        version: version.to_owned(),
        target: target.to_owned(),
        mode: mode.to_owned(),
        state: UnitState::Fresh,
        ..UnitTiming::default()
    }
}
