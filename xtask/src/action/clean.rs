//! What `clean-affected` is going to remove: the affected units' artifacts, and nothing else.
//!
//! `cargo clean -p` is not used, since it knows files by their target's name: it would remove
//! those of every other package that has a `tests/it.rs` too. Here they are known by the hash of
//! the unit; see [`super::artifacts`].

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use self::finder::Finder;
use super::artifacts::{Contents, Found};
use crate::graph::Mode;
use crate::impact::Effect;
use crate::impact::records::{crate_name, in_graph, target_kind};
use crate::question::Answer;
use crate::repo::unit_record::{self, TargetKind, UnitName};
use crate::workspace::{self, Package, PackageIx, Workspace};

/// How much goes with a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The units that cargo would build again.
    #[default]
    Affected,
    /// Those that the change touches itself; cargo builds the others again on its own.
    Changed,
    /// Everything of the packages of affected units, documentation's records too.
    Packages,
}

/// What is cleaned, and where.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How much goes with a change.
    pub scope: Scope,
    /// The name of the only profile directory to clean; by default every one.
    pub directory: Option<String>,
    /// The only target triples to clean, and what is built for the host on their behalf; by default
    /// everything.
    pub triples: Vec<String>,
    /// Whether documentation goes, too.
    pub documentation: bool,
    /// Whether nothing but fingerprints goes.
    pub keep_incremental: bool,
    /// Whether the running kit's own package goes, too.
    pub running_too: bool,
}

/// The units whose artifacts go, each with its reason.
pub struct Selection<'a> {
    workspace: &'a Workspace,
    units: BTreeMap<(PackageIx, workspace::TargetKind, String, Mode), String>,
    packages: BTreeMap<PackageIx, String>,
    for_host: HashSet<PackageIx>,
    options: &'a Options,
}

/// What goes, and from where.
#[derive(Debug, PartialEq, Serialize)]
pub struct CleanPlan {
    /// Of this format; it changes when a reader would have to.
    pub version: u32,
    /// The host's first; one with two layouts comes twice.
    pub directories: Vec<Directory>,
    /// Other build directories of the workspace that were found and not looked into.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Utf8PathBuf>,
}

/// A profile directory, and what goes from it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Directory {
    /// Where it is.
    pub path: Utf8PathBuf,
    /// The target triple, unless it is the host's own directory.
    pub triple: Option<String>,
    /// In the order of removal: a unit whose fingerprint is gone is built again, whatever is left
    /// of it, so fingerprints go before everything else.
    pub removals: Vec<Removal>,
    /// Packages that stay because the running kit is built from them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Crates whose incremental state goes, and with it that of units of the same name in other
    /// packages. Those stay fresh, but their next compilation starts from nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared_incremental: Vec<String>,
    /// What may be orphans, and stays since that is not certain.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<Doubtful>,
}

/// A unit that nothing of the workspace claims, and that may yet be somebody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doubtful {
    /// Name of the package.
    pub package: String,
    /// Which of the package's units; `None` where cargo never built it to its end.
    pub unit: Option<UnitName>,
    /// Its fingerprint.
    pub path: Utf8PathBuf,
    /// What the workspace no longer has.
    pub because: String,
    /// Why that is no proof.
    pub doubt: String,
}

/// A file, or a directory with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Removal {
    /// What kind of artifact it is.
    pub kind: Artifact,
    /// Where it is.
    pub path: Utf8PathBuf,
    /// Name of the package.
    pub package: String,
    /// Cargo's package id; `None` for an orphan.
    pub package_id: Option<String>,
    /// Which of the package's units; `None` where cargo never built it to its end.
    pub unit: Option<UnitName>,
    /// What changed, or what the workspace no longer has.
    pub because: String,
    /// How many files it is; not counting what goes before.
    pub files: u64,
    /// How many bytes they are.
    pub bytes: u64,
}

/// The kinds of artifact, in the order in which they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Artifact {
    /// By which cargo takes a unit as it is.
    Fingerprint,
    /// What rustc or a script wrote.
    Output,
    /// What cargo put, or linked, to where users look for it.
    Uplifted,
    /// What rustdoc wrote of one crate; what it shares between crates stays.
    Documentation,
    /// From which rustc starts.
    Incremental,
}

