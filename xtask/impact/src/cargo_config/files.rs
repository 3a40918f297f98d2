//! The files of cargo's configuration: finding, reading and including them.

use std::collections::{BTreeSet, HashSet};
use std::io;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use toml::de::{DeTable, DeValue};

use super::value::{ConfigValue, ValueKind, ValueOrigin};
use crate::paths::{is_absent, normalized, resolved};
use crate::{quote, usage};

/// A function that reads a file.
pub(super) type ReadFile<'a> = &'a dyn Fn(&Utf8Path) -> io::Result<String>;

/// A reader of configuration files, with a list of the paths that were tried.
pub(super) struct ConfigFiles<'a> {
    read: ReadFile<'a>,
    current: &'a Utf8Path,
    /// The paths at which a configuration file was looked for, existing or not.
    pub(super) looked_at: BTreeSet<Utf8PathBuf>,
}

impl<'a> ConfigFiles<'a> {
    pub(super) fn new(read: ReadFile<'a>, current: &'a Utf8Path) -> Self {
        Self {
            read,
            current,
            looked_at: BTreeSet::new(),
        }
    }

    /// Returns the table of each file that cargo finds from a directory upwards and in its home,
    /// the nearest first.
    pub(super) fn above(&mut self, home: Option<&Utf8Path>) -> Vec<Result<ConfigValue>> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for above in self.current.ancestors() {
            let room = above.join(".cargo");
            found.extend(self.in_directory(&room));
            seen.insert(resolved(&room));
        }
        if let Some(home) = home.filter(|home| !seen.contains(&resolved(home))) {
            found.extend(self.in_directory(home));
        }
        found
    }

    /// Reads the configuration file in a directory `.cargo`. If `config` and `config.toml` both
    /// exist, cargo reads `config`.
    fn in_directory(&mut self, directory: &Utf8Path) -> Option<Result<ConfigValue>> {
        for name in ["config", "config.toml"] {
            let path = directory.join(name);
            self.looked_at.insert(path.clone());
            match (self.read)(&path) {
                Ok(text) => return Some(self.parsed(&path, &text, false, &mut HashSet::new())),
                Err(error) if is_absent(&error) => {}
                Err(error) => {
                    let error = anyhow::Error::new(error);
                    return Some(Err(
                        error.context(format!("cannot read {}", quote::name(&path)))
                    ));
                }
            }
        }
        None
    }

    /// Returns the table of a file that `--config` names, or `None` if no such file exists: then
    /// the value is `KEY=VALUE`.
    pub(super) fn named(&mut self, path: &Utf8Path) -> Option<Result<ConfigValue>> {
        match (self.read)(path) {
            Ok(text) => Some(self.parsed(path, &text, true, &mut HashSet::new())),
            Err(error) if names_no_file(&error) => None,
            Err(error) => Some(Err(usage!(
                "--config: cannot read {}: {error}",
                quote::name(&path)
            ))),
        }
    }

    fn parsed(
        &mut self,
        path: &Utf8Path,
        text: &str,
        by_flag: bool,
        seen: &mut HashSet<Utf8PathBuf>,
    ) -> Result<ConfigValue> {
        if !seen.insert(path.to_owned()) {
            return Err(usage!("{} includes itself", quote::name(&path)));
        }
        let table = table(text, &|line| {
            let path = path.to_owned();
            match by_flag {
                true => ValueOrigin::FlagFile { path, line },
                false => ValueOrigin::File { path, line },
            }
        });
        let table = table
            .with_context(|| format!("{} is not a configuration of cargo", quote::name(&path)))?;
        self.with_includes(table, by_flag, seen)
    }

    /// Merges a table with the files that the table includes. The files are merged in their order,
    /// and the table itself overrides them.
    pub(super) fn with_includes(
        &mut self,
        mut table: ConfigValue,
        by_flag: bool,
        seen: &mut HashSet<Utf8PathBuf>,
    ) -> Result<ConfigValue> {
        let ValueKind::Table(entries) = &mut table.kind else {
            return Ok(table);
        };
        let Some(include) = entries.remove("include") else {
            return Ok(table);
        };
        let wrong = || {
            usage!(
                "{}: `include` must be a list of paths that end in `.toml`, or of tables with \
                 `path` and `optional`",
                include.origin
            )
        };
        let ValueKind::List(items) = &include.kind else {
            return Err(wrong());
        };
        let mut all = ConfigValue {
            kind: ValueKind::Table(Default::default()),
            origin: table.origin.clone(),
        };
        for item in items {
            let named = item.as_str().or_else(|| item.get("path")?.as_str());
            let named = named.filter(|it| it.ends_with(".toml")).ok_or_else(wrong)?;
            let optional = matches!(
                item.get("optional").map(|it| &it.kind),
                Some(ValueKind::Boolean(true))
            );
            // An included path is relative to the including file, unlike other paths. Before 1.97,
            // cargo does not resolve a `..` in it, and then resolves relative paths of the included
            // file from another directory.
            let beside = item.origin.directory().unwrap_or(self.current);
            let path = normalized(&beside.join(named));
            self.looked_at.insert(path.clone());
            let text = match (self.read)(&path) {
                Err(error) if optional && is_absent(&error) => continue,
                read => read.map_err(|error| {
                    usage!(
                        "{}: cannot read the included {}: {error}",
                        item.origin,
                        quote::name(&path)
                    )
                })?,
            };
            let included = self.parsed(&path, &text, by_flag, seen)?;
            all.merge(&included, true, &mut Vec::new())?;
        }
        all.merge(&table, true, &mut Vec::new())?;
        Ok(all)
    }
}

/// Returns true if a text is the path of no file: nothing is there, or no file can have that name.
fn names_no_file(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

/// Parses the table of a file. `origin` makes the origin of a value from the value's line.
///
/// # Errors
/// Returns an error if the text is not TOML.
pub fn table(text: &str, origin: &dyn Fn(usize) -> ValueOrigin) -> Result<ConfigValue> {
    let parsed = DeTable::parse(text).map_err(|error| usage!("{error}"))?;
    ConfigValue::table(parsed.get_ref(), &lines(text, origin))
}

/// Parses one table of a file, such as `profile` of a manifest. Returns `None` if the file has no
/// table of that name.
///
/// # Errors
/// Returns an error if the text is not TOML.
pub fn table_of(
    text: &str,
    name: &str,
    origin: &dyn Fn(usize) -> ValueOrigin,
) -> Result<Option<ConfigValue>> {
    let parsed = DeTable::parse(text).map_err(|error| usage!("{error}"))?;
    let found = parsed.get_ref().get(name);
    let Some(DeValue::Table(table)) = found.map(|value| value.get_ref()) else {
        return Ok(None);
    };
    ConfigValue::table(table, &lines(text, origin)).map(Some)
}

/// Returns a function that makes an origin from an offset in the text, by way of the line.
fn lines<'a>(
    text: &str,
    origin: &'a dyn Fn(usize) -> ValueOrigin,
) -> impl Fn(usize) -> ValueOrigin + 'a {
    let breaks: Vec<usize> = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
    move |at| origin(breaks.partition_point(|end| *end < at) + 1)
}
