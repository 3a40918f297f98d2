//! The command line: the list of commands. Each command's file holds its arguments and a short
//! function over the core.
//!
//! Architecture invariant: this file holds no logic that a test would want to check.

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};
use xtask_impact::process;

use crate::cli::global::{self, GlobalArgs};
use crate::cli::lazy::Lazy;
use crate::cli::status::Status;
use crate::cli::{entry, help, output};
use crate::{
    affected, audit, cache, ci, clean, completions, doctor, explain, freshness, graph, hooks, init,
    policy, rebuilds, run, sweep, timings,
};

/// Build orchestration for Cargo monorepos.
#[derive(Debug, Parser)]
#[command(name = "xtask", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    globals: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

// clap would use a plain doc comment as the help text of an `xtask` that flattens these commands.
// clap does not read a doc comment that a macro builds.
#[doc = concat!(
    "The kit's commands. A monorepo with an `xtask` of its own flattens them into its own with ",
    "`#[command(flatten)]` and calls [`Command::main`]."
)]
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the dependency graph of the workspace
    Graph(Lazy<graph::Args>),
    /// List what a change affects: packages and units, with reasons
    Affected(Lazy<affected::Args>),
    /// Run a cargo command on what a change affects
    RunAffected(Lazy<run::Args>),
    /// Run a test binary, unless its package is left out
    #[command(hide = true)]
    RunTest(Lazy<run::TestArgs>),
    /// Remove the artifacts of affected units
    CleanAffected(Lazy<clean::Args>),
    /// Remove old artifacts until the build directories fit a size
    Sweep(Lazy<sweep::Args>),
    /// Install and run git hooks that check commits and pushes
    Hooks(Lazy<hooks::Args>),
    /// Show build settings, and find those that cause problems
    Policy(Lazy<policy::Args>),
    /// Measure a build, and compare it with earlier builds
    Timings(Lazy<timings::Args>),
    /// Set up a compiler cache, test that it works, and build with it
    Cache(Lazy<cache::Args>),
    /// Print a job matrix, a summary or a cache key for CI
    Ci(Lazy<ci::Args>),
    /// Find causes of unreliable caches and slow builds, with fixes
    Doctor(Lazy<doctor::Args>),
    /// Explain a build error, and invalidate the artifacts that cause it
    Explain(Lazy<explain::Args>),
    /// Keep restored artifacts fresh, and find stale ones
    Freshness(Lazy<freshness::Args>),
    /// Run a cargo command, and show what it rebuilt and why
    Rebuilds(Lazy<rebuilds::Args>),
    /// Compare the kit's answers with what cargo built
    Audit(Lazy<audit::Args>),
    /// Add an xtask crate with the kit's commands to this repository
    Init(Lazy<init::Args>),
    /// Print the completions for a shell
    Completions(Lazy<completions::Args>),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// Returns an error if the command fails. [`Status::of`] gives the exit status of the error.
    pub fn run(self) -> Result<Status> {
        match self {
            Self::Graph(Lazy(args)) => graph::run(&args),
            Self::Affected(Lazy(args)) => affected::run(&args),
            Self::RunAffected(Lazy(mut args)) => run::run(&mut args),
            Self::RunTest(Lazy(args)) => run::run_test(&args),
            Self::CleanAffected(Lazy(args)) => clean::run(&args),
            Self::Sweep(Lazy(args)) => sweep::run(&args),
            Self::Hooks(Lazy(args)) => hooks::run(&args, &doctor::all_checks()),
            Self::Policy(Lazy(args)) => policy::run(&args, &doctor::all_checks()),
            Self::Timings(Lazy(args)) => timings::run(&args),
            Self::Cache(Lazy(args)) => cache::run(&args, &doctor::lint_cache),
            Self::Ci(Lazy(args)) => ci::run(&args),
            Self::Doctor(Lazy(args)) => doctor::run(&args, &hooks::replaced),
            Self::Explain(Lazy(args)) => explain::run(&args, &doctor::all_checks()),
            Self::Freshness(Lazy(args)) => freshness::run(&args),
            Self::Rebuilds(Lazy(args)) => rebuilds::run(&args),
            Self::Audit(Lazy(args)) => audit::run(&args),
            Self::Init(Lazy(args)) => init::run(&args),
            Self::Completions(Lazy(args)) => completions::run(&args),
        }
    }

    /// Runs the command, prints the error if the command failed, and returns the exit status.
    pub fn main(self) -> ExitCode {
        global::choose_colors(None);
        let result = process::clean_up_at_the_end().and_then(|()| self.run());
        let status = result.unwrap_or_else(|error| {
            output::error(&error);
            // The signal may be the cause of the failure.
            match process::signal_received() {
                Some(signal) => Status::Forwarded(process::status_of(signal)),
                None => Status::of(&error),
            }
        });
        status.into()
    }
}

/// Returns the command line of the binary `xtask`, for man pages and for the reference.
pub fn command() -> clap::Command {
    help::prepared(Cli::command())
}

