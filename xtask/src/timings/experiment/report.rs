//! The report of an experiment.

use serde::Serialize;

use super::builds::{TrialResults, TrialRun};
use super::candidates::TrialCandidate;
use super::plan::{TrialKind, TrialPlan, Way};
use super::proof::{LIMIT, Proof, TrialVerdict, least_runs, prove};
use crate::artifacts::disk_usage::size;
use crate::cargo_runs::build_times::round;
use crate::cli::output::count;
use crate::timings::compare::median;
use crate::timings::text::document::{Document, DocumentPart};
use crate::timings::text::seconds;

/// The report of `timings try`: an experiment, or candidates for experiments.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TrialReport {
    /// The version of this format.
    pub version: u32,
    /// The experiment. `None` if no setting was named.
    pub experiment: Option<TrialOutcome>,
    /// The settings that are worth an experiment. Empty if settings were named.
    pub candidates: Vec<TrialCandidate>,
}

/// The outcome of an experiment.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TrialOutcome {
    /// The settings, as cargo takes them by `--config`.
    pub settings: Vec<String>,
    /// The cargo command with its arguments.
    pub command: Vec<String>,
    /// The number of measured builds of each kind and way.
    pub repeat: usize,
    /// The source that was edited, relative to the workspace's root.
    pub edit: Option<String>,
    /// The figures.
    pub figures: Vec<TrialFigure>,
    /// The limit of `p` below which a difference counts as proven.
    pub limit: f64,
    /// The size of the directory after a build from nothing without the settings, in bytes.
    pub bytes_before: Option<u64>,
    /// The size with the settings.
    pub bytes_after: Option<u64>,
    /// Sentences about what limits the experiment.
    pub notes: Vec<String>,
}

/// A figure of an experiment: the builds from nothing, or the builds after an edit.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TrialFigure {
    /// `clean build` or `build after an edit`.
    pub name: String,
    /// The number of targets that such a build compiles.
    pub compiled: usize,
    /// The times without the settings, in seconds, in the order of the builds.
    pub times_before: Vec<f64>,
    /// The times with the settings.
    pub times_after: Vec<f64>,
    /// The median of the processor time without the settings, in seconds.
    pub cpu_before: Option<f64>,
    /// The median of the processor time with the settings.
    pub cpu_after: Option<f64>,
    /// The medians and the verdict.
    #[serde(flatten)]
    pub proof: Proof,
    /// The number of builds during which the machine did other work.
    pub contended: usize,
}

/// Returns the outcome of an experiment.
pub(super) fn outcome(plan: &TrialPlan, results: &TrialResults) -> TrialOutcome {
    let figures = plan.figures();
    let mut outcome = TrialOutcome {
        settings: plan.settings.clone(),
        command: plan.command.clone(),
        repeat: plan.repeat,
        edit: results.edit.as_ref().map(|it| it.as_str().to_owned()),
        figures: Vec::new(),
        limit: LIMIT / figures.max(1) as f64,
        bytes_before: results.bytes.0,
        bytes_after: results.bytes.1,
        notes: Vec::new(),
    };
    for (kind, name) in [
        (TrialKind::Clean, "clean build"),
        (TrialKind::Edit, "build after an edit"),
    ] {
        let runs = results.runs.iter().filter(|it| it.build.kind == kind);
        let runs: Vec<&TrialRun> = runs.collect();
        outcome.figures.extend(figure(name, &runs, figures));
    }
    if results.is_without_effect {
        outcome.notes.push(
            "cargo calls the compilers in the same way with and without the settings".to_owned(),
        );
    }
    let contended: usize = outcome.figures.iter().map(|it| it.contended).sum();
    if contended > 0 {
        outcome.notes.push(format!(
            "the machine did other work during {}: the times vary more, so less can be proven",
            count(contended, "build"),
        ));
    }
    let least = least_runs(figures);
    if plan.repeat < least {
        outcome.notes.push(format!(
            "{} of each kind are too few to prove a difference; use --repeat {least} or more",
            count(plan.repeat, "build"),
        ));
    }
    outcome
}

fn figure(name: &str, runs: &[&TrialRun], figures: usize) -> Option<TrialFigure> {
    let of = |way: Way| runs.iter().filter(move |it| it.build.way == way);
    let times = |way: Way| -> Vec<f64> { of(way).map(|it| it.seconds).collect() };
    let cpu = |way: Way| {
        let cpu: Option<Vec<f64>> = of(way).map(|it| it.cpu).collect();
        cpu.map(|cpu| round(median(&cpu)))
    };
    let (before, after) = (times(Way::Before), times(Way::After));
    if before.is_empty() || after.is_empty() {
        return None;
    }
    Some(TrialFigure {
        name: name.to_owned(),
        compiled: runs.first()?.compiled,
        cpu_before: cpu(Way::Before),
        cpu_after: cpu(Way::After),
        proof: prove(&before, &after, figures),
        times_before: before,
        times_after: after,
        contended: runs.iter().filter(|it| it.contended).count(),
    })
}

impl TrialReport {
    /// Returns the document of the report.
    pub(super) fn document(&self) -> Document {
        match &self.experiment {
            Some(outcome) => outcome.document(),
            None => candidates(&self.candidates),
        }
    }
}

/// Returns one line for each proposal.
pub(crate) fn lines(candidates: &[TrialCandidate]) -> Vec<String> {
    let lines = candidates.iter();
    match candidates.is_empty() {
        true => vec!["The records suggest no setting to try.".to_owned()],
        false => lines
            .map(|it| format!("{}: {}", it.what(), it.because))
            .collect(),
    }
}

