//! Explanations why a unit is affected, or why a unit is not affected.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use xtask_impact::query::Answer;
use xtask_impact::quote;
use xtask_impact::seeds::{Effect, Rule};
use xtask_impact::unit_graph::{Mode, UnitIx, unit_name};
use xtask_impact::workspace::PackageIx;

use crate::cli::output::count;
use crate::selection::nextest_because;

/// Returns the shortest chain from the change to each of the units, one step per line.
pub(crate) fn why(answer: &Answer, units: &[UnitIx]) -> String {
    let mut text = String::new();
    for &unit in units {
        let Some((way, seed)) = answer.affected.chain(unit) else {
            continue;
        };
        let effect = match answer.affected.effect(unit) {
            Some(Effect::Rerun) => "must run again",
            _ => "is rebuilt",
        };
        let name = |unit| unit_name(&answer.workspace, answer.graph.unit(unit));
        let _ = writeln!(text, "{} {effect}", name(unit));
        for &below in &way[1..] {
            let _ = writeln!(text, "  since it is built from {}", name(below));
        }
        let because = quote::line(&seed.because);
        match &seed.path {
            Some(path) => _ = writeln!(text, "  since {} changed: {because}", quote::name(path)),
            None => _ = writeln!(text, "  since {because}"),
        }
        let _ = writeln!(text, "  (rule: {})", rule(seed.rule));
    }
    text
}

/// Returns a short explanation why the change does not reach these units: the units that the change
/// touches directly, and the number of units that these units depend on.
pub(crate) fn why_not(answer: &Answer, units: &[UnitIx]) -> String {
    let mut text = String::new();
    let name = |unit| unit_name(&answer.workspace, answer.graph.unit(unit));
    let touched: BTreeSet<UnitIx> = answer
        .affected
        .units()
        .filter_map(|(unit, _)| answer.affected.chain(unit)?.0.last().copied())
        .collect();
    let _ = writeln!(
        text,
        "{}: {}; {} touched directly",
        quote::line(&answer.compared),
        count(answer.changes.len(), "changed path"),
        count(touched.len(), "unit"),
    );
    for &unit in touched.iter().take(SHOWN) {
        if let Some((_, seed)) = answer.affected.chain(unit) {
            let path = seed
                .path
                .as_ref()
                .map(|path| format!("{}: ", quote::name(path)));
            let (path, because) = (path.unwrap_or_default(), quote::line(&seed.because));
            let _ = writeln!(text, "  {} ← {path}{because}", name(unit));
        }
    }
    if touched.len() > SHOWN {
        let _ = writeln!(text, "  and {} more", touched.len() - SHOWN);
    }
    // The units of one package have almost the same dependencies, so they are explained together.
    for units in units.chunk_by(|&a, &b| package(answer, a) == package(answer, b)) {
        let names: Vec<String> = units.iter().map(|&unit| name(unit)).collect();
        let below = below(answer, units);
        let packages: BTreeSet<&str> = below
            .iter()
            .map(|&unit| &*answer.workspace.package(package(answer, unit)).name)
            .collect();
        let verb = if units.len() == 1 { "does" } else { "do" };
        let _ = writeln!(
            text,
            "{} {verb} not depend on anything that changed, only on {} of {}{}",
            some(names.iter().map(String::as_str)),
            count(below.len(), "unit"),
            count(packages.len(), "package"),
            match packages.is_empty() {
                true => String::new(),
                false => format!(": {}", some(packages)),
            },
        );
    }
    let (current, all) = answer.recorded;
    let _ = writeln!(
        text,
        "{current} of {} have a current build record; for the others, the sources were read",
        count(all, "compiled unit"),
    );
    text
}

/// Returns a sentence about the tests that nextest runs again because its configuration changed.
/// Returns `None` if the configuration did not change, or if the units contain no test of a member.
pub(crate) fn nextest(answer: &Answer, units: &[UnitIx]) -> Option<String> {
    let because = nextest_because(answer)?;
    let mut names = Vec::new();
    for unit in units.iter().map(|&unit| answer.graph.unit(unit)) {
        if unit.mode == Mode::Test && answer.workspace.package(unit.package).member {
            names.push(unit_name(&answer.workspace, unit));
        }
    }
    match names.is_empty() {
        true => None,
        false => {
            let names = some(names.iter().map(String::as_str));
            Some(format!(
                "{names} must run again with nextest\n  since {because}\n"
            ))
        }
    }
}

/// The maximum number of lines, and of names in a list.
const SHOWN: usize = 10;

/// Returns the first names of a list, and the number of further names.
fn some<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn package(answer: &Answer, unit: UnitIx) -> PackageIx {
    answer.graph.unit(unit).package
}

/// Returns all direct and indirect dependencies of the units, without the units themselves.
fn below(answer: &Answer, units: &[UnitIx]) -> BTreeSet<UnitIx> {
    let mut below = BTreeSet::new();
    let mut pending = units.to_vec();
    while let Some(unit) = pending.pop() {
        for (on, _) in answer.graph.dependencies(unit) {
            if below.insert(on) {
                pending.push(on);
            }
        }
    }
    for unit in units {
        below.remove(unit);
    }
    below
}

fn rule(rule: Rule) -> String {
    serde_json::to_value(rule)
        .ok()
        .and_then(|value| value.as_str().map(|word| word.replace('-', " ")))
        .unwrap_or_default()
}
