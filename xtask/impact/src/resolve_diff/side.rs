//! A copy, in a scratch directory, of the files that cargo reads of one side of a change.
//!
//! Manifests, `Cargo.lock` and cargo's configuration are copied completely. Of a source file cargo
//! only asks if it exists. So files that can be the root of a target become empty files, and other
//! source files are left out. The name of a side's directory is a hash of all its content: equal
//! sides share one directory, and an existing directory is reused.
//!
//! Cargo reads configuration from every directory above its working directory. So the scratch
//! directory must be outside the work tree, whose present configuration would otherwise apply to
//! the old side. Configuration above the repository is added by `include` (cargo 1.94 and later),
//! which keeps the order of precedence and the meaning of relative paths.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};

use super::ResolutionError;
use super::tree::{Content, Copied, ReadFiles, beside};
use crate::paths::hashed;
use crate::private_dir::{self, TemporaryDir};
use crate::vcs::TreeEntry;
use crate::{files, quote};

/// The number of sides that are kept for later questions.
const MOST: usize = 8;

/// The directories that sides are copied from, and the directory that they are copied to.
pub(super) struct SidePaths<'a> {
    /// The repository's top level: an absolute canonical path.
    pub(super) repository: &'a Utf8Path,
    /// The workspace root, relative to the repository; empty if they are the same directory.
    pub(super) workspace: &'a Utf8Path,
    /// The lock file, relative to the repository. If the lock file is outside the repository, this
    /// is `Cargo.lock` in the workspace root.
    pub(super) lock_file: &'a Utf8Path,
    /// The user's CARGO_HOME. Cargo finds the configuration there by itself.
    pub(super) cargo_home: Option<Utf8PathBuf>,
    /// A directory outside the repository that belongs to the kit: see [`Scratch`].
    pub(super) scratch: Utf8PathBuf,
}

impl SidePaths<'_> {
    /// Returns the configuration files above the repository that cargo reads, the outermost first.
    /// Files that cargo also finds from the scratch directory are left out.
    fn outer_config(&self) -> Result<Vec<Utf8PathBuf>, ResolutionError> {
        let home = self.cargo_home.as_ref();
        let home = home.and_then(|home| home.canonicalize_utf8().ok());
        let above = |directory: &Utf8Path| -> Vec<Utf8PathBuf> {
            let directories = directory
                .ancestors()
                .skip(1)
                .map(|above| above.join(".cargo"));
            directories
                .filter(|directory| home.is_none() || directory.canonicalize_utf8().ok() != home)
                .filter_map(|directory| {
                    let names = ["config", "config.toml"].map(|name| directory.join(name));
                    names.into_iter().find(|file| file.is_file())
                })
                .collect()
        };
        let repository = above(self.repository);
        let scratch = above(&self.scratch);
        match scratch.iter().find(|file| !repository.contains(file)) {
            Some(file) => Err(ResolutionError::ConfigAboveScratch(file.clone())),
            None => Ok(repository
                .into_iter()
                .filter(|f| !scratch.contains(f))
                .rev()
                .collect()),
        }
    }
}

/// The directory that holds the sides of a repository.
pub(super) struct Scratch {
    /// The path of the directory.
    pub(super) path: Utf8PathBuf,
    /// The guard that removes the directory on drop, if the directory is temporary.
    _temporary: Option<TemporaryDir>,
}

impl Scratch {
    /// Returns the directory in the user's cache directory that is reused between runs. If it
    /// cannot be used, creates a temporary directory.
    pub(super) fn of(repository: &Utf8Path) -> Result<Self> {
        let kept = private_dir::isolated_user_state(repository).map(|kept| kept.join("sides"));
        if let Some(path) = kept.filter(|path| fs::create_dir_all(path).is_ok()) {
            return Ok(Self {
                path,
                _temporary: None,
            });
        }
        let temporary = TemporaryDir::outside(repository)?;
        Ok(Self {
            path: temporary.path().to_owned(),
            _temporary: Some(temporary),
        })
    }
}

/// A side that is ready for cargo. Two sides are equal if cargo sees no difference between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Side {
    /// The directory that stands for the repository's top level.
    pub(super) root: Utf8PathBuf,
    /// The directory that stands for the workspace root, in which cargo runs.
    pub(super) workspace: Utf8PathBuf,
    /// The copy of the lock file. Cargo may write to it.
    pub(super) lock_file: Utf8PathBuf,
    /// The directory that belongs to this side alone. Its name is a hash of the side's content.
    pub(super) directory: Utf8PathBuf,
    submodules: Vec<Utf8PathBuf>,
}

