//! Checks build scripts: the inputs that they declare, the files that they write, and the values
//! that they bake into the code.
//!
//! The best evidence is the output of a script's last run. This output counts only if the script's
//! sources are older than the run. Without such an output, a finding needs sources that leave no
//! doubt.

mod advice;
mod baked;

use std::cmp::Reverse;
use std::collections::HashMap;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::unit_inputs::Watch;
use xtask_impact::source_scan::{MadePath, PathOrigin, ScriptInputs};
use xtask_impact::workspace::{Package, TargetKind};
use xtask_impact::{build_dir, files, paths, process, source_scan};

use self::advice::advice;
use self::baked::{BAKES_COMMIT, BAKES_PATH, BAKES_TIME, BakedValues, baked};
use super::dependencies::listed;
use super::recorded::{RecordedRun, runs, unique};
use crate::checks::{Check, Finding, Level, Place};
use crate::doctor::context::Context;

pub(crate) const CHECKS: &[&Check] = &[
    &SILENT,
    &MISSING,
    &WRITES,
    &BAKES_TIME,
    &BAKES_PATH,
    &BAKES_COMMIT,
];

static SILENT: Check = Check {
    code: "script-watches-all",
    level: Level::Warning,
    finds: "A build script without `rerun-if-changed`",
    cost: "If any file of the package changes, even a README, cargo runs the build script again, \
           and rebuilds the package and its dependents.",
    explanation: "Read: what the script printed when it last ran, if its sources are older than \
                  that run; otherwise its sources, if no literal contains `rerun-if-*` and the \
                  package has no build-dependency that might print it.\n\nThis is no problem if \
                  the script reads the whole package, or asks git for uncommitted changes.\n\nFix: \
                  print `cargo::rerun-if-changed=PATH` and `cargo::rerun-if-env-changed=NAME` for \
                  everything that the script reads (with one such line, cargo no longer watches \
                  the whole package); for git, the files that `git rev-parse --git-path HEAD` and \
                  `--git-path` of `HEAD`'s ref name; `cargo::rerun-if-changed=build.rs` if it \
                  reads nothing.",
};

static MISSING: Check = Check {
    code: "script-missing-input",
    level: Level::Warning,
    finds: "A build script that watches a path that does not exist",
    cost: "Every build runs the build script again, and rebuilds the package and its dependents.",
    explanation: "Read: the paths that the script named by `rerun-if-changed` when it last ran, if \
                  its sources are older than that run; otherwise the paths that its `main` always \
                  prints. Reported if a path does not exist, because cargo treats it as \
                  changed.\n\nFix: watch a file that exists, or the directory in which the file \
                  may appear.",
};

static WRITES: Check = Check {
    code: "script-writes-source",
    level: Level::Warning,
    finds: "A build script that writes into its package",
    cost: "The build changes the work tree: cargo may treat the written file as an edit and build \
           again, and two parallel builds overwrite each other's files.",
    explanation: "Read: the calls in the script's sources of `fs::write`, `File::create`, \
                  `fs::create_dir`, `write_to_file` and `out_dir` whose path is relative to the \
                  package, by a literal or by `CARGO_MANIFEST_DIR`. Files that git ignores do not \
                  count, because cargo does not watch them.\n\nFix: write to `OUT_DIR`, and \
                  `include!` the file from there; or generate the file with a task of your xtask, \
                  and commit it.",
};

/// The facts that are known about the build script of a package.
#[derive(Debug, Default)]
struct ScriptFacts {
    package: String,
    /// The root source file of the script.
    file: Utf8PathBuf,
    /// True if the sources alone show that the script declares no input.
    is_silent: bool,
    /// The inputs that the sources of the script read.
    inputs: ScriptInputs,
    /// True if the script has build-dependencies, which may read any file.
    asks_libraries: bool,
    /// The paths that the script always declares as inputs and that do not exist.
    always_missing: Vec<Utf8PathBuf>,
    /// The writes below the package: the call, the written path, the source file and the line.
    writes: Vec<(String, Utf8PathBuf, Utf8PathBuf, usize)>,
    /// The last run, if the sources have not changed since.
    run: Option<RecordedRun>,
}

pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let workspace = context.workspace;
    let profiles = build_dir::profile_dirs(&workspace.build_directory)?;
    let (mut found, mut unrecorded) = (Vec::new(), Vec::new());
    let times = commit_times(context);
    let is_commit = |text: &str| {
        let known = context.repository.map(|it| it.known(text));
        matches!(known, Some(Ok(Some(_))))
    };
    let facts = BakedValues {
        root: &workspace.root,
        build_directories: [&workspace.build_directory, &workspace.target_directory],
        is_commit: &is_commit,
        commit_times: &times,
    };
    let mut own = unique(workspace);
    own.retain(|_, package| package.source.is_none());
    let mut recorded: HashMap<&str, Vec<RecordedRun>> = HashMap::new();
    for profile in &profiles {
        for (package, run) in runs(profile, &own)? {
            recorded.entry(&package.name).or_default().push(run);
        }
    }
    for package in &workspace.packages {
        let mut targets = package.targets.iter();
        let target = targets.find(|it| it.kind == TargetKind::CustomBuild);
        let (Some(target), None) = (target, &package.source) else {
            continue;
        };
        let runs = recorded.remove(&*package.name).unwrap_or_default();
        let script = read(context, package, &target.src_path, runs);
        unrecorded.extend(script.run.is_none().then_some(package.name.as_str()));
        found.extend(judge(&script, &facts, &|path, line| {
            context.place(path, line)
        }));
    }
    if !unrecorded.is_empty() {
        context.notes.borrow_mut().push(format!(
            "the build scripts of {} have no record of a build, so their output is unknown",
            listed(unrecorded.into_iter())
        ));
    }
    Ok(found)
}

/// Reads the sources of a script and the record of its last run.
fn read(
    context: &Context<'_>,
    package: &Package,
    file: &Utf8Path,
    recorded: Vec<RecordedRun>,
) -> ScriptFacts {
    let directory = package.directory();
    let text = |path: &Utf8Path| files::read_text(path, files::SOURCE).ok();
    let mut source = |path: &Utf8Path| text(path).map(Into::into);
    let modules = source_scan::scan(file, directory, &|_, _| None, &mut source).modules;
    let (said, _) = source_scan::scan_build_script(file, directory, &[], &mut source);
    let asks_libraries = package.dependencies.iter().any(|it| it.build);
    let missing = said.always.iter().filter(|it| !it.exists());
    let missing = missing.map(|it| it.strip_prefix(directory).unwrap_or(it).to_owned());
    let mut writes = Vec::new();
    let mut inputs = ScriptInputs::default();
    for module in &modules {
        match text(module) {
            Some(text) => inputs.extend(source_scan::script_inputs(&text)),
            None => {
                _ = inputs
                    .unknown
                    .insert(format!("what {module} does, which cannot be read"))
            }
        }
        for (by, written) in source_scan::written_paths(&text(module).unwrap_or_default()) {
            let path = below_package(directory, &written);
            if let Some(path) = path.filter(|it| is_source(context, it)) {
                writes.push((by, path, module.clone(), written.line));
            }
        }
    }
    let changed = modules.iter().map(|it| it.metadata()?.modified());
    let changed = changed.flatten().max();
    let tells =
        |it: &RecordedRun| changed.is_none_or(|changed| changed <= it.started) && it.said.settled;
    let telling = recorded.into_iter().filter(tells);
    ScriptFacts {
        package: package.name.clone(),
        file: file.to_owned(),
        is_silent: !said.says_any && said.doubts.is_empty() && !asks_libraries,
        inputs,
        asks_libraries,
        always_missing: missing.collect(),
        writes,
        // If several runs started at the same time, the first of them is used.
        run: telling.min_by_key(|it| Reverse(it.started)),
    }
}

