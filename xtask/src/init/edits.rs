//! Edits that add to a TOML file of the user.
//!
//! Architecture invariant: an edit only adds lines or words. The new text is parsed, and the edit
//! is refused unless the new text differs from the old text by exactly the intended value.

use anyhow::{Context as _, Result};
use toml::{Table, Value};
use xtask_impact::usage;

/// The result of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// The text has the value already.
    Present,
    /// The text has another value for the key.
    Differs(String),
    /// The new text.
    Text(String),
}

/// Adds `KEY = VALUE` to a table of a configuration file.
///
/// # Errors
/// Returns an error if the text is not TOML, or if it has a form that the kit cannot edit.
pub(crate) fn add_key(text: &str, table: &str, key: &str, value: &Value) -> Result<Edit> {
    let old: Table = text.parse().context("the file is not valid TOML")?;
    match old.get(table).and_then(|it| it.get(key)) {
        Some(present) if present == value => return Ok(Edit::Present),
        Some(other) => return Ok(Edit::Differs(other.to_string())),
        None => {}
    }
    let end = line_end(text);
    let line = format!("{key} = {value}{end}");
    let new = match header_end(text, table) {
        Some(at) => [&text[..at], &line, &text[at..]].concat(),
        None => format!("{}[{table}]{end}{line}", separated(text)),
    };
    let mut wanted = old;
    let entry = wanted.entry(table).or_insert(Value::Table(Table::new()));
    let entry = entry.as_table_mut();
    entry.and_then(|it| it.insert(key.to_owned(), value.clone()));
    proven(new, &wanted, &format!("{table}.{key} = {value}"))
}

/// Adds a directory to `workspace.exclude` of a root manifest.
///
/// # Errors
/// Returns the errors of [`add_key`].
pub(crate) fn exclude(text: &str, directory: &str) -> Result<Edit> {
    let old: Table = text.parse().context("the file is not valid TOML")?;
    let excluded = old.get("workspace").and_then(|it| it.get("exclude"));
    let Some(excluded) = excluded else {
        let value = Value::Array(vec![directory.into()]);
        return add_key(text, "workspace", "exclude", &value);
    };
    let mut list = excluded.as_array().cloned().unwrap_or_default();
    if list.iter().any(|it| it.as_str() == Some(directory)) {
        return Ok(Edit::Present);
    }
    list.insert(0, directory.into());
    let mut wanted = old.clone();
    if let Some(Value::Table(workspace)) = wanted.get_mut("workspace") {
        workspace.insert("exclude".to_owned(), Value::Array(list.clone()));
    }
    let at = header_end(text, "workspace").unwrap_or(0);
    let key = text[at..].find("exclude").map(|key| at + key);
    let open = key.and_then(|key| Some(key + text[key..].find('[')? + 1));
    let open = open.unwrap_or(text.len());
    let rest = &text[open..];
    let space = &rest[..rest.len() - rest.trim_start().len()];
    let word = Value::from(directory);
    let added = match (list.len(), space.contains('\n')) {
        (1, _) => word.to_string(),
        (_, true) => format!("{space}{word},"),
        (_, false) => format!("{word}, "),
    };
    let new = format!("{}{added}{rest}", &text[..open]);
    proven(
        new,
        &wanted,
        &format!("workspace.exclude = [\"{directory}\"]"),
    )
}

/// Adds comments to the end of a text.
pub(crate) fn append_comments(text: &str, comments: &str) -> String {
    let end = line_end(text);
    separated(text) + &comments.replace('\n', end)
}

/// Returns the new text if it contains exactly the wanted values.
fn proven(new: String, wanted: &Table, by_hand: &str) -> Result<Edit> {
    match new.parse::<Table>() {
        Ok(parsed) if parsed == *wanted => Ok(Edit::Text(new)),
        _ => Err(usage!(
            "`init` cannot edit this form of the file\nhint: add {by_hand} by hand, then run \
             `init` again"
        )),
    }
}

/// Returns the position behind the line of a table's header.
fn header_end(text: &str, table: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let code = line.split('#').next().unwrap_or_default();
        let name = code
            .trim()
            .strip_prefix('[')
            .and_then(|it| it.strip_suffix(']'));
        if name.is_some_and(|name| name.trim() == table) && line.ends_with('\n') {
            return Some(at);
        }
    }
    None
}

