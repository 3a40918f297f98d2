//! Compares the compilers that two toolchain files choose.
//!
//! Rustup has several names for the same compiler: `stable` and its version number; the default
//! toolchain and a file that names this toolchain. Cargo rebuilds only if the output of `rustc -vV`
//! differs.

use std::path::PathBuf;

use camino::Utf8Path;

use crate::cargo_config::toolchain_file;
use crate::process::{self, Runner};

/// Returns true if two sides of a toolchain file (`None` if there is no file) choose compilers with
/// identical output of `rustc -vV`. Returns false if a toolchain is not installed: asking rustup
/// for such a toolchain could download it.
pub(super) fn are_same(
    runner: &Runner,
    root: &Utf8Path,
    before: Option<&str>,
    after: Option<&str>,
) -> bool {
    let installed = installed_toolchains();
    let version = |file: Option<&str>| version(runner, root, file, &installed);
    version(before).is_some_and(|before| Some(before) == version(after))
}

/// Returns the output of `rustc -vV` under a toolchain file; `None` if the output is not known.
fn version(
    runner: &Runner,
    root: &Utf8Path,
    file: Option<&str>,
    installed: &[String],
) -> Option<Vec<u8>> {
    let is_chosen = runner
        .environment()
        .any(|(name, _)| name == "RUSTUP_TOOLCHAIN");
    let channel = file.and_then(toolchain_file::channel);
    let names_path = file.is_some() && channel.is_none() && toolchain_file::has_path(file?);
    let mut command = match &channel {
        // The variable `RUSTUP_TOOLCHAIN` overrides every toolchain file.
        _ if is_chosen => runner.in_directory(root).rustc(),
        Some(channel) => {
            let is_installed = installed.iter().any(|name| names(name, channel));
            if !installed.is_empty() && !is_installed {
                return None;
            }
            let mut command = runner.in_directory(root).rustc();
            command.env("RUSTUP_TOOLCHAIN", channel);
            command
        }
        None if names_path => return None,
        // No toolchain file applies in the root directory of the file system.
        None => runner.in_directory(root.ancestors().last()?).rustc(),
    };
    command.env("RUSTUP_AUTO_INSTALL", "0").arg("-vV");
    process::checked(&mut command).ok()
}

/// Returns true if an installed toolchain, such as `stable-x86_64-unknown-linux-gnu`, belongs to a
/// channel, such as `stable`.
fn names(installed: &str, channel: &str) -> bool {
    installed
        .strip_prefix(channel)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Returns the names of rustup's installed toolchains. The list is empty if rustup is not
/// installed; a toolchain file has no effect then.
fn installed_toolchains() -> Vec<String> {
    let home = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".rustup")));
    let entries = home.and_then(|home| home.join("toolchains").read_dir().ok());
    let entries = entries.into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_channel_matches_its_toolchain_for_any_host() {
        for (installed, channel, expected) in [
            ("stable-x86_64-unknown-linux-gnu", "stable", true),
            ("1.95.0-x86_64-unknown-linux-gnu", "1.95.0", true),
            ("1.95.0-x86_64-unknown-linux-gnu", "1.9", false),
            ("my-own", "my-own", true),
            (
                "nightly-2026-01-01-aarch64-apple-darwin",
                "nightly-2026-01-01",
                true,
            ),
            ("stable-x86_64-unknown-linux-gnu", "nightly", false),
        ] {
            assert_eq!(
                names(installed, channel),
                expected,
                "{installed}, {channel}"
            );
        }
    }
}
