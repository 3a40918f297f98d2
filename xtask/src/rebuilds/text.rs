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
        let units = count(cause.units, "unit");
        text += &format!(
            "\n{} ({units}, {})\n",
            quote::line(&cause.title),
            seconds(cause.seconds)
        );
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
        text += &format!(
            "| {title} | {} | {} | {} |\n",
            cause.units,
            seconds(cause.seconds),
            quote::markdown(&cause.fix)
        );
    }
    text
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
        false => format!("`{command}` rebuilt {units} in {time}, {fresh} fresh; {causes}"),
    };
    if report.predicted && report.seconds > 0.0 {
        line += &format!("; {time} in earlier builds");
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
