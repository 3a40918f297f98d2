//! Paths into the build directory, which is cargo's own: its new layout, of cargo 1.100, moves what
//! they lead to, and a configured directory did so already.

use std::collections::HashSet;

use anyhow::Result;
use cargo_metadata::camino::Utf8Path;

use super::Patient;
use crate::finding::{Check, Finding, Level};
use crate::repo::rust_source::{self, MadePath, Origin};

pub(super) const CHECKS: &[&Check] = &[&MANIFEST_DIR, &OUT_DIR, &CURRENT_EXE, &TEXT];

static MANIFEST_DIR: Check = Check {
    code: "path-from-manifest",
    level: Level::Warning,
    cost: "The code fails where the target directory is configured or shared, and finds an older \
           build's file where it is not the one built last.",
    explanation: "Read: expressions in Rust sources that join `CARGO_MANIFEST_DIR` with a literal \
                  path, through methods and variables of one function. Where that leads to `target` \
                  in the workspace's root, or into the target directory, it is found.\n\nMend: a test \
                  has its binaries in `CARGO_BIN_EXE_<name>` and a directory of its own in \
                  `CARGO_TARGET_TMPDIR`; elsewhere `cargo build --message-format json` prints the \
                  paths of what was built.",
};

static OUT_DIR: Check = Check {
    code: "path-from-out-dir",
    level: Level::Warning,
    cost: "Cargo 1.100 has `OUT_DIR` at another depth, so that the code finds nothing, or somebody \
           else's file.",
    explanation: "Read: expressions in Rust sources that start at `OUT_DIR` and climb above it by \
                  `parent`, `ancestors`, `pop` or `..`.\n\nMend: write below `OUT_DIR` alone, hand it \
                  to the package's own code by `rustc-env`, to dependents by `links` metadata; what \
                  is to be shipped is found by `cargo build --message-format json`, whose \
                  `build-script-executed` names each `out_dir`.",
};

static CURRENT_EXE: Check = Check {
    code: "path-from-test",
    level: Level::Warning,
    cost: "Cargo 1.100 puts a test's executable elsewhere, so that the test does not find the \
           binary, or runs one that was built long ago.",
    explanation: "Read: expressions in the sources of tests and benches that start at \
                  `std::env::current_exe()` and climb two directories or more: out of `deps`, to \
                  where binaries used to lie.\n\nMend: `env!(\"CARGO_BIN_EXE_<name>\")` in an \
                  integration test, which also has the binary built; `cargo build --message-format \
                  json` names the `executable` of others.",
};

static TEXT: Check = Check {
    code: "path-in-build-dir",
    level: Level::Warning,
    cost: "Cargo 1.100 has no such directory: the command finds nothing, or what an older cargo left.",
    explanation: "Read: lines of shell scripts, Dockerfiles, Makefiles, justfiles and CI files, \
                  comments left out, with a path through `target/<profile>/` or \
                  `target/<triple>/<profile>/` into `deps`, `build` or `.fingerprint`. Those of \
                  final artifacts, such as `target/release/tool`, stay as they are and are not \
                  found.\n\nMend: `cargo build --message-format json` prints the `executable` and \
                  `filenames` of everything that is built, tests included, and each script's \
                  `out_dir`.",
};

pub(super) fn examine(patient: &Patient<'_>) -> Result<Vec<Finding>> {
    let packages = patient.own_packages();
    let manifests = patient.tracked()?.iter();
    let manifests = manifests.filter(|it| it.file_name() == Some("Cargo.toml"));
    let manifests: HashSet<&Utf8Path> = manifests.filter_map(|it| it.parent()).collect();
    // A manifest that is no package's of this workspace is a fixture's, or another workspace's.
    let owner = |file: &Utf8Path| {
        let mut above = file.ancestors().skip(1);
        let nearest = above.find(|it| manifests.contains(it) || packages.contains_key(*it))?;
        packages.get(nearest).copied()
    };
    let mut found = Vec::new();
    for file in patient.tracked()? {
        let is_rust = file.extension() == Some("rs");
        if !is_rust && !is_script(file) {
            continue;
        }
        let package = owner(file);
        if is_rust && package.is_none() {
            continue;
        }
        let Some(text) = patient.text(file) else {
            continue;
        };
        let Some(package) = package.filter(|_| is_rust) else {
            found.extend(in_text(&text).into_iter().map(|(line, path)| {
                let message = format!("{path} leads into cargo's build directory");
                let mend = "Take the path from `cargo build --message-format json` (`executable`, \
                            `filenames`, a script's `out_dir`).";
                TEXT.found(patient.place(file, Some(line)), message, mend)
                    .evidence(
                        text.lines()
                            .nth(line - 1)
                            .map(|it| format!("`{}`", it.trim())),
                    )
            }));
            continue;
        };
        let words = ["CARGO_MANIFEST_DIR", "OUT_DIR", "current_exe"];
        if !words.iter().any(|word| text.contains(word)) {
            continue;
        }
        let workspace = patient.workspace;
        let directory = package.directory();
        let code = Code {
            directory,
            targets: [
                &workspace.root.join("target"),
                &workspace.target_directory,
                &workspace.build_directory,
            ],
            is_test: ["tests", "benches"].iter().any(|it| {
                let below = patient.below(directory);
                below.is_some_and(|below| file.starts_with(below.join(it)))
            }),
        };
        let made = rust_source::made_paths(&text);
        found.extend(made.iter().filter_map(|made| {
            let (check, message, mend) = code.judge(made)?;
            let line = text.lines().nth(made.line - 1);
            let evidence = line.map(|it| format!("`{}`", it.trim()));
            let found = check.found(patient.place(file, Some(made.line)), message, mend);
            Some(found.evidence(evidence))
        }));
    }
    found.dedup_by(|one, other| one.check == other.check && one.place == other.place);
    Ok(found)
}

