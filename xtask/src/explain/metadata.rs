//! Errors of rustc about the libraries of other crates.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use xtask_impact::quote;
use xtask_impact::workspace::PackageIx;

use super::diagnostics::Diagnostic;
use super::judge::ErrorJudge;
use super::verdict::{ErrorReport, ErrorVerdict};
use crate::artifacts::inspect::inventory::BuiltIx;
use crate::artifacts::inspect::stale::{Disagreement, header, metadata_file};

/// Explains E0786: rustc names the file that it cannot read.
pub(super) fn unreadable(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    crate_name: &str,
) -> ErrorReport {
    let units = named_units(judge, error);
    let found = ErrorReport::new(error, ErrorVerdict::NothingOnDisk);
    if units.is_empty() && error.all_lines().any(|line| line.contains("lib/rustlib/")) {
        return toolchain(found, "a library of the toolchain is damaged");
    }
    if units.is_empty() && names_a_file(error) {
        return elsewhere(judge, found);
    }
    let units = match units.is_empty() {
        true => judge.libraries(crate_name, judge.package(error)),
        false => units,
    };
    let mut found = with_damaged(judge, found, &units);
    if found.verdict == ErrorVerdict::NothingOnDisk && !units.is_empty() {
        // Rustc reads the whole file, and the kit only some parts of the file.
        for unit in units {
            found = judge.with_fault(found, unit);
        }
        found.verdict = ErrorVerdict::Damaged;
        found.says = format!(
            "rustc cannot read the library of `{}`",
            quote::name(crate_name)
        );
    }
    found
}

/// Returns true if an error names the file of a library.
fn names_a_file(error: &Diagnostic) -> bool {
    let ends = [".rmeta", ".rlib", ".so", ".dylib", ".dll"];
    let is_path =
        |line: &str| line.contains(['/', '\\']) && ends.iter().any(|end| line.contains(end));
    error.lines.iter().any(|line| is_path(line))
}

/// Explains an error about a file in another build directory.
fn elsewhere(judge: &ErrorJudge<'_>, mut found: ErrorReport) -> ErrorReport {
    found.verdict = ErrorVerdict::NotUnderstood;
    found
        .says(format!(
            "the file in the error belongs to no unit in {}",
            judge.workspace.build_directory
        ))
        .advice("set CARGO_TARGET_DIR to the target directory of the failed build, and try again")
}

/// Adds the damaged units among `units`.
pub(super) fn with_damaged(
    judge: &ErrorJudge<'_>,
    mut found: ErrorReport,
    units: &[BuiltIx],
) -> ErrorReport {
    let damaged: BTreeSet<BuiltIx> = judge.damaged().iter().map(|it| it.unit).collect();
    for &unit in units.iter().filter(|it| damaged.contains(it)) {
        found = judge.with_fault(found, unit);
    }
    found
}

/// Returns the units whose files an error names.
pub(super) fn named_units(judge: &ErrorJudge<'_>, error: &Diagnostic) -> Vec<BuiltIx> {
    let paths = judge.paths_in(error);
    let units = paths.iter().flat_map(|path| judge.inventory.units_at(path));
    let units: BTreeSet<BuiltIx> = units.collect();
    units.into_iter().collect()
}

fn toolchain(found: ErrorReport, says: &str) -> ErrorReport {
    let mut found = found.says(says);
    found.verdict = ErrorVerdict::ToolchainMismatch;
    found.advice(
        "install the toolchain again: `rustup toolchain uninstall`, then `rustup toolchain \
                  install`",
    )
}

