//! Answers the question behind every command: which units does a change affect? The steps follow
//! the flow: change set, unit graph, seeds, affected units.

mod answer;
mod compilers;
mod reached;
mod route;
mod scan_cache;
mod seed_cache;
mod unit_spec;
mod unused;
mod workspace_files;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

pub use answer::{Answer, Explanation};
use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use reached::Reached;
use scan_cache::FactsCache;
use seed_cache::SeedCache;
pub use unit_spec::{package_of, units_named};
pub use unused::UnusedPaths;
use unused::Uses;
use workspace_files::WorkspaceFiles;

use crate::build_dir::evidence::ProfileRecords;
use crate::cargo_config::CargoConfig;
use crate::change_set::{ChangeRequest, ChangeSet, OutsidePackages, Prefetch};
use crate::process::Runner;
use crate::propagate::resolved::Causes;
use crate::records::changed::ChangedPaths;
use crate::records::checked::CheckedUnits;
use crate::records::checkouts::Shared;
use crate::records::{QueryContext, Records, checkouts};
use crate::resolve_diff;
use crate::seeds::settings::{BothSides, SettingFiles};
use crate::seeds::sources::Outsides;
use crate::seeds::{Resolution, Rule, Seed, SeedInputs};
use crate::unit_graph::{UnitGraph, Verb};
use crate::workspace::Workspace;
use crate::{build_dir, files, propagate, quote, seeds};

/// A query: the workspace, the change, and the verb that will be run.
pub struct Query {
    /// The runner that starts git and cargo.
    pub runner: Runner,
    /// The workspace.
    pub workspace: Workspace,
    /// The change, as the user requested it.
    pub request: ChangeRequest,
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
    pub prefetch: Option<Prefetch>,
    /// The collection of the named paths that the workspace does not use, if several workspaces are
    /// queried. If this is `None`, such a path is an error.
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

impl Evidence {
    /// Returns the name of the profile directory whose records decide; `None` without records.
    fn directory(&self) -> Option<&str> {
        match self {
            Self::Records(directory) => Some(directory),
            Self::Sources => None,
        }
    }
}

/// The packages whose records are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packages {
    /// The path packages, whose files can change.
    Own,
    /// External packages too, which a changed configuration can rebuild.
    All,
}

/// The records of builds.
#[derive(Default)]
struct Builds {
    places: Vec<ProfileRecords>,
    /// The profile directories in which another checkout builds too.
    shared: Vec<Shared>,
    with_external: bool,
}

/// The evidence from which seeds are found.
struct SeedEvidence<'a> {
    /// Both sides of the changed files that set something.
    sides: &'a HashMap<Utf8PathBuf, BothSides>,
    /// The differences in resolution between the two sides.
    resolution: &'a Resolution,
    /// The records that fit the query.
    records: &'a Records<'a>,
    /// True if there are records, fitting or not.
    is_built: bool,
    /// Cargo's configuration, if it changed.
    configuration: Option<&'a CargoConfig>,
}

/// The seeds of a change set.
struct FoundSeeds {
    seeds: Vec<Seed>,
    /// The sources that were not read, each with the reason.
    skipped: BTreeMap<Utf8PathBuf, String>,
}

