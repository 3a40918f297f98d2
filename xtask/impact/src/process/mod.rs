//! The only module that starts other programs.
//!
//! Commands are built with [`xshell`]. Their environment lacks everything that `cargo run` leaks
//! into its child, so that a cargo started by the kit sees the same environment as a cargo started
//! by the user.

mod children;
mod cpu;
mod inherited;
mod interrupt;
mod run;
mod service;
mod signals;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::semver::Version;
pub use cpu::cpu_seconds;
use inherited::{LIBRARY_PATHS, Leaks, without_cargos_own};
pub use interrupt::{Ended, instead, interruptible, with_toolchain, within};
pub use run::{
    checked, output, output_with_input, shown, status, status_with_input, stream, stream_both,
    succeeded,
};
pub use service::Service;
pub use signals::{clean_up_at_the_end, received as signal_received, status_of};
use xshell::Shell;

/// Flags of cargo that hold for every question that a runner asks cargo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CargoFlags {
    /// The values of `--config`: each is `KEY=VALUE` or the absolute path of a file.
    pub config: Vec<String>,
    /// The absolute path of `--target-dir`.
    pub target_dir: Option<Utf8PathBuf>,
}

/// A runner: the directory and the cleaned environment in which programs start.
#[derive(Clone)]
pub struct Runner {
    shell: Shell,
    /// Variables of the kit's own environment that children do not get.
    leaked: Vec<OsString>,
    /// The values of `LD_LIBRARY_PATH` and similar variables before `cargo run` added its own
    /// directories.
    library_paths: Vec<(&'static str, OsString)>,
    cargo: OsString,
    /// The repository and the work tree that the kit passes to git, as absolute paths. `None` if
    /// git finds them by the directory.
    repository: Option<(OsString, Option<OsString>)>,
    flags: CargoFlags,
}

impl Runner {
    /// Returns a runner for the kit's own current directory.
    ///
    /// # Errors
    /// Returns an error if the current directory cannot be read.
    pub fn new() -> Result<Self> {
        let shell = Shell::new().context("cannot read the current directory")?;
        let environment = Leaks::of(&|name| std::env::var_os(name));
        let leaked = std::env::vars_os()
            .map(|(name, _)| name)
            .filter(|name| name.to_str().is_some_and(|name| environment.leaks(name)))
            .collect();
        let library_paths = LIBRARY_PATHS
            .into_iter()
            .filter(|_| environment.under_cargo)
            .filter_map(|name| Some((name, without_cargos_own(&std::env::var_os(name)?))))
            .collect();
        Ok(Self {
            shell,
            leaked,
            library_paths,
            cargo: environment.cargo,
            repository: None,
            flags: CargoFlags::default(),
        })
    }

    /// Returns a runner with the same environment in another directory.
    #[must_use]
    pub fn in_directory(&self, directory: impl AsRef<Path>) -> Self {
        Self {
            shell: self.shell.with_current_dir(directory),
            ..self.clone()
        }
    }

    /// Returns a runner that sets a variable for every program.
    #[must_use]
    pub fn with_variable(&self, name: &str, value: impl AsRef<OsStr>) -> Self {
        Self {
            shell: self.shell.with_var(name, value),
            ..self.clone()
        }
    }

    /// Returns a runner that removes a variable for every program.
    #[must_use]
    pub fn without_variable(&self, name: &str) -> Self {
        let mut this = self.clone();
        this.leaked.push(name.into());
        this
    }

    /// Returns a runner whose questions to cargo have these flags.
    #[must_use]
    pub fn with_cargo_flags(&self, flags: CargoFlags) -> Self {
        Self {
            flags,
            ..self.clone()
        }
    }

    /// Returns the flags of the questions to cargo.
    pub fn cargo_flags(&self) -> &CargoFlags {
        &self.flags
    }

    /// Returns a runner with which git uses the repository of `GIT_DIR` and the work tree of
    /// `GIT_WORK_TREE`. Returns `None` if `GIT_DIR` is not set.
    pub fn with_named_repository(&self) -> Option<Self> {
        let absolute = |name| Some(std::path::absolute(std::env::var_os(name)?).ok()?.into());
        let repository = (absolute("GIT_DIR")?, absolute("GIT_WORK_TREE"));
        Some(Self {
            repository: Some(repository),
            ..self.clone()
        })
    }

