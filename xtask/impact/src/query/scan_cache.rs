//! What earlier answers found in the sources, for a commit.

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::change_set::ChangeSet;
use crate::records::layout::PackageDirectories;
use crate::seeds::sources::SourceFacts;
use crate::state;
use crate::vcs::{Commit, Range, Repository, TreeState};
use crate::workspace::Workspace;

/// Where the facts of a workspace are kept.
pub(super) struct KeptFacts {
    /// `None` where nothing is kept, or git tells of no difference.
    file: Option<Utf8PathBuf>,
    /// Whether they are about the work tree. Beside it nobody knows which packages are as the
    /// commit has them.
    is_work_tree: bool,
}

impl KeptFacts {
    /// Below the kit's own directory.
    pub(super) fn new(
        workspace: &Workspace,
        set: &ChangeSet,
        directory: Option<&Utf8Path>,
    ) -> Self {
        let directory = directory.filter(|_| set.repository.is_some() && set.range.is_some());
        Self {
            file: directory.map(|it| state::of_workspace(it, "sources", &workspace.root)),
            is_work_tree: matches!(set.range, Some(Range::WorkTree { .. })),
        }
    }

    /// What is still true of all that the change set leaves alone.
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
        facts.pass_over(&paths, layout.around(&paths));
        facts
    }

    /// Keeps what there is to be kept.
    pub(super) fn write(&self, facts: &SourceFacts) {
        if let (Some(file), true) = (&self.file, self.is_work_tree && facts.has_grown) {
            state::write(file, facts);
        }
    }
}

/// As far as they are true of a commit.
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
    // It may be gone.
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