impl Query {
    /// Creates a query in the default profile of the verb. All records, the cache and the network
    /// may be used.
    pub fn new(runner: Runner, workspace: Workspace, request: ChangeRequest, verb: Verb) -> Self {
        Self {
            runner,
            workspace,
            request,
            verb,
            evidence: Evidence::Records("debug".to_owned()),
            profile: None,
            targets: Vec::new(),
            no_cache: false,
            network: true,
            prefetch: None,
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

    /// Answers the query in five steps: the change set, the evidence, the seeds, the affected
    /// units, and the answer.
    ///
    /// # Errors
    /// Returns an error if git cannot compare, if a name stands for nothing, or if nothing uses a
    /// named path.
    pub fn answer(mut self) -> Result<Answer> {
        let prefetch = self.prefetch.take();
        let files = WorkspaceFiles::new(&self.workspace, self.no_cache)?;
        let graph = UnitGraph::new(&self.workspace, self.verb);

        // 1. The change set. Packages outside the repository are compared with their records.
        let mut prefetch = self.comparison(&files, prefetch);
        let outsides = prefetch.evidence();
        let mut builds = self.builds(&files, Packages::Own)?;
        let set = self.change_set(&files, prefetch, &builds)?;
        let (mut seeds, assumed) = self.assumed(&graph)?;

        // 2. The evidence. A changed configuration can reach external packages too.
        let sides = set.contents(&files.settings)?;
        let resolution = self.resolution(&set, &files.settings, &sides);
        let mut configuration = None;
        if files.configuration_changed(&set) {
            builds = self.builds(&files, Packages::All)?;
            configuration = self.configuration(&files, &set);
        }
        let changed: ChangedPaths = set.paths().collect();
        let context = QueryContext {
            workspace: &self.workspace,
            graph: &graph,
            layout: &files.layout,
            changed: &changed,
        };
        let records = self.records(context, &builds);

        // 3. The seeds.
        let evidence = SeedEvidence {
            sides: &sides,
            resolution: &resolution,
            records: &records,
            is_built: !builds.places.is_empty(),
            configuration: configuration.as_ref(),
        };
        let found = self.seeds(&files, &graph, &set, &evidence, outsides)?;
        seeds.extend(found.seeds);

        // 4. The affected units.
        let reached = Reached::new(seeds, &records, &resolution, |compared| {
            let changed = set.changes.iter().map(|it| &*it.path);
            let causes = Causes::new(changed, &set.top_level, &files.settings, &sides);
            let checked = CheckedUnits::new(&records);
            let is_checked = |unit, form: &_| checked.has(unit, form);
            propagate::resolved::affected(&self.workspace, &graph, compared, &causes, &is_checked)
        });

        // 5. The answer.
        let mut notes = set.notes();
        notes.extend(checkouts::note(&builds.shared));
        notes.extend(resolution.note());
        let skipped = found.skipped.iter();
        notes.extend(skipped.map(|(path, why)| skipped_note(path, why)));
        let mut in_words = [set.in_words, assumed].concat();
        if in_words.is_empty() {
            in_words.push("the named files belong to another workspace".to_owned());
        }
        Ok(Answer {
            verb: self.verb,
            compared: in_words.join(", "),
            recorded: (records.fitting(), files.compiled_units(&graph)),
            shared: (self.evidence != Evidence::Sources).then_some(builds.shared),
            top_level: set.top_level,
            changes: set.changes,
            affected: reached.affected,
            untouched: reached.untouched,
            notes,
            graph,
            workspace: self.workspace,
        })
    }

    /// Returns the comparison by git. This is the comparison that was started before the workspace
    /// was loaded if that comparison is about this repository, or else a new comparison.
    fn comparison(&self, files: &WorkspaceFiles, started: Option<Prefetch>) -> Prefetch {
        let started = started.filter(|it| it.is_of(&files.root));
        let compare =
            || Prefetch::compare(&self.runner, &files.root, self.request.compare.as_ref());
        started.unwrap_or_else(compare)
    }

    /// Reads the records of builds, if the answer may use records.
    fn builds(&self, files: &WorkspaceFiles, packages: Packages) -> Result<Builds> {
        if self.evidence == Evidence::Sources {
            return Ok(Builds::default());
        }
        let ours = (&self.workspace, &files.layout);
        let directories = self.workspace.directories();
        let with_external = packages == Packages::All;
        let state = files.state.as_deref();
        let (places, shared) = checkouts::read(ours, &directories, with_external, state)?;
        Ok(Builds {
            places,
            shared,
            with_external,
        })
    }

    /// Waits for git, and adds the named paths and the changes that git does not see.
    fn change_set(
        &self,
        files: &WorkspaceFiles,
        prefetch: Prefetch,
        builds: &Builds,
    ) -> Result<ChangeSet> {
        let outside = OutsidePackages {
            workspace: &self.workspace,
            layout: &files.layout,
            places: &builds.places,
            directory: self.evidence.directory(),
            runner: &self.runner,
        };
        ChangeSet::new(&self.request, prefetch, &outside)
    }

    /// Returns the records that fit the query.
    fn records<'a>(&'a self, context: QueryContext<'a>, builds: &'a Builds) -> Records<'a> {
        match self.evidence.directory() {
            Some(directory) => {
                Records::new(context, directory, builds.with_external, &builds.places)
            }
            None => Records::none(context),
        }
    }

