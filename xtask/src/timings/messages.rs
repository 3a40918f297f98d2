//! Tells units that ran from those that did not, by the JSON messages of the same build.

use std::collections::BTreeMap;

use cargo_metadata::{Artifact, Message, PackageId};

use super::{State, UnitTiming};

/// Units of one label that cargo said were done. They can be several, differing in features or
/// platform; the platform is in neither the report nor the messages.
#[derive(Default)]
struct Done {
    unit: UnitTiming,
    ran: usize,
    fresh: usize,
}

/// Sets every unit's state, and adds the fresh units that the report leaves out, so that a build
/// reads the same whichever cargo made it.
pub(super) fn settle(units: &mut Vec<UnitTiming>, messages: &[Message], failed: bool) {
    let mut done: BTreeMap<String, Done> = BTreeMap::new();
    for message in messages {
        let (unit, fresh) = match message {
            Message::CompilerArtifact(artifact) => (compiled(artifact), artifact.fresh),
            // This one comes for fresh scripts too; whether the script ran, the report tells.
            Message::BuildScriptExecuted(s) => (unit(&s.package_id, "build script", "run"), false),
            _ => continue,
        };
        let entry = done.entry(unit.to_string()).or_default();
        entry.unit = unit;
        *(if fresh {
            &mut entry.fresh
        } else {
            &mut entry.ran
        }) += 1;
    }
    // Longest first: of two units with one label, the one without a length is the one that failed.
    units.sort_by(|a, b| b.duration.total_cmp(&a.duration));
    for unit in units.iter_mut() {
        let started = unit.start > 0.0 || unit.duration > 0.0;
        let Done { ran, fresh, .. } = done.entry(unit.to_string()).or_default();
        unit.state = match started {
            _ if messages.is_empty() => guess(unit, started, failed),
            true if take(ran) || !failed => State::Ran,
            true => State::Failed,
            false if take(fresh) || (unit.mode == "run" && take(ran)) => State::Fresh,
            false if take(ran) => State::Ran,
            false => State::NotRun,
        };
    }
    for Done { unit, ran, fresh } in done.into_values() {
        let left_out = if unit.mode == "run" { ran } else { fresh };
        units.extend(std::iter::repeat_n(unit, left_out));
    }
}

/// What the report by itself says. A compiler needs more than the 5 ms that would be rounded to
/// nothing; a build script may not.
fn guess(unit: &UnitTiming, started: bool, failed: bool) -> State {
    match unit.mode.as_str() {
        _ if started && (unit.duration > 0.0 || !failed) => State::Ran,
        mode if started && mode != "run" => State::Failed,
        _ => State::Unknown,
    }
}

fn take(count: &mut usize) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}

fn compiled(artifact: &Artifact) -> UnitTiming {
    let name = &artifact.target.name;
    let target = match artifact
        .target
        .kind
        .first()
        .map(ToString::to_string)
        .as_deref()
    {
        Some("custom-build") => "build script".to_owned(),
        Some(kind @ ("bin" | "test" | "bench" | "example")) => format!("{kind} \"{name}\""),
        _ => "lib".to_owned(),
    };
    // The message does not name the mode, but the files it lists show it.
    let all = |extension| {
        artifact
            .filenames
            .iter()
            .all(|f| f.extension() == Some(extension))
    };
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

/// A fresh unit, unless the report knows better. A package's id is a URL that ends in
/// `#name@version` or in `/name#version`, with a query before the `#` where git needs one.
fn unit(id: &PackageId, target: &str, mode: &str) -> UnitTiming {
    let (url, spec) = id.repr.rsplit_once('#').unwrap_or((&id.repr, ""));
    let path = url.split_once('?').map_or(url, |(path, _)| path);
    let last = path.rsplit_once('/').map_or(path, |(_, last)| last);
    let (name, version) = spec.rsplit_once('@').unwrap_or((last, spec));
    UnitTiming {
        name: name.to_owned(),
        version: version.to_owned(),
        target: target.to_owned(),
        mode: mode.to_owned(),
        state: State::Fresh,
        ..UnitTiming::default()
    }
}
