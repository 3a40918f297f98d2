//! `timings try`: builds with and without settings, and reports whether a difference is proven.

mod builds;
mod candidates;
mod edit;
mod plan;
mod proof;
mod report;
mod settings;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::cargo_config::wrapper::without_compiler_cache;
use xtask_impact::usage;

pub(crate) use self::candidates::TrialCandidate;
use self::candidates::TrialSettings;
use self::plan::{TrialKind, TrialPlan};
pub(crate) use self::report::{TrialReport, lines as proposal_lines};
use super::{ContendedArgs, ReportFormat, RunHistory};
use crate::cargo_runs::build_times::BuildRecord;
use crate::cli::args::WorkspaceArgs;
use crate::cli::output;
use crate::cli::status::Status;
use crate::selection::{Tool, locked, profile_in};
use crate::timings::run_command::CargoCommand;
use crate::timings::{compare, show_command, text};

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask timings try                                     settings that are worth a try
  cargo xtask timings try profile.dev.codegen-units=16        builds from nothing, and after an edit
  cargo xtask timings try profile.dev.debug=line-tables-only --only edit -- --package cli";

/// Arguments of `timings try`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct TryArgs {
    /// Try these settings of cargo together: KEY=VALUE, as for `cargo --config` [default: propose
    /// settings from the recorded runs]
    #[arg(value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Measure each kind of build this many times with and without the settings
    #[arg(long, value_name = "N", default_value_t = 5)]
    repeat: usize,
    /// Measure only this kind of build [default: both]
    #[arg(long, value_enum)]
    only: Option<TrialKind>,
    /// Edit this source before a build after an edit [default: the library's source that the last
    /// 300 commits changed most often]
    #[arg(long, value_name = "FILE")]
    edit: Option<Utf8PathBuf>,
    /// Build by this cargo command
    #[arg(long, value_enum, default_value_t)]
    command: CargoCommand,
    /// Print the plan, and build nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the report in this format
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    #[command(flatten)]
    use_of: ContendedArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
    /// Pass these arguments to cargo
    #[arg(last = true, value_name = "CARGO ARGS")]
    cargo_args: Vec<String>,
}

pub(crate) fn run(args: &TryArgs) -> Result<Status> {
    let kept = RunHistory::load(&args.workspace)?;
    let report = match args.settings.is_empty() {
        true => TrialReport {
            version: 1,
            experiment: None,
            candidates: args.propose(&kept)?,
        },
        false => {
            let plan = args.plan(&kept)?;
            if args.dry_run {
                return args.show(&plan, &kept);
            }
            for line in plan_lines(&plan, &kept)? {
                output::note(line);
            }
            let runner = match settings::wraps(&plan.settings) {
                true => kept.runner.clone(),
                // With a compiler cache, every build except the first would only read the cache.
                false => without_compiler_cache(&kept.runner),
            };
            let results = builds::run(&runner, &kept.workspace, &plan)?;
            TrialReport {
                version: 1,
                experiment: Some(report::outcome(&plan, &results)),
                candidates: Vec::new(),
            }
        }
    };
    let document = report.document();
    match args.format {
        ReportFormat::Text => output::data(&document.text())?,
        ReportFormat::Json => output::json(&report)?,
        ReportFormat::Markdown => output::data(&document.markdown())?,
        ReportFormat::Github => show_command::summary(&document.markdown())?,
        ReportFormat::Html => output::data(&document.html())?,
    }
    Ok(Status::Done)
}

/// Returns the proposals for the recorded build that [`candidates::largest_recent`] chooses, or no
/// proposals if there is no such build.
///
/// # Errors
/// Returns an error if a record or the settings of its profile cannot be read.
pub(super) fn proposals(kept: &RunHistory, use_of: ContendedArgs) -> Result<Vec<TrialCandidate>> {
    let (history, _) = kept.comparable(use_of);
    let Some(series) = candidates::largest_recent(&history) else {
        return Ok(Vec::new());
    };
    let records = kept.store.records(series)?;
    let Some(record) = compare::typical(&records) else {
        return Ok(Vec::new());
    };
    let settings = build_settings(kept, record)?;
    candidates::propose(record, &settings).map_err(|error| usage!("{error}"))
}

fn build_settings(kept: &RunHistory, record: &BuildRecord) -> Result<TrialSettings> {
    // Tests are built with the profile `test`, which inherits from `dev`.
    let profile = match &*record.run.profile {
        "" | "test" | "debug" => "dev",
        "bench" => "release",
        named => named,
    };
    TrialSettings::of(&kept.runner, &kept.workspace, profile, &record.run.host)
}