/// Returns the text with an empty line at its end, unless the text is empty.
fn separated(text: &str) -> String {
    let end = line_end(text);
    match (text.is_empty(), text.ends_with('\n')) {
        (true, _) => String::new(),
        (false, true) => format!("{text}{end}"),
        (false, false) => format!("{text}{end}{end}"),
    }
}

/// Returns the line ending of a text.
fn line_end(text: &str) -> &'static str {
    match text.contains("\r\n") {
        true => "\r\n",
        false => "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_added_to_its_table_and_nothing_else_changes() {
        let add = |text: &str| match add_key(text, "alias", "xtask", &"run --".into()) {
            Ok(Edit::Text(new)) => new.replace('\r', "␍"),
            Ok(other) => format!("{other:?}"),
            Err(error) => format!("error: {error}"),
        };
        let all = [
            "",
            "[build]\njobs = 2",
            "[alias] # ours\nb = \"build\"\n\n[build]\n",
            "[build]\r\njobs = 2\r\n",
            "[alias]\nxtask = \"run --\"\n",
            "[alias]\nxtask = \"run -p xtask --\"\n",
            "alias = { b = \"build\" }\n",
            "alias.b = \"build\"\n",
            "text = '''\n[alias]\n'''\n",
            "[alias\n",
        ];
        let told = all.map(|text| format!("{text:?}\n{}\n", add(text)));
        expect_test::expect![[r#"
            ""
            [alias]
            xtask = "run --"

            "[build]\njobs = 2"
            [build]
            jobs = 2

            [alias]
            xtask = "run --"

            "[alias] # ours\nb = \"build\"\n\n[build]\n"
            [alias] # ours
            xtask = "run --"
            b = "build"

            [build]

            "[build]\r\njobs = 2\r\n"
            [build]␍
            jobs = 2␍
            ␍
            [alias]␍
            xtask = "run --"␍

            "[alias]\nxtask = \"run --\"\n"
            Present
            "[alias]\nxtask = \"run -p xtask --\"\n"
            Differs("\"run -p xtask --\"")
            "alias = { b = \"build\" }\n"
            error: `init` cannot edit this form of the file
            hint: add alias.xtask = "run --" by hand, then run `init` again
            "alias.b = \"build\"\n"
            error: `init` cannot edit this form of the file
            hint: add alias.xtask = "run --" by hand, then run `init` again
            "text = '''\n[alias]\n'''\n"
            error: `init` cannot edit this form of the file
            hint: add alias.xtask = "run --" by hand, then run `init` again
            "[alias\n"
            error: the file is not valid TOML
        "#]]
        .assert_eq(&told.concat());
    }

    #[test]
    fn a_directory_is_excluded_next_to_others() {
        let add = |text: &str| match exclude(text, "xtask") {
            Ok(Edit::Text(new)) => new,
            Ok(other) => format!("{other:?}"),
            Err(error) => format!("error: {error}"),
        };
        let all = [
            "[workspace]\nmembers = [\"*\"]\n",
            "[workspace]\nmembers = [\"*\"]\nexclude = [\n    \"old\",\n]\n",
            "[workspace]\nmembers = [\"*\"]\nexclude = []\n",
            "[workspace]\nexclude = [\"xtask\"]\n",
            "workspace.exclude = [\"old\"]\n",
            "[workspace]\n# exclude [nothing]\nexclude = [\"old\"]\n",
        ];
        let told = all.map(|text| format!("{}\n---\n", add(text)));
        expect_test::expect![[r#"
            [workspace]
            exclude = ["xtask"]
            members = ["*"]

            ---
            [workspace]
            members = ["*"]
            exclude = [
                "xtask",
                "old",
            ]

            ---
            [workspace]
            members = ["*"]
            exclude = ["xtask"]

            ---
            Present
            ---
            workspace.exclude = ["xtask", "old"]

            ---
            error: `init` cannot edit this form of the file
            hint: add workspace.exclude = ["xtask"] by hand, then run `init` again
            ---
        "#]]
        .assert_eq(&told.concat());
    }
}
