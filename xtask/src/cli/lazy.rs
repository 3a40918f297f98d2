//! Arguments that clap learns only if their command was typed: the arguments of all commands take a
//! third of the kit's start.

use std::cell::RefCell;
use std::ffi::OsString;

use clap::{ArgMatches, Args, Command, FromArgMatches};

thread_local! {
    /// The words of the command line while only typed commands are needed.
    static TYPED: RefCell<Option<Vec<OsString>>> = const { RefCell::new(None) };
}

/// Arguments of a command that are left out of the command line while [`typed_only`] runs, unless
/// the name of the command was typed.
#[derive(Debug)]
pub struct Lazy<T>(pub(crate) T);

/// Calls `describe`, which makes a command line without the arguments of commands whose names are
/// not among these words.
pub(crate) fn typed_only(words: &[OsString], describe: impl FnOnce() -> Command) -> Command {
    TYPED.set(Some(words.to_owned()));
    let command = describe();
    TYPED.set(None);
    command
}

/// Returns true if the names of all commands that were found are among the words: no command was
/// found by an alias or by the start of its name, so the arguments of none were left out.
pub(crate) fn is_complete(matches: &ArgMatches, words: &[OsString]) -> bool {
    match matches.subcommand() {
        Some((name, inner)) => words.iter().any(|word| word == name) && is_complete(inner, words),
        None => true,
    }
}

fn is_needed(command: &Command) -> bool {
    TYPED.with_borrow(|typed| {
        let is_typed = |words: &Vec<OsString>| words.iter().any(|it| it == command.get_name());
        typed.as_ref().is_none_or(is_typed)
    })
}

impl<T: Args> Args for Lazy<T> {
    fn augment_args(command: Command) -> Command {
        match is_needed(&command) {
            true => T::augment_args(command),
            false => command,
        }
    }

    fn augment_args_for_update(command: Command) -> Command {
        T::augment_args_for_update(command)
    }
}

impl<T: FromArgMatches> FromArgMatches for Lazy<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }

    fn update_from_arg_matches_mut(&mut self, matches: &mut ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches_mut(matches)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, clap::Args)]
    struct OneFlag {
        #[arg(long)]
        flag: bool,
    }

    #[derive(Debug, Parser)]
    #[command(infer_subcommands = true)]
    enum Line {
        First(Lazy<OneFlag>),
        Second(Lazy<OneFlag>),
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn only_typed_commands_have_arguments() {
        use clap::CommandFactory as _;
        for (line, expected) in [
            ("x", [0, 0]),
            ("x first --flag", [1, 0]),
            ("x help second", [0, 1]),
        ] {
            let command = typed_only(&words(line), Line::command);
            let arguments = command
                .get_subcommands()
                .map(|it| it.get_arguments().count());
            assert_eq!(arguments.collect::<Vec<_>>(), expected, "{line}");
        }
        let all = Line::command();
        assert!(
            all.get_subcommands()
                .all(|it| it.get_arguments().count() == 1)
        );
    }

    #[test]
    fn a_command_that_was_typed_in_part_has_its_arguments() {
        for (line, expected) in [
            ("x first --flag", Some(true)),
            ("x fir --flag", Some(true)),
            ("x fir", Some(false)),
            ("x first --nope", None),
        ] {
            let parsed = crate::cli::entry::try_parse::<Line>(words(line).into_iter());
            let flag = parsed.ok().map(|line| match line {
                Line::First(Lazy(args)) | Line::Second(Lazy(args)) => args.flag,
            });
            assert_eq!(flag, expected, "{line}");
        }
    }
}
