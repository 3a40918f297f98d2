//! Everything below some directories, read once.

use std::fs::{self, Metadata};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::Directories;
use xtask_impact::paths::{is_absent, resolved};
use xtask_impact::{parallel, quote};

use crate::artifacts::disk_size::{self, HardLink};
use crate::artifacts::quick_hash::QuickMap;

/// The contents of every directory below some directories, each sorted by name except for the
/// directories of [sessions](is_session).
#[derive(Debug)]
pub(crate) struct Listing {
    files: QuickMap<String, Vec<ListedFile>>,
    started: SystemTime,
}

/// A file, a directory or a symbolic link in a [`Listing`].
#[derive(Clone, Debug)]
pub(super) struct ListedFile {
    pub name: String,
    pub stat: FileStat,
}

/// The metadata of a file that a sweep needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileStat {
    pub is_dir: bool,
    pub is_file: bool,
    /// The size on the disk.
    pub bytes: u64,
    /// The identity of a file that has several names.
    pub link: Option<HardLink>,
    /// The number of the file in its file system; 0 on systems without such numbers.
    pub inode: u64,
    /// The length of the content.
    pub length: u64,
    pub modified: SystemTime,
    pub accessed: SystemTime,
}

impl Listing {
    /// Lists a build directory and its target directory, except `others`.
    ///
    /// # Errors
    /// Returns the errors of [`Listing::read`].
    pub(super) fn of(directories: &Directories, others: &[Utf8PathBuf]) -> Result<Self> {
        let (build, target) = (&*directories.build, &*directories.target);
        let [real_build, real_target] = [build, target].map(resolved);
        if real_target.starts_with(real_build) {
            return Self::read(&[build], others);
        }
        let others: Vec<_> = others.iter().cloned().chain([build.to_owned()]).collect();
        Self::read(&[build, target], &others)
    }

    /// Lists these directories and all directories below them, except `others`. Looks at each file
    /// once, and follows no symbolic link below the directories.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed. A directory that a running build removed is
    /// empty.
    fn read(roots: &[&Utf8Path], others: &[Utf8PathBuf]) -> Result<Self> {
        let mut listing = Self {
            files: QuickMap::default(),
            started: SystemTime::now(),
        };
        let mut pending: Vec<_> = roots.iter().map(|&it| it.to_owned()).collect();
        // Directories of one depth are listed at once, each by one thread.
        while !pending.is_empty() {
            let listed = parallel::parts(&pending, |part| part.iter().map(|it| list(it)).collect());
            let mut inner = Vec::new();
            for (directory, files) in pending.into_iter().zip(listed) {
                let files: Vec<ListedFile> = files?;
                let directories = files.iter().filter(|it| it.stat.is_dir);
                let directories = directories.map(|it| directory.join(&it.name));
                inner.extend(directories.filter(|it| !others.contains(it)));
                listing.files.insert(directory.into_string(), files);
            }
            pending = inner;
        }
        Ok(listing)
    }

    /// Returns the contents of a directory. `None` if no such directory was listed.
    pub(super) fn get(&self, directory: &Utf8Path) -> Option<&[ListedFile]> {
        self.files.get(directory.as_str()).map(Vec::as_slice)
    }

    /// Returns the time before the first directory was listed.
    pub(super) fn started(&self) -> SystemTime {
        self.started
    }

    /// Returns the names in a directory, sorted.
    pub(super) fn names(&self, directory: &Utf8Path) -> Vec<&str> {
        let files = self.get(directory).unwrap_or_default();
        files.iter().map(|it| it.name.as_str()).collect()
    }

    /// Returns the metadata of a file or a directory.
    pub(super) fn stat(&self, path: &Utf8Path) -> Option<&FileStat> {
        find(self.get(path.parent()?)?, path.file_name()?)
    }
}

/// Returns the metadata of a file among the files of a directory.
pub(super) fn find<'a>(files: &'a [ListedFile], name: &str) -> Option<&'a FileStat> {
    let at = files.binary_search_by(|it| it.name.as_str().cmp(name));
    Some(&files[at.ok()?].stat)
}

impl FileStat {
    fn new(metadata: &Metadata) -> Self {
        Self {
            is_dir: metadata.is_dir(),
            is_file: metadata.is_file(),
            bytes: disk_size::bytes(metadata),
            link: disk_size::link(metadata),
            inode: disk_size::inode(metadata),
            length: metadata.len(),
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            accessed: metadata.accessed().unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }
}

/// Lists a directory, sorted by name unless it is a [session](is_session). An entry that a running
/// build removed is left out.
pub(super) fn list(directory: &Utf8Path) -> Result<Vec<ListedFile>> {
    let listing = match fs::read_dir(directory) {
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        listing => listing.with_context(|| format!("cannot list {}", quote::name(directory)))?,
    };
    let mut found = Vec::new();
    for entry in listing {
        let Ok(entry) = entry else { continue };
        // Cargo uses no name that is not UTF-8.
        if let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata()) {
            let stat = FileStat::new(&metadata);
            found.push(ListedFile { name, stat });
        }
    }
    if !is_session(directory) {
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(found)
}

/// Returns true for the directory of one session of incremental compilation. Such a directory may
/// hold hundreds of files, and nobody looks for one of them by its name.
fn is_session(directory: &Utf8Path) -> bool {
    let above = directory.parent().and_then(Utf8Path::parent);
    above.is_some_and(|it| it.file_name() == Some("incremental"))
}
