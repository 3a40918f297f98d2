//! Runs a hook: finds the changed files, runs the steps, and reports their outcomes.

use std::env::var;
use std::io::IsTerminal as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::process::Runner;
use xtask_impact::vcs::{Commit, PathStatus, Range, Repository, TreeState};
use xtask_impact::{process, vcs};

use crate::checks::Check;
use crate::cli::output;
use crate::cli::status::Status;
use crate::hooks::model::{Hook, HookStep, StepOutcome};
use crate::hooks::push::{Push, pushes};
use crate::hooks::scene::{CheckedState, HookRun, StepPlace};
use crate::hooks::workspaces::CheckedRepository;
use crate::hooks::{chained, checkout, rerun_if_stale, text};

/// Runs a hook. The chained hook of the user runs first. `file` is the path of the hook that git
/// started, `arguments` are the arguments that git passed to the hook, and `known` are all checks
/// that the configuration may name.
///
/// # Errors
/// Returns an error if git fails or the configuration is wrong. A step that fails is no error; the
/// status reports it.
pub(crate) fn start(
    runner: &Runner,
    hook: Hook,
    file: Option<&Utf8Path>,
    arguments: &[String],
    known: &[&'static Check],
) -> Result<Status> {
    let mut again = vec!["hooks".to_owned(), "run".to_owned(), hook.name().to_owned()];
    again.extend(
        file.into_iter()
            .flat_map(|it| ["--hook".to_owned(), it.to_string()]),
    );
    again.push("--".to_owned());
    again.extend_from_slice(arguments);
    if let Some(status) = rerun_if_stale::rerun_if_stale(runner, &again)? {
        return Ok(status);
    }
    let input = input(hook)?;
    if let Some(file) = file
        && let Some(status) = chained::run(runner, file, arguments, &input)?
    {
        return Ok(status);
    }
    // Git passes no references if the remote is up to date. If a user calls the hook, empty input
    // is probably a mistake.
    if hook == Hook::PrePush && file.is_none() && !arguments.is_empty() && input.trim().is_empty() {
        output::note("pre-push: stdin names no reference, so there is nothing to check");
    }
    match hook {
        Hook::PreCommit => check(&pre_commit(runner)?, known),
        Hook::PrePush => check(&pre_push(runner, arguments, &input)?, known),
        Hook::PostCheckout => {
            // A checkout that succeeded must not end with an error.
            let framework = ["FROM_REF", "TO_REF", "CHECKOUT_TYPE"]
                .map(|name| var(format!("PRE_COMMIT_{name}")).unwrap_or_default());
            let arguments = if arguments.is_empty() {
                &framework
            } else {
                arguments
            };
            if let Err(error) = checkout::stale(runner, arguments) {
                output::note(format_args!(
                    "the stale artifacts of this checkout are unknown: {error:#}"
                ));
            }
            let skip = var("SKIP").unwrap_or_default();
            if let Err(error) = checkout::run_steps(runner, arguments, &skip) {
                output::note(format_args!("the steps of post-checkout failed: {error:#}"));
            }
            Ok(Status::Done)
        }
    }
}

/// Reads the references that git passes to a pre-push hook; other hooks have no input.
fn input(hook: Hook) -> Result<String> {
    match hook == Hook::PrePush && !std::io::stdin().is_terminal() {
        true => std::io::read_to_string(std::io::stdin()).context("cannot read standard input"),
        false => Ok(String::new()),
    }
}

/// Prints the steps that a hook would run, without running them.
///
/// # Errors
/// Returns an error in the same cases as [`start`].
pub(crate) fn dry_run(runner: &Runner, hook: Hook, arguments: &[String]) -> Result<Status> {
    let input = input(hook)?;
    let fired = match hook {
        Hook::PreCommit => pre_commit(runner)?,
        Hook::PrePush => pre_push(runner, arguments, &input)?,
        Hook::PostCheckout => {
            let what =
                "report the stale artifacts of the checkout; `hooks run post-checkout` does so"
                    .to_owned();
            let mut steps = vec![(None, "stale".to_owned(), what)];
            steps.extend(checkout::planned(runner)?);
            output::data(&text::plan(hook, &steps))?;
            return Ok(Status::Done);
        }
    };
    let mut planned = Vec::new();
    for (scene, steps) in fired.scenes()? {
        for step in steps {
            let what = scene.plan(&step)?;
            planned.extend(what.map(|what| (fired.name(scene.here), step.name, what)));
        }
    }
    output::data(&text::plan(hook, &planned))?;
    Ok(Status::Done)
}

/// A hook that git started, and the states that the hook checks.
struct HookEvent {
    hook: Hook,
    checked: CheckedRepository,
    subjects: Vec<CheckedState>,
}

impl HookEvent {
    /// Returns the state to check and the steps, for every workspace that has changed files.
    fn scenes(&self) -> Result<Vec<(HookRun<'_>, Vec<HookStep>)>> {
        let skip = var("SKIP").unwrap_or_default();
        let mut scenes = Vec::new();
        for subject in &self.subjects {
            for place in &self.checked.places {
                if let Some(subject) = self.checked.subject_in(place, subject) {
                    let steps = place.config()?.steps(self.hook, &skip)?;
                    let scene = HookRun::new(place, &self.checked.repository, subject);
                    scenes.push((scene, steps));
                }
            }
        }
        Ok(scenes)
    }

    /// Returns the name of a workspace if the hook checks several workspaces; otherwise `None`.
    fn name(&self, place: &StepPlace) -> Option<String> {
        (self.checked.places.len() > 1).then(|| place.name().to_string())
    }
}

/// Finds the staged changes that are going to be committed.
fn pre_commit(runner: &Runner) -> Result<HookEvent> {
    let checked = CheckedRepository::find(runner)?;
    let repository = &checked.repository;
    let status = repository.status()?;
    let staged = status
        .iter()
        .filter_map(|it| Some((it.staged?, it.path.clone())));
    let (present, gone) = split_by_presence(staged);
    let subject = CheckedState {
        state: TreeState::Index,
        base: None,
        present,
        gone,
        unstaged_paths: differing_paths(repository, status.iter().filter(|it| it.unstaged))?,
        in_place: true,
    };
    Ok(HookEvent {
        hook: Hook::PreCommit,
        subjects: vec![subject],
        checked,
    })
}

/// Finds the commits that are going to be pushed. The first argument from git is the name of the
/// remote; `input` lists the references.
fn pre_push(runner: &Runner, arguments: &[String], input: &str) -> Result<HookEvent> {
    let remote = arguments.first().map_or("*", String::as_str);
    let checked = CheckedRepository::find(runner)?;
    let repository = &checked.repository;
    let mut pushed = pushes(input)?;
    // The pre-commit framework does not pass git's input on. It sets variables instead, but not for
    // a new branch. A user who runs the hook by hand passes no references either. In both cases
    // `HEAD` is compared with its upstream branch.
    let (local, remote_has) = (
        var("PRE_COMMIT_TO_REF").ok(),
        var("PRE_COMMIT_FROM_REF").ok(),
    );
    let has_no_references = var("PRE_COMMIT").is_ok()
        || arguments.is_empty() && input.is_empty()
        || std::io::stdin().is_terminal();
    if pushed.is_empty() && (local.is_some() || has_no_references) {
        let remote = match local {
            Some(_) => remote_has,
            None => repository.known("@{upstream}")?.map(|commit| commit.0),
        };
        pushed.push(Push {
            remote,
            local: local.unwrap_or_else(|| "HEAD".to_owned()),
        });
    }
    let head = repository.head();
    let mut subjects = Vec::new();
    for push in pushed {
        let Some(commit) = repository.known(&push.local)? else {
            // A tag of a file and a branch without a commit contain nothing to build.
            if push.local == "HEAD" || repository.has_object(&push.local)? {
                continue;
            }
            let local = xtask_impact::quote::line(&push.local);
            anyhow::bail!("pre-push: {local} is pushed, but is not in this repository");
        };
        let Some(base) = base(repository, &commit, push.remote.as_deref(), remote)? else {
            continue;
        };
        let (present, gone) = match &base {
            Some(base) => {
                let changes = repository.changes(&Range::Revisions {
                    base: base.clone(),
                    head: commit.clone(),
                })?;
                split_by_presence(changes.into_iter().map(|it| (it.status, it.path)))
            }
            None => {
                let entries = repository.entries(&TreeState::Commit(commit.clone()))?;
                (entries.into_iter().map(|it| it.path).collect(), Vec::new())
            }
        };
        let in_place = head == Some(&commit);
        let unstaged_paths = match in_place {
            true => differing_paths(repository, repository.status()?.iter())?,
            false => Vec::new(),
        };
        let subject = CheckedState {
            state: TreeState::Commit(commit),
            base,
            present,
            gone,
            unstaged_paths,
            in_place,
        };
        let is_known =
            |known: &CheckedState| known.state == subject.state && known.base == subject.base;
        if !subjects.iter().any(is_known) {
            subjects.push(subject);
        }
    }
    Ok(HookEvent {
        hook: Hook::PrePush,
        subjects,
        checked,
    })
}

/// Returns the commit that a pushed commit is compared with. The base is the remote's commit of the
/// same branch. If the branch is new, or if the remote's commit is not in this repository, the base
/// is the commit from which the commits that the remote lacks start. `Some(None)` means that
/// everything is checked. `None` means that the remote has all commits.
fn base(
    repository: &Repository,
    commit: &Commit,
    theirs: Option<&str>,
    remote: &str,
) -> Result<Option<Option<Commit>>> {
    if let Some(theirs) = theirs
        && let Some(theirs) = repository.known(theirs)?
    {
        return Ok(Some(Some(theirs)));
    }
    let (lacking, boundary) = repository.unpushed(commit, remote)?;
    Ok(match &boundary[..] {
        _ if lacking == 0 => None,
        [] => Some(None),
        [base] => Some(Some(base.clone())),
        // The pushed commits contain merges, so they start from several commits.
        [first, ..] => {
            let main = repository.default_base();
            let base = main.and_then(|(_, main)| repository.merge_base(&main, commit));
            Some(base.or_else(|_| repository.merge_base(first, commit)).ok())
        }
    })
}

/// Runs the steps of a hook in every workspace that has changed files, and reports the outcomes.
fn check(fired: &HookEvent, known: &[&'static Check]) -> Result<Status> {
    let start = Instant::now();
    let hook = fired.hook;
    let mut scenes = fired.scenes()?;
    for (scene, _) in &mut scenes {
        scene.known_checks = known.to_vec();
    }
    if text::announces(hook) {
        let mut names = Vec::new();
        for (scene, steps) in &mut scenes {
            scene.announces = Some(hook);
            let workspace = fired.name(scene.here);
            names.extend(
                steps
                    .iter()
                    .map(|it| output::of(workspace.as_deref(), &it.name)),
            );
        }
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        text::announce(hook, &names);
    }
    let mut outcomes = Vec::new();
    for (scene, steps) in &scenes {
        let mut found = run(scene, steps);
        for outcome in &mut found {
            outcome.workspace = fired.name(scene.here);
        }
        outcomes.append(&mut found);
    }
    text::report(hook, &outcomes, start.elapsed());
    if let Some(signal) = process::signal_received() {
        return Ok(Status::Forwarded(process::status_of(signal)));
    }
    Ok(match outcomes.iter().all(StepOutcome::lets_pass) {
        true => Status::Done,
        false => Status::Found,
    })
}

/// Runs the steps at the same time. The steps that use cargo run one after the other, because
/// cargo's lock allows only one at a time.
fn run(scene: &HookRun<'_>, steps: &[HookStep]) -> Vec<StepOutcome> {
    let (with_cargo, others): (Vec<_>, Vec<_>) = steps.iter().partition(|step| step.uses_cargo());
    let mut outcomes: Vec<StepOutcome> = std::thread::scope(|scope| {
        let others: Vec<_> = others
            .into_iter()
            .map(|step| scope.spawn(|| scene.run(step)))
            .collect();
        let mut outcomes: Vec<_> = with_cargo.into_iter().map(|step| scene.run(step)).collect();
        outcomes.extend(others.into_iter().filter_map(|thread| thread.join().ok()));
        outcomes
    });
    let place = |outcome: &StepOutcome| steps.iter().position(|step| step.name == outcome.step);
    outcomes.sort_by_key(place);
    outcomes
}

/// Sorts changed paths into paths that exist and paths that were deleted.
fn split_by_presence(
    changes: impl Iterator<Item = (vcs::ChangeStatus, Utf8PathBuf)>,
) -> (Vec<Utf8PathBuf>, Vec<Utf8PathBuf>) {
    let (mut present, mut gone) = (Vec::new(), Vec::new());
    for (status, path) in changes {
        match status {
            vcs::ChangeStatus::Deleted => gone.push(path),
            _ => present.push(path),
        }
    }
    (present, gone)
}

/// Returns the paths that differ from the checked state, including the differences that git hides
/// (`assume-unchanged`, `skip-worktree`).
fn differing_paths<'a>(
    repository: &Repository,
    statuses: impl Iterator<Item = &'a PathStatus>,
) -> Result<Vec<Utf8PathBuf>> {
    let mut paths: Vec<_> = statuses.map(|it| it.path.clone()).collect();
    paths.extend(repository.hidden_differences()?);
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}
