//! Contents of files and directories, as hashes. A file is hashed again only if its size, its time
//! of modification, its time of change, its inode or its device shows that it may have changed.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use hmac_sha256::Hash as Sha256;
use serde::{Deserialize, Serialize};
use xtask_impact::build_dir::unit_inputs::Newest;
use xtask_impact::files::{self, FileStamp, nanoseconds};

/// The beginning of a SHA-256 hash.
pub(crate) type ContentHash = [u8; 16];

/// Returns the hash of bytes.
pub(crate) fn hash_of(bytes: &[u8]) -> ContentHash {
    shortened(&Sha256::hash(bytes))
}

fn shortened(hash: &[u8; 32]) -> ContentHash {
    let mut short = [0; 16];
    short.copy_from_slice(&hash[..16]);
    short
}

/// The content of one path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum PathContent {
    /// The path does not exist.
    Missing,
    /// A directory. Its entries are paths of their own.
    Directory,
    /// A regular file.
    File {
        /// The hash of the bytes in the work tree, not of git's object: filters may differ.
        hash: ContentHash,
        /// True if the file may be executed.
        executable: bool,
    },
    /// A symbolic link, with the text of its target. The target is a path of its own.
    Link(String),
    /// A value that is no file, such as the state of git.
    Value(String),
}

/// Reads contents, each file once. Threads can share the reader.
#[derive(Debug, Default)]
pub(crate) struct ContentReader {
    /// The stamps and hashes of an earlier reading.
    known: HashMap<String, (FileStamp, ContentHash)>,
    read: Mutex<HashMap<String, (FileStamp, ContentHash)>>,
}

impl ContentReader {
    /// Returns a reader that knows the results of an earlier reading.
    pub(crate) fn new(known: impl IntoIterator<Item = (String, FileStamp, ContentHash)>) -> Self {
        let known = known
            .into_iter()
            .map(|(path, stamp, hash)| (path, (stamp, hash)));
        Self {
            known: known.collect(),
            read: Mutex::default(),
        }
    }

    /// Returns the content of a regular file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or changes while it is read.
    pub(crate) fn file(&self, path: &Utf8Path) -> io::Result<(FileStamp, PathContent)> {
        self.file_of(path, &fs::metadata(path)?)
    }

    /// Returns the content of a regular file whose metadata were read just before.
    ///
    /// # Errors
    /// Returns the errors of [`ContentReader::file`].
    pub(crate) fn file_of(
        &self,
        path: &Utf8Path,
        metadata: &Metadata,
    ) -> io::Result<(FileStamp, PathContent)> {
        let stamp = FileStamp::of(metadata);
        let content = |hash| PathContent::File {
            hash,
            executable: is_executable(metadata),
        };
        let read = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let there = read().get(path.as_str()).copied();
        let there = there.or_else(|| self.known.get(path.as_str()).copied());
        if let Some((_, hash)) = there.filter(|(known, _)| *known == stamp) {
            read().insert(path.to_string(), (stamp, hash));
            return Ok((stamp, content(hash)));
        }
        let (hashed, hash) = hash_file(path, metadata)?;
        if hashed != stamp {
            return Err(io::Error::other("it changed while it was read"));
        }
        read().insert(path.to_string(), (stamp, hash));
        Ok((stamp, content(hash)))
    }

    /// Returns the stamps and hashes of files, sorted by path: of the files that were read now, and
    /// of the files in `wanted` that were read earlier. Files that changed shortly before `started`
    /// are left out: a later change may leave their stamp as it is.
    pub(crate) fn settled(
        &self,
        started: i64,
        wanted: &HashSet<&str>,
    ) -> Vec<(String, FileStamp, ContentHash)> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let now = read
            .iter()
            .filter(|(_, (stamp, _))| stamp.latest() < started - SETTLED);
        let is_wanted = |path: &String| wanted.contains(path.as_str()) && !read.contains_key(path);
        let earlier = self.known.iter().filter(|(path, _)| is_wanted(path));
        let all = now.chain(earlier);
        let mut settled: Vec<_> = all.map(|(path, it)| (path.clone(), it.0, it.1)).collect();
        settled.sort_by(|a, b| a.0.cmp(&b.0));
        settled
    }

    /// Returns the number of files that were hashed or found unchanged.
    pub(crate) fn count(&self) -> usize {
        self.read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Returns true if a file still has the stamp with which it was read.
    pub(crate) fn is_unchanged(&self, path: &Utf8Path) -> bool {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let now = fs::metadata(path).ok().map(|it| FileStamp::of(&it));
        read.get(path.as_str()).map(|it| it.0) == now
    }
}

