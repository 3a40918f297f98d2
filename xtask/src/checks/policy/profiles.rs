//! Profiles as cargo resolves them: the manifest's, configuration over them, inheritance followed to
//! final values.
//!
//! <https://doc.rust-lang.org/cargo/reference/profiles.html>

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::{default, entries, text};
use xtask_impact::cargo_config::{CargoConfig, ConfigValue, ValueKind, ValueOrigin};
use xtask_impact::usage;

/// What a profile can say, in the order of cargo's reference.
pub const FIELDS: [&str; 14] = [
    "opt-level",
    "debug",
    "split-debuginfo",
    "strip",
    "debug-assertions",
    "overflow-checks",
    "lto",
    "panic",
    "incremental",
    "codegen-units",
    "rpath",
    "codegen-backend",
    "rustflags",
    "trim-paths",
];

/// What is said of each field, in the words of [`canonical`].
pub type Fields = BTreeMap<&'static str, ConfigValue>;

/// One profile, with all that it inherits.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// The profiles that it inherits from, the nearest first.
    pub inherits: Vec<String>,
    /// What somebody says, inherited or not.
    pub said: Fields,
    /// `build-override`: of build scripts, proc-macros and what these depend on.
    pub build_override: Fields,
    /// `package`: by specification, `*` for all that are no members.
    pub packages: BTreeMap<String, Fields>,
    /// What beats every profile's `incremental`.
    incremental: Option<ConfigValue>,
}

/// Whom values are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Of<'a> {
    /// A package by the specification in the profile, where it has one of its own.
    pub package: Option<&'a str>,
    /// Whether it is no member, so that `package."*"` holds for it.
    pub is_foreign: bool,
    /// Whether it is built for a build script or a proc-macro.
    pub is_for_build: bool,
}

impl Profile {
    /// The final values: those of the members' own code, or with the overrides for others. What is
    /// left to rustc is left out. What is built for a build has no debug information that nobody
    /// asked for, unless the same is also built for the program.
    pub fn values(&self, of: Of<'_>) -> Fields {
        let text = |word: &str| default(text(word));
        let mut values = self.defaults();
        values.extend(self.said.clone());
        let mut overrides = Vec::new();
        if of.is_for_build {
            values.insert("opt-level", text("0"));
            values.remove("codegen-units");
            overrides.push(&self.build_override);
        }
        overrides.extend(self.packages.get("*").filter(|_| of.is_foreign));
        overrides.extend(of.package.and_then(|it| self.packages.get(it)));
        for fields in &overrides {
            // One that does not speak of `strip` takes it back.
            values.remove("strip");
            values.extend((*fields).clone());
        }
        // Cargo strips what the standard library brings along where nobody asks for any.
        let has_debug = values.get("debug").and_then(ConfigValue::as_str) != Some("none");
        let strip = text(if has_debug { "none" } else { "debuginfo" });
        values.entry("strip").or_insert(strip);
        if of.is_for_build && !overrides.iter().any(|it| it.contains_key("debug")) {
            values.insert("debug", text("none"));
        }
        if of.is_for_build {
            // A proc-macro's panic must not end the compiler.
            values.insert("panic", text("unwind"));
        }
        if let Some(incremental) = &self.incremental {
            values.insert("incremental", incremental.clone());
        }
        values
    }

    fn defaults(&self) -> Fields {
        let is_release = self.name == "release" || self.inherits.iter().any(|it| it == "release");
        let is_dev = ValueKind::Boolean(!is_release);
        let all = [
            ("opt-level", text(if is_release { "3" } else { "0" })),
            ("debug", text(if is_release { "none" } else { "full" })),
            ("debug-assertions", is_dev.clone()),
            ("overflow-checks", is_dev.clone()),
            ("lto", ValueKind::Boolean(false)),
            ("panic", text("unwind")),
            ("incremental", is_dev),
            ("rpath", ValueKind::Boolean(false)),
        ];
        all.map(|(field, kind)| (field, default(kind))).into()
    }
}

/// What one place says of one profile.
struct Layer {
    inherits: Option<ConfigValue>,
    said: Fields,
    build_override: Fields,
    packages: BTreeMap<String, Fields>,
}

