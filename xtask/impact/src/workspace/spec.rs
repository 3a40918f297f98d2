//! Package id specifications, which name a package in `-p` and in `[profile.NAME.package.SPEC]`;
//! see "Package ID Specifications" in the Cargo book.

use std::collections::HashMap;

use super::{Package, PackageIx, Workspace};
use crate::files;

/// The shortest unambiguous specification of every package.
pub struct Specs<'a> {
    workspace: &'a Workspace,
    /// The number of packages by name and version.
    names: HashMap<String, HashMap<String, usize>>,
}

impl<'a> Specs<'a> {
    /// Counts the packages of the workspace and of the lock file. Cargo searches the whole lock
    /// file for a specification, and the lock file has the packages of every platform.
    pub fn new(workspace: &'a Workspace) -> Self {
        let mut names = count(
            workspace
                .packages
                .iter()
                .map(|it| (&*it.name, &*it.version)),
        );
        let lock = files::read_text(&workspace.lock_file.path, files::SETTINGS).unwrap_or_default();
        for (name, versions) in count(locked(&lock)) {
            let known = names.entry(name).or_default();
            for (version, number) in versions {
                let all = known.entry(version).or_default();
                *all = number.max(*all);
            }
        }
        Self { workspace, names }
    }

    /// Returns the shortest unambiguous specification of a package: its name, `name@version` if
    /// other versions exist, or its whole id.
    pub fn of(&self, package: PackageIx) -> String {
        let Package {
            name, version, id, ..
        } = self.workspace.package(package);
        let Some(versions) = self.names.get(name) else {
            return id.clone();
        };
        match (versions.values().sum(), versions.get(version)) {
            (1, _) => name.clone(),
            (_, Some(1)) => format!("{name}@{version}"),
            _ => id.clone(),
        }
    }
}

fn count<'a>(
    packages: impl Iterator<Item = (&'a str, &'a str)>,
) -> HashMap<String, HashMap<String, usize>> {
    let mut names: HashMap<String, HashMap<String, usize>> = HashMap::new();
    for (name, version) in packages {
        let versions = names.entry(name.to_owned()).or_default();
        *versions.entry(version.to_owned()).or_default() += 1;
    }
    names
}

/// Returns the names and versions in a lock file. Cargo writes one key per line, the name before
/// the version.
fn locked(lock: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut name = None;
    lock.lines().filter_map(move |line| {
        let text = |key: &str| line.strip_prefix(key)?.strip_suffix('"');
        if let Some(found) = text("name = \"") {
            name = Some(found);
        }
        Some((name?, text("version = \"")?))
    })
}

/// Returns the name and the version in a package id.
pub fn name_and_version(id: &str) -> (&str, &str) {
    let spec = PackageIdSpec::new(id);
    (spec.name, spec.version.unwrap_or_default())
}

/// A parsed package id specification. A package id is a specification too.
pub(crate) struct PackageIdSpec<'a> {
    pub(crate) name: &'a str,
    /// A whole version or its first numbers, for example `1.2`.
    version: Option<&'a str>,
    /// The place that the package comes from: a URL without its scheme, query and fragment.
    place: Option<&'a str>,
}

impl<'a> PackageIdSpec<'a> {
    /// Parses `name`, `name@1.2`, `name:1.2`, or a URL. In the fragment of a URL the name or the
    /// version may be left out.
    pub(crate) fn new(spec: &'a str) -> Self {
        let Some((_, url)) = spec.split_once("://") else {
            return Self::named(spec);
        };
        let (place, fragment) = url.split_once('#').unwrap_or((url, ""));
        let path = place.split('?').next().unwrap_or(place);
        let is_named = fragment.starts_with(|first: char| first.is_alphabetic() || first == '_');
        let within = if is_named {
            Self::named(fragment)
        } else {
            Self {
                name: path.rsplit('/').next().unwrap_or(path),
                version: (!fragment.is_empty()).then_some(fragment),
                place: None,
            }
        };
        Self {
            place: Some(path),
            ..within
        }
    }

    fn named(spec: &'a str) -> Self {
        let versioned = spec.rsplit_once(['@', ':']);
        Self {
            name: versioned.map_or(spec, |(name, _)| name),
            version: versioned.map(|(_, version)| version),
            place: None,
        }
    }

    /// Returns true if the specification names the package.
    pub(crate) fn matches(&self, package: &Package) -> bool {
        let is_there = || self.place == PackageIdSpec::new(&package.id).place;
        self.may_match(package) && (self.place.is_none() || is_there())
    }

    /// Returns true if name and version match. The place is not compared, because a place can be
    /// written in several ways.
    pub(crate) fn may_match(&self, package: &Package) -> bool {
        let is_version = |version: &str| {
            let rest = package.version.strip_prefix(version);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '+', '-']))
        };
        package.name == self.name && self.version.is_none_or(is_version)
    }
}

#[cfg(test)]
mod tests {
    use super::{Specs, locked, name_and_version};
    use crate::testing::{place, workspace};

    #[test]
    fn a_package_gets_its_shortest_unambiguous_specification() {
        let workspace = workspace(
            "
            itoa: lib
            itoa@1.0.5 external: lib
            both: lib
            same: lib
            same@0.1.0 external: lib
            ",
        );
        let specs = Specs::new(&workspace);
        let of = |spec: &str| specs.of(place(&workspace, spec));
        assert_eq!(of("both"), "both");
        assert_eq!(of("itoa@0.1.0"), "itoa@0.1.0");
        assert_eq!(of("itoa@1.0.5"), "itoa@1.0.5");
        assert_eq!(of("same@0.1.0"), "path+file:///w/same#0.1.0");
    }

    #[test]
    fn a_lock_file_has_the_packages_of_every_platform() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\n\
                    dependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n";
        let found: Vec<_> = locked(lock).collect();
        assert_eq!(found, [("a", "0.1.0"), ("b", "1.0.0")]);
    }

    #[test]
    fn name_and_version_are_read_from_a_package_id() {
        for (id, expected) in [
            ("path+file:///w/crates/network#0.1.0", ("network", "0.1.0")),
            ("path+file:///w/cli#rail-cli@0.1.0", ("rail-cli", "0.1.0")),
            ("git+https://host/w?branch=main#0.1.0", ("w", "0.1.0")),
            (
                "registry+https://host/index#serde@1.0.1",
                ("serde", "1.0.1"),
            ),
        ] {
            assert_eq!(name_and_version(id), expected, "{id}");
        }
    }
}
