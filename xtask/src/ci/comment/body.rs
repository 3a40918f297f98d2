//! The text of a comment, cut to a limit.

use std::fmt::Write as _;

/// A comment. All texts are Markdown already.
#[derive(Debug, Default)]
pub(super) struct CommentBody {
    /// The hidden first line.
    pub(super) marker: String,
    pub(super) parts: Vec<CommentPart>,
}

/// A part of a comment: a heading, lines, and a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CommentPart {
    pub(super) title: String,
    pub(super) lines: Vec<String>,
    /// The names of the columns.
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
    /// True to fold the table.
    pub(super) folds: bool,
}

/// The longest text of a cell or a line, in characters. Longer texts lose their end.
const LONGEST: usize = 400;

impl CommentBody {
    /// Returns the text with at most `limit` characters. If the text is too long, the longest table
    /// or list loses its last entries until the rest fits, and the end says what was cut.
    pub(super) fn within(&self, limit: usize) -> String {
        let mut parts: Vec<CommentPart> = self.parts.iter().map(CommentPart::shortened).collect();
        loop {
            let cut = cut(&self.parts, &parts, limit);
            let text = self.text(&parts, &cut);
            if length(&text) <= limit {
                return text;
            }
            let longest = parts.iter_mut().max_by_key(|part| length(&part.text()));
            if !longest.is_some_and(CommentPart::halve) {
                // Only headings are left.
                parts.pop();
            }
            if parts.is_empty() {
                return format!(
                    "{}\nThe limit of {limit} characters is too low.\n",
                    self.marker
                );
            }
        }
    }

    fn text(&self, parts: &[CommentPart], cut: &[String]) -> String {
        let mut text = format!("{}\n", self.marker);
        for part in parts {
            text += &part.text();
        }
        for line in cut {
            let _ = write!(text, "\n> {line}\n");
        }
        text
    }
}

/// Returns the sentences that say what was cut.
fn cut(whole: &[CommentPart], parts: &[CommentPart], limit: usize) -> Vec<String> {
    let mut cut = Vec::new();
    for (number, whole) in whole.iter().enumerate() {
        let title = match &*whole.title {
            "" => "the head",
            title => title,
        };
        let Some(part) = parts.get(number) else {
            cut.push(title.to_owned());
            continue;
        };
        for (shown, all, what) in [
            (part.rows.len(), whole.rows.len(), "rows"),
            (part.lines.len(), whole.lines.len(), "lines"),
        ] {
            if shown < all {
                cut.push(format!("{title} ({shown} of {all} {what})"));
            }
        }
    }
    match cut.is_empty() {
        true => Vec::new(),
        false => vec![format!(
            "Cut to stay below {limit} characters: {}",
            cut.join(", ")
        )],
    }
}

impl CommentPart {
    fn text(&self) -> String {
        let mut text = String::new();
        if !self.title.is_empty() {
            let _ = writeln!(text, "\n#### {}", self.title);
        }
        for line in &self.lines {
            let _ = write!(text, "\n{line}\n");
        }
        if self.rows.is_empty() {
            return text;
        }
        if self.folds {
            let rows = self.rows.len();
            let _ = write!(text, "\n<details><summary>{rows} rows</summary>\n");
        }
        let _ = writeln!(text, "\n| {} |", self.columns.join(" | "));
        let _ = writeln!(text, "|{}", " --- |".repeat(self.columns.len()));
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        if self.folds {
            text.push_str("\n</details>\n");
        }
        text
    }

    fn shortened(&self) -> Self {
        Self {
            lines: self.lines.iter().map(|it| shortened(it)).collect(),
            rows: self
                .rows
                .iter()
                .map(|row| row.iter().map(|it| shortened(it)).collect())
                .collect(),
            ..self.clone()
        }
    }

