//! The builds of a probe: with a private server, and in target directories of their own.

use std::ffi::OsString;
use std::fs;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::Message;
use serde::Serialize;
use xtask_impact::private_dir::TemporaryDir;
use xtask_impact::process::Runner;
use xtask_impact::quote;
use xtask_impact::workspace::Workspace;

use crate::cache::status::CacheShares;
use crate::cargo_runs;
use crate::cli::output;
use crate::compiler_cache::counts::CacheCounts;
use crate::compiler_cache::log::Outcomes;
use crate::compiler_cache::program::{Sccache, own_variables};
use crate::compiler_cache::server::{DISK_ALONE, PrivateServer, ServerLevels};
use crate::compiler_cache::settings::CacheSettings;
use crate::selection::locked;

/// One build of a probe.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct ProbeBuild {
    /// The name: `cold`, `warm` or `other path`.
    pub name: &'static str,
    /// The counts.
    pub counts: CacheCounts,
    /// The shares of the counts.
    #[serde(flatten)]
    pub shares: CacheShares,
    /// The time of the build, in seconds.
    pub seconds: f64,
    /// The outcomes of each crate.
    #[serde(skip)]
    pub outcomes: Outcomes,
}

/// A private server with an empty cache, and the directories of builds.
pub(super) struct ProbeBuilder {
    /// A private directory outside the work tree.
    pub directory: TemporaryDir,
    /// The names of the variables of this shell that sccache hashes.
    pub hashed: Vec<String>,
    /// The server.
    pub server: PrivateServer,
    sccache: Sccache,
    own_variables: Vec<String>,
    arguments: Vec<String>,
    has_build_directory: bool,
}

impl ProbeBuilder {
    /// Starts the server.
    pub(super) fn start(
        runner: &Runner,
        workspace: &Workspace,
        sccache: &Sccache,
        arguments: &[String],
    ) -> Result<Self> {
        let directory = TemporaryDir::outside(&workspace.root)?;
        let private = directory.path();
        let settings = CacheSettings {
            directory: Some(private.join("cache").into_string()),
            ..CacheSettings::default()
        };
        fs::write(private.join(DISK_ALONE), settings.disk_alone())?;
        let mut server = PrivateServer::start(sccache, private, "probe", ServerLevels::DiskAlone)?;
        server.wait()?;
        Ok(Self {
            hashed: hashed(runner),
            sccache: sccache.clone(),
            server,
            own_variables: own_variables(runner),
            arguments: locked(arguments.to_vec()),
            has_build_directory: workspace.build_directory != workspace.target_directory,
            directory,
        })
    }

    /// Returns a runner without the variables that sccache hashes. Variables without which cargo
    /// does not find packages are kept.
    pub(super) fn clean(&self, runner: &Runner) -> Runner {
        let removed = self.hashed.iter().filter(|name| !is_needed(name));
        removed.fold(runner.clone(), |runner, name| runner.without_variable(name))
    }

    /// Builds into the target directory of this name, and returns what the cache did.
    ///
    /// # Errors
    /// Returns an error if the build fails. Cargo's output is printed.
    pub(super) fn build(&self, name: &'static str, runner: &Runner) -> Result<ProbeBuild> {
        let (built, _) = self.observe(name, runner)?;
        Ok(built)
    }

    /// Builds into the target directory again, and returns the units that were not fresh.
    ///
    /// # Errors
    /// Returns an error if the build fails.
    pub(super) fn again(&self, name: &'static str, runner: &Runner) -> Result<Vec<String>> {
        let (_, messages) = self.observe(name, runner)?;
        let mut again = Vec::new();
        for message in messages {
            if let Message::CompilerArtifact(artifact) = message
                && !artifact.fresh
            {
                again.push(artifact.target.name);
            }
        }
        again.sort();
        Ok(again)
    }

    fn observe(&self, name: &'static str, runner: &Runner) -> Result<(ProbeBuild, Vec<Message>)> {
        output::status("Building", format_args!("for the probe: {name}"));
        let target = self.target(name);
        let mut command = runner.cargo();
        command
            .args(&self.arguments)
            .args(["--target-dir", target.as_str()]);
        if self.has_build_directory {
            let setting = toml::Value::from(target.as_str());
            command.args(["--config", &format!("build.build-dir={setting}")]);
        }
        self.wrap(&mut command);
        let (timed, outcomes) = self.server.outcomes_during(|| {
            let start = Instant::now();
            cargo_runs::observe(&mut command).map(|observed| (observed, start.elapsed()))
        });
        let ((messages, said, status), time) = timed?;
        if !status.success() {
            output::plain(said.trim_end());
            bail!(
                "the build `{name}` failed; see the output of cargo above\nhint: variables of this \
                 shell that sccache hashes: {}",
                quote::line(&self.hashed.join(", "))
            );
        }
        let seconds = (time.as_secs_f64() * 100.0).round() / 100.0;
        let counts = CacheCounts::of(&outcomes);
        let built = ProbeBuild {
            name,
            shares: CacheShares::of(&counts),
            counts,
            seconds,
            outcomes,
        };
        Ok((built, messages))
    }

    /// Makes a cargo use the private server.
    pub(super) fn wrap(&self, command: &mut Command) {
        for name in &self.own_variables {
            command.env_remove(name);
        }
        command
            .env("RUSTC_WRAPPER", &self.sccache.program)
            .env(
                "SCCACHE_CONF",
                self.server.socket.with_file_name(DISK_ALONE),
            )
            .env("SCCACHE_SERVER_UDS", &self.server.socket);
    }

    /// Removes a target directory that is no longer needed.
    pub(super) fn remove_target(&self, name: &str) {
        drop(fs::remove_dir_all(self.target(name)));
    }

    fn target(&self, name: &str) -> Utf8PathBuf {
        self.directory
            .path()
            .join("target")
            .join(name.replace(' ', "-"))
    }

    /// Returns the private directory.
    pub(super) fn path(&self) -> &Utf8Path {
        self.directory.path()
    }
}

/// Variables that begin with `CARGO_` and are no part of sccache's keys.
const NOT_HASHED: [&str; 4] = [
    "CARGO_MAKEFLAGS",
    "CARGO_REGISTRIES_",
    "CARGO_BUILD_JOBS",
    "CARGO_ENCODED_RUSTFLAGS",
];

/// Returns the names of a runner's variables that sccache hashes. The usual `CARGO_HOME`, which rustup
/// sets, is left out.
pub(super) fn hashed(runner: &Runner) -> Vec<String> {
    let usual = std::env::home_dir().map(|home| home.join(".cargo").into_os_string());
    let is_usual =
        |name: &OsString, value: &OsString| name == "CARGO_HOME" && usual.as_ref() == Some(value);
    let variables = runner
        .environment()
        .filter(|(name, value)| !is_usual(name, value));
    let names = variables.filter_map(|(name, _)| name.into_string().ok());
    let is_hashed = |name: &String| {
        name.starts_with("CARGO_") && !NOT_HASHED.iter().any(|other| name.starts_with(other))
    };
    let mut names: Vec<_> = names.filter(is_hashed).collect();
    names.sort();
    names
}

/// Returns true if cargo may not find packages without a variable. Every build of the probe has such
/// a variable, so the variable is not the cause of a miss.
pub(super) fn is_needed(name: &str) -> bool {
    let needed = [
        "CARGO_HOME",
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTRY_",
        "CARGO_SOURCE_",
    ];
    needed.iter().any(|it| name.starts_with(it))
}
