//! The one question behind every command: what does this change affect? From plain values to the
//! answer, in the order of the flow: change set, graph, seeds, affected units.

mod compilers;
mod kept_facts;
mod unused;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::changes::{Ahead, Asked, ChangeSet, Outside};
use crate::graph::{Unit, UnitGraph, UnitIx, Verb};
use crate::impact::changed::ChangedPaths;
use crate::impact::checkouts::{self, Shared};
use crate::impact::layout::Layout;
use crate::impact::records::{Ground, RecordId, Records};
use crate::impact::resolved::Causes;
use crate::impact::rules::Rules;
use crate::impact::seeds::{Inputs, Resolution};
use crate::impact::settings::{Contents, Setting, Settings};
use crate::impact::variants::Variants;
use crate::impact::{self, Affected, Rule, Seed};
use crate::process::Runner;
use crate::quote;
use crate::repo::cargo_config::CargoConfig;
use crate::repo::git::Change;
use crate::repo::{build_dir, files, resolved};
use crate::resolution;
use crate::usage;
use crate::workspace::{TargetKind, Workspace};
use kept_facts::KeptFacts;
pub use unused::UnusedPaths;
use unused::Uses;

/// Which workspace, which change, and what is going to be run.
pub struct Question {
    /// Where and how programs are started.
    pub runner: Runner,
    /// The workspace that is asked about.
    pub workspace: Workspace,
    /// The change.
    pub asked: Asked,
    /// What is going to be run.
    pub verb: Verb,
    /// Which records of builds the answer may rest on.
    pub evidence: Evidence,
    /// The profile that is going to be built, where it is not the verb's own.
    pub profile: Option<String>,
    /// The target triples that were asked for beside what cargo's configuration says.
    pub targets: Vec<String>,
    /// Whether to find everything anew, and to keep nothing.
    pub no_cache: bool,
    /// Whether cargo may download what a side of the change needs.
    pub network: bool,
    /// What was begun before the workspace was known.
    pub ahead: Option<Ahead>,
    /// Takes the named paths that the workspace does not use, where several workspaces are asked;
    /// without it, such a path is an error.
    pub unused: Option<UnusedPaths>,
}

/// Which records of builds an answer may rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Those in the build directory; those of the profile directory of this name decide what is
    /// left out.
    Records(String),
    /// None: as on a fresh clone.
    Sources,
}

/// The answer, with all that it rests on.
pub struct Answer {
    /// The workspace that was asked about.
    pub workspace: Workspace,
    /// Its unit graph under the verb.
    pub graph: UnitGraph,
    /// What is going to be run.
    pub verb: Verb,
    /// What was compared, in words.
    pub compared: String,
    /// The top level that changed paths are relative to, without symbolic links.
    pub top_level: Utf8PathBuf,
    /// The paths that differ.
    pub changes: Vec<Change>,
    /// The units that the change reaches.
    pub affected: Affected,
    /// Records of affected units that the change does not touch: those of others that cargo builds
    /// of the same target.
    pub untouched: HashSet<RecordId>,
    /// How many compiled units of path packages have a record of a build of this kind, and how many
    /// there are.
    pub recorded: (usize, usize),
    /// The profile directories in which another checkout builds, too; `None` if no record was read.
    pub shared: Option<Vec<Shared>>,
    /// What the reader should know about how the answer was found.
    pub notes: Vec<String>,
}

impl Question {
    /// What a change means to what the verb builds by itself, by all evidence that there is.
    pub fn new(runner: Runner, workspace: Workspace, asked: Asked, verb: Verb) -> Self {
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

    /// The same in another profile.
    #[must_use]
    pub fn in_profile(self, profile: &str) -> Self {
        Self {
            evidence: Evidence::Records(build_dir::directory_of(profile).to_owned()),
            profile: (!["dev", "test"].contains(&profile)).then(|| profile.to_owned()),
            ..self
        }
    }

    /// Answers.
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
        let compare = || Ahead::compare(&self.runner, &root, asked.compare.as_ref());
        let mut ahead = started.unwrap_or_else(compare);
        let graph = UnitGraph::new(workspace, self.verb);
        let rules = Rules::new(workspace)?;
        let layout = Layout::new(workspace);
        let settings = Settings::new(workspace);
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
            &Outside {
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
        let ground = Ground {
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
        let inputs = Inputs {
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
        seeds.extend(impact::seeds::find(&inputs, outsides));
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
        // What was found without these files is told of once more, and so is that.
        if skipped.is_empty() {
            kept_facts.write(&facts.into_inner());
        }

        let by_records = match resolution {
            Resolution::Unknown(_) => &[],
            _ => &*seeds,
        };
        let variants = Variants::new(&records, by_records);
        let is_reached = |unit| variants.are_reached(unit);
        let mut affected = impact::propagate_within(&graph, seeds, &is_reached);
        let mut untouched = variants.untouched(&affected);
        if let Resolution::Compared(compared) = &resolution {
            let changed = set.changes.iter().map(|it| &*it.path);
            let causes = Causes::new(changed, &set.top_level, &settings, &contents);
            let resolved = impact::resolved::affected(workspace, &graph, compared, &causes);
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

    /// The units that are to be taken as changed, and what was asked for in words.
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

    /// What cargo resolves differently, where a change of meaning could make it do so.
    fn resolution(
        &self,
        set: &ChangeSet,
        settings: &Settings,
        contents: &HashMap<Utf8PathBuf, Contents>,
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
        let question = resolution::Question {
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

/// Returns the note on a source that was not read.
fn skipped_note(path: &Utf8Path, why: &str) -> String {
    let path = quote::name(path);
    format!("{path} was not read, so more is selected than may be needed: {why}")
}

/// Returns the package that a specification of units names.
pub fn package_of(spec: &str) -> &str {
    split(spec).0
}

/// The part of a specification that follows the package.
enum Named<'a> {
    /// Every unit of the package.
    All,
    /// `:TARGET` or `:KIND`: every unit of a target or of a kind of target.
    Target(&'a str),
    /// ` lib test`: a unit as the output names it.
    Unit(&'a str),
}

fn split(spec: &str) -> (&str, Named<'_>) {
    // A package id holds colons of its own, but none after its last `/`.
    let by_colon = spec.rsplit_once(':');
    let is_target = |(package, target): &(&str, &str)| {
        !target.contains('/') && !package.contains(char::is_whitespace)
    };
    if let Some((package, target)) = by_colon.filter(is_target) {
        return (package, Named::Target(target.trim()));
    }
    match spec.trim().split_once(char::is_whitespace) {
        Some((package, unit)) => (package, Named::Unit(unit.trim())),
        None => (spec, Named::All),
    }
}

/// Returns the units that a specification names: `PACKAGE`, `PACKAGE:TARGET`, `PACKAGE:KIND` or a
/// unit as the output names it, such as `network lib test`.
///
/// # Errors
/// When there is no such package, or it has no such target.
pub fn units_named(workspace: &Workspace, graph: &UnitGraph, spec: &str) -> Result<Vec<UnitIx>> {
    let (package, named) = split(spec);
    let package = workspace.find(package)?;
    let is_named = |&unit: &UnitIx| {
        let unit = graph.unit(unit);
        match named {
            Named::All => true,
            Named::Unit(label) => unit.label() == label,
            Named::Target(name) => {
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
        let (Named::Target(asked) | Named::Unit(asked)) = named else {
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

/// Whether a unit's target is of the kind with this name.
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
