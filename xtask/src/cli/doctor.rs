//! `doctor`: look for what makes caches lie or builds slow.

use anyhow::Result;

use super::args::WorkspaceArgs;
use super::findings::{Format, show};
use crate::doctor::{self, Patient};
use crate::error::Status;
use crate::exec::doctor::{FIXABLE, fix, kept_times, try_layout};
use crate::exec::hooks::install::Hooks;
use crate::exec::policy::{all_checks, examine as policy_of};
use crate::finding::{Check, Policy, check_named};
use crate::policy::check::CHECKS;
use crate::quote;
use crate::render;
use crate::render::findings;
use crate::repo::git::Repository;
use crate::repo::resolved;
use crate::usage;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Look for this alone (repeatable)
    #[arg(long, value_name = "CODE")]
    only: Vec<String>,
    /// Mend what is safe to mend, and show the rest
    #[arg(long)]
    fix: bool,
    /// Say what --fix would mend, and mend nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Say what a check reads, when it is no fault, and how to mend it
    #[arg(long, value_name = "CODE", exclusive = true)]
    explain: Option<String>,
    /// Name every check
    #[arg(long, exclusive = true)]
    list: bool,
    /// Build the workspace in cargo's new layout of the build directory, too, in a scratch directory
    #[arg(long = "layout-v2")]
    layout_v2: bool,
    /// How to show what is found
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn run(args: &Args) -> Result<Status> {
    let known = all_checks();
    if let Some(code) = &args.explain {
        render::data(&findings::explained(check_named(code, &known)?))?;
        return Ok(Status::Done);
    }
    if args.list {
        render::data(&findings::listed(&known))?;
        return Ok(Status::Done);
    }
    for code in &args.only {
        check_named(code, &known)?;
    }
    let (runner, workspace) = args.workspace.load()?;
    let runner = runner.in_directory(&workspace.root);
    let policy: Policy = workspace.configured("policy")?;
    let repository = Repository::discover(&runner, &workspace.root)?;
    let mut patient = Patient::new(&workspace, &runner, repository.as_ref());
    (patient.macros, patient.times) = kept_times(&workspace)?;
    let is_asked = |code: &str| args.only.is_empty() || args.only.iter().any(|it| it == code);
    if args.fix {
        if !args.only.is_empty() && !FIXABLE.iter().any(|it| is_asked(it)) {
            return Err(usage!(
                "--fix mends {}, and none of these is asked for",
                FIXABLE.join(", ")
            ));
        }
        let wanted = |code: &str| is_asked(code) && policy.heeds(code);
        if fix(&patient, &wanted, args.dry_run)? == 0 {
            render::note("there is nothing to mend that --fix mends");
        }
        // What was read before is not true any more.
        let (macros, times) = (patient.macros.take(), patient.times.take());
        patient = Patient::new(&workspace, &runner, repository.as_ref());
        (patient.macros, patient.times) = (macros, times);
    }
    let wanted = |check: &Check| is_asked(check.code);
    let mut found = doctor::examine(&patient, &wanted)?;
    if CHECKS.iter().any(|check| wanted(check)) {
        let root = resolved(&workspace.root);
        let mut departures = policy_of(&runner, &root, repository.as_ref(), &policy)?;
        departures.retain(|it| wanted(it.check));
        doctor::state_costs(&patient, &mut departures);
        found.extend(departures);
    }
    if args.layout_v2 {
        found.extend(try_layout(&patient)?);
    }
    let found = policy.weigh(&known, found)?;
    let hooks = Hooks::of(&runner).and_then(|hooks| hooks.replaced());
    for note in patient.notes.borrow().iter() {
        render::note(note);
    }
    for path in hooks.unwrap_or_default() {
        render::note(format_args!(
            "another tool replaced the hook {}, so that no step of the kit's runs there: `cargo xtask \
             hooks install` puts the kit's back",
            quote::name(&path)
        ));
    }
    let status = show(&found, args.format)?;
    if args.format == Format::Text {
        render::note(findings::totals(&found));
    }
    Ok(status)
}
