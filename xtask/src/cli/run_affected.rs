//! `run-affected`: a cargo command, on exactly what a change affects.

use anyhow::Result;

use super::selected::SelectedArgs;
use crate::action::run::{Partition, Tool};
use crate::error::Status;
use crate::exec::select::Selector;
use crate::question::Evidence;
use crate::{exec, process, render, usage};

/// Arguments of `run-affected`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The cargo command
    #[arg(value_enum)]
    tool: Tool,
    /// Print the cargo command, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Run only this machine's part of the affected tests: slice:M/N. The parts depend on the
    /// commit alone, and together hold each test once
    #[arg(long, value_name = "slice:M/N")]
    partition: Option<Partition>,
    /// Go on after a failure
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    selected: SelectedArgs,
    /// In every workspace of the repository, one cargo command for each
    #[arg(long, conflicts_with = "manifest_path")]
    all_workspaces: bool,
}

pub(super) fn run(args: &Args) -> Result<Status> {
    let tool = args.tool;
    if args.partition.is_some() && !tool.is_test() {
        return Err(usage!(
            "--partition splits tests: it goes with `test` and `nextest`"
        ));
    }
    let questions = args.selected.questions(tool, args.all_workspaces)?;
    exec::workspaces::each(questions, |name, mut question| {
        if args.partition.is_some() {
            // What was built on one machine must not decide what another one runs.
            question.evidence = Evidence::Sources;
        }
        let how = (tool, args.keep_going);
        let act = |selector: &Selector<'_>| run_selected(args, name, selector);
        args.selected.answered(name, question, how, act)
    })
}

fn run_selected(args: &Args, name: Option<&str>, selector: &Selector<'_>) -> Result<Status> {
    let &Selector {
        runner,
        answer,
        tool,
        options,
        ..
    } = selector;
    let (selection, notes) = match args.partition {
        Some(partition) => selector.part(partition)?,
        None => selector.all(),
    };
    for note in notes {
        render::note(render::of(name, note));
    }
    if selection.is_empty() {
        let nothing = render::run::nothing(answer, tool, args.partition);
        render::note(render::of(name, nothing));
        return Ok(Status::Done);
    }
    let reason = render::run::configured(answer, tool);
    for note in reason
        .into_iter()
        .chain(render::run::doctests(answer, tool))
    {
        render::note(render::of(name, note));
    }
    let mut command = exec::skipping::cargo(runner, &answer.workspace, tool, &selection, options);
    if args.dry_run {
        let shown = process::shown(&command);
        render::data(&(render::heading(name) + &shown + "\n"))?;
        return Ok(Status::Done);
    }
    if tool != Tool::Fmt {
        answer.workspace.lock_file.check()?;
    }
    if tool == Tool::Nextest {
        exec::nextest_is_there(runner)?;
    }
    render::status("Running", render::of(name, process::shown(&command)));
    exec::interruptible(&mut command)
}

/// Arguments of `run-test`, which `run-affected test` has cargo start.
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    /// Packages whose tests are not run
    #[arg(long, value_delimiter = ',', value_name = "PACKAGES")]
    without: Vec<String>,
    /// The test binary, and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) fn run_test(args: &TestArgs) -> Result<Status> {
    let [program, arguments @ ..] = &args.command[..] else {
        return Err(usage!("run-test is given a test to run"));
    };
    exec::skipping::run_test(&args.without, program.as_ref(), arguments)
}
