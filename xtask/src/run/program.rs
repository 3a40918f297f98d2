//! Runs any program on what a change affects, with the placeholders of hooks.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use camino::Utf8PathBuf;
use xtask_impact::process;
use xtask_impact::query::Answer;
use xtask_impact::vcs::ChangeStatus;
use xtask_impact::workspace::PackageIx;

use crate::cargo_runs;
use crate::cli::status::Status;
use crate::cli::{global, output};
use crate::selection::filter::LeftOut;
use crate::selection::placeholders::{self, Values};
use crate::selection::select::Selector;
use crate::selection::{Tool, specs};

/// Runs a program at the top level of the repository, once for each portion of the files. The
/// program does not run if nothing is affected, or if a placeholder of the program has no values.
pub(crate) fn run(
    words: &[String],
    dry_run: bool,
    name: Option<&str>,
    selector: &Selector<'_>,
) -> Result<Status> {
    let answer = selector.answer;
    let packages = packages(answer, &selector.options.left_out);
    let files = files(answer);
    let is_asked = |name: &str| words.iter().any(|word| word.contains(name));
    let by_files = is_asked("{files}");
    let by_packages = is_asked("{packages}") || is_asked("{cargo-args}");
    if by_files && files.is_empty() || packages.is_empty() && (by_packages || !by_files) {
        output::note(output::of(name, super::text::no_program(answer)));
        return Ok(Status::Done);
    }
    let mut values = values(answer, &packages, words)?;
    let runner = selector.runner.in_directory(&answer.top_level);
    let portions = match by_files {
        true => placeholders::portions(&files),
        false => vec![Vec::new()],
    };
    for portion in portions {
        values.insert("{files}", portion);
        let mut command = placeholders::command(&runner, words, &values)?;
        let shown = process::shown(&command);
        if dry_run {
            output::data(&(output::heading(name) + &shown + "\n"))?;
            continue;
        }
        output::status("Running", output::of(name, shown));
        let status = cargo_runs::interruptible(&mut command)?;
        if status != Status::Done {
            return Ok(status);
        }
    }
    Ok(Status::Done)
}

/// Returns the affected members, for any effect.
fn packages(answer: &Answer, left_out: &LeftOut) -> BTreeSet<PackageIx> {
    let units = answer
        .affected
        .units()
        .map(|(unit, _)| answer.graph.unit(unit).package);
    let is_asked = |&it: &PackageIx| answer.workspace.package(it).member && !left_out.contains(it);
    units.filter(is_asked).collect()
}

/// Returns the changed files that exist, relative to the top level.
fn files(answer: &Answer) -> Vec<Utf8PathBuf> {
    let present = answer
        .changes
        .iter()
        .filter(|it| it.status != ChangeStatus::Deleted);
    present.map(|it| it.path.clone()).collect()
}

fn values<'a>(
    answer: &Answer,
    packages: &BTreeSet<PackageIx>,
    words: &[String],
) -> Result<Values<'a>> {
    let workspace = &answer.workspace;
    let tool = match words.iter().any(|word| word == "fmt") {
        true => Tool::Fmt,
        false => Tool::Check,
    };
    let names = packages
        .iter()
        .map(|&it| workspace.package(it).name.clone());
    let arguments = specs(workspace, packages, tool).into_iter();
    let arguments = arguments.flat_map(|spec| ["-p".to_owned(), spec]);
    let kit = std::env::current_exe().context("cannot find the kit itself")?;
    let kit = std::iter::once(kit.display().to_string());
    Ok(Values::from([
        ("{packages}", names.collect()),
        ("{cargo-args}", arguments.collect()),
        ("{xtask}", kit.chain(global::forwarded()).collect()),
    ]))
}
