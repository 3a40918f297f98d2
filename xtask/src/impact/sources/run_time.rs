//! The paths that a package's code names to open them as it runs, and the directories that it can
//! know them to be relative to.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::texts::{each_source, read};
use super::{Script, Sources};
use crate::repo::cargo_config::configuration_files;
use crate::repo::resolved;
use crate::repo::rust_source::{Code, NamedPath, RunTimePaths, Start, normalized};
use crate::workspace::PackageIx;

/// The paths that the sources of a package name, by file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunTime {
    /// The files that name something.
    pub files: Vec<(Utf8PathBuf, RunTimePaths)>,
}

/// What was found out so far about what packages name.
#[derive(Default)]
pub(super) struct Known {
    of: HashMap<PackageIx, Rc<RunTime>>,
    bases: HashMap<PackageIx, Rc<Bases>>,
    /// What packages are given by the libraries that they depend on.
    given: Option<Rc<HashMap<PackageIx, Bases>>>,
    /// Paths that variables hold by cargo's configuration.
    variables: Option<Rc<HashMap<String, Utf8PathBuf>>>,
}

/// The directories besides its own that a package can put behind a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bases {
    /// Whether it can climb to the directories above its own.
    pub climbs: bool,
    /// Other directories, or files, that it is told of.
    pub places: BTreeSet<Utf8PathBuf>,
}

