//! The selection of a command: the smallest set of packages and targets with which the result of
//! the command is correct, as arguments for one run of cargo.

pub(crate) mod args;
mod arguments;
mod estimate;
pub(crate) mod filter;
pub(crate) mod placeholders;
pub(crate) mod profiles;
pub(crate) mod question_args;
pub(crate) mod report;
pub(crate) mod select;
mod targets;
pub(crate) mod test_runner_shim;
pub(crate) mod unification;

use std::collections::BTreeSet;
use std::str::FromStr;

pub(crate) use arguments::{
    ToolOptions, config_in, configuration_args, configuring, keeps_features, locked, profile_in,
    specs, whole_workspace,
};
use camino::Utf8Path;
pub(crate) use targets::{binary_id, in_filterset};
use targets::{filterset, target_flags};
use xtask_impact::paths::resolved;
use xtask_impact::query::Answer;
use xtask_impact::quote;
use xtask_impact::records::layout::PackageDirectories;
use xtask_impact::seeds::{Effect, Rule};
use xtask_impact::unit_graph::{Mode, Unit, UnitIx, Verb};
use xtask_impact::vcs::ChangeStatus;
use xtask_impact::workspace::{PackageIx, TargetKind, Workspace};

/// The cargo command that is going to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Tool {
    /// Run `cargo check --all-targets` on what is rebuilt
    Check,
    /// Run `cargo clippy --all-targets` on what is rebuilt
    Clippy,
    /// Run `cargo build --all-targets` on what is rebuilt
    Build,
    /// Run `cargo test` on the tests that are rebuilt or must run again
    Test,
    /// Run `cargo nextest run` on the test binaries that are rebuilt or must run again
    Nextest,
    /// Run `cargo doc --no-deps` on the libraries and binaries that are documented again
    Doc,
    /// Run `cargo bench` on the benchmarks that are rebuilt or must run again
    Bench,
    /// Run `cargo fmt` on the packages with changed sources
    Fmt,
}

impl Tool {
    /// Returns the verb that the tool's query is about.
    pub(crate) fn verb(self) -> Verb {
        match self {
            Self::Check | Self::Clippy | Self::Fmt => Verb::Check,
            Self::Doc => Verb::Doc,
            Self::Build | Self::Bench => Verb::Build,
            Self::Test | Self::Nextest => Verb::Test,
        }
    }

    /// Returns true if the tool runs tests.
    pub(crate) fn is_test(self) -> bool {
        matches!(self, Self::Test | Self::Nextest)
    }

