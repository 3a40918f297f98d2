//! Edits of a TOML file of the user that keep every other line, with its comments.
//!
//! An edit works on lines, so it does not understand every form of TOML. Therefore a caller proves
//! the new text with [`holds`]: the text must contain the wanted values, and nothing else.

use toml::{Table, Value};

/// The lines of a TOML file, each with its line break.
pub(crate) struct TomlText {
    /// The lines. Only the last line may have no line break.
    pub(crate) lines: Vec<String>,
    /// The line break of the file.
    pub(crate) line_break: &'static str,
}

impl TomlText {
    /// Splits a text into lines.
    pub(crate) fn new(text: &str) -> Self {
        Self {
            lines: text.split_inclusive('\n').map(str::to_owned).collect(),
            line_break: if text.contains("\r\n") { "\r\n" } else { "\n" },
        }
    }

    /// Adds the missing line break of the last line. Returns true if the line break was missing.
    pub(crate) fn close(&mut self) -> bool {
        let is_open = |last: &&mut String| !last.ends_with('\n');
        match self.lines.last_mut().filter(is_open) {
            Some(last) => last.push_str(self.line_break),
            None => return false,
        }
        true
    }

    /// Returns the place of a key's line: below the header of the key's table, or as a dotted key
    /// before the first header.
    pub(crate) fn find(&self, table: &str, key: &str) -> Option<usize> {
        let dotted = format!("{table}.{key}");
        let mut root = self.lines[..self.root()].iter();
        if let Some(at) = root.position(|line| key_of(line).is_some_and(|it| it == dotted)) {
            return Some(at);
        }
        let first = self.header(table)? + 1;
        let below = self.lines[first..].iter();
        let mut below = below.take_while(|line| header_of(line).is_none());
        let at = below.position(|line| key_of(line).is_some_and(|it| it == key))?;
        Some(first + at)
    }

    /// Returns the place of a table's header.
    pub(crate) fn header(&self, table: &str) -> Option<usize> {
        let mut lines = self.lines.iter();
        lines.position(|line| header_of(line).is_some_and(|it| it == table))
    }

    /// Returns the place of the last dotted key of a table before the first header.
    pub(crate) fn last_dotted(&self, table: &str) -> Option<usize> {
        let dotted = format!("{table}.");
        let is_dotted = |line: &String| key_of(line).is_some_and(|it| it.starts_with(&dotted));
        self.lines[..self.root()].iter().rposition(is_dotted)
    }

    /// Returns the number of lines before the first header.
    fn root(&self) -> usize {
        let mut lines = self.lines.iter();
        lines
            .position(|line| header_of(line).is_some())
            .unwrap_or(self.lines.len())
    }

    /// Inserts a line before the line at this place, or at the end.
    pub(crate) fn insert(&mut self, at: usize, line: &str) {
        if at == self.lines.len() {
            self.close();
        }
        self.lines.insert(at, format!("{line}{}", self.line_break));
    }

    /// Adds a line at the end.
    pub(crate) fn push(&mut self, line: &str) {
        self.insert(self.lines.len(), line);
    }

    /// Returns the text of the lines.
    pub(crate) fn text(&self) -> String {
        self.lines.concat()
    }
}

/// Returns the name in the header of a table, without quotes and spaces.
fn header_of(line: &str) -> Option<String> {
    let name = line.trim_start().strip_prefix('[')?;
    let (name, _) = name.split_once(']')?;
    Some(plain(name))
}

/// Returns the key of a line, without quotes and spaces.
fn key_of(line: &str) -> Option<String> {
    let line = line.trim_start();
    let (key, _) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
    Some(plain(key))
}

fn plain(name: &str) -> String {
    name.replace(['"', '\'', ' ', '\t'], "")
}

/// Sets or removes the value of a key. `table` is a table as in its header: `cache.redis`.
pub(crate) fn set(root: &mut Table, table: &str, key: &str, value: Option<Value>) {
    let mut at = root;
    for part in table.split('.') {
        let below = at.entry(part).or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(below) = below else { return };
        at = below;
    }
    match value {
        Some(value) => at.insert(key.to_owned(), value),
        None => at.remove(key),
    };
}

/// Returns true if a text contains exactly these values. An empty table has no meaning.
pub(crate) fn holds(text: &str, wanted: &Table) -> bool {
    let parsed = text.parse::<Table>();
    parsed.is_ok_and(|it| pruned(it) == pruned(wanted.clone()))
}

/// Removes empty tables.
fn pruned(table: Table) -> Table {
    let kept = table.into_iter().map(|(key, value)| match value {
        Value::Table(below) => (key, Value::Table(pruned(below))),
        value => (key, value),
    });
    kept.filter(|(_, value)| value.as_table().is_none_or(|it| !it.is_empty()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_keys_and_tables_are_found() {
        let text = TomlText::new(
            "build.jobs = 2\n # build.other = 1\n'alias' . b = 'c'\n[ \"env\" ] # ours\nA = 1\n\
             [[bin]]\nname = 'a=b'",
        );
        for (table, key, place) in [
            ("build", "jobs", Some(0)),
            ("build", "other", None),
            ("alias", "b", Some(2)),
            ("env", "A", Some(4)),
            ("env", "name", None),
            ("none", "A", None),
        ] {
            assert_eq!(text.find(table, key), place, "{table}.{key}");
        }
        assert_eq!((text.header("env"), text.header("bin")), (Some(3), None));
        assert_eq!(
            (text.last_dotted("alias"), text.last_dotted("env")),
            (Some(2), None)
        );
    }

    #[test]
    fn a_line_is_added_on_a_line_of_its_own() {
        let mut lines = TomlText::new("a = 1\r\nb = 2");
        lines.insert(1, "c = 3");
        assert_eq!(lines.text(), "a = 1\r\nc = 3\r\nb = 2");
        lines.push("d = 4");
        assert_eq!(lines.text(), "a = 1\r\nc = 3\r\nb = 2\r\nd = 4\r\n");
    }

    #[test]
    fn a_line_break_is_added_once() {
        for (text, is_open, closed) in [
            ("", false, ""),
            ("a = 1\r\nb = 2", true, "a = 1\r\nb = 2\r\n"),
            ("a = 1\n", false, "a = 1\n"),
        ] {
            let mut lines = TomlText::new(text);
            assert_eq!((lines.close(), lines.text()), (is_open, closed.to_owned()));
        }
    }

    #[test]
    fn a_text_holds_exactly_the_wanted_values() {
        let wanted = |text: &str| text.parse::<Table>().unwrap();
        assert!(holds("a.b = 1 # x\n[c]\n", &wanted("[a]\nb = 1")));
        assert!(!holds("a.b = 1\nd = 2", &wanted("[a]\nb = 1")));
        assert!(!holds("a = ", &wanted("")));
    }
}
