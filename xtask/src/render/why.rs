//! Why a unit is affected, and why not.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::affected::unit_name;
use super::count;
use crate::action::run::nextest_configuration;
use crate::graph::{Mode, UnitIx};
use crate::impact::{Effect, Rule};
use crate::question::Answer;
use crate::quote;
use crate::workspace::PackageIx;

/// The shortest way from the change to each of the units, one step a line.
pub fn why(answer: &Answer, units: &[UnitIx]) -> String {
    let mut text = String::new();
    for &unit in units {
        let Some((way, seed)) = answer.affected.chain(unit) else {
            continue;
        };
        let effect = match answer.affected.effect(unit) {
            Some(Effect::Rerun) => "must be run again",
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

/// Returns how the change and units that the change does not reach lie to one another, in short.
pub fn why_not(answer: &Answer, units: &[UnitIx]) -> String {
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
    // Units of one package are built from much the same.
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
            "{} {verb} not depend on anything that changed, but on {} of {}{}",
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
        "{current} of {} have a record of such a build; the others were judged by their sources",
        count(all, "compiled unit"),
    );
    text
}

/// Returns what nextest runs of some units because its configuration changed, if it did.
pub fn nextest(answer: &Answer, units: &[UnitIx]) -> Option<String> {
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
                "{names} must be run again by nextest\n  since {because}\n"
            ))
        }
    }
}

/// Returns the reason for which nextest runs all tests again, if there is one.
pub fn nextest_because(answer: &Answer) -> Option<String> {
    let changed = nextest_configuration(answer)?;
    Some(format!(
        "{} changed: it says how nextest runs each test",
        quote::name(changed)
    ))
}

/// So many lines, and so many names of a list, are shown.
const SHOWN: usize = 10;

/// Returns the first names of a list, and how many more there are.
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

/// Returns everything that units are built from, the units themselves left out.
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
