//! What a checkout made stale.

use anyhow::Result;

use super::place;
use super::scene::{load, question};
use crate::action::clean::Options;
use crate::action::run::Tool;
use crate::changes::{Asked, Comparison};
use crate::exec::clean::{How, clean};
use crate::process::Runner;
use crate::render;

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
        ..Asked::default()
    };
    let answer = question(&place, load(&place)?, asked, Tool::Check).answer()?;
    let plan = clean(&answer, &Options::default(), How::PLAN)?;
    if plan.removals().next().is_some() {
        render::plain(render::clean::plan(&plan, false).trim_end());
        render::note(format_args!(
            "the checkout made this stale: `cargo xtask clean-affected --since {old}` removes it"
        ));
    }
    Ok(())
}
