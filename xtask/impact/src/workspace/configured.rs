//! `[workspace.metadata.xtask]`: what a workspace configures of the kit.

use anyhow::Result;
use cargo_metadata::camino::Utf8Path;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Workspace;
use crate::files;
use crate::quote;
use crate::usage;

/// The keys that mean something. Each belongs to the module that asks for it; that one reads what
/// stands below, and refuses what it does not know.
const KEYS: [&str; 4] = ["hooks", "policy", "rules", "timings"];

impl Workspace {
    /// What stands under a key of `[workspace.metadata.xtask]`; the default where nothing does.
    ///
    /// # Errors
    /// Where it cannot be read as what it should be, or the table has a key that means nothing.
    pub fn configured<T: DeserializeOwned + Default>(&self, key: &str) -> Result<T> {
        let metadata = serde_json::from_str(&self.metadata)?;
        configured(&self.root.join("Cargo.toml"), &metadata, key)
    }
}

/// What a root manifest configures, read without a question to cargo.
///
/// # Errors
/// As for [`Workspace::configured`], and where there is no such manifest.
pub fn configured_in<T: DeserializeOwned + Default>(manifest: &Utf8Path, key: &str) -> Result<T> {
    let text = files::read_text(manifest, files::SETTINGS)
        .map_err(|error| usage!("cannot read {}: {error}", quote::name(&manifest)))?;
    let read: RootManifestTables =
        toml::from_str(&text).map_err(|error| usage!("{}: {error}", quote::name(&manifest)))?;
    configured(manifest, &read.workspace.unwrap_or_default().metadata, key)
}

#[derive(Deserialize)]
struct RootManifestTables {
    workspace: Option<MetadataTable>,
}

#[derive(Default, Deserialize)]
struct MetadataTable {
    #[serde(default)]
    metadata: serde_json::Value,
}

fn configured<T: DeserializeOwned + Default>(
    manifest: &Utf8Path,
    metadata: &serde_json::Value,
    key: &str,
) -> Result<T> {
    debug_assert!(KEYS.contains(&key), "`{key}` is a key of the kit");
    let table = match metadata.get("xtask") {
        None => return Ok(T::default()),
        Some(serde_json::Value::Object(table)) => table,
        Some(_) => {
            return Err(usage!(
                "{}: `workspace.metadata.xtask` is no table",
                quote::name(&manifest)
            ));
        }
    };
    if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(usage!(
            "{}: [workspace.metadata.xtask]: unknown field `{unknown}`, expected {}",
            quote::name(&manifest),
            KEYS.map(|key| format!("`{key}`")).join(", ")
        ));
    }
    match table.get(key) {
        None => Ok(T::default()),
        Some(value) => T::deserialize(value).map_err(|error| {
            usage!(
                "{}: [workspace.metadata.xtask]: `{key}`: {error}",
                quote::name(&manifest)
            )
        }),
    }
}