    /// Returns the profile that the tool builds by default.
    pub(crate) fn profile(self) -> &'static str {
        match self {
            Self::Bench => "bench",
            _ => "dev",
        }
    }

    /// Returns the option that chooses one of cargo's profiles. Nextest has other profiles of its
    /// own.
    fn profile_option(self) -> &'static str {
        match self {
            Self::Nextest => "--cargo-profile",
            _ => "--profile",
        }
    }

    /// Returns the cargo command whose unit graph has the units that the tool builds. The graph of a
    /// check is made from the graph of a build. Returns `None` for `fmt`, which builds nothing.
    pub(crate) fn builds_like(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Fmt => None,
            Self::Check | Self::Clippy | Self::Build => Some(&["build", "--all-targets"]),
            Self::Test | Self::Nextest => Some(&["test"]),
            Self::Bench => Some(&["bench"]),
            Self::Doc => Some(&["doc", "--no-deps"]),
        }
    }

    /// Returns the name of the cargo command.
    pub(crate) fn name(self) -> &'static str {
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

    /// Returns true if an affected unit is a reason to run the tool.
    fn concerns(self, unit: &Unit, effect: Effect, workspace: &Workspace) -> bool {
        let is_built = unit.mode == Mode::Build && unit.kind != TargetKind::CustomBuild;
        match self {
            Self::Check | Self::Clippy | Self::Build => effect == Effect::Rebuilt,
            Self::Doc => unit.mode == Mode::Doc && effect == Effect::Rebuilt,
            // Examples are built together with the tests, to check that they build.
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

/// One of several machines that split the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// The number of the machine, from 1.
    pub slice: usize,
    /// The number of all machines.
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

/// The packages and targets that a command is run on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The affected members.
    pub packages: BTreeSet<PackageIx>,
    /// Members that are selected only to keep the features that dependencies have in the whole
    /// workspace.
    pub beside: BTreeSet<PackageIx>,
    /// The arguments that choose targets. Empty for the command's own choice.
    pub targets: Vec<String>,
    /// The test binaries to run, as a filterset of nextest. `None` if all test binaries of the
    /// packages are run.
    pub filter: Option<String>,
    /// True if the whole workspace is selected, even if only some packages are affected.
    pub whole: bool,
    /// True if cargo's own setting gives the selected packages the features of the workspace.
    pub unified: bool,
}

impl Selection {
    /// Returns the selection of everything that is affected, without the excluded packages.
    pub(crate) fn new(answer: &Answer, tool: Tool, excluded: &BTreeSet<PackageIx>) -> Self {
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

    /// Returns the affected units that are a reason to run the command, sorted by package and
    /// target.
    pub(crate) fn units(
        answer: &Answer,
        tool: Tool,
        excluded: &BTreeSet<PackageIx>,
    ) -> Vec<UnitIx> {
        let mut units = concerned(answer, tool, |package| !excluded.contains(package));
        units.sort_by_key(|&unit| {
            let unit = answer.graph.unit(unit);
            let package = answer.workspace.package(unit.package);
            (&package.name, unit.kind, &unit.target)
        });
        units
    }

    /// Returns the selection of some affected test binaries.
    pub(crate) fn of_binaries(answer: &Answer, units: &[UnitIx]) -> Self {
        let mut selection = Self::of(answer, Tool::Nextest, units);
        selection.filter = Some(filterset(answer, units));
        selection
    }

    /// Returns the selection of the affected tests of some packages.
    pub(crate) fn of_packages(answer: &Answer, tool: Tool, packages: &BTreeSet<PackageIx>) -> Self {
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

    /// Returns true if there is nothing to run.
    pub(crate) fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// Adds members that keep the features of dependencies. Nextest gets a filter, so that the
    /// tests of these members are not run.
    #[must_use]
    pub(crate) fn with(mut self, answer: &Answer, tool: Tool, beside: BTreeSet<PackageIx>) -> Self {
        if tool == Tool::Nextest && self.filter.is_none() && !beside.is_empty() {
            let units = concerned(answer, tool, |package| self.packages.contains(package));
            self.filter = Some(filterset(answer, &units));
        }
        self.beside = beside;
        self
    }

    /// Selects the whole workspace.
    #[must_use]
    pub(crate) fn whole(self, answer: &Answer, tool: Tool) -> Self {
        let members = answer.workspace.members().map(|(member, _)| member);
        let beside = members.filter(|it| !self.packages.contains(it)).collect();
        Self {
            whole: true,
            ..self.with(answer, tool, beside)
        }
    }
}

/// Returns the affected units of the members that `is_asked` accepts, limited to units that are a
/// reason to run the command.
fn concerned(answer: &Answer, tool: Tool, is_asked: impl Fn(&PackageIx) -> bool) -> Vec<UnitIx> {
    let Answer {
        workspace,
        graph,
        affected,
        ..
    } = answer;
    // `clippy.toml` changes the result of clippy, but not the result of a compilation.
    let checked_again = match tool {
        Tool::Clippy => below_changed(answer, &["clippy.toml", ".clippy.toml"]),
        _ => BTreeSet::new(),
    };
    let reruns_all = tool == Tool::Nextest && nextest_configuration(answer).is_some();
    let concerned = graph.units().filter(|&(index, unit)| {
        let effect = match unit.is_compiled() && checked_again.contains(&unit.package) {
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

/// Returns the reason why nextest runs all tests again. Returns `None` for any other tool, or if
/// there is no such reason.
pub(crate) fn reason_to_run_all(answer: &Answer, tool: Tool) -> Option<String> {
    let because = nextest_because(answer).filter(|_| tool == Tool::Nextest)?;
    Some(format!("all tests are run: {because}"))
}

/// Returns the reason why nextest runs all tests again; `None` if its configuration did not change.
pub(crate) fn nextest_because(answer: &Answer) -> Option<String> {
    let changed = nextest_configuration(answer)?;
    Some(format!(
        "{} changed: it configures how nextest runs each test",
        quote::name(changed)
    ))
}

/// Returns the changed file of nextest's configuration, which says how nextest runs each test. The
/// file is `.config/nextest.toml` of the workspace, or another TOML file in `.config` whose name
/// begins with `nextest`, such as the files of other tools.
fn nextest_configuration(answer: &Answer) -> Option<&Utf8Path> {
    let directory = resolved(&answer.workspace.root).join(".config");
    let mut changed = answer.changes.iter().map(|change| &*change.path);
    changed.find(|changed| {
        let path = answer.top_level.join(changed);
        let below = path.strip_prefix(&directory).ok();
        below.is_some_and(|it| it.as_str().starts_with("nextest") && it.extension() == Some("toml"))
    })
}

/// Returns the packages below a changed file with one of these names.
fn below_changed(answer: &Answer, names: &[&str]) -> BTreeSet<PackageIx> {
    let changed = answer.changes.iter().map(|change| &change.path);
    let changed = changed.filter(|path| path.file_name().is_some_and(|it| names.contains(&it)));
    let directories = changed.filter_map(|path| path.parent());
    let directories: Vec<_> = directories.map(|it| answer.top_level.join(it)).collect();
    if directories.is_empty() {
        return BTreeSet::new();
    }
    let layout = PackageDirectories::new(&answer.workspace);
    let below = directories.iter().flat_map(|it| layout.below(it));
    below.collect()
}

/// Returns the members whose formatting may have changed: members with a changed Rust source, and
/// members with a changed manifest or `rustfmt.toml`, which set edition and style.
fn with_changed_sources(answer: &Answer) -> BTreeSet<PackageIx> {
    let layout = PackageDirectories::new(&answer.workspace);
    let mut found = below_changed(answer, &["rustfmt.toml", ".rustfmt.toml"]);
    for change in &answer.changes {
        let path = answer.top_level.join(&change.path);
        match path.file_name() {
            Some(name) if name == "Cargo.toml" || name.ends_with(".rs") => {
                let exists = change.status != ChangeStatus::Deleted;
                found.extend(layout.owner(&path).filter(|_| exists));
            }
            _ => {}
        }
    }
    for (unit, _) in answer.affected.units() {
        // A source can lie outside its package, and a package can be assumed to be changed.
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

/// Distributes items to machines: the heaviest item first, each to the machine with the smallest
/// total weight. Items of equal weight keep their order. Returns the total weight and the items of
/// each machine.
pub(crate) fn spread<T: Ord>(mut things: Vec<(u64, T)>, machines: usize) -> Vec<(u64, Vec<T>)> {
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
