//! Names of files that a macro glues from several words: `page!(Front, 7)` may read
//! `front_page_007.html`.
//!
//! The words of such a name stand in one call of the macro, in the macro, or in the variables that
//! cargo sets. The macro also contains the extension of the file.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use toml::{Table, Value};

use super::names::own_name;
use super::search::Search;
use super::source_files::read;
use super::{Reads, Sources};
use crate::source_scan::{CallWords, lower_words};
use crate::unit_graph::Unit;
use crate::workspace::PackageIx;

/// The variables of cargo that hold a path of the manifest, each with its key in `[package]`.
static PATH_VARIABLES: [(Search, &str); 2] = [
    (Search::Any(&["CARGO_PKG_README"]), "readme"),
    (Search::Any(&["CARGO_PKG_LICENSE_FILE"]), "license-file"),
];

/// The files that cargo takes for the README of a package whose manifest names none.
pub const READMES: [&str; 3] = ["README.md", "README.txt", "README"];

/// The calls of a unit's macros, found by the words that they contain.
#[derive(Default)]
pub(super) struct GlueCalls {
    /// The packages that define the called macros.
    makers: Vec<PackageIx>,
    /// True if one of the packages is a procedural macro that makes its callers read files.
    is_procedural: bool,
    calls: Vec<HashSet<String>>,
    by_word: HashMap<String, Vec<usize>>,
}

impl GlueCalls {
    fn of(makers: Vec<PackageIx>, calls: &CallWords, is_called: impl FnMut(&str) -> bool) -> Self {
        let mut is_called = is_called;
        let mut found = Self {
            makers,
            ..Self::default()
        };
        let ours = calls.iter().filter(|(called, _)| is_called(called));
        let distinct: HashSet<&String> = ours.flat_map(|(_, texts)| texts).collect();
        for text in distinct {
            let words: HashSet<String> = text.split(' ').map(str::to_owned).collect();
            for word in &words {
                let known = found.by_word.entry(word.clone()).or_default();
                known.push(found.calls.len());
            }
            found.calls.push(words);
        }
        found
    }

    /// Returns the calls that may give a part of a name.
    fn giving(&self, name: &GluedName) -> Vec<&HashSet<String>> {
        let mut found: Vec<usize> = Vec::new();
        for run in &name.0 {
            let words = run.words.iter().map(String::as_str);
            let ends = run.text.char_indices().flat_map(|(at, _)| {
                let (start, end) = run.text.split_at(at);
                [start, end]
            });
            let parts = words.chain(ends).filter(|part| !part.is_empty());
            found.extend(parts.filter_map(|part| self.by_word.get(part)).flatten());
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| &self.calls[at]).collect()
    }
}

/// A name of a file or a directory, in parts that consist of letters and digits only.
struct GluedName(Vec<NameRun>);

struct NameRun {
    /// The part, in lower case.
    text: String,
    words: Vec<String>,
}

impl GluedName {
    fn of(name: &str) -> Self {
        let runs = name.split(|it: char| !it.is_alphanumeric());
        let runs = runs.filter(|run| !run.is_empty()).map(|run| NameRun {
            text: run.to_lowercase(),
            words: lower_words(run).collect(),
        });
        Self(runs.collect())
    }

    /// Returns true if a call gives the whole name.
    fn is_given(&self, call: &HashSet<String>) -> bool {
        !self.0.is_empty() && self.0.iter().all(|run| run.given(call).is_some())
    }

    /// Returns true if the name has several parts, or if a call gives several words of it. A single
    /// word stands in many calls.
    fn is_of_several_words(&self, call: &HashSet<String>) -> bool {
        let given = self.0.iter().filter_map(|run| run.given(call));
        self.0.len() > 1 || given.sum::<usize>() > 1
    }
}

impl NameRun {
    /// The length of the longest ending that a macro adds to a word, as in `users` for `User`.
    const ENDING: usize = 3;

    /// Returns the number of words of a call that give the part when they are joined; `None` if the
    /// call does not give the part.
    fn given(&self, call: &HashSet<String>) -> Option<usize> {
        if self.words.iter().all(|word| call.contains(word)) {
            return Some(self.words.len());
        }
        let text = self.text.as_str();
        // The ends of the beginnings that are made of words, each with the number of words.
        let mut ends = vec![(0, 0)];
        for (at, char) in text.char_indices() {
            let end = at + char.len_utf8();
            let is_word = |start: usize| {
                let word = &text[start..end];
                let is_digit = word.starts_with(|it: char| it.is_ascii_digit());
                (word.len() > 1 || is_digit) && call.contains(word)
            };
            let before = ends.iter().find(|(start, _)| is_word(*start));
            if let Some((_, count)) = before {
                ends.push((end, count + 1));
            }
        }
        let (last, count) = ends.last().copied().unwrap_or_default();
        let is_whole = last == text.len();
        let has_ending = last > Self::ENDING && text.len() - last <= Self::ENDING;
        (is_whole || has_ending).then_some(count)
    }
}

