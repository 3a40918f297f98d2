//! `clean-affected`: remove the artifacts of what a change affects.

use anyhow::{Result, bail};
use cargo_metadata::camino::Utf8PathBuf;

use super::args::QuestionArgs;
use crate::action::artifacts::Reader;
use crate::action::clean::{CleanPlan, Directory, Scope, Selection};
use crate::action::verify::Verification;
use crate::built::Built;
use crate::error::Status;
use crate::exec::remove::{self, Bounds, Lock};
use crate::graph::Verb;
use crate::process::Runner;
use crate::question::Answer;
use crate::repo::{build_dir, resolved};
use crate::{exec, render};

/// Arguments of `clean-affected`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// List every path that would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove nothing, and end with status 1 where there is something to remove
    #[arg(long)]
    check: bool,
    /// Everything of the affected units' packages, their documentation's records too
    #[arg(long, conflicts_with = "only_changed")]
    whole_package: bool,
    /// Only the units that the change touches itself: cargo builds again what is built from them
    #[arg(long)]
    only_changed: bool,
    /// Only in this profile's directories (repeatable); by default in every profile's
    #[arg(long, value_name = "NAME", conflicts_with = "verify")]
    only_profile: Vec<String>,
    /// Remove fingerprints alone, so that cargo compiles again from its incremental state
    #[arg(long)]
    keep_incremental: bool,
    /// Give up where a build is running, rather than wait for its end
    #[arg(long)]
    no_wait: bool,
    /// Build, clean, build again, and compare what cargo built with what was announced
    #[arg(long, conflicts_with_all = ["dry_run", "check"])]
    verify: bool,
    /// How to show the plan
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    question: QuestionArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// By profile directory and package, with files, bytes and reason
    #[default]
    Text,
    /// For programs; see the documentation of the JSON
    Json,
}

pub(super) fn run(args: &Args) -> Result<Status> {
    let question = args.question.resolve()?;
    // From the workspace's root, so that cargo finds its configuration there and nowhere else.
    let runner = question.runner.in_directory(&question.workspace.root);
    let verb = question.verb;
    let forwarded = args.question.forwarded();
    let mut before = None;
    if args.verify {
        // What is removed must have been there, or its being built proves nothing.
        render::status("Building", "first, so that there is something to remove");
        let failed = "this workspace does not build, so nothing was removed";
        before = Some(build(&runner, verb, &forwarded, failed)?);
    }
    let answer = question.answer()?;
    for note in &answer.notes {
        render::note(note);
    }
    let only_shows = args.dry_run || args.check;
    let plan = clean(args, &answer, only_shows)?;
    match args.format {
        Format::Text => render::data(&render::clean::plan(&plan, only_shows))?,
        Format::Json => render::json(&plan)?,
    }
    let is_empty = plan.removals().next().is_none();
    if answer.affected.is_empty() {
        render::note(format_args!("nothing is affected ({})", answer.compared));
    } else if is_empty {
        render::note(format_args!(
            "nothing of what is affected is built in {}",
            answer.workspace.build_directory
        ));
    }
    if let Some(before) = before {
        render::status("Building", "again, to see what cargo makes of it");
        let after = build(&runner, verb, &forwarded, "the build after cleaning failed")?;
        let verification = Verification::new(&answer, &plan, &before, &after);
        render::data(&render::clean::verification(&verification))?;
        if !verification.missed.is_empty() {
            return Ok(Status::Found);
        }
    }
    Ok(match args.check && !is_empty {
        true => Status::Found,
        false => Status::Done,
    })
}

/// Removes, one profile directory after the other, and gives what was removed; or what would be.
fn clean(args: &Args, answer: &Answer, only_shows: bool) -> Result<CleanPlan> {
    let workspace = &answer.workspace;
    let scope = match (args.whole_package, args.only_changed) {
        (true, _) => Scope::Packages,
        (_, true) => Scope::Changed,
        _ => Scope::Affected,
    };
    let selection = Selection::new(answer, scope);
    let running = std::env::current_exe().ok();
    let running = running.and_then(|exe| Utf8PathBuf::try_from(exe).ok());
    let running = running.as_deref().map(resolved);
    let mut reader = Reader::new(workspace, selection.packages(), running.as_deref());
    let wanted: Vec<_> = args
        .only_profile
        .iter()
        .map(|it| build_dir::directory_of(it))
        .collect();
    let places = build_dir::profile_dirs(&workspace.build_directory)?;
    let mut directories = Vec::new();
    for place in &places {
        if !wanted.is_empty() && !wanted.contains(&place.directory.as_str()) {
            continue;
        }
        let contents = reader.read(place)?;
        let plan = |contents| Directory::new(&selection, contents, args.keep_incremental);
        let mut planned = plan(&contents);
        if planned.removals.is_empty() {
            directories.push(planned);
            continue;
        }
        let bounds = Bounds::new(workspace, &contents)?;
        if only_shows {
            remove::measure(&mut planned)?;
        } else {
            let _lock = Lock::take(&contents, !args.no_wait, &|path| {
                render::status("Blocking", format_args!("waiting for the build in {path}"));
            })?;
            // What was seen without the lock may not be true any more.
            planned = plan(&reader.read(place)?);
            remove::measure(&mut planned)?;
            remove::remove(&planned, &bounds)?;
        }
        directories.push(planned);
    }
    Ok(CleanPlan::new(directories))
}

fn build(runner: &Runner, verb: Verb, forwarded: &[String], failed: &str) -> Result<Built> {
    let mut command = runner.cargo();
    command.args(verb.cargo_args()).args(forwarded);
    let (messages, said, status) = exec::observe(&mut command)?;
    if !status.success() {
        render::plain(said.trim_end());
        bail!("{failed}; see cargo's own words above");
    }
    Ok(Built::new(&messages, Some(&said)))
}
