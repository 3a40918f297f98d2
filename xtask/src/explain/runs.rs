//! Errors of programs: build scripts, generated files, rustc itself, and programs that cargo starts.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::workspace::PackageIx;
use xtask_impact::{files, quote};

use super::diagnostics::Diagnostic;
use super::judge::ErrorJudge;
use super::metadata::with_damaged;
use super::native;
use super::situation::ProcessEnd;
use super::verdict::{ErrorReport, ErrorVerdict};
use crate::artifacts::inspect::damage::damaged_caches;
use crate::artifacts::inspect::inventory::BuiltIx;

/// Explains a build script that did not succeed. `executable` is the path that cargo printed.
pub(super) fn script(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    package: &str,
    (executable, ended): (Option<&str>, ProcessEnd),
) -> ErrorReport {
    let inventory = judge.inventory;
    let found = ErrorReport::new(error, ErrorVerdict::NothingOnDisk);
    let units: Vec<BuiltIx> = executable.map_or_else(Vec::new, |it| inventory.units_at(it.into()));
    let scripts = units
        .into_iter()
        .filter(|&it| !inventory.units[it].is_run());
    let scripts: Vec<BuiltIx> = scripts.collect();
    let mut found = with_damaged(judge, found, &scripts);
    found.package = Some(package.to_owned());
    if found.verdict == ErrorVerdict::Damaged {
        return found;
    }
    if let Some(path) = executable.map(Utf8Path::new) {
        found = not_executable(judge, found, &scripts, path);
        if found.verdict == ErrorVerdict::Damaged {
            return found;
        }
    }
    program_itself(found, "the build script", ended)
}

/// Explains a program that did not succeed.
pub(super) fn program(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    (executable, ended): (&str, ProcessEnd),
) -> ErrorReport {
    let found = ErrorReport::new(error, ErrorVerdict::NothingOnDisk);
    let path = program_path(&judge.workspace.root, executable);
    let units = judge.inventory.units_at(&path);
    let found = with_damaged(judge, found, &units);
    if found.verdict == ErrorVerdict::Damaged {
        return found;
    }
    let found = not_executable(judge, found, &units, &path);
    if found.verdict == ErrorVerdict::Damaged {
        return found;
    }
    program_itself(found, "the program", ended)
}

/// Invalidates the units of a program that is no longer executable. An archive without file modes
/// has this effect.
fn not_executable(
    judge: &ErrorJudge<'_>,
    mut found: ErrorReport,
    units: &[BuiltIx],
    path: &Utf8Path,
) -> ErrorReport {
    if units.is_empty() || !path.is_file() || is_executable(path) {
        return found;
    }
    let said = "has no permission to be executed";
    for &unit in units {
        found = found.artifact(judge.workspace, judge.inventory, (unit, path), said);
        found.invalid.units.insert(unit, format!("{path} {said}"));
    }
    found.verdict = ErrorVerdict::Damaged;
    found.says(format!("{} {said}", path.file_name().unwrap_or_default()))
}

