//! The selection of `run-affected`: the affected packages, and the packages that keep the features
//! of dependencies. Without the latter, cargo would build dependencies with other features than for
//! the whole workspace.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Result, anyhow};
use xtask_impact::process::Runner;
use xtask_impact::query::Answer;
use xtask_impact::resolve_diff::bound::is_as_in_whole;
use xtask_impact::resolve_diff::remembered::Remembered;
use xtask_impact::resolve_diff::selection::{
    ExtraPackage, FeaturePreserver, Preserved, UnitGraphQuery,
};
use xtask_impact::state;
use xtask_impact::unit_graph::UnitIx;
use xtask_impact::workspace::{Declared, PackageIx, Workspace};

use crate::selection::{
    Partition, Selection, Tool, ToolOptions, configuration_args, keeps_features, spread,
    whole_workspace,
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
    keeper: OnceCell<Result<FeaturePreserver<'a>>>,
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
            keeper: OnceCell::new(),
        }
    }

    /// Returns the selection of everything that is affected.
    pub(crate) fn all(&self) -> Noted {
        self.keep(Selection::new(
            self.answer,
            self.tool,
            &self.options.left_out.all(),
        ))
    }

    /// Returns one machine's part of the tests. The part depends on the change alone.
    ///
    /// # Errors
    /// Returns an error if cargo does not tell which tests belong together.
    pub(crate) fn part(&self, partition: Partition) -> Result<Noted> {
        let alike = |_| 1;
        let place = partition.slice - 1;
        Ok(match self.tool {
            Tool::Nextest => self.keep(self.binaries(partition.of, &alike).swap_remove(place).1),
            _ => self.groups(partition.of, &alike)?.swap_remove(place).1,
        })
    }

    /// Returns the parts of `of` machines, each with its weight. Empty parts are left out.
    ///
    /// # Errors
    /// Returns the errors of [`Selector::part`].
    pub(crate) fn parts(&self, of: usize, weight: &Weight<'_>) -> Result<Vec<(u64, Noted)>> {
        let kept = |parts: Vec<(u64, Selection)>| {
            let parts = parts.into_iter();
            parts.map(|(load, part)| (load, self.keep(part))).collect()
        };
        let mut parts: Vec<_> = match self.tool {
            Tool::Test => self.groups(of, weight)?,
            Tool::Nextest => kept(self.binaries(of, weight)),
            _ => kept(self.packages(of, weight)),
        };
        parts.retain(|(_, (part, _))| !part.is_empty());
        Ok(parts)
    }

    /// Adds the packages that keep the features of the selection's dependencies.
    pub(crate) fn keep(&self, selection: Selection) -> Noted {
        let (answer, tool) = (self.answer, self.tool);
        let workspace = &answer.workspace;
        if selection.is_empty() || tool == Tool::Fmt {
            return (selection, Vec::new());
        }
        let ids = ids(workspace, &selection.packages);
        if ids == self.members() {
            return (selection, Vec::new());
        }
        let because = match self.kept(&selection.packages, &ids) {
            Ok(Preserved::With(added)) => {
                let notes = added.iter().map(|added| note(workspace, added)).collect();
                return (
                    selection.with(answer, tool, places(workspace, &added)),
                    notes,
                );
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
        (selection.whole(answer, tool), vec![note])
    }

    /// Returns the packages that keep the features of these packages. If the manifests show that
    /// none is needed, cargo is not asked. Cargo's answer is cached.
    fn kept(&self, packages: &BTreeSet<PackageIx>, ids: &BTreeSet<String>) -> Result<Preserved> {
        if self.are_kept(packages) {
            return Ok(Preserved::With(Vec::new()));
        }
        let ids_in_order: Vec<String> = ids.iter().cloned().collect();
        let question = [&self.command()[..], &self.whole(), &ids_in_order];
        let remembered = Remembered::of(&self.answer.workspace, &question);
        if let Some(kept) = remembered.as_ref().and_then(Remembered::read) {
            return Ok(kept);
        }
        let kept = self.keeper()?.keep(ids)?;
        if let Some(remembered) = remembered {
            remembered.write(&kept);
        }
        Ok(kept)
    }

    /// Returns true if it is certain without asking cargo that no package has to be added.
    fn are_kept(&self, packages: &BTreeSet<PackageIx>) -> bool {
        let command = self.command();
        let own = self.tool.builds_like().unwrap_or_default();
        let with_tests = own.contains(&"--all-targets");
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

    /// Returns the tests of every machine, package by package. A package is tested together with
    /// the affected packages that turn on its features, since `cargo test` runs the tests of all
    /// packages that it builds. Every machine computes all parts, so that the machines agree.
    fn groups(&self, of: usize, weight: &Weight<'_>) -> Result<Vec<(u64, Noted)>> {
        let workspace = &self.answer.workspace;
        let weights = self.weights(weight);
        let affected: BTreeSet<PackageIx> = weights.keys().copied().collect();
        let keeper = self.keeper()?;
        let mut groups: Vec<BTreeSet<PackageIx>> = Vec::new();
        let mut needs: BTreeMap<PackageIx, Vec<ExtraPackage>> = BTreeMap::new();
        for &package in &affected {
            let added = keeper.needs(&workspace.package(package).id)?;
            let mut group = places(workspace, &added);
            group.retain(|needed| affected.contains(needed));
            group.insert(package);
            // Groups that share a package are merged.
            groups.retain(|other| {
                let is_apart = other.is_disjoint(&group);
                if !is_apart {
                    group.extend(other);
                }
                is_apart
            });
            groups.push(group);
            needs.insert(package, added);
        }
        let weigh = |group: &BTreeSet<PackageIx>| group.iter().map(|it| weights[it]).sum();
        let groups = groups
            .into_iter()
            .map(|group| (weigh(&group), group))
            .collect();
        let mut selections = Vec::new();
        for (load, groups) in spread(groups, of) {
            let part: BTreeSet<PackageIx> = groups.into_iter().flatten().collect();
            let mut seen = ids(workspace, &part);
            let needed = part.iter().flat_map(|package| &needs[package]);
            let needed = needed.filter(|added| seen.insert(added.package.clone()));
            let added: Vec<ExtraPackage> = needed.cloned().collect();
            let notes = added.iter().map(|added| note(workspace, added)).collect();
            let beside = places(workspace, &added);
            let all = ids(workspace, &part.union(&beside).copied().collect());
            if !all.is_empty() && keeper.keep(&all)? != Preserved::With(Vec::new()) {
                return Ok(self.together(&affected, of, weights.values().sum()));
            }
            let selection = self.of_packages(&part).with(self.answer, self.tool, beside);
            selections.push((load, (selection, notes)));
        }
        Ok(selections)
    }

    /// Returns parts with all tests on the first machine.
    fn together(
        &self,
        affected: &BTreeSet<PackageIx>,
        of: usize,
        weight: u64,
    ) -> Vec<(u64, Noted)> {
        let note = "the first slice has all tests, because parts would build dependencies with \
                    other features; nextest can split them";
        let note = vec![note.to_owned()];
        let all = self.of_packages(affected).whole(self.answer, self.tool);
        let mut parts = vec![(0, (Selection::default(), note.clone())); of];
        parts[0] = (weight, (all, note));
        parts
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

    fn whole(&self) -> Vec<String> {
        whole_workspace(&self.answer.workspace, &self.options.left_out.excluded)
    }

    fn keeper(&self) -> Result<&FeaturePreserver<'a>> {
        let make = || {
            let workspace = &self.answer.workspace;
            let asker = UnitGraphQuery {
                runner: self.runner,
                cache: state::in_target(&workspace.target_directory).join("rustc"),
                command: self.command(),
                members: self.members(),
                whole: self.whole(),
            };
            FeaturePreserver::new(asker)
        };
        let keeper = self.keeper.get_or_init(make).as_ref();
        keeper.map_err(|error| anyhow!("{error:#}"))
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
        "{} is selected too: without it, {} would be built without {}",
        name(&added.package),
        name(&added.keeps),
        features.join(", "),
    )
}
