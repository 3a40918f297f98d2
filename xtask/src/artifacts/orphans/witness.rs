//! Evidence in artifacts about the place where they were compiled.

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode, UnitName};
use xtask_impact::build_dir::{ProfileDir, dep_info};
use xtask_impact::files;

use super::download::Download;
use super::{LiveSet, NamedUnits, ScanDoubt};
use crate::artifacts::profile_dir::{ProfileDirScan, plain_names};

impl LiveSet<'_> {
    /// Returns a package in the profile directories of a build directory that shows that another
    /// workspace builds there, too. Reads no artifact unless the answer decides about a unit.
    pub fn foreign_package(&self, contents: &[ProfileDirScan]) -> Option<String> {
        let mut strays = contents.iter().flat_map(|it| &it.strays);
        let decides = strays.any(|it| it.doubt == ScanDoubt::UnlessAlone);
        let mut contents = contents.iter().filter(|_| decides);
        contents.find_map(|it| self.foreign_package_in(it))
    }

    fn foreign_package_in(&self, contents: &ProfileDirScan) -> Option<String> {
        let stray = contents.strays.iter().find_map(|stray| {
            let root = stray.found.root.as_ref();
            let is_paths = root.is_none_or(|it| Download::of(it).is_none());
            let is_somebodys = matches!(stray.doubt, ScanDoubt::Yes(_)) && is_paths;
            is_somebodys.then(|| stray.found.package_name.clone())
        });
        let library = || {
            let libraries = contents.units.iter().find(|it| {
                let root = it.root.as_deref();
                let below = root.and_then(|root| root.strip_prefix(&self.workspace.root).ok());
                let unit = it.unit.as_ref().filter(|it| is_library(it));
                let path = it
                    .package
                    .is_some_and(|it| self.workspace.package(it).source.is_none());
                let (Some(below), Some(unit), true) = (below, unit, path) else {
                    return false;
                };
                let place = &contents.place;
                self.is_from_here(place, &it.package_name, &it.hash, unit, below) == Some(false)
            });
            libraries.map(|it| it.package_name.clone())
        };
        stray.or_else(library)
    }

    /// Returns the root file that a unit was compiled from, as rustc wrote it: the first file of
    /// the unit's dep-info.
    pub(crate) fn source(
        &self,
        place: &ProfileDir,
        package: &str,
        hash: &str,
        unit: &UnitName,
    ) -> Option<Utf8PathBuf> {
        let (path, text) = place.read_dep_info(package, hash, unit)?;
        let found = dep_info::parse_rustc(&text)?;
        let first = found.files.into_iter().next()?;
        // Units share a file whose name has no hash, and another unit may have written it last.
        let is_own = path.file_name().is_some_and(|name| name.contains(hash))
            || path.as_str().contains(&format!("/{hash}/"));
        let root = dep_info::absolute(&self.workspace.root, &first);
        let mut targets = self.workspace.packages.iter().flat_map(|it| &it.targets);
        (is_own || !targets.any(|target| target.src_path == root)).then_some(first)
    }

    /// Returns true if a package's units show that they were compiled below the workspace's root,
    /// and no unit shows otherwise.
    pub(crate) fn compiled_here(
        &self,
        contents: &ProfileDirScan,
        named: &NamedUnits,
        package: &str,
    ) -> bool {
        let mut witnesses = Vec::new();
        // The list is sorted by package.
        let start = named.partition_point(|it| *it.0 < *package);
        let own = named[start..].iter().take_while(|it| it.0 == package);
        for (name, hash, units) in own {
            for unit in units.iter().filter(|it| it.mode == RecordedMode::Compile) {
                let place = &contents.place;
                let source = self.source(place, name, hash, unit);
                let Some(source) = source.filter(|source| source.is_relative()) else {
                    continue;
                };
                if is_library(unit) {
                    witnesses.extend(self.is_from_here(place, name, hash, unit, &source));
                }
                let directory = match unit.kind {
                    RecordedKind::Example => contents.outputs.join("examples"),
                    RecordedKind::Bin | RecordedKind::Lib => contents.outputs.clone(),
                    _ => continue,
                };
                let dep_infos = plain_names(unit).map(|it| directory.join(format!("{it}.d")));
                let text = dep_infos
                    .iter()
                    .find_map(|it| files::read_text(it, files::RECORD).ok());
                let files = dep_info::first_rule(&text.unwrap_or_default());
                // Another target of the same name may have overwritten the file.
                let file = files.iter().find(|file| file.ends_with(&source));
                let roots = [&self.root, &self.workspace.root];
                witnesses.extend(file.map(|it| roots.iter().any(|root| *it == root.join(&source))));
            }
        }
        !witnesses.is_empty() && witnesses.into_iter().all(|is_here| is_here)
    }

    /// Returns true if a library's metadata names this file of this workspace as its root, and
    /// false if it names a file of another workspace. Returns `None` if the metadata names neither,
    /// as for a library without items.
    fn is_from_here(
        &self,
        place: &ProfileDir,
        package: &str,
        hash: &str,
        unit: &UnitName,
        source: &Utf8Path,
    ) -> Option<bool> {
        let found = place.library_compiled_from(package, hash, unit, source)?;
        let roots = [&self.root, &self.workspace.root];
        Some(roots.iter().any(|root| found == root.join(source)))
    }
}

fn is_library(unit: &UnitName) -> bool {
    unit.kind == RecordedKind::Lib && unit.mode == RecordedMode::Compile
}
