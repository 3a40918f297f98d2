//! Shows the styles: `cargo run -p screen --example styles`

use screen::{Screen, Style};

fn main() {
    let screen = Screen::detect();
    for style in [Style::Heading, Style::Good, Style::Warning, Style::Bad] {
        println!("{}", screen.paint(style, &format!("{style:?}")));
    }
}
