//! Answers the question behind every command: which units does a change affect? The steps follow
//! the flow: change set, unit graph, seeds, affected units.

mod compilers;
mod scan_cache;
mod unused;

use crate::seeds;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::cargo_config::CargoConfig;
use crate::change_set::{ChangeRequest, ChangeSet, OutsidePackages, Prefetch};
use crate::paths::resolved;
use crate::process::Runner;
use crate::propagate;
use crate::propagate::Affected;
use crate::propagate::resolved::Causes;
use crate::propagate::variants::Variants;
use crate::quote;
use crate::records::changed::ChangedPaths;
use crate::records::checkouts;
use crate::records::checkouts::Shared;
use crate::records::layout::PackageDirectories;
use crate::records::{QueryContext, RecordId, Records};
use crate::resolve_diff;
use crate::seeds::rules::Rules;
use crate::seeds::settings::{BothSides, Setting, SettingFiles};
use crate::seeds::{Resolution, SeedInputs};
use crate::seeds::{Rule, Seed};
use crate::unit_graph::{Unit, UnitGraph, UnitIx, Verb};
use crate::usage;
use crate::vcs::Change;
use crate::workspace::{TargetKind, Workspace};
use crate::{build_dir, files};
use scan_cache::KeptFacts;
pub use unused::UnusedPaths;
use unused::Uses;

/// A query: the workspace, the change, and the verb that will be run.
pub struct Query {
    /// The runner that starts git and cargo.
    pub runner: Runner,
    /// The workspace.
    pub workspace: Workspace,
    /// The change, as the user requested it.
    pub asked: ChangeRequest,
    /// The verb that will be run after the change.
    pub verb: Verb,
    /// The records that the answer may use.
    pub evidence: Evidence,
    /// The profile that will be built; `None` for the default profile of the verb.
    pub profile: Option<String>,
    /// The target triples of `--target`, in addition to those of cargo's configuration.
    pub targets: Vec<String>,
    /// True to skip the cache: nothing is read from the cache or written to the cache.
    pub no_cache: bool,
    /// True if cargo may download packages that a side of the change needs.
    pub network: bool,
    /// Work that was started before the workspace was loaded.
    pub ahead: Option<Prefetch>,
    /// Takes the named paths that the workspace does not use, where several workspaces are asked;
    /// without it, such a path is an error.
    pub unused: Option<UnusedPaths>,
}

/// The records of builds that an answer may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The records in the build directory. Only records of the profile directory with this name can
    /// be the reason to leave a unit out.
    Records(String),
    /// No records, as on a fresh clone.
    Sources,
}

/// The answer to a query, with the data that the answer was derived from.
pub struct Answer {
    /// The workspace.
    pub workspace: Workspace,
    /// The unit graph of the workspace under the verb.
    pub graph: UnitGraph,
    /// The verb that will be run after the change.
    pub verb: Verb,
    /// A description of what was compared, in words.
    pub compared: String,
    /// The canonical path of the top level that changed paths are relative to.
    pub top_level: Utf8PathBuf,
    /// The paths that differ.
    pub changes: Vec<Change>,
    /// The units that the change affects.
    pub affected: Affected,
    /// The records of affected units that the change does not touch. They belong to other variants
    /// of the same target.
    pub untouched: HashSet<RecordId>,
    /// The number of compiled units of path packages that have a record of a build with the queried
    /// profile, toolchain and features, and the number of all compiled units of path packages.
    pub recorded: (usize, usize),
    /// The profile directories that another checkout builds in too; `None` if no record was read.
    pub shared: Option<Vec<Shared>>,
    /// Notes for the reader about how the answer was found.
    pub notes: Vec<String>,
}

