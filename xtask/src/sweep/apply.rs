//! Sweeps the directories of a workspace: reads, plans, takes cargo's locks, plans again, removes.

use std::collections::BTreeSet;
use std::time::SystemTime;

use anyhow::{Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir;
use xtask_impact::build_dir::Directories;
use xtask_impact::paths::resolved;
use xtask_impact::process::Runner;
use xtask_impact::records::checkouts;
use xtask_impact::records::layout::PackageDirectories;
use xtask_impact::workspace::Workspace;
use xtask_impact::{quote, usage};

use super::garbage::{self, InstalledToolchains};
use super::last_use::{self, KnownUses};
use super::needed::NeededUnits;
use super::plan::{PlanLimits, SweepPlan, SweptDirectory};
use super::report::SweepReport;
use super::scan::DirectoryScan;
use super::settings::SweepLimits;
use crate::artifacts::lock::BuildLocks;
use crate::artifacts::plan::Directory;
use crate::artifacts::remove::{self, Bounds};
use crate::checks::Policy;
use crate::cli::{output, progress};

/// The choices of a sweep, apart from its limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SweepOptions {
    /// True if the sweep only makes a plan and removes nothing.
    pub dry_run: bool,
    /// True to wait for the end of a running build, false to give up.
    pub wait: bool,
    /// True to sweep the workspace's other build directories, too.
    pub all_target_dirs: bool,
    /// True to sweep a directory in which another checkout builds, too.
    pub allow_shared: bool,
}

/// A sweep of one workspace.
pub(crate) struct Sweep<'a> {
    pub runner: &'a Runner,
    pub workspace: &'a Workspace,
    pub limits: &'a SweepLimits,
    pub options: SweepOptions,
    /// Arguments for the keep commands: the flags about the network and the configuration.
    pub forwarded: &'a [String],
    pub now: SystemTime,
}

/// The needed units of each directory, with the stamp of the scan that they were found for.
type FoundNeeds = Vec<(u64, NeededUnits)>;