/// The age from which a stamp shows every change: the coarsest clock of the supported file systems.
const SETTLED: i64 = 2_000_000_000;

fn hash_file(path: &Utf8Path, known: &Metadata) -> io::Result<(FileStamp, ContentHash)> {
    let (mut file, opened) = files::open_known(path.as_std_path(), known)?;
    let before = FileStamp::of(&opened);
    let mut hasher = Sha256::new();
    let size = usize::try_from(before.size).unwrap_or(usize::MAX);
    let mut buffer = vec![0; size.clamp(1, 64 << 10)];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hasher.update(&buffer[..length]),
        }
    }
    match FileStamp::of(&file.metadata()?) == before {
        true => Ok((before, shortened(&hasher.finalize()))),
        false => Err(io::Error::other("it changed while it was read")),
    }
}

fn is_executable(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

/// The identity of a directory. A copy has another identity; a directory that was only used, or
/// moved, has the same identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DirectoryIdentity {
    inode: u64,
    born: i64,
}

impl DirectoryIdentity {
    /// Returns the identity; `None` if the system does not report the time of creation.
    pub(crate) fn of(directory: &Utf8Path) -> Option<Self> {
        let metadata = fs::metadata(directory).ok()?;
        Some(Self {
            inode: FileStamp::of(&metadata).inode(),
            born: nanoseconds(metadata.created().ok()?),
        })
    }
}

/// The content of a path and of everything below it, with the times that cargo and the kit compare.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Evaluated {
    /// The paths with their contents, sorted by path.
    pub items: Vec<ContentItem>,
    /// The time that cargo compares: the newest modification, of directories and links too.
    pub newest: i64,
    /// The newest time of modification or change.
    pub changed: i64,
    /// The regular files, for a later check that they are unchanged.
    pub files: Vec<Utf8PathBuf>,
}

/// One path of an input.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ContentItem {
    /// The path.
    pub path: String,
    /// The content of the path.
    pub content: PathContent,
    /// The time of modification, in nanoseconds.
    pub modified: i64,
}

impl Evaluated {
    /// Adds a path to the evaluation.
    pub(crate) fn add(&mut self, path: &Utf8Path, content: PathContent, stamp: FileStamp) {
        self.newest = self.newest.max(stamp.modified);
        self.changed = self.changed.max(stamp.latest());
        if matches!(content, PathContent::File { .. }) {
            self.files.push(path.to_owned());
        }
        self.items.push(ContentItem {
            path: path.to_string(),
            content,
            modified: stamp.modified,
        });
    }

    /// Returns the first path that does not exist.
    pub(crate) fn missing(&self) -> Option<&str> {
        let mut items = self.items.iter();
        let missing = items.find(|it| it.content == PathContent::Missing)?;
        Some(&missing.path)
    }

    /// Returns true if the file that cargo recorded as the newest is still the newest.
    pub(crate) fn is_newest(&self, recorded: &Newest) -> bool {
        let time = nanoseconds(recorded.time);
        let is_it = |it: &ContentItem| it.modified == time && it.path == recorded.path.as_str();
        self.newest == time && self.items.iter().any(is_it)
    }

    /// Returns the first path whose content differs from `recorded`.
    pub(crate) fn difference<'a>(&'a self, recorded: &'a [ContentItem]) -> Option<&'a str> {
        let (mut now, mut then) = (self.items.iter().peekable(), recorded.iter().peekable());
        loop {
            match (now.peek(), then.peek()) {
                (None, None) => return None,
                (Some(it), None) | (None, Some(it)) => return Some(&it.path),
                (Some(a), Some(b)) if a.path != b.path => {
                    return Some(a.path.as_str().min(b.path.as_str()));
                }
                (Some(a), Some(b)) if a.content != b.content => return Some(&a.path),
                _ => _ = (now.next(), then.next()),
            }
        }
    }
}
