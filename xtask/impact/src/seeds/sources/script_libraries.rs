//! The libraries of the workspace that a build script is built with. They may print instructions for
//! the script.

use camino::Utf8Path;

use super::Sources;
use super::names::COMMON_NAMES;
use super::search::{Lines, Search};
use crate::source_scan::ScriptLibrary;
use crate::workspace::PackageIx;

impl Sources<'_> {
    /// Returns true if a library of a package's build script may print `rerun-if-changed` and the
    /// scan of the script does not show it.
    pub fn may_print_watches(&mut self, package: PackageIx) -> bool {
        let script = self.script(package);
        let is_known = script.is_some_and(|script| !script.has_doubts());
        let mut libraries = self.script_libraries(package).into_iter();
        libraries.any(|library| {
            !(is_known && self.followed_library(library).is_some())
                && self.library_holds(library, &Search::Any(&["rerun-if-changed"]))
        })
    }

    /// Returns true if a library of the workspace that a package's build script is built with, or a
    /// variable that cargo's configuration sets, names the path or a directory between `within` and
    /// the path. The script may print the name.
    pub fn is_named_for_script(
        &mut self,
        package: PackageIx,
        path: &Utf8Path,
        within: &Utf8Path,
    ) -> bool {
        let mut libraries = self.script_libraries(package);
        libraries.retain(|&it| self.layout.directory(it).is_some());
        let mut names = path.strip_prefix(within).into_iter().flatten();
        names.any(|name| {
            name.len() > 1
                && !COMMON_NAMES.contains(&name)
                && (self.is_configured(package, name)
                    || libraries
                        .iter()
                        .any(|&it| self.names_any(it, Lines::Code, &[name])))
        })
    }

    /// Returns true if a package's build script may learn the path of a file from the script of a
    /// dependency with the key `links`. Cargo passes the metadata that the dependency's script prints
    /// in variables such as `DEP_Z_INCLUDE`.
    pub(super) fn is_given_by_links(&mut self, package: PackageIx, file: &Utf8Path) -> bool {
        let script = self.script(package);
        if !script.is_some_and(|script| script.or_libraries_hold(&["DEP_"])) {
            return false;
        }
        let dependencies = self.workspace.package(package).dependencies.iter();
        let normal = dependencies.filter(|known| known.normal);
        let linked: Vec<PackageIx> = normal
            .map(|known| known.package)
            .filter(|&it| self.workspace.package(it).links.is_some())
            .collect();
        linked.into_iter().any(|giver| {
            let below = self.layout.directory(giver);
            let below = below.and_then(|directory| file.strip_prefix(directory).ok());
            let mut names = below
                .into_iter()
                .flatten()
                .filter(|it| !COMMON_NAMES.contains(it));
            names.any(|name| self.names_any(giver, Lines::Code, &[name]))
        })
    }

    /// Returns the libraries of a package's build script whose functions the scan of the script
    /// follows.
    pub(super) fn followed_libraries(&mut self, package: PackageIx) -> Vec<ScriptLibrary> {
        let libraries = self.script_libraries(package).into_iter();
        libraries
            .filter_map(|library| self.followed_library(library))
            .collect()
    }

    /// Returns a library of the workspace if the scan of a build script can follow its functions.
    /// A procedural macro is no function. In a library, `CARGO_MANIFEST_DIR` is the directory of the
    /// library at compile time, and of the script's package at run time.
    fn followed_library(&mut self, package: PackageIx) -> Option<ScriptLibrary> {
        let directory = self.layout.directory(package)?.to_owned();
        let library = self.workspace.package(package).library()?;
        let root = library.src_path.clone();
        let name = library.name.replace('-', "_");
        let is_function = !library.proc_macro;
        let places = Search::Any(&["env!(\"CARGO_MANIFEST_DIR\")"]);
        (is_function && !self.library_holds(package, &places)).then_some(ScriptLibrary {
            name,
            root,
            directory,
        })
    }

    /// Returns the libraries that a build script is built from: its build-dependencies, and the
    /// path packages below them.
    pub(super) fn script_libraries(&self, package: PackageIx) -> Vec<PackageIx> {
        let dependencies = self.workspace.package(package).dependencies.iter();
        let direct = dependencies.filter(|known| known.build);
        self.with_dependencies(direct.map(|known| known.package).collect())
    }
}
