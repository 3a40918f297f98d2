//! Profiles as cargo resolves them: the manifest's profiles, overridden by configuration, with
//! inheritance followed to the final values.
//!
//! <https://doc.rust-lang.org/cargo/reference/profiles.html>

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use xtask_impact::cargo_config::{CargoConfig, ConfigValue, ValueKind, ValueOrigin};
use xtask_impact::usage;

use super::{default, entries, text};

/// The fields of a profile, in the order of cargo's reference.
pub(crate) const FIELDS: [&str; 14] = [
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

/// The values of a profile's fields, in the form of [`canonical`].
pub(crate) type Fields = BTreeMap<&'static str, ConfigValue>;

/// A profile with everything that it inherits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    /// The name of the profile.
    pub name: String,
    /// The profiles that it inherits from, the nearest first.
    pub inherits: Vec<String>,
    /// The values that the user sets, inherited or not.
    pub said: Fields,
    /// The table `build-override`, which applies to build scripts, procedural macros and their
    /// dependencies.
    pub build_override: Fields,
    /// The tables `package`, by package specification. `*` applies to all packages that are not
    /// members.
    pub packages: BTreeMap<String, Fields>,
    /// The value that overrides the `incremental` of every profile.
    incremental: Option<ConfigValue>,
}

/// The package whose values are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Of<'a> {
    /// The package by its specification in the profile, if the profile has a table for the package.
    pub package: Option<&'a str>,
    /// True if the package is not a member, so that `package."*"` applies.
    pub is_foreign: bool,
    /// True if the package is built for a build script or a procedural macro.
    pub is_for_build: bool,
}

impl Profile {
    /// Returns the final values: the values for the members' own code, or for other packages the
    /// values with overrides. A value that rustc chooses is left out. A unit that is built for a
    /// build script or a procedural macro gets no debug information unless a value asks for it;
    /// cargo makes an exception if the same unit is also built for the program.
    pub(crate) fn values(&self, of: Of<'_>) -> Fields {
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
            // An override that does not set `strip` resets it.
            values.remove("strip");
            values.extend((*fields).clone());
        }
        // Cargo strips the standard library's debug information if no value asks for debug
        // information.
        let has_debug = values.get("debug").and_then(ConfigValue::as_str) != Some("none");
        let strip = text(if has_debug { "none" } else { "debuginfo" });
        values.entry("strip").or_insert(strip);
        if of.is_for_build && !overrides.iter().any(|it| it.contains_key("debug")) {
            values.insert("debug", text("none"));
        }
        if of.is_for_build {
            // A panic of a procedural macro must not end the compiler.
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

/// The values that one source sets for one profile.
struct Layer {
    inherits: Option<ConfigValue>,
    said: Fields,
    build_override: Fields,
    packages: BTreeMap<String, Fields>,
}

/// Returns the profiles, sorted by name: cargo's own profiles, the profiles of the root manifest
/// (its table `profile`) and of the configuration, and the profile `asked`.
///
/// # Errors
/// Returns an error if a profile cannot be resolved and the manifest defines it or `asked` names
/// it.
pub(crate) fn profiles(
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
            // Cargo reads a profile of the configuration only if the profile is asked for.
            Err(_) if asked != Some(name) && manifest.and_then(|it| it.get(name)).is_none() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Returns the value that overrides the `incremental` of every profile: `CARGO_INCREMENTAL`, or
/// else `build.incremental`.
///
/// # Errors
/// Returns an error if the configuration has a value of another type.
pub(crate) fn incremental(config: &CargoConfig) -> Result<Option<ConfigValue>> {
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
    // A later layer overrides an earlier layer.
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
                "{}: profile `{name}` cannot inherit from another profile\nhint: remove `inherits`",
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
                None => usage!(
                    "no profile `{name}` in this workspace\nhint: `cargo xtask policy show` lists \
                     the profiles"
                ),
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

/// Returns a field's value in one form where cargo accepts several. `debug` becomes `none`,
/// `limited`, `full` or a kind of line tables. `opt-level` and `strip` become a text. `lto` becomes
/// `"off"`, `"thin"` or `"fat"`, or `false` for LTO among a crate's own codegen units.
pub(crate) fn canonical(field: &str, value: &ConfigValue) -> ConfigValue {
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
