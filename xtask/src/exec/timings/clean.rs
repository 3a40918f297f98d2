//! Removing, before a build is measured, what it is to build from nothing.

use anyhow::Result;
use cargo_metadata::camino::Utf8PathBuf;

use crate::action::artifacts::Reader;
use crate::action::clean::{Directory, Scope, Selection};
use crate::exec::remove::{self, Bounds, Lock};
use crate::question::Answer;
use crate::render;
use crate::repo::{build_dir, resolved};

/// Removes the artifacts of the affected units from the directories of one profile, under cargo's
/// locks.
///
/// # Errors
/// Where they cannot be read or removed.
pub fn clean(answer: &Answer, profile_directory: &str) -> Result<()> {
    let workspace = &answer.workspace;
    let selection = Selection::new(answer, Scope::Affected);
    let running = std::env::current_exe().ok();
    let running = running.and_then(|exe| Utf8PathBuf::try_from(exe).ok());
    let running = running.as_deref().map(resolved);
    let mut reader = Reader::new(workspace, selection.packages(), running.as_deref());
    for place in build_dir::profile_dirs(&workspace.build_directory)? {
        if place.directory != profile_directory {
            continue;
        }
        let contents = reader.read(&place)?;
        let bounds = Bounds::new(workspace, &contents)?;
        let _lock = Lock::take(&contents, true, &|path| {
            render::status("Blocking", format_args!("waiting for the build in {path}"));
        })?;
        // What was seen without the lock may not be true any more.
        let mut plan = Directory::new(&selection, &reader.read(&place)?, false);
        remove::measure(&mut plan)?;
        remove::remove(&plan, &bounds)?;
        let files: u64 = plan.removals.iter().map(|removal| removal.files).sum();
        render::status("Removed", format_args!("{files} files in {}", plan.path));
    }
    Ok(())
}
