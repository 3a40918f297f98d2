//! `cache`: sets up a compiler cache, tests that it works, and builds with it.

mod crates;
mod probe;
mod run;
mod setup;
mod status;

use anyhow::Result;

#[cfg(test)]
pub(crate) use self::probe::ProbeReport;
#[cfg(test)]
pub(crate) use self::status::StatusReport;
use crate::checks::output::Format;
use crate::cli::args::WorkspaceArgs;
use crate::cli::status::Status;

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask cache setup local                       a cache on this machine
  cargo xtask cache setup redis redis://cache:6379    a cache for the team
  cargo xtask cache status                            servers, hits and misses
  cargo xtask cache run -- build                      build; continue if the server fails";

/// Arguments of `cache`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write the settings of a cache into cargo's and sccache's configuration
    Setup(setup::SetupArgs),
    /// Remove the settings that `cache setup` wrote
    Unset(setup::UnsetArgs),
    /// Show the servers, the hits and the misses
    Status(status::StatusArgs),
    /// Test with several builds if results are shared, and list the causes of misses
    Probe(probe::ProbeArgs),
    /// Find settings that make the cache useless; exit with 1 if one is an error
    Lint(LintArgs),
    /// Build with the cache; if the remote cache fails, continue with the disk or without a cache
    Run(run::CacheRunArgs),
}

/// Arguments of `cache lint`.
#[derive(Debug, clap::Args)]
struct LintArgs {
    /// Print the findings in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

/// The function of `doctor` that runs the checks of a compiler cache and prints their findings.
type Lint<'a> = &'a dyn Fn(&WorkspaceArgs, Format) -> Result<Status>;

/// Runs the command. `lint` runs the checks of `cache lint`.
pub(crate) fn run(args: &Args, lint: Lint<'_>) -> Result<Status> {
    match &args.command {
        Command::Setup(args) => setup::setup(args),
        Command::Unset(args) => setup::unset(args),
        Command::Status(args) => status::run(args),
        Command::Probe(args) => probe::run(args),
        Command::Lint(args) => lint(&args.workspace, args.format),
        Command::Run(args) => run::run(args),
    }
}
