//! The configuration of sccache: its file and its environment variables, as sccache reads them.

use anyhow::{Context as _, Result};
use camino::Utf8PathBuf;
use toml::{Table, Value};
use xtask_impact::process::Runner;
use xtask_impact::{files, quote, usage};

use super::remote::{REMOTES, ReadVariable, Remote, RemoteKind, RemoteSource};

/// The configuration of sccache.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CacheSettings {
    /// The directory of the cache on the disk, if it is not sccache's own choice.
    pub directory: Option<String>,
    /// The limit of the cache on the disk as sccache writes it, if it is not sccache's own choice.
    pub size: Option<Value>,
    /// The remote caches, in the order in which sccache asks them.
    pub remotes: Vec<Remote>,
}

/// Returns the file in which sccache looks for its configuration. `None` if the system names no
/// directory for it.
pub(crate) fn file(variable: ReadVariable<'_>) -> Option<Utf8PathBuf> {
    let given = |name: &str| {
        variable(name)
            .filter(|it| !it.is_empty())
            .map(Utf8PathBuf::from)
    };
    if let Some(file) = given("SCCACHE_CONF") {
        return Some(file);
    }
    if cfg!(windows) {
        return Some(given("APPDATA")?.join(r"Mozilla\sccache\config\config"));
    }
    let home = given("HOME")?;
    if cfg!(target_os = "macos") {
        return Some(home.join("Library/Application Support/Mozilla.sccache/config"));
    }
    let config = given("XDG_CONFIG_HOME").filter(|it| it.is_absolute());
    Some(
        config
            .unwrap_or_else(|| home.join(".config"))
            .join("sccache/config"),
    )
}

/// Returns the variables that programs get from a runner.
pub(crate) fn variables(runner: &Runner) -> impl Fn(&str) -> Option<String> {
    let all: std::collections::BTreeMap<_, _> = runner
        .environment()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    move |name| all.get(name).cloned()
}

impl CacheSettings {
    /// Reads the configuration that a sccache of this runner has.
    ///
    /// # Errors
    /// Returns an error if the configuration file cannot be read or is not TOML.
    pub(crate) fn of(runner: &Runner) -> Result<Self> {
        let variable = variables(runner);
        let table = match file(&variable) {
            Some(file) if file.exists() => {
                let text = files::read_text(&file, files::SETTINGS)
                    .with_context(|| format!("cannot read {}", quote::name(&file)))?;
                text.parse::<Table>()
                    .map_err(|error| usage!("{} is not TOML: {error}", quote::name(&file)))?
            }
            _ => Table::new(),
        };
        Ok(Self::read(&table, &variable))
    }

    fn read(file: &Table, variable: ReadVariable<'_>) -> Self {
        let caches = file.get("cache").and_then(Value::as_table);
        let table = |name: &str| caches?.get(name)?.as_table();
        let disk = table("disk");
        let of_disk = |name: &str| disk?.get(name).cloned();
        let text = |value: Value| value.as_str().map(str::to_owned);
        let chain = variable("SCCACHE_MULTILEVEL_CHAIN").map_or_else(
            || {
                let chain = table("multilevel")?.get("chain")?.as_array()?;
                Some(
                    chain
                        .iter()
                        .filter_map(|it| Some(it.as_str()?.to_owned()))
                        .collect(),
                )
            },
            |chain| Some(chain.split(',').map(|it| it.trim().to_owned()).collect()),
        );
        let chain: Option<Vec<String>> = chain;
        let mut remotes = Vec::new();
        let found = |name: &str| {
            let (name, kind) = *REMOTES.iter().find(|(known, _)| *known == name)?;
            let source = RemoteSource {
                name,
                kind,
                table: table(name),
                variable,
            };
            source.remote()
        };
        match &chain {
            Some(chain) => {
                for name in chain.iter().filter(|name| *name != "disk") {
                    remotes.push(found(name).unwrap_or_else(|| Remote {
                        kind: RemoteKind::Other,
                        name: name.clone(),
                        endpoints: Vec::new(),
                    }));
                }
            }
            // Without a chain sccache uses the first one that is set, and no disk.
            None => remotes.extend(REMOTES.iter().find_map(|(name, _)| found(name))),
        }
        Self {
            directory: variable("SCCACHE_DIR").or_else(|| text(of_disk("dir")?)),
            size: variable("SCCACHE_CACHE_SIZE")
                .map(Value::String)
                .or_else(|| of_disk("size")),
            remotes,
        }
    }

    /// Returns a configuration file of sccache with the same disk and no remote.
    pub(crate) fn disk_alone(&self) -> String {
        let mut disk = Table::new();
        if let Some(directory) = &self.directory {
            disk.insert("dir".to_owned(), Value::String(directory.clone()));
        }
        if let Some(size) = &self.size {
            disk.insert("size".to_owned(), size.clone());
        }
        format!("[cache.disk]\n{disk}")
    }
}

#[cfg(test)]
mod tests;
