//! The compiler flags (`rustflags`) for a platform. Cargo uses the first of these sources that has
//! flags: the environment, all `[target]` tables that match the platform, `[build]`.

use anyhow::Result;
use cargo_metadata::cargo_platform::Platform;

use super::PlatformFacts;
use crate::cargo_config::{CargoConfig, ConfigValue, ValueKind, ValueOrigin};
use crate::source_scan;

/// The environment variables that override all configured flags, each with the separator of its
/// flags.
const VARIABLES: [(&str, char); 2] = [("CARGO_ENCODED_RUSTFLAGS", '\x1f'), ("RUSTFLAGS", ' ')];

impl PlatformFacts {
    /// Returns the names of the `[target]` tables that match this platform: its triple and the
    /// matching `cfg(…)`.
    pub fn tables<'a>(&'a self, config: &'a CargoConfig) -> impl Iterator<Item = &'a str> {
        let is_of = |cfg: &&str| cfg.parse().is_ok_and(|it: Platform| self.matches(&it));
        let cfgs = tables_of(config).filter(|key| key.starts_with("cfg("));
        std::iter::once(&*self.name).chain(cfgs.filter(is_of))
    }

    /// Returns the compiler flags for this platform.
    ///
    /// # Errors
    /// Returns an error if `rustflags` in the configuration has another type.
    pub fn rustflags(&self, config: &CargoConfig) -> Result<Option<ConfigValue>> {
        for (name, separator) in VARIABLES {
            if let Some(flags) = config.variable(name) {
                let origin = ValueOrigin::Variable(name.to_owned());
                let flags = flags.split(separator).map(str::trim);
                let flags = flags.filter(|it| !it.is_empty()).map(|flag| ConfigValue {
                    kind: ValueKind::String(flag.to_owned()),
                    origin: origin.clone(),
                });
                let kind = ValueKind::List(flags.collect());
                return Ok(Some(ConfigValue { kind, origin }));
            }
        }
        let mut flags = Vec::new();
        for table in self.tables(config) {
            flags.extend(flags_of(table, config)?.into_iter().flatten());
        }
        if flags.is_empty() {
            let said = config.arguments(&["build", "rustflags"])?;
            flags.extend(said.into_iter().flatten());
        }
        let origin = flags.first().map(|it| it.origin.clone());
        Ok(origin.map(|origin| ConfigValue {
            kind: ValueKind::List(flags),
            origin,
        }))
    }

    /// Returns true if cargo may use the flags of the `[target]` table `table` for this platform,
    /// or may have used them before they were removed. Without `table` the question is about
    /// `[build]`.
    ///
    /// Flags can themselves decide whether a `cfg(…)` matches, because cargo passes the flags that
    /// it found to the rustc that prints the `cfg`.
    pub fn uses_flags_of(&self, table: Option<&str>, config: &CargoConfig) -> bool {
        let mut variables = VARIABLES.iter();
        if variables.any(|(name, _)| config.variable(name).is_some()) {
            return false;
        }
        match table {
            Some(table) => self.is_own(table) != Some(false),
            None => {
                let has_flags = |table: &str| {
                    let flags = flags_of(table, config).ok().flatten();
                    flags.is_some_and(|flags| !flags.is_empty())
                };
                let any = |is_own| {
                    let mut tables = tables_of(config).filter(|it| self.is_own(it) == is_own);
                    tables.any(has_flags)
                };
                // If the platform's own table has no flags, cargo uses the flags of `[build]` to
                // find out which `cfg(…)` tables match.
                !has_flags(&self.name) && (!any(Some(true)) || any(None))
            }
        }
    }

    /// Returns whether a table matches this platform; `None` if flags decide it.
    pub(super) fn is_own(&self, table: &str) -> Option<bool> {
        match table.starts_with("cfg(") {
            true => source_scan::evaluate(table, &|option, value| self.is_set(option, value)),
            false => Some(table == self.name),
        }
    }
}

/// Returns the names of all `[target]` tables: triples, and `cfg(…)`.
fn tables_of(config: &CargoConfig) -> impl Iterator<Item = &str> {
    let tables = config.written().get("target").into_iter();
    tables
        .flat_map(ConfigValue::entries)
        .map(|(key, _)| key.as_str())
}

fn flags_of(table: &str, config: &CargoConfig) -> Result<Option<Vec<ConfigValue>>> {
    config.arguments(&["target", table, "rustflags"])
}
