//! What a hook has to say: one line where all is well.

use std::time::Duration;

use super::{note, of, plain, status, warning};
use crate::hooks::install::{Done, Found, What};
use crate::hooks::{Ending, Hook, Outcome, OverBudget};
use crate::quote;

/// The output of every step that did not pass, and one line that sums the hook up. Everything goes
/// to standard error, since git may read a hook's standard output.
pub fn report(hook: Hook, outcomes: &[Outcome], took: Duration) {
    for outcome in outcomes.iter().filter(|it| it.result == Ending::Failed) {
        plain(&format!(
            "── {} failed ({})",
            named(outcome),
            seconds(outcome.took)
        ));
        plain(outcome.output.trim_end());
    }
    for outcome in outcomes {
        if let Ending::OverBudget(over_budget) = outcome.result {
            warning(out_of_time(hook, outcome, over_budget));
        }
    }
    let is_done = |it: &&Outcome| it.result != Ending::Idle;
    let steps: Vec<String> = outcomes.iter().filter(is_done).map(summary).collect();
    if steps.is_empty() {
        return;
    }
    let mut failed: Vec<&str> = Vec::new();
    for outcome in outcomes.iter().filter(|it| !it.lets_pass()) {
        if !failed.contains(&outcome.step.as_str()) {
            failed.push(&outcome.step);
        }
    }
    let steps = steps.join(", ");
    let took = seconds(took);
    if failed.is_empty() {
        status("Passed", format_args!("{}: {steps} in {took}", hook.name()));
    } else {
        plain(&format!("── {}: {steps} in {took}", hook.name()));
        plain(&format!(
            "   SKIP={} leaves out what failed, --no-verify everything",
            failed.join(",")
        ));
    }
}

fn out_of_time(hook: Hook, outcome: &Outcome, over_budget: OverBudget) -> String {
    let verdict = match over_budget {
        OverBudget::Pass => "it was stopped, and passes for what it did not see",
        OverBudget::Fail => "it was stopped, which counts as failed",
    };
    format!(
        "{} was not done after {}: {verdict} (`budget` of [workspace.metadata.xtask.hooks.{}])",
        named(outcome),
        seconds(outcome.took),
        hook.name()
    )
}

fn summary(outcome: &Outcome) -> String {
    let ending = match outcome.result {
        Ending::Passed | Ending::Idle => "",
        Ending::Failed => "failed ",
        Ending::OverBudget(_) => "stopped ",
    };
    format!("{} ({ending}{})", named(outcome), seconds(outcome.took))
}

/// The step, after its workspace where there are several.
fn named(outcome: &Outcome) -> String {
    of(outcome.workspace.as_deref(), quote::line(&outcome.step))
}

fn seconds(time: Duration) -> String {
    format!("{:.1}s", time.as_secs_f64())
}

/// What was done to a hook.
pub fn done(hook: Hook, done: Done) {
    let name = hook.name();
    match done {
        Done::Written => status("Installed", name),
        Done::Removed => status("Removed", name),
        Done::Kept => note(format_args!("{name} is installed already")),
        Done::Absent => note(format_args!("{name} is not installed")),
        Done::Left => note(format_args!("{name} is not the kit's, and stays")),
    }
}

/// Says which workspaces the hooks of a repository check, where it has several.
pub fn checked(workspaces: &[String]) {
    if workspaces.len() > 1 {
        let all = workspaces.join(", ");
        note(format_args!(
            "the hooks check every workspace of this repository: {all}"
        ));
    }
}

/// What stands where git looks for hooks, a line each.
pub fn found(found: &[Found]) -> String {
    let mut text = String::new();
    for Found {
        hook,
        path,
        what,
        chained,
    } in found
    {
        let what = match what {
            What::Absent => "not installed",
            What::Installed => "installed",
            What::Outdated => "outdated: `hooks install` writes it anew",
            What::Foreign => "somebody else's: `hooks install` keeps it and runs it first",
        };
        text.push_str(&format!("{:14} {what}\n", hook.name()));
        text.push_str(&format!("{:14} {}\n", "", quote::name(path)));
        if let Some(chained) = chained {
            text.push_str(&format!("{:14} after {}\n", "", quote::name(chained)));
        }
    }
    text
}
