//! The table `[workspace.metadata.xtask.freshness]`.

use anyhow::Result;
use camino::{Utf8Component, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use xtask_impact::workspace::Workspace;
use xtask_impact::{quote, usage};

/// The configuration of `freshness`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FreshnessConfig {
    /// The packages whose build scripts always run after a restore, because they use inputs that
    /// the kit cannot compare, such as the network or the time.
    pub always_run: Vec<String>,
    /// Files and directories, relative to the workspace root, that every unit of a path package may
    /// depend on although no unit names them.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub inputs: Vec<Utf8PathBuf>,
    /// The procedural macros that read no file and no variable.
    pub pure_macros: Vec<String>,
}

impl FreshnessConfig {
    /// Returns the configuration of a workspace.
    ///
    /// # Errors
    /// Returns an error if a key is unknown, if a package does not exist, or if an input lies
    /// outside the workspace root.
    pub(crate) fn of(workspace: &Workspace) -> Result<Self> {
        let config: Self = workspace.setting("freshness")?;
        for name in config.always_run.iter().chain(&config.pure_macros) {
            if !workspace.packages.iter().any(|it| it.name == *name) {
                return Err(usage!(
                    "workspace.metadata.xtask.freshness: no package `{}` in this workspace",
                    quote::name(name)
                ));
            }
        }
        let is_inside = |path: &&Utf8PathBuf| {
            !path.is_absolute() && !path.components().any(|it| it == Utf8Component::ParentDir)
        };
        if let Some(outside) = config.inputs.iter().find(|it| !is_inside(it)) {
            return Err(usage!(
                "workspace.metadata.xtask.freshness: the input `{}` must lie below the workspace \
                 root",
                quote::name(outside)
            ));
        }
        Ok(config)
    }
}
