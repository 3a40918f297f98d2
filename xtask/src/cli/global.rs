//! Arguments that every command has: how much is printed, and in which colours.

use std::sync::{Once, OnceLock};

use anstream::ColorChoice;
use clap::ArgAction;
use log::LevelFilter;
use xtask_impact::cargo_config::CargoConfig;
use xtask_impact::process::Runner;

use crate::cli::{logging, output};

// clap would use a plain doc comment as the help text of an `xtask` that flattens these arguments.
// clap does not read a doc comment that a macro builds.
#[doc = concat!(
    "The flags `-v`, `-q` and `--color`, for every command. An `xtask` that flattens ",
    "[`Command`](crate::Command) also flattens these flags with `#[command(flatten)]`, and calls ",
    "[`GlobalArgs::apply`] before it runs a command."
)]
#[derive(Clone, Debug, Default, clap::Args)]
pub struct GlobalArgs {
    /// Show commands and evidence; -vv shows more
    ///
    /// -vv also shows each changed path and refused record.
    #[arg(
        short,
        long,
        global = true,
        action = ArgAction::Count,
        help_heading = "Output",
        conflicts_with = "quiet"
    )]
    verbose: u8,
    /// Print only warnings and errors, no status and no notes
    #[arg(short, long, global = true, help_heading = "Output")]
    quiet: bool,
    /// Choose when to use colours [default: as cargo chooses]
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        hide_short_help = true,
        help_heading = "Output"
    )]
    color: Option<Color>,
}

/// The flags that [`GlobalArgs::apply`] applied.
static APPLIED: OnceLock<GlobalArgs> = OnceLock::new();

/// The choice of coloured or plain output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// Use colours on a terminal
    Auto,
    /// Always use colours
    Always,
    /// Never use colours
    Never,
}

impl GlobalArgs {
    /// Applies the flags to everything that the kit prints from now on.
    pub fn apply(&self) {
        drop(APPLIED.set(self.clone()));
        choose_colors(self.color);
        if self.quiet {
            output::be_quiet();
        }
        logging::start(level(self.verbose));
    }

    /// Returns the flags as arguments, for another process of the kit.
    pub(crate) fn as_arguments(&self) -> Vec<String> {
        let verbose = (0..self.verbose).map(|_| "-v");
        let quiet = self.quiet.then_some("-q");
        let color = self.color.map(Color::argument);
        let all = verbose.chain(quiet).chain(color);
        all.map(str::to_owned).collect()
    }
}

impl Color {
    /// Returns the argument of cargo and of the kit for this choice.
    fn argument(self) -> &'static str {
        match self {
            Self::Auto => "--color=auto",
            Self::Always => "--color=always",
            Self::Never => "--color=never",
        }
    }
}

/// Returns the applied flags as arguments, for another process of the kit.
pub(crate) fn forwarded() -> Vec<String> {
    APPLIED
        .get()
        .map_or_else(Vec::new, GlobalArgs::as_arguments)
}

/// Returns the applied `--color` as an argument, for a cargo that prints to the user. Returns
/// `None` if there is no such flag: cargo then chooses by its own rules.
pub(crate) fn forwarded_color() -> Option<&'static str> {
    Some(APPLIED.get()?.color?.argument())
}

/// Returns the level of records that are printed for a number of `-v`.
fn level(verbose: u8) -> LevelFilter {
    match verbose {
        0 => LevelFilter::Off,
        1 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    }
}

/// Chooses colours as cargo does, once: the flag overrides `CARGO_TERM_COLOR`, which overrides
/// `term.color` of the configuration. `auto` respects the terminal, `NO_COLOR` and
/// `CLICOLOR_FORCE`.
pub(crate) fn choose_colors(flag: Option<Color>) {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        let choice = match flag {
            Some(color) => Some(color),
            None => configured_color(),
        };
        match choice {
            Some(Color::Always) => ColorChoice::Always.write_global(),
            Some(Color::Never) => ColorChoice::Never.write_global(),
            Some(Color::Auto) | None => {}
        }
    });
}

/// Returns the choice of `CARGO_TERM_COLOR` or of `term.color`.
fn configured_color() -> Option<Color> {
    let configured = || {
        let config = CargoConfig::of(&Runner::new().ok()?).ok()?;
        Some(config.text(&["term", "color"]).ok()??.0)
    };
    match &*std::env::var("CARGO_TERM_COLOR").ok().or_else(configured)? {
        "always" => Some(Color::Always),
        "never" => Some(Color::Never),
        _ => None,
    }
}
