//! Seeds: the units that a change touches directly, with the reason for each.

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::unit_graph::UnitIx;

/// The effect of a change on an affected unit. The weaker effect comes first.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Cargo does not rebuild the unit, but a run of the unit may give another result.
    Rerun,
    /// Cargo compiles the unit again, or runs the build script again.
    Rebuilt,
}

/// The rule that makes a unit a seed. If several rules apply, the earliest in this list is
/// preferred.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The changed file is compiled into the unit.
    Source,
    /// The build script of the unit watches the changed file.
    BuildScriptInput,
    /// A target was added or deleted.
    Target,
    /// A manifest differs in meaning.
    Manifest,
    /// Cargo's resolution differs: versions, features, profiles.
    Resolution,
    /// The toolchain differs.
    Toolchain,
    /// Cargo's configuration differs in meaning.
    Configuration,
    /// A rule in the configuration of the workspace matches the path.
    Configured,
    /// The user asked to take the unit as changed.
    Assumed,
    /// No unit compiles the changed file of the package, but its tests may read the file while they
    /// run.
    RuntimeInput,
    /// The use of the changed file is not known, so every possible use counts.
    Doubt,
}

/// A unit that a change touches directly, with the reason.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seed {
    /// The unit.
    #[serde(skip)]
    pub unit: UnitIx,
    /// The effect of the change on the unit.
    #[serde(skip)]
    pub effect: Effect,
    /// The rule that makes the unit a seed.
    pub rule: Rule,
    /// The changed path, relative to the repository; `None` if no path is the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "testing", schemars(with = "Option<String>"))]
    pub path: Option<Utf8PathBuf>,
    /// The reason: a clause that completes "affected because …".
    pub because: String,
    /// The dependents that the seed affects.
    #[serde(skip)]
    pub spread: Propagation,
}

impl Seed {
    /// Returns a seed that rebuilds the unit and its dependents, without a changed path.
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

/// The dependents that a seed affects, given that one unit of the kit stands for several variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Propagation {
    /// All dependents of the unit.
    All,
    /// The dependents of the variants whose records list the changed path.
    Recorded,
    /// No dependents: cargo builds one more variant of the unit. The dependents of the existing
    /// variants stay.
    Nothing,
    /// No dependents: the change touches the variants for the named triple, and their dependents
    /// are seeds themselves. The variants for the host and their dependents stay.
    NamedTriple,
}
