//! The settings that the next build of a workspace uses, each with its origin.

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::cargo_config::{CargoConfig, ConfigValue, ValueKind, ValueOrigin};
use xtask_impact::workspace::PlatformFacts;

use crate::checks::policy::profiles::Profile;
use crate::checks::policy::{TOOLS, default, entries, profiles, text, tool};

/// The settings of a workspace, as they hold in one directory.
#[derive(Clone, Debug)]
pub(crate) struct BuildSettings {
    /// The directory of the root manifest.
    pub root: Utf8PathBuf,
    /// The directory of final artifacts.
    pub target_directory: (Utf8PathBuf, ValueOrigin),
    /// The directory of intermediate artifacts.
    pub build_directory: (Utf8PathBuf, ValueOrigin),
    /// Other settings by their key, such as wrappers, jobs and linkers. The compiler's flags have
    /// the key `rustflags of <triple>`.
    pub values: Vec<(String, ConfigValue)>,
    /// The variables of the table `[env]`.
    pub env: Vec<Variable>,
    /// The profiles.
    pub profiles: Vec<Profile>,
}

/// An environment variable that cargo sets for the programs that it starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variable {
    /// The name of the variable.
    pub name: String,
    /// The value that cargo sets.
    pub value: String,
    /// True if the environment of the shell already has this variable, so that cargo keeps the
    /// shell's value.
    pub is_overridden: bool,
    /// The place that sets the variable.
    pub origin: ValueOrigin,
}

impl BuildSettings {
    /// Collects the settings of the workspace with the given root. `manifest` is the table
    /// `profile` of the root manifest. `platforms` are the platforms that are built for, the host
    /// first; without them, flags and linkers are left out. `asked` names a profile that must
    /// exist.
    ///
    /// # Errors
    /// Returns an error if cargo would refuse the configuration.
    pub(crate) fn new(
        root: &Utf8Path,
        manifest: Option<&ConfigValue>,
        config: &CargoConfig,
        platforms: &[PlatformFacts],
        asked: Option<&str>,
    ) -> Result<Self> {
        let target_directory = config.target_directory(root)?;
        let build_directory = config.build_directory(root)?;
        let mut values = Vec::new();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = default(ValueKind::Integer(i64::try_from(cores)?));
        let jobs = config.get(&["build", "jobs"])?.unwrap_or(jobs);
        values.push(("build.jobs".to_owned(), jobs));
        let host = platforms.first();
        let host = host.map(|it| default(text(&it.name)));
        let target = config.get(&["build", "target"])?.or(host);
        values.extend(target.map(|value| ("build.target".to_owned(), value)));
        let incremental = profiles::incremental(config)?;
        values.extend(incremental.map(|value| ("build.incremental".to_owned(), value)));
        for (key, _) in TOOLS {
            values.extend(tool(config, key)?.map(|value| (format!("build.{key}"), value)));
        }
        for platform in platforms {
            if let Some(value) = linker(config, platform)? {
                values.push((format!("target.{}.linker", platform.name), value));
            }
            if let Some(flags) = platform.rustflags(config)? {
                values.push((format!("rustflags of {}", platform.name), flags));
            }
        }
        Ok(Self {
            root: root.to_owned(),
            build_directory: build_directory.unwrap_or_else(|| target_directory.clone()),
            target_directory,
            values,
            env: env(config),
            profiles: profiles::profiles(manifest, config, asked)?,
        })
    }
}

fn linker(config: &CargoConfig, platform: &PlatformFacts) -> Result<Option<ConfigValue>> {
    for table in platform.tables(config) {
        if let Some((name, origin)) = config.text(&["target", table, "linker"])? {
            let kind = ValueKind::String(config.program(&name, &origin).into_string());
            return Ok(Some(ConfigValue { kind, origin }));
        }
    }
    Ok(None)
}

/// Reads the table `[env]`. An entry is `NAME = "value"`, or a table with `value`, `force` and
/// `relative`.
fn env(config: &CargoConfig) -> Vec<Variable> {
    let is = |value: &ConfigValue, key| {
        matches!(
            value.get(key).map(|it| &it.kind),
            Some(ValueKind::Boolean(true))
        )
    };
    let variables = entries(config.written().get("env")).filter_map(|(name, said)| {
        let value = said.as_str().or_else(|| said.get("value")?.as_str())?;
        Some(Variable {
            name: name.clone(),
            value: match is(said, "relative") {
                true => config.placed(value, &said.origin).into_string(),
                false => value.to_owned(),
            },
            is_overridden: !is(said, "force") && config.variable(name).is_some(),
            origin: said.origin.clone(),
        })
    });
    variables.collect()
}
