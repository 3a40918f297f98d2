//! Cargo's configuration, read as cargo reads it: files from the current directory upwards and in
//! cargo's home, the files that they include, the environment, and `--config`.
//!
//! Flags override variables, and variables override files. A nearer file overrides a farther file.
//! Lists are joined, with the nearest file's values last. Every value has its origin.
//!
//! <https://doc.rust-lang.org/cargo/reference/config.html>

mod files;
pub mod toolchain_file;
mod value;
pub mod wrapper;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use self::files::{ConfigFiles, ReadFile};
pub use self::files::{table, table_of};
pub use self::value::{ConfigValue, ValueKind, ValueOrigin};
use crate::files::{SETTINGS, read_text};
pub use crate::private_dir::cargo_home;
use crate::process::Runner;
use crate::usage;

/// Cargo's configuration as it applies in one directory.
#[derive(Clone, Debug)]
pub struct CargoConfig {
    /// The values that files and flags set.
    written: ConfigValue,
    directory: Utf8PathBuf,
    home: Option<Utf8PathBuf>,
    variables: BTreeMap<String, String>,
    /// The absolute path of `--target-dir`.
    target_dir: Option<Utf8PathBuf>,
}

/// The sources of configuration other than the files in a directory and above it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Cargo's home directory.
    pub home: Option<Utf8PathBuf>,
    /// The environment variables.
    pub variables: BTreeMap<String, String>,
    /// The values of `--config`: each is `KEY=VALUE` or a file.
    pub flags: Vec<String>,
    /// The absolute path of `--target-dir`.
    pub target_dir: Option<Utf8PathBuf>,
}

impl Surroundings {
    /// Returns the surroundings of a cargo that the runner starts. `flags` are values of `--config`
    /// in addition to those of the runner.
    pub fn of(runner: &Runner, flags: &[String]) -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let mut name = name.into_string().ok()?;
            if cfg!(windows) {
                // Windows ignores the case of variable names.
                name.make_ascii_uppercase();
            }
            Some((name, value.into_string().ok()?))
        };
        Self {
            home: cargo_home(),
            variables: runner.environment().filter_map(text).collect(),
            flags: [&runner.cargo_flags().config, flags].concat(),
            target_dir: runner.cargo_flags().target_dir.clone(),
        }
    }
}

impl CargoConfig {
    /// Returns the configuration of a cargo that the runner starts.
    ///
    /// # Errors
    /// Returns an error if the configuration cannot be read or if cargo would refuse it.
    pub fn of(runner: &Runner) -> Result<Self> {
        let directory = Utf8Path::from_path(runner.directory())
            .context("the current directory's path is not UTF-8")?;
        Self::in_directory(directory, &Surroundings::of(runner, &[]))
    }

    /// Returns the configuration as it applies in a directory.
    ///
    /// # Errors
    /// Returns the errors of [`CargoConfig::of`].
    pub fn in_directory(directory: &Utf8Path, around: &Surroundings) -> Result<Self> {
        Self::read(directory, around, &|path| read_text(path, SETTINGS))
    }

    fn read(directory: &Utf8Path, around: &Surroundings, read: ReadFile<'_>) -> Result<Self> {
        let mut files = ConfigFiles::new(read, directory);
        let nothing = || ConfigValue {
            kind: ValueKind::Table(BTreeMap::new()),
            origin: ValueOrigin::Default,
        };
        let mut written = nothing();
        for said in files.above(around.home.as_deref()) {
            written.merge(&said?, false, &mut Vec::new())?;
        }
        let mut by_flags = nothing();
        for flag in &around.flags {
            let path = directory.join(flag);
            let said = match (!flag.is_empty()).then(|| files.named(&path)).flatten() {
                Some(said) => said?,
                None => files.with_includes(of_flag(flag)?, true, &mut HashSet::new())?,
            };
            by_flags.merge(&said, true, &mut Vec::new())?;
        }
        written.merge(&by_flags, true, &mut Vec::new())?;
        Ok(Self {
            written,
            directory: directory.to_owned(),
            home: around.home.clone(),
            variables: around.variables.clone(),
            target_dir: around.target_dir.clone(),
        })
    }

    /// Returns the values that files and flags set, as one table. The environment is not included.
    pub fn written(&self) -> &ConfigValue {
        &self.written
    }

