//! The selection of `run-affected`: the affected packages, alone or together with packages that keep
//! the features of dependencies. Alone, the affected packages may be built with other features than
//! in the whole workspace.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Result, anyhow};
use camino::Utf8PathBuf;
use xtask_impact::process::Runner;
use xtask_impact::query::Answer;
use xtask_impact::resolve_diff::bound::is_as_in_whole;
use xtask_impact::resolve_diff::cached_answer::CachedAnswer;
use xtask_impact::resolve_diff::selection::{
    ExtraPackage, FeaturePreserver, Preserved, UnitGraphQuery,
};
use xtask_impact::state;
use xtask_impact::unit_graph::UnitIx;
use xtask_impact::workspace::{Declared, PackageIx, Workspace};

use crate::selection::estimate::Estimator;
use crate::selection::unification::{Candidate, FeatureUnification, Features, cheapest};
use crate::selection::{
    Partition, Selection, Tool, ToolOptions, configuration_args, keeps_features, spread,
    test_runner_shim, whole_workspace,
};

/// A selection with notes for the user.
pub(crate) type Noted = (Selection, Vec<String>);

/// A function that returns the cost of a unit.
pub(crate) type Weight<'a> = dyn Fn(UnitIx) -> u64 + 'a;

/// Selects from an answer the packages and targets to run a command on.
pub(crate) struct Selector<'a> {
    /// The runner that starts cargo in the command's directory.
    pub runner: &'a Runner,
    /// The answer with the affected units.
    pub answer: &'a Answer,
    /// The command.
    pub tool: Tool,
    /// The options that the user gave.
    pub options: &'a ToolOptions<'a>,
    preserver: OnceCell<Result<FeaturePreserver<'a>>>,
}

impl<'a> Selector<'a> {
    /// Returns the selector of a command that runs in the runner's directory.
    pub(crate) fn new(
        runner: &'a Runner,
        answer: &'a Answer,
        tool: Tool,
        options: &'a ToolOptions<'a>,
    ) -> Self {
        Self {
            runner,
            answer,
            tool,
            options,
            preserver: OnceCell::new(),
        }
    }

    /// Returns the selection of everything that is affected.
    pub(crate) fn all(&self) -> Noted {
        self.choose(Selection::new(
            self.answer,
            self.tool,
            &self.options.left_out.all(),
        ))
    }

    /// Returns one machine's part of the tests. The tests of a part depend on the change alone; the
    /// packages that are built with them depend on the machine's target directory.
    pub(crate) fn part(&self, partition: Partition) -> Noted {
        let parts = self.split(partition.of, &|_| 1).into_iter();
        let part = parts.map(|(_, part)| part).nth(partition.slice - 1);
        self.choose(part.unwrap_or_default())
    }

    /// Returns the parts of `of` machines, each with its weight and its number from 1. Empty parts
    /// are left out.
    pub(crate) fn parts(&self, of: usize, weight: &Weight<'_>) -> Vec<(usize, u64, Noted)> {
        let parts = (1..).zip(self.split(of, weight));
        let parts = parts.filter(|(_, (_, part))| !part.is_empty());
        parts
            .map(|(slice, (load, part))| (slice, load, self.choose(part)))
            .collect()
    }

    /// Returns the number of things that can be spread over machines, with their name. Nextest
    /// spreads test binaries, the other tools packages.
    pub(crate) fn splittable(&self) -> (usize, &'static str) {
        match self.tool {
            Tool::Nextest => {
                let left_out = self.options.left_out.all();
                let units = Selection::units(self.answer, self.tool, &left_out);
                (units.len(), "test target")
            }
            _ => (self.weights(&|_| 1).len(), "package"),
        }
    }

    /// Splits the affected tests or packages, without regard to features.
    fn split(&self, of: usize, weight: &Weight<'_>) -> Vec<(u64, Selection)> {
        match self.tool {
            Tool::Nextest => self.binaries(of, weight),
            _ => self.packages(of, weight),
        }
    }