impl Query {
    /// Creates a query in the default profile of the verb. All records, the cache and the network
    /// may be used.
    pub fn new(runner: Runner, workspace: Workspace, asked: ChangeRequest, verb: Verb) -> Self {
        Self {
            runner,
            workspace,
            asked,
            verb,
            evidence: Evidence::Records("debug".to_owned()),
            profile: None,
            targets: Vec::new(),
            no_cache: false,
            network: true,
            ahead: None,
            unused: None,
        }
    }

    /// Returns the query for another profile.
    #[must_use]
    pub fn in_profile(self, profile: &str) -> Self {
        Self {
            evidence: Evidence::Records(build_dir::directory_of(profile).to_owned()),
            profile: (!["dev", "test"].contains(&profile)).then(|| profile.to_owned()),
            ..self
        }
    }

    /// Answers the query.
    ///
    /// # Errors
    /// Where git cannot compare, or a name names nothing or a path that nothing uses.
    pub fn answer(mut self) -> Result<Answer> {
        let started = self.ahead.take();
        let Self {
            workspace, asked, ..
        } = &self;
        let root = resolved(&workspace.root);
        let started = started.filter(|it| it.is_of(&root));
        let compare = || Prefetch::compare(&self.runner, &root, asked.compare.as_ref());
        let mut ahead = started.unwrap_or_else(compare);
        let graph = UnitGraph::new(workspace, self.verb);
        let rules = Rules::new(workspace)?;
        let layout = PackageDirectories::new(workspace);
        let settings = SettingFiles::new(workspace);
        let kept = (!self.no_cache).then(|| workspace.kept()).flatten();
        let own = workspace.directories();
        let read_records = |with_external| match &self.evidence {
            Evidence::Records(_) => {
                checkouts::read((workspace, &layout), &own, with_external, kept.as_deref())
            }
            Evidence::Sources => Ok(Default::default()),
        };
        let outsides = ahead.evidence();
        let (mut places, mut shared) = read_records(false)?;
        let set = ChangeSet::new(
            asked,
            ahead,
            &OutsidePackages {
                workspace,
                layout: &layout,
                places: &places,
                directory: match &self.evidence {
                    Evidence::Records(directory) => Some(directory),
                    Evidence::Sources => None,
                },
                runner: &self.runner,
            },
        )?;
        let (mut seeds, assumed) = self.assumed(&graph)?;

        let contents = set.contents(&settings)?;
        let resolution = self.resolution(&set, &settings, &contents);
        let changed: ChangedPaths = set.paths().collect();
        let with_external = set.paths().any(|path| {
            let setting = settings.of(&path);
            setting.is_some_and(|(setting, _)| setting == Setting::Configuration)
        });
        if with_external {
            (places, shared) = read_records(true)?;
        }
        let ground = QueryContext {
            workspace,
            graph: &graph,
            layout: &layout,
            changed: &changed,
        };
        let records = match &self.evidence {
            Evidence::Records(directory) => Records::new(ground, directory, with_external, &places),
            Evidence::Sources => Records::none(ground),
        };
        let kept_facts = KeptFacts::new(workspace, &set, kept.as_deref());
        let facts = RefCell::new(kept_facts.read(&set, &layout));
        let configured = || CargoConfig::of(&self.runner.in_directory(&root)).ok();
        let is_told = with_external && set.is_on_disk();
        let config = is_told.then(configured).flatten();
        let inputs = SeedInputs {
            workspace,
            graph: &graph,
            verb: self.verb,
            profile: self.profile.as_deref(),
            root: &set.top_level,
            changes: &set.changes,
            head_moved: set.head_moved(),
            targets: &self.targets,
            config: config.as_ref(),
            contents: &|path| contents.get(path).cloned().unwrap_or_default(),
            is_same_compiler: &|before, after| {
                compilers::are_same(&self.runner, &root, before, after)
            },
            resolution: &resolution,
            layout: &layout,
            records: &records,
            rules: &rules,
            settings: &settings,
            facts: &facts,
        };
        seeds.extend(seeds::find(&inputs, outsides));
        let uses = Uses {
            layout: &layout,
            settings: &settings,
            seeds: &seeds,
        };
        let unused = uses.unused(&set.named_outside);
        match &self.unused {
            Some(all) => all.add(&unused),
            None => unused::refuse(&self.runner, &unused)?,
        }
        let skipped = files::take_skipped();
        // Facts found without the skipped files are not cached, so that the next answer reports the
        // skipped files again.
        if skipped.is_empty() {
            kept_facts.write(&facts.into_inner());
        }

        let by_records = match resolution {
            Resolution::Unknown(_) => &[],
            _ => &*seeds,
        };
        let variants = Variants::new(&records, by_records);
        let is_reached = |unit| variants.are_reached(unit);
        let mut affected = propagate::propagate_within(&graph, seeds, &is_reached);
        let mut untouched = variants.untouched(&affected);
        if let Resolution::Compared(compared) = &resolution {
            let changed = set.changes.iter().map(|it| &*it.path);
            let causes = Causes::new(changed, &set.top_level, &settings, &contents);
            let resolved = propagate::resolved::affected(workspace, &graph, compared, &causes);
            untouched.retain(|unit, _| resolved.effect(*unit).is_none());
            affected = affected.or(resolved);
        }

        let compiled = graph
            .units()
            .filter(|(_, unit)| unit.is_compiled() && layout.directory(unit.package).is_some())
            .count();
        let notes = set.notes().into_iter();
        let notes = notes.chain(checkouts::note(&shared));
        let notes = notes.chain(resolution.note());
        let notes = notes.chain(skipped.iter().map(|(path, why)| skipped_note(path, why)));
        let notes = notes.collect();
        let mut in_words = [set.in_words, assumed].concat();
        if in_words.is_empty() {
            in_words.push("what was named is another workspace's".to_owned());
        }
        Ok(Answer {
            verb: self.verb,
            compared: in_words.join(", "),
            top_level: set.top_level,
            changes: set.changes,
            affected,
            untouched: untouched.into_values().flatten().collect(),
            recorded: (records.fitting(), compiled),
            shared: (self.evidence != Evidence::Sources).then_some(shared),
            notes,
            graph,
            workspace: self.workspace,
        })
    }

