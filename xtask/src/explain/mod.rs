//! The command `explain`: explains a build error and proposes a fix. Only damaged or stale
//! artifacts are a reason to clean; an error in the code is not.

mod codes;
mod cycle;
mod diagnostics;
mod judge;
mod linker;
mod metadata;
mod names;
mod native;
mod refusals;
mod runs;
mod situation;
pub(crate) mod text;
mod verdict;
mod versions;

use std::io;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::workspace::Workspace;
use xtask_impact::{files, usage};

use self::diagnostics::Diagnostic;
use self::judge::ErrorJudge;
use self::refusals::Refusal;
use self::situation::Situation;
use self::verdict::{ErrorReport, ExplainReport};
use crate::artifacts::inspect::inventory::Inventory;
use crate::artifacts::invalidate::{self, InvalidatedUnits};
use crate::artifacts::plan::CleanPlan;
use crate::checks::{Check, report};
use crate::cli::args::WorkspaceArgs;
use crate::cli::status::Status;
use crate::cli::{output, progress};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Explain a code (E0786, damaged-artifact), an artifact (by its path), or the output of a
    /// failed build on standard input (-)
    #[arg(required = true, value_name = "CODE|PATH|-")]
    subjects: Vec<String>,
    /// Invalidate the units that cause the error, so that cargo builds them again
    #[arg(long)]
    fix: bool,
    /// Show what --fix would remove, and change nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Print the explanations in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

const EXAMPLES: &str = "Examples:
  cargo check 2>&1 | cargo xtask explain -
  cargo check --message-format json | cargo xtask explain -
  cargo xtask explain E0786
  cargo xtask explain --fix target/debug/deps/libbase-8226b39f90c50374.rmeta";

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// Print text for people: verdict, evidence, and the command that helps
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
}

/// The subject of an explanation.
enum Subject {
    /// The output of a build.
    Output(Vec<Diagnostic>),
    /// The code of an error of rustc.
    Code(String),
    /// Paths of artifacts.
    Paths(Vec<Utf8PathBuf>),
}

/// Runs the command. `checks` are the checks whose codes are explained, too.
pub(crate) fn run(args: &Args, checks: &[&Check]) -> Result<Status> {
    if let [code] = &args.subjects[..]
        && let Some(check) = checks.iter().find(|it| it.code == code)
    {
        return explain_check(args, check);
    }
    let subject = subject(&args.subjects, checks)?;
    let situations: Vec<(Diagnostic, Situation)> = match &subject {
        Subject::Output(diagnostics) => {
            let situations = diagnostics.iter().map(|it| (it.clone(), Situation::of(it)));
            situations.collect()
        }
        _ => Vec::new(),
    };
    if let Some(explained) = without_workspace(&situations) {
        return show(args, &ExplainReport::new(explained), None);
    }
    let (runner, workspace) = args.workspace.load()?;
    if let Subject::Code(code) = &subject {
        codes::check_known(&runner, code)?;
    }
    let explain = || -> Result<(ExplainReport, CleanPlan)> {
        let inventory = Inventory::read(&workspace)?;
        let judge = ErrorJudge::new(&workspace, &inventory);
        let mut explained = match &subject {
            Subject::Output(_) => judge.all(&situations),
            Subject::Code(code) => vec![judge.code(code)],
            Subject::Paths(paths) => judge.paths(paths),
        };
        let mut invalid = InvalidatedUnits::default();
        let code = match &subject {
            Subject::Code(code) => Some(code.as_str()),
            _ => None,
        };
        for it in &mut explained {
            it.complete(&workspace, &inventory, code)?;
            invalid.extend(it.invalid.clone());
        }
        Ok((
            ExplainReport::new(explained),
            invalid.plan(&workspace, &inventory)?,
        ))
    };
    let (report, plan) = progress::during("Examining", "the artifacts", explain)?;
    match args.fix {
        true => fix(args, &workspace, report, plan, &explain),
        false => show(args, &report, None),
    }
}

