//! Pages of HTML in the style of the kit. A page contains its style, script and data, so the page
//! needs no network and no other file; its security policy refuses both.
//!
//! Architecture invariant: this module knows no command.

use anyhow::{Context as _, Result};
use serde::Serialize;

const HEAD: &str = include_str!("head.html");
const HTML: &str = include_str!("page.html");
const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

/// The parts of a page.
pub(crate) struct HtmlPage<'a, T> {
    /// The title: plain text.
    pub title: &'a str,
    /// The elements below the header.
    pub body: &'a str,
    /// The styles of the page, in addition to the common style.
    pub css: &'a str,
    /// The scripts, which run in this order after the common script.
    pub scripts: &'a [&'a str],
    /// The data that the scripts show. The common script reads `headline` and `about`.
    pub data: &'a T,
}

impl<T: Serialize> HtmlPage<'_, T> {
    /// Renders the page.
    ///
    /// # Errors
    /// Returns an error if the data cannot be written as JSON. This does not happen in practice,
    /// because the data are numbers and texts.
    pub(crate) fn render(&self) -> Result<String> {
        let data = serde_json::to_string(self.data).context("cannot write JSON")?;
        let scripts = self.scripts.concat();
        // The data are inserted last, so that a name in the data cannot be mistaken for a placeholder.
        let html = HTML
            .replace("{{title}}", &escaped(self.title))
            .replacen("{{body}}", self.body, 1)
            .replacen("{{js}}", &[JS, &scripts].concat(), 1)
            .replacen("{{data}}", &in_script(&data), 1);
        Ok(head(self.title, self.css) + &html)
    }
}

/// Renders a page without scripts. `body` has the elements below the title.
pub(crate) fn without_scripts(title: &str, body: &str, css: &str) -> String {
    format!(
        "{}<body>\n<h1>{}</h1>\n<main>\n{body}</main>\n</body>\n</html>\n",
        head(title, css),
        escaped(title)
    )
}

/// Returns the head of a page, with the common style and the styles in `css`.
fn head(title: &str, css: &str) -> String {
    HEAD.replace("{{title}}", &escaped(title))
        .replacen("{{css}}", &[CSS, css].concat(), 1)
}

/// Escapes JSON so that no name in the JSON can end the script element or begin a comment.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Escapes a text for the content of an element.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('{', "&#123;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_no_element_and_fill_no_placeholder() {
        let hostile = "</script><!--{{js}}\u{2028}'\"&ü";
        let page = HtmlPage {
            title: hostile,
            body: "<main></main>",
            css: "",
            scripts: &["show();"],
            data: &[hostile],
        };
        let page = page.render().unwrap();
        assert_eq!(page.matches("</script>").count(), 2);
        assert_eq!(page.matches("show();").count(), 1);
        let title = "&lt;/script&gt;&lt;!--&#123;&#123;js}}\u{2028}'\"&amp;ü";
        assert_eq!(page.matches(title).count(), 2);
        let json = r#"["\u003c/script>\u003c!--{{js}}\u2028'\"&ü"]"#;
        assert_eq!(page.matches(json).count(), 1);
        // Nothing is loaded, and the browser would refuse to.
        assert!(page.contains("default-src 'none'"));
        assert!(!page.contains("http://www.w3.org/1999") && !page.contains("src="));
    }
}
