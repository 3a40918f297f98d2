//! `cache probe`: tests with a private, empty server if builds of the same sources share results.
//!
//! 1. Cold: into an empty target directory, without the variables of this shell that sccache hashes.
//! 2. Warm: the same sources into another target directory, with all variables of this shell.
//! 3. Other path: a copy of the sources at another path.
//! 4. Unchanged: the third build again, in which cargo must find everything fresh.

mod builds;
mod misses;
mod text;
mod variables;

use anyhow::Result;
use serde::Serialize;
use xtask_impact::process::Runner;
use xtask_impact::workspace::Workspace;

use self::builds::{ProbeBuild, ProbeBuilder};
use self::misses::MissedPackage;
use crate::cache::status::StatusFormat;
use crate::cargo_runs::copied_sources;
use crate::cli::args::{JobsArg, WorkspaceArgs};
use crate::cli::output;
use crate::cli::output::verdict;
use crate::cli::status::Status;
use crate::compiler_cache::program::Sccache;

/// Arguments of `cache probe`.
#[derive(Debug, clap::Args)]
pub(crate) struct ProbeArgs {
    /// Exit with 1 if the hit rate of the second build is below this percentage
    #[arg(long, value_name = "PERCENT", default_value_t = 80.0)]
    floor: f64,
    /// Print the report in this format
    #[arg(long, value_enum, default_value_t)]
    format: StatusFormat,
    #[command(flatten)]
    workspace: WorkspaceArgs,
    #[command(flatten)]
    jobs: JobsArg,
    /// Run cargo with these arguments [default: build]
    #[arg(last = true, value_name = "CARGO ARGS", help_heading = None::<&str>)]
    cargo_args: Vec<String>,
}

/// The result of a probe.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct ProbeReport {
    /// The version of this format.
    version: u32,
    /// The floor of the hit rate of the second build, in percent.
    floor: f64,
    /// True if the hit rate reached the floor and the last build was fresh.
    passed: bool,
    /// The builds, in order.
    builds: Vec<ProbeBuild>,
    /// The variables of this shell that change the keys of the cache.
    variables: Vec<String>,
    /// The packages that missed in the second or the third build, each with its cause.
    misses: Vec<MissedPackage>,
    /// The units that the last build compiled again, although nothing had changed.
    not_fresh: Vec<String>,
    /// The reason why there was no build at another path.
    no_copy: Option<String>,
}

/// Runs the probe. The exit status is 1 if the hit rate is below the floor, or if an unchanged build
/// compiles something.
///
/// # Errors
/// Returns an error if sccache is missing, or if a build fails.
pub(crate) fn run(args: &ProbeArgs) -> Result<Status> {
    let runner = args.workspace.runner()?;
    let workspace = args.workspace.load_by(&runner)?;
    workspace.lock_file.check()?;
    let runner = runner.in_directory(&workspace.root);
    let sccache = Sccache::required(&runner)?;
    let report = probe(&runner, &workspace, &sccache, args)?;
    match args.format {
        StatusFormat::Text => output::advice(&text::text(&report))?,
        StatusFormat::Json => output::json(&report)?,
        StatusFormat::Markdown => output::advice(&text::markdown(&report))?,
    }
    Ok(verdict(!report.passed))
}

impl ProbeArgs {
    /// Returns the arguments of the builds.
    fn build(&self) -> Vec<String> {
        let (command, rest) = match &self.cargo_args[..] {
            [] => ("build", &[][..]),
            [command, rest @ ..] => (command.as_str(), rest),
        };
        let mut arguments = vec![command.to_owned()];
        arguments.extend(self.jobs.forwarded());
        arguments.extend(rest.iter().cloned());
        arguments
    }
}

fn probe(
    runner: &Runner,
    workspace: &Workspace,
    sccache: &Sccache,
    args: &ProbeArgs,
) -> Result<ProbeReport> {
    let builder = ProbeBuilder::start(runner, workspace, sccache, &args.build())?;
    output::status("Probing", "the variables of this shell");
    let variables = variables::culprits(&builder)?;
    let cold = builder.build("cold", &builder.clean(runner))?;
    builder.remove_target("cold");
    let warm = builder.build("warm", runner)?;
    let mut misses = misses::of(&warm, workspace, &variables);
    let mut builds = vec![cold, warm];
    let (copied, no_copy) = match copied_sources::copy(runner, workspace) {
        Ok(copied) => (Some(copied), None),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    if let Some(copied) = &copied {
        builder.remove_target("warm");
        let there = runner.in_directory(copied.root());
        let moved = builder.build("other path", &there)?;
        misses.extend(misses::of(&moved, workspace, &variables));
        builds.push(moved);
    }
    let (place, last) = match &copied {
        Some(copied) => (runner.in_directory(copied.root()), "other path"),
        None => (runner.clone(), "warm"),
    };
    let not_fresh = builder.again(last, &place)?;
    let rate = builds[1].counts.hit_rate().unwrap_or(0.0);
    misses.sort();
    Ok(ProbeReport {
        version: 1,
        floor: args.floor,
        passed: rate >= args.floor && not_fresh.is_empty(),
        builds,
        variables,
        misses,
        not_fresh,
        no_copy,
    })
}
