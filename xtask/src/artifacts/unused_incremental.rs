//! Incremental state that no package uses.

use std::collections::{BTreeSet, HashSet};

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::build_dir;
use xtask_impact::build_dir::ProfileDir;
use xtask_impact::records::checkouts;
use xtask_impact::workspace::Workspace;

/// Incremental state that no package uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnusedIncremental {
    /// The profile directory.
    pub place: ProfileDir,
    /// The directory of the incremental state.
    pub path: Utf8PathBuf,
    /// The name of the crate.
    pub crate_name: String,
}

/// Returns the incremental state in the workspace's own build directory that no package uses. The
/// result is empty for a directory in which another checkout builds, because the packages of the
/// other checkout are unknown.
///
/// # Errors
/// Returns an error if a directory cannot be listed.
pub(crate) fn unused(workspace: &Workspace) -> Result<Vec<UnusedIncremental>> {
    let targets = workspace
        .packages
        .iter()
        .flat_map(|package| &package.targets);
    let living: BTreeSet<String> = targets.map(|it| it.name.replace('-', "_")).collect();
    let mut found = Vec::new();
    for place in build_dir::profile_dirs(&workspace.build_directory)? {
        let directory = place.path.join("incremental");
        let names = build_dir::entries(&directory)?;
        let dead = names.iter().filter_map(|name| {
            let (crate_name, _) = name.rsplit_once('-')?;
            (!living.contains(crate_name)).then_some((name, crate_name))
        });
        let mut dead: Vec<_> = dead.collect();
        if dead.is_empty() {
            continue;
        }
        let recorded = place.unit_names(&|_| true)?;
        let recorded = recorded.iter().flat_map(|(_, _, units)| units);
        let recorded: HashSet<String> = recorded.map(|it| it.target.replace('-', "_")).collect();
        dead.retain(|(_, crate_name)| !recorded.contains(*crate_name));
        found.extend(
            dead.into_iter()
                .map(|(name, crate_name)| UnusedIncremental {
                    path: directory.join(name),
                    crate_name: crate_name.to_owned(),
                    place: place.clone(),
                }),
        );
    }
    found.dedup_by(|one, other| one.path == other.path);
    if !found.is_empty() {
        let others = checkouts::sharing(workspace)?;
        let mut others = others.iter().filter(|it| it.is_there);
        found.retain(|it| !others.any(|other| other.directory == it.place.path));
    }
    Ok(found)
}