impl Side {
    /// Copies a side with the paths `entries`. The files in `given` are the same on both sides.
    pub(super) fn materialise(
        place: &SidePaths<'_>,
        entries: Vec<TreeEntry>,
        given: &[(Utf8PathBuf, Vec<u8>)],
        read: &mut ReadFiles<'_>,
    ) -> Result<Self, ResolutionError> {
        let outer = place.outer_config()?;
        let copied = Copied::gather((place.workspace, place.lock_file), entries, given, read)?;
        let content = (place.repository, place.workspace, &outer, &copied.files);
        let name = format!("{:016x}", hashed(content));
        let directory = place.scratch.join(name);
        let mut root = directory.clone();
        root.extend(outer.iter().map(|_| "above"));
        let root = root.join("repository");
        let side = Self {
            workspace: root.join(place.workspace),
            lock_file: root.join(place.lock_file),
            root,
            directory,
            submodules: copied.submodules,
        };
        let is_there = |path: &Utf8PathBuf| side.root.join(path).symlink_metadata().is_ok();
        if !copied.files.keys().all(is_there) {
            side.write(place.repository, &outer, &copied.files)?;
            prune(&place.scratch)?;
        }
        side.restore_lock_file(&copied.files, place.lock_file)?;
        fs::write(side.directory.join("used"), "")?;
        // Cargo caches what rustc prints only if this directory exists.
        fs::create_dir_all(side.rustc_cache())?;
        Ok(side)
    }

    /// Restores the copy of the lock file, which an earlier cargo may have changed according to an
    /// older state of the registry. The lock file may be a symbolic link to another file of the
    /// side.
    fn restore_lock_file(
        &self,
        files: &BTreeMap<Utf8PathBuf, Content>,
        path: &Utf8Path,
    ) -> Result<()> {
        let mut path = path.to_owned();
        let mut seen = BTreeSet::new();
        while let Some(Content::Link(target)) = files.get(&path)
            && seen.insert(path.clone())
        {
            path = beside(&path, target);
        }
        let copy = self.root.join(&path);
        if let Some(Content::Whole(lock)) = files.get(&path) {
            return fs::write(&copy, lock)
                .with_context(|| format!("cannot write {}", quote::name(&copy)));
        }
        drop(fs::remove_file(&copy));
        Ok(())
    }

    /// Returns the content of the copy of the lock file, if there is one.
    pub(super) fn lock(&self) -> Option<Vec<u8>> {
        files::read(&self.lock_file, files::RECORD).ok()
    }

    /// Returns a directory shared by all sides, in which cargo caches what rustc prints about
    /// itself.
    pub(super) fn rustc_cache(&self) -> Utf8PathBuf {
        self.directory.with_file_name("rustc")
    }

    /// Returns the reason why cargo failed, from its message: a path that cargo did not find may be
    /// outside the side or in a submodule.
    pub(super) fn explained(&self, stderr: &str) -> ResolutionError {
        let quoted = stderr.split('`').skip(1).step_by(2).map(Utf8Path::new);
        for path in quoted.filter(|path| path.is_absolute() && !path.exists()) {
            let Ok(inside) = path.strip_prefix(&self.root) else {
                if path.starts_with(&self.directory) || path.file_name() == Some("Cargo.toml") {
                    return ResolutionError::OutsideRepository(
                        outside(&self.root, path).unwrap_or_else(|| path.to_owned()),
                    );
                }
                continue;
            };
            if let Some(submodule) = self.submodules.iter().find(|sub| inside.starts_with(sub)) {
                return ResolutionError::Submodule(submodule.clone());
            }
        }
        let message = stderr.replace(&format!("{}/", self.root), "");
        let message = message.trim().trim_start_matches("error: ");
        // Cargo repeats the message that a package requires a newer compiler for every target.
        let mut lines: Vec<&str> = message.lines().collect();
        lines.dedup();
        ResolutionError::Cargo(lines.join("\n"))
    }

