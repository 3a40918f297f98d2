//! The report as text and as Markdown.

use xtask_impact::quote;

use super::report::{RebuildReport, ReportedCause};
use crate::cli::output::count;

/// The number of units that are listed for one cause.
const LISTED: usize = 6;

/// Returns the report for people.
pub(crate) fn text(report: &RebuildReport) -> String {
    let mut text = quote::line(&headline(report)).into_owned() + "\n";
    for cause in &report.causes {
        let mut size = count(cause.units, "unit");
        if is_timed(report) {
            size += &format!(", {}", seconds(cause.seconds));
        }
        text += &format!("\n{} ({size})\n", quote::line(&cause.title));
        for (label, value) in details(cause) {
            text += &format!("  {label}: {}\n", quote::line(&value));
        }
    }
    text
}

/// Returns the report as Markdown, for the summary of a CI job.
pub(crate) fn markdown(report: &RebuildReport) -> String {
    let mut text = format!("### Rebuilds\n\n{}\n", quote::markdown(&headline(report)));
    if report.causes.is_empty() {
        return text;
    }
    text += "\n| cause | units | time | fix |\n| --- | ---: | ---: | --- |\n";
    for cause in &report.causes {
        let mut title = quote::markdown(&cause.title);
        for (label, value) in details(cause) {
            if label != "fix" {
                title += &format!("<br>{label}: {}", quote::markdown(&value));
            }
        }
        let time = match is_timed(report) {
            true => seconds(cause.seconds),
            false => "unknown".to_owned(),
        };
        text += &format!(
            "| {title} | {} | {time} | {} |\n",
            cause.units,
            quote::markdown(&cause.fix)
        );
    }
    text
}

/// Returns true if the times are known. A unit that was never built has no time.
fn is_timed(report: &RebuildReport) -> bool {
    !report.predicted || report.seconds > 0.0
}

fn headline(report: &RebuildReport) -> String {
    let built = report.units.len();
    let fresh = report.fresh;
    let units = count(built, "unit");
    let command = &report.command;
    if built == 0 {
        return match report.predicted {
            true => format!("`{command}` would rebuild nothing: {fresh} fresh"),
            false => format!("`{command}` rebuilt nothing: {fresh} fresh"),
        };
    }
    let time = seconds(report.seconds);
    let causes = count(report.causes.len(), "cause");
    let mut line = match report.predicted {
        true => format!("`{command}` would rebuild {units}, {fresh} fresh; {causes}"),
        false => format!("`{command}` rebuilt {units}, {time} of work, {fresh} fresh; {causes}"),
    };
    if report.predicted && is_timed(report) {
        line += &format!("; {time} of work in earlier builds");
    }
    if report.not_reached > 0 {
        line += &format!("; {} not reached", report.not_reached);
    }
    line
}

/// Returns the labelled lines below a cause.
fn details(cause: &ReportedCause) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let is_path = cause.subject.as_deref() == Some("PATH");
    match (&cause.old, &cause.new) {
        (Some(old), Some(new)) if is_path => {
            let entries = |text: &str| -> Vec<String> {
                std::env::split_paths(text)
                    .map(|it| it.to_string_lossy().into_owned())
                    .collect()
            };
            let (old, new) = (entries(old), entries(new));
            for (label, list, other) in [("removed", &old, &new), ("added", &new, &old)] {
                let only: Vec<&str> = list
                    .iter()
                    .filter(|it| !other.contains(it))
                    .map(String::as_str)
                    .collect();
                if !only.is_empty() {
                    lines.push((label, only.join(", ")));
                }
            }
            if lines.is_empty() {
                lines.push(("order", new.join(", ")));
            }
        }
        (None, None) => {}
        (old, new) => {
            lines.push(("old", value(old)));
            lines.push(("new", value(new)));
        }
    }
    let mut listed: Vec<&str> = cause.starts_at.iter().map(String::as_str).collect();
    let rest = listed.len().saturating_sub(LISTED);
    listed.truncate(LISTED);
    let mut starts = listed.join(", ");
    if rest > 0 {
        starts += &format!(", and {rest} more");
    }
    if !starts.is_empty() {
        lines.push(("starts at", starts));
    }
    let shared = cause.cascade_units - cause.units.min(cause.cascade_units);
    if shared > 0 {
        let (units, time) = (
            count(shared, "more unit"),
            cause.cascade_seconds - cause.seconds,
        );
        lines.push((
            "shared",
            format!(
                "{units}, {}, count for a cause above",
                seconds(time.max(0.0))
            ),
        ));
    }
    if !cause.variables.is_empty() {
        lines.push(("since the last run", cause.variables.join("; ")));
    }
    if let Some(thrash) = &cause.thrash {
        lines.push(("thrash", thrash.clone()));
    }
    lines.push(("fix", cause.fix.clone()));
    lines
}

