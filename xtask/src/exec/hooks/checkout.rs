//! What a checkout made stale.

use anyhow::Result;
use cargo_metadata::camino::Utf8PathBuf;

use super::place;
use super::scene::{load, question};
use crate::action::artifacts::Reader;
use crate::action::clean::{CleanPlan, Directory, Scope, Selection};
use crate::action::run::Tool;
use crate::changes::{Asked, Comparison};
use crate::exec::remove;
use crate::process::Runner;
use crate::render;
use crate::repo::{build_dir, resolved};

/// Says what `clean-affected --since OLD` would remove after a checkout of a branch; githooks(5)
/// gives the hook the old commit, the new one, and whether it was one of a branch, not of files.
pub(super) fn stale(runner: &Runner, arguments: &[String]) -> Result<()> {
    let [old, new, branch] = arguments else {
        return Ok(());
    };
    let is_clone = old.bytes().all(|byte| byte == b'0');
    if old == new || branch != "1" || is_clone {
        return Ok(());
    }
    let (place, _) = place(runner)?;
    let asked = Asked {
        compare: Some(Comparison::Since {
            revision: old.clone(),
            head: None,
        }),
        files: Vec::new(),
        assumed: Vec::new(),
        all: false,
    };
    let answer = question(&place, load(&place)?, asked, Tool::Check).answer()?;
    let selection = Selection::new(&answer, Scope::Affected);
    let running = std::env::current_exe().ok();
    let running = running.and_then(|exe| Utf8PathBuf::try_from(exe).ok());
    let running = running.as_deref().map(resolved);
    let packages = selection.packages();
    let mut reader = Reader::new(&answer.workspace, packages, running.as_deref());
    let mut directories = Vec::new();
    for profile in build_dir::profile_dirs(&answer.workspace.build_directory)? {
        let mut directory = Directory::new(&selection, &reader.read(&profile)?, false);
        remove::measure(&mut directory)?;
        directories.push(directory);
    }
    let plan = CleanPlan::new(directories);
    if plan.removals().next().is_some() {
        render::plain(render::clean::plan(&plan, false).trim_end());
        render::note(format_args!(
            "the checkout made this stale: `cargo xtask clean-affected --since {old}` removes it"
        ));
    }
    Ok(())
}
