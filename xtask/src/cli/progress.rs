//! A line on the terminal for work that takes longer than a second.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::output;

/// The time after which the line appears.
const DELAY: Duration = Duration::from_secs(1);

/// Does some work. If the work takes longer than a second, a line on the terminal shows the current
/// action and its time. What the work prints overwrites the line. The work must not start a program
/// that prints to the terminal, and must not show progress itself.
pub(crate) fn during<T>(verb: &str, object: &str, work: impl FnOnce() -> T) -> T {
    if !output::shows_progress() {
        return work();
    }
    let end = End::default();
    thread::scope(|scope| {
        scope.spawn(|| end.show(verb, object, Instant::now()));
        // Dropped also if the work panics.
        let _signal = Signal(&end);
        work()
    })
}

/// The end of the work, for the thread that shows the line.
#[derive(Default)]
struct End {
    has_come: Mutex<bool>,
    signal: Condvar,
}

impl End {
    /// Shows the line until the end of the work, and removes the line then.
    fn show(&self, verb: &str, object: &str, start: Instant) {
        let mut wait = DELAY;
        let mut is_shown = false;
        loop {
            let has_come = self.has_come.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.signal.wait_timeout_while(has_come, wait, |it| !*it);
            let (has_come, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if *has_come {
                if is_shown {
                    output::clear_line();
                }
                return;
            }
            output::overwrite(&line(verb, object, start.elapsed()));
            is_shown = true;
            wait = Duration::from_millis(200);
        }
    }
}

/// Ends the line when the value is dropped.
struct Signal<'a>(&'a End);

impl Drop for Signal<'_> {
    fn drop(&mut self) {
        *self
            .0
            .has_come
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.0.signal.notify_all();
    }
}

fn line(verb: &str, object: &str, time: Duration) -> String {
    format!("{} {object} ({}s)", output::column(verb), time.as_secs())
}

#[test]
fn the_thread_ends_with_the_work() {
    let end = End::default();
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| end.show("Finding", "x", start));
        drop(Signal(&end));
    });
    assert!(start.elapsed() < DELAY);
    let shown = line("Finding", "what is affected", Duration::from_millis(2_900));
    let plain = anstream::adapter::strip_str(&shown).to_string();
    assert_eq!(plain, "     Finding what is affected (2s)");
}
