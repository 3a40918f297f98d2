//! The command `freshness`: keeps units of a restored target directory fresh if their inputs have
//! the recorded contents, and finds units that cargo considers fresh although their inputs differ.

mod nested;
pub(crate) mod report;
mod text;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::{self, Directories, ProfileDir};
use xtask_impact::workspace::Workspace;
use xtask_impact::{quote, usage};

use self::report::{DirectoryFreshness, FreshnessReport, MissingRecord};
use crate::built_from::clock::FileClock;
use crate::built_from::judge::{self, FreshnessAction, JudgeOptions, RestorePlan};
use crate::built_from::locks::AllLocks;
use crate::built_from::record::{self, ReadRecord};
use crate::built_from::subject::{FreshnessScene, RecordedBuilds};
use crate::built_from::{restamp, save};
use crate::cli::args::WorkspaceArgs;
use crate::cli::output::{self, verdict};
use crate::cli::progress;
use crate::cli::status::Status;
use crate::selection::filter::{PackageFilter, ShownPackages};

/// Arguments of `freshness`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "\
Example, in a CI job after the cache action restored `target`:
  cargo xtask freshness restore --touch
  cargo test --workspace
  cargo xtask freshness save";

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// After a build, record the contents that every unit was built from
    Save(CommonArgs),
    /// Make cargo treat a unit as fresh exactly if its inputs have the recorded contents
    Restore {
        /// Also set source files to their recorded times, so that build scripts that watch their
        /// whole package stay fresh; only for fresh clones
        #[arg(long)]
        touch: bool,
        #[command(flatten)]
        common: CommonArgs,
    },
    /// List units that cargo treats as fresh although their inputs changed
    Verify {
        /// Invalidate these units, so that cargo builds them again
        #[arg(long)]
        fix: bool,
        #[command(flatten)]
        common: CommonArgs,
    },
}

#[derive(Debug, clap::Args)]
struct CommonArgs {
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Also process the other build directories of the workspace (editor, coverage tool)
    #[arg(long)]
    all_target_dirs: bool,
    /// Print the report in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    filter: PackageFilter,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// Print text for people
    #[default]
    Text,
    /// Print JSON for programs, see docs/json.md
    Json,
}

/// The task of one call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Task {
    Save,
    Restore { touch: bool },
    Verify { fix: bool },
}

pub(crate) fn run(args: &Args) -> Result<Status> {
    let (mut task, common) = match &args.command {
        Command::Save(common) => (Task::Save, common),
        Command::Restore { touch, common } => (Task::Restore { touch: *touch }, common),
        Command::Verify { fix, common } => (Task::Verify { fix: *fix }, common),
    };
    let (runner, workspace) = common.workspace.load()?;
    let mut report = FreshnessReport::new(&workspace.root, common.dry_run);
    let work = Work {
        scene: FreshnessScene::new(&workspace, &runner)?,
        directories: directories(&workspace, common.all_target_dirs)?,
        shown: common.filter.shown(&workspace)?,
        dry_run: common.dry_run,
    };
    if task == (Task::Restore { touch: true }) {
        work.refuse_other_directories()?;
        if let Some(without) = work.without_record() {
            output::note(format_args!(
                "--touch is left out: there is no record of builds in {}, whose units would stay \
                 fresh although files changed",
                quote::name(without)
            ));
            task = Task::Restore { touch: false };
        }
    }
    for directories in &work.directories {
        if !directories.build.is_dir() {
            work.nothing_built(task, directories)?;
            continue;
        }
        let handled = progress::during("Comparing", directories.build.as_str(), || match task {
            Task::Save => work.save(directories),
            Task::Restore { touch } => work.restore(directories, touch),
            Task::Verify { fix } => work.verify(directories, fix),
        });
        report.directories.push(handled?);
    }
    for note in report.notes() {
        output::note(note);
    }
    match common.format {
        Format::Text => output::data(&text::report(&report))?,
        Format::Json => output::json(&report)?,
    }
    let is_check = matches!(task, Task::Verify { fix: false });
    Ok(verdict(is_check && report.has_findings()))
}

/// Returns the build directories to handle.
fn directories(workspace: &Workspace, all: bool) -> Result<Vec<Directories>> {
    let own = workspace.directories();
    let others = match all {
        true => build_dir::others(&workspace.root, &own)?,
        false => Vec::new(),
    };
    Ok([own].into_iter().chain(others).collect())
}

struct Work<'a> {
    scene: FreshnessScene<'a>,
    directories: Vec<Directories>,
    /// The packages that the report shows. `save` and `restore` handle all packages, `verify --fix`
    /// only these.
    shown: ShownPackages,
    dry_run: bool,
}