#[cfg(unix)]
fn is_executable(path: &Utf8Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = path.metadata().map(|it| it.permissions().mode());
    mode.is_ok_and(|mode| mode & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Utf8Path) -> bool {
    true
}

/// Returns the path at the start of a command line. Cargo prints paths relative to the workspace.
fn program_path(root: &Utf8Path, command: &str) -> Utf8PathBuf {
    let command = command.trim_start_matches('\'');
    let ends = command.match_indices([' ', '\'']).map(|(at, _)| at);
    let ends = ends.chain([command.len()]);
    let paths = ends.map(|end| root.join(&command[..end]));
    let mut paths: Vec<Utf8PathBuf> = paths.collect();
    let whole = paths.pop().unwrap_or_default();
    paths
        .into_iter()
        .find(|path| path.is_file())
        .unwrap_or(whole)
}

/// Explains why a program failed whose file has no fault.
fn program_itself(mut found: ErrorReport, program: &str, ended: ProcessEnd) -> ErrorReport {
    (found.verdict, found.says) = match ended {
        ProcessEnd::Status => (
            ErrorVerdict::ErrorInCode,
            format!("{program} itself reported the failure; its file has no visible fault"),
        ),
        ProcessEnd::Crash => (
            ErrorVerdict::ErrorInCode,
            format!("{program} crashed, and its file has no visible fault"),
        ),
        ProcessEnd::Killed => (
            ErrorVerdict::Environment,
            format!("another process ended {program}: often the system, for lack of memory"),
        ),
    };
    found
}

/// Explains a crash of rustc, or the end of rustc by a signal.
pub(super) fn compiler(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    ended: ProcessEnd,
) -> ErrorReport {
    let found = ErrorReport::new(error, ErrorVerdict::NothingOnDisk);
    if ended != ProcessEnd::Crash {
        return program_itself(found, "rustc", ended).advice("try fewer jobs: `cargo build -j 1`");
    }
    let package = judge.package(error);
    if let Some(found) = package.and_then(|it| native::damaged_of(judge, error, it)) {
        return found;
    }
    let mut found = found;
    for (cache, because) in caches_in_use(judge, package) {
        found = found.evidence(format!("{cache}: {because}"));
        found.invalid.caches.insert(cache, because);
    }
    if found.invalid.is_empty() {
        found.verdict = ErrorVerdict::Environment;
        return found.says("rustc crashed, and no incremental cache of the package exists");
    }
    found.verdict = ErrorVerdict::Damaged;
    found
        .says("rustc crashed; its incremental cache is the only input that cargo does not check")
        .advice("if rustc crashes again without the cache, report the crash to the Rust project")
}

/// Returns the incremental caches that the failed units of a package used, each with the reason to
/// remove the cache. Rustc begins a session in the cache's directory, which changes the directory's
/// time.
fn caches_in_use(judge: &ErrorJudge<'_>, package: Option<PackageIx>) -> Vec<(Utf8PathBuf, String)> {
    let inventory = judge.inventory;
    let time = |path: &Utf8Path| path.metadata().and_then(|it| it.modified()).ok();
    let (mut used, mut all) = (BTreeSet::new(), BTreeSet::new());
    let failed = inventory.all();
    let failed = failed.filter(|(_, it)| Some(it.package) == package && it.record.is_none());
    for (_, unit) in failed {
        let directory = inventory.place(unit);
        let directory = directory.fingerprint_dir(&unit.package_name, &unit.hash);
        let started = time(&directory.join("invoked.timestamp"));
        for cache in inventory.incremental_of(unit) {
            all.insert(cache);
            if started.is_some() && time(cache) >= started {
                used.insert(cache);
            }
        }
    }
    let caches = if used.is_empty() { all } else { used };
    let reasoned = caches.into_iter().map(|cache| {
        let fault = damaged_caches(std::iter::once(cache)).into_iter().next();
        let because = fault.map_or_else(
            || "rustc crashed while it used this cache".to_owned(),
            |it| format!("{} {}", it.path, it.fault.text()),
        );
        (cache.clone(), because)
    });
    reasoned.collect()
}

/// Explains a file that an `include!` cannot read.
pub(super) fn unreadable_file(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    path: &str,
) -> ErrorReport {
    let path = judge.workspace.root.join(path);
    let found = ErrorReport::new(error, ErrorVerdict::ErrorInCode);
    if path.exists() {
        let mut found = found.says(format!("{} exists and cannot be read", quote::name(&path)));
        found.verdict = ErrorVerdict::Environment;
        return found.advice("check the permissions and the encoding of the file");
    }
    let inventory = judge.inventory;
    let of_path = inventory.units_at(&path).into_iter();
    let runs = of_path.filter(|&it| inventory.units[it].is_run());
    let runs: Vec<BuiltIx> = runs.collect();
    if let Some(&run) = runs.first() {
        return missing_output(judge, found, run, &path);
    }
    let mut found = found;
    for (at, unit) in inventory.all().filter(|(_, unit)| unit.is_run()) {
        let output = inventory
            .place(unit)
            .script_output(&unit.package_name, &unit.hash);
        let names_it = files::read(&output, files::RECORD)
            .is_ok_and(|text| directory_in(&path).is_some_and(|it| contains(&text, it.as_str())));
        if names_it {
            let said = format!(
                "names {}, which is not in this build directory",
                quote::name(&path)
            );
            found = found.artifact(judge.workspace, inventory, (at, &output), said.clone());
            found.verdict = ErrorVerdict::Foreign;
            found.says = "the recorded output of a build script names another directory".to_owned();
            found.invalid.units.insert(at, said);
        }
    }
    match found.verdict {
        ErrorVerdict::Foreign => found,
        _ => found.says(format!(
            "{} does not exist, and no build writes it",
            quote::name(&path)
        )),
    }
}

fn directory_in(path: &Utf8Path) -> Option<&Utf8Path> {
    path.ancestors().find(|it| it.file_name() == Some("out"))
}

fn contains(text: &[u8], part: &str) -> bool {
    memchr::memmem::find(text, part.as_bytes()).is_some()
}

/// Explains a file in `OUT_DIR` that does not exist.
fn missing_output(
    judge: &ErrorJudge<'_>,
    mut found: ErrorReport,
    run: BuiltIx,
    path: &Utf8Path,
) -> ErrorReport {
    let unit = &judge.inventory.units[run];
    let place = judge.inventory.place(unit);
    if unit.record.is_none() {
        found.verdict = ErrorVerdict::NothingOnDisk;
        return found.says("the build script did not finish, so cargo runs it again");
    }
    let directory = place.fingerprint_dir(&unit.package_name, &unit.hash);
    let time = |path: &Utf8Path| path.metadata().and_then(|it| it.modified()).ok();
    let recorded = time(&directory.join(unit.name.file_name()));
    // The removal of a file changes the time of its directory.
    let parent = path.parent().unwrap_or(path);
    let is_unchanged = parent.exists() && time(parent) <= recorded;
    if is_unchanged {
        let found = found.says(format!(
            "the build script of {} does not write {}",
            quote::name(&unit.package_name),
            path.file_name().map(quote::name).unwrap_or_default()
        ));
        return found.evidence(format!("{parent} was not changed since the script's run"));
    }
    let (inventory, workspace) = (judge.inventory, judge.workspace);
    let said = "is missing, although the run of the script is recorded as complete";
    found = found.artifact(workspace, inventory, (run, path), said);
    found.verdict = ErrorVerdict::Damaged;
    found.invalid.units.insert(run, format!("{path} {said}"));
    found.says("a generated file was removed after the build script ran")
}
