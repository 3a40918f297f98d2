//! The cache of the seeds of the last question, for a workspace that was never built. The same
//! question is then answered without a look into the sources.
//!
//! An entry holds as long as two things stay the same: the question with the contents of the changed
//! files, and every path that was looked at for the answer (see [`crate::observed`]). So nothing
//! about packages is derived again, and no source is opened except the changed files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::{FoundSeeds, Query, SeedEvidence};
use crate::change_set::ChangeSet;
use crate::files::{self, FileStamp};
use crate::observed::{Look, Observer, SeenPath};
use crate::paths::hashed;
use crate::query::workspace_files::WorkspaceFiles;
use crate::seeds::settings::Setting;
use crate::seeds::sources::download_directories;
use crate::seeds::{Effect, Propagation, Resolution, Rule, Seed};
use crate::unit_graph::{UnitGraph, UnitIx};
use crate::{cargo_config, parallel, state};

/// The cache file for the seeds of a question.
pub(super) struct SeedCache<'a> {
    file: Utf8PathBuf,
    /// The directory of the kit's caches.
    directory: Utf8PathBuf,
    /// A hash of the question without the contents of the changed files.
    question: u64,
    /// A hash of the question and of the contents of the changed files.
    key: u64,
    set: &'a ChangeSet,
}

/// The seeds of a question, with everything that they depend on.
#[derive(Serialize, Deserialize)]
struct KeptSeeds {
    key: u64,
    paths: WatchedPaths,
    /// The hash of the states of the paths.
    states: u64,
    seeds: Vec<KeptSeed>,
}

/// The parts of a [`Seed`].
type KeptSeed = (
    UnitIx,
    Effect,
    Rule,
    Option<Utf8PathBuf>,
    String,
    Propagation,
);

/// The maximum number of changed files whose contents are compared for a cached answer.
const MOST_CHANGES: usize = 256;

impl<'a> SeedCache<'a> {
    /// Returns the cache file for a question. Returns `None` if the seeds depend on more than the
    /// workspace, the sources, the changed files and cargo's resolution: on records of builds, on a
    /// changed toolchain or configuration, or on a state of git that is not on disk.
    pub(super) fn new(
        query: &Query,
        files: &WorkspaceFiles,
        graph: &UnitGraph,
        set: &'a ChangeSet,
        evidence: &SeedEvidence<'_>,
    ) -> Option<Self> {
        let differences = match evidence.resolution {
            Resolution::Unchanged => None,
            Resolution::Compared(differences) => Some(differences),
            Resolution::Unknown(_) => return None,
        };
        let is_manifest = |path: &Utf8PathBuf| {
            let setting = files.settings.of(path);
            setting.is_none_or(|(it, _)| matches!(it, Setting::Manifest | Setting::Lock))
        };
        let is_plain = evidence.configuration.is_none()
            && !evidence.is_built
            && set.paths().all(|path| is_manifest(&path))
            && set.is_on_disk()
            && set.changes.len() <= MOST_CHANGES
            // The log names the reason for each seed as the seed is found.
            && !log::log_enabled!(log::Level::Debug);
        let inputs_hash = query.workspace.inputs_hash.filter(|_| is_plain)?;
        let directory = files.state.as_deref()?;
        let kind = hashed((
            &query.workspace.root,
            query.verb,
            &query.profile,
            &query.targets,
            set.range.is_some(),
        ));
        let changes = set.changes.iter();
        let changes: Vec<_> = changes
            .map(|it| (&it.path, format!("{:?} {:?}", it.status, it.seen)))
            .collect();
        let sides: BTreeMap<_, _> = evidence.sides.iter().collect();
        let question = hashed((
            (sides, differences),
            (kind, inputs_hash, units(query, graph)),
            files.layout.packages().collect::<Vec<_>>(),
            format!("{:?} {:?}", query.evidence, set.range),
            (set.head_moved(), &set.top_level, changes),
            (cargo_config::cargo_home(), variables(), this_build()),
        ));
        Some(Self {
            file: directory.join(format!("seeds-{kind:016x}")),
            directory: directory.to_owned(),
            question,
            key: key(question, set)?,
            set,
        })
    }

