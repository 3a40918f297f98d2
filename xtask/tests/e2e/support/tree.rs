//! Copies of directories with their modification times, which cargo uses for freshness.

use std::fs::{self, File, FileTimes};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Sets the modification time of a file, or of every file below a directory, to now.
pub(crate) fn touch(path: &Path) {
    if path.is_dir() {
        for file in files(path) {
            touch(&path.join(file));
        }
    } else if let Ok(file) = File::open(path) {
        file.set_modified(SystemTime::now()).unwrap();
    }
}

/// Copies a directory. Paths for which `wanted` returns false are left out.
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

/// Copies the modification time. Some systems cannot open a directory; there, its time is not
/// changed.
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

/// Returns the files below a directory, sorted and relative to it, without the files of git and the
/// target directory.
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

/// Returns true if a path is neither git's directory nor a target directory.
pub(crate) fn is_source(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name != ".git" && name != "target")
}