    /// Returns the seeds of the units that count as changed, and a description of the request in
    /// words.
    fn assumed(&self, graph: &UnitGraph) -> Result<(Vec<Seed>, Vec<String>)> {
        let mut seeds = Vec::new();
        let mut in_words = Vec::new();
        if self.asked.all {
            in_words.push("everything".to_owned());
            let because = "everything is taken as changed";
            let units = graph.units();
            seeds.extend(units.map(|(unit, _)| Seed::new(unit, Rule::Assumed, because)));
        }
        for spec in &self.asked.assumed {
            in_words.push(format!("{spec} assumed changed"));
            let because = format!("{spec} is assumed changed");
            let units = units_named(&self.workspace, graph, spec)?.into_iter();
            seeds.extend(units.map(|unit| Seed::new(unit, Rule::Assumed, &because)));
        }
        Ok((seeds, in_words))
    }

    /// Returns the differences in resolution. Cargo is asked only if a changed setting can make a
    /// difference.
    fn resolution(
        &self,
        set: &ChangeSet,
        settings: &SettingFiles,
        contents: &HashMap<Utf8PathBuf, BothSides>,
    ) -> Resolution {
        let mut changes = set.changes.iter().zip(set.paths());
        let is_resolved = changes.any(|(change, path)| {
            let both = settings.of(&path).zip(contents.get(&change.path));
            both.is_some_and(|((setting, _), contents)| setting.is_resolved(contents))
        });
        let (Some(repository), true) = (&set.repository, is_resolved) else {
            return Resolution::Unchanged;
        };
        let flag = |name: &str, value: &String| [format!("--{name}"), value.clone()];
        let profile = self.profile.iter().flat_map(|it| flag("profile", it));
        let targets = self.targets.iter().flat_map(|it| flag("target", it));
        let flags: Vec<String> = profile.chain(targets).collect();
        let question = resolve_diff::ResolveQuery {
            runner: &self.runner,
            verb: self.verb,
            flags: &flags,
            network: self.network,
        };
        let lock_file = self.workspace.lock_file.in_real_directory();
        let place = (&*self.workspace.root, &*lock_file);
        match question.compare(repository, set.range.as_ref(), place) {
            Ok(differences) => Resolution::Compared(differences),
            Err(error) => Resolution::Unknown(error.to_string()),
        }
    }
}

