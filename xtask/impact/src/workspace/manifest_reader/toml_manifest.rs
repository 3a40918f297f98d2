//! The tables of a `Cargo.toml`, as far as the reader knows them. An unknown key is an error: then
//! cargo is asked.

use std::collections::BTreeMap;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlManifest {
    pub(super) package: Option<TomlPackage>,
    #[serde(default)]
    pub(super) features: BTreeMap<String, Vec<String>>,
    pub(super) lib: Option<TomlTarget>,
    pub(super) bin: Option<Vec<TomlTarget>>,
    pub(super) example: Option<Vec<TomlTarget>>,
    pub(super) test: Option<Vec<TomlTarget>>,
    pub(super) bench: Option<Vec<TomlTarget>>,
    #[serde(default)]
    pub(super) dependencies: TomlDependencies,
    #[serde(default)]
    pub(super) dev_dependencies: TomlDependencies,
    #[serde(default)]
    pub(super) build_dependencies: TomlDependencies,
    #[serde(default)]
    pub(super) target: BTreeMap<String, TomlPlatform>,
    pub(super) lints: Option<TomlLints>,
    pub(super) workspace: Option<TomlWorkspace>,
    #[serde(default)]
    pub(super) profile: BTreeMap<String, TomlProfile>,
    pub(super) patch: Option<IgnoredAny>,
    pub(super) replace: Option<IgnoredAny>,
    #[expect(dead_code, reason = "read only to refuse another shape")]
    hints: Option<TomlHints>,
    #[expect(dead_code, reason = "read only to refuse another shape")]
    badges: Option<BTreeMap<String, BTreeMap<String, String>>>,
}

/// The table `[hints]`, which changes no unit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlHints {
    #[expect(dead_code, reason = "a hint may have any value")]
    mostly_unused: Option<IgnoredAny>,
}

/// The dependencies of one table, sorted by their keys.
pub(super) type TomlDependencies = BTreeMap<String, TomlDependency>;

/// The table `[package]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlPackage {
    pub(super) name: String,
    pub(super) version: Option<Inheritable<String>>,
    pub(super) edition: Option<Inheritable<String>>,
    pub(super) rust_version: Option<Inheritable<String>>,
    pub(super) build: Option<StringOrBool>,
    pub(super) links: Option<String>,
    pub(super) workspace: Option<String>,
    pub(super) autolib: Option<bool>,
    pub(super) autobins: Option<bool>,
    pub(super) autoexamples: Option<bool>,
    pub(super) autotests: Option<bool>,
    pub(super) autobenches: Option<bool>,
    pub(super) default_run: Option<String>,
    pub(super) resolver: Option<String>,
    // These keys are read because they may be inherited, and to refuse another shape.
    pub(super) authors: Option<Inheritable<Vec<String>>>,
    pub(super) exclude: Option<Inheritable<Vec<String>>>,
    pub(super) include: Option<Inheritable<Vec<String>>>,
    pub(super) publish: Option<Inheritable<BoolOrStrings>>,
    pub(super) description: Option<Inheritable<String>>,
    pub(super) homepage: Option<Inheritable<String>>,
    pub(super) documentation: Option<Inheritable<String>>,
    pub(super) readme: Option<Inheritable<StringOrBool>>,
    pub(super) keywords: Option<Inheritable<Vec<String>>>,
    pub(super) categories: Option<Inheritable<Vec<String>>>,
    pub(super) license: Option<Inheritable<String>>,
    pub(super) license_file: Option<Inheritable<String>>,
    pub(super) repository: Option<Inheritable<String>>,
    #[expect(dead_code, reason = "a package may have any metadata")]
    metadata: Option<IgnoredAny>,
}

/// A value, or `{ workspace = true }`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Inheritable<T> {
    Value(T),
    Inherit(WorkspaceKey),
}

/// The table `{ workspace = true }`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkspaceKey {
    pub(super) workspace: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum StringOrBool {
    Bool(bool),
    String(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "read only to refuse another shape")]
pub(super) enum BoolOrStrings {
    Bool(bool),
    Strings(Vec<String>),
}

/// A target, such as `[lib]` or `[[bin]]`.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlTarget {
    pub(super) name: Option<String>,
    pub(super) path: Option<String>,
    pub(super) crate_type: Option<Vec<String>>,
    pub(super) proc_macro: Option<bool>,
    /// The old names of two keys, which edition 2024 refuses.
    #[serde(rename = "crate_type")]
    pub(super) old_crate_type: Option<Vec<String>>,
    #[serde(rename = "proc_macro")]
    pub(super) old_proc_macro: Option<bool>,
    pub(super) test: Option<bool>,
    pub(super) doctest: Option<bool>,
    pub(super) doc: Option<bool>,
    pub(super) required_features: Option<Vec<String>>,
    pub(super) edition: Option<String>,
    // `cargo metadata` does not print these keys.
    #[expect(dead_code, reason = "read only to refuse another shape")]
    pub(super) bench: Option<bool>,
    #[expect(dead_code, reason = "read only to refuse another shape")]
    pub(super) harness: Option<bool>,
    #[expect(dead_code, reason = "read only to refuse another shape")]
    pub(super) doc_scrape_examples: Option<bool>,
}

