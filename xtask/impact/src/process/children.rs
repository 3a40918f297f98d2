//! The running children of the kit. A signal is passed on to them, and no child outlives the kit.

use std::collections::BTreeMap;
use std::mem;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::run::cannot_start;
use super::{shown, signals};

/// The role of a child if a signal ends the kit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalRole {
    /// A program that works for the kit. The kit ends as soon as the child has ended.
    Helper,
    /// A program that runs on the user's behalf. The exit status of the child becomes the kit's.
    Main,
}

/// The processes to which a signal for a child is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The child, and its descendants if the system lists them. A signal from a terminal reaches
    /// them without the kit, since they are in the kit's process group.
    Descendants,
    /// The child's own process group.
    Group,
}

#[derive(Clone, Copy)]
struct ChildEntry {
    role: SignalRole,
    reach: Reach,
}

/// A running child. Dropping the value stops the child.
pub(super) struct RunningChild {
    child: Option<Child>,
    id: u32,
    entry: ChildEntry,
    shown: String,
    started: Instant,
}

impl RunningChild {
    /// Starts a child. After a signal the kit ends instead.
    pub(super) fn start(command: &mut Command, role: SignalRole, reach: Reach) -> Result<Self> {
        #[cfg(unix)]
        if reach == Reach::Group {
            std::os::unix::process::CommandExt::process_group(command, 0);
        }
        let mut children = children();
        if signals::received().is_some() {
            drop(children);
            signals::end();
        }
        let started = Instant::now();
        let child = command.spawn().with_context(|| cannot_start(command))?;
        let (id, entry) = (child.id(), ChildEntry { role, reach });
        children.insert(id, entry);
        Ok(Self {
            child: Some(child),
            id,
            entry,
            shown: shown(command),
            started,
        })
    }

    pub(super) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.as_mut()?.stdin.take()
    }

    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.as_mut()?.stdout.take()
    }

    /// Waits for the end of the child.
    pub(super) fn wait(mut self) -> Result<ExitStatus> {
        let status = self.child.as_mut().map(Child::wait);
        self.child = None;
        let status = status.unwrap_or_else(|| Err(std::io::ErrorKind::NotFound.into()));
        self.log_end(status.as_ref());
        let was_signalled = status.as_ref().is_ok_and(signals::is_end_by_signal);
        self.ended(status, was_signalled)
    }

    /// Waits for the end of the child, and returns its output.
    pub(super) fn wait_with_output(mut self) -> Result<Output> {
        let output = self.child.take().map(Child::wait_with_output);
        let output = output.unwrap_or_else(|| Err(std::io::ErrorKind::NotFound.into()));
        self.log_end(output.as_ref().map(|it| &it.status));
        let was_signalled = output
            .as_ref()
            .is_ok_and(|it| signals::is_end_by_signal(&it.status));
        self.ended(output, was_signalled)
    }

    /// Returns the exit status of the child if the child has ended.
    pub(super) fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.as_mut().map(Child::try_wait).transpose();
        status
            .map(Option::flatten)
            .with_context(|| format!("waiting for {}", self.shown))
    }

    /// Stops the child, by force if the child does not end in time.
    pub(super) fn stop(mut self) -> Result<ExitStatus> {
        let status = self.interrupt();
        self.log_end(status.as_ref());
        status.with_context(|| format!("stopping {}", self.shown))
    }

    /// Ends the child by force, at once.
    pub(super) fn kill(mut self) {
        if let Some(mut child) = self.child.take() {
            signals::send(signals::KILL, self.id, self.entry.reach);
            drop(child.kill());
            self.log_end(child.wait().as_ref());
        }
    }

    /// Logs the command, its status and its time.
    fn log_end(&self, status: Result<&ExitStatus, &std::io::Error>) {
        if !log::log_enabled!(log::Level::Info) {
            return;
        }
        let ended = match status {
            Ok(status) => status
                .code()
                .map_or_else(|| status.to_string(), |code| format!("status {code}")),
            Err(error) => error.to_string(),
        };
        let time = self.started.elapsed().as_millis();
        log::info!("ran `{}`: {ended}, {time}ms", self.shown);
    }

    /// Returns the result of a child that has ended. `was_signalled` is true if a signal ended the
    /// child.
    fn ended<T>(self, result: std::io::Result<T>, was_signalled: bool) -> Result<T> {
        let (role, shown) = (self.entry.role, self.shown.clone());
        drop(self);
        if role == SignalRole::Helper {
            // A signal for the whole process group may end the child before the kit receives the
            // signal.
            if was_signalled {
                signals::wait_for_one();
            }
            if signals::received().is_some() {
                signals::end();
            }
        }
        result.with_context(|| format!("waiting for {shown}"))
    }

    fn interrupt(&mut self) -> std::io::Result<ExitStatus> {
        const PATIENCE: Duration = Duration::from_secs(2);
        let Some(mut child) = self.child.take() else {
            return Err(std::io::ErrorKind::NotFound.into());
        };
        let start = Instant::now();
        signals::send(signals::INTERRUPT, self.id, self.entry.reach);
        while start.elapsed() < PATIENCE {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            sleep(Duration::from_millis(10));
        }
        signals::send(signals::KILL, self.id, self.entry.reach);
        drop(child.kill());
        child.wait()
    }
}

impl Drop for RunningChild {
    fn drop(&mut self) {
        if self.child.is_some() {
            drop(self.interrupt());
        }
        children().remove(&self.id);
    }
}

static CHILDREN: Mutex<BTreeMap<u32, ChildEntry>> = Mutex::new(BTreeMap::new());

fn children() -> MutexGuard<'static, BTreeMap<u32, ChildEntry>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks that a signal was received, and sends the signal to every child that did not receive it
/// from the terminal. No child is started in the meantime. Returns true if one of the children is
/// the [main](SignalRole::Main) child.
pub(super) fn pass_on(signal: i32, is_from_terminal: bool, mark: impl FnOnce()) -> bool {
    let children = children();
    mark();
    for (&id, entry) in &*children {
        if !is_from_terminal || entry.reach == Reach::Group {
            signals::send(signal, id, entry.reach);
        }
    }
    children
        .values()
        .any(|entry| entry.role == SignalRole::Main)
}

/// Waits until every child has ended. Children that take too long are ended by force.
pub(super) fn wait_for_all() {
    const PATIENCE: Duration = Duration::from_secs(10);
    let start = Instant::now();
    while !children().is_empty() && start.elapsed() < PATIENCE {
        sleep(Duration::from_millis(5));
    }
    kill_all();
}

/// Ends every child by force. Call this function only just before the kit ends. No child is started
/// afterwards: a thread that tries waits for the end.
pub(super) fn kill_all() {
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        let children = match CHILDREN.try_lock() {
            Ok(children) => children,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                // Another thread starts a child, or the thread that panics did so itself.
                sleep(Duration::from_millis(10));
                continue;
            }
        };
        for (&id, entry) in &*children {
            signals::send(signals::KILL, id, entry.reach);
        }
        mem::forget(children);
        return;
    }
}
