//! Cleaning: each profile directory in turn is locked, read, planned and cleaned.

use anyhow::{Result, bail};
use camino::Utf8PathBuf;
use xtask_impact::build_dir;
use xtask_impact::build_dir::{Directories, ProfileDir};
use xtask_impact::paths::resolved;
use xtask_impact::query::Answer;
use xtask_impact::records::checkouts;
use xtask_impact::records::checkouts::Shared;
use xtask_impact::records::layout::PackageDirectories;

use super::lock::BuildLocks;
use super::remove::{self, Bounds};
use crate::artifacts::orphans::LiveSet;
use crate::artifacts::plan::{ArtifactSelection, CleanPlan, CleanSelection, Directory};
use crate::artifacts::profile_dir::ProfileDirScan;
use crate::artifacts::reader::{ProfileReader, RecordsOnDisk};
use crate::checks::Policy;
use crate::cli::output;

/// Options of a clean: where artifacts are looked for, and whether they are removed.
#[derive(Clone, Copy, Debug)]
pub struct CleanOptions {
    /// True if the clean only makes a plan and removes nothing.
    pub only_plan: bool,
    /// True to wait for the end of a running build, false to give up.
    pub wait: bool,
    /// True to clean the workspace's other build directories, too.
    pub all_target_dirs: bool,
    /// True to remove orphans, too: artifacts of packages, versions and targets that the workspace
    /// no longer has.
    pub orphans: bool,
    /// True to clean also in a directory in which another checkout builds. The policy can allow
    /// this permanently.
    pub allow_shared: bool,
}

impl CleanOptions {
    /// The options that make a plan and remove nothing.
    pub const PLAN: Self = Self {
        only_plan: true,
        allow_shared: true,
        ..Self::REMOVE
    };

    /// The options that remove the workspace's own artifacts as soon as no build is running.
    pub const REMOVE: Self = Self {
        only_plan: false,
        wait: true,
        all_target_dirs: false,
        orphans: false,
        allow_shared: false,
    };
}

/// Removes the artifacts that an answer and the options select, and returns the plan that was
/// executed. If `how.only_plan` is set, `clean` only returns the plan.
///
/// # Errors
/// Returns an error if a directory cannot be listed, if a path cannot be locked or removed, or if a
/// directory is not provably cargo's. Returns an error if another checkout builds in a directory,
/// unless the options or the policy allow that.
pub fn clean(answer: &Answer, options: &CleanSelection, how: CleanOptions) -> Result<CleanPlan> {
    let workspace = &answer.workspace;
    let own = workspace.directories();
    let others = build_dir::others(&workspace.root, &own)?;
    let (mut directories, mut left_out) = (vec![own], Vec::new());
    if how.all_target_dirs {
        directories.extend(others);
    } else {
        left_out.extend(others.into_iter().map(|other| other.build));
    }
    let running = std::env::current_exe().ok();
    let running = running.and_then(|exe| Utf8PathBuf::try_from(exe).ok());
    let running = running.as_deref().map(resolved);
    let living = how.orphans.then(|| LiveSet::new(workspace)).transpose()?;
    let selection = ArtifactSelection::new(answer, options);
    let layout = PackageDirectories::new(workspace);
    let policy: Policy = workspace.setting("policy")?;
    let allow_shared = how.allow_shared || policy.allow_shared;
    let state = workspace.state_directory();
    let mut planned = Vec::new();
    for (at, directories) in directories.iter().enumerate() {
        let state = state.as_deref().filter(|_| at == 0);
        let shared = match answer.shared.as_ref().filter(|_| at == 0) {
            Some(shared) => shared.clone(),
            None => checkouts::read((workspace, &layout), directories, false, state)?.1,
        };
        let mut cleaning = Cleaning {
            selection: &selection,
            directories,
            reader: ProfileReader::new(
                workspace,
                selection.packages(),
                running.as_deref(),
                living.as_ref(),
            ),
            foreign_package: shared.first().map(|it| it.package.clone()),
            how,
        };
        let mut places = build_dir::profile_dirs(&directories.build)?;
        if let Some(living) = &living {
            let contents = places.iter().map(|place| cleaning.read(place));
            let contents = contents.collect::<Result<Vec<_>>>()?;
            if cleaning.foreign_package.is_none() {
                cleaning.foreign_package = living.foreign_package(&contents, &RecordsOnDisk);
            }
        }
        places.retain(|it| selection.reaches(it.triple.as_deref(), &it.directory));
        let is_reached = |it: &&Shared| places.iter().any(|place| place.path == it.directory);
        let mut shared = shared.iter().filter(|it| it.is_there);
        if let (Some(shared), false) = (shared.find(is_reached), allow_shared) {
            return Err(shared.refusal());
        }
        for place in &places {
            planned.push(cleaning.clean(place)?);
        }
    }
    Ok(CleanPlan::new(planned, left_out))
}

/// The cleaning of one build directory, shared by its profile directories.
struct Cleaning<'a> {
    selection: &'a ArtifactSelection<'a>,
    directories: &'a Directories,
    reader: ProfileReader<'a>,
    /// A package that shows that another workspace builds in this directory, too.
    foreign_package: Option<String>,
    how: CleanOptions,
}

impl Cleaning<'_> {
    fn read(&mut self, place: &ProfileDir) -> Result<ProfileDirScan> {
        self.reader.read(place, &self.directories.target)
    }

    fn plan(&self, contents: &ProfileDirScan) -> Directory {
        Directory::new(self.selection, contents, self.foreign_package.as_deref())
    }

    fn clean(&mut self, place: &ProfileDir) -> Result<Directory> {
        let target = &self.directories.target;
        let mut lock = match self.how.only_plan {
            true => None,
            false => BuildLocks::take(place, target, false)?,
        };
        let mut contents = self.read(place)?;
        let mut planned = self.plan(&contents);
        if planned.removals.is_empty() {
            return Ok(planned);
        }
        let bounds = Bounds::new(self.directories, &contents)?;
        if self.how.only_plan {
            remove::measure(&mut planned)?;
            return Ok(planned);
        }
        // A cargo of another version may have created its own lock file in the meantime.
        while !lock.as_ref().is_some_and(BuildLocks::is_complete) {
            if !self.how.wait {
                bail!(
                    "a build is running in {}\nhint: try again when it has finished, or leave out \
                     --no-wait",
                    place.path
                );
            }
            let message = format_args!("waiting for the build in {}", place.path);
            output::status("Blocking", message);
            drop(lock);
            lock = BuildLocks::take(place, target, true)?;
            // The directory was read before the lock was held, so it is read again.
            contents = self.read(place)?;
            planned = self.plan(&contents);
        }
        if lock.as_ref().is_some_and(|lock| !lock.keeps_cargo_out) {
            output::warning(format_args!(
                "cargo takes no locks in {}, so a build may run while artifacts are removed; make \
                 sure that no build is running",
                place.path
            ));
        }
        remove::measure(&mut planned)?;
        let mut progress = output::Progress::new("Removing", planned.removals.len(), &place.path);
        remove::remove(&planned, &bounds, &mut |done| progress.show(done))?;
        drop(lock);
        Ok(planned)
    }
}
