//! The directories of packages, and the package that a path belongs to.

use std::collections::{BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};

use crate::paths::resolved;
use crate::workspace::{PackageIx, Workspace};

/// The directories of the path packages, members or not, as canonical paths. Packages from a
/// registry or from git are left out, because their files do not change.
pub struct PackageDirectories {
    /// The directories, indexed like the packages of the workspace.
    directories: Vec<Option<Utf8PathBuf>>,
    by_directory: HashMap<Utf8PathBuf, PackageIx>,
    /// The target and build directories. A directory that contains a package is left out.
    built: Vec<Utf8PathBuf>,
}

impl PackageDirectories {
    /// Collects the directories of the path packages of a workspace.
    pub fn new(workspace: &Workspace) -> Self {
        let directories: Vec<_> = workspace
            .packages()
            .map(|(_, package)| {
                let known = package.directory();
                let real = workspace.links.get(known).map_or(known, |real| real);
                package.source.is_none().then(|| real.to_owned())
            })
            .collect();
        let mut layout = Self {
            directories,
            by_directory: HashMap::new(),
            built: Vec::new(),
        };
        let packages = layout.packages();
        layout.by_directory = packages.map(|(index, at)| (at.to_owned(), index)).collect();
        let built = [&workspace.target_directory, &workspace.build_directory];
        let built = built.map(|directory| resolved(directory)).into_iter();
        layout.built = built
            .filter(|it| layout.below(it).next().is_none())
            .collect();
        layout
    }

    /// Returns the package whose directory is the nearest above a path.
    pub fn owner(&self, path: &Utf8Path) -> Option<PackageIx> {
        path.ancestors()
            .skip(1)
            .find_map(|above| self.by_directory.get(above))
            .copied()
    }

    /// Returns true if a path lies in the target or build directory.
    pub fn is_built(&self, path: &Utf8Path) -> bool {
        self.built.iter().any(|built| path.starts_with(built))
    }

    /// Returns the directories of the packages that contain one of the paths, or that lie below one
    /// of the paths.
    pub fn around(&self, paths: &[Utf8PathBuf]) -> BTreeSet<Utf8PathBuf> {
        let packages = paths.iter().flat_map(|path| {
            let inside = path.is_dir().then(|| self.below(path));
            self.owner(path)
                .into_iter()
                .chain(inside.into_iter().flatten())
        });
        packages
            .filter_map(|package| Some(self.directory(package)?.to_owned()))
            .collect()
    }

    /// Returns the package in a directory.
    pub fn at(&self, directory: &Utf8Path) -> Option<PackageIx> {
        self.by_directory.get(directory).copied()
    }

    /// Returns the directory of a path package; `None` for a package from a registry or from git.
    pub fn directory(&self, package: PackageIx) -> Option<&Utf8Path> {
        self.directories.get(package.0 as usize)?.as_deref()
    }

    /// Returns the packages whose directories are at or below a path.
    pub fn below(&self, path: &Utf8Path) -> impl Iterator<Item = PackageIx> {
        let inside = self.packages().filter(move |(_, at)| at.starts_with(path));
        inside.map(|(index, _)| index)
    }

    /// Returns the path packages with their directories.
    pub fn packages(&self) -> impl Iterator<Item = (PackageIx, &Utf8Path)> {
        let all = (0u32..).zip(&self.directories);
        all.filter_map(|(index, directory)| Some((PackageIx(index), directory.as_deref()?)))
    }
}

#[test]
fn a_changed_directory_concerns_the_packages_around_it() {
    use crate::testing::scene::Scene;
    use crate::unit_graph::Verb;

    let scene = Scene::new(
        "a: lib\nb/one: lib\nb/two: lib",
        Verb::Check,
        &[("b/x", "")],
    );
    let layout = PackageDirectories::new(&scene.workspace);
    for (paths, expected) in [
        (&["a/src/lib.rs"][..], &["a"][..]),
        (&["b"], &["b/one", "b/two"]),
        (&["b/x"], &[]),
        (&["b/one/src", "a/src"], &["a", "b/one"]),
        (&["missing"], &[]),
    ] {
        let paths: Vec<_> = paths.iter().map(|it| scene.root.join(it)).collect();
        let expected = expected.iter().map(|it| scene.root.join(it));
        assert_eq!(layout.around(&paths), expected.collect(), "{paths:?}");
    }
}
