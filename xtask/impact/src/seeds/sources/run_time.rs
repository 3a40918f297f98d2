//! Finds the paths that a package's code opens while it runs, and the directories that these paths
//! can be relative to.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::search::SourceScope;
use super::source_files::{read, read_text};
use super::{Sources, WatchedBySource};
use crate::cargo_config::configuration_files;
use crate::paths::{normalized, resolved};
use crate::source_scan::{NamedPath, RelativeTo, RunTimePaths, StringContext};
use crate::workspace::PackageIx;
use crate::{observed, parallel};

/// The paths that the sources of a package name, by source file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunTime {
    /// The source files that name paths.
    pub files: Vec<(Utf8PathBuf, RunTimePaths)>,
}

/// The paths that packages name, as far as they were looked up.
#[derive(Default)]
pub(super) struct KnownNames {
    of: HashMap<PackageIx, Rc<RunTime>>,
    /// The answers of [`Sources::run_time`].
    outside: HashMap<PackageIx, Option<Rc<RunTime>>>,
    /// The packages that contain other packages.
    containing: Option<HashSet<PackageIx>>,
    bases: HashMap<PackageIx, Rc<Bases>>,
    /// True for the packages that may step up: see [`Sources::may_climb`].
    climbing: HashMap<PackageIx, bool>,
    /// The parts of paths in the code of packages.
    parts: HashMap<PackageIx, Rc<HashSet<String>>>,
    /// The directories that packages get from the libraries that they depend on.
    received: Option<Rc<HashMap<PackageIx, Bases>>>,
    /// The paths that cargo's configuration assigns to variables.
    variables: Option<Rc<HashMap<String, Utf8PathBuf>>>,
}

/// The directories, other than the package's own directory, that a package can join with a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bases {
    /// True if the package can reach the directories above its own.
    pub climbs: bool,
    /// Other directories or files whose paths the package knows.
    pub places: BTreeSet<Utf8PathBuf>,
    /// The packages whose libraries may lead this package to a directory above its own.
    pub leads: BTreeSet<PackageIx>,
}

