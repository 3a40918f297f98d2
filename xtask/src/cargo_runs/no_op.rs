//! Runs a cargo command in a mirror of a build directory, to learn which units the command uses.
//! Nothing is compiled and nothing is run: the mirror's compiler refuses, and the scripts in the
//! mirror are programs that do nothing.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::Message;
use xtask_impact::process::Runner;
use xtask_impact::{build_dir, private_dir, process, quote, usage};

use super::read_messages;
use super::rehearsal::{JudgedUnit, log};

/// A cargo command whose artifacts have to stay fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeepCommand {
    /// The text that the user wrote.
    pub text: String,
    /// The environment variables in front of the command.
    variables: Vec<(String, String)>,
    /// The toolchain that `+toolchain` names.
    toolchain: Option<String>,
    /// The arguments of cargo, without `--target-dir` and without the arguments of a program.
    arguments: Vec<String>,
    /// True if the command must not use the network.
    is_offline: bool,
    /// The directory that `--target-dir` names.
    pub target_directory: Option<Utf8PathBuf>,
    /// The name of the profile directory.
    pub profile: String,
    /// True if the kit chose the command, because the user named none.
    pub is_default: bool,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoOpRun {
    /// The units that cargo considered, fresh or not.
    pub units: Vec<JudgedUnit>,
    /// The state of the command.
    pub state: Freshness,
}

/// The freshness of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Every unit is fresh.
    Fresh,
    /// Cargo would compile or run something.
    Stale,
    /// Cargo failed before it knew the units, for this reason.
    Unknown(String),
}

/// The commands that build without running a program, each with its short form and the cargo
/// arguments that do the same.
const COMMANDS: [(&str, &str, &[&str]); 8] = [
    ("build", "b", &["build"]),
    ("check", "c", &["check"]),
    ("clippy", "", &["clippy"]),
    ("test", "t", &["test", "--no-run"]),
    ("bench", "", &["bench", "--no-run"]),
    ("doc", "d", &["doc"]),
    ("run", "r", &["build"]),
    ("rustc", "", &["rustc"]),
];

