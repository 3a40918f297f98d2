//! `cache status`: the settings, the servers, and the counts of the cache.

mod report;
mod text;

use anyhow::Result;
use xtask_impact::cargo_config::CargoConfig;
use xtask_impact::cargo_config::wrapper::Wrapper;

pub(crate) use self::report::{CacheShares, StatusReport};
use crate::cache::run::last;
use crate::cli::args::WorkspaceArgs;
use crate::cli::output;
use crate::cli::output::verdict;
use crate::cli::status::Status;
use crate::compiler_cache::program::Sccache;
use crate::compiler_cache::settings::CacheSettings;

/// Arguments of `cache status`.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// Print the status in this format
    #[arg(long, value_enum, default_value_t)]
    format: StatusFormat,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

/// The formats of reports about the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
pub(crate) enum StatusFormat {
    /// Print text for people
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
    /// Print Markdown, for example for a comment on a pull request
    Markdown,
}

/// Prints the status of the cache. The exit status is 1 if a remote cache does not answer.
///
/// # Errors
/// Returns an error if a configuration cannot be read.
pub(crate) fn run(args: &StatusArgs) -> Result<Status> {
    let runner = args.workspace.runner()?;
    let workspace = args.workspace.load_by(&runner)?;
    let runner = runner.in_directory(&workspace.root);
    let wrapper = Wrapper::of(&CargoConfig::of(&runner)?)?;
    let sccache = Sccache::find(&runner, wrapper.as_ref());
    let settings = CacheSettings::of(&runner)?;
    let last = last(&workspace);
    let report = StatusReport::new(wrapper.as_ref(), sccache.as_ref(), &settings)
        .with_last_run(last, &workspace);
    match args.format {
        StatusFormat::Text => output::advice(&text::text(&report))?,
        StatusFormat::Json => output::json(&report)?,
        StatusFormat::Markdown => output::advice(&text::markdown(&report))?,
    }
    Ok(verdict(report.remotes.iter().any(|it| !it.answers)))
}
