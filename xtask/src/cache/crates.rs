//! The crates in a cache's log, with their packages, and the causes of misses.

use std::collections::BTreeMap;

use xtask_impact::workspace::{Package, TargetKind, Workspace};

/// The packages of a workspace by the names of their crates. Several packages may have a crate of
/// one name, as all build scripts do.
pub(super) struct CrateNames<'a>(BTreeMap<String, Vec<&'a Package>>);

impl<'a> CrateNames<'a> {
    /// Finds the crates of all packages.
    pub(super) fn new(workspace: &'a Workspace) -> Self {
        let mut found: BTreeMap<String, Vec<&Package>> = BTreeMap::new();
        for package in &workspace.packages {
            for target in &package.targets {
                let packages = found.entry(target.name.replace('-', "_")).or_default();
                if !packages.iter().any(|it| it.id == package.id) {
                    packages.push(package);
                }
            }
        }
        Self(found)
    }

    /// Returns the package of a crate, if there is only one.
    pub(super) fn package(&self, name: &str) -> Option<&'a Package> {
        match &self.0.get(name)?[..] {
            [package] => Some(package),
            _ => None,
        }
    }

    /// Returns the name of a crate's package, or the name of the crate if the package is not known.
    pub(super) fn shown(&self, name: &str) -> String {
        self.package(name)
            .map_or_else(|| name.to_owned(), |it| it.name.clone())
    }
}

/// Returns true if a package has a build script.
pub(super) fn has_script(package: &Package) -> bool {
    let mut targets = package.targets.iter();
    targets.any(|it| it.kind == TargetKind::CustomBuild)
}

/// Explains why sccache does not cache a compilation.
pub(super) fn explained(reason: &str) -> String {
    let kind = |kinds: &[&str]| kinds.iter().any(|it| reason.contains(it));
    if reason == "incremental" {
        "incremental compilation is on; set `build.incremental = false`".to_owned()
    } else if kind(&["crate-type"]) && kind(&["proc-macro"]) {
        "a procedural macro, which is linked".to_owned()
    } else if kind(&["crate-type"]) && kind(&["dylib"]) {
        "a dynamic library, which is linked".to_owned()
    } else if kind(&["crate-type"]) {
        "a binary, a test or a build script, which is linked".to_owned()
    } else {
        format!("sccache says `{reason}`")
    }
}
