//! The scan from file to file: the files read so far, the files to read next, and the results.

use std::collections::{BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};

use super::condition::Holds;
use super::scope::{CodeOrigin, ModuleDirectory, TokenScope};
use super::token_tree::TokenStream;
use super::tokens::{MAX_DEPTH, lex};
use super::{DoubtKind, SourceDoubt, SourceScan, SourceText};
use crate::files;
use crate::paths::normalized;

/// The state of one scan.
pub(super) struct Scanner<'r> {
    pub(super) manifest_dir: Utf8PathBuf,
    pub(super) holds: &'r Holds<'r>,
    read: &'r mut dyn FnMut(&Utf8Path) -> Option<SourceText>,
    texts: HashMap<String, Option<SourceText>>,
    queue: Vec<(Utf8PathBuf, ModuleDirectory)>,
    /// The code files found so far, each with the directories of its modules: two at most.
    met: BTreeSet<(Utf8PathBuf, ModuleDirectory)>,
    /// The files and inline modules in which a macro may be called.
    pub(super) call_sites: BTreeSet<(Utf8PathBuf, ModuleDirectory)>,
    /// The `macro_rules!` definitions that declare modules or include files.
    pub(super) definitions: Vec<TokenStream>,
    pub(super) declared_in_definitions: usize,
    /// The modules that macros declare and that have no file next to the declaration, with the
    /// missing files.
    pub(super) unplaced: Vec<(String, Vec<Utf8PathBuf>, SourceDoubt)>,
    /// The names of modules whose file was found at a place where the macro may be called.
    pub(super) placed: BTreeSet<String>,
    pub(super) found: SourceScan,
}

impl<'r> Scanner<'r> {
    pub(super) fn new(
        manifest_dir: &Utf8Path,
        holds: &'r Holds<'r>,
        read: &'r mut dyn FnMut(&Utf8Path) -> Option<SourceText>,
    ) -> Self {
        Scanner {
            manifest_dir: normalized(manifest_dir),
            holds,
            read,
            texts: HashMap::new(),
            queue: Vec::new(),
            met: BTreeSet::new(),
            call_sites: BTreeSet::new(),
            definitions: Vec::new(),
            declared_in_definitions: 0,
            unplaced: Vec::new(),
            placed: BTreeSet::new(),
            found: SourceScan::default(),
        }
    }

    pub(super) fn run(&mut self, root: &Utf8Path) {
        let root = normalized(root);
        let place = ModuleDirectory::of_owner(&root);
        if !self.take_module(root.clone(), place) {
            self.found.missing.insert(root);
        }
        while !self.queue.is_empty() {
            while let Some((file, place)) = self.queue.pop() {
                self.scan_file(&file, place);
            }
            self.replay_definitions();
        }
        for (name, absent, doubt) in std::mem::take(&mut self.unplaced) {
            if !self.placed.contains(&name) {
                self.found.missing.extend(absent);
                self.found.doubts.push(doubt);
            }
        }
        self.found.doubts.sort();
        self.found.doubts.dedup();
    }

    /// Returns the tokens of every scanned code file.
    pub(super) fn scanned(&self) -> impl Iterator<Item = (&Utf8Path, TokenStream)> {
        let files: BTreeSet<&Utf8Path> = self.met.iter().map(|(file, _)| file.as_path()).collect();
        files
            .into_iter()
            .filter_map(|file| Some((file, lex(self.texts.get(file.as_str())?.as_ref()?.text())?)))
    }

    pub(super) fn text(&mut self, file: &Utf8Path) -> Option<SourceText> {
        if let Some(known) = self.texts.get(file.as_str()) {
            return known.clone();
        }
        let text = (self.read)(file);
        self.texts.insert(file.to_string(), text.clone());
        text
    }

    /// Adds a file as a module if the file exists. Returns true if it exists.
    pub(super) fn take_module(&mut self, file: Utf8PathBuf, place: ModuleDirectory) -> bool {
        let exists = self.text(&file).is_some();
        if exists {
            self.found.modules.insert(file.clone());
            self.enqueue(file, place);
        }
        exists
    }

    pub(super) fn enqueue(&mut self, file: Utf8PathBuf, place: ModuleDirectory) {
        if self.met.insert((file.clone(), place.clone())) {
            self.queue.push((file, place));
        }
    }

    fn scan_file(&mut self, file: &Utf8Path, place: ModuleDirectory) {
        let Some(text) = self.text(file) else { return };
        let Some(tokens) = text.declaring_tokens() else {
            let reason = match text.is_nested_too_deep() {
                true => {
                    let reason = format!("it is nested deeper than {MAX_DEPTH} brackets");
                    files::note_skipped(file, &reason);
                    reason
                }
                false => "the file does not lex".to_owned(),
            };
            let doubt = SourceDoubt::new(file, DoubtKind::Unlexable, reason);
            return self.found.doubts.push(doubt);
        };
        self.call_sites.insert((file.to_owned(), place.clone()));
        let scope = TokenScope {
            file,
            places: &[place],
            origin: CodeOrigin::Written,
            items: true,
            names: false,
            literals: false,
        };
        self.walk(tokens, &scope);
    }

    /// Scans the macro definitions again for each place where a macro may be called. Modules and
    /// included files in a definition are relative to the place of the call, so every existing file
    /// at any of these places is taken.
    fn replay_definitions(&mut self) {
        if self.definitions.is_empty() {
            return;
        }
        let definitions = self.definitions.clone();
        for (file, place) in &self.call_sites.clone() {
            let scope = TokenScope {
                file,
                places: std::slice::from_ref(place),
                origin: CodeOrigin::Replay,
                items: true,
                names: false,
                literals: false,
            };
            for definition in &definitions {
                self.walk(definition, &scope);
            }
        }
    }
}
