//! The macros of downloaded packages that make their callers read files, by name.
//!
//! Many libraries have such a macro, for example for their own tests, and nearly nobody calls it. A
//! call must contain the name of the macro, and so must every macro that calls it for others.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use camino::Utf8PathBuf;

use super::Sources;
use super::macro_inputs::INCLUSIONS;
use super::search::{Search, SourceScope, has_apart_from_blanks};
use super::source_files::{each_entry, is_of_package, read};
use crate::files;
use crate::source_scan::{MacroTexts, has};
use crate::workspace::PackageIx;

impl Sources<'_> {
    /// Returns true if code of a package, or code that a macro or a build script makes for the
    /// package, may call a macro of `provider` that makes its callers read a file. Returns true for
    /// a path package and for procedural macros, whose names are not looked up. `macro_packages` are
    /// the packages whose macros the package can use.
    pub(super) fn may_call_including_macros(
        &mut self,
        package: PackageIx,
        provider: PackageIx,
        macro_packages: &[PackageIx],
    ) -> bool {
        let library = self.workspace.package(provider).library();
        let is_ours = self.layout.directory(provider).is_some();
        if is_ours || library.is_none_or(|it| it.proc_macro) || self.has_unsearched_code(package) {
            return true;
        }
        let Some(names) = self.including_macros(provider) else {
            return true;
        };
        let mut callers = self.possible_callers(provider, macro_packages);
        callers.extend(self.script_libraries(package));
        names.iter().any(|name| {
            let search = Search::Text(name.clone());
            self.text_holds(package, &search)
                || callers.iter().any(|&it| self.library_holds(it, &search))
        }) || self.script(package).is_some() && self.templates_hold(package, &names)
    }

    /// Returns true if a package may have code that a search of its sources does not find: code
    /// outside its directory, or included code in a file that is no `.rs` file.
    fn has_unsearched_code(&mut self, package: PackageIx) -> bool {
        let is_code = |path: &Utf8PathBuf| matches!(path.extension(), Some("rs" | "in" | "inc"));
        self.far(package).paths.iter().any(is_code)
            || self.text_holds(package, &Search::IncludedCode)
    }

    /// Returns true if a file of a package that is no Rust file contains one of these names, or is too
    /// large to be searched. A build script may make code from such a file. Files of tests, benches and
    /// examples are left out.
    fn templates_hold(&self, package: PackageIx, names: &[String]) -> bool {
        /// The size of the largest file that is searched, in bytes.
        const LARGEST: u64 = 1 << 20;
        let Some(directory) = self.layout.directory(package) else {
            return true;
        };
        let mut is_held = false;
        each_entry(directory, &is_of_package, &mut |path, _| {
            let below = path.strip_prefix(directory).unwrap_or(path);
            let is_for_tests = ["tests", "benches", "examples"].map(|it| below.starts_with(it));
            if is_held || path.extension() == Some("rs") || is_for_tests.contains(&true) {
                return;
            }
            let holds = |bytes: Vec<u8>| {
                let text = String::from_utf8_lossy(&bytes);
                bytes.len() as u64 > LARGEST || names.iter().any(|name| has(&text, name))
            };
            is_held = files::read_start(path, LARGEST + 1).map_or(true, holds);
        });
        is_held
    }

    /// Returns the packages whose macros may contain a call of a macro of `provider`: packages that
    /// depend on it at any depth, and packages whose macros may name anything that their callers
    /// depend on.
    fn possible_callers(
        &mut self,
        provider: PackageIx,
        macro_packages: &[PackageIx],
    ) -> HashSet<PackageIx> {
        let dependents = self.dependents_of(provider);
        let mut callers = HashSet::new();
        for &package in macro_packages.iter().filter(|it| **it != provider) {
            let library = self.workspace.package(package).library();
            if library.is_some_and(|it| it.proc_macro) {
                callers.extend(self.makers_of_macros(package));
            } else if self.layout.directory(package).is_some() || dependents.contains(&package) {
                callers.insert(package);
            }
        }
        callers
    }

    /// Returns the packages that depend on a package at any depth, by normal dependencies.
    fn dependents_of(&mut self, package: PackageIx) -> Rc<HashSet<PackageIx>> {
        if let Some(known) = self.dependents.get(&package) {
            return Rc::clone(known);
        }
        let mut users: HashMap<PackageIx, Vec<PackageIx>> = HashMap::new();
        for (user, of) in self.workspace.packages() {
            for below in of.dependencies.iter().filter(|it| it.normal) {
                users.entry(below.package).or_default().push(user);
            }
        }
        let mut dependents = HashSet::new();
        let mut pending = vec![package];
        while let Some(package) = pending.pop() {
            let users = users.get(&package).into_iter().flatten();
            pending.extend(users.filter(|user| dependents.insert(**user)));
        }
        let dependents = Rc::new(dependents);
        self.dependents.insert(package, Rc::clone(&dependents));
        dependents
    }

    /// Returns the names of a library's macros that may make their callers read a file: macros that
    /// contain a word for it, and macros that call such a macro. Returns `None` if the names are not
    /// known, because other macros may define macros.
    fn including_macros(&mut self, package: PackageIx) -> Option<Rc<[String]>> {
        if let Some(known) = self.including_macros.get(&package) {
            return known.clone();
        }
        let found = self.find_including_macros(package).map(Rc::from);
        self.including_macros.insert(package, found.clone());
        found
    }

    fn find_including_macros(&mut self, package: PackageIx) -> Option<Vec<String>> {
        let directory = self.workspace.package(package).directory().to_owned();
        let sources = self.texts.sources_below(&directory);
        let mut definitions = Vec::new();
        for source in sources.iter() {
            let below = source.strip_prefix(&directory).unwrap_or(source);
            let text = read(source).unwrap_or_default();
            if !SourceScope::Library.has(below) || !has(&text, "macro_rules") {
                continue;
            }
            let texts = MacroTexts::of(&text)?;
            let mut bodies = texts.definitions.iter();
            if has_inclusion(&texts.arguments)
                || texts.defines_others && bodies.any(|it| has_inclusion(&it.body))
            {
                return None;
            }
            definitions.extend(texts.definitions);
        }
        let (mut found, mut others): (Vec<_>, Vec<_>) = definitions
            .into_iter()
            .partition(|it| has_inclusion(&it.body));
        let mut at = 0;
        while let Some(called) = found.get(at).map(|it| it.name.clone()) {
            let (calling, left): (Vec<_>, Vec<_>) =
                others.into_iter().partition(|it| has(&it.body, &called));
            found.extend(calling);
            others = left;
            at += 1;
        }
        let exported = found.into_iter().filter(|it| it.is_exported);
        Some(exported.map(|it| it.name).collect())
    }
}

