//! Programs that the kit runs on the user's behalf, and programs with a time limit.

use std::ffi::OsString;
use std::io::{PipeReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use xshell::Shell;

use super::children::{Reach, RunningChild, SignalRole};
use super::run::cannot_start;
use super::{Runner, output, shown};
use crate::{quote, usage};

/// The result of a program with a time limit.
#[derive(Debug)]
pub struct Ended {
    /// The exit status.
    pub status: ExitStatus,
    /// The output of both streams, in the order in which it was printed.
    pub output: Vec<u8>,
    /// True if the program was stopped because its time was up.
    pub out_of_time: bool,
}

/// Runs a program to its end with the kit's own streams. The program handles a signal that tells
/// the kit to end: the kit waits for the end of the program and returns its status.
///
/// # Errors
/// Returns an error if the program cannot be started.
pub fn interruptible(command: &mut Command) -> Result<ExitStatus> {
    RunningChild::start(command, SignalRole::Main, Reach::Descendants)?.wait()
}

/// Replaces the kit by a program, with the kit's own environment. If the system cannot replace a
/// process, runs the program to its end.
///
/// # Errors
/// Returns an error if the program cannot be started.
pub fn instead(program: &Path, arguments: &[String]) -> Result<ExitStatus> {
    let shell = Shell::new().context("cannot read the current directory")?;
    let mut command = shell.cmd(program).to_command();
    command.args(arguments);
    replaced(command)
}

/// Replaces the kit by its own executable with another toolchain, in the environment that rustup
/// makes for `cargo +TOOLCHAIN`. If the system cannot replace a process, runs the executable to its
/// end.
///
/// # Errors
/// Returns an error if rustup does not have the toolchain, or if the executable cannot be started.
pub fn with_toolchain(toolchain: &str, arguments: &[OsString]) -> Result<ExitStatus> {
    let cargo = cargo_of(toolchain)?;
    let shell = Shell::new().context("cannot read the current directory")?;
    let program = std::env::current_exe().context("cannot find the running executable")?;
    let mut command = shell.cmd(program).to_command();
    command.args(arguments);
    #[cfg(unix)]
    if let Some(typed) = std::env::args_os().next() {
        std::os::unix::process::CommandExt::arg0(&mut command, typed);
    }
    command
        .env("RUSTUP_TOOLCHAIN", toolchain)
        .env("RUSTUP_TOOLCHAIN_SOURCE", "cli")
        // Overrides the cargo of another toolchain, which `cargo run` passes on.
        .env("CARGO", cargo);
    replaced(command)
}

/// Returns the path of the cargo of a toolchain.
fn cargo_of(toolchain: &str) -> Result<OsString> {
    let mut rustup = Runner::new()?.program("rustup");
    let told = output(rustup.args(["which", "--toolchain", toolchain, "cargo"])).map_err(|_| {
        usage!(
            "+{}: rustup is not installed, so there is one toolchain\nhint: leave out the toolchain",
            quote::name(toolchain)
        )
    })?;
    if told.status.success() {
        return Ok(String::from_utf8_lossy(&told.stdout).trim().into());
    }
    let said = String::from_utf8_lossy(&told.stderr);
    let said = said.lines().find_map(|it| it.strip_prefix("error: "));
    Err(usage!(
        "+{}: {}\nhint: `rustup toolchain list` lists the installed toolchains",
        quote::name(toolchain),
        quote::line(said.unwrap_or("rustup does not have it"))
    ))
}

/// Replaces the kit by a program.
fn replaced(mut command: Command) -> Result<ExitStatus> {
    log::info!("replaced by `{}`", shown(&command));
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(unix)]
    return Err(error).with_context(|| cannot_start(&command));
    #[cfg(not(unix))]
    interruptible(&mut command)
}

/// Runs a program with `input` on its standard input, to its end or for at most `time`, and keeps
/// its output. When the time is up, the program and all its descendants are stopped, as by an
/// interrupt. `watch` is called repeatedly with the output so far.
///
/// # Errors
/// Returns an error if the program cannot be started.
pub fn within(
    mut command: Command,
    input: Vec<u8>,
    time: Option<Duration>,
    watch: &dyn Fn(&[u8]),
) -> Result<Ended> {
    let start = Instant::now();
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    let other = writer.try_clone().context("cannot make a pipe")?;
    command.stdin(Stdio::piped()).stdout(other).stderr(writer);
    // A program with a time limit gets a process group of its own, so that all its descendants can
    // be stopped. A program without a time limit may ask for a password at the terminal, which
    // another process group must not do.
    let reach = match time {
        Some(_) => Reach::Group,
        None => Reach::Descendants,
    };
    let mut running = RunningChild::start(&mut command, SignalRole::Main, reach)?;
    // The pipe ends when no process holds its other end any more.
    drop(command);
    let output = Output::read(reader);
    if let Some(mut stdin) = running.stdin() {
        // A program that does not read its input does not need it, so errors are ignored.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let mut out_of_time = false;
    let status = loop {
        if running.try_wait()?.is_some() {
            break running.wait()?;
        }
        if time.is_some_and(|time| start.elapsed() > time) {
            out_of_time = true;
            break running.stop()?;
        }
        let is_young = start.elapsed().as_millis() < 100;
        if !is_young {
            watch(&locked(&output.bytes));
        }
        sleep(Duration::from_millis(if is_young { 1 } else { 10 }));
    };
    Ok(Ended {
        status,
        output: output.finish(),
        out_of_time,
    })
}

/// The output of a pipe. The program may leave behind a process that holds the pipe open for ever.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: std::thread::JoinHandle<()>,
}

impl Output {
    fn read(mut pipe: PipeReader) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                locked(&into).extend_from_slice(&buffer[..count]);
            }
        });
        Self { bytes, reader }
    }

    fn finish(self) -> Vec<u8> {
        let mut rounds = 0..200;
        while !self.reader.is_finished() && rounds.next().is_some() {
            sleep(Duration::from_millis(1));
        }
        std::mem::take(&mut locked(&self.bytes))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
