//! The affected units as text, names, cargo arguments and JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use xtask_impact::query::Answer;
use xtask_impact::quote;
use xtask_impact::seeds::{Effect, Seed};
use xtask_impact::unit_graph::{Mode, UnitIx, Verb, target_name, unit_name};
use xtask_impact::vcs::Change;
use xtask_impact::workspace::{Specs, TargetKind};

use crate::cli::output::count;
use crate::selection::filter::LeftOut;
use crate::selection::{Tool, binary_id, in_filterset, reason_to_run_all};

/// The report of an answer.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct AffectedReport {
    /// The version of this JSON format. The version changes if a reader has to change.
    pub version: u32,
    /// The verb that the report is about.
    pub verb: Verb,
    /// The comparison, as text.
    pub compared: String,
    /// The directory of the root manifest.
    pub workspace_root: String,
    /// The changed paths, sorted.
    pub changes: Vec<Change>,
    /// The affected packages, sorted by name.
    pub packages: Vec<AffectedPackage>,
    /// The affected units, sorted by package, then target.
    pub units: Vec<AffectedUnit>,
    /// The number of units with records.
    pub recorded: RecordCount,
    /// Notes for the user about the way in which the answer was found.
    pub notes: Vec<String>,
    /// Test binaries that nextest runs differently because its configuration changed.
    #[serde(skip)]
    configured_tests: Vec<String>,
    /// The reason why nextest runs these test binaries differently; `None` if its configuration did
    /// not change.
    #[serde(skip)]
    pub configured_because: Option<String>,
}

/// The number of compiled units of path packages that have a record of this kind of build. The
/// other units are judged by their sources.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct RecordCount {
    /// The number of units with a record.
    pub current: usize,
    /// The number of all compiled units.
    pub compiled: usize,
}

/// An affected package.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct AffectedPackage {
    /// The name of the package.
    pub name: String,
    /// The version of the package.
    pub version: String,
    /// Cargo's package id.
    pub id: String,
    /// True if the package is a member of the workspace.
    pub member: bool,
    /// The strongest effect of the package's units.
    pub effect: Effect,
    /// The argument for cargo's `-p` that names this package and no other.
    #[serde(skip)]
    pub spec: String,
}

/// An affected unit, with the chain from the change to the unit.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct AffectedUnit {
    /// The unit.
    #[serde(skip)]
    pub index: UnitIx,
    /// The name of the package.
    pub package: String,
    /// The version of the package.
    pub package_version: String,
    /// Cargo's package id.
    pub package_id: String,
    /// The argument for cargo's `-p` that names this package and no other.
    #[serde(skip)]
    pub package_spec: String,
    /// True if the package is a member of the workspace.
    pub member: bool,
    /// The name of the target.
    pub target: String,
    /// The kind of the target.
    pub kind: TargetKind,
    /// The mode in which the target is built or run.
    pub mode: Mode,
    /// The effect of the change on the unit.
    pub effect: Effect,
    /// The seed: the reason why the first unit of the chain is affected.
    pub seed: Seed,
    /// The chain from the unit that the change touches directly to this unit, both included.
    pub chain: Vec<String>,
}

impl AffectedReport {
    /// Returns the report of an answer.
    pub(crate) fn new(answer: &Answer) -> Self {
        let (workspace, graph) = (&answer.workspace, &answer.graph);
        let specs = Specs::new(workspace);
        let mut units = Vec::new();
        for (index, effect) in answer.affected.units() {
            let Some((way, seed)) = answer.affected.chain(index) else {
                continue;
            };
            let unit = graph.unit(index);
            let package = workspace.package(unit.package);
            let way = way.iter().rev();
            units.push(AffectedUnit {
                index,
                package: package.name.clone(),
                package_version: package.version.clone(),
                package_id: package.id.clone(),
                package_spec: specs.of(unit.package),
                member: package.member,
                target: unit.target.clone(),
                kind: unit.kind,
                mode: unit.mode,
                effect,
                seed: seed.clone(),
                chain: way
                    .map(|&unit| unit_name(workspace, graph.unit(unit)))
                    .collect(),
            });
        }
        units.sort_by(|a, b| {
            (&a.package, &a.package_id, a.kind, &a.target, a.mode).cmp(&(
                &b.package,
                &b.package_id,
                b.kind,
                &b.target,
                b.mode,
            ))
        });
        let configured_because = reason_to_run_all(answer, Tool::Nextest);
        Self {
            version: 1,
            verb: answer.verb,
            compared: answer.compared.clone(),
            workspace_root: workspace.root.to_string(),
            changes: answer.changes.clone(),
            packages: packages(&units),
            units,
            recorded: RecordCount {
                current: answer.recorded.0,
                compiled: answer.recorded.1,
            },
            notes: answer.notes.clone(),
            configured_tests: match configured_because {
                Some(_) => all_tests(answer, &LeftOut::default()),
                None => Vec::new(),
            },
            configured_because,
        }
    }