/// The profiles that cargo has by itself, those of the root manifest (its table `profile`) and of
/// the configuration, and one that was asked for, sorted.
///
/// # Errors
/// Where one cannot be resolved that the manifest has or that was asked for.
pub fn profiles(
    manifest: Option<&ConfigValue>,
    config: &CargoConfig,
    asked: Option<&str>,
) -> Result<Vec<Profile>> {
    let written = entries(config.written().get("profile")).chain(entries(manifest));
    let mut names: BTreeSet<&str> = written.map(|(name, _)| name.as_str()).collect();
    names.extend(["dev", "release", "test", "bench"]);
    names.extend(asked);
    let incremental = incremental(config)?;
    let mut found = Vec::new();
    for name in names {
        match resolve(name, manifest, config, &mut Vec::new()) {
            Ok(mut profile) => {
                profile.incremental.clone_from(&incremental);
                found.push(profile);
            }
            // Cargo looks at a profile of the configuration when it is asked for, and not before.
            Err(_) if asked != Some(name) && manifest.and_then(|it| it.get(name)).is_none() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// What beats every profile's `incremental`: `CARGO_INCREMENTAL`, and then `build.incremental`.
///
/// # Errors
/// Where the configuration has something else there.
pub fn incremental(config: &CargoConfig) -> Result<Option<ConfigValue>> {
    let name = "CARGO_INCREMENTAL";
    if let Some(said) = config.variable(name) {
        return Ok(Some(ConfigValue {
            kind: ValueKind::Boolean(said == "1"),
            origin: ValueOrigin::Variable(name.to_owned()),
        }));
    }
    config.get(&["build", "incremental"])
}

fn resolve(
    name: &str,
    manifest: Option<&ConfigValue>,
    config: &CargoConfig,
    seen: &mut Vec<String>,
) -> Result<Profile> {
    let table = manifest.and_then(|it| it.get(name));
    // The further behind, the more it counts.
    let layers = [of_manifest(table), of_config(name, config)?];
    let inherits = layers.iter().rev().find_map(|it| it.inherits.as_ref());
    if let Some(said) = inherits.filter(|_| seen.iter().any(|it| it == name)) {
        return Err(usage!(
            "{}: profile `{name}` inherits from itself",
            said.origin
        ));
    }
    seen.push(name.to_owned());
    let is_root = matches!(name, "dev" | "release");
    let parent = match (inherits, name) {
        (Some(value), _) if is_root => {
            return Err(usage!(
                "{}: profile `{name}` inherits from none, and says `inherits`",
                value.origin
            ));
        }
        (None, _) if is_root => None,
        (Some(value), _) => value.as_str(),
        (None, "test" | "debug" | "doc") => Some("dev"),
        (None, "bench") => Some("release"),
        (None, _) => {
            return Err(match table {
                Some(it) => usage!("{}: profile `{name}` lacks its `inherits`", it.origin),
                None => usage!("no profile `{name}` in this workspace"),
            });
        }
    };
    let mut profile = match parent {
        Some(parent) => {
            let mut profile = resolve(parent, manifest, config, seen)?;
            profile.inherits.insert(0, parent.to_owned());
            profile
        }
        None => Profile::default(),
    };
    name.clone_into(&mut profile.name);
    for layer in layers {
        profile.said.extend(layer.said);
        profile.build_override.extend(layer.build_override);
        for (spec, fields) in layer.packages {
            profile.packages.entry(spec).or_default().extend(fields);
        }
    }
    Ok(profile)
}

fn of_manifest(table: Option<&ConfigValue>) -> Layer {
    let fields = |table: Option<&ConfigValue>| -> Fields {
        let said = FIELDS
            .into_iter()
            .filter_map(|field| Some((field, canonical(field, table?.get(field)?))));
        said.collect()
    };
    let packages = entries(table.and_then(|it| it.get("package")));
    let packages = packages.map(|(spec, table)| (spec.clone(), fields(Some(table))));
    Layer {
        inherits: table.and_then(|it| it.get("inherits")).cloned(),
        said: fields(table),
        build_override: fields(table.and_then(|it| it.get("build-override"))),
        packages: packages.collect(),
    }
}

fn of_config(name: &str, config: &CargoConfig) -> Result<Layer> {
    let fields = |below: &[&str]| -> Result<Fields> {
        let mut said = Fields::new();
        for field in FIELDS {
            let key = [&["profile", name], below, &[field]].concat();
            if let Some(value) = config.get(&key)? {
                said.insert(field, canonical(field, &value));
            }
        }
        Ok(said)
    };
    let mut packages = BTreeMap::new();
    for (spec, _) in entries(config.written().at(&["profile", name, "package"])) {
        packages.insert(spec.clone(), fields(&["package", spec])?);
    }
    Ok(Layer {
        inherits: config.get(&["profile", name, "inherits"])?,
        said: fields(&[])?,
        build_override: fields(&["build-override"])?,
        packages,
    })
}

/// One word for what cargo lets one say in several: `debug` is `none`, `limited`, `full` or a kind
/// of line tables, `opt-level` a text, `strip` a text, `lto` `"off"`, `"thin"`, `"fat"`, or `false`
/// for that of a crate's own parts.
pub fn canonical(field: &str, value: &ConfigValue) -> ConfigValue {
    let kind = match (field, &value.kind) {
        ("opt-level", ValueKind::Integer(level)) => text(&level.to_string()),
        ("debug", ValueKind::Integer(0) | ValueKind::Boolean(false)) => text("none"),
        ("debug", ValueKind::Integer(1)) => text("limited"),
        ("debug", ValueKind::Integer(2) | ValueKind::Boolean(true)) => text("full"),
        ("strip", ValueKind::Boolean(true)) => text("symbols"),
        ("strip", ValueKind::Boolean(false)) => text("none"),
        ("lto", ValueKind::Boolean(true)) => text("fat"),
        ("lto", ValueKind::String(word)) if matches!(&**word, "n" | "no" | "none") => text("off"),
        (_, kind) => kind.clone(),
    };
    ConfigValue {
        kind,
        origin: value.origin.clone(),
    }
}
