//! What `run-affected` is going to run: the narrowest selection of packages and targets that is
//! right for the command, as arguments for one cargo.

mod arguments;
mod targets;

use std::collections::BTreeSet;
use std::str::FromStr;

use cargo_metadata::camino::Utf8Path;

pub use arguments::{
    Options, config_in, leave_features, locked, profile_in, specs, that_configure, whole_workspace,
};
pub use targets::{binary_id, in_filterset};
use targets::{filterset, target_flags};

use crate::graph::{Mode, Unit, UnitIx, Verb};
use crate::impact::layout::Layout;
use crate::impact::{Effect, Rule};
use crate::question::Answer;
use crate::repo::git::Status;
use crate::repo::resolved;
use crate::workspace::{PackageIx, TargetKind, Workspace};

/// The cargo command that is going to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Tool {
    /// `cargo check --all-targets` of what is rebuilt
    Check,
    /// `cargo clippy --all-targets` of what is rebuilt
    Clippy,
    /// `cargo build --all-targets` of what is rebuilt
    Build,
    /// `cargo test` of the tests that are rebuilt or must be run again
    Test,
    /// `cargo nextest run` of the same, test binary by test binary
    Nextest,
    /// `cargo doc --no-deps` of the libraries and binaries that cargo documents again
    Doc,
    /// `cargo bench` of the benchmarks that are rebuilt or must be run again
    Bench,
    /// `cargo fmt` of the packages with changed sources
    Fmt,
}

impl Tool {
    /// The question whose answer says what is affected.
    pub fn verb(self) -> Verb {
        match self {
            Self::Check | Self::Clippy | Self::Fmt => Verb::Check,
            Self::Doc => Verb::Doc,
            Self::Build | Self::Bench => Verb::Build,
            Self::Test | Self::Nextest => Verb::Test,
        }
    }

    /// Whether it runs tests.
    pub fn is_test(self) -> bool {
        matches!(self, Self::Test | Self::Nextest)
    }

    /// The profile that it builds unless told otherwise.
    pub fn profile(self) -> &'static str {
        match self {
            Self::Bench => "bench",
            _ => "dev",
        }
    }

    /// The option that chooses a profile of cargo's; nextest has profiles of its own.
    fn profile_option(self) -> &'static str {
        match self {
            Self::Nextest => "--cargo-profile",
            _ => "--profile",
        }
    }

    /// The command that builds with the same features, as far as these depend on the command: on
    /// whether dev-dependencies count. `fmt` builds nothing.
    pub fn builds_like(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Fmt => None,
            Self::Doc => Some(&["build"]),
            _ => Some(&["build", "--all-targets"]),
        }
    }

    /// The name of the cargo command.
    pub fn name(self) -> &'static str {
        self.words()[0]
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Check => &["check"],
            Self::Clippy => &["clippy"],
            Self::Build => &["build"],
            Self::Test => &["test"],
            Self::Nextest => &["nextest", "run"],
            Self::Doc => &["doc", "--no-deps"],
            Self::Bench => &["bench"],
            Self::Fmt => &["fmt"],
        }
    }

    /// Whether an affected unit is a reason to run it.
    fn concerns(self, unit: &Unit, effect: Effect, workspace: &Workspace) -> bool {
        let is_built = unit.mode == Mode::Build && unit.kind != TargetKind::CustomBuild;
        match self {
            Self::Check | Self::Clippy | Self::Build => effect == Effect::Rebuilt,
            Self::Doc => unit.mode == Mode::Doc && effect == Effect::Rebuilt,
            // Examples are built beside the tests, so that they are known to build.
            Self::Test => unit.is_test() || is_built && unit.kind == TargetKind::Example,
            Self::Nextest => unit.mode == Mode::Test,
            Self::Bench => {
                let mut targets = workspace.package(unit.package).targets.iter();
                let target = targets.find(|it| (it.kind, &it.name) == (unit.kind, &unit.target));
                unit.mode == Mode::Test && target.is_some_and(|target| target.bench)
            }
            Self::Fmt => false,
        }
    }
}

