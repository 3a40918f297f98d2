//! Files that a unit may read although no scan of its sources shows them. A macro, a variable or
//! generated code makes the paths of such files, or declares the modules that name them.
//!
//! The sources that can make such a path contain the name of the file and the name of its
//! directory.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};

use super::names::{WordIndex, is_number, makes_name, own_name, words_of};
use super::search::{Lines, Search, SourceScope};
use super::source_files::read;
use super::{Reads, Sources};
use crate::observed;
use crate::paths::resolved;
use crate::seeds::sources::macro_inputs::{INCLUSIONS, LINES, NAMED_BY_CARGO};
use crate::unit_graph::Unit;
use crate::workspace::PackageIx;

/// The texts in code that lists directories.
pub(super) static LISTINGS: [&str; 6] = [
    "read_dir",
    "glob(",
    "glob_with(",
    "walk(",
    "walkdir",
    "Walk",
];

/// The texts in code that declares modules for other code.
static MODULES: [&str; 6] = ["mod #", "mod {", "mod $", "\"mod ", "#[path", "# [path"];

/// The sources that may make paths for a unit.
pub(super) struct Makers {
    /// The package of the unit.
    user: PackageIx,
    packages: Vec<PackageIx>,
    /// The libraries of which only the macros can make paths.
    macros: Vec<PackageIx>,
    /// The texts that the unit passes to macros, and the unit's sources that a search of its
    /// package does not find.
    texts: WordIndex,
    /// True if the sources may list a directory and make the paths of all files that they find
    /// there.
    list_directories: bool,
    /// True if the sources may make texts from names that do not stand in string literals.
    stringify: bool,
    /// True if the sources may compute a part of a path: procedural macros, build scripts, or the
    /// numbers of lines.
    compute: bool,
}

impl Makers {
    fn of(user: PackageIx) -> Self {
        Self {
            user,
            packages: Vec::new(),
            macros: Vec::new(),
            texts: WordIndex::default(),
            list_directories: false,
            stringify: false,
            compute: false,
        }
    }

    fn sources(&self) -> NameSources<'_> {
        NameSources {
            user: self.user,
            packages: &self.packages,
            macros: &self.macros,
        }
    }

    /// Keeps the packages of the workspace, each once.
    fn settle(&mut self, is_ours: impl Fn(PackageIx) -> bool) {
        for packages in [&mut self.packages, &mut self.macros] {
            packages.retain(|&it| is_ours(it));
            packages.sort();
            packages.dedup();
        }
    }
}

/// The packages whose literals may name a file for a package.
#[derive(Clone, Copy)]
struct NameSources<'a> {
    /// The package that may read the file.
    user: PackageIx,
    packages: &'a [PackageIx],
    /// The libraries of which only files with macros count.
    macros: &'a [PackageIx],
}

impl<'a> NameSources<'a> {
    fn of(user: PackageIx, packages: &'a [PackageIx]) -> Self {
        Self {
            user,
            packages,
            macros: &[],
        }
    }
}

/// Searches of packages for names, by name and by index of the package. Many files are searched for
/// in the same packages.
#[derive(Default)]
pub(super) struct NameMemo(HashMap<String, Vec<Option<bool>>>);

impl NameMemo {
    /// Returns true if a search succeeds in one of the packages.
    fn any(
        &mut self,
        name: &str,
        packages: &[PackageIx],
        mut search: impl FnMut(PackageIx) -> bool,
    ) -> bool {
        let known = match self.0.get_mut(name) {
            Some(known) => known,
            None => self.0.entry(name.to_owned()).or_default(),
        };
        packages.iter().any(|&package| {
            let at = package.0 as usize;
            if known.len() <= at {
                known.resize(at + 1, None);
            }
            *known[at].get_or_insert_with(|| search(package))
        })
    }
}

