//! Names in camel case as words.

/// The words of `name`, in lower case.
pub(crate) fn of(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn every_capital_starts_a_word() {
        assert_eq!(of("Tram"), "tram");
        assert_eq!(of("SignalFailure"), "signal failure");
        assert_eq!(of(""), "");
    }
}