    /// Chooses the features that a selection is built with, and adds the packages that it takes.
    pub(crate) fn choose(&self, selection: Selection) -> Noted {
        let is_logged = log::log_enabled!(log::Level::Info) && !selection.is_empty();
        let asked = is_logged.then(|| selection.clone());
        let noted = self.chosen(selection);
        if let Some(asked) = asked.filter(|_| self.tool != Tool::Fmt) {
            self.log_estimates(&asked, &noted.0);
        }
        noted
    }

    /// Logs the numbers of units that cargo compiles for the whole workspace, for the selected
    /// packages alone, and for the chosen selection.
    fn log_estimates(&self, asked: &Selection, chosen: &Selection) {
        let whole = asked.clone().whole(self.answer, self.tool);
        let changed = self.changed();
        let estimates = || -> Result<[usize; 3]> {
            let estimator = Estimator::new(self, &changed)?;
            let mut units = [0; 3];
            for (units, selection) in units.iter_mut().zip([&whole, asked, chosen]) {
                *units = estimator.of(selection)?.units;
            }
            Ok(units)
        };
        match estimates() {
            Ok([whole, alone, chosen]) => log::info!(
                "units to compile: {whole} for the whole workspace, {alone} for the selected \
                 packages alone, {chosen} for the chosen selection"
            ),
            Err(error) => log::info!("units to compile: not known: {error:#}"),
        }
    }

    /// Returns the absolute paths of the changed files.
    fn changed(&self) -> Vec<Utf8PathBuf> {
        let changes = self.answer.changes.iter();
        changes
            .map(|it| self.answer.top_level.join(&it.path))
            .collect()
    }

    fn chosen(&self, selection: Selection) -> Noted {
        let tool = self.tool;
        let ids = ids(&self.answer.workspace, &selection.packages);
        let unification = self.options.unification;
        if selection.is_empty()
            || tool == Tool::Fmt
            || ids == self.members()
            || unification == FeatureUnification::Selected
        {
            return (selection, Vec::new());
        }
        let as_in_whole = self.as_in_whole(&selection, &ids);
        let runner = test_runner_shim::configured_runner(self.runner, self.options.forwarded);
        let runner = runner.filter(|_| matches!(tool, Tool::Test | Tool::Bench));
        if let Some(runner) = runner {
            let needs_others = as_in_whole
                .as_ref()
                .is_some_and(|(_, (kept, _))| !kept.beside.is_empty());
            let note = format!(
                "only the selected packages are built, with their own features: {runner} replaces \
                 the test runner with which the kit would skip the tests of other packages"
            );
            return (
                selection,
                needs_others.then_some(note).into_iter().collect(),
            );
        }
        match unification {
            FeatureUnification::Cheapest => self.cheapest(selection, as_in_whole),
            _ => as_in_whole.map_or((selection, Vec::new()), |(_, noted)| noted),
        }
    }

    /// Returns the selection that keeps the features of the whole workspace. Returns `None` if the
    /// selected packages alone keep the features.
    fn as_in_whole(
        &self,
        selection: &Selection,
        ids: &BTreeSet<String>,
    ) -> Option<(Features, Noted)> {
        let (answer, tool) = (self.answer, self.tool);
        let workspace = &answer.workspace;
        let because = match self.kept(&selection.packages, ids) {
            Ok(Preserved::With(added)) if added.is_empty() => return None,
            Ok(Preserved::With(added)) => {
                let notes = added.iter().map(|added| note(workspace, added)).collect();
                let with = places(workspace, &added);
                let kept = selection.clone().with(answer, tool, with);
                return Some((Features::Kept, (kept, notes)));
            }
            Ok(Preserved::ByCargo) => {
                let unified = Selection {
                    unified: true,
                    ..selection.clone()
                };
                return Some((Features::Kept, (unified, Vec::new())));
            }
            Ok(Preserved::Whole) => {
                "a selection of fewer packages would build dependencies with other features"
                    .to_owned()
            }
            Err(error) => {
                format!("the features of a build of fewer packages are unknown: {error:#}")
            }
        };
        let note = format!("the whole workspace is selected: {because}");
        let whole = selection.clone().whole(answer, tool);
        Some((Features::Whole, (whole, vec![note])))
    }

