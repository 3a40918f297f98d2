//! The command `affected`: lists the units that cargo has to rebuild or rerun after a change, with
//! the reasons.

mod page;
pub(crate) mod why;

use anyhow::Result;
use xtask_impact::query::{Answer, package_of, units_named};
use xtask_impact::seeds::Effect;
use xtask_impact::unit_graph::Mode;
use xtask_impact::workspace::TargetKind;
use xtask_impact::{quote, usage};

use crate::affected::page::AffectedPage;
use crate::cli::status::Status;
use crate::cli::{output, progress, workspaces};
use crate::selection::filter::PackageFilter;
use crate::selection::question_args::QuestionArgs;
use crate::selection::report::AffectedReport;

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask affected                              what the work tree affects
  cargo xtask affected --since @{1}                 what a pull affects
  cargo xtask affected --verb test --format names   packages with tests to run, for a script
  cargo xtask affected --why fares                  the reasons for one package
  cargo xtask affected --format html                a page: the graph with the affected part";

/// Arguments of `affected`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Print the answer in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Show only the units that cargo rebuilds
    #[arg(long, hide_short_help = true, conflicts_with = "rerun")]
    rebuilt: bool,
    /// Show only the units that must run again and are not rebuilt
    #[arg(long, hide_short_help = true)]
    rerun: bool,
    /// Show only targets of this kind (repeatable); `--kind bin --format names` prints the names of
    /// the binaries to deploy
    #[arg(long, hide_short_help = true, value_enum, value_name = "KIND")]
    kind: Vec<Kind>,
    /// Print units (with --format names) or targets (with --format cargo-args) instead of packages
    #[arg(long, hide_short_help = true)]
    units: bool,
    /// Explain why PACKAGE[:TARGET] is affected; a unit in the form of the output is accepted, too
    #[arg(long, value_name = "SPEC", conflicts_with = "why_not")]
    why: Option<String>,
    /// Explain why PACKAGE[:TARGET] is not affected; a unit in the form of the output is accepted,
    /// too
    #[arg(long, hide_short_help = true, value_name = "SPEC")]
    why_not: Option<String>,
    #[command(flatten)]
    filter: PackageFilter,
    #[command(flatten)]
    question: QuestionArgs,
    /// Answer for every workspace of the repository
    #[arg(long, hide_short_help = true, conflicts_with = "manifest_path")]
    all_workspaces: bool,
}

/// A kind of target, without its tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Libraries and procedural macros
    Lib,
    /// Binaries
    Bin,
    /// Examples
    Example,
    /// Integration tests
    Test,
    /// Benchmarks
    Bench,
}

