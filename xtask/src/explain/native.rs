//! Errors about native libraries that build scripts make: a library in `OUT_DIR` that was removed or
//! damaged after the script ran. Cargo does not look at these files.

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::dep_info::ScriptOutput;
use xtask_impact::workspace::PackageIx;
use xtask_impact::{build_dir, files, quote};

use super::diagnostics::Diagnostic;
use super::judge::ErrorJudge;
use super::verdict::{ErrorReport, ErrorVerdict};
use crate::artifacts::inspect::file_format::{FileFormat, fault_of};
use crate::artifacts::inspect::inventory::BuiltIx;

/// Explains an error of rustc about a native library, by the library's name or its path.
pub(super) fn explain(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    (name, path): (Option<&str>, Option<&str>),
) -> ErrorReport {
    let found = match (name, path.map(Utf8Path::new)) {
        (Some(name), _) => missing(judge, error, name),
        (None, Some(path)) => damaged(judge, error, path),
        (None, None) => None,
    };
    found.unwrap_or_else(|| {
        let found = ErrorReport::new(error, ErrorVerdict::Environment);
        found
            .says("the native library belongs to no build script's output; no artifact is damaged")
            .advice("install the library, or correct the search path that the build script prints")
    })
}

/// Explains an error of the linker about a native library in `OUT_DIR`; `None` if there is none.
pub(super) fn of_linker(judge: &ErrorJudge<'_>, error: &Diagnostic) -> Option<ErrorReport> {
    let paths = judge.paths_in(error);
    if let Some(found) = paths.iter().find_map(|path| damaged(judge, error, path)) {
        return Some(found);
    }
    const STARTS: &[&str] = &["unable to find library -l", "cannot find -l"];
    let name = error.all_lines().find_map(|line| {
        let (_, rest) = STARTS.iter().find_map(|start| line.split_once(start))?;
        rest.split([':', ' ']).next()
    })?;
    missing(judge, error, name)
}

/// Explains an error in a package whose build script's native library is damaged; `None` if no
/// library is.
pub(super) fn damaged_of(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    package: PackageIx,
) -> Option<ErrorReport> {
    let runs = judge.inventory.all();
    let runs = runs.filter(|(_, it)| it.is_run() && it.package == package && it.record.is_some());
    let files = runs.flat_map(|(run, unit)| {
        let directory = judge
            .inventory
            .place(unit)
            .out_dir(&unit.package_name, &unit.hash);
        let names = build_dir::entries_such(&directory, &|name| name.ends_with(".a"));
        let names = names.unwrap_or_default().into_iter();
        names.map(move |name| (run, directory.join(name)))
    });
    let mut found = files.filter_map(|(run, path)| with_fault(judge, error, run, &path));
    found.next()
}

/// Explains the path of a native library in `OUT_DIR` that is damaged; `None` for any other path.
pub(super) fn of_path(judge: &ErrorJudge<'_>, path: &Utf8Path) -> Option<ErrorReport> {
    let subject = Diagnostic {
        message: path.to_string(),
        ..Diagnostic::default()
    };
    damaged(judge, &subject, path)
}

/// Explains a library at a path in the `OUT_DIR` of a run; `None` if the file is no such library or
/// has no fault.
fn damaged(judge: &ErrorJudge<'_>, error: &Diagnostic, path: &Utf8Path) -> Option<ErrorReport> {
    let units = judge.inventory.units_at(path).into_iter();
    let mut runs = units.filter(|&it| judge.inventory.units[it].is_run());
    runs.find_map(|run| with_fault(judge, error, run, path))
}

fn with_fault(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    run: BuiltIx,
    path: &Utf8Path,
) -> Option<ErrorReport> {
    judge.inventory.units[run].record.as_ref()?;
    let fault = fault_of(path, FileFormat::of(path)?).ok().flatten()?;
    Some(invalid(judge, error, run, path, fault.text()))
}

