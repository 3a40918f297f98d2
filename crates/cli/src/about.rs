//! The version and the licence of the tools.

const LICENCE: &str = include_str!("../../../LICENSE-MIT");

/// The version and the label of the build.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("RAIL_LABEL"), ")");

/// The version, and the licence in full.
pub fn text() -> String {
    format!("rail {VERSION}\n\n{LICENCE}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_licence_is_there_in_full() {
        let text = super::text();
        assert!(text.contains("MIT License"));
        assert!(text.contains("WITHOUT WARRANTY OF ANY KIND"));
    }
}