impl Sources<'_> {
    /// Returns the paths that a package's code opens while it runs. Returns `None` if the package
    /// cannot name a path outside its own directory and does not pass its own directory on.
    pub fn run_time(&mut self, package: PackageIx) -> Option<Rc<RunTime>> {
        if let Some(known) = self.run_time.outside.get(&package) {
            return known.clone();
        }
        self.layout.directory(package)?;
        self.look_outside();
        let may_name = self.knows_location(package)
            || !self.far(package).paths.is_empty()
            || self.far(package).may_climb
            || self.received_bases().contains_key(&package)
            || self.contains_packages(package);
        let named = may_name.then(|| self.named_by(package));
        self.run_time.outside.insert(package, named.clone());
        named
    }

    /// Returns true if another package lies below a package's directory.
    fn contains_packages(&mut self, package: PackageIx) -> bool {
        let layout = self.layout;
        let containing = self.run_time.containing.get_or_insert_with(|| {
            let directories = layout.packages().map(|(_, directory)| directory);
            directories.filter_map(|it| layout.owner(it)).collect()
        });
        containing.contains(&package)
    }

    /// Returns the directories, in addition to its own, that a package can join with a path.
    pub fn bases(&mut self, package: PackageIx) -> Rc<Bases> {
        if let Some(known) = self.run_time.bases.get(&package) {
            return Rc::clone(known);
        }
        let mut bases = self.own_bases(package);
        if let Some(received) = self.received_bases().get(&package) {
            bases.add(received);
        }
        let bases = Rc::new(bases);
        self.run_time.bases.insert(package, Rc::clone(&bases));
        bases
    }

    /// Returns true if a symbolic link below a package's directory leads to a path or to a
    /// directory that contains the path.
    pub fn links_to(&mut self, package: PackageIx, path: &Utf8Path) -> bool {
        self.far(package)
            .linked
            .iter()
            .any(|to| path.starts_with(to))
    }

    /// Returns true if a file may belong to a package's library, according to its location.
    pub fn may_be_of_library(&self, package: PackageIx, file: &Utf8Path) -> bool {
        let directory = self.layout.directory(package).unwrap_or(file);
        SourceScope::Library.has(file.strip_prefix(directory).unwrap_or(file))
    }

    /// Returns true if a package's code may step up to a directory above its own. Either the code
    /// contains `..`, or the code knows the location of the package and calls a method that may
    /// step up.
    pub fn may_climb(&mut self, package: PackageIx) -> bool {
        if let Some(&known) = self.run_time.climbing.get(&package) {
            return known;
        }
        let knows_location = self.knows_location(package);
        let named = self.named_by(package);
        let mut files = named.files.iter();
        let climbs = files
            .any(|(_, paths)| paths.parts.contains_key("..") || knows_location && paths.steps_up);
        self.run_time.climbing.insert(package, climbs);
        climbs
    }

    /// Returns the parts of paths in a package's code.
    fn parts(&mut self, package: PackageIx) -> Rc<HashSet<String>> {
        if let Some(known) = self.run_time.parts.get(&package) {
            return Rc::clone(known);
        }
        let named = self.named_by(package);
        let parts = named.files.iter().flat_map(|(_, paths)| paths.parts.keys());
        let parts: Rc<HashSet<String>> = Rc::new(parts.cloned().collect());
        self.run_time.parts.insert(package, Rc::clone(&parts));
        parts
    }

    /// Counts the names at the beginning of `names` that code contains: the code of a package, or
    /// of a library that leads the package up. The count stops at the first missing name. A name is
    /// also contained if its stem and its extension are contained.
    pub fn count_named(&mut self, package: PackageIx, names: &[&str]) -> usize {
        let mut packages = vec![package];
        packages.extend(&self.bases(package).leads);
        let parts: Vec<_> = packages.into_iter().map(|it| self.parts(it)).collect();
        let holds = |name: &str| parts.iter().any(|parts| parts.contains(name));
        let is_named = |name: &&&str| {
            let file = Utf8Path::new(name);
            let extension = file.extension();
            holds(name) || extension.is_some_and(holds) && file.file_stem().is_some_and(holds)
        };
        names.iter().take_while(is_named).count()
    }

    /// Returns true if a package's sources may learn the location of a package or the workspace.
    pub fn knows_location(&mut self, package: PackageIx) -> bool {
        self.far(package).knows_location
    }

    fn named_by(&mut self, package: PackageIx) -> Rc<RunTime> {
        self.find_named(&[package]);
        let known = self.run_time.of.get(&package);
        known.map(Rc::clone).unwrap_or_default()
    }

    /// Finds the paths that packages name, on all processors.
    fn find_named(&mut self, packages: &[PackageIx]) {
        let mut sources: Vec<(PackageIx, Utf8PathBuf)> = Vec::new();
        let mut unread: HashMap<PackageIx, PackageSources<'_>> = HashMap::new();
        for &package in packages {
            let directory = self.layout.directory(package);
            let Some(directory) = directory.filter(|_| !self.run_time.of.contains_key(&package))
            else {
                continue;
            };
            let known = self.facts.borrow().run_time(directory);
            if let Some(known) = known {
                self.run_time.of.insert(package, Rc::new(known));
                continue;
            }
            let far = self.far(package);
            let own = self.texts.sources_below(directory);
            let elsewhere = far.paths.iter();
            let elsewhere = elsewhere.filter(|it| it.extension() == Some("rs"));
            let files = own.iter().chain(elsewhere).cloned();
            sources.extend(files.map(|file| (package, file)));
            let far = far.paths.clone();
            unread.insert(package, PackageSources { directory, far });
        }
        let found = parallel::parts(&sources, |part| {
            let read = part
                .iter()
                .map(|(package, file)| unread[package].named_in(file));
            read.collect()
        });
        let mut named: HashMap<PackageIx, RunTime> = HashMap::new();
        for ((package, file), paths) in sources.into_iter().zip(found) {
            if !paths.is_empty() {
                named.entry(package).or_default().files.push((file, paths));
            }
        }
        for (package, sources) in unread {
            let found = named.remove(&package).unwrap_or_default();
            let mut facts = self.facts.borrow_mut();
            facts.keep_run_time(sources.directory, &found);
            self.run_time.of.insert(package, Rc::new(found));
        }
    }

    /// Returns the directories that the package's own code finds.
    fn own_bases(&mut self, package: PackageIx) -> Bases {
        let mut bases = Bases::default();
        let Some(directory) = self.layout.directory(package) else {
            return bases;
        };
        let variables = self.configured_variables();
        let script = self.script(package);
        let named = self.named_by(package);
        for (_, paths) in &named.files {
            bases.climbs |= paths.seeks_root;
            bases.climbs |= paths.named.iter().any(|named| climbs(named, directory));
            for variable in &paths.variables {
                let set_by_script = |it: &WatchedBySource| it.sets_variable(variable);
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

    /// Returns the directories that libraries pass to their dependents: the directory of the
    /// library, and the directories above.
    fn received_bases(&mut self) -> Rc<HashMap<PackageIx, Bases>> {
        if let Some(known) = &self.run_time.received {
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
        let mut passing = packages.clone();
        passing.retain(|&package| self.may_pass_directories(package));
        self.find_named(&passing);
        let mut received: HashMap<PackageIx, Bases> = HashMap::new();
        for package in passing {
            let passed = self.passed_directories(package);
            if passed == Bases::default() {
                continue;
            }
            let mut reached = HashSet::from([package]);
            let mut pending = vec![package];
            while let Some(package) = pending.pop() {
                for &dependent in dependents.get(&package).into_iter().flatten() {
                    if reached.insert(dependent) {
                        pending.push(dependent);
                        received.entry(dependent).or_default().add(&passed);
                    }
                }
            }
        }
        let received = Rc::new(received);
        self.run_time.received = Some(Rc::clone(&received));
        received
    }

    /// Returns true if a package's library may pass directories to its dependents.
    fn may_pass_directories(&mut self, package: PackageIx) -> bool {
        let has_library = self.workspace.package(package).library().is_some();
        has_library && (self.knows_location(package) || self.far(package).may_climb)
    }

    /// Returns the directories that a package's library passes to its dependents.
    fn passed_directories(&mut self, package: PackageIx) -> Bases {
        let Some(directory) = self.layout.directory(package).map(Utf8Path::to_owned) else {
            return Bases::default();
        };
        let named = self.named_by(package);
        let mut passed = Bases::default();
        for (file, paths) in &named.files {
            if !self.may_be_of_library(package, file) {
                continue;
            }
            for named in &paths.named {
                if named.code == StringContext::Any && climbs(named, &directory) {
                    passed.leads.insert(package);
                }
                if named.code == StringContext::Any && named.start == RelativeTo::Package {
                    passed.climbs |= climbs(named, &directory);
                    if named.path.as_str().is_empty() {
                        passed.places.insert(directory.clone());
                    }
                }
            }
            passed.climbs |= paths.seeks_root;
        }
        passed
    }

    /// Returns the paths that cargo's configuration assigns to variables. A path without `relative`
    /// is relative to the directory of the package that uses the variable.
    fn configured_variables(&mut self) -> Rc<HashMap<String, Utf8PathBuf>> {
        if let Some(known) = &self.run_time.variables {
            return Rc::clone(known);
        }
        let mut variables = HashMap::new();
        for file in configuration_files(&resolved(&self.workspace.root)) {
            let table = read(&file).and_then(|text| text.parse::<toml::Table>().ok());
            let set = table.as_ref().and_then(|it| it.get("env")?.as_table());
            // A relative path in `.cargo/config.toml` starts at the directory that contains
            // `.cargo`.
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

/// The place of a package's sources.
struct PackageSources<'a> {
    directory: &'a Utf8Path,
    /// The paths outside the directory that the sources name.
    far: Vec<Utf8PathBuf>,
}

impl PackageSources<'_> {
    /// Returns the paths that a source file names.
    fn named_in(&self, file: &Utf8Path) -> RunTimePaths {
        let mut paths = RunTimePaths::of(&read(file).unwrap_or_default());
        follow(&mut paths, file, self.directory, &self.far);
        paths
    }
}

impl Bases {
    fn add(&mut self, other: &Self) {
        self.climbs |= other.climbs;
        self.places.extend(other.places.iter().cloned());
        self.leads.extend(&other.leads);
    }
}

/// Adds the paths that other texts name, if a source names these texts. Such texts are scripts,
/// lists of files and included documentation. A text must lie in the package's directory, or be one
/// of the paths in `far`, which the sources name outside this directory.
fn follow(paths: &mut RunTimePaths, file: &Utf8Path, directory: &Utf8Path, far: &[Utf8PathBuf]) {
    /// The number of texts, named by one source directly or through another text, after which the
    /// search stops.
    const MOST: usize = 32;
    let mut read = BTreeSet::new();
    loop {
        let named = paths.named.iter();
        let named = named.map(|it| (it.path.as_path(), it.code));
        let included = paths.included.iter().map(|(path, code)| (&**path, *code));
        let names = named.chain(included);
        let is_file = |path: &Utf8Path| {
            let is_text = !matches!(path.extension(), None | Some("rs" | "lock"));
            is_text && !path.as_str().contains('*')
        };
        let names = names.filter(|(path, _)| is_file(path));
        let bases = [Some(directory), file.parent()];
        let found = names.flat_map(|(path, code)| {
            let at = bases.into_iter().flatten().map(move |base| base.join(path));
            at.map(move |it| (normalized(&it), code))
        });
        let is_new = |(path, code): &(Utf8PathBuf, StringContext)| {
            let is_ours = path.starts_with(directory) || far.contains(path);
            is_ours
                && path != file
                && !read.contains(&(path.clone(), *code))
                && observed::is_file(path)
        };
        let new: BTreeSet<_> = found.filter(is_new).take(MOST).collect();
        if new.is_empty() || read.len() >= MOST {
            return;
        }
        for (path, code) in new {
            let is_docs = code == StringContext::Docs && path.extension() == Some("md");
            match read_text(&path) {
                Some(text) if is_docs => paths.add_docs(&text),
                Some(text) if text.contains("..") => paths.add_text(&text, code),
                _ => {}
            }
            read.insert((path, code));
        }
    }
}

/// Returns true if a path leads to a directory above the directory of its package.
fn climbs(named: &NamedPath, directory: &Utf8Path) -> bool {
    let to = normalized(&directory.join(&named.path));
    directory != to && directory.starts_with(to)
}
