//! Runs the build that is measured as if cargo ran on the user's terminal, and reads cargo's lines
//! about locks.

use std::io::IsTerminal as _;
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Result;
use camino::Utf8Path;
use cargo_metadata::Message;
use xtask_impact::process;

use super::MeasureRequest;
use crate::cargo_runs::machine_use::{MachineMeter, MachineUse, Restarter};
use crate::cli::{global, output};

/// The output of a build.
pub(crate) struct MeasuredOutput {
    pub(crate) status: ExitStatus,
    pub(crate) messages: Vec<Message>,
    /// The time of waiting for other cargos, in seconds.
    pub(crate) waited: f64,
    /// The line that names the report; empty if cargo was told to be quiet.
    pub(crate) report: String,
    /// The use of the machine.
    pub(crate) machine: MachineUse,
}

impl MeasuredOutput {
    /// Returns true if cargo's output names this file as the report of the build.
    pub(crate) fn names(&self, report: &Utf8Path) -> bool {
        report
            .file_name()
            .is_some_and(|name| self.report.contains(name))
    }
}

impl MeasureRequest<'_> {
    /// Runs the build. The waiting time for other cargos runs from cargo's line about waiting to
    /// cargo's next output. `server` names the program that compiles for cargo, if there is one.
    pub(crate) fn build(&self, server: Option<&'static str>) -> Result<MeasuredOutput> {
        let mut command = self.runner.cargo();
        command
            .args(self.command)
            .args(["--timings", "--message-format", "json-render-diagnostics"])
            .args(as_on_a_terminal(self.arguments))
            .args(self.build_arguments());
        let mut messages = Vec::new();
        let meter = MachineMeter::start(self.runner, server);
        let waiting = Mutex::new(Waiting {
            restarter: Some(meter.restarter()),
            ..Waiting::default()
        });
        let mut passed_on = output::PassedOn::start();
        let status = process::stream_both(
            &mut command,
            |line| {
                locked(&waiting).end_waiting();
                match serde_json::from_str(line) {
                    Ok(message) => messages.push(message),
                    // A kind of message that only newer cargos have is ignored. Output of a program
                    // that the build runs is shown.
                    Err(_) if line.starts_with("{\"reason\":") => {}
                    Err(_) => output::plain(line),
                }
            },
            |bytes| {
                locked(&waiting).read(bytes);
                passed_on.write(bytes);
            },
        )?;
        let machine = meter.end(server);
        let waiting = std::mem::take(&mut *locked(&waiting));
        Ok(MeasuredOutput {
            machine,
            status,
            messages,
            waited: waiting.total,
            report: waiting.report,
        })
    }
}

/// Returns the arguments that make cargo use colour and progress, if the user has a terminal. Cargo
/// itself sees a pipe. Settings of the user are kept.
fn as_on_a_terminal(arguments: &[String]) -> Vec<String> {
    let is_set = |name: &str| std::env::var_os(name).is_some();
    let mut asked = Vec::new();
    let chosen = arguments.iter().any(|it| it.starts_with("--color"));
    let is_terminal = std::io::stderr().is_terminal();
    let is_flag = global::forwarded_color().is_some();
    let is_like_kit = is_terminal && output::has_colors() && !is_set("CARGO_TERM_COLOR");
    if !chosen && (is_flag || is_like_kit) {
        let color = match output::has_colors() {
            true => "--color=always",
            false => "--color=never",
        };
        asked.push(color.to_owned());
    }
    if !is_terminal {
        return asked;
    }
    let quiet = arguments
        .iter()
        .any(|it| matches!(it.as_str(), "-q" | "--quiet"));
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if !quiet && !is_dumb && !is_set("CI") && !is_set("CARGO_TERM_PROGRESS_WHEN") {
        let width = std::env::var("COLUMNS")
            .ok()
            .and_then(|it| it.parse::<u16>().ok());
        let width = width.unwrap_or(80);
        let width = format!("term.progress.width={width}");
        for setting in ["term.progress.when=\"always\"".to_owned(), width] {
            asked.extend(["--config".to_owned(), setting]);
        }
    }
    asked
}

/// Measures how long cargo waits for locks, by reading cargo's output.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) since: Option<Instant>,
    pub(crate) total: f64,
    line: Vec<u8>,
    report: String,
    /// Restarts the measurement of the machine when cargo stops waiting.
    restarter: Option<Restarter>,
}

impl Waiting {
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        self.end_waiting();
        self.line.extend(bytes);
        let line = String::from_utf8_lossy(&self.line);
        let last = line.trim_end_matches('\n').rsplit(['\n', '\r']).next();
        // Example of the line: `Blocking waiting for file lock on build directory`.
        if last.is_some_and(|last| last.contains("waiting for file lock on")) {
            self.since = Some(Instant::now());
        }
        // Example of the line: `Timing report saved to …/cargo-timing-<run id>.html`.
        if let Some(last) = last.filter(|last| last.contains("cargo-timing-")) {
            self.report = last.to_owned();
        }
        let end = self.line.iter().rposition(|byte| *byte == b'\n');
        self.line.drain(..end.map_or(0, |end| end + 1));
    }

    fn end_waiting(&mut self) {
        if let Some(since) = self.since.take() {
            self.total += since.elapsed().as_secs_f64();
            if let Some(restarter) = &self.restarter {
                restarter.restart();
            }
        }
    }
}

fn locked<'a>(waiting: &'a Mutex<Waiting>) -> MutexGuard<'a, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
