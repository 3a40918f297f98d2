//! Comparison of a downloaded source file with the entries of `Cargo.lock`.

use camino::Utf8Path;
use serde::Deserialize;

/// A package entry of `Cargo.lock`.
#[derive(Deserialize)]
pub(crate) struct Locked {
    pub(crate) name: String,
    version: String,
    pub(crate) source: Option<String>,
}

/// The part of `Cargo.lock` that lists packages.
#[derive(Deserialize)]
pub(crate) struct DownloadLock {
    #[serde(default)]
    pub(crate) package: Vec<Locked>,
}

/// The place of a source file below cargo's home directory.
pub(crate) enum Download<'a> {
    /// The directory of a registry package, `name-version`.
    Registry(&'a str),
    /// The directory of a git checkout: the revision, shortened.
    Git(&'a str),
}

impl Download<'_> {
    pub(crate) fn of(path: &Utf8Path) -> Option<Download<'_>> {
        let names: Vec<&str> = path.iter().collect();
        names.windows(4).find_map(|names| match names {
            ["registry", "src", _, package] => Some(Download::Registry(package)),
            ["git", "checkouts", _, revision] => Some(Download::Git(revision)),
            _ => None,
        })
    }

    pub(crate) fn is(&self, locked: &Locked) -> bool {
        let source = locked.source.as_deref().unwrap_or_default();
        match self {
            Self::Registry(package) => *package == format!("{}-{}", locked.name, locked.version),
            Self::Git(revision) => source
                .rsplit_once('#')
                .is_some_and(|(_, full)| full.starts_with(revision)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_compared_with_the_lock_file() {
        let is = |path: &str, version: &str, source: &str| {
            let locked = Locked {
                name: "rail".to_owned(),
                version: version.to_owned(),
                source: Some(source.to_owned()),
            };
            Some(Download::of(Utf8Path::new(path))?.is(&locked))
        };
        let registry = "/home/.cargo/registry/src/index.crates.io-1949/rail-1.2.0/src/lib.rs";
        let git = "/home/.cargo/git/checkouts/rails-0123/4f2a9c1/rail/src/lib.rs";
        let from_git = "git+https://example.org/rails?branch=main#4f2a9c1d0000";
        for (path, version, source, expected) in [
            (registry, "1.2.0", "registry+x", Some(true)),
            (registry, "1.2.1", "registry+x", Some(false)),
            (git, "0.1.0", from_git, Some(true)),
            (
                git,
                "0.1.0",
                "git+https://example.org/rails#4f2a9c0d0000",
                Some(false),
            ),
            ("/mine/registry/src/lib.rs", "1.2.0", "registry+x", None),
        ] {
            assert_eq!(is(path, version, source), expected, "{path} {source}");
        }
    }
}
