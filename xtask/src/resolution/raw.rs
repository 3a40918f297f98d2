//! The shape of what `--unit-graph` prints, as far as it matters here; what else there may be is
//! let pass.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct RawGraph {
    pub(super) version: u32,
    pub(super) units: Vec<RawUnit>,
    #[serde(default)]
    pub(super) roots: Vec<usize>,
}

#[derive(Deserialize)]
pub(super) struct RawUnit {
    pub(super) pkg_id: String,
    pub(super) target: RawTarget,
    pub(super) profile: BTreeMap<String, serde_json::Value>,
    pub(super) platform: Option<String>,
    pub(super) mode: String,
    pub(super) features: Vec<String>,
    pub(super) dependencies: Vec<RawDependency>,
}

#[derive(Deserialize)]
pub(super) struct RawTarget {
    pub(super) kind: Vec<String>,
    pub(super) crate_types: Vec<String>,
    pub(super) name: String,
    pub(super) src_path: Option<String>,
    pub(super) edition: String,
    #[serde(default)]
    pub(super) doc: bool,
    #[serde(default)]
    pub(super) doctest: bool,
    #[serde(default)]
    pub(super) test: bool,
}

#[derive(Deserialize)]
pub(super) struct RawDependency {
    pub(super) index: usize,
    pub(super) extern_crate_name: String,
    #[serde(flatten)]
    pub(super) options: BTreeMap<String, serde_json::Value>,
}