impl Work<'_> {
    fn all(&self) -> Vec<Utf8PathBuf> {
        let all = self.directories.iter().map(|it| it.build.clone());
        all.collect()
    }

    fn nothing_built(&self, task: Task, directories: &Directories) -> Result<()> {
        let path = quote::name(&directories.build).to_string();
        match task {
            Task::Restore { .. } => {
                output::note(format_args!(
                    "nothing to restore: the build directory {path} does not exist"
                ));
                Ok(())
            }
            _ => Err(usage!(
                "nothing is built in {path}\nhint: run `cargo build` first"
            )),
        }
    }

    /// Refuses `--touch` if another build directory lies below the workspace: its units would stay
    /// fresh although files changed.
    fn refuse_other_directories(&self) -> Result<()> {
        let found = nested::unhandled(&self.scene.workspace.root, &self.all())?;
        let mut found = found.iter();
        let Some(first) = found.find(|it| nested::may_read(&self.scene, it)) else {
            return Ok(());
        };
        Err(usage!(
            "--touch is refused: {} is another build directory below the workspace, and its units \
             would stay fresh although files changed\nhint: add --all-target-dirs, remove that \
             directory, or leave out --touch",
            quote::name(first)
        ))
    }

    /// Returns the first of several build directories that has no record. Its units cannot be
    /// compared, but cargo compares them with the times that `--touch` sets for another directory.
    fn without_record(&self) -> Option<&Utf8Path> {
        let built = self.directories.iter().filter(|it| it.build.is_dir());
        let (recorded, without): (Vec<&Directories>, Vec<&Directories>) =
            built.partition(|it| matches!(record::read(&self.scene.owner(it)), ReadRecord::Own(_)));
        if recorded.is_empty() {
            return None;
        }
        let may_read = |it: &Directories| {
            let places = build_dir::profile_dirs(&it.build);
            let is_reader = |it: &ProfileDir| nested::may_read(&self.scene, &it.path);
            places.map_or(true, |places| places.iter().any(is_reader))
        };
        let mut readers = without.into_iter().filter(|it| may_read(it));
        readers.next().map(|it| it.build.as_path())
    }

    /// Takes cargo's locks, unless nothing is changed.
    fn lock(&self, directories: &Directories) -> Result<Option<AllLocks>> {
        if self.dry_run {
            return Ok(None);
        }
        let locks = AllLocks::take(directories)?;
        if !locks.keep_cargo_out() {
            output::warning(format_args!(
                "cargo takes no locks in {}; make sure that no build is running",
                directories.build
            ));
        }
        Ok(Some(locks))
    }

    fn clock(&self, directories: &Directories) -> Result<FileClock> {
        match self.dry_run {
            true => Ok(FileClock::of_system()),
            false => FileClock::probe(&directories.build),
        }
    }

    fn save(&self, directories: &Directories) -> Result<DirectoryFreshness> {
        let _locks = self.lock(directories)?;
        let clock = self.clock(directories)?;
        let builds = RecordedBuilds::read(&self.scene, directories, &self.all())?;
        let plan = save::plan(&self.scene, &builds, clock);
        if !self.dry_run {
            save::apply(&plan)?;
        }
        Ok(DirectoryFreshness::of_save(&builds, &plan, &self.shown))
    }

    fn restore(&self, directories: &Directories, touch: bool) -> Result<DirectoryFreshness> {
        let _locks = self.lock(directories)?;
        let options = JudgeOptions {
            touch,
            verify: false,
        };
        let mut has_waited = false;
        loop {
            // The clock is read before any input, so that a later change gets a later time.
            let clock = self.clock(directories)?;
            let builds = RecordedBuilds::read(&self.scene, directories, &self.all())?;
            if builds.record.is_none() {
                let missing = MissingRecord::of(&self.scene, &builds);
                return Ok(DirectoryFreshness::without_record(&builds, &missing));
            }
            let plan = judge::plan(&self.scene, &builds, clock, options);
            if let Some(time) = plan.wait_for.filter(|_| !self.dry_run && !has_waited) {
                has_waited = true;
                clock.wait_for(time);
                continue;
            }
            let changed = match self.dry_run {
                true => Vec::new(),
                false => restamp::apply(&plan, &builds, directories)?,
            };
            let shown = &self.shown;
            return Ok(DirectoryFreshness::of_restore(
                &builds, &plan, &changed, shown,
            ));
        }
    }

    fn verify(&self, directories: &Directories, fix: bool) -> Result<DirectoryFreshness> {
        let _locks = match fix {
            true => self.lock(directories)?,
            false => None,
        };
        let builds = RecordedBuilds::read(&self.scene, directories, &self.all())?;
        if builds.record.is_none() {
            let missing = MissingRecord::of(&self.scene, &builds);
            return Err(usage!("{}", missing.note(&directories.build)));
        }
        let options = JudgeOptions {
            touch: false,
            verify: true,
        };
        let plan = judge::plan(&self.scene, &builds, FileClock::of_system(), options);
        if fix && !self.dry_run {
            let mut stale = stale(&plan);
            stale.retain(|at| self.shown.contains(&builds.units.units[*at].package));
            restamp::invalidate(&stale, &builds, directories)?;
        }
        Ok(DirectoryFreshness::of_verify(
            &builds,
            &plan,
            fix,
            &self.shown,
        ))
    }
}

/// Returns the units that cargo considers fresh although an input differs.
fn stale(plan: &RestorePlan) -> Vec<usize> {
    let stale = plan
        .units
        .iter()
        .filter(|it| it.action == FreshnessAction::Invalidate);
    stale.map(|it| it.at).collect()
}
