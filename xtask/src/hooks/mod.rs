//! `hooks`: installs, runs and shows the git hooks of the kit.

pub(crate) mod chained;
pub(crate) mod checkout;
pub(crate) mod fmt;
pub mod fmt_files;
pub mod install;
pub mod install_plan;
pub mod model;
pub mod push;
pub(crate) mod rerun_if_stale;
pub mod run;
pub(crate) mod scene;
pub mod script;
pub(crate) mod steps;
pub(crate) mod target_directory;
pub mod text;
pub(crate) mod workspaces;

use anyhow::Result;
use cargo_metadata::camino::Utf8PathBuf;

use crate::checks::Check;
use crate::cli::output;
use crate::hooks::install::Hooks;
use crate::hooks::model::Hook;
use xtask_impact::error::Status;
use xtask_impact::process::Runner;

/// Arguments of `hooks`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write hooks where git looks for them; one that is there is kept, and run first
    Install {
        /// Which
        #[arg(value_enum, default_values_t = [Hook::PreCommit, Hook::PrePush])]
        hooks: Vec<Hook>,
    },
    /// Take the kit's hooks away, and put back what was there before
    Uninstall {
        /// Which; by default all
        #[arg(value_enum, default_values_t = Hook::ALL)]
        hooks: Vec<Hook>,
    },
    /// Say what stands where git looks for hooks
    Status,
    /// Do what a hook does; the hooks call this
    Run {
        /// Which
        #[arg(value_enum)]
        hook: Hook,
        /// Say what the hook would do, and do nothing of it
        #[arg(long)]
        dry_run: bool,
        /// The hook that git started: one that was there before it is run first
        #[arg(long = "hook", value_name = "PATH")]
        file: Option<Utf8PathBuf>,
        /// What git gave the hook
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

/// Returns the hooks that another tool put in the place of the kit's; none where git cannot say.
pub(crate) fn replaced(runner: &Runner) -> Vec<Utf8PathBuf> {
    let replaced = Hooks::of(runner).and_then(|hooks| hooks.replaced());
    replaced.unwrap_or_default()
}
