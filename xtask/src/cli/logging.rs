//! The logger of `-v`: prints what the engine logs, a line for each record.
//!
//! Architecture invariant: a line contains nothing that a terminal or the log of a CI service would
//! act on, so a user can paste the lines into a bug report.

use std::fmt::Display;

use clap::builder::styling::{AnsiColor, Style};
use log::{Level, LevelFilter, Log, Metadata, Record};
use xtask_impact::quote;

use crate::cli::output;

/// Prints records of this level and of more severe levels from now on. An `xtask` with its own
/// logger keeps this logger and its levels.
pub(crate) fn start(level: LevelFilter) {
    if level != LevelFilter::Off && log::set_logger(&Logger).is_ok() {
        log::set_max_level(level);
    }
}

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata.target())
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            output::log_line(&line(record.level(), record.args()));
        }
    }

    fn flush(&self) {}
}

/// Returns true if a record comes from the kit or from the engine.
fn is_ours(target: &str) -> bool {
    let name = target.split("::").next();
    matches!(name, Some("xtask_impact" | "xtask_kit"))
}

/// Returns the line for a record: the level, in its colour, and the message on one line.
fn line(level: Level, message: &dyn Display) -> String {
    let style = match level {
        Level::Error | Level::Warn => AnsiColor::Yellow.on_default(),
        Level::Info => AnsiColor::Blue.on_default(),
        Level::Debug | Level::Trace => Style::new().dimmed(),
    };
    let name = level.as_str().to_ascii_lowercase();
    let message = message.to_string();
    format!("{style}{name}{style:#}: {}", quote::line(&message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_that_no_terminal_obeys() {
        let shown = |level, message: &str| {
            let line = line(level, &message);
            anstream::adapter::strip_str(&line).to_string()
        };
        let all = [
            shown(Level::Info, "ran `git status`: status 0, 3ms"),
            shown(Level::Debug, "two\nlines"),
            shown(Level::Debug, "\x1b]0;title\x07"),
            shown(Level::Info, "##[error]file"),
            shown(Level::Warn, "doubt"),
        ];
        expect_test::expect![[r#"
            info: ran `git status`: status 0, 3ms
            debug: two\nlines
            debug: \033]0;title\a
            info: #\043[error]file
            warn: doubt"#]]
        .assert_eq(&all.join("\n"));
    }

    #[test]
    fn the_level_is_coloured_and_the_message_is_not() {
        assert_eq!(line(Level::Info, &"a b"), "\x1b[34minfo\x1b[0m: a b");
    }

    #[test]
    fn only_records_of_the_kit_and_the_engine_are_printed() {
        let targets = [
            "xtask_impact::process",
            "xtask_kit",
            "xtask_impact_other::process",
            "hyper",
            "",
        ];
        assert_eq!(targets.map(is_ours), [true, true, false, false, false]);
    }
}
