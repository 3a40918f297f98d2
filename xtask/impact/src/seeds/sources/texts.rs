//! The text of packages' sources, searched for words.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use cargo_metadata::camino::{Utf8DirEntry, Utf8Path, Utf8PathBuf};

use super::file_facts::FileFacts;
use super::names::{NameList, SourceNames, has, is_plain, makes_name, names_file, names_variable};
use crate::files;
use crate::paths::{is_absent, normalized, resolved};
use crate::workspace::PackageIx;

/// The results of the searches so far.
#[derive(Default)]
pub(super) struct Texts {
    /// True for the searches that succeeded in a source of the package.
    held: HashMap<(PackageIx, SourceScope), HashMap<Search, bool>>,
    /// The components of paths in the sources of a package.
    parts: HashMap<PackageIx, PathParts>,
    /// The names in the sources below a directory. Searches for files are repeated for many files,
    /// and reading the sources each time would take longer than all else.
    names: HashMap<Utf8PathBuf, NamesOfSources>,
    /// The sources below a directory.
    listed: HashMap<Utf8PathBuf, Rc<[Utf8PathBuf]>>,
}

/// The components of paths in the sources of a package.
#[derive(Default)]
struct PathParts {
    code: NameList,
    /// The components in code of files that define macros.
    macros: NameList,
    docs: NameList,
    /// True if a source was not read. It may contain any name.
    has_unread: bool,
}

/// Source files with the names that they contain. The names are `None` for a file that was not
/// read, because such a file may contain any name.
type NamesOfSources = Rc<[(Utf8PathBuf, Option<SourceNames>)]>;

/// The lines of sources to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lines {
    /// The lines that are not comments.
    Code,
    /// The lines of code in files that define macros.
    Macros,
    /// The comments that are documentation, which can contain tests.
    Docs,
}

impl Lines {
    pub(super) fn of(line: &str) -> Option<Self> {
        let line = line.trim_start();
        let is_doc = line.starts_with("///") || line.starts_with("//!");
        match line.starts_with("//") {
            true => is_doc.then_some(Self::Docs),
            false => Some(Self::Code),
        }
    }
}

/// The sources of a package to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SourceScope {
    /// All sources of the package.
    Package,
    /// The sources that may belong to the library of the package.
    Library,
}

impl SourceScope {
    /// Returns true if a file belongs to these sources, given its path relative to the package.
    pub(super) fn has(self, below: &Utf8Path) -> bool {
        const OTHERS: [&str; 5] = ["build.rs", "build", "tests", "benches", "examples"];
        self == Self::Package || below.iter().next().is_none_or(|it| !OTHERS.contains(&it))
    }
}

/// The text to search for. The result of each search is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Search {
    /// One of these words.
    Any(&'static [&'static str]),
    /// One of these words, outside lines that include a README as documentation.
    Code(&'static [&'static str]),
    /// One of these words as in [`Search::Code`], in a file that defines macros.
    Macros(&'static [&'static str]),
    /// The name of a file that a macro may make. Comments and declarations that a scan understands
    /// are skipped: see [`makes_name`].
    Made(String),
    /// A name as in [`Search::Made`], in a file that defines macros.
    MacrosMade(String),
    /// A file, by its path relative to the package. Attributes of the whole module are skipped: see
    /// [`names_file`].
    File(Utf8PathBuf),
    /// A file as in [`Search::File`], in a file that defines macros.
    MacrosFile(Utf8PathBuf),
    /// A variable: see [`names_variable`].
    Variable(String),
}

