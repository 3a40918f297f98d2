//! Compares the tables of targets: `[lib]`, `[[bin]]`, `[[example]]`, `[[test]]` and `[[bench]]`.
//!
//! Cargo hashes the whole target, so even `doc = false` rebuilds it. Defaults are filled in before
//! two sides are compared. Of the paths that cargo infers, only the library's is filled in.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{KeyChange, SemanticChange, TargetKind, TouchedUnits, changes};

pub(super) fn kind(key: &str) -> Option<TargetKind> {
    Some(match key {
        "lib" => TargetKind::Lib,
        "bin" => TargetKind::Bin,
        "example" => TargetKind::Example,
        "test" => TargetKind::Test,
        "bench" => TargetKind::Bench,
        _ => return None,
    })
}

/// Returns the changes for a difference in the tables of one kind of target.
pub(super) fn compare(kind: TargetKind, change: &KeyChange) -> Vec<SemanticChange> {
    let (old, new) = (entries(kind, change.old), entries(kind, change.new));
    let mut effects = Vec::new();
    let names = old
        .keys()
        .chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let label: &[&str] = match kind {
            TargetKind::Lib => &[change.key],
            _ => &[change.key, name],
        };
        let target = TouchedUnits::Target {
            kind,
            name: (kind != TargetKind::Lib).then(|| name.clone()),
        };
        // If cargo had inferred the target, a new entry for it only changes the other keys of the
        // entry.
        let inferred = normal(kind, &Table::new());
        let side = |side: &BTreeMap<String, Table>| {
            side.get(name).cloned().unwrap_or_else(|| inferred.clone())
        };
        let (one, other) = (side(&old), side(&new));
        let listed = old.contains_key(name) == new.contains_key(name);
        let mut differing: Vec<_> = changes(Some(&one), Some(&other))
            .iter()
            .map(|change| change.key)
            .collect();
        if !listed && kind != TargetKind::Lib {
            differing.retain(|key| !matches!(*key, "name" | "path"));
            let why = "lists a target, which cargo may also have inferred";
            effects.push(SemanticChange::new(label, target.clone(), true, why));
        }
        effects.extend(differing.iter().map(|key| {
            let (path, told) = ([label, &[*key]].concat(), *key == "edition");
            let why = "is part of the target's own description";
            SemanticChange::new(&path, target.clone(), told, why)
        }));
        let comes_or_goes = !listed
            || differing
                .iter()
                .any(|key| matches!(*key, "name" | "required-features"));
        if kind == TargetKind::Bin && comes_or_goes {
            // Under build and test, the integration tests and benches of a package depend on the
            // list of its binaries (they see `CARGO_BIN_EXE_*`).
            let users = [TargetKind::Test, TargetKind::Bench];
            let users = users.map(|kind| TouchedUnits::Target { kind, name: None });
            let why = "decides which binaries the package's tests see";
            effects.extend(users.map(|what| SemanticChange::new(label, what, true, why)));
        }
    }
    effects
}

/// Returns the tables of one kind by target name. The key of a table without a name is its index in
/// the list.
fn entries(kind: TargetKind, value: Option<&Value>) -> BTreeMap<String, Table> {
    let tables = match value {
        Some(Value::Table(lib)) => vec![lib],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_table).collect(),
        _ => Vec::new(),
    };
    let named = tables.into_iter().enumerate().map(|(place, table)| {
        let name = match (kind, table.get("name").and_then(Value::as_str)) {
            (TargetKind::Lib, _) => String::new(),
            (_, Some(name)) => name.to_owned(),
            (_, None) => place.to_string(),
        };
        (name, normal(kind, table))
    });
    named.collect()
}

/// Returns the table with current spelling and all defaults filled in.
fn normal(kind: TargetKind, table: &Table) -> Table {
    let (lib, bin) = (kind == TargetKind::Lib, kind == TargetKind::Bin);
    let mut normal: Table = [
        ("test", lib || bin || kind == TargetKind::Test),
        ("bench", lib || bin || kind == TargetKind::Bench),
        ("doc", lib || bin),
        ("doctest", lib),
        ("harness", true),
        ("proc-macro", false),
    ]
    .map(|(key, default)| (key.to_owned(), Value::from(default)))
    .into_iter()
    .collect();
    if lib {
        normal.insert("path".to_owned(), "src/lib.rs".into());
        normal.insert("crate-type".to_owned(), vec!["lib"].into());
    }
    for (key, value) in table {
        let key = match key.as_str() {
            "crate_type" => "crate-type",
            "proc_macro" => "proc-macro",
            // Cargo builds a library even if its `required-features` are off.
            "required-features" if lib => continue,
            key => key,
        };
        normal.insert(key.to_owned(), value.clone());
    }
    normal
}
