//! Checks of the profiles that a user names.

use anyhow::Result;
use camino::Utf8Path;
use cargo_metadata::semver::Version;
use xtask_impact::cargo_config::{CargoConfig, Surroundings};
use xtask_impact::process::Runner;
use xtask_impact::workspace::{RESERVED_PROFILES, Workspace};
use xtask_impact::{build_dir, quote, usage};

use crate::checks::policy::profiles::profiles;
use crate::checks::policy::subject::profiles_of;
use crate::cli::suggestion::did_you_mean;

/// The profiles that exist without a definition.
const BUILT_IN: [&str; 4] = ["dev", "release", "test", "bench"];

/// Checks that a profile exists: built in, or defined by the root manifest, by cargo's
/// configuration (`config` holds the values of `--config`) or by `CARGO_PROFILE_*` variables. A
/// profile with a directory in the build directory is accepted too, so that the directory can be
/// cleaned.
///
/// # Errors
/// Returns an error with a suggestion if the profile is not defined.
pub(crate) fn require(
    runner: &Runner,
    workspace: &Workspace,
    name: &str,
    config: &[String],
) -> Result<()> {
    if is_reserved(name) && !(name == "debug" && has_debug(runner)) {
        return Err(usage!("{}", reserved(name)));
    }
    if BUILT_IN.contains(&name) || is_built(workspace, name) {
        return Ok(());
    }
    let manifest = profiles_of(&workspace.root.join("Cargo.toml"))?;
    let around = Surroundings::of(runner, config);
    // The kit starts cargo in the workspace's root, but the user may start cargo in this directory.
    let directories = [
        Some(&*workspace.root),
        Utf8Path::from_path(runner.directory()),
    ];
    let mut is_written = false;
    for directory in directories.into_iter().flatten() {
        let config = CargoConfig::in_directory(directory, &around)?;
        if profiles(manifest.as_ref(), &config, Some(name)).is_ok() {
            return Ok(());
        }
        is_written |= manifest.as_ref().and_then(|it| it.get(name)).is_some()
            || config.get(&["profile", name])?.is_some();
    }
    if is_written {
        return Err(usage!(
            "profile `{0}` lacks its `inherits`, or inherits from no profile\n\
             hint: name one in [profile.{0}], such as inherits = \"release\"",
            quote::line(name)
        ));
    }
    let config = CargoConfig::in_directory(&workspace.root, &around)?;
    let known = profiles(manifest.as_ref(), &config, None).unwrap_or_default();
    let names: Vec<&str> = known.iter().map(|profile| profile.name.as_str()).collect();
    Err(usage!("{}", undefined(name, &names)))
}

/// Returns true for a profile name that every cargo command refuses. From cargo 1.99 on, `debug` is
/// accepted.
fn is_reserved(name: &str) -> bool {
    RESERVED_PROFILES.contains(&name) || name.starts_with("cargo")
}

/// Returns true if the runner's cargo has a profile `debug`.
fn has_debug(runner: &Runner) -> bool {
    runner.cargo_version().is_some_and(is_from_1_99)
}

fn is_from_1_99(version: Version) -> bool {
    (version.major, version.minor) >= (1, 99)
}

/// Returns the message about a reserved name.
fn reserved(name: &str) -> String {
    let hint = match name {
        "debug" => "use `dev`, the profile that cargo builds in the directory `debug`",
        _ => "use another profile; cargo refuses it too",
    };
    format!(
        "profile name `{}` is reserved by cargo\nhint: {hint}",
        quote::line(name)
    )
}

/// Returns true if the build directory has a directory of the profile.
fn is_built(workspace: &Workspace, name: &str) -> bool {
    let directories = build_dir::profile_dirs(&workspace.build_directory).unwrap_or_default();
    let directory = build_dir::directory_of(name);
    directories
        .iter()
        .any(|it| it.path.file_name() == Some(directory))
}

/// Returns the message about an undefined profile.
fn undefined(name: &str, known: &[&str]) -> String {
    let suggestion = did_you_mean(name, known.iter().copied());
    format!(
        "no profile `{}` in this workspace\n\
         hint: {suggestion}this workspace has {}",
        quote::line(name),
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use xtask_impact::process::version_in;

    use super::*;

    #[test]
    fn an_undefined_profile_is_refused_with_a_suggestion() {
        let known = ["bench", "dev", "dist-small", "release"];
        assert_eq!(
            undefined("relaese", &known),
            "no profile `relaese` in this workspace\n\
             hint: did you mean `release`? this workspace has bench, dev, dist-small, release"
        );
        assert_eq!(
            undefined("nope", &known),
            "no profile `nope` in this workspace\n\
             hint: this workspace has bench, dev, dist-small, release"
        );
    }

    #[test]
    fn names_that_cargo_reserves_are_refused() {
        for name in ["debug", "doc", "build", "package", "rustdoc", "cargo-x"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["dev", "release", "test", "bench", "dist", "docs"] {
            assert!(!is_reserved(name), "{name}");
        }
        for (said, expected) in [
            ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", false),
            ("cargo 1.99.0 (0123456789 2026-08-01)", true),
            ("", false),
        ] {
            assert_eq!(
                version_in(said).is_some_and(is_from_1_99),
                expected,
                "{said}"
            );
        }
        assert_eq!(
            reserved("debug"),
            "profile name `debug` is reserved by cargo\nhint: use `dev`, the profile that cargo \
             builds in the directory `debug`"
        );
    }
}