impl TryArgs {
    fn propose(&self, kept: &RunHistory) -> Result<Vec<TrialCandidate>> {
        if self.only.is_some() || self.edit.is_some() || !self.cargo_args.is_empty() {
            return Err(usage!(
                "--only, --edit and cargo arguments need a setting to try\nhint: name a setting, \
                 for example profile.dev.codegen-units=16"
            ));
        }
        let proposals = proposals(kept, self.use_of)?;
        let (_, left_out) = kept.comparable(self.use_of);
        if left_out > 0 {
            let runs = output::count(left_out, "run");
            output::note(format_args!(
                "{runs} left out, because the machine did other work; --contended uses them"
            ));
        }
        if kept.history.is_empty() {
            output::note(
                "no run is recorded yet\nhint: `cargo xtask timings --clean all` measures a build, \
                 from which settings are proposed",
            );
        }
        Ok(proposals)
    }

    fn plan(&self, kept: &RunHistory) -> Result<TrialPlan> {
        if self.repeat == 0 {
            return Err(usage!("--repeat 0 measures nothing"));
        }
        let given = |name: &str| self.cargo_args.iter().any(|it| it.starts_with(name));
        for name in ["--target-dir", "--message-format"] {
            if given(name) {
                return Err(usage!(
                    "{name} cannot be passed: an experiment builds in directories of its own, and \
                     reads cargo's messages itself"
                ));
            }
        }
        if self.only == Some(TrialKind::Clean) && self.edit.is_some() {
            return Err(usage!("--edit has no effect with --only clean"));
        }
        kept.workspace.lock_file.check()?;
        let settings = self.settings.iter().map(|it| settings::read(it));
        let settings = settings.collect::<Result<Vec<_>>>()?;
        let mut command: Vec<String> = self
            .command
            .words()
            .iter()
            .map(|it| (*it).to_owned())
            .collect();
        command.extend(self.workspace.forwarded());
        command.extend(self.cargo_args.iter().cloned());
        if profile_in(Tool::Build, &self.cargo_args).is_none()
            && let Some(profile) = settings::profile(&settings)
            && !matches!(profile, "dev" | "test" | "bench")
        {
            command.push(format!("--profile={profile}"));
        }
        let edits = match self.only {
            Some(TrialKind::Clean) => Vec::new(),
            _ => edit::choices(&kept.runner, &kept.workspace, self.edit.as_deref())?,
        };
        Ok(TrialPlan {
            settings,
            command: locked(command),
            repeat: self.repeat,
            edits,
            clean: self.only != Some(TrialKind::Edit),
        })
    }

    /// Prints the plan as data.
    fn show(&self, plan: &TrialPlan, kept: &RunHistory) -> Result<Status> {
        let lines = plan_lines(plan, kept)?.into_iter();
        let lines: String = lines.map(|line| line + "\n").collect();
        output::data(&lines)?;
        Ok(Status::Done)
    }
}

/// Returns the sentences that describe a plan.
fn plan_lines(plan: &TrialPlan, kept: &RunHistory) -> Result<Vec<String>> {
    let builds = plan.builds().len();
    let mut lines = vec![format!(
        "`cargo {}` runs {builds} times, {} of them from nothing, in temporary directories, \
         with and without {}",
        plan.command.join(" "),
        plan.clean_builds(),
        plan.settings.join(", "),
    )];
    match &plan.edits[..] {
        [] => {}
        [edit] => lines.push(format!("edited in a copy of the sources: {edit}")),
        [edit, ..] => lines.push(format!(
            "edited in a copy of the sources: {edit}, or the next choice if this build does not \
             compile it"
        )),
    }
    let (history, _) = kept.comparable(ContendedArgs::default());
    let whole = history.iter().rev().map(|series| &series[0]);
    let mut whole = whole.filter(|run| run.clean == "all" && !run.failed);
    if let Some(run) = whole.next() {
        let time = text::seconds(run.total * plan.clean_builds() as f64);
        let each = text::seconds(run.total);
        lines.push(format!(
            "the builds from nothing take about {time}, if each takes as long as the run {} ({each})",
            run.name(),
        ));
    }
    let least = proof::least_runs(plan.figures());
    if plan.repeat < least {
        lines.push(format!(
            "--repeat {} is too small to prove a difference; use --repeat {least} or more",
            plan.repeat
        ));
    }
    Ok(lines)
}
