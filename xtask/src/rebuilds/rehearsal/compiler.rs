//! The compiler of a rehearsal: a program that cargo starts as its compiler wrapper. It passes
//! cargo's questions on to the real compiler, and compiles nothing.
//!
//! The program writes down the arguments of each unit, because they show settings that the records
//! contain only as numbers, such as the profile or the linker.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::{is_hash, split_hash};
use xtask_impact::private_dir::write_program;
use xtask_impact::process::Runner;
use xtask_impact::{files, process, quote};

#[cfg(unix)]
const COMPILER: (&str, &str) = (
    "compiler",
    r#"#!/bin/sh
case "$2" in -|-vV) exec "$@";; esac
case "$3" in -|-vV) exec "$@";; esac
notes="$0-notes/$$"
printf '%s\n' "$@" > "$notes"
name= directory= extra=
while [ $# -gt 0 ]; do
  case "$1" in
    --crate-name) name=$2; shift;;
    --out-dir) directory=$2; shift;;
    -C) case "$2" in extra-filename=*) extra=${2#extra-filename=};; esac; shift;;
  esac
  shift
done
case "$name" in build_script_*)
  printf '#!/bin/sh\n' > "$directory/$name$extra"
  chmod 700 "$directory/$name$extra";;
esac
"#,
);

/// Windows cannot start a text file as a build script: there, a rehearsal ends at the first script
/// that has to be compiled. By then, cargo has written all its reasons.
#[cfg(not(unix))]
const COMPILER: (&str, &str) = (
    "compiler.cmd",
    "@echo off\r\nif \"%~2\"==\"-vV\" (%*& exit /b)\r\nif \"%~2\"==\"-\" (%*& exit /b)\r\nif \
     \"%~3\"==\"-vV\" (%*& exit /b)\r\nif \"%~3\"==\"-\" (%*& exit /b)\r\nexit /b 0\r\n",
);

/// The flags of the units that the rehearsal compiled, by the hash in the unit's directory and the
/// name of the crate.
pub(crate) type CompilerFlags = BTreeMap<(String, String), Vec<String>>;

/// Writes the program into a directory, and returns its path.
///
/// # Errors
/// Returns an error if the program cannot be written.
pub(crate) fn write(directory: &Utf8Path) -> Result<Utf8PathBuf> {
    let path = directory.join(COMPILER.0);
    let notes = Utf8PathBuf::from(format!("{path}-notes"));
    let failed = || format!("cannot write {}", quote::name(&path));
    std::fs::create_dir_all(notes).with_context(failed)?;
    write_program(&path, COMPILER.1).with_context(failed)?;
    Ok(path)
}

/// Reads the notes of the program.
pub(crate) fn notes(program: &Utf8Path) -> CompilerFlags {
    let notes = Utf8PathBuf::from(format!("{program}-notes"));
    let Ok(entries) = notes.read_dir_utf8() else {
        return CompilerFlags::new();
    };
    let mut found = CompilerFlags::new();
    for entry in entries.flatten() {
        if let Ok(text) = files::read_text(entry.path(), files::RECORD) {
            found.extend(noted(&text.lines().collect::<Vec<_>>()));
        }
    }
    found
}

/// Asks the compiler behind a noted call for its version.
pub(crate) fn version(runner: &Runner, program: &Utf8Path) -> Option<String> {
    let notes = Utf8PathBuf::from(format!("{program}-notes"));
    let mut calls = notes.read_dir_utf8().ok()?.flatten().filter_map(|entry| {
        let text = files::read_text(entry.path(), files::RECORD).ok()?;
        let (before, _) = text.split_once("\n--crate-name\n")?;
        Some(before.lines().next_back()?.to_owned())
    });
    let said = process::checked(runner.program(calls.next()?).arg("--version")).ok()?;
    Some(String::from_utf8_lossy(&said).trim().to_owned())
}

/// Returns the hash, the crate's name and the flags of one call of the compiler.
fn noted(words: &[&str]) -> Option<((String, String), Vec<String>)> {
    let behind = |name: &str| {
        let at = words.iter().position(|it| *it == name)?;
        words.get(at + 1).copied()
    };
    let name = behind("--crate-name")?;
    let extra = words
        .iter()
        .find_map(|it| it.strip_prefix("extra-filename=-"))
        .filter(|it| is_hash(it));
    let out = Utf8Path::new(behind("--out-dir")?);
    let of_unit = out.parent().and_then(Utf8Path::file_name);
    let of_unit = of_unit.filter(|it| is_hash(it));
    let of_script = out.file_name().and_then(split_hash).map(|it| it.1);
    let hash = of_unit.or(extra).or(of_script)?;
    Some((((hash.to_owned()), name.to_owned()), flags(words)))
}

/// Returns the flags that say how a unit is compiled, without places and identities.
fn flags(words: &[&str]) -> Vec<String> {
    let mut flags = Vec::new();
    let mut rest = words.iter().copied();
    while let Some(word) = rest.next() {
        match word {
            "--extern" | "-L" | "--out-dir" | "--crate-name" | "--emit" | "--error-format"
            | "--json" | "-o" | "--check-cfg" | "--diagnostic-width" => {
                rest.next();
            }
            "-C" => match rest.next() {
                Some(setting) if setting.starts_with("incremental=") => {
                    flags.push("-C incremental".to_owned());
                }
                Some(setting) if is_identity(setting) => {}
                Some(setting) => flags.push(format!("-C {setting}")),
                None => {}
            },
            "--cfg" | "--crate-type" | "--target" | "--cap-lints" | "-Z" | "-l" => {
                let value = rest.next().unwrap_or_default();
                // Features are compared by the record itself.
                if !value.starts_with("feature=") {
                    flags.push(format!("{word} {value}"));
                }
            }
            word if !word.starts_with('-') || is_place(word) => {}
            word => flags.push(word.to_owned()),
        }
    }
    flags
}

fn is_identity(setting: &str) -> bool {
    setting.starts_with("metadata=") || setting.starts_with("extra-filename=")
}

fn is_place(word: &str) -> bool {
    [
        "--emit=",
        "--error-format=",
        "--json=",
        "--diagnostic-width=",
        "--color=",
    ]
    .iter()
    .any(|start| word.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_noted_without_places() {
        let call = "/bin/rustc --crate-name my_lib --edition=2024 src/lib.rs --error-format=json \
                    --crate-type lib --emit=dep-info,metadata -C embed-bitcode=no -C \
                    debuginfo=2 --cfg feature=\"x\" --check-cfg cfg(docsrs) -C metadata=1 -C \
                    extra-filename=-0123456789abcdef --out-dir /t/debug/deps -C \
                    incremental=/t/debug/incremental -L dependency=/t/debug/deps --extern \
                    a=/t/liba.rmeta --warn=unused -C linker=clang";
        let words: Vec<_> = call.split_whitespace().collect();
        let ((hash, name), flags) = noted(&words).unwrap();
        assert_eq!((&*hash, &*name), ("0123456789abcdef", "my_lib"));
        expect_test::expect![
            "--edition=2024 --crate-type lib -C embed-bitcode=no -C debuginfo=2 -C incremental --warn=unused -C linker=clang"
        ]
        .assert_eq(&flags.join(" "));
        let second = [
            "rustc",
            "--crate-name",
            "tool",
            "--out-dir",
            "/t/debug/build/tool/0123456789abcdef/out",
        ];
        assert_eq!(noted(&second).unwrap().0.0, "0123456789abcdef");
        assert_eq!(noted(&["rustc", "--version"]), None);
    }
}
