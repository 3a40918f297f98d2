//! Fixes the findings that are safe to fix.

use std::fs::File;
use std::io::{ErrorKind, Write as _};

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;
use xtask_impact::build_dir::ProfileDir;
use xtask_impact::workspace::Workspace;
use xtask_impact::{files, process};

use crate::artifacts::disk_usage::size;
use crate::artifacts::lock::BuildLocks;
use crate::artifacts::plan::{Artifact, Directory, Removal};
use crate::artifacts::remove;
use crate::artifacts::remove::Bounds;
use crate::artifacts::unused_incremental::unused;
use crate::cli::output;
use crate::doctor::context::Context;
use crate::doctor::{artifacts, tracked};

/// The codes of the findings that [`fix`] can fix.
pub(crate) const FIXABLE: [&str; 5] = [
    "tracked-output",
    "future-source",
    "unused-incremental",
    "damaged-artifact",
    "stale-artifact",
];

/// Fixes the findings of the wanted codes, or prints the fixes in a dry run. Returns the number of
/// fixes.
///
/// # Errors
/// Returns an error if a file cannot be removed or written, or if git fails.
pub(crate) fn fix(
    context: &Context<'_>,
    wanted: &dyn Fn(&str) -> bool,
    dry_run: bool,
) -> Result<usize> {
    let say = |done: &str, would: &str, what: std::fmt::Arguments<'_>| match dry_run {
        true => output::status("Would", format_args!("{would} {what}")),
        false => output::status("Fixed", format_args!("{done} {what}")),
    };
    let mut count = 0;
    if wanted(FIXABLE[0]) {
        count += untrack(context, dry_run, &say)?;
    }
    if wanted(FIXABLE[1]) {
        for file in tracked::future(context)? {
            if !dry_run {
                let path = context.top_level().join(&file);
                let set = File::options().append(true).open(&path);
                set.and_then(|file| file.set_modified(context.now))
                    .with_context(|| format!("cannot set the time of {path}"))?;
            }
            say("set", "set", format_args!("the time of {file} to now"));
            count += 1;
        }
    }
    if wanted(FIXABLE[2]) {
        count += incremental(context, dry_run, &say)?;
    }
    for code in &FIXABLE[3..] {
        if wanted(code) {
            for removal in artifacts::fix(context.workspace, code, dry_run)?.removals() {
                let (path, bytes) = (&removal.path, size(removal.bytes));
                say("removed", "remove", format_args!("{path}, {bytes}"));
                count += 1;
            }
        }
    }
    Ok(count)
}

/// Removes cargo's output from git's index, and adds lines to `.gitignore` so that git does not
/// track the output again.
fn untrack(context: &Context<'_>, dry_run: bool, say: &Say<'_>) -> Result<usize> {
    let files = tracked::outputs(context)?;
    if files.is_empty() {
        return Ok(0);
    }
    let mut missing = Vec::new();
    for line in tracked::ignore_lines(context, &files)? {
        if !is_ignored(context, &line)? {
            missing.push(line);
        }
    }
    if !dry_run {
        // Git reads the paths from standard input, because a command line cannot hold a long list
        // of artifacts.
        let mut git = context.runner.in_directory(context.top_level()).git();
        git.args(["rm", "--cached", "--quiet", "--pathspec-from-file=-"]);
        git.args(["--pathspec-file-nul", "--ignore-unmatch"]);
        let names = files.iter().map(|file| format!(":(top,literal){file}\0"));
        let names: String = names.collect();
        let output = process::output_with_input(&mut git, names.into_bytes())?;
        process::succeeded(&git, output)?;
        for line in &missing {
            ignore(context, line)?;
        }
    }
    let taken = output::count(files.len(), "file");
    say("took", "take", format_args!("{taken} out of git's index"));
    for line in missing {
        say("added", "add", format_args!("{line} to .gitignore"));
    }
    Ok(files.len())
}

/// Returns true if git already ignores the paths that a new line of `.gitignore` would match.
fn is_ignored(context: &Context<'_>, line: &str) -> Result<bool> {
    let path = line.trim_start_matches('/');
    let probe = match path.ends_with('/') {
        true => format!("{path}x"),
        false => path.to_owned(),
    };
    match context.repository {
        Some(repository) => repository.ignores_untracked(Utf8Path::new(&probe)),
        None => Ok(true),
    }
}

/// Adds a line to the repository's `.gitignore`.
fn ignore(context: &Context<'_>, entry: &str) -> Result<()> {
    let file = context.top_level().join(".gitignore");
    if file.is_symlink() {
        bail!(
            "{file} is a symbolic link, which git does not follow\nhint: add `{entry}` to `.git/info/exclude`"
        );
    }
    let written = || {
        let text = match files::read(&file, files::SETTINGS) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            text => text?,
        };
        let is_whole = text.is_empty() || text.ends_with(b"\n");
        // The line is appended, so the present text of the file stays as it is.
        let mut file = File::options().append(true).create(true).open(&file)?;
        let line = format!("{}{entry}\n", if is_whole { "" } else { "\n" });
        file.write_all(line.as_bytes())
    };
    written().with_context(|| format!("cannot write {file}"))
}

type Say<'a> = dyn Fn(&str, &str, std::fmt::Arguments<'_>) + 'a;

/// Removes the incremental state that no package uses, under cargo's lock. If a build is running,
/// the removal waits for its end.
fn incremental(context: &Context<'_>, dry_run: bool, say: &Say<'_>) -> Result<usize> {
    let workspace = context.workspace;
    let own = workspace.directories();
    let mut count = 0;
    let places = unused(workspace)?.into_iter().map(|it| it.place);
    let mut places: Vec<_> = places.collect();
    places.dedup();
    for place in places {
        // The plan is made under the locks: without the locks, a build may have started to use the
        // state.
        let plan = || unused_in(workspace, &place);
        let (lock, mut directory) = match dry_run {
            true => (None, plan()?),
            false => {
                let (lock, planned) = BuildLocks::while_planning(&place, &own.target, plan)?;
                (Some(lock), planned)
            }
        };
        remove::measure(&mut directory)?;
        if !dry_run {
            let bounds = Bounds::of_profile(&own, &place.path)?;
            remove::remove(&directory, &bounds, &mut |_| {})?;
        }
        drop(lock);
        for removal in &directory.removals {
            let what = format_args!("{}, {}", removal.path, size(removal.bytes));
            say("removed", "remove", what);
        }
        count += directory.removals.len();
    }
    Ok(count)
}

/// Plans the removal of the incremental state in a profile directory that no package uses.
fn unused_in(workspace: &Workspace, place: &ProfileDir) -> Result<Directory> {
    let unused = unused(workspace)?.into_iter();
    let removals = unused.filter(|it| it.place == *place).map(|it| Removal {
        kind: Artifact::Incremental,
        path: it.path,
        package: it.crate_name,
        package_id: None,
        unit: None,
        because: "no package uses it".to_owned(),
        files: 0,
        bytes: 0,
    });
    Ok(Directory::of_removals(place, removals.collect()))
}
