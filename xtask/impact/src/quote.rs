//! Quoting of names and texts from a repository, for the place that they are written to.
//!
//! A file, a branch, a target or a configuration value can hold line breaks, escape sequences and
//! characters that change the direction of text. A terminal obeys escape sequences. GitHub's log
//! obeys lines that begin with `::`, and `##[…]` anywhere in a line. Markdown, DOT and a shell have
//! special characters of their own. Every module that writes such a name uses a function of this
//! module.
//!
//! Architecture invariant: this module imports nothing of the kit.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// Returns a name as git prints names: unchanged, or in double quotes with C-style escapes if the
/// name holds control characters, quotes or backslashes. Printable UTF-8 is kept
/// (`core.quotePath=false`).
pub fn name<S: AsRef<str> + ?Sized>(name: &S) -> Cow<'_, str> {
    let name = name.as_ref();
    let needs_quotes = |c: char| is_unprintable(c) || c == '"' || (c == '\\' && !cfg!(windows));
    if !name.contains(needs_quotes) && !holds_command(name) {
        return Cow::Borrowed(name);
    }
    let mut quoted = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_unprintable(c) => escape(&mut quoted, c),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    Cow::Owned(without_commands(&quoted).into_owned())
}

/// Returns a sentence on one line: control characters, including line breaks, become C-style
/// escapes. Backslashes are kept, since a sentence may hold names that are quoted already.
pub fn line<S: AsRef<str> + ?Sized>(text: &S) -> Cow<'_, str> {
    escaped(text.as_ref(), is_unprintable)
}

/// Returns a text of several lines, such as the output of another program. Line breaks, tabs and
/// colours are kept. Every other control character becomes a C-style escape.
pub fn text<S: AsRef<str> + ?Sized>(text: &S) -> Cow<'_, str> {
    let text = text.as_ref();
    let is_safe = |c: char| c == '\n' || c == '\t' || !is_unprintable(c);
    if text.chars().all(is_safe) && !text.lines().any(holds_command) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::new();
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line.strip_suffix('\r').unwrap_or(line), "\n"),
            None => (line, ""),
        };
        let mut rest = line;
        let mut shown = String::new();
        while let Some(c) = rest.chars().next() {
            let length = colour(rest).unwrap_or(0);
            if length > 0 {
                shown.push_str(&rest[..length]);
                rest = &rest[length..];
                continue;
            }
            match is_safe(c) {
                true => shown.push(c),
                false => escape(&mut shown, c),
            }
            rest = &rest[c.len_utf8()..];
        }
        safe.push_str(&without_commands(&shown));
        safe.push_str(end);
    }
    Cow::Owned(safe)
}