fn value(value: &Option<String>) -> String {
    match value.as_deref() {
        None => "not set".to_owned(),
        Some("") => "none".to_owned(),
        Some(value) => value.to_owned(),
    }
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1} s")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rebuilds::explain::cause::CauseKind;

    fn cause(kind: CauseKind, title: &str, units: usize, cascade_units: usize) -> ReportedCause {
        ReportedCause {
            kind,
            title: title.to_owned(),
            subject: None,
            old: None,
            new: None,
            units,
            seconds: units as f64 / 10.0,
            cascade_units,
            cascade_seconds: cascade_units as f64 / 10.0,
            starts_at: vec!["a lib (check)".to_owned()],
            fix: "none needed".to_owned(),
            variables: Vec::new(),
            thrash: None,
        }
    }

    fn report(causes: Vec<ReportedCause>) -> RebuildReport {
        RebuildReport {
            version: 1,
            command: "cargo check".to_owned(),
            predicted: false,
            exit_status: Some(0),
            fresh: 5,
            not_reached: 0,
            seconds: causes.iter().map(|it| it.seconds).sum(),
            causes,
            units: Vec::new(),
        }
    }

    #[test]
    fn markdown_is_a_table_in_which_names_cannot_act() {
        let variable = ReportedCause {
            subject: Some("PATH".to_owned()),
            old: Some("/editor:/bin".to_owned()),
            new: Some("/bin:/a|b".to_owned()),
            thrash: Some("`check` and `clippy` alternate".to_owned()),
            variables: vec!["RUSTFLAGS: unset → -g".to_owned()],
            ..cause(
                CauseKind::Variable,
                "the environment variable PATH changed",
                3,
                3,
            )
        };
        let file = cause(CauseKind::FileChanged, "a<b>|`x`\n# no.rs changed", 1, 2);
        expect_test::expect![[r#"
            ### Rebuilds

            \`cargo check\` rebuilt nothing: 5 fresh

            | cause | units | time | fix |
            | --- | ---: | ---: | --- |
            | the environment variable PATH changed<br>removed: /editor<br>added: /a\|b<br>starts at: a lib (check)<br>since the last run: RUSTFLAGS: unset → -g<br>thrash: \`check\` and \`clippy\` alternate | 3 | 0.3 s | none needed |
            | a&lt;b>\|\`x\`\\n# no.rs changed<br>starts at: a lib (check)<br>shared: 1 more unit, 0.1 s, count for a cause above | 1 | 0.1 s | none needed |
        "#]]
        .assert_eq(&markdown(&report(vec![variable, file])));
        expect_test::expect![[r#"
            ### Rebuilds

            \`cargo check\` rebuilt nothing: 5 fresh
        "#]]
        .assert_eq(&markdown(&report(Vec::new())));
    }

    #[test]
    fn a_prediction_without_earlier_builds_shows_no_time() {
        let mut first = cause(CauseKind::FirstBuild, "first check", 3, 3);
        (first.seconds, first.cascade_seconds) = (0.0, 0.0);
        let predicted = RebuildReport {
            predicted: true,
            ..report(vec![first])
        };
        expect_test::expect![[r#"
            `cargo check` would rebuild nothing: 5 fresh

            first check (3 units)
              starts at: a lib (check)
              fix: none needed
        "#]]
        .assert_eq(&text(&predicted));
        assert!(markdown(&predicted).contains("| 3 | unknown |"));
    }

    #[test]
    fn units_of_several_causes_are_shown_apart() {
        let causes = vec![
            cause(CauseKind::FileChanged, "a.rs changed", 35, 35),
            cause(CauseKind::FileChanged, "b.rs changed", 12, 24),
        ];
        expect_test::expect![[r#"
            `cargo check` rebuilt nothing: 5 fresh

            a.rs changed (35 units, 3.5 s)
              starts at: a lib (check)
              fix: none needed

            b.rs changed (12 units, 1.2 s)
              starts at: a lib (check)
              shared: 12 more units, 1.2 s, count for a cause above
              fix: none needed
        "#]]
        .assert_eq(&text(&report(causes)));
    }
}
