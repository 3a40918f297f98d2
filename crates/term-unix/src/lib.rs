//! The colours of a terminal on Unix, as far as its environment shows them.
//!
//! The package is older than the workspace, and keeps its own version and edition.

/// Returns true if the terminal shows colours. `lookup` returns the value of an environment
/// variable.
///
/// ```
/// assert!(term_unix::has_colour(|name| (name == "TERM").then(|| "xterm-256color".to_string())));
/// assert!(!term_unix::has_colour(|_| None));
/// ```
pub fn has_colour(lookup: impl Fn(&str) -> Option<String>) -> bool {
    if lookup("COLORTERM").is_some() {
        return true;
    }
    match lookup("TERM").as_deref() {
        None | Some("" | "dumb") => false,
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::has_colour;

    #[test]
    fn a_dumb_terminal_has_no_colour() {
        let lookup = |name: &str| (name == "TERM").then(|| "dumb".to_string());
        assert!(!has_colour(lookup));
    }

    #[test]
    fn a_terminal_can_say_that_it_has_colour() {
        assert!(has_colour(
            |name| (name == "COLORTERM").then(|| "truecolor".to_string())
        ));
    }
}
