//! Runs programs to their end: with captured output, with input, or line by line.

use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use anyhow::{Context as _, Result};

use super::children::{Reach, RunningChild, SignalRole};
use crate::error::FailedProgram;
use crate::quote;

/// Runs a program to its end and returns its output, for any exit status.
///
/// # Errors
/// Returns an error if the program cannot be started. The message names the program and the
/// directory.
pub fn output(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    helper(command)?.wait_with_output()
}

/// Runs a program to its end and returns its standard output.
///
/// # Errors
/// Returns an error if the program cannot be started or fails. The message has the program's
/// standard error.
pub fn checked(command: &mut Command) -> Result<Vec<u8>> {
    let output = output(command)?;
    succeeded(command, output)
}

/// Returns the standard output of a program that has ended.
///
/// # Errors
/// Returns an error if the program failed. The message has the program's standard error.
pub fn succeeded(command: &Command, output: Output) -> Result<Vec<u8>> {
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(anyhow::Error::new(FailedProgram {
            is_git: command.get_program() == "git",
            command: shown(command),
            stderr: quote::text(said.trim_end()).into(),
        }));
    }
    Ok(output.stdout)
}

/// Runs a program to its end with `input` on its standard input, and returns its output.
///
/// # Errors
/// Returns an error if the program cannot be started or does not read its input.
pub fn output_with_input(command: &mut Command, input: Vec<u8>) -> Result<Output> {
    use std::io::Write as _;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = helper(command)?;
    let mut stdin = child.stdin().context("the program's input is not a pipe")?;
    // The program writes while it reads, so one of the two directions needs a thread.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    if output.status.success() {
        let written = writer
            .join()
            .map_err(|_| anyhow::anyhow!("writing to a program"))?;
        written.with_context(|| format!("writing to {}", shown(command)))?;
    }
    Ok(output)
}

/// Runs a program to its end with `input` on its standard input. The program prints to the kit's
/// own streams.
///
/// # Errors
/// Returns an error if the program cannot be started.
pub fn status_with_input(command: &mut Command, input: Vec<u8>) -> Result<ExitStatus> {
    use std::io::Write as _;
    command.stdin(Stdio::piped());
    let mut child = helper(command)?;
    if let Some(mut stdin) = child.stdin() {
        // A program that does not read its input does not need it, so errors are ignored.
        drop(stdin.write_all(&input));
    }
    child.wait()
}

/// Runs a program to its end with the kit's own streams.
///
/// # Errors
/// Returns an error if the program cannot be started.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    helper(command)?.wait()
}

/// Runs a program to its end, and passes each line of its standard output to `line` as soon as it
/// is printed. Standard error is the kit's own.
///
/// # Errors
/// Returns an error if the program cannot be started or if its output cannot be read.
pub fn stream(command: &mut Command, mut line: impl FnMut(&str)) -> Result<ExitStatus> {
    use std::io::BufRead as _;
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = helper(command)?;
    let stdout = child
        .stdout()
        .context("the program's output is not a pipe")?;
    for bytes in std::io::BufReader::new(stdout).split(b'\n') {
        let bytes = bytes.with_context(|| format!("reading the output of {}", shown(command)))?;
        line(&String::from_utf8_lossy(&bytes));
    }
    child.wait()
}

/// Runs a program to its end, and passes each line of its standard output to `line` and each piece
/// of its standard error to `errors` as soon as it is printed.
///
/// # Errors
/// Returns the errors of [`stream`].
pub fn stream_both(
    command: &mut Command,
    line: impl FnMut(&str),
    mut errors: impl FnMut(&[u8]) + Send,
) -> Result<ExitStatus> {
    use std::io::Read as _;
    let (mut reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    command.stderr(writer);
    std::thread::scope(|scope| {
        let listening = scope.spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut piece) {
                errors(&piece[..length]);
            }
        });
        let status = stream(command, line);
        // The command holds the other end of the pipe until the command gets another standard
        // error.
        command.stderr(Stdio::null());
        drop(listening.join());
        status
    })
}

/// Returns a command as a user would type it into a shell.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| quote::shell(&word.to_string_lossy()).into_owned());
    words.collect::<Vec<_>>().join(" ")
}

/// Starts a program that works for the kit. After a signal the kit ends as soon as the program has
/// ended.
fn helper(command: &mut Command) -> Result<RunningChild> {
    RunningChild::start(command, SignalRole::Helper, Reach::Descendants)
}

pub(super) fn cannot_start(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = quote::name(&program);
    let directory = command.get_current_dir().unwrap_or(Path::new("."));
    let shown = directory.to_string_lossy();
    let shown = quote::name(&shown);
    if directory.is_dir() {
        format!("cannot start `{program}` in {shown}; is it installed and on PATH?")
    } else {
        format!("cannot start `{program}`: the directory {shown} does not exist")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Runner;

    #[test]
    fn a_command_is_shown_as_a_user_would_type_it() {
        let mut command = Runner::new().unwrap().git();
        command.args(["clean", "-p", "my lib", "", "a|b", "$it's"]);
        let expected = r"git clean -p 'my lib' '' 'a|b' '$it'\''s'";
        assert_eq!(shown(&command), expected);
    }
}
