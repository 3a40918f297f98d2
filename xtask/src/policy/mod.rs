//! `policy`: shows how this repository builds, and finds settings that differ from the policy.

pub(crate) mod ask;
pub(crate) mod settings;
pub(crate) mod text;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::process::Runner;

use crate::checks::output::{Format, show};
use crate::checks::{Check, check_named, report};
use crate::cli::status::Status;
use crate::cli::{output, progress};
use crate::policy::ask::PolicyQuery;

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask policy show                           every setting and its origin
  cargo xtask policy check --format github          annotations for GitHub
  cargo xtask policy check --explain nested-config  the meaning of a finding";

/// Arguments of `policy`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the directories, profiles and flags that cargo uses, each with its source
    Show {
        #[command(flatten)]
        common: Common,
        /// Show every workspace of the repository, each with the settings in its root
        #[arg(long)]
        all: bool,
        /// Show only this profile, with all its values
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
        /// Print the configuration in this format
        #[arg(long, value_enum, default_value_t = ShowFormat::Text)]
        format: ShowFormat,
    },
    /// Find settings that cause problems; exit with 1 if a finding is an error
    Check {
        #[command(flatten)]
        common: Common,
        /// Print the findings in this format
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Explain the check with this code, and check nothing
        #[arg(long, value_name = "CODE")]
        explain: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Use the workspace of this Cargo.toml
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<Utf8PathBuf>,
    /// Override a value of cargo's configuration, as cargo --config does (repeatable)
    #[arg(long, value_name = "KEY=VALUE|PATH")]
    config: Vec<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ShowFormat {
    /// Print text for people
    Text,
    /// Print JSON for programs
    Json,
}

impl Common {
    fn query<'a>(&'a self, runner: &'a Runner) -> PolicyQuery<'a> {
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
            let settings = common.query(&runner).settings(*all, profile)?;
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
            output::advice(&report::explained(check))?;
            Ok(Status::Done)
        }
        Command::Check { common, format, .. } => {
            let query = common.query(&runner);
            let check = || query.check(known);
            let found = progress::during("Checking", "the policy", check)?;
            let status = show(&found, *format)?;
            output::status(
                "Checked",
                format_args!("policy: {}", report::totals(&found)),
            );
            Ok(status)
        }
    }
}