    /// Reads cargo's configuration, if the newer side of the change is on disk.
    fn configuration(&self, files: &WorkspaceFiles, set: &ChangeSet) -> Option<CargoConfig> {
        let read = || CargoConfig::of(&self.runner.in_directory(&files.root)).ok();
        set.is_on_disk().then(read).flatten()
    }

    /// Returns the seeds of the change set, cached or found now, and refuses named paths outside the
    /// repository that nothing uses.
    fn seeds(
        &self,
        files: &WorkspaceFiles,
        graph: &UnitGraph,
        set: &ChangeSet,
        evidence: &SeedEvidence<'_>,
        outsides: Outsides,
    ) -> Result<FoundSeeds> {
        route::log(&self.evidence, evidence.records, evidence.resolution);
        let cache = SeedCache::new(self, files, graph, set, evidence);
        let found = match cache.as_ref().and_then(SeedCache::read) {
            Some(seeds) => FoundSeeds {
                seeds,
                skipped: files::take_skipped(),
            },
            None => {
                // The sources that were read in advance were not observed.
                let cache = cache.filter(|_| outsides.is_empty());
                let search = || self.search(files, graph, set, evidence, outsides);
                match cache {
                    Some(cache) => cache.fill(search),
                    None => search(),
                }
            }
        };
        let uses = Uses {
            layout: &files.layout,
            settings: &files.settings,
            seeds: &found.seeds,
        };
        let unused = uses.unused(&set.named_outside);
        match &self.unused {
            Some(all) => all.add(&unused),
            None => unused::refuse(&self.runner, &unused)?,
        }
        Ok(found)
    }

    /// Finds the seeds of the change set, by records and sources.
    fn search(
        &self,
        files: &WorkspaceFiles,
        graph: &UnitGraph,
        set: &ChangeSet,
        evidence: &SeedEvidence<'_>,
        outsides: Outsides,
    ) -> FoundSeeds {
        let cache = FactsCache::new(&self.workspace, set, files.state.as_deref());
        let facts = RefCell::new(cache.read(set, &files.layout));
        let inputs = SeedInputs {
            workspace: &self.workspace,
            graph,
            verb: self.verb,
            profile: self.profile.as_deref(),
            root: &set.top_level,
            changes: &set.changes,
            head_moved: set.head_moved(),
            targets: &self.targets,
            config: evidence.configuration,
            contents: &|path| evidence.sides.get(path).cloned().unwrap_or_default(),
            is_same_compiler: &|before, after| {
                compilers::are_same(&self.runner, &files.root, before, after)
            },
            resolution: evidence.resolution,
            layout: &files.layout,
            records: evidence.records,
            rules: &files.rules,
            settings: &files.settings,
            facts: &facts,
        };
        let seeds = seeds::find(&inputs, outsides);
        let skipped = files::take_skipped();
        // Facts found without the skipped files are not cached, so that the next answer reports the
        // skipped files again.
        if skipped.is_empty() {
            cache.write(&mut facts.into_inner());
        }
        FoundSeeds { seeds, skipped }
    }

    /// Returns the seeds of the units that count as changed, and a description of the request in
    /// words.
    fn assumed(&self, graph: &UnitGraph) -> Result<(Vec<Seed>, Vec<String>)> {
        let mut seeds = Vec::new();
        let mut in_words = Vec::new();
        if self.request.all {
            in_words.push("everything".to_owned());
            let because = "everything counts as changed";
            let units = graph.units();
            seeds.extend(units.map(|(unit, _)| Seed::new(unit, Rule::Assumed, because)));
        }
        for spec in &self.request.assumed {
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
            inputs_hash: self.workspace.inputs_hash.filter(|_| !self.no_cache),
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
    format!("{path} was not read, so more units are selected than needed: {why}")
}

#[cfg(test)]
mod tests;
