//! Profiles that a user names.

use anyhow::Result;
use cargo_metadata::camino::Utf8Path;

use crate::policy::profiles::profiles;
use crate::policy::subject::profiles_of;
use crate::process::Runner;
use crate::quote;
use crate::repo::build_dir;
use crate::repo::cargo_config::{CargoConfig, Surroundings};
use crate::usage;
use crate::workspace::Workspace;

/// Profiles that exist without a definition. `debug` is one of them since cargo 1.99.
const BUILT_IN: [&str; 5] = ["dev", "release", "test", "bench", "debug"];

/// Makes sure that a profile exists: built in, or defined by the root manifest, by cargo's
/// configuration (`config` holds the values of `--config`) or by `CARGO_PROFILE_*` variables. A
/// profile that was built here is known too, so that its directory can be cleaned.
///
/// # Errors
/// When the profile is not defined, with a suggestion.
pub fn require(
    runner: &Runner,
    workspace: &Workspace,
    name: &str,
    config: &[String],
) -> Result<()> {
    if BUILT_IN.contains(&name) || is_built(workspace, name) {
        return Ok(());
    }
    let manifest = profiles_of(&workspace.root.join("Cargo.toml"))?;
    let around = Surroundings::of(runner, config);
    // The kit starts cargo in the workspace's root, the user may start it in this directory.
    let directories = [
        Some(&*workspace.root),
        Utf8Path::from_path(runner.directory()),
    ];
    for directory in directories.into_iter().flatten() {
        let config = CargoConfig::in_directory(directory, &around)?;
        if profiles(manifest.as_ref(), &config, Some(name)).is_ok() {
            return Ok(());
        }
    }
    let config = CargoConfig::in_directory(&workspace.root, &around)?;
    let known = profiles(manifest.as_ref(), &config, None).unwrap_or_default();
    let names: Vec<&str> = known.iter().map(|profile| profile.name.as_str()).collect();
    Err(usage!("{}", undefined(name, &names)))
}

/// Whether the build directory has a directory of the profile.
fn is_built(workspace: &Workspace, name: &str) -> bool {
    let directories = build_dir::profile_dirs(&workspace.build_directory).unwrap_or_default();
    let directory = build_dir::directory_of(name);
    directories
        .iter()
        .any(|it| it.path.file_name() == Some(directory))
}

/// Returns the message about an undefined profile.
fn undefined(name: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let suggestion = near.map_or_else(String::new, |(_, near)| format!("did you mean `{near}`? "));
    format!(
        "profile `{}` is not defined, or lacks its `inherits`\n\
         hint: {suggestion}this workspace has {}",
        quote::line(name),
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undefined_profile_is_refused_with_a_suggestion() {
        let known = ["bench", "dev", "dist-small", "release"];
        assert_eq!(
            undefined("relaese", &known),
            "profile `relaese` is not defined, or lacks its `inherits`\n\
             hint: did you mean `release`? this workspace has bench, dev, dist-small, release"
        );
        assert_eq!(
            undefined("nope", &known),
            "profile `nope` is not defined, or lacks its `inherits`\n\
             hint: this workspace has bench, dev, dist-small, release"
        );
    }
}
