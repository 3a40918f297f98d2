//! The text and the JSON of explanations.

use std::fmt::Write as _;

use serde::Serialize;
use xtask_impact::quote;

use super::verdict::{ErrorReport, ErrorVerdict, ExplainReport};
use crate::artifacts::plan::CleanPlan;
use crate::artifacts::text::in_units;
use crate::checks::Check;
use crate::cli::output::count;

/// The number of artifacts that are listed for one error. A fix that names more paths is shortened
/// if a code says the same.
pub(super) const LISTED: usize = 6;

/// The JSON of explanations.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Serialize)]
pub(crate) struct ExplainJson<'a> {
    version: u32,
    explanations: &'a [ErrorReport],
    /// The removals of `--fix`. With `--dry-run`, the removals that `--fix` would make.
    #[serde(skip_serializing_if = "Option::is_none")]
    removals: Option<&'a CleanPlan>,
}

impl<'a> ExplainJson<'a> {
    pub(super) fn new(report: &'a ExplainReport, removals: Option<&'a CleanPlan>) -> Self {
        Self {
            version: 1,
            explanations: &report.explanations,
            removals,
        }
    }
}

/// The JSON of a check's explanation.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Serialize)]
pub(crate) struct CheckJson<'a> {
    version: u32,
    code: &'a str,
    level: crate::checks::Level,
    cost: &'a str,
    explanation: &'a str,
}

impl<'a> CheckJson<'a> {
    pub(super) fn new(check: &'a Check) -> Self {
        Self {
            version: 1,
            code: check.code,
            level: check.level,
            cost: check.cost,
            explanation: check.explanation,
        }
    }
}

/// Returns explanations as text.
pub(super) fn report(report: &ExplainReport) -> String {
    let texts = report.explanations.iter().map(explanation);
    texts.collect::<Vec<_>>().join("\n")
}

fn explanation(it: &ErrorReport) -> String {
    let mut text = String::new();
    let code = it
        .code
        .as_ref()
        .map_or(String::new(), |code| format!("{code}: "));
    let _ = writeln!(text, "{code}{}", quote::line(&it.message));
    let _ = writeln!(text, "  {}: {}", word(it.verdict), quote::line(&it.says));
    for artifact in it.artifacts.iter().take(LISTED) {
        let (path, found) = (quote::name(&artifact.path), quote::line(&artifact.found));
        let (package, unit) = (quote::line(&artifact.package), quote::line(&artifact.unit));
        let _ = writeln!(text, "  artifact: {path} ({package}, {unit}) {found}");
    }
    let rest = it.artifacts.len().saturating_sub(LISTED);
    if rest > 0 {
        let rest = count(rest, "more artifact");
        let _ = writeln!(text, "  and {rest}: `--format json` lists all");
    }
    for evidence in &it.evidence {
        let _ = writeln!(text, "  read: {}", quote::line(evidence));
    }
    if let Some(advice) = &it.advice {
        let _ = writeln!(text, "  advice: {}", quote::line(advice));
    }
    if let Some(cure) = &it.cure {
        let _ = writeln!(text, "  fix: {}", cure.command);
        let (files, size) = (count(cure.files as usize, "file"), in_units(cure.bytes));
        let units = count(cure.rebuilt_units, "unit");
        let _ = writeln!(
            text,
            "    removes {files}, {size}; cargo then builds at least {units} again"
        );
    }
    text
}

fn word(verdict: ErrorVerdict) -> &'static str {
    match verdict {
        ErrorVerdict::Damaged => "damaged artifact",
        ErrorVerdict::Stale => "stale artifact",
        ErrorVerdict::Foreign => "artifact of another checkout",
        ErrorVerdict::TwoVersions => "two versions of a package",
        ErrorVerdict::TwoBuilds => "two builds of a package",
        ErrorVerdict::ToolchainMismatch => "toolchain mismatch",
        ErrorVerdict::Environment => "cause outside the build directory",
        ErrorVerdict::ErrorInCode => "error in the code; cleaning does not help",
        ErrorVerdict::DependencyCycle => "dependency cycle",
        ErrorVerdict::NothingOnDisk => "nothing found on disk",
        ErrorVerdict::NotUnderstood => "not understood",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::verdict::NamedArtifact;

    #[test]
    fn a_long_list_of_artifacts_is_cut() {
        let listed = |number: usize| {
            let mut found = ErrorReport::of_subject("E0786", ErrorVerdict::Damaged).says("bad");
            found.artifacts = (0..number)
                .map(|at| NamedArtifact {
                    path: format!("/w/{at}").into(),
                    package_id: String::new(),
                    package: "a 0.1.0".to_owned(),
                    unit: "lib".to_owned(),
                    directory: "/w".into(),
                    found: "is empty".to_owned(),
                })
                .collect();
            let text = explanation(&found);
            let last = text.lines().last().unwrap_or_default();
            format!("{} lines: {last}\n", text.lines().count())
        };
        expect_test::expect![[r#"
            8 lines:   artifact: /w/5 (a 0.1.0, lib) is empty
            9 lines:   and 2 more artifacts: `--format json` lists all
        "#]]
        .assert_eq(&(listed(6) + &listed(8)));
    }
}
