//! The content of a sign on a platform: the time, and whether the next train is delayed.

use daytime::{Daytime, Span};

#[path = "../../shared/glyphs.rs"]
pub mod glyphs;

const CANCELLED: &str = include_str!("../../messages/cancelled.txt");
const DELAYED: &str = include_str!("../../messages/delayed.txt");
const ON_TIME: &str = include_str!("../../messages/on-time.txt");

/// The state of the next train.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The train comes with this delay.
    Late(Span),
    /// The train does not come.
    Cancelled,
}

/// The lines on the sign.
///
/// ```
/// let now = "07:05".parse().unwrap();
/// let lines = sign::show(now, sign::Next::Cancelled);
/// assert_eq!(lines.last().unwrap(), "Cancelled");
/// ```
pub fn show(now: Daytime, next: Next) -> Vec<String> {
    let message = match next {
        Next::Cancelled => CANCELLED.trim().to_owned(),
        Next::Late(Span::ZERO) => ON_TIME.trim().to_owned(),
        Next::Late(span) => format!("{}: {span}", DELAYED.trim()),
    };
    let mut lines = Vec::from(glyphs::lines(&now.on_the_clock(), '#'));
    lines.push(message);
    lines
}
