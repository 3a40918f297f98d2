//! The program sccache: where it is, and what its servers say.

use std::ffi::OsStr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::cargo_config::CargoConfig;
use xtask_impact::cargo_config::wrapper::Wrapper;
use xtask_impact::process;
use xtask_impact::process::Runner;

use super::counts::ServerReport;
use super::server;

/// The time in which sccache must answer a question about its server.
const LIMIT: Duration = Duration::from_secs(3);

/// An installed sccache.
#[derive(Clone)]
pub(crate) struct Sccache {
    /// The program.
    pub program: Utf8PathBuf,
    runner: Runner,
}

impl Sccache {
    /// Returns the sccache that cargo uses as its wrapper, or else the sccache on `PATH`. Returns
    /// `None` if neither exists.
    pub(crate) fn find(runner: &Runner, wrapper: Option<&Wrapper>) -> Option<Self> {
        let wrapper = wrapper.filter(|it| it.is_sccache()).map(|it| &it.program);
        let at_path = wrapper.filter(|it| it.components().count() > 1 && it.is_file());
        let program = at_path.cloned().or_else(|| runner.find("sccache"))?;
        Some(Self {
            program,
            runner: runner.clone(),
        })
    }

    /// Returns the sccache that cargo uses as its wrapper, or else the sccache on `PATH`.
    ///
    /// # Errors
    /// Returns an error if sccache is not installed, or if cargo's configuration cannot be read.
    pub(crate) fn required(runner: &Runner) -> Result<Self> {
        let wrapper = Wrapper::of(&CargoConfig::of(runner)?)?;
        Self::find(runner, wrapper.as_ref())
            .context("sccache is not installed\nhint: run `cargo install --locked sccache`")
    }

    /// Returns a command of sccache in the user's environment.
    pub(crate) fn command(&self) -> Command {
        self.runner.program(&self.program)
    }

    /// Returns a command of sccache in the user's environment, without the variables of sccache.
    pub(crate) fn bare_command(&self) -> Command {
        let mut command = self.command();
        for name in own_variables(&self.runner) {
            command.env_remove(name);
        }
        command
    }

    /// Returns the report of a server: of the private server at a socket, or of the user's own
    /// server. If no server runs, all counts are zero.
    ///
    /// # Errors
    /// Returns a message if sccache cannot be started, does not answer in time or prints no report.
    pub(crate) fn report(&self, socket: Option<&Utf8Path>) -> Result<ServerReport, String> {
        let said = self.ask(&["--show-stats", "--stats-format", "json"], socket)?;
        ServerReport::read(&said)
    }

    /// Stops the server at a socket. The server first writes what it still holds.
    pub(crate) fn stop(&self, socket: &Utf8Path) {
        if let Err(why) = self.ask(&["--stop-server"], Some(socket)) {
            log::info!("the private server of sccache did not stop: {why}");
        }
    }

    fn ask(&self, arguments: &[&str], socket: Option<&Utf8Path>) -> Result<String, String> {
        let mut command = match socket {
            Some(_) => self.bare_command(),
            None => self.command(),
        };
        command.args(arguments);
        if let Some(socket) = socket {
            command.env("SCCACHE_SERVER_UDS", socket);
            command.env("SCCACHE_CONF", socket.with_file_name(server::DISK_ALONE));
        }
        let ended = process::within(command, Vec::new(), Some(LIMIT), &|_| {});
        let ended = ended.map_err(|error| format!("{error:#}"))?;
        let said = String::from_utf8_lossy(&ended.output).into_owned();
        match (ended.out_of_time, ended.status.success()) {
            (true, _) => Err(format!("sccache does not answer within {LIMIT:?}")),
            (_, false) => Err(said.trim().to_owned()),
            _ => Ok(said),
        }
    }
}

/// Returns the names of the variables of sccache in a runner's environment.
pub(crate) fn own_variables(runner: &Runner) -> Vec<String> {
    let is_own = |name: &OsStr| name.to_str().is_some_and(|it| it.starts_with("SCCACHE_"));
    let names = runner.environment().map(|(name, _)| name);
    let own = names.filter(|name| is_own(name));
    own.filter_map(|name| name.into_string().ok()).collect()
}
