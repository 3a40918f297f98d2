//! `[workspace.metadata.xtask]`: what a workspace configures of the kit.

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Workspace;
use crate::usage;

/// The keys that mean something. Each belongs to the module that asks for it; that one reads what
/// stands below, and refuses what it does not know.
const KEYS: &[&str] = &["rules", "timings"];

impl Workspace {
    /// What stands under a key of `[workspace.metadata.xtask]`; the default where nothing does.
    ///
    /// # Errors
    /// Where it cannot be read as what it should be, or the table has a key that means nothing.
    pub fn configured<T: DeserializeOwned + Default>(&self, key: &str) -> Result<T> {
        debug_assert!(KEYS.contains(&key), "`{key}` is a key of the kit");
        let manifest = self.root.join("Cargo.toml");
        let metadata: Value = serde_json::from_str(&self.metadata)?;
        let table = match metadata.get("xtask") {
            None => return Ok(T::default()),
            Some(Value::Object(table)) => table,
            Some(_) => return Err(usage!("{manifest}: `workspace.metadata.xtask` is no table")),
        };
        if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(usage!(
                "{manifest}: [workspace.metadata.xtask]: unknown field `{unknown}`, expected {}",
                quoted(KEYS)
            ));
        }
        match table.get(key) {
            None => Ok(T::default()),
            Some(value) => T::deserialize(value).map_err(|error| {
                usage!("{manifest}: [workspace.metadata.xtask]: `{key}`: {error}")
            }),
        }
    }
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
