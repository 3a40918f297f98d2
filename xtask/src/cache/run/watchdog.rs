//! The watchdog of a build: asks the remote cache whether it answers, and removes a server from the
//! build if it fails.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use camino::Utf8PathBuf;

use super::record::CachedRun;
use super::wrapper;
use crate::cli::output;
use crate::compiler_cache::counts::CacheCounts;
use crate::compiler_cache::log::Outcomes;
use crate::compiler_cache::program::Sccache;
use crate::compiler_cache::remote::Remote;
use crate::compiler_cache::server::PrivateServer;

/// The time between two questions to the remote cache.
const INTERVAL: Duration = Duration::from_millis(200);

/// The servers of a build.
pub(super) struct Watchdog {
    pub(super) directory: Utf8PathBuf,
    pub(super) remotes: Vec<Remote>,
    /// The server with the remote caches; `None` if the remote did not answer at the start.
    pub(super) remote: Option<PrivateServer>,
    pub(super) disk: PrivateServer,
    /// The reason why the remote failed during the build.
    pub(super) lost: Option<String>,
}

/// Returns the reason why one of the remotes cannot be used. The remotes are asked twice: on a busy
/// machine one answer may be late.
pub(super) fn unanswered(remotes: &[Remote]) -> Option<String> {
    let ask = || remotes.iter().find_map(|it| it.ping().err());
    ask().and_then(|_| ask())
}

impl Watchdog {
    /// Watches the servers until the sender of `end` is dropped.
    pub(super) fn watch(&mut self, end: &Receiver<()>) {
        let mut has_cache = true;
        while end.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            if self.lost.is_none()
                && let Some(why) = self.fault()
            {
                self.lose(why);
            }
            if has_cache && self.disk.has_ended() {
                has_cache = false;
                self.give_up();
            }
        }
    }

    /// Returns the reason why the remote can no longer be used.
    fn fault(&mut self) -> Option<String> {
        let remote = self.remote.as_mut()?;
        if remote.has_ended() {
            return Some("the private server of sccache ended".to_owned());
        }
        unanswered(&self.remotes)
    }

    /// Sends all further compilations to the server for the disk, and lets waiting compilations
    /// continue.
    fn lose(&mut self, why: String) {
        // The file comes first: a compilation that is freed must find it.
        if wrapper::use_disk_alone(&self.directory).is_err() {
            self.give_up();
        }
        if let Some(remote) = &mut self.remote {
            remote.kill();
        }
        output::warning(format_args!(
            "the remote cache failed, so the build continues with the disk: {why}"
        ));
        self.lost = Some(why);
    }

    /// Makes all further compilations start rustc itself.
    fn give_up(&mut self) {
        let written = wrapper::use_no_cache(&self.directory);
        output::warning(match written {
            Ok(()) => "the private server of sccache ended, so the build continues without a cache",
            Err(_) => "the private server of sccache ended, and its directory cannot be written",
        });
    }

    /// Stops the servers, and returns the record of the build.
    pub(super) fn finish(mut self, sccache: &Sccache) -> CachedRun {
        let mut counts = CacheCounts::default();
        let mut crates = Outcomes::new();
        let servers = self.remote.iter_mut().chain([&mut self.disk]);
        for server in servers {
            let outcomes = server.outcomes();
            if server.has_ended() {
                // A server that was stopped does not report its counts, but its log remains.
                counts.add(&CacheCounts::of(&outcomes));
            } else {
                counts.add(&server.counts(sccache).unwrap_or_default());
            }
            for (name, outcomes) in outcomes {
                crates.entry(name).or_default().extend(outcomes);
            }
            server.stop(sccache);
        }
        // A client that found no server may have started one at the socket of the lost server.
        if let Some(remote) = &self.remote
            && self.lost.is_some()
        {
            sccache.stop(&remote.socket);
        }
        CachedRun {
            counts,
            crates,
            remotes: self.remotes.iter().map(|it| it.name.clone()).collect(),
            lost: self.lost,
            used_remote: self.remote.is_some(),
        }
    }
}
