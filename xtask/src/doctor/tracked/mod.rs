//! Checks for tracked files that cargo built, and for sources whose modification time lies in the
//! future.

mod made_by_cargo;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use super::cost::{self, RebuildStart};
use crate::artifacts::disk_usage::size;
use crate::checks::{Check, Finding, Level};
use crate::cli::output::count;
use crate::doctor::context::{Context, first};

pub(crate) const CHECKS: &[&Check] = &[&OUTPUT, &FUTURE];

static OUTPUT: Check = Check {
    code: "tracked-output",
    level: Level::Error,
    finds: "Build output that git tracks",
    cost: "A checkout restores artifacts of another build that are newer than every source, so \
           cargo uses them; and every build changes files that git tracks.",
    explanation: "Read: the files that git tracks in the target or the build directory. Reported \
                  are files with names that cargo uses (`.rustc_info.json`, \
                  `deps/libx-<hash>.rlib`), in a directory with locks or fingerprints of cargo; \
                  artifacts that dep-info next to them names; packages, timings and documentation. \
                  Your own files and files of tests in `tmp` are not reported.\n\nFix: run `git rm \
                  --cached`, which leaves the files on the disk, and add lines to `.gitignore` \
                  that match only these files; `--fix` does both, and commits nothing.",
};

static FUTURE: Check = Check {
    code: "future-source",
    level: Level::Warning,
    finds: "Sources with a modification time in the future",
    cost: "Cargo treats a file that is newer than the last build as changed, so every build \
           compiles the package again until that time has passed.",
    explanation: "Read: the modification times of the files that git tracks in the directories of \
                  the workspace's path packages, compared with the clock. Such times come from an \
                  archive, a network file system or a wrong clock.\n\nFix: `--fix` sets the time \
                  to now; the dependents of the file are compiled once more.",
};

pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let outputs = outputs(context)?;
    if let Some(one) = outputs.first() {
        let message = match outputs.len() {
            1 => "git tracks a file that cargo built".to_owned(),
            number => format!("git tracks {number} files that cargo built"),
        };
        let fix = "`cargo xtask doctor --fix` removes them from the index and adds an entry to \
                    `.gitignore`.";
        let finding = OUTPUT.found(context.place(one, None), message, fix);
        let evidence = outputs.iter().map(|it| format!("`git ls-files`: {it}"));
        let length = |it: &Utf8PathBuf| context.top_level().join(it).metadata().map(|it| it.len());
        let bytes: u64 = outputs.iter().filter_map(|it| length(it).ok()).sum();
        let impact = format!(
            "{} of {} in git's index, written by every build.",
            count(outputs.len(), "file"),
            size(bytes)
        );
        found.push(finding.evidence(first(5, evidence)).impact(impact));
    }
    let future = future(context)?;
    if let Some(one) = future.first() {
        let message = match future.len() {
            1 => "a source was modified in the future".to_owned(),
            number => format!("{number} sources were modified in the future"),
        };
        let fix = "`cargo xtask doctor --fix` sets their times to now.";
        let finding = FUTURE.found(context.place(one, None), message, fix);
        let evidence = future.iter().map(|it| format!("the time: {it}"));
        let packages = context.own_packages();
        let owners = future.iter().filter_map(|file| {
            let mut above = file.ancestors().skip(1);
            above.find_map(|it| Some(packages.get(it)?.name.as_str()))
        });
        let impact = cost::rebuilt(context, owners, RebuildStart::Sources);
        found.push(finding.evidence(first(5, evidence)).impact(impact));
    }
    Ok(found)
}

/// Returns the tracked files that cargo made in the target and the build directory, relative to the
/// top level.
///
/// # Errors
/// Returns git's error if git cannot list the files.
pub(crate) fn outputs(context: &Context<'_>) -> Result<Vec<Utf8PathBuf>> {
    let built = built(context);
    let is_made = |file: &Utf8Path| {
        built.iter().any(|(below, root)| {
            let inside = file.strip_prefix(below);
            inside.is_ok_and(|it| made_by_cargo::is_made(root, it))
        })
    };
    let tracked = context.tracked()?.iter();
    Ok(tracked.filter(|file| is_made(file)).cloned().collect())
}

/// Returns the target and the build directory: the key is the path relative to the top level, the
/// value is the path itself.
fn built<'a>(context: &Context<'a>) -> BTreeMap<Utf8PathBuf, &'a Utf8Path> {
    let workspace = context.workspace;
    let built = [&workspace.target_directory, &workspace.build_directory].into_iter();
    let below = built.filter_map(|it| Some((context.below(it)?, it.as_path())));
    below.collect()
}

