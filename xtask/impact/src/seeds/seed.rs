//! Seeds: the units that a change touches directly, with the reason for each.

use cargo_metadata::camino::Utf8PathBuf;
use serde::Serialize;

use crate::unit_graph::UnitIx;

/// What happens to an affected unit. The order is that of strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Cargo does not build it, but what it does when run may differ.
    Rerun,
    /// Cargo compiles it, or runs the script, again.
    Rebuilt,
}

/// Why a unit is touched directly. The order is that of preference when several hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A file that is compiled into the unit.
    Source,
    /// A file that the unit's build script watches.
    BuildScriptInput,
    /// A target that came into being, or went.
    Target,
    /// A difference of meaning in a manifest.
    Manifest,
    /// A difference in what cargo resolves: versions, features, profiles.
    Resolution,
    /// A difference of the toolchain.
    Toolchain,
    /// A difference of meaning in cargo's configuration.
    Configuration,
    /// A rule of the workspace's own configuration.
    Configured,
    /// The user said so.
    Assumed,
    /// A file of the package that no unit compiles: its tests may read it as they run.
    RuntimeInput,
    /// Nothing says what the file does, so it is taken to do everything it could.
    Doubt,
}

/// A unit that a change touches directly, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seed {
    /// Which unit.
    #[serde(skip)]
    pub unit: UnitIx,
    /// What happens to it.
    #[serde(skip)]
    pub effect: Effect,
    /// By which rule.
    pub rule: Rule,
    /// The changed path, relative to the repository, where a path is the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Utf8PathBuf>,
    /// One clause that completes "affected because …".
    pub because: String,
    /// How far it goes from there.
    #[serde(skip)]
    pub spread: Propagation,
}

impl Seed {
    /// One that rebuilds its unit and whatever is built from it, and that no path causes.
    pub fn new(unit: UnitIx, rule: Rule, because: &str) -> Self {
        Self {
            unit,
            effect: Effect::Rebuilt,
            rule,
            path: None,
            because: because.to_owned(),
            spread: Propagation::All,
        }
    }
}

/// What a seed affects beside its own unit. One of our units folds several of cargo's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// Whatever is built from the unit.
    All,
    /// What was built from those behind the unit that are recorded to read the changed path.
    Recorded,
    /// Nothing: cargo builds one more behind the unit, and the users of the others stay.
    Nothing,
    /// Nothing: of those behind the unit the ones for the named triple are touched, whose users are
    /// touched themselves; the host's stay, and their users.
    NamedTriple,
}
