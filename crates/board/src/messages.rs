//! The messages that boards have in common with the signs on platforms.

include!(concat!(env!("OUT_DIR"), "/messages.rs"));

/// The train does not run.
pub const CANCELLED: &str = message("cancelled");
/// The train is late.
pub const DELAYED: &str = message("delayed");
/// There is nothing to show.
pub const NO_TRAINS: &str = message("no-trains");
/// The train is not late.
pub const ON_TIME: &str = message("on-time");

/// The message with this name. A name without a message is an error of compilation.
const fn message(name: &str) -> &'static str {
    let mut index = 0;
    while index < MESSAGES.len() {
        let (known, text) = MESSAGES[index];
        if is_same(known.as_bytes(), name.as_bytes()) {
            return text;
        }
        index += 1;
    }
    panic!("there is no such message")
}

const fn is_same(a: &[u8], b: &[u8]) -> bool {
    let mut index = 0;
    while index < a.len() && index < b.len() && a[index] == b[index] {
        index += 1;
    }
    index == a.len() && index == b.len()
}

#[cfg(test)]
mod tests {
    use super::MESSAGES;

    #[test]
    fn messages_fit_on_a_sign() {
        for (name, text) in MESSAGES {
            assert!(!text.is_empty() && text.len() <= 24, "{name}");
        }
    }
}
