//! Fresh clones, and the ways in which a cache carries a target directory.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::Project;

/// The way in which a target directory is carried to a fresh clone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Archive {
    /// All times stay, as with `tar --posix`.
    Exact,
    /// Times lose the parts of a second, as with `tar`.
    WholeSeconds,
    /// Times lose the last two digits, as on NTFS.
    HundredNanoseconds,
    /// Each file gets the time of the copy, as with `cp -r`.
    Copied,
}

/// All ways.
pub(super) const ARCHIVES: [Archive; 4] = [
    Archive::Exact,
    Archive::WholeSeconds,
    Archive::HundredNanoseconds,
    Archive::Copied,
];

impl Project {
    /// Replaces the project by a fresh clone of its commit, which has the same path, and carries the
    /// target directory there.
    pub(super) fn clone_afresh(&self, archive: Archive) {
        let (root, kept, origin) = (self.root(), self.beside("kept"), self.beside("origin"));
        for old in [&kept, &origin] {
            drop(fs::remove_dir_all(old));
        }
        if self.path("target").exists() {
            fs::rename(self.path("target"), &kept).unwrap();
        }
        fs::rename(root, &origin).unwrap();
        fs::create_dir(root).unwrap();
        let from = origin.to_str().unwrap().to_owned();
        self.git(&["clone", "--quiet", &from, "."]);
        // Another repository: the clone must not name the former work tree.
        self.git(&["remote", "remove", "origin"]);
        if kept.exists() {
            carry(&kept, &self.path("target"), archive);
        }
    }
}

/// Carries a directory to another path.
pub(super) fn carry(from: &Path, to: &Path, archive: Archive) {
    if archive == Archive::Exact && fs::rename(from, to).is_ok() {
        return;
    }
    let time = fs::metadata(from).unwrap().modified().unwrap();
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            carry(&entry.path(), &to.join(entry.file_name()), archive);
        }
    } else {
        fs::copy(from, to).unwrap();
    }
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let nanoseconds = match archive {
        Archive::Copied => return,
        Archive::Exact => since.subsec_nanos(),
        Archive::WholeSeconds => 0,
        Archive::HundredNanoseconds => since.subsec_nanos() / 100 * 100,
    };
    let time = SystemTime::UNIX_EPOCH + Duration::new(since.as_secs(), nanoseconds);
    File::open(to).unwrap().set_modified(time).unwrap();
}
