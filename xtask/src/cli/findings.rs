//! How `policy check` and `doctor` show what they find.

use anyhow::Result;

use super::verdict;
use crate::error::Status;
use crate::finding::{Finding, fails};
use crate::render;
use crate::render::findings::{Report, github, text};

/// How to show what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
pub(super) enum Format {
    /// Each with its place, evidence, cost and mend
    #[default]
    Text,
    /// For programs; see the documentation of the JSON
    Json,
    /// Annotations of GitHub's workflows
    Github,
}

/// Shows what was found, and gives the status that it ends with.
pub(super) fn show(found: &[Finding], format: Format) -> Result<Status> {
    match format {
        Format::Text => render::data(&text(found))?,
        Format::Json => render::json(&Report::new(found))?,
        Format::Github => render::data(&github(found))?,
    }
    Ok(verdict(fails(found)))
}
