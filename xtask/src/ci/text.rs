//! The text of `ci`: outputs for jobs, and Markdown for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use xtask_impact::query::Answer;
use xtask_impact::quote;

use crate::ci::key::CacheKey;
use crate::ci::matrix::Matrix;
use crate::cli::output::count;
use crate::selection::Tool;
use crate::selection::report::{AffectedReport, AffectedUnit};

/// The maximum number of packages in a summary. GitHub accepts a megabyte.
const ROWS: usize = 200;

/// Returns a matrix as outputs of a GitHub step: `matrix`, for `fromJSON`, `any`, and `archive`, the
/// command that builds the archive of the tests.
///
/// # Errors
/// Returns an error if the matrix cannot be written as JSON, which its types rule out.
pub(crate) fn matrix_output(matrix: &Matrix) -> Result<String> {
    let include = serde_json::json!({ "include": matrix.include });
    let include = serde_json::to_string(&include).context("cannot write JSON")?;
    let any = quote::github_output("any", &matrix.any.to_string());
    let archive = matrix.archive.iter();
    let archive = archive.map(|it| quote::github_output("archive", &it.command));
    let archive: String = archive.collect();
    Ok(any + &archive + &quote::github_output("matrix", &quote::json(&include)))
}

/// Returns a key as outputs of a GitHub step: `key`, and `restore-keys` with one prefix per line.
pub(crate) fn key_output(key: &CacheKey) -> String {
    quote::github_output("key", &key.key)
        + &quote::github_output_of_lines("restore-keys", &key.restore_keys.join("\n"))
}

/// Returns the summary as Markdown: the command that is run, and the affected packages with
/// reasons.
pub(crate) fn summary(answer: &Answer, tool: Tool, command: Option<&str>) -> String {
    let report = AffectedReport::new(answer);
    let mut of_package: BTreeMap<&str, Vec<&AffectedUnit>> = BTreeMap::new();
    for unit in report.units.iter().filter(|unit| unit.member) {
        of_package.entry(&unit.package).or_default().push(unit);
    }
    let members = answer.workspace.members().count();
    let mut text = format!(
        "### {} of {} affected\n\nCompared: {}, {}.\n\n",
        of_package.len(),
        count(members, "package"),
        quote::markdown(&report.compared),
        count(report.changes.len(), "changed path"),
    );
    text += &match command {
        Some(command) => format!("```sh\n{command}\n```\n\n"),
        None => "Nothing is run.\n\n".to_owned(),
    };
    let configured = crate::selection::reason_to_run_all(answer, tool);
    for note in configured.iter().chain(&report.notes) {
        let _ = writeln!(text, "> {}\n", quote::markdown(note));
    }
    if !of_package.is_empty() {
        text.push_str("| package | rebuilt or run again | because |\n| --- | --- | --- |\n");
    }
    for (package, units) in of_package.iter().take(ROWS) {
        let nearest = units.iter().min_by_key(|unit| unit.chain.len());
        let why = nearest.map_or_else(String::new, |unit| unit.why());
        let mut names: Vec<_> = units.iter().map(|unit| unit.name()).collect();
        if names.len() > 6 {
            let more = names.split_off(5).len();
            names.push(format!("{more} more"));
        }
        let (names, why) = (quote::markdown(&names.join(", ")), quote::markdown(&why));
        let _ = writeln!(text, "| {} | {names} | {why} |", quote::markdown(package));
    }
    if of_package.len() > ROWS {
        let _ = writeln!(text, "\nand {} more", of_package.len() - ROWS);
    }
    text
}
