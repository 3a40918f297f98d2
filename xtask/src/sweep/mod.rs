//! `sweep`: removes old artifacts until the build directories of a workspace fit into a size, and
//! never removes what the next build needs.

mod apply;
mod garbage;
mod last_use;
mod needed;
mod plan;
mod report;
mod scan;
mod settings;
mod text;
mod workspaces;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::SystemTime;

use anyhow::Result;
use camino::Utf8PathBuf;
use clap::Subcommand;
use xtask_impact::process::Runner;
use xtask_impact::workspace::Workspace;

use self::apply::{Sweep, SweepOptions};
use self::last_use::KnownUses;
pub(crate) use self::report::SweepReport;
use self::scan::DirectoryScan;
use self::settings::{LimitArgs, SweepLimits};
use crate::cli::args::WorkspaceArgs;
use crate::cli::output;
use crate::cli::status::Status;

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask sweep --dry-run                       what would be removed
  cargo xtask sweep --max-size 20G                  until the directories fit into this size
  cargo xtask sweep --max-age 14d                   everything that was not used for two weeks";

/// Arguments of `sweep`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_long_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Option<SweepCommand>,
    #[command(flatten)]
    limits: LimitArgs,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Also sweep the other build directories of the workspace; the limit applies to their total
    /// size
    #[arg(long)]
    all_target_dirs: bool,
    /// Sweep every workspace below this directory, each with its own limits
    #[arg(
        long,
        hide_short_help = true,
        value_name = "DIR",
        conflicts_with_all = ["manifest_path", "target_dir"]
    )]
    recursive: Option<Utf8PathBuf>,
    /// Sweep a build directory that another checkout also uses
    #[arg(long, hide_short_help = true)]
    allow_shared: bool,
    /// Fail if a build is running, instead of waiting until it ends
    #[arg(long, hide_short_help = true)]
    no_wait: bool,
    /// Print the report in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

#[derive(Debug, Subcommand)]
enum SweepCommand {
    /// Start recording which artifacts are used (resets their access times)
    Arm(ArmArgs),
}

/// Arguments of `sweep arm`.
#[derive(Debug, clap::Args)]
struct ArmArgs {
    /// Also start recording in the other build directories of the workspace
    #[arg(long)]
    all_target_dirs: bool,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// Print text for people: sizes by reason, kind, profile, triple and last use
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
}

pub(crate) fn run(args: &Args) -> Result<Status> {
    match &args.command {
        Some(SweepCommand::Arm(args)) => arm(args),
        None => match &args.recursive {
            Some(directory) => recursive(args, directory),
            None => {
                let (runner, workspace) = args.workspace.load()?;
                let report = args.sweep(&runner, &workspace)?;
                args.show(None, &report)?;
                if args.format == Format::Json {
                    output::json(&report)?;
                }
                Ok(Status::Done)
            }
        },
    }
}

/// Sweeps every workspace below a directory. An error in one workspace does not stop the others.
fn recursive(args: &Args, directory: &Utf8PathBuf) -> Result<Status> {
    let mut reports = Vec::new();
    let mut first = None;
    for (name, root) in workspaces::below(directory)? {
        let runner = args.workspace.runner()?.in_directory(&root);
        let swept = args.workspace.load_by(&runner).and_then(|workspace| {
            let report = args.sweep(&runner, &workspace)?;
            args.show(Some(&name), &report)?;
            Ok(report)
        });
        match swept {
            Ok(report) => reports.push(report),
            Err(error) => {
                let error = error.context(format!("in the workspace {name}"));
                if first.is_some() {
                    output::error(&error);
                } else {
                    first = Some(error);
                }
            }
        }
    }
    if args.format == Format::Json {
        output::json(&output::Reports::new(reports))?;
    }
    first.map_or(Ok(Status::Done), Err)
}

impl Args {
    fn sweep(&self, runner: &Runner, workspace: &Workspace) -> Result<SweepReport> {
        let limits = SweepLimits::new(&self.limits, workspace)?;
        let mut forwarded = match self.workspace.network() {
            true => Vec::new(),
            false => vec!["--offline".to_owned()],
        };
        forwarded.extend(runner.config_args());
        let sweep = Sweep {
            runner,
            workspace,
            limits: &limits,
            options: SweepOptions {
                dry_run: self.dry_run,
                wait: !self.no_wait,
                all_target_dirs: self.all_target_dirs,
                allow_shared: self.allow_shared,
            },
            forwarded: &forwarded,
            now: SystemTime::now(),
        };
        sweep.run()
    }

    /// Prints the report of one workspace, with its notes and warnings. Under `-q`, only warnings
    /// are printed.
    fn show(&self, name: Option<&str>, report: &SweepReport) -> Result<()> {
        for note in text::notes(report) {
            output::note(output::of(name, note));
        }
        if self.format == Format::Text && !output::is_quiet() {
            let text = text::report(report, self.dry_run, SystemTime::now());
            output::data(&(output::heading(name) + &text))?;
        }
        for warning in text::warnings(report) {
            output::warning(output::of(name, warning));
        }
        Ok(())
    }
}

/// Remembers the last use of every unit, and sets the access times back so that the next use
/// changes them.
fn arm(args: &ArmArgs) -> Result<Status> {
    let (_, workspace) = args.workspace.load()?;
    let (own, others) = apply::directories(&workspace)?;
    let nested: Vec<Utf8PathBuf> = others.iter().map(|it| it.build.clone()).collect();
    let mut all = vec![own];
    if args.all_target_dirs {
        all.extend(others);
    }
    for directories in &all {
        let others: Vec<_> = nested
            .iter()
            .filter(|it| **it != directories.build)
            .cloned()
            .collect();
        let mut scan = DirectoryScan::read(directories, &others)?;
        let known = KnownUses::read(directories);
        let evidence = last_use::find(&mut scan, directories, &known);
        apply::arm(&scan, directories, &known, &BTreeSet::new());
        let units = output::count(scan.units.len(), "unit");
        output::status("Armed", format_args!("{units} in {}", directories.build));
        if evidence == last_use::UseEvidence::Builds {
            output::note(format_args!(
                "the file system of {} does not keep access times, so `sweep` will use the time of \
                 the last build instead of the last use\nhint: mount it with `relatime`",
                directories.build
            ));
        }
    }
    Ok(Status::Done)
}
