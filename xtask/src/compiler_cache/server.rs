//! Private servers of sccache: each listens at a socket in a private directory, writes a log there,
//! and ends with the kit.

use std::fs::File;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::process::Service;
use xtask_impact::{files, quote};

use super::counts::CacheCounts;
use super::log::{FILTER, Outcomes, outcomes};
use super::program::Sccache;

/// The name of the configuration file without a remote, in the directory of a private server.
pub(crate) const DISK_ALONE: &str = "disk.toml";

/// The configuration of a private server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ServerLevels {
    /// The user's own configuration, with its remote caches.
    Configured,
    /// The file [`DISK_ALONE`] in the directory of the server.
    DiskAlone,
}

/// A private server.
pub(crate) struct PrivateServer {
    /// The socket at which the server listens.
    pub socket: Utf8PathBuf,
    log: Utf8PathBuf,
    service: Option<Service>,
}

/// The longest path of a socket that every Unix system accepts.
const LONGEST: usize = 100;

impl PrivateServer {
    /// Starts a server in a private directory that holds [`DISK_ALONE`]. The server is not ready yet.
    ///
    /// # Errors
    /// Returns an error if the system has no Unix sockets, if sccache cannot be started, or if the
    /// directory's path is too long for a socket.
    pub(crate) fn start(
        sccache: &Sccache,
        directory: &Utf8Path,
        name: &str,
        levels: ServerLevels,
    ) -> Result<Self> {
        if !cfg!(unix) {
            bail!("private servers of sccache need Unix sockets");
        }
        let socket = directory.join(format!("{name}.sock"));
        if socket.as_str().len() > LONGEST {
            bail!("the path {} is too long for a socket", quote::name(&socket));
        }
        let log = directory.join(format!("{name}.log"));
        let mut command = match levels {
            ServerLevels::Configured => sccache.command(),
            ServerLevels::DiskAlone => {
                let mut command = sccache.bare_command();
                command.env("SCCACHE_CONF", directory.join(DISK_ALONE));
                command
            }
        };
        command
            .env_remove("SCCACHE_CLIENT_SIDE")
            .env_remove("SCCACHE_ERROR_LOG")
            .env("SCCACHE_START_SERVER", "1")
            .env("SCCACHE_NO_DAEMON", "1")
            .env("SCCACHE_SERVER_UDS", &socket)
            .env("SCCACHE_LOG", FILTER)
            // The kit has asked the remote itself. The check of sccache has no time limit.
            .env("SCCACHE_SKIP_CACHE_CHECK", "1")
            // If the kit is killed, the server ends by itself.
            .env("SCCACHE_IDLE_TIMEOUT", "600");
        let output = File::create(&log).with_context(|| format!("cannot create {log}"))?;
        let service = Service::start(&mut command, output)?;
        Ok(Self {
            socket,
            log,
            service: Some(service),
        })
    }

    /// Waits until the server is ready.
    ///
    /// # Errors
    /// Returns an error with the last lines of the log if the server ends, or if it is not ready in
    /// time.
    pub(crate) fn wait(&mut self) -> Result<()> {
        const TIME: Duration = Duration::from_secs(5);
        let start = Instant::now();
        while !accepts(&self.socket) {
            let has_ended = self.has_ended();
            if has_ended || start.elapsed() > TIME {
                let log = self.read_log();
                let lines: Vec<_> = log.lines().rev().take(3).collect();
                let lines: Vec<_> = lines.into_iter().rev().collect();
                bail!(
                    "the private server of sccache {}\n{}",
                    if has_ended {
                        "ended"
                    } else {
                        "is not ready in time"
                    },
                    quote::text(&lines.join("\n"))
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Returns true if the server has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.service.as_mut().is_none_or(Service::has_ended)
    }

    /// Ends the server at once. Clients that wait for it compile by themselves.
    pub(crate) fn kill(&mut self) {
        if let Some(service) = self.service.take() {
            service.kill();
        }
    }

    /// Returns the counts of a server that runs.
    ///
    /// # Errors
    /// Returns a message if the server does not answer.
    pub(crate) fn counts(&self, sccache: &Sccache) -> Result<CacheCounts, String> {
        Ok(sccache.report(Some(&self.socket))?.counts)
    }

    /// Stops the server, which first writes what it still holds.
    pub(crate) fn stop(&mut self, sccache: &Sccache) {
        if !self.has_ended() {
            sccache.stop(&self.socket);
            let end = Instant::now() + Duration::from_secs(2);
            while !self.has_ended() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        self.kill();
    }

    /// Returns the outcomes of each crate so far, from the server's log.
    pub(crate) fn outcomes(&self) -> Outcomes {
        outcomes(&self.read_log())
    }

    /// Does some work, and returns its result with the outcomes of each crate in the meantime.
    pub(crate) fn outcomes_during<T>(&self, work: impl FnOnce() -> T) -> (T, Outcomes) {
        let length = self.read_log().len();
        let result = work();
        let log = self.read_log();
        (result, outcomes(log.get(length..).unwrap_or_default()))
    }

    fn read_log(&self) -> String {
        let bytes = files::read(&self.log, files::LARGE).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(unix)]
fn accepts(socket: &Utf8Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

/// Private servers need Unix sockets.
#[cfg(not(unix))]
fn accepts(_: &Utf8Path) -> bool {
    false
}
