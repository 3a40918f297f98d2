//! Checks the settings of this machine that make a compiler cache useless.

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use toml::Table;
use xtask_impact::cargo_config::wrapper::Wrapper;
use xtask_impact::cargo_config::{CargoConfig, ValueKind, ValueOrigin};
use xtask_impact::files;

use super::ci_files::SILENT;
use crate::checks::{Check, Finding, Level, Place};
use crate::compiler_cache::settings;
use crate::doctor::context::Context;

pub(crate) const CHECKS: &[&Check] = &[&INCREMENTAL, &ENVIRONMENT, &NO_EFFECT];

static INCREMENTAL: Check = Check {
    code: "cache-incremental",
    level: Level::Warning,
    finds: "Incremental compilation in builds with sccache",
    cost: "sccache does not cache incremental compilations, so packages of the workspace are \
           compiled on every machine.",
    explanation: "Read: cargo's configuration and `CARGO_INCREMENTAL`, if sccache is the wrapper \
                  around rustc. Reported if incremental compilation is on, as it is by default in \
                  the profile `dev`. With `CARGO_INCREMENTAL=1` sccache refuses to \
                  compile.\n\nThis is no problem if you want to cache only dependencies.\n\nFix: \
                  `build.incremental = false` in `.cargo/config.toml`, as `cargo xtask cache \
                  setup` writes it.",
};

static ENVIRONMENT: Check = Check {
    code: "cache-environment",
    level: Level::Warning,
    finds: "`CARGO_*` variables of this shell that are part of sccache's keys",
    cost: "sccache includes the variable in every key, so builds from this shell share nothing \
           with builds that have another value.",
    explanation: "Read: the environment of this command, if sccache is the wrapper around rustc. \
                  Reported are variables that are part of sccache's keys although they do not \
                  affect the compilation: `CARGO_LOG`, `CARGO_TERM_*`, `CARGO_NET_*`, \
                  `CARGO_HTTP_*`, `CARGO_TARGET_DIR`, and a `CARGO_HOME` other than `~/.cargo`. \
                  `cargo xtask cache probe` finds such variables by builds.\n\nFix: set the value \
                  in `.cargo/config.toml`, and unset the variable.",
};

static NO_EFFECT: Check = Check {
    code: "cache-no-effect",
    level: Level::Note,
    finds: "Settings of sccache that have no effect on Rust",
    cost: "The setting of sccache has no effect, and the real cause of cache misses stays unknown.",
    explanation: "Read: the environment and sccache's configuration file, if sccache is the \
                  wrapper around rustc. Reported are settings that sccache uses only for C: \
                  `SCCACHE_BASEDIRS` and `basedirs`, `SCCACHE_DIRECT` and \
                  `preprocessor_cache_mode`, and variables of ccache. At another path, path \
                  packages are always misses, even with `basedirs`.\n\nThis is no problem if the \
                  same sccache also compiles C.\n\nFix: remove the setting; build at the same path \
                  instead.",
};

/// Finds the settings of this machine that make a compiler cache useless. Nothing is found without
/// sccache.
pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let config = CargoConfig::of(context.runner)?;
    if !Wrapper::of(&config)?.is_some_and(|it| it.is_sccache()) {
        return Ok(Vec::new());
    }
    let mut found: Vec<_> = incremental(&config)?
        .map(|(place, message)| {
            let place = match place {
                ValueOrigin::Variable(name) => Place::Variable(name),
                _ => Place::Whole,
            };
            INCREMENTAL.found(place, message, "Set `build.incremental = false`.")
        })
        .into_iter()
        .collect();
    for (name, value) in config.variables() {
        if is_silent(name, value, config.variable("HOME")) {
            let message = format!("{name} is part of sccache's keys, and has no other effect");
            let place = Place::Variable(name.to_owned());
            let fix = format!("Set the value in .cargo/config.toml, and unset {name}.");
            found.push(ENVIRONMENT.found(place, message, fix));
        } else if has_no_effect(name) {
            let message = format!("{name} has no effect on Rust");
            let place = Place::Variable(name.to_owned());
            found.push(NO_EFFECT.found(place, message, format!("Unset {name}.")));
        }
    }
    let variable = |name: &str| config.variable(name).map(str::to_owned);
    if let Some(file) = settings::file(&variable) {
        found.extend(in_file(context, file));
    }
    Ok(found)
}

