//! The command line: the list of commands. Each command's file holds its arguments and a short
//! function over the core.
//!
//! Architecture invariant: this file holds no logic that a test would want to check.

use crate::affected;
use crate::audit;
use crate::ci;
use crate::clean;
use crate::doctor;
use crate::graph;
use crate::hooks;
use crate::policy;
use crate::run;
use crate::timings;
use std::process::ExitCode;
use std::sync::Once;

use anstream::ColorChoice;
use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::cli::output;
use xtask_impact::cargo_config::CargoConfig;
use xtask_impact::error::Status;
use xtask_impact::process;
use xtask_impact::process::Runner;

/// Build orchestration for Cargo monorepos.
#[derive(Debug, Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
    version,
    about,
    max_term_width = 100
)]
struct Cli {
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
    Graph(graph::Args),
    /// List the packages and units that a change affects, with the reasons
    Affected(affected::Args),
    /// Run a cargo command on the packages and targets that a change affects
    RunAffected(run::Args),
    /// Run a test binary, unless its package is left out
    #[command(hide = true)]
    RunTest(run::TestArgs),
    /// Remove the artifacts of affected units
    CleanAffected(clean::Args),
    /// Install, remove and run git hooks that check commits and pushes
    Hooks(hooks::Args),
    /// Show the build configuration, and check it against the policy of the repository
    Policy(policy::Args),
    /// Measure a build, keep the result, and compare it with earlier builds
    Timings(timings::Args),
    /// Print the job matrix, the summary or the cache key for a CI service
    Ci(ci::Args),
    /// Find causes of stale caches and slow builds, with a fix for each
    Doctor(doctor::Args),
    /// Compare predictions with what cargo built, for the last commits or one build
    Audit(audit::Args),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// Returns an error if the command fails. [`Status::of`] gives the exit status of the error.
    pub fn run(self) -> Result<Status> {
        match self {
            Self::Graph(args) => graph::run(&args),
            Self::Affected(args) => affected::run(&args),
            Self::RunAffected(args) => run::run(&args),
            Self::RunTest(args) => run::run_test(&args),
            Self::CleanAffected(args) => clean::run(&args),
            Self::Hooks(args) => hooks::run(&args, &doctor::all_checks()),
            Self::Policy(args) => policy::run(&args, &doctor::all_checks()),
            Self::Timings(args) => timings::run(&args),
            Self::Ci(args) => ci::run(&args),
            Self::Doctor(args) => doctor::run(&args, &hooks::replaced),
            Self::Audit(args) => audit::run(&args),
        }
    }

    /// Runs the command, prints the error if the command failed, and returns the exit status.
    pub fn main(self) -> ExitCode {
        choose_colours();
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

/// Chooses colours as cargo does: `CARGO_TERM_COLOR` overrides `term.color` of the configuration,
/// and `auto` respects the terminal, `NO_COLOR` and `CLICOLOR_FORCE`.
fn choose_colours() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        let configured = || {
            let config = CargoConfig::of(&Runner::new().ok()?).ok()?;
            Some(config.text(&["term", "color"]).ok()??.0)
        };
        let chosen = std::env::var("CARGO_TERM_COLOR").ok().or_else(configured);
        match chosen.as_deref() {
            Some("always") => ColorChoice::Always.write_global(),
            Some("never") => ColorChoice::Never.write_global(),
            _ => {}
        }
    });
}

/// Parses the command line and runs the command. The binary `xtask` does nothing else.
pub fn main() -> ExitCode {
    choose_colours();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            // The message repeats arguments of the user, so it is printed as untrusted text.
            output::plain(error.render().ansi().to_string().trim_end());
            return Status::Usage.into();
        }
    };
    cli.command.main()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

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
    enum Silent {
        #[command(flatten)]
        Kit(Command),
    }

    /// A flag that has no effect on a command is refused.
    #[test]
    fn flags_without_effect_are_refused() {
        let told = |line: &str| {
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
        let told = all.map(told).concat();
        expect_test::expect![[r#"
            --file has no effect on a replay, which uses the change of each commit
            hint: choose commits with --head and --commits, or compare one build with --against
            --base has no effect on a replay, which uses the change of each commit
            hint: choose commits with --head and --commits, or compare one build with --against
            --ci has no effect on a replay, which uses the change of each commit
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
        "#]].assert_eq(&told);
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
    }
}
