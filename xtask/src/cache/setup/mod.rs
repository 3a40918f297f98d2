//! `cache setup` and `cache unset`: write the settings of the cache into the configuration of cargo
//! and of sccache, and remove them.

mod change;
mod edit;
mod plan;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::cargo_config::CargoConfig;
use xtask_impact::cargo_config::wrapper::Wrapper;
use xtask_impact::process::Runner;

use self::plan::SetupPlan;
use crate::cli::args::WorkspaceArgs;
use crate::cli::output;
use crate::cli::status::Status;
use crate::compiler_cache::program::Sccache;

/// Arguments of `cache setup`.
#[derive(Debug, clap::Args)]
pub(crate) struct SetupArgs {
    #[command(subcommand)]
    store: CacheStore,
    /// Limit the cache on the disk to this size, for example 20G or 500M [default: 10G]
    #[arg(long, value_name = "SIZE", value_parser = plan::size, global = true)]
    size: Option<u64>,
    /// Show the changes, and write nothing
    #[arg(long, global = true)]
    dry_run: bool,
    /// Use the workspace of this Cargo.toml
    #[arg(long, value_name = "PATH", global = true)]
    manifest_path: Option<Utf8PathBuf>,
}

/// The storage of the cache.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum CacheStore {
    /// Keep the cache on this machine's disk
    Local,
    /// Share the cache through a Redis server
    Redis {
        /// Use the server with this URL, for example redis://cache.example:6379
        url: String,
    },
    /// Share the cache through a bucket of S3 or a compatible server
    S3 {
        /// The name of the bucket
        bucket: String,
        /// The region of the bucket
        #[arg(long)]
        region: Option<String>,
        /// Use this server instead of Amazon's, for example http://minio.example:9000
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
    },
    /// Share the cache through a bucket of Google Cloud Storage
    Gcs {
        /// The name of the bucket
        bucket: String,
    },
    /// Share the cache through GitHub Actions
    Gha,
}

/// Arguments of `cache unset`.
#[derive(Debug, clap::Args)]
pub(crate) struct UnsetArgs {
    /// Show the changes, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

/// Shows the changes that set up a cache, and makes them.
///
/// # Errors
/// Returns an error if a value is wrong, or if a file cannot be read, edited or written.
pub(crate) fn setup(args: &SetupArgs) -> Result<Status> {
    let runner = Runner::new()?;
    let workspace = WorkspaceArgs::of_manifest(args.manifest_path.clone());
    let workspace = workspace.load_by(&runner)?;
    let plan = SetupPlan::new(&runner, &workspace, &args.store, args.size)?;
    output::data(&plan.text())?;
    if plan.changes.is_empty() {
        output::note("the files already have these values");
    }
    if !args.dry_run {
        plan.apply()?;
    }
    for note in &plan.notes {
        output::note(note);
    }
    for note in surroundings(&runner)? {
        output::note(note);
    }
    Ok(Status::Done)
}

/// Shows the changes that remove the settings, and makes them.
///
/// # Errors
/// Returns an error if a file cannot be read or written.
pub(crate) fn unset(args: &UnsetArgs) -> Result<Status> {
    let runner = Runner::new()?;
    let workspace = args.workspace.load_by(&runner)?;
    let plan = SetupPlan::of_unset(&runner, &workspace)?;
    output::data(&plan.text())?;
    if plan.changes.is_empty() {
        output::note("nothing to remove: no file contains settings of `cargo xtask cache setup`");
    }
    if !args.dry_run {
        plan.apply()?;
    }
    Ok(Status::Done)
}

/// Returns notes about this machine: a missing program, or a variable that overrides the files.
fn surroundings(runner: &Runner) -> Result<Vec<String>> {
    let config = CargoConfig::of(runner)?;
    let wrapper = Wrapper::of(&config)?;
    let mut notes = Vec::new();
    if Sccache::find(runner, wrapper.as_ref()).is_none() {
        notes.push(
            "sccache is not installed, and cargo fails without it: run `cargo install --locked \
             sccache` on every machine that builds here"
                .to_owned(),
        );
    }
    for name in [
        "RUSTC_WRAPPER",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "CARGO_INCREMENTAL",
    ] {
        if let Some(value) = config.variable(name) {
            notes.push(format!(
                "the variable {name}={value} overrides the file: unset it"
            ));
        }
    }
    if wrapper.is_some_and(|it| it.is_sccache()) {
        notes.push(
            "an sccache server that is already running keeps its old configuration until `sccache \
             --stop-server`; then test with `cargo xtask cache probe`"
                .to_owned(),
        );
    }
    Ok(notes)
}
