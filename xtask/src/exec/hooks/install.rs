//! Hooks where git looks for them: written, taken away, and looked at.

use std::fs;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::current::is_alias;
use super::place;
use super::scene::Place;
use crate::hooks::Hook;
use crate::hooks::install::{Done, Found, What};
use crate::hooks::script::{CHAINED, Start, is_ours, script};
use crate::process::Runner;
use crate::repo::git::Repository;
use crate::repo::resolved;
use crate::usage;

/// The hooks of a repository.
pub struct Hooks {
    directory: Utf8PathBuf,
    start: Start,
    repository: Repository,
}

impl Hooks {
    /// Those of the repository of the runner's directory.
    ///
    /// # Errors
    /// Where there is none.
    pub fn of(runner: &Runner) -> Result<Self> {
        let (Place { runner, top, root }, repository) = place(runner)?;
        Ok(Self {
            directory: repository.git_path("hooks")?,
            start: start(&runner, &top, &root)?,
            repository,
        })
    }

    /// What stands where git looks for a hook.
    ///
    /// # Errors
    /// What is there and cannot be read.
    pub fn find(&self, hook: Hook) -> Result<Found> {
        let path = self.directory.join(hook.name());
        let chained = Some(self.chained(hook)).filter(|it| it.symlink_metadata().is_ok());
        let what = match fs::read(&path) {
            _ if path.symlink_metadata().is_err() => What::Absent,
            Ok(text) if text == script(hook, &self.start).as_bytes() => What::Installed,
            Ok(text) if is_ours(&text) => What::Outdated,
            Ok(_) => What::Foreign,
            // A link into the void is somebody's too.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => What::Foreign,
            Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
        };
        Ok(Found {
            hook,
            path,
            what,
            chained,
        })
    }

    /// Writes a hook. One that is there is kept, and run before the kit's.
    ///
    /// # Errors
    /// Where git looks for hooks in a place that other repositories share, or the disk fails.
    pub fn install(&self, hook: Hook) -> Result<Done> {
        self.is_own()?;
        let found = self.find(hook)?;
        match found.what {
            What::Installed => return Ok(Done::Kept),
            What::Foreign => {
                let chained = self.chained(hook);
                if chained.symlink_metadata().is_ok() {
                    return Err(usage!(
                        "{} is somebody else's, and so is {chained} already: take one of them away",
                        found.path
                    ));
                }
                fs::rename(&found.path, &chained)
                    .with_context(|| format!("cannot rename {} to {chained}", found.path))?;
            }
            What::Absent | What::Outdated => {}
        }
        fs::create_dir_all(&self.directory)
            .with_context(|| format!("cannot create {}", self.directory))?;
        // Git must never start half of one.
        let aside = self.directory.join(format!("{}.new", hook.name()));
        let written = fs::write(&aside, script(hook, &self.start));
        written
            .and_then(|()| executable(&aside))
            .and_then(|()| fs::rename(&aside, &found.path))
            .with_context(|| format!("cannot write {}", found.path))?;
        Ok(Done::Written)
    }

    /// Takes a hook of the kit's away, and puts back the one that was there before.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn uninstall(&self, hook: Hook) -> Result<Done> {
        let found = self.find(hook)?;
        let done = match found.what {
            What::Absent => Done::Absent,
            What::Foreign => return Ok(Done::Left),
            What::Installed | What::Outdated => {
                fs::remove_file(&found.path)
                    .with_context(|| format!("cannot remove {}", found.path))?;
                Done::Removed
            }
        };
        if let Some(chained) = &found.chained {
            fs::rename(chained, &found.path)
                .with_context(|| format!("cannot rename {chained} to {}", found.path))?;
        }
        Ok(done)
    }

    fn chained(&self, hook: Hook) -> Utf8PathBuf {
        self.directory.join(format!("{}{CHAINED}", hook.name()))
    }

    /// Makes sure that the hooks are this repository's alone.
    fn is_own(&self) -> Result<()> {
        let directory = resolved(&self.directory);
        let common = resolved(&self.repository.common_directory()?);
        if directory.starts_with(self.repository.top_level()) || directory.starts_with(common) {
            return Ok(());
        }
        Err(usage!(
            "core.hooksPath is {}, where other repositories may look too: give this one hooks of \
             its own, as with `git config core.hooksPath .githooks`",
            self.directory
        ))
    }
}

/// How a hook starts the running kit.
fn start(runner: &Runner, top: &Utf8Path, root: &Utf8Path) -> Result<Start> {
    let binary = std::env::current_exe().context("cannot find the kit itself")?;
    let binary = Utf8PathBuf::try_from(binary).context("the path of the kit is not UTF-8")?;
    let (binary, root) = (resolved(&binary), resolved(root));
    let directory = root.strip_prefix(top).unwrap_or(Utf8Path::new(""));
    let cargo = runner.find("cargo");
    let cargo = cargo.as_ref().and_then(|it| it.parent());
    let with_slashes = |path: &str| path.replace('\\', "/");
    Ok(Start {
        directory: with_slashes(directory.as_str()),
        alias: binary.with_extension("d").is_file() && is_alias(runner)?,
        binary: with_slashes(binary.strip_prefix(&root).unwrap_or(&binary).as_str()),
        cargo: cargo.map_or_else(String::new, |it| with_slashes(it.as_str())),
    })
}

/// Whether git would start a hook.
#[cfg(unix)]
pub(super) fn is_executable(path: &Utf8Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// Whether git would start a hook.
#[cfg(not(unix))]
pub(super) fn is_executable(path: &Utf8Path) -> bool {
    path.is_file()
}

#[cfg(unix)]
fn executable(path: &Utf8Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &Utf8Path) -> std::io::Result<()> {
    Ok(())
}
