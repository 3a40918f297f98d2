//! Finds the changed file that made cargo resolve a unit differently.

use std::collections::HashMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::seeds::settings::{BothSides, Setting, SettingFiles};
use crate::workspace::Package;

/// The changed files that can make cargo resolve a unit differently.
pub struct Causes(Vec<Cause>);

struct Cause {
    setting: Setting,
    /// The path by which cargo knows the file.
    absolute: Utf8PathBuf,
    /// The path by which git knows the file, relative to the top level.
    path: Utf8PathBuf,
}

impl Causes {
    /// Keeps the changed files whose change has an effect on resolution. An alias added to the
    /// configuration, or a comment added to a manifest, has no effect. `root` is the top level that
    /// the changed paths are relative to.
    pub fn new<'a>(
        changed: impl Iterator<Item = &'a Utf8Path>,
        root: &Utf8Path,
        settings: &SettingFiles,
        contents: &HashMap<Utf8PathBuf, BothSides>,
    ) -> Self {
        let cause = |path: &Utf8Path| {
            let absolute = root.join(path);
            let (setting, known) = settings.of(&absolute)?;
            let contents = contents.get(path)?;
            setting.is_resolved(contents).then(|| Cause {
                setting,
                absolute: known.to_owned(),
                path: path.to_owned(),
            })
        };
        Self(changed.filter_map(cause).collect())
    }

    /// Returns the file that most likely caused the difference of a unit of `package`. `lines` name
    /// the differences. A difference of profiles comes from the configuration or a manifest. For
    /// every other difference the package's own manifest is preferred, then the lock file, then
    /// other manifests, then the configuration.
    pub fn of(&self, package: &Package, lines: &[String]) -> Option<Utf8PathBuf> {
        let own = package.directory().join("Cargo.toml");
        let is_profile = !lines.is_empty() && lines.iter().all(|line| line.starts_with("profile "));
        let rank = |cause: &&Cause| match cause.setting {
            Setting::Configuration if is_profile => 0,
            Setting::Manifest if !is_profile && cause.absolute == own => 0,
            Setting::Lock if !is_profile => 1,
            Setting::Manifest => 2,
            _ => 3,
        };
        Some(self.0.iter().min_by_key(rank)?.path.clone())
    }
}

#[cfg(test)]
impl Causes {
    /// Returns the lock file and the configuration of `/w` as possible causes.
    pub(super) fn lock_and_configuration() -> Self {
        let files = [
            (Setting::Lock, "Cargo.lock"),
            (Setting::Configuration, ".cargo/config.toml"),
        ];
        let cause = |(setting, path)| Cause {
            setting,
            absolute: Utf8Path::new("/w").join(path),
            path: Utf8PathBuf::from(path),
        };
        Self(files.map(cause).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, place};
    use crate::unit_graph::Verb;

    const LOCK: (&str, &str, &str) = ("Cargo.lock", "version = 3", "version = 4");
    const ALIAS: (&str, &str, &str) = (".cargo/config.toml", "", "alias.x = 'build'");
    const PROFILE: (&str, &str, &str) = (".cargo/config.toml", "", "profile.dev.opt-level = 1");
    const MEMBER: (&str, &str, &str) = ("planner/Cargo.toml", "", "[dependencies]\nserde = '1'");
    const COMMENT: (&str, &str, &str) = ("planner/Cargo.toml", "", "# planned");

    #[test]
    fn the_reason_names_the_file_that_can_have_caused_the_difference() {
        let answer = answer("planner: lib\nnetwork: lib", Verb::Check, &[]);
        let workspace = &answer.workspace;
        let settings = SettingFiles::new(workspace);
        let features = "features +derive";
        let optimised = "profile opt_level 0 → 1";
        for (changed, package, line, expected) in [
            (&[ALIAS, LOCK][..], "planner", features, Some("Cargo.lock")),
            (
                &[ALIAS, LOCK, MEMBER],
                "planner",
                features,
                Some("planner/Cargo.toml"),
            ),
            (
                &[ALIAS, LOCK, MEMBER],
                "network",
                features,
                Some("Cargo.lock"),
            ),
            (
                &[ALIAS, LOCK, COMMENT],
                "planner",
                features,
                Some("Cargo.lock"),
            ),
            (
                &[PROFILE, LOCK],
                "network",
                optimised,
                Some(".cargo/config.toml"),
            ),
            (&[PROFILE, LOCK], "network", features, Some("Cargo.lock")),
            (&[ALIAS, COMMENT], "planner", features, None),
            // A manifest of another package comes before the configuration.
            (
                &[PROFILE, MEMBER],
                "network",
                features,
                Some("planner/Cargo.toml"),
            ),
            // A profile comes from the configuration or a manifest, not from the lock file.
            (
                &[PROFILE, MEMBER],
                "planner",
                optimised,
                Some(".cargo/config.toml"),
            ),
            (
                &[LOCK, MEMBER],
                "network",
                optimised,
                Some("planner/Cargo.toml"),
            ),
        ] {
            let paths = changed.iter().map(|it| Utf8Path::new(it.0));
            let contents = changed.iter().map(|(path, before, after)| {
                let text = |text: &str| Some(text.to_owned());
                let (before, after) = (text(before), text(after));
                (Utf8PathBuf::from(path), BothSides { before, after })
            });
            let causes = Causes::new(paths, &workspace.root, &settings, &contents.collect());
            let package = workspace.package(place(workspace, package));
            let found = causes.of(package, &[line.to_owned()]);
            assert_eq!(
                found.as_deref().map(Utf8Path::as_str),
                expected,
                "{changed:?}"
            );
        }
    }
}
