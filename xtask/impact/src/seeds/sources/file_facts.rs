//! Facts about single source files, cached until a file changes. A file counts as unchanged as long
//! as its modification time and its size stay the same. So after an edit, only the edited file is
//! read again, and only the targets that contain the file are scanned again.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::names::SourceNames;
use super::search::{Search, SourceScope};
use super::source_files::{UNREAD, read};
use crate::files::FileStamp;
use crate::paths::hashed;
use crate::source_scan::{self, Holds, SourceScan, SourceText};
use crate::{cargo_config, observed, parallel, state};

/// The facts about the source files that were read, and the scans of targets.
#[derive(Default)]
pub struct FileFacts {
    /// The cache file; `None` if the cache is off.
    file: Option<Utf8PathBuf>,
    /// The facts, read from the cache on first use.
    known: Option<KnownSources>,
    /// The present stamps of files, each read once.
    stamps: HashMap<String, Option<FileStamp>>,
    /// The texts of Rust sources that cargo did not download, each read and lexed once.
    texts: HashMap<String, SourceText>,
    /// The size of all these texts, in bytes.
    texts_size: usize,
    /// The directories below which cargo keeps the packages that it downloads.
    downloads: OnceCell<Vec<Utf8PathBuf>>,
    has_grown: bool,
    /// The numbers of scans that were made, and of scans that were cached.
    pub(super) scans: (usize, usize),
}

#[derive(Default, Serialize, Deserialize)]
struct KnownSources {
    files: HashMap<String, KnownFile>,
    /// The scans by the root of the target and the directory of its package. A target is scanned in
    /// several modes.
    scans: HashMap<(String, String), Vec<KeptScan>>,
    /// The results of searches in packages that cargo downloaded, by the directory of the package
    /// and the hash of the search. Cargo never changes such a directory.
    downloads: HashMap<String, HashMap<u64, bool>>,
}

/// The facts about one file.
#[derive(Serialize, Deserialize)]
struct KnownFile {
    stamp: FileStamp,
    names: Option<SourceNames>,
    /// The results of searches, by the hash of the search.
    held: HashMap<u64, bool>,
}

/// A scan with everything that its result depends on.
#[derive(Serialize, Deserialize)]
struct KeptScan {
    /// The options that the scan asked for, with the answers.
    options: BTreeMap<(String, Option<String>), Option<bool>>,
    /// The paths that the scan read, each with the stamp of the file; `None` for a missing file.
    read: Vec<(Utf8PathBuf, Option<FileStamp>)>,
    found: SourceScan,
}

/// The maximum number of scans of one target.
const SCANS: usize = 8;

/// The maximum size of all texts that stay in memory, in bytes.
const TEXTS: usize = 64 << 20;

/// The maximum number of searches in one file.
const SEARCHES: usize = 512;

impl FileFacts {
    /// Returns the facts in a cache file. The file is read on first use.
    pub fn cached_in(file: Option<Utf8PathBuf>) -> Self {
        Self {
            file,
            ..Self::default()
        }
    }

    /// Writes new facts to the cache file. Facts about a file that changed just now are left out,
    /// because a later change might get the same time.
    pub fn write(&mut self) {
        let (Some(file), Some(known), true) = (&self.file, &mut self.known, self.has_grown) else {
            return;
        };
        let now = SystemTime::now();
        let is_settled = |stamp: &FileStamp| !stamp.is_fresh_at(now);
        known.files.retain(|_, known| is_settled(&known.stamp));
        for scans in known.scans.values_mut() {
            scans.retain(|scan| {
                let mut stamps = scan.read.iter().filter_map(|(_, stamp)| stamp.as_ref());
                stamps.all(is_settled)
            });
        }
        known.scans.retain(|_, scans| !scans.is_empty());
        state::write(file, known);
        self.has_grown = false;
    }

