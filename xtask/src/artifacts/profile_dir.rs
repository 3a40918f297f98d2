//! What lies in a profile directory.

use std::collections::{BTreeMap, HashMap};

use cargo_metadata::camino::Utf8PathBuf;

use xtask_impact::build_dir::ProfileDir;
use xtask_impact::build_dir::unit_record::{RecordedKind, UnitName};
use xtask_impact::workspace::PackageIx;

/// What lies in a profile directory, as far as it can be of the packages asked about.
#[derive(Clone, Debug)]
pub struct ProfileDirScan {
    /// The directory.
    pub place: ProfileDir,
    /// Where cargo puts final artifacts; the same directory unless target and build directory are
    /// apart.
    pub outputs: Utf8PathBuf,
    /// Where cargo puts documentation, that of every profile; `None` if that is not provably cargo's.
    pub documentation: Option<Utf8PathBuf>,
    /// The units, sorted by name and hash.
    pub units: Vec<ScannedUnit>,
    /// The units of what the workspace no longer has; empty unless they were asked for.
    pub strays: Vec<OrphanCandidate>,
    /// The names in the directories that units share, as far as they may be one's that was found.
    pub names: BTreeMap<Utf8PathBuf, Vec<String>>,
    /// The dep-infos without a hash in their name, by their path.
    pub dep_infos: HashMap<Utf8PathBuf, String>,
    /// The kit's own executable, without extension, if it lies in here.
    pub running: Option<String>,
}

/// A unit that was found. One that cannot be told apart comes once for each package it may be of.
#[derive(Clone, Debug, PartialEq)]
pub struct ScannedUnit {
    /// Whose; `None` if the workspace does not have the package.
    pub package: Option<PackageIx>,
    /// The name in the directory's name.
    pub package_name: String,
    /// The hash in the directory's name.
    pub hash: String,
    /// Which unit; `None` if cargo never built it to its end.
    pub unit: Option<UnitName>,
    /// The root file of its target, where there is one.
    pub root: Option<Utf8PathBuf>,
    /// Whether the fingerprint's directory is another unit's as well.
    pub shares: bool,
}

/// A unit that nothing of the workspace claims.
#[derive(Clone, Debug, PartialEq)]
pub struct OrphanCandidate {
    /// What was found.
    pub found: ScannedUnit,
    /// What the workspace no longer has.
    pub because: String,
    /// Why it may yet be somebody's.
    pub doubt: ScanDoubt,
}

impl OrphanCandidate {
    /// Why it stays, where `stranger` was compiled by another workspace; `None` if it goes.
    pub fn doubt_with(&self, stranger: Option<&str>) -> Option<String> {
        match &self.doubt {
            ScanDoubt::No => None,
            ScanDoubt::UnlessAlone => stranger.map(|stranger| {
                format!("another workspace may build here: see the artifacts of {stranger}")
            }),
            ScanDoubt::Yes(reason) => Some(reason.clone()),
        }
    }
}

/// Whether a unit may yet be somebody's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScanDoubt {
    /// It is an orphan.
    No,
    /// It is one unless another workspace builds here.
    UnlessAlone,
    /// It may be, for this reason.
    Yes(String),
}

/// What files without a hash are called, up to their extension: libraries with a prefix (but for
/// the likes of `.dll`), and names of debug symbols with `_` for `-`.
pub fn plain_names(unit: &UnitName) -> [String; 2] {
    let crate_name = unit.target.replace('-', "_");
    match unit.kind {
        RecordedKind::Lib => [format!("lib{crate_name}"), crate_name],
        _ => [unit.target.clone(), crate_name],
    }
}
