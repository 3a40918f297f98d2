//! Cleaning: one profile directory after the other is read, planned and emptied of what goes.

use anyhow::{Result, bail};
use cargo_metadata::camino::Utf8PathBuf;

use super::lock::BuildLocks;
use super::remove::{self, Bounds};
use crate::artifacts::orphans::LiveSet;
use crate::artifacts::plan::{ArtifactSelection, CleanPlan, CleanSelection, Directory};
use crate::artifacts::profile_dir::ProfileDirScan;
use crate::artifacts::reader::ProfileReader;
use crate::checks::Policy;
use crate::cli::output;
use xtask_impact::build_dir;
use xtask_impact::build_dir::{Directories, ProfileDir};
use xtask_impact::paths::resolved;
use xtask_impact::query::Answer;
use xtask_impact::records::checkouts;
use xtask_impact::records::checkouts::Shared;
use xtask_impact::records::layout::PackageDirectories;

/// What is done with a plan, and where it is made.
#[derive(Clone, Copy, Debug)]
pub struct CleanOptions {
    /// Plan, and remove nothing.
    pub only_plan: bool,
    /// Wait for a build that is running, rather than give up.
    pub wait: bool,
    /// Look into the workspace's other build directories, too.
    pub all_target_dirs: bool,
    /// Remove what the workspace no longer has, too.
    pub orphans: bool,
    /// Remove also where another checkout builds, as the policy may allow for good.
    pub allow_shared: bool,
}

impl CleanOptions {
    /// The plan alone.
    pub const PLAN: Self = Self {
        only_plan: true,
        allow_shared: true,
        ..Self::REMOVE
    };

    /// Removal of what is the workspace's own, as soon as no build is running.
    pub const REMOVE: Self = Self {
        only_plan: false,
        wait: true,
        all_target_dirs: false,
        orphans: false,
        allow_shared: false,
    };
}

/// Removes what an answer and the options say goes, and gives what was removed; or what would be.
///
/// # Errors
/// What cannot be listed, locked or removed, a directory that is not provably cargo's, and unless it
/// is allowed one in which another checkout builds, too.
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
    let policy: Policy = workspace.configured("policy")?;
    let allow_shared = how.allow_shared || policy.allow_shared;
    let state = workspace.kept();
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
            stranger: shared.first().map(|it| it.package.clone()),
            how,
        };
        let mut places = build_dir::profile_dirs(&directories.build)?;
        if let Some(living) = &living {
            for place in &places {
                let contents = cleaning.read(place)?;
                let stranger = cleaning.stranger.take();
                cleaning.stranger = stranger.or_else(|| living.stranger(&contents));
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

/// The cleaning of one build directory.
struct Cleaning<'a> {
    selection: &'a ArtifactSelection<'a>,
    directories: &'a Directories,
    reader: ProfileReader<'a>,
    /// What shows that another workspace builds here, too.
    stranger: Option<String>,
    how: CleanOptions,
}

impl Cleaning<'_> {
    fn read(&mut self, place: &ProfileDir) -> Result<ProfileDirScan> {
        self.reader.read(place, &self.directories.target)
    }

    fn plan(&self, contents: &ProfileDirScan) -> Directory {
        Directory::new(self.selection, contents, self.stranger.as_deref())
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
        // A cargo of another version may have created a lock file of its own meanwhile.
        while !lock.as_ref().is_some_and(BuildLocks::is_complete) {
            if !self.how.wait {
                bail!(
                    "{} is locked, so a build is running there: try again when it is done, or \
                     leave out --no-wait",
                    place.path
                );
            }
            let message = format_args!("waiting for the build in {}", place.path);
            output::status("Blocking", message);
            drop(lock);
            lock = BuildLocks::take(place, target, true)?;
            // What was seen without the lock is not true any more.
            contents = self.read(place)?;
            planned = self.plan(&contents);
        }
        if lock.as_ref().is_some_and(|lock| !lock.keeps_cargo_out) {
            output::warning(format_args!(
                "cargo takes no locks in {}, so nothing keeps a build out while it is cleaned: see \
                 to it that none is running",
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
