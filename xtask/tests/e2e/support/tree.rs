//! Whole directories, copied with their modification times, by which cargo judges.

use std::fs::{self, File, FileTimes};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Makes a file, or every file below a directory, as new as if it had just been written.
pub(crate) fn touch(path: &Path) {
    if path.is_dir() {
        for file in files(path) {
            touch(&path.join(file));
        }
    } else if let Ok(file) = File::open(path) {
        file.set_modified(SystemTime::now()).unwrap();
    }
}

/// Copies a directory; `wanted` is asked of every path in it.
pub(crate) fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if !wanted(&from) {
            continue;
        }
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&from, &to, wanted);
        } else if kind.is_symlink() {
            symlink(fs::read_link(&from).unwrap(), to).unwrap();
        } else if fs::copy(&from, &to).is_ok() {
            keep_time(&from, &to);
        }
    }
    keep_time(from, to);
}

/// A directory cannot be opened everywhere; where it cannot, its time stays.
fn keep_time(from: &Path, to: &Path) {
    let time = fs::metadata(from)
        .and_then(|metadata| metadata.modified())
        .unwrap();
    if let Ok(file) = File::open(to) {
        let _ = file.set_times(FileTimes::new().set_modified(time));
    }
}

#[cfg(unix)]
pub(crate) fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    std::os::unix::fs::symlink(original, link)
}

#[cfg(windows)]
pub(crate) fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    std::os::windows::fs::symlink_dir(original, link)
}

/// The files below a directory, sorted, relative to it, without what git and cargo keep there.
pub(crate) fn files(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if !is_source(&path) {
            } else if path.is_dir() {
                pending.push(path);
            } else {
                let path = path.strip_prefix(root).unwrap().to_str().unwrap();
                files.push(path.replace('\\', "/"));
            }
        }
    }
    files.sort();
    files
}

/// Whether a path is neither git's nor the build's.
pub(crate) fn is_source(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name != ".git" && name != "target")
}
