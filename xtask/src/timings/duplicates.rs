//! Finds the packages that a build compiles more than once, and the reasons.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cargo_runs::build_times::{BuildTimings, UnitState, UnitTiming, round};

/// A package whose library was compiled several times.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Duplicate {
    /// The name of the package.
    pub package: String,
    /// The number of times that the library was compiled.
    pub times: usize,
    /// The time of all these units except the longest, in seconds.
    pub extra: f64,
    /// The differences between the units: `versions 1.0.0 and 2.0.0`, `host and target`, `features
    /// a; b`, `build and check`, `settings of the profile`.
    pub because: Vec<String>,
}

/// Returns the duplicates of a build, the most expensive first.
pub fn find(build: &BuildTimings) -> Vec<Duplicate> {
    let mut by_name: BTreeMap<&str, Vec<&UnitTiming>> = BTreeMap::new();
    for unit in &build.units {
        // A test harness and documentation are different work, not a repetition of the library.
        let is_library = unit.target == "lib" && matches!(unit.mode.as_str(), "build" | "check");
        if is_library && unit.state == UnitState::Ran {
            by_name.entry(&unit.name).or_default().push(unit);
        }
    }
    let mut found: Vec<Duplicate> = by_name
        .into_iter()
        .filter(|(_, units)| units.len() > 1)
        .map(|(name, units)| duplicate(name, &units))
        .collect();
    found.sort_by(|a, b| b.extra.total_cmp(&a.extra));
    found
}

fn duplicate(name: &str, units: &[&UnitTiming]) -> Duplicate {
    let longest = units.iter().map(|unit| unit.duration).fold(0.0, f64::max);
    let all: f64 = units.iter().map(|unit| unit.duration).sum();
    let mut because = Vec::new();
    let mut differ = |what: &str, value: &dyn Fn(&UnitTiming) -> String, and: &str| {
        let mut values: Vec<String> = units.iter().map(|unit| value(unit)).collect();
        values.sort();
        values.dedup();
        if values.len() > 1 {
            because.push(format!("{what}{}", values.join(and)));
        }
    };
    differ("versions ", &|unit| unit.version.clone(), " and ");
    differ("", &|unit| unit.mode.clone(), " and ");
    differ("", &for_whom, " and ");
    // Two versions usually have different features, so the features are no reason.
    let one_version = units.iter().all(|unit| unit.version == units[0].version);
    if one_version {
        differ("features ", &|unit| only_here(unit, units), "; ");
    }
    if because.is_empty() {
        because.push("settings of the profile".to_owned());
    }
    Duplicate {
        package: name.to_owned(),
        times: units.len(),
        extra: round(all - longest),
        because,
    }
}

fn for_whom(unit: &UnitTiming) -> String {
    match (&unit.platform, unit.host) {
        (Some(platform), _) => platform.clone(),
        (None, true) => "host".to_owned(),
        (None, false) => "target".to_owned(),
    }
}

/// Returns the features of a unit that not all of the given units have.
fn only_here(unit: &UnitTiming, units: &[&UnitTiming]) -> String {
    let shared = |feature: &&String| units.iter().all(|it| it.features.contains(feature));
    let own: Vec<_> = unit.features.iter().filter(|it| !shared(it)).collect();
    match own.is_empty() {
        true => "none".to_owned(),
        false => own.into_iter().cloned().collect::<Vec<_>>().join(","),
    }
}
