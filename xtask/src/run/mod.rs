//! The command `run-affected`: runs a cargo command on the packages and targets that a change
//! affects.

pub(crate) mod program;
pub(crate) mod text;
mod watch;

use anyhow::Result;
use xtask_impact::query::Evidence;
use xtask_impact::{process, usage};

use crate::cargo_runs;
use crate::cli::status::Status;
use crate::cli::{output, workspaces};
use crate::selection::args::SelectedArgs;
use crate::selection::select::Selector;
use crate::selection::{Partition, Tool, test_runner_shim};

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask run-affected test                     the tests that a change affects
  cargo xtask run-affected clippy -- -- -D warnings  arguments for cargo and for clippy
  cargo xtask run-affected test --partition slice:1/4 --ci    a quarter of the tests
  cargo xtask run-affected check --dry-run          the cargo command, without running it
  cargo xtask run-affected -- cargo hack check {cargo-args}    any other program
  cargo xtask run-affected --watch check            what each save affects, until Ctrl-C";

/// Arguments of `run-affected`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Run this cargo command. Without it, run the program after `--`; {packages}, {cargo-args},
    /// {files} and {xtask} in its arguments are replaced
    #[arg(value_enum, required_unless_present = "forwarded")]
    tool: Option<Tool>,
    /// Print the command, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Run only part M of N of the affected tests; every machine splits the tests of a commit in
    /// the same way
    #[arg(long, hide_short_help = true, value_name = "slice:M/N")]
    partition: Option<Partition>,
    /// Continue after a failure
    #[arg(long, hide_short_help = true)]
    keep_going: bool,
    /// Run again after each save, on what the save affects, until Ctrl-C
    #[arg(long, conflicts_with = "partition")]
    watch: bool,
    #[command(flatten)]
    selected: SelectedArgs,
    /// Run in every workspace of the repository, one cargo command for each
    #[arg(long, hide_short_help = true, conflicts_with = "manifest_path")]
    all_workspaces: bool,
}

pub(crate) fn run(args: &mut Args) -> Result<Status> {
    match args.watch {
        true => watch::run(args),
        false => run_once(args),
    }
}

fn run_once(args: &Args) -> Result<Status> {
    let Some(tool) = args.tool else {
        return run_program(args);
    };
    if args.partition.is_some() && !tool.is_test() {
        return Err(usage!(
            "--partition works only with `test` and `nextest`, because it splits tests\nhint: \
             leave out --partition"
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

/// Runs the program behind `--` on what a change affects.
fn run_program(args: &Args) -> Result<Status> {
    let flags = [
        ("--partition", args.partition.is_some()),
        ("--keep-going", args.keep_going),
        ("--jobs", args.selected.has_jobs()),
    ];
    if let Some((flag, _)) = flags.iter().find(|(_, is_given)| *is_given) {
        return Err(usage!(
            "{flag} works only with a cargo command\nhint: write `test`, `clippy` or another \
             command before `--`, or pass the flag to the program after `--`"
        ));
    }
    // Most programs build or run tests, and the query of a test contains every unit of a check.
    let tool = Tool::Test;
    let questions = args.selected.questions(tool, args.all_workspaces)?;
    workspaces::each(questions, |name, question| {
        let words = &args.selected.forwarded;
        let act = |selector: &Selector<'_>| program::run(words, args.dry_run, name, selector);
        args.selected.answered(name, question, (tool, false), act)
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
        Some(partition) => selector.part(partition),
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
    let reason = crate::selection::reason_to_run_all(answer, tool);
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
    if !args.watch {
        output::status("Running", output::of(name, process::shown(&command)));
    }
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
