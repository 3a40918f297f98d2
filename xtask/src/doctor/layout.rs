//! Checks for paths into the build directory. The layout of the build directory belongs to cargo.
//! Cargo 1.100 moves files by its new layout, and a configured target directory moves files too.

use std::collections::HashSet;

use anyhow::Result;
use camino::Utf8Path;
use xtask_impact::source_scan::{MadePath, PathOrigin};
use xtask_impact::workspace::Package;
use xtask_impact::{paths, source_scan};

use crate::checks::{Check, Finding, Level};
use crate::doctor::context::Context;

pub(crate) const CHECKS: &[&Check] = &[&MANIFEST_DIR, &OUT_DIR, &CURRENT_EXE, &TEXT];

static MANIFEST_DIR: Check = Check {
    code: "path-from-manifest",
    level: Level::Warning,
    finds: "Code that builds a path from `CARGO_MANIFEST_DIR` into the target directory",
    cost: "The code fails if the target directory is configured elsewhere, and may use a file of \
           an older build.",
    explanation: "Read: expressions in Rust sources that join `CARGO_MANIFEST_DIR` with a literal \
                  path, through methods and variables of one function. Reported if the path leads \
                  to `target` in the workspace's root, or into the target directory.\n\nFix: in a \
                  test, use `CARGO_BIN_EXE_<name>` for binaries and `CARGO_TARGET_TMPDIR` for \
                  files; elsewhere `cargo build --message-format json` prints the paths of what \
                  was built.",
};

static OUT_DIR: Check = Check {
    code: "path-from-out-dir",
    level: Level::Warning,
    finds: "Code that leaves `OUT_DIR` upwards",
    cost: "In cargo 1.100, `OUT_DIR` has another depth, so the code finds no file or a wrong file.",
    explanation: "Read: expressions in Rust sources that start at `OUT_DIR` and leave it upwards \
                  by `parent`, `ancestors`, `pop`, `..`, `components` or `iter` from their end, or \
                  split the path at separators.\n\nFix: write only below `OUT_DIR`, and pass the \
                  path to the package's own code with `rustc-env`, to dependents with `links` \
                  metadata; for files to ship, `cargo build --message-format json` names each \
                  `out_dir` in `build-script-executed`.",
};

static CURRENT_EXE: Check = Check {
    code: "path-from-test",
    level: Level::Warning,
    finds: "A test that looks for a binary next to its own executable",
    cost: "In cargo 1.100, test executables are in another directory, so the test does not find \
           the binary, or runs an old binary.",
    explanation: "Read: expressions in the sources of tests and benches that start at \
                  `std::env::current_exe()` and go two or more directories up: out of `deps`, to \
                  the old directory of binaries.\n\nFix: use `env!(\"CARGO_BIN_EXE_<name>\")` in \
                  an integration test (cargo then also builds the binary); `cargo build \
                  --message-format json` names the `executable` of others.",
};

static TEXT: Check = Check {
    code: "path-in-build-dir",
    level: Level::Warning,
    finds: "Scripts and CI files that name cargo's internal directories",
    cost: "Cargo 1.100 has no such directory, so the command finds nothing, or old files.",
    explanation: "Read: lines of shell scripts, Dockerfiles, Makefiles, justfiles and CI files, \
                  without comments, with a path through `target/<profile>/` or \
                  `target/<triple>/<profile>/` into `deps`, `build` or `.fingerprint`. Paths of \
                  final artifacts, such as `target/release/tool`, are valid and not \
                  reported.\n\nFix: use the paths of the output: `cargo build --message-format \
                  json` prints the `executable` and `filenames` of everything that is built, tests \
                  included, and each script's `out_dir`.",
};

pub(crate) fn check(context: &Context<'_>) -> Result<Vec<Finding>> {
    let packages = context.own_packages();
    let manifests = context.tracked()?.iter();
    let manifests = manifests.filter(|it| it.file_name() == Some("Cargo.toml"));
    let manifests: HashSet<&Utf8Path> = manifests.filter_map(|it| it.parent()).collect();
    // A manifest that belongs to no package of this workspace is part of a fixture or of another
    // workspace.
    let owner = |file: &Utf8Path| {
        let mut above = file.ancestors().skip(1);
        let nearest = above.find(|it| manifests.contains(it) || packages.contains_key(*it))?;
        packages.get(nearest).copied()
    };
    let mut found = Vec::new();
    for file in context.tracked()? {
        let is_rust = file.extension() == Some("rs");
        if !is_rust && !is_script(file) {
            continue;
        }
        let package = owner(file).filter(|_| is_rust);
        if is_rust && package.is_none() {
            continue;
        }
        let Some(text) = context.text(file) else {
            continue;
        };
        let faults = match package {
            Some(package) => in_code(context, package, file, &text),
            None => in_text(&text),
        };
        found.extend(faults.into_iter().map(|(at, check, message, fix)| {
            let line = text.lines().nth(at - 1);
            let evidence = line.map(|it| format!("`{}`", it.trim()));
            let found = check.found(context.place(file, Some(at)), message, fix);
            found.evidence(evidence)
        }));
    }
    found.dedup_by(|one, other| one.check == other.check && one.place == other.place);
    Ok(found)
}

/// A fault in a line: the line's number, the check, the message and the fix.
type LayoutFault = (usize, &'static Check, String, &'static str);

