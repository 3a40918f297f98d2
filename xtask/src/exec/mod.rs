//! Doing what an action is: running cargo, reading what it says of its work, removing files.

pub mod clean;
pub mod full_build;
pub mod remove;
pub mod replay;

use std::process::{Command, ExitStatus};

use anyhow::{Context as _, Result};
use cargo_metadata::Message;
use cargo_metadata::camino::Utf8PathBuf;

use crate::error::Status;
use crate::process::{self, Runner};
use crate::workspace::Workspace;

/// Runs a cargo command with JSON messages to its end. Its diagnostics and its progress go to the
/// kit's standard error; lines that are no message, such as what a build prints, do too.
///
/// # Errors
/// When cargo cannot be started; that it failed is in the status.
pub fn messages(command: &mut Command) -> Result<(ExitStatus, Vec<Message>)> {
    let mut messages = Vec::new();
    let status = process::stream(command, |line| match serde_json::from_str(line) {
        Ok(message) => messages.push(message),
        Err(_) => crate::render::plain(line),
    })?;
    Ok((status, messages))
}

/// Runs a cargo build to its end without a word to the user, with `-v` and JSON messages, and
/// gives the messages and what cargo said on standard error.
///
/// # Errors
/// When cargo cannot be started; that it failed is in the status.
pub fn observe(command: &mut Command) -> Result<(Vec<Message>, String, ExitStatus)> {
    command.args(["-v", "--message-format", "json"]);
    let output = process::output(command)?;
    Ok((
        read_messages(&output.stdout[..])?,
        String::from_utf8_lossy(&output.stderr).into_owned(),
        output.status,
    ))
}

/// Reads JSON messages, a line each; lines that are none are passed over.
///
/// # Errors
/// When they cannot be read.
pub fn read_messages(messages: impl std::io::BufRead) -> Result<Vec<Message>> {
    let mut read = Vec::new();
    for line in messages.split(b'\n') {
        let line = line.context("cannot read the messages")?;
        read.extend(serde_json::from_slice::<Message>(&line).ok());
    }
    Ok(read)
}

/// The kit's own status for that of a cargo which it forwarded to.
pub fn forwarded(status: ExitStatus) -> Status {
    match status.code() {
        Some(0) => Status::Done,
        Some(code) => u8::try_from(code).map_or(Status::Failed, Status::Forwarded),
        // Ended by a signal.
        None => Status::Failed,
    }
}

/// The target directory of a cargo that gets these arguments: `--target-dir` beats what the
/// workspace says, and is relative to where cargo starts.
pub fn target_directory(
    runner: &Runner,
    workspace: &Workspace,
    arguments: &[String],
) -> Utf8PathBuf {
    let mut arguments = arguments.iter();
    let mut named = None;
    while let Some(argument) = arguments.next() {
        if argument == "--target-dir" {
            named = arguments.next().map(String::as_str);
        } else if let Some(value) = argument.strip_prefix("--target-dir=") {
            named = Some(value);
        }
    }
    match named.zip(cargo_metadata::camino::Utf8Path::from_path(
        runner.directory(),
    )) {
        Some((named, from)) => from.join(named),
        None => workspace.target_directory.clone(),
    }
}
