//! The output of hooks. A hook that passes prints one line.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use xtask_impact::quote;

use crate::cli::output::{count, note, of, plain, shows_progress, status, warning};
use crate::hooks::install_plan::{FoundHook, HookFileState, InstallOutcome};
use crate::hooks::model::{Ending, Hook, OverBudget, StepOutcome};

/// Returns true if a hook prints its steps before it runs them. A push takes long, so `pre-push`
/// always does. The other hooks are quick, so they print their steps only on a terminal.
pub(crate) fn announces(hook: Hook) -> bool {
    hook == Hook::PrePush || std::io::stderr().is_terminal()
}

/// Prints the steps that a hook is going to run.
pub(crate) fn announce(hook: Hook, steps: &[String]) {
    if !steps.is_empty() {
        let steps = steps.join(", ");
        status(
            "Checking",
            format_args!("{}: {}", hook.name(), quote::line(&steps)),
        );
    }
}

/// Prints that a step which uses cargo starts.
pub(crate) fn starts(hook: Hook, step: &str, packages: usize) {
    let (hook, step) = (hook.name(), quote::line(step));
    let packages = count(packages, "package");
    status("Running", format_args!("{hook}: {step} ({packages})"));
}

/// A progress line that shows the last output of the running steps. Only a terminal gets this line;
/// each update overwrites the line.
#[derive(Debug, Default)]
pub(crate) struct StepProgress(Mutex<RunningLine>);

#[derive(Debug, Default)]
struct RunningLine {
    steps: BTreeMap<String, String>,
    shown: Option<Instant>,
}

impl StepProgress {
    /// Shows the running time of a step and the last line of its output.
    pub(crate) fn show(&self, step: &str, time: Duration, output: &[u8]) {
        if !shows_progress() {
            return;
        }
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = running
            .shown
            .is_none_or(|it| it.elapsed() > Duration::from_millis(100));
        if time < Duration::from_millis(500) || !is_due {
            return;
        }
        let line = progress_line(step, time, output);
        running.steps.insert(step.to_owned(), line);
        running.shown = Some(Instant::now());
        let all: Vec<&str> = running.steps.values().map(String::as_str).collect();
        let line: String = all.join("; ").chars().take(79).collect();
        rewrite(&quote::line(&line));
    }

    /// Removes a step from the progress line.
    pub(crate) fn forget(&self, step: &str) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.steps.remove(step);
        drop(running);
        self.clear();
    }

    /// Clears the progress line, so that other output can be written.
    pub(crate) fn clear(&self) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.shown.take().is_some() {
            rewrite("");
        }
    }
}

/// Overwrites the line that the cursor is on. A failure to write is ignored.
fn rewrite(line: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
}

fn progress_line(step: &str, time: Duration, output: &[u8]) -> String {
    const MOST: usize = 4096;
    let end = String::from_utf8_lossy(&output[output.len().saturating_sub(MOST)..]);
    let end = anstream::adapter::strip_str(&end).to_string();
    let mut lines = end.rsplit(['\n', '\r']).map(str::trim);
    let last = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let last: String = last.chars().filter(|it| !it.is_control()).collect();
    format!("{step} {}s {last}", time.as_secs())
        .trim_end()
        .to_owned()
}

#[test]
fn progress_shows_the_last_line_without_its_colours() {
    let output = b"   Compiling a\n\x1b[32m   Compiling\x1b[0m b v0.1.0\n\n";
    let line = progress_line("clippy", Duration::from_secs(12), output);
    assert_eq!(line, "clippy 12s Compiling b v0.1.0");
    assert_eq!(progress_line("fmt", Duration::ZERO, b""), "fmt 0s");
}

/// Returns the plan of a hook: one line for each step of each workspace.
pub(crate) fn plan(hook: Hook, steps: &[(Option<String>, String, String)]) -> String {
    let mut text = format!("{}\n", hook.name());
    for (workspace, step, what) in steps {
        let step = of(workspace.as_deref(), step);
        text.push_str(&format!(
            "  {}: {}\n",
            quote::line(&step),
            quote::line(what)
        ));
    }
    if steps.is_empty() {
        text.push_str("  nothing to check\n");
    }
    text
}

