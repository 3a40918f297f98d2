//! What `clean-affected` is going to do: which packages, in which profile directories.
//!
//! For now it is done through `cargo clean -p`, which takes whole packages; `cargo clean` without
//! a package is never run, since it takes no lock and throws everything away.

use std::collections::BTreeMap;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::impact::Effect;
use crate::question::Answer;
use crate::repo::build_dir::ProfileDir;
use crate::workspace::PackageIx;

/// Which packages' artifacts go, and from where.
#[derive(Debug, PartialEq, Serialize)]
pub struct CleanPlan {
    /// Of this format; it changes when a reader would have to.
    pub version: u32,
    /// Sorted by name.
    pub packages: Vec<Planned>,
    /// The host's first.
    pub directories: Vec<Directory>,
}

/// A package whose artifacts go.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Planned {
    /// Name.
    pub name: String,
    /// Cargo's package id, which no other package shares.
    pub id: String,
    /// The way by which the change reaches the package, from its seed.
    pub because: String,
}

/// A profile directory that is cleaned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Directory {
    /// Where it is.
    pub path: Utf8PathBuf,
    /// What cargo calls the profile.
    pub profile: String,
    /// The target triple, unless it is the host's own directory.
    pub triple: Option<String>,
    /// Packages that stay because the running kit is built from them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
}

impl CleanPlan {
    /// The plan for an answer: every package with a unit that cargo would rebuild, in every
    /// directory. `running` is the kit's own executable, which must not be removed under its
    /// feet: its package stays in the directory that holds it.
    pub fn new(answer: &Answer, directories: &[ProfileDir], running: Option<&Utf8Path>) -> Self {
        let mut packages: BTreeMap<PackageIx, Planned> = BTreeMap::new();
        for (unit, effect) in answer.affected.units() {
            let index = answer.graph.unit(unit).package;
            if effect != Effect::Rebuilt || packages.contains_key(&index) {
                continue;
            }
            let Some((_, seed)) = answer.affected.chain(unit) else {
                continue;
            };
            let package = answer.workspace.package(index);
            let because = match &seed.path {
                Some(path) => format!("{path}: {}", seed.because),
                None => seed.because.clone(),
            };
            packages.insert(
                index,
                Planned {
                    name: package.name.clone(),
                    id: package.id.clone(),
                    because,
                },
            );
        }
        // One with both layouts comes twice, side by side.
        let directories = directories
            .chunk_by(|one, next| one.path == next.path)
            .map(|same| {
                let directory = &same[0];
                let holds_running = running.is_some_and(|exe| exe.starts_with(&directory.path));
                let runs = |index: &PackageIx| {
                    let targets = &answer.workspace.package(*index).targets;
                    targets.iter().any(|target| {
                        Some(target.name.as_str()) == running.and_then(Utf8Path::file_stem)
                    })
                };
                Directory {
                    path: directory.path.clone(),
                    profile: profile_of(&directory.directory).to_owned(),
                    triple: directory.triple.clone(),
                    kept: packages
                        .iter()
                        .filter(|(index, _)| holds_running && runs(index))
                        .map(|(_, planned)| planned.id.clone())
                        .collect(),
                }
            })
            .collect();
        Self {
            version: 1,
            packages: packages.into_values().collect(),
            directories,
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() || self.directories.is_empty()
    }

    /// The arguments of the `cargo clean` calls for one directory. A command line has a limit, so
    /// a long list of packages takes several.
    pub fn cargo_args(&self, directory: &Directory) -> Vec<Vec<String>> {
        let packages: Vec<_> = self
            .packages
            .iter()
            .filter(|planned| !directory.kept.contains(&planned.id))
            .collect();
        packages
            .chunks(100)
            .map(|packages| {
                let mut args = vec![
                    "clean".to_owned(),
                    "--profile".to_owned(),
                    directory.profile.clone(),
                ];
                if let Some(triple) = &directory.triple {
                    args.extend(["--target".to_owned(), triple.clone()]);
                }
                for planned in packages {
                    args.extend(["-p".to_owned(), planned.id.clone()]);
                }
                args
            })
            .collect()
    }
}

/// The profile that cargo builds into a directory of that name.
fn profile_of(directory: &str) -> &str {
    match directory {
        "debug" => "dev",
        other => other,
    }
}

#[cfg(test)]
mod tests;
