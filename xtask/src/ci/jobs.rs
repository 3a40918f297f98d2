//! The jobs of a matrix: the affected tests or packages, split over machines, each part with its
//! command.

use std::collections::BTreeSet;

use anyhow::Result;
use xtask_impact::change_set::{ChangeRequest, ComparedStates};
use xtask_impact::process;
use xtask_impact::unit_graph::UnitIx;

use crate::ci::durations::Durations;
use crate::ci::machine;
use crate::ci::matrix::{Archive, Matrix, MatrixJob};
use crate::cli::entry;
use crate::cli::output::count;
use crate::selection::select::{Noted, Selector};
use crate::selection::unification::FeatureUnification;
use crate::selection::{Selection, Tool, configuring, test_runner_shim};

/// The name of nextest's archive.
const ARCHIVE: &str = "nextest-archive.tar.zst";

/// The options of a matrix.
pub(crate) struct MatrixOptions<'a> {
    /// The maximum number of jobs.
    pub shards: usize,
    /// The durations of test binaries.
    pub durations: Durations,
    /// True to build the tests once, for all jobs.
    pub archive: bool,
    /// The change, for jobs that run the kit.
    pub asked: &'a ChangeRequest,
    /// The flags of the workspace, for the same jobs.
    pub workspace: Vec<String>,
}

/// Returns the matrix of a change.
pub(crate) fn matrix(selector: &Selector<'_>, options: &MatrixOptions<'_>) -> Result<Matrix> {
    let answer = selector.answer;
    let durations = &options.durations;
    let weight = |unit| machine::weight(answer, durations, unit);
    let mut parts = selector.parts(options.shards, &weight);
    let asks_again = |parts: &[(usize, u64, Noted)]| {
        let mut parts = parts.iter();
        parts.any(|(_, _, (part, _))| test_runner_shim::needs_shim(selector.tool, part))
    };
    if !durations.is_empty() && asks_again(&parts) {
        // Some jobs run the kit, which splits the tests again. It does not know the durations, so
        // all jobs must be split without durations.
        parts = selector.parts(options.shards, &|_| 1);
        for (_, load, (part, _)) in &mut parts {
            *load = units_of(selector, part).map(weight).sum();
        }
    }
    let jobs = parts.iter().map(|(slice, load, (part, notes))| {
        let packages = part.packages.iter();
        let name = |&package| answer.workspace.package(package).name.clone();
        MatrixJob {
            shard: 0,
            of: 0,
            seconds: (!durations.is_empty()).then_some(*load as f64 / 1000.0),
            packages: packages.map(name).collect(),
            command: match options.archive {
                true => from_archive(selector, part),
                false => job_command(selector, part, *slice, options),
            },
            notes: notes.clone(),
        }
    });
    let mut matrix = Matrix::new(answer.compared.clone(), jobs.collect());
    matrix.notes = fewer(selector, matrix.include.len(), options.shards);
    if options.archive && matrix.any {
        let (all, notes) = selector.all();
        matrix.notes.extend(notes);
        matrix.archive = Some(Archive {
            file: ARCHIVE.to_owned(),
            command: archive_command(selector, &all),
        });
    }
    Ok(matrix)
}

/// Returns a note if there are fewer jobs than allowed.
fn fewer(selector: &Selector<'_>, jobs: usize, shards: usize) -> Vec<String> {
    if jobs == 0 || jobs == shards {
        return Vec::new();
    }
    let (number, name) = selector.splittable();
    let why = match selector.tool {
        Tool::Nextest => "nextest's own --partition splits the tests of one binary",
        Tool::Test => "a package is not split; `nextest` splits by test binaries",
        _ => "a package is not split",
    };
    vec![format!(
        "{} instead of {shards}: the change affects {}; {why}",
        count(jobs, "job"),
        count(number, name),
    )]
}

fn units_of<'s>(
    selector: &'s Selector<'_>,
    part: &'s Selection,
) -> impl Iterator<Item = UnitIx> + 's {
    let units = Selection::units(selector.answer, selector.tool, &BTreeSet::new()).into_iter();
    let package = |unit: UnitIx| selector.answer.graph.unit(unit).package;
    units.filter(move |&unit| part.packages.contains(&package(unit)))
}

/// Returns the command of a job, quoted for a shell. It is a plain cargo command, unless cargo would
/// also run tests of packages that are only built: then it is the kit's own command.
fn job_command(
    selector: &Selector<'_>,
    part: &Selection,
    slice: usize,
    options: &MatrixOptions<'_>,
) -> String {
    match test_runner_shim::needs_shim(selector.tool, part) {
        true => kit_command(selector, slice, options),
        false => command(selector, part),
    }
}

