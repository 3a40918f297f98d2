//! Runs one step of a hook, from its start to its outcome.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};
use camino::Utf8PathBuf;
use clap::ValueEnum as _;
use xtask_impact::cargo_config::Surroundings;
use xtask_impact::{process, quote};

use super::scene::{HookRun, Selected, StepPlace};
use crate::checks::{fails, policy, report};
use crate::cli::{global, output};
use crate::hooks::model::{Ending, HookStep, StepOutcome, StepWork};
use crate::hooks::text;
use crate::selection::{Tool, ToolOptions, placeholders, specs, test_runner_shim};

impl HookRun<'_> {
    /// Runs a step and returns its outcome. An error becomes a failed outcome.
    pub(crate) fn run(&self, step: &HookStep) -> StepOutcome {
        let start = Instant::now();
        let progress = &self.progress;
        let step = &RunningStep {
            step,
            start,
            progress,
        };
        let (result, output) = match self.tried(step) {
            Ok(ended) => ended,
            Err(error) => (Ending::Failed, format!("error: {error:#}\n")),
        };
        StepOutcome {
            workspace: None,
            step: step.step.name.clone(),
            result,
            took: start.elapsed(),
            output,
        }
    }

    fn tried(&self, running: &RunningStep<'_>) -> Result<(Ending, String)> {
        let RunningStep { step, .. } = running;
        if !self.is_concerned(step) {
            return Ok((Ending::Idle, String::new()));
        }
        match &step.work {
            StepWork::Format => self.format(running),
            StepWork::Policy => self.policy(step),
            StepWork::Cargo { command, arguments } => {
                let tool = Tool::from_str(command, false).map_err(anyhow::Error::msg)?;
                self.cargo(running, tool, arguments)
            }
            StepWork::Program(words) => {
                let present = self.subject.present.iter();
                let files: Vec<_> = present.filter(|it| step.is_about(it)).cloned().collect();
                self.program(running, words, &files)
            }
        }
    }

    /// Returns true if the step is about at least one changed file.
    fn is_concerned(&self, step: &HookStep) -> bool {
        let mut changed = self.subject.present.iter().chain(&self.subject.gone);
        changed.any(|path| step.is_about(path))
    }

    /// Returns a description of the command that a step would run; `None` if the step has nothing
    /// to do.
    pub(crate) fn plan(&self, step: &HookStep) -> Result<Option<String>> {
        if !self.is_concerned(step) {
            return Ok(None);
        }
        Ok(match &step.work {
            StepWork::Format => {
                Some("rustfmt --check, on the targets of the changed files".to_owned())
            }
            StepWork::Policy => Some("xtask policy check".to_owned()),
            StepWork::Program(words) => {
                let words: Vec<_> = words.iter().map(quote::shell).collect();
                Some(words.join(" "))
            }
            StepWork::Cargo { command, arguments } => {
                let tool = Tool::from_str(command, false).map_err(anyhow::Error::msg)?;
                let selected = self.selected(tool, arguments)?;
                selected.map(|it| {
                    let options = ToolOptions {
                        keep_going: true,
                        in_private_copy: it.in_private_copy,
                        forwarded: arguments,
                        ..ToolOptions::default()
                    };
                    let workspace = &it.answer.workspace;
                    let words =
                        test_runner_shim::arguments(workspace, tool, &it.selection, &options);
                    let words: Vec<_> = words.iter().map(quote::shell).collect();
                    let place = match it.place.top == self.here.top {
                        true => "",
                        false => ", in a copy of the files to check",
                    };
                    format!("cargo {}{place}", words.join(" "))
                })
            }
        })
    }

    fn cargo(
        &self,
        running: &RunningStep<'_>,
        tool: Tool,
        forwarded: &[String],
    ) -> Result<(Ending, String)> {
        let Some(Selected {
            place,
            answer,
            selection,
            notes,
            in_private_copy,
        }) = self.selected(tool, forwarded)?
        else {
            return Ok((Ending::Idle, String::new()));
        };
        if tool == Tool::Nextest {
            crate::cargo_runs::nextest_is_there(&place.runner)?;
        }
        let options = ToolOptions {
            keep_going: true,
            // Cargo prints to a pipe, and the kit prints what cargo printed.
            color: output::has_colors().then_some("--color=always"),
            in_private_copy,
            forwarded,
            ..ToolOptions::default()
        };
        let workspace = &answer.workspace;
        if let Some(hook) = self.announces {
            let (name, packages) = (&running.step.name, selection.packages.len());
            self.progress.clear();
            text::starts(hook, name, packages);
        }
        let arguments = test_runner_shim::arguments(workspace, tool, &selection, &options);
        let words: Vec<_> = arguments.iter().map(quote::shell).collect();
        let mut heading = format!("$ cargo {}\n", words.join(" "));
        let command = test_runner_shim::cargo(&place.runner, workspace, tool, &selection, &options);
        let (ending, output) = running.to_end(command, Vec::new())?;
        // Only a failed step shows its output, so only a failed step shows notes.
        for note in notes {
            if ending == Ending::Failed && output::is_first(&note) {
                heading.push_str(&format!("note: {note}\n"));
            }
        }
        Ok((ending, heading + &output))
    }

    fn program(
        &self,
        running: &RunningStep<'_>,
        words: &[String],
        files: &[Utf8PathBuf],
    ) -> Result<(Ending, String)> {
        let step = running.step;
        let is_asked = |name: &str| words.iter().any(|word| word.contains(name));
        if is_asked("{files}") && files.is_empty() {
            return Ok((Ending::Idle, String::new()));
        }
        let mut values = placeholders::Values::new();
        let place = if is_asked("{packages}") || is_asked("{cargo-args}") {
            let Some(selected) = self.selected(Tool::Check, &[])? else {
                return Ok((Ending::Idle, String::new()));
            };
            let packages = &selected.selection.packages;
            let workspace = &selected.answer.workspace;
            let name = |it: &_| workspace.package(*it).name.clone();
            values.insert("{packages}", packages.iter().map(name).collect());
            let arguments = specs(workspace, packages, tool_of(words)).into_iter();
            let arguments = arguments.flat_map(|spec| ["-p".to_owned(), spec]);
            values.insert("{cargo-args}", arguments.collect());
            selected.place
        } else {
            self.place_of(step)?
        };
        values.insert("{xtask}", kit_words()?);
        let portions = match is_asked("{files}") {
            true => placeholders::portions(files),
            false => vec![Vec::new()],
        };
        let mut said = String::new();
        for portion in portions {
            values.insert("{files}", portion);
            let runner = place.runner.in_directory(&place.top);
            let command = placeholders::command(&runner, words, &values)?;
            let (ending, output) = running.to_end(command, Vec::new())?;
            said.push_str(&output);
            if ending != Ending::Passed {
                return Ok((ending, said));
            }
        }
        Ok((Ending::Passed, said))
    }

    /// Checks cargo's configuration against the policy. The step fails if a finding is an error.
    fn policy(&self, step: &HookStep) -> Result<(Ending, String)> {
        let place = self.place_of(step)?;
        let tracked = self.repository.entries(&self.subject.state)?;
        let tracked: Vec<_> = tracked.into_iter().map(|it| it.path).collect();
        // The mirror's own variables are no departures of the user.
        let around = Surroundings::of(&self.here.runner, &[]);
        let found = policy::check(
            &self.known_checks,
            &place.root,
            &place.top,
            &tracked,
            &around,
        )?;
        let ending = match fails(&found) {
            true => Ending::Failed,
            false => Ending::Passed,
        };
        Ok((ending, report::text(&found)))
    }

    /// Returns the place where a step runs. A step runs in the work tree if no file that it is
    /// about differs from the checked state, and in the mirror otherwise.
    fn place_of(&self, step: &HookStep) -> Result<StepPlace> {
        let agrees = !self
            .subject
            .unstaged_paths
            .iter()
            .any(|path| step.is_about(path));
        match step.in_place || self.subject.in_place && agrees {
            true => Ok(self.here.clone()),
            false => Ok(self.mirror()?.clone()),
        }
    }
}