    /// Writes the side to a temporary directory and moves the complete directory into place, so
    /// that no incomplete side is ever used.
    fn write(
        &self,
        repository: &Utf8Path,
        outer: &[Utf8PathBuf],
        files: &BTreeMap<Utf8PathBuf, Content>,
    ) -> Result<()> {
        let scratch = self.directory.parent().context("a side without a place")?;
        let temporary = TemporaryDir::inside(scratch)?;
        let aside = temporary.path().join("side");
        let mut above = aside.clone();
        for config in outer {
            above.push("above");
            fs::create_dir_all(above.join(".cargo"))?;
            let files = toml::Value::from(vec![config.as_str()]);
            let include = toml::Table::from_iter([("include".to_owned(), files)]);
            fs::write(above.join(".cargo/config.toml"), include.to_string())?;
        }
        let root = above.join("repository");
        fs::create_dir_all(root.join(self.workspace.strip_prefix(&self.root)?))?;
        let mut made = BTreeSet::new();
        for (path, content) in files {
            let file = root.join(path);
            let parent = file.parent().context("a file without a directory")?;
            if !made.contains(parent) {
                fs::create_dir_all(parent)
                    .with_context(|| format!("cannot create {}", quote::name(&parent)))?;
                made.insert(parent.to_owned());
            }
            let written = match content {
                Content::Whole(bytes) => fs::write(&file, moved(bytes, repository, &self.root)),
                Content::Empty => fs::write(&file, ""),
                Content::Link(target) => link(target, &file),
            };
            written.with_context(|| format!("cannot write {}", quote::name(&file)))?;
        }
        if self.directory.exists() {
            fs::remove_dir_all(&self.directory)?;
        }
        if let Err(error) = fs::rename(&aside, &self.directory) {
            // Another process may have created the same side in the meantime.
            let directory = &self.directory;
            ensure!(self.root.exists(), "cannot create {directory}: {error}");
        }
        Ok(())
    }
}

/// Replaces the path of the repository by the path of the copy in a file, for example in the path
/// of a dependency or in a `file://` URL that names a package. Otherwise cargo would read the
/// repository instead of the copy.
fn moved<'a>(bytes: &'a [u8], repository: &Utf8Path, copy: &Utf8Path) -> Cow<'a, [u8]> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if text.contains(repository.as_str()) => text,
        _ => return bytes.into(),
    };
    let in_name = |char: char| char.is_alphanumeric() || "-_.".contains(char);
    let mut parts = text.split(repository.as_str());
    let mut moved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_whole = !moved.ends_with(in_name) && !part.starts_with(in_name);
        moved.push_str(if is_whole { copy } else { repository }.as_str());
        moved.push_str(part);
    }
    moved.into_bytes().into()
}

/// Returns a path outside the repository relative to the repository's top level, such as
/// `../sibling`.
fn outside(root: &Utf8Path, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let (ups, shared) = root
        .ancestors()
        .enumerate()
        .find(|(_, above)| path.starts_with(above))?;
    if ups > 2 {
        // The path is not near the side, so the user wrote it as an absolute path.
        return None;
    }
    Some(Utf8PathBuf::from("../".repeat(ups)).join(path.strip_prefix(shared).ok()?))
}

#[cfg(unix)]
fn link(target: &Utf8Path, at: &Utf8Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(_: &Utf8Path, at: &Utf8Path) -> std::io::Result<()> {
    fs::write(at, "")
}

/// Removes all sides except the most recently used ones, and temporary directories that are older
/// than an hour.
fn prune(scratch: &Utf8Path) -> Result<()> {
    let mut sides = Vec::new();
    for entry in
        fs::read_dir(scratch).with_context(|| format!("cannot list {}", quote::name(&scratch)))?
    {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let is_whole = name.len() == 16 && name.bytes().all(|it| it.is_ascii_hexdigit());
        if !is_whole && !name.starts_with(private_dir::PREFIX) {
            continue;
        }
        let seen = if is_whole {
            path.join("used")
        } else {
            path.clone()
        };
        let used = fs::metadata(seen).and_then(|metadata| metadata.modified());
        sides.push((is_whole, used.unwrap_or_else(|_| SystemTime::now()), path));
    }
    sides.sort_by_key(|(_, used, _)| std::cmp::Reverse(*used));
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let mut kept = 0;
    for (is_whole, used, path) in sides {
        let keep = if is_whole {
            kept < MOST
        } else {
            used > an_hour_ago
        };
        kept += usize::from(is_whole);
        if !keep {
            // Another process may be pruning too, so errors are ignored.
            drop(fs::remove_dir_all(path));
        }
    }
    Ok(())
}
