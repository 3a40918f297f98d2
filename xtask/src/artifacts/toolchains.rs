//! The toolchains that are installed.
//!
//! The question takes longer than everything else in a sweep: rustup and each compiler start as a
//! process. Therefore the kit remembers the answers, but only as evidence that a compiler is
//! installed. No compiler counts as gone without a new question.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::SystemTime;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use xtask_impact::cargo_config::CargoConfig;
use xtask_impact::files::FileStamp;
use xtask_impact::process::Runner;
use xtask_impact::{process, state};

/// A compiler of a toolchain that rustup listed, with its answer.
#[derive(Debug, Serialize, Deserialize)]
struct AnsweredCompiler {
    /// The directory of the toolchain.
    toolchain: Utf8PathBuf,
    /// The stamps of the toolchain, of its compiler and of the compiler's libraries.
    stamps: Vec<FileStamp>,
    /// The output of `rustc --version`.
    version: String,
}

/// Returns true if the compilers of all these versions are certainly installed: rustup listed their
/// toolchains when it was asked last, and their files are unchanged. `state` is the directory of the
/// kit's cache. Starts no process.
pub(crate) fn are_still_installed(state: Option<&Utf8Path>, versions: &BTreeSet<String>) -> bool {
    if versions.is_empty() {
        return true;
    }
    let known = state.and_then(|it| state::read::<Vec<AnsweredCompiler>>(&file(it)));
    let known = known.unwrap_or_default().into_iter();
    let valid = known.filter(|it| stamps(&it.toolchain).is_some_and(|now| now == it.stamps));
    let valid: BTreeSet<String> = valid.map(|it| it.version).collect();
    versions.iter().all(|version| includes(&valid, version))
}

