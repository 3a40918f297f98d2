//! The parts of the command line that every command gets: the short form `--json`, and the name
//! that the user typed.

use std::ffi::OsString;

use clap::builder::ArgPredicate;
use clap::{Arg, ArgAction, Command};

use crate::cli::{entry, examples};

/// Returns a command line with the parts that every command of the kit gets.
pub(crate) fn prepared(command: Command) -> Command {
    with_usage(below("", command, &|_| true))
}

/// Returns a command line with the parts that every command gets. If the user typed the names of
/// commands, only these commands get the parts, because that takes a third of the kit's start.
pub(crate) fn prepared_for(command: Command, typed: &[OsString]) -> Command {
    let is_typed = |name: &str| typed.iter().any(|word| word == name);
    let is_known = command.get_subcommands().any(|it| is_typed(it.get_name()));
    match is_known {
        true => with_usage(below("", command, &is_typed)),
        false => prepared(command),
    }
}

/// Returns a command line whose usage shows `+TOOLCHAIN`, if it has the kit's commands.
fn with_usage(command: Command) -> Command {
    let usage = format!("{} [+TOOLCHAIN] [OPTIONS] <COMMAND>", entry::name());
    match command.find_subcommand("affected").is_some() {
        true => command.override_usage(usage),
        false => command,
    }
}

/// Returns a command with the parts that every command gets, also in its needed subcommands. `path`
/// has the words of the command behind the kit's name.
fn below(path: &str, command: Command, is_needed: &dyn Fn(&str) -> bool) -> Command {
    let command = with_json(command);
    let own = command.get_after_long_help().map(ToString::to_string);
    let examples = own.map(|it| named(&it));
    let command = match examples.or_else(|| examples::of(path, entry::name(), &command)) {
        Some(text) => command.after_long_help(text),
        None => command,
    };
    let names = command.get_subcommands().map(Command::get_name);
    let needed: Vec<String> = names
        .filter(|name| is_needed(name))
        .map(str::to_owned)
        .collect();
    needed.iter().fold(command, |command, name| {
        let path = format!("{path} {name}");
        command.mut_subcommand(name, |it| below(path.trim_start(), it, is_needed))
    })
}

/// Returns examples with the name that the user typed.
fn named(examples: &str) -> String {
    let name = entry::name();
    let lines = examples
        .lines()
        .map(|line| match line.strip_prefix("  cargo xtask ") {
            Some(rest) => format!("  {name} {rest}"),
            None => line.replace("| cargo xtask ", &format!("| {name} ")),
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// Adds `--json` to a command that has `--format json`.
fn with_json(command: Command) -> Command {
    let is_json = |format: &Arg| {
        let values = format.get_possible_values();
        values.iter().any(|value| value.get_name() == "json")
    };
    let has = |name: &str| command.get_arguments().find(|it| it.get_id() == name);
    if has("json").is_some() || !has("format").is_some_and(is_json) {
        return command;
    }
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .conflicts_with("format")
        .help_heading(None::<&str>)
        .help("Same as --format json");
    command.arg(json).mut_arg("format", |format| {
        format.default_value_if("json", ArgPredicate::Equals("true".into()), "json")
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
    enum Format {
        #[default]
        Text,
        Json,
    }

    #[derive(Debug, Parser)]
    struct Line {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    }

    #[test]
    fn json_is_short_for_the_format() {
        let format = |words: &[&str]| {
            let words = ["x"].iter().chain(words).map(std::ffi::OsString::from);
            let line = entry::try_parse::<Line>(words);
            line.map(|line| line.format).map_err(|error| error.kind())
        };
        assert_eq!(format(&[]), Ok(Format::Text));
        assert_eq!(format(&["--json"]), Ok(Format::Json));
        assert_eq!(format(&["--format", "json"]), Ok(Format::Json));
        let conflict = clap::error::ErrorKind::ArgumentConflict;
        assert_eq!(format(&["--json", "--format", "text"]), Err(conflict));
    }
}
