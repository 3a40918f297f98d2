//! The colours of a console on Windows, as far as its environment shows them.

/// Variables that only consoles with colours set.
const SIGNS: [&str; 3] = ["WT_SESSION", "ConEmuANSI", "ANSICON"];

/// Returns true if the console shows colours. `lookup` returns the value of an environment
/// variable.
///
/// ```
/// assert!(term_windows::has_colour(|name| (name == "WT_SESSION").then(|| "1".to_string())));
/// assert!(!term_windows::has_colour(|_| None));
/// ```
pub fn has_colour(lookup: impl Fn(&str) -> Option<String>) -> bool {
    SIGNS
        .iter()
        .any(|sign| lookup(sign).is_some_and(|value| value != "OFF"))
}

#[cfg(test)]
mod tests {
    use super::has_colour;

    #[test]
    fn colours_can_be_off() {
        assert!(!has_colour(
            |name| (name == "ConEmuANSI").then(|| "OFF".to_string())
        ));
        assert!(has_colour(
            |name| (name == "ConEmuANSI").then(|| "ON".to_string())
        ));
    }
}
