//! Recognizes the situation behind an error, from the words of cargo and rustc alone.

use super::diagnostics::Diagnostic;
use super::refusals::{self, Refusal};

/// A situation that an error can come from. The names come from the text of the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Situation {
    /// Rustc cannot read the metadata of a crate (E0786).
    UnreadableMetadata { crate_name: String },
    /// Rustc finds no file of a crate (E0463).
    MissingCrate { crate_name: String },
    /// A crate was compiled against another build of its dependency (E0460).
    OtherBuild {
        crate_name: String,
        dependent: String,
    },
    /// Two files of a crate are of different builds (no code).
    Colliding { crate_name: String },
    /// A crate was compiled by another rustc (E0514).
    OtherCompiler { crate_name: String },
    /// A name is not found (E0425, E0432, …). The names are the parts of the paths in the message.
    MissingName { names: Vec<String> },
    /// Types of several versions of a crate meet (E0308, E0277).
    SeveralVersions { crate_name: String },
    /// The linker failed.
    Linker,
    /// A file that the code includes cannot be read.
    UnreadableFile { path: String },
    /// A build script did not succeed.
    Script {
        package: String,
        executable: Option<String>,
        ended: ProcessEnd,
    },
    /// A program that cargo started did not succeed.
    Program {
        executable: String,
        ended: ProcessEnd,
    },
    /// Rustc itself crashed, or a signal ended rustc.
    Compiler { ended: ProcessEnd },
    /// Packages depend on themselves. The packages are in cargo's order, each with its directory.
    Cycle { packages: Vec<CyclePackage> },
    /// A native library that a build script names cannot be found or read.
    NativeLibrary {
        name: Option<String>,
        path: Option<String>,
    },
    /// Cargo refused a manifest, the lock file or the command line, or a test failed.
    Refused(Refusal),
    /// The disk is full.
    DiskFull,
    /// Rustc found an error at a place in the code.
    Code,
    /// The error is not known.
    Unknown,
}

/// The end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProcessEnd {
    /// The process ended by itself with an exit status.
    Status,
    /// A crash: a signal that a damaged program raises, or a file that cannot be executed.
    Crash,
    /// Another process ended the process: SIGKILL, SIGTERM, SIGINT.
    Killed,
}

/// A package in cargo's description of a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CyclePackage {
    pub(super) name: String,
    pub(super) directory: String,
}

/// Codes of errors in rustc's search for crates that `explain` does not understand. They are not
/// errors in the code.
pub(super) const NOT_UNDERSTOOD: &[&str] = &["E0461", "E0462", "E0464", "E0519", "E0523"];

/// Codes of errors about a name that a crate, a module or a type does not have.
pub(super) const MISSING_NAMES: &[&str] = &[
    "E0425", "E0432", "E0433", "E0412", "E0405", "E0407", "E0423", "E0437", "E0438", "E0531",
    "E0532", "E0559", "E0560", "E0574", "E0576", "E0599", "E0609",
];

impl Situation {
    /// Returns the situation behind an error.
    pub(super) fn of(error: &Diagnostic) -> Self {
        let message = error.message.as_str();
        let quoted = quoted(message);
        let name = |at: usize| quoted.get(at).cloned().unwrap_or_default();
        let holds = |text: &str| error.all_lines().any(|line| line.contains(text));
        if holds("No space left on device") {
            return Self::DiskFull;
        }
        if let Some(line) = error
            .all_lines()
            .find(|it| it.contains(" different versions of crate `"))
        {
            let crate_name = after(line, " different versions of crate `");
            return Self::SeveralVersions { crate_name };
        }
        match error.code.as_deref() {
            Some("E0786") => {
                return Self::UnreadableMetadata {
                    crate_name: name(0),
                };
            }
            Some("E0463") => {
                return Self::MissingCrate {
                    crate_name: name(0),
                };
            }
            Some("E0514") => {
                return Self::OtherCompiler {
                    crate_name: name(0),
                };
            }
            Some("E0460") => {
                let (crate_name, dependent) = (name(0), name(1));
                return Self::OtherBuild {
                    crate_name,
                    dependent,
                };
            }
            Some(code) if MISSING_NAMES.contains(&code) => {
                let parts = quoted.iter().flat_map(|it| it.split("::"));
                let names = parts.filter(|it| is_identifier(it)).map(str::to_owned);
                return Self::MissingName {
                    names: names.collect(),
                };
            }
            Some(code) if NOT_UNDERSTOOD.contains(&code) => return Self::Unknown,
            Some(_) => return Self::Code,
            None => {}
        }
        Self::without_code(error, &name, &holds)
    }