impl Sources<'_> {
    /// The paths that a package's code names to open them as it runs; `None` where it cannot name
    /// any outside of its own directory, and hands none of its own on.
    pub fn run_time(&mut self, package: PackageIx) -> Option<Rc<RunTime>> {
        self.look_outside();
        let directory = self.layout.directory(package)?;
        let has_nested = || self.layout.below(directory).nth(1).is_some();
        let may_name = self.is_told_place(package)
            || !self.far(package).paths.is_empty()
            || self.given().contains_key(&package)
            || has_nested();
        may_name.then(|| self.named_by(package))
    }

    /// The directories besides its own that a package can put behind a path.
    pub fn bases(&mut self, package: PackageIx) -> Rc<Bases> {
        if let Some(known) = self.run_time.bases.get(&package) {
            return Rc::clone(known);
        }
        let mut bases = self.own_bases(package, |_| true);
        if let Some(given) = self.given().get(&package) {
            bases.climbs |= given.climbs;
            bases.places.extend(given.places.iter().cloned());
        }
        let bases = Rc::new(bases);
        self.run_time.bases.insert(package, Rc::clone(&bases));
        bases
    }

    /// Whether a link below a package's directory leads to a path, or to a directory that holds it.
    pub fn links_to(&mut self, package: PackageIx, path: &Utf8Path) -> bool {
        self.far(package)
            .linked
            .iter()
            .any(|to| path.starts_with(to))
    }

    /// Whether a file may belong to a package's library, by its place.
    pub fn may_be_of_library(&self, package: PackageIx, file: &Utf8Path) -> bool {
        let directory = self.layout.directory(package).unwrap_or(file);
        super::texts::Scope::Library.has(file.strip_prefix(directory).unwrap_or(file))
    }

    /// Whether a package's sources may learn where a package or the workspace lies.
    pub fn is_told_place(&mut self, package: PackageIx) -> bool {
        self.far(package).is_told_place
    }

    fn named_by(&mut self, package: PackageIx) -> Rc<RunTime> {
        if let Some(known) = self.run_time.of.get(&package) {
            return Rc::clone(known);
        }
        let directory = self.layout.directory(package).map(Utf8Path::to_owned);
        let found = directory.map(|directory| {
            let kept = self.facts.borrow().run_time(&directory);
            kept.unwrap_or_else(|| {
                let far = self.far(package);
                let found = RunTime::of(&directory, &far.paths);
                self.facts.borrow_mut().keep_run_time(&directory, &found);
                found
            })
        });
        let found = Rc::new(found.unwrap_or_default());
        self.run_time.of.insert(package, Rc::clone(&found));
        found
    }

    /// What the code of a package itself makes known, as far as it is in files that count.
    fn own_bases(&mut self, package: PackageIx, counts: impl Fn(&Utf8Path) -> bool) -> Bases {
        let mut bases = Bases::default();
        let Some(directory) = self.layout.directory(package) else {
            return bases;
        };
        let variables = self.configured_variables();
        let script = self.script(package);
        let named = self.named_by(package);
        for (_, paths) in named.files.iter().filter(|(file, _)| counts(file)) {
            bases.climbs |= paths.seeks_root;
            bases.climbs |= paths.named.iter().any(|named| climbs(named, directory));
            for variable in &paths.variables {
                let set_by_script = |it: &Script| it.sets_variable(variable);
                if let Some(place) = variables.get(variable) {
                    bases.places.insert(normalized(&directory.join(place)));
                } else if ["WORKSPACE", "ROOT"].iter().any(|it| variable.contains(it))
                    || script.as_deref().is_some_and(set_by_script)
                {
                    bases.climbs = true;
                }
            }
        }
        bases
    }

    /// What libraries hand to the packages that depend on them: their own directory, and what lies
    /// above it.
    fn given(&mut self) -> Rc<HashMap<PackageIx, Bases>> {
        if let Some(known) = &self.run_time.given {
            return Rc::clone(known);
        }
        let packages: Vec<PackageIx> = self.layout.packages().map(|(it, _)| it).collect();
        let mut dependents: HashMap<PackageIx, Vec<PackageIx>> = HashMap::new();
        for &package in &packages {
            for dependency in &self.workspace.package(package).dependencies {
                dependents
                    .entry(dependency.package)
                    .or_default()
                    .push(package);
            }
        }
        let mut given: HashMap<PackageIx, Bases> = HashMap::new();
        for &package in &packages {
            let handed = self.handed_on(package);
            if handed == Bases::default() {
                continue;
            }
            let mut reached = HashSet::from([package]);
            let mut pending = vec![package];
            while let Some(package) = pending.pop() {
                for &dependent in dependents.get(&package).into_iter().flatten() {
                    if reached.insert(dependent) {
                        pending.push(dependent);
                        let bases = given.entry(dependent).or_default();
                        bases.climbs |= handed.climbs;
                        bases.places.extend(handed.places.iter().cloned());
                    }
                }
            }
        }
        let given = Rc::new(given);
        self.run_time.given = Some(Rc::clone(&given));
        given
    }

    /// The directories that a package's library hands on.
    fn handed_on(&mut self, package: PackageIx) -> Bases {
        let has_library = self.workspace.package(package).library().is_some();
        let directory = self.layout.directory(package).map(Utf8Path::to_owned);
        let Some(directory) = directory.filter(|_| has_library && self.is_told_place(package))
        else {
            return Bases::default();
        };
        let named = self.named_by(package);
        let mut handed = Bases::default();
        for (file, paths) in &named.files {
            if !self.may_be_of_library(package, file) {
                continue;
            }
            for named in &paths.named {
                if named.code == Code::Any && named.start == Start::Package {
                    handed.climbs |= climbs(named, &directory);
                    if named.path.as_str().is_empty() {
                        handed.places.insert(directory.clone());
                    }
                }
            }
            handed.climbs |= paths.seeks_root;
        }
        handed
    }

    /// The paths that cargo's configuration gives to variables, relative to a package's directory
    /// where it does not say to what.
    fn configured_variables(&mut self) -> Rc<HashMap<String, Utf8PathBuf>> {
        if let Some(known) = &self.run_time.variables {
            return Rc::clone(known);
        }
        let mut variables = HashMap::new();
        for file in configuration_files(&resolved(&self.workspace.root)) {
            let table = read(&file).and_then(|text| text.parse::<toml::Table>().ok());
            let set = table.as_ref().and_then(|it| it.get("env")?.as_table());
            // `.cargo/config.toml` speaks of the directory that holds `.cargo`.
            let directory = file.parent().and_then(Utf8Path::parent).unwrap_or(&file);
            for (name, value) in set.into_iter().flatten() {
                let text = value.as_str().or_else(|| value.get("value")?.as_str());
                let relative = value.get("relative").and_then(toml::Value::as_bool);
                let Some(text) = text else { continue };
                let path = match relative {
                    Some(true) => normalized(&directory.join(text)),
                    _ => Utf8PathBuf::from(text),
                };
                variables.insert(name.clone(), path);
            }
        }
        let variables = Rc::new(variables);
        self.run_time.variables = Some(Rc::clone(&variables));
        variables
    }
}

impl RunTime {
    /// Reads the sources below a package's directory, and those far from it.
    fn of(directory: &Utf8Path, far: &[Utf8PathBuf]) -> Self {
        let mut files = Vec::new();
        let mut take = |file: &Utf8Path| {
            let paths = RunTimePaths::of(&read(file).unwrap_or_default());
            if !paths.is_empty() {
                files.push((file.to_owned(), paths));
            }
        };
        each_source(directory, &mut take);
        let far = far.iter().filter(|it| it.extension() == Some("rs"));
        far.for_each(|file| take(file));
        Self { files }
    }
}

/// Whether a path leads to a directory above that of its package.
fn climbs(named: &NamedPath, directory: &Utf8Path) -> bool {
    let to = normalized(&directory.join(&named.path));
    directory != to && directory.starts_with(to)
}