    /// Removes the second half of the rows, or else of the lines. Returns false if there are none.
    fn halve(&mut self) -> bool {
        let (rows, lines) = (self.rows.len(), self.lines.len());
        match rows {
            0 => self.lines.truncate(lines / 2),
            rows => self.rows.truncate(rows / 2),
        }
        rows + lines > 0
    }
}

/// Returns the first characters of a text. A code block stays whole, because its end closes it, and
/// no escape loses its second half.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) if !text.starts_with("```") => {
            let kept = text[..end].trim_end_matches('\\');
            let entity = kept.rfind('&').filter(|at| !kept[*at..].contains(';'));
            format!("{}…", &kept[..entity.unwrap_or(kept.len())])
        }
        _ => text.to_owned(),
    }
}

/// Returns the length as GitHub counts it at most: a character outside the basic plane counts twice.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(rows: usize, name: &str) -> CommentBody {
        let row = |number: usize| vec![format!("{name}{number}"), "a reason".repeat(3)];
        CommentBody {
            marker: "<!-- m -->".to_owned(),
            parts: vec![
                CommentPart {
                    lines: vec!["### 3 of 9 packages".to_owned()],
                    ..CommentPart::default()
                },
                CommentPart {
                    title: "Packages".to_owned(),
                    columns: vec!["package", "because"],
                    rows: (0..rows).map(row).collect(),
                    folds: true,
                    ..CommentPart::default()
                },
                CommentPart {
                    title: "Policy".to_owned(),
                    lines: vec!["nothing found".to_owned()],
                    ..CommentPart::default()
                },
            ],
        }
    }

    #[test]
    fn a_short_comment_is_whole() {
        expect_test::expect![[r#"
            <!-- m -->

            ### 3 of 9 packages

            #### Packages

            <details><summary>2 rows</summary>

            | package | because |
            | --- | --- |
            | p0 | a reasona reasona reason |
            | p1 | a reasona reasona reason |

            </details>

            #### Policy

            nothing found
        "#]]
        .assert_eq(&body(2, "p").within(65_536));
    }

    #[test]
    fn a_long_comment_stays_below_the_limit_and_says_what_is_missing() {
        for (rows, limit) in [(3_000, 65_536), (100_000, 65_536), (3_000, 1_000)] {
            for name in ["p", "ü", "\u{1f600}", "\u{1f600}😀😀😀"] {
                let text = body(rows, name).within(limit);
                assert!(text.encode_utf16().count() <= limit, "{name} {rows}");
                assert!(text.starts_with("<!-- m -->\n"));
                assert!(text.contains("nothing found"), "short parts stay");
                let last = text.lines().last().unwrap();
                let says = format!("> Cut to stay below {limit} characters: Packages (");
                assert!(last.starts_with(&says), "{last}");
                assert!(last.ends_with(&format!(" of {rows} rows)")), "{last}");
                let shown = text.matches("a reasona").count();
                assert!(last.contains(&format!("({shown} of")), "{last}");
                // The table is closed.
                assert_eq!(
                    text.matches("<details>").count(),
                    text.matches("</details>").count()
                );
            }
        }
    }

    #[test]
    fn a_long_name_loses_its_end() {
        let name = "x".repeat(5_000);
        let text = body(20, &name).within(65_536);
        assert!(!text.contains("Cut"), "{text}");
        assert_eq!(text.matches(&format!("{}…", "x".repeat(400))).count(), 20);
        assert_eq!(
            shortened(&format!("{}&lt;", "x".repeat(398))),
            format!("{}…", "x".repeat(398))
        );
        assert_eq!(
            shortened(&format!("{}\\|", "x".repeat(399))),
            format!("{}…", "x".repeat(399))
        );
        let code = format!("```sh\n{name}\n```");
        assert_eq!(shortened(&code), code);
    }

    #[test]
    fn a_limit_below_the_headings_is_named() {
        let text = body(9, "p").within(80);
        assert!(
            text.contains("too low") && text.encode_utf16().count() <= 80,
            "{text}"
        );
    }
}