    /// Returns the situation behind an error that has no code.
    fn without_code(
        error: &Diagnostic,
        name: &dyn Fn(usize) -> String,
        holds: &dyn Fn(&str) -> bool,
    ) -> Self {
        let message = error.message.as_str();
        if message.starts_with("cyclic package dependency") {
            return Self::Cycle {
                packages: cycle(error),
            };
        }
        if message.starts_with("could not find native ") {
            return Self::NativeLibrary {
                name: Some(name(0)),
                path: None,
            };
        }
        if let Some(rest) = message.strip_prefix("failed to add native library ") {
            let path = rest.split_once(": ").map_or(rest, |(path, _)| path);
            return Self::NativeLibrary {
                name: None,
                path: Some(path.to_owned()),
            };
        }
        // Rustc 1.97 and newer: the archive that rustc writes, then the file that it cannot read.
        if message.starts_with("failed to build archive at ")
            && let Some((_, input)) = message.rsplit_once(" in `")
        {
            return Self::NativeLibrary {
                name: None,
                path: Some(input.trim_end_matches('`').to_owned()),
            };
        }
        if let Some(refusal) = refusals::of(error) {
            return Self::Refused(refusal);
        }
        if message.contains("with colliding StableCrateId") {
            return Self::Colliding {
                crate_name: name(0),
            };
        }
        if message.starts_with("linking with ") {
            return Self::Linker;
        }
        if message.starts_with("couldn't read ") {
            return Self::UnreadableFile { path: name(0) };
        }
        if message.starts_with("internal compiler error")
            || holds("the compiler unexpectedly panicked")
        {
            return Self::Compiler {
                ended: ProcessEnd::Crash,
            };
        }
        let process = [
            "process didn't exit successfully: `",
            "could not execute process `",
        ];
        let process = process.iter().find_map(|start| {
            let line = error.all_lines().find(|line| line.contains(start))?;
            Some((after(line, start), ended(line, holds)))
        });
        let name_of_package = || {
            let package = name(0);
            package.split(' ').next().unwrap_or_default().to_owned()
        };
        match process {
            Some((_, ended)) if message.starts_with("could not compile") => {
                Self::Compiler { ended }
            }
            process if message.starts_with("failed to run custom build command for") => {
                Self::Script {
                    package: name_of_package(),
                    ended: process.as_ref().map_or(ProcessEnd::Status, |it| it.1),
                    executable: process.map(|it| it.0),
                }
            }
            Some((executable, ended)) => Self::Program { executable, ended },
            None if error.source.is_some() => Self::Code,
            None => Self::Unknown,
        }
    }
}