fn has_inclusion(text: &str) -> bool {
    has_apart_from_blanks(text, &INCLUSIONS)
}

#[cfg(test)]
mod tests {
    use crate::testing::scene::Scene;
    use crate::unit_graph::Verb;
    use crate::vcs::ChangeStatus;

    /// Returns the packages that a change of `a/page.txt` may rebuild. The downloaded package `e` has
    /// this source.
    fn seeded(graph: &str, files: &[(&str, &str)], source: &str) -> String {
        let others = [("a/page.txt", ""), (".registry/e-0.1.0/src/lib.rs", source)];
        let files: Vec<(&str, &str)> = files.iter().copied().chain(others).collect();
        let mut scene = Scene::new(graph, Verb::Check, &files);
        scene.change("a/page.txt", ChangeStatus::Modified);
        let seeds = scene.seeds();
        let doubted = seeds
            .lines()
            .filter_map(|it| it.strip_suffix(" lib: Doubt"));
        doubted.collect::<Vec<_>>().join(" ")
    }

    const MACROS: &str = "
        #[macro_export] macro_rules! load { ($f:literal) => { include_str!(concat!(\"../\", $f, \".txt\")) } }
        #[macro_export] macro_rules! sheet { ($f:literal) => { $crate::load!($f) } }
        #[macro_export] macro_rules! other { ($f:literal) => { $f } }
        macro_rules! own { ($f:literal) => { include_str!(concat!(\"../\", $f, \".txt\")) } }
    ";

    #[test]
    fn a_macro_of_a_downloaded_package_reads_files_only_if_somebody_names_it() {
        let graph = "a: lib!test!bench!doctest -> e, m, x\n\
                     m: lib!test!bench!doctest -> e\n\
                     e external: lib\n\
                     x external: proc-macro";
        const M: &str = "#[macro_export] macro_rules! m { ($f:literal) => { e::load!($f) } }";
        for (story, a, m, expected) in [
            ("a call", "e::load!(\"page\");", "", "a"),
            ("another name", "use e::load as p; p!(\"page\");", "", "a"),
            ("a macro that calls it", "e::sheet!(\"page\");", "", "a"),
            ("another macro", "e::other!(\"page\");", "", ""),
            (
                "no macro of others can be called",
                "e::own!(\"page\");",
                "",
                "",
            ),
            (
                "a call by a macro of the workspace",
                "m::m!(\"page\");",
                M,
                "a",
            ),
            ("no call at all", "println!(\"page\"); z!();", "", ""),
        ] {
            let files = [("a/src/lib.rs", a), ("m/src/lib.rs", m)];
            assert_eq!(seeded(graph, &files, MACROS), expected, "{story}");
        }
    }

    #[test]
    fn a_macro_of_another_package_may_call_the_macro_for_its_callers() {
        let calls = "#[macro_export] macro_rules! m { ($f:literal) => { e::load!($f) } }";
        let package = "lib!test!bench!doctest";
        for (story, graph, path, text, expected) in [
            // The macro finds `e` among the dependencies of its caller.
            ("of the workspace", "m: PACKAGE", "m/src/lib.rs", calls, "a"),
            ("of the workspace", "m: PACKAGE", "m/src/lib.rs", "", ""),
            (
                "downloaded",
                "m external: lib -> e",
                ".registry/m-0.1.0/src/lib.rs",
                calls,
                "a",
            ),
            (
                "downloaded",
                "m external: lib",
                ".registry/m-0.1.0/src/lib.rs",
                calls,
                "",
            ),
        ] {
            let graph = format!("a: PACKAGE -> e, m\n{graph}\ne external: lib");
            let graph = graph.replace("PACKAGE", package);
            let files = [("a/src/lib.rs", "m::m!(\"page\");"), (path, text)];
            assert_eq!(seeded(&graph, &files, MACROS), expected, "{story}");
        }
    }

    #[test]
    fn unknown_names_and_unsearched_code_may_call_every_macro() {
        let graph = "a: lib!test!bench!doctest script -> e\ne external: lib";
        let quiet = ("a/src/lib.rs", "z!(\"page\");");
        let defining = "macro_rules! define { ($n:ident) => {
            #[macro_export] macro_rules! $n { ($f:literal) => { include_str!(concat!(\"../\", $f, \".txt\")) } } } }";
        let nested = "macro_rules! once { () => { #[macro_export] macro_rules! load {
            ($f:literal) => { include_str!(concat!(\"../\", $f, \".txt\")) } } } }";
        let passed = "macro_rules! define { ($n:ident) => {} } define!(include_str);";
        let includes = ("a/src/lib.rs", "include!(\"code.in\"); z!(\"page\");");
        let template = ("a/code.txt", "e::load!(\"page\");");
        let of_tests = ("a/tests/code.txt", "e::load!(\"page\");");
        let [whole, large] = [1 << 20, (1 << 20) + 1].map(|it| "x".repeat(it));
        let (whole, large) = (("a/whole.txt", &*whole), ("a/large.txt", &*large));
        for (story, files, source, expected) in [
            ("nobody names it", &[quiet][..], MACROS, ""),
            ("a macro defines others", &[quiet], defining, "a"),
            ("a macro defines one other", &[quiet], nested, ""),
            ("a word is passed on", &[quiet], passed, "a"),
            ("code is included", &[includes], MACROS, "a"),
            (
                "a script may use a template",
                &[quiet, template],
                MACROS,
                "a",
            ),
            (
                "a fixture of tests is no template",
                &[quiet, of_tests],
                MACROS,
                "",
            ),
            ("a file of 1 MiB is searched", &[quiet, whole], MACROS, ""),
            (
                "a large file may be a template",
                &[quiet, large],
                MACROS,
                "a",
            ),
        ] {
            assert_eq!(seeded(graph, files, source), expected, "{story}");
        }
    }
}
