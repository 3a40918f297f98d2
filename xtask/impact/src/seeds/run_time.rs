//! Seeds tests that open a file of another package while they run.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use camino::Utf8Path;

use super::named_targets::{
    NamedTargets, NamingCode, climbs_from_the_current_directory, code_naming_itself, matched,
};
use super::rules::Affects;
use super::sources::{Bases, RunTime};
use super::{Effect, Rule};
use crate::paths::normalized;
use crate::seeds::{SeedFinder, SeedInputs, is_a_test};
use crate::source_scan::{NamedPath, RunTimePaths, StringContext};
use crate::unit_graph::{Mode, UnitIx};
use crate::vcs::Change;
use crate::workspace::{PackageIx, TargetKind};

const BECAUSE: &str = "its tests may read this file as they run";

/// A package whose code may open a changed file.
struct RunTimeReader<'a> {
    package: PackageIx,
    directory: &'a Utf8Path,
    is_owner: bool,
    bases: &'a Bases,
}

impl SeedFinder<'_> {
    /// Seeds the tests whose code names the file, or a directory above the file, by a path that
    /// leads out of the package of the code. Tests to which a library passes its own directory are
    /// seeded too.
    pub(super) fn run_time(&mut self, change: &Change, path: &Utf8Path, is_placed: bool) {
        let layout = self.inputs.layout;
        let owner = layout.owner(path);
        let is_fixture = !is_placed && !self.is_inert(change, path);
        let targets = self.named_targets();
        let mut naming = self.naming_code(&targets, path);
        for (package, directory) in layout.packages() {
            let Some(named) = self.sources.run_time(package) else {
                continue;
            };
            let bases = self.sources.bases(package);
            let reader = RunTimeReader {
                package,
                directory,
                is_owner: owner == Some(package),
                bases: &bases,
            };
            if !reader.is_owner && self.sources.links_to(package, path) {
                self.rerun_tests(package, change);
            }
            let mut naming = naming.remove(&package).unwrap_or_default();
            if reader.is_owner && is_fixture {
                naming.extend(code_naming_itself(&named));
            }
            let leads_there = bases.places.iter().any(|place| {
                place != directory
                    && !reader.is_owner
                    && self.leads_to(directory, place, path, false)
            });
            if leads_there {
                let files = named.files.iter().enumerate();
                let files = files.filter(|(_, (_, paths))| !paths.variables.is_empty());
                naming.extend(files.map(|(index, _)| (index, StringContext::Any)));
            }
            for (index, code) in naming {
                let (file, _) = &named.files[index];
                self.rerun_readers(&reader, file, code, change);
                self.rerun_users(&reader, file, code, change);
            }
            for &index in targets.climbing_files(package) {
                let (file, paths) = &named.files[index];
                self.rerun_dependents(&reader, (file, paths), change, path);
            }
            self.named_in_parts(&reader, &named, change, path);
        }
    }

    /// Returns the places that all packages name, found once for all changed paths.
    fn named_targets(&mut self) -> Rc<NamedTargets> {
        if let Some(known) = &self.named_targets {
            return Rc::clone(known);
        }
        let SeedInputs { layout, root, .. } = *self.inputs;
        let mut targets = NamedTargets::default();
        for (package, directory) in layout.packages() {
            if let Some(named) = self.sources.run_time(package) {
                let bases = self.sources.bases(package);
                targets.add((package, directory), &named, &bases, root);
            }
        }
        let targets = Rc::new(targets);
        self.named_targets = Some(Rc::clone(&targets));
        targets
    }

    /// Returns the code that names a changed path, by package.
    fn naming_code(
        &self,
        targets: &NamedTargets,
        path: &Utf8Path,
    ) -> HashMap<PackageIx, BTreeSet<NamingCode>> {
        let layout = self.inputs.layout;
        let owner = layout.owner(path);
        let mut naming: HashMap<PackageIx, BTreeSet<NamingCode>> = HashMap::new();
        for (to, target) in targets.leading_to(path) {
            let is_owner = owner == Some(target.package);
            let is_named = || {
                let directory = layout.directory(target.package).unwrap_or(to);
                let lists = target.lists && !is_owner;
                target.is_exact || self.leads_to(directory, to, path, lists)
            };
            if (target.is_for_own_files || !is_owner) && is_named() {
                naming
                    .entry(target.package)
                    .or_default()
                    .insert(target.code);
            }
        }
        naming
    }

    /// Reruns tests of a package whose code may build the path of a file from names in several
    /// strings. The code must be able to step up to a directory above its package, and must contain
    /// every name on the way from there down to the file. Code that lists directories must contain
    /// only the first name, because a listing finds the other names.
    fn named_in_parts(
        &mut self,
        reader: &RunTimeReader<'_>,
        named: &RunTime,
        change: &Change,
        path: &Utf8Path,
    ) {
        let Some(way) = self.way(reader, path).filter(|_| !reader.is_owner) else {
            return;
        };
        let is_above = path.starts_with(reader.directory);
        let steps_up = named.files.iter().flat_map(|(_, paths)| &paths.named);
        let mut steps_up = steps_up.filter(|it| it.path.starts_with(".."));
        let climbs = is_above || reader.bases.climbs || steps_up.next().is_some();
        let is_led = !reader.bases.leads.is_empty();
        if !climbs && !is_led && !self.sources.may_climb(reader.package) {
            return;
        }
        let known = self.sources.count_named(reader.package, &way);
        let is_whole = known == way.len();
        let may_list = climbs && known > 0;
        if !is_whole && !may_list {
            return;
        }
        let mut files: Vec<(&Utf8Path, StringContext)> = Vec::new();
        for (file, paths) in &named.files {
            let last = way[way.len() - 1];
            let last = [Some(last), Utf8Path::new(last).file_stem()];
            let code = last.iter().flatten().filter_map(|it| paths.parts.get(*it));
            match code.min() {
                Some(code) if is_whole => files.push((file, *code)),
                _ if may_list && paths.lists_directories => files.push((file, StringContext::Any)),
                _ => {}
            }
        }
        if files.is_empty() && is_whole {
            return self.rerun_tests(reader.package, change);
        }
        for (file, code) in files {
            self.rerun_readers(reader, file, code, change);
        }
    }

    /// Returns the names on the way down to a file, from the nearest directory that contains both
    /// the reading package and the file. Returns `None` if the file lies directly in this
    /// directory, or if this directory lies outside the repository.
    fn way<'a>(&self, reader: &RunTimeReader<'_>, path: &'a Utf8Path) -> Option<Vec<&'a str>> {
        let mut above = reader.directory.ancestors();
        let common = above.find(|above| path.starts_with(above))?;
        let is_within = common.starts_with(self.inputs.root);
        let way: Vec<&str> = path.strip_prefix(common).ok()?.iter().collect();
        (is_within && way.len() > 1).then_some(way)
    }

    /// Seeds all tests of a package.
    fn rerun_tests(&mut self, package: PackageIx, change: &Change) {
        let graph = self.inputs.graph;
        for &unit in graph.units_of(package) {
            if is_a_test(graph.unit(unit)) {
                self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, BECAUSE);
            }
        }
    }

    /// Returns true if a rule says that the file affects nothing, or if the file is Rust code. Such
    /// a file is not a fixture of tests.
    fn is_inert(&self, change: &Change, path: &Utf8Path) -> bool {
        let rule = self.inputs.rules.of(&change.path);
        let is_inert = rule.is_some_and(|rule| rule.affects == Affects::Nothing);
        is_inert || path.extension() == Some("rs")
    }

    /// Returns true if `to` is the changed path or a directory that contains the changed path. A
    /// directory that contains packages is mostly the start of longer paths, so such a directory
    /// counts only if the code lists directories of other packages. `from` is the directory of the
    /// package that names the path.
    fn leads_to(&self, from: &Utf8Path, to: &Utf8Path, path: &Utf8Path, lists: bool) -> bool {
        if !path.starts_with(to) {
            return false;
        }
        let layout = self.inputs.layout;
        let holds_packages = || {
            from.starts_with(to)
                || layout
                    .below(to)
                    .any(|below| layout.directory(below) != Some(to))
        };
        path == to || !holds_packages() || lists
    }

    /// Seeds the tests that run the code of a source file.
    fn rerun_readers(
        &mut self,
        reader: &RunTimeReader<'_>,
        file: &Utf8Path,
        code: StringContext,
        change: &Change,
    ) {
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
            StringContext::Docs => units.iter().copied().filter(is_doctest).collect(),
            _ if runs_alone || code == StringContext::Test && having.iter().any(is_test) => {
                let mut tests = having;
                tests.retain(|unit| is_test(unit) && !is_doctest(unit));
                tests.into_iter().collect()
            }
            _ => units.iter().copied().filter(is_test).collect(),
        };
        for unit in tests {
            self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, BECAUSE);
        }
    }

    /// Reruns the tests that use a library that a file belongs to.
    fn rerun_users(
        &mut self,
        reader: &RunTimeReader<'_>,
        file: &Utf8Path,
        code: StringContext,
        change: &Change,
    ) {
        let library = self.library_of(reader.package, file, code);
        let tests = library.map(|library| self.tests_of(library));
        for unit in tests.into_iter().flatten() {
            self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, BECAUSE);
        }
    }

    /// Seeds the tests of dependents for which a relative path in the library's code leads to the
    /// file. A test runs in the directory of its own package, so the path starts there.
    fn rerun_dependents(
        &mut self,
        reader: &RunTimeReader<'_>,
        (file, paths): (&Utf8Path, &RunTimePaths),
        change: &Change,
        path: &Utf8Path,
    ) {
        let climbing = paths.named.iter();
        let climbing: Vec<&NamedPath> = climbing
            .filter(|it| climbs_from_the_current_directory(it))
            .collect();
        let Some(library) = self.library_of(reader.package, file, StringContext::Any) else {
            return;
        };
        let Self { inputs, .. } = self;
        let (graph, layout) = (inputs.graph, inputs.layout);
        for unit in self.tests_of(library) {
            let package = graph.unit(unit).package;
            let Some(directory) = layout.directory(package) else {
                continue;
            };
            let is_owner = layout.owner(path) == Some(package);
            let is_read = climbing.iter().any(|it| {
                let to = normalized(&directory.join(&it.path));
                let to = matched(&to, path).filter(|_| !is_owner);
                to.is_some_and(|to| self.leads_to(directory, to, path, paths.lists_directories))
            });
            if is_read {
                self.add(unit, Effect::Rerun, Rule::RuntimeInput, change, BECAUSE);
            }
        }
    }

    /// Returns the library unit that a source file belongs to, unless the code is for tests only.
    fn library_of(
        &mut self,
        package: PackageIx,
        file: &Utf8Path,
        code: StringContext,
    ) -> Option<UnitIx> {
        let graph = self.inputs.graph;
        let library = graph.find(package, TargetKind::Lib, Mode::Build)?;
        let is_of_library =
            code == StringContext::Any && self.sources.may_be_of_library(package, file);
        let reads = is_of_library.then(|| self.sources.of(graph.unit(library)))??;
        (reads.has(file) || !reads.complete).then_some(library)
    }

    /// Returns the tests that link a library. Build scripts are left out, because scripts run
    /// before tests are built.
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