/// Finds the faults in the code of a package.
fn in_code(
    context: &Context<'_>,
    package: &Package,
    file: &Utf8Path,
    text: &str,
) -> Vec<LayoutFault> {
    let words = ["CARGO_MANIFEST_DIR", "OUT_DIR", "current_exe"];
    if !words.iter().any(|word| text.contains(word)) {
        return Vec::new();
    }
    let workspace = context.workspace;
    let directory = package.directory();
    let below = context.below(directory);
    let room = below.and_then(|it| file.strip_prefix(it).ok()?.iter().next());
    let code = CodePlace {
        directory,
        targets: [
            &workspace.root.join("target"),
            &workspace.target_directory,
            &workspace.build_directory,
        ],
        is_test: matches!(room, Some("tests" | "benches")),
    };
    let made = source_scan::made_paths(text);
    made.iter().filter_map(|it| code.judge(it)).collect()
}

/// The package that contains a path expression, and the directories that the path must not lead to.
struct CodePlace<'a> {
    directory: &'a Utf8Path,
    targets: [&'a Utf8Path; 3],
    is_test: bool,
}

impl CodePlace<'_> {
    fn judge(&self, made: &MadePath) -> Option<LayoutFault> {
        let is_built = || {
            let path = paths::normalized(&self.directory.join(&made.path));
            self.targets.iter().any(|it| path.starts_with(it))
        };
        let (check, message, fix) = match made.origin {
            PathOrigin::ManifestDir if is_built() => {
                let message = format!("CARGO_MANIFEST_DIR is joined with {}", made.path);
                let fix = "Use `CARGO_BIN_EXE_<name>` or `CARGO_TARGET_TMPDIR` in a test, the \
                            paths of `--message-format json` elsewhere.";
                (&MANIFEST_DIR, message, fix)
            }
            PathOrigin::OutDir if made.climbs > 0 || made.is_taken_apart => {
                let message = match made.climbs {
                    0 => "the code splits OUT_DIR into its directories".to_owned(),
                    climbs => format!("{} above OUT_DIR", directories(climbs)),
                };
                let fix = "Stay below `OUT_DIR`, and pass paths on with `rustc-env` or `links` \
                            metadata.";
                (&OUT_DIR, message, fix)
            }
            PathOrigin::CurrentExe if made.climbs > 1 && self.is_test => {
                let climbs = directories(made.climbs);
                let message = format!("{climbs} above the test's own executable");
                let fix = "Use `env!(\"CARGO_BIN_EXE_<name>\")`.";
                (&CURRENT_EXE, message, fix)
            }
            _ => return None,
        };
        Some((made.line, check, message, fix))
    }
}

fn directories(climbs: usize) -> String {
    match climbs {
        1 => "the code looks one directory".to_owned(),
        climbs => format!("the code looks {climbs} directories"),
    }
}

/// Returns true if a file holds commands, by its name: a shell script, a makefile, a Dockerfile or
/// a CI file.
fn is_script(file: &Utf8Path) -> bool {
    let name = file.file_name().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let names = [
        "makefile",
        "gnumakefile",
        "justfile",
        ".justfile",
        "dockerfile",
        "containerfile",
    ];
    let is_named = |it: &&str| {
        let rest = lower.strip_prefix(it);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    names.iter().any(is_named)
        || match file.extension().unwrap_or_default() {
            "sh" | "bash" | "zsh" | "ps1" | "mk" | "just" | "dockerfile" => true,
            "yml" | "yaml" => {
                let services = [".github", ".circleci"];
                name.starts_with('.') || services.iter().any(|it| file.starts_with(it))
            }
            _ => false,
        }
}

/// Finds the faults in a script: paths that lead into the inside of a build directory.
fn in_text(text: &str) -> Vec<LayoutFault> {
    let mut found = Vec::new();
    for (at, line) in (1..).zip(text.lines()) {
        let code = line.trim_start();
        if code.starts_with('#') || code.starts_with("//") {
            continue;
        }
        // A `#` after a space starts a comment in each of these languages.
        let code = code.split(" #").next().unwrap_or_default();
        let words = code.split(|char: char| char.is_whitespace() || "\"'`;()=:,".contains(char));
        found.extend(words.filter_map(inside_of).map(|path| {
            let message = format!("{path} leads into cargo's build directory");
            let fix = "Use the path from `cargo build --message-format json` (`executable`, \
                        `filenames`, a script's `out_dir`).";
            (at, &TEXT, message, fix)
        }));
    }
    found
}

/// Returns the path in a word, up to the directory that only cargo uses. Example:
/// `target/debug/deps/x` becomes `target/debug/deps`.
fn inside_of(word: &str) -> Option<String> {
    let parts: Vec<&str> = word.split('/').collect();
    let at = parts.iter().position(|it| *it == "target")?;
    let is_profile = |it: &str| matches!(it, "debug" | "release" | "*") || it.starts_with('$');
    let is_inside = |at: usize| match parts.get(at..at + 2) {
        Some([profile, "deps" | "build" | ".fingerprint"]) => is_profile(profile),
        _ => false,
    };
    let profile = [at + 1, at + 2].into_iter().find(|&at| is_inside(at))?;
    Some(parts[..profile + 2].join("/"))
}

#[cfg(test)]
mod tests;
