//! Edits of a TOML file that keep every other byte, and that can be undone exactly.
//!
//! Each added line ends with a marker comment. Each replaced line becomes a comment. To undo the
//! edit, added lines are removed and comments become lines again. The result of an edit is parsed:
//! it must contain the former values and the new values, and nothing else.

use toml::{Table, Value};

/// The end of each line that an edit adds.
const ADDED: &str = "# set by `cargo xtask cache setup`";

/// The beginning of each line that an edit replaces.
const REPLACED: &str = "# replaced by `cargo xtask cache setup`: ";

/// The first line of a file that an edit makes.
const MADE: &str = "# made by `cargo xtask cache setup`";

/// The last line of a file that did not end with a line break.
const OPEN_END: &str = "# no line break before `cargo xtask cache setup`";

/// A value that an edit writes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setting {
    /// The table, as in its header: `cache.redis`.
    pub table: &'static str,
    /// The key in the table.
    pub key: &'static str,
    /// The value.
    pub value: Wanted,
}

/// The value of a [`Setting`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    /// This value.
    Value(Value),
    /// This value, unless the file has another one.
    Default(Value),
    /// No value.
    Nothing,
}

/// Returns the text with the settings. An earlier edit is undone first. An empty text counts as a
/// file that does not exist.
///
/// # Errors
/// Returns a message if the text is not TOML, or if the settings cannot be written without a change
/// of other lines.
pub(super) fn with_settings(text: &str, settings: &[Setting]) -> Result<String, String> {
    let before = undone(text).unwrap_or_default();
    let former: Table = before
        .parse()
        .map_err(|error| format!("it is not TOML: {error}"))?;
    let mut expected = former.clone();
    let mut lines = Lines::new(&before);
    for setting in settings {
        let Setting { table, key, .. } = setting;
        let present = get(&former, table).and_then(|it| it.get(*key));
        let value = match (&setting.value, present) {
            (Wanted::Default(_), Some(_)) | (Wanted::Nothing, None) => continue,
            (Wanted::Value(value), Some(present)) if value == present => continue,
            (Wanted::Value(value) | Wanted::Default(value), _) => Some(value),
            (Wanted::Nothing, _) => None,
        };
        if present.is_some() {
            lines.replace(table, key);
        }
        if let Some(value) = value {
            lines.add(table, key, value);
        }
        set(&mut expected, table, key, value.cloned());
    }
    let after = lines.text();
    let is_right = after
        .parse::<Table>()
        .is_ok_and(|it| pruned(it) == pruned(expected));
    if !is_right || undone(&after).unwrap_or_default() != before {
        let lines = settings.iter().filter_map(|setting| match &setting.value {
            Wanted::Value(value) | Wanted::Default(value) => {
                Some(format!("{}.{} = {value}", setting.table, setting.key))
            }
            Wanted::Nothing => None,
        });
        return Err(format!(
            "the kit cannot edit this form of the table\nhint: write these values by hand: {}",
            lines.collect::<Vec<_>>().join(", ")
        ));
    }
    Ok(after)
}

/// Returns the text without the edit. `None` if the file did not exist before the edit, and nothing
/// was added since.
pub(super) fn undone(text: &str) -> Option<String> {
    let mut undone = String::new();
    let (mut is_made, mut has_open_end) = (false, false);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        match bare {
            MADE => is_made = true,
            OPEN_END => has_open_end = true,
            _ if bare.ends_with(ADDED) => {}
            _ => undone.push_str(line.strip_prefix(REPLACED).unwrap_or(line)),
        }
    }
    if has_open_end {
        let length = undone.trim_end_matches('\n').len();
        undone.truncate(length);
    }
    (!(is_made && undone.trim().is_empty())).then_some(undone)
}

/// Returns true if a text holds an edit.
pub(super) fn is_edited(text: &str) -> bool {
    text.lines()
        .any(|line| line.trim_end().ends_with(ADDED) || line.starts_with(REPLACED))
}

/// The lines of a file, each with its line break.
struct Lines {
    lines: Vec<String>,
    line_break: &'static str,
    has_open_end: bool,
}

impl Lines {
    fn new(text: &str) -> Self {
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
        if text.is_empty() {
            lines.push(format!("{MADE}{line_break}"));
        }
        let has_open_end = lines.last().is_some_and(|it| !it.ends_with('\n'));
        if has_open_end && let Some(last) = lines.last_mut() {
            last.push('\n');
        }
        Self {
            lines,
            line_break,
            has_open_end,
        }
    }

    /// Makes the line of a key a comment.
    fn replace(&mut self, table: &str, key: &str) {
        if let Some(at) = self.find(table, key) {
            self.lines[at].insert_str(0, REPLACED);
        }
    }

    /// Adds a line with a key: below the header of its table, next to other dotted keys of the
    /// table, or at the end, in a new table.
    fn add(&mut self, table: &str, key: &str, value: &Value) {
        let end = self.line_break;
        if let Some(header) = self.header(table) {
            let below = self.lines[header + 1..].iter();
            let added = below
                .take_while(|line| line.trim_end().ends_with(ADDED))
                .count();
            let line = format!("{key} = {value} {ADDED}{end}");
            self.lines.insert(header + 1 + added, line);
            return;
        }
        let dotted = format!("{table}.");
        let is_dotted = |line: &String| key_of(line).is_some_and(|it| it.starts_with(&dotted));
        if let Some(last) = self.lines[..self.root()].iter().rposition(is_dotted) {
            self.lines
                .insert(last + 1, format!("{table}.{key} = {value} {ADDED}{end}"));
            return;
        }
        self.lines.push(format!("[{table}] {ADDED}{end}"));
        self.lines.push(format!("{key} = {value} {ADDED}{end}"));
    }

