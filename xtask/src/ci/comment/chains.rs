//! The widest chains: the changes that affect the most units.

use std::collections::{BTreeMap, BTreeSet};

use xtask_impact::quote;

use crate::selection::report::{AffectedReport, AffectedUnit};

/// A reason, with everything that it affects.
#[derive(Debug, PartialEq)]
pub(super) struct WideChain {
    /// The unit that the change touches, and the reason.
    pub(super) cause: String,
    /// The number of units.
    pub(super) units: usize,
    /// The number of packages.
    pub(super) packages: usize,
    /// The longest chain from the unit to one that depends on it.
    pub(super) longest: String,
}

/// Returns the chains that affect the most units of the workspace, the widest first. A changed path
/// is one cause, with all units that it touches directly.
pub(super) fn widest(report: &AffectedReport, most: usize) -> Vec<WideChain> {
    let mut of_cause: BTreeMap<&str, Vec<&AffectedUnit>> = BTreeMap::new();
    for unit in report.units.iter().filter(|it| it.member) {
        let path = unit.seed.path.as_ref().map(|it| it.as_str());
        let cause = path.unwrap_or(&unit.seed.because);
        of_cause.entry(cause).or_default().push(unit);
    }
    let chains = of_cause.values().filter_map(|units| {
        let packages: BTreeSet<&str> = units.iter().map(|it| &*it.package_id).collect();
        let longest = units.iter().max_by_key(|it| it.chain.len())?;
        Some(WideChain {
            cause: cause(longest),
            units: units.len(),
            packages: packages.len(),
            longest: longest.chain.join(" → "),
        })
    });
    let mut chains: Vec<WideChain> = chains.collect();
    chains.sort_by(|a, b| b.units.cmp(&a.units).then_with(|| a.cause.cmp(&b.cause)));
    chains.truncate(most);
    chains
}

/// Returns the start of a unit's chain, in words.
fn cause(unit: &AffectedUnit) -> String {
    let because = quote::line(&unit.seed.because);
    match &unit.seed.path {
        Some(path) => format!("{}: {because}", quote::name(path)),
        None => because.into_owned(),
    }
}
