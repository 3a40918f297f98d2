//! `timings` without a subcommand: measures a build, stores the record, and shows the report.

use anyhow::Result;
use camino::Utf8PathBuf;
use clap::ValueEnum as _;
use xtask_impact::change_set::ChangeRequest;
use xtask_impact::query::Query;
use xtask_impact::unit_graph::Verb;
use xtask_impact::{build_dir, usage};

use super::{ReportFormat, RunHistory};
use crate::artifacts::apply;
use crate::artifacts::apply::CleanOptions;
use crate::artifacts::plan::CleanSelection;
use crate::cargo_runs::build_times::Run;
use crate::cli::args::{JobsArg, WorkspaceArgs};
use crate::cli::change_args::ChangeArgs;
use crate::cli::output;
use crate::cli::output::verdict;
use crate::cli::status::Status;
use crate::picture::{Picture, PictureText};
use crate::selection::{Tool, config_in, profile_in, profiles};
use crate::timings::measure::MeasureRequest;
use crate::timings::{measure, show_command, text};

/// Arguments of `timings`.
#[derive(Debug, clap::Args)]
#[command(mut_args = without_change_set)]
pub(crate) struct RunArgs {
    /// Measure this cargo command
    #[arg(long, hide_short_help = true, value_enum, default_value_t)]
    command: CargoCommand,
    /// Remove these artifacts before the build
    #[arg(long, value_enum, default_value_t)]
    clean: Clean,
    /// Measure the build this many times, and show the median
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = 1)]
    repeat: usize,
    /// Read a report page or a build log of cargo, and build nothing
    #[arg(long, value_name = "FILE", hide_short_help = true, conflicts_with_all = ["clean", "repeat"])]
    import: Option<Utf8PathBuf>,
    /// Give the run a label; labelled runs are never deleted
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    label: Option<String>,
    /// Print the report in this format
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Show this many of the slowest units
    #[arg(long, value_name = "N", default_value_t = 5, hide_short_help = true)]
    slowest: usize,
    #[command(flatten)]
    limits: show_command::Limits,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
    #[command(flatten)]
    jobs: JobsArg,
    /// Pass these arguments to cargo
    #[arg(last = true, value_name = "CARGO ARGS", help_heading = None::<&str>)]
    cargo_args: Vec<String>,
}