impl Sweep<'_> {
    /// Sweeps the directories, and returns the report of what was or would be removed.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be read, locked or removed, or if another checkout
    /// builds in a directory.
    pub(crate) fn run(&self) -> Result<SweepReport> {
        let (own, others) = directories(self.workspace)?;
        let mut all = vec![own];
        if self.options.all_target_dirs {
            all.extend(others.iter().cloned());
        }
        let nested: Vec<Utf8PathBuf> = others.iter().map(|it| it.build.clone()).collect();
        let state = self.workspace.state_directory();
        let toolchains = InstalledToolchains::new(self.runner, &self.limits.toolchains, state)?;
        let look = |scans, needs: &mut FoundNeeds| self.look(scans, &all, &toolchains, needs);
        let mut needs = Vec::new();
        let (mut read, mut plan) = look(scan_all(&all, &nested)?, &mut needs)?;
        let left_out = match self.options.all_target_dirs {
            true => Vec::new(),
            false => nested.clone(),
        };
        let report = |read: &[SweptDirectory], plan: &SweepPlan, needs: &FoundNeeds| {
            let commands = needs.iter().flat_map(|(_, it)| it.commands.iter().cloned());
            SweepReport {
                commands: commands.collect(),
                others: left_out.clone(),
                ..SweepReport::new(
                    &self.workspace.root,
                    read,
                    plan,
                    self.plan_limits(),
                    self.now,
                )
            }
        };
        for directory in &read {
            directory.scan.notes.write(&directory.directories);
        }
        if self.options.dry_run {
            return Ok(report(&read, &plan, &needs));
        }
        if !plan.items.is_empty() {
            let mut locks = self.lock(&read)?;
            loop {
                // A build may have ended since the directories were read.
                if !read.iter().all(|it| it.scan.is_current(&it.directories)) {
                    (read, plan) = look(scan_all(&all, &nested)?, &mut needs)?;
                }
                if locks.iter().all(BuildLocks::is_complete) {
                    break;
                }
                drop(locks);
                locks = self.lock(&read)?;
            }
            remove_all(&read, &plan)?;
        }
        for (index, directory) in read.iter().enumerate() {
            let removed = plan.removed.iter().filter(|it| it.0 == index);
            let removed = removed.map(|(_, unit)| *unit).collect();
            let SweptDirectory { scan, uses, .. } = directory;
            arm(scan, &directory.directories, uses, &removed);
        }
        Ok(report(&read, &plan, &needs))
    }

    fn plan_limits(&self) -> PlanLimits {
        PlanLimits {
            max_size: self.limits.max_size,
            max_age: self.limits.max_age,
        }
    }

    /// Returns an error if another checkout builds in a directory, unless that is allowed.
    fn refuse_shared(&self, directories: &Directories, is_own: bool) -> Result<()> {
        let policy: Policy = self.workspace.setting("policy")?;
        if self.options.allow_shared || policy.allow_shared {
            return Ok(());
        }
        let layout = PackageDirectories::new(self.workspace);
        let state = self.workspace.state_directory().filter(|_| is_own);
        let ours = (self.workspace, &layout);
        let shared = checkouts::read(ours, directories, false, state.as_deref())?.1;
        match shared.iter().find(|it| it.is_there) {
            Some(shared) => Err(shared.refusal()),
            None => Ok(()),
        }
    }

    /// Makes the plan for all directories. The keep commands run only if something may be removed,
    /// and only once for the same units.
    fn look(
        &self,
        scans: Vec<DirectoryScan>,
        all: &[Directories],
        toolchains: &InstalledToolchains<'_>,
        needs: &mut FoundNeeds,
    ) -> Result<(Vec<SweptDirectory>, SweepPlan)> {
        let mut read = Vec::new();
        for (directories, mut scan) in all.iter().zip(scans) {
            let uses = KnownUses::read(directories);
            let evidence = last_use::find(&mut scan, directories, &uses);
            let garbage = garbage::find(&mut scan, self.workspace, directories, toolchains)?;
            read.push(SweptDirectory {
                directories: directories.clone(),
                running: running(&scan),
                scan,
                uses,
                evidence,
                garbage,
                needed: BTreeSet::new(),
                unknown_profiles: BTreeSet::new(),
            });
        }
        let limits = self.plan_limits();
        let plan = SweepPlan::new(&read, limits, self.now);
        if plan.items.is_empty() {
            return Ok((read, plan));
        }
        for (at, directory) in read.iter().enumerate() {
            if plan.items.iter().any(|item| item.directory == at) {
                self.refuse_shared(&directory.directories, at == 0)?;
            }
        }
        needs.resize_with(read.len(), Default::default);
        for (at, directory) in read.iter_mut().enumerate() {
            let stamp = directory.scan.stamp();
            if needs[at].0 != stamp {
                let place = (&*self.workspace.root, &directory.directories, at == 0);
                let commands = &self.limits.commands;
                let found = NeededUnits::find(self.runner, self.forwarded, place, commands)?;
                needs[at] = (stamp, found);
            }
            let found = &needs[at].1;
            directory.needed = found.in_scan(&directory.scan);
            directory
                .unknown_profiles
                .clone_from(&found.unknown_profiles);
        }
        let plan = SweepPlan::new(&read, limits, self.now);
        Ok((read, plan))
    }

    /// Takes cargo's locks of all profile directories. While a lock is busy, none is held: cargo
    /// may wait for another one of them.
    fn lock(&self, read: &[SweptDirectory]) -> Result<Vec<BuildLocks>> {
        let mut places = Vec::new();
        let mut seen = BTreeSet::new();
        for directory in read {
            let target = &directory.directories.target;
            let new = directory
                .scan
                .places
                .iter()
                .filter(|it| seen.insert(it.path.clone()));
            places.extend(new.map(|place| (place, target)));
        }
        'again: loop {
            let mut locks = Vec::new();
            for (place, target) in &places {
                match BuildLocks::take(place, target, false)? {
                    Some(lock) => locks.push(lock),
                    None if !self.options.wait => bail!(
                        "a build is running in {}\nhint: try again when it has finished, or leave \
                         out --no-wait",
                        place.path
                    ),
                    None => {
                        let message = format_args!("waiting for the build in {}", place.path);
                        output::status("Blocking", message);
                        drop(locks);
                        drop(BuildLocks::take(place, target, true)?);
                        continue 'again;
                    }
                }
            }
            for (lock, (place, _)) in locks.iter().zip(&places) {
                if !lock.keeps_cargo_out {
                    output::warning(format_args!(
                        "cargo takes no locks in {}, so a build may run while artifacts are \
                         removed; make sure that no build is running",
                        place.path
                    ));
                }
            }
            return Ok(locks);
        }
    }
}

