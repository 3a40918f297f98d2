//! The file by which rustup chooses the toolchain of a directory.

/// The names of the file. rustup prefers the second if both exist.
pub const NAMES: [&str; 2] = ["rust-toolchain.toml", "rust-toolchain"];

/// Returns the channel that the file names. The file is a TOML table, or a name alone.
pub fn channel(text: &str) -> Option<String> {
    match text.parse::<toml::Table>() {
        Ok(table) => Some(table.get("toolchain")?.get("channel")?.as_str()?.to_owned()),
        Err(_) => text.lines().next().map(|line| line.trim().to_owned()),
    }
}

/// Returns true if a toolchain file chooses a compiler by a path.
pub fn has_path(text: &str) -> bool {
    let table = text.parse::<toml::Table>().ok();
    let toolchain = table.as_ref().and_then(|table| table.get("toolchain"));
    toolchain.is_some_and(|toolchain| toolchain.get("path").is_some())
}

#[cfg(test)]
mod tests {
    use super::channel;

    #[test]
    fn both_forms_name_a_channel() {
        for (text, expected) in [
            ("1.80\n", Some("1.80")),
            ("[toolchain]\nchannel = 'stable'", Some("stable")),
            ("[toolchain]\npath = '/opt/rust'", None),
        ] {
            assert_eq!(channel(text).as_deref(), expected, "{text}");
        }
    }
}
