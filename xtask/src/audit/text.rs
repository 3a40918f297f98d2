//! The text and JSON of a replayed history: for each commit, the missed units and the false
//! positives.

use std::fmt::Write as _;

use serde::Serialize;
use xtask_impact::quote;
use xtask_impact::vcs::Commit;

use crate::audit::comparison::{Comparison, ReplayOutcome, ReplayedCommit};
use crate::cli::output::count;

/// The sums of several comparisons.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Figures {
    /// The number of units that were predicted and rebuilt.
    hits: usize,
    /// The number of units that were rebuilt but not predicted.
    missed: usize,
    /// The number of units that were predicted but not rebuilt.
    false_positives: usize,
}

impl Figures {
    fn add(mut self, comparison: &Comparison) -> Self {
        self.hits += comparison.hits;
        self.missed += comparison.missed.len();
        self.false_positives += comparison.false_positives.len();
        self
    }

    fn text(self) -> String {
        if self.hits + self.missed + self.false_positives == 0 {
            return "nothing rebuilt and nothing predicted".to_owned();
        }
        let percent = |part: usize, whole: usize| match whole {
            0 => "100%".to_owned(),
            _ => format!("{:.1}%", 100.0 * part as f64 / whole as f64),
        };
        format!(
            "{} rebuilt, {} predicted: recall {}, precision {}",
            count(self.hits + self.missed, "unit"),
            self.hits + self.false_positives,
            percent(self.hits, self.hits + self.missed),
            percent(self.hits, self.hits + self.false_positives),
        )
    }
}

/// Returns the text of one replayed commit.
pub(crate) fn step(step: &ReplayedCommit) -> String {
    let mut text = format!("{} {}\n", short(&step.commit), quote::line(&step.subject));
    match &step.outcome {
        ReplayOutcome::DoesNotBuild(failure) => {
            let whose = match failure.commit == step.commit {
                true => "it does not build here".to_owned(),
                false => format!("its parent {} does not build here", short(&failure.commit)),
            };
            let _ = writeln!(text, "  not compared: {whose}");
            for line in failure.error.lines() {
                let _ = writeln!(text, "    {}", quote::line(line));
            }
        }
        ReplayOutcome::Compared(comparison) => {
            for line in self::comparison(comparison).lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
    }
    text
}

/// Returns the text of the comparison of one answer with one build.
pub(crate) fn comparison(comparison: &Comparison) -> String {
    let mut text = Figures::default().add(comparison).text() + "\n";
    for unit in &comparison.missed {
        let _ = writeln!(text, "missed: {}", unit);
    }
    for (unit, because) in &comparison.false_positives {
        let _ = writeln!(text, "false positive: {} ← {}", unit, quote::line(because));
    }
    text
}

/// Returns the last line of the text: the sums of all commits.
pub(crate) fn summary(steps: &[ReplayedCommit]) -> String {
    if compared(steps).next().is_none() {
        return format!(
            "nothing was compared: none of {} could be built after its parent\n",
            count(steps.len(), "commit")
        );
    }
    format!(
        "{} of {}: {}\n",
        compared(steps).count(),
        count(steps.len(), "commit"),
        figures(steps).text()
    )
}

/// The JSON report of all commits.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Serialize)]
pub(crate) struct AuditReport<'a> {
    version: u32,
    total: Figures,
    commits: &'a [ReplayedCommit],
}

/// Returns the JSON of all commits.
pub(crate) fn json(steps: &[ReplayedCommit]) -> AuditReport<'_> {
    AuditReport {
        version: 2,
        total: figures(steps),
        commits: steps,
    }
}

fn figures(steps: &[ReplayedCommit]) -> Figures {
    compared(steps).fold(Figures::default(), Figures::add)
}

fn compared(steps: &[ReplayedCommit]) -> impl Iterator<Item = &Comparison> {
    steps.iter().filter_map(|step| match &step.outcome {
        ReplayOutcome::Compared(comparison) => Some(comparison),
        ReplayOutcome::DoesNotBuild(_) => None,
    })
}

fn short(commit: &Commit) -> &str {
    commit.0.get(..12).unwrap_or(&commit.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::comparison::Failure;

    #[test]
    fn an_audit_that_compared_nothing_says_so() {
        let commit = |letter: &str| Commit(letter.repeat(40));
        let step = |letter: &str, failed: &str| ReplayedCommit {
            commit: commit(letter),
            subject: "Edit\n::error::x\u{1b}[2J".to_owned(),
            outcome: ReplayOutcome::DoesNotBuild(Failure {
                commit: commit(failed),
                error: "error: expected item\nerror: could not compile `a`".to_owned(),
            }),
        };
        let mut steps = vec![step("b", "a"), step("c", "c")];
        let text = |steps: &[ReplayedCommit]| {
            steps.iter().map(self::step).collect::<String>() + &summary(steps)
        };
        expect_test::expect![[r#"
            bbbbbbbbbbbb Edit\n::error::x\033[2J
              not compared: its parent aaaaaaaaaaaa does not build here
                error: expected item
                error: could not compile `a`
            cccccccccccc Edit\n::error::x\033[2J
              not compared: it does not build here
                error: expected item
                error: could not compile `a`
            nothing was compared: none of 2 commits could be built after its parent
        "#]]
        .assert_eq(&text(&steps));
        steps[0].outcome = ReplayOutcome::Compared(Comparison::default());
        expect_test::expect![[r#"
            bbbbbbbbbbbb Edit\n::error::x\033[2J
              nothing rebuilt and nothing predicted
            cccccccccccc Edit\n::error::x\033[2J
              not compared: it does not build here
                error: expected item
                error: could not compile `a`
            1 of 2 commits: nothing rebuilt and nothing predicted
        "#]]
        .assert_eq(&text(&steps));
    }
}
