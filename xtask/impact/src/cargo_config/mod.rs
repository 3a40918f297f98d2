//! Cargo's configuration, read as cargo reads it: files from the current directory upwards and in
//! cargo's home, what they include, the environment, and `--config`.
//!
//! Flags beat variables, and these beat files; of files the nearest counts, and lists are joined,
//! the nearest last. Every value knows where it comes from.
//!
//! <https://doc.rust-lang.org/cargo/reference/config.html>

mod files;
pub mod toolchain_file;
mod value;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use self::files::{ConfigFiles, ReadFile};
pub use self::files::{table, table_of};
pub use self::value::{ConfigValue, ValueKind, ValueOrigin};
use crate::files::{SETTINGS, read_text};
use crate::process::Runner;
use crate::usage;

/// Cargo's configuration as it holds in one directory.
#[derive(Clone, Debug)]
pub struct CargoConfig {
    /// What files and flags say.
    written: ConfigValue,
    directory: Utf8PathBuf,
    home: Option<Utf8PathBuf>,
    variables: BTreeMap<String, String>,
}

/// What configuration is read from besides the files at and above a directory.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Cargo's home.
    pub home: Option<Utf8PathBuf>,
    /// The environment.
    pub variables: BTreeMap<String, String>,
    /// What `--config` was given, each `KEY=VALUE` or a file.
    pub flags: Vec<String>,
}

impl Surroundings {
    /// Those of a cargo that the runner starts.
    pub fn of(runner: &Runner, flags: &[String]) -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let mut name = name.into_string().ok()?;
            if cfg!(windows) {
                // Where case counts for nothing.
                name.make_ascii_uppercase();
            }
            Some((name, value.into_string().ok()?))
        };
        Self {
            home: cargo_home(),
            variables: runner.environment().filter_map(text).collect(),
            flags: flags.to_vec(),
        }
    }
}

impl CargoConfig {
    /// The configuration that a cargo which the runner starts would have.
    ///
    /// # Errors
    /// Where it cannot be read, or cargo would refuse it.
    pub fn of(runner: &Runner) -> Result<Self> {
        let directory = Utf8Path::from_path(runner.directory())
            .context("the current directory's path is not UTF-8")?;
        Self::in_directory(directory, &Surroundings::of(runner, &[]))
    }

    /// The configuration as it holds in a directory.
    ///
    /// # Errors
    /// As for [`CargoConfig::of`].
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
        })
    }

    /// What files and flags say, as one table; the environment has no part in it.
    pub fn written(&self) -> &ConfigValue {
        &self.written
    }

    /// A variable of the environment.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The names of all variables.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.variables.iter();
        variables.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What is said under a key, by the environment too.
    ///
    /// # Errors
    /// Where the way to it leads through something that is no table.
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

    /// The text under a key, by the environment too.
    ///
    /// # Errors
    /// Where it is no text.
    pub fn text(&self, key: &[&str]) -> Result<Option<(String, ValueOrigin)>> {
        let Some(value) = self.get(key)? else {
            return Ok(None);
        };
        let text = match (&value.origin, &value.kind) {
            // As it stands there, not what it looks like.
            (ValueOrigin::Variable(name), _) => self.variable(name).map(str::to_owned),
            (_, ValueKind::String(text)) => Some(text.clone()),
            _ => None,
        };
        match text {
            Some(text) => Ok(Some((text, value.origin))),
            None => Err(usage!("{}: `{}` is no text", value.origin, key.join("."))),
        }
    }

    /// Arguments, which may be written as one text with spaces between them, by the environment
    /// too.
    ///
    /// # Errors
    /// Where something else stands there.
    pub fn arguments(&self, key: &[&str]) -> Result<Option<Vec<ConfigValue>>> {
        let mut found = Vec::new();
        let written = self.written_under(key)?;
        match written.map(|it| (&it.kind, &it.origin)) {
            Some((ValueKind::List(items), _)) => found.extend(items.iter().cloned()),
            Some((ValueKind::String(text), origin)) => found.extend(words(text, origin)),
            Some((_, origin)) => return Err(usage!("{origin}: `{}` is no list", key.join("."))),
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

    /// Where final artifacts of the workspace with this root go, and who says so.
    ///
    /// # Errors
    /// Where an empty path is named.
    pub fn target_directory(&self, root: &Utf8Path) -> Result<(Utf8PathBuf, ValueOrigin)> {
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

    /// Where intermediate artifacts go unless that is the target directory, and who says so. What
    /// `{workspace-path-hash}` stands for is cargo's own, and is left as it is.
    ///
    /// # Errors
    /// Where the path is empty, or holds braces around something else.
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
                "{origin}: `build.build-dir` is `{template}`: a path in which \
                 {{workspace-root}}, {{cargo-cache-home}} and {PATH_HASH} stand for something"
            ));
        }
        Ok(Some((self.placed(&path, &origin), origin)))
    }

    /// The target triples that cargo builds for where no `--target` says so; none for the host.
    ///
    /// # Errors
    /// Where something else stands there.
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

    /// A program as cargo would start it: a bare name is looked for on `PATH`, anything else is a
    /// path.
    pub fn program(&self, named: &str, origin: &ValueOrigin) -> Utf8PathBuf {
        if named.contains('/') || cfg!(windows) && named.contains('\\') {
            return self.placed(named, origin);
        }
        named.into()
    }

    /// A path as it is meant where it stands.
    pub fn placed(&self, path: &str, origin: &ValueOrigin) -> Utf8PathBuf {
        origin.base(&self.directory).join(path)
    }
}

/// What stands in a template for a hash of the root manifest's path.
pub const PATH_HASH: &str = "{workspace-path-hash}";

/// The variable that cargo reads for a key: `CARGO_PROFILE_DEV_OPT_LEVEL` for
/// `profile.dev.opt-level`. The names of packages stay as they are.
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

/// What `--config KEY=VALUE` says.
fn of_flag(flag: &str) -> Result<ConfigValue> {
    let parsed = table(flag, &|_| ValueOrigin::Flag(flag.to_owned()));
    // One key, and no table of TOML's own: cargo takes dotted keys alone.
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

/// The files in which cargo looks for its configuration from a directory upwards and in its home,
/// and those that they include, whether or not they exist.
pub fn configuration_files(directory: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    let read = |path: &Utf8Path| read_text(path, SETTINGS);
    let mut files = ConfigFiles::new(&read, directory);
    // What one cannot read says nothing about where the others are.
    drop(files.above(cargo_home().as_deref()));
    files.looked_at
}

/// Cargo's home directory.
pub fn cargo_home() -> Option<Utf8PathBuf> {
    let home = match std::env::var_os("CARGO_HOME").filter(|home| !home.is_empty()) {
        Some(home) => std::path::absolute(home).ok()?,
        None => std::env::home_dir()?.join(".cargo"),
    };
    Utf8PathBuf::try_from(home).ok()
}

#[cfg(test)]
mod tests;
