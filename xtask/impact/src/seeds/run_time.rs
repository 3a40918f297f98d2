//! Seeds tests that open a file of another package while they run.

use std::collections::BTreeSet;

use cargo_metadata::camino::Utf8Path;

use super::rules::Affects;
use super::sources::{Bases, RunTime};
use super::{Effect, Rule};
use crate::paths::normalized;
use crate::seeds::{SeedFinder, is_a_test};
use crate::source_scan::{NamedPath, RelativeTo, RunTimePaths, StringContext};
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
            let is_told = bases.places.iter().any(|place| {
                place != directory && !reader.is_owner && self.leads_to(&reader, place, path, false)
            });
            for (file, paths) in &named.files {
                for code in [StringContext::Any, StringContext::Test, StringContext::Docs] {
                    let mut names = paths.named.iter().filter(|it| it.code == code);
                    let is_named = names.any(|it| {
                        let is_handed = it.path.as_str().is_empty() && reader.is_owner;
                        is_handed && is_fixture || self.names(&reader, (file, paths), it, path)
                    });
                    let is_variable = is_told && !paths.variables.is_empty();
                    if is_named || is_variable && code == StringContext::Any {
                        self.rerun_readers(&reader, file, code, change);
                        self.rerun_users(&reader, file, code, change);
                    }
                }
                self.rerun_dependents(&reader, (file, paths), change, path);
            }
            self.named_in_parts(&reader, &named, change, path);
        }
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

    /// Returns true if a path that a source file names leads to the changed file.
    fn names(
        &self,
        reader: &RunTimeReader<'_>,
        (file, paths): (&Utf8Path, &RunTimePaths),
        named: &NamedPath,
        path: &Utf8Path,
    ) -> bool {
        let RunTimeReader { directory, .. } = *reader;
        let lists = paths.lists_directories;
        if named.path.as_str().is_empty() {
            return false;
        }
        let leads = |base: &Utf8Path| {
            let to = matched(&normalized(&base.join(&named.path)), path);
            to.is_some_and(|to| self.leads_to(reader, to, path, lists))
        };
        if named.start == RelativeTo::Package {
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

    /// Returns true if `to` is the changed path or a directory that contains the changed path. A
    /// directory that contains packages is mostly the start of longer paths, so such a directory
    /// counts only if the code lists directories.
    fn leads_to(
        &self,
        reader: &RunTimeReader<'_>,
        to: &Utf8Path,
        path: &Utf8Path,
        lists: bool,
    ) -> bool {
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
        let climbing: Vec<&NamedPath> = paths
            .named
            .iter()
            .filter(|it| it.start == RelativeTo::Unknown && it.code == StringContext::Any)
            .filter(|it| it.path.starts_with(".."))
            .collect();
        if climbing.is_empty() {
            return;
        }
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
            let user = RunTimeReader {
                package,
                directory,
                is_owner: layout.owner(path) == Some(package),
                bases: reader.bases,
            };
            let is_read = climbing.iter().any(|it| {
                let to = normalized(&directory.join(&it.path));
                let to = matched(&to, path).filter(|_| !user.is_owner);
                to.is_some_and(|to| self.leads_to(&user, to, path, paths.lists_directories))
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

/// Returns the part of `path` that `pattern` matches: `path` itself, or a directory above it. A `*`
/// in `pattern` stands for any one name.
fn matched<'a>(pattern: &Utf8Path, path: &'a Utf8Path) -> Option<&'a Utf8Path> {
    let length = pattern.components().count();
    let above = path.components().count().checked_sub(length)?;
    let to = path.ancestors().nth(above)?;
    let mut both = pattern.components().zip(to.components());
    both.all(|(pattern, name)| pattern.as_str() == "*" || pattern == name)
        .then_some(to)
}
