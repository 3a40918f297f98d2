//! The `post-checkout` hook: restores freshness if the configuration asks for it, and finds the
//! artifacts that a checkout made stale and that cargo would not rebuild.

use anyhow::{Context as _, Result};
use xtask_impact::change_set::{ChangeRequest, ComparedStates};
use xtask_impact::process::{self, Runner};
use xtask_impact::propagate::propagate;
use xtask_impact::query::Answer;
use xtask_impact::seeds::{Rule, Seed};

use super::scene::{StepPlace, load, question};
use super::workspaces::CheckedRepository;
use crate::artifacts::apply::{CleanOptions, clean};
use crate::artifacts::plan::CleanSelection;
use crate::artifacts::text;
use crate::cli::{global, output};
use crate::selection::Tool;

/// Prints the artifacts that are stale after a checkout of a branch and that cargo would not
/// rebuild by itself. `clean-affected --since OLD` removes these artifacts. `arguments` are those
/// of githooks(5): the old commit, the new commit, and `1` if a branch (not a file) was checked
/// out.
pub(crate) fn stale(runner: &Runner, arguments: &[String]) -> Result<()> {
    let [old, new, branch] = arguments else {
        return Ok(());
    };
    let is_clone = old.bytes().all(|byte| byte == b'0');
    if old == new || branch != "1" || is_clone {
        return Ok(());
    }
    for place in &CheckedRepository::find(runner)?.places {
        if place.config()?.post_checkout.restore {
            restore(place)?;
        }
        stale_in(place, old)?;
    }
    Ok(())
}

/// Restores the freshness of units whose inputs have new times and equal contents. The step is a
/// whole command, so the hook starts the kit itself.
fn restore(place: &StepPlace) -> Result<()> {
    let kit = std::env::current_exe().context("cannot find the kit itself")?;
    let mut command = place.runner.program(kit);
    command.args(["freshness", "restore", "--manifest-path"]);
    command
        .arg(place.root.join("Cargo.toml"))
        .args(global::forwarded());
    let restored = process::output(&mut command)?;
    if !restored.status.success() {
        output::plain(String::from_utf8_lossy(&restored.stderr).trim_end());
        output::note("the freshness of artifacts is not restored");
    }
    Ok(())
}

fn stale_in(place: &StepPlace, old: &str) -> Result<()> {
    let asked = ChangeRequest {
        compare: Some(ComparedStates::Since {
            revision: old.to_owned(),
            head: None,
        }),
        ..ChangeRequest::default()
    };
    let mut answer = question(place, load(place)?, asked, Tool::Check).answer()?;
    let seeds = unseen_by_cargo(&answer);
    if seeds.is_empty() {
        return Ok(());
    }
    answer.affected = propagate(&answer.graph, seeds);
    let plan = clean(&answer, &CleanSelection::default(), CleanOptions::PLAN)?;
    if plan.removals().next().is_some() && !output::is_quiet() {
        output::plain(text::plan(&plan, false).trim_end());
        output::note(format_args!(
            "the checkout made these artifacts stale, and cargo would not rebuild them\nhint: \
             `cargo xtask clean-affected --since {old}` removes them"
        ));
    }
    Ok(())
}

/// Returns the seeds that only the kit finds. Cargo sees changes of compiled source files, of the
/// inputs that a build script names, of manifests, of flags and of the compiler. Cargo does not see
/// the seeds of a configured rule and the seeds in doubt.
fn unseen_by_cargo(answer: &Answer) -> Vec<Seed> {
    let chains = answer
        .affected
        .units()
        .filter_map(|(unit, _)| answer.affected.chain(unit));
    let seeds = chains
        .filter(|(way, _)| way.len() == 1)
        .map(|(_, seed)| seed);
    let seeds = seeds.filter(|seed| matches!(seed.rule, Rule::Configured | Rule::Doubt));
    seeds.cloned().collect()
}