    /// Returns the selection for which cargo compiles the fewest units: the selected packages alone,
    /// with the packages that keep the features, or with all packages.
    fn cheapest(&self, selection: Selection, as_in_whole: Option<(Features, Noted)>) -> Noted {
        let fallback = || {
            let whole = as_in_whole.clone();
            whole.map_or((selection.clone(), Vec::new()), |(_, noted)| noted)
        };
        match self.candidates(&selection, as_in_whole.clone()) {
            Ok(candidates) => {
                let (chosen, notes) = cheapest(candidates).unwrap_or_else(fallback);
                // The usual case: fewer packages, with the same features, need fewer units.
                let is_usual = as_in_whole.is_none() && !chosen.whole;
                (chosen, if is_usual { Vec::new() } else { notes })
            }
            Err(error) => {
                let (selection, mut notes) = fallback();
                notes.push(format!("the units to compile are unknown: {error:#}"));
                (selection, notes)
            }
        }
    }

    /// Returns the ways to build a selection, each with its estimate. Of equal ways, the better way
    /// comes first: features as in the whole workspace, then fewer packages.
    fn candidates(
        &self,
        selection: &Selection,
        as_in_whole: Option<(Features, Noted)>,
    ) -> Result<Vec<Candidate>> {
        let answer = self.answer;
        if as_in_whole.is_none() && matches!(self.tool, Tool::Check | Tool::Clippy) {
            // A check of all packages has every unit of a check of fewer packages. In a build this is
            // not certain: a library that another package uses on the host is compiled once for both.
            return Ok(Vec::new());
        }
        let changed = self.changed();
        let estimator = Estimator::new(self, &changed)?;
        let selected = (Features::Selected, (selection.clone(), Vec::new()));
        if as_in_whole.is_none() && estimator.is_unbuilt() {
            // Fewer packages need no more units than all packages, if nothing is built.
            return Ok(Vec::new());
        }
        let mut ways = vec![selected];
        match as_in_whole {
            Some((Features::Whole, noted)) => ways.push((Features::Whole, noted)),
            kept => {
                // All packages have the units of fewer packages. Only where units are built already
                // can a build of all packages need fewer.
                if !estimator.is_unbuilt() {
                    let whole = selection.clone().whole(answer, self.tool);
                    ways.push((Features::Whole, (whole, Vec::new())));
                }
                if let Some(kept) = kept {
                    ways.insert(0, kept);
                }
            }
        }
        let ways = ways.into_iter().map(|(features, noted)| {
            Ok(Candidate {
                features,
                estimate: estimator.of(&noted.0)?,
                noted,
            })
        });
        ways.collect()
    }

    /// Returns the packages that keep the features of these packages. If the manifests show that
    /// none is needed, cargo is not asked. Cargo's answer is cached.
    fn kept(&self, packages: &BTreeSet<PackageIx>, ids: &BTreeSet<String>) -> Result<Preserved> {
        if self.are_kept(packages) {
            return Ok(Preserved::With(Vec::new()));
        }
        let ids_in_order: Vec<String> = ids.iter().cloned().collect();
        let question = [&self.command()[..], &self.whole(), &ids_in_order];
        let cached_answer = CachedAnswer::of(&self.answer.workspace, &question);
        if let Some(kept) = cached_answer.as_ref().and_then(CachedAnswer::read) {
            return Ok(kept);
        }
        let kept = self.preserver()?.keep(ids)?;
        if let Some(cached_answer) = cached_answer {
            cached_answer.write(&kept);
        }
        Ok(kept)
    }

    /// Returns true if it is certain without asking cargo that no package has to be added.
    fn are_kept(&self, packages: &BTreeSet<PackageIx>) -> bool {
        let command = self.command();
        let own = self.tool.builds_like().unwrap_or_default();
        let with_tests = !own.contains(&"doc");
        let workspace = &self.answer.workspace;
        keeps_features(&command[own.len()..])
            && Declared::read(workspace)
                .is_some_and(|declared| is_as_in_whole(workspace, &declared, packages, with_tests))
    }

    /// Returns the test binaries of every machine.
    fn binaries(&self, of: usize, weight: &Weight<'_>) -> Vec<(u64, Selection)> {
        let units = Selection::units(self.answer, self.tool, &self.options.left_out.all());
        let units = units.into_iter().map(|unit| (weight(unit), unit)).collect();
        let parts = spread(units, of).into_iter();
        parts
            .map(|(load, units)| (load, Selection::of_binaries(self.answer, &units)))
            .collect()
    }

