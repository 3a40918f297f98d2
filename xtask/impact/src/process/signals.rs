//! The end of the kit by a signal or a panic: its children end first, then its temporary
//! directories are removed.

#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::process::{ExitStatus, exit};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::children::{self, Reach};
use crate::private_dir;

pub(super) const INTERRUPT: i32 = 2;
pub(super) const KILL: i32 = 9;

static RECEIVED: AtomicI32 = AtomicI32::new(0);

/// Returns the signal that told the kit to end, if there was one.
pub fn received() -> Option<i32> {
    Some(RECEIVED.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
}

/// Returns the exit status that a shell gives a program that a signal ended.
pub fn status_of(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// Returns true if a signal told a child to end: the child was ended by the signal, or ended with
/// the status that a shell gives for the signal.
pub(super) fn is_end_by_signal(status: &ExitStatus) -> bool {
    const TOLD: [i32; 3] = [1, INTERRUPT, 15];
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(status);
    #[cfg(not(unix))]
    let signal = None;
    signal
        .or_else(|| status.code()?.checked_sub(128))
        .is_some_and(|signal| TOLD.contains(&signal))
}

/// Waits for a moment for a signal that a child has received already.
pub(super) fn wait_for_one() {
    const PATIENCE: Duration = Duration::from_millis(500);
    let start = Instant::now();
    while received().is_none() && start.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(5));
    }
}

/// Makes the kit end its children and remove its temporary directories when SIGINT, SIGTERM, SIGHUP
/// or an aborting panic ends the kit. A signal that the kit was started to ignore stays ignored.
///
/// # Errors
/// Returns an error if the kit cannot listen for signals.
pub fn clean_up_at_the_end() -> Result<()> {
    // A panic that unwinds drops the children and the directories.
    if cfg!(panic = "abort") {
        clean_up_at_a_panic();
    }
    listen()
}

/// Makes a panic end the children and remove the temporary directories. This is only for a panic
/// that aborts: other threads can start no child and create no directory afterwards.
fn clean_up_at_a_panic() {
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        former(panic);
        children::kill_all();
        private_dir::remove_all();
    }));
}

/// Waits for the children, removes the temporary directories and ends the kit.
pub(super) fn end() -> ! {
    static ENDING: AtomicBool = AtomicBool::new(false);
    if ENDING.swap(true, Ordering::SeqCst) {
        loop {
            thread::park();
        }
    }
    children::wait_for_all();
    private_dir::remove_all();
    exit(status_of(received().unwrap_or(INTERRUPT)).into());
}

/// Handles a signal. The first signal is passed on to the children, the next one ends the kit at
/// once.
fn heard(signal: i32, is_from_terminal: bool) {
    /// The time in which signals count as one: `timeout` signals the program and then the program's
    /// group.
    const ONE_REQUEST: Duration = Duration::from_millis(300);
    if received().is_some() {
        children::kill_all();
        private_dir::remove_all();
        exit(status_of(signal).into());
    }
    let mark = || RECEIVED.store(signal, Ordering::SeqCst);
    let is_on_behalf = children::pass_on(signal, is_from_terminal, mark);
    if !is_on_behalf {
        thread::spawn(|| end());
    }
    thread::sleep(ONE_REQUEST);
}

#[cfg(unix)]
fn listen() -> Result<()> {
    use anyhow::Context as _;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::WithRawSiginfo;

    let ignored = ignored();
    let wanted = [SIGINT, SIGTERM, SIGHUP];
    let wanted = wanted.into_iter().filter(|it| ignored >> (it - 1) & 1 == 0);
    let mut signals =
        SignalsInfo::<WithRawSiginfo>::new(wanted).context("cannot listen for signals")?;
    thread::spawn(move || {
        loop {
            // A signal that arrives while another one is handled counts as the same request.
            if let Some(info) = signals.wait().last() {
                heard(info.si_signo, is_from_terminal(info.si_signo, info.si_code));
                let _ = signals.pending().count();
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn listen() -> Result<()> {
    use anyhow::Context as _;
    // The console signals the children, too.
    ctrlc::set_handler(|| heard(INTERRUPT, true)).context("cannot listen for an interrupt")
}

/// Returns the signals that the kit was started to ignore, as by `nohup`, one bit per signal.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}

/// Returns true if a terminal sent a signal, which the terminal also sends to the children. Linux
/// distinguishes signals of the system from signals of a process.
#[cfg(unix)]
fn is_from_terminal(signal: i32, code: i32) -> bool {
    use std::io::IsTerminal as _;
    match cfg!(target_os = "linux") {
        true => code > 0,
        false => signal == INTERRUPT && std::io::stdin().is_terminal(),
    }
}

/// Sends a signal to a child. On Windows the console has signalled the children already.
#[cfg(unix)]
pub(super) fn send(signal: i32, child: u32, reach: Reach) {
    use nix::sys::signal::{Signal, kill, killpg};
    use nix::unistd::Pid;
    let (Ok(signal), Ok(id)) = (Signal::try_from(signal), i32::try_from(child)) else {
        return;
    };
    // A process that has ended needs no signal, so errors are ignored.
    match reach {
        Reach::Group => {
            let _ = killpg(Pid::from_raw(id), signal);
        }
        Reach::Descendants => {
            for id in with_descendants(id) {
                let _ = kill(Pid::from_raw(id), signal);
            }
        }
    }
}

#[cfg(not(unix))]
pub(super) fn send(_: i32, _: u32, _: Reach) {}

/// Returns a process and its descendants, if the system lists them.
#[cfg(unix)]
fn with_descendants(process: i32) -> Vec<i32> {
    let mut found = vec![process];
    let mut next = 0;
    while let Some(process) = found.get(next) {
        next += 1;
        let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else {
            continue;
        };
        for thread in threads.flatten() {
            let children = std::fs::read_to_string(thread.path().join("children"));
            let children = children.unwrap_or_default();
            found.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<i32>().ok()),
            );
        }
    }
    found
}
