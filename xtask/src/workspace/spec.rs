//! What names a package for cargo, in `-p` and in `[profile.NAME.package.SPEC]`; see its reference
//! under "Package ID Specifications".

use super::Package;

/// The name and the version in a package's id.
pub(crate) fn name_and_version(id: &str) -> (&str, &str) {
    let spec = PackageIdSpec::new(id);
    (spec.name, spec.version.unwrap_or_default())
}

/// A specification; a package's id is one, too.
pub(crate) struct PackageIdSpec<'a> {
    pub(crate) name: &'a str,
    /// All of a version, or its first numbers.
    version: Option<&'a str>,
    /// Where the package comes from: a URL without its scheme and what follows the path.
    place: Option<&'a str>,
}

impl<'a> PackageIdSpec<'a> {
    /// Of `name`, `name@1.2`, `name:1.2`, or a URL, in whose fragment the name or the version may
    /// be left out.
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

    /// Whether it names the package.
    pub(crate) fn matches(&self, package: &Package) -> bool {
        let is_there = || self.place == PackageIdSpec::new(&package.id).place;
        self.may_match(package) && (self.place.is_none() || is_there())
    }

    /// The same, wherever the package comes from: one place can be written in several ways.
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
    use super::name_and_version;

    #[test]
    fn an_id_ends_in_name_and_version() {
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