    /// Returns the place of a key's line.
    fn find(&self, table: &str, key: &str) -> Option<usize> {
        let whole = format!("{table}.{key}");
        let mut lines = self.lines[..self.root()].iter();
        if let Some(at) = lines.position(|line| key_of(line).is_some_and(|it| it == whole)) {
            return Some(at);
        }
        let first = self.header(table)? + 1;
        let mut lines = self.lines[first..].iter();
        let lines = lines.by_ref().take_while(|line| header_of(line).is_none());
        let mut lines = lines.map(|line| key_of(line));
        Some(first + lines.position(|it| it.is_some_and(|it| it == key))?)
    }

    fn header(&self, table: &str) -> Option<usize> {
        let mut lines = self.lines.iter();
        lines.position(|line| header_of(line).is_some_and(|it| it == table))
    }

    /// Returns the number of lines before the first header.
    fn root(&self) -> usize {
        let mut lines = self.lines.iter();
        lines
            .position(|line| header_of(line).is_some())
            .unwrap_or(self.lines.len())
    }

    fn text(mut self) -> String {
        if self.has_open_end {
            self.lines.push(format!("{OPEN_END}{}", self.line_break));
        }
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

fn get<'a>(root: &'a Table, table: &str) -> Option<&'a Table> {
    let mut parts = table.split('.');
    parts.try_fold(root, |at, part| at.get(part)?.as_table())
}

fn set(root: &mut Table, table: &str, key: &str, value: Option<Value>) {
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

/// Removes empty tables, which mean nothing in either file.
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

    fn settings() -> [Setting; 3] {
        let setting = |table, key, value| Setting { table, key, value };
        [
            setting("build", "rustc-wrapper", Wanted::Value("sccache".into())),
            setting("build", "incremental", Wanted::Value(false.into())),
            setting("cache.disk", "size", Wanted::Default(10.into())),
        ]
    }

    fn edited(text: &str) -> String {
        let edited = with_settings(text, &settings()).unwrap();
        // The edit is taken back exactly, and does nothing the second time.
        let back = undone(&edited);
        assert_eq!(back.as_deref(), (!text.is_empty()).then_some(text));
        assert_eq!(with_settings(&edited, &settings()).unwrap(), edited);
        edited.replace(ADDED, "#+").replace(REPLACED, "#-")
    }

    #[test]
    fn a_new_file_is_made() {
        expect_test::expect![[r#"
            # made by `cargo xtask cache setup`
            [build] #+
            rustc-wrapper = "sccache" #+
            incremental = false #+
            [cache.disk] #+
            size = 10 #+
        "#]]
        .assert_eq(&edited(""));
    }

    #[test]
    fn present_tables_keep_their_lines() {
        let text = "# why\n[build] # all\ntarget-dir = 'x'\n incremental = true # old\n\n[alias]\n\
                    incremental = \"b\"\n[cache.disk]\nsize = 3";
        expect_test::expect![[r#"
            # why
            [build] # all
            rustc-wrapper = "sccache" #+
            incremental = false #+
            target-dir = 'x'
            #- incremental = true # old

            [alias]
            incremental = "b"
            [cache.disk]
            size = 3
            # no line break before `cargo xtask cache setup`
        "#]]
        .assert_eq(&edited(text));
    }

    #[test]
    fn other_forms_of_tables_are_kept() {
        for text in [
            "build.jobs = 2\n[env]\nA = \"1\"\n",
            "build.incremental = true\r\nbuild.rustc-wrapper = \"sccache\"\r\n",
            "[ \"build\" ]\n'incremental' = true\n",
            "[cache]\ndisk.dir = '/x'\n[build]\nincremental = false\nrustc-wrapper = 'a'\n",
        ] {
            if let Err(why) = with_settings(text, &settings()) {
                assert!(text.contains("disk.dir"), "{text}: {why}");
                continue;
            }
            edited(text);
        }
        let twice = [Setting {
            table: "build",
            key: "rustc-wrapper",
            value: Wanted::Nothing,
        }];
        let text = "[build]\nrustc-wrapper = 'a'\njobs = 1\n";
        let without = with_settings(text, &twice).unwrap();
        assert!(
            !without.parse::<Table>().unwrap()["build"]
                .as_table()
                .unwrap()
                .contains_key("rustc-wrapper")
        );
        assert_eq!(undone(&without).unwrap(), text);
    }

    /// A form that cannot be edited by lines is refused, and the hint has the values.
    #[test]
    fn a_file_that_cannot_be_edited_is_refused() {
        for text in [
            "build = { jobs = 2 }\n",
            "x = '''\n[build]\n'''\n",
            "[build]\nincremental = true\n[build]\n",
        ] {
            let why = with_settings(text, &settings()).unwrap_err();
            assert!(
                why.contains("hint: write these") || why.contains("not TOML"),
                "{text}: {why}"
            );
        }
    }

    /// Lines that the user adds after the edit stay.
    #[test]
    fn later_lines_of_the_user_stay() {
        let edited = with_settings("", &settings()).unwrap();
        let later = format!("{edited}[alias]\nx = \"build\"\n");
        assert_eq!(undone(&later).unwrap(), "[alias]\nx = \"build\"\n");
        assert!(is_edited(&later) && !is_edited("[build]\n"));
    }
}