    /// Returns the value of an environment variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Returns the names and values of all environment variables.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.variables.iter();
        variables.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the value of a key. The environment is included.
    ///
    /// # Errors
    /// Returns an error if a part of the key leads to a value that is not a table.
    pub fn get(&self, key: &[&str]) -> Result<Option<ConfigValue>> {
        let written = self.written_under(key)?;
        let name = variable_of(key);
        let origin = ValueOrigin::Variable(name.clone());
        let Some(said) = self.variable(&name) else {
            return Ok(written.cloned());
        };
        match written {
            Some(ConfigValue {
                kind: ValueKind::List(items),
                ..
            }) if !value::is_command(key) => {
                let mut items = items.clone();
                items.extend(words(said, &origin));
                items.sort_by_key(|it| it.origin.rank());
                let origin = written.map_or(origin, |it| it.origin.clone());
                Ok(Some(ConfigValue {
                    kind: ValueKind::List(items),
                    origin,
                }))
            }
            Some(written) if written.origin.rank() > origin.rank() => Ok(Some(written.clone())),
            _ => {
                let kind = match (said, said.parse()) {
                    ("true" | "false", _) => ValueKind::Boolean(said == "true"),
                    (_, Ok(number)) => ValueKind::Integer(number),
                    (_, Err(_)) => ValueKind::String(said.to_owned()),
                };
                Ok(Some(ConfigValue { kind, origin }))
            }
        }
    }

    /// Returns the text of a key. The environment is included.
    ///
    /// # Errors
    /// Returns an error if the value is not a text.
    pub fn text(&self, key: &[&str]) -> Result<Option<(String, ValueOrigin)>> {
        let Some(value) = self.get(key)? else {
            return Ok(None);
        };
        let text = match (&value.origin, &value.kind) {
            // The text of the variable, not the number or boolean that it looks like.
            (ValueOrigin::Variable(name), _) => self.variable(name).map(str::to_owned),
            (_, ValueKind::String(text)) => Some(text.clone()),
            _ => None,
        };
        match text {
            Some(text) => Ok(Some((text, value.origin))),
            None => Err(usage!(
                "{}: `{}` must be a string",
                value.origin,
                key.join(".")
            )),
        }
    }

    /// Returns the arguments of a key, written as a list or as one text with spaces. The
    /// environment is included.
    ///
    /// # Errors
    /// Returns an error if the value is neither a list nor a text.
    pub fn arguments(&self, key: &[&str]) -> Result<Option<Vec<ConfigValue>>> {
        let mut found = Vec::new();
        let written = self.written_under(key)?;
        match written.map(|it| (&it.kind, &it.origin)) {
            Some((ValueKind::List(items), _)) => found.extend(items.iter().cloned()),
            Some((ValueKind::String(text), origin)) => found.extend(words(text, origin)),
            Some((_, origin)) => {
                return Err(usage!("{origin}: `{}` must be a list", key.join(".")));
            }
            None => {}
        }
        let name = variable_of(key);
        let variable = self.variable(&name);
        let origin = ValueOrigin::Variable(name.clone());
        found.extend(variable.into_iter().flat_map(|text| words(text, &origin)));
        found.sort_by_key(|it| it.origin.rank());
        Ok((written.is_some() || variable.is_some()).then_some(found))
    }