/// Reads all directories. `nested` are the build directories that may lie in other directories.
fn scan_all(all: &[Directories], nested: &[Utf8PathBuf]) -> Result<Vec<DirectoryScan>> {
    let scan = |directories: &Directories| {
        let others = nested.iter().filter(|it| **it != directories.build);
        let others: Vec<_> = others.cloned().collect();
        let read = || DirectoryScan::read(directories, &others);
        progress::during("Reading", directories.build.as_str(), read)
    };
    all.iter().map(scan).collect()
}

/// Returns the workspace's own directories, and the other directories that it builds in.
///
/// # Errors
/// Returns an error if the path of a directory is something else, or if a directory cannot be
/// listed.
pub(crate) fn directories(workspace: &Workspace) -> Result<(Directories, Vec<Directories>)> {
    let own = workspace.directories();
    for path in [&own.build, &own.target] {
        if !path.is_dir() && path.symlink_metadata().is_ok() {
            return Err(usage!(
                "{} is not a directory, so cargo cannot build there\nhint: name the build directory \
                 with --target-dir, or remove the file",
                quote::name(path)
            ));
        }
    }
    let others = build_dir::others(&workspace.root, &own)?;
    Ok((own, others))
}

/// Remembers the last uses of a directory, and sets its access times back so that the next use
/// changes them.
pub(crate) fn arm(
    scan: &DirectoryScan,
    directories: &Directories,
    known: &KnownUses,
    removed: &BTreeSet<usize>,
) {
    let failed = last_use::arm(scan, directories, known, removed);
    if failed > 0 {
        let units = output::count(failed, "unit");
        output::note(format_args!(
            "the access times of {units} in {} cannot be set, because another user owns the files or \
             the file system is read-only; their last use may be unknown",
            directories.build
        ));
    }
}

/// Removes what a plan names, directory by directory.
fn remove_all(read: &[SweptDirectory], plan: &SweepPlan) -> Result<()> {
    for (index, directory) in read.iter().enumerate() {
        let items = plan.items.iter().filter(|it| it.directory == index);
        let mut removals = Vec::new();
        let mut places = BTreeSet::new();
        for item in items {
            removals.extend(item.removals.iter().cloned());
            places.extend(item.place);
        }
        let mut bounds = None;
        for place in places {
            let profile: &Utf8Path = &directory.scan.places[place].path;
            bounds = Some(Bounds::of_profile(&directory.directories, profile)?);
        }
        let Some(bounds) = bounds else { continue };
        let path = directory.directories.build.clone();
        let mut progress = output::Progress::new("Removing", removals.len(), &path);
        let planned = Directory {
            path,
            triple: None,
            removals,
            kept: Vec::new(),
            shared_incremental: Vec::new(),
            doubtful: Vec::new(),
        };
        remove::remove(&planned, &bounds, &mut |done| progress.show(done))?;
    }
    Ok(())
}

/// Returns the units that the running kit is built from, if the kit lies in this directory.
fn running(scan: &DirectoryScan) -> BTreeSet<usize> {
    let exe = std::env::current_exe().ok();
    let exe = exe.and_then(|it| Utf8PathBuf::try_from(it).ok());
    let Some(exe) = exe.map(|it| resolved(&it)) else {
        return BTreeSet::new();
    };
    let names: BTreeSet<&str> = exe.iter().collect();
    let mut units = Vec::new();
    for (index, unit) in scan.units.iter().enumerate() {
        let holds = |path: &Utf8PathBuf| {
            // Most paths have another name, so few paths are resolved.
            let may_hold = path.file_name().is_some_and(|it| names.contains(it));
            may_hold && exe.starts_with(resolved(path))
        };
        // Most units have no file of this name.
        let may_hold = unit.names.iter().any(|name| {
            exe.file_stem()
                .is_some_and(|stem| stem.starts_with(name.target.as_str()))
        });
        if may_hold && unit.files.iter().any(|(_, path)| holds(path)) {
            units.push(index);
        }
    }
    for shared in &scan.shared {
        if shared
            .paths
            .iter()
            .any(|path| path.file_name() == exe.file_name() && resolved(path) == exe)
        {
            units.extend(&shared.owners);
        }
    }
    scan.with_dependencies(units)
}
