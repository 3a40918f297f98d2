//! Units of what the workspace no longer has: packages, versions, targets.
//!
//! That nothing of the workspace claims a unit does not make it an orphan, since several workspaces
//! can build in one directory. It is one for certain where
//!
//! - it is compiled from a path below the workspace's root, and its package was seen to be compiled
//!   there: rustc writes the absolute path of the root file into a library's metadata, cargo into
//!   the `.d` beside what it puts up for users; or
//! - it is compiled from a path elsewhere that does not exist any more; or
//! - it is of a registry or a git repository, `Cargo.lock` does not name it, and nothing in the
//!   build directory was compiled by another workspace.
//!
//! A script's run goes with the script, what has no sources of its own with its package.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::MAIN_SEPARATOR_STR;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::artifacts::{Contents, Found, plain_names};
use crate::repo::build_dir::ProfileDir;
use crate::repo::dep_info;
use crate::repo::resolved;
use crate::repo::unit_record::{Mode, TargetKind, UnitName};
use crate::workspace::Workspace;

/// A unit that nothing of the workspace claims.
#[derive(Clone, Debug, PartialEq)]
pub struct Stray {
    /// What was found.
    pub found: Found,
    /// What the workspace no longer has.
    pub because: String,
    /// Why it may yet be somebody's.
    pub doubt: Doubt,
}

impl Stray {
    /// Why it stays, where `stranger` was compiled by another workspace; `None` if it goes.
    pub fn doubt_with(&self, stranger: Option<&str>) -> Option<String> {
        match &self.doubt {
            Doubt::No => None,
            Doubt::UnlessAlone => stranger.map(|stranger| {
                format!("another workspace may build here: see the artifacts of {stranger}")
            }),
            Doubt::Yes(reason) => Some(reason.clone()),
        }
    }
}

/// Whether a unit may yet be somebody's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// It is an orphan.
    No,
    /// It is one unless another workspace builds here.
    UnlessAlone,
    /// It may be, for this reason.
    Yes(String),
}

/// What the workspace has, on whatever platform: its packages, and what `Cargo.lock` names.
pub struct Living<'a> {
    workspace: &'a Workspace,
    /// Where rustc runs: a program sees its directory without symbolic links.
    root: Utf8PathBuf,
    locked: HashMap<String, Vec<Locked>>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

/// The units of a profile directory as they are named there: package, hash, units.
pub(super) type Named = [(String, String, Vec<UnitName>)];

impl<'a> Living<'a> {
    /// Reads `Cargo.lock`.
    ///
    /// # Errors
    /// When it cannot be read; without it nothing could be called an orphan.
    pub fn new(workspace: &'a Workspace) -> Result<Self> {
        let path = workspace.root.join("Cargo.lock");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let lock: Lock = toml::from_str(&text).with_context(|| format!("cannot read {path}"))?;
        let mut locked: HashMap<String, Vec<Locked>> = HashMap::new();
        for package in lock.package {
            locked
                .entry(package.name.clone())
                .or_default()
                .push(package);
        }
        Ok(Self {
            workspace,
            root: resolved(&workspace.root),
            locked,
        })
    }

    /// The units that none of the contents' is. `scripts` gives a run's script, by its hash.
    pub(super) fn strays(
        &self,
        contents: &Contents,
        named: &Named,
        script_of: &dyn Fn(&str, &str, &UnitName) -> Option<String>,
    ) -> Vec<Stray> {
        let known: HashSet<_> = contents
            .units
            .iter()
            .map(|it| (&*it.package_name, &*it.hash, it.unit.as_ref()))
            .collect();
        let mut strays: Vec<Stray> = Vec::new();
        let mut sourceless = Vec::new();
        for (package, hash, units) in named {
            let shares = units.len() > 1;
            let found = |unit: Option<&UnitName>, root| Found {
                package: None,
                package_name: package.clone(),
                hash: hash.clone(),
                unit: unit.cloned(),
                root,
                shares,
            };
            if units.is_empty() && !known.contains(&(&**package, &**hash, None)) {
                sourceless.push(found(None, None));
            }
            for unit in units {
                if known.contains(&(&**package, &**hash, Some(unit))) {
                } else if matches!(unit.mode, Mode::Run | Mode::Doc) {
                    sourceless.push(found(Some(unit), None));
                } else {
                    let source = self.source(&contents.place, package, hash, unit);
                    let judged = self.judge(contents, named, package, unit, source.as_deref());
                    strays.extend(judged.map(|(because, doubt)| Stray {
                        found: found(
                            Some(unit),
                            source.map(|it| dep_info::absolute(&self.workspace.root, &it)),
                        ),
                        because,
                        doubt,
                    }));
                }
            }
        }
        // A script's run by the script; what else has no sources by the weakest word on its package.
        let mut by_hash = HashMap::new();
        let mut by_package: BTreeMap<String, (String, Doubt)> = BTreeMap::new();
        for Stray {
            found,
            because,
            doubt,
        } in &strays
        {
            by_hash.insert(found.hash.clone(), (because.clone(), doubt.clone()));
            let said = by_package.entry(found.package_name.clone());
            let said = said.or_insert_with(|| (because.clone(), doubt.clone()));
            said.1 = said.1.clone().max(doubt.clone());
        }
        for found in sourceless {
            let script = found
                .unit
                .as_ref()
                .filter(|unit| unit.mode == Mode::Run)
                .and_then(|unit| script_of(&found.package_name, &found.hash, unit));
            let said = match script {
                Some(script) => by_hash.get(&script).cloned(),
                None if self.has(&found.package_name) => None,
                None => Some(by_package.get(&found.package_name).cloned().unwrap_or((
                    is_gone(&found.package_name),
                    Doubt::Yes("nothing tells who built it".to_owned()),
                ))),
            };
            strays.extend(said.map(|(because, doubt)| Stray {
                found,
                because,
                doubt,
            }));
        }
        strays.sort_by(|a, b| {
            let key = |it: &Stray| (it.found.package_name.clone(), it.found.hash.clone());
            key(a).cmp(&key(b))
        });
        strays
    }

