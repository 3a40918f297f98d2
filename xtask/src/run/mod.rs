//! The command `run-affected`: runs a cargo command on the packages and targets that a change
//! affects.

pub(crate) mod text;

use anyhow::Result;
use xtask_impact::query::Evidence;
use xtask_impact::{process, usage};

use crate::cargo_runs;
use crate::cli::status::Status;
use crate::cli::{output, workspaces};
use crate::selection::args::SelectedArgs;
use crate::selection::select::Selector;
use crate::selection::{Partition, Tool, test_runner_shim};

/// Arguments of `run-affected`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run this cargo command
    #[arg(value_enum)]
    tool: Tool,
    /// Print the cargo command, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Run only part M of N of the affected tests; the parts depend on the commit alone, and each
    /// test is in one part
    #[arg(long, value_name = "slice:M/N")]
    partition: Option<Partition>,
    /// Continue after a failure
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    selected: SelectedArgs,
    /// Run in every workspace of the repository, one cargo command for each
    #[arg(long, conflicts_with = "manifest_path")]
    all_workspaces: bool,
}

pub(crate) fn run(args: &Args) -> Result<Status> {
    let tool = args.tool;
    if args.partition.is_some() && !tool.is_test() {
        return Err(usage!(
            "--partition splits tests\nhint: use it with `test` or `nextest`"
        ));
    }
    let questions = args.selected.questions(tool, args.all_workspaces)?;
    workspaces::each(questions, |name, mut question| {
        if args.partition.is_some() {
            // The records of one machine must not decide what another machine runs.
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
        output::note(output::of(name, note));
    }
    if selection.is_empty() {
        let nothing = text::nothing(answer, tool, args.partition);
        output::note(output::of(name, nothing));
        return Ok(Status::Done);
    }
    let reason = crate::selection::configured(answer, tool);
    for note in reason.into_iter().chain(text::doctests(answer, tool)) {
        output::note(output::of(name, note));
    }
    let mut command = test_runner_shim::cargo(runner, &answer.workspace, tool, &selection, options);
    if args.dry_run {
        let shown = process::shown(&command);
        output::data(&(output::heading(name) + &shown + "\n"))?;
        return Ok(Status::Done);
    }
    if tool != Tool::Fmt {
        answer.workspace.lock_file.check()?;
    }
    if tool == Tool::Nextest {
        cargo_runs::nextest_is_there(runner)?;
    }
    output::status("Running", output::of(name, process::shown(&command)));
    cargo_runs::interruptible(&mut command)
}

/// Arguments of `run-test`, which `run-affected test` has cargo start.
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    /// Skip the tests of these packages
    #[arg(long, value_delimiter = ',', value_name = "PACKAGES")]
    without: Vec<String>,
    /// Run this test binary with these arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(crate) fn run_test(args: &TestArgs) -> Result<Status> {
    let [program, arguments @ ..] = &args.command[..] else {
        return Err(usage!("run-test needs a test binary to run"));
    };
    test_runner_shim::run_test(&args.without, program.as_ref(), arguments)
}
