//! Searches of packages' sources, with the results so far.

use std::collections::HashMap;
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};

use super::file_facts::FileFacts;
use super::names::{NameList, SourceNames};
use super::search::{Lines, Search, SourceScope};
use super::source_files::each_source;
use crate::observed;
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

/// The places in which the sources of a package lie.
pub(super) struct SourcePlaces<'a> {
    /// The directory of the package.
    pub(super) directory: &'a Utf8Path,
    /// The files and directories outside the package that its sources name.
    pub(super) far: Vec<&'a Utf8Path>,
    /// True if the sources may include code from places that are not in `far`.
    pub(super) has_unlisted: bool,
}

impl<'a> SourcePlaces<'a> {
    /// Returns the places of a package's sources, given the paths outside the package that its
    /// sources name. Directories above the workspace, which `"../../.."` names, are left out: such
    /// a directory may contain the whole disk.
    pub(super) fn new(
        directory: &'a Utf8Path,
        named: &'a [Utf8PathBuf],
        workspace: &Utf8Path,
    ) -> Self {
        let paths = named.iter().map(Utf8PathBuf::as_path);
        let (above, far): (Vec<_>, Vec<_>) =
            paths.partition(|path| *path != workspace && workspace.starts_with(path));
        Self {
            directory,
            far,
            has_unlisted: !above.is_empty(),
        }
    }
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
        let found = match facts.held_in_download(directory, scope, search) {
            Some(known) => known,
            None => {
                let found = self.search(facts, scope, directory, search);
                facts.keep_held_in_download(directory, scope, search, found);
                found
            }
        };
        let known = self.held.entry((package, scope)).or_default();
        known.insert(search.clone(), found);
        found
    }

    /// Searches the sources below a package's directory.
    fn search(
        &mut self,
        facts: &mut FileFacts,
        scope: SourceScope,
        directory: &Utf8Path,
        search: &Search,
    ) -> bool {
        let is_among = |file: &Utf8Path| scope.has(file.strip_prefix(directory).unwrap_or(file));
        match search.is_for_names() {
            true => {
                let sources = self.names_below(facts, directory);
                sources.iter().any(|(file, names)| {
                    let is_in = |names: &SourceNames| search.succeeds_by_names(names);
                    names
                        .as_ref()
                        .is_none_or(|names| is_in(names) == Some(true))
                        && is_among(file)
                })
            }
            false => {
                let sources = self.sources_below(directory);
                let mut sources = sources.iter().filter(|file| is_among(file));
                sources.any(|file| facts.holds(file, search))
            }
        }
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

    /// Returns true if the components of paths in the sources of a package were collected.
    pub(super) fn has_parts(&self, package: PackageIx) -> bool {
        self.parts.contains_key(&package)
    }

    /// Collects the components of paths in the sources of a package.
    pub(super) fn collect_parts(
        &mut self,
        facts: &mut FileFacts,
        package: PackageIx,
        places: &SourcePlaces<'_>,
    ) {
        let parts = self.parts_in(facts, places);
        self.parts.insert(package, parts);
    }

    /// Returns true if the lines of a package contain one of these names as a component of a path,
    /// or if the components of the package were not collected.
    pub(super) fn name_any(&self, package: PackageIx, lines: Lines, names: &[&str]) -> bool {
        let Some(parts) = self.parts.get(&package) else {
            return true;
        };
        let searched = match lines {
            Lines::Code => &parts.code,
            Lines::Macros => &parts.macros,
            Lines::Docs => &parts.docs,
        };
        parts.has_unread || names.iter().any(|name| searched.contains(name))
    }

    fn parts_in(&mut self, facts: &mut FileFacts, places: &SourcePlaces<'_>) -> PathParts {
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
        let mut searched = vec![places.directory];
        for path in &places.far {
            if observed::is_directory(path) {
                searched.push(path);
            } else if path.extension() == Some("rs") {
                take(path);
            }
        }
        for directory in searched {
            let sources = self.sources_below(directory);
            sources.iter().for_each(|file| take(file));
        }
        parts.has_unread |= places.has_unlisted;
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_search_has_its_own_result() {
        let directory = tempfile::tempdir().unwrap();
        let directory = Utf8Path::from_path(directory.path()).unwrap();
        std::fs::write(
            directory.join("lib.rs"),
            "// See LICENSE.\nfn license() {}\n",
        )
        .unwrap();
        let mut texts = Texts::default();
        let package = (PackageIx(0), SourceScope::Package);
        let mut facts = FileFacts::default();
        let mut hold = |search| texts.hold(&mut facts, package, directory, &search);
        assert!(!hold(Search::File("LICENSE".into())), "no path names it");
        assert!(!hold(Search::Made("LICENSE".to_owned())), "a comment");
        assert!(hold(Search::Variable("LICENSE".to_owned())));
        assert!(!hold(Search::Macros(&["LICENSE"])), "no macro is defined");
        assert!(!hold(Search::Code(&["LICENSE"])), "a comment");
        assert!(hold(Search::Code(&["license"])));
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
    fn directories_above_the_workspace_are_not_searched() {
        let workspace = Utf8Path::new("/home/me/workspace");
        for (path, is_searched) in [
            ("/home/me/workspace", true),
            ("/home/me/workspace/shared", true),
            ("/home/me/other", true),
            ("/home/me/work", true),
            ("/home/me", false),
            ("/", false),
        ] {
            let named = [Utf8PathBuf::from(path)];
            let places = SourcePlaces::new(workspace, &named, workspace);
            assert_eq!(!places.far.is_empty(), is_searched, "{path}");
            assert_eq!(places.has_unlisted, !is_searched, "{path}");
        }
        let directory = tempfile::tempdir().unwrap();
        let directory = Utf8Path::from_path(directory.path()).unwrap();
        for has_unlisted in [true, false] {
            let places = SourcePlaces {
                directory,
                far: Vec::new(),
                has_unlisted,
            };
            let mut facts = FileFacts::default();
            let mut texts = Texts::default();
            texts.collect_parts(&mut facts, PackageIx(0), &places);
            let named = texts.name_any(PackageIx(0), Lines::Code, &["data"]);
            assert_eq!(named, has_unlisted);
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
#[doc = include_str!(\"../chapters/one.md\")]
        ";
        std::fs::write(directory.join("lib.rs"), source).unwrap();
        let mut texts = Texts::default();
        let mut facts = FileFacts::default();
        let places = SourcePlaces {
            directory,
            far: Vec::new(),
            has_unlisted: false,
        };
        texts.collect_parts(&mut facts, PackageIx(0), &places);
        let hold = |lines, name| texts.name_any(PackageIx(0), lines, &[name]);
        for (name, in_code, in_docs) in [
            ("data", true, false),
            ("lines", true, false),
            ("shared", true, false),
            ("guide", false, true),
            ("place", false, false),
            ("pages", false, false),
            ("books", false, false),
            ("chapters", true, false),
            ("logo", true, false),
            ("after", true, false),
        ] {
            let found = (hold(Lines::Code, name), hold(Lines::Docs, name));
            assert_eq!(found, (in_code, in_docs), "{name}");
        }
    }
}
