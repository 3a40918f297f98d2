//! Reads a workspace for the first time while `cargo metadata` runs. The manifests show the
//! directories of the packages. Packages that `cargo metadata` finds elsewhere are read again
//! later.

use std::collections::HashMap;

use camino::Utf8Path;

use super::sources::{OutsidePaths, Outsides};
use crate::build_dir::evidence::RecordFilter;
use crate::build_dir::{entries, evidence};
use crate::cargo_config::CargoConfig;
use crate::paths::RealPaths;
use crate::process::Runner;
use crate::records::checkouts;
use crate::state;
use crate::workspace::{Workspace, guess_members, likely_root};

/// Reads the sources of the workspace that contains a directory. With `with_records`, the records
/// of builds are read too and cached for [`checkouts::read`]. Returns `None` if the cache holds the
/// output of `cargo metadata` already.
pub fn read(runner: &Runner, directory: &Utf8Path, with_records: bool) -> Option<Outsides> {
    let root = likely_root(directory)?;
    let configuration = CargoConfig::of(runner).ok()?;
    let (target, _) = configuration.target_directory(root).ok()?;
    let state = state::directory(&target, root);
    let is_known = |name: &String| name.starts_with(Workspace::STATE_NAME);
    if let Some(state) = &state
        && entries(state).ok()?.iter().any(is_known)
    {
        return None;
    }
    let mut real = RealPaths::default();
    let packages = guess_members(root).into_iter();
    let packages = packages.map(|(name, at)| (name, real.resolved(&at)));
    let packages: Vec<_> = packages.collect();
    if with_records {
        let kept = state.map(|state| state::of_workspace(&state, checkouts::STATE_NAME, root));
        let build = configuration.build_directory(root).ok()?;
        let build = build.map_or(target, |(build, _)| build);
        let mut directories: HashMap<&str, Vec<&Utf8Path>> = HashMap::new();
        for (name, at) in &packages {
            directories.entry(name).or_default().push(at);
        }
        let wanted = RecordFilter {
            root,
            directories: &directories,
        };
        evidence::read(&build, &wanted, kept.as_deref()).ok()?;
    }
    let outsides = packages.into_iter().map(|(_, at)| {
        let outside = OutsidePaths::of(&at);
        (at, outside)
    });
    Some(outsides.collect())
}