    /// Returns the cached seeds, if nothing that they depend on changed.
    pub(super) fn read(&self) -> Option<Vec<Seed>> {
        let kept = state::read::<KeptSeeds>(&self.file)?;
        if kept.key != self.key || hashed(kept.paths.states()) != kept.states {
            log::info!("sources: read again, since a file changed after the last answer");
            return None;
        }
        log::info!("sources: nothing changed since the last answer");
        let seeds = kept.seeds.into_iter();
        let seeds = seeds.map(|(unit, effect, rule, path, because, spread)| Seed {
            unit,
            effect,
            rule,
            path,
            because,
            spread,
        });
        Some(seeds.collect())
    }

    /// Searches for seeds, and writes the seeds to the cache. Seeds are not cached if a file changed
    /// so shortly before the search that a later change might get the same stamp. The contents of
    /// the changed files are compared, so these files may be new.
    pub(super) fn fill(&self, search: impl FnOnce() -> FoundSeeds) -> FoundSeeds {
        let started = SystemTime::now();
        let observer = Observer::default();
        let found = observer.during(search);
        let changed: BTreeSet<_> = self.set.paths().map(Utf8PathBuf::into_string).collect();
        let (paths, states) = WatchedPaths::of(observer.paths(), &changed, &self.directory);
        let is_fresh = states.iter().any(|it| it.is_fresh_at(started));
        let is_same = || key(self.question, self.set) == Some(self.key);
        if found.skipped.is_empty() && !is_fresh && is_same() {
            let seeds = found.seeds.iter().cloned();
            let seeds = seeds.map(|it| {
                let Seed { unit, effect, .. } = it;
                (unit, effect, it.rule, it.path, it.because, it.spread)
            });
            let kept = KeptSeeds {
                key: self.key,
                paths,
                states: hashed(states),
                seeds: seeds.collect(),
            };
            state::write(&self.file, &kept);
        }
        found
    }
}

/// Returns the stamp of the running program, since another build of the kit may find other seeds.
fn this_build() -> Option<FileStamp> {
    let program = std::env::current_exe().ok()?;
    FileStamp::at(Utf8Path::from_path(&program)?)
}

/// Returns a hash of the units, since seeds name units by their index.
fn units(query: &Query, graph: &UnitGraph) -> u64 {
    let manifest = |unit: &crate::unit_graph::Unit| {
        let package = query.workspace.package(unit.package);
        package.manifest_path.as_str()
    };
    let units = graph.units().map(|(_, unit)| (manifest(unit), unit));
    hashed(units.collect::<Vec<_>>())
}

/// Returns the variables that sources are read by: cargo's, rustc's, and flags.
fn variables() -> BTreeMap<String, String> {
    let counts = |name: &str| {
        let parts = ["CARGO", "RUST"];
        parts.iter().any(|it| name.contains(it)) && !name.starts_with("CARGO_TERM_")
    };
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| counts(name))?;
        Some((name, value.to_string_lossy().into_owned()))
    });
    variables.collect()
}

/// Returns a hash of a question and of the contents of the changed files. Returns `None` for a
/// changed path that is a directory, a link or a large file.
fn key(question: u64, set: &ChangeSet) -> Option<u64> {
    let content = |path: Utf8PathBuf| match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => files::read(path, files::SOURCE).ok().map(Some),
        Ok(_) => None,
        Err(_) => Some(None),
    };
    let contents = set.paths().map(content);
    let contents: Option<Vec<_>> = contents.collect();
    Some(hashed((question, contents?)))
}

/// The paths that an answer depends on, each list as one text with zero bytes in between.
#[derive(Serialize, Deserialize)]
struct WatchedPaths {
    /// The files whose contents count, and the directories whose entries count.
    contents: String,
    /// The files and directories of which the existence and the kind count. The directories above
    /// all paths belong to them: a link in the place of a directory changes what paths mean.
    places: String,
}

