//! The compiler's flags for a platform. Cargo takes the first that there are of the environment's,
//! those of all `[target]` tables that are about the platform, and those of `[build]`.

use anyhow::Result;
use cargo_metadata::cargo_platform::Platform;

use super::PlatformFacts;
use crate::repo::cargo_config::{CargoConfig, Kind, Origin, Value};
use crate::repo::rust_source;

/// The variables that go before all configuration, with what parts their flags.
const VARIABLES: [(&str, char); 2] = [("CARGO_ENCODED_RUSTFLAGS", '\x1f'), ("RUSTFLAGS", ' ')];

impl PlatformFacts {
    /// The tables of `target` that are about this platform: its own, and those by `cfg(…)`.
    pub fn tables<'a>(&'a self, config: &'a CargoConfig) -> impl Iterator<Item = &'a str> {
        let tables = config.written().get("target");
        let keys = tables.into_iter().flat_map(Value::entries);
        let cfgs = keys.map(|(key, _)| key.as_str());
        let is_of = |cfg: &&str| cfg.parse().is_ok_and(|it: Platform| self.matches(&it));
        let cfgs = cfgs.filter(|key| key.starts_with("cfg(")).filter(is_of);
        std::iter::once(&*self.name).chain(cfgs)
    }

    /// The flags for this platform.
    ///
    /// # Errors
    /// Where the configuration has something else there.
    pub fn rustflags(&self, config: &CargoConfig) -> Result<Option<Value>> {
        for (name, separator) in VARIABLES {
            if let Some(flags) = config.variable(name) {
                let origin = Origin::Variable(name.to_owned());
                let flags = flags.split(separator).map(str::trim);
                let flags = flags.filter(|it| !it.is_empty()).map(|flag| Value {
                    kind: Kind::String(flag.to_owned()),
                    origin: origin.clone(),
                });
                let kind = Kind::List(flags.collect());
                return Ok(Some(Value { kind, origin }));
            }
        }
        let mut flags = tables_flags(self.tables(config), config)?;
        if flags.is_empty() {
            let said = config.arguments(&["build", "rustflags"])?;
            flags.extend(said.into_iter().flatten());
        }
        let origin = flags.first().map(|it| it.origin.clone());
        Ok(origin.map(|origin| Value {
            kind: Kind::List(flags),
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
                let tables = self.tables(config);
                let certain = tables.filter(|table| self.is_own(table) == Some(true));
                tables_flags(certain, config).map_or(true, |it| it.is_empty())
            }
        }
    }

    /// Whether a table is about this platform, whatever the flags.
    fn is_own(&self, table: &str) -> Option<bool> {
        match table.starts_with("cfg(") {
            true => rust_source::evaluate(table, &|option, value| self.is_set(option, value)),
            false => Some(table == self.name),
        }
    }
}

fn tables_flags<'a>(
    tables: impl Iterator<Item = &'a str>,
    config: &CargoConfig,
) -> Result<Vec<Value>> {
    let mut flags = Vec::new();
    for table in tables {
        let said = config.arguments(&["target", table, "rustflags"])?;
        flags.extend(said.into_iter().flatten());
    }
    Ok(flags)
}
