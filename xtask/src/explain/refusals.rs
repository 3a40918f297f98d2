//! Refusals of cargo before it compiles anything: a manifest, the lock file, the command line, or the
//! network is the cause, so nothing on disk is examined. Failed tests are recognized here, too.

use super::diagnostics::Diagnostic;
use super::verdict::{ErrorReport, ErrorVerdict};

/// The subject of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A manifest, a file of cargo's configuration, or the resolution of dependencies.
    Manifest,
    /// The lock file is out of date, and cargo may not write the file.
    LockFile,
    /// The command line names what the workspace does not have.
    CommandLine,
    /// A registry or a repository cannot be reached.
    Network,
    /// A test failed.
    Test,
}

/// The words of cargo, each with the subject. The first line with such words decides.
const WORDS: &[(&str, Refusal)] = &[
    ("cannot update the lock file", Refusal::LockFile),
    ("needs to be updated but --locked", Refusal::LockFile),
    ("Could not resolve host", Refusal::Network),
    ("Couldn't resolve host", Refusal::Network),
    ("could not resolve host", Refusal::Network),
    ("Could not connect to server", Refusal::Network),
    ("failed to download from", Refusal::Network),
    ("spurious network error", Refusal::Network),
    ("download of config.json failed", Refusal::Network),
    ("network failure seems to have happened", Refusal::Network),
    ("failed to load manifest", Refusal::Manifest),
    ("failed to parse manifest", Refusal::Manifest),
    ("failed to parse lock file", Refusal::Manifest),
    ("failed to select a version", Refusal::Manifest),
    ("failed to load source for dependency", Refusal::Manifest),
    ("no matching package", Refusal::Manifest),
    ("no matching versions", Refusal::Manifest),
    ("cyclic feature dependency", Refusal::Manifest),
    ("could not load Cargo configuration", Refusal::Manifest),
    ("could not parse TOML", Refusal::Manifest),
    ("multiple workspace roots", Refusal::Manifest),
    (
        "current package believes it's in a workspace",
        Refusal::Manifest,
    ),
    ("could not find `Cargo.toml`", Refusal::CommandLine),
    ("package ID specification", Refusal::CommandLine),
    ("unexpected argument", Refusal::CommandLine),
    ("no such command", Refusal::CommandLine),
    ("no bin target", Refusal::CommandLine),
    ("no test target", Refusal::CommandLine),
    ("no example target", Refusal::CommandLine),
    ("no bench target", Refusal::CommandLine),
    ("no library targets found", Refusal::CommandLine),
    ("a bin target must be available", Refusal::CommandLine),
    (
        "could not determine which binary to run",
        Refusal::CommandLine,
    ),
    ("contains this feature", Refusal::CommandLine),
    ("contain this feature", Refusal::CommandLine),
    ("contain these features", Refusal::CommandLine),
];

/// Returns the refusal behind an error without a code; `None` if cargo refused nothing.
pub(super) fn of(error: &Diagnostic) -> Option<Refusal> {
    let message = error.message.as_str();
    let is_test = [
        "test failed, to rerun",
        "doctest failed, to rerun",
        "bench failed, to rerun",
    ];
    if is_test.iter().any(|it| message.starts_with(it)) {
        // A test that a signal ended may be a damaged executable.
        let has_ended = error
            .all_lines()
            .any(|line| line.contains("process didn't exit"));
        return (!has_ended).then_some(Refusal::Test);
    }
    let is_profile = message.starts_with("profile `") && message.contains("is not defined");
    if is_profile {
        return Some(Refusal::CommandLine);
    }
    let source = error.source.as_deref().unwrap_or_default();
    if source.ends_with(".toml") {
        return Some(Refusal::Manifest);
    }
    // Rustc's errors have a place in the code.
    if !source.is_empty() {
        return None;
    }
    let found = error
        .all_lines()
        .find_map(|line| WORDS.iter().find(|(words, _)| line.contains(words)));
    // The last cause of `failed to get …` says more than the first line.
    let is_network = error.all_lines().any(|line| {
        WORDS
            .iter()
            .any(|it| it.1 == Refusal::Network && line.contains(it.0))
    });
    match is_network {
        true => Some(Refusal::Network),
        false => found.map(|it| it.1),
    }
}

/// Explains a refusal. No artifact is the cause, so no cleaning is proposed.
pub(super) fn explain(error: &Diagnostic, refusal: Refusal) -> ErrorReport {
    let found = |verdict, says: &str| ErrorReport::new(error, verdict).says(says);
    match refusal {
        Refusal::Manifest => found(
            ErrorVerdict::ErrorInCode,
            "cargo refuses a manifest, the configuration or a dependency; nothing was compiled",
        ),
        Refusal::LockFile => found(
            ErrorVerdict::ErrorInCode,
            "Cargo.lock does not fit the manifests, and --locked forbids to write the file",
        )
        .advice("run `cargo update --workspace`, and commit Cargo.lock"),
        Refusal::CommandLine => found(
            ErrorVerdict::ErrorInCode,
            "cargo refuses the command line: the workspace does not have what it names",
        ),
        Refusal::Network => found(
            ErrorVerdict::Environment,
            "a registry or a repository cannot be reached; nothing was compiled",
        )
        .advice("check the network, or build with --offline"),
        Refusal::Test => found(
            ErrorVerdict::ErrorInCode,
            "a test failed; no artifact causes this",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::diagnostics::read;
    use super::*;

    #[test]
    fn refusals_are_recognized_by_the_words_of_cargo() {
        let texts = [
            "error: unclosed table, expected `]`\n --> crates/mid/Cargo.toml:7:3\n",
            "error: failed to load manifest for workspace member `/w/app`\n",
            "error: failed to select a version for `base`.\n",
            "error: no matching package named `x` found\n",
            "error: failed to get `x` as a dependency of package `a v0.1.0 (/w/a)`\n\nCaused by:\n  \
             failed to query replaced source registry `crates-io`\n\nCaused by:\n  [6] Could not \
             resolve hostname (Could not resolve host: index.crates.io)\n",
            "error: cannot update the lock file /w/Cargo.lock because --locked was passed to prevent \
             this\n",
            "error: package ID specification `nope` did not match any packages\n",
            "error: profile `x` is not defined\n",
            "error: test failed, to rerun pass `-p app --lib`\n",
            "error: doctest failed, to rerun pass `-p app --doc`\n",
            "error: test failed, to rerun pass `--lib`\n\nCaused by:\n  process didn't exit \
             successfully: `/w/target/debug/deps/a-0123456789abcdef` (signal: 11, SIGSEGV: invalid \
             memory reference)\n",
            "error: no matching package\n --> src/lib.rs:1:1\n",
        ];
        let told = texts.map(|text| format!("{:?}\n", of(&read(text)[0])));
        expect_test::expect![[r#"
            Some(Manifest)
            Some(Manifest)
            Some(Manifest)
            Some(Manifest)
            Some(Network)
            Some(LockFile)
            Some(CommandLine)
            Some(CommandLine)
            Some(Test)
            Some(Test)
            None
            None
        "#]]
        .assert_eq(&told.concat());
    }
}
