//! Selects the units whose artifacts are removed, and the profile directories.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

use camino::Utf8Path;
use xtask_impact::build_dir::unit_record;
use xtask_impact::build_dir::unit_record::RecordedKind;
use xtask_impact::query::Answer;
use xtask_impact::records::RecordId;
use xtask_impact::records::names::{crate_name, in_graph, target_kind};
use xtask_impact::seeds::Effect;
use xtask_impact::unit_graph::Mode;
use xtask_impact::workspace;
use xtask_impact::workspace::{PackageIx, Workspace};

use crate::artifacts::profile_dir::ScannedUnit;

/// The set of units that a change removes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CleanScope {
    /// The affected units that cargo would rebuild.
    #[default]
    Affected,
    /// The units that the change touches directly. Cargo also rebuilds their dependents.
    Changed,
    /// All units of the packages that have affected units, and the records of their documentation.
    Packages,
}

/// The options that select artifacts and directories.
#[derive(Clone, Debug, Default)]
pub struct CleanSelection {
    /// The set of units that a change removes.
    pub scope: CleanScope,
    /// The name of the only profile directory to clean. `None` selects every profile directory.
    pub directory: Option<String>,
    /// The only target triples to clean, together with the host units that serve builds for them.
    /// Empty selects everything.
    pub triples: Vec<String>,
    /// True to remove documentation, too.
    pub documentation: bool,
    /// True to keep compiled artifacts and incremental caches: only fingerprints are removed.
    pub keep_incremental: bool,
    /// True to remove the package of the running xtask, too.
    pub running_too: bool,
    /// The packages whose artifacts are kept.
    pub left_out: BTreeSet<PackageIx>,
}

/// The units whose artifacts are removed, each with its reason.
pub struct ArtifactSelection<'a> {
    pub(crate) workspace: &'a Workspace,
    /// The reason of each unit. The bool is true if the unit's variant for the host is kept.
    units: BTreeMap<(PackageIx, workspace::TargetKind, String, Mode), (String, bool)>,
    packages: BTreeMap<PackageIx, String>,
    for_host: HashSet<PackageIx>,
    untouched: &'a HashSet<RecordId>,
    pub(crate) options: &'a CleanSelection,
}

impl<'a> ArtifactSelection<'a> {
    /// Returns the units that an answer and the options select.
    pub fn new(answer: &'a Answer, options: &'a CleanSelection) -> Self {
        let scope = options.scope;
        let mut selection = Self {
            workspace: &answer.workspace,
            units: BTreeMap::new(),
            packages: BTreeMap::new(),
            for_host: HashSet::new(),
            untouched: &answer.untouched,
            options,
        };
        if !options.triples.is_empty() {
            selection.for_host = for_host(&answer.workspace);
        }
        for (index, effect) in answer.affected.units() {
            let Some((way, seed)) = answer.affected.chain(index) else {
                continue;
            };
            if effect != Effect::Rebuilt || scope == CleanScope::Changed && way.len() > 1 {
                continue;
            }
            let because = match &seed.path {
                Some(path) => format!("{path}: {}", seed.because),
                None => seed.because.clone(),
            };
            let unit = answer.graph.unit(index);
            if options.left_out.contains(&unit.package) {
                continue;
            }
            let target = crate_name(unit.kind, &unit.target);
            let key = (unit.package, unit.kind, target, unit.mode);
            let of_package = selection.packages.entry(unit.package);
            of_package.or_insert_with(|| because.clone());
            let host_stays = answer.affected.spares_host(index);
            selection.units.insert(key, (because, host_stays));
        }
        selection
    }

    /// Returns a selection of nothing, for a plan that only removes orphans.
    pub(crate) fn nothing(workspace: &'a Workspace, options: &'a CleanSelection) -> Self {
        static NONE: LazyLock<HashSet<RecordId>> = LazyLock::new(HashSet::new);
        Self {
            workspace,
            units: BTreeMap::new(),
            packages: BTreeMap::new(),
            for_host: HashSet::new(),
            untouched: &NONE,
            options,
        }
    }

    /// Returns the packages that have a selected unit.
    pub fn packages(&self) -> impl Iterator<Item = PackageIx> {
        self.packages.keys().copied()
    }

