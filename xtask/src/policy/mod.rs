//! `policy`: shows how this repository builds, and finds settings that differ from the policy.

pub mod ask;
pub mod settings;
pub mod text;

use crate::checks::report;
use anyhow::Result;
use cargo_metadata::camino::Utf8PathBuf;

use crate::checks::output::{Format, show};
use crate::checks::{Check, check_named};
use crate::cli::output;
use crate::policy::ask::PolicyQuery;
use xtask_impact::error::Status;
use xtask_impact::process::Runner;

/// Arguments of `policy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show directories, profiles, flags and the like as cargo takes them, each with who says so
    Show {
        #[command(flatten)]
        common: Common,
        /// Every workspace of the repository, each as it is built from its root
        #[arg(long)]
        all: bool,
        /// This profile alone, with all its values
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
        /// How
        #[arg(long, value_enum, default_value_t = ShowFormat::Text)]
        format: ShowFormat,
    },
    /// Find what departs from the policy; ends with 1 where an error is among it
    Check {
        #[command(flatten)]
        common: Common,
        /// How
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Say what a code means, and check nothing
        #[arg(long, value_name = "CODE")]
        explain: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Path to a Cargo.toml of the workspace
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<Utf8PathBuf>,
    /// As cargo's own --config: KEY=VALUE or a file (repeatable)
    #[arg(long, value_name = "KEY=VALUE|PATH")]
    config: Vec<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ShowFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

impl Common {
    fn asked<'a>(&'a self, runner: &'a Runner) -> PolicyQuery<'a> {
        PolicyQuery {
            runner,
            manifest_path: self.manifest_path.as_deref(),
            flags: &self.config,
        }
    }
}

pub(crate) fn run(args: &Args, known: &[&Check]) -> Result<Status> {
    let runner = Runner::new()?;
    match &args.command {
        Command::Show {
            common,
            all,
            profile,
            format,
        } => {
            let profile = profile.as_deref();
            let settings = common.asked(&runner).settings(*all, profile)?;
            match format {
                ShowFormat::Text => output::data(&text::text(&settings, profile))?,
                ShowFormat::Json => output::json(&text::report(&settings, profile))?,
            }
            Ok(Status::Done)
        }
        Command::Check {
            explain: Some(code),
            ..
        } => {
            let check = check_named(code, known)?;
            output::data(&report::explained(check))?;
            Ok(Status::Done)
        }
        Command::Check { common, format, .. } => {
            let found = common.asked(&runner).check(known)?;
            let status = show(&found, *format)?;
            output::status(
                "Checked",
                format_args!("policy: {}", report::totals(&found)),
            );
            Ok(status)
        }
    }
}
