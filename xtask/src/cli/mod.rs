//! The command line: one file a command, each its arguments and a short function over the core.
//!
//! Architecture invariant: nothing is decided here that a test would want to see.

pub mod affected;
pub mod args;
pub mod audit;
pub mod ci;
pub mod clean_affected;
pub mod doctor;
mod findings;
pub mod graph;
pub mod hooks;
pub mod policy;
pub mod run_affected;
mod selected;
pub mod timings;

use std::process::ExitCode;
use std::sync::Once;

use anstream::ColorChoice;
use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::error::Status;
use crate::process::{self, Runner};
use crate::render;
use crate::repo::cargo_config::CargoConfig;

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

// clap takes a plain doc comment for the help of the `xtask` that flattens these commands; it does
// not look into a macro.
#[doc = concat!(
    "The kit's commands. A monorepo with an `xtask` of its own flattens them into its own with ",
    "`#[command(flatten)]` and calls [`Command::main`]."
)]
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the workspace's dependency graph
    Graph(graph::Args),
    /// Name what a change makes cargo build again, and why
    Affected(affected::Args),
    /// Run a cargo command on exactly what a change affects
    RunAffected(run_affected::Args),
    /// Run a test, unless it is one that was only built
    #[command(hide = true)]
    RunTest(run_affected::TestArgs),
    /// Remove the artifacts of what a change affects
    CleanAffected(clean_affected::Args),
    /// Check what is committed and pushed, by git's hooks
    Hooks(hooks::Args),
    /// Show how this repository builds, and find what departs from it
    Policy(policy::Args),
    /// Measure a build with cargo's --timings, keep it, and compare it with others
    Timings(timings::Args),
    /// Answer what continuous integration asks: jobs, a summary, a cache's key
    Ci(ci::Args),
    /// Look for what makes caches lie or builds slow, and say how to mend it
    Doctor(doctor::Args),
    /// Replay the repository's history and hold every answer against cargo
    Audit(audit::Args),
}

impl Command {
    /// Does what was asked.
    ///
    /// # Errors
    /// What went wrong; [`Status::of`] gives the exit status it stands for.
    pub fn run(self) -> Result<Status> {
        match self {
            Self::Graph(args) => graph::run(&args),
            Self::Affected(args) => affected::run(&args),
            Self::RunAffected(args) => run_affected::run(&args),
            Self::RunTest(args) => run_affected::run_test(&args),
            Self::CleanAffected(args) => clean_affected::run(&args),
            Self::Hooks(args) => hooks::run(&args),
            Self::Policy(args) => policy::run(&args),
            Self::Timings(args) => timings::run(&args),
            Self::Ci(args) => ci::run(&args),
            Self::Doctor(args) => doctor::run(&args),
            Self::Audit(args) => audit::run(&args),
        }
    }

    /// Does what was asked, says what went wrong, and gives the status to end with.
    pub fn main(self) -> ExitCode {
        choose_colours();
        let result = process::clean_up_at_the_end().and_then(|()| self.run());
        let status = result.unwrap_or_else(|error| {
            render::error(&error);
            // What failed then may have failed because of the signal.
            match process::signal_received() {
                Some(signal) => Status::Forwarded(process::status_of(signal)),
                None => Status::of(&error),
            }
        });
        status.into()
    }
}

/// The status of a check, which may have found something.
fn verdict(has_found: bool) -> Status {
    match has_found {
        true => Status::Found,
        false => Status::Done,
    }
}

/// Uses colours as cargo does: `CARGO_TERM_COLOR` goes before `term.color` of the configuration,
/// and `auto` heeds the terminal, `NO_COLOR` and `CLICOLOR_FORCE`.
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

/// The whole of the binary.
pub fn main() -> ExitCode {
    choose_colours();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            // Clap repeats what was given to it.
            render::plain(error.render().ansi().to_string().trim_end());
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
        /// A task of its own
        Release,
    }

    #[derive(Parser)]
    enum Silent {
        #[command(flatten)]
        Kit(Command),
    }

    /// No flag that a command does not heed is taken without a word.
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
            --file has no effect on a replay, which takes the change of each commit
            hint: choose commits by --head and --commits, or hold one answer against a build by --against
            --base has no effect on a replay, which takes the change of each commit
            hint: choose commits by --head and --commits, or hold one answer against a build by --against
            --ci has no effect on a replay, which takes the change of each commit
            hint: choose commits by --head and --commits, or hold one answer against a build by --against
            --file has an effect only with --clean affected
            hint: add --clean affected, so that what the change affects is removed before the build
            --since has an effect only with --clean affected
            hint: add --clean affected, so that what the change affects is removed before the build
            --all has an effect only with --clean affected
            hint: add --clean affected, so that what the change affects is removed before the build
            error: the argument '--ci' cannot be used with '--head <REV>'
            error: the argument '--last-success <REV>' cannot be used with '--head <REV>'
            --target is empty
            hint: is the variable in your script set?
            --target is empty
            hint: is the variable in your script set?
            error: unexpected argument 'show' found
        "#]].assert_eq(&told);
    }

    #[test]
    fn the_help_of_an_own_xtask_is_its_own() {
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
