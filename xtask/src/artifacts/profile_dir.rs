//! The contents of a profile directory.

use std::collections::{BTreeMap, HashMap};

use camino::Utf8PathBuf;
use xtask_impact::build_dir::ProfileDir;
use xtask_impact::build_dir::unit_record::{RecordedKind, UnitName};
use xtask_impact::workspace::PackageIx;

/// The contents of a profile directory, limited to the packages that were asked about.
#[derive(Clone, Debug)]
pub struct ProfileDirScan {
    /// The directory.
    pub place: ProfileDir,
    /// The directory in which cargo puts final artifacts. It equals `place` unless the build
    /// directory is not the target directory.
    pub outputs: Utf8PathBuf,
    /// The directory in which cargo puts the documentation of every profile. `None` if the target
    /// directory is not provably cargo's.
    pub documentation: Option<Utf8PathBuf>,
    /// The units, sorted by package name and hash.
    pub units: Vec<ScannedUnit>,
    /// The units of packages, versions and targets that the workspace no longer has. Empty unless
    /// orphans were asked for.
    pub strays: Vec<OrphanCandidate>,
    /// The names in the directories that units share, limited to names that may belong to a found
    /// unit.
    pub names: BTreeMap<Utf8PathBuf, Vec<String>>,
    /// The text of each dep-info file without a hash in its name, by path.
    pub dep_infos: HashMap<Utf8PathBuf, String>,
    /// The name of the kit's own executable without extension, if the executable lies in this
    /// directory.
    pub running: Option<String>,
}

/// A unit that was found in a build directory. A unit that may belong to several packages is listed
/// once for each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct ScannedUnit {
    /// The package of the unit. `None` if the workspace does not have the package.
    pub package: Option<PackageIx>,
    /// The package name in the name of the unit's directory.
    pub package_name: String,
    /// The hash in the name of the unit's directory.
    pub hash: String,
    /// The unit. `None` if cargo never completed a build of the unit.
    pub unit: Option<UnitName>,
    /// The root file of the unit's target, if the target has one.
    pub root: Option<Utf8PathBuf>,
    /// True if the fingerprint directory belongs to other units as well.
    pub shares: bool,
}

/// A unit that no package or target of the workspace claims.
#[derive(Clone, Debug, PartialEq)]
pub struct OrphanCandidate {
    /// The unit.
    pub found: ScannedUnit,
    /// The reason: the package, version or target that the workspace no longer has.
    pub because: String,
    /// The doubt about the unit being an orphan.
    pub doubt: ScanDoubt,
}

impl OrphanCandidate {
    /// Returns the reason to keep the unit, or `None` if the unit is an orphan and is removed.
    /// `foreign_package` is a package that was compiled by another workspace.
    pub fn doubt_with(&self, foreign_package: Option<&str>) -> Option<String> {
        match &self.doubt {
            ScanDoubt::No => None,
            ScanDoubt::UnlessAlone => foreign_package.map(|foreign_package| {
                format!("another workspace may build here: see the artifacts of {foreign_package}")
            }),
            ScanDoubt::Yes(reason) => Some(reason.clone()),
        }
    }
}

/// The doubt about a unit being an orphan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScanDoubt {
    /// The unit is an orphan.
    No,
    /// The unit is an orphan unless another workspace builds in this directory.
    UnlessAlone,
    /// The unit may still be in use, for this reason.
    Yes(String),
}

/// Returns the names, without extension, of the unit's files that have no hash in their names.
/// Libraries have the prefix `lib`, except on platforms with files such as `.dll`. Files of debug
/// symbols have `_` for `-`.
pub fn plain_names(unit: &UnitName) -> [String; 2] {
    let crate_name = unit.target.replace('-', "_");
    match unit.kind {
        RecordedKind::Lib => [format!("lib{crate_name}"), crate_name],
        _ => [unit.target.clone(), crate_name],
    }
}