/// A dependency: a version, or a table.
#[derive(Clone)]
pub(super) enum TomlDependency {
    Version(String),
    Detailed(Box<DetailedDependency>),
}

impl<'de> Deserialize<'de> for TomlDependency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrTable;
        impl<'de> Visitor<'de> for StringOrTable {
            type Value = TomlDependency;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a version or a table")
            }

            fn visit_str<E: de::Error>(self, version: &str) -> Result<Self::Value, E> {
                Ok(TomlDependency::Version(version.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let table = DetailedDependency::deserialize(MapAccessDeserializer::new(map))?;
                Ok(TomlDependency::Detailed(Box::new(table)))
            }
        }
        deserializer.deserialize_any(StringOrTable)
    }
}

/// The table of a dependency.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DetailedDependency {
    pub(super) version: Option<String>,
    pub(super) path: Option<String>,
    pub(super) package: Option<String>,
    pub(super) features: Option<Vec<String>>,
    pub(super) optional: Option<bool>,
    pub(super) default_features: Option<bool>,
    /// The old name of the key, which edition 2024 refuses.
    #[serde(rename = "default_features")]
    pub(super) old_default_features: Option<bool>,
    pub(super) workspace: Option<bool>,
    pub(super) git: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) rev: Option<String>,
    pub(super) registry: Option<String>,
    pub(super) registry_index: Option<String>,
}

/// The dependencies of a platform: `[target.X]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlPlatform {
    #[serde(default)]
    pub(super) dependencies: TomlDependencies,
    #[serde(default)]
    pub(super) dev_dependencies: TomlDependencies,
    #[serde(default)]
    pub(super) build_dependencies: TomlDependencies,
}

/// The table `[workspace]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlWorkspace {
    pub(super) members: Option<Vec<String>>,
    #[serde(default)]
    pub(super) exclude: Vec<String>,
    pub(super) default_members: Option<Vec<String>>,
    pub(super) resolver: Option<String>,
    pub(super) metadata: Option<toml::Value>,
    #[serde(default)]
    pub(super) package: InheritablePackage,
    #[serde(default)]
    pub(super) dependencies: TomlDependencies,
    pub(super) lints: Option<BTreeMap<String, BTreeMap<String, TomlLint>>>,
}

/// The table `[workspace.package]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct InheritablePackage {
    pub(super) version: Option<String>,
    pub(super) edition: Option<String>,
    pub(super) rust_version: Option<String>,
    pub(super) authors: Option<Vec<String>>,
    pub(super) exclude: Option<Vec<String>>,
    pub(super) include: Option<Vec<String>>,
    pub(super) publish: Option<BoolOrStrings>,
    pub(super) description: Option<String>,
    pub(super) homepage: Option<String>,
    pub(super) documentation: Option<String>,
    pub(super) readme: Option<StringOrBool>,
    pub(super) keywords: Option<Vec<String>>,
    pub(super) categories: Option<Vec<String>>,
    pub(super) license: Option<String>,
    pub(super) license_file: Option<String>,
    pub(super) repository: Option<String>,
}

/// The table `[lints]`: inherited, or lints by tool.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum TomlLints {
    Inherit(WorkspaceKey),
    Own(BTreeMap<String, BTreeMap<String, TomlLint>>),
}

/// The level of a lint.
#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "read only to refuse another shape")]
pub(super) enum TomlLint {
    Level(LintLevel),
    Table(LintTable),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LintLevel {
    Forbid,
    Deny,
    Warn,
    Allow,
}

/// A lint with a priority or with settings of its own, such as `check-cfg`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "read only to refuse another shape")]
pub(super) struct LintTable {
    level: LintLevel,
    priority: Option<i8>,
    check_cfg: Option<Vec<String>>,
}

/// A profile. Cargo checks the values when it builds; here only the keys and kinds count.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlProfile {
    pub(super) opt_level: Option<NumberOrString>,
    pub(super) lto: Option<StringOrBool>,
    pub(super) codegen_units: Option<u32>,
    pub(super) debug: Option<DebugInfo>,
    pub(super) split_debuginfo: Option<String>,
    pub(super) debug_assertions: Option<bool>,
    pub(super) rpath: Option<bool>,
    pub(super) panic: Option<String>,
    pub(super) overflow_checks: Option<bool>,
    pub(super) incremental: Option<bool>,
    pub(super) inherits: Option<String>,
    pub(super) strip: Option<StringOrBool>,
    pub(super) package: Option<BTreeMap<String, TomlProfile>>,
    pub(super) build_override: Option<Box<TomlProfile>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum NumberOrString {
    Number(u8),
    String(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum DebugInfo {
    Bool(#[expect(dead_code, reason = "both values are valid")] bool),
    Number(u8),
    String(String),
}
