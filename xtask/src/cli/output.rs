//! The only printer. Data goes to standard output. Status, notes, warnings and errors go to
//! standard error, in cargo's style.
//!
//! Architecture invariant: this module computes nothing that an answer depends on.

use std::collections::BTreeSet;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;
use xtask_impact::quote;

use crate::cli::entry;
use crate::cli::status::Status;

/// Writes data to standard output. A reader that closed the pipe has read enough, so a closed pipe
/// is no error and does not change the verdict of a check.
///
/// # Errors
/// Returns an error if the data cannot be written for another reason.
pub(crate) fn data(text: &str) -> Result<()> {
    clear_shown_line();
    write_data(&mut std::io::stdout().lock(), text)
}

fn write_data(out: &mut impl std::io::Write, text: &str) -> Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Writes data with colours to standard output. The colours are left out unless the terminal shows
/// them.
///
/// # Errors
/// Returns the errors of [`data`].
pub(crate) fn colored_data(text: &str) -> Result<()> {
    clear_shown_line();
    write_data(&mut anstream::stdout().lock(), text)
}

/// Writes a report with advice to standard output. Commands of the kit get the name that the user
/// typed.
///
/// # Errors
/// Returns the errors of [`data`].
pub(crate) fn advice(text: &str) -> Result<()> {
    data(&entry::with_name(text))
}

/// Writes a value as JSON with a line break at its end.
///
/// # Errors
/// Returns the errors of [`data`].
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    let document = serde_json::to_string_pretty(value).context("cannot write JSON")?;
    data(&(quote::json(&document) + "\n"))
}

/// Returns the exit status of a check. `has_found` is true if the check found something.
pub(crate) fn verdict(has_found: bool) -> Status {
    match has_found {
        true => Status::Found,
        false => Status::Done,
    }
}

static QUIET: AtomicBool = AtomicBool::new(false);

/// Prints no status, no notes and no progress from now on. Warnings and errors are still printed.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Returns true if the user asked for warnings and errors only.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Returns true if a line that overwrites itself may be shown: on a terminal, unless the user asked
/// for quiet, or for a log, whose lines would be mixed with this line.
pub(crate) fn shows_progress() -> bool {
    let is_logging = log::log_enabled!(log::Level::Info);
    !is_quiet() && !is_logging && std::io::stderr().is_terminal()
}

/// Returns true if standard error is coloured.
pub(crate) fn has_colors() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Prints the current action: a verb in cargo's column of twelve, and its object. Prints nothing
/// under `-q`.
pub(crate) fn status(verb: &str, message: impl std::fmt::Display) {
    if is_quiet() {
        return;
    }
    let message = message.to_string();
    say(format_args!("{} {}", column(verb), quote::text(&message)));
}

/// Returns a verb in cargo's column of twelve.
pub(crate) fn column(verb: &str) -> String {
    let style = AnsiColor::Green.on_default().bold();
    format!("{style}{verb:>12}{style:#}")
}

/// True while a line is shown that the next output overwrites.
static HAS_LINE: AtomicBool = AtomicBool::new(false);

/// Shows a line that the next call and all other output overwrite. Call this function only if
/// [`shows_progress`] is true.
pub(crate) fn overwrite(line: &str) {
    HAS_LINE.store(true, Ordering::Relaxed);
    let mut stderr = anstream::stderr().lock();
    let _ = write!(stderr, "\r{line}").and_then(|()| stderr.flush());
}

/// Clears the line of [`overwrite`], if there is one.
fn clear_shown_line() {
    if HAS_LINE.load(Ordering::Relaxed) {
        clear_line();
    }
}

/// Clears the line of [`overwrite`].
pub(crate) fn clear_line() {
    HAS_LINE.store(false, Ordering::Relaxed);
    let _ = write!(anstream::stderr().lock(), "\r\x1b[K");
}

/// Prints a note: information that needs no action. Prints nothing under `-q`.
pub(crate) fn note(message: impl std::fmt::Display) {
    if is_quiet() {
        return;
    }
    label(AnsiColor::Cyan.on_default().bold(), "note", &message);
}

/// Prints a note about one of several workspaces, unless the note was printed before. Each
/// workspace and each step of a hook runs the same query again and gets the same notes.
pub(crate) fn note_once(workspace: Option<&str>, message: &str) {
    if is_first(message) {
        note(of(workspace, message));
    }
}

/// Returns true on the first call with this message in this process.
pub(crate) fn is_first(message: &str) -> bool {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    said.insert(message.to_owned())
}

/// Prints a warning: information that may need action.
pub(crate) fn warning(message: impl std::fmt::Display) {
    label(AnsiColor::Yellow.on_default().bold(), "warning", &message);
}

/// Prints an error with its causes. A cause that the message contains already is left out.
pub(crate) fn error(error: &anyhow::Error) {
    let mut message = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !message.contains(&cause) {
            message.push_str(&format!("\n  caused by: {}", cause.replace('\n', "\n  ")));
        }
    }
    label(AnsiColor::Red.on_default().bold(), "error", &message);
}