impl Kind {
    /// Returns the units of the kind: the target, not the harness that tests a library or a binary.
    fn unit(self) -> (TargetKind, Option<Mode>) {
        match self {
            Self::Lib => (TargetKind::Lib, Some(Mode::Build)),
            Self::Bin => (TargetKind::Bin, Some(Mode::Build)),
            Self::Example => (TargetKind::Example, Some(Mode::Build)),
            Self::Test => (TargetKind::Test, None),
            Self::Bench => (TargetKind::Bench, None),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// Print text for people: every affected unit with its reason
    #[default]
    Text,
    /// Print the names of the affected packages, one per line
    Names,
    /// Print the affected packages as `-p a -p b`
    CargoArgs,
    /// Print the affected tests as a filterset of nextest
    Nextest,
    /// Print JSON for programs, see docs/json.md
    Json,
    /// Print one self-contained HTML page: the graph with the affected part, and the reasons
    Html,
}

pub(crate) fn run(args: &Args) -> Result<Status> {
    let all = args.all_workspaces;
    if all && matches!(args.format, Format::CargoArgs | Format::Nextest) {
        return Err(usage!(
            "this format prints the arguments of one cargo command, which builds one \
             workspace\nhint: ask for each workspace with --manifest-path, or use `run-affected \
             --all-workspaces`"
        ));
    }
    let spec = args.why.as_ref().or(args.why_not.as_ref());
    let mut named = args.filter.named();
    named.extend(spec.cloned());
    let questions = args.question.each(all, &named)?;
    let (mut reports, mut pages) = (Vec::new(), AffectedPage::default());
    let status = workspaces::each(questions, |name, question| {
        let answer = progress::during("Finding", "what is affected", || question.answer())?;
        if let Some(spec) = spec {
            if answer.workspace.find(package_of(spec)).is_ok() {
                output::data(&output::heading(name))?;
                output::data(&explanation(&answer, spec, args.why_not.is_some())?)?;
            }
            return Ok(Status::Done);
        }
        let left_out = args.filter.left_out(&answer.workspace, name.is_some())?;
        let mut report = AffectedReport::new(&answer).without(&answer, &left_out);
        if args.rebuilt {
            report = report.only(Effect::Rebuilt);
        } else if args.rerun {
            report = report.only(Effect::Rerun);
        }
        if !args.kind.is_empty() {
            let kinds: Vec<_> = args.kind.iter().map(|kind| kind.unit()).collect();
            report = report.of_kinds(&kinds);
        }
        args.show(name, &report)?;
        if args.format == Format::Html {
            pages.add(&answer, &report, name);
        }
        reports.push(report);
        Ok(Status::Done)
    })?;
    match (args.format, spec) {
        (Format::Json, None) if all => output::json(&output::Reports::new(reports))?,
        (Format::Html, None) => output::data(&pages.render()?)?,
        _ => {}
    }
    Ok(status)
}

impl Args {
    fn show(&self, name: Option<&str>, report: &AffectedReport) -> Result<()> {
        for note in &report.notes {
            output::note_once(name, note);
        }
        if self.format == Format::Nextest
            && let Some(because) = &report.configured_because
        {
            output::note(output::of(name, because));
        } else if report.units.is_empty() {
            let nothing = format_args!("nothing is affected ({})", quote::line(&report.compared));
            output::note(output::of(name, nothing));
        }
        match self.format {
            Format::Text if report.units.is_empty() => {}
            Format::Text => {
                output::data(&(output::heading(name) + &report.text()))?;
                output::status("Affected", output::of(name, report.headline()));
            }
            Format::Names if self.units => output::data(&report.unit_names())?,
            Format::Names if !self.kind.is_empty() => output::data(&report.target_names())?,
            Format::Names => output::data(&report.names())?,
            Format::CargoArgs if self.units => {
                output::data(&report.target_args().unwrap_or_else(|| report.cargo_args()))?;
            }
            Format::CargoArgs => output::data(&report.cargo_args())?,
            Format::Nextest => output::data(&report.nextest())?,
            Format::Json if name.is_none() => output::json(report)?,
            // One document holds the answers of all workspaces.
            Format::Json | Format::Html => {}
        }
        Ok(())
    }
}

/// Returns the explanation for `--why` or `--why-not` of the units that `spec` names. If the flag
/// fits none of these units, prints a note and returns the explanation for the opposite flag.
fn explanation(answer: &Answer, spec: &str, not: bool) -> Result<String> {
    let units = units_named(&answer.workspace, &answer.graph, spec)?;
    let (reached, unreached): (Vec<_>, Vec<_>) = units
        .into_iter()
        .partition(|&unit| answer.affected.effect(unit).is_some());
    let not = match (not, reached.is_empty(), unreached.is_empty()) {
        (false, true, _) => {
            output::note(format_args!("{} is not affected", quote::name(&spec)));
            true
        }
        (true, _, true) => {
            output::note(format_args!("{} is affected", quote::name(&spec)));
            false
        }
        (not, ..) => not,
    };
    let explained = match not {
        false => why::why(answer, &reached),
        true => why::why_not(answer, &unreached),
    };
    let of_nextest = why::nextest(answer, &[reached, unreached].concat());
    Ok(explained + &of_nextest.unwrap_or_default())
}
