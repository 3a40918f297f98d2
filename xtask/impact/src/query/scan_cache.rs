//! The cache of facts about sources, valid for a commit.

use camino::{Utf8Path, Utf8PathBuf};

use crate::change_set::ChangeSet;
use crate::records::layout::PackageDirectories;
use crate::seeds::sources::{FileFacts, SourceFacts};
use crate::state;
use crate::vcs::{Commit, Range, Repository, TreeState};
use crate::workspace::Workspace;

/// The cache file for the facts about the sources of a workspace.
pub(super) struct FactsCache {
    /// The file; `None` if the cache is off or git compares nothing.
    file: Option<Utf8PathBuf>,
    /// True if the newer side is the work tree. For another newer side, the kit does not know which
    /// packages are equal to the commit, so no facts are written.
    is_work_tree: bool,
    /// The cache file for the facts about single files; `None` if the cache is off.
    files: Option<Utf8PathBuf>,
}

impl FactsCache {
    /// Finds the cache file in the kit's own directory.
    pub(super) fn new(
        workspace: &Workspace,
        set: &ChangeSet,
        directory: Option<&Utf8Path>,
    ) -> Self {
        let files = directory.map(|it| state::of_workspace(it, "files", &workspace.root));
        let directory = directory.filter(|_| set.repository.is_some() && set.range.is_some());
        Self {
            file: directory.map(|it| state::of_workspace(it, "sources", &workspace.root)),
            files,
            is_work_tree: matches!(set.range, Some(Range::WorkTree { .. })),
        }
    }

    /// Returns the cached facts. Facts about packages that the change set touches are left out.
    pub(super) fn read(&self, set: &ChangeSet, layout: &PackageDirectories) -> SourceFacts {
        let before = set.range.as_ref().map(Range::before);
        let mut facts = match (&self.file, &set.repository, before) {
            (Some(file), Some(repository), Some(TreeState::Commit(commit))) => {
                let facts = state::read(file).unwrap_or_default();
                at(facts, &commit, repository, layout)
            }
            _ => SourceFacts::default(),
        };
        let paths: Vec<_> = set.paths().collect();
        facts.exclude_changed(&paths, layout.around(&paths));
        facts.files = FileFacts::cached_in(self.files.clone());
        if log::log_enabled!(log::Level::Info) {
            let packages = facts.usable();
            log::info!("sources: facts about {packages} packages are in the scan cache");
        }
        facts
    }

    /// Writes the facts to the cache, if new facts were found.
    pub(super) fn write(&self, facts: &mut SourceFacts) {
        facts.files.write();
        if let (Some(file), true) = (&self.file, self.is_work_tree && facts.has_grown) {
            state::write(file, facts);
        }
    }
}

/// Returns the facts that are still true at a commit.
fn at(
    mut facts: SourceFacts,
    commit: &Commit,
    repository: &Repository,
    layout: &PackageDirectories,
) -> SourceFacts {
    if facts.commit.is_empty() {
        facts.commit.clone_from(&commit.0);
    }
    if facts.commit == commit.0 {
        return facts;
    }
    let since = Range::Revisions {
        base: Commit(facts.commit.clone()),
        head: commit.clone(),
    };
    // The commit of the facts may have been deleted from the repository.
    let Ok(changes) = repository.changes(&since) else {
        facts = SourceFacts::default();
        facts.commit.clone_from(&commit.0);
        return facts;
    };
    let top_level = repository.top_level();
    let paths: Vec<_> = changes.iter().map(|it| top_level.join(&it.path)).collect();
    facts.move_on(commit.0.clone(), &paths, &layout.around(&paths));
    facts
}
