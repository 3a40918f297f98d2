//! The settings that an experiment tries: `KEY=VALUE`, as for cargo's `--config`.

use anyhow::Result;
use xtask_impact::usage;

/// Keys that would move the build out of its private directory.
const REFUSED: [&str; 4] = [
    "build.target-dir",
    "build.build-dir",
    "build.artifact-dir",
    "include",
];

/// Reads a setting, and returns the setting as cargo takes it. A word that is no value of TOML
/// becomes a string: `profile.dev.debug=line-tables-only`.
///
/// # Errors
/// Returns an error if the setting is not `KEY=VALUE`, or if it names a directory of builds.
pub(super) fn read(given: &str) -> Result<String> {
    let wrong = || {
        usage!(
            "`{given}` is not a setting of cargo\nhint: write KEY=VALUE as for `cargo --config`, \
             for example profile.dev.codegen-units=1"
        )
    };
    let (key, value) = given.split_once('=').ok_or_else(wrong)?;
    let (key, value) = (key.trim(), value.trim());
    let is_line = !given.contains(char::is_control);
    if !is_line || !key.contains('.') && key != "include" || value.is_empty() {
        return Err(wrong());
    }
    if REFUSED.contains(&key) {
        return Err(usage!(
            "`{key}` cannot be tried: an experiment builds in directories of its own"
        ));
    }
    let is_setting = |text: &str| text.parse::<toml::Table>().is_ok_and(|it| it.len() == 1);
    let plain = format!("{key}={value}");
    if is_setting(&plain) {
        return Ok(plain);
    }
    let quoted = format!("{key}={}", toml::Value::from(value));
    match is_setting(&quoted) {
        true => Ok(quoted),
        false => Err(wrong()),
    }
}

/// Returns the profile that the settings change; `None` if they change no profile or several
/// profiles.
pub(super) fn profile(settings: &[String]) -> Option<&str> {
    let mut profiles = settings.iter().filter_map(|setting| {
        let (name, _) = setting.strip_prefix("profile.")?.split_once('.')?;
        Some(name)
    });
    let first = profiles.next()?;
    profiles.all(|it| it == first).then_some(first)
}

/// Returns true if the settings choose the wrapper around rustc themselves.
pub(super) fn wraps(settings: &[String]) -> bool {
    let wrapper = ["build.rustc-wrapper=", "build.rustc-workspace-wrapper="];
    settings
        .iter()
        .any(|it| wrapper.iter().any(|key| it.starts_with(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_cargo_reads_them() {
        for (given, expected) in [
            (
                "profile.dev.codegen-units=1",
                Ok("profile.dev.codegen-units=1"),
            ),
            ("profile.dev.debug = false", Ok("profile.dev.debug=false")),
            (
                "profile.dev.debug=line-tables-only",
                Ok("profile.dev.debug=\"line-tables-only\""),
            ),
            (
                "profile.dev.package.\"*\".opt-level=1",
                Ok("profile.dev.package.\"*\".opt-level=1"),
            ),
            (
                "target.x86_64-unknown-linux-gnu.rustflags=[\"-Clink-arg=-fuse-ld=mold\"]",
                Ok("target.x86_64-unknown-linux-gnu.rustflags=[\"-Clink-arg=-fuse-ld=mold\"]"),
            ),
            ("codegen-units=1", Err("not a setting")),
            ("profile.dev.debug", Err("not a setting")),
            ("profile.dev.debug=", Err("not a setting")),
            (
                "profile.dev.x=1\nbuild.target-dir=\"/\"",
                Err("not a setting"),
            ),
            ("profile..x=1", Err("not a setting")),
            ("build.target-dir=/tmp", Err("cannot be tried")),
            ("include=x.toml", Err("cannot be tried")),
        ] {
            match (read(given), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{error}"),
                (found, _) => panic!("{given}: {found:?}"),
            }
        }
    }

    #[test]
    fn the_profile_follows_from_the_settings() {
        let settings =
            |all: &[&str]| -> Vec<String> { all.iter().map(|it| (*it).to_owned()).collect() };
        let release = settings(&["profile.release.lto=true", "build.jobs=2"]);
        assert_eq!(profile(&release), Some("release"));
        assert_eq!(
            profile(&settings(&["profile.a.lto=true", "profile.b.lto=true"])),
            None
        );
        assert_eq!(profile(&settings(&["build.jobs=2"])), None);
        assert!(wraps(&settings(&["build.rustc-wrapper=\"x\""])) && !wraps(&release));
    }
}
