//! The start of the kit: the name that the user typed, and the parser of the command line.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process;
use std::sync::OnceLock;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command, Parser, ValueEnum as _};
use xtask_impact::process as programs;

use crate::cli::global::{self, Color};
use crate::cli::status::Status;
use crate::cli::{completion, help, help_wrap, lazy, output};

/// The kinds of messages that are a help text.
const HELP: ErrorKind = ErrorKind::DisplayHelp;
const HELP_WITHOUT_COMMAND: ErrorKind = ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;

/// The exit status of wrong use.
const WRONG_USE: i32 = 2;

/// The exit status of a program that cannot be started or that a signal ended.
const FAILED: i32 = 3;

/// Parses the command line of an `xtask`. The usage shows the name that the user typed: `cargo
/// xtask` or `xtask`. If the command line is wrong, prints the error and ends with exit status 2.
/// If the command line asks for help or for the version, prints them and ends with exit status 0.
pub fn parse<C: Parser>() -> C {
    completion::answer::<C>();
    if let Some(toolchain) = toolchain_of(std::env::args_os()) {
        start_again_with(&toolchain);
    }
    try_parse(std::env::args_os()).unwrap_or_else(|error| {
        global::choose_colors(color_of(std::env::args_os()));
        let mut message = error.render().ansi().to_string();
        if matches!(error.kind(), HELP | HELP_WITHOUT_COMMAND) {
            message = help_wrap::wrapped(&message);
        }
        if !error.use_stderr() {
            let printed = output::colored_data(&message);
            process::exit(if printed.is_ok() { 0 } else { FAILED });
        }
        // The message repeats arguments of the user, so it is printed as untrusted text.
        output::plain(message.trim_end());
        process::exit(WRONG_USE)
    })
}

/// Returns the toolchain in front of the command, as in `cargo +nightly check`.
fn toolchain_of(mut arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let first = arguments.nth(1)?;
    let named = first.to_str()?.strip_prefix('+')?;
    (!named.is_empty()).then(|| named.to_owned())
}

/// Starts the kit again with a toolchain, in the environment that rustup makes for `+TOOLCHAIN`.
fn start_again_with(toolchain: &str) -> ! {
    let arguments: Vec<OsString> = std::env::args_os().skip(2).collect();
    let status = match programs::with_toolchain(toolchain, &arguments) {
        Ok(status) => status.code().unwrap_or(FAILED),
        Err(error) => {
            global::choose_colors(color_of(std::env::args_os()));
            output::error(&error);
            match Status::of(&error) {
                Status::Usage => WRONG_USE,
                _ => FAILED,
            }
        }
    };
    process::exit(status)
}

/// Parses a command line.
///
/// # Errors
/// Returns the errors of clap.
pub(crate) fn try_parse<C: Parser>(
    arguments: impl Iterator<Item = OsString>,
) -> Result<C, clap::Error> {
    let arguments: Vec<OsString> = arguments.collect();
    if let Some(parsed) = parse_typed(&arguments) {
        return Ok(parsed);
    }
    let mut command = help::prepared_for(C::command(), &arguments).bin_name(name());
    let mut matches = command
        .try_get_matches_from_mut(&arguments)
        .map_err(|error| with_tip(error, &command, &arguments))?;
    if is_contradictory(&matches) {
        let message = "the argument '--quiet' cannot be used with '--verbose...'";
        return Err(command.error(ErrorKind::ArgumentConflict, message));
    }
    C::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Parses a command line with the arguments of the typed commands alone. Returns `None` if the
/// command line is wrong, asks for help, or names a command by a part of its name.
fn parse_typed<C: Parser>(arguments: &[OsString]) -> Option<C> {
    let command = lazy::typed_only(arguments, C::command);
    let command = help::prepared_for(command, arguments).bin_name(name());
    let mut matches = command.try_get_matches_from(arguments).ok()?;
    if is_contradictory(&matches) || !lazy::is_complete(&matches, arguments) {
        return None;
    }
    C::from_arg_matches_mut(&mut matches).ok()
}

/// Adds a tip to the error about a word that the command does not take: the option that has the
/// word as a value (`affected check`: `--verb check`), or the place behind `--`.
fn with_tip(mut error: clap::Error, command: &Command, arguments: &[OsString]) -> clap::Error {
    let word = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) if error.kind() == ErrorKind::UnknownArgument => word,
        _ => return error,
    };
    let typed = arguments.iter().skip(1).take_while(|it| **it != **word);
    let command = typed.fold(command, |command, name| {
        command.find_subcommand(name).unwrap_or(command)
    });
    let takes = |it: &&Arg| {
        let values = it.get_possible_values();
        it.get_action().takes_values() && values.iter().any(|value| value.get_name() == word)
    };
    let option = command.get_opts().find(takes).and_then(Arg::get_long);
    let is_forwarded = command.get_positionals().any(Arg::is_last_set);
    let tip = match option {
        Some(option) => format!("write '--{option} {word}'"),
        None if is_forwarded && !word.starts_with('-') => {
            format!("write '-- {word}' to pass it to cargo")
        }
        None => return error,
    };
    let tips = vec![StyledStr::from(tip)];
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    error
}

/// Returns true if `-q` and `-v` are at different places of the command line, as in
/// `-q affected -v`. Clap refuses them only at the same place.
fn is_contradictory(matches: &ArgMatches) -> bool {
    let quiet = matches.try_get_one::<bool>("quiet").ok().flatten();
    let verbose = matches.try_get_one::<u8>("verbose").ok().flatten();
    quiet.is_some_and(|it| *it) && verbose.is_some_and(|it| *it > 0)
}

