//! `hooks`: installs, runs and shows the git hooks of the kit.

pub(crate) mod chained;
pub(crate) mod checkout;
pub(crate) mod fmt;
pub(crate) mod fmt_files;
pub(crate) mod install;
pub(crate) mod install_plan;
pub(crate) mod model;
pub(crate) mod push;
pub(crate) mod rerun_if_stale;
pub(crate) mod run;
pub(crate) mod scene;
pub(crate) mod script;
pub(crate) mod steps;
pub(crate) mod target_directory;
pub(crate) mod text;
pub(crate) mod workspaces;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::process::Runner;

use crate::checks::Check;
use crate::cli::output;
use crate::cli::status::Status;
use crate::hooks::install::Hooks;
use crate::hooks::model::Hook;

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask hooks install                         pre-commit and pre-push
  cargo xtask hooks run pre-commit --dry-run        the steps, without running them
  cargo xtask hooks status                          the installed hooks";

/// Arguments of `hooks`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Install hooks in git's hooks directory; an existing hook still runs, before the kit's
    Install {
        /// Install these hooks
        #[arg(value_enum, default_values_t = [Hook::PreCommit, Hook::PrePush])]
        hooks: Vec<Hook>,
    },
    /// Remove the kit's hooks, and restore the hooks that were there before
    Uninstall {
        /// Remove these hooks
        #[arg(value_enum, default_values_t = Hook::ALL)]
        hooks: Vec<Hook>,
    },
    /// Show the installed hooks
    Status,
    /// Run the steps of a hook, as the installed hook does
    Run {
        /// Run this hook
        #[arg(value_enum)]
        hook: Hook,
        /// Print the steps of the hook, and run nothing
        #[arg(long)]
        dry_run: bool,
        /// First run the user's hook that the installed hook at PATH replaced
        #[arg(long = "hook", value_name = "PATH")]
        file: Option<Utf8PathBuf>,
        /// Pass the arguments that git gave to the hook
        #[arg(last = true, value_name = "ARGS")]
        arguments: Vec<String>,
    },
}

pub(crate) fn run(args: &Args, known: &[&'static Check]) -> Result<Status> {
    let runner = Runner::new()?;
    match &args.command {
        Command::Install { hooks } => {
            let installed = Hooks::of(&runner)?;
            let workspaces = installed.configured()?;
            for &hook in hooks {
                text::done(hook, installed.install(hook)?);
            }
            text::checked(&workspaces);
        }
        Command::Uninstall { hooks } => {
            let installed = Hooks::of(&runner)?;
            for &hook in hooks {
                text::done(hook, installed.uninstall(hook)?);
            }
        }
        Command::Status => {
            let installed = Hooks::of(&runner)?;
            let found = Hook::ALL.map(|hook| installed.find(hook));
            let found = found.into_iter().collect::<Result<Vec<_>>>()?;
            output::data(&text::found(&found))?;
        }
        Command::Run {
            hook,
            dry_run: true,
            arguments,
            ..
        } => return run::dry_run(&runner, *hook, arguments),
        Command::Run {
            hook,
            file,
            arguments,
            ..
        } => return run::start(&runner, *hook, file.as_deref(), arguments, known),
    }
    Ok(Status::Done)
}

/// Returns the paths of the hooks that another tool wrote in the place of the kit's hooks. Returns
/// no paths if git fails.
pub(crate) fn replaced(runner: &Runner) -> Vec<Utf8PathBuf> {
    let replaced = Hooks::of(runner).and_then(|hooks| hooks.replaced());
    replaced.unwrap_or_default()
}
