//! `cache run`: starts cargo with two private servers of sccache, and watches the remote cache.
//!
//! One server has the user's configuration, the other server uses only the disk. The kit's own
//! wrapper sends each compilation to the first server, or to the second one after a file says so. A
//! watchdog asks the remote cache in its own protocol. When the remote fails, the watchdog writes
//! the file and ends the first server, so that waiting compilations go on without the cache.

mod record;
mod watchdog;
mod wrapper;

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use xtask_impact::private_dir::TemporaryDir;
use xtask_impact::process::Runner;

pub(super) use self::record::{CachedRun, last};
use self::watchdog::{Watchdog, unanswered};
use crate::cargo_runs;
use crate::cli::args::BuildFlags;
use crate::cli::output;
use crate::cli::status::Status;
use crate::compiler_cache::program::Sccache;
use crate::compiler_cache::server::{DISK_ALONE, PrivateServer, ServerLevels};
use crate::compiler_cache::settings::CacheSettings;

/// Arguments of `cache run`.
#[derive(Debug, clap::Args)]
pub(crate) struct CacheRunArgs {
    #[command(flatten)]
    flags: BuildFlags,
    /// Run cargo with these arguments, for example `cache run -- build --release`
    #[arg(last = true, required = true, value_name = "CARGO ARGS", help_heading = None::<&str>)]
    cargo_args: Vec<String>,
}

impl CacheRunArgs {
    /// Returns the arguments of cargo: its command, the flags of the kit, and the other arguments.
    fn words(&self) -> Vec<String> {
        // A toolchain, as in `+nightly build`, stands before the command.
        let command = self.cargo_args.iter().position(|it| !it.starts_with('+'));
        let at = command.map_or(self.cargo_args.len(), |at| at + 1);
        let (command, rest) = self.cargo_args.split_at(at);
        [command, &self.flags.forwarded(), rest].concat()
    }
}

/// Runs cargo. The build does not fail because of the cache.
///
/// # Errors
/// Returns an error if cargo cannot be started.
pub(crate) fn run(args: &CacheRunArgs) -> Result<Status> {
    let runner = Runner::new()?;
    let mut cargo = runner.cargo();
    cargo.args(args.words());
    let build = match CachedBuild::start(&runner) {
        Ok(build) => build,
        Err(error) => {
            output::warning(format_args!(
                "the build runs without a compiler cache: {error:#}"
            ));
            // An empty wrapper overrides the wrapper of the configuration.
            cargo.env("RUSTC_WRAPPER", "");
            return cargo_runs::interruptible(&mut cargo);
        }
    };
    cargo.env("RUSTC_WRAPPER", build.directory.path().join(wrapper::NAME));
    let (status, record) = build.watch(|| cargo_runs::interruptible(&mut cargo))?;
    output::status("Cached", record.counts.line());
    record.keep(&runner);
    Ok(status)
}

/// A build with private servers.
struct CachedBuild {
    sccache: Sccache,
    directory: TemporaryDir,
    watchdog: Watchdog,
}

impl CachedBuild {
    /// Starts the private servers. If the remote cache does not answer, a warning says so, and only
    /// the server for the disk is started.
    fn start(runner: &Runner) -> Result<Self> {
        let sccache = Sccache::required(runner)?;
        let settings = CacheSettings::of(runner)?;
        let here = Utf8Path::from_path(runner.directory());
        let here = here.context("the current directory's path is not UTF-8")?;
        let directory = TemporaryDir::outside(here)?;
        let private = directory.path();
        std::fs::write(private.join(DISK_ALONE), settings.disk_alone())?;
        wrapper::write(private, &sccache.program, runner)?;
        let mut disk = PrivateServer::start(&sccache, private, "disk", ServerLevels::DiskAlone)?;
        let mut remote = None;
        let failing = unanswered(&settings.remotes);
        match (failing, settings.remotes.is_empty()) {
            (Some(why), _) => output::warning(format_args!(
                "the remote cache does not answer, so the build uses only the disk: {why}"
            )),
            (None, true) => {}
            (None, false) => {
                let start =
                    PrivateServer::start(&sccache, private, "remote", ServerLevels::Configured);
                let ready = start.and_then(|mut server| server.wait().map(|()| server));
                match ready {
                    Ok(server) => remote = Some(server),
                    Err(error) => {
                        output::warning(format_args!("the build uses only the disk: {error:#}"))
                    }
                }
            }
        }
        disk.wait()?;
        if remote.is_none() {
            wrapper::use_disk_alone(private)?;
        }
        let private = private.to_owned();
        Ok(Self {
            sccache,
            directory,
            watchdog: Watchdog {
                directory: private,
                remotes: settings.remotes,
                remote,
                disk,
                lost: None,
            },
        })
    }

    /// Runs a build under the watchdog, and returns its result with the record of the cache.
    fn watch<T>(mut self, build: impl FnOnce() -> Result<T>) -> Result<(T, CachedRun)> {
        let (end, ended) = std::sync::mpsc::channel();
        let watchdog = &mut self.watchdog;
        let result = std::thread::scope(|scope| {
            scope.spawn(move || watchdog.watch(&ended));
            let result = build();
            drop(end);
            result
        });
        let record = self.watchdog.finish(&self.sccache);
        Ok((result?, record))
    }
}