    /// Removes the packages that are left out.
    #[must_use]
    pub(crate) fn without(mut self, answer: &Answer, left_out: &LeftOut) -> Self {
        if *left_out != LeftOut::default() {
            let packages = left_out.all();
            let packages = packages.iter().map(|&it| answer.workspace.package(it));
            let ids: BTreeSet<_> = packages.map(|it| it.id.clone()).collect();
            self.units.retain(|unit| !ids.contains(&unit.package_id));
            self.packages = self::packages(&self.units);
            self.configured_tests = match self.configured_because {
                Some(_) => all_tests(answer, left_out),
                None => Vec::new(),
            };
        }
        self
    }

    /// Keeps the units with one effect, and their packages.
    #[must_use]
    pub(crate) fn only(mut self, effect: Effect) -> Self {
        self.units.retain(|unit| unit.effect == effect);
        self.packages = packages(&self.units);
        if effect == Effect::Rebuilt {
            self.configured_tests.clear();
            self.configured_because = None;
        }
        self
    }

    /// Keeps the units of these kinds and modes, and their packages. Without a mode, every mode of
    /// the kind is kept.
    #[must_use]
    pub(crate) fn of_kinds(mut self, kinds: &[(TargetKind, Option<Mode>)]) -> Self {
        let is_kept = |unit: &AffectedUnit| {
            let mut kinds = kinds.iter();
            kinds.any(|&(kind, mode)| kind == unit.kind && mode.is_none_or(|it| it == unit.mode))
        };
        self.units.retain(is_kept);
        self.packages = packages(&self.units);
        self
    }

    /// Returns the names of the affected targets of members, one per line.
    pub(crate) fn target_names(&self) -> String {
        let units = self.units.iter().filter(|unit| unit.member);
        let names: BTreeSet<&str> = units.map(|unit| unit.target.as_str()).collect();
        names.iter().map(|name| format!("{name}\n")).collect()
    }

