//! The kit's configuration of a workspace: the table `[workspace.metadata.xtask]`.

use anyhow::Result;
use camino::Utf8Path;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Workspace;
use crate::{files, quote, usage};

/// The known keys. Each key belongs to one module. That module reads the value and refuses unknown
/// keys below it.
const KEYS: [&str; 7] = [
    "feature-unification",
    "freshness",
    "hooks",
    "policy",
    "rules",
    "sweep",
    "timings",
];

impl Workspace {
    /// Returns the value of a key of `[workspace.metadata.xtask]`, or the default if the key is
    /// absent.
    ///
    /// # Errors
    /// Returns an error if the value cannot be read as `T`, or if the table has an unknown key.
    pub fn setting<T: DeserializeOwned + Default>(&self, key: &str) -> Result<T> {
        let metadata = serde_json::from_str(&self.metadata)?;
        setting(&self.root.join("Cargo.toml"), &metadata, key)
    }
}

/// Returns the value of a key of `[workspace.metadata.xtask]` in a root manifest. Reads the
/// manifest without starting cargo.
///
/// # Errors
/// Returns the errors of [`Workspace::setting`], and an error if the manifest cannot be read.
pub fn setting_in<T: DeserializeOwned + Default>(manifest: &Utf8Path, key: &str) -> Result<T> {
    let text = files::read_text(manifest, files::SETTINGS)
        .map_err(|error| usage!("cannot read {}: {error}", quote::name(&manifest)))?;
    let read: RootManifestTables =
        toml::from_str(&text).map_err(|error| usage!("{}: {error}", quote::name(&manifest)))?;
    setting(manifest, &read.workspace.unwrap_or_default().metadata, key)
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

fn setting<T: DeserializeOwned + Default>(
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
                "{}: `workspace.metadata.xtask` must be a table",
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
