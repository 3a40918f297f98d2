//! The one question behind every command: what does this change affect? From plain values to the
//! answer, in the order of the flow: change set, graph, seeds, affected units.

use std::cell::RefCell;
use std::collections::HashSet;

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::changes::{self, Ahead, Asked};
use crate::graph::{UnitGraph, UnitIx, Verb};
use crate::impact::changed::ChangedPaths;
use crate::impact::checkouts::{self, Shared};
use crate::impact::layout::Layout;
use crate::impact::records::{Ground, RecordId, Records};
use crate::impact::rules::Rules;
use crate::impact::seeds::{Inputs, Resolution};
use crate::impact::settings::{Setting, Settings};
use crate::impact::sources::Facts;
use crate::impact::variants::Variants;
use crate::impact::{self, Affected, Rule, Seed};
use crate::process::Runner;
use crate::repo::git::{Change, Commit, Range, Repository, Seen, State, Status};
use crate::repo::{build_dir, resolved, state};
use crate::resolution;
use crate::usage;
use crate::workspace::Workspace;

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
    /// Where git cannot compare or a name names nothing.
    pub fn answer(mut self) -> Result<Answer> {
        let started = self.ahead.take();
        let Self {
            runner,
            workspace,
            asked,
            verb,
            ..
        } = &self;
        let workspace_root = resolved(&workspace.root);
        // What cargo made of a stale lock file for a moment is no change.
        let started = started.filter(|it| !workspace.lock_is_stale && it.is_of(&workspace_root));
        let mut ahead = started
            .unwrap_or_else(|| Ahead::compare(runner, &workspace_root, asked.compare.as_ref()));
        let graph = UnitGraph::new(workspace, *verb);
        let rules = Rules::new(workspace)?;
        let layout = Layout::new(workspace);
        let kept = (!self.no_cache).then(|| state::directory(&workspace.target_directory));
        let own = workspace.directories();
        let read_records = |with_external| match &self.evidence {
            Evidence::Records(_) => {
                checkouts::read((workspace, &layout), &own, with_external, kept.as_deref())
            }
            Evidence::Sources => Ok(Default::default()),
        };
        let outsides = ahead.evidence();
        let (mut places, mut shared) = read_records(false)?;
        let (repository, compared) = ahead.compared()?;
        let root = repository
            .as_ref()
            .map_or(&*workspace_root, Repository::top_level)
            .to_owned();

        let settings = Settings::new(workspace);
        let mut words = Vec::new();
        let mut changes = Vec::new();
        let mut range = None;
        if asked.compare.is_some() {
            let compared = compared.ok_or_else(|| {
                usage!(
                    "{} is in no git repository, so there is nothing to compare with: name what \
                     changed with --file or --assume-changed, or ask with --all",
                    workspace.root
                )
            })?;
            changes = compared.changes;
            // Where git is not told to ignore it, what cargo built is no change.
            changes
                .retain(|it| it.seen != Seen::Untracked || !layout.is_built(&root.join(&it.path)));
            let lock = workspace_root.join("Cargo.lock");
            if let (true, Ok(lock)) = (workspace.lock_is_stale, lock.strip_prefix(&root))
                && changes.iter().all(|it| it.path != lock)
            {
                changes.push(Change {
                    path: lock.to_owned(),
                    status: Status::Modified,
                    seen: Seen::WorkTree,
                });
            }
            words.push(compared.in_words);
            range = Some(compared.range);
        }
        if !asked.files.is_empty() {
            words.push("the named files".to_owned());
            changes.extend(asked.files.iter().map(|path| changes::named(&root, path)));
            changes.sort();
            changes.dedup_by(|later, earlier| later.path == earlier.path);
        }
        let mut notes = Vec::new();
        if let (Some(Range::Revisions { head, .. }), Some(repository)) = (&range, &repository)
            && repository.head() != Some(head)
        {
            notes.push(
                "the newer side is not what is checked out, but the packages and their sources \
                 are those of the work tree; check it out for an exact answer"
                    .to_owned(),
            );
        }
        let mut seeds = Vec::new();
        if asked.all {
            words.push("everything".to_owned());
            let because = "everything is taken as changed";
            let units = graph.units();
            seeds.extend(units.map(|(unit, _)| Seed::new(unit, Rule::Assumed, because)));
        }
        for spec in &asked.assumed {
            words.push(format!("{spec} assumed changed"));
            let because = format!("{spec} is assumed changed");
            let units = units_named(workspace, &graph, spec)?;
            let units = units.into_iter();
            seeds.extend(units.map(|unit| Seed::new(unit, Rule::Assumed, &because)));
        }

        let contents = changes::contents(
            repository.as_ref(),
            range.as_ref(),
            (&root, &settings),
            &changes,
        )?;
        let setting = |change: &Change| Some(settings.of(&root.join(&change.path))?.0);
        let is_resolved = changes.iter().any(|change| {
            let both = setting(change).zip(contents.get(&change.path));
            both.is_some_and(|(setting, contents)| setting.is_resolved(contents))
        });
        let resolution = match (&repository, is_resolved) {
            (Some(repository), true) => self.resolution(repository, range.as_ref()),
            _ => Resolution::Unchanged,
        };
        let changed: ChangedPaths = changes.iter().map(|it| root.join(&it.path)).collect();
        let with_external = changes
            .iter()
            .any(|change| setting(change) == Some(Setting::Configuration));
        if words.is_empty() {
            words.push("what was named is another workspace's".to_owned());
        }
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
        notes.extend(checkouts::note(&shared));
        let facts_file = kept.map(|it| state::of_workspace(&it, "sources", &workspace.root));
        let mut facts = match (&facts_file, &range, &repository) {
            (Some(file), Some(range), Some(repository)) => facts(file, range, repository, &layout)?,
            _ => Facts::default(),
        };
        let paths: Vec<_> = changed.iter().cloned().collect();
        facts.pass_over(&paths, layout.around(&paths));
        let facts = RefCell::new(facts);
        let inputs = Inputs {
            workspace,
            graph: &graph,
            verb: *verb,
            profile: self.profile.as_deref(),
            root: &root,
            changes: &changes,
            head_moved: match (&range, &repository) {
                (Some(Range::WorkTree { base }), Some(repository)) => {
                    repository.head() != Some(base)
                }
                (Some(Range::Revisions { base, head }), _) => base != head,
                _ => false,
            },
            contents: &|path| contents.get(path).cloned().unwrap_or_default(),
            resolution: &resolution,
            layout: &layout,
            records: &records,
            rules: &rules,
            settings: &settings,
            facts: &facts,
        };
        seeds.extend(impact::seeds::find(&inputs, outsides));
        notes.extend(resolution.note());
        // Beside the work tree nobody knows which packages are as the commit has them.
        let facts = facts.into_inner();
        if let (Some(file), true, Some(Range::WorkTree { .. })) =
            (facts_file, facts.has_grown, &range)
        {
            state::write(&file, &facts);
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
            let cause = impact::resolved::cause(&changes, &root, &settings);
            let resolved =
                impact::resolved::affected(workspace, &graph, compared, cause.as_deref());
            untouched.retain(|unit, _| resolved.effect(*unit).is_none());
            affected = affected.or(resolved);
        }
        let compiled = graph
            .units()
            .filter(|(_, unit)| unit.is_compiled() && layout.directory(unit.package).is_some())
            .count();
        Ok(Answer {
            verb: *verb,
            compared: words.join(", "),
            top_level: root.clone(),
            changes,
            affected,
            untouched: untouched.into_values().flatten().collect(),
            recorded: (records.fitting(), compiled),
            shared: (self.evidence != Evidence::Sources).then_some(shared),
            notes,
            graph,
            workspace: self.workspace,
        })
    }

    fn resolution(&self, repository: &Repository, range: Option<&Range>) -> Resolution {
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
        match question.compare(repository, range, &self.workspace.root) {
            Ok(differences) => Resolution::Compared(differences),
            Err(error) => Resolution::Unknown(error.to_string()),
        }
    }
}

