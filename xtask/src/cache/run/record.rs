//! The record of the last build with private servers, for `cache status`.

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use xtask_impact::process::Runner;
use xtask_impact::state;
use xtask_impact::workspace::{LoadOptions, Workspace};

use crate::compiler_cache::counts::CacheCounts;
use crate::compiler_cache::log::Outcomes;

/// The counts and outcomes of a compiler cache in one build.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CachedRun {
    /// The counts of both servers.
    pub counts: CacheCounts,
    /// The outcomes of each crate.
    pub crates: Outcomes,
    /// The names of the remote caches.
    pub remotes: Vec<String>,
    /// The reason why the remote failed during the build.
    pub lost: Option<String>,
    /// True if the remote answered at the start.
    pub used_remote: bool,
}

impl CachedRun {
    /// Saves the record in the target directory. A build outside a workspace, such as
    /// `cargo install`, leaves no record.
    pub(super) fn keep(&self, runner: &Runner) {
        let options = LoadOptions::default();
        if let Ok(workspace) = Workspace::load(runner, &options) {
            state::write(&file(&workspace), self);
        }
    }
}

/// Returns the record of the last build of a workspace.
pub(crate) fn last(workspace: &Workspace) -> Option<CachedRun> {
    state::read(&file(workspace))
}

fn file(workspace: &Workspace) -> Utf8PathBuf {
    let directory = state::in_target(&workspace.target_directory);
    state::of_workspace(&directory, "cached-run", &workspace.root)
}
