//! Finds the inputs that a package gets from its dependencies: macros that make the package read
//! files and variables, and libraries that print instructions for its build script.
//!
//! The sources of such dependencies are not parsed. Instead, the sources are searched for words
//! that every source with this effect contains.

use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};

use super::names::{is_number, makes_name, names_variable, own_name, words_of};
use super::reach::settings_name;
use super::reads::{PassedTo, Reads};
use super::search::{Search, SourceScope};
use super::source_files::read;
use super::{Sources, Users, WatchedBySource};
use crate::observed;
use crate::unit_graph::{Mode, Unit};
use crate::workspace::{Dependency, PackageIx, TargetKind};

impl Sources<'_> {
    /// Returns true if a unit may read a file of its package that the scan of the unit's sources
    /// does not show. There are three ways: a macro gets the name of the file, a macro contains the
    /// name, or the build script generates code that includes the file.
    pub fn may_hide(&mut self, unit: &Unit, file: &Utf8Path) -> bool {
        let Some(reads) = self.of(unit) else {
            return true;
        };
        let directory = self.layout.directory(unit.package).unwrap_or(file);
        let below = file.strip_prefix(directory).unwrap_or(file);
        // A variable can lead to generated code, too.
        let includes_made_code = reads.includes_made_code && reads.by_environment;
        (reads.generated || includes_made_code) && self.may_generate_inclusion(unit.package, below)
            || self.is_passed_to_macros(unit, file)
    }

    /// Returns true if a macro that a unit uses gets the name of a file of the unit's package, or
    /// contains the name. Such a file is doubtful even if a rule says that the file affects
    /// nothing.
    pub fn is_passed_to_macros(&mut self, unit: &Unit, file: &Utf8Path) -> bool {
        self.of(unit).is_some()
            && (self.may_make_path(unit, file)
                || self.is_emitted(unit, file)
                || self.is_unseen(unit, file)
                || self
                    .modules_above(file)
                    .iter()
                    .any(|module| self.is_emitted(unit, module)))
    }

    /// Returns true if the unit's own macros or a variable may make the path of a file of the
    /// package, or the path of a module that declares the file.
    pub(super) fn may_make_path(&mut self, unit: &Unit, file: &Utf8Path) -> bool {
        let Some(reads) = self.of(unit) else {
            return true;
        };
        if reads.complete {
            return false;
        }
        let script = self.script(unit.package);
        let sets_variables = script
            .as_ref()
            .is_some_and(|script| script.holds(&["rustc-env"]));
        let flags = self.flags();
        let is_set_elsewhere = reads.by_environment && !sets_variables && !flags.contains("env");
        if reads.unlexable || is_set_elsewhere {
            return true;
        }
        let above = self.modules_above(file);
        let modules = above.iter().map(Utf8PathBuf::as_path);
        modules.chain([file]).any(|module| {
            let Some(name) = own_name(module) else {
                return true;
            };
            // Cargo's variables may give a part of the name, and literals the rest.
            let is_of_variable = |sources: &mut Self| {
                let variables = sources.texts_of_package_variables(unit);
                let is_in_variable = |word: &str| makes_name(&variables, word);
                let parts = || name.split(|it: char| !it.is_alphanumeric());
                sources.is_configured(unit.package, name)
                    || sources.is_named_by_manifest(unit, module)
                    || script.as_ref().is_some_and(|it| it.may_make(name))
                    || parts().chain(words_of(name)).any(is_in_variable)
                        && parts().filter(|part| !part.is_empty()).all(|part| {
                            is_in_variable(part)
                                || words_of(part).all(|word| {
                                    let search = Search::Made(word.to_owned());
                                    is_in_variable(word)
                                        || sources.sources_hold(unit, &reads, &search)
                                })
                        })
            };
            let is_made = self.sources_hold(unit, &reads, &Search::Made(name.to_owned()))
                || reads.by_environment && is_of_variable(self)
                || self.is_numbered_by_lines(unit, &reads, name);
            is_made && self.directory_fits(unit, &reads, module)
                || self.is_glued(unit, &reads, module)
                || self.names_itself(unit, &reads, module)
        })
    }

    /// Returns true if the unit's own macros may make a name from its words and the number of a line,
    /// as `concat!("row_", line!())` for `row_7`.
    fn is_numbered_by_lines(&mut self, unit: &Unit, reads: &Reads, name: &str) -> bool {
        let (mut numbers, mut words) = (words_of(name).filter(is_number), words_of(name));
        numbers.next().is_some()
            && self.sources_hold(unit, reads, &Search::Any(&LINES))
            && words.all(|word| {
                is_number(&word) || self.sources_hold(unit, reads, &Search::Made(word.to_owned()))
            })
    }

    /// Returns true if a macro may make the path of a file from the path of a source, as
    /// `concat!(file!(), ".snap")` for `lib.rs.snap`.
    fn names_itself(&mut self, unit: &Unit, reads: &Reads, file: &Utf8Path) -> bool {
        let name = file.file_name().unwrap_or_default();
        name.contains(".rs")
            && self.text_holds(unit.package, &Search::Any(&["file!()"]))
            && reads
                .files
                .iter()
                .filter_map(|it| it.file_name())
                .any(|source| name.starts_with(source))
    }

    /// Returns the files of the modules that would declare a source file. A macro that gets a
    /// module also gets the modules that this module declares.
    pub(super) fn modules_above(&mut self, file: &Utf8Path) -> Rc<[Utf8PathBuf]> {
        if let Some(known) = self.modules_above.get(file) {
            return Rc::clone(known);
        }
        let found: Rc<[Utf8PathBuf]> = self.find_modules_above(file).into();
        self.modules_above
            .insert(file.to_owned(), Rc::clone(&found));
        found
    }

    fn find_modules_above(&self, file: &Utf8Path) -> Vec<Utf8PathBuf> {
        let owner = self.layout.owner(file);
        let directory = owner.and_then(|owner| self.layout.directory(owner));
        let Some(directory) = directory.filter(|_| file.extension() == Some("rs")) else {
            return Vec::new();
        };
        let above = file.ancestors().skip(1);
        let above = above.take_while(|above| *above != directory && above.starts_with(directory));
        let files = above.flat_map(|above| [above.with_extension("rs"), above.join("mod.rs")]);
        files
            .filter(|module| *module != file && observed::is_file(module))
            .collect()
    }

    /// Returns true if a macro that a unit uses gets the name of a file, or contains the name.
    pub(super) fn is_emitted(&mut self, unit: &Unit, file: &Utf8Path) -> bool {
        let Some((reads, directory)) = self.of(unit).zip(self.layout.directory(unit.package))
        else {
            return false;
        };
        let below = file.strip_prefix(directory).unwrap_or(file);
        let emitters = self.emitters_of(unit);
        if !emitters.is_empty() {
            match reads.passes(file, directory, &self.workspace.root) {
                PassedTo::Path => return true,
                PassedTo::Name if self.directory_fits(unit, &reads, file) => return true,
                _ => {}
            }
            let makers = [&*emitters, &self.our_macro_packages(unit)].concat();
            if self.is_made_of_words(unit, &reads, (&emitters, &makers), file)
                || self.is_numbered(unit, &reads, &makers, file)
                || self.is_named_by_cargo(unit, &makers, file)
                || self.is_named_by_manifest(unit, file)
                || self.is_glued(unit, &reads, file)
                || self.is_set_by_script(unit, &emitters, file)
            {
                return true;
            }
        }
        emitters.iter().any(|&emitter| {
            let library = self.workspace.package(emitter).library();
            // The name may stand anywhere in the sources of a procedural macro.
            let name = match library.is_some_and(|it| it.proc_macro) {
                true => Search::File(below.to_owned()),
                false => Search::MacrosFile(below.to_owned()),
            };
            self.library_holds(emitter, &name)
        })
    }

    /// Returns true if a macro may make the name of a file from words of the unit that do not stand
    /// in string literals, as `asset!(logo)` for `logo.png`. A procedural macro may also take the
    /// name from a settings file of the package.
    fn is_made_of_words(
        &mut self,
        unit: &Unit,
        reads: &Reads,
        (emitters, makers): (&[PackageIx], &[PackageIx]),
        file: &Utf8Path,
    ) -> bool {
        let Some(name) = own_name(file) else {
            return false;
        };
        let is_procedural = emitters.iter().any(|&emitter| {
            let library = self.workspace.package(emitter).library();
            let is_ours = self.layout.directory(emitter).is_some();
            is_ours && library.is_some_and(|library| library.proc_macro)
        });
        let stringifies = Search::Macros(&["stringify!"]);
        let mut makers = makers.iter();
        let takes_words = is_procedural || makers.any(|&it| self.library_holds(it, &stringifies));
        if is_procedural && self.lists_of_macros_name(&reads.directory, emitters, name) {
            return true;
        }
        let is_named = takes_words
            && self.sources_hold(unit, reads, &Search::Word(name.to_owned()))
            || is_procedural && settings_name(&reads.directory, name);
        is_named && self.directory_fits(unit, reads, file)
    }

    /// Returns true if a macro may make the name of a file from a number that the unit passes to the
    /// macro, as `table!(12)` for `table_12.bin`.
    fn is_numbered(
        &mut self,
        unit: &Unit,
        reads: &Reads,
        makers: &[PackageIx],
        file: &Utf8Path,
    ) -> bool {
        let Some(name) = own_name(file) else {
            return false;
        };
        let (numbers, words): (Vec<&str>, Vec<&str>) = words_of(name).partition(is_number);
        let are_passed = |words: &[&str]| {
            let passed = |word: &&str| reads.passed_to_macros.contains(*word);
            words.iter().all(passed)
        };
        if numbers.is_empty() {
            return false;
        }
        let lines = Search::Macros(&LINES);
        let are_lines = makers.iter().any(|&it| self.library_holds(it, &lines));
        if !are_lines && (words.is_empty() || !are_passed(&numbers)) {
            return false;
        }
        let is_made = are_passed(&words)
            || makers.iter().any(|&it| {
                let mut words = words.iter();
                words.all(|word| self.library_holds(it, &Search::Made((*word).to_owned())))
            });
        is_made && self.directory_fits(unit, reads, file)
    }

    /// Returns true if a macro may make the name of a file from the name of the package that calls
    /// the macro: the macro reads a variable of cargo, and the file's name contains the name.
    fn is_named_by_cargo(&mut self, unit: &Unit, makers: &[PackageIx], file: &Utf8Path) -> bool {
        let Some(name) = own_name(file) else {
            return false;
        };
        let package = &self.workspace.package(unit.package).name;
        let is_named = [package, &package.replace('-', "_"), &unit.target]
            .iter()
            .any(|it| name.contains(it.as_str()));
        let mut named = makers.iter();
        is_named && named.any(|&it| self.library_holds(it, &NAMED_BY_CARGO))
            || self.is_glued_from_variables(unit, makers, name)
    }

    /// Returns true if the build script may set a variable to the path of a file, and macros of other
    /// packages may include the file by the variable.
    fn is_set_by_script(&mut self, unit: &Unit, emitters: &[PackageIx], file: &Utf8Path) -> bool {
        let Some((script, name)) = self.script(unit.package).zip(own_name(file)) else {
            return false;
        };
        script.holds(&["rustc-env"]) && script.may_make(name) && self.read_variables(emitters)
    }

    /// Returns true if macros of the workspace among these packages may read a variable.
    pub(super) fn read_variables(&mut self, emitters: &[PackageIx]) -> bool {
        emitters
            .iter()
            .any(|&it| self.layout.directory(it).is_some() && self.makes(it, &VARIABLES))
    }

    /// Returns true if a file in a package's directory contains a name, and a macro contains the
    /// name of that file. The macro may read the file as a list of other files.
    fn lists_of_macros_name(
        &mut self,
        directory: &Utf8Path,
        emitters: &[PackageIx],
        name: &str,
    ) -> bool {
        let lists = observed::entries(directory).filter(|entry| {
            let extension = entry.path().extension();
            observed::is_file(entry.path())
                && !extension.is_some_and(|it| ["lock", "md", "rs", "toml"].contains(&it))
        });
        let lists: Vec<_> = lists.map(|entry| entry.file_name().to_owned()).collect();
        lists.into_iter().any(|list| {
            let search = Search::File(list.as_str().into());
            emitters.iter().any(|&it| self.library_holds(it, &search))
                && read(&directory.join(list)).is_some_and(|text| makes_name(&text, name))
        })
    }

    /// Returns the packages of the workspace whose macros a unit can use. Their macros can call the
    /// macros of other packages.
    pub(super) fn our_macro_packages(&mut self, unit: &Unit) -> Vec<PackageIx> {
        let mut packages = self.macro_packages_of(unit).to_vec();
        packages.retain(|&it| self.layout.directory(it).is_some());
        packages
    }

    /// Returns true if a unit may read a variable at compile time. The name of the variable must
    /// stand in the code of the unit, in a macro that the unit uses, or in a call that passes the
    /// name to a macro.
    pub fn may_read_variable(&mut self, unit: &Unit, variable: &str) -> bool {
        let package = unit.package;
        let name = Search::Variable(variable.to_owned());
        let Some(reads) = self.of(unit) else {
            return self.text_holds(package, &name);
        };
        let generates = |script: Rc<WatchedBySource>| script.names_variable(variable);
        if reads.env.contains(variable)
            || !reads.complete && self.text_holds(package, &name)
            || reads.generated && self.script(package).is_some_and(generates)
        {
            return true;
        }
        let is_passed_to_macros = reads
            .passed_to_macros
            .iter()
            .any(|passed| names_variable(&format!("\"{passed}\""), variable));
        self.macro_packages_of(unit).iter().any(|&provider| {
            self.makes(provider, &VARIABLES)
                && (is_passed_to_macros || self.library_holds(provider, &name))
        })
    }

    /// Returns true if a package's build script may declare a variable as input.
    pub fn may_watch_variable(&mut self, package: PackageIx, variable: &str) -> bool {
        let name = Search::Variable(variable.to_owned());
        let watches = Search::Any(&["rerun-if-env-changed"]);
        if let Some(script) = self.script(package) {
            if script.watches_variable(variable) || script.may_watch_variable(variable) {
                return true;
            }
        } else if self.text_holds(package, &watches) && self.text_holds(package, &name) {
            return true;
        }
        let mut libraries = self.script_libraries(package).into_iter();
        libraries.any(|library| {
            self.library_holds(library, &watches)
                && (self.library_holds(library, &name) || self.text_holds(package, &name))
        })
    }

    /// Returns true if the code that a build script generates may include a file of its package.
    fn may_generate_inclusion(&mut self, package: PackageIx, below: &Utf8Path) -> bool {
        let Some(script) = self.script(package) else {
            return false;
        };
        let makers = self.script_libraries(package);
        let mut makers_hold = |search: &Search, is_ours: bool| {
            let mut makers = makers.iter();
            makers.any(|&maker| {
                (!is_ours || self.layout.directory(maker).is_some())
                    && self.library_holds(maker, search)
            })
        };
        let names_it =
            script.may_include(below) || makers_hold(&Search::File(below.to_owned()), true);
        names_it && (script.holds(&INCLUSIONS) || makers_hold(&Search::Any(&INCLUSIONS), false))
    }

    /// Returns the dependencies that a unit is built with.
    fn used_by(&self, unit: &Unit) -> Vec<PackageIx> {
        self.dependencies(&[unit.package], |dependency| match unit.kind {
            TargetKind::CustomBuild => dependency.build,
            _ => dependency.normal || dependency.dev && unit.has_dev_dependencies(),
        })
    }

    /// Returns the packages whose macros may make a unit read files: none for a unit that uses only
    /// macros of the language. Cargo learns about such a file only if the code that the macro emits
    /// includes the file or declares the file as a module. So the macro's sources contain a word
    /// that does this.
    pub(super) fn emitters_of(&mut self, unit: &Unit) -> Rc<[PackageIx]> {
        if self.of(unit).is_some_and(|reads| !reads.calls_macros) {
            return Rc::default();
        }
        let users = users(unit);
        if let Some(known) = self.emitters_of.get(&users) {
            return Rc::clone(known);
        }
        let macro_packages = self.macro_packages_of(unit);
        let mut emitters = macro_packages.to_vec();
        // A macro can call a macro that its caller names.
        let passes = self.text_holds(unit.package, &Search::PassedInclusion);
        emitters.retain(|&provider| {
            passes && self.makes(provider, &["!"])
                || self.emits_inclusions(provider)
                    && self.may_call_including_macros(unit.package, provider, &macro_packages)
        });
        let emitters: Rc<[PackageIx]> = emitters.into();
        self.emitters_of.insert(users, Rc::clone(&emitters));
        emitters
    }

    /// Returns the packages whose macros a unit can use: see [`Self::macro_packages`].
    pub(super) fn macro_packages_of(&mut self, unit: &Unit) -> Rc<[PackageIx]> {
        let users = users(unit);
        if let Some(known) = self.macro_packages.get(&users) {
            return Rc::clone(known);
        }
        let macro_packages: Rc<[PackageIx]> = self.macro_packages(&self.used_by(unit)).into();
        self.macro_packages
            .insert(users, Rc::clone(&macro_packages));
        macro_packages
    }

    /// Returns the packages whose macros a user of these packages can use: the packages and their
    /// dependencies, because a library often re-exports a macro. Path packages with re-exports are
    /// followed further.
    pub(super) fn macro_packages(&mut self, used: &[PackageIx]) -> Vec<PackageIx> {
        let is_normal = |dependency: &Dependency| dependency.normal;
        let mut macro_packages = used.to_vec();
        macro_packages.extend(self.dependencies(used, is_normal));
        macro_packages.sort();
        macro_packages.dedup();
        let mut at = 0;
        while let Some(&provider) = macro_packages.get(at) {
            at += 1;
            let is_ours = self.layout.directory(provider).is_some();
            if is_ours
                && self.library_holds(
                    provider,
                    &Search::Any(&["pub use", "macro_use", "extern crate"]),
                )
            {
                let below = self.dependencies(&[provider], is_normal);
                let new: Vec<_> = below
                    .into_iter()
                    .filter(|it| !macro_packages.contains(it))
                    .collect();
                macro_packages.extend(new);
            }
        }
        macro_packages
    }

    /// Returns true if a library of the workspace has macros that may make their callers read
    /// files.
    pub(super) fn has_including_macros(&mut self, package: PackageIx) -> bool {
        let library = self.workspace.package(package).library().cloned();
        let library =
            library.filter(|it| !it.proc_macro && self.layout.directory(package).is_some());
        let reads = library.and_then(|library| self.of_target(package, &library, Mode::Build));
        // A macro may include a file by a variable that only its caller has.
        let by_variable = Search::Macros(&VARIABLES);
        reads.is_some_and(|reads| {
            reads.has_including_macros
                || reads.by_environment && self.library_holds(package, &by_variable)
                || self.library_holds(package, &Search::PassedInclusion)
        })
    }

    fn emits_inclusions(&mut self, package: PackageIx) -> bool {
        if let Some(&known) = self.emitters.get(&package) {
            return known;
        }
        let emits = match self.workspace.package(package).library() {
            // The scan of a path package reports a macro that includes a file for its callers as a
            // doubt.
            Some(library) if !library.proc_macro && self.layout.directory(package).is_some() => {
                self.has_including_macros(package)
            }
            Some(_) => self.makes(package, &INCLUSIONS),
            None => false,
        };
        self.emitters.insert(package, emits);
        emits
    }

    /// Returns true if the macros of a package can emit one of these words. A procedural macro
    /// often builds its output with a library of its own, so its dependencies are searched too.
    fn makes(&mut self, package: PackageIx, words: &'static [&'static str]) -> bool {
        match self.workspace.package(package).library() {
            Some(library) if library.proc_macro => self
                .makers_of_macros(package)
                .into_iter()
                .any(|maker| self.library_holds(maker, &Search::Code(words))),
            Some(_) => self.library_holds(package, &Search::Macros(words)),
            None => false,
        }
    }

    /// Returns a package with procedural macros, and the libraries that the macros may use to make
    /// code.
    pub(super) fn makers_of_macros(&self, package: PackageIx) -> Vec<PackageIx> {
        let mut makers = self.dependencies(&[package], |dependency| dependency.normal);
        makers.retain(|&maker| {
            let name = &self.workspace.package(maker).name;
            !TOKEN_LIBRARIES.contains(&name.as_str())
        });
        makers.push(package);
        makers
    }

    pub(super) fn dependencies(
        &self,
        of: &[PackageIx],
        wanted: impl Fn(&Dependency) -> bool,
    ) -> Vec<PackageIx> {
        let edges = of
            .iter()
            .flat_map(|&package| &self.workspace.package(package).dependencies);
        let wanted = edges.filter(|dependency| wanted(dependency));
        wanted.map(|dependency| dependency.package).collect()
    }

    /// Returns true if a source of a package contains the searched text.
    pub(super) fn text_holds(&mut self, package: PackageIx, search: &Search) -> bool {
        let directory = self.workspace.package(package).directory();
        let whole = (package, SourceScope::Package);
        let files = &mut self.facts.borrow_mut().files;
        self.texts.hold(files, whole, directory, search)
    }

    /// Returns true if a source of a unit's package, or a source outside the package that the unit
    /// reads, contains the searched text.
    pub(super) fn sources_hold(&mut self, unit: &Unit, reads: &Reads, search: &Search) -> bool {
        self.text_holds(unit.package, search)
            || reads
                .far_sources()
                .any(|far| read(far).is_none_or(|text| search.succeeds_in(&text)))
    }

    /// Returns true if a source of a package's library contains the searched text. Sources that
    /// belong only to the build script or to tests are left out.
    pub(super) fn library_holds(&mut self, package: PackageIx, search: &Search) -> bool {
        let of = self.workspace.package(package);
        let directory = of.directory();
        let root = of.library().map(|it| it.src_path.as_path());
        let below = root.and_then(|root| root.strip_prefix(directory).ok());
        let scope = match below {
            Some(below) if SourceScope::Library.has(below) => SourceScope::Library,
            _ => SourceScope::Package,
        };
        let files = &mut self.facts.borrow_mut().files;
        self.texts.hold(files, (package, scope), directory, search)
    }
}

