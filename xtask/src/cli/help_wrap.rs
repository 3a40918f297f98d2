//! Breaks the lines of help texts, so that every terminal shows them well. clap breaks lines only
//! with another dependency.

use std::fmt::Write as _;

/// The longest line of a help text.
pub(crate) const COLUMNS: usize = 80;

/// The text beside a flag starts at most here. A longer flag has its text on the same line, and the
/// next lines start further left.
const DEEPEST: usize = 56;

/// Returns a text with lines of at most [`COLUMNS`] columns, unless a word is longer. The next lines
/// of a flag start below the text of the flag.
pub(crate) fn wrapped(text: &str) -> String {
    let mut all = String::new();
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        match columns(line) > COLUMNS {
            true => wrap_line(line, &mut all),
            false => all += line,
        }
        all += end;
    }
    all
}

fn wrap_line(line: &str, all: &mut String) {
    let indent = text_column(line);
    let mut column = 0;
    // Blanks stay with the word in front of them, so a line starts with its own blanks.
    for word in line.split_inclusive(' ') {
        if column > indent && column + columns(word.trim_end()) > COLUMNS {
            all.truncate(all.trim_end_matches(' ').len());
            write!(all, "\n{:indent$}", "").expect("a string takes every text");
            column = indent;
        }
        *all += word;
        column += columns(word);
    }
}

/// Returns the column at which the text of a line starts: behind the last gap of two blanks.
fn text_column(line: &str) -> usize {
    let plain = anstream::adapter::strip_str(line).to_string();
    let first = plain.len() - plain.trim_start().len();
    let last_gap = plain[first..].trim_end().rfind("  ");
    let text = last_gap.map(|gap| plain[..first + gap + 2].chars().count());
    text.filter(|column| *column <= DEEPEST)
        .unwrap_or(first.min(DEEPEST))
}

/// Returns the number of columns of a text without its colours.
fn columns(text: &str) -> usize {
    anstream::adapter::strip_str(text)
        .to_string()
        .chars()
        .count()
}

#[test]
fn long_lines_continue_below_their_text() {
    let flag = "      --base <REV>  ";
    let value = "\u{1b}[1m[default: the first of origin/HEAD, origin/main]\u{1b}[0m";
    let text = format!(
        "{flag}Compare the work tree with the merge base of HEAD and this revision {value}\n\
         \n          A paragraph of the long help, which is longer than the screen is wide, is \
         broken\nshort\n"
    );
    expect_test::expect![[r#"
              --base <REV>  Compare the work tree with the merge base of HEAD and this
                            revision ␛[1m[default: the first of origin/HEAD, origin/main]␛[0m

                  A paragraph of the long help, which is longer than the screen is wide,
                  is broken
        short
    "#]]
    .assert_eq(&wrapped(&text).replace('\u{1b}', "␛"));
}