/// Explains E0463: an empty file of a dependency and an undeclared dependency give the same text.
pub(super) fn missing(judge: &ErrorJudge<'_>, error: &Diagnostic, crate_name: &str) -> ErrorReport {
    let package = judge.package(error);
    let found = ErrorReport::new(error, ErrorVerdict::NothingOnDisk);
    let shown = quote::name(crate_name);
    let mut candidates = judge.libraries(crate_name, package);
    let dependency = package.map(|package| declared(judge, package, crate_name));
    if candidates.is_empty() {
        // The code may use the crate by another name than its own.
        candidates.extend(
            package
                .map(|it| judge.used_by_failed(it))
                .unwrap_or_default(),
        );
    }
    if dependency != Some(false) || judge.libraries(crate_name, None).is_empty() {
        let found = with_damaged(judge, found.clone(), &candidates);
        if found.verdict == ErrorVerdict::Damaged {
            return found;
        }
    }
    if let Some(line) = error
        .all_lines()
        .find(|it| it.contains("target may not be installed"))
    {
        let triple = line.split('`').nth(1).unwrap_or("TRIPLE");
        let mut found = found.says(format!("the libraries of the target {triple} are missing"));
        found.verdict = ErrorVerdict::ToolchainMismatch;
        return found.advice(format!("`rustup target add {}`", quote::shell(triple)));
    }
    let mut found = match (package, dependency) {
        (Some(package), Some(false)) => {
            let package = judge.workspace.package(package);
            let manifest = &package.manifest_path;
            let found = found
                .says(format!(
                    "`{}` has no dependency on a crate `{shown}`",
                    package.name
                ))
                .evidence(format!("dependencies of {manifest}"));
            found.advice(format!(
                "declare the dependency in {manifest}, or remove the use"
            ))
        }
        _ => found.says(format!(
            "no artifact of a crate `{shown}` is damaged: the crate is not a dependency of this \
             target, or its feature is off"
        )),
    };
    found.verdict = ErrorVerdict::ErrorInCode;
    found
}

/// Returns true if a package has a resolved dependency with this crate name.
fn declared(judge: &ErrorJudge<'_>, package: PackageIx, crate_name: &str) -> bool {
    let dependencies = &judge.workspace.package(package).dependencies;
    dependencies.iter().any(|it| {
        let library = judge.workspace.package(it.package).library();
        library.is_some_and(|library| library.name.replace('-', "_") == crate_name)
    })
}

/// Explains E0460: `dependent` was compiled against another build of the crate.
pub(super) fn other_build(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    (crate_name, dependent): (&str, &str),
) -> ErrorReport {
    let inventory = judge.inventory;
    let named: Vec<BuiltIx> = named_units(judge, error);
    let is_of = |unit: &&BuiltIx, name: &str| inventory.units[**unit].crate_name() == name;
    let dependents: Vec<BuiltIx> = named
        .iter()
        .filter(|it| is_of(it, dependent))
        .copied()
        .collect();
    let mut found = ErrorReport::new(error, ErrorVerdict::NothingOnDisk);
    let pairs = judge.stale().iter().filter(|it| match &it.disagreement {
        Disagreement::Dependent(unit, _) => dependents.contains(unit),
        Disagreement::OwnLibrary(_) => inventory.units[it.unit].crate_name() == crate_name,
    });
    let pairs: BTreeSet<BuiltIx> = pairs.map(|it| it.unit).collect();
    for unit in pairs {
        found = judge.with_fault(found, unit);
    }
    if found.verdict != ErrorVerdict::NothingOnDisk {
        return foreign_first(found);
    }
    // The hashes cannot be read, so the records decide.
    let recorded = dependents
        .iter()
        .flat_map(|&unit| inventory.dependencies(unit));
    let recorded: BTreeSet<BuiltIx> = recorded.filter(|it| is_of(&it, crate_name)).collect();
    let units = match recorded.is_empty() {
        true => dependents,
        false => recorded.into_iter().collect(),
    };
    unsure(judge, found, &units, ErrorVerdict::Stale)
}

/// Invalidates units without a visible fault.
fn unsure(
    judge: &ErrorJudge<'_>,
    mut found: ErrorReport,
    units: &[BuiltIx],
    verdict: ErrorVerdict,
) -> ErrorReport {
    if units.is_empty() {
        return elsewhere(judge, found);
    }
    for &unit in units {
        found = judge.with_fault(found, unit);
    }
    if found.verdict == ErrorVerdict::NothingOnDisk {
        found.verdict = verdict;
        found.says = "rustc refuses the artifact, and no fault is visible in the file".to_owned();
    }
    foreign_first(found)
}