/// Prints the output of every failed step, and one line that summarizes the hook. The report goes
/// to standard error, because git may read the standard output of a hook.
pub(crate) fn report(hook: Hook, outcomes: &[StepOutcome], took: Duration) {
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
    let is_done = |it: &&StepOutcome| it.result != Ending::Idle;
    let steps: Vec<String> = outcomes.iter().filter(is_done).map(summary).collect();
    if steps.is_empty() {
        // A user who saw the announcement waits for this line.
        if !outcomes.is_empty() && announces(hook) {
            status(
                "Passed",
                format_args!("{}: nothing to check in {}", hook.name(), seconds(took)),
            );
        }
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
            "   hint: SKIP={} skips the failed steps, --no-verify skips the hook",
            failed.join(",")
        ));
    }
}

fn out_of_time(hook: Hook, outcome: &StepOutcome, over_budget: OverBudget) -> String {
    let verdict = match over_budget {
        OverBudget::Pass => "it was stopped, and counts as passed",
        OverBudget::Fail => "it was stopped, and counts as failed",
    };
    format!(
        "{} did not finish in {}: {verdict} (`budget` of [workspace.metadata.xtask.hooks.{}])",
        named(outcome),
        seconds(outcome.took),
        hook.name()
    )
}

fn summary(outcome: &StepOutcome) -> String {
    let ending = match outcome.result {
        Ending::Passed | Ending::Idle => "",
        Ending::Failed => "failed ",
        Ending::OverBudget(_) => "stopped ",
    };
    format!("{} ({ending}{})", named(outcome), seconds(outcome.took))
}

/// Returns the name of a step. If several workspaces are checked, the name includes the workspace.
fn named(outcome: &StepOutcome) -> String {
    of(outcome.workspace.as_deref(), quote::line(&outcome.step))
}

fn seconds(time: Duration) -> String {
    format!("{:.1}s", time.as_secs_f64())
}

/// Prints the outcome of installing or uninstalling a hook.
pub(crate) fn done(hook: Hook, done: InstallOutcome) {
    let name = hook.name();
    match done {
        InstallOutcome::Written => status("Installed", name),
        InstallOutcome::Removed => status("Removed", name),
        InstallOutcome::Kept => note(format_args!("{name} is installed already")),
        InstallOutcome::Absent => note(format_args!("{name} is not installed")),
        InstallOutcome::Left => note(format_args!("{name} is not a hook of the kit; not removed")),
    }
}

/// Prints the workspaces that the hooks of a repository check, if there are several.
pub(crate) fn checked(workspaces: &[String]) {
    if workspaces.len() > 1 {
        let all: Vec<_> = workspaces.iter().map(quote::name).collect();
        let all = all.join(", ");
        note(format_args!(
            "the hooks check every workspace of this repository: {all}"
        ));
    }
}

/// Returns the text of `hooks status`: the state and the path of each hook.
pub(crate) fn found(found: &[FoundHook]) -> String {
    let mut text = String::new();
    for FoundHook {
        hook,
        path,
        what,
        chained,
    } in found
    {
        let what = match what {
            HookFileState::Absent => "not installed",
            HookFileState::Installed => "installed",
            HookFileState::Outdated => "outdated: run `hooks install` again",
            HookFileState::Foreign => "not the kit's hook: after `hooks install`, it runs first",
            HookFileState::Replaced => {
                "replaced by another tool, so no step runs: `hooks install` restores the kit's hook"
            }
        };
        text.push_str(&format!("{:14} {what}\n", hook.name()));
        text.push_str(&format!("{:14} {}\n", "", quote::name(path)));
        if let Some(chained) = chained {
            text.push_str(&format!("{:14} after {}\n", "", quote::name(chained)));
        }
    }
    text
}