    /// Returns the packages of every machine, for a command that may build the same unit on several
    /// machines.
    fn packages(&self, of: usize, weight: &Weight<'_>) -> Vec<(u64, Selection)> {
        let weights = self.weights(weight);
        let packages = weights
            .into_iter()
            .map(|(package, weight)| (weight, package));
        let parts = spread(packages.collect(), of).into_iter();
        parts
            .map(|(load, part)| (load, self.of_packages(&part.into_iter().collect())))
            .collect()
    }

    fn of_packages(&self, packages: &BTreeSet<PackageIx>) -> Selection {
        Selection::of_packages(self.answer, self.tool, packages)
    }

    /// Returns the weight of every affected package.
    fn weights(&self, weight: &Weight<'_>) -> BTreeMap<PackageIx, u64> {
        let mut weights: BTreeMap<PackageIx, u64> = BTreeMap::new();
        for unit in Selection::units(self.answer, self.tool, &self.options.left_out.all()) {
            let package = self.answer.graph.unit(unit).package;
            *weights.entry(package).or_default() += weight(unit);
        }
        weights
    }

    /// Returns cargo's ids of all packages that can be selected.
    fn members(&self) -> BTreeSet<String> {
        let members = self.answer.workspace.members().map(|(member, _)| member);
        let members = members.filter(|member| !self.options.left_out.excluded.contains(member));
        ids(&self.answer.workspace, &members.collect())
    }

    /// Returns the cargo command that builds with the same features.
    fn command(&self) -> Vec<String> {
        let command = self.tool.builds_like().unwrap_or_default().iter();
        let mut command: Vec<String> = command.map(|&word| word.to_owned()).collect();
        for arguments in [&self.options.given[..], self.options.forwarded] {
            command.extend(configuration_args(self.tool, arguments));
        }
        command
    }

    /// Returns the directory in which cargo caches what rustc prints with unstable options.
    pub(crate) fn compiler_cache(&self) -> Utf8PathBuf {
        let workspace = &self.answer.workspace;
        let kept = workspace.state_directory();
        let kept = kept.unwrap_or_else(|| state::in_target(&workspace.target_directory));
        kept.join("rustc")
    }

    fn whole(&self) -> Vec<String> {
        whole_workspace(&self.answer.workspace, &self.options.left_out.excluded)
    }

    fn preserver(&self) -> Result<&FeaturePreserver<'a>> {
        let make = || {
            let query = UnitGraphQuery {
                runner: self.runner,
                cache: self.compiler_cache(),
                command: self.command(),
                members: self.members(),
                whole: self.whole(),
            };
            FeaturePreserver::new(query)
        };
        let preserver = self.preserver.get_or_init(make).as_ref();
        preserver.map_err(|error| anyhow!("{error:#}"))
    }
}

fn ids(workspace: &Workspace, packages: &BTreeSet<PackageIx>) -> BTreeSet<String> {
    let id = |package: &PackageIx| workspace.package(*package).id.clone();
    packages.iter().map(id).collect()
}

fn places(workspace: &Workspace, added: &[ExtraPackage]) -> BTreeSet<PackageIx> {
    let members: HashMap<&str, PackageIx> = workspace
        .members()
        .map(|(index, package)| (package.id.as_str(), index))
        .collect();
    let place = |added: &ExtraPackage| members.get(added.package.as_str()).copied();
    added.iter().filter_map(place).collect()
}

fn note(workspace: &Workspace, added: &ExtraPackage) -> String {
    let name = |id: &str| {
        let known = workspace.packages().find(|(_, package)| package.id == id);
        known.map_or_else(|| id.to_owned(), |(_, package)| package.name.clone())
    };
    let mut features = added.features.iter().take(4).cloned().collect::<Vec<_>>();
    features.extend((added.features.len() > 4).then(|| "…".to_owned()));
    format!(
        "{} is also selected, because it turns on features of {}: {}",
        name(&added.package),
        name(&added.keeps),
        features.join(", "),
    )
}
