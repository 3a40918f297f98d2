//! Edits of a TOML file that keep every other byte, and that can be undone exactly.
//!
//! Each added line ends with a marker comment. Each replaced line becomes a comment. To undo the
//! edit, added lines are removed and comments become lines again. The result of an edit is parsed:
//! it must contain the former values and the new values, and nothing else.

use toml::{Table, Value};

use crate::toml_text::{self, TomlText, holds};

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
pub(super) struct TomlSetting {
    /// The table, as in its header: `cache.redis`.
    pub table: &'static str,
    /// The key in the table.
    pub key: &'static str,
    /// The value.
    pub value: Wanted,
}

/// The value of a [`TomlSetting`].
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
pub(super) fn with_settings(text: &str, settings: &[TomlSetting]) -> Result<String, String> {
    let before = undone(text).unwrap_or_default();
    let former: Table = before
        .parse()
        .map_err(|error| format!("it is not TOML: {error}"))?;
    let mut expected = former.clone();
    let (mut lines, has_open_end) = lines_of(&before);
    for setting in settings {
        let TomlSetting { table, key, .. } = setting;
        let present = get(&former, table).and_then(|it| it.get(*key));
        let value = match (&setting.value, present) {
            (Wanted::Default(_), Some(_)) | (Wanted::Nothing, None) => continue,
            (Wanted::Value(value), Some(present)) if value == present => continue,
            (Wanted::Value(value) | Wanted::Default(value), _) => Some(value),
            (Wanted::Nothing, _) => None,
        };
        if present.is_some() {
            replace(&mut lines, table, key);
        }
        if let Some(value) = value {
            add(&mut lines, table, key, value);
        }
        toml_text::set(&mut expected, table, key, value.cloned());
    }
    if has_open_end {
        lines.push(OPEN_END);
    }
    let after = lines.text();
    if !holds(&after, &expected) || undone(&after).unwrap_or_default() != before {
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
        let length = undone.trim_end_matches(['\n', '\r']).len();
        undone.truncate(length);
    }
    (!(is_made && undone.trim().is_empty())).then_some(undone)
}

/// Returns true if a text holds an edit.
pub(super) fn is_edited(text: &str) -> bool {
    text.lines()
        .any(|line| line.trim_end().ends_with(ADDED) || line.starts_with(REPLACED))
}

/// Returns the lines of a text, and true if the last line has no line break.
fn lines_of(text: &str) -> (TomlText, bool) {
    let mut lines = TomlText::new(text);
    if text.is_empty() {
        lines.push(MADE);
    }
    let has_open_end = lines.close();
    (lines, has_open_end)
}

/// Makes the line of a key a comment.
fn replace(lines: &mut TomlText, table: &str, key: &str) {
    if let Some(at) = lines.find(table, key) {
        lines.lines[at].insert_str(0, REPLACED);
    }
}

/// Adds a line with a key: below the header of its table, next to other dotted keys of the table, or
/// at the end, in a new table.
fn add(lines: &mut TomlText, table: &str, key: &str, value: &Value) {
    if let Some(header) = lines.header(table) {
        let below = lines.lines[header + 1..].iter();
        let added = below.take_while(|line| line.trim_end().ends_with(ADDED));
        let at = header + 1 + added.count();
        lines.insert(at, &format!("{key} = {value} {ADDED}"));
    } else if let Some(last) = lines.last_dotted(table) {
        lines.insert(last + 1, &format!("{table}.{key} = {value} {ADDED}"));
    } else {
        lines.push(&format!("[{table}] {ADDED}"));
        lines.push(&format!("{key} = {value} {ADDED}"));
    }
}

fn get<'a>(root: &'a Table, table: &str) -> Option<&'a Table> {
    let mut parts = table.split('.');
    parts.try_fold(root, |at, part| at.get(part)?.as_table())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> [TomlSetting; 3] {
        let setting = |table, key, value| TomlSetting { table, key, value };
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
            "[build]\r\njobs = 2",
            "[ \"build\" ]\n'incremental' = true\n",
            "[cache]\ndisk.dir = '/x'\n[build]\nincremental = false\nrustc-wrapper = 'a'\n",
        ] {
            if let Err(why) = with_settings(text, &settings()) {
                assert!(text.contains("disk.dir"), "{text}: {why}");
                continue;
            }
            edited(text);
        }
        let twice = [TomlSetting {
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
