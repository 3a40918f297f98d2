//! Checks of the toolchain that the repository pins against the toolchain that continuous
//! integration names.

use xtask_impact::cargo_config::toolchain_file::channel;

use super::environment::ENVIRONMENT_OVERRIDES;
use crate::checks::policy::subject::{FileKind, PolicySubject, relative};
use crate::checks::{Check, Finding, Level, Place};

pub(crate) static TOOLCHAIN_UNPINNED: Check = Check {
    code: "toolchain-unpinned",
    level: Level::Note,
    finds: "A repository with CI files and without a pinned toolchain",
    cost: "Two toolchains in one target directory compile everything twice, and warnings differ \
           between machines.",
    explanation: "There is no `rust-toolchain.toml` or `rust-toolchain` at the top level of the \
repository or next to the root manifest, and the repository has CI files.

A library that supports many toolchains needs no pin; a team that builds one product does.",
};

pub(crate) static TOOLCHAIN_DIFFERS_IN_CI: Check = Check {
    code: "toolchain-differs-in-ci",
    level: Level::Warning,
    finds: "CI files that name another toolchain than the repository",
    cost: "A change that passes on a developer's machine may fail in CI, or the reverse; and jobs \
           download a toolchain that they do not use.",
    explanation: "The repository pins a toolchain, and the CI files name only other versions. \
Read: `dtolnay/rust-toolchain@VERSION`, `toolchain: VERSION`, `rustup … install|default VERSION`, \
`cargo +VERSION`, `RUSTUP_TOOLCHAIN: VERSION`, `rust:VERSION`. `stable`, `beta` and `nightly` are \
not versions, and do not count.

Use the same version in both; or name none in CI, so that rustup uses the pinned toolchain.",
};

pub(crate) fn find(subject: &PolicySubject, found: &mut Vec<Finding>) {
    let Some(known) = subject.workspaces.first() else {
        return;
    };
    let of = |wanted: FileKind| {
        let others = subject.others.iter();
        let others = others.filter(move |it| it.0 == wanted);
        others.map(|(_, path, text)| (path, text))
    };
    let pins = of(FileKind::Toolchain);
    let pins = pins.filter(|(path, _)| path.parent().is_some_and(|it| known.root.starts_with(it)));
    let pin = pins.max_by_key(|(path, _)| path.as_str().len());
    let ci = || of(FileKind::ContinuousIntegration);
    let mut named = Vec::new();
    for (path, text) in ci() {
        for (line, text) in (1..).zip(text.lines()) {
            named.extend(versions(text).map(|version| (path, line, version)));
        }
    }
    let Some((pin, text)) = pin else {
        if let Some((path, _)) = ci().next() {
            let finding = TOOLCHAIN_UNPINNED.found(
                Place::Whole,
                "no rust-toolchain.toml pins the toolchain",
                "Write a rust-toolchain.toml with the channel, or add an exception with a reason.",
            );
            found.push(finding.evidence([relative(path, &subject.top).to_string()]));
        }
        return;
    };
    let Some(channel) = channel(text) else { return };
    // rustup's own value for this directory is removed before, so the user set this value.
    if let Some(chosen) = known.config.variable("RUSTUP_TOOLCHAIN")
        && !is_of_channel(chosen, &channel)
    {
        let finding = ENVIRONMENT_OVERRIDES.found(
            Place::Variable("RUSTUP_TOOLCHAIN".to_owned()),
            "RUSTUP_TOOLCHAIN overrides the pinned toolchain",
            "Unset RUSTUP_TOOLCHAIN, or change the pin for everyone.",
        );
        found.push(finding.evidence([
            format!("RUSTUP_TOOLCHAIN={chosen}"),
            format!("channel = {channel} ({})", relative(pin, &subject.top)),
        ]));
    }
    let is_version = channel.starts_with(|c: char| c.is_ascii_digit());
    if !is_version || named.iter().any(|(_, _, version)| agree(version, &channel)) {
        return;
    }
    if let Some((path, line, version)) = named.first() {
        let finding = TOOLCHAIN_DIFFERS_IN_CI.found(
            subject.at(path, Some(*line)),
            format!("CI uses {version}, and the pinned toolchain is {channel}"),
            "Name the pinned toolchain in CI, or none.",
        );
        found.push(finding.evidence([relative(pin, &subject.top).to_string()]));
    }
}

/// Returns true if a toolchain, possibly with a triple at its end, belongs to a channel.
fn is_of_channel(toolchain: &str, channel: &str) -> bool {
    let version = toolchain.split('-').next().unwrap_or_default();
    let is_dated = channel.contains('-');
    toolchain == channel
        || toolchain
            .strip_prefix(channel)
            .is_some_and(|it| it.starts_with('-'))
        || !is_dated && agree(version, channel)
}

/// Returns true if two versions agree: `1.90` agrees with `1.90.0`.
fn agree(one: &str, other: &str) -> bool {
    let parts = |version| str::split(version, '.').chain(["0"]).take(3);
    parts(one).eq(parts(other))
}

/// Returns the versions of toolchains that a line names.
fn versions(line: &str) -> impl Iterator<Item = String> {
    const MARKS: [&str; 9] = [
        "dtolnay/rust-toolchain@",
        "toolchain:",
        "toolchain install ",
        "rustup install ",
        "rustup default ",
        "cargo +",
        "RUSTUP_TOOLCHAIN:",
        "RUSTUP_TOOLCHAIN=",
        "rust:",
    ];
    let line = match line.trim_start().starts_with('#') {
        true => "",
        false => line.split(" #").next().unwrap_or_default(),
    };
    let rest = MARKS.iter().filter_map(move |mark| line.split_once(mark));
    rest.filter_map(|(_, rest)| {
        let rest = rest.trim_start_matches([' ', '"', '\'']);
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'));
        let version = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
        version.contains('.').then(|| version.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toolchain_versions_in_ci_files_are_found() {
        for (line, expected) in [
            ("      - uses: dtolnay/rust-toolchain@1.90", "1.90"),
            ("          toolchain: \"1.90.0\"", "1.90.0"),
            (
                "    - rustup toolchain install 1.88 --profile minimal",
                "1.88",
            ),
            ("run: cargo +1.85.1 check", "1.85.1"),
            ("image: rust:1.90-slim", "1.90"),
            ("  # toolchain: 1.70", ""),
            ("uses: dtolnay/rust-toolchain@stable", ""),
            ("toolchain: ${{ matrix.rust }}", ""),
        ] {
            let found: Vec<_> = versions(line).collect();
            assert_eq!(found.join(" "), expected, "{line}");
        }
        assert!(is_of_channel("1.90.0-x86_64-unknown-linux-gnu", "1.90"));
        assert!(is_of_channel(
            "nightly-2026-01-01-x86_64-apple-darwin",
            "nightly-2026-01-01"
        ));
        assert!(
            !is_of_channel("nightly", "1.90") && !is_of_channel("nightly", "nightly-2026-01-01")
        );
        assert!(agree("1.90", "1.90.0") && !agree("1.90", "1.9") && !agree("1.90.1", "1.90"));
    }
}
