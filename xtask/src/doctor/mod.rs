//! `doctor`: finds mistakes that make caches unreliable or builds slow.

pub(crate) mod artifacts;
pub(crate) mod ci_files;
pub(crate) mod compiler_cache;
pub(crate) mod context;
pub(crate) mod cost;
pub(crate) mod dependencies;
pub(crate) mod disk;
pub(crate) mod environment;
pub(crate) mod fix;
pub(crate) mod inherit;
pub(crate) mod layout;
pub(crate) mod policy_cost;
pub(crate) mod recorded;
pub(crate) mod recorded_times;
pub(crate) mod scripts;
pub(crate) mod shared;
pub(crate) mod tracked;
pub(crate) mod try_layout;
pub(crate) mod workflow;
pub(crate) mod yaml;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::paths::resolved;
use xtask_impact::process::Runner;
use xtask_impact::vcs::Repository;
use xtask_impact::{quote, usage};

use crate::checks::output::{Format, show};
use crate::checks::policy::check::CHECKS;
use crate::checks::policy::differences as policy_of;
use crate::checks::{Check, Policy, check_named, report};
use crate::cli::args::WorkspaceArgs;
use crate::cli::status::Status;
use crate::cli::{output, progress};
use crate::doctor::context::Context;
use crate::doctor::fix::{FIXABLE, fix};
use crate::doctor::recorded_times::recorded_times;
use crate::doctor::try_layout::try_layout;

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask doctor                                all findings, the most severe first
  cargo xtask doctor --fix --dry-run                the fixes that --fix would apply
  cargo xtask doctor --explain nested-config        the meaning of a finding";

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Run only this check (repeatable)
    #[arg(long, value_name = "CODE")]
    only: Vec<String>,
    /// Apply the safe fixes, and show the other findings
    #[arg(long)]
    fix: bool,
    /// Show what --fix would do, and change nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Explain the check with this code: what it reads, its cost, its false positives and its fix
    #[arg(long, value_name = "CODE", exclusive = true)]
    explain: Option<String>,
    /// List all checks
    #[arg(long, exclusive = true)]
    list: bool,
    /// Also build the workspace in cargo's new build-directory layout, in a temporary directory
    #[arg(long = "layout-v2")]
    layout_v2: bool,
    /// Print the findings in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

/// Returns every check of the kit. The configured levels and exceptions of a workspace may name any
/// of them.
pub(crate) fn all_checks() -> Vec<&'static Check> {
    let mut checks = context::checks();
    checks.extend(CHECKS);
    checks
}

/// The checks that concern a compiler cache.
const OF_CACHE: [&str; 5] = [
    "cache-environment",
    "cache-incremental",
    "cache-no-effect",
    "ci-cache-key",
    "ci-cache-variables",
];

/// Runs the checks that concern a compiler cache, for `cache lint`, and prints their findings.
///
/// # Errors
/// Returns an error if git or cargo fails, or if the configured policy is wrong.
pub(crate) fn lint_cache(arguments: &WorkspaceArgs, format: Format) -> Result<Status> {
    let runner = arguments.runner()?;
    let workspace = arguments.load_by(&runner)?;
    let runner = runner.in_directory(&workspace.root);
    let policy: Policy = workspace.setting("policy")?;
    let repository = Repository::discover(&runner, &workspace.root)?;
    let context = Context::new(&workspace, &runner, repository.as_ref());
    let found = context::check(&context, &|check| OF_CACHE.contains(&check.code))?;
    let found = policy.weigh(&all_checks(), found)?;
    for note in context.notes.borrow().iter() {
        output::note(note);
    }
    let status = show(&found, format)?;
    if format == Format::Text {
        output::note(report::totals(&found));
    }
    Ok(status)
}

/// Runs the command. `replaced_hooks` finds the hooks that another tool wrote in the place of the
/// kit's hooks.
pub(crate) fn run(
    args: &Args,
    replaced_hooks: &dyn Fn(&Runner) -> Vec<Utf8PathBuf>,
) -> Result<Status> {
    let known = all_checks();
    if let Some(code) = &args.explain {
        output::advice(&report::explained(check_named(code, &known)?))?;
        return Ok(Status::Done);
    }
    if args.list {
        output::data(&report::listed(&known))?;
        return Ok(Status::Done);
    }
    for code in &args.only {
        check_named(code, &known)?;
    }
    let (runner, workspace) = args.workspace.load()?;
    let runner = runner.in_directory(&workspace.root);
    let policy: Policy = workspace.setting("policy")?;
    let repository = Repository::discover(&runner, &workspace.root)?;
    let mut context = Context::new(&workspace, &runner, repository.as_ref());
    (context.macros, context.times) = recorded_times(&workspace)?;
    let is_asked = |code: &str| args.only.is_empty() || args.only.iter().any(|it| it == code);
    if args.fix {
        if !args.only.is_empty() && !FIXABLE.iter().any(|it| is_asked(it)) {
            return Err(usage!(
                "--fix fixes only {}\nhint: add one of these with --only, or leave out --only",
                FIXABLE.join(", ")
            ));
        }
        let wanted = |code: &str| is_asked(code) && policy.counts(code);
        if fix(&context, &wanted, args.dry_run)? == 0 {
            output::note("nothing to fix with --fix");
        }
        // The fixes changed the facts that the context has read.
        let (macros, times) = (context.macros.take(), context.times.take());
        context = Context::new(&workspace, &runner, repository.as_ref());
        (context.macros, context.times) = (macros, times);
    }
    let wanted = |check: &Check| is_asked(check.code);
    let mut found = progress::during("Examining", "the workspace", || {
        context::check(&context, &wanted)
    })?;
    if CHECKS.iter().any(|check| wanted(check)) {
        let root = resolved(&workspace.root);
        let mut departures = policy_of(&runner, &root, repository.as_ref(), &policy)?;
        departures.retain(|it| wanted(it.check));
        context::state_costs(&context, &mut departures);
        found.extend(departures);
    }
    if args.layout_v2 {
        let attempt = || try_layout(&context);
        found.extend(progress::during("Building", "in the new layout", attempt)?);
    }
    let found = policy.weigh(&known, found)?;
    for note in context.notes.borrow().iter() {
        output::note(note);
    }
    for path in replaced_hooks(&runner) {
        output::note(format_args!(
            "another tool replaced the hook {}, so no step of the kit runs there: `cargo xtask \
             hooks install` restores the kit's hook",
            quote::name(&path)
        ));
    }
    let status = show(&found, args.format)?;
    if args.format == Format::Text {
        output::note(report::totals(&found));
    }
    Ok(status)
}
/// Parses a text as YAML, and as a workflow of a CI service.
#[cfg(fuzzing)]
pub(crate) fn parse_workflow(text: &str) {
    drop(yaml::parse(text));
    drop(workflow::jobs("ci.yml".into(), text));
}