    /// What in these contents shows that another workspace builds here, too.
    pub fn stranger(&self, contents: &Contents) -> Option<String> {
        let stray = contents.strays.iter().find_map(|stray| {
            let is_paths = stray
                .found
                .root
                .as_ref()
                .is_none_or(|it| Download::of(it).is_none());
            let is_somebodys = matches!(stray.doubt, Doubt::Yes(_)) && is_paths;
            is_somebodys.then(|| stray.found.package_name.clone())
        });
        let library = || {
            let libraries = contents.units.iter().find(|it| {
                let root = it.root.as_deref();
                let below = root.and_then(|root| root.strip_prefix(&self.workspace.root).ok());
                let unit = it.unit.as_ref().filter(|it| is_library(it));
                let path = it
                    .package
                    .is_some_and(|it| self.workspace.package(it).source.is_none());
                let (Some(below), Some(unit), true) = (below, unit, path) else {
                    return false;
                };
                let place = &contents.place;
                self.is_from_here(place, &it.package_name, &it.hash, unit, below) == Some(false)
            });
            libraries.map(|it| it.package_name.clone())
        };
        stray.or_else(library)
    }

    fn has(&self, package: &str) -> bool {
        let mut packages = self.workspace.packages.iter();
        self.locked.contains_key(package) || packages.any(|it| it.name == package)
    }

    /// The root file that a unit was compiled from, as rustc wrote it: the first of its dep-info.
    fn source(
        &self,
        place: &ProfileDir,
        package: &str,
        hash: &str,
        unit: &UnitName,
    ) -> Option<Utf8PathBuf> {
        let path = place.find_dep_info(package, hash, unit, true)?;
        let found = dep_info::parse_rustc(&fs::read_to_string(&path).ok()?)?;
        let first = found.files.into_iter().next()?;
        // A name without a hash is shared, and another unit may have written it last.
        let is_own = path.file_name().is_some_and(|name| name.contains(hash))
            || path.as_str().contains(&format!("/{hash}/"));
        let root = dep_info::absolute(&self.workspace.root, &first);
        let mut targets = self.workspace.packages.iter().flat_map(|it| &it.targets);
        (is_own || !targets.any(|target| target.src_path == root)).then_some(first)
    }

    /// What is no more, and whether that is certain; `None` for what is another platform's.
    fn judge(
        &self,
        contents: &Contents,
        named: &Named,
        package: &str,
        unit: &UnitName,
        source: Option<&Utf8Path>,
    ) -> Option<(String, Doubt)> {
        let doubt = |reason: &str| Doubt::Yes(reason.to_owned());
        let in_workspace = self
            .workspace
            .packages
            .iter()
            .any(|it| it.name == package && it.source.is_none());
        let Some(source) = source else {
            let said = (is_gone(package), doubt("it left no dep-info"));
            return (!self.has(package)).then_some(said);
        };
        if let Some(download) = Download::of(source) {
            let mut locked = self.locked.get(package).into_iter().flatten();
            let (Download::Registry(version) | Download::Git(version)) = download;
            let because = format!("Cargo.lock no longer names {package} ({version})");
            return (!locked.any(|it| download.is(it))).then_some((because, Doubt::UnlessAlone));
        }
        if !in_workspace && self.has(package) {
            // A path package that only another platform depends on.
            return None;
        }
        let because = match in_workspace {
            true => format!("{package} no longer has the target {}", unit.target),
            false => is_gone(package),
        };
        let doubt = match source.is_absolute() {
            true if source.exists() => doubt(&format!("its source {source} exists")),
            true => Doubt::No,
            false if self.is_witnessed(contents, named, package) => Doubt::No,
            false => doubt("no artifact of it says that it was compiled here"),
        };
        Some((because, doubt))
    }

