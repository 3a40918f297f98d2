//! The paths that an answer depends on. While a thread has an [`Observer`], every function that looks
//! at a file, a directory or a link notes the path. An answer that was found from these paths holds
//! as long as nothing at the paths changes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use camino::{ReadDirUtf8, Utf8DirEntry, Utf8Path};

/// The part of a file or directory that an answer depends on. The larger part comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// The existence and the kind, and for a link its target.
    Place,
    /// The content of a file, or the entries of a directory.
    Content,
}

/// The state of a path at the first look.
#[derive(Clone, Debug)]
pub struct SeenPath {
    /// The part that counts.
    pub look: Look,
    /// The metadata of the path itself; `None` if the path does not exist.
    pub own: Option<Metadata>,
    /// The metadata of the target of a link.
    pub target: Option<Metadata>,
}

impl SeenPath {
    /// Looks at a path.
    #[must_use]
    pub fn now(path: &Utf8Path, look: Look) -> Self {
        let own = path.symlink_metadata().ok();
        let is_link = own.as_ref().is_some_and(Metadata::is_symlink);
        let target = is_link.then(|| path.metadata().ok()).flatten();
        Self { look, own, target }
    }
}

/// The paths that an observer noted, by their text.
type SeenPaths = Arc<Mutex<BTreeMap<String, SeenPath>>>;

thread_local! {
    static CURRENT: RefCell<Option<SeenPaths>> = const { RefCell::new(None) };
}

/// A list of the paths that a thread looks at, and the threads that work on parts for it.
#[derive(Default)]
pub struct Observer(SeenPaths);

impl Observer {
    /// Runs a function, and notes the paths that it looks at.
    pub fn during<R>(&self, act: impl FnOnce() -> R) -> R {
        let before = CURRENT.replace(Some(Arc::clone(&self.0)));
        let done = act();
        CURRENT.replace(before);
        done
    }

    /// Returns the observer of this thread, for a thread that works on a part.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(|current| current.clone().map(Self))
    }

    /// Returns the paths noted so far, each with its state before the answer depended on it. A later
    /// change shows in the state.
    #[must_use]
    pub fn paths(&self) -> BTreeMap<String, SeenPath> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.clone()
    }
}

/// Notes that an answer depends on the content at a path, existing or not.
pub fn note(path: &Utf8Path) {
    note_look(path, Look::Content);
}

/// Notes that an answer depends on the existence and the kind of a file or directory.
pub fn note_place(path: &Utf8Path) {
    note_look(path, Look::Place);
}

fn note_look(path: &Utf8Path, look: Look) {
    CURRENT.with_borrow(|current| {
        let Some(noted) = current else { return };
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        match noted.get_mut(path.as_str()) {
            Some(known) => known.look = look.max(known.look),
            None => drop(noted.insert(path.to_string(), SeenPath::now(path, look))),
        }
    });
}

/// Returns true if a file or directory exists, and notes the path.
#[must_use]
pub fn exists(path: &Utf8Path) -> bool {
    note_place(path);
    path.exists()
}

/// Returns true if there is a regular file at a path, and notes the path.
#[must_use]
pub fn is_file(path: &Utf8Path) -> bool {
    note_place(path);
    path.is_file()
}

/// Returns true if there is a directory at a path, and notes the path.
#[must_use]
pub fn is_directory(path: &Utf8Path) -> bool {
    note_place(path);
    path.is_dir()
}

/// Returns true if there is a symbolic link at a path, and notes the path.
#[must_use]
pub fn is_link(path: &Utf8Path) -> bool {
    note_place(path);
    path.is_symlink()
}

/// Returns the entries of a directory, and notes the path. Git's own directories change with every
/// command of git and hold no sources, so their entries do not count.
///
/// # Errors
/// Returns an error if the directory cannot be read.
pub fn read_directory(directory: &Utf8Path) -> io::Result<ReadDirUtf8> {
    match directory.iter().any(|part| part == ".git") {
        true => note_place(directory),
        false => note(directory),
    }
    directory.read_dir_utf8()
}

/// Returns the entries of a directory, and notes the path. A directory that cannot be read has no
/// entries.
pub fn entries(directory: &Utf8Path) -> impl Iterator<Item = Utf8DirEntry> {
    read_directory(directory).into_iter().flatten().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observer_notes_the_paths_of_its_threads_only() {
        let observer = Observer::default();
        note("before".into());
        let list: Vec<usize> = (0..100).collect();
        observer.during(|| {
            assert!(!exists("/observed/a".into()));
            note("/observed/a".into());
            note_place("/observed/a".into());
            assert!(!is_file("/observed/b".into()));
            assert!(!is_directory("/observed/c".into()));
            assert!(!is_link("/observed/d".into()));
            assert_eq!(entries("/observed/e".into()).count(), 0);
            assert_eq!(entries("/observed/f/.git".into()).count(), 0);
            crate::parallel::parts(&list, |part| {
                note(format!("{}", part[0]).as_str().into());
                part.to_vec()
            });
            let other = std::thread::spawn(|| note("of another query".into()));
            other.join().unwrap();
        });
        note("after".into());
        let mut paths = observer.paths();
        paths.retain(|path, _| path.parse::<usize>().is_err());
        assert!(paths.len() < observer.paths().len());
        let paths: Vec<_> = paths.iter().map(|(path, it)| (&**path, it.look)).collect();
        let expected = [
            ("/observed/a", Look::Content),
            ("/observed/b", Look::Place),
            ("/observed/c", Look::Place),
            ("/observed/d", Look::Place),
            ("/observed/e", Look::Content),
            ("/observed/f/.git", Look::Place),
        ];
        assert_eq!(paths, expected);
    }
}
