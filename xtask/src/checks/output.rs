//! Output of `policy check` and `doctor`.

use anyhow::Result;

use crate::checks::report::{FindingsReport, github, text};
use crate::checks::{Finding, fails};
use crate::cli::output;
use crate::cli::output::verdict;
use crate::cli::status::Status;

/// The output format of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Print text for people: place, evidence, cost and fix of each finding
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
    /// Print annotations for GitHub workflows
    Github,
}

/// Prints the findings, and returns the exit status.
pub(crate) fn show(found: &[Finding], format: Format) -> Result<Status> {
    match format {
        Format::Text => output::advice(&text(found))?,
        Format::Json => output::json(&FindingsReport::new(found))?,
        Format::Github => output::advice(&github(found))?,
    }
    Ok(verdict(fails(found)))
}
