//! Installs, removes and finds the hooks of a repository.

use std::fs;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::paths::resolved;
use xtask_impact::private_dir::write_program;
use xtask_impact::process::Runner;
use xtask_impact::{files, quote, usage};

use super::chained;
use super::workspaces::CheckedRepository;
use crate::cli::entry;
use crate::hooks::install_plan::{FoundHook, HookFileState, InstallOutcome};
use crate::hooks::model::Hook;
use crate::hooks::rerun_if_stale::alias;
use crate::hooks::script::{HookStart, chained_directory, is_ours, script};

/// The hooks of a repository.
pub(crate) struct Hooks {
    directory: Utf8PathBuf,
    start: HookStart,
    checked: CheckedRepository,
}

impl Hooks {
    /// Finds the hooks of the repository that contains the runner's directory.
    ///
    /// # Errors
    /// Returns an error if there is no repository.
    pub(crate) fn of(runner: &Runner) -> Result<Self> {
        let checked = CheckedRepository::find(runner)?;
        Ok(Self {
            directory: checked.repository.git_path("hooks")?,
            start: start(&checked.here, checked.repository.top_level())?,
            checked,
        })
    }

    /// Returns the workspaces that the hooks check, by their directories in the repository.
    ///
    /// # Errors
    /// Returns an error if the hooks configuration of a workspace is wrong, or if there is no
    /// workspace.
    pub(crate) fn configured(&self) -> Result<Vec<String>> {
        if !self.checked.has_workspaces {
            let top = self.checked.repository.top_level();
            return Err(usage!(
                "no Cargo.toml in {} or above it, and git tracks none below it",
                quote::name(top)
            ));
        }
        let all = self.checked.places.iter();
        all.map(|place| {
            place
                .config()?
                .check()
                .with_context(|| quote::name(&place.manifest()).into_owned())?;
            Ok(place.name().to_string())
        })
        .collect()
    }

