//! A part of a package's targets, as arguments of cargo and as filtersets of nextest.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use xtask_impact::query::Answer;
use xtask_impact::unit_graph::{Mode, Unit, UnitIx};
use xtask_impact::workspace::{PackageIx, TargetKind};

use super::Tool;

impl Tool {
    /// Returns the argument that selects a unit and no other unit of its package, with cargo's
    /// default set of features. Returns `None` if only the whole package can be selected.
    fn target_flag(self, unit: &Unit) -> Option<String> {
        // Cargo reads the name as a glob pattern.
        let name = glob::Pattern::escape(&unit.target);
        match (unit.kind, unit.mode) {
            (TargetKind::Test, _) => Some(format!("--test={name}")),
            (TargetKind::Bench, _) => Some(format!("--bench={name}")),
            (_, Mode::Doctest) => Some("--doc".to_owned()),
            (TargetKind::Example, mode) if (mode == Mode::Test) == self.is_test() => {
                Some(format!("--example={name}"))
            }
            (TargetKind::Lib, Mode::Test) if self.is_test() => Some("--lib".to_owned()),
            (TargetKind::Bin, Mode::Test) if self.is_test() => Some(format!("--bin={name}")),
            _ => None,
        }
    }
}

/// Returns arguments that select exactly the affected targets of all selected packages, or no
/// arguments if that is impossible: a target argument applies to all packages, and `--doc` cannot
/// be combined with other target arguments.
pub(crate) fn target_flags(
    answer: &Answer,
    tool: Tool,
    units: &[UnitIx],
    selectable: &[UnitIx],
) -> Vec<String> {
    let flag = |unit: UnitIx| tool.target_flag(answer.graph.unit(unit));
    let flags: Option<BTreeSet<String>> = units.iter().map(|&unit| flag(unit)).collect();
    let Some(flags) = flags else {
        return Vec::new();
    };
    let wanted: HashSet<_> = units.iter().collect();
    let mut selected = selectable
        .iter()
        .filter(|&&unit| flag(unit).is_some_and(|flag| flags.contains(&flag)));
    let is_exact = selected.all(|unit| wanted.contains(unit));
    let is_possible = flags.len() == 1 || !flags.contains("--doc");
    match is_exact && is_possible {
        true => flags.into_iter().collect(),
        false => Vec::new(),
    }
}

/// Returns a filterset of nextest for test binaries. A package is named as a whole if all its test
/// binaries are selected.
pub(crate) fn filterset(answer: &Answer, units: &[UnitIx]) -> String {
    let Answer {
        workspace, graph, ..
    } = answer;
    let mut of_package: BTreeMap<PackageIx, Vec<&Unit>> = BTreeMap::new();
    for &unit in units {
        let unit = graph.unit(unit);
        of_package.entry(unit.package).or_default().push(unit);
    }
    let mut terms = Vec::new();
    for (package, units) in of_package {
        let all = graph.units_of(package).iter();
        let all = all.filter(|&&unit| graph.unit(unit).mode == Mode::Test);
        let name = &workspace.package(package).name;
        if units.len() == all.count() {
            terms.push(format!("package(={name})"));
        } else {
            let ids = units.iter().map(|it| binary_id(name, it.kind, &it.target));
            terms.extend(ids.map(|id| format!("binary_id(={})", in_filterset(&id))));
        }
    }
    match &terms[..] {
        [] => "none()".to_owned(),
        _ => terms.join(" + "),
    }
}

/// Returns a name as text of nextest's filtersets.
pub(crate) fn in_filterset(name: &str) -> String {
    let mut escaped = String::new();
    for c in name.chars() {
        match c {
            '\\' | ')' | ',' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped.push_str(&c.escape_unicode().to_string()),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns nextest's name of a test binary: its package, with kind and target unless the binary
/// tests the library.
pub(crate) fn binary_id(package: &str, kind: TargetKind, target: &str) -> String {
    match kind {
        TargetKind::Lib => package.to_owned(),
        TargetKind::Bin => format!("{package}::bin/{target}"),
        TargetKind::Example => format!("{package}::example/{target}"),
        TargetKind::Bench => format!("{package}::bench/{target}"),
        TargetKind::Test | TargetKind::CustomBuild => format!("{package}::{target}"),
    }
}