impl Search {
    pub(super) fn succeeds_in(&self, text: &str) -> bool {
        let code = |words: &[&str]| {
            // Most sources contain none of the words, and a search of the whole text is faster.
            if !words.iter().any(|word| has(text, word)) {
                return false;
            }
            let mut lines = text
                .lines()
                .filter(|line| !line.contains("doc = include_str"));
            lines.any(|line| words.iter().any(|word| has(line, word)))
        };
        let made = |name: &str| {
            // A search of the whole text is faster than finding the lines that count.
            if !makes_name(text, name) {
                return false;
            }
            let lines = text.lines().filter(|line| !is_plain(line));
            makes_name(&lines.collect::<Vec<_>>().join("\n"), name)
        };
        let names = |below: &Utf8Path| {
            let mut lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("#!["));
            lines.any(|line| names_file(line, below))
        };
        match self {
            Self::Any(words) => words.iter().any(|word| has(text, word)),
            Self::Code(words) => code(words),
            Self::Macros(words) => has(text, "macro_rules") && code(words),
            Self::Made(name) => made(name),
            Self::MacrosMade(name) => has(text, "macro_rules") && made(name),
            Self::File(below) => names(below),
            Self::MacrosFile(below) => has(text, "macro_rules") && names(below),
            Self::Variable(variable) => names_variable(text, variable),
        }
    }

    /// Returns the file that the search is for; `None` if only texts can be searched.
    fn file(&self) -> Option<&Utf8Path> {
        match self {
            Self::File(below) | Self::MacrosFile(below) => Some(below),
            _ => None,
        }
    }

    /// Returns true if a source with these names names the file.
    fn names(&self, names: &SourceNames, below: &Utf8Path) -> bool {
        (names.defines_macros || !matches!(self, Self::MacrosFile(_))) && names.name_file(below)
    }
}

impl Texts {
    /// Returns true if a source below a package's directory contains the searched text.
    pub(super) fn hold(
        &mut self,
        facts: &mut FileFacts,
        (package, scope): (PackageIx, SourceScope),
        directory: &Utf8Path,
        search: &Search,
    ) -> bool {
        let known = self.held.get(&(package, scope));
        if let Some(&known) = known.and_then(|known| known.get(search)) {
            return known;
        }
        let is_among = |file: &Utf8Path| scope.has(file.strip_prefix(directory).unwrap_or(file));
        let found = match search.file() {
            Some(below) => {
                let sources = self.names_below(facts, directory);
                sources.iter().any(|(file, names)| {
                    let is_in = |names: &SourceNames| search.names(names, below);
                    names.as_ref().is_none_or(is_in) && is_among(file)
                })
            }
            None => {
                let sources = self.sources_below(directory);
                let mut sources = sources.iter().filter(|file| is_among(file));
                sources.any(|file| facts.holds(file, search))
            }
        };
        let known = self.held.entry((package, scope)).or_default();
        known.insert(search.clone(), found);
        found
    }

    /// Returns the sources below a directory.
    pub(super) fn sources_below(&mut self, directory: &Utf8Path) -> Rc<[Utf8PathBuf]> {
        if let Some(known) = self.listed.get(directory) {
            return Rc::clone(known);
        }
        let mut sources = Vec::new();
        each_source(directory, &mut |file| sources.push(file.to_owned()));
        let sources: Rc<[Utf8PathBuf]> = sources.into();
        self.listed
            .insert(directory.to_owned(), Rc::clone(&sources));
        sources
    }

    /// Returns the names in each source below a directory.
    fn names_below(&mut self, facts: &mut FileFacts, directory: &Utf8Path) -> NamesOfSources {
        if let Some(known) = self.names.get(directory) {
            return Rc::clone(known);
        }
        let listed = self.sources_below(directory);
        let sources = listed.iter();
        let sources = sources.filter_map(|file| Some((file.clone(), facts.names(file)?)));
        let sources: NamesOfSources = sources.collect();
        self.names.insert(directory.to_owned(), Rc::clone(&sources));
        sources
    }