/// Returns the name by which the user can start the kit: `cargo xtask` if cargo started the kit, or
/// if the kit lies in a target directory; the name of the executable otherwise.
pub(crate) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| match cfg!(test) {
        true => "cargo xtask".to_owned(),
        false => {
            let typed = std::env::args_os().next().unwrap_or_default();
            name_of(&typed, std::env::var_os("CARGO_PKG_NAME").is_some())
        }
    })
}

/// Returns the name of the kit without `cargo`: the name of the alias, or of the executable.
pub(crate) fn program() -> &'static str {
    name().rsplit(' ').next().unwrap_or("xtask")
}

/// Returns the name for the first word of a command line. `is_in_cargo` is true in a process that
/// cargo started.
fn name_of(typed: &OsStr, is_in_cargo: bool) -> String {
    let path = Path::new(typed);
    let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or("xtask");
    // A name without a directory was found on `PATH`.
    let is_on_path = path.parent().is_none_or(|it| it.as_os_str().is_empty());
    // Cargo keeps its lock in the directory of the binaries that cargo built.
    let locks = [".cargo-lock", ".cargo-artifact-lock"];
    let is_in_target = locks.iter().any(|lock| path.with_file_name(lock).exists());
    match !is_on_path && (is_in_cargo || is_in_target) {
        true => format!("cargo {stem}"),
        false => stem.to_owned(),
    }
}

/// Returns a message with the name that the user typed. Messages of the kit name the kit as `cargo
/// xtask`, in backticks or behind a pipe.
pub(crate) fn with_name(message: &str) -> Cow<'_, str> {
    named(message, name())
}

fn named<'a>(message: &'a str, typed: &str) -> Cow<'a, str> {
    if typed == "cargo xtask" || !message.contains("cargo xtask ") {
        return message.into();
    }
    let message = message.replace("`cargo xtask ", &format!("`{typed} "));
    message
        .replace("| cargo xtask ", &format!("| {typed} "))
        .into()
}

/// Returns the `--color` of a command line that is wrong elsewhere, or that asks for help.
fn color_of(arguments: impl Iterator<Item = OsString>) -> Option<Color> {
    let words = arguments.map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.take_while(|word| word != "--").collect();
    let mut values = words.iter().enumerate().filter_map(|(at, word)| {
        let behind = word.strip_prefix("--color")?;
        match behind.is_empty() {
            true => words.get(at + 1).map(String::as_str),
            false => behind.strip_prefix('='),
        }
    });
    Color::from_str(values.next_back()?, true).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_one_that_was_typed() {
        let directory = tempfile::tempdir().unwrap();
        let built = directory.path().join("xtask");
        std::fs::write(directory.path().join(".cargo-lock"), "").unwrap();
        let all = [
            (OsStr::new("xtask"), false),
            (OsStr::new("xtask"), true),
            (OsStr::new("/home/me/.cargo/bin/xtask"), false),
            (OsStr::new("/repo/target/debug/kit"), true),
            (built.as_os_str(), false),
        ];
        assert_eq!(
            all.map(|(typed, is_in_cargo)| name_of(typed, is_in_cargo)),
            ["xtask", "xtask", "xtask", "cargo kit", "cargo xtask"]
        );
        #[cfg(windows)]
        assert_eq!(name_of(OsStr::new("xtask.exe"), false), "xtask");
    }

    #[test]
    fn a_message_names_the_kit_as_it_was_typed() {
        let message = "run `cargo xtask doctor`, or `cargo check 2>&1 | cargo xtask explain -`";
        assert_eq!(named(message, "cargo xtask"), message);
        let expected = "run `kit doctor`, or `cargo check 2>&1 | kit explain -`";
        assert_eq!(named(message, "kit"), expected);
        assert_eq!(named("crates/cargo xtask x", "kit"), "crates/cargo xtask x");
    }

    #[test]
    fn a_toolchain_stands_in_front_of_the_command() {
        let of = |line: &str| toolchain_of(line.split_whitespace().map(OsString::from));
        assert_eq!(of("xtask +nightly affected").as_deref(), Some("nightly"));
        assert_eq!(of("xtask affected +nightly"), None);
        assert_eq!(of("xtask + affected"), None);
        assert_eq!(of("xtask"), None);
    }

    #[test]
    fn a_value_without_its_option_is_explained() {
        #[derive(clap::ValueEnum, Clone, Debug)]
        enum Verb {
            Check,
        }
        #[derive(Debug, Parser)]
        enum Line {
            Affected {
                #[arg(long)]
                verb: Option<Verb>,
            },
            Rebuilds {
                #[arg(last = true)]
                arguments: Vec<String>,
            },
        }
        let tip = |line: &str| {
            let words = line.split(' ').map(OsString::from);
            let error = try_parse::<Line>(words).unwrap_err().to_string();
            let tip = error.lines().find_map(|it| it.trim().strip_prefix("tip: "));
            tip.map(str::to_owned)
        };
        assert_eq!(
            tip("x affected check").as_deref(),
            Some("write '--verb check'")
        );
        assert_eq!(tip("x affected main"), None);
        assert_eq!(
            tip("x rebuilds check").as_deref(),
            Some("write '-- check' to pass it to cargo")
        );
    }

    #[test]
    fn a_wrong_command_line_is_refused_in_the_chosen_colours() {
        let of = |line: &str| color_of(line.split_whitespace().map(OsString::from));
        assert_eq!(of("xtask affected --nope"), None);
        assert_eq!(of("xtask --color never nope"), Some(Color::Never));
        assert_eq!(
            of("xtask affected --nope --color=always"),
            Some(Color::Always)
        );
        assert_eq!(of("xtask --color green"), None);
        assert_eq!(of("xtask run-affected test --nope -- --color always"), None);
    }
}