impl KeepCommand {
    /// Parses a command such as `clippy --workspace`, `+nightly test` or
    /// `RUSTFLAGS="-C debuginfo=0" cargo build`.
    ///
    /// # Errors
    /// Returns an error if the command is not a cargo command that builds.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            usage!(
                "the keep command `{}` {what}\nhint: write the arguments of cargo, as in `clippy \
                 --workspace`; known commands are {}",
                quote::line(text),
                COMMANDS.map(|(name, ..)| name).join(", ")
            )
        };
        let mut words = words(text)
            .ok_or_else(|| wrong("has a quote without an end"))?
            .into_iter()
            .peekable();
        let mut command = Self {
            text: text.to_owned(),
            variables: Vec::new(),
            toolchain: None,
            arguments: Vec::new(),
            is_offline: false,
            target_directory: None,
            profile: "debug".to_owned(),
            is_default: false,
        };
        while let Some((name, value)) = words.peek().and_then(|word| variable(word)) {
            match name {
                "CARGO_TARGET_DIR" | "CARGO_BUILD_TARGET_DIR" => {
                    command.target_directory = Some(Utf8PathBuf::from(value));
                }
                _ => command.variables.push((name.to_owned(), value.to_owned())),
            }
            words.next();
        }
        words.next_if(|word| word == "cargo");
        if let Some(word) = words.next_if(|word| word.starts_with('+')) {
            command.toolchain = Some(word[1..].to_owned());
        }
        let name = words.next().ok_or_else(|| wrong("is empty"))?;
        if name == "nextest" {
            return Err(usage!(
                "the keep command `{}` is not a command of cargo itself\nhint: nextest uses the \
                 artifacts of `cargo test`: write `test`, with the packages and the features of \
                 the nextest run, and `--profile` instead of `--cargo-profile`",
                quote::line(text)
            ));
        }
        let known = COMMANDS
            .iter()
            .find(|(long, short, _)| name == *long || name == *short);
        let (long, _, arguments) = known.ok_or_else(|| wrong("is unknown"))?;
        command.arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        if *long == "bench" {
            command.profile = "release".to_owned();
        }
        command.take_arguments(words);
        Ok(command)
    }

    /// Takes the arguments up to `--`, after which the arguments of a program or of a compiler
    /// follow. Flags that the kit gives cargo itself are left out, since cargo refuses them twice.
    fn take_arguments(&mut self, words: impl Iterator<Item = String>) {
        let mut words = words.take_while(|word| word != "--");
        while let Some(word) = words.next() {
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) => (flag, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            match flag {
                "--target-dir" => {
                    self.target_directory = value.or_else(|| words.next()).map(Utf8PathBuf::from);
                    continue;
                }
                "--locked" | "--no-run" => continue,
                "--frozen" | "--offline" => {
                    self.is_offline = true;
                    continue;
                }
                "--message-format" => {
                    // The value is left out with the flag.
                    let _ = value.or_else(|| words.next());
                    continue;
                }
                "-r" | "--release" => self.profile = "release".to_owned(),
                "--profile" => {
                    let Some(value) = value.or_else(|| words.next()) else {
                        continue;
                    };
                    self.profile = build_dir::directory_of(&value).to_owned();
                    self.arguments.push(format!("--profile={value}"));
                    continue;
                }
                _ => {}
            }
            self.arguments.push(word);
        }
    }

    /// Returns the command for people, with `cargo`.
    pub(crate) fn shown(text: &str) -> String {
        match text.split_whitespace().any(|word| word == "cargo") {
            true => text.to_owned(),
            false => format!("cargo {text}"),
        }
    }

    /// Runs the command in a mirror of the build directory. `forwarded` are further arguments for
    /// cargo, `scratch` is a private directory, and `target` is the mirror.
    ///
    /// # Errors
    /// Returns an error if cargo cannot be started.
    pub(crate) fn no_op(
        &self,
        runner: &Runner,
        forwarded: &[String],
        scratch: &Utf8Path,
        target: &Utf8Path,
    ) -> Result<NoOpRun> {
        let mut command = match &self.toolchain {
            Some(toolchain) => {
                let mut rustup = runner.program("rustup");
                rustup.args(["run", toolchain, "cargo"]);
                rustup
            }
            None => runner.cargo(),
        };
        command.args(&self.arguments).args(forwarded);
        command.args(["--locked", "--message-format", "json"]);
        let is_told = forwarded.iter().any(|it| it == "--offline");
        command.args((self.is_offline && !is_told).then_some("--offline"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let refusal = refusal(scratch)?;
        command
            .env("RUSTC_WRAPPER", &refusal)
            .env("RUSTDOC", &refusal);
        command
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_BUILD_BUILD_DIR", target);
        // Nothing is compiled, so no compiler cache sees this variable.
        command.env("CARGO_LOG", log::FILTER);
        let output = process::output(&mut command)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let messages = read_messages(&output.stdout[..])?;
        Ok(NoOpRun::read(
            &said,
            &messages,
            output.status.success(),
            target,
        ))
    }
}

impl NoOpRun {
    /// Reads the log and the messages of cargo. The log names the fingerprint of each unit that
    /// cargo considers; the messages show if a unit was compiled.
    fn read(said: &str, messages: &[Message], succeeded: bool, target: &Utf8Path) -> Self {
        let units = log::read(said, target);
        let mut named = Vec::new();
        let mut is_fresh = succeeded;
        for message in messages {
            match message {
                Message::CompilerArtifact(artifact) => {
                    is_fresh &= artifact.fresh;
                    named.extend(artifact.filenames.iter().filter_map(|it| hash_of(it)));
                }
                Message::BuildScriptExecuted(script) => named.extend(hash_of(&script.out_dir)),
                _ => {}
            }
        }
        let hashes: HashSet<&str> = units.iter().map(|unit| &*unit.key.hash).collect();
        let is_known = |hash: &&str| hashes.contains(*hash);
        let state = if units.is_empty() && !succeeded {
            let error = said.lines().find_map(|line| line.strip_prefix("error: "));
            Freshness::Unknown(error.unwrap_or("cargo failed").to_owned())
        } else if !named.iter().all(|hash| is_known(&hash.as_str())) {
            Freshness::Unknown("cargo's log does not name every unit".to_owned())
        } else if is_fresh {
            Freshness::Fresh
        } else {
            Freshness::Stale
        };
        Self { units, state }
    }
}

/// Returns the hash of the unit that a file or directory belongs to, if the path has it.
fn hash_of(path: &Utf8Path) -> Option<String> {
    let mut names = path.iter().rev();
    names.find_map(|name| match build_dir::is_hash(name) {
        true => Some(name.to_owned()),
        false => build_dir::hash_in(name).map(str::to_owned),
    })
}

/// Writes the program that answers questions about the compiler, and refuses to compile. Returns
/// the path of the program.
fn refusal(scratch: &Utf8Path) -> Result<Utf8PathBuf> {
    const SHELL: &str = "#!/bin/sh\n\
        case \" $* \" in\n\
        *\" --crate-name ___ \"*) exec \"$@\" ;;\n\
        *\" --crate-name \"*) exit 1 ;;\n\
        esac\n\
        exec \"$@\"\n";
    const BATCH: &str = "@echo off\r\n\
        echo %* | findstr /C:\"--crate-name ___ \" >nul && (%* & exit /b)\r\n\
        echo %* | findstr /C:\"--crate-name \" >nul && exit /b 1\r\n\
        %*\r\n";
    let (name, text) = match cfg!(windows) {
        true => ("refuse.cmd", BATCH),
        false => ("refuse", SHELL),
    };
    let path = scratch.join(name);
    if !path.exists() {
        private_dir::write_program(&path, text)
            .with_context(|| format!("cannot write {}", quote::name(&path)))?;
    }
    Ok(path)
}

/// Splits `NAME=value` into its parts. Returns `None` if the word is no assignment.
fn variable(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let starts_well = !name.is_empty() && !name.starts_with(|it: char| it.is_ascii_digit());
    (starts_well && name.chars().all(is_name)).then_some((name, value))
}

/// Splits a command into words. Single and double quotes hold a word together. Returns `None` if a
/// quote has no end.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in text.chars() {
        match (quote, character) {
            (Some(open), it) if it == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, it) if it.is_whitespace() => words.extend(word.take()),
            (_, it) => word.get_or_insert_default().push(it),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use xtask_impact::build_dir::Layout;

    use super::*;
    use crate::cargo_runs::rehearsal::RecordKey;

    #[test]
    fn kept_commands_are_parsed() {
        let shown = |text: &str| match KeepCommand::parse(text) {
            Ok(it) => format!(
                "{:?} {:?} {:?} {:?} in {}\n",
                it.variables, it.toolchain, it.arguments, it.target_directory, it.profile
            ),
            Err(error) => error.to_string().lines().next().unwrap().to_owned() + "\n",
        };
        let all = [
            "clippy --workspace",
            "cargo test -p a -- --nocapture",
            "+nightly doc --no-deps --target-dir 'my target'",
            "RUSTFLAGS=\"-C debuginfo=0\" b --release",
            "run --profile=dist --bin x",
            "bench",
            "t --profile test",
            "test --no-run --locked --frozen --message-format short --all",
            "CARGO_TARGET_DIR=other cargo check",
            "",
            "fmt",
            "nextest run",
            "build 'x",
        ];
        expect_test::expect![[r#"
            [] None ["clippy", "--workspace"] None in debug
            [] None ["test", "--no-run", "-p", "a"] None in debug
            [] Some("nightly") ["doc", "--no-deps"] Some("my target") in debug
            [("RUSTFLAGS", "-C debuginfo=0")] None ["build", "--release"] None in release
            [] None ["build", "--profile=dist", "--bin", "x"] None in dist
            [] None ["bench", "--no-run"] None in release
            [] None ["test", "--no-run", "--profile=test"] None in debug
            [] None ["test", "--no-run", "--all"] None in debug
            [] None ["check"] Some("other") in debug
            the keep command `` is empty
            the keep command `fmt` is unknown
            the keep command `nextest run` is not a command of cargo itself
            the keep command `build 'x` has a quote without an end
        "#]]
        .assert_eq(&all.map(shown).concat());
        let error = KeepCommand::parse("nextest run").unwrap_err().to_string();
        assert!(error.contains("write `test`"), "{error}");
    }

    #[test]
    fn the_log_names_the_units() {
        let line = |path: &str| {
            format!(
                "  0.02s DEBUG prepare_target{{package_id=a}}: \
                 cargo::core::compiler::fingerprint: fingerprint at: {path}\n"
            )
        };
        let said = line("/m/debug/.fingerprint/a-b-0123456789abcdef/lib-a_b")
            + &line("/m/wasm32/release/build/a/fedcba9876543210/fingerprint/bin-a")
            + "error: refused\n";
        let unit = |(place, layout): (&str, Layout), hash: &str, package: &str, name: &str| {
            let key = RecordKey {
                place: place.to_owned(),
                package: package.to_owned(),
                hash: hash.to_owned(),
                name: name.to_owned(),
            };
            JudgedUnit {
                key,
                layout,
                package: String::new(),
                mode: String::new(),
                reason: None,
            }
        };
        let units = vec![
            unit(("debug", Layout::V1), "0123456789abcdef", "a-b", "lib-a_b"),
            unit(
                ("wasm32/release", Layout::V2),
                "fedcba9876543210",
                "a",
                "bin-a",
            ),
        ];
        let read = |said: &str, succeeded| NoOpRun::read(said, &[], succeeded, "/m".into());
        for (succeeded, state) in [(true, Freshness::Fresh), (false, Freshness::Stale)] {
            let units = units.clone();
            assert_eq!(read(&said, succeeded), NoOpRun { units, state });
        }
        let failed = read("error: no such package\n", false);
        assert_eq!(
            failed.state,
            Freshness::Unknown("no such package".to_owned())
        );
        for (path, expected) in [
            ("/m/debug/deps/liba-0123456789abcdef.rmeta", true),
            ("/m/debug/build/a/0123456789abcdef/out", true),
            ("/m/debug/build/a-0123456789abcdef/out", true),
            ("/m/debug/a", false),
        ] {
            assert_eq!(hash_of(path.into()).is_some(), expected, "{path}");
        }
    }
}
