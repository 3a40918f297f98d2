//! Edits that add to a TOML file of the user.
//!
//! Architecture invariant: an edit only adds lines or words. The new text is parsed, and the edit
//! is refused unless the new text differs from the old text by exactly the intended value.

use anyhow::{Context as _, Result};
use toml::{Table, Value};
use xtask_impact::usage;

use crate::toml_text::{self, TomlText, holds};

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
    let mut lines = TomlText::new(text);
    let line = format!("{key} = {value}");
    if let Some(header) = lines.header(table) {
        lines.insert(header + 1, &line);
    } else if let Some(last) = lines.last_dotted(table) {
        lines.insert(last + 1, &format!("{table}.{line}"));
    } else {
        if !text.is_empty() {
            lines.push("");
        }
        lines.push(&format!("[{table}]"));
        lines.push(&line);
    }
    let mut wanted = old;
    toml_text::set(&mut wanted, table, key, Some(value.clone()));
    proven(lines.text(), &wanted, &format!("{table}.{key} = {value}"))
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
    let value = Value::Array(list.clone());
    toml_text::set(&mut wanted, "workspace", "exclude", Some(value));
    let by_hand = format!("workspace.exclude = [\"{directory}\"]");
    let mut lines = TomlText::new(text);
    let Some(at) = lines.find("workspace", "exclude") else {
        return Err(refused(&by_hand));
    };
    let from = lines.lines.split_off(at).concat();
    let (key, rest) = from.split_once('[').unwrap_or((&from, ""));
    let space = &rest[..rest.len() - rest.trim_start().len()];
    let word = Value::from(directory);
    let added = match (list.len(), space.contains('\n')) {
        (1, _) => word.to_string(),
        (_, true) => format!("{space}{word},"),
        (_, false) => format!("{word}, "),
    };
    let new = format!("{}{key}[{added}{rest}", lines.text());
    proven(new, &wanted, &by_hand)
}

/// Adds comments to the end of a text.
pub(crate) fn append_comments(text: &str, comments: &str) -> String {
    let mut lines = TomlText::new(text);
    if !text.is_empty() {
        lines.push("");
    }
    lines.text() + &comments.replace('\n', lines.line_break)
}

/// Returns the new text if it contains exactly the wanted values.
fn proven(new: String, wanted: &Table, by_hand: &str) -> Result<Edit> {
    match holds(&new, wanted) {
        true => Ok(Edit::Text(new)),
        false => Err(refused(by_hand)),
    }
}

fn refused(by_hand: &str) -> anyhow::Error {
    usage!(
        "`init` cannot edit this form of the file\nhint: add {by_hand} by hand, then run `init` \
         again"
    )
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
            alias.b = "build"
            alias.xtask = "run --"

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
            [workspace]
            # exclude [nothing]
            exclude = ["xtask", "old"]

            ---
        "#]]
        .assert_eq(&told.concat());
    }
}
