//! Computes the cost of findings in this workspace: the units that are rebuilt, and the time that
//! their build took.

use std::collections::{BTreeMap, BTreeSet};

use xtask_impact::unit_graph::{Link, Mode, UnitGraph, UnitIx, Verb};
use xtask_impact::workspace::{PackageIx, TargetKind};

use super::dependencies::listed;
use super::policy_cost;
use crate::checks::{Finding, Place};
use crate::cli::output::count;
use crate::doctor::context::Context;

/// The times of the newest recorded build in which everything was compiled.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct BuildTimes {
    /// The name of the run, as in `timings list`.
    pub run: String,
    /// The duration of the build, in seconds.
    pub total: f64,
    /// The seconds of work for each package, by name and version.
    pub packages: BTreeMap<(String, String), f64>,
}

/// The units with which a rebuild starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RebuildStart {
    /// The runs of the packages' build scripts.
    Scripts,
    /// All units of the packages.
    Sources,
}

/// Adds the cost to a finding whose check did not set the cost. The cost of a build script or a
/// source is the rebuild of its package and the dependents. The cost of a CI file is a build from
/// nothing.
pub(crate) fn complete(context: &Context<'_>, finding: &mut Finding) {
    if finding.impact.is_some() {
        return;
    }
    if let Some(cost) = policy_cost::cost(context, finding) {
        finding.impact = Some(cost);
        return;
    }
    let code = finding.check.code;
    let start = match code.starts_with("script-") {
        true => RebuildStart::Scripts,
        false => RebuildStart::Sources,
    };
    let package = match &finding.place {
        Place::Path { path, .. }
            if code.starts_with("script-") || code.starts_with("path-from") =>
        {
            let packages = context.own_packages();
            let mut above = path.ancestors();
            above.find_map(|it| Some(packages.get(it)?.name.clone()))
        }
        _ => None,
    };
    finding.impact = Some(match package {
        Some(package) => {
            let again = rebuilt(context, [package.as_str()], start);
            match code.starts_with("path-from") {
                true => format!("If it fails, the dependents of the package fail too: {again}"),
                false => again,
            }
        }
        None if code == "path-in-build-dir" => {
            "The fix is one command, and nothing is rebuilt.".to_owned()
        }
        None if code == "ci-unreadable" => "The cost of its jobs is unknown.".to_owned(),
        None => from_nothing(context),
    });
}

/// Returns a sentence about the units that are rebuilt when packages change: units, packages and
/// seconds.
pub(crate) fn rebuilt<'n>(
    context: &Context<'_>,
    names: impl IntoIterator<Item = &'n str>,
    start: RebuildStart,
) -> String {
    let graph = context.units();
    let names: BTreeSet<&str> = names.into_iter().collect();
    let own = (0..).zip(&context.workspace.packages);
    let own = own.filter(|(_, it)| it.source.is_none() && names.contains(it.name.as_str()));
    let own: BTreeSet<PackageIx> = own.map(|(at, _)| PackageIx(at)).collect();
    let starts = own.iter().flat_map(|package| match start {
        RebuildStart::Scripts => {
            let run = graph.find(*package, TargetKind::CustomBuild, Mode::RunCustomBuild);
            run.map_or_else(|| graph.units_of(*package).to_vec(), |it| vec![it])
        }
        RebuildStart::Sources => graph.units_of(*package).to_vec(),
    });
    let units = closure(graph, starts.collect());
    let compiled = |it: &&UnitIx| graph.unit(**it).is_compiled();
    let packages = units
        .iter()
        .filter(compiled)
        .map(|it| graph.unit(*it).package);
    let packages: BTreeSet<PackageIx> = packages.collect();
    let dependents = packages
        .difference(&own)
        .map(|it| &*context.workspace.package(*it).name);
    let dependents: BTreeSet<&str> = dependents.collect();
    let number = units.iter().filter(compiled).count();
    let among = match dependents.len() {
        0 => "no package depends on it".to_owned(),
        _ => format!("dependents: {}", listed(dependents.into_iter())),
    };
    let seconds = match &context.times {
        None => NOT_MEASURED.to_owned(),
        Some(times) => {
            let of = |it: &PackageIx| {
                let package = context.workspace.package(*it);
                let key = (package.name.clone(), package.version.clone());
                times.packages.get(&key).copied().unwrap_or_default()
            };
            let seconds: f64 = packages.iter().map(of).sum();
            format!("{seconds:.1}s of work in the run {}", times.run)
        }
    };
    format!(
        "{} of {} compiled again ({among}); {seconds}.",
        count(number, "unit"),
        count(packages.len(), "package")
    )
}

/// Returns a sentence about a build from nothing: units, packages and seconds.
pub(crate) fn from_nothing(context: &Context<'_>) -> String {
    let graph = context.units();
    let compiled = graph.units().filter(|(_, it)| it.is_compiled());
    let packages: Vec<PackageIx> = compiled.map(|(_, it)| it.package).collect();
    let number = packages.len();
    let packages: BTreeSet<PackageIx> = packages.into_iter().collect();
    let seconds = match &context.times {
        None => NOT_MEASURED.to_owned(),
        Some(times) => format!("{:.1}s in the run {}", times.total, times.run),
    };
    format!(
        "A full build compiles {} of {}; {seconds}.",
        count(number, "unit"),
        count(packages.len(), "package")
    )
}

/// Returns the build time of packages that are compiled without need. Packages are named by name
/// and version.
pub(crate) fn seconds_of(context: &Context<'_>, packages: &[(String, String)]) -> String {
    match &context.times {
        None => NOT_MEASURED.to_owned(),
        Some(times) => {
            let seconds: f64 = packages
                .iter()
                .filter_map(|it| times.packages.get(it))
                .sum();
            format!("{seconds:.1}s of work in the run {}", times.run)
        }
    }
}

const NOT_MEASURED: &str =
    "time unknown, because `cargo xtask timings` has not measured a build of all packages";

/// Returns the given units, and all dependents that cargo rebuilds with them.
fn closure(graph: &UnitGraph, starts: Vec<UnitIx>) -> BTreeSet<UnitIx> {
    let mut found: BTreeSet<UnitIx> = starts.iter().copied().collect();
    let mut pending = starts;
    while let Some(unit) = pending.pop() {
        for (dependent, link) in graph.dependents(unit) {
            if link == Link::Rebuilds && found.insert(dependent) {
                pending.push(dependent);
            }
        }
    }
    found
}

impl Context<'_> {
    /// Returns the unit graph of a build of everything, tests included.
    pub(crate) fn units(&self) -> &UnitGraph {
        let units = &self.units;
        units.get_or_init(|| UnitGraph::new(self.workspace, Verb::Test))
    }
}