/// Returns the note about a source file that was not read.
fn skipped_note(path: &Utf8Path, why: &str) -> String {
    let path = quote::name(path);
    format!("{path} was not read, so more is selected than may be needed: {why}")
}

/// Returns the package part of a unit specification: `network` for `network:lib`.
pub fn package_of(spec: &str) -> &str {
    split(spec).0
}

/// The part of a unit specification after the package.
enum NamedPart<'a> {
    /// No further part: every unit of the package.
    All,
    /// `:TARGET` or `:KIND`: every unit of a target or of a kind of target.
    Target(&'a str),
    /// A unit as reports name the unit, such as ` lib test`.
    Unit(&'a str),
}

fn split(spec: &str) -> (&str, NamedPart<'_>) {
    // A package id contains colons, but none after the last `/`.
    let by_colon = spec.rsplit_once(':');
    let is_target = |(package, target): &(&str, &str)| {
        !target.contains('/') && !package.contains(char::is_whitespace)
    };
    if let Some((package, target)) = by_colon.filter(is_target) {
        return (package, NamedPart::Target(target.trim()));
    }
    match spec.trim().split_once(char::is_whitespace) {
        Some((package, unit)) => (package, NamedPart::Unit(unit.trim())),
        None => (spec, NamedPart::All),
    }
}

/// Returns the units that a specification names. A specification is `PACKAGE`, `PACKAGE:TARGET`,
/// `PACKAGE:KIND` or a unit as reports name the unit, such as `network lib test`.
///
/// # Errors
/// Returns an error if the package does not exist or has no such target.
pub fn units_named(workspace: &Workspace, graph: &UnitGraph, spec: &str) -> Result<Vec<UnitIx>> {
    let (package, named) = split(spec);
    let package = workspace.find(package)?;
    let is_named = |&unit: &UnitIx| {
        let unit = graph.unit(unit);
        match named {
            NamedPart::All => true,
            NamedPart::Unit(label) => unit.label() == label,
            NamedPart::Target(name) => {
                unit.target == name || unit.label() == name || is_of_kind(unit, name)
            }
        }
    };
    let all = graph.units_of(package).iter().copied();
    let units: Vec<UnitIx> = all.clone().filter(is_named).collect();
    if units.is_empty() {
        let name = &workspace.package(package).name;
        let mut labels: Vec<_> = all.map(|unit| graph.unit(unit).label()).collect();
        labels.dedup();
        let (NamedPart::Target(asked) | NamedPart::Unit(asked)) = named else {
            return Err(usage!("package `{name}` has no target"));
        };
        return Err(usage!(
            "package `{name}` has no target or unit `{}`\nhint: it has {}",
            quote::line(asked),
            labels.join(", ")
        ));
    }
    Ok(units)
}

/// Returns true if `name` names the kind of the unit's target.
fn is_of_kind(unit: &Unit, name: &str) -> bool {
    match name {
        "lib" => unit.kind == TargetKind::Lib,
        "bin" => unit.kind == TargetKind::Bin,
        "example" => unit.kind == TargetKind::Example,
        "test" => unit.kind == TargetKind::Test,
        "bench" => unit.kind == TargetKind::Bench,
        "build-script" | "custom-build" => unit.kind == TargetKind::CustomBuild,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
