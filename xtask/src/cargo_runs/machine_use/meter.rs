//! Measures the machine while a build runs.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use xtask_impact::process;
use xtask_impact::process::Runner;

use super::MachineUse;
use super::proc::{self, CoreTicks};
use crate::cargo_runs::build_times::round;

/// The time between two samples of the machine.
const SAMPLE: Duration = Duration::from_millis(250);

/// The part of a core below which idle time counts as none, because the system counts in ticks.
const IDLE: f64 = 0.1;

/// A measurement that has begun.
pub(crate) struct MachineMeter {
    samples: Arc<Mutex<Samples>>,
    sampler: JoinHandle<()>,
    stop: mpsc::Sender<()>,
    cpu: Option<f64>,
    served: Option<f64>,
    load_before: Option<f64>,
    runner: Runner,
}

/// The samples since the start, or since the wait for a lock ended.
struct Samples {
    since: Instant,
    first: Option<CoreTicks>,
    last: Option<CoreTicks>,
    at: Instant,
    without_idle_core: f64,
}

impl MachineMeter {
    /// Starts to measure. `server` names the program that works for the build without being its
    /// descendant: the server of a compiler cache.
    pub(crate) fn start(runner: &Runner, server: Option<&'static str>) -> Self {
        let samples = Arc::new(Mutex::new(Samples::start()));
        let (stop, stopped) = mpsc::channel();
        let shared = Arc::clone(&samples);
        let sampler = thread::spawn(move || {
            while stopped.recv_timeout(SAMPLE) == Err(RecvTimeoutError::Timeout) {
                locked(&shared).sample();
            }
        });
        Self {
            samples,
            sampler,
            stop,
            cpu: process::cpu_seconds(),
            served: server.map(proc::seconds_of),
            load_before: proc::load(runner),
            runner: runner.clone(),
        }
    }

    /// Returns a handle for the end of a wait.
    pub(crate) fn restarter(&self) -> Restarter {
        Restarter(Arc::clone(&self.samples))
    }

    /// Ends the measurement. `server` is the name that the start had.
    pub(crate) fn end(self, server: Option<&'static str>) -> MachineUse {
        drop(self.stop);
        drop(self.sampler.join());
        let mut samples = locked(&self.samples);
        samples.sample();
        let now = process::cpu_seconds();
        let own = now.zip(self.cpu).map(|(now, before)| now - before);
        let served = server.map(proc::seconds_of).zip(self.served);
        // The time of a server that ended in the meantime is not known.
        let served = served.map_or(0.0, |(now, before)| (now - before).max(0.0));
        let cpu = own.map(|own| round(own + served));
        let busy = samples.busy();
        MachineUse {
            wall: round(samples.at.duration_since(samples.since).as_secs_f64()),
            cpu,
            other_cpu: busy
                .zip(cpu)
                .map(|(busy, cpu)| round((busy - cpu).max(0.0))),
            without_idle_core: busy.map(|_| round(samples.without_idle_core)),
            usable: 0.0,
            cores: samples.last.map_or_else(cores, |last| last.cores),
            load_before: self.load_before,
            load_after: proc::load(&self.runner),
        }
    }
}

/// A handle that forgets the samples so far.
pub(crate) struct Restarter(Arc<Mutex<Samples>>);

impl Restarter {
    /// Forgets the samples so far: cargo waited for another cargo, which had the machine.
    pub(crate) fn restart(&self) {
        *locked(&self.0) = Samples::start();
    }
}

impl Samples {
    fn start() -> Self {
        let (now, ticks) = (Instant::now(), proc::ticks());
        Self {
            since: now,
            first: ticks,
            last: ticks,
            at: now,
            without_idle_core: 0.0,
        }
    }

    fn sample(&mut self) {
        let (now, ticks) = (Instant::now(), proc::ticks());
        let seconds = now.duration_since(self.at).as_secs_f64();
        if let Some((last, ticks)) = self.last.zip(ticks)
            && last.idle_cores(&ticks).is_some_and(|idle| idle < IDLE)
        {
            self.without_idle_core += seconds;
        }
        (self.at, self.last) = (now, ticks);
    }

    /// Returns the busy core time since the start, in seconds.
    fn busy(&self) -> Option<f64> {
        let (first, last) = (self.first?, self.last?);
        let idle = first.idle_cores(&last)?;
        let seconds = self.at.duration_since(self.since).as_secs_f64();
        Some((last.cores as f64 - idle) * seconds)
    }
}

impl CoreTicks {
    /// Returns the average number of idle cores until a later sample. `None` without a tick.
    pub(super) fn idle_cores(&self, later: &Self) -> Option<f64> {
        let (busy, idle) = (later.busy - self.busy, later.idle - self.idle);
        let all = busy + idle;
        (all > 0.0).then(|| (idle / all).clamp(0.0, 1.0) * later.cores as f64)
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, Into::into)
}

fn locked(samples: &Mutex<Samples>) -> MutexGuard<'_, Samples> {
    samples.lock().unwrap_or_else(PoisonError::into_inner)
}
