//! A value of cargo's configuration with its origin, and the merging of two values.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use toml::de::{DeTable, DeValue};

use crate::usage;

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueOrigin {
    /// Cargo's default: no file, variable or flag sets the value.
    Default,
    /// A file that cargo finds by itself: a configuration file or a manifest.
    File {
        /// The path of the file.
        path: Utf8PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// An environment variable, by its name.
    Variable(String),
    /// `--config KEY=VALUE`, as the user gave it.
    Flag(String),
    /// A file that `--config` names.
    FlagFile {
        /// The path of the file.
        path: Utf8PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
}

impl ValueOrigin {
    /// Returns the rank of the origin. Flags override variables, and variables override files.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Variable(_) => 2,
            Self::Flag(_) | Self::FlagFile { .. } => 3,
        }
    }

    /// Returns the directory that a relative path is resolved against: for a file the directory
    /// above the file's own, for everything else the current directory.
    pub fn base<'a>(&'a self, current: &'a Utf8Path) -> &'a Utf8Path {
        let above = self.directory().and_then(Utf8Path::parent);
        above.unwrap_or(current)
    }

    /// Returns the directory of a file.
    pub(super) fn directory(&self) -> Option<&Utf8Path> {
        match self {
            Self::File { path, .. } | Self::FlagFile { path, .. } => path.parent(),
            _ => None,
        }
    }
}

impl fmt::Display for ValueOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("cargo's default"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Variable(name) => write!(f, "{name} in the environment"),
            Self::Flag(given) => write!(f, "--config {given}"),
            Self::FlagFile { path, line } => write!(f, "{path}:{line}, by --config"),
        }
    }
}

/// A value and its origin. Two values are equal if their kinds are equal; their origins may differ.
#[derive(Clone, Debug)]
pub struct ConfigValue {
    /// The value itself.
    pub kind: ValueKind,
    /// The origin of the value. For joined lists, the origin of the first part.
    pub origin: ValueOrigin,
}

/// A value of the configuration, by its type.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ValueKind {
    /// A text.
    String(String),
    /// A number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Values in their order, each with an origin of its own.
    List(Vec<ConfigValue>),
    /// Values by their keys.
    Table(BTreeMap<String, ConfigValue>),
}

impl PartialEq for ConfigValue {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Serialize for ConfigValue {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.kind.serialize(serializer)
    }
}

/// Formats the value as TOML.
impl fmt::Display for ConfigValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = toml::Value::try_from(self).map_err(|_| fmt::Error)?;
        shown.fmt(f)
    }
}

/// The keys of lists that are commands, in which the nearer list replaces the farther list. `*`
/// stands for any key.
const COMMANDS: &[&[&str]] = &[
    &["credential-alias", "*"],
    &["doc", "browser"],
    &["host", "runner"],
    &["registries", "*", "credential-provider"],
    &["registry", "credential-provider"],
    &["target", "*", "runner"],
];

pub(super) fn is_command(key: &[&str]) -> bool {
    COMMANDS.iter().any(|command| {
        let mut parts = command.iter().zip(key);
        command.len() == key.len() && parts.all(|(one, key)| *one == "*" || one == key)
    })
}

impl ConfigValue {
    /// Returns the table of a file. Each value gets the line of its key.
    ///
    /// # Errors
    /// Returns an error if the table has a value that configuration does not support: a date or a
    /// number with a decimal point.
    pub fn table(table: &DeTable<'_>, origin: &dyn Fn(usize) -> ValueOrigin) -> Result<Self> {
        let entries = table.iter().map(|(key, value)| {
            let at = origin(key.span().start);
            let value = Self::of(value.get_ref(), at, origin).map_err(|what| {
                usage!("{}: `{}`: {what}", origin(key.span().start), key.get_ref())
            })?;
            Ok((key.get_ref().to_string(), value))
        });
        Ok(Self {
            kind: ValueKind::Table(entries.collect::<Result<_>>()?),
            origin: origin(0),
        })
    }