/// Whose code a path is made in.
struct Code<'a> {
    directory: &'a Utf8Path,
    targets: [&'a Utf8Path; 3],
    is_test: bool,
}

impl Code<'_> {
    fn judge(&self, made: &MadePath) -> Option<(&'static Check, String, &'static str)> {
        match made.origin {
            Origin::ManifestDir => {
                let path = rust_source::normalized(&self.directory.join(&made.path));
                let is_there = self.targets.iter().any(|target| path.starts_with(target));
                is_there.then(|| {
                    let message = format!("CARGO_MANIFEST_DIR is joined with {}", made.path);
                    let mend = "Take `CARGO_BIN_EXE_<name>` or `CARGO_TARGET_TMPDIR` in a test, the \
                                paths of `--message-format json` elsewhere.";
                    (&MANIFEST_DIR, message, mend)
                })
            }
            Origin::OutDir if made.climbs > 0 => {
                let message = format!("{} above OUT_DIR", directories(made.climbs));
                let mend = "Stay below `OUT_DIR`, and hand paths on by `rustc-env` or `links` \
                            metadata.";
                Some((&OUT_DIR, message, mend))
            }
            Origin::CurrentExe if made.climbs > 1 && self.is_test => {
                let message = format!(
                    "{} above the test's own executable",
                    directories(made.climbs)
                );
                let mend = "Take `env!(\"CARGO_BIN_EXE_<name>\")`.";
                Some((&CURRENT_EXE, message, mend))
            }
            _ => None,
        }
    }
}

fn directories(climbs: usize) -> String {
    match climbs {
        1 => "the code looks one directory".to_owned(),
        climbs => format!("the code looks {climbs} directories"),
    }
}

/// Whether a file holds commands, by its name.
fn is_script(file: &Utf8Path) -> bool {
    let name = file.file_name().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let is_named = [
        "makefile",
        "gnumakefile",
        "justfile",
        ".justfile",
        "dockerfile",
        "containerfile",
    ]
    .iter()
    .any(|it| {
        lower == *it
            || lower
                .strip_prefix(it)
                .is_some_and(|rest| rest.starts_with('.'))
    });
    let extension = file.extension().unwrap_or_default();
    let is_ci = matches!(extension, "yml" | "yaml")
        && (file.starts_with(".github") || file.starts_with(".circleci") || name.starts_with('.'));
    is_named
        || is_ci
        || matches!(
            extension,
            "sh" | "bash" | "zsh" | "ps1" | "mk" | "just" | "dockerfile"
        )
}

/// The paths in a text that lead into a build directory's insides, with their lines.
fn in_text(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with('#') || code.starts_with("//") {
            continue;
        }
        // What follows a blank and a `#` is a comment in each of these languages.
        let code = code.split(" #").next().unwrap_or_default();
        let words = code.split(|char: char| char.is_whitespace() || "\"'`;()=:,".contains(char));
        found.extend(words.filter_map(inside_of).map(|path| (at + 1, path)));
    }
    found
}

/// The path in a word down to the directory that is cargo's own.
fn inside_of(word: &str) -> Option<String> {
    let parts: Vec<&str> = word.split('/').collect();
    let at = parts.iter().position(|it| *it == "target")?;
    let is_profile = |it: &str| matches!(it, "debug" | "release" | "*") || it.starts_with('$');
    let is_inside = |at: usize| match parts.get(at..at + 2) {
        Some([profile, inside]) => {
            is_profile(profile) && matches!(*inside, "deps" | "build" | ".fingerprint")
        }
        _ => false,
    };
    let profile = [at + 1, at + 2].into_iter().find(|&at| is_inside(at))?;
    Some(parts[..profile + 2].join("/"))
}

#[cfg(test)]
mod tests;
