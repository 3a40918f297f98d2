//! The place of a unit's record in a build directory.

use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode, UnitName};
use xtask_impact::build_dir::{Layout, is_hash, split_hash};

/// The place of a unit's record. Cargo chooses the hash from everything that makes a unit of its
/// own: the version, the features, the profile, the flags and the compiler.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct RecordKey {
    /// The profile directory, relative to the build directory: `debug`, or `<triple>/debug`.
    pub(crate) place: String,
    /// The name of the package.
    pub(crate) package: String,
    /// The hash in the name of the unit's directory.
    pub(crate) hash: String,
    /// The name of the fingerprint file, such as `test-lib-a`.
    pub(crate) name: String,
}

impl RecordKey {
    /// Returns the key of a fingerprint file, and the layout that the path shows.
    pub(crate) fn at(build_directory: &Utf8Path, file: &Utf8Path) -> Option<(Self, Layout)> {
        let relative = file.strip_prefix(build_directory).ok()?;
        let parts: Vec<&str> = relative.iter().collect();
        let (place, package, hash, name, layout) = match parts[..] {
            [ref place @ .., ".fingerprint", directory, name] => {
                let (package, hash) = split_hash(directory)?;
                (place, package, hash, name, Layout::V1)
            }
            [ref place @ .., "build", package, hash, "fingerprint", name] if is_hash(hash) => {
                (place, package, hash, name, Layout::V2)
            }
            _ => return None,
        };
        let key = Self {
            place: place.join("/"),
            package: package.to_owned(),
            hash: hash.to_owned(),
            name: name.to_owned(),
        };
        Some((key, layout))
    }

    /// Returns the parts of the unit's name.
    pub(crate) fn unit(&self) -> Option<UnitName> {
        UnitName::parse(&self.name)
    }

    /// Returns true if the unit is a build script or its run.
    pub(crate) fn is_script(&self) -> bool {
        self.unit()
            .is_some_and(|it| it.kind == RecordedKind::BuildScript)
    }

    /// Returns true if the unit is the run of a build script.
    pub(crate) fn is_run(&self) -> bool {
        self.unit().is_some_and(|it| it.mode == RecordedMode::Run)
    }
}
