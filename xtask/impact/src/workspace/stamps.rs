//! Stamps of the files and directories that a cached answer of cargo depends on. A changed stamp
//! means that cargo must be asked again.

use std::fs::{self, Metadata};
use std::hash::{Hash, Hasher};
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::files::{self, FileStamp};
use crate::paths::hashed;

/// A path and the state of the file or directory there. The state is `None` if the path did not
/// exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) path: Utf8PathBuf,
    state: Option<StampState>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StampState {
    entry: FileStamp,
    /// A hash of a file's content, or of the entries of a directory that cargo reads. Compared only
    /// if `entry` differs: an editor that replaces a file changes the time of its directory, but
    /// not the entries that count.
    content: u64,
    /// The names of the subdirectories that cargo may read.
    directories: Vec<String>,
}

impl Stamp {
    /// Stamps what is at `path` now. The content is not read again if an earlier stamp `before` has
    /// the same metadata.
    pub(super) fn of(path: Utf8PathBuf, before: Option<&Self>) -> Self {
        let state = fs::metadata(&path).ok().map(|metadata| {
            let entry = stamp_of(&metadata);
            let before = before.and_then(|it| it.state.as_ref());
            match before.filter(|it| it.entry == entry) {
                Some(before) => before.clone(),
                None => {
                    let (content, directories) = content(&path, &metadata);
                    StampState {
                        entry,
                        content,
                        directories,
                    }
                }
            }
        });
        Self { path, state }
    }

    /// Returns true if the file or directory at the path is unchanged.
    pub(super) fn holds(&self) -> bool {
        match (&self.state, fs::metadata(&self.path)) {
            (None, Err(_)) => true,
            (Some(state), Ok(metadata)) => {
                state.entry == stamp_of(&metadata)
                    || state.content == content(&self.path, &metadata).0
            }
            _ => false,
        }
    }

    /// Returns the names of the subdirectories that cargo may read.
    pub(super) fn directories(&self) -> &[String] {
        self.state.as_ref().map_or(&[], |it| &it.directories)
    }

    /// Returns true if the file changed so shortly before `time` that a later change might get the
    /// same time stamp.
    pub(super) fn is_fresh_at(&self, time: SystemTime) -> bool {
        let state = self.state.as_ref();
        state.is_some_and(|it| it.entry.is_fresh_at(time))
    }
}

/// Returns the stamp of a file or directory. The size of a directory says nothing that its time does
/// not say.
fn stamp_of(metadata: &Metadata) -> FileStamp {
    let mut stamp = FileStamp::of(metadata);
    if metadata.is_dir() {
        stamp.size = 0;
    }
    stamp
}

/// Hashes the path and the content, but not the times.
impl Hash for Stamp {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (&self.path, self.state.as_ref().map(|it| it.content)).hash(hasher);
    }
}

/// The size in bytes above which only the time and the size of a file count, except for a lock
/// file. Such a file is a program: reading it would take longer than running it.
const PROGRAM: u64 = 1 << 20;

/// Returns a hash of the file or directory, and the names of the subdirectories that cargo may
/// read.
fn content(path: &Utf8Path, metadata: &Metadata) -> (u64, Vec<String>) {
    if metadata.is_file() && metadata.len() > PROGRAM && path.extension() != Some("lock") {
        return (
            hashed((FileStamp::of(metadata).modified, metadata.len())),
            Vec::new(),
        );
    }
    if !metadata.is_dir() {
        let hash = match files::read(path, files::RECORD) {
            Ok(content) => hashed(content),
            Err(_) => hashed((FileStamp::of(metadata).modified, metadata.len())),
        };
        return (hash, Vec::new());
    }
    let entries = path.read_dir_utf8().into_iter().flatten().flatten();
    let mut names: Vec<(String, bool)> = entries
        .map(|entry| {
            let is_directory = match entry.file_type() {
                Ok(kind) if !kind.is_symlink() => kind.is_dir(),
                _ => entry.path().is_dir(),
            };
            (entry.file_name().to_owned(), is_directory)
        })
        // Other files, such as an editor's backup files, are no targets.
        .filter(|(name, is_directory)| {
            *is_directory && !name.starts_with('.') || name.ends_with(".rs") || name == "Cargo.toml"
        })
        .collect();
    names.sort();
    let hash = hashed(&names);
    let directories = names.into_iter().filter(|(_, is_directory)| *is_directory);
    (hash, directories.map(|(name, _)| name).collect())
}