/// Returns the kit's command that runs a part of the tests.
fn kit_command(selector: &Selector<'_>, slice: usize, options: &MatrixOptions<'_>) -> String {
    let given = selector.options;
    let mut words: Vec<String> = entry::name().split(' ').map(str::to_owned).collect();
    words.extend(["run-affected".to_owned(), selector.tool.name().to_owned()]);
    words.extend(change_flags(options.asked));
    words.push(format!("--partition=slice:{slice}/{}", options.shards));
    words.extend(given.keep_going.then(|| "--keep-going".to_owned()));
    let workspace = &selector.answer.workspace;
    let mut left_out = given.left_out.all();
    left_out.retain(|package| workspace.package(*package).member);
    for spec in crate::selection::specs(workspace, &left_out, selector.tool) {
        words.extend(["--exclude".to_owned(), spec]);
    }
    if given.unification == FeatureUnification::Workspace {
        words.push("--feature-unification=workspace".to_owned());
    }
    words.extend(options.workspace.iter().cloned());
    if !given.forwarded.is_empty() {
        words.push("--".to_owned());
        words.extend(given.forwarded.iter().cloned());
    }
    shown(selector, &words)
}

/// Returns the flags that name a change, on a machine with the same commits.
fn change_flags(asked: &ChangeRequest) -> Vec<String> {
    let mut flags = Vec::new();
    let mut add = |name: &str, value: &str| flags.extend([name.to_owned(), value.to_owned()]);
    match &asked.compare {
        Some(ComparedStates::Since { revision, head }) => {
            add("--since", revision);
            head.iter().for_each(|head| add("--head", head));
        }
        Some(ComparedStates::Base { revision, head }) => {
            revision.iter().for_each(|base| add("--base", base));
            head.iter().for_each(|head| add("--head", head));
        }
        Some(ComparedStates::Staged) => flags.push("--staged".to_owned()),
        None => {}
    }
    for path in asked.files.iter().flat_map(|files| &files.paths) {
        flags.extend(["--file".to_owned(), path.clone()]);
    }
    for spec in &asked.assumed {
        flags.extend(["--assume-changed".to_owned(), spec.clone()]);
    }
    flags.extend(asked.all.then(|| "--all".to_owned()));
    flags
}

/// Returns the cargo command for a selection, quoted for a shell.
pub(crate) fn command(selector: &Selector<'_>, selection: &Selection) -> String {
    let workspace = &selector.answer.workspace;
    let mut words = vec!["cargo".to_owned()];
    words.extend(selection.arguments(workspace, selector.tool, selector.options));
    shown(selector, &words)
}

/// Returns the command that builds the tests of all jobs into nextest's archive.
fn archive_command(selector: &Selector<'_>, all: &Selection) -> String {
    let (workspace, options) = (&selector.answer.workspace, selector.options);
    let words = ["cargo", "nextest", "archive", "--archive-file", ARCHIVE];
    let mut words: Vec<String> = words.map(str::to_owned).to_vec();
    words.extend(all.selecting_args(workspace, Tool::Nextest, options));
    words.extend(options.given.iter().cloned());
    words.extend(configuring(Tool::Nextest, options.forwarded).0);
    shown(selector, &words)
}

/// Returns the command that runs a part of the tests from nextest's archive.
fn from_archive(selector: &Selector<'_>, part: &Selection) -> String {
    let options = selector.options;
    let words = ["cargo", "nextest", "run", "--archive-file", ARCHIVE];
    let mut words: Vec<String> = words.map(str::to_owned).to_vec();
    words.extend(["--workspace-remap", ".", "--no-tests=pass"].map(str::to_owned));
    if let Some(filter) = &part.filter {
        words.extend(["-E".to_owned(), filter.clone()]);
    }
    words.extend(options.keep_going.then(|| "--no-fail-fast".to_owned()));
    words.extend(configuring(Tool::Nextest, options.forwarded).1);
    shown(selector, &words)
}

/// Returns a command, quoted for a shell. The program has no path, since another machine has it
/// elsewhere.
fn shown(selector: &Selector<'_>, words: &[String]) -> String {
    let mut command = selector.runner.program(&words[0]);
    process::shown(command.args(&words[1..]))
}

#[cfg(test)]
mod tests {
    use xtask_impact::change_set::NamedFiles;

    use super::*;

    #[test]
    fn the_change_is_named_by_flags() {
        let flags = |asked: ChangeRequest| change_flags(&asked).join(" ");
        let since = |head: Option<&str>| ChangeRequest {
            compare: Some(ComparedStates::Since {
                revision: "HEAD^1".to_owned(),
                head: head.map(str::to_owned),
            }),
            ..ChangeRequest::default()
        };
        assert_eq!(flags(since(None)), "--since HEAD^1");
        assert_eq!(flags(since(Some("v2"))), "--since HEAD^1 --head v2");
        let named = ChangeRequest {
            files: Some(NamedFiles {
                directory: "/w".into(),
                paths: vec!["a/b.rs".to_owned()],
            }),
            assumed: vec!["a:it".to_owned()],
            all: true,
            compare: Some(ComparedStates::Base {
                revision: None,
                head: None,
            }),
        };
        assert_eq!(flags(named), "--file a/b.rs --assume-changed a:it --all");
    }
}