    /// Returns the report as text: a block for each package, with the packages that the change
    /// touches directly first. Units with the same effect and chain share a line.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut groups: Vec<&[AffectedUnit]> = self
            .units
            .chunk_by(|a, b| a.package_id == b.package_id)
            .collect();
        groups.sort_by_key(|units| units.iter().map(|unit| unit.chain.len()).min());
        for units in groups {
            let member = if units[0].member { "" } else { " (external)" };
            let _ = writeln!(text, "{}{member}", units[0].package);
            let mut reasons: Vec<(Effect, String, Vec<String>)> = Vec::new();
            for unit in units {
                let why = unit.why();
                let name = unit.name();
                let mut known = reasons.iter_mut();
                match known.find(|it| it.0 == unit.effect && it.1 == why) {
                    Some((_, _, names)) => names.push(name),
                    None => reasons.push((unit.effect, why, vec![name])),
                }
            }
            reasons.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.len().cmp(&b.1.len())));
            for (effect, why, names) in reasons {
                let effect = match effect {
                    Effect::Rebuilt => "rebuilt",
                    Effect::Rerun => "rerun  ",
                };
                let _ = writeln!(text, "  {effect}  {}\n           {why}", names.join(", "));
            }
        }
        text
    }

    /// Returns a summary of the report in one line.
    pub(crate) fn headline(&self) -> String {
        let units = self.units.iter();
        let with = |effect| units.clone().filter(|it| it.effect == effect).count();
        format!(
            "{} of {}: {} rebuilt, {} rerun (cargo {})",
            count(self.units.len(), "unit"),
            count(self.packages.len(), "package"),
            with(Effect::Rebuilt),
            with(Effect::Rerun),
            self.verb.cargo_args().join(" "),
        )
    }

    /// Returns the names of the affected members, one per line.
    pub(crate) fn names(&self) -> String {
        self.members()
            .map(|package| format!("{}\n", package.name))
            .collect()
    }

    /// Returns the affected members as `-p` arguments on one line.
    pub(crate) fn cargo_args(&self) -> String {
        let specs: Vec<_> = self
            .members()
            .map(|package| format!("-p {}", package.spec))
            .collect();
        match specs.is_empty() {
            true => String::new(),
            false => specs.join(" ") + "\n",
        }
    }

    /// Returns the affected units of members, one per line.
    pub(crate) fn unit_names(&self) -> String {
        let units = self.units.iter().filter(|unit| unit.member);
        units
            .map(|unit| format!("{} {}\n", unit.package, unit.name()))
            .collect()
    }

    /// Returns the affected members and their affected targets as arguments on one line, or `None`
    /// if the targets cannot be named. A target argument applies to every named package, so the
    /// targets can only be named if the same arguments are right for each package.
    pub(crate) fn target_args(&self) -> Option<String> {
        let mut flags_of: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for unit in self.units.iter().filter(|unit| unit.member) {
            let flag = match unit.kind {
                TargetKind::Test => "--test",
                TargetKind::Bench => "--bench",
                TargetKind::Example => "--example",
                TargetKind::Lib | TargetKind::Bin | TargetKind::CustomBuild => return None,
            };
            let flags = flags_of.entry(&unit.package_id).or_default();
            // A script lets the shell split this output into words, so every name must be a plain
            // word.
            if !quote::is_plain_word(&unit.target) {
                return None;
            }
            flags.insert(format!("{flag}={}", unit.target));
        }
        let mut sets = flags_of.into_values();
        let flags = sets.next()?;
        if sets.any(|set| set != flags) {
            return None;
        }
        let packages = self.cargo_args();
        let flags = Vec::from_iter(flags).join(" ");
        Some(format!("{} {flags}\n", packages.trim_end()))
    }

    /// Returns the affected tests as a filterset of nextest, which names a test binary by its
    /// package.
    pub(crate) fn nextest(&self) -> String {
        let tests = self.units.iter();
        let tests = tests.filter(|unit| unit.member && unit.mode == Mode::Test);
        let ids = tests.map(|unit| binary_id(&unit.package, unit.kind, &unit.target));
        let ids: BTreeSet<String> = ids.chain(self.configured_tests.iter().cloned()).collect();
        let binaries: Vec<String> = ids
            .iter()
            .map(|id| format!("binary_id(={})", in_filterset(id)))
            .collect();
        match binaries.is_empty() {
            true => "none()\n".to_owned(),
            false => binaries.join(" + ") + "\n",
        }
    }

    fn members(&self) -> impl Iterator<Item = &AffectedPackage> {
        self.packages.iter().filter(|package| package.member)
    }
}

impl AffectedUnit {
    /// Returns the chain from the unit back to the change, in one line.
    pub(crate) fn why(&self) -> String {
        let mut why = String::new();
        for unit in self.chain.iter().rev().skip(1) {
            let _ = write!(why, "← {unit} ");
        }
        why.push_str("← ");
        if let Some(path) = &self.seed.path {
            let _ = write!(why, "{}: ", quote::name(path));
        }
        why + &quote::line(&self.seed.because)
    }

    /// Returns the name of the unit within its package, in cargo's words.
    pub(crate) fn name(&self) -> String {
        target_name(self.kind, self.mode, &self.target)
    }
}

/// Returns nextest's names of all test binaries of the members.
fn all_tests(answer: &Answer, left_out: &LeftOut) -> Vec<String> {
    let (workspace, graph) = (&answer.workspace, &answer.graph);
    let units = graph.units().map(|(_, unit)| unit);
    let tests = units.filter(|unit| unit.mode == Mode::Test);
    let of_members = tests
        .filter(|unit| workspace.package(unit.package).member && !left_out.contains(unit.package));
    of_members
        .map(|unit| {
            let package = &workspace.package(unit.package).name;
            binary_id(package, unit.kind, &unit.target)
        })
        .collect()
}

/// Returns the packages of units. The units must be sorted by package.
fn packages(units: &[AffectedUnit]) -> Vec<AffectedPackage> {
    let mut packages: Vec<AffectedPackage> = Vec::new();
    for unit in units {
        match packages.last_mut() {
            Some(package) if package.id == unit.package_id => {
                package.effect = package.effect.max(unit.effect);
            }
            _ => packages.push(AffectedPackage {
                name: unit.package.clone(),
                version: unit.package_version.clone(),
                id: unit.package_id.clone(),
                member: unit.member,
                effect: unit.effect,
                spec: unit.package_spec.clone(),
            }),
        }
    }
    packages
}

#[cfg(test)]
mod tests;
