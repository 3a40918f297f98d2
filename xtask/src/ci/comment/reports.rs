//! Reads the reports of other commands, which ran in other steps and jobs.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use xtask_impact::files;

/// The files of reports. A report that is not named has no part in the comment.
pub(super) struct ReportFiles<'a> {
    pub(super) timings: Option<&'a Utf8Path>,
    pub(super) freshness: Option<&'a Utf8Path>,
    pub(super) policy: Option<&'a Utf8Path>,
    pub(super) results: Option<&'a Utf8Path>,
}

/// The part of `timings --format json` that a comment shows.
#[derive(Debug, Deserialize)]
pub(super) struct ReadTimings {
    pub(super) run: ReadRun,
    pub(super) totals: Vec<f64>,
    pub(super) ran: usize,
    pub(super) fresh: usize,
    pub(super) critical_path: ReadPath,
    pub(super) error: Option<String>,
    pub(super) since_last: Option<ReadComparison>,
    #[serde(default)]
    pub(super) breaches: Vec<ReadBreach>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReadRun {
    pub(super) command: String,
    pub(super) contended: Option<String>,
    pub(super) cache: Option<crate::compiler_cache::counts::CacheCounts>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReadPath {
    pub(super) length: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReadComparison {
    pub(super) before: ReadSide,
    pub(super) total: ReadChange,
    pub(super) units: Vec<ReadUnit>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReadSide {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReadChange {
    pub(super) before: f64,
    pub(super) after: f64,
    pub(super) verdict: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReadUnit {
    pub(super) unit: String,
    #[serde(flatten)]
    pub(super) time: ReadChange,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReadBreach {
    pub(super) what: String,
    pub(super) limit: f64,
    pub(super) measured: f64,
}

/// The part of `freshness restore --format json` that a comment shows.
#[derive(Debug, Deserialize)]
pub(super) struct ReadFreshness {
    pub(super) directories: Vec<ReadDirectory>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReadDirectory {
    pub(super) has_record: bool,
    pub(super) counts: BTreeMap<String, usize>,
    #[serde(default)]
    pub(super) notes: Vec<String>,
}

/// The part of `policy check --format json` that a comment shows.
#[derive(Debug, Deserialize)]
pub(super) struct ReadFindings {
    pub(super) findings: Vec<ReadFinding>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReadFinding {
    pub(super) code: String,
    pub(super) level: String,
    pub(super) message: String,
    pub(super) fix: String,
}

/// GitHub's `toJSON(needs)`: the results of jobs.
pub(super) type ReadResults = BTreeMap<String, ReadResult>;

#[derive(Debug, Deserialize)]
pub(super) struct ReadResult {
    pub(super) result: String,
}

/// Reads a report.
///
/// # Errors
/// Returns a message that names the file and the reason. A report that cannot be read is shown as
/// such, so that the comment never looks as if nothing had been found.
pub(super) fn read<T: DeserializeOwned>(path: &Utf8Path) -> Result<T, String> {
    let name = path.file_name().unwrap_or_default();
    let text = files::read_named(path).map_err(|error| format!("{name}: {error}"))?;
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(format!(
            "{name} is empty: the command that writes it failed"
        ));
    }
    serde_json::from_slice(&text).map_err(|error| format!("{name}: {error}"))
}
