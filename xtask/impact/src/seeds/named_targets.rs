//! The paths that code opens while it runs, by the place that they lead to. The places are found
//! once for all changed paths.

use std::collections::{BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};

use super::sources::{Bases, RunTime};
use crate::paths::normalized;
use crate::source_scan::{NamedPath, RelativeTo, StringContext};
use crate::workspace::PackageIx;

/// A source file of a package, by its index in [`RunTime::files`], and the code that names a path.
pub(super) type NamingCode = (usize, StringContext);

/// The places that named paths lead to.
#[derive(Default)]
pub(crate) struct NamedTargets {
    /// The named paths by their target.
    fixed: HashMap<Utf8PathBuf, Vec<NamedTarget>>,
    /// The named paths with a name that is known only at run time, and their targets.
    patterns: Vec<(Utf8PathBuf, NamedTarget)>,
    /// The files with a path that leads upward from the directory in which a test runs.
    climbing: HashMap<PackageIx, Vec<usize>>,
}

/// A named path that leads to a target.
pub(super) struct NamedTarget {
    pub(super) package: PackageIx,
    /// The code that names the path.
    pub(super) code: NamingCode,
    /// True if the code lists directories.
    pub(super) lists: bool,
    /// True if the path stands for the target alone, and not for the files below the target.
    pub(super) is_exact: bool,
    /// True if the path may lead to a file of the package itself.
    pub(super) is_for_own_files: bool,
}

impl NamedTargets {
    /// Adds the paths that a package names. `root` is the top level of the repository.
    pub(super) fn add(
        &mut self,
        (package, directory): (PackageIx, &Utf8Path),
        named: &RunTime,
        bases: &Bases,
        root: &Utf8Path,
    ) {
        let mut others: Vec<&Utf8Path> = bases.places.iter().map(|it| &**it).collect();
        if bases.climbs {
            let above = directory.ancestors().skip(1);
            others.extend(above.take_while(|above| above.starts_with(root)));
        }
        for (index, (file, paths)) in named.files.iter().enumerate() {
            let lists = paths.lists_directories;
            let mut add = |base: &Utf8Path, it: &NamedPath, is_exact: bool| {
                let target = NamedTarget {
                    package,
                    code: (index, it.code),
                    lists,
                    is_exact,
                    is_for_own_files: it.start == RelativeTo::Package,
                };
                let at = normalized(&base.join(&it.path));
                match !is_exact && it.path.iter().any(|name| name == "*") {
                    true => self.patterns.push((at, target)),
                    false => self.fixed.entry(at).or_default().push(target),
                }
            };
            for it in paths.named.iter().filter(|it| !it.path.as_str().is_empty()) {
                let is_name = it.path.components().count() == 1;
                if it.start == RelativeTo::Package {
                    add(directory, it, false);
                } else if it.path.starts_with("..") {
                    add(directory, it, false);
                    file.parent().into_iter().for_each(|at| add(at, it, false));
                } else {
                    others.iter().for_each(|base| add(base, it, is_name));
                    if !is_name || lists {
                        add(directory, it, false);
                    }
                }
            }
            let mut names = paths.named.iter();
            if names.any(climbs_from_the_current_directory) {
                self.climbing.entry(package).or_default().push(index);
            }
        }
    }

    /// Returns the named paths that may lead to a changed path, each with the part of the changed
    /// path that it matches: the whole path, or a directory above.
    pub(super) fn leading_to<'a>(
        &'a self,
        path: &'a Utf8Path,
    ) -> impl Iterator<Item = (&'a Utf8Path, &'a NamedTarget)> {
        let fixed = path.ancestors().flat_map(move |at| {
            let found = self.fixed.get(at).into_iter().flatten();
            found.map(move |target| (at, target))
        });
        let fixed = fixed.filter(move |(at, target)| !target.is_exact || *at == path);
        let patterns = self.patterns.iter();
        let patterns =
            patterns.filter_map(move |(pattern, target)| Some((matched(pattern, path)?, target)));
        fixed.chain(patterns)
    }

    /// Returns the files of a package with a path that leads upward from the directory in which a
    /// test runs.
    pub(super) fn climbing_files(&self, package: PackageIx) -> &[usize] {
        self.climbing.get(&package).map_or(&[], Vec::as_slice)
    }
}

/// Returns the code of a package that names the package's own directory.
pub(super) fn code_naming_itself(named: &RunTime) -> BTreeSet<NamingCode> {
    let files = named.files.iter().enumerate();
    let all = files.flat_map(|(index, (_, paths))| paths.named.iter().map(move |it| (index, it)));
    all.filter(|(_, it)| it.path.as_str().is_empty())
        .map(|(index, it)| (index, it.code))
        .collect()
}

/// Returns true for a path of code in every build that leads upward from an unknown directory.
pub(super) fn climbs_from_the_current_directory(named: &NamedPath) -> bool {
    named.start == RelativeTo::Unknown
        && named.code == StringContext::Any
        && named.path.starts_with("..")
}

/// Returns the part of `path` that `pattern` matches: `path` itself, or a directory above it. A `*`
/// in `pattern` stands for any one name.
pub(super) fn matched<'a>(pattern: &Utf8Path, path: &'a Utf8Path) -> Option<&'a Utf8Path> {
    let length = pattern.components().count();
    let above = path.components().count().checked_sub(length)?;
    let to = path.ancestors().nth(above)?;
    let mut both = pattern.components().zip(to.components());
    both.all(|(pattern, name)| pattern.as_str() == "*" || pattern == name)
        .then_some(to)
}
