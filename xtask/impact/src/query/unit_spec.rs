//! Names of units that a user types: `network`, `network:lib`, `network lib test`.

use anyhow::Result;

use crate::unit_graph::{Unit, UnitGraph, UnitIx};
use crate::workspace::{TargetKind, Workspace};
use crate::{quote, usage};

/// Returns the package part of a unit specification: `network` for `network:lib`.
pub fn package_of(spec: &str) -> &str {
    split(spec).0
}

/// The part of a unit specification after the package.
enum NamedPart<'a> {
    /// No further part: every unit of the package.
    All,
    /// `:TARGET` or `:KIND`: every unit of a target or of a kind of target.
    Target(&'a str),
    /// A unit as reports name the unit, such as ` lib test`.
    Unit(&'a str),
}

fn split(spec: &str) -> (&str, NamedPart<'_>) {
    // A package id contains colons, but none after the last `/`.
    let by_colon = spec.rsplit_once(':');
    let is_target = |(package, target): &(&str, &str)| {
        !target.contains('/') && !package.contains(char::is_whitespace)
    };
    if let Some((package, target)) = by_colon.filter(is_target) {
        return (package, NamedPart::Target(target.trim()));
    }
    match spec.trim().split_once(char::is_whitespace) {
        Some((package, unit)) => (package, NamedPart::Unit(unit.trim())),
        None => (spec, NamedPart::All),
    }
}

/// Returns the units that a specification names. A specification is `PACKAGE`, `PACKAGE:TARGET`,
/// `PACKAGE:KIND` or a unit as reports name the unit, such as `network lib test`.
///
/// # Errors
/// Returns an error if the package does not exist or has no such target.
pub fn units_named(workspace: &Workspace, graph: &UnitGraph, spec: &str) -> Result<Vec<UnitIx>> {
    let (package, named) = split(spec);
    let package = workspace.find(package)?;
    let is_named = |&unit: &UnitIx| {
        let unit = graph.unit(unit);
        match named {
            NamedPart::All => true,
            NamedPart::Unit(label) => unit.label() == label,
            NamedPart::Target(name) => {
                unit.target == name || unit.label() == name || is_of_kind(unit, name)
            }
        }
    };
    let all = graph.units_of(package).iter().copied();
    let units: Vec<UnitIx> = all.clone().filter(is_named).collect();
    if units.is_empty() {
        let name = &workspace.package(package).name;
        let mut labels: Vec<_> = all.map(|unit| graph.unit(unit).label()).collect();
        labels.dedup();
        let (NamedPart::Target(asked) | NamedPart::Unit(asked)) = named else {
            return Err(usage!("package `{name}` has no target"));
        };
        return Err(usage!(
            "package `{name}` has no target or unit `{}`\nhint: it has {}",
            quote::line(asked),
            labels.join(", ")
        ));
    }
    Ok(units)
}

/// Returns true if `name` names the kind of the unit's target.
fn is_of_kind(unit: &Unit, name: &str) -> bool {
    match name {
        "lib" => unit.kind == TargetKind::Lib,
        "bin" => unit.kind == TargetKind::Bin,
        "example" => unit.kind == TargetKind::Example,
        "test" => unit.kind == TargetKind::Test,
        "bench" => unit.kind == TargetKind::Bench,
        "build-script" | "custom-build" => unit.kind == TargetKind::CustomBuild,
        _ => false,
    }
}
