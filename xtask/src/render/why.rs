//! Why a unit is affected, and why not.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::affected::unit_name;
use super::count;
use crate::graph::UnitIx;
use crate::impact::{Effect, Rule};
use crate::question::Answer;

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
        match &seed.path {
            Some(path) => _ = writeln!(text, "  since {path} changed: {}", seed.because),
            None => _ = writeln!(text, "  since {}", seed.because),
        }
        let _ = writeln!(text, "  (rule: {})", rule(seed.rule));
    }
    text
}

/// What the change touches, and what the units that it does not reach are built from.
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
        answer.compared,
        count(answer.changes.len(), "changed path"),
        count(touched.len(), "unit"),
    );
    for &unit in &touched {
        if let Some((_, seed)) = answer.affected.chain(unit) {
            let path = seed.path.as_ref().map_or("", |path| path.as_str());
            let _ = writeln!(text, "  {} ← {path}: {}", name(unit), seed.because);
        }
    }
    for &unit in units {
        let below = below(answer, unit);
        let package = |&unit| answer.workspace.package(answer.graph.unit(unit).package);
        let packages: BTreeSet<&str> = below.iter().map(|it| &*package(it).name).collect();
        let _ = writeln!(
            text,
            "{} is none of these and is built from none of these, but from {} of {}: {}",
            name(unit),
            count(below.len(), "unit"),
            count(packages.len(), "package"),
            Vec::from_iter(packages).join(", "),
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

/// Everything that a unit is built from, itself left out.
fn below(answer: &Answer, unit: UnitIx) -> BTreeSet<UnitIx> {
    let mut below = BTreeSet::new();
    let mut pending = vec![unit];
    while let Some(unit) = pending.pop() {
        for (on, _) in answer.graph.dependencies(unit) {
            if below.insert(on) {
                pending.push(on);
            }
        }
    }
    below
}

fn rule(rule: Rule) -> String {
    serde_json::to_value(rule)
        .ok()
        .and_then(|value| value.as_str().map(|word| word.replace('-', " ")))
        .unwrap_or_default()
}