/// Returns the words that start the kit's own executable, with the user's global flags.
fn kit_words() -> Result<Vec<String>> {
    let kit = std::env::current_exe().context("cannot find the kit itself")?;
    let mut words = vec![kit.display().to_string()];
    words.extend(global::forwarded());
    Ok(words)
}

/// Returns the command of a program that a hook runs in the root of a workspace, without any
/// changed files.
pub(crate) fn program_in_root(place: &StepPlace, words: &[String]) -> Result<Command> {
    let runner = place.runner.in_directory(&place.root);
    let values = placeholders::Values::from([("{xtask}", kit_words()?)]);
    placeholders::command(&runner, words, &values)
}

/// Returns the tool that decides the form of package specifications in `{cargo-args}`: a program
/// with the word `fmt` takes names, as `cargo fmt` does.
fn tool_of(words: &[String]) -> Tool {
    match words.iter().any(|word| word == "fmt") {
        true => Tool::Fmt,
        false => Tool::Check,
    }
}

/// A step that is running. Its time includes the time to find the changed packages.
pub(crate) struct RunningStep<'a> {
    step: &'a HookStep,
    start: Instant,
    progress: &'a text::StepProgress,
}

impl RunningStep<'_> {
    /// Runs one program of the step to its end, or until the budget of the step is used up.
    pub(crate) fn to_end(&self, command: Command, input: Vec<u8>) -> Result<(Ending, String)> {
        let left = self
            .step
            .budget
            .map(|it| it.saturating_sub(self.start.elapsed()));
        let name = &self.step.name;
        let watch = |output: &[u8]| self.progress.show(name, self.start.elapsed(), output);
        let ended = process::within(command, input, left, &watch)?;
        self.progress.forget(name);
        let output = String::from_utf8_lossy(&ended.output).into_owned();
        let ending = match (ended.out_of_time, ended.status.success()) {
            (true, _) => Ending::OverBudget(self.step.over_budget),
            (false, true) => Ending::Passed,
            (false, false) => Ending::Failed,
        };
        Ok((ending, output))
    }
}