/// Returns a text for a cell of a Markdown table or for running Markdown text.
pub fn markdown<S: AsRef<str> + ?Sized>(text: &S) -> String {
    let text = line(text);
    let strikes = text.matches('~').count() > 1;
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '~' if !strikes => escaped.push(c),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            // The invisible space keeps GitHub from notifying a user of that name.
            '@' => escaped.push_str("@\u{200b}"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns the message of a workflow command of GitHub.
pub fn github_message(text: &str) -> String {
    let text = text.replace('%', "%25");
    let text = escaped(&text, |c| is_unprintable(c) && c != '\n' && c != '\r');
    text.replace('\r', "%0D").replace('\n', "%0A")
}

/// Returns the value of a property of a workflow command of GitHub.
pub fn github_property(value: &str) -> String {
    github_message(value)
        .replace(':', "%3A")
        .replace(',', "%2C")
}

/// Returns an output of a GitHub step, for the file that `GITHUB_OUTPUT` names.
pub fn github_output(name: &str, value: &str) -> String {
    match value.contains(['\n', '\r']) {
        true => github_output_of_lines(name, value),
        false => format!("{name}={value}\n"),
    }
}

/// Returns an output of a GitHub step that may have several lines. The value ends at a random
/// delimiter, which cannot be guessed.
pub fn github_output_of_lines(name: &str, value: &str) -> String {
    let random = || RandomState::new().build_hasher().finish();
    let delimiter = format!("end_{:016x}{:016x}", random(), random());
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

/// Returns a word for the shell: unchanged if the shell does not interpret the word, or else in
/// quotes. Control characters are written as bash writes them: `$'a\nb'`.
pub fn shell<S: AsRef<str> + ?Sized>(word: &S) -> Cow<'_, str> {
    let word = word.as_ref();
    if is_plain_word(word) {
        return Cow::Borrowed(word);
    }
    if !word.contains(is_unprintable) && !holds_command(word) {
        return Cow::Owned(posix_word(word));
    }
    let mut quoted = String::from("$'");
    for c in word.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            c if is_unprintable(c) => escape(&mut quoted, c),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    Cow::Owned(without_commands(&quoted).into_owned())
}

/// Returns a word in single quotes, for scripts that any POSIX shell runs.
pub fn posix_word(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Returns true if a shell does not interpret a word, even without quotes.
pub fn is_plain_word(word: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    !word.is_empty() && word.chars().all(is_plain) && !holds_command(word)
}

/// Returns a quoted string of Graphviz's language.
pub fn dot(text: &str) -> String {
    let text = line(text);
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns the quoted label of a node in Mermaid.
pub fn mermaid(text: &str) -> String {
    let mut label = String::from("\"");
    for c in line(text).chars() {
        match c {
            '"' => label.push_str("#quot;"),
            '#' => label.push_str("#35;"),
            '<' => label.push_str("#lt;"),
            '>' => label.push_str("#gt;"),
            '`' => label.push_str("#96;"),
            c => label.push(c),
        }
    }
    label + "\""
}

/// Returns an equal JSON document without characters that a terminal or a log obeys. Such
/// characters only occur in strings, in which `\u` escapes mean the same.
pub fn json(document: &str) -> Cow<'_, str> {
    let is_bare = |c: char| is_unprintable(c) && c != '\n';
    if !document.contains(is_bare) && !document.contains("##") {
        return Cow::Borrowed(document);
    }
    let mut safe = String::new();
    for c in document.chars() {
        match is_bare(c) {
            true => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(safe, "\\u{unit:04x}");
                }
            }
            false => safe.push(c),
        }
    }
    Cow::Owned(safe.replace("##", "#\\u0023"))
}

/// Returns true for a character that must not reach a terminal: control characters, line and
/// paragraph separators, characters that change the direction of text, and invisible characters.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Appends a character as an escape of C and git: `\n`, or the bytes of its UTF-8 in octal.
fn escape(to: &mut String, c: char) {
    match c {
        '\u{7}' => to.push_str("\\a"),
        '\u{8}' => to.push_str("\\b"),
        '\t' => to.push_str("\\t"),
        '\n' => to.push_str("\\n"),
        '\u{b}' => to.push_str("\\v"),
        '\u{c}' => to.push_str("\\f"),
        '\r' => to.push_str("\\r"),
        c => {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(to, "\\{byte:03o}");
            }
        }
    }
}

fn escaped(text: &str, is_bare: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_bare) {
        return without_commands(text);
    }
    let mut safe = String::new();
    for c in text.chars() {
        match is_bare(c) {
            true => escape(&mut safe, c),
            false => safe.push(c),
        }
    }
    Cow::Owned(without_commands(&safe).into_owned())
}

/// The beginnings of commands that the logs of GitHub and Azure obey anywhere in a line.
const COMMANDS: [&str; 2] = ["##[", "##vso["];

/// Returns true if GitHub's log would obey a line as a command of the form `::name::`. The name of
/// a command never begins with a colon, so rustc's `::: src/lib.rs:1:1` is no command.
fn begins_command(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("::") && !line.starts_with(":::")
}

/// Returns true if GitHub's or Azure's log would obey a line as a command.
fn holds_command(line: &str) -> bool {
    begins_command(line) || COMMANDS.iter().any(|it| line.contains(it))
}

/// Returns a line that no log obeys as a command.
fn without_commands(line: &str) -> Cow<'_, str> {
    if !holds_command(line) {
        return Cow::Borrowed(line);
    }
    let mut safe = line.to_owned();
    for command in COMMANDS {
        safe = safe.replace(command, &command.replacen("##", "#\\043", 1));
    }
    let start = safe.len() - safe.trim_start().len();
    if begins_command(&safe) {
        safe.replace_range(start..=start, "\\072");
    }
    Cow::Owned(safe)
}

/// Returns the length of the escape sequence for colours at the beginning of a text, if there is
/// one.
fn colour(text: &str) -> Option<usize> {
    // Programs that use terminfo select the default character set when they reset the colour.
    const USUAL_CHARACTERS: &str = "\u{1b}(B";
    if text.starts_with(USUAL_CHARACTERS) {
        return Some(USUAL_CHARACTERS.len());
    }
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':')?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests;