impl Sources<'_> {
    /// Returns true if a macro may glue the name of a file of the unit's package.
    pub(super) fn is_glued(&mut self, unit: &Unit, reads: &Reads, file: &Utf8Path) -> bool {
        let calls = self.glue_calls(unit, reads);
        let below = file.strip_prefix(&reads.directory).unwrap_or(file);
        let above: Vec<GluedName> = below.iter().map(GluedName::of).collect();
        let above = above.split_last().map_or(&[][..], |(_, above)| above);
        let Some(name) = own_name(file).map(GluedName::of) else {
            return false;
        };
        let giving = calls.giving(&name);
        giving.into_iter().any(|call| {
            let is_led_to = above.iter().any(|it| it.is_given(call));
            let is_likely = calls.is_procedural || name.is_of_several_words(call);
            (is_led_to || is_likely && self.directory_fits(unit, reads, file))
                && self.is_name_glued(unit, &calls, call, file, &name)
        })
    }

    /// Returns true if a macro may glue the path of a file outside the unit's package. `above` are
    /// the names of the directories that lead to the file, each with true if the sources of the unit
    /// and of its macros name the directory.
    pub(super) fn is_glued_outside(
        &mut self,
        unit: &Unit,
        reads: &Reads,
        file: &Utf8Path,
        above: &[(&str, bool)],
    ) -> bool {
        let calls = self.glue_calls(unit, reads);
        let Some(name) = own_name(file).map(GluedName::of) else {
            return false;
        };
        let giving = calls.giving(&name);
        giving.into_iter().any(|call| {
            let given = above
                .iter()
                .map(|(name, _)| GluedName::of(name).is_given(call));
            let is_likely = calls.is_procedural || name.is_of_several_words(call);
            (is_likely || given.clone().any(|it| it))
                && above
                    .iter()
                    .zip(given)
                    .all(|((_, is_named), is_given)| *is_named || is_given)
                && self.is_name_glued(unit, &calls, call, file, &name)
        })
    }

    /// Returns true if the words of a call and of the macros give the name of a file. At least half
    /// of the name is from the call.
    fn is_name_glued(
        &mut self,
        unit: &Unit,
        calls: &GlueCalls,
        call: &HashSet<String>,
        file: &Utf8Path,
        name: &GluedName,
    ) -> bool {
        let (given, others): (Vec<_>, Vec<_>) =
            name.0.iter().partition(|run| run.given(call).is_some());
        let stem = file.file_stem().unwrap_or_default();
        !given.is_empty()
            && given.len() >= others.len()
            && file.extension().is_none_or(|extension| {
                extension == "rs"
                    || call.contains(&extension.to_lowercase())
                    || self.have_piece(&calls.makers, extension, stem)
            })
            && others.iter().all(|run| {
                self.have_piece(&calls.makers, &run.text, stem)
                    || self.is_in_variables(unit, &calls.makers, &run.text)
            })
    }

    /// Returns true if a literal in macros contains a word, but not a whole name.
    fn have_piece(&mut self, makers: &[PackageIx], word: &str, name: &str) -> bool {
        makers.iter().any(|&maker| {
            let library = self.workspace.package(maker).library();
            let piece = Search::Piece {
                word: word.to_owned(),
                name: name.to_owned(),
                of_macros: !library.is_some_and(|it| it.proc_macro),
            };
            self.library_holds(maker, &piece)
        })
    }

    /// Returns the calls of a unit to macros that may read files.
    fn glue_calls(&mut self, unit: &Unit, reads: &Reads) -> Rc<GlueCalls> {
        if let Some(known) = self.glue_calls.get(unit) {
            return Rc::clone(known);
        }
        let emitters = self.emitters_of(unit);
        let mut makers = Vec::new();
        if !emitters.is_empty() {
            // Macros of other projects get whole names.
            let is_ours = |it: &PackageIx| self.layout.directory(*it).is_some();
            makers.extend(emitters.iter().copied().filter(is_ours));
            makers.extend(self.our_macro_packages(unit));
        }
        if reads.has_including_macros {
            makers.push(unit.package);
        }
        makers.sort();
        makers.dedup();
        let is_called = |called: &str| {
            let defines = Search::Defines(called.to_owned());
            let mut sources = makers.iter().chain([&unit.package]);
            sources.any(|&it| self.text_holds(it, &defines))
        };
        let mut calls = match makers.is_empty() {
            true => GlueCalls::default(),
            false => GlueCalls::of(makers.clone(), &reads.calls, is_called),
        };
        calls.is_procedural = makers.iter().any(|it| {
            let library = self.workspace.package(*it).library();
            emitters.contains(it) && library.is_some_and(|library| library.proc_macro)
        });
        let calls = Rc::new(calls);
        self.glue_calls.insert(unit.clone(), Rc::clone(&calls));
        calls
    }

    /// Returns true if the macros of a package contain a word.
    fn macros_hold(&mut self, makers: &[PackageIx], word: &str) -> bool {
        makers.iter().any(|&maker| {
            let library = self.workspace.package(maker).library();
            let search = match library.is_some_and(|it| it.proc_macro) {
                true => Search::Made(word.to_owned()),
                false => Search::MacrosMade(word.to_owned()),
            };
            self.library_holds(maker, &search)
        })
    }

    /// Returns true if a variable of cargo that these packages read gives a part of a name.
    fn is_in_variables(&mut self, unit: &Unit, packages: &[PackageIx], part: &str) -> bool {
        let package = self.workspace.package(unit.package);
        let given = [
            (Search::Any(&["CARGO_PKG_NAME"]), package.name.clone()),
            (Search::Any(&["CARGO_PKG_VERSION"]), package.version.clone()),
            (
                Search::Any(&["CARGO_CRATE_NAME", "CARGO_BIN_NAME"]),
                unit.target.clone(),
            ),
        ];
        given.into_iter().any(|(variable, value)| {
            let value = value.to_lowercase();
            let mut runs = value.split(|it: char| !it.is_alphanumeric());
            runs.any(|run| run == part) && self.is_read(packages, &variable)
        })
    }

    /// Returns true if all parts of a file's name stand in macros or in variables of cargo that
    /// these macros read, and at least one part in such a variable.
    pub(super) fn is_glued_from_variables(
        &mut self,
        unit: &Unit,
        makers: &[PackageIx],
        name: &str,
    ) -> bool {
        let words: Vec<String> = lower_words(name).collect();
        let (of_variables, others): (Vec<&String>, Vec<&String>) = words
            .iter()
            .partition(|word| self.is_in_variables(unit, makers, word));
        !of_variables.is_empty() && others.iter().all(|word| self.macros_hold(makers, word))
    }

    /// Returns true if sources of these packages name a variable.
    fn is_read(&mut self, packages: &[PackageIx], variable: &Search) -> bool {
        packages.iter().any(|&it| self.text_holds(it, variable))
    }

    /// Returns true if a variable of cargo holds the path of a file, as `CARGO_PKG_README` does, and
    /// the unit or one of its macros may read the variable.
    pub(super) fn is_named_by_manifest(&mut self, unit: &Unit, file: &Utf8Path) -> bool {
        let mut packages = self.emitters_of(unit).to_vec();
        packages.push(unit.package);
        PATH_VARIABLES.iter().any(|(variable, key)| {
            self.is_read(&packages, variable)
                && self
                    .paths_in_manifest(unit.package, key)
                    .is_none_or(|paths| paths.iter().any(|it| it == file))
        })
    }

    /// Returns the files that a key of a package's manifest may name; `None` if the manifest cannot
    /// be read. Each manifest is read once.
    fn paths_in_manifest(
        &mut self,
        package: PackageIx,
        key: &'static str,
    ) -> Option<Rc<[Utf8PathBuf]>> {
        if let Some(known) = self.paths_in_manifests.get(&(package, key)) {
            return known.clone();
        }
        let found = self.find_paths_in_manifest(package, key).map(Rc::from);
        self.paths_in_manifests
            .insert((package, key), found.clone());
        found
    }

    fn find_paths_in_manifest(&self, package: PackageIx, key: &str) -> Option<Vec<Utf8PathBuf>> {
        let table = |manifest: &Utf8Path| read(manifest)?.parse::<Table>().ok();
        let Some(directory) = self.layout.directory(package) else {
            return Some(Vec::new());
        };
        let manifest = table(&self.workspace.package(package).manifest_path)?;
        let at = |base: &Utf8Path, path: &str| crate::paths::normalized(&base.join(path));
        Some(match manifest.get("package").and_then(|it| it.get(key)) {
            Some(Value::String(path)) => vec![at(directory, path)],
            Some(Value::Table(_)) => {
                let root = &self.workspace.root;
                let workspace = table(&root.join("Cargo.toml")).unwrap_or_default();
                let inherited = workspace.get("workspace").and_then(|it| it.get("package"));
                let path = inherited.and_then(|it| it.get(key)).and_then(Value::as_str);
                path.into_iter().map(|path| at(root, path)).collect()
            }
            Some(Value::Boolean(false)) => Vec::new(),
            _ if key == "readme" => READMES.map(|path| at(directory, path)).to_vec(),
            _ => Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests;
