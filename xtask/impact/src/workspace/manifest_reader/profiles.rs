//! Checks of the profiles of a manifest. Cargo refuses a manifest with a profile of another shape,
//! so cargo is asked then.

use std::collections::BTreeMap;

use super::toml_manifest::{DebugInfo, NumberOrString, StringOrBool, TomlProfile};
use super::{ReadOrAsk, ask};

/// The names of profiles that cargo reserves, in addition to names that begin with `cargo`.
pub const RESERVED_PROFILES: [&str; 21] = [
    "build",
    "check",
    "clean",
    "config",
    "debug",
    "doc",
    "fetch",
    "fix",
    "install",
    "metadata",
    "package",
    "publish",
    "report",
    "root",
    "run",
    "rust",
    "rustc",
    "rustdoc",
    "target",
    "tmp",
    "uninstall",
];

/// Checks that cargo accepts the profiles.
pub(super) fn check(profiles: &BTreeMap<String, TomlProfile>) -> ReadOrAsk<()> {
    let is_plain = |(name, profile): (&String, &TomlProfile)| {
        let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_".contains(it);
        name.chars().all(is_plain)
            && !RESERVED_PROFILES.contains(&&**name)
            && !name.starts_with("cargo")
            && profile.inherits.as_deref() != Some("debug")
            && has_known_values(profile)
            && profile
                .package
                .iter()
                .flatten()
                .all(|(_, it)| is_override(it))
            && profile.build_override.iter().all(|it| is_override(it))
    };
    match profiles.iter().all(is_plain) {
        true => Ok(()),
        false => Err(ask("a profile has unusual values")),
    }
}

/// Returns true if cargo accepts a profile for one package or for build scripts.
fn is_override(profile: &TomlProfile) -> bool {
    profile.inherits.is_none()
        && profile.panic.is_none()
        && profile.lto.is_none()
        && profile.rpath.is_none()
        && profile.package.is_none()
        && profile.build_override.is_none()
        && has_known_values(profile)
}

fn has_known_values(profile: &TomlProfile) -> bool {
    let one_of = |value: &str, known: &[&str]| known.contains(&value);
    let opt_level = match &profile.opt_level {
        None => true,
        Some(NumberOrString::Number(level)) => *level <= 3,
        Some(NumberOrString::String(level)) => one_of(level, &["s", "z"]),
    };
    let debug = match &profile.debug {
        None | Some(DebugInfo::Bool(_)) => true,
        Some(DebugInfo::Number(level)) => *level <= 2,
        Some(DebugInfo::String(level)) => one_of(
            level,
            &[
                "none",
                "limited",
                "full",
                "line-tables-only",
                "line-directives-only",
            ],
        ),
    };
    let text = |value: &Option<StringOrBool>, known: &[&str]| match value {
        None | Some(StringOrBool::Bool(_)) => true,
        Some(StringOrBool::String(value)) => one_of(value, known),
    };
    let panic = profile.panic.as_deref();
    let split = profile.split_debuginfo.as_deref();
    opt_level
        && debug
        && text(&profile.lto, &["off", "thin", "fat"])
        && text(&profile.strip, &["none", "debuginfo", "symbols"])
        && panic.is_none_or(|it| one_of(it, &["unwind", "abort"]))
        && split.is_none_or(|it| one_of(it, &["off", "packed", "unpacked"]))
        && profile.codegen_units != Some(0)
        // These keys are read to refuse another shape.
        && [
            profile.debug_assertions,
            profile.rpath,
            profile.overflow_checks,
            profile.incremental,
        ]
        .iter()
        .all(|it| matches!(it, None | Some(_)))
}