    /// Scans a target, or returns the cached scan if nothing that it depends on changed.
    pub(super) fn scan(
        &mut self,
        root: &Utf8Path,
        directory: &Utf8Path,
        holds: &Holds<'_>,
    ) -> SourceScan {
        let key = (root.to_string(), directory.to_string());
        let kept = self.known().scans.remove(&key).unwrap_or_default();
        let (mut kept, _): (Vec<_>, Vec<_>) = kept.into_iter().partition(|scan| {
            let mut read = scan.read.iter();
            read.all(|(path, stamp)| self.stamp(path) == *stamp)
        });
        let is_it = |scan: &KeptScan| {
            let mut options = scan.options.iter();
            options.all(|((name, value), answer)| holds(name, value.as_deref()) == *answer)
        };
        if let Some(at) = kept.iter().position(is_it) {
            let found = kept[at].found.clone();
            self.known().scans.insert(key, kept);
            self.scans.1 += 1;
            return found;
        }
        let options = RefCell::new(BTreeMap::new());
        let asked = |name: &str, value: Option<&str>| {
            let answer = holds(name, value);
            let option = (name.to_owned(), value.map(str::to_owned));
            options.borrow_mut().insert(option, answer);
            answer
        };
        let (mut files, mut is_whole) = (Vec::new(), true);
        let mut reading = |path: &Utf8Path| {
            files.push((path.to_owned(), self.stamp(path)));
            let text = self.text(path);
            is_whole &= text.as_ref().is_none_or(|it| it.text() != UNREAD);
            text
        };
        let found = source_scan::scan(root, directory, &asked, &mut reading);
        self.scans.0 += 1;
        if is_whole {
            kept.truncate(SCANS - 1);
            kept.push(KeptScan {
                options: options.into_inner(),
                read: files,
                found: found.clone(),
            });
            self.has_grown = true;
        }
        self.known().scans.insert(key, kept);
        found
    }

    /// Returns true if a file contains the searched text, or if it is a source that was not read.
    pub(super) fn holds(&mut self, file: &Utf8Path, search: &Search) -> bool {
        let hash = hashed(search);
        if let Some(&held) = self.of(file).and_then(|known| known.held.get(&hash)) {
            return held;
        }
        let Some(text) = self.text(file) else {
            return false;
        };
        if text.text() == UNREAD {
            return true;
        }
        let held = search.succeeds_in(text.text());
        self.keep(file, |known| {
            if known.held.len() >= SEARCHES {
                known.held.clear();
            }
            known.held.insert(hash, held);
        });
        held
    }

    /// Returns the cached result of a search in the sources of a package that cargo downloaded.
    pub(super) fn held_in_download(
        &mut self,
        directory: &Utf8Path,
        scope: SourceScope,
        search: &Search,
    ) -> Option<bool> {
        observed::note(directory);
        let searches = self.known().downloads.get(directory.as_str())?;
        searches.get(&hashed((scope, search))).copied()
    }

    /// Caches the result of a search in the sources of a package, if cargo downloaded the package.
    pub(super) fn keep_held_in_download(
        &mut self,
        directory: &Utf8Path,
        scope: SourceScope,
        search: &Search,
        held: bool,
    ) {
        if self.is_download(directory) {
            let known = self.known().downloads.entry(directory.to_string());
            let known = known.or_default();
            if known.len() >= SEARCHES {
                known.clear();
            }
            known.insert(hashed((scope, search)), held);
            self.has_grown = true;
        }
    }

    /// Returns the names in a file: `None` if there is no such file, and `Some(None)` if the file
    /// was not read.
    pub(super) fn names(&mut self, file: &Utf8Path) -> Option<Option<SourceNames>> {
        if let Some(names) = self.of(file).and_then(|known| known.names.clone()) {
            return Some(Some(names));
        }
        let text = self.text(file)?;
        if text.text() == UNREAD {
            return Some(None);
        }
        let names = SourceNames::of(text.text());
        self.keep(file, |known| known.names = Some(names.clone()));
        Some(Some(names))
    }