impl WatchedPaths {
    /// Returns the paths to watch with their states, given the paths that were looked at. The
    /// `changed` files are compared in another way, and the kit's own files in `cache` do not count.
    fn of(
        mut looked_at: BTreeMap<String, SeenPath>,
        changed: &BTreeSet<String>,
        cache: &Utf8Path,
    ) -> (Self, Vec<PathState>) {
        looked_at
            .retain(|path, _| !changed.contains(path) && !Utf8Path::new(path).starts_with(cache));
        let downloads = download_directories();
        let (mut contents, mut places) = (BTreeMap::new(), BTreeMap::new());
        for (path, seen) in looked_at {
            let list = match seen.look {
                Look::Content => &mut contents,
                Look::Place => &mut places,
            };
            match downloads.iter().find_map(|it| package(&path, it)) {
                Some(package) => {
                    let seen = SeenPath::now(Utf8Path::new(&package), seen.look);
                    list.insert(package, PathState::of(&seen));
                }
                None => drop(list.insert(path, PathState::of(&seen))),
            }
        }
        let all = contents.keys().chain(places.keys()).chain(changed);
        let above = all.flat_map(|it| Utf8Path::new(it).ancestors().skip(1));
        let above: BTreeSet<String> = above.map(ToString::to_string).collect();
        for path in above {
            let seen = SeenPath::now(Utf8Path::new(&path), Look::Place);
            places.entry(path).or_insert_with(|| PathState::of(&seen));
        }
        let joined = |paths: &BTreeMap<String, PathState>| {
            let paths: Vec<&str> = paths.keys().map(String::as_str).collect();
            paths.join("\0")
        };
        let watched = Self {
            contents: joined(&contents),
            places: joined(&places),
        };
        let states = contents.into_values().chain(places.into_values());
        (watched, states.collect())
    }

    /// Returns the present states of the paths.
    fn states(&self) -> Vec<PathState> {
        let of = |paths: &str, look| {
            let paths: Vec<&str> = paths.split('\0').collect();
            parallel::parts(&paths, |paths| {
                let paths = paths.iter().map(Utf8Path::new);
                paths
                    .map(|path| PathState::of(&SeenPath::now(path, look)))
                    .collect()
            })
        };
        let mut states = of(&self.contents, Look::Content);
        states.extend(of(&self.places, Look::Place));
        states
    }
}

/// The state of a watched path: a value that is the same as long as nothing that counts changes.
#[derive(PartialEq, Eq, Hash)]
enum PathState {
    Missing,
    /// The stamp of a file or directory, and for a link the stamp of its target.
    Content(FileStamp, Option<FileStamp>),
    /// True for a directory.
    Place(bool),
    /// The stamp of a link, and the number of its target.
    Link(FileStamp, Option<u64>),
}

impl PathState {
    fn of(seen: &SeenPath) -> Self {
        let stamp = |metadata: &Metadata| {
            let mut stamp = FileStamp::of(metadata);
            if metadata.is_dir() {
                stamp.size = 0;
            }
            stamp
        };
        match &seen.own {
            None => Self::Missing,
            Some(own) if seen.look == Look::Content => {
                Self::Content(stamp(own), seen.target.as_ref().map(stamp))
            }
            Some(own) if own.is_symlink() => {
                let target = seen.target.as_ref().map(FileStamp::of);
                Self::Link(stamp(own), target.map(|it| it.inode()))
            }
            Some(own) => Self::Place(own.is_dir()),
        }
    }

    /// Returns true if the path changed so shortly before `time` that a later change might get the
    /// same stamp.
    fn is_fresh_at(&self, time: SystemTime) -> bool {
        match self {
            Self::Content(own, target) => {
                own.is_fresh_at(time) || target.is_some_and(|it| it.is_fresh_at(time))
            }
            Self::Link(own, _) => own.is_fresh_at(time),
            Self::Missing | Self::Place(_) => false,
        }
    }
}

/// Returns the directory of the downloaded package that contains a path. `downloads` is a directory
/// that holds packages at the second level below it.
fn package(path: &str, downloads: &Utf8Path) -> Option<String> {
    let below = path.strip_prefix(downloads.as_str())?;
    let below = Utf8Path::new(below.strip_prefix('/')?);
    let package: Utf8PathBuf = below.iter().take(2).collect();
    Some(downloads.join(package).into_string())
}

#[cfg(test)]
mod tests;
