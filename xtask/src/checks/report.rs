//! Reports of findings of `policy check` and `doctor`: text, JSON, GitHub's annotations.

use std::fmt::Write as _;

use serde::Serialize;
use xtask_impact::quote;

use crate::checks::{Check, Finding, Level, Place};
use crate::cli::output::count;

/// The JSON report of findings.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Serialize)]
pub(crate) struct FindingsReport<'a> {
    version: u32,
    findings: Vec<FindingEntry<'a>>,
}

#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct FindingEntry<'a> {
    code: &'a str,
    level: Level,
    place: &'a Place,
    message: &'a str,
    evidence: &'a [String],
    cost: &'a str,
    impact: Option<&'a str>,
    fix: &'a str,
}

impl<'a> FindingsReport<'a> {
    /// Returns the report of these findings.
    pub(crate) fn new(findings: &'a [Finding]) -> Self {
        let entry = |finding: &'a Finding| FindingEntry {
            code: finding.check.code,
            level: finding.level,
            place: &finding.place,
            message: &finding.message,
            evidence: &finding.evidence,
            cost: finding.check.cost,
            impact: finding.impact.as_deref(),
            fix: &finding.fix,
        };
        Self {
            version: 2,
            findings: findings.iter().map(entry).collect(),
        }
    }
}

/// The maximum number of lines of evidence in the text report.
const SHOWN: usize = 13;

/// Returns findings as text, in the given order.
pub(crate) fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let Finding { check, message, .. } = finding;
        let (level, message) = (word(finding.level), quote::line(message));
        let _ = writeln!(text, "{level}[{}]: {message}", check.code);
        if let Some(place) = place(&finding.place) {
            let _ = writeln!(text, "  at {place}");
        }
        for evidence in finding.evidence.iter().take(SHOWN) {
            let _ = writeln!(text, "  read: {}", quote::line(evidence));
        }
        if finding.evidence.len() > SHOWN {
            let more = finding.evidence.len() - SHOWN;
            let _ = writeln!(text, "  read: and {more} more, shown by --format json");
        }
        let _ = writeln!(text, "  costs: {}", check.cost);
        if let Some(impact) = &finding.impact {
            let _ = writeln!(text, "  here: {}", quote::line(impact));
        }
        let _ = writeln!(text, "  fix: {}\n", quote::line(&finding.fix));
    }
    text
}

/// Returns the number of findings of each level, as text.
pub(crate) fn totals(findings: &[Finding]) -> String {
    let levels = [Level::Error, Level::Warning, Level::Note];
    let totals = levels.map(|level| {
        let number = findings.iter().filter(|it| it.level == level).count();
        (number > 0).then(|| count(number, word(level)))
    });
    match totals.into_iter().flatten().collect::<Vec<_>>() {
        totals if totals.is_empty() => "nothing found".to_owned(),
        totals => totals.join(", "),
    }
}

/// Returns findings as GitHub's workflow commands. GitHub shows them next to the lines that they
/// name.
///
/// <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>
pub(crate) fn github(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let command = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note | Level::Allow => "notice",
        };
        let mut properties = format!("title={}", quote::github_property(finding.check.code));
        if let Place::Path { path, line } = &finding.place {
            let _ = write!(
                properties,
                ",file={}",
                quote::github_property(path.as_str())
            );
            if let Some(line) = line {
                let _ = write!(properties, ",line={line}");
            }
        }
        let message = quote::github_message(&format!("{}. {}", finding.message, finding.fix));
        let _ = writeln!(text, "::{command} {properties}::{message}");
    }
    text
}

/// Returns the explanation of a check.
pub(crate) fn explained(check: &Check) -> String {
    let Check {
        code,
        level,
        finds,
        cost,
        explanation,
    } = check;
    let level = word(*level);
    format!("{code} ({level} unless configured)\n\n{finds}.\n\nCost: {cost}\n\n{explanation}\n")
}

/// Returns the list of checks, one per line.
pub(crate) fn listed(checks: &[&Check]) -> String {
    let mut checks = checks.to_vec();
    checks.sort_by_key(|check| check.code);
    let width = checks.iter().map(|check| check.code.len()).max();
    let width = width.unwrap_or_default();
    let line = |check: &&Check| {
        let Check {
            code, level, finds, ..
        } = check;
        format!("{code:<width$} {:<8} {finds}\n", word(*level))
    };
    checks.iter().map(line).collect()
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Allow => "allowed",
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

fn place(place: &Place) -> Option<String> {
    match place {
        Place::Path { path, line: None } => Some(quote::name(path).into_owned()),
        Place::Path {
            path,
            line: Some(line),
        } => Some(format!("{}:{line}", quote::name(path))),
        Place::Variable(name) => Some(format!("{} in the environment", quote::name(name))),
        Place::Whole => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static CHECK: Check = Check {
        code: "late",
        level: Level::Warning,
        finds: "A script that is late",
        cost: "Time is lost.",
        explanation: "A clock is read.",
    };

    #[test]
    fn a_finding_is_written_for_each_format() {
        let place = Place::Path {
            path: "a,b/build.rs".into(),
            line: Some(3),
        };
        let found = [CHECK
            .found(place, "the script is late: 50%", "Hurry.")
            .evidence(["`sleep(9)`".to_owned()])
            .impact("9 seconds.")];
        expect_test::expect![[r#"
            warning[late]: the script is late: 50%
              at a,b/build.rs:3
              read: `sleep(9)`
              costs: Time is lost.
              here: 9 seconds.
              fix: Hurry.

        "#]]
        .assert_eq(&text(&found));
        expect_test::expect![[r#"
            ::warning title=late,file=a%2Cb/build.rs,line=3::the script is late: 50%25. Hurry.
        "#]]
        .assert_eq(&github(&found));
        assert_eq!(listed(&[&CHECK]), "late warning  A script that is late\n");
        assert_eq!(totals(&found), "1 warning");
        assert_eq!(totals(&[]), "nothing found");
    }
}