    /// Returns a runner with another work tree for a named repository.
    #[must_use]
    pub fn with_work_tree(&self, top: &Utf8Path) -> Self {
        let mut this = self.clone();
        if let Some((_, work_tree)) = &mut this.repository {
            *work_tree = Some(top.as_os_str().to_owned());
        }
        this
    }

    /// Returns a runner whose git finds the repository by the directory.
    #[must_use]
    pub fn without_named_repository(&self) -> Self {
        Self {
            repository: None,
            ..self.clone()
        }
    }

    /// Returns the directory in which programs start.
    pub fn directory(&self) -> &Path {
        self.shell.current_dir()
    }

    /// Returns a command for the cargo that the user's own shell would start here.
    pub fn cargo(&self) -> Command {
        self.program(&self.cargo)
    }

    /// Returns the values of `--config` as arguments for cargo.
    pub fn config_args(&self) -> Vec<String> {
        let values = self.flags.config.iter();
        values
            .flat_map(|value| ["--config".to_owned(), value.clone()])
            .collect()
    }

    /// Returns a command for any program. The `GIT_*` variables that git sets for its hooks are
    /// removed, since they would mislead the git that cargo starts.
    pub fn program(&self, name: impl AsRef<OsStr>) -> Command {
        let mut command = self.command(name.as_ref());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("GIT_")) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Returns the environment of the programs that the runner starts.
    pub fn environment(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let variables = self.shell.vars_os().into_iter();
        variables.filter(|(name, _)| !self.leaked.contains(name))
    }

    /// Returns the file on `PATH` with a program's name.
    pub fn find(&self, name: &str) -> Option<Utf8PathBuf> {
        let path = std::env::var_os("PATH")?;
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let found = std::env::split_paths(&path).map(|directory| directory.join(&file));
        found
            .filter(|file| file.is_file())
            .find_map(|file| Utf8PathBuf::try_from(file).ok())
    }

    /// Returns a command for a hook of the user, with all variables that git set for the hook.
    pub fn hook(&self, path: &Utf8Path) -> Command {
        if cfg!(windows) {
            // Windows cannot start scripts, but git installs a shell.
            let mut command = self.command(OsStr::new("sh"));
            command.arg(path);
            return command;
        }
        self.command(path.as_ref())
    }

    /// Returns the version of cargo; `None` if cargo does not start or prints no version.
    pub fn cargo_version(&self) -> Option<Version> {
        let said = checked(self.cargo().arg("--version")).ok()?;
        version_in(&String::from_utf8_lossy(&said))
    }

    /// Returns a command for the rustc that cargo would choose from the environment.
    pub fn rustc(&self) -> Command {
        let named = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        self.command(&named)
    }

    /// Returns a command for git. Git finds the repository by the directory, or uses the repository
    /// that this runner names. `GIT_DIR` and similar variables, which hooks set, are removed, since
    /// they would override the directory. `GIT_INDEX_FILE` is kept, since during `git commit -a` it
    /// names the index that is going to be committed.
    pub fn git(&self) -> Command {
        let mut command = self.command(OsStr::new("git"));
        for name in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_PREFIX",
            "GIT_EXTERNAL_DIFF",
        ] {
            command.env_remove(name);
        }
        if let Some((directory, work_tree)) = &self.repository {
            command.env("GIT_DIR", directory);
            if let Some(work_tree) = work_tree {
                command.env("GIT_WORK_TREE", work_tree);
            }
        }
        // A query must not hold the index lock while the user's own git needs the lock.
        command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        command
    }

    fn command(&self, program: &OsStr) -> Command {
        let mut command = self.shell.cmd(program).to_command();
        for name in &self.leaked {
            command.env_remove(name);
        }
        for (name, value) in &self.library_paths {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        command
    }
}

/// Returns the version in the output of `cargo --version`, for instance
/// `cargo 1.95.0 (f2d3ce0bd 2026-03-21)`.
pub fn version_in(text: &str) -> Option<Version> {
    Version::parse(text.split_whitespace().nth(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_the_variables_that_programs_get() {
        let runner = Runner::new().unwrap().with_variable("XTASK_SET", "1");
        let set = |runner: &Runner| {
            let mut variables = runner.environment();
            variables.any(|it| it == ("XTASK_SET".into(), "1".into()))
        };
        assert!(set(&runner));
        assert!(set(&runner.in_directory("/")));
        assert!(!set(&runner.without_variable("XTASK_SET")));
    }
}