/// Changes the verdict to "artifact of another checkout" if one of the artifacts is foreign.
fn foreign_first(mut found: ErrorReport) -> ErrorReport {
    let mut artifacts = found.artifacts.iter();
    if let Some(foreign) = artifacts.find(|it| it.found.starts_with("was compiled from")) {
        found.says = format!(
            "{} {}",
            foreign.path.file_name().unwrap_or_default(),
            foreign.found
        );
        found.verdict = ErrorVerdict::Foreign;
        found.advice = Some(xtask_impact::records::checkouts::FIX.to_owned());
    }
    found
}

/// Explains colliding crate ids: two files of one crate are of different builds.
pub(super) fn colliding(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    crate_name: &str,
) -> ErrorReport {
    let mut found = ErrorReport::new(error, ErrorVerdict::NothingOnDisk);
    let libraries = judge.libraries(crate_name, judge.package(error));
    let stale: BTreeSet<BuiltIx> = judge.stale().iter().map(|it| it.unit).collect();
    for &unit in libraries.iter().filter(|it| stale.contains(it)) {
        found = judge.with_fault(found, unit);
    }
    match found.verdict {
        ErrorVerdict::NothingOnDisk => unsure(judge, found, &libraries, ErrorVerdict::Stale),
        _ => foreign_first(found),
    }
}

/// Explains E0514: a library was compiled by another rustc, and lies where this rustc expects its
/// own library.
pub(super) fn other_compiler(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    crate_name: &str,
) -> ErrorReport {
    let inventory = judge.inventory;
    let found = ErrorReport::new(error, ErrorVerdict::NothingOnDisk);
    let named = named_units(judge, error);
    if named.is_empty() && error.all_lines().any(|line| line.contains("lib/rustlib/")) {
        return toolchain(
            found,
            "a library of the toolchain belongs to another toolchain",
        );
    }
    if named.is_empty() && names_a_file(error) {
        return elsewhere(judge, found);
    }
    let named = match named.is_empty() {
        true => judge.libraries(crate_name, judge.package(error)),
        false => named,
    };
    let compiler = |unit: BuiltIx| {
        let unit = &inventory.units[unit];
        let path: &Utf8PathBuf = metadata_file(unit)?;
        Some((header(unit, path)?.rustc, unit.record.as_ref()?.1.rustc))
    };
    // Cargo calls all units with the same number fresh.
    let wrong: BTreeSet<_> = named.iter().filter_map(|&unit| compiler(unit)).collect();
    let also = (0..inventory.units.len()).filter(|&unit| {
        inventory.units[unit].is_library() && compiler(unit).is_some_and(|it| wrong.contains(&it))
    });
    let units: BTreeSet<BuiltIx> = named.iter().copied().chain(also).collect();
    let units: Vec<BuiltIx> = units.into_iter().collect();
    let versions: BTreeSet<&String> = wrong.iter().map(|(version, _)| version).collect();
    let mut found = unsure(judge, found, &units, ErrorVerdict::ToolchainMismatch);
    if found.verdict != ErrorVerdict::NotUnderstood {
        found.verdict = ErrorVerdict::ToolchainMismatch;
        let shown = versions
            .iter()
            .map(|it| it.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        found.says = format!(
            "{} built by {shown}",
            crate::cli::output::count(units.len(), "artifact")
        );
        for unit in units {
            let caches = crate::artifacts::inspect::damage::caches_to_distrust(
                inventory,
                &inventory.units[unit],
                inventory.units[unit].output("rmeta"),
            );
            let because = "the metadata was written by another rustc".to_owned();
            found
                .invalid
                .caches
                .extend(caches.into_iter().map(|it| (it, because.clone())));
        }
    }
    found
}