/// Returns the units of a package that have the dependencies of a unit: see [`Sources::used_by`].
fn users(unit: &Unit) -> Users {
    let is_script = unit.kind == TargetKind::CustomBuild;
    (unit.package, is_script, unit.has_dev_dependencies())
}

/// Words of code that makes its caller read a file. Such code contains at least one of them.
pub(super) static INCLUSIONS: [&str; 11] = [
    "include_str",
    "include_bytes",
    "include!",
    "include !",
    "tracked_path",
    "tracked::path",
    "mod #",
    "mod {",
    "\"mod ",
    "#[path",
    "# [path",
];

/// The variables that cargo sets to a name of the package.
pub(super) static NAMED_BY_CARGO: Search =
    Search::Any(&["CARGO_PKG_", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"]);

/// The macros that give the number of a line or a column.
pub(super) static LINES: [&str; 2] = ["line!()", "column!()"];

/// Words of code that makes its caller read a variable. Such code contains at least one of them.
static VARIABLES: [&str; 3] = ["env!", "option_env", "env !"];

/// Libraries that procedural macros are built with. These libraries emit nothing by themselves.
const TOKEN_LIBRARIES: [&str; 6] = [
    "heck",
    "proc-macro-crate",
    "proc-macro2",
    "quote",
    "syn",
    "unicode-ident",
];