impl Sources<'_> {
    /// Returns true if a package's sources, or the sources of packages that may make paths for it,
    /// may name a file outside the package or a directory above the file. This is a fast, coarse
    /// check before [`Self::may_reach`].
    pub fn leads_near(&mut self, package: PackageIx, file: &Utf8Path, root: &Utf8Path) -> bool {
        let near = self.near(package);
        let above = self.directories_to(package, file, root);
        let stringifies = self.stringifies(&near);
        // Included code is not searched. With `stringify!`, a name need not stand in a string
        // literal.
        if self.text_holds(package, &Search::Any(&["include!(\""]))
            || above.is_empty() && (stringifies || self.are_named_by_cargo(&near))
        {
            return true;
        }
        let near = NameSources::of(package, &near);
        above
            .iter()
            .any(|name| self.is_named(near, name) || stringifies && self.may_make(near, name))
            || self.is_file_named(near, file)
            || self.is_given_by_links(package, file)
    }

    /// Returns true if a unit may read a file outside its package that the scan of the unit's
    /// sources does not show.
    pub fn may_reach(&mut self, unit: &Unit, file: &Utf8Path, root: &Utf8Path) -> bool {
        let Some(reads) = self.of(unit) else {
            return true;
        };
        let is_generated = reads.generated || reads.by_environment;
        if self.is_unseen(unit, file) || is_generated && self.is_given_by_links(unit.package, file)
        {
            return true;
        }
        let Some(makers) = self.makers(unit, &reads) else {
            return false;
        };
        // A path may be relative to the directory of a source.
        let mut above = file.ancestors().skip(1);
        let from = above.find(|above| reads.source_directories.contains(*above));
        let from = from.unwrap_or(root);
        let above = self.directories_to(unit.package, file, from);
        // Included code, and code that lists directories, may read any file below a directory that
        // is named.
        if reads.includes_made_code || makers.list_directories {
            let is_led_to = above.is_empty() || above.iter().any(|it| self.are_named(&makers, it));
            return is_led_to && (makers.list_directories || !above.is_empty());
        }
        let name = own_name(file).unwrap_or_default();
        let above: Vec<(&str, bool)> = above
            .into_iter()
            .map(|it| {
                let is_named = self.are_named(&makers, it)
                    || self.are_words_named(makers.sources(), it)
                        && self.are_numbers_made(&makers, it)
                    || self.is_passed_as_word(&makers, it);
                (it, is_named)
            })
            .collect();
        above.iter().all(|(_, is_named)| *is_named)
            && (self.are_named(&makers, name)
                || self.is_file_named(makers.sources(), file)
                    && self.are_numbers_made(&makers, name)
                || !above.is_empty() && self.is_passed_as_word(&makers, name))
            || self.is_glued_outside(unit, &reads, file, &above)
            || self.is_named_by_manifest(unit, file)
    }

    /// Returns true if the libraries that a package's build script is built with may print a file
    /// outside the package, so that cargo watches the file.
    pub fn may_be_given_watch(
        &mut self,
        package: PackageIx,
        file: &Utf8Path,
        root: &Utf8Path,
    ) -> bool {
        if self.is_given_by_links(package, file) {
            return true;
        }
        if !self.may_print_watches(package) {
            return false;
        }
        let mut near = self.script_libraries(package);
        near.push(package);
        near.retain(|&it| self.layout.directory(it).is_some());
        let above = self.directories_to(package, file, root);
        let lists = near
            .iter()
            .any(|&it| self.text_holds(it, &Search::Any(&LISTINGS)));
        let near = NameSources::of(package, &near);
        match lists {
            true => above.iter().any(|name| self.is_named(near, name)),
            false => {
                above.iter().all(|name| self.is_named(near, name)) && self.is_file_named(near, file)
            }
        }
    }

    /// Returns true if a unit may look for a file in the file's directory, although its sources
    /// contain only the file's name. The unit may look in the package's directory, in a directory
    /// that contains one of the unit's sources, and in a directory that its sources, its macros or
    /// the package's settings name. Rust files and files outside the package always count.
    pub(super) fn directory_fits(&mut self, unit: &Unit, reads: &Reads, file: &Utf8Path) -> bool {
        let directory = self.layout.directory(unit.package);
        let Some((directory, above)) = directory.zip(file.parent()) else {
            return true;
        };
        if above == directory
            || !above.starts_with(directory)
            || file.extension() == Some("rs")
            || reads.source_directories.contains(above)
        {
            return true;
        }
        let emitters = self.emitters_of(unit);
        let makers = match emitters.is_empty() {
            true => Vec::new(),
            false => self.our_macro_packages(unit),
        };
        let below = above.strip_prefix(directory).unwrap_or(above);
        below.iter().any(|name| {
            let is_made = Search::Made(name.to_owned());
            self.sources_hold(unit, reads, &is_made)
                || self.is_configured(unit.package, name)
                || settings_name(directory, name)
                || emitters.iter().any(|&it| self.library_holds(it, &is_made))
                || makers
                    .iter()
                    .any(|&it| self.library_holds(it, &Search::MacrosMade(name.to_owned())))
        })
    }

    /// Returns true if a unit reads a file through a module that a macro declares and that the scan
    /// does not see.
    pub(super) fn is_unseen(&mut self, unit: &Unit, file: &Utf8Path) -> bool {
        let package = unit.package;
        let is_inside = self
            .layout
            .directory(package)
            .is_none_or(|it| file.starts_with(it));
        if !is_inside && !self.far(package).includes_others && !self.reaches(package, file) {
            return false;
        }
        if let Some(known) = self.unseen.get(unit) {
            return known.contains(file);
        }
        let unseen = Rc::new(self.find_unseen(unit));
        self.unseen.insert(unit.clone(), Rc::clone(&unseen));
        unseen.contains(file)
    }

    /// Returns the files that are read by modules that a macro may declare for a unit.
    fn find_unseen(&mut self, unit: &Unit) -> HashSet<Utf8PathBuf> {
        let mut found = HashSet::new();
        let Some((reads, directory)) = self.of(unit).zip(self.layout.directory(unit.package))
        else {
            return found;
        };
        let emitters = self.emitters_of(unit);
        let declares = emitters.iter().any(|&it| {
            self.text_holds(it, &Search::Any(&MODULES)) || self.has_including_macros(it)
        });
        if !declares {
            return found;
        }
        let sources = self.texts.sources_below(directory);
        let sources = sources.iter().filter(|file| {
            let below = file.strip_prefix(directory).unwrap_or(file);
            !reads.has(file) && SourceScope::Library.has(below)
        });
        let mut files: Vec<Utf8PathBuf> = sources.cloned().collect();
        files.retain(|file| {
            self.may_make_path(unit, file)
                || self.is_emitted(unit, file)
                || self
                    .modules_above(file)
                    .iter()
                    .any(|module| self.is_emitted(unit, module))
        });
        for file in files {
            found.extend(self.read_by_module(file, directory).iter().cloned());
        }
        found
    }

    /// Returns the files that a module reads, found by one scan for all units of the package.
    fn read_by_module(&mut self, module: Utf8PathBuf, directory: &Utf8Path) -> Rc<[Utf8PathBuf]> {
        if let Some(known) = self.module_scans.get(&module) {
            return Rc::clone(known);
        }
        let mut facts = self.facts.borrow_mut();
        let scan = facts.files.scan(&module, directory, &|_, _| None);
        let named = scan.modules.into_iter().chain(scan.included);
        let read = named.flat_map(|file| [resolved(&file), file]);
        let read: Rc<[Utf8PathBuf]> = read.chain(scan.missing).collect();
        self.module_scans.insert(module, Rc::clone(&read));
        read
    }

    /// Returns the sources that may make paths for a unit that the scan does not know. Returns
    /// `None` if there are no such sources.
    fn makers(&mut self, unit: &Unit, reads: &Reads) -> Option<Rc<Makers>> {
        if let Some(known) = self.makers.get(unit) {
            return known.clone();
        }
        let makers = self.find_makers(unit, reads).map(Rc::new);
        self.makers.insert(unit.clone(), makers.clone());
        makers
    }

    fn find_makers(&mut self, unit: &Unit, reads: &Reads) -> Option<Makers> {
        let includes = Search::Any(&INCLUSIONS);
        let mut makers = Makers::of(unit.package);
        let lists = |sources: &mut Self, packages: &[PackageIx]| {
            packages
                .iter()
                .any(|&it| sources.library_holds(it, &Search::Any(&LISTINGS)))
        };
        let emitters = self.emitters_of(unit);
        if !reads.complete
            || !emitters.is_empty() && self.text_holds(unit.package, &Search::Any(&["!(concat!"]))
        {
            makers.packages.push(unit.package);
            reads
                .far_sources()
                .filter_map(read)
                .for_each(|text| makers.texts.add(text));
        }
        if reads.by_environment || !emitters.is_empty() && self.are_named_by_cargo(&emitters) {
            makers.texts.add(self.texts_of_package_variables(unit));
        }
        if !emitters.is_empty() {
            for passed in &reads.passed_to_macros {
                makers.texts.add(format!("\"{passed}\""));
            }
            let macro_packages = self.macro_packages_of(unit);
            let is_procedural = |it: &&PackageIx| {
                let library = self.workspace.package(**it).library();
                library.is_some_and(|library| library.proc_macro)
            };
            let procedural: Vec<PackageIx> =
                emitters.iter().filter(is_procedural).copied().collect();
            let ours: Vec<PackageIx> = procedural
                .into_iter()
                .filter(|&it| self.layout.directory(it).is_some())
                .collect();
            makers.list_directories |= lists(self, &ours);
            let procedural = macro_packages
                .iter()
                .filter(is_procedural)
                .copied()
                .collect();
            let whole = self.with_dependencies(procedural);
            let of_macros = macro_packages.iter().filter(|it| !whole.contains(it));
            makers.macros.extend(of_macros);
            makers.packages.extend(whole);
        }
        let script = self.script(unit.package);
        if let Some(script) = &script
            && script.holds(&["rustc-env"])
            && self.read_variables(&emitters)
        {
            makers.texts.add(script.text().to_owned());
        }
        if let Some(script) = script
            && (reads.generated || reads.by_environment)
        {
            let libraries = self.script_libraries(unit.package);
            let mut of_libraries = libraries.iter();
            let is_made = reads.by_environment
                || script.holds(&INCLUSIONS)
                || of_libraries.any(|&maker| self.library_holds(maker, &includes));
            if is_made {
                let mut ours = libraries;
                ours.retain(|&it| self.layout.directory(it).is_some());
                makers.list_directories |= script.holds(&LISTINGS) || lists(self, &ours);
                makers.packages.push(unit.package);
                makers.packages.extend(ours);
            }
        }
        makers.settle(|it| self.layout.directory(it).is_some());
        let of_macros = |&it: &PackageIx| self.text_holds(it, &Search::Macros(&["stringify!"]));
        makers.stringify =
            makers.macros.iter().any(of_macros) || self.stringifies(&makers.packages);
        let of_lines = Search::Any(&LINES);
        makers.compute = makers.packages.iter().any(|it| *it != unit.package)
            || reads.generated
            || reads.by_environment
            || self.text_holds(unit.package, &of_lines)
            || makers
                .macros
                .iter()
                .any(|&it| self.text_holds(it, &of_lines));
        let is_none =
            makers.packages.is_empty() && makers.macros.is_empty() && makers.texts.is_empty();
        (!is_none).then_some(makers)
    }

    /// Returns the values of the variables that cargo sets for a unit and that may name a file, as
    /// `CARGO_PKG_NAME` does: each between quotes.
    pub(super) fn texts_of_package_variables(&self, unit: &Unit) -> String {
        let package = self.workspace.package(unit.package);
        let crate_name = unit.target.replace('-', "_");
        format!(
            "\"{}\" \"{}\" \"{crate_name}\" \"{}\"",
            package.name, package.version, unit.target
        )
    }

    /// Returns packages and the path packages that they are built with.
    pub(super) fn with_dependencies(&self, mut packages: Vec<PackageIx>) -> Vec<PackageIx> {
        let mut at = 0;
        while let Some(&package) = packages.get(at) {
            at += 1;
            let mut below = self.dependencies(&[package], |it| it.normal);
            below.retain(|it| self.layout.directory(*it).is_some() && !packages.contains(it));
            packages.extend(below);
        }
        packages
    }

    /// Returns true if the sources that may make paths contain a name.
    fn are_named(&mut self, makers: &Makers, name: &str) -> bool {
        makers.texts.make(name)
            || self.is_named(makers.sources(), name)
            || makers.stringify && self.may_make(makers.sources(), name)
    }

    /// Returns true if the sources may make all numbers of a name, from numbers or from digits. Macros
    /// that are no procedural macros compute no numbers, except that of a line.
    fn are_numbers_made(&mut self, makers: &Makers, name: &str) -> bool {
        let mut numbers = words_of(name).filter(is_number).peekable();
        numbers.peek().is_none()
            || makers.compute
            || numbers.all(|number| {
                let mut digits = number.matches(|it: char| it != '0');
                self.is_number_named(makers, number)
                    || digits.all(|digit| self.is_number_named(makers, digit))
            })
    }

    fn is_number_named(&mut self, makers: &Makers, number: &str) -> bool {
        makers.texts.make(number)
            || self.may_make(makers.sources(), number)
            || self.text_holds(makers.user, &Search::Made(number.to_owned()))
    }

    /// Returns true if a unit may pass a name to a macro as a word outside string literals.
    fn is_passed_as_word(&mut self, makers: &Makers, name: &str) -> bool {
        makers.stringify && self.text_holds(makers.user, &Search::Word(name.to_owned()))
    }

    /// Returns a package and the path packages that may make paths for it: the packages whose
    /// macros it can use, and the packages that its build script is built with.
    fn near(&mut self, package: PackageIx) -> Rc<[PackageIx]> {
        if let Some(known) = self.near.get(&package) {
            return Rc::clone(known);
        }
        let used = self.dependencies(&[package], |_| true);
        let mut near = self.macro_packages(&used);
        near.extend(self.script_libraries(package));
        near.push(package);
        near.retain(|&it| self.layout.directory(it).is_some());
        near.sort();
        near.dedup();
        let near: Rc<[PackageIx]> = near.into();
        self.near.insert(package, Rc::clone(&near));
        near
    }

    /// Returns the names of the directories from the root down to a file, without the directories
    /// that contain the package.
    fn directories_to<'f>(
        &self,
        package: PackageIx,
        file: &'f Utf8Path,
        root: &Utf8Path,
    ) -> Vec<&'f str> {
        let directory = self.layout.directory(package).unwrap_or(root);
        let common = file.components().zip(directory.components());
        let common = common.take_while(|(file, package)| file == package).count();
        let to_root = match file.starts_with(root) {
            true => root.components().count(),
            false => 0,
        };
        let mut below = file.components();
        below.next_back();
        let names = below.skip(common.max(to_root));
        names.map(|name| name.as_str()).collect()
    }

    /// Returns true if a string literal of these packages contains a name as a component of a path,
    /// or if a variable that cargo's configuration sets for them contains the name.
    fn is_named(&mut self, sources: NameSources<'_>, name: &str) -> bool {
        let mut known = std::mem::take(&mut self.naming);
        let search = |it| self.names_any(it, Lines::Code, &[name]);
        let is_named = known.any(name, sources.packages, search);
        self.naming = known;
        let mut known = std::mem::take(&mut self.naming_in_macros);
        let search = |it| self.names_any(it, Lines::Macros, &[name]);
        let is_in_macros = known.any(name, sources.macros, search);
        self.naming_in_macros = known;
        is_named || is_in_macros || self.is_configured(sources.user, name)
    }

    /// Returns true if a source of these packages contains a name that a macro may make.
    fn may_make(&mut self, sources: NameSources<'_>, name: &str) -> bool {
        let mut known = std::mem::take(&mut self.making);
        let search = |it| self.text_holds(it, &Search::Made(name.to_owned()));
        let may_make = known.any(name, sources.packages, search);
        self.making = known;
        let mut macros = sources.macros.iter();
        may_make || macros.any(|&it| self.text_holds(it, &Search::MacrosMade(name.to_owned())))
    }

    /// Returns true if string literals of these packages contain a file's name, with or without its
    /// extension, or all words that the name is made of.
    fn is_file_named(&mut self, sources: NameSources<'_>, file: &Utf8Path) -> bool {
        let names = [file.file_name(), file.file_stem(), own_name(file)];
        if names
            .iter()
            .flatten()
            .any(|name| self.is_named(sources, name))
        {
            return true;
        }
        self.are_words_named(sources, file.file_stem().unwrap_or_default())
    }

    /// Returns true if string literals of these packages contain all words that a name is made of.
    /// Numbers in the name may have no quotes in the sources.
    fn are_words_named(&mut self, sources: NameSources<'_>, name: &str) -> bool {
        let mut words = name
            .split(|char: char| !char.is_alphabetic())
            .filter(|word| !word.is_empty())
            .peekable();
        let has_words = words.peek().is_some() || name.contains(|it: char| it.is_ascii_digit());
        has_words && words.all(|word| self.is_named(sources, word))
    }

    /// Returns true if these packages may make texts from the name of a package.
    fn are_named_by_cargo(&mut self, packages: &[PackageIx]) -> bool {
        packages
            .iter()
            .any(|&it| self.text_holds(it, &NAMED_BY_CARGO))
    }

    /// Returns true if these packages may make texts from names that do not stand in string
    /// literals.
    fn stringifies(&mut self, packages: &[PackageIx]) -> bool {
        packages
            .iter()
            .any(|&it| self.text_holds(it, &Search::Any(&["stringify!"])))
    }
}

/// Returns true if the manifest of a package, or another `.toml` file in the same directory,
/// contains a name. A macro may take its directories from such a file, for example the macro of a
/// template engine.
pub(super) fn settings_name(directory: &Utf8Path, name: &str) -> bool {
    let entries = observed::entries(directory);
    let mut settings = entries.filter(|entry| entry.path().extension() == Some("toml"));
    settings.any(|entry| read(entry.path()).is_some_and(|text| makes_name(&text, name)))
}
