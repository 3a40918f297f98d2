//! Programs that end with the kit: when it is interrupted, or when their time is up.

use std::io::{PipeReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use xshell::Shell;

use super::cannot_start;
use super::children::{Reach, RunningChild, SignalRole};

/// How a program ended that was given a time.
#[derive(Debug)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// What it printed, on either stream, in the order in which it did.
    pub output: Vec<u8>,
    /// Whether it was stopped because its time was up.
    pub out_of_time: bool,
}

/// Runs to the end with the kit's own streams. A signal that tells the kit to end is the program's:
/// the kit waits until the program has ended, and gives its status.
///
/// # Errors
/// When the program cannot be started.
pub fn interruptible(command: &mut Command) -> Result<ExitStatus> {
    RunningChild::start(command, SignalRole::Main, Reach::Descendants)?.wait()
}

/// Runs a program in the kit's place, with the kit's own environment; where the system knows no such
/// thing, to its end.
///
/// # Errors
/// When the program cannot be started.
pub fn instead(program: &Path, arguments: &[String]) -> Result<ExitStatus> {
    let shell = Shell::new().context("cannot read the current directory")?;
    let mut command = shell.cmd(program).to_command();
    command.args(arguments);
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(unix)]
    return Err(error).with_context(|| cannot_start(&command));
    #[cfg(not(unix))]
    interruptible(&mut command)
}

/// Runs to the end with this on its standard input, or for as long as is given, and keeps what it
/// prints. It is stopped with all that it started, as by an interrupt. `watch` is given what was
/// printed so far, every now and then.
///
/// # Errors
/// When the program cannot be started.
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
    // A group of its own, so that all that it started can be told to end; but who has time may ask at
    // the terminal for a password, which another group must not.
    let reach = match time {
        Some(_) => Reach::Group,
        None => Reach::Descendants,
    };
    let mut running = RunningChild::start(&mut command, SignalRole::Main, reach)?;
    // The pipe ends when nobody holds it any more.
    drop(command);
    let output = Output::read(reader);
    if let Some(mut stdin) = running.stdin() {
        // A program that does not read its input has no need of it.
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

/// What comes out of a pipe. A program may leave behind another that holds it open for good.
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
