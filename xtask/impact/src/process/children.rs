//! The children that the kit has started and that have not ended: a signal is passed on to them,
//! and none outlives the kit.

use std::collections::BTreeMap;
use std::mem;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::{cannot_start, shown, signals};

/// The part of a child in the end of the kit by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalRole {
    /// The kit ends as soon as the child has ended.
    Helper,
    /// The kit does on the user's behalf what the child does: its status becomes the kit's.
    Main,
}

/// The processes that a signal for a child is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The child, and its descendants where the system lists them. A terminal reaches them itself,
    /// since they are in the kit's process group.
    Descendants,
    /// The child's own process group.
    Group,
}

#[derive(Clone, Copy)]
struct ChildEntry {
    role: SignalRole,
    reach: Reach,
}

/// A child that has not been waited for. One that is dropped so is stopped.
pub(super) struct RunningChild {
    child: Option<Child>,
    id: u32,
    entry: ChildEntry,
    shown: String,
}

impl RunningChild {
    /// Starts a child. After a signal none is started: the kit ends instead.
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
        let child = command.spawn().with_context(|| cannot_start(command))?;
        let (id, entry) = (child.id(), ChildEntry { role, reach });
        children.insert(id, entry);
        Ok(Self {
            child: Some(child),
            id,
            entry,
            shown: shown(command),
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
        let is_told = status.as_ref().is_ok_and(signals::is_told_to_end);
        self.ended(status, is_told)
    }

    /// Waits for the end of the child, and gives what it printed.
    pub(super) fn wait_with_output(mut self) -> Result<Output> {
        let output = self.child.take().map(Child::wait_with_output);
        let output = output.unwrap_or_else(|| Err(std::io::ErrorKind::NotFound.into()));
        let is_told = output
            .as_ref()
            .is_ok_and(|it| signals::is_told_to_end(&it.status));
        self.ended(output, is_told)
    }

    /// The status of the child, if it has ended.
    pub(super) fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.as_mut().map(Child::try_wait).transpose();
        status
            .map(Option::flatten)
            .with_context(|| format!("waiting for {}", self.shown))
    }

    /// Stops the child, by force where it does not end in time.
    pub(super) fn stop(mut self) -> Result<ExitStatus> {
        self.interrupt()
            .with_context(|| format!("stopping {}", self.shown))
    }

    /// Returns the result of a child that has ended; `is_told` where a signal told it to end.
    fn ended<T>(self, result: std::io::Result<T>, is_told: bool) -> Result<T> {
        let (role, shown) = (self.entry.role, self.shown.clone());
        drop(self);
        if role == SignalRole::Helper {
            // A signal for the whole process group may end the child before the kit hears of it.
            if is_told {
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

/// Marks that a signal was received, between the starts of two children, and sends it to every child
/// that did not receive it from the terminal. Gives whether one of them is the [main](Role::Main)
/// child.
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

/// Waits until every child has ended; ends by force those that take too long.
pub(super) fn wait_for_all() {
    const PATIENCE: Duration = Duration::from_secs(10);
    let start = Instant::now();
    while !children().is_empty() && start.elapsed() < PATIENCE {
        sleep(Duration::from_millis(5));
    }
    kill_all();
}

/// Ends every child by force, before the kit ends: none is started after that, whoever tries waits
/// for the end.
pub(super) fn kill_all() {
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        let children = match CHILDREN.try_lock() {
            Ok(children) => children,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                // Another thread starts a child. The thread that panics may be that thread.
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
