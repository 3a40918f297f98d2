//! The report of `freshness` as text.

use std::fmt::Write as _;

use xtask_impact::quote;

use super::report::{DirectoryFreshness, FreshnessReport};
use crate::cli::output::count;

/// Returns the report as text.
pub(super) fn report(report: &FreshnessReport) -> String {
    report.directories.iter().map(directory).collect()
}

fn directory(directory: &DirectoryFreshness) -> String {
    let mut text = String::new();
    if !directory.has_record && directory.task != "save" {
        return text;
    }
    // The order of the task, not of the alphabet.
    let order = [
        "kept",
        "recorded",
        "equal",
        "rebuild",
        "unproven",
        "dependents",
        "stale",
        "fixed",
        "unrecorded",
    ];
    let known = order
        .iter()
        .filter_map(|it| directory.counts.get_key_value(it));
    let counts = known.map(|(state, number)| match *state {
        "kept" if directory.task == "restore" => format!("{} kept", count(*number, "unit")),
        "dependents" => count(*number, "dependent"),
        state => format!("{number} {state}"),
    });
    let counts: Vec<_> = counts.collect();
    let _ = writeln!(
        text,
        "{}: {}",
        quote::name(&directory.path),
        counts.join(", ")
    );
    let of_workspace = directory.units.iter();
    for unit in of_workspace {
        let _ = writeln!(
            text,
            "  {:9} {} {}: {}",
            unit.state,
            quote::name(&unit.package),
            quote::name(&unit.unit),
            quote::line(&unit.reason)
        );
    }
    if !directory.watch_all.is_empty() {
        let names = directory
            .watch_all
            .iter()
            .map(|it| quote::name(it).to_string());
        let names: Vec<_> = names.collect();
        let _ = writeln!(
            text,
            "  scripts that watch their whole package: {}\n  hint: print \
             `cargo::rerun-if-changed=…` in these scripts, or pass --touch in a fresh clone",
            names.join(", ")
        );
    }
    text
}
