//! What a kept answer of cargo's rests on, so that it is known when to ask again.

use std::fs::{self, Metadata};
use std::hash::{Hash, Hasher};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::files;
use crate::paths::hashed;

/// A path, and what was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) path: Utf8PathBuf,
    state: Option<StampState>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StampState {
    entry: FileStamp,
    /// Of a file's content, or of what a directory holds that cargo goes by. It is asked for only
    /// where the rest differs, since an editor that replaces a file touches its directory.
    content: u64,
    /// The names of the directories in it that cargo may look into.
    directories: Vec<String>,
}

/// What the file system tells without reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileStamp {
    modified: Duration,
    /// When anything about it changed, which no program can set; zero where that is not known.
    changed: Duration,
    size: u64,
}

impl FileStamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: modified(metadata),
            changed: changed(metadata),
            // A directory's says nothing that its time does not.
            size: if metadata.is_dir() { 0 } else { metadata.len() },
        }
    }
}

impl Stamp {
    /// Of what is there now. What was read for a stamp of before is not read again where nothing
    /// says that it changed since.
    pub(super) fn of(path: Utf8PathBuf, before: Option<&Self>) -> Self {
        let state = fs::metadata(&path).ok().map(|metadata| {
            let entry = FileStamp::of(&metadata);
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

    /// Whether what is there now is what was there.
    pub(super) fn holds(&self) -> bool {
        match (&self.state, fs::metadata(&self.path)) {
            (None, Err(_)) => true,
            (Some(state), Ok(metadata)) => {
                state.entry == FileStamp::of(&metadata)
                    || state.content == content(&self.path, &metadata).0
            }
            _ => false,
        }
    }

    /// The directories in it that cargo may look into.
    pub(super) fn directories(&self) -> &[String] {
        self.state.as_ref().map_or(&[], |it| &it.directories)
    }

    /// Whether it changed so recently that a change after it might bear the same time.
    pub(super) fn is_fresh_at(&self, time: SystemTime) -> bool {
        const COARSEST_CLOCK: Duration = Duration::from_millis(50);
        let time = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let entry = self.state.as_ref().map(|it| &it.entry);
        entry.is_some_and(|it| it.modified.max(it.changed) + COARSEST_CLOCK >= time)
    }
}

fn modified(metadata: &Metadata) -> Duration {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.unwrap_or_default()
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> Duration {
    use std::os::unix::fs::MetadataExt as _;
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanos = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
    Duration::new(seconds, nanos)
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Duration {
    Duration::ZERO
}

/// What was there, whenever it was written.
impl Hash for Stamp {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (&self.path, self.state.as_ref().map(|it| it.content)).hash(hasher);
    }
}

/// A program is another one when it was written anew: to read it would take longer than to ask it.
const PROGRAM: u64 = 1 << 20;

/// A hash of what is there, and the directories in it that cargo may look into.
fn content(path: &Utf8Path, metadata: &Metadata) -> (u64, Vec<String>) {
    if metadata.is_file() && metadata.len() > PROGRAM && path.extension() != Some("lock") {
        return (hashed((modified(metadata), metadata.len())), Vec::new());
    }
    if !metadata.is_dir() {
        let hash = match files::read(path, files::RECORD) {
            Ok(content) => hashed(content),
            Err(_) => hashed((modified(metadata), metadata.len())),
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
        // What an editor leaves beside a source is no target.
        .filter(|(name, is_directory)| {
            *is_directory && !name.starts_with('.') || name.ends_with(".rs") || name == "Cargo.toml"
        })
        .collect();
    names.sort();
    let hash = hashed(&names);
    let directories = names.into_iter().filter(|(_, is_directory)| *is_directory);
    (hash, directories.map(|(name, _)| name).collect())
}
