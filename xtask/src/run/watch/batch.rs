//! Saves that belong together, and the files that git itself writes.
//!
//! Git holds `index.lock` while it switches a branch, so a file that changes in the meantime was
//! written by git. Such a file is a save only if `HEAD` stays where it was, as after `git restore`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use notify::event::{EventKind, ModifyKind, RemoveKind, RenameMode};

/// An event that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// A path was written, renamed or removed.
    Written(PathBuf),
    /// Git began to write.
    Locked,
    /// Git's lock was removed.
    Unlocked,
    /// The system dropped events.
    Lost,
}

/// Paths that changed since the last run.
#[derive(Debug, Default)]
pub(super) struct Batch {
    saved: BTreeSet<PathBuf>,
    by_git: BTreeSet<PathBuf>,
    is_locked: bool,
    has_lost: bool,
}

impl Batch {
    /// Adds an event.
    pub(super) fn add(&mut self, event: Happened) {
        match event {
            Happened::Written(path) if self.is_locked => _ = self.by_git.insert(path),
            Happened::Written(path) => _ = self.saved.insert(path),
            Happened::Locked => self.is_locked = true,
            Happened::Unlocked => self.is_locked = false,
            Happened::Lost => self.has_lost = true,
        }
    }

    /// Returns true if nothing happened.
    pub(super) fn is_empty(&self) -> bool {
        self.saved.is_empty() && self.by_git.is_empty() && !self.has_lost
    }

    /// Returns true if git is writing.
    pub(super) fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// Returns true if git wrote files.
    pub(super) fn is_by_git(&self) -> bool {
        !self.by_git.is_empty()
    }

    /// Returns true if the system dropped events, so that any file may have changed.
    pub(super) fn has_lost(&self) -> bool {
        self.has_lost
    }

    /// Returns the saved paths, and the number of paths that a switch of the branch changed. The
    /// latter are no saves.
    pub(super) fn take(&mut self, head_moved: bool) -> (BTreeSet<PathBuf>, usize) {
        let mut saved = std::mem::take(&mut self.saved);
        let by_git = std::mem::take(&mut self.by_git);
        self.has_lost = false;
        match head_moved {
            true => (saved, by_git.len()),
            false => {
                saved.extend(by_git);
                (saved, 0)
            }
        }
    }
}

/// Returns what an event of the system means. `lock` is the path of git's lock.
pub(super) fn happened(event: &notify::Event, lock: &Path) -> Vec<Happened> {
    if event.need_rescan() {
        return vec![Happened::Lost];
    }
    let is_write = match event.kind {
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => false,
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => true,
        EventKind::Any | EventKind::Other => true,
    };
    let ends = matches!(
        event.kind,
        EventKind::Remove(RemoveKind::File | RemoveKind::Any)
            | EventKind::Modify(ModifyKind::Name(RenameMode::From))
    );
    // The lock may be gone by the time at which the event of its creation is read.
    let begins = matches!(event.kind, EventKind::Create(_));
    let mut all = Vec::new();
    for path in event.paths.iter().filter(|_| is_write) {
        if path != lock {
            all.push(Happened::Written(path.clone()));
        } else if ends || !begins && !path.exists() {
            all.push(Happened::Unlocked);
        } else {
            all.push(Happened::Locked);
        }
    }
    // A rename has both names: the lock becomes the index.
    if matches!(
        event.kind,
        EventKind::Modify(ModifyKind::Name(RenameMode::Both))
    ) {
        all.retain(|it| !matches!(it, Happened::Locked));
    }
    all
}

#[cfg(test)]
mod tests {
    use notify::Event;
    use notify::event::{AccessKind, CreateKind, DataChange, MetadataKind};

    use super::*;

    #[test]
    fn files_that_a_switch_writes_are_no_saves() {
        let written = |path: &str| Happened::Written(PathBuf::from(path));
        let (locked, unlocked) = (Happened::Locked, Happened::Unlocked);
        let cases = [
            ("a save", vec![written("a")], false, "a", 0),
            (
                "a save before a switch",
                vec![written("a"), locked.clone(), written("b"), unlocked.clone()],
                true,
                "a",
                1,
            ),
            (
                "a save after a switch",
                vec![locked.clone(), written("b"), unlocked.clone(), written("c")],
                true,
                "c",
                1,
            ),
            // `git restore` does not move `HEAD`.
            (
                "a restored file",
                vec![locked.clone(), written("b"), unlocked.clone()],
                false,
                "b",
                0,
            ),
            ("a commit", vec![locked, unlocked], true, "", 0),
        ];
        for (name, events, head_moved, saved, switched) in cases {
            let mut batch = Batch::default();
            for event in events {
                batch.add(event);
            }
            assert!(!batch.is_locked(), "{name}");
            let (paths, number) = batch.take(head_moved);
            let paths: Vec<_> = paths.iter().map(|it| it.display().to_string()).collect();
            assert_eq!(
                (paths.join(" ").as_str(), number),
                (saved, switched),
                "{name}"
            );
            assert!(batch.is_empty());
        }
    }

    #[test]
    fn reads_and_changed_times_are_no_writes() {
        let lock = Path::new("/nowhere/.git/index.lock");
        let told = |kind: EventKind, path: &str| {
            let event = Event::new(kind).add_path(PathBuf::from(path));
            format!("{:?}", happened(&event, lock))
        };
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let times = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
        let from = EventKind::Modify(ModifyKind::Name(RenameMode::From));
        let lock_path = "/nowhere/.git/index.lock";
        for (kind, path, expected) in [
            (data, "/w/a.rs", r#"[Written("/w/a.rs")]"#),
            (
                EventKind::Create(CreateKind::File),
                "/w/a.rs",
                r#"[Written("/w/a.rs")]"#,
            ),
            (EventKind::Access(AccessKind::Any), "/w/a.rs", "[]"),
            (times, "/w/a.rs", "[]"),
            (EventKind::Create(CreateKind::File), lock_path, "[Locked]"),
            (from, lock_path, "[Unlocked]"),
            (EventKind::Remove(RemoveKind::File), lock_path, "[Unlocked]"),
        ] {
            assert_eq!(told(kind, path), expected, "{kind:?} {path}");
        }
        let lost = Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        assert_eq!(happened(&lost, lock), [Happened::Lost]);
    }
}
