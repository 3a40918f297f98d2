//! Terminals on Unix.

pub(crate) use term_unix::has_colour;
