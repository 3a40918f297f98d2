//! Named paths outside the repository that nothing in a workspace uses.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use camino::Utf8Path;

use crate::change_set::NamedOutside;
use crate::process::Runner;
use crate::records::layout::PackageDirectories;
use crate::seeds::Seed;
use crate::seeds::settings::{Setting, SettingFiles};
use crate::vcs::Repository;
use crate::{quote, usage};

/// The parts of a workspace that may use a path outside the repository.
pub(super) struct Uses<'a> {
    /// The directories of the workspace's path packages.
    pub layout: &'a PackageDirectories,
    /// The files that set something.
    pub settings: &'a SettingFiles,
    /// The units that the change touches.
    pub seeds: &'a [Seed],
}

impl Uses<'_> {
    /// Returns the named paths that no unit, path dependency or setting of the workspace uses.
    pub(super) fn unused<'n>(&self, named: &'n [NamedOutside]) -> Vec<&'n NamedOutside> {
        let seeds = self.seeds.iter().filter_map(|seed| seed.path.as_deref());
        let touching: HashSet<&Utf8Path> = seeds.collect();
        let is_used = |path: &Utf8Path| touching.contains(path) || self.is_known(path);
        named
            .iter()
            .filter(|it| !it.paths.iter().any(|path| is_used(path)))
            .collect()
    }

    fn is_known(&self, path: &Utf8Path) -> bool {
        let Self {
            layout, settings, ..
        } = self;
        layout.owner(path).is_some()
            || layout.below(path).next().is_some()
            || layout.is_built(path)
            || match settings.of(path) {
                // Every `Cargo.toml` counts as a manifest. A manifest above a package may be the
                // root manifest of the package's workspace.
                Some((Setting::Manifest, path)) => path
                    .parent()
                    .is_some_and(|directory| layout.below(directory).next().is_some()),
                setting => setting.is_some(),
            }
    }
}

/// The unused paths of several workspaces that are asked the same question. A path is refused only
/// if no workspace uses it.
#[derive(Clone, Debug, Default)]
pub struct UnusedPaths(Arc<Mutex<BTreeMap<String, (usize, NamedOutside)>>>);

impl UnusedPaths {
    /// Adds the unused paths of one workspace.
    pub(super) fn add(&self, unused: &[&NamedOutside]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for named in unused {
            let entry = all.entry(named.name.clone());
            entry.or_insert_with(|| (0, (*named).clone())).0 += 1;
        }
    }

    /// Refuses the paths that none of the workspaces uses. `workspaces` is the number of
    /// workspaces.
    ///
    /// # Errors
    /// Returns an error if there is such a path.
    pub fn refuse(&self, runner: &Runner, workspaces: usize) -> Result<()> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unused = all.values().filter(|(count, _)| *count == workspaces);
        let unused: Vec<_> = unused.map(|(_, named)| named).collect();
        refuse(runner, &unused)
    }
}

/// Refuses named paths that nothing uses.
///
/// # Errors
/// Returns an error if `unused` is not empty.
pub(super) fn refuse(runner: &Runner, unused: &[&NamedOutside]) -> Result<()> {
    let Some((first, others)) = unused.split_first() else {
        return Ok(());
    };
    let others = match others.len() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let hint = match repository_of(runner, first) {
        Some(top) => format!(
            "the path belongs to the repository or worktree {}; run the command there, or name \
             paths of this repository",
            quote::name(&top)
        ),
        None => "name paths of this repository or of a path dependency; to count a package as \
                 changed, use --assume-changed"
            .to_owned(),
    };
    Err(usage!(
        "the path `{}`{others} lies outside the repository, and no unit, path dependency or setting \
         uses it\nhint: {hint}",
        quote::name(&first.name),
    ))
}

/// Returns the top level of the repository that a path lies in.
fn repository_of(runner: &Runner, named: &NamedOutside) -> Option<String> {
    let path = named.paths.first()?;
    let directory = path.ancestors().find(|it| it.is_dir())?;
    let repository = Repository::discover(&runner.in_directory(directory), directory);
    Some(repository.ok()??.top_level().to_string())
}

#[cfg(test)]
mod tests;