    /// Collects the names in these files on all processors, except in files with known names.
    pub(super) fn collect_names<'f>(&mut self, files: impl Iterator<Item = &'f Utf8PathBuf>) {
        let has_names = |known: &KnownFile| known.names.is_some();
        let unknown = files.filter(|file| !self.of(file).is_some_and(has_names));
        let unknown: Vec<&Utf8PathBuf> = unknown.collect();
        let texts = unknown.iter().map(|file| self.texts.get(file.as_str()));
        let texts: Vec<Option<&str>> = texts.map(|it| it.map(SourceText::text)).collect();
        let with_texts: Vec<_> = unknown.iter().zip(texts).collect();
        let found = parallel::parts(&with_texts, |part| {
            let names = |text: &str| (text != UNREAD).then(|| SourceNames::of(text));
            let found = part.iter().map(|(file, text)| match text {
                Some(text) => names(text),
                None => names(&read(file)?),
            });
            found.collect()
        });
        for (file, names) in unknown.into_iter().zip(found) {
            if let Some(names) = names {
                self.keep(file, |known| known.names = Some(names));
            }
        }
    }

    /// Returns the text of a file. Returns `None` if there is no such file, and [`UNREAD`] if the
    /// file was not read.
    fn text(&mut self, file: &Utf8Path) -> Option<SourceText> {
        if let Some(known) = self.texts.get(file.as_str()) {
            return Some(known.clone());
        }
        let text = SourceText::from(read(file)?);
        let size = self.texts_size + text.text().len();
        if file.extension() == Some("rs") && size <= TEXTS && !self.is_download(file) {
            self.texts_size = size;
            self.texts.insert(file.to_string(), text.clone());
        }
        Some(text)
    }

    /// Returns true if cargo downloaded a file or directory.
    fn is_download(&self, path: &Utf8Path) -> bool {
        let downloads = self.downloads.get_or_init(download_directories);
        downloads.iter().any(|above| path.starts_with(above))
    }

    /// Returns the facts about a file, if the file is unchanged.
    fn of(&mut self, file: &Utf8Path) -> Option<&KnownFile> {
        let stamp = self.stamp(file)?;
        let known = self.known().files.get(file.as_str())?;
        (known.stamp == stamp).then_some(known)
    }

    /// Adds a fact about a file.
    fn keep(&mut self, file: &Utf8Path, add: impl FnOnce(&mut KnownFile)) {
        let Some(stamp) = self.stamp(file) else {
            return;
        };
        self.has_grown = true;
        let empty = || KnownFile {
            stamp,
            names: None,
            held: HashMap::new(),
        };
        let known = self.known().files.entry(file.to_string());
        let known = known.or_insert_with(empty);
        if known.stamp != stamp {
            *known = empty();
        }
        add(known);
    }

    fn known(&mut self) -> &mut KnownSources {
        let file = self.file.as_deref();
        self.known
            .get_or_insert_with(|| file.and_then(state::read).unwrap_or_default())
    }

    fn stamp(&mut self, file: &Utf8Path) -> Option<FileStamp> {
        if let Some(&known) = self.stamps.get(file.as_str()) {
            return known;
        }
        observed::note(file);
        let stamp = FileStamp::at(file);
        self.stamps.insert(file.to_string(), stamp);
        stamp
    }
}