/// One of several machines that share the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Which one, from 1.
    pub slice: usize,
    /// Of how many.
    pub of: usize,
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.strip_prefix("slice:").and_then(|rest| {
            let (slice, of) = rest.split_once('/')?;
            let (slice, of) = (slice.parse().ok()?, of.parse().ok()?);
            (1..=of).contains(&slice).then_some(Self { slice, of })
        });
        parsed.ok_or_else(|| "write slice:M/N, with M from 1 to N".to_owned())
    }
}

/// The packages and targets that are going to be selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The members that are affected.
    pub packages: BTreeSet<PackageIx>,
    /// Members that are selected only so that features stay as they are in the whole workspace.
    pub beside: BTreeSet<PackageIx>,
    /// Arguments that choose targets; empty for what the command chooses by itself.
    pub targets: Vec<String>,
    /// The test binaries to run, where that is not all of those packages: nextest alone can say so.
    pub filter: Option<String>,
    /// Whether the whole workspace is selected, whatever is affected.
    pub whole: bool,
}

impl Selection {
    /// What is affected, less what the user leaves out.
    pub fn new(answer: &Answer, tool: Tool, excluded: &BTreeSet<PackageIx>) -> Self {
        if tool == Tool::Fmt {
            let packages = with_changed_sources(answer);
            return Self {
                packages: packages.difference(excluded).copied().collect(),
                ..Self::default()
            };
        }
        let units = concerned(answer, tool, |package| !excluded.contains(package));
        Self::of(answer, tool, &units)
    }

    /// The affected units that are a reason to run the command, in the order of their names.
    pub fn units(answer: &Answer, tool: Tool, excluded: &BTreeSet<PackageIx>) -> Vec<UnitIx> {
        let mut units = concerned(answer, tool, |package| !excluded.contains(package));
        units.sort_by_key(|&unit| {
            let unit = answer.graph.unit(unit);
            let package = answer.workspace.package(unit.package);
            (&package.name, unit.kind, &unit.target)
        });
        units
    }

    /// Some of the affected test binaries.
    pub fn of_binaries(answer: &Answer, units: &[UnitIx]) -> Self {
        let mut selection = Self::of(answer, Tool::Nextest, units);
        selection.filter = Some(filterset(answer, units));
        selection
    }

    /// The affected tests of some packages.
    pub fn of_packages(answer: &Answer, tool: Tool, packages: &BTreeSet<PackageIx>) -> Self {
        let units = concerned(answer, tool, |package| packages.contains(package));
        Self::of(answer, tool, &units)
    }

    fn of(answer: &Answer, tool: Tool, units: &[UnitIx]) -> Self {
        let packages: BTreeSet<_> = units
            .iter()
            .map(|&unit| answer.graph.unit(unit).package)
            .collect();
        let selectable: Vec<UnitIx> = packages
            .iter()
            .flat_map(|&package| answer.graph.units_of(package))
            .copied()
            .filter(|&unit| {
                tool.concerns(answer.graph.unit(unit), Effect::Rebuilt, &answer.workspace)
            })
            .collect();
        let is_all = units.len() == selectable.len();
        let needs_filter = tool == Tool::Nextest && !is_all;
        Self {
            targets: match is_all {
                true => Vec::new(),
                false => target_flags(answer, tool, units, &selectable),
            },
            filter: needs_filter.then(|| filterset(answer, units)),
            packages,
            ..Self::default()
        }
    }

    /// Whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// The same with members beside it that keep the features. Their tests must not be run where
    /// that can be told.
    #[must_use]
    pub fn with(mut self, answer: &Answer, tool: Tool, beside: BTreeSet<PackageIx>) -> Self {
        if tool == Tool::Nextest && self.filter.is_none() && !beside.is_empty() {
            let units = concerned(answer, tool, |package| self.packages.contains(package));
            self.filter = Some(filterset(answer, &units));
        }
        self.beside = beside;
        self
    }

    /// The same with everything selected.
    #[must_use]
    pub fn whole(self, answer: &Answer, tool: Tool) -> Self {
        let members = answer.workspace.members().map(|(member, _)| member);
        let beside = members.filter(|it| !self.packages.contains(it)).collect();
        Self {
            whole: true,
            ..self.with(answer, tool, beside)
        }
    }
}

