//! Seeds of tests that open a file of another package as they run.

use std::collections::BTreeSet;

use cargo_metadata::camino::Utf8Path;

use super::rules::Affects;
use super::seeds::{Finder, is_a_test};
use super::sources::Bases;
use super::{Effect, Rule};
use crate::graph::{Mode, UnitIx};
use crate::repo::git::Change;
use crate::repo::rust_source::{Code, NamedPath, RunTimePaths, Start, normalized};
use crate::workspace::{PackageIx, TargetKind};

const BECAUSE: &str = "its tests may read this file as they run";

/// A package whose code may open a changed file.
struct Reader<'a> {
    package: PackageIx,
    directory: &'a Utf8Path,
    is_owner: bool,
    bases: &'a Bases,
}

impl Finder<'_> {
    /// Tests that run code which names the file, or a directory above it, by a path that leads out
    /// of the code's own package; and tests that are given a library's own files.
    pub(super) fn run_time(&mut self, change: &Change, path: &Utf8Path, is_placed: bool) {
        let layout = self.inputs.layout;
        let owner = layout.owner(path);
        let is_fixture = !is_placed && !self.is_inert(change, path);
        for (package, directory) in layout.packages() {
            let Some(named) = self.sources.run_time(package) else {
                continue;
            };
            let bases = self.sources.bases(package);
            let reader = Reader {
                package,
                directory,
                is_owner: owner == Some(package),
                bases: &bases,
            };
            if !reader.is_owner && self.sources.links_to(package, path) {
                self.rerun_tests(package, change);
            }
            let is_told = bases.places.iter().any(|place| {
                place != directory && !reader.is_owner && self.leads_to(&reader, place, path, false)
            });
            for (file, paths) in &named.files {
                for code in [Code::Any, Code::Test, Code::Docs] {
                    let mut names = paths.named.iter().filter(|it| it.code == code);
                    let is_named = names.any(|it| {
                        let is_handed = it.path.as_str().is_empty() && reader.is_owner;
                        is_handed && is_fixture || self.names(&reader, (file, paths), it, path)
                    });
                    let is_variable = is_told && !paths.variables.is_empty();
                    if is_named || is_variable && code == Code::Any {
                        self.rerun_readers(&reader, file, code, change);
                    }
                }
                self.rerun_dependents(&reader, (file, paths), change, path);
            }
        }
    }

    /// All tests of a package.
    fn rerun_tests(&mut self, package: PackageIx, change: &Change) {
        let graph = self.inputs.graph;
        for &unit in graph.units_of(package) {
            if is_a_test(graph.unit(unit)) {
                self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, BECAUSE);
            }
        }
    }

    /// Whether a rule calls the file inert, or it is code or a manifest, which are no fixtures.
    fn is_inert(&self, change: &Change, path: &Utf8Path) -> bool {
        let rule = self.inputs.rules.of(&change.path);
        let is_inert = rule.is_some_and(|rule| rule.affects == Affects::Nothing);
        is_inert || path.extension() == Some("rs")
    }

    /// Whether a path that a file names leads to the changed one.
    fn names(
        &self,
        reader: &Reader<'_>,
        (file, paths): (&Utf8Path, &RunTimePaths),
        named: &NamedPath,
        path: &Utf8Path,
    ) -> bool {
        let Reader { directory, .. } = *reader;
        let lists = paths.lists_directories;
        if named.path.as_str().is_empty() {
            return false;
        }
        let leads = |base: &Utf8Path| {
            let to = normalized(&base.join(&named.path));
            self.leads_to(reader, &to, path, lists)
        };
        if named.start == Start::Package {
            return leads(directory);
        }
        if reader.is_owner {
            return false;
        }
        if named.path.starts_with("..") {
            return leads(directory) || file.parent().is_some_and(leads);
        }
        let is_name = named.path.components().count() == 1;
        let mut bases: Vec<&Utf8Path> = reader.bases.places.iter().map(|it| &**it).collect();
        if reader.bases.climbs {
            let root = self.inputs.root;
            let above = directory.ancestors().skip(1);
            bases.extend(above.take_while(|above| above.starts_with(root)));
        }
        let is_exactly = |base: &Utf8Path| base.join(&named.path) == path;
        match is_name {
            true => bases.into_iter().any(is_exactly) || lists && leads(directory),
            false => bases.into_iter().any(leads) || leads(directory),
        }
    }

    /// Whether a path is the changed one, or a directory that holds it. A directory that holds
    /// packages is mostly the start of longer paths: it counts where code lists directories.
    fn leads_to(&self, reader: &Reader<'_>, to: &Utf8Path, path: &Utf8Path, lists: bool) -> bool {
        if !path.starts_with(to) {
            return false;
        }
        let layout = self.inputs.layout;
        let holds_packages = || {
            reader.directory.starts_with(to)
                || layout
                    .below(to)
                    .any(|below| layout.directory(below) != Some(to))
        };
        path == to || !holds_packages() || lists && !reader.is_owner
    }

    /// The tests that run the code of a file.
    fn rerun_readers(&mut self, reader: &Reader<'_>, file: &Utf8Path, code: Code, change: &Change) {
        let graph = self.inputs.graph;
        let units = graph.units_of(reader.package);
        let having: Vec<UnitIx> = units
            .iter()
            .copied()
            .filter(|&unit| {
                let reads = self.sources.of(graph.unit(unit));
                reads.is_some_and(|reads| reads.has(file))
            })
            .collect();
        if having.is_empty() && !file.starts_with(reader.directory) {
            return;
        }
        let is_test = |unit: &UnitIx| is_a_test(graph.unit(*unit));
        let is_doctest = |unit: &UnitIx| graph.unit(*unit).mode == Mode::Doctest;
        let runs_alone = having.iter().all(is_test) && !having.is_empty();
        let tests: BTreeSet<UnitIx> = match code {
            Code::Docs => units.iter().copied().filter(is_doctest).collect(),
            _ if runs_alone || code == Code::Test && having.iter().any(is_test) => {
                let mut tests = having;
                tests.retain(|unit| is_test(unit) && !is_doctest(unit));
                tests.into_iter().collect()
            }
            _ => {
                let own = units.iter().copied().filter(is_test);
                let library = self.library_of(reader.package, file, code);
                let users = library.map(|library| self.tests_of(library));
                own.chain(users.into_iter().flatten()).collect()
            }
        };
        for unit in tests {
            self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, BECAUSE);
        }
    }

    /// Tests in whose own directory a library's relative path leads to the file: tests are run in
    /// the directory of their package.
    fn rerun_dependents(
        &mut self,
        reader: &Reader<'_>,
        (file, paths): (&Utf8Path, &RunTimePaths),
        change: &Change,
        path: &Utf8Path,
    ) {
        let climbing: Vec<&NamedPath> = paths
            .named
            .iter()
            .filter(|it| it.start == Start::Unknown && it.code == Code::Any)
            .filter(|it| it.path.starts_with(".."))
            .collect();
        if climbing.is_empty() {
            return;
        }
        let Some(library) = self.library_of(reader.package, file, Code::Any) else {
            return;
        };
        let Self { inputs, .. } = self;
        let (graph, layout) = (inputs.graph, inputs.layout);
        for unit in self.tests_of(library) {
            let package = graph.unit(unit).package;
            let Some(directory) = layout.directory(package) else {
                continue;
            };
            let user = Reader {
                package,
                directory,
                is_owner: layout.owner(path) == Some(package),
                bases: reader.bases,
            };
            let is_read = climbing.iter().any(|it| {
                let to = normalized(&directory.join(&it.path));
                !user.is_owner && self.leads_to(&user, &to, path, paths.lists_directories)
            });
            if is_read {
                self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, BECAUSE);
            }
        }
    }

    /// The library unit that a file belongs to, if its code is not for tests alone.
    fn library_of(&mut self, package: PackageIx, file: &Utf8Path, code: Code) -> Option<UnitIx> {
        let graph = self.inputs.graph;
        let library = graph.find(package, TargetKind::Lib, Mode::Build)?;
        let is_of_library = code == Code::Any && self.sources.may_be_of_library(package, file);
        let reads = is_of_library.then(|| self.sources.of(graph.unit(library)))??;
        (reads.has(file) || !reads.complete).then_some(library)
    }

    /// The tests that a library is linked into. A build script runs before there are tests.
    fn tests_of(&self, library: UnitIx) -> BTreeSet<UnitIx> {
        let graph = self.inputs.graph;
        let mut reached = BTreeSet::from([library]);
        let mut pending = vec![library];
        while let Some(unit) = pending.pop() {
            for (dependent, _) in graph.dependents(unit) {
                let is_script = graph.unit(dependent).kind == TargetKind::CustomBuild;
                if !is_script && reached.insert(dependent) {
                    pending.push(dependent);
                }
            }
        }
        reached.retain(|unit| is_a_test(graph.unit(*unit)));
        reached
    }
}
