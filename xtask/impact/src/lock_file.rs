//! The lock file of a workspace, and cargo queries that never write the lock file.
//!
//! Cargo updates a stale lock file whenever it resolves, even in `cargo metadata`. Therefore the
//! kit runs cargo with `--locked`. If this fails because the lock file is stale or missing, the kit
//! runs cargo again with a copy of the lock file in a private directory. `resolver.lockfile-path`
//! makes cargo use the copy. Cargo 1.95 and 1.96 support this key as an unstable option.

use std::fs;
use std::process::{Command, Output};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::cargo_config::CargoConfig;
use crate::cargo_config::wrapper::asking_cargo;
use crate::paths::resolved;
use crate::private_dir::TemporaryDir;
use crate::process::{self, Runner};
use crate::{files, quote, usage};

/// The variable that tells cargo the path of the lock file.
pub const VARIABLE: &str = "CARGO_RESOLVER_LOCKFILE_PATH";

/// The lock file of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockFile {
    /// The path of the lock file, which may be a symbolic link.
    pub path: Utf8PathBuf,
    /// The state of the lock file when cargo was run.
    pub state: LockState,
}

/// The relation of a lock file to the manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockState {
    /// The lock file fits the manifests: `--locked` succeeds.
    Current,
    /// Cargo would rewrite the lock file.
    Stale,
    /// Cargo would create the lock file.
    Missing,
}

impl LockFile {
    /// Returns the path of the lock file in the workspace with this root, for the cargo that the
    /// runner starts. Cargo reads `resolver.lockfile-path` from 1.97 on.
    pub fn path(runner: &Runner, root: &Utf8Path) -> Utf8PathBuf {
        let config = CargoConfig::of(runner).ok();
        let named = config.as_ref().and_then(|config| {
            let (path, origin) = config.text(&["resolver", "lockfile-path"]).ok()??;
            Some(config.placed(&path, &origin))
        });
        let named = named.filter(|_| reads_lockfile_path(runner));
        named.unwrap_or_else(|| root.join("Cargo.lock"))
    }
}

impl LockFile {
    /// Returns the path of the lock file, without symbolic links in its directory. The lock file
    /// itself may be a link.
    pub fn in_real_directory(&self) -> Utf8PathBuf {
        match (self.path.parent(), self.path.file_name()) {
            (Some(directory), Some(name)) => resolved(directory).join(name),
            _ => self.path.clone(),
        }
    }

    /// Checks that a build does not have to write the lock file.
    ///
    /// # Errors
    /// Returns an error if the lock file is stale or missing.
    pub fn check(&self) -> Result<()> {
        let path = quote::name(&self.path);
        match self.state {
            LockState::Current => Ok(()),
            LockState::Stale => Err(usage!(
                "{path} is stale: it does not match the manifests, and the kit does not write \
                 it\nhint: run `cargo update --workspace`, which changes only what the manifests \
                 require"
            )),
            LockState::Missing => Err(usage!(
                "{path} is missing, and the kit does not create it\nhint: run `cargo \
                 generate-lockfile`"
            )),
        }
    }
}

/// Returns true if the runner's cargo reads `resolver.lockfile-path` without an unstable option.
fn reads_lockfile_path(runner: &Runner) -> bool {
    runner
        .cargo_version()
        .is_some_and(|it| (it.major, it.minor) >= (1, 97))
}

/// Runs a cargo command without letting cargo write the lock file. `command` makes the command.
/// Returns cargo's output and the state of the lock file. A command with `--locked` fails if the
/// lock file is stale or missing.
///
/// # Errors
/// Returns an error if cargo cannot be started, or if the private copy cannot be written.
pub fn ask(command: &dyn Fn() -> Command) -> Result<(Output, LockState)> {
    let mut locked = command();
    let is_given = locked
        .get_args()
        .any(|it| it == "--locked" || it == "--frozen");
    if !is_given {
        locked.arg("--locked");
    }
    let output = process::output(&mut locked)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let refused = refused(&said).filter(|_| !is_given && !output.status.success());
    match refused {
        Some(path) => in_private(command(), &path),
        None => Ok((output, LockState::Current)),
    }
}

/// Returns the path of the lock file that cargo refused to write because of `--locked`.
fn refused(stderr: &str) -> Option<Utf8PathBuf> {
    let (_, rest) = stderr.split_once("the lock file ")?;
    let (path, _) = rest
        .split_once(" because --locked was passed")
        // The message of cargo up to 1.83.
        .or_else(|| rest.split_once(" needs to be updated but --locked was passed"))?;
    Some(path.into())
}

/// Makes a cargo command read and write `file` as its lock file. The setting is the last argument,
/// so it overrides files, the environment, and the user's arguments.
pub fn replace(command: &mut Command, file: &Utf8Path) {
    let file = toml::Value::from(file.as_str());
    command
        .args(["--config", &format!("resolver.lockfile-path={file}")])
        .env("CARGO_UNSTABLE_LOCKFILE_PATH", "true")
        .env("RUSTC_BOOTSTRAP", "1");
}

/// Returns true if cargo would write the lock file of the runner's workspace although `--locked`
/// accepts the lock file. For example, `--locked` accepts a lock file with an entry of a removed
/// package. Returns false if cargo cannot answer without network access.
///
/// # Errors
/// Returns an error if cargo cannot be started, if the lock file cannot be read, or if the private
/// copy cannot be written.
pub fn would_be_written(runner: &Runner, path: &Utf8Path) -> Result<bool> {
    let directory = TemporaryDir::outside(path.parent().unwrap_or(path))?;
    let copy = directory.path().join("Cargo.lock");
    let before = files::read(path, files::RECORD)
        .with_context(|| format!("cannot read {}", quote::name(path)))?;
    fs::write(&copy, &before).with_context(|| format!("cannot write {}", quote::name(&copy)))?;
    let mut command = asking_cargo(runner);
    command.args(["metadata", "--format-version", "1", "--offline"]);
    replace(&mut command, &copy);
    command.env("CARGO_CACHE_RUSTC_INFO", "0");
    let is_answered = process::output(&mut command)?.status.success();
    let after = files::read(&copy, files::RECORD).unwrap_or_else(|_| before.clone());
    Ok(is_answered && before != after)
}

/// Runs a cargo command with a private copy of the lock file at this path.
fn in_private(mut command: Command, path: &Utf8Path) -> Result<(Output, LockState)> {
    let directory = TemporaryDir::outside(path.parent().unwrap_or(path))?;
    let copy = directory.path().join("Cargo.lock");
    let state = match files::read(path, files::RECORD) {
        Ok(text) => {
            let written = fs::write(&copy, text);
            written.with_context(|| format!("cannot write {}", quote::name(&copy)))?;
            LockState::Stale
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => LockState::Missing,
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", quote::name(&path)));
        }
    };
    replace(&mut command, &copy);
    // With `RUSTC_BOOTSTRAP`, rustc prints unstable options, too. The user's own cargo must not
    // find that output in the target directory.
    command.env("CARGO_CACHE_RUSTC_INFO", "0");
    let mut output = process::output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.replace(copy.as_str(), path.as_str());
    output.stderr = said.into_bytes();
    Ok((output, state))
}

#[cfg(test)]
mod tests;
