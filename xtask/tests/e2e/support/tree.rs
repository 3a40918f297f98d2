//! Copies of directories with their modification times, which cargo uses for freshness.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, FileTimes, Metadata};
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

/// Makes a directory equal to a directory that it was copied from. Copies only the files whose size
/// or modification time differs: every program that changes a file changes its time.
pub(crate) fn restore(from: &Path, to: &Path) {
    let entries = |directory: &Path| -> BTreeMap<OsString, Metadata> {
        let entries = fs::read_dir(directory).unwrap();
        let entries = entries.map(|it| it.unwrap());
        entries
            .map(|it| (it.file_name(), it.metadata().unwrap()))
            .collect()
    };
    let state = |it: &Metadata| (it.file_type(), it.len(), it.modified().unwrap());
    let kept = entries(from);
    let present = entries(to);
    for (name, metadata) in &present {
        let is_same = kept.get(name).is_some_and(|it| match it.is_dir() {
            true => metadata.is_dir(),
            false => state(it) == state(metadata),
        });
        let path = to.join(name);
        if is_same && metadata.is_dir() {
            restore(&from.join(name), &path);
        } else if metadata.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else if !is_same {
            // A file may have another name, through which it must not be changed.
            fs::remove_file(path).unwrap();
        }
    }
    // What is there now is equal.
    copy(from, to, &|path| {
        let name = path.strip_prefix(from).ok();
        name.is_none_or(|name| fs::symlink_metadata(to.join(name)).is_err())
    });
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

#[test]
fn a_restored_directory_is_equal() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
    for (file, text) in [
        ("same", "1"),
        ("inner/changed", "2"),
        ("inner/gone", "3"),
        ("kind", "4"),
    ] {
        let file = from.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    symlink("same", from.join("link")).unwrap();
    copy(&from, &to, &|_| true);
    let time = fs::metadata(from.join("inner"))
        .unwrap()
        .modified()
        .unwrap();
    fs::hard_link(to.join("inner/changed"), scratch.path().join("other")).unwrap();
    fs::write(to.join("inner/changed"), "5").unwrap();
    fs::remove_file(to.join("inner/gone")).unwrap();
    fs::remove_file(to.join("kind")).unwrap();
    fs::create_dir_all(to.join("kind/more")).unwrap();
    fs::write(to.join("new"), "6").unwrap();
    fs::remove_file(to.join("link")).unwrap();

    restore(&from, &to);

    let content = |name: &str| fs::read_to_string(to.join(name)).unwrap();
    let names = ["same", "inner/changed", "inner/gone", "kind"];
    assert_eq!(names.map(content).concat(), "1234");
    assert_eq!(files(&to).len(), 5, "{:?}", files(&to));
    assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("same"));
    assert_eq!(
        fs::metadata(to.join("inner")).unwrap().modified().unwrap(),
        time
    );
    // The other name of the file keeps the change.
    assert_eq!(
        fs::read_to_string(scratch.path().join("other")).unwrap(),
        "5"
    );
}