/// Prints a line of the log. The text is quoted already.
pub(crate) fn log_line(line: &str) {
    say(format_args!("{line}"));
}

/// Prints the output of another program.
pub(crate) fn plain(text: &str) {
    say(format_args!("{}", quote::text(text)));
}

/// Prints the standard error of another program while the program runs. A terminal gets the bytes
/// unchanged, since the program may draw progress bars. Anything else may be a log that a CI
/// service parses, so it gets quoted lines.
pub(crate) struct PassedOn {
    is_terminal: bool,
    line: Vec<u8>,
}

impl PassedOn {
    /// Checks if standard error is a terminal.
    pub(crate) fn start() -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
            line: Vec::new(),
        }
    }

    /// Prints a piece of the output.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
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

/// A counter that overwrites itself. It is only shown on a terminal and only if the work takes more
/// than half a second. Dropping the value removes the counter.
pub(crate) struct Progress {
    line: String,
    total: usize,
    next: Instant,
    is_shown: bool,
}

impl Progress {
    /// Returns a counter of `total` things in a place.
    pub(crate) fn new(verb: &str, total: usize, place: impl std::fmt::Display) -> Self {
        Self {
            line: format!("{} {}:", column(verb), quote::line(&place.to_string())),
            total,
            next: Instant::now() + Duration::from_millis(500),
            is_shown: false,
        }
    }

    /// Shows the number of completed things.
    pub(crate) fn show(&mut self, done: usize) {
        if Instant::now() >= self.next && shows_progress() {
            self.next = Instant::now() + Duration::from_millis(100);
            self.is_shown = true;
            let bar = bar(done, self.total);
            overwrite(&format!("{} {bar} {done} of {}", self.line, self.total));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            clear_line();
        }
    }
}

/// Returns a progress bar in cargo's style: `[=====>    ]`.
fn bar(done: usize, total: usize) -> String {
    const WIDTH: usize = 20;
    let filled = (done * WIDTH)
        .checked_div(total)
        .unwrap_or(WIDTH)
        .min(WIDTH);
    let head = if filled < WIDTH { ">" } else { "" };
    let bar = "=".repeat(filled) + head;
    format!("[{bar:<WIDTH$}]")
}

fn label(style: Style, label: &str, message: &dyn std::fmt::Display) {
    let message = message.to_string();
    let message = entry::with_name(&message);
    say(format_args!(
        "{style}{label}{style:#}: {}",
        quote::text(&message)
    ));
}

/// Writes a line to standard error. Errors are ignored: if standard error is closed, no user can
/// read it.
fn say(line: std::fmt::Arguments<'_>) {
    clear_shown_line();
    let text = format!("{line}\n");
    // A line without colours is written in one call, so that no other program's line gets into it.
    let _ = match has_colors() {
        true => anstream::stderr().lock().write_all(text.as_bytes()),
        false => {
            let plain = anstream::adapter::strip_str(&text).to_string();
            std::io::stderr().lock().write_all(plain.as_bytes())
        }
    };
}

/// Returns the heading line of one of several workspaces. Empty if there is only one.
pub(crate) fn heading(workspace: Option<&str>) -> String {
    workspace.map_or_else(String::new, |name| {
        format!("workspace {}\n", quote::name(name))
    })
}

/// Returns the message with the name of its workspace in front, if there are several workspaces.
pub(crate) fn of(workspace: Option<&str>, message: impl std::fmt::Display) -> String {
    workspace.map_or_else(String::new, |name| format!("{}: ", quote::name(name)))
        + &message.to_string()
}

/// The JSON report of several workspaces.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct Reports<T> {
    /// The version of this JSON format. The version changes if a reader has to change.
    pub version: u32,
    /// The reports, sorted by the root of their workspace.
    pub workspaces: Vec<T>,
}

impl<T> Reports<T> {
    /// Returns the report of these workspaces.
    pub(crate) fn new(workspaces: Vec<T>) -> Self {
        Self {
            version: 1,
            workspaces,
        }
    }
}

/// Returns a number with its noun: `1 unit`, `2 units`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{number} {stem}ies"),
        _ => format!("{number} {noun}s"),
    }
}

#[test]
fn nouns_have_their_plural() {
    let counted = [(1, "unit"), (2, "unit"), (2, "library"), (0, "key")];
    let texts = counted.map(|(number, noun)| count(number, noun));
    assert_eq!(texts, ["1 unit", "2 units", "2 libraries", "0 keys"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_the_completed_part() {
        for (done, total, expected) in [
            (0, 10, "[>                   ]"),
            (5, 10, "[==========>         ]"),
            (10, 10, "[====================]"),
            (0, 0, "[====================]"),
        ] {
            assert_eq!(bar(done, total), expected, "{done} of {total}");
        }
    }
}
