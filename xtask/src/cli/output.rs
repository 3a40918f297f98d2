//! The only printer: values become text, JSON, DOT or Mermaid here, from their own serializable
//! types. Data goes to standard output; status, notes and errors go to standard error, in cargo's
//! manner.
//!
//! Architecture invariant: nothing is computed here that an answer depends on.

use std::collections::BTreeSet;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use xtask_impact::error::Status;
use xtask_impact::quote;

/// Writes data to standard output. A reader that closed the pipe has all it wanted: that is no
/// error, and the verdict of a check stays.
///
/// # Errors
/// When the data cannot be written for another reason.
pub fn data(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Writes a value as JSON with a line break at its end.
///
/// # Errors
/// As for [`data`].
pub fn json(value: &impl Serialize) -> Result<()> {
    let document = serde_json::to_string_pretty(value).context("cannot write JSON")?;
    data(&(quote::json(&document) + "\n"))
}

/// The status of a check, which may have found something.
pub fn verdict(has_found: bool) -> Status {
    match has_found {
        true => Status::Found,
        false => Status::Done,
    }
}

/// Says what is being done: a verb in cargo's column of twelve, and to what.
pub fn status(verb: &str, message: impl std::fmt::Display) {
    let style = AnsiColor::Green.on_default().bold();
    let message = message.to_string();
    say(format_args!(
        "{style}{verb:>12}{style:#} {}",
        quote::text(&message)
    ));
}

/// Says something that the reader should know and need not act on.
pub fn note(message: impl std::fmt::Display) {
    label(AnsiColor::Cyan.on_default().bold(), "note", &message);
}

/// Says a note about one of several workspaces, unless the note was said before: each workspace
/// and each step of a hook asks the same question anew, and gets the same notes.
pub fn note_once(workspace: Option<&str>, message: &str) {
    if is_first(message) {
        note(of(workspace, message));
    }
}

/// Returns whether this run of the kit asks about the message for the first time.
pub fn is_first(message: &str) -> bool {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    said.insert(message.to_owned())
}

/// Says something that the reader should look at.
pub fn warning(message: impl std::fmt::Display) {
    label(AnsiColor::Yellow.on_default().bold(), "warning", &message);
}

/// Says what failed, with its causes, each once.
pub fn error(error: &anyhow::Error) {
    let mut message = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !message.contains(&cause) {
            message.push_str(&format!("\n  caused by: {}", cause.replace('\n', "\n  ")));
        }
    }
    label(AnsiColor::Red.on_default().bold(), "error", &message);
}

/// Passes on what another program wrote.
pub fn plain(text: &str) {
    say(format_args!("{}", quote::text(text)));
}

/// Passes on what another program writes to standard error: as it is to a terminal, where it may
/// draw progress bars, and line by line in quotes to anything else, which may be a log that a CI
/// service parses.
pub struct PassedOn {
    is_terminal: bool,
    line: Vec<u8>,
}

impl PassedOn {
    /// Looks where standard error goes.
    pub fn start() -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
            line: Vec::new(),
        }
    }

    /// Passes on a piece.
    pub fn write(&mut self, bytes: &[u8]) {
        if self.is_terminal {
            let mut stderr = std::io::stderr().lock();
            let _ = stderr.write_all(bytes).and_then(|()| stderr.flush());
            return;
        }
        self.line.extend(bytes);
        let Some(end) = self.line.iter().rposition(|byte| *byte == b'\n') else {
            return;
        };
        let rest = self.line.split_off(end + 1);
        let lines = String::from_utf8_lossy(&self.line);
        plain(lines.strip_suffix('\n').unwrap_or(&lines));
        self.line = rest;
    }
}

impl Drop for PassedOn {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            plain(&String::from_utf8_lossy(&self.line));
        }
    }
}

/// A count that is written over itself, on a terminal and where the work takes long enough to be
/// waited for; gone when it is dropped.
pub struct Progress {
    line: String,
    total: usize,
    next: Instant,
    is_shown: bool,
}

impl Progress {
    /// Of so many things, in a place.
    pub fn new(verb: &str, total: usize, place: impl std::fmt::Display) -> Self {
        let style = AnsiColor::Green.on_default().bold();
        Self {
            line: format!(
                "{style}{verb:>12}{style:#} {}:",
                quote::line(&place.to_string())
            ),
            total,
            next: Instant::now() + Duration::from_millis(500),
            is_shown: false,
        }
    }

    /// So many are done.
    pub fn show(&mut self, done: usize) {
        if Instant::now() >= self.next && std::io::stderr().is_terminal() {
            self.next = Instant::now() + Duration::from_millis(100);
            self.is_shown = true;
            let mut err = anstream::stderr().lock();
            let _ = write!(err, "\r{} {done} of {}", self.line, self.total);
            let _ = err.flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            // Back to the line's start, and clear to its end.
            let _ = write!(anstream::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn label(style: Style, label: &str, message: &dyn std::fmt::Display) {
    let message = message.to_string();
    say(format_args!(
        "{style}{label}{style:#}: {}",
        quote::text(&message)
    ));
}

/// Standard error is for people; when nobody can read it there is no one to tell.
fn say(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// The line above what is said of one of several workspaces.
pub fn heading(workspace: Option<&str>) -> String {
    workspace.map_or_else(String::new, |name| {
        format!("workspace {}\n", quote::name(name))
    })
}

/// What is said of one of several workspaces, on a line with others.
pub fn of(workspace: Option<&str>, message: impl std::fmt::Display) -> String {
    workspace.map_or_else(String::new, |name| format!("{}: ", quote::name(name)))
        + &message.to_string()
}

/// The reports of several workspaces, as one for programs.
#[derive(Debug, Serialize)]
pub struct Reports<T> {
    /// Of this format; it changes when a reader would have to.
    pub version: u32,
    /// Sorted by root.
    pub workspaces: Vec<T>,
}

impl<T> Reports<T> {
    /// Puts them together.
    pub fn new(workspaces: Vec<T>) -> Self {
        Self {
            version: 1,
            workspaces,
        }
    }
}

/// `1 unit`, `2 units`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
