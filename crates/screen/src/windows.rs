//! Consoles on Windows.

pub(crate) use term_windows::has_colour;
