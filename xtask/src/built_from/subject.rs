//! One build directory of a workspace, with the record that belongs to it.

use std::collections::HashMap;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::build_dir::Directories;
use xtask_impact::parallel;
use xtask_impact::process::Runner;
use xtask_impact::workspace::Workspace;

use super::config::FreshnessConfig;
use super::content::{ContentReader, DirectoryIdentity, Evaluated};
use super::inputs::{Evaluator, UnitInput};
use super::record::{self, BuildRecord, ReadRecord, RecordOwner};
use super::units::DiskUnits;

/// The workspace and the settings with which build directories are compared.
pub(crate) struct FreshnessScene<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The runner that starts git and cargo.
    pub runner: &'a Runner,
    /// The configuration.
    pub config: FreshnessConfig,
    /// The version of cargo.
    pub cargo: String,
}

impl<'a> FreshnessScene<'a> {
    /// Returns the scene of a workspace.
    ///
    /// # Errors
    /// Returns an error if the configuration is wrong.
    pub(crate) fn new(workspace: &'a Workspace, runner: &'a Runner) -> Result<Self> {
        let version = runner.cargo_version();
        Ok(Self {
            workspace,
            runner,
            config: FreshnessConfig::of(workspace)?,
            cargo: version.map_or_else(String::new, |it| it.to_string()),
        })
    }

    /// Returns the owner that the record of a build directory must have.
    pub(crate) fn owner(&self, directories: &Directories) -> RecordOwner {
        RecordOwner {
            root: self.workspace.root.clone(),
            build_directory: directories.build.clone(),
            cargo: self.cargo.clone(),
            settings: self.config.clone(),
        }
    }
}

/// A build directory as it is now.
pub(crate) struct RecordedBuilds<'a> {
    /// The owner that a record must have.
    pub owner: RecordOwner,
    /// The units on disk.
    pub units: DiskUnits,
    /// The record; `None` if there is none that can be used.
    pub record: Option<BuildRecord>,
    /// The reason why an existing record is ignored.
    pub unusable: Option<String>,
    /// The evaluator of inputs.
    pub evaluator: Evaluator<'a>,
    /// True if the build directory or the workspace root is a copy, a fresh clone or an unpacked
    /// archive: then the times in it prove nothing.
    pub is_carried: bool,
}

impl<'a> RecordedBuilds<'a> {
    /// Reads a build directory and its record. `all` are the build directories of the workspace.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed.
    pub(crate) fn read(
        scene: &'a FreshnessScene<'a>,
        directories: &Directories,
        all: &[Utf8PathBuf],
    ) -> Result<Self> {
        let owner = scene.owner(directories);
        let (record, unusable) = match record::read(&owner) {
            ReadRecord::Absent => (None, None),
            ReadRecord::Own(record) => (Some(*record), None),
            ReadRecord::Unusable(reason) => (None, Some(reason)),
        };
        let stamps = record.iter().flat_map(|it| it.stamps.iter().cloned());
        let reader = ContentReader::new(stamps);
        let is_same = |it: &BuildRecord| {
            let build = it
                .build_identity
                .zip(DirectoryIdentity::of(&owner.build_directory));
            let root = it.root_identity.zip(DirectoryIdentity::of(&owner.root));
            let is_same = |it: &Option<_>| it.is_some_and(|(then, now)| then == now);
            [build, root].iter().all(is_same) && record::is_original(&owner.build_directory)
        };
        Ok(Self {
            is_carried: !record.as_ref().is_some_and(is_same),
            units: DiskUnits::read(&directories.build)?,
            evaluator: Evaluator::new(scene.workspace, scene.runner, all, reader),
            owner,
            record,
            unusable,
        })
    }

    /// Evaluates inputs on all processors, each once.
    pub(crate) fn evaluate<'i>(
        &self,
        inputs: impl Iterator<Item = &'i UnitInput>,
    ) -> HashMap<&'i UnitInput, Result<Evaluated, String>> {
        let mut all: Vec<&UnitInput> = inputs.collect();
        all.sort_unstable();
        all.dedup();
        self.evaluator.prepare(all.iter().copied());
        let evaluated = parallel::parts(&all, |part| {
            part.iter().map(|it| self.evaluator.evaluate(it)).collect()
        });
        all.into_iter().zip(evaluated).collect()
    }
}
