//! Coloured text for terminals that can show it.
//!
//! ```
//! use screen::{Screen, Style};
//!
//! assert_eq!(Screen::plain().paint(Style::Bad, "cancelled"), "cancelled");
//! assert_eq!(Screen::coloured().paint(Style::Bad, "cancelled"), "\x1b[31mcancelled\x1b[0m");
//! ```

use std::env;

#[cfg(not(any(unix, windows)))]
mod other;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(not(any(unix, windows)))]
use other as system;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// The meaning of a text for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The head of a table.
    Heading,
    /// A good state.
    Good,
    /// A state that needs attention.
    Warning,
    /// A bad state.
    Bad,
}

/// A place that text is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    colour: bool,
}

impl Screen {
    /// The terminal of this process. The variable `NO_COLOR` takes its colours away.
    pub fn detect() -> Self {
        Self::detect_with(|name| env::var(name).ok())
    }

    /// The terminal with the environment that `lookup` gives.
    pub fn detect_with(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let refused = lookup("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            colour: !refused && system::has_colour(lookup),
        }
    }

    /// Returns a screen without colours.
    pub fn plain() -> Self {
        Self { colour: false }
    }

    /// Returns a screen with colours.
    pub fn coloured() -> Self {
        Self { colour: true }
    }

    /// Returns the text with the escape sequences of its colour.
    pub fn paint(self, style: Style, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match style {
            Style::Heading => "1",
            Style::Good => "32",
            Style::Warning => "33",
            Style::Bad => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
