//! A build's timings as plain text for a terminal of 100 columns.

use cargo_metadata::camino::Utf8Path;
use serde::Serialize;

use crate::timings::{Summary, UnitTiming};

/// A summary with the place to look further, as JSON.
pub fn json<'a>(summary: &'a Summary, report: &'a Utf8Path) -> impl Serialize {
    #[derive(Serialize)]
    struct Report<'a> {
        version: u32,
        report: &'a Utf8Path,
        #[serde(flatten)]
        summary: &'a Summary,
    }
    Report {
        version: 1,
        report,
        summary,
    }
}

/// Renders a summary: a line for each of its slowest units, and at most nine more. `report` is
/// named last, as the place to look further.
pub fn text(summary: &Summary, report: &Utf8Path) -> String {
    let ran = summary.ran;
    let ran = format!("{ran} unit{} ran", if ran == 1 { "" } else { "s" });
    let total = seconds(summary.total);
    let mut head = match &summary.error {
        None => format!("{total}: {ran}"),
        Some(error) => format!("Failed ({error}) after {total} or more: {ran}"),
    };
    let others = [(summary.fresh, "fresh"), (summary.not_run, "not run")];
    for (n, what) in others
        .into_iter()
        .chain([(summary.unknown, "fresh or not run")])
    {
        if n > 0 {
            head += &format!(", {n} {what}");
        }
    }
    let mut lines = vec![head];
    lines.extend(
        summary
            .failed
            .iter()
            .take(3)
            .map(|unit| format!("failed: {unit}")),
    );
    if summary.time_sum > 0.0 {
        lines.push(format!(
            "{} of work, {:.1} units at a time on average; the first started after {}",
            seconds(summary.time_sum),
            summary.parallelism,
            seconds(summary.before_first),
        ));
        lines.extend([
            String::new(),
            "     time  frontend  codegen  slowest units".to_owned(),
        ]);
        lines.extend(summary.slowest.iter().map(row));
        lines.push(String::new());
    }
    lines
        .iter()
        .map(|line| fit(line) + "\n")
        .collect::<String>()
        + &format!("More in {report}\n")
}

fn row(unit: &UnitTiming) -> String {
    let share = |part: Option<f64>| match part {
        Some(part) => format!("{:.0}%", 100.0 * (part / unit.duration).min(1.0)),
        None => String::new(),
    };
    let (frontend, codegen) = (share(unit.frontend), share(unit.codegen));
    format!(
        "{:>9} {frontend:>9} {codegen:>8}  {unit}",
        seconds(unit.duration)
    )
}

/// Minutes are shown from one on, as cargo does.
fn seconds(t: f64) -> String {
    let tenths = (t * 10.0).round();
    match t < 60.0 {
        true => format!("{t:.2}s"),
        false => format!(
            "{:.0}m {:04.1}s",
            (tenths / 600.0).floor(),
            tenths % 600.0 / 10.0
        ),
    }
}

fn fit(line: &str) -> String {
    match line.char_indices().nth(100) {
        Some(_) => line.chars().take(99).chain(['…']).collect(),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_a_screen() {
        let slow = |name: &str, duration, frontend| UnitTiming {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            target: "lib".to_owned(),
            mode: "build".to_owned(),
            duration,
            frontend,
            codegen: frontend.map(|f| duration - f),
            ..UnitTiming::default()
        };
        let summary = Summary {
            total: 119.97,
            before_first: 0.5,
            time_sum: 200.0,
            parallelism: 1.674,
            ran: 2,
            fresh: 30,
            not_run: 0,
            unknown: 0,
            failed: vec!["broken v0.1.0 lib".to_owned()],
            error: Some("1 job failed".to_owned()),
            slowest: vec![
                slow("syn", 60.0, Some(45.0)),
                slow(&"long".repeat(30), 2.5, None),
            ],
        };
        let expected = "\
Failed (1 job failed) after 2m 00.0s or more: 2 units ran, 30 fresh
failed: broken v0.1.0 lib
3m 20.0s of work, 1.7 units at a time on average; the first started after 0.50s

     time  frontend  codegen  slowest units
 1m 00.0s       75%      25%  syn v1.0.0 lib
    2.50s                     LONG…

More in target/cargo-timings/cargo-timing.html
"
        .replace("LONG", &"long".repeat(18)[..69]);
        assert_eq!(
            text(&summary, "target/cargo-timings/cargo-timing.html".into()),
            expected
        );
    }
}
