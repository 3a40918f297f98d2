//! The features of shared dependencies: those of the selected packages, or those of the whole
//! workspace. Cargo unifies features over the packages that it builds. So a selection can be built
//! in several ways, with other numbers of units to compile.

use std::fmt;

use anyhow::Result;
use serde::Deserialize;
use xtask_impact::workspace::Workspace;

use crate::cli::output::count;
use crate::selection::estimate::Estimate;
use crate::selection::select::Noted;

/// The packages over which the features of dependencies are unified, in cargo's words.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FeatureUnification {
    /// Build dependencies with the features of the whole workspace
    Workspace,
    /// Build dependencies with the features of the selected packages
    Selected,
    /// Build with the features with which cargo compiles the fewest units
    #[default]
    Cheapest,
}

/// The key in `[workspace.metadata.xtask]`.
const KEY: &str = "feature-unification";

impl FeatureUnification {
    /// Returns the given value, or the workspace's own.
    ///
    /// # Errors
    /// Returns an error if the workspace's value is unknown.
    pub(crate) fn or_configured(given: Option<Self>, workspace: &Workspace) -> Result<Self> {
        match given {
            Some(given) => Ok(given),
            None => Ok(workspace.setting::<Option<Self>>(KEY)?.unwrap_or_default()),
        }
    }
}

/// One way to build a selection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// The way, in words.
    pub features: Features,
    /// The selection, with its notes.
    pub noted: Noted,
    /// The estimated cost.
    pub estimate: Estimate,
}

/// The features that a candidate builds with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Features {
    /// The features of the selected packages alone.
    Selected,
    /// The features of the whole workspace, by the fewest packages that keep the features.
    Kept,
    /// The features of the whole workspace, by a build of all its packages.
    Whole,
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Selected => "the selected packages alone",
            Self::Kept => "the features of the workspace",
            Self::Whole => "the whole workspace",
        })
    }
}

/// Returns the cheapest candidate. Its notes name the estimates if they differ, or if the candidate
/// is not the selected packages alone. Of candidates with equal costs the first is taken.
pub(crate) fn cheapest(candidates: Vec<Candidate>) -> Option<Noted> {
    let described: Vec<String> = candidates
        .iter()
        .map(|it| format!("{} for {}", it.estimate, it.features))
        .collect();
    let differ = candidates
        .windows(2)
        .any(|pair| !pair[0].estimate.is_like(pair[1].estimate));
    let best = candidates.into_iter().reduce(|best, next| {
        match next.estimate.is_less_than(best.estimate) {
            true => next,
            false => best,
        }
    })?;
    let (selection, mut notes) = best.noted;
    if differ {
        notes.push(format!(
            "cheapest features: {} (to compile: {})",
            best.features,
            described.join(", ")
        ));
    }
    Some((selection, notes))
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = count(self.units, "unit");
        match self.seconds {
            Some(seconds) => write!(f, "{units}, about {seconds:.0} s of work"),
            None => f.write_str(&units),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::Selection;

    fn chosen(estimates: &[(Features, usize, Option<f64>)]) -> Vec<String> {
        let candidates = estimates
            .iter()
            .map(|&(features, units, seconds)| Candidate {
                features,
                noted: (Selection::default(), vec![format!("{features:?}")]),
                estimate: Estimate { units, seconds },
            });
        cheapest(candidates.collect()).unwrap().1
    }

    #[test]
    fn the_candidate_with_the_fewest_units_is_taken() {
        use Features::{Kept, Selected, Whole};
        assert_eq!(
            chosen(&[(Selected, 3, None), (Whole, 3, None)]),
            ["Selected"]
        );
        assert_eq!(
            chosen(&[(Kept, 7, None), (Selected, 3, None), (Whole, 72, None)]),
            [
                "Selected",
                "cheapest features: the selected packages alone (to compile: 7 units for the \
                 features of the workspace, 3 units for the selected packages alone, 72 units for \
                 the whole workspace)"
            ]
        );
        assert_eq!(
            chosen(&[(Selected, 1, Some(9.0)), (Whole, 3, Some(2.2))]),
            [
                "Whole",
                "cheapest features: the whole workspace (to compile: 1 unit, about 9 s of work for \
                 the selected packages alone, 3 units, about 2 s of work for the whole workspace)"
            ]
        );
    }
}