    /// Finds the hook at the place where git looks for it.
    ///
    /// # Errors
    /// Returns an error if the hook exists and cannot be read.
    pub(crate) fn find(&self, hook: Hook) -> Result<FoundHook> {
        let path = self.directory.join(hook.name());
        let chained = chained::find(&path);
        let what = match files::read(&path, files::SETTINGS) {
            _ if path.symlink_metadata().is_err() => HookFileState::Absent,
            Ok(text) if text == script(hook, &self.start).as_bytes() && is_executable(&path) => {
                HookFileState::Installed
            }
            Ok(text) if is_ours(&text) => HookFileState::Outdated,
            Ok(_) if chained.is_some() => HookFileState::Replaced,
            Ok(_) => HookFileState::Foreign,
            // A broken link is also a hook that the kit did not write.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => HookFileState::Foreign,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", quote::name(&path)));
            }
        };
        Ok(FoundHook {
            hook,
            path,
            what,
            chained,
        })
    }

    /// Returns the paths of hooks that replaced a hook of the kit and that the kit did not write.
    ///
    /// # Errors
    /// Returns the errors of [`Hooks::find`].
    pub(crate) fn replaced(&self) -> Result<Vec<Utf8PathBuf>> {
        let mut replaced = Vec::new();
        for hook in Hook::ALL {
            let found = self.find(hook)?;
            replaced.extend((found.what == HookFileState::Replaced).then_some(found.path));
        }
        Ok(replaced)
    }

    /// Writes a hook. An existing hook of the user is moved, and the kit's hook runs the chained
    /// hook first.
    ///
    /// # Errors
    /// Returns an error if the hooks directory may be shared with other repositories, if there are
    /// two hooks to keep, or if the disk fails.
    pub(crate) fn install(&self, hook: Hook) -> Result<InstallOutcome> {
        self.is_own()?;
        chained::migrate(&self.directory.join(hook.name()))?;
        let found = self.find(hook)?;
        match (found.what, found.chained) {
            (HookFileState::Installed, _) => return Ok(InstallOutcome::Kept),
            // The other tool wrote a hook with the same text as the chained hook.
            (HookFileState::Replaced, Some(chained)) if is_same(&found.path, &chained) => {}
            (HookFileState::Foreign | HookFileState::Replaced, Some(chained)) => {
                return Err(usage!(
                    "neither {} nor {} is a hook of the kit\nhint: remove one of them",
                    quote::name(&found.path),
                    quote::name(&chained)
                ));
            }
            (HookFileState::Foreign | HookFileState::Replaced, None) => {
                self.can_keep(&found.path)?;
                chained::keep(&found.path)?;
            }
            (HookFileState::Absent | HookFileState::Outdated, _) => {}
        }
        fs::create_dir_all(&self.directory)
            .with_context(|| format!("cannot create {}", quote::name(&self.directory)))?;
        // The file is replaced at once, so that git never starts half a script.
        write_program(&found.path, script(hook, &self.start))
            .with_context(|| format!("cannot write {}", quote::name(&found.path)))?;
        Ok(InstallOutcome::Written)
    }

    /// Removes a hook of the kit, and moves the chained hook back to its first place.
    ///
    /// # Errors
    /// Returns an error if the disk fails.
    pub(crate) fn uninstall(&self, hook: Hook) -> Result<InstallOutcome> {
        let found = self.find(hook)?;
        let done = match found.what {
            HookFileState::Absent => InstallOutcome::Absent,
            HookFileState::Foreign | HookFileState::Replaced => return Ok(InstallOutcome::Left),
            HookFileState::Installed | HookFileState::Outdated => {
                fs::remove_file(&found.path)
                    .with_context(|| format!("cannot remove {}", quote::name(&found.path)))?;
                InstallOutcome::Removed
            }
        };
        chained::put_back(&found.path)?;
        Ok(done)
    }

    /// Checks that this repository has a place next to the hooks directory for a chained hook.
    fn can_keep(&self, hook: &Utf8Path) -> Result<()> {
        let directory = chained_directory(hook);
        let beside = directory.parent().unwrap_or(&directory);
        if directory != self.directory && self.is_inside(beside)? {
            return Ok(());
        }
        Err(usage!(
            "{} cannot be moved: there is no place for it next to {}\nhint: move the hooks to a \
             directory, and run `git config core.hooksPath .githooks`",
            quote::name(hook),
            quote::name(&self.directory)
        ))
    }

    /// Returns true if a directory belongs to this repository.
    fn is_inside(&self, directory: &Utf8Path) -> Result<bool> {
        let directory = resolved(directory);
        let repository = &self.checked.repository;
        let common = resolved(&repository.common_directory()?);
        Ok(directory.starts_with(repository.top_level()) || directory.starts_with(common))
    }

    /// Checks that the hooks directory belongs only to this repository.
    fn is_own(&self) -> Result<()> {
        if self.is_inside(&self.directory)? {
            return Ok(());
        }
        Err(usage!(
            "core.hooksPath is {}, which other repositories may use too\nhint: give this \
             repository its own hooks: `git config core.hooksPath .githooks`",
            quote::name(&self.directory)
        ))
    }
}

/// Returns true if two hooks have the same text.
fn is_same(hook: &Utf8Path, kept: &Utf8Path) -> bool {
    let read = |path| files::read(path, files::SETTINGS).ok();
    read(hook).is_some_and(|text: Vec<u8>| read(kept) == Some(text))
}

/// Returns the values with which a hook starts the running kit.
fn start(runner: &Runner, top: &Utf8Path) -> Result<HookStart> {
    let root = Utf8Path::from_path(runner.directory()).context("this path is not UTF-8")?;
    let binary = std::env::current_exe().context("cannot find the kit itself")?;
    let binary = Utf8PathBuf::try_from(binary).context("the path of the kit is not UTF-8")?;
    let (binary, root) = (resolved(&binary), resolved(root));
    let directory = root.strip_prefix(top).unwrap_or(Utf8Path::new(""));
    let cargo = runner.find("cargo");
    let cargo = cargo.as_ref().and_then(|it| it.parent());
    let with_slashes = |path: &str| path.replace('\\', "/");
    Ok(HookStart {
        directory: with_slashes(directory.as_str()),
        alias: alias(runner, &binary)?,
        kit: entry::name().to_owned(),
        binary: with_slashes(binary.strip_prefix(&root).unwrap_or(&binary).as_str()),
        cargo: cargo.map_or_else(String::new, |it| with_slashes(it.as_str())),
    })
}

/// Returns true if git would start a hook.
#[cfg(unix)]
pub(crate) fn is_executable(path: &Utf8Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// Returns true if git would start a hook.
#[cfg(not(unix))]
pub(crate) fn is_executable(path: &Utf8Path) -> bool {
    path.is_file()
}
