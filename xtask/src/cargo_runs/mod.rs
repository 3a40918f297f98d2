//! Runs cargo and reads its messages about the build.

pub mod build_times;
pub mod built;
pub(crate) mod copied_sources;
pub mod full_build;
pub mod machine_use;
pub(crate) mod no_op;
pub(crate) mod rehearsal;

use std::io;
use std::process::{Command, ExitStatus};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::Message;
use xtask_impact::process::Runner;
use xtask_impact::workspace::Workspace;
use xtask_impact::{process, usage};

use crate::cli::progress;
use crate::cli::status::Status;

/// Runs a cargo build without output to the user, with `-v` and JSON messages. Returns the
/// messages, cargo's standard error and its exit status.
///
/// # Errors
/// Returns an error if cargo cannot be started. A failed build is no error but an exit status.
pub fn observe(command: &mut Command) -> Result<(Vec<Message>, String, ExitStatus)> {
    command.args(["-v", "--message-format", "json"]);
    let output = progress::during("Building", "", || process::output(command))?;
    Ok((
        read_messages(&output.stdout[..])?,
        String::from_utf8_lossy(&output.stderr).into_owned(),
        output.status,
    ))
}

/// Reads JSON messages, one per line. Other lines are skipped.
///
/// # Errors
/// Returns an error if the messages cannot be read.
pub fn read_messages(messages: impl io::BufRead) -> Result<Vec<Message>> {
    let mut read = Vec::new();
    for line in messages.split(b'\n') {
        let line = line.context("cannot read the messages")?;
        read.extend(serde_json::from_slice::<Message>(&line).ok());
    }
    Ok(read)
}

/// Returns the kit's own exit status for the exit status of a cargo that the kit started.
pub fn forwarded(status: ExitStatus) -> Status {
    match status.code() {
        Some(0) => Status::Done,
        Some(code) => u8::try_from(code).map_or(Status::Failed, Status::Forwarded),
        // A signal ended cargo.
        None => Status::Failed,
    }
}

/// Runs a command with the kit's own streams, and returns its status as the kit's own. The command
/// handles an interrupt, and the kit waits until the command has ended.
///
/// # Errors
/// Returns an error if the command cannot be started.
pub fn interruptible(command: &mut Command) -> Result<Status> {
    let status = process::interruptible(command)?;
    Ok(match (status.code(), process::signal_received()) {
        (None, Some(signal)) => Status::Forwarded(process::status_of(signal)),
        _ => forwarded(status),
    })
}

/// Checks that cargo-nextest is installed.
///
/// # Errors
/// Returns an error if cargo-nextest is not installed. The message says how to install it.
pub fn nextest_is_there(runner: &Runner) -> Result<()> {
    match process::output(runner.cargo().args(["nextest", "--version"])) {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(usage!(
            "cargo-nextest is not installed\nhint: run `cargo install --locked cargo-nextest`, or \
             use `run-affected test`"
        )),
    }
}

/// Returns the target directory that a cargo with these arguments uses. `--target-dir` overrides
/// the workspace's target directory, and is relative to the directory in which cargo starts.
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
