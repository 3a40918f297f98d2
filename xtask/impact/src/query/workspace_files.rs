//! The files of a workspace that decide what a changed path means.

use anyhow::Result;
use camino::Utf8PathBuf;

use crate::change_set::ChangeSet;
use crate::paths::resolved;
use crate::records::layout::PackageDirectories;
use crate::seeds::rules::Rules;
use crate::seeds::settings::{Setting, SettingFiles};
use crate::unit_graph::UnitGraph;
use crate::workspace::Workspace;

/// The directories, the settings and the rules of a workspace.
pub(super) struct WorkspaceFiles {
    /// The directory of the root manifest, without symbolic links.
    pub(super) root: Utf8PathBuf,
    /// The directories of the path packages.
    pub(super) layout: PackageDirectories,
    /// The files that set something.
    pub(super) settings: SettingFiles,
    /// The rules that the workspace configured.
    pub(super) rules: Rules,
    /// The directory of the kit's cache; `None` if the cache is off.
    pub(super) state: Option<Utf8PathBuf>,
}

impl WorkspaceFiles {
    pub(super) fn new(workspace: &Workspace, no_cache: bool) -> Result<Self> {
        Ok(Self {
            root: resolved(&workspace.root),
            layout: PackageDirectories::new(workspace),
            settings: SettingFiles::new(workspace),
            rules: Rules::new(workspace)?,
            state: (!no_cache).then(|| workspace.state_directory()).flatten(),
        })
    }

    /// Returns true if a file of cargo's configuration changed.
    pub(super) fn configuration_changed(&self, set: &ChangeSet) -> bool {
        set.paths().any(|path| {
            let setting = self.settings.of(&path);
            setting.is_some_and(|(setting, _)| setting == Setting::Configuration)
        })
    }

    /// Returns the number of units of path packages that rustc compiles.
    pub(super) fn compiled_units(&self, graph: &UnitGraph) -> usize {
        let units = graph.units().filter(|(_, unit)| unit.is_compiled());
        units
            .filter(|(_, unit)| self.layout.directory(unit.package).is_some())
            .count()
    }
}