/// The affected units, of the members that are asked about, that are a reason to run the command.
fn concerned(answer: &Answer, tool: Tool, is_asked: impl Fn(&PackageIx) -> bool) -> Vec<UnitIx> {
    let Answer {
        workspace,
        graph,
        affected,
        ..
    } = answer;
    // Clippy's own file is a source of what clippy says, and of nothing that is compiled.
    let checked_anew = match tool {
        Tool::Clippy => below_changed(answer, &["clippy.toml", ".clippy.toml"]),
        _ => BTreeSet::new(),
    };
    let reruns_all = tool == Tool::Nextest && nextest_configuration(answer).is_some();
    let concerned = graph.units().filter(|&(index, unit)| {
        let effect = match unit.is_compiled() && checked_anew.contains(&unit.package) {
            true => Some(Effect::Rebuilt),
            false => affected
                .effect(index)
                .or(reruns_all.then_some(Effect::Rerun)),
        };
        workspace.package(unit.package).member
            && is_asked(&unit.package)
            && effect.is_some_and(|effect| tool.concerns(unit, effect, workspace))
    });
    concerned.map(|(index, _)| index).collect()
}

/// Returns the changed file of nextest's configuration, which says how each test is run:
/// `.config/nextest.toml` of the workspace, or one beside it that is named after nextest, as those
/// of tools are.
pub fn nextest_configuration(answer: &Answer) -> Option<&Utf8Path> {
    let directory = resolved(&answer.workspace.root).join(".config");
    let mut changed = answer.changes.iter().map(|change| &*change.path);
    changed.find(|changed| {
        let path = answer.top_level.join(changed);
        let below = path.strip_prefix(&directory).ok();
        below.is_some_and(|it| it.as_str().starts_with("nextest") && it.extension() == Some("toml"))
    })
}

/// The packages below a changed file of one of these names.
fn below_changed(answer: &Answer, names: &[&str]) -> BTreeSet<PackageIx> {
    let changed = answer.changes.iter().map(|change| &change.path);
    let changed = changed.filter(|path| path.file_name().is_some_and(|it| names.contains(&it)));
    let directories = changed.filter_map(|path| path.parent());
    let directories: Vec<_> = directories.map(|it| answer.top_level.join(it)).collect();
    if directories.is_empty() {
        return BTreeSet::new();
    }
    let layout = Layout::new(&answer.workspace);
    let below = directories.iter().flat_map(|it| layout.below(it));
    below.collect()
}

/// The members whose formatting may have changed: those of changed Rust sources, those whose
/// manifest or `rustfmt.toml` changed, for their edition and style.
fn with_changed_sources(answer: &Answer) -> BTreeSet<PackageIx> {
    let layout = Layout::new(&answer.workspace);
    let mut found = below_changed(answer, &["rustfmt.toml", ".rustfmt.toml"]);
    for change in &answer.changes {
        let path = answer.top_level.join(&change.path);
        match path.file_name() {
            Some(name) if name == "Cargo.toml" || name.ends_with(".rs") => {
                let exists = change.status != Status::Deleted;
                found.extend(layout.owner(&path).filter(|_| exists));
            }
            _ => {}
        }
    }
    for (unit, _) in answer.affected.units() {
        // A source can lie outside its package, and a package can be assumed changed.
        let chain = answer.affected.chain(unit);
        let seed = chain.filter(|(way, _)| way.len() == 1);
        let is_source = seed.is_some_and(|(_, seed)| match (seed.rule, &seed.path) {
            (Rule::Assumed, _) => true,
            (Rule::Source, Some(path)) => path.extension() == Some("rs"),
            _ => false,
        });
        found.extend(is_source.then(|| answer.graph.unit(unit).package));
    }
    found.retain(|&package| answer.workspace.package(package).member);
    found
}

/// Spreads things over machines: the heaviest first, each to the machine with the least to do. Of
/// things of one weight the order decides. Each machine's weight comes with its things.
pub fn spread<T: Ord>(mut things: Vec<(u64, T)>, machines: usize) -> Vec<(u64, Vec<T>)> {
    things.sort_by(|(one, a), (other, b)| other.cmp(one).then_with(|| a.cmp(b)));
    let mut spread: Vec<(u64, Vec<T>)> = (0..machines).map(|_| (0, Vec::new())).collect();
    for (weight, thing) in things {
        if let Some((load, things)) = spread.iter_mut().min_by_key(|(load, _)| *load) {
            *load += weight;
            things.push(thing);
        }
    }
    spread
}

#[cfg(test)]
mod tests;
