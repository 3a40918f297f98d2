//! The output of a program, ready to be compared as a whole.

use std::fmt;
use std::process::{self, ExitStatus};

use expect_test::Expect;

/// The streams and the exit status of a program. Parts that vary are redacted.
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: i32,
}

impl Output {
    /// Redacts the output of a program. `named` are texts that vary, such as paths, each with the
    /// name that replaces it.
    pub(crate) fn new(output: &process::Output, named: &[(String, &str)]) -> Self {
        let text = |bytes| {
            let mut text = String::from_utf8_lossy(bytes).into_owned();
            if cfg!(windows) {
                text = text.replace("\\\\", "/").replace('\\', "/");
            }
            redacted(
                &named
                    .iter()
                    .fold(text, |text, (varying, name)| text.replace(varying, name)),
            )
        };
        Self {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            status: code(output.status),
        }
    }

    /// Compares the whole output with a snapshot.
    #[track_caller]
    pub(crate) fn is(&self, expected: Expect) {
        expected.assert_eq(&self.to_string());
    }

    /// Returns the standard output of a program that must succeed.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.status, 0, "{self}");
        self.stdout
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Shows the streams and the exit status in one text, as in a snapshot.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "--- stderr\n{}", self.stderr)?;
        }
        if self.status != 0 {
            writeln!(f, "--- exit status {}", self.status)?;
        }
        Ok(())
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// Redacts the words that vary from run to run and from machine to machine.
fn redacted(text: &str) -> String {
    // Tests that run at the same time make builds contended, and not every system reports the
    // processor time.
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("contended: ") && !line.ends_with(" of processor time"));
    let text = lines.map(without_os_error).collect::<String>();
    let text = text.replace(", contended", "");
    let mut redacted = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (word, behind) = rest.split_at(word_end(rest));
        let counts_files = behind.starts_with(" file") && word.parse::<u32>().is_ok();
        let name = if counts_files {
            Some("[COUNT]")
        } else {
            kind(word)
        };
        match name {
            Some(name) => {
                // Numbers are aligned by their width, so the spaces before them vary too.
                let before = redacted.trim_end_matches(' ').len();
                redacted.truncate(redacted.len().min(before + 1));
                redacted.push_str(name);
            }
            None => redacted.push_str(word),
        }
        let next = behind
            .find(|c: char| c.is_ascii_alphanumeric())
            .unwrap_or(behind.len());
        redacted.push_str(&behind[..next]);
        rest = &behind[next..];
    }
    redacted
}

/// Redacts the error text of the operating system, which differs between systems.
fn without_os_error(line: &str) -> String {
    let start = line
        .rfind(": ")
        .map_or(line.len() - line.trim_start().len(), |at| at + 2);
    match line.contains("(os error ") {
        true => format!("{}[OS ERROR]\n", &line[..start]),
        false => format!("{line}\n"),
    }
}

/// Returns the end of the first word. Words are `1.5s`, `40%`, `0.1.0`; the full stop of a sentence
/// is no part of a word.
fn word_end(text: &str) -> usize {
    let is_of_word = |(at, c): (usize, char)| {
        c.is_ascii_alphanumeric()
            || c == '%'
            || c == '.' && text[at + 1..].starts_with(|next: char| next.is_ascii_digit())
    };
    text.char_indices()
        .find(|&one| !is_of_word(one))
        .map_or(text.len(), |(at, _)| at)
}

fn kind(word: &str) -> Option<&'static str> {
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    let is_hex = word.chars().all(|c| c.is_ascii_hexdigit());
    // The hashes of rustc's incremental directories are written in base 36.
    let is_36 = word
        .chars()
        .all(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
    if has_digit && (is_hex && matches!(word.len(), 12 | 16 | 40) || is_36 && word.len() == 13) {
        return Some("[HASH]");
    }
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    match unit {
        _ if unit == word => None,
        "s" | "ms" => Some("[TIME]"),
        "B" | "KiB" | "MiB" | "GiB" => Some("[SIZE]"),
        "%" => Some("[SHARE]"),
        "" if word.matches('.').count() == 1 => Some("[NUMBER]"),
        // Example of such a word: `20250101T000000000Z`.
        _ if word.len() == 19 && word.ends_with('Z') => Some("[TIME]"),
        _ => None,
    }
}
