//! The compiler's flags for a platform. Cargo takes the first that there are of the environment's,
//! those of all `[target]` tables that are about the platform, and those of `[build]`.

use anyhow::Result;
use cargo_metadata::cargo_platform::Platform;

use super::PlatformFacts;
use crate::cargo_config::{CargoConfig, ConfigValue, ValueKind, ValueOrigin};
use crate::source_scan;

/// The variables that go before all configuration, with what parts their flags.
const VARIABLES: [(&str, char); 2] = [("CARGO_ENCODED_RUSTFLAGS", '\x1f'), ("RUSTFLAGS", ' ')];

impl PlatformFacts {
    /// The tables of `target` that are about this platform: its own, and those by `cfg(…)`.
    pub fn tables<'a>(&'a self, config: &'a CargoConfig) -> impl Iterator<Item = &'a str> {
        let is_of = |cfg: &&str| cfg.parse().is_ok_and(|it: Platform| self.matches(&it));
        let cfgs = tables_of(config).filter(|key| key.starts_with("cfg("));
        std::iter::once(&*self.name).chain(cfgs.filter(is_of))
    }

    /// The flags for this platform.
    ///
    /// # Errors
    /// Where the configuration has something else there.
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

    /// Whether flags of the table of this name, or of `[build]`, may be among those that cargo takes
    /// for this platform, or may have been before they went. Flags can decide themselves whether a
    /// `cfg(…)` holds: cargo asks for it with those that it found.
    pub fn heeds_flags_of(&self, table: Option<&str>, config: &CargoConfig) -> bool {
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
                // Without flags in the platform's own table cargo asks with these whether the
                // others hold.
                !has_flags(&self.name) && (!any(Some(true)) || any(None))
            }
        }
    }

    /// Whether a table is about this platform, whatever the flags.
    fn is_own(&self, table: &str) -> Option<bool> {
        match table.starts_with("cfg(") {
            true => source_scan::evaluate(table, &|option, value| self.is_set(option, value)),
            false => Some(table == self.name),
        }
    }
}

/// The tables of `target`: triples, and `cfg(…)`.
fn tables_of(config: &CargoConfig) -> impl Iterator<Item = &str> {
    let tables = config.written().get("target").into_iter();
    tables
        .flat_map(ConfigValue::entries)
        .map(|(key, _)| key.as_str())
}

fn flags_of(table: &str, config: &CargoConfig) -> Result<Option<Vec<ConfigValue>>> {
    config.arguments(&["target", table, "rustflags"])
}