/// Hides the change set in the short help: it has an effect only with `--clean affected`.
fn without_change_set(argument: clap::Arg) -> clap::Arg {
    match argument.get_help_heading() {
        Some("Change set") => argument.hide_short_help(true),
        _ => argument,
    }
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum CargoCommand {
    /// Measure cargo build
    #[default]
    Build,
    /// Measure cargo check
    Check,
    /// Measure cargo test --no-run
    Test,
    /// Measure cargo clippy
    Clippy,
    /// Measure cargo doc
    Doc,
}

impl CargoCommand {
    /// Returns cargo's words for the command, with the flags that make the command only build.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Self::Build => &["build"],
            Self::Check => &["check"],
            Self::Test => &["test", "--no-run"],
            Self::Clippy => &["clippy"],
            Self::Doc => &["doc"],
        }
    }

    fn verb(self) -> Verb {
        match self {
            Self::Build => Verb::Build,
            Self::Test => Verb::Test,
            Self::Check | Self::Clippy | Self::Doc => Verb::Check,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Clean {
    /// Remove nothing
    #[default]
    None,
    /// Remove the artifacts of affected units, see "Change set"
    Affected,
    /// Remove the artifacts of the workspace's own packages
    Workspace,
    /// Remove all artifacts
    All,
}

pub(crate) fn run(args: &RunArgs) -> Result<Status> {
    args.check()?;
    let kept = RunHistory::load(&args.workspace)?;
    // The baseline is read before the build, so that a missing baseline is reported early.
    let (settings, limits) = args.limits.read(&kept)?;
    if args.import.is_none() {
        let config = config_in(Tool::Build, &args.cargo_args);
        profiles::require(&kept.runner, &kept.workspace, &args.profile(), &config)?;
        kept.workspace.lock_file.check()?;
        measure::warn_of_others(&kept.workspace)?;
    }
    let mut forwarded = args.workspace.forwarded_with_manifest();
    forwarded.extend(args.jobs.forwarded());
    let clean = args.clean.to_possible_value();
    let mut request = MeasureRequest {
        runner: &kept.runner,
        workspace: &kept.workspace,
        command: args.command.words(),
        forwarded: &forwarded,
        arguments: &args.cargo_args,
        run: Run {
            label: args.label.clone(),
            clean: clean.map_or(String::new(), |it| it.get_name().to_owned()),
            ..Run::default()
        },
    };
    let (status, records) = match &args.import {
        Some(file) => (Status::Done, request.import_last(file, &kept.store)?),
        None => request.measure_series(args.repeat, &|| args.clean(&kept), &kept.store)?,
    };
    let Some(first) = records.first() else {
        return Ok(status);
    };
    if args.import.is_none() {
        kept.warn_of_later_run(&first.run);
    }
    let report = kept.report(&records, &limits, args.limits.use_of)?;
    let graph = kept.store.write_graph(&graph_page(&kept)?)?;
    let page = text::page::page_beside(&report, graph)?;
    let page = kept.store.write_page(&page)?;
    show_command::emit(&report, args.format, args.slowest, Some(&page))?;
    kept.prune(&settings, &records)?;
    Ok(status.max(verdict(!report.breaches.is_empty())))
}

/// Returns the page with the graph of the workspace.
fn graph_page(kept: &RunHistory) -> Result<String> {
    let workspace = &kept.workspace;
    let own = workspace.packages().filter(|(_, it)| it.source.is_none());
    let packages: Vec<_> = own.map(|(index, _)| index).collect();
    let mut picture = Picture::default();
    picture.add_packages(workspace, &packages);
    let roots = std::iter::once(workspace.root.as_path());
    picture.page(&PictureText::of_graph(&picture, roots))
}

impl RunArgs {
    /// Checks the rules about arguments that clap cannot express.
    fn check(&self) -> Result<()> {
        let given = |name: &str| self.cargo_args.iter().any(|it| it.starts_with(name));
        if given("--message-format") {
            return Err(usage!(
                "--message-format cannot be passed: `timings` reads cargo's messages itself"
            ));
        }
        if self.clean != Clean::Affected
            && let Some(flag) = self.change.given().first()
        {
            return Err(usage!(
                "{flag} has an effect only with --clean affected\nhint: add --clean affected, \
                 which removes the artifacts of affected units before the build"
            ));
        }
        if self.repeat == 0 || self.repeat > 1 && self.clean == Clean::None {
            return Err(usage!(
                "--repeat measures the same build several times\nhint: add --clean affected, \
                 workspace or all"
            ));
        }
        if self.clean != Clean::None && given("--target-dir") {
            return Err(usage!(
                "--clean removes artifacts only from the workspace's own target directory\nhint: \
                 pass --target-dir before `--`, for the kit too"
            ));
        }
        Ok(())
    }

    /// Returns the name of the profile that is built.
    fn profile(&self) -> String {
        profile_in(Tool::Build, &self.cargo_args).unwrap_or_else(|| "dev".to_owned())
    }

    fn clean(&self, kept: &RunHistory) -> Result<()> {
        let asked = match self.clean {
            Clean::None => return Ok(()),
            Clean::Affected => self.change.resolve()?,
            Clean::Workspace => ChangeRequest {
                assumed: kept.workspace.members().map(|it| it.1.id.clone()).collect(),
                ..ChangeRequest::default()
            },
            Clean::All => ChangeRequest {
                all: true,
                ..ChangeRequest::default()
            },
        };
        let profile = self.profile();
        let directory = build_dir::directory_of(&profile);
        let (runner, workspace) = (kept.runner.clone(), kept.workspace.clone());
        let mut question =
            Query::new(runner, workspace, asked, self.command.verb()).in_profile(&profile);
        question.network = self.workspace.network();
        let options = CleanSelection {
            directory: Some(directory.to_owned()),
            ..CleanSelection::default()
        };
        for cleaned in
            apply::clean(&question.answer()?, &options, CleanOptions::REMOVE)?.directories
        {
            let files: u64 = cleaned.removals.iter().map(|removal| removal.files).sum();
            output::status("Removed", format_args!("{files} files in {}", cleaned.path));
        }
        Ok(())
    }
}
