//! The cargo command that the user asks about.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use xtask_impact::usage;

/// A cargo command that builds, with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invocation {
    /// The toolchain as rustup's argument, such as `+nightly`.
    pub(crate) toolchain: Option<String>,
    /// The name of the command, such as `check`.
    pub(crate) command: String,
    /// The arguments before `--`.
    pub(crate) arguments: Vec<String>,
    /// The arguments behind `--`.
    pub(crate) trailing: Vec<String>,
}

/// The commands that build, with their short names.
const COMMANDS: &[(&str, &str)] = &[
    ("check", "c"),
    ("build", "b"),
    ("test", "t"),
    ("clippy", ""),
    ("doc", "d"),
    ("bench", ""),
    ("run", "r"),
    ("rustc", ""),
];

impl Invocation {
    /// Parses the words after `rebuilds --`. Without words, the command is `check`.
    ///
    /// # Errors
    /// Returns an error if the first word is not a cargo command that builds.
    pub(crate) fn parse(words: &[String]) -> Result<Self> {
        let (toolchain, words) = match words {
            [first, rest @ ..] if first.starts_with('+') => (Some(first.clone()), rest),
            _ => (None, words),
        };
        let (command, words) = match words {
            [] => ("check", words),
            [first, rest @ ..] => (first.as_str(), rest),
        };
        let known = COMMANDS
            .iter()
            .find(|(name, short)| *name == command || *short == command && !short.is_empty());
        let Some((command, _)) = known else {
            let names: Vec<_> = COMMANDS.iter().map(|it| it.0).collect();
            return Err(usage!(
                "`rebuilds` does not know the cargo command `{command}`\nhint: use one of {}, as \
                 in `cargo xtask rebuilds -- test --workspace`",
                names.join(", ")
            ));
        };
        let dashes = words.iter().position(|it| it == "--");
        let (arguments, trailing) = words.split_at(dashes.unwrap_or(words.len()));
        Ok(Self {
            toolchain,
            command: (*command).to_owned(),
            arguments: arguments.to_vec(),
            trailing: trailing.iter().skip(1).cloned().collect(),
        })
    }

    /// Returns the words for the user's cargo. `forwarded` are arguments of the kit that cargo
    /// needs too.
    pub(crate) fn words(&self, forwarded: &[String]) -> Vec<String> {
        let mut words: Vec<String> = self.toolchain.clone().into_iter().collect();
        words.push(self.command.clone());
        words.extend(forwarded.iter().chain(&self.arguments).cloned());
        if !self.trailing.is_empty() {
            words.push("--".to_owned());
            words.extend(self.trailing.iter().cloned());
        }
        words
    }

    /// Returns the words for a cargo that builds the same units, runs nothing, and opens, fixes and
    /// prints nothing. `settings` are further arguments.
    pub(crate) fn rehearsal(&self, forwarded: &[String], settings: &[String]) -> Vec<String> {
        let mut words: Vec<String> = self.toolchain.clone().into_iter().collect();
        let (command, only_build) = match self.command.as_str() {
            "run" => ("build", None),
            command @ ("test" | "bench") => (command, Some("--no-run")),
            command => (command, None),
        };
        words.push(command.to_owned());
        let mut arguments = forwarded.iter().chain(&self.arguments);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--target-dir" | "--message-format" | "--color" => {
                    arguments.next();
                }
                "--open" | "--no-run" | "--fix" | "--allow-dirty" | "--allow-staged"
                | "--allow-no-vcs" | "--timings" | "--no-fail-fast" => {}
                other if is_left_out(other) => {}
                // The name filter of `cargo test` selects no targets.
                other => words.push(other.to_owned()),
            }
        }
        words.extend(only_build.map(str::to_owned));
        words.extend(settings.iter().cloned());
        let mut trailing = match self.command.as_str() {
            "clippy" | "rustc" => self.trailing.clone(),
            _ => Vec::new(),
        };
        if self.is_fix() {
            // Clippy adds this argument, and cargo compares Clippy's arguments.
            trailing.insert(0, "--no-deps".to_owned());
        }
        if !trailing.is_empty() {
            words.push("--".to_owned());
            words.extend(trailing);
        }
        words
    }

    /// Returns the name of the profile.
    pub(crate) fn profile(&self) -> String {
        let default = match self.command.as_str() {
            "bench" => "bench",
            _ => "dev",
        };
        let mut found = default.to_owned();
        let mut arguments = self.arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "-r" | "--release" => "release".clone_into(&mut found),
                "--profile" => found = arguments.next().cloned().unwrap_or(found),
                other => {
                    if let Some(named) = other.strip_prefix("--profile=") {
                        named.clone_into(&mut found);
                    }
                }
            }
        }
        found
    }

    /// Returns true if Clippy edits the sources. Cargo then builds selected packages although they
    /// are fresh.
    pub(crate) fn is_fix(&self) -> bool {
        self.is_clippy() && self.arguments.iter().any(|it| it == "--fix")
    }

    /// Returns true if Clippy checks the members.
    pub(crate) fn is_clippy(&self) -> bool {
        self.command == "clippy"
    }
}

fn is_left_out(argument: &str) -> bool {
    [
        "--target-dir=",
        "--message-format=",
        "--color=",
        "--timings=",
    ]
    .iter()
    .any(|start| argument.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_command_is_rehearsed_without_its_effects() {
        let forwarded = words("--offline");
        let settings = words("--target-dir /copy");
        let shown = [
            "",
            "check --workspace",
            "t -p a name -- --nocapture",
            "+nightly b -r --target-dir=x",
            "run --bin tool -- --help",
            "clippy --fix --allow-dirty -- -D warnings",
            "doc --open --target-dir here --color always",
            "bench",
            "rustc --profile ci -- --cfg x",
        ]
        .map(|line| {
            let invocation = Invocation::parse(&words(line)).unwrap();
            format!(
                "{line} => {} => {} ({})\n",
                invocation.words(&forwarded).join(" "),
                invocation.rehearsal(&forwarded, &settings).join(" "),
                invocation.profile()
            )
        });
        expect_test::expect![[r#"
             => check --offline => check --offline --target-dir /copy (dev)
            check --workspace => check --offline --workspace => check --offline --workspace --target-dir /copy (dev)
            t -p a name -- --nocapture => test --offline -p a name -- --nocapture => test --offline -p a name --no-run --target-dir /copy (dev)
            +nightly b -r --target-dir=x => +nightly build --offline -r --target-dir=x => +nightly build --offline -r --target-dir /copy (release)
            run --bin tool -- --help => run --offline --bin tool -- --help => build --offline --bin tool --target-dir /copy (dev)
            clippy --fix --allow-dirty -- -D warnings => clippy --offline --fix --allow-dirty -- -D warnings => clippy --offline --target-dir /copy -- --no-deps -D warnings (dev)
            doc --open --target-dir here --color always => doc --offline --open --target-dir here --color always => doc --offline --target-dir /copy (dev)
            bench => bench --offline => bench --offline --no-run --target-dir /copy (bench)
            rustc --profile ci -- --cfg x => rustc --offline --profile ci -- --cfg x => rustc --offline --profile ci --target-dir /copy -- --cfg x (ci)
        "#]]
        .assert_eq(&shown.concat().replace("(dev)\n\n", "(dev)\n"));
    }

    #[test]
    fn other_commands_are_refused() {
        for line in ["install x", "nextest run", "publish", "--workspace"] {
            assert!(Invocation::parse(&words(line)).is_err(), "{line}");
        }
    }
}
