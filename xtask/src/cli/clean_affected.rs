//! `clean-affected`: remove the artifacts of what a change affects.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::args::QuestionArgs;
use crate::action::clean::CleanPlan;
use crate::action::verify::Verification;
use crate::error::Status;
use crate::exec;
use crate::graph::Verb;
use crate::process::{self, Runner};
use crate::render;
use crate::repo::build_dir;

/// Arguments of `clean-affected`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show what would be removed, and remove nothing
    #[arg(long, conflicts_with = "verify")]
    dry_run: bool,
    /// Build, clean, build again, and compare what cargo compiled with what was announced
    #[arg(long)]
    verify: bool,
    /// How to show the plan
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    question: QuestionArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// Packages and directories, each with its reason
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
    if args.verify {
        // What is removed must have been there, or its being compiled proves nothing.
        build(&runner, verb, &forwarded)?;
    }
    let answer = question.answer()?;
    for note in &answer.notes {
        render::note(note);
    }
    let directories = build_dir::profile_dirs(&answer.workspace.build_directory)?;
    let running = std::env::current_exe()
        .ok()
        .and_then(|exe| Utf8PathBuf::try_from(exe).ok());
    let plan = CleanPlan::new(&answer, &directories, running.as_deref());
    match args.format {
        Format::Text => render::data(&render::clean::plan(&plan))?,
        Format::Json => render::json(&plan)?,
    }
    if plan.packages.is_empty() {
        render::note(format_args!("nothing is affected ({})", answer.compared));
    } else if directories.is_empty() {
        render::note(format_args!(
            "nothing is built in {}",
            answer.workspace.build_directory
        ));
    }
    if args.dry_run {
        return Ok(Status::Done);
    }
    for directory in &plan.directories {
        for arguments in plan.cargo_args(directory) {
            clean(&runner, &directory.path, &arguments, &forwarded)?;
        }
    }
    if args.verify {
        let (built, messages) = exec::messages(&mut cargo(&runner, verb, &forwarded))?;
        let verification = Verification::new(&plan, &answer.workspace, &messages);
        render::data(&render::clean::verification(&verification))?;
        if !built.success() {
            bail!("the build after cleaning failed; see cargo's own words above");
        }
        return Ok(if verification.missed.is_empty() {
            Status::Done
        } else {
            Status::Found
        });
    }
    Ok(Status::Done)
}

fn build(runner: &Runner, verb: Verb, forwarded: &[String]) -> Result<()> {
    render::status("Building", "first, so that there is something to remove");
    let (status, _) = exec::messages(&mut cargo(runner, verb, forwarded))?;
    if !status.success() {
        bail!("this workspace does not build, so nothing was removed; see cargo's own words above");
    }
    Ok(())
}

fn cargo(runner: &Runner, verb: Verb, forwarded: &[String]) -> std::process::Command {
    let mut command = runner.cargo();
    command.args(verb.cargo_args()).args(forwarded);
    command.args(["--message-format", "json-render-diagnostics"]);
    command
}

fn clean(
    runner: &Runner,
    directory: &Utf8Path,
    arguments: &[String],
    forwarded: &[String],
) -> Result<()> {
    let mut command = runner.cargo();
    command.args(arguments).args(forwarded);
    let output = process::output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        let summary: BTreeSet<_> = said.lines().map(str::trim).collect();
        for line in summary {
            render::status("Cleaned", format_args!("{directory}: {line}"));
        }
        return Ok(());
    }
    // A directory may have been built under a profile that no manifest defines any more, and
    // cargo cannot be told to clean it.
    if said.contains("profile `") && said.contains("is not defined") {
        render::warning(format_args!(
            "{directory} was left: its profile is not defined any more, so `cargo clean -p` \
             refuses it; delete the directory by hand if nothing needs it"
        ));
        return Ok(());
    }
    Err(anyhow!(
        "`{}` failed\n{}",
        process::shown(&command),
        said.trim_end()
    ))
    .with_context(|| format!("cannot clean {directory}"))
}
