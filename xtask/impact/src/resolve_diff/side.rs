//! What cargo reads of one side of a change, copied into a scratch directory.
//!
//! Manifests, `Cargo.lock` and cargo's configuration are copied whole. Of a source file cargo
//! asks only whether it exists, so those that can be a target's root become empty files; others
//! are left out. A side is named by a hash of all this: two that are equal share one directory,
//! and one that is there already is used again.
//!
//! Cargo gathers configuration from every directory above the one it runs in, so the scratch
//! directory cannot lie in the work tree, whose configuration of today would reach the past. What
//! lies above the repository is brought in by `include` (cargo 1.94 and later), which keeps the
//! order of precedence and what relative paths mean.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::ResolutionError;
use super::tree::{Content, Copied, ReadFiles, beside};
use crate::paths::hashed;
use crate::private_dir::{self, TemporaryDir};
use crate::quote;
use crate::vcs::TreeEntry;

/// How many sides are kept for the next question.
const KEPT: usize = 8;

/// Where the sides come from, and where they go.
pub(super) struct SidePaths<'a> {
    /// The repository's root directory: absolute, canonical.
    pub(super) repository: &'a Utf8Path,
    /// The workspace's root, relative to it; empty where they are one.
    pub(super) workspace: &'a Utf8Path,
    /// The lock file, relative to the repository; `Cargo.lock` of the workspace's root where the
    /// lock file lies elsewhere.
    pub(super) lock_file: &'a Utf8Path,
    /// The user's CARGO_HOME, whose configuration cargo finds by itself.
    pub(super) cargo_home: Option<Utf8PathBuf>,
    /// A directory outside the repository that is the kit's own: see [`Scratch`].
    pub(super) scratch: Utf8PathBuf,
}

impl SidePaths<'_> {
    /// The configuration files that cargo heeds in the repository because they lie above it, the
    /// outermost first, without those that it finds from the scratch directory too.
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
    /// The directory itself.
    pub(super) path: Utf8PathBuf,
    /// Keeps a temporary directory from being removed.
    _temporary: Option<TemporaryDir>,
}

impl Scratch {
    /// Finds the directory that was used before, in the user's cache directory; where that cannot be
    /// used, a temporary directory.
    pub(super) fn of(repository: &Utf8Path) -> Result<Self> {
        let kept = private_dir::kept_apart(repository).map(|kept| kept.join("sides"));
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

/// One side, ready for cargo. Two are equal if there is nothing in them that cargo would see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Side {
    /// The directory that stands for the repository's root.
    pub(super) root: Utf8PathBuf,
    /// The directory that stands for the workspace's root, where cargo is to be run.
    pub(super) workspace: Utf8PathBuf,
    /// The lock file, which cargo may write here.
    pub(super) lock_file: Utf8PathBuf,
    directory: Utf8PathBuf,
    submodules: Vec<Utf8PathBuf>,
}

impl Side {
    /// Copies a side whose paths are `entries`. The files in `given` are the same on both sides.
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
        // Cargo keeps something there only if it exists.
        fs::create_dir_all(side.rustc_cache())?;
        Ok(side)
    }

    /// Undoes what an earlier cargo wrote to the copy of the lock file, from a registry of another
    /// day. The lock file may be a link to another file of the side.
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

    /// A directory that the sides share, for cargo to keep what rustc tells of itself.
    pub(super) fn rustc_cache(&self) -> Utf8PathBuf {
        self.directory.with_file_name("rustc")
    }

    /// Why cargo failed, from what it said: a path that it missed may be none of the side's.
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
        // Cargo says once for every target that a package needs a newer compiler.
        let mut lines: Vec<&str> = message.lines().collect();
        lines.dedup();
        ResolutionError::Cargo(lines.join("\n"))
    }

    /// Writes a directory aside and puts it in place whole, so that no half of one is ever used.
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
            // Another process may have put the same there meanwhile.
            let directory = &self.directory;
            ensure!(self.root.exists(), "cannot create {directory}: {error}");
        }
        Ok(())
    }
}

/// The bytes, with the copy's directory where they name the repository's own: in the path of a
/// dependency, in a `file://` URL that names a package. Cargo would look there and not at the copy.
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

/// How a path outside the repository reads from its root: `../sibling`.
fn outside(root: &Utf8Path, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let (ups, shared) = root
        .ancestors()
        .enumerate()
        .find(|(_, above)| path.starts_with(above))?;
    if ups > 2 {
        // Beyond the side's own directory the path is one the user wrote out.
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

/// Removes all but the sides used last, and what was left half-written an hour ago.
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
            kept < KEPT
        } else {
            used > an_hour_ago
        };
        kept += usize::from(is_whole);
        if !keep {
            // Another process may be at the same: what is gone is gone.
            drop(fs::remove_dir_all(path));
        }
    }
    Ok(())
}