/// Returns the document that proposes settings.
fn candidates(candidates: &[TrialCandidate]) -> Document {
    Document {
        title: "Worth a try".to_owned(),
        sections: vec![DocumentPart {
            lines: lines(candidates),
            ..DocumentPart::default()
        }],
    }
}

impl TrialOutcome {
    fn document(&self) -> Document {
        let mut lines: Vec<String> = self.figures.iter().map(verdict).collect();
        if let Some((before, after)) = self.bytes_before.zip(self.bytes_after) {
            let percent = (after as f64 / before.max(1) as f64 - 1.0) * 100.0;
            let (before, after) = (size(before), size(after));
            lines.push(format!("directory: {before} to {after} ({percent:+.0}%)"));
        }
        if let Some(edit) = &self.edit {
            lines.push(format!("edited: {edit}"));
        }
        lines.extend(self.notes.iter().cloned());
        let mut rows = Vec::new();
        for figure in &self.figures {
            for (way, times, median, cpu) in [
                (
                    "without",
                    &figure.times_before,
                    figure.proof.before,
                    figure.cpu_before,
                ),
                (
                    "with",
                    &figure.times_after,
                    figure.proof.after,
                    figure.cpu_after,
                ),
            ] {
                let least = times.iter().copied().fold(f64::INFINITY, f64::min);
                let most = times.iter().copied().fold(0.0, f64::max);
                rows.push(vec![
                    figure.name.clone(),
                    way.to_owned(),
                    seconds(median),
                    seconds(least),
                    seconds(most),
                    cpu.map_or_else(|| "-".to_owned(), seconds),
                    times.len().to_string(),
                    figure.compiled.to_string(),
                ]);
            }
        }
        Document {
            title: format!(
                "cargo {} with {}",
                self.command.join(" "),
                self.settings.join(", ")
            ),
            sections: vec![
                DocumentPart {
                    lines,
                    ..DocumentPart::default()
                },
                DocumentPart {
                    columns: vec![
                        "figure",
                        "settings",
                        "median:",
                        "least:",
                        "most:",
                        "processor:",
                        "runs:",
                        "targets:",
                    ],
                    rows,
                    ..DocumentPart::default()
                },
            ],
        }
    }
}

/// Returns the verdict on a figure as a sentence.
fn verdict(figure: &TrialFigure) -> String {
    let proof = &figure.proof;
    let percent = (proof.after / proof.before.max(0.01) - 1.0) * 100.0;
    let change = format!(
        "{} to {} ({percent:+.1}%)",
        seconds(proof.before),
        seconds(proof.after)
    );
    let verdict = match proof.verdict {
        TrialVerdict::Faster => "faster",
        TrialVerdict::Slower => "slower",
        TrialVerdict::NotProven => "no difference is proven",
    };
    format!("{}: {verdict}, {change}, p = {:.4}", figure.name, proof.p)
}

#[cfg(test)]
mod tests {
    use super::super::plan::TrialBuild;
    use super::*;

    fn results(before: &[f64], after: &[f64]) -> TrialResults {
        let mut runs = Vec::new();
        for (way, times) in [(Way::Before, before), (Way::After, after)] {
            for &seconds in times {
                runs.push(TrialRun {
                    build: TrialBuild {
                        way,
                        kind: TrialKind::Clean,
                        is_measured: true,
                    },
                    seconds,
                    cpu: Some(seconds * 1.5),
                    contended: seconds > 15.0,
                    compiled: 12,
                });
            }
        }
        TrialResults {
            runs,
            bytes: (Some(3 << 20), Some(1 << 20)),
            edit: None,
            is_without_effect: false,
        }
    }

    fn text(repeat: usize, results: &TrialResults) -> String {
        let plan = TrialPlan {
            settings: vec!["profile.dev.debug=false".to_owned()],
            command: vec!["build".to_owned(), "--workspace".to_owned()],
            repeat,
            edits: Vec::new(),
            clean: true,
        };
        outcome(&plan, results).document().text()
    }

    #[test]
    fn the_report_says_what_is_proven() {
        let results = results(&[10.0, 10.5, 10.2, 10.1], &[8.0, 8.4, 8.1, 8.2]);
        expect_test::expect![[r#"
            cargo build --workspace with profile.dev.debug=false

            clean build: faster, 10.15s to 8.15s (-19.7%), p = 0.0286
            directory: 3.0MiB to 1.0MiB (-67%)

            figure       settings  median   least    most  processor  runs  targets
            clean build  without   10.15s  10.00s  10.50s     15.22s     4       12
            clean build  with       8.15s   8.00s   8.40s     12.22s     4       12
        "#]]
        .assert_eq(&text(4, &results));
    }

    #[test]
    fn the_report_says_what_is_not_proven_and_why() {
        let mut results = results(&[10.0, 16.0, 10.2], &[8.0, 8.4, 8.1]);
        results.is_without_effect = true;
        let text = text(3, &results);
        let lines: Vec<_> = text.lines().skip(2).take(5).collect();
        expect_test::expect![[r#"
            clean build: no difference is proven, 10.20s to 8.10s (-20.6%), p = 0.1000
            directory: 3.0MiB to 1.0MiB (-67%)
            cargo calls the compilers in the same way with and without the settings
            the machine did other work during 1 build: the times vary more, so less can be proven
            3 builds of each kind are too few to prove a difference; use --repeat 4 or more"#]]
        .assert_eq(&lines.join("\n"));
    }
}
