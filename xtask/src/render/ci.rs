//! What is said to continuous integration: outputs for its jobs, Markdown for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::affected::{AffectedReport, AffectedUnit};
use super::count;
use crate::action::run::Tool;
use crate::ci::key::Key;
use crate::ci::matrix::Matrix;
use crate::question::Answer;
use crate::quote;

/// How many packages a summary shows; GitHub takes a megabyte at most.
const ROWS: usize = 200;

/// A matrix as outputs of a GitHub step: `matrix`, for `fromJSON`, and `any`.
///
/// # Errors
/// None that a value of these types could cause.
pub fn matrix_output(matrix: &Matrix) -> Result<String> {
    let include = serde_json::json!({ "include": matrix.include });
    let include = serde_json::to_string(&include).context("cannot write JSON")?;
    let any = quote::github_output("any", &matrix.any.to_string());
    Ok(any + &quote::github_output("matrix", &quote::json(&include)))
}

/// A key as outputs of a GitHub step: `key` and, a line each, `restore-keys`.
pub fn key_output(key: &Key) -> String {
    quote::github_output("key", &key.key)
        + &quote::github_output_of_lines("restore-keys", &key.restore_keys.join("\n"))
}

/// What is run and why, as Markdown.
pub fn summary(answer: &Answer, tool: Tool, command: Option<&str>) -> String {
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
    let configured = super::run::configured(answer, tool);
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
