//! What `run-affected` selects: the affected packages, and those without which cargo would build
//! their dependencies with other features than for the whole workspace.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;

use crate::action::run::{
    Options, Partition, Selection, Tool, slices, that_configure, whole_workspace,
};
use crate::process::Runner;
use crate::question::Answer;
use crate::resolution::selection::{Added, Asker, Keeper, Kept};
use crate::workspace::{PackageIx, Workspace};

/// A selection, and what the reader should know of it.
pub type Noted = (Selection, Vec<String>);

/// Selects what is affected, or one machine's part of it.
///
/// # Errors
/// Where cargo cannot be started.
pub fn select(
    runner: &Runner,
    answer: &Answer,
    tool: Tool,
    partition: Option<Partition>,
    options: &Options<'_>,
) -> Result<Noted> {
    let selection = match (partition, tool) {
        (Some(partition), Tool::Nextest) => {
            Selection::slice_of_binaries(answer, options.excluded, partition)
        }
        _ => Selection::new(answer, tool, options.excluded),
    };
    keeping_features(runner, answer, tool, selection, partition, options)
}

/// The same for a selection that was made otherwise.
///
/// # Errors
/// Where cargo cannot be started.
pub fn keeping_features(
    runner: &Runner,
    answer: &Answer,
    tool: Tool,
    selection: Selection,
    partition: Option<Partition>,
    options: &Options<'_>,
) -> Result<Noted> {
    let workspace = &answer.workspace;
    let ids = ids(workspace, &selection.packages);
    let Some(command) = tool.builds_like().filter(|_| !selection.is_empty()) else {
        return Ok((selection, Vec::new()));
    };
    let is_sliced = partition.is_some() && tool != Tool::Nextest;
    let members = workspace.members().map(|(member, _)| member);
    let members = members.filter(|member| !options.excluded.contains(member));
    let members = self::ids(workspace, &members.collect());
    if ids == members && !is_sliced {
        return Ok((selection, Vec::new()));
    }
    let mut command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
    command.extend(that_configure(&options.given));
    command.extend(that_configure(options.forwarded));
    let cache = workspace.target_directory.join("xtask/rustc");
    let keeper = Keeper::new(Asker {
        runner,
        cache: &cache,
        command,
        members,
        whole: whole_workspace(workspace, options.excluded),
    });
    let kept = match (&keeper, partition) {
        (Ok(keeper), Some(partition)) if is_sliced => {
            return slice(answer, keeper, &selection.packages, partition);
        }
        (Ok(keeper), _) => keeper.keep(&ids),
        (Err(error), _) => Err(anyhow::anyhow!("{error:#}")),
    };
    let because = match kept {
        Ok(Kept::With(added)) => {
            let notes = added.iter().map(|added| note(workspace, added)).collect();
            return Ok((
                selection.with(answer, tool, places(workspace, &added)),
                notes,
            ));
        }
        Ok(Kept::Whole) => "with fewer packages, dependencies would be built with other features",
        Err(error) => &*format!(
            "cargo does not tell which features fewer packages would be built with: {error:#}"
        ),
    };
    let note = format!("the whole workspace is selected: {because}");
    Ok((selection.whole(answer, tool), vec![note]))
}

/// One machine's part of the affected packages. A package whose features another affected one
/// turns on has to be tested together with it, since `cargo test` runs the tests of all that it
/// builds. Every machine works all parts out, so that they agree.
fn slice(
    answer: &Answer,
    keeper: &Keeper<'_>,
    affected: &BTreeSet<PackageIx>,
    partition: Partition,
) -> Result<Noted> {
    let workspace = &answer.workspace;
    let mut groups: Vec<BTreeSet<PackageIx>> = Vec::new();
    let mut needs: BTreeMap<PackageIx, Vec<Added>> = BTreeMap::new();
    for &package in affected {
        let added = keeper.needs(&workspace.package(package).id)?;
        let mut group = places(workspace, &added);
        group.retain(|needed| affected.contains(needed));
        group.insert(package);
        // Whoever shares a package with this group is of the group.
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
    let beside = |packages: &BTreeSet<PackageIx>| -> Vec<Added> {
        let mut seen = BTreeSet::new();
        let needed = packages.iter().flat_map(|package| &needs[package]);
        let outside = |added: &&Added| {
            let places = places(workspace, std::slice::from_ref(*added));
            places.is_disjoint(packages) && seen.insert(added.package.clone())
        };
        needed.filter(outside).cloned().collect()
    };
    let parts = slices(answer, groups, partition.of);
    let mut keeps_features = true;
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let beside = places(workspace, &beside(part));
        let all: BTreeSet<_> = part.union(&beside).copied().collect();
        keeps_features &= keeper.keep(&ids(workspace, &all))? == Kept::With(Vec::new());
    }
    if !keeps_features {
        let note = "the first slice has all tests: in parts, dependencies would be built with \
                    other features; `run-affected nextest` splits them";
        let selection = match partition.slice {
            1 => Selection::of_packages(answer, Tool::Test, affected).whole(answer, Tool::Test),
            _ => Selection::default(),
        };
        return Ok((selection, vec![note.to_owned()]));
    }
    let part = &parts[partition.slice - 1];
    let added = beside(part);
    let notes = added.iter().map(|added| note(workspace, added)).collect();
    let selection = Selection::of_packages(answer, Tool::Test, part);
    Ok((
        selection.with(answer, Tool::Test, places(workspace, &added)),
        notes,
    ))
}

fn ids(workspace: &Workspace, packages: &BTreeSet<PackageIx>) -> BTreeSet<String> {
    let id = |package: &PackageIx| workspace.package(*package).id.clone();
    packages.iter().map(id).collect()
}

fn places(workspace: &Workspace, added: &[Added]) -> BTreeSet<PackageIx> {
    let members: HashMap<&str, PackageIx> = workspace
        .members()
        .map(|(index, package)| (package.id.as_str(), index))
        .collect();
    let place = |added: &Added| members.get(added.package.as_str()).copied();
    added.iter().filter_map(place).collect()
}

fn note(workspace: &Workspace, added: &Added) -> String {
    let name = |id: &str| {
        let known = workspace.packages().find(|(_, package)| package.id == id);
        known.map_or_else(|| id.to_owned(), |(_, package)| package.name.clone())
    };
    let mut features = added.features.iter().take(4).cloned().collect::<Vec<_>>();
    features.extend((added.features.len() > 4).then(|| "…".to_owned()));
    format!(
        "{} is selected too: without it {} would be built without {}",
        name(&added.package),
        name(&added.keeps),
        features.join(", "),
    )
}