    fn written_under(&self, key: &[&str]) -> Result<Option<&ConfigValue>> {
        let mut value = &self.written;
        for (at, part) in key.iter().enumerate() {
            let ValueKind::Table(entries) = &value.kind else {
                let so_far = key[..at].join(".");
                let is = value.described();
                return Err(usage!("{}: `{so_far}` is {is}, not a table", value.origin));
            };
            match entries.get(*part) {
                Some(below) => value = below,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    /// Returns the directory for final artifacts of the workspace with this root, and the origin of
    /// the setting.
    ///
    /// # Errors
    /// Returns an error if the path is empty.
    pub fn target_directory(&self, root: &Utf8Path) -> Result<(Utf8PathBuf, ValueOrigin)> {
        if let Some(path) = &self.target_dir {
            let origin = ValueOrigin::Flag(format!("build.target-dir='{path}'"));
            return Ok((path.clone(), origin));
        }
        let variable = "CARGO_TARGET_DIR";
        let named = match self.variable(variable) {
            Some(path) => Some((path.to_owned(), ValueOrigin::Variable(variable.to_owned()))),
            None => self.text(&["build", "target-dir"])?,
        };
        match named {
            Some((path, origin)) if path.is_empty() => {
                Err(usage!("{origin}: the target directory is an empty path"))
            }
            Some((path, origin)) => Ok((self.placed(&path, &origin), origin)),
            None => Ok((root.join("target"), ValueOrigin::Default)),
        }
    }

    /// Returns the directory for intermediate artifacts and the origin of the setting, or `None` if
    /// the target directory is used. `{workspace-path-hash}` is left in the path, since only cargo
    /// can compute the hash.
    ///
    /// # Errors
    /// Returns an error if the path is empty or has an unknown template in braces.
    pub fn build_directory(&self, root: &Utf8Path) -> Result<Option<(Utf8PathBuf, ValueOrigin)>> {
        let Some((template, origin)) = self.text(&["build", "build-dir"])? else {
            return Ok(None);
        };
        let home = self.home.as_deref().unwrap_or(Utf8Path::new(""));
        let path = template
            .replace("{workspace-root}", root.as_str())
            .replace("{cargo-cache-home}", home.as_str());
        if path.is_empty() || path.replace(PATH_HASH, "").contains(['{', '}']) {
            return Err(usage!(
                "{origin}: `build.build-dir` is `{template}`: write a path that contains no \
                 braces except {{workspace-root}}, {{cargo-cache-home}} and {PATH_HASH}"
            ));
        }
        Ok(Some((self.placed(&path, &origin), origin)))
    }

    /// Returns the target triples that cargo builds for if `--target` is not given. Empty for the
    /// host.
    ///
    /// # Errors
    /// Returns an error if a part of the key leads to a value that is not a table.
    pub fn build_targets(&self) -> Result<Vec<ConfigValue>> {
        Ok(match self.get(&["build", "target"])? {
            None => Vec::new(),
            Some(ConfigValue {
                kind: ValueKind::List(triples),
                ..
            }) => triples,
            Some(triple) => vec![triple],
        })
    }

    /// Returns a program as cargo would start it: a bare name is searched on `PATH`, anything else
    /// is a path.
    pub fn program(&self, named: &str, origin: &ValueOrigin) -> Utf8PathBuf {
        if named.contains('/') || cfg!(windows) && named.contains('\\') {
            return self.placed(named, origin);
        }
        named.into()
    }

    /// Returns a path resolved against the directory that its origin implies.
    pub fn placed(&self, path: &str, origin: &ValueOrigin) -> Utf8PathBuf {
        origin.base(&self.directory).join(path)
    }
}

/// The template for a hash of the root manifest's path.
pub const PATH_HASH: &str = "{workspace-path-hash}";

/// Returns the variable that cargo reads for a key: `profile.dev.opt-level` becomes
/// `CARGO_PROFILE_DEV_OPT_LEVEL`. The names of packages are not changed.
pub fn variable_of(key: &[&str]) -> String {
    let mut name = "CARGO".to_owned();
    for (at, part) in key.iter().enumerate() {
        name.push('_');
        match key {
            ["profile", _, "package", ..] if at == 3 => name.push_str(part),
            _ => name.push_str(&part.replace('-', "_").to_uppercase()),
        }
    }
    name
}

fn words(text: &str, origin: &ValueOrigin) -> impl Iterator<Item = ConfigValue> {
    text.split_whitespace().map(|word| ConfigValue {
        kind: ValueKind::String(word.to_owned()),
        origin: origin.clone(),
    })
}

/// Parses the value of `--config KEY=VALUE`.
fn of_flag(flag: &str) -> Result<ConfigValue> {
    let parsed = table(flag, &|_| ValueOrigin::Flag(flag.to_owned()));
    // The value must be one key and no TOML table: cargo accepts dotted keys only.
    let is_one_line = !flag.trim_start().starts_with('[') && !flag.trim().contains(['\n', '\r']);
    let is_plain = |value: &ConfigValue| value.leaves().len() == 1;
    match parsed {
        Ok(value) if is_one_line && is_plain(&value) => Ok(value),
        _ => Err(usage!(
            "--config {flag}: neither a file nor KEY=VALUE, as `build.jobs=2` or \
             `profile.dev.debug=\"none\"`"
        )),
    }
}

/// Returns the files in which cargo looks for its configuration from a directory upwards and in its
/// home, and the files that they include. The files need not exist.
pub fn configuration_files(directory: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    let read = |path: &Utf8Path| read_text(path, SETTINGS);
    let mut files = ConfigFiles::new(&read, directory);
    // A file that cannot be read does not hide the other files.
    drop(files.above(cargo_home().as_deref()));
    files.looked_at
}

#[cfg(test)]
mod tests;
