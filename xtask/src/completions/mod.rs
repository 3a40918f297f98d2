//! The command `completions`: prints the lines that make a shell complete the kit's command line.

use anyhow::{Context as _, Result};
use clap_complete::env::Shells;

use crate::cli::status::Status;
use crate::cli::{entry, output};

/// Examples of the command, for `--help`.
const EXAMPLES: &str = "Examples:
  cargo xtask completions bash                      for ~/.bashrc: source <(xtask completions bash)
  cargo xtask completions fish                      for ~/.config/fish/completions/xtask.fish";

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Print the completions for this shell
    #[arg(value_enum)]
    shell: Shell,
}

/// A shell that the kit has completions for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Shell {
    /// Print completions for ~/.bashrc
    Bash,
    /// Print completions for an elvish module
    Elvish,
    /// Print completions for a fish completion file
    Fish,
    /// Print completions for the profile of PowerShell
    Powershell,
    /// Print completions for ~/.zshrc
    Zsh,
}

impl Shell {
    /// Returns the name of the shell.
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<Status> {
    output::data(&registration(args.shell, &started_as())?)?;
    Ok(Status::Done)
}

/// Returns the program that the shell starts for each completion: the name, if the kit is on
/// `PATH`, or else the path of the executable.
fn started_as() -> String {
    let typed = std::env::args().next().unwrap_or_default();
    match std::env::current_exe() {
        Ok(path) if typed.contains(['/', '\\']) => path.display().to_string(),
        _ => typed,
    }
}

/// Returns the lines that make a shell complete the command with the name of the kit.
fn registration(shell: Shell, program: &str) -> Result<String> {
    let shells = Shells::builtins();
    let name = shell.name();
    let completer = shells.completer(name).context("the shell is unknown")?;
    let mut lines = Vec::new();
    let command = entry::program();
    completer.write_registration("COMPLETE", command, command, program, &mut lines)?;
    String::from_utf8(lines).context("the lines are not UTF-8")
}

#[test]
fn every_shell_gets_lines_that_start_the_kit() {
    use clap::ValueEnum as _;

    for shell in Shell::value_variants() {
        let lines = registration(*shell, "/opt/bin/xtask").unwrap();
        assert!(lines.contains("/opt/bin/xtask"), "{lines}");
        assert!(lines.contains("COMPLETE"), "{lines}");
    }
}