    /// Returns true if the lines of a package contain one of these names as a component of a path.
    /// The sources of the package are the files below `directory` and the files in `far`.
    pub(super) fn name_any(
        &mut self,
        facts: &mut FileFacts,
        package: PackageIx,
        directory: &Utf8Path,
        far: &[Utf8PathBuf],
        lines: Lines,
        names: &[&str],
    ) -> bool {
        let own = self.sources_below(directory);
        let parts = self.parts.entry(package).or_insert_with(|| {
            let mut parts = PathParts::default();
            let mut take = |file: &Utf8Path| match facts.names(file) {
                Some(Some(names)) => {
                    parts.code.extend(&names.code);
                    parts.docs.extend(&names.docs);
                    if names.defines_macros {
                        parts.macros.extend(&names.code);
                    }
                }
                Some(None) => parts.has_unread = true,
                None => {}
            };
            for path in far {
                match path.is_dir() {
                    true => each_source(path, &mut take),
                    false if path.extension() == Some("rs") => take(path),
                    false => {}
                }
            }
            own.iter().for_each(|file| take(file));
            parts
        });
        let searched = match lines {
            Lines::Code => &parts.code,
            Lines::Macros => &parts.macros,
            Lines::Docs => &parts.docs,
        };
        parts.has_unread || names.iter().any(|name| searched.contains(name))
    }
}

/// The stand-in for the text of a file that was not read. Rust's lexer rejects this text.
pub(super) const UNREAD: &str = "\"";

/// The budget for sources larger than 1 MiB, which are mostly generated.
static BUDGET: Mutex<files::ReadBudget> = Mutex::new(files::ReadBudget::new(1 << 20, 256 << 20));

/// Returns the content of a file, within the budget.
fn read_within_budget(path: &Utf8Path) -> io::Result<Vec<u8>> {
    let bytes = files::read(path, files::SOURCE)?;
    let mut budget = BUDGET.lock().unwrap_or_else(PoisonError::into_inner);
    match budget.allows(path, bytes.len() as u64) {
        true => Ok(bytes),
        false => Err(io::Error::new(
            ErrorKind::FileTooLarge,
            "all large sources together are larger than 256 MiB",
        )),
    }
}