/// Parses the command line and runs the command. The binary `xtask` does nothing else.
pub fn main() -> ExitCode {
    let cli: Cli = entry::parse();
    cli.globals.apply();
    cli.command.main()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    /// Tasks of a monorepo.
    #[derive(Parser)]
    #[expect(clippy::large_enum_variant, reason = "no value of it is made")]
    enum Own {
        #[command(flatten)]
        Kit(Command),
        /// Release the packages
        Release,
    }

    #[derive(Parser)]
    struct WithGlobals {
        #[command(flatten)]
        globals: crate::GlobalArgs,
        #[command(subcommand)]
        task: Own,
    }

    #[derive(Parser)]
    enum Silent {
        #[command(flatten)]
        Kit(Command),
    }

    /// A flag that has no effect on a command is refused.
    #[test]
    fn flags_without_effect_are_refused() {
        let listed = |line: &str| {
            let line = line.split(' ').map(|word| word.replace("EMPTY", ""));
            match Cli::try_parse_from(["xtask".to_owned()].into_iter().chain(line)) {
                Ok(cli) => format!("{:#}\n", cli.command.run().unwrap_err()),
                Err(error) => error.to_string().lines().next().unwrap().to_owned() + "\n",
            }
        };
        let all = [
            "audit --file nope",
            "audit --commits 2 --base main",
            "audit --ci",
            "timings --file nope",
            "timings --clean workspace --since main",
            "timings --import page.html --all",
            "affected --ci --head HEAD",
            "affected --last-success x --head HEAD",
            "affected --target EMPTY",
            "graph --target EMPTY",
            "timings --file nope show",
        ];
        let listed = all.map(listed).concat();
        expect_test::expect![[r#"
            --file cannot be used for a replay, which takes the change of each commit
            hint: choose commits with --head and --commits, or compare one build with --against
            --base cannot be used for a replay, which takes the change of each commit
            hint: choose commits with --head and --commits, or compare one build with --against
            --ci cannot be used for a replay, which takes the change of each commit
            hint: choose commits with --head and --commits, or compare one build with --against
            --file has an effect only with --clean affected
            hint: add --clean affected, which removes the artifacts of affected units before the build
            --since has an effect only with --clean affected
            hint: add --clean affected, which removes the artifacts of affected units before the build
            --all has an effect only with --clean affected
            hint: add --clean affected, which removes the artifacts of affected units before the build
            error: the argument '--ci' cannot be used with '--head <REV>'
            error: the argument '--last-success <REV>' cannot be used with '--head <REV>'
            --target is empty
            hint: check that the variable in your script is set
            --target is empty
            hint: check that the variable in your script is set
            error: unexpected argument 'show' found
        "#]].assert_eq(&listed);
    }

    /// Returns the global flags of a command line, as they are passed on; the first line of the error
    /// if there is one.
    fn globals_of(line: &str) -> String {
        let words = std::iter::once("xtask").chain(line.split_whitespace());
        match entry::try_parse::<Cli>(words.map(OsString::from)) {
            Ok(cli) => cli.globals.as_arguments().join(" "),
            Err(error) => error.to_string().lines().next().unwrap().to_owned(),
        }
    }

    #[test]
    fn global_flags_stand_before_or_after_the_command_and_not_behind_the_dashes() {
        let all = [
            "affected",
            "-v affected",
            "affected -v",
            "-vv hooks run pre-commit",
            "affected --verbose -v --color always",
            "--color=never ci matrix -q",
            "run-affected test -q -- -v --color always",
            "timings -- -q",
            "hooks run pre-push -- -v",
            "run-test --without a -- test -q -v",
            "affected -v -q",
            "-q affected -v",
            "affected --color green",
        ];
        let shown = all.map(|line| format!("{line} => {}\n", globals_of(line)));
        expect_test::expect![[r#"
            affected => 
            -v affected => -v
            affected -v => -v
            -vv hooks run pre-commit => -v -v
            affected --verbose -v --color always => -v -v --color=always
            --color=never ci matrix -q => -q --color=never
            run-affected test -q -- -v --color always => -q
            timings -- -q => 
            hooks run pre-push -- -v => 
            run-test --without a -- test -q -v => 
            affected -v -q => error: the argument '--verbose...' cannot be used with '--quiet'
            -q affected -v => error: the argument '--quiet' cannot be used with '--verbose...'
            affected --color green => error: invalid value 'green' for '--color <WHEN>'
        "#]]
        .assert_eq(&shown.concat());
    }

    #[test]
    fn a_custom_xtask_keeps_its_own_help() {
        let about = |command: clap::Command| {
            let about = [command.get_about(), command.get_long_about()];
            about.map(|text| text.map(ToString::to_string))
        };
        assert_eq!(
            about(Own::command())[0].as_deref(),
            Some("Tasks of a monorepo")
        );
        assert_eq!(about(Silent::command()), [None, None]);
        let with_globals = about(WithGlobals::command());
        assert_eq!(with_globals[0].as_deref(), Some("Tasks of a monorepo"));
        let own = WithGlobals::try_parse_from(["xtask", "release", "-q"]).unwrap();
        assert!(matches!(own.task, Own::Release));
        assert_eq!(own.globals.as_arguments(), ["-q"]);
    }
}
