//! The variables that cargo's configuration sets for compilers and build scripts. The value of such a
//! variable can be the path of a file that sources include.

use std::collections::HashMap;
use std::rc::Rc;

use toml::{Table, Value};

use super::Sources;
use super::names::makes_name;
use super::search::Search;
use super::source_files::read;
use crate::cargo_config::configuration_files;
use crate::observed;
use crate::workspace::PackageIx;

/// The configured variables, and the results of the searches so far.
#[derive(Default)]
pub(super) struct Configured {
    /// The texts of the files of cargo's configuration.
    texts: Option<Rc<[String]>>,
    settings: Option<Rc<Settings>>,
    /// The variables whose values contain a name.
    holding: HashMap<String, Rc<[String]>>,
    /// True for the packages that may read a variable.
    reading: HashMap<(PackageIx, String), bool>,
}

/// The variables in the files of cargo's configuration.
#[derive(Debug, Default, PartialEq, Eq)]
struct Settings {
    /// The variables with their values.
    variables: Vec<(String, String)>,
    /// The texts of the files that are no TOML, or that add attributes to all sources.
    unclear: Vec<String>,
}

impl Settings {
    fn of(files: &[String]) -> Self {
        let mut settings = Self::default();
        for text in files {
            match text.parse::<Table>() {
                Ok(table) if !text.contains("crate-attr") => settings.add(&table),
                _ => settings.unclear.push(text.clone()),
            }
        }
        settings
    }

    fn add(&mut self, table: &Table) {
        if let Some(Value::Table(variables)) = table.get("env") {
            self.add_variables(variables);
        }
        if let Some(Value::Table(targets)) = table.get("target") {
            self.add_overrides(targets);
        }
    }

    /// Adds the variables of configured outputs of build scripts (`[target.T.links]`).
    fn add_overrides(&mut self, table: &Table) {
        for (key, value) in table {
            match value {
                Value::Table(variables) if key == "rustc-env" => self.add_variables(variables),
                Value::Table(below) => self.add_overrides(below),
                _ => {}
            }
        }
    }

    fn add_variables(&mut self, variables: &Table) {
        for (name, value) in variables {
            let value = match value {
                Value::Table(described) => described.get("value"),
                value => Some(value),
            };
            let value = value.and_then(Value::as_str).unwrap_or_default();
            self.variables.push((name.clone(), value.to_owned()));
        }
    }
}