    /// Whether a package's units say that they were compiled below the workspace's root, and none
    /// says otherwise.
    fn is_witnessed(&self, contents: &Contents, named: &Named, package: &str) -> bool {
        let mut witnesses = Vec::new();
        for (name, hash, units) in named.iter().filter(|it| it.0 == package) {
            for unit in units.iter().filter(|it| it.mode == Mode::Compile) {
                let place = &contents.place;
                let source = self.source(place, name, hash, unit);
                let Some(source) = source.filter(|source| source.is_relative()) else {
                    continue;
                };
                if is_library(unit) {
                    witnesses.extend(self.is_from_here(place, name, hash, unit, &source));
                }
                let directory = match unit.kind {
                    TargetKind::Example => contents.outputs.join("examples"),
                    TargetKind::Bin | TargetKind::Lib => contents.outputs.clone(),
                    _ => continue,
                };
                let dep_infos = plain_names(unit).map(|it| directory.join(format!("{it}.d")));
                let text = dep_infos.iter().find_map(|it| fs::read_to_string(it).ok());
                let files = dep_info::first_rule(&text.unwrap_or_default());
                // Another target of the same name may have taken the file's place.
                let file = files.iter().find(|file| file.ends_with(&source));
                let roots = [&self.root, &self.workspace.root];
                witnesses.extend(file.map(|it| roots.iter().any(|root| *it == root.join(&source))));
            }
        }
        !witnesses.is_empty() && witnesses.into_iter().all(|is_here| is_here)
    }

    /// Whether a library's metadata says that its root is this file of this workspace, not of
    /// another; `None` where it says neither.
    fn is_from_here(
        &self,
        place: &ProfileDir,
        package: &str,
        hash: &str,
        unit: &UnitName,
        source: &Utf8Path,
    ) -> Option<bool> {
        let directory = place.output_dir(package, hash, unit.kind);
        let name = format!("lib{}-{hash}.rmeta", unit.target);
        let metadata = fs::read(directory.join(name)).ok()?;
        // A library without an item has no place in its sources to tell of.
        let places = memchr::memmem::find_iter(&metadata, source.as_str());
        let before = places.map(|at| &metadata[..at]);
        let mut absolute = before.filter(|it| it.ends_with(MAIN_SEPARATOR_STR.as_bytes()));
        let root = self.root.join("");
        let first = absolute.next()?;
        let mut all = std::iter::once(first).chain(absolute);
        Some(all.any(|it| it.ends_with(root.as_str().as_bytes())))
    }
}

fn is_library(unit: &UnitName) -> bool {
    unit.kind == TargetKind::Lib && unit.mode == Mode::Compile
}

fn is_gone(package: &str) -> String {
    format!("the workspace no longer has the package {package}")
}

/// Where below cargo's home a file lies.
enum Download<'a> {
    /// In a registry's package, `name-version`.
    Registry(&'a str),
    /// In a checkout of this revision, cut short.
    Git(&'a str),
}

impl Download<'_> {
    fn of(path: &Utf8Path) -> Option<Download<'_>> {
        let names: Vec<&str> = path.iter().collect();
        names.windows(4).find_map(|names| match names {
            ["registry", "src", _, package] => Some(Download::Registry(package)),
            ["git", "checkouts", _, revision] => Some(Download::Git(revision)),
            _ => None,
        })
    }

    fn is(&self, locked: &Locked) -> bool {
        let source = locked.source.as_deref().unwrap_or_default();
        match self {
            Self::Registry(package) => *package == format!("{}-{}", locked.name, locked.version),
            Self::Git(revision) => source
                .rsplit_once('#')
                .is_some_and(|(_, full)| full.starts_with(revision)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_what_the_lock_file_names() {
        let is = |path: &str, version: &str, source: &str| {
            let locked = Locked {
                name: "rail".to_owned(),
                version: version.to_owned(),
                source: Some(source.to_owned()),
            };
            Some(Download::of(Utf8Path::new(path))?.is(&locked))
        };
        let registry = "/home/.cargo/registry/src/index.crates.io-1949/rail-1.2.0/src/lib.rs";
        let git = "/home/.cargo/git/checkouts/rails-0123/4f2a9c1/rail/src/lib.rs";
        let from_git = "git+https://example.org/rails?branch=main#4f2a9c1d0000";
        for (path, version, source, expected) in [
            (registry, "1.2.0", "registry+x", Some(true)),
            (registry, "1.2.1", "registry+x", Some(false)),
            (git, "0.1.0", from_git, Some(true)),
            (
                git,
                "0.1.0",
                "git+https://example.org/rails#4f2a9c0d0000",
                Some(false),
            ),
            ("/work/registry/src/lib.rs", "1.2.0", "registry+x", None),
        ] {
            assert_eq!(is(path, version, source), expected, "{path} {source}");
        }
    }
}
