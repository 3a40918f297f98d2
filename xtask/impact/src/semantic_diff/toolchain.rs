//! Compares two sides of `rust-toolchain.toml` or `rust-toolchain`.
//!
//! The format is rustup's: a `[toolchain]` table, or a single line with the name of the channel.

use toml::{Table, Value};

use super::{SemanticChange, TouchedUnits};

/// Compares two sides of a toolchain file; `None` is an absent file.
///
/// Only `channel` and `path` choose a compiler. `components` and `profile` add tools to the
/// compiler. `targets` adds a standard library for a triple, and without it nothing could have been
/// built for that triple.
pub fn compare_toolchain(old: Option<&str>, new: Option<&str>) -> Vec<SemanticChange> {
    if old == new {
        return Vec::new();
    }
    let effect = |path: &[&str], why| SemanticChange::new(path, TouchedUnits::All, false, why);
    let side = |text: Option<&str>| text.map_or(Some(Table::new()), toolchain);
    let (Some(old), Some(new)) = (side(old), side(new)) else {
        let why = "cannot be read, so the compiler may be another";
        return vec![effect(&["toolchain"], why)];
    };
    let mut effects = Vec::new();
    for change in super::changes(Some(&old), Some(&new)) {
        let why = match change.key {
            "components" | "profile" | "targets" => continue,
            "channel" | "path" => "chooses the compiler",
            _ => "is unknown to xtask-kit, so the compiler may be another",
        };
        effects.push(effect(&["toolchain", change.key], why));
    }
    effects
}

/// Parses the `[toolchain]` table. The legacy form is read as a table with only a channel. Returns
/// `None` for any other text.
fn toolchain(text: &str) -> Option<Table> {
    if let Ok(mut file) = text.parse::<Table>() {
        return match file.remove("toolchain") {
            Some(Value::Table(table)) if file.is_empty() => Some(table),
            _ => None,
        };
    }
    let channel = text.trim();
    let one_word = !channel.is_empty() && !channel.contains(char::is_whitespace);
    one_word.then(|| Table::from_iter([("channel".to_owned(), Value::from(channel))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_channel_and_path_rebuild() {
        let toml = |rest: &str| Some(format!("[toolchain]\nchannel = \"1.95.0\"\n{rest}"));
        let text = |text: &str| Some(text.to_owned());
        let nothing: &[&str] = &[];
        let channel: &[&str] = &["toolchain.channel"];
        let unread: &[&str] = &["toolchain"];
        for (story, old, new, keys) in [
            ("a comment", toml(""), toml("# pinned"), nothing),
            (
                "a component",
                toml(""),
                toml("components = ['clippy']"),
                nothing,
            ),
            (
                "a profile",
                toml("profile = 'minimal'"),
                toml("profile = 'default'"),
                nothing,
            ),
            (
                "a target",
                toml(""),
                toml("targets = ['wasm32-unknown-unknown']"),
                nothing,
            ),
            (
                "the legacy form of the same channel",
                text("1.95.0\n"),
                toml(""),
                nothing,
            ),
            (
                "the file appears with components alone",
                None,
                text("[toolchain]\n"),
                nothing,
            ),
            (
                "another channel",
                toml(""),
                text("[toolchain]\nchannel = 'beta'"),
                channel,
            ),
            (
                "another channel in the legacy form",
                text("1.94.0"),
                text("1.95.0"),
                channel,
            ),
            ("the file appears", None, toml(""), channel),
            ("the file disappears", text("nightly"), None, channel),
            (
                "a path",
                text("[toolchain]\npath='/a'"),
                text("[toolchain]\npath='/b'"),
                &["toolchain.path"],
            ),
            (
                "an unknown key",
                toml(""),
                toml("flavour = 1"),
                &["toolchain.flavour"],
            ),
            ("an unknown table", toml(""), toml("[other]"), unread),
            ("an empty file", toml(""), text(""), unread),
            ("no TOML", toml(""), text("[toolchain\nchannel"), unread),
            (
                "the same text, unreadable or not",
                text("[x"),
                text("[x"),
                nothing,
            ),
        ] {
            let effects = compare_toolchain(old.as_deref(), new.as_deref());
            let found: Vec<_> = effects.iter().map(|effect| effect.key.as_str()).collect();
            assert_eq!(found, keys, "{story}");
            assert!(
                effects
                    .iter()
                    .all(|effect| effect.what == TouchedUnits::All),
                "{story}"
            );
        }
    }
}