impl<'a> Selection<'a> {
    /// What an answer says goes.
    pub fn new(answer: &'a Answer, options: &'a Options) -> Self {
        let scope = options.scope;
        let mut selection = Self {
            workspace: &answer.workspace,
            units: BTreeMap::new(),
            packages: BTreeMap::new(),
            for_host: HashSet::new(),
            options,
        };
        if !options.triples.is_empty() {
            selection.for_host = for_host(&answer.workspace);
        }
        for (index, effect) in answer.affected.units() {
            let Some((way, seed)) = answer.affected.chain(index) else {
                continue;
            };
            if effect != Effect::Rebuilt || scope == Scope::Changed && way.len() > 1 {
                continue;
            }
            let because = match &seed.path {
                Some(path) => format!("{path}: {}", seed.because),
                None => seed.because.clone(),
            };
            let unit = answer.graph.unit(index);
            let target = crate_name(unit.kind, &unit.target);
            let key = (unit.package, unit.kind, target, unit.mode);
            selection
                .packages
                .entry(unit.package)
                .or_insert_with(|| because.clone());
            selection.units.insert(key, because);
        }
        selection
    }

    /// The packages with a unit that goes.
    pub fn packages(&self) -> impl Iterator<Item = PackageIx> {
        self.packages.keys().copied()
    }

    /// Whether something may go from a profile directory of this triple and name.
    pub fn reaches(&self, triple: Option<&str>, directory: &str) -> bool {
        let is_named = |named: &String| {
            // Of a target's own specification cargo takes the name without its extension.
            let stem = Utf8Path::new(named).file_stem();
            triple == Some(named) || named.ends_with(".json") && triple == stem
        };
        let Options {
            directory: only,
            triples,
            ..
        } = self.options;
        only.as_ref().is_none_or(|only| only == directory)
            && (triples.is_empty() || triple.is_none() || triples.iter().any(is_named))
    }

    /// Why something that was found goes; `None` if it stays.
    fn because(&self, found: &Found, triple: Option<&str>) -> Option<&str> {
        let package = found.package?;
        let of_package = self.packages.get(&package).map(String::as_str);
        if triple.is_none() && !self.options.triples.is_empty() && !self.serves_triples(found) {
            return None;
        }
        let Some(unit) = &found.unit else {
            // Cargo has to build it in any case.
            return of_package;
        };
        if self.options.scope == Scope::Packages {
            return of_package;
        }
        let (kind, target, mode) = match unit.mode {
            unit_record::Mode::Doc if !self.options.documentation => return None,
            unit_record::Mode::Doc => {
                let kind = target_kind(unit.kind);
                (kind, crate_name(kind, &unit.target), Mode::Build)
            }
            _ => in_graph(unit)?,
        };
        let key = (package, kind, target, mode);
        self.units.get(&key).map(String::as_str)
    }

    /// Whether a unit in the host's own directory may be part of a build for a triple.
    fn serves_triples(&self, found: &Found) -> bool {
        let is_for_host = found.package.is_some_and(|it| self.for_host.contains(&it));
        let kind_and_mode = found.unit.as_ref().map(|unit| (unit.kind, unit.mode));
        match kind_and_mode {
            Some((TargetKind::BuildScript, unit_record::Mode::Compile)) => true,
            Some((TargetKind::Lib | TargetKind::BuildScript, mode)) => {
                is_for_host && mode != unit_record::Mode::Test
            }
            Some(_) => false,
            None => is_for_host,
        }
    }

    /// The crates of packages that nothing goes of, as far as they have incremental state.
    fn crates_elsewhere(&self) -> HashSet<String> {
        let packages = self.workspace.packages();
        let packages = packages
            .filter(|(index, it)| it.source.is_none() && !self.packages.contains_key(index));
        let targets = packages.flat_map(|(_, package)| &package.targets);
        targets
            .map(|target| target.name.replace('-', "_"))
            .collect()
    }
}

impl CleanPlan {
    /// The plan for these directories. What two layouts of one share is listed once.
    pub fn new(mut directories: Vec<Directory>, others: Vec<Utf8PathBuf>) -> Self {
        let mut seen = HashSet::new();
        for directory in &mut directories {
            directory
                .removals
                .retain(|removal| seen.insert(removal.path.clone()));
        }
        Self {
            version: 1,
            directories,
            others,
        }
    }

    /// Everything that goes.
    pub fn removals(&self) -> impl Iterator<Item = &Removal> {
        self.directories
            .iter()
            .flat_map(|directory| &directory.removals)
    }
}