/// Returns the directories in which cargo keeps the sources of registry and git packages.
pub fn download_directories() -> Vec<Utf8PathBuf> {
    let home = cargo_config::cargo_home().into_iter();
    home.flat_map(|home| [home.join("registry/src"), home.join("git/checkouts")])
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;
    use crate::testing::{scratch, write};

    /// Writes a file that is `age` seconds old. The time of the last change of its metadata cannot
    /// be set, so a test that writes the cache waits.
    fn aged(path: &Utf8Path, text: &str, age: u64) {
        write(path, text);
        let time = SystemTime::now() - Duration::from_secs(age);
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(time).unwrap();
    }

    fn files(scan: &SourceScan) -> Vec<&str> {
        let found = scan.modules.iter().chain(&scan.missing);
        found.filter_map(|path| path.file_name()).collect()
    }

    #[test]
    fn only_targets_with_a_changed_file_are_scanned_again() {
        let (_scratch, root) = scratch();
        let cache = root.join("facts");
        let lib = root.join("a/src/lib.rs");
        aged(&lib, "mod one;\n#[cfg(unix)]\nmod two;\n", 100);
        aged(&root.join("a/src/one.rs"), "", 100);
        aged(&root.join("b/src/lib.rs"), "", 100);
        std::thread::sleep(Duration::from_millis(80));
        let scans = |unix: bool| {
            let mut facts = FileFacts::cached_in(Some(cache.clone()));
            let holds = |name: &str, _: Option<&str>| (name == "unix").then_some(unix);
            let scan = facts.scan(&lib, &root.join("a"), &holds);
            facts.scan(&root.join("b/src/lib.rs"), &root.join("b"), &holds);
            facts.write();
            let names: Vec<_> = files(&scan).into_iter().map(str::to_owned).collect();
            (facts.scans, names.join(" "))
        };
        let with_two = "lib.rs one.rs mod.rs two.rs".to_owned();
        assert_eq!(scans(true), ((2, 0), with_two.clone()));
        assert_eq!(scans(true), ((0, 2), with_two));
        // Another answer to an option, and then the first answer again.
        assert_eq!(scans(false), ((1, 1), "lib.rs one.rs".to_owned()));
        assert_eq!(scans(true).0, (0, 2));
        // A missing file that now exists, and a changed file.
        aged(&root.join("a/src/two.rs"), "mod three;\n", 90);
        std::thread::sleep(Duration::from_millis(80));
        let found = "lib.rs one.rs two.rs mod.rs three.rs".to_owned();
        assert_eq!(scans(true), ((1, 1), found));
        aged(&root.join("a/src/two.rs"), "", 80);
        assert_eq!(scans(true), ((1, 1), "lib.rs one.rs two.rs".to_owned()));
    }

    #[test]
    fn facts_about_files_that_changed_just_now_are_not_cached() {
        let (_scratch, root) = scratch();
        let cache = root.join("facts");
        let mut facts = FileFacts::cached_in(Some(cache.clone()));
        for (name, age) in [("old", 60), ("new", 0)] {
            let time = SystemTime::now() - Duration::from_secs(age);
            let mut stamp = FileStamp::default();
            stamp.modified = crate::files::nanoseconds(time);
            let fact = KnownFile {
                stamp,
                names: None,
                held: HashMap::new(),
            };
            let scan = KeptScan {
                options: BTreeMap::new(),
                read: vec![("missing".into(), None), (name.into(), Some(stamp))],
                found: SourceScan::default(),
            };
            let known = facts.known();
            known.files.insert(name.to_owned(), fact);
            let key = (name.to_owned(), String::new());
            known.scans.insert(key, vec![scan]);
        }
        facts.has_grown = true;
        facts.write();
        let written: KnownSources = state::read(&cache).unwrap();
        let files: Vec<_> = written.files.keys().map(String::as_str).collect();
        let scans: Vec<_> = written.scans.keys().map(|it| it.0.as_str()).collect();
        assert_eq!((files, scans), (vec!["old"], vec!["old"]));
    }

    #[test]
    fn searches_are_repeated_for_changed_files_only() {
        let (_scratch, root) = scratch();
        let file = root.join("lib.rs");
        let search = Search::Variable("X".to_owned());
        aged(&file, "env!(\"X\")", 100);
        std::thread::sleep(Duration::from_millis(80));
        let cache = root.join("facts");
        let held = |text: Option<&str>| {
            let mut facts = FileFacts::cached_in(Some(cache.clone()));
            if let Some(text) = text {
                // The stamp is read before the text changes, so the cached result shows.
                facts.stamp(&file);
                write(&file, text);
            }
            let held = facts.holds(&file, &search);
            facts.write();
            held
        };
        assert!(held(None));
        assert!(held(Some("")), "the cached result");
        std::thread::sleep(Duration::from_millis(80));
        assert!(!held(None), "the file changed");
        let again = held(Some("env!(\"X\")"));
        assert!(!again, "the result of the changed file is cached");
    }

    #[test]
    fn only_searches_in_downloaded_packages_are_cached_for_the_directory() {
        let (_scratch, root) = scratch();
        let cache = root.join("facts");
        let search = Search::Any(&["include_str"]);
        let downloaded = root.join("registry/src/index/base-1.0.0");
        for (directory, cached) in [(&downloaded, Some(true)), (&root.join("member"), None)] {
            let start = || FileFacts {
                downloads: vec![root.join("registry/src")].into(),
                ..FileFacts::cached_in(Some(cache.clone()))
            };
            let mut facts = start();
            facts.keep_held_in_download(directory, SourceScope::Library, &search, true);
            facts.write();
            let mut facts = start();
            let mut held = |scope, search| facts.held_in_download(directory, scope, search);
            assert_eq!(held(SourceScope::Library, &search), cached, "{directory}");
            assert_eq!(held(SourceScope::Package, &search), None, "{directory}");
            let other = Search::Any(&["env!"]);
            assert_eq!(held(SourceScope::Library, &other), None, "{directory}");
        }
    }
}