/// Returns the text of a file. Bytes that are not UTF-8 become replacement characters, because such
/// a file can be included too. A source that exists but cannot be read is noted and becomes
/// [`UNREAD`].
pub(super) fn read(path: &Utf8Path) -> Option<String> {
    let bytes = match read_within_budget(path) {
        Ok(bytes) => bytes,
        Err(error) if is_absent(&error) => return None,
        Err(error) => {
            let is_source = path.extension() == Some("rs");
            if is_source {
                files::note_skipped(path, &error);
            }
            // A literal can name a device or a pipe, which is not a file of a package.
            let is_there = is_source || error.kind() == ErrorKind::FileTooLarge;
            return is_there.then(|| UNREAD.to_owned());
        }
    };
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// Returns the targets of the symbolic links below a directory that lie outside the directory, and
/// the targets of links below these. Cargo follows links, even into hidden directories and other
/// packages.
pub(super) fn links_below(directory: &Utf8Path) -> Vec<Utf8PathBuf> {
    let is_entered = |path: &Utf8Path, names: &[&str]| {
        path.file_name() != Some(".git") && !names.contains(&"CACHEDIR.TAG")
    };
    let mut leads: Vec<Utf8PathBuf> = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(from) = left.pop() {
        each_entry(&from, &is_entered, &mut |path, is_link| {
            let to = if is_link { resolved(path) } else { return };
            let is_known = leads.iter().any(|known| to.starts_with(known));
            if !is_known && !to.starts_with(directory) {
                left.push(to.clone());
                leads.push(to);
            }
        });
    }
    leads
}

/// The paths outside a package's directory that the package reaches, according to the text of its
/// sources.
#[derive(Debug, Default)]
pub struct OutsidePaths {
    /// The targets of links, and the paths in string literals that lead out of the directory.
    pub(super) reached: Vec<Utf8PathBuf>,
    /// The targets of links.
    pub(super) linked: Vec<Utf8PathBuf>,
    /// True if code in a file without the extension `rs` is included. The search does not cover
    /// such files.
    pub(super) includes_others: bool,
    /// True if the sources may learn the location of a package or of the workspace while they run.
    pub(super) knows_location: bool,
    /// True if the package may step up to the directory above its own: in its sources, or in
    /// scripts and other texts that its sources name.
    pub(super) may_climb: bool,
    /// True if there are links, or directories that were not searched for links.
    has_links: bool,
    /// True if a source was not read, so that the package may reach any path.
    pub(super) has_unread: bool,
}

/// The outside paths of several directories.
pub type Outsides = HashMap<Utf8PathBuf, OutsidePaths>;

impl OutsidePaths {
    /// Finds the outside paths of the sources below a directory.
    pub fn of(directory: &Utf8Path) -> Self {
        let mut outside = Self::default();
        let has_links = Cell::new(false);
        let is_entered = |path: &Utf8Path, names: &[&str]| {
            let is_entered = is_of_package(path, names);
            has_links.set(has_links.get() || !is_entered);
            is_entered
        };
        let mut texts = Vec::new();
        let mut named = HashSet::new();
        each_entry(directory, &is_entered, &mut |path, is_link| {
            if is_link {
                has_links.set(true);
                let to = resolved(path);
                if !to.starts_with(directory) {
                    outside.linked.push(to.clone());
                    outside.reached.push(to);
                }
            }
            if path.extension() == Some("rs")
                && let Some(text) = read(path)
            {
                outside.add(directory, path, &text);
                named.extend(named_files(&text));
            } else if path.extension() != Some("rs") {
                texts.push(path.to_owned());
            }
        });
        outside.may_climb = outside.may_climb
            || texts.iter().any(|path| {
                let is_named = path.file_name().is_some_and(|it| named.contains(it));
                is_named && read_text(path).is_some_and(|text| climbs(&text))
            });
        outside.has_links = has_links.get();
        outside
    }

    /// Returns true if there is certainly no link below the directory.
    pub fn has_no_links(&self) -> bool {
        !self.has_links
    }

    fn add(&mut self, directory: &Utf8Path, file: &Utf8Path, text: &str) {
        self.has_unread |= text == UNREAD;
        self.knows_location = self.knows_location || asks_for_location(text);
        self.may_climb = self.may_climb || climbs(text);
        // The code may build a path that leads upward from several strings.
        self.includes_others |= text.contains("\"..\"") || text.contains("/..\"");
        let mut included = text.split("include!(\"").skip(1);
        self.includes_others |= included.any(|rest| {
            let path = rest.split('"').next();
            path.is_some_and(|path| !path.ends_with(".rs"))
        });
        for literal in climbing_literals(text) {
            for from in [file.parent().unwrap_or(directory), directory] {
                let path = normalized(&from.join(literal.trim_start_matches('/')));
                if !path.starts_with(directory) {
                    self.reached.push(resolved(&path));
                }
            }
        }
    }
}

/// Returns true if a text contains `..` as a step up to the directory above.
fn climbs(text: &str) -> bool {
    text.match_indices("..").any(|(at, _)| {
        let is_part = |char: Option<char>| {
            char.is_none_or(|char| char.is_whitespace() || "\"'`/\\;:=".contains(char))
        };
        is_part(text[..at].chars().next_back()) && is_part(text[at + 2..].chars().next())
    })
}

/// Returns the file names with an extension that the string literals of a text may contain.
fn named_files(text: &str) -> impl Iterator<Item = String> {
    let names = text
        .split('"')
        .filter_map(|it| it.rsplit(['/', '\\']).next());
    let is_name = |it: &&str| {
        (3..100).contains(&it.len()) && it.contains('.') && !it.contains(char::is_whitespace)
    };
    names.filter(is_name).map(str::to_owned)
}

/// Returns the text of a file in which code may find the names of more files, such as a script.
/// Returns `None` if the file cannot be read, is not UTF-8, or is larger than 64 KiB.
pub(super) fn read_text(path: &Utf8Path) -> Option<String> {
    const LONGEST: u64 = 64 << 10;
    let bytes = files::read_start(path, LONGEST + 1).ok()?;
    let is_small = bytes.len() as u64 <= LONGEST;
    is_small.then(|| String::from_utf8(bytes).ok()).flatten()
}

/// Returns true if code may ask for the location of its package, the workspace or the repository:
/// by a call, or by a variable that cargo does not set for every package.
fn asks_for_location(text: &str) -> bool {
    const CALLS: [&str; 7] = [
        "CARGO_MANIFEST_DIR",
        "workspace_root",
        "show-toplevel",
        "locate-project",
        "current_dir()",
        "current_exe()",
        "canonicalize(\".\")",
    ];
    const READERS: [&str; 4] = ["env!(\"", "var(\"", "var_os(\"", "option_env!(\""];
    const ORDINARY: [&str; 5] = [
        "CARGO_PKG_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "OUT_DIR",
        "RUST_",
    ];
    let names_other = |reader: &&str| {
        let mut read = text.split(*reader).skip(1);
        read.any(|rest| !ORDINARY.iter().any(|name| rest.starts_with(name)))
    };
    CALLS.iter().any(|call| text.contains(call)) || READERS.iter().any(names_other)
}

/// Visits the Rust files below a package's directory.
pub(super) fn each_source(directory: &Utf8Path, see: &mut dyn FnMut(&Utf8Path)) {
    each_entry(directory, &is_of_package, &mut |path, _| {
        if path.extension() == Some("rs") {
            see(path);
        }
    });
}

/// Returns true if a directory inside a package belongs to the package. A nested package, a hidden
/// directory and build output do not.
fn is_of_package(directory: &Utf8Path, names: &[&str]) -> bool {
    let is_hidden = directory.file_name().is_some_and(|it| it.starts_with('.'));
    !is_hidden && !names.contains(&"Cargo.toml") && !names.contains(&"CACHEDIR.TAG")
}

/// Returns true if a directory is entered, given the names of its entries.
type IsEntered<'a> = &'a dyn Fn(&Utf8Path, &[&str]) -> bool;

/// Visits the files and links below a directory, in all directories that are entered. The visitor
/// gets true for a link.
fn each_entry(
    directory: &Utf8Path,
    is_entered: IsEntered<'_>,
    see: &mut dyn FnMut(&Utf8Path, bool),
) {
    for entry in entries(directory) {
        each_at(&entry, is_entered, see);
    }
}

fn each_at(entry: &Utf8DirEntry, is_entered: IsEntered<'_>, see: &mut dyn FnMut(&Utf8Path, bool)) {
    let path = entry.path();
    let Ok(kind) = entry.file_type() else {
        return;
    };
    if !kind.is_dir() {
        return see(path, kind.is_symlink());
    }
    let below = entries(path);
    let names: Vec<&str> = below.iter().map(Utf8DirEntry::file_name).collect();
    if is_entered(path, &names) {
        for entry in &below {
            each_at(entry, is_entered, see);
        }
    }
}

fn entries(directory: &Utf8Path) -> Vec<Utf8DirEntry> {
    let entries = directory.read_dir_utf8().into_iter().flatten();
    entries.flatten().collect()
}

/// Returns the string literals of a text that contain `../`. A literal is roughly the text between
/// two quotes. This is a coarse filter; the scan of the target decides.
pub(super) fn climbing_literals(text: &str) -> impl Iterator<Item = &str> {
    /// The length of the longest path that a system opens, in bytes.
    const LONGEST: usize = 4096;
    let inside = text.split_once('"').and_then(|(_, it)| it.rsplit_once('"'));
    let between_quotes = inside.into_iter().flat_map(|(inside, _)| inside.split('"'));
    between_quotes.filter(|it| it.len() <= LONGEST && it.contains("../"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::sources::names::WordIndex;

    #[test]
    fn each_search_has_its_own_result() {
        let directory = tempfile::tempdir().unwrap();
        let directory = Utf8Path::from_path(directory.path()).unwrap();
        std::fs::write(directory.join("lib.rs"), "// See LICENSE.\n").unwrap();
        let mut texts = Texts::default();
        let package = (PackageIx(0), SourceScope::Package);
        let mut facts = FileFacts::default();
        let mut hold = |search| texts.hold(&mut facts, package, directory, &search);
        assert!(!hold(Search::File("LICENSE".into())), "no path names it");
        assert!(!hold(Search::Made("LICENSE".to_owned())), "a comment");
        assert!(hold(Search::Variable("LICENSE".to_owned())));
        assert!(!hold(Search::Macros(&["LICENSE"])), "no macro is defined");
        assert!(hold(Search::Code(&["LICENSE"])));
        let source = "#![doc = include_str!(\"../README.md\")]\n#[path = \"NOTES.md\"]\n";
        std::fs::write(directory.join("notes.rs"), source).unwrap();
        let mut texts = Texts::default();
        let mut facts = FileFacts::default();
        let mut hold = |search| texts.hold(&mut facts, package, directory, &search);
        assert!(!hold(Search::File("README.md".into())), "its own");
        assert!(hold(Search::File("NOTES.md".into())));
        assert!(!hold(Search::MacrosFile("NOTES.md".into())), "no macro");
    }

    #[test]
    fn a_macro_makes_a_name_from_words_in_the_source() {
        for (line, makes_it) in [
            ("m!(\"table_12.bin\");", true),
            ("m!(table_12);", true),
            ("m!(concat!(\"ta\", \"ble_12\"));", false),
            (
                "include_str!(concat!(\"data/\", $name, \"_\", 12, \".bin\")); m!(table);",
                true,
            ),
            ("m!(tables, 12);", false),
            ("let n = 112; m!(table);", false),
            ("// m!(table_12)", false),
            ("mod table_12;", false),
            ("pub(crate) mod table_12;", false),
            ("mods! { mod table_12; }", true),
            ("#[path = \"table_12.rs\"]", false),
            ("#[path = concat!(\"table_12\", \".rs\")]", true),
            (
                "#![cfg_attr(doctest, doc = include_str!(\"table_12.bin\"))]",
                false,
            ),
            ("doc = include_str!(\"../table_12.bin\")", false),
            (
                "#[cfg_attr(doc, doc = include_str!(m!(\"table_12\")))]",
                true,
            ),
        ] {
            let search = Search::Made("table_12".to_owned());
            assert_eq!(search.succeeds_in(line), makes_it, "{line}");
        }
        for (line, makes_it) in [
            ("m!(\"table\")", true),
            ("m!(\"old_table.bin\")", true),
            ("struct Mytable;", false),
            ("m!(tables)", false),
        ] {
            let search = Search::Made("table".to_owned());
            assert_eq!(search.succeeds_in(line), makes_it, "{line}");
        }
    }

    #[test]
    fn collected_names_answer_as_the_text_does() {
        let lines = [
            "m!(\"data/table_12.bin\", \"v2\");",
            "include!(\"gen\\\\code.in\"); mod hidden { mod deep; }",
            "let unclosed = \"first.second",
            "#![doc = include_str!(\"guide.md\")]",
            "// see \"notes.txt\" and old.gitignore",
            "let x = concat!(\"a\", 7, \".bin\"); m!(.hidden, größe);",
            "macro_rules! m { () => {} }",
        ];
        let names = [
            "table_12.bin",
            "table",
            "12",
            "v2",
            "v_2",
            "code.in",
            "gen",
            "hidden",
            "deep",
            "dee",
            "first",
            "second",
            "guide.md",
            "notes.txt",
            "gitignore",
            ".gitignore",
            ".hidden",
            "a7",
            "a_7",
            "größe",
            "x",
            "m",
            "macro_rules",
            "data",
        ];
        for line in lines {
            let collected = SourceNames::of(line);
            let mut index = WordIndex::default();
            index.add(line.to_owned());
            for name in names {
                assert_eq!(index.make(name), makes_name(line, name), "{name} in {line}");
                let searches = [Search::File(name.into()), Search::MacrosFile(name.into())];
                for search in searches {
                    let by_text = search.succeeds_in(line);
                    let by_names = search.names(&collected, name.into());
                    // `mod dee` begins `mod deep`, which declares another module.
                    let is_prefix = name == "dee" && by_text;
                    assert!(is_prefix || by_names == by_text, "{search:?} in {line}");
                }
            }
        }
    }

    #[test]
    fn climbing_literals_stand_between_quotes() {
        let climb = |levels| "../".repeat(levels);
        let (long, longer) = (climb(1365), climb(1366));
        let endless = climb(1 << 20);
        for (text, expected) in [
            ("f(\"../x\", \"y\", \"a/../b\")", vec!["../x", "a/../b"]),
            ("// ../x", vec![]),
            ("../x \"y\" ../z", vec![]),
            ("\"../x", vec![]),
            (&format!("\"{long}\""), vec![&*long]),
            (&format!("\"{longer}\""), vec![]),
            (&endless, vec![]),
        ] {
            let found: Vec<_> = climbing_literals(text).collect();
            assert_eq!(found, expected, "{}", &text[..text.len().min(40)]);
        }
    }

    #[test]
    fn a_library_has_fewer_sources_than_its_package() {
        for (file, is_of_library) in [
            ("lib.rs", true),
            ("src/build/tests.rs", true),
            ("build.rs", false),
            ("build/probe.rs", false),
            ("tests/it.rs", false),
            ("examples/one/main.rs", false),
        ] {
            assert!(SourceScope::Package.has(file.into()), "{file}");
            assert_eq!(
                SourceScope::Library.has(file.into()),
                is_of_library,
                "{file}"
            );
        }
    }

    #[test]
    fn names_in_comments_do_not_count_as_code() {
        let directory = tempfile::tempdir().unwrap();
        let directory = Utf8Path::from_path(directory.path()).unwrap();
        let source = "
            //! See <https://example.org/guide/chapters>.
            // It was in old/place/table.csv.
            const TABLE: &str = include_str!(concat!(\"../../data/\", \"lines.csv\"));
            let url = \"//shared/tables\";
            let page = \"https://example.org/pages/first.html\";
            show(\"logo.svg\", \"https://example.org/pages\", \"after.svg\");
#![cfg_attr(doc, doc = include_str!(\"../books/start.md\"))]
        ";
        std::fs::write(directory.join("lib.rs"), source).unwrap();
        let mut texts = Texts::default();
        let mut facts = FileFacts::default();
        let mut hold =
            |lines, name| texts.name_any(&mut facts, PackageIx(0), directory, &[], lines, &[name]);
        for (name, in_code, in_docs) in [
            ("data", true, false),
            ("lines", true, false),
            ("shared", true, false),
            ("guide", false, true),
            ("place", false, false),
            ("pages", false, false),
            ("books", false, false),
            ("logo", true, false),
            ("after", true, false),
        ] {
            let found = (hold(Lines::Code, name), hold(Lines::Docs, name));
            assert_eq!(found, (in_code, in_docs), "{name}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn links_behind_links_are_followed() {
        let (_directory, top) = crate::testing::scratch();
        for inside in ["watched/.hidden", "first", "second", "third"] {
            std::fs::create_dir_all(top.join(inside)).unwrap();
        }
        let link = |to: &str, from: &str| {
            std::os::unix::fs::symlink(top.join(to), top.join(from)).unwrap();
        };
        link("first", "watched/.hidden/link");
        link("second", "first/link");
        link("watched", "second/back");
        let leads = links_below(&top.join("watched"));
        assert_eq!(leads, [top.join("first"), top.join("second")]);
    }
}
