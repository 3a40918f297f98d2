//! The `post-checkout` hook: finds the artifacts that a checkout made stale and that cargo would not
//! rebuild, and runs the configured steps, such as `freshness restore`.

use anyhow::Result;
use xtask_impact::change_set::{ChangeRequest, ComparedStates};
use xtask_impact::process::Runner;
use xtask_impact::propagate::propagate;
use xtask_impact::query::Answer;
use xtask_impact::seeds::{Rule, Seed};
use xtask_impact::{process, quote};

use super::scene::{StepPlace, load, question};
use super::steps::program_in_root;
use super::workspaces::CheckedRepository;
use crate::artifacts::apply::{CleanOptions, clean};
use crate::artifacts::plan::CleanSelection;
use crate::artifacts::text;
use crate::cli::output;
use crate::hooks::model::{Hook, StepWork};
use crate::selection::Tool;

/// Prints the artifacts that are stale after a checkout of a branch and that cargo would not
/// rebuild by itself. `clean-affected --since OLD` removes these artifacts. `arguments` are those
/// of githooks(5): the old commit, the new commit, and `1` if a branch (not a file) was checked
/// out.
pub(crate) fn stale(runner: &Runner, arguments: &[String]) -> Result<()> {
    let [old, new, branch] = arguments else {
        return Ok(());
    };
    if old == new || branch != "1" || is_clone(old) {
        return Ok(());
    }
    for place in &CheckedRepository::find(runner)?.places {
        stale_in(place, old)?;
    }
    Ok(())
}

/// Returns true if the old commit says that the checkout is part of a clone.
fn is_clone(old: &str) -> bool {
    old.bytes().all(|byte| byte == b'0')
}

/// Runs the configured steps after a checkout of a branch, in every workspace. A step that fails
/// prints a note: a checkout that succeeded must not end with an error. `arguments` are those of
/// githooks(5), and `skip` are the names of steps to leave out.
pub(crate) fn run_steps(runner: &Runner, arguments: &[String], skip: &str) -> Result<()> {
    if let [old, _, branch] = arguments
        && (branch != "1" || is_clone(old))
    {
        return Ok(());
    }
    for place in &CheckedRepository::find(runner)?.places {
        for step in place.config()?.steps(Hook::PostCheckout, skip)? {
            let StepWork::Program(words) = &step.work else {
                continue;
            };
            let command = program_in_root(place, words)?;
            let ended = process::within(command, Vec::new(), step.budget, &|_| {})?;
            let said = String::from_utf8_lossy(&ended.output);
            if !said.trim().is_empty() {
                output::plain(said.trim_end());
            }
            if ended.out_of_time || !ended.status.success() {
                output::note(format_args!("post-checkout: {} failed", step.name));
            }
        }
    }
    Ok(())
}

/// Returns the configured steps: workspace, name and command of each.
pub(crate) fn planned(runner: &Runner) -> Result<Vec<(Option<String>, String, String)>> {
    let skip = std::env::var("SKIP").unwrap_or_default();
    let places = CheckedRepository::find(runner)?.places;
    let mut planned = Vec::new();
    for place in &places {
        let name = (places.len() > 1).then(|| place.name().to_string());
        for step in place.config()?.steps(Hook::PostCheckout, &skip)? {
            if let StepWork::Program(words) = &step.work {
                let words = words.iter().map(|word| match word.as_str() {
                    "{xtask}" => "xtask".into(),
                    word => quote::shell(word),
                });
                let words = words.collect::<Vec<_>>().join(" ");
                planned.push((name.clone(), step.name.clone(), words));
            }
        }
    }
    Ok(planned)
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