/// Returns the path below a package's directory that a script writes to; `None` if the path is
/// unknown or starts elsewhere.
fn below_package(directory: &Utf8Path, written: &MadePath) -> Option<Utf8PathBuf> {
    let starts_there = matches!(
        written.origin,
        PathOrigin::ManifestDir | PathOrigin::Literal
    );
    let is_known = !written.path.as_str().contains(['*', '{']);
    let path = paths::normalized(&directory.join(&written.path));
    (starts_there && is_known && written.path.is_relative()).then_some(path)
}

/// Returns true if a path belongs to the work tree: the path is not ignored, and is not in the
/// target or build directory.
fn is_source(context: &Context<'_>, path: &Utf8Path) -> bool {
    let workspace = context.workspace;
    let mut built = [&workspace.build_directory, &workspace.target_directory].into_iter();
    let is_ignored = |below: &Utf8Path| {
        let ignored = context.repository.map(|it| it.is_ignored(below));
        matches!(ignored, Some(Ok(true)))
    };
    !built.any(|it| path.starts_with(it))
        && context.below(path).is_some_and(|below| !is_ignored(&below))
}

/// Returns the times of the commit that is checked out, in the forms that a script may print.
fn commit_times(context: &Context<'_>) -> Vec<String> {
    let formats = "--format=%ct %at %cs %as";
    let said = process::checked(context.runner.git().args(["log", "-1", formats]));
    let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
    said.split_whitespace().map(str::to_owned).collect()
}

type PlaceOf<'a> = dyn Fn(&Utf8Path, Option<usize>) -> Place + 'a;

/// Returns the findings that follow from the facts about a script.
fn judge(script: &ScriptFacts, facts: &BakedValues<'_>, place: &PlaceOf<'_>) -> Vec<Finding> {
    let ScriptFacts { package, file, .. } = script;
    let here = || place(file, None);
    let mut found = Vec::new();
    let said = script.run.as_ref().map(|run| &run.said.watch);
    let is_silent = said.map_or(script.is_silent, |it| matches!(it, Watch::Package(_)));
    let source = script.run.as_ref().map_or(file, |run| &run.output);
    if is_silent {
        let message = format!("the build script of {package} names no input");
        let (fix, reads) = advice(&script.inputs, script.asks_libraries);
        let evidence = format!("no `rerun-if-*` in {source}");
        let finding = SILENT.found(here(), message, fix).evidence([evidence]);
        found.push(finding.evidence(reads));
    }
    let missing: Vec<&Utf8PathBuf> = match said {
        Some(Watch::Declared(paths, _)) => paths.iter().filter(|it| !it.exists()).collect(),
        Some(_) => Vec::new(),
        None => script.always_missing.iter().collect(),
    };
    for path in missing {
        let message = format!("the build script of {package} watches {path}, which does not exist");
        let fix = "Watch a file that exists, or the directory in which the file may appear.";
        let by = if said.is_some() { "" } else { "`main` of " };
        let evidence = format!("`rerun-if-changed` in {by}{source}");
        found.push(MISSING.found(here(), message, fix).evidence([evidence]));
    }
    for (by, path, module, line) in &script.writes {
        let message = format!("the build script of {package} writes {path}");
        let fix = "Write to `OUT_DIR`, and include it from there.";
        let finding = WRITES.found(place(module, Some(*line)), message, fix);
        found.push(finding.evidence([format!("`{by}` in {module}")]));
    }
    let Some(run) = &script.run else { return found };
    for (name, value) in &run.said.rustc_env {
        let Some((check, what, fix)) = baked(value, run.started, facts) else {
            continue;
        };
        let message = format!("the build script of {package} bakes {what} into {name}");
        let evidence = format!("`rustc-env={name}={value}` in {}", run.output);
        found.push(check.found(here(), message, fix).evidence([evidence]));
    }
    found
}

#[cfg(test)]
mod tests;
