//! Programs that end with the kit: when it is interrupted, or when their time is up.

use std::collections::BTreeSet;
use std::io::{PipeReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use xshell::Shell;

use super::{cannot_start, shown, wait};

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

/// Runs to the end with the kit's own streams. An interrupt, or a request to end, does not end the
/// kit: a terminal sends it to the program too, and one that the kit alone was sent is handed on.
///
/// # Errors
/// When the program cannot be started.
pub fn interruptible(command: &mut Command) -> Result<ExitStatus> {
    hand_interrupts_on()?;
    let mut child = command.spawn().with_context(|| cannot_start(command))?;
    let _running = Running::new(child.id().to_string());
    wait(&mut child, command)
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

/// Whether the kit was interrupted since it first started a program of this kind.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Runs to the end with this on its standard input, or for as long as is given, and keeps what it
/// prints. It is stopped with all that it started, as by an interrupt.
///
/// # Errors
/// When the program cannot be started.
pub fn within(mut command: Command, input: Vec<u8>, time: Option<Duration>) -> Result<Ended> {
    hand_interrupts_on()?;
    let start = Instant::now();
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    let other = writer.try_clone().context("cannot make a pipe")?;
    command.stdin(Stdio::piped()).stdout(other).stderr(writer);
    // A group of its own, so that what it started can be told to end too; but who has time may ask
    // at the terminal for a password, which another group must not.
    let own_group = cfg!(unix) && time.is_some();
    #[cfg(unix)]
    if own_group {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    let mut child = command.spawn().with_context(|| cannot_start(&command))?;
    let what = shown(&command);
    // The pipe ends when nobody holds it any more.
    drop(command);
    let group = match own_group {
        true => format!("-{}", child.id()),
        false => child.id().to_string(),
    };
    let running = Running::new(group);
    let output = Output::read(reader);
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input has no need of it.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let mut out_of_time = false;
    let status = loop {
        let ended = child.try_wait();
        if let Some(status) = ended.with_context(|| format!("waiting for {what}"))? {
            break status;
        }
        if time.is_some_and(|time| start.elapsed() > time) {
            out_of_time = true;
            break running.stop(&mut child)?;
        }
        let is_young = start.elapsed().as_millis() < 100;
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

/// A program that an interrupt is handed on to while this lives; named as `kill` names it.
struct Running(String);

impl Running {
    fn new(name: String) -> Self {
        locked(&RUNNING).insert(name.clone());
        Self(name)
    }

    /// Tells the program to end, and ends it where it does not.
    fn stop(&self, child: &mut Child) -> Result<ExitStatus> {
        signal("INT", &self.0);
        for _ in 0..200 {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            sleep(Duration::from_millis(10));
        }
        signal("KILL", &self.0);
        drop(child.kill());
        child
            .wait()
            .context("waiting for a program that was stopped")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        locked(&RUNNING).remove(&self.0);
    }
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

static RUNNING: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hand_interrupts_on() -> Result<()> {
    static HANDLER: OnceLock<Result<(), String>> = OnceLock::new();
    let handle = || {
        INTERRUPTED.store(true, Ordering::SeqCst);
        for program in locked(&RUNNING).iter() {
            signal("INT", program);
        }
    };
    match HANDLER.get_or_init(|| ctrlc::set_handler(handle).map_err(|error| error.to_string())) {
        Ok(()) => Ok(()),
        Err(error) => bail!("cannot listen for an interrupt: {error}"),
    }
}

/// Sends a signal. On Windows the console has told whoever it concerns.
fn signal(name: &str, program: &str) {
    if cfg!(unix) {
        let Ok(shell) = Shell::new() else { return };
        let mut kill = shell.cmd("kill").to_command();
        drop(kill.args(["-s", name, "--", program]).output());
    }
}