/// Returns the texts between backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Returns the text between `start` and the next backtick.
fn after(line: &str, start: &str) -> String {
    let rest = line.split_once(start).map_or("", |(_, rest)| rest);
    rest.split('`').next().unwrap_or_default().to_owned()
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Returns the end of a process, from cargo's line about the process.
fn ended(line: &str, holds: &dyn Fn(&str) -> bool) -> ProcessEnd {
    let signals = ["SIGSEGV", "SIGBUS", "SIGILL", "SIGTRAP", "SIGFPE", "SIGSYS"];
    let words = [
        "Segmentation fault",
        "Bus error",
        "Illegal instruction",
        "Exec format error",
    ];
    // The codes of Windows for an access violation and for a file that is no program.
    let codes = ["0xc0000005", "0xc000007b", "(os error 193)"];
    let is_crash = [&signals[..], &words, &codes]
        .concat()
        .into_iter()
        .any(&holds);
    match () {
        () if is_crash || line.contains("could not execute process") => ProcessEnd::Crash,
        () if line.contains("(signal: ") && !line.contains("SIGABRT") => ProcessEnd::Killed,
        () => ProcessEnd::Status,
    }
}

/// Returns the packages of a cycle in cargo's order: each package is a dependency of the next.
fn cycle(error: &Diagnostic) -> Vec<CyclePackage> {
    let lines = error.lines.iter().map(|line| line.trim());
    let packages = lines.filter_map(|line| {
        let package = match line.strip_prefix("package `") {
            Some(package) => package,
            None => line.rsplit_once("of package `")?.1,
        };
        // `app v0.1.0 (/w/app)`
        let (name, rest) = package.trim_end_matches(['`', '.']).split_once(' ')?;
        let directory = rest
            .split_once('(')
            .map_or("", |(_, it)| it.trim_end_matches(')'));
        Some(CyclePackage {
            name: name.to_owned(),
            directory: directory.to_owned(),
        })
    });
    packages.collect()
}

#[cfg(test)]
mod tests {
    use super::super::diagnostics::read;
    use super::*;

    #[test]
    fn the_words_of_cargo_and_rustc_tell_the_situation() {
        let texts = [
            "error[E0786]: found invalid metadata files for crate `base`\n",
            "error[E0463]: can't find crate for `base`\n",
            "error[E0460]: found possibly newer version of crate `base` which `mid` depends on\n",
            "error: found crates (`base` and `base`) with colliding StableCrateId values\n --> a.rs:1:1\n",
            "error[E0514]: found crate `base` compiled by an incompatible version of rustc\n",
            "error[E0432]: unresolved import `base::three`\n",
            "error[E0425]: cannot find function `three` in crate `base`\n",
            "error[E0308]: mismatched types\nnote: there are multiple different versions of crate `base` in \
             the dependency graph\n",
            "error[E0308]: mismatched types\n --> a.rs:1:1\n",
            "error[E0464]: multiple candidates for `rlib` dependency `base` found\n",
            "error: linking with `cc` failed: exit status: 1\n",
            "error: failed to build archive at `/w/target/debug/deps/libmid-01.rlib`: invalid archive \
             member: archive member at offset 140 with size 1104 exceeds archive size 622 in \
             `/w/target/debug/build/mid-02/out/libcee.a`\n",
            "error: failed to build archive at `/w/target/debug/deps/libmid-01.rlib`: no space\n",
            "error: couldn't read `/w/target/debug/build/mid-0123456789abcdef/out/g.rs`: No such file\n",
            "error: failed to run custom build command for `mid v0.1.0 (/w/mid)`\n\nCaused by:\n  process \
             didn't exit successfully: `/w/build-script-build` (signal: 11, SIGSEGV: invalid memory \
             reference)\n",
            "error: failed to run custom build command for `mid v0.1.0 (/w/mid)`\n\nCaused by:\n  process \
             didn't exit successfully: `/w/build-script-build` (exit status: 101)\n",
            "error: failed to run custom build command for `mid v0.1.0 (/w/mid)`\n\nCaused by:\n  could not \
             execute process `/w/build-script-build` (never executed)\n\nCaused by:\n  Exec format error \
             (os error 8)\n",
            "error: process didn't exit successfully: `target/debug/app` (signal: 9, SIGKILL: kill)\n",
            "error: could not compile `app` (lib)\n\nCaused by:\n  process didn't exit successfully: `rustc` \
             (signal: 9, SIGKILL: kill)\n",
            "error: internal compiler error: x\n",
            "error: failed to write `x`: No space left on device (os error 28)\n",
            "error: expected `;`\n --> a.rs:1:1\n",
            "error: some new sentence of cargo\n",
            "error: cyclic package dependency: package `a v0.1.0 (/w/a)` depends on itself. Cycle:\npackage \
             `a v0.1.0 (/w/a)`\n    ... which satisfies path dependency `a` of package `b v0.1.0 \
             (/w/b)`\n    ... which satisfies path dependency `b` of package `a v0.1.0 (/w/a)`\n",
        ];
        let told = texts.map(|text| {
            let found = read(text);
            let situations = found.iter().map(|it| format!("{:?}\n", Situation::of(it)));
            situations.collect::<String>()
        });
        expect_test::expect![[r#"
            UnreadableMetadata { crate_name: "base" }
            MissingCrate { crate_name: "base" }
            OtherBuild { crate_name: "base", dependent: "mid" }
            Colliding { crate_name: "base" }
            OtherCompiler { crate_name: "base" }
            MissingName { names: ["base", "three"] }
            MissingName { names: ["three", "base"] }
            SeveralVersions { crate_name: "base" }
            Code
            Unknown
            Linker
            NativeLibrary { name: None, path: Some("/w/target/debug/build/mid-02/out/libcee.a") }
            Unknown
            UnreadableFile { path: "/w/target/debug/build/mid-0123456789abcdef/out/g.rs" }
            Script { package: "mid", executable: Some("/w/build-script-build"), ended: Crash }
            Script { package: "mid", executable: Some("/w/build-script-build"), ended: Status }
            Script { package: "mid", executable: Some("/w/build-script-build"), ended: Crash }
            Program { executable: "target/debug/app", ended: Killed }
            Compiler { ended: Killed }
            Compiler { ended: Crash }
            DiskFull
            Code
            Unknown
            Cycle { packages: [CyclePackage { name: "a", directory: "/w/a" }, CyclePackage { name: "b", directory: "/w/b" }, CyclePackage { name: "a", directory: "/w/a" }] }
        "#]].assert_eq(&told.concat());
    }
}
