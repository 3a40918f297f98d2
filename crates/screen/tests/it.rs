//! Screens with and without colours.

use screen::{Screen, Style};

#[test]
fn a_refusal_is_respected() {
    let terminal = |name: &str| match name {
        "NO_COLOR" | "WT_SESSION" => Some("1".to_owned()),
        "TERM" => Some("xterm".to_owned()),
        _ => None,
    };
    assert_eq!(Screen::detect_with(terminal), Screen::plain());
}

#[test]
#[cfg(any(unix, windows))]
fn a_terminal_with_colours_is_recognised() {
    let terminal = |name: &str| matches!(name, "TERM" | "WT_SESSION").then(|| "xterm".to_owned());
    assert_eq!(Screen::detect_with(terminal), Screen::coloured());
}

#[test]
fn every_style_leaves_the_text_in_it() {
    for style in [Style::Heading, Style::Good, Style::Warning, Style::Bad] {
        assert!(Screen::coloured().paint(style, "07:05").contains("07:05"));
    }
}