/// Returns the lines for `.gitignore` that stop git from tracking the given outputs. The lines hide
/// no file of the user.
///
/// # Errors
/// Returns git's error if git cannot list the files.
pub(crate) fn ignore_lines(
    context: &Context<'_>,
    outputs: &[Utf8PathBuf],
) -> Result<BTreeSet<String>> {
    let built = built(context);
    let made: HashSet<&Utf8PathBuf> = outputs.iter().collect();
    let kept = context.tracked()?.iter().filter(|it| !made.contains(it));
    let kept: BTreeSet<&Utf8Path> = kept.map(Utf8PathBuf::as_path).collect();
    let may_hide = |directory: &Utf8Path| {
        let inside = built.iter().find_map(|(below, root)| {
            let inside = directory.strip_prefix(below).ok()?;
            Some((root, inside))
        });
        inside.is_some_and(|(root, inside)| made_by_cargo::is_all_made(root, inside))
    };
    Ok(lines_to_ignore(outputs, &kept, &may_hide))
}

/// Returns one line for each output: the outermost directory that may be hidden and holds no other
/// tracked file, or else the file itself.
fn lines_to_ignore(
    outputs: &[Utf8PathBuf],
    kept: &BTreeSet<&Utf8Path>,
    may_hide: &dyn Fn(&Utf8Path) -> bool,
) -> BTreeSet<String> {
    let mut known: HashMap<&Utf8Path, bool> = HashMap::new();
    let mut lines = BTreeSet::new();
    for output in outputs.iter().filter(|it| !it.as_str().contains('\n')) {
        let mut above: Vec<&Utf8Path> = output.ancestors().skip(1).collect();
        above.retain(|it| !it.as_str().is_empty());
        let hidden = above.into_iter().rev().find(|&directory| {
            *known.entry(directory).or_insert_with(|| {
                // Paths sort by their components, so the files of a directory follow the directory.
                let next = kept.range::<&Utf8Path, _>(directory..).next();
                next.is_none_or(|it| !it.starts_with(directory)) && may_hide(directory)
            })
        });
        let pattern = escaped(hidden.unwrap_or(output).as_str());
        lines.insert(match hidden {
            Some(_) => format!("/{pattern}/"),
            None => format!("/{pattern}"),
        });
    }
    lines
}

/// Returns a path as a `.gitignore` pattern that matches only this path.
fn escaped(path: &str) -> String {
    let mut pattern = String::new();
    for char in path.chars() {
        if "\\*?[".contains(char) {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    match pattern.strip_suffix(' ') {
        Some(rest) => format!("{rest}\\ "),
        None => pattern,
    }
}

/// Returns the tracked files of path packages whose modification time lies in the future, relative
/// to the top level.
///
/// # Errors
/// Returns git's error if git cannot list the files.
pub(crate) fn future(context: &Context<'_>) -> Result<Vec<Utf8PathBuf>> {
    let packages = context.own_packages();
    let is_source = |file: &Utf8Path| file.ancestors().skip(1).any(|it| packages.contains_key(it));
    let modified = |file: &Utf8Path| {
        let metadata = context.top_level().join(file).metadata();
        metadata.ok()?.modified().ok()
    };
    let files = context.tracked()?.iter().filter(|file| is_source(file));
    let files = files.filter(|file| modified(file).is_some_and(|it| is_future(it, context.now)));
    Ok(files.cloned().collect())
}

/// Returns true if a time lies further in the future than the clocks of file systems usually
/// differ.
fn is_future(time: SystemTime, now: SystemTime) -> bool {
    time.duration_since(now)
        .is_ok_and(|ahead| ahead > Duration::from_secs(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignore_lines_hide_no_file_of_the_user() {
        let outputs = [
            "build/debug/deps/a",
            "build/debug/tool",
            "build/.rustc_info.json",
        ];
        let outputs = outputs.map(Utf8PathBuf::from);
        let all = |_: &Utf8Path| true;
        let lines = |kept: &[&'static str], may_hide: &dyn Fn(&Utf8Path) -> bool| {
            let kept = kept.iter().map(|it| Utf8Path::new(*it)).collect();
            Vec::from_iter(lines_to_ignore(&outputs, &kept, may_hide))
        };
        assert_eq!(lines(&["a", "build.rs", "builds/x"], &all), ["/build/"]);
        assert_eq!(
            lines(&["build/Dockerfile"], &all),
            ["/build/.rustc_info.json", "/build/debug/"]
        );
        assert_eq!(
            lines(&["build/debug/x"], &all),
            [
                "/build/.rustc_info.json",
                "/build/debug/deps/",
                "/build/debug/tool"
            ]
        );
        assert_eq!(
            lines(&[], &|it| it.ends_with("deps")),
            [
                "/build/.rustc_info.json",
                "/build/debug/deps/",
                "/build/debug/tool"
            ]
        );
        assert_eq!(escaped("a[1] *\\ "), "a\\[1] \\*\\\\\\ ");
    }
}