/// Returns true if `version`, an output of `rustc --version`, is one of the installed versions. An
/// installed version may be given as its start: `rustc 1.95.0`.
pub(crate) fn includes(installed: &BTreeSet<String>, version: &str) -> bool {
    installed.iter().any(|known| {
        let rest = version.strip_prefix(known.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

fn file(state: &Utf8Path) -> Utf8PathBuf {
    state.join("toolchains")
}

/// Returns the stamps of the files that an update or a removal of a toolchain changes. Returns
/// `None` if one of the files does not exist.
fn stamps(toolchain: &Utf8Path) -> Option<Vec<FileStamp>> {
    let files = [
        toolchain.to_owned(),
        toolchain.join("lib"),
        rustc(toolchain),
    ];
    files.iter().map(|file| FileStamp::at(file)).collect()
}

fn rustc(toolchain: &Utf8Path) -> Utf8PathBuf {
    let name = format!("rustc{}", std::env::consts::EXE_SUFFIX);
    toolchain.join("bin").join(name)
}

/// Returns the rustc versions of all toolchains that rustup has installed, and of the rustc in use:
/// the one on `PATH`, and the one that cargo's configuration names.
/// Returns `None` if rustup is not installed, or if the rustc of a toolchain does not answer.
/// `state` is the directory of the kit's cache, for [`are_still_installed`].
pub(crate) fn installed(runner: &Runner, state: Option<&Utf8Path>) -> Option<BTreeSet<String>> {
    let asked = SystemTime::now();
    let mut rustup = runner.program("rustup");
    let said = process::checked(rustup.args(["toolchain", "list", "-v"])).ok()?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let lines = said.lines().filter(|line| !line.trim().is_empty());
    let toolchains: Vec<_> = lines.map(toolchain).collect::<Option<_>>()?;
    let stamped: Vec<_> = toolchains.iter().map(|it| stamps(it)).collect();
    let compilers = toolchains.iter().map(|it| runner.program(rustc(it)));
    let mut compilers: Vec<Command> = compilers.collect();
    compilers.push(runner.rustc());
    let config = CargoConfig::of(runner).ok()?;
    if let Some((named, origin)) = config.text(&["build", "rustc"]).ok()? {
        compilers.push(runner.program(config.program(&named, &origin)));
    }
    let version = |mut rustc: Command| -> Result<String> {
        let said = process::checked(rustc.arg("--version"))?;
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    };
    let versions: Vec<String> = std::thread::scope(|scope| {
        let started = compilers.into_iter();
        let started: Vec<_> = started
            .map(|rustc| scope.spawn(move || version(rustc)))
            .collect();
        let versions = started.into_iter().map(|it| it.join().ok()?.ok());
        versions.collect::<Option<_>>()
    })?;
    if let Some(state) = state {
        let answered = toolchains.into_iter().zip(stamped).zip(&versions);
        let answered = answered.filter_map(|((toolchain, stamps), version)| {
            let stamps = stamps.filter(|it| !it.iter().any(|stamp| stamp.is_fresh_at(asked)))?;
            Some(AnsweredCompiler {
                toolchain,
                stamps,
                version: version.clone(),
            })
        });
        state::write(&file(state), &answered.collect::<Vec<_>>());
    }
    Some(versions.into_iter().collect())
}

/// Returns the directory of a toolchain in a line of `rustup toolchain list -v`.
fn toolchain(line: &str) -> Option<Utf8PathBuf> {
    let at = line.find(['/', '\\'])?;
    let start = line[..at].rfind(char::is_whitespace).map_or(0, |it| it + 1);
    Some(line[start..].trim().into())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_compiler_counts_as_installed_until_its_files_change() {
        type Change = fn(&Utf8Path);
        let changes: [(&str, Change, bool); 5] = [
            ("nothing", |_| {}, true),
            (
                "the compiler is replaced",
                |it| fs::write(rustc(it), "another").unwrap(),
                false,
            ),
            (
                "a library is replaced",
                |it| fs::write(it.join("lib/librustc_driver-2.so"), "").unwrap(),
                false,
            ),
            (
                "the toolchain is removed",
                |it| fs::remove_dir_all(it).unwrap(),
                false,
            ),
            (
                "the compiler is removed",
                |it| fs::remove_file(rustc(it)).unwrap(),
                false,
            ),
        ];
        for (name, change, expected) in changes {
            let directory = tempfile::tempdir().unwrap();
            let top = Utf8Path::from_path(directory.path()).unwrap();
            let (toolchain, state) = (top.join("stable"), top.join("state"));
            for part in [toolchain.join("bin"), toolchain.join("lib"), state.clone()] {
                fs::create_dir_all(part).unwrap();
            }
            fs::write(rustc(&toolchain), "rustc").unwrap();
            let answered = AnsweredCompiler {
                stamps: stamps(&toolchain).unwrap(),
                toolchain: toolchain.clone(),
                version: "rustc 1.95.0 (abc 2026-01-01)".to_owned(),
            };
            state::write(&file(&state), &vec![answered]);
            let are_installed = |versions: &[&str]| {
                let versions = versions.iter().map(|it| (*it).to_owned()).collect();
                are_still_installed(Some(&state), &versions)
            };
            assert!(are_installed(&[]), "{name}");
            assert!(!are_installed(&["rustc 1.94.0 (def 2025-12-01)"]), "{name}");
            change(&toolchain);
            let version = "rustc 1.95.0 (abc 2026-01-01)";
            assert_eq!(are_installed(&[version]), expected, "{name}");
            assert!(!are_installed(&[version, "rustc 1.94.0"]), "{name}");
        }
    }

    #[test]
    fn the_directory_of_a_toolchain_stands_at_the_end_of_its_line() {
        for (line, expected) in [
            (
                "stable-x86_64 (active, default)\t/home/me/.rustup/toolchains/stable",
                Some("/home/me/.rustup/toolchains/stable"),
            ),
            ("own /src/rust/build", Some("/src/rust/build")),
            ("no installed toolchains", None),
        ] {
            assert_eq!(toolchain(line), expected.map(Into::into), "{line}");
        }
    }
}