impl Sources<'_> {
    /// Returns true if a variable that cargo's configuration sets contains a name (see
    /// [`makes_name`]), and a package may read the variable.
    pub(super) fn is_configured(&mut self, package: PackageIx, name: &str) -> bool {
        let settings = self.settings();
        let holding = self.configured.holding.get(name).cloned();
        let holding = holding.unwrap_or_else(|| {
            let holding = settings.variables.iter();
            let holding = holding.filter(|(_, value)| makes_name(value, name));
            let holding: Rc<[String]> = holding.map(|(variable, _)| variable.clone()).collect();
            let known = &mut self.configured.holding;
            known.insert(name.to_owned(), Rc::clone(&holding));
            holding
        });
        let mut holding = holding.iter();
        settings.unclear.iter().any(|text| makes_name(text, name))
            || holding.any(|variable| self.may_get_variable(package, variable))
    }

    fn settings(&mut self) -> Rc<Settings> {
        let texts = self.configuration_texts();
        let settings = &mut self.configured.settings;
        Rc::clone(settings.get_or_insert_with(|| Rc::new(Settings::of(&texts))))
    }

    /// Returns the texts of the files of cargo's configuration.
    pub fn configuration_texts(&mut self) -> Rc<[String]> {
        let root = &self.workspace.root;
        let texts = self.configured.texts.get_or_insert_with(|| {
            let files = configuration_files(root).into_iter();
            files.filter_map(|file| read(&file)).collect()
        });
        Rc::clone(texts)
    }

    /// Returns true if a variable may get into a package: the sources of the package, of the macros
    /// that it can use or of the libraries of its build script name the variable, or read all
    /// variables. Included code is not searched, so it may read any variable.
    fn may_get_variable(&mut self, package: PackageIx, variable: &str) -> bool {
        let key = (package, variable.to_owned());
        if let Some(&known) = self.configured.reading.get(&key) {
            return known;
        }
        let used = self.dependencies(&[package], |_| true);
        let mut libraries = self.macro_packages(&used);
        libraries.extend(self.script_libraries(package));
        let named = Search::Variable(variable.to_owned());
        let may_get = [named, Search::Any(&["env::vars", "include!(\""])]
            .iter()
            .any(|search| {
                self.text_holds(package, search)
                    || self.reads_elsewhere(package, search)
                    || libraries.iter().any(|&it| self.library_holds(it, search))
            });
        self.configured.reading.insert(key, may_get);
        may_get
    }

    /// Returns true if a source that the package reads outside its directory contains the searched
    /// text.
    fn reads_elsewhere(&mut self, package: PackageIx, search: &Search) -> bool {
        let far = self.far(package);
        far.paths.iter().any(|file| {
            observed::is_file(file) && read(file).is_none_or(|text| search.succeeds_in(&text))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::scene::Scene;
    use crate::unit_graph::Verb;
    use crate::vcs::ChangeStatus;

    #[test]
    fn variables_are_read_from_tables_of_the_configuration() {
        for (text, expected) in [
            ("env.A = 'x/y'", "A=x/y"),
            ("[env]\nA = { value = 'x', relative = true }", "A=x"),
            ("target.T.a.rustc-env.B = 'z'", "B=z"),
            ("target.T.a.rustc-env = { B = 'z' }", "B=z"),
            ("build.rustflags = ['--cfg', 'x']\nalias.x = 'check'", ""),
            ("env.A = 'x'\n[broken", "unclear"),
            (
                "build.rustflags = ['-Zcrate-attr=doc=include_str!(\"x\")']",
                "unclear",
            ),
        ] {
            let settings = Settings::of(&[text.to_owned()]);
            let variables = settings.variables.iter();
            let mut shown: Vec<_> = variables
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            shown.extend(settings.unclear.iter().map(|_| "unclear".to_owned()));
            assert_eq!(shown.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_configured_path_reaches_only_packages_that_read_its_variable() {
        let reader = "const D: &str = include_str!(env!(\"DATA\"));";
        let by_macro = "const D: &str = c::m!(DATA);";
        let other = "const D: &str = include_str!(concat!(env!(\"PLACE\"), \"/x\"));";
        let all = "fn f() { std::env::vars(); }";
        let macros = "#[macro_export]\nmacro_rules! m { ($v:ident) => { include_str!(env!(stringify!($v))) } }";
        let reached = "a lib: Doubt\n";
        for (story, source, script, expected) in [
            ("by name", reader, "", reached),
            ("through a macro", by_macro, "", reached),
            (
                "from a script",
                other,
                "fn main() { std::env::var(\"DATA\"); }",
                reached,
            ),
            (
                "from a script that reads all",
                &format!("{other}{all}"),
                "",
                reached,
            ),
            ("another variable", other, "", ""),
        ] {
            let files = [
                (
                    ".cargo/config.toml",
                    "[env]\nDATA = { value = 'shared/q.txt', relative = true }",
                ),
                ("shared/q.txt", ""),
                ("a/src/lib.rs", source),
                ("a/build.rs", script),
                ("c/src/lib.rs", macros),
            ];
            let text = "a: lib!test!bench!doctest script -> c\nc: lib!test!bench!doctest";
            let mut scene = Scene::new(text, Verb::Check, &files);
            scene.change("shared/q.txt", ChangeStatus::Modified);
            let seeds = scene.seeds();
            let of_library = seeds.lines().filter(|it| !it.contains("script"));
            let of_library: String = of_library.map(|it| format!("{it}\n")).collect();
            assert_eq!(of_library, expected, "{story}");
        }
    }

    #[test]
    fn a_source_outside_the_package_reads_variables_for_it() {
        let reader = "const D: &str = include_str!(env!(\"DATA\"));";
        for (code, expected) in [(reader, "a lib: Doubt\n"), ("", "")] {
            let files = [
                (
                    ".cargo/config.toml",
                    "[env]\nDATA = { value = 'shared/q.txt', relative = true }",
                ),
                ("shared/q.txt", ""),
                ("a/src/lib.rs", "#[path = \"../../code/mod.rs\"] mod code;"),
                ("code/mod.rs", code),
            ];
            let mut scene = Scene::new("a: lib!test!bench!doctest", Verb::Check, &files);
            scene.change("shared/q.txt", ChangeStatus::Modified);
            assert_eq!(scene.seeds(), expected, "{code}");
        }
    }
}