impl Directory {
    /// What goes from a profile directory. The running kit must not be removed under its own feet:
    /// its package stays in the directory that holds it. `stranger` is what shows that another
    /// workspace builds there, too.
    pub fn new(selection: &Selection<'_>, contents: &Contents, stranger: Option<&str>) -> Self {
        let options = selection.options;
        let triple = contents.place.triple.as_deref();
        let mut kept = BTreeSet::new();
        let mut doubtful = Vec::new();
        let mut found: Vec<(&Found, &str)> = Vec::new();
        for unit in &contents.units {
            let because = selection.because(unit, triple);
            let package = unit.package.map(|it| selection.workspace.package(it));
            let running = package.filter(|it| !options.running_too && is_running(it, contents));
            match (because, running) {
                (Some(_), Some(package)) => _ = kept.insert(package.id.clone()),
                (Some(because), None) => found.push((unit, because)),
                (None, _) => {}
            }
        }
        for stray in &contents.strays {
            match stray.doubt_with(stranger) {
                None => found.push((&stray.found, &stray.because)),
                Some(doubt) => doubtful.push(Doubtful {
                    package: stray.found.package_name.clone(),
                    unit: stray.found.unit.clone(),
                    path: contents
                        .place
                        .fingerprint_dir(&stray.found.package_name, &stray.found.hash),
                    because: stray.because.clone(),
                    doubt,
                }),
            }
        }
        let finder = Finder::new(selection.workspace, contents);
        let mut paths: BTreeMap<Utf8PathBuf, (Artifact, &Found, &str)> = BTreeMap::new();
        for &(unit, because) in &found {
            for (artifact, path) in finder.artifacts(unit, options.documentation) {
                if artifact == Artifact::Fingerprint || !options.keep_incremental {
                    paths.entry(path).or_insert((artifact, unit, because));
                }
            }
        }
        let id = |package| selection.workspace.package(package).id.clone();
        let removal = |(path, (kind, found, because)): (_, (Artifact, &Found, &str))| Removal {
            kind,
            path,
            package: found.package_name.clone(),
            package_id: found.package.map(id),
            unit: found.unit.clone(),
            because: because.to_owned(),
            files: 0,
            bytes: 0,
        };
        let mut removals: Vec<_> = paths.into_iter().map(removal).collect();
        removals.sort();
        let crates = removals
            .iter()
            .filter(|it| it.kind == Artifact::Incremental);
        let crates: BTreeSet<_> = crates
            .filter_map(|it| crate_of_incremental(&it.path))
            .collect();
        let elsewhere = match crates.is_empty() {
            true => HashSet::new(),
            false => selection.crates_elsewhere(),
        };
        Self {
            path: contents.place.path.clone(),
            triple: contents.place.triple.clone(),
            kept: kept.into_iter().collect(),
            shared_incremental: crates
                .into_iter()
                .filter(|it| elsewhere.contains(*it))
                .map(str::to_owned)
                .collect(),
            doubtful,
            removals,
        }
    }
}

/// The packages whose libraries a build for another triple compiles for the host: what build scripts
/// and procedural macros are built from.
fn for_host(workspace: &Workspace) -> HashSet<PackageIx> {
    let build_dependencies = workspace
        .packages()
        .flat_map(|(_, package)| &package.dependencies)
        .filter(|dependency| dependency.build)
        .map(|dependency| dependency.package);
    let is_macro = |package: &Package| package.targets.iter().any(|target| target.proc_macro);
    let macros = workspace.packages().filter(|(_, it)| is_macro(it));
    let mut pending: Vec<_> = build_dependencies.chain(macros.map(|it| it.0)).collect();
    let mut found = HashSet::new();
    while let Some(package) = pending.pop() {
        if found.insert(package) {
            let dependencies = workspace.package(package).dependencies.iter();
            pending.extend(dependencies.filter(|it| it.normal).map(|it| it.package));
        }
    }
    found
}

fn is_running(package: &Package, contents: &Contents) -> bool {
    let mut targets = package.targets.iter();
    targets.any(|target| {
        target.kind == workspace::TargetKind::Bin && Some(&target.name) == contents.running.as_ref()
    })
}

/// `my_lib-3gxugw2anlsrk`, whose end is not the hash that other files have.
fn crate_of_incremental(path: &Utf8Path) -> Option<&str> {
    Some(path.file_name()?.rsplit_once('-')?.0)
}

mod finder;
#[cfg(test)]
mod tests;
