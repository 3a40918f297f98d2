//! Evidence in artifacts about the place where they were compiled.

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode, UnitName};
use xtask_impact::build_dir::{ProfileDir, dep_info};
use xtask_impact::files::{self, FileStamp};

use super::download::Download;
use super::{LiveSet, NamedUnits, ScanDoubt};
use crate::artifacts::profile_dir::{ProfileDirScan, plain_names};
use crate::artifacts::quick_hash::quick_hash;
use crate::artifacts::reader::{UnitAddress, UnitRecords};

impl LiveSet<'_> {
    /// Returns a package in the profile directories of a build directory that shows that another
    /// workspace builds there, too. Reads no artifact unless the answer decides about a unit.
    pub(crate) fn foreign_package(
        &self,
        contents: &[ProfileDirScan],
        records: &dyn UnitRecords,
    ) -> Option<String> {
        let mut strays = contents.iter().flat_map(|it| &it.strays);
        let decides = strays.any(|it| it.doubt == ScanDoubt::UnlessAlone);
        let mut contents = contents.iter().filter(|_| decides);
        contents.find_map(|it| self.foreign_package_in(it, records))
    }

    fn foreign_package_in(
        &self,
        contents: &ProfileDirScan,
        records: &dyn UnitRecords,
    ) -> Option<String> {
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
                let (Some(below), Some(name), true) = (below, unit, path) else {
                    return false;
                };
                let library = UnitAddress {
                    place: &contents.place,
                    package: &it.package_name,
                    hash: &it.hash,
                    name,
                };
                self.is_from_here(library, below, records) == Some(false)
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
        records: &dyn UnitRecords,
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
                    let library = UnitAddress {
                        place,
                        package: name,
                        hash,
                        name: unit,
                    };
                    witnesses.extend(self.is_from_here(library, &source, records));
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
        library: UnitAddress<'_>,
        source: &Utf8Path,
        records: &dyn UnitRecords,
    ) -> Option<bool> {
        let UnitAddress {
            place,
            package,
            hash,
            name,
        } = library;
        let roots = [&self.root, &self.workspace.root];
        let ask = || {
            let found = place.library_compiled_from(package, hash, name, source)?;
            Some(roots.iter().any(|root| found == root.join(source)))
        };
        // The metadata of a library can be large, so the answer holds until the file changes.
        let now = SystemTime::now();
        let stamp = FileStamp::at(&place.library_metadata(package, hash, name))?;
        if stamp.is_fresh_at(now) {
            return ask();
        }
        let paths = [roots[0], roots[1], source].map(Utf8Path::as_str);
        records.answer(library, quick_hash((paths, stamp)), &ask)
    }
}

fn is_library(unit: &UnitName) -> bool {
    unit.kind == RecordedKind::Lib && unit.mode == RecordedMode::Compile
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;
    use std::thread::sleep;
    use std::{fs, time};

    use xtask_impact::build_dir;
    use xtask_impact::testing::{scratch, workspace, write};

    use super::*;

    /// The answers by their questions.
    #[derive(Default)]
    struct Remembered {
        answers: Mutex<HashMap<u64, Option<bool>>>,
    }

    impl UnitRecords for Remembered {
        fn numbers(&self, _: UnitAddress<'_>) -> Option<(u64, Vec<u64>)> {
            None
        }

        fn answer(
            &self,
            _: UnitAddress<'_>,
            question: u64,
            ask: &dyn Fn() -> Option<bool>,
        ) -> Option<bool> {
            let mut answers = self.answers.lock().unwrap();
            *answers.entry(question).or_insert_with(ask)
        }
    }

    #[test]
    fn the_metadata_of_a_library_is_read_again_after_a_change() {
        let (_scratch, top) = scratch();
        let mut workspace = workspace("network: lib");
        workspace.lock_file.path = top.join("Cargo.lock");
        write(&workspace.lock_file.path, "version = 4\n");
        let metadata = "debug/deps/libnetwork-0123456789abcdef.rmeta";
        let path = top.join("target").join(metadata);
        write(&top.join("target/debug/.fingerprint/x"), "");
        let compiled_from = |directory: &str| {
            let root = format!("{directory}/network/src/lib.rs");
            let length = char::from(u8::try_from(root.len()).unwrap());
            write(&path, &format!("rust{length}{root}"));
            // Two changes within one tick of the clock have one time.
            sleep(xtask_impact::files::COARSEST_CLOCK + time::Duration::from_millis(10));
        };
        let living = LiveSet::new(&workspace).unwrap();
        let places = build_dir::profile_dirs(&top.join("target")).unwrap();
        let name = UnitName::parse("lib-network").unwrap();
        let library = UnitAddress {
            place: &places[0],
            package: "network",
            hash: "0123456789abcdef",
            name: &name,
        };
        let records = Remembered::default();
        let source = Utf8Path::new("network/src/lib.rs");
        let is_from_here = || living.is_from_here(library, source, &records);
        let known = || records.answers.lock().unwrap().len();

        assert_eq!(is_from_here(), None, "there is no metadata");
        for (number, directory, expected) in [
            (1, "/v", Some(false)),
            (2, "/w", Some(true)),
            (3, "v", None),
            (4, "/v", Some(false)),
        ] {
            compiled_from(directory);
            for _ in 0..2 {
                assert_eq!(is_from_here(), expected, "{directory}");
                assert_eq!(known(), number, "{directory}");
            }
        }
        // A new file may change again without another stamp.
        write(&path, &fs::read_to_string(&path).unwrap());
        assert_eq!(is_from_here(), Some(false));
        assert_eq!(known(), 4);
    }
}