    /// Returns true if artifacts may be removed from the profile directory of this triple and name.
    pub fn reaches(&self, triple: Option<&str>, directory: &str) -> bool {
        let is_named = |named: &String| {
            // The directory of a custom target specification has the file's name without its
            // extension.
            let stem = Utf8Path::new(named).file_stem();
            triple == Some(named) || named.ends_with(".json") && triple == stem
        };
        let only = self.options.directory.as_ref();
        let triples = &self.options.triples;
        only.is_none_or(|only| only == directory)
            && (triples.is_empty() || triple.is_none() || triples.iter().any(is_named))
    }

    /// Returns the reason to remove a unit that was found, or `None` if the unit is kept.
    pub(crate) fn because(&self, found: &ScannedUnit, triple: Option<&str>) -> Option<&str> {
        let package = found.package?;
        let of_package = self.packages.get(&package).map(String::as_str);
        if triple.is_none() && !self.options.triples.is_empty() && !self.serves_triples(found) {
            return None;
        }
        let Some(unit) = &found.unit else {
            // Cargo has to build this unit in any case.
            return of_package;
        };
        if self.options.scope == CleanScope::Packages {
            return of_package;
        }
        // The set is usually empty. This test avoids the copies that a lookup needs.
        if !self.untouched.is_empty()
            && self.untouched.contains(&(found.hash.clone(), unit.clone()))
        {
            return None;
        }
        let (kind, target, mode) = match unit.mode {
            unit_record::RecordedMode::Doc if !self.options.documentation => return None,
            unit_record::RecordedMode::Doc => {
                let kind = target_kind(unit.kind);
                let target = crate_name(kind, &unit.target);
                // Documentation that the answer does not cover is removed with the unit that it
                // documents.
                let own = (package, kind, target.clone(), Mode::Doc);
                let mode = match self.units.contains_key(&own) {
                    true => Mode::Doc,
                    false => Mode::Build,
                };
                (kind, target, mode)
            }
            _ => in_graph(unit)?,
        };
        let key = (package, kind, target, mode);
        let (because, host_stays) = self.units.get(&key)?;
        (!host_stays || triple.is_some()).then_some(because)
    }

    /// Returns true if a unit in the host's own directory may be part of a build for another
    /// triple.
    fn serves_triples(&self, found: &ScannedUnit) -> bool {
        let is_for_host = found.package.is_some_and(|it| self.for_host.contains(&it));
        let kind_and_mode = found.unit.as_ref().map(|unit| (unit.kind, unit.mode));
        match kind_and_mode {
            Some((RecordedKind::BuildScript, unit_record::RecordedMode::Compile)) => true,
            Some((RecordedKind::Lib | RecordedKind::BuildScript, mode)) => {
                is_for_host && mode != unit_record::RecordedMode::Test
            }
            Some(_) => false,
            None => is_for_host,
        }
    }

    /// Returns the crate names of the path packages that have no selected unit. Only path packages
    /// have incremental state.
    pub(crate) fn crates_elsewhere(&self) -> HashSet<String> {
        let packages = self.workspace.packages();
        let packages = packages
            .filter(|(index, it)| it.source.is_none() && !self.packages.contains_key(index));
        let targets = packages.flat_map(|(_, package)| &package.targets);
        targets.map(|it| it.name.replace('-', "_")).collect()
    }
}

/// Returns the packages whose libraries a build for another triple compiles for the host: the
/// dependencies of build scripts and procedural macros.
fn for_host(workspace: &Workspace) -> HashSet<PackageIx> {
    let dependencies = workspace.packages.iter().flat_map(|it| &it.dependencies);
    let for_scripts = dependencies.filter(|it| it.build).map(|it| it.package);
    let macros = workspace.packages().filter(|(_, it)| it.is_proc_macro());
    let mut pending: Vec<_> = for_scripts.chain(macros.map(|it| it.0)).collect();
    let mut found = HashSet::new();
    while let Some(package) = pending.pop() {
        if found.insert(package) {
            let dependencies = workspace.package(package).dependencies.iter();
            pending.extend(dependencies.filter(|it| it.normal).map(|it| it.package));
        }
    }
    found
}
