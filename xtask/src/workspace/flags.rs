//! The compiler's flags for a platform. Cargo takes the first that there are of the environment's,
//! those of all `[target]` tables that are about the platform, and those of `[build]`.

use anyhow::Result;
use cargo_metadata::cargo_platform::Platform;

use super::PlatformFacts;
use crate::repo::cargo_config::{CargoConfig, Kind, Origin, Value};

/// The variables that go before all configuration, with what parts their flags.
const VARIABLES: [(&str, char); 2] = [("CARGO_ENCODED_RUSTFLAGS", '\x1f'), ("RUSTFLAGS", ' ')];

impl PlatformFacts {
    /// The tables of `target` that are about this platform: its own, and those by `cfg(…)`.
    pub fn tables<'a>(&'a self, config: &'a CargoConfig) -> impl Iterator<Item = &'a str> {
        let tables = config.written().get("target");
        let keys = tables.into_iter().flat_map(Value::entries);
        let cfgs = keys.map(|(key, _)| key.as_str());
        let cfgs = cfgs.filter(|key| key.starts_with("cfg(") && self.is_of(key));
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
        let mut flags = self.tables_flags(config)?;
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

    /// Whether flags of the table of this name, or of `[build]`, are among those that cargo takes
    /// for this platform, or were before they went.
    pub fn heeds_flags_of(&self, table: Option<&str>, config: &CargoConfig) -> bool {
        let mut variables = VARIABLES.iter();
        if variables.any(|(name, _)| config.variable(name).is_some()) {
            return false;
        }
        match table {
            Some(table) => table == self.name || self.is_of(table),
            None => self.tables_flags(config).map_or(true, |it| it.is_empty()),
        }
    }

    fn is_of(&self, table: &str) -> bool {
        let platform = table.parse();
        platform.is_ok_and(|it: Platform| self.matches(&it))
    }

    fn tables_flags(&self, config: &CargoConfig) -> Result<Vec<Value>> {
        let mut flags = Vec::new();
        for table in self.tables(config) {
            let said = config.arguments(&["target", table, "rustflags"])?;
            flags.extend(said.into_iter().flatten());
        }
        Ok(flags)
    }
}
