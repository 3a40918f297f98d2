//! Doing what an action is: running cargo, reading what it says of its work, removing files.

pub mod build_times;
pub mod built;
pub mod full_build;

use std::io;
use std::process::{Command, ExitStatus};

use anyhow::{Context as _, Result};
use cargo_metadata::Message;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use xtask_impact::error::Status;
use xtask_impact::process;
use xtask_impact::process::Runner;
use xtask_impact::usage;
use xtask_impact::workspace::Workspace;

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
pub fn read_messages(messages: impl io::BufRead) -> Result<Vec<Message>> {
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

/// Runs a command to its end with the kit's own streams, and gives its status as the kit's own. An
/// interrupt is the command's: the kit waits until it has ended.
///
/// # Errors
/// When it cannot be started.
pub fn interruptible(command: &mut Command) -> Result<Status> {
    let status = process::interruptible(command)?;
    Ok(match (status.code(), process::signal_received()) {
        (None, Some(signal)) => Status::Forwarded(process::status_of(signal)),
        _ => forwarded(status),
    })
}

/// Makes sure that there is a nextest.
///
/// # Errors
/// Where there is none; the message says how to come by it.
pub fn nextest_is_there(runner: &Runner) -> Result<()> {
    match process::output(runner.cargo().args(["nextest", "--version"])) {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(usage!(
            "cargo-nextest is not installed: `cargo install --locked cargo-nextest`, see \
             https://nexte.st; or run the tests with `run-affected test`"
        )),
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
    match named.zip(Utf8Path::from_path(runner.directory())) {
        Some((named, from)) => from.join(named),
        None => workspace.target_directory.clone(),
    }
}