/// Explains errors of cargo about the workspace itself; `None` if there is no such error. Cargo may
/// not be able to load the workspace then, so nothing on disk is examined.
fn without_workspace(situations: &[(Diagnostic, Situation)]) -> Option<Vec<ErrorReport>> {
    let is_of_cargo = |it: &(_, Situation)| match it.1 {
        Situation::Cycle { .. } => true,
        Situation::Refused(refusal) => refusal != Refusal::Test,
        _ => false,
    };
    if !situations.iter().any(is_of_cargo) {
        return None;
    }
    let explained = situations.iter().map(|(error, situation)| match situation {
        Situation::Cycle { packages } => cycle::explain(error, packages),
        Situation::Refused(refusal) => refusals::explain(error, *refusal),
        _ => ErrorReport::new(error, verdict::ErrorVerdict::NotUnderstood)
            .says("not examined: cargo cannot load the workspace"),
    });
    Some(explained.collect())
}

/// Shows the explanations, and executes the plan unless the user asked for a dry run.
fn fix(
    args: &Args,
    workspace: &Workspace,
    report: ExplainReport,
    plan: CleanPlan,
    explain: &dyn Fn() -> Result<(ExplainReport, CleanPlan)>,
) -> Result<Status> {
    let plan = match args.dry_run {
        true => plan,
        false => invalidate::apply(workspace, &mut || Ok(explain()?.1))?,
    };
    if plan.removals().next().is_none() {
        output::note("no artifact to invalidate");
    }
    show(args, &report, Some(plan))
}

/// Prints the report. `plan` is the executed plan, or the plan of a dry run.
fn show(args: &Args, report: &ExplainReport, plan: Option<CleanPlan>) -> Result<Status> {
    match args.format {
        Format::Text => {
            output::advice(&text::report(report))?;
            for removal in plan.iter().flat_map(CleanPlan::removals) {
                let verb = if args.dry_run {
                    "Would remove"
                } else {
                    "Removed"
                };
                output::status(verb, &removal.path);
            }
        }
        Format::Json => output::json(&text::ExplainJson::new(report, plan.as_ref()))?,
    }
    Ok(match report.is_understood() {
        true => Status::Done,
        false => {
            output::warning(
                "a part of the input was not understood, so there may be another cause",
            );
            Status::Usage
        }
    })
}

fn explain_check(args: &Args, check: &Check) -> Result<Status> {
    if args.fix {
        return Err(usage!(
            "--fix has no effect on the code of a check\nhint: run `cargo xtask doctor --fix \
             --only {}`",
            check.code
        ));
    }
    match args.format {
        Format::Text => output::advice(&report::explained(check))?,
        Format::Json => output::json(&text::CheckJson::new(check))?,
    }
    Ok(Status::Done)
}

/// Returns the subject that the arguments name.
fn subject(named: &[String], checks: &[&Check]) -> Result<Subject> {
    match named {
        [dash] if dash == "-" => {
            let input = files::read_stream(io::stdin().lock(), "standard input")?;
            let found = diagnostics::read(&String::from_utf8_lossy(&input));
            if found.is_empty() {
                return Err(usage!(
                    "no error of cargo or rustc in the input\nhint: pipe standard error too: `cargo \
                     check 2>&1 | cargo xtask explain -`"
                ));
            }
            Ok(Subject::Output(found))
        }
        [code] if codes::is_code(code) => Ok(Subject::Code(code.to_ascii_uppercase())),
        paths => {
            for path in paths {
                let is_path = path.contains(['/', '\\']) || Utf8Path::new(path).exists();
                if !is_path {
                    return Err(unknown(path, checks));
                }
            }
            let here = std::env::current_dir().map(Utf8PathBuf::try_from);
            let here = here.ok().and_then(Result::ok).unwrap_or_default();
            Ok(Subject::Paths(
                paths.iter().map(|it| here.join(it)).collect(),
            ))
        }
    }
}

fn unknown(subject: &str, checks: &[&Check]) -> anyhow::Error {
    let known = crate::checks::check_named(subject, checks).err();
    let known = known.map(|it| it.to_string()).unwrap_or_default();
    let near = known.lines().find(|line| line.contains("did you mean"));
    let subject = xtask_impact::quote::name(subject);
    match near {
        Some(near) => usage!("`{subject}` is neither a code nor a path\n{near}"),
        None => usage!(
            "`{subject}` is neither a code nor a path\nhint: pass a code such as E0786, the path \
             of an artifact, or `-` for the output of a build"
        ),
    }
}