/// What earlier answers found in the sources, as far as it is true of the older side.
fn facts(
    file: &Utf8Path,
    range: &Range,
    repository: &Repository,
    layout: &Layout,
) -> Result<Facts> {
    let State::Commit(commit) = range.before() else {
        return Ok(Facts::default());
    };
    let mut facts: Facts = state::read(file).unwrap_or_default();
    if facts.commit.is_empty() {
        facts.commit.clone_from(&commit.0);
    }
    if facts.commit == commit.0 {
        return Ok(facts);
    }
    let since = Range::Revisions {
        base: Commit(facts.commit.clone()),
        head: commit.clone(),
    };
    // It may be gone.
    match repository.changes(&since) {
        Ok(changes) => {
            let top_level = repository.top_level();
            let paths: Vec<_> = changes.iter().map(|it| top_level.join(&it.path)).collect();
            facts.move_on(commit.0, &paths, &layout.around(&paths));
        }
        Err(_) => {
            facts = Facts::default();
            facts.commit = commit.0;
        }
    }
    Ok(facts)
}

/// The package that `PACKAGE[:TARGET]` names.
pub fn package_of(spec: &str) -> &str {
    split(spec).0
}

fn split(spec: &str) -> (&str, Option<&str>) {
    // A package id holds colons of its own, but none after its last `/`.
    match spec.rsplit_once(':') {
        Some((package, target)) if !target.contains('/') => (package, Some(target)),
        _ => (spec, None),
    }
}

/// The units that `PACKAGE[:TARGET]` names.
///
/// # Errors
/// When there is no such package, or it has no such target.
pub fn units_named(workspace: &Workspace, graph: &UnitGraph, spec: &str) -> Result<Vec<UnitIx>> {
    let (package, target) = split(spec);
    let package = workspace.find(package)?;
    let is_named = |unit: &UnitIx| target.is_none_or(|target| graph.unit(*unit).target == target);
    let all = graph.units_of(package).iter().copied();
    let units: Vec<UnitIx> = all.clone().filter(is_named).collect();
    if units.is_empty() {
        let name = &workspace.package(package).name;
        let mut targets: Vec<_> = all.map(|unit| graph.unit(unit).target.as_str()).collect();
        targets.dedup();
        let target = target.unwrap_or_default();
        return Err(usage!(
            "package `{name}` has no target `{target}`; it has {}",
            targets.join(", ")
        ));
    }
    Ok(units)
}
