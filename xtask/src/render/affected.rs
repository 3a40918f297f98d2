//! What a change affects, as text, names, cargo arguments and JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::count;
use crate::action::run::{Tool, binary_id, in_filterset, nextest_configuration};
pub use crate::graph::target_name;
use crate::graph::{Mode, Unit, Verb};
use crate::impact::{Effect, Seed};
use crate::question::Answer;
use crate::quote;
use crate::repo::git::Change;
use crate::workspace::{Specs, TargetKind, Workspace};

/// The answer, ready to be shown.
#[derive(Debug, Serialize)]
pub struct AffectedReport {
    /// Of this format; it changes when a reader would have to.
    pub version: u32,
    /// What is going to be run.
    pub verb: Verb,
    /// What was compared, in words.
    pub compared: String,
    /// The directory of the root manifest.
    pub workspace_root: String,
    /// Every path that differs, sorted.
    pub changes: Vec<Change>,
    /// Affected packages, sorted by name; the strongest effect of their units.
    pub packages: Vec<AffectedPackage>,
    /// Affected units, sorted by package, then target.
    pub units: Vec<AffectedUnit>,
    /// On what evidence the answer rests.
    pub recorded: Recorded,
    /// What the reader should know about how the answer was found.
    pub notes: Vec<String>,
    /// Test binaries that nextest runs in another way, by a changed configuration of its own.
    #[serde(skip)]
    configured_tests: Vec<String>,
    /// The reason for which nextest runs them, where it does.
    #[serde(skip)]
    pub configured_because: Option<String>,
}

/// How many compiled units of path packages have a record of a build of this kind; the
/// others were by their sources.
#[derive(Debug, Serialize)]
pub struct Recorded {
    /// Those with a record.
    pub current: usize,
    /// All of them.
    pub compiled: usize,
}

/// One affected package.
#[derive(Debug, Serialize)]
pub struct AffectedPackage {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Cargo's package id.
    pub id: String,
    /// Whether it is a member of the workspace.
    pub member: bool,
    /// The strongest of its units' effects.
    pub effect: Effect,
    /// What names the package, and no other, after cargo's `-p`.
    #[serde(skip)]
    pub spec: String,
}

/// One affected unit, with the way by which the change reaches it.
#[derive(Debug, Serialize)]
pub struct AffectedUnit {
    /// Name of the package.
    pub package: String,
    /// Version of the package.
    pub package_version: String,
    /// Cargo's package id.
    pub package_id: String,
    /// What names the package, and no other, after cargo's `-p`.
    #[serde(skip)]
    pub package_spec: String,
    /// Whether the package is a member of the workspace.
    pub member: bool,
    /// Name of the target.
    pub target: String,
    /// Kind of the target.
    pub kind: TargetKind,
    /// What is done with the target.
    pub mode: Mode,
    /// What happens to the unit.
    pub effect: Effect,
    /// What touched the first unit of the chain.
    pub seed: Seed,
    /// From the unit that the change touches to this one, both included.
    pub chain: Vec<String>,
}

impl AffectedReport {
    /// Brings an answer into the form that is shown.
    pub fn new(answer: &Answer) -> Self {
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
        Self {
            version: 1,
            verb: answer.verb,
            compared: answer.compared.clone(),
            workspace_root: workspace.root.to_string(),
            changes: answer.changes.clone(),
            packages: packages(&units),
            units,
            recorded: Recorded {
                current: answer.recorded.0,
                compiled: answer.recorded.1,
            },
            notes: answer.notes.clone(),
            configured_tests: match nextest_configuration(answer) {
                Some(_) => all_tests(answer),
                None => Vec::new(),
            },
            configured_because: super::run::configured(answer, Tool::Nextest),
        }
    }

    /// Keeps the units with one effect, and their packages.
    #[must_use]
    pub fn only(mut self, effect: Effect) -> Self {
        self.units.retain(|unit| unit.effect == effect);
        self.packages = packages(&self.units);
        if effect == Effect::Rebuilt {
            self.configured_tests.clear();
            self.configured_because = None;
        }
        self
    }

    /// For a reader in a hurry: a block a package, what the change touches first, each group of
    /// units with the way by which the change reaches it.
    pub fn text(&self) -> String {
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

    /// One line that sums the answer up.
    pub fn headline(&self) -> String {
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

    /// The members, one a line.
    pub fn names(&self) -> String {
        self.members()
            .map(|package| format!("{}\n", package.name))
            .collect()
    }

    /// The members as `-p` arguments on one line.
    pub fn cargo_args(&self) -> String {
        let specs: Vec<_> = self
            .members()
            .map(|package| format!("-p {}", package.spec))
            .collect();
        match specs.is_empty() {
            true => String::new(),
            false => specs.join(" ") + "\n",
        }
    }

    /// The members' units, one a line.
    pub fn unit_names(&self) -> String {
        let units = self.units.iter().filter(|unit| unit.member);
        units
            .map(|unit| format!("{} {}\n", unit.package, unit.name()))
            .collect()
    }

    /// The members with the targets that are affected, as arguments on one line; `None` where
    /// packages alone must be named. A target argument holds for every package that is named, so
    /// it can be given only where it selects the affected targets of each and no other.
    pub fn target_args(&self) -> Option<String> {
        let mut flags_of: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for unit in self.units.iter().filter(|unit| unit.member) {
            let flag = match unit.kind {
                TargetKind::Test => "--test",
                TargetKind::Bench => "--bench",
                TargetKind::Example => "--example",
                TargetKind::Lib | TargetKind::Bin | TargetKind::CustomBuild => return None,
            };
            let flags = flags_of.entry(&unit.package).or_default();
            // What prints this is no word of a shell: a script lets the shell split it.
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

    /// The affected tests as a filterset of nextest, which names a test's binary by its package.
    pub fn nextest(&self) -> String {
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
    /// The way from the unit back to the change, in one line.
    pub(super) fn why(&self) -> String {
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

    /// Which of its package's units it is, in cargo's words.
    pub(super) fn name(&self) -> String {
        target_name(self.kind, self.mode, &self.target)
    }
}

/// Every test of the members, as nextest names its binary.
fn all_tests(answer: &Answer) -> Vec<String> {
    let (workspace, graph) = (&answer.workspace, &answer.graph);
    let units = graph.units().map(|(_, unit)| unit);
    let tests = units.filter(|unit| unit.mode == Mode::Test);
    let of_members = tests.filter(|unit| workspace.package(unit.package).member);
    of_members
        .map(|unit| {
            let package = &workspace.package(unit.package).name;
            binary_id(package, unit.kind, &unit.target)
        })
        .collect()
}

/// The packages of units, which are sorted by package.
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

/// A unit in words: its package, and which of the package's units it is.
pub fn unit_name(workspace: &Workspace, unit: &Unit) -> String {
    let package = &workspace.package(unit.package).name;
    format!("{package} {}", unit.label())
}

#[cfg(test)]
mod tests;