fn invalid(
    judge: &ErrorJudge<'_>,
    error: &Diagnostic,
    run: BuiltIx,
    path: &Utf8Path,
    said: &str,
) -> ErrorReport {
    let found = ErrorReport::new(error, ErrorVerdict::Damaged);
    let mut found = found.artifact(judge.workspace, judge.inventory, (run, path), said);
    let because = format!("{path} {said}");
    found.invalid.units.insert(run, because.clone());
    if path.exists() {
        found.invalid.files.insert(path.to_owned(), (run, because));
    }
    found.says(format!(
        "a native library that the build script of {} made {said}",
        quote::name(&judge.inventory.units[run].package_name)
    ))
}

/// Explains a library that no linker finds; `None` if no build script names the library.
fn missing(judge: &ErrorJudge<'_>, error: &Diagnostic, name: &str) -> Option<ErrorReport> {
    let inventory = judge.inventory;
    let mut blameless = None;
    for (run, unit) in inventory.all().filter(|(_, it)| it.is_run()) {
        if unit.record.is_none() {
            continue;
        }
        let place = inventory.place(unit);
        let out = place.out_dir(&unit.package_name, &unit.hash);
        let output = place.script_output(&unit.package_name, &unit.hash);
        let Ok(output) = files::read(&output, files::RECORD) else {
            continue;
        };
        let flags = ScriptOutput::parse(&output, "", "").linker_flags;
        if !flags.iter().any(|flag| is_library(flag, name)) {
            continue;
        }
        let directories = flags.iter().filter_map(|flag| search_directory(flag));
        let mut own = directories.filter(|it| it.starts_with(&out));
        let record = place.fingerprint_dir(&unit.package_name, &unit.hash);
        let recorded = modified(&record.join(unit.name.file_name()));
        match own.find(|it| !it.exists() || modified(it) > recorded) {
            Some(directory) => {
                let path = directory.join(format!("lib{name}.a"));
                let said = "is missing, although the run of the script is recorded as complete";
                return Some(invalid(judge, error, run, &path, said));
            }
            None => blameless = Some(unit.package_name.clone()),
        }
    }
    let package = blameless?;
    let found = ErrorReport::new(error, ErrorVerdict::Environment).says(format!(
        "the build script of {} names the library {}, and no directory of its output lost a file",
        quote::name(&package),
        quote::name(name)
    ));
    Some(found.advice("install the library, or correct the build script"))
}

fn modified(path: &Utf8Path) -> Option<SystemTime> {
    path.metadata().and_then(|it| it.modified()).ok()
}

/// Returns true if the value of `rustc-link-lib` names a library: `[KIND[:MODIFIERS]=]NAME[:RENAME]`.
fn is_library(flag: &str, name: &str) -> bool {
    let flag = flag.strip_prefix("-l").unwrap_or(flag).trim();
    let named = flag.rsplit_once('=').map_or(flag, |(_, named)| named);
    named.split(':').next() == Some(name)
}

/// Returns the directory in the value of `rustc-link-search`: `[KIND=]PATH`.
fn search_directory(flag: &str) -> Option<Utf8PathBuf> {
    let flag = flag.strip_prefix("-L").unwrap_or(flag).trim();
    let path = match flag.split_once('=') {
        Some((kind, path)) if !kind.contains(['/', '\\']) => path,
        _ => flag,
    };
    let path = Utf8Path::new(path);
    path.is_absolute().then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_scripts_name_libraries_and_directories() {
        for (flag, expected) in [
            ("static=cee", true),
            ("cee", true),
            ("static:+whole-archive=cee", true),
            ("-lcee", true),
            ("dylib=other", false),
            ("native=/w/out", false),
        ] {
            assert_eq!(is_library(flag, "cee"), expected, "{flag}");
        }
        let path = |flag: &str| search_directory(flag).map(String::from);
        assert_eq!(path("native=/w/out").as_deref(), Some("/w/out"));
        assert_eq!(path("/w/o=t").as_deref(), Some("/w/o=t"));
        assert_eq!(path("static=cee"), None);
    }
}