/// Returns the origin of the setting that leaves incremental compilation on, and a message.
fn incremental(config: &CargoConfig) -> Result<Option<(ValueOrigin, String)>> {
    let variable = "CARGO_INCREMENTAL";
    let (value, origin) = match config.variable(variable) {
        Some(value) => (
            Some(value == "1"),
            ValueOrigin::Variable(variable.to_owned()),
        ),
        None => match config.get(&["build", "incremental"])? {
            Some(value) => (Some(value.kind != ValueKind::Boolean(false)), value.origin),
            None => (None, ValueOrigin::Default),
        },
    };
    Ok(match value {
        Some(false) => None,
        Some(true) => Some((
            origin.clone(),
            format!("incremental compilation is on ({origin})"),
        )),
        None => Some((
            origin,
            "incremental compilation is on in the profile `dev` by default".to_owned(),
        )),
    })
}

/// Returns true if a variable is part of sccache's keys and changes nothing that is compiled.
fn is_silent(name: &str, value: &str, home: Option<&str>) -> bool {
    match name {
        "CARGO_LOG" => true,
        // rustup sets the variable to the usual directory.
        "CARGO_HOME" => {
            home.is_none_or(|home| Utf8PathBuf::from(home).join(".cargo") != Utf8Path::new(value))
        }
        _ => SILENT.iter().any(|it| name.starts_with(it)),
    }
}

fn has_no_effect(name: &str) -> bool {
    matches!(name, "SCCACHE_BASEDIRS" | "SCCACHE_DIRECT") || name.starts_with("CCACHE_")
}

/// Returns the findings in sccache's configuration file.
fn in_file(context: &Context<'_>, file: Utf8PathBuf) -> Vec<Finding> {
    let text = files::read_text(&file, files::SETTINGS).unwrap_or_default();
    let Ok(table) = text.parse::<Table>() else {
        let message = format!("sccache's configuration {file} is not TOML");
        context.notes.borrow_mut().push(message);
        return Vec::new();
    };
    let disk = table.get("cache").and_then(|it| it.get("disk"));
    let settings = [
        ("basedirs", table.contains_key("basedirs")),
        (
            "preprocessor_cache_mode",
            disk.is_some_and(|it| it.get("preprocessor_cache_mode").is_some()),
        ),
    ];
    let line = |key: &str| {
        let mut lines = text.lines();
        lines.position(|line| line.contains(key)).map(|at| at + 1)
    };
    let given = settings.into_iter().filter(|(_, given)| *given);
    given
        .map(|(key, _)| {
            let place = context.place(&file, line(key));
            NO_EFFECT.found(
                place,
                format!("`{key}` has no effect on Rust"),
                "Remove the setting.",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_told_apart() {
        for (name, value, silent, useless) in [
            ("CARGO_LOG", "warn", true, false),
            ("CARGO_TERM_COLOR", "always", true, false),
            ("CARGO_HOME", "/h/.cargo", false, false),
            ("CARGO_HOME", "/ci/run-7/cargo", true, false),
            ("CARGO_TARGET_DIR", "/t", true, false),
            ("CARGO_PROFILE_DEV_DEBUG", "0", false, false),
            ("CARGO_REGISTRIES_OWN_TOKEN", "x", false, false),
            ("SCCACHE_BASEDIRS", "/w", false, true),
            ("CCACHE_DIR", "/c", false, true),
            ("SCCACHE_DIR", "/c", false, false),
        ] {
            assert_eq!(is_silent(name, value, Some("/h")), silent, "{name}");
            assert_eq!(has_no_effect(name), useless, "{name}");
        }
    }
}