    fn of(
        value: &DeValue<'_>,
        at: ValueOrigin,
        origin: &dyn Fn(usize) -> ValueOrigin,
    ) -> Result<Self> {
        let kind = match value {
            DeValue::String(text) => ValueKind::String(text.to_string()),
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix());
                ValueKind::Integer(number?)
            }
            DeValue::Boolean(is_true) => ValueKind::Boolean(*is_true),
            DeValue::Array(items) => {
                let item = |item: &toml::Spanned<DeValue<'_>>| {
                    Self::of(item.get_ref(), origin(item.span().start), origin)
                };
                ValueKind::List(items.iter().map(item).collect::<Result<_>>()?)
            }
            DeValue::Table(table) => Self::table(table, origin)?.kind,
            DeValue::Float(_) | DeValue::Datetime(_) => {
                return Err(usage!(
                    "numbers with a point, and dates, are no values of cargo's \
                                   configuration"
                ));
            }
        };
        Ok(Self { kind, origin: at })
    }

    /// Returns the value under a key of a table.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            ValueKind::Table(entries) => entries.get(key),
            _ => None,
        }
    }

    /// Returns the entries of a table, or nothing for any other value.
    pub fn entries(&self) -> impl Iterator<Item = (&String, &Self)> {
        let entries = match &self.kind {
            ValueKind::Table(entries) => Some(entries),
            _ => None,
        };
        entries.into_iter().flatten()
    }

    /// Returns the value under nested keys.
    pub fn at(&self, key: &[&str]) -> Option<&Self> {
        key.iter().try_fold(self, |value, part| value.get(part))
    }

    /// Returns the text, or `None` if the value is not a text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            ValueKind::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns every value that is not a table, with the keys that lead to it.
    pub fn leaves(&self) -> Vec<(Vec<&str>, &Self)> {
        let ValueKind::Table(entries) = &self.kind else {
            return vec![(Vec::new(), self)];
        };
        let mut leaves = Vec::new();
        for (key, value) in entries {
            for (below, leaf) in value.leaves() {
                leaves.push(([vec![key.as_str()], below].concat(), leaf));
            }
        }
        leaves
    }

    /// Merges the values of another origin into this value. `from` replaces a value if `from` has
    /// the higher rank or `force` is true. Lists are joined: `from` comes last if `force` is true,
    /// or else first.
    ///
    /// # Errors
    /// Returns an error if one value is a list or table and the other is not.
    pub(super) fn merge<'a>(
        &mut self,
        from: &'a Self,
        force: bool,
        key: &mut Vec<&'a str>,
    ) -> Result<()> {
        let wins = force || from.origin.rank() > self.origin.rank();
        match (&mut self.kind, &from.kind) {
            (ValueKind::Table(old), ValueKind::Table(new)) => {
                for (name, value) in new {
                    let Some(known) = old.get_mut(name) else {
                        old.insert(name.clone(), value.clone());
                        continue;
                    };
                    key.push(name);
                    known.merge(value, force, key)?;
                    key.pop();
                }
            }
            (ValueKind::List(old), ValueKind::List(new)) => {
                if is_command(key) {
                    if wins {
                        old.clone_from(new);
                        self.origin = from.origin.clone();
                    }
                    return Ok(());
                }
                *old = match force {
                    true => [old.as_slice(), new].concat(),
                    false => [new, old.as_slice()].concat(),
                };
                old.sort_by_key(|it| it.origin.rank());
            }
            (ValueKind::List(_) | ValueKind::Table(_), _)
            | (_, ValueKind::List(_) | ValueKind::Table(_)) => {
                return Err(usage!(
                    "`{}` is {} in {}, and {} in {}: cargo cannot join them",
                    key.join("."),
                    self.described(),
                    self.origin,
                    from.described(),
                    from.origin
                ));
            }
            _ if wins => self.clone_from(from),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn described(&self) -> &'static str {
        match self.kind {
            ValueKind::String(_) => "text",
            ValueKind::Integer(_) => "a number",
            ValueKind::Boolean(_) => "true or false",
            ValueKind::List(_) => "a list",
            ValueKind::Table(_) => "a table",
        }
    }
}
