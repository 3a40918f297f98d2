//! Which package a path lies in.

use std::collections::{BTreeSet, HashMap};

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::paths::resolved;
use crate::workspace::{PackageIx, Workspace};

/// The directories of the path packages, members or not, without symbolic links, as git names
/// paths. Packages from a registry or git do not change, and have no place here.
pub struct PackageDirectories {
    /// In the order of the workspace's packages.
    directories: Vec<Option<Utf8PathBuf>>,
    by_directory: HashMap<Utf8PathBuf, PackageIx>,
    /// Directories that hold what cargo builds, and no package.
    built: Vec<Utf8PathBuf>,
}

impl PackageDirectories {
    /// The packages' directories.
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

    /// The package whose directory is the nearest above a path.
    pub fn owner(&self, path: &Utf8Path) -> Option<PackageIx> {
        path.ancestors()
            .skip(1)
            .find_map(|above| self.by_directory.get(above))
            .copied()
    }

    /// Whether a path is one of cargo's own.
    pub fn is_built(&self, path: &Utf8Path) -> bool {
        self.built.iter().any(|built| path.starts_with(built))
    }

    /// The directories of the packages that paths lie in, or that lie below them.
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

    /// The package of a directory.
    pub fn at(&self, directory: &Utf8Path) -> Option<PackageIx> {
        self.by_directory.get(directory).copied()
    }

    /// The directory of a path package.
    pub fn directory(&self, package: PackageIx) -> Option<&Utf8Path> {
        self.directories.get(package.0 as usize)?.as_deref()
    }

    /// The packages whose directories lie at or below a path.
    pub fn below(&self, path: &Utf8Path) -> impl Iterator<Item = PackageIx> {
        let inside = self.packages().filter(move |(_, at)| at.starts_with(path));
        inside.map(|(index, _)| index)
    }

    /// The path packages, and their directories.
    pub fn packages(&self) -> impl Iterator<Item = (PackageIx, &Utf8Path)> {
        let all = (0u32..).zip(&self.directories);
        all.filter_map(|(index, directory)| Some((PackageIx(index), directory.as_deref()?)))
    }
}
