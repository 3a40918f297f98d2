//! Compares two sides of `.cargo/config.toml`, by a table of every key that cargo documents for
//! 1.95 to 1.97.
//!
//! Each difference is judged by itself. This module does not see if the environment, the command
//! line or a deeper file overrides the key. For a more exact answer, a caller merges the files as
//! cargo does (with `include`s resolved and the key `include` removed) and compares the merged
//! tables.

use toml::{Table, Value};

use super::{KeyChange, SemanticChange, TouchedUnits, changes, profiles};

/// The keys that rebuild and rerun nothing. A `*` stands for any single part, and an entry covers
/// everything below it.
const INERT: &[&str] = &[
    "alias",
    "build.dep-info-basedir",
    "build.jobs",
    "build.pipelining",
    "build.rustc-wrapper",
    "build.warnings",
    "cache",
    "cargo-new",
    "credential-alias",
    "doc.browser",
    "future-incompat-report",
    "http",
    "install",
    "net",
    "registries.*.credential-provider",
    "registries.*.token",
    "registry.credential-provider",
    "registry.default",
    "registry.global-credential-providers",
    "registry.token",
    "resolver.incompatible-rust-versions",
    "target.*.ar",
    "term",
];

const BUILD_TARGET: [&str; 2] = ["build", "target"];

/// Returns true if a key, such as `net` or `alias`, has no effect on the units that are built.
pub fn is_inert(key: &[&str]) -> bool {
    let starts_so = |row: &&str| {
        let parts = row.split('.').count();
        key.len() >= parts && is(row, &key[..parts])
    };
    INERT.iter().any(starts_so)
}

/// A function from the parts of a key to the units that the key touches.
type Touches = fn(&[&str]) -> TouchedUnits;

/// All other keys: the pattern, true if the unit graph covers the change, the touched units, and
/// the rule.
#[rustfmt::skip]
const RULES: &[(&str, bool, Touches, &str)] = &[
    ("build.build-dir", false, |_| TouchedUnits::All, "names another directory, in which nothing is built yet"),
    ("build.incremental", true, |_| TouchedUnits::All, "is a setting of every profile"),
    ("build.rustc", false, |_| TouchedUnits::All, "names another compiler"),
    ("build.rustc-workspace-wrapper", false, |_| TouchedUnits::Members, "is part of the identity of every member's units"),
    ("build.rustdoc", false, |_| TouchedUnits::Docs, "names another rustdoc"),
    ("build.rustdocflags", false, |_| TouchedUnits::Docs, "affects only rustdoc"),
    ("build.rustflags", false, |_| TouchedUnits::Flags { platform: None }, "affects every compiler call, or only those for the target if a target triple is given"),
    ("build.target-dir", false, |_| TouchedUnits::All, "names another directory, in which nothing is built yet"),
    ("include", false, |_| TouchedUnits::All, "includes files that were not compared"),
    ("patch", true, |_| TouchedUnits::All, "replaces packages"),
    ("paths", true, |_| TouchedUnits::All, "replaces packages"),
    ("registries.*.index", true, |_| TouchedUnits::All, "changes the source of packages"),
    ("registries.*.protocol", false, |_| TouchedUnits::External, "moves the sources of registry packages"),
    ("resolver.feature-unification", true, |_| TouchedUnits::All, "chooses how features unify"),
    ("resolver.lockfile-path", true, |_| TouchedUnits::All, "names another lock file"),
    ("source", false, |_| TouchedUnits::External, "can move the sources of replaced packages"),
    ("target.*.linker", false, |key| TouchedUnits::Platform { platform: Some(key[1].to_owned()), host_too: true }, "is in the fingerprint of every unit for the platform, linked or not"),
    ("target.*.runner", false, |_| TouchedUnits::Runs, "starts the executables, and does not affect the build"),
    ("target.*.rustdocflags", false, |_| TouchedUnits::Docs, "affects only rustdoc"),
    ("target.*.rustflags", false, |key| TouchedUnits::Flags { platform: Some(key[1].to_owned()) }, "affects every compiler call for the platform"),
    ("target.*.*", false, |key| TouchedUnits::OverriddenRuns { links: vec![key[2].to_owned()], platform: Some(key[1].to_owned()) }, "replaces the build script with these links"),
];

/// Compares two sides of one configuration file, or of all configuration files merged.
pub fn compare_config(old: &Table, new: &Table) -> Vec<SemanticChange> {
    let mut effects = Vec::new();
    for change in changes(Some(old), Some(new)) {
        match change.key {
            "profile" if change.inside().is_some() => effects.extend(profiles(&change)),
            "env" if change.inside().is_some() => effects.extend(env(&change)),
            _ => walk(&[], &change, &mut effects),
        }
    }
    effects
}

/// Compares two sides of the only configuration that sets target triples or flags. No other file,
/// environment variable or command-line option sets any.
///
/// If only one side names a triple, cargo builds different units for the target on the two sides,
/// and cargo's unit graph covers this difference. Only the flags of units for the host remain to be
/// compared. Units for the host have flags only on the side without a triple. If this side sets no
/// flags, the changes of flags and of `build.target` are left out.
pub fn compare_sole_config(old: &Table, new: &Table) -> Vec<SemanticChange> {
    let mut effects = compare_config(old, new);
    let has_triple = |side: &Table| {
        let build = side.get("build");
        build.and_then(|build| build.get("target")).is_some()
    };
    let bare = match (has_triple(old), has_triple(new)) {
        (true, false) => new,
        (false, true) => old,
        _ => return effects,
    };
    if !names_flags(bare) {
        effects.retain(|effect| match effect.what {
            TouchedUnits::Flags { .. } => false,
            TouchedUnits::All => effect.key != BUILD_TARGET.join("."),
            _ => true,
        });
    }
    effects
}

/// Returns true if a configuration sets flags for rustc or rustdoc.
fn names_flags(config: &Table) -> bool {
    let has_flags = |table: &Value| {
        let keys = ["rustflags", "rustdocflags"];
        keys.iter().any(|key| table.get(key).is_some())
    };
    let platforms = config.get("target").and_then(Value::as_table);
    let mut platforms = platforms.into_iter().flat_map(Table::values);
    config.get("build").is_some_and(has_flags) || platforms.any(has_flags)
}

/// Follows a difference down to the key that has a rule.
fn walk(above: &[&str], change: &KeyChange, effects: &mut Vec<SemanticChange>) {
    let path = [above, &[change.key]].concat();
    let (old, new) = (change.old.map(|value| plain(&path, value)), change.new);
    if old == new.map(|value| plain(&path, value)) || INERT.iter().any(|row| is(row, &path)) {
        return;
    }
    let mut add = |what, told, why| effects.push(SemanticChange::new(&path, what, told, why));
    if path == BUILD_TARGET {
        let what = TouchedUnits::Platform {
            platform: None,
            host_too: false,
        };
        add(what, true, "names the target platforms");
        if change.old.is_none() || new.is_none() {
            // Without a triple, rustflags also apply to the units for the host. The flags may come
            // from another file or the environment, so everything counts as touched.
            let why = "decides whether target and host are separate";
            add(TouchedUnits::All, false, why);
        }
        return;
    }
    let inside = change.inside();
    let rule = RULES.iter().find(|(row, ..)| is(row, &path));
    // A rule that ends with `*` is only about tables, such as `[target.TRIPLE.LINKS]`.
    if let Some((_, told, touches, why)) =
        rule.filter(|(row, ..)| inside.is_some() || !row.ends_with('*'))
    {
        let touched = touches(&path);
        if let TouchedUnits::OverriddenRuns { links, platform } = touched.clone() {
            add(
                TouchedUnits::OverriddenScripts { links, platform },
                true,
                why,
            );
        }
        return add(touched, *told, why);
    }
    let known = INERT.iter().chain(RULES.iter().map(|(row, ..)| row));
    match inside {
        Some(inside) if known.into_iter().any(|row| is_above(&path, row)) => {
            inside
                .iter()
                .for_each(|change| walk(&path, change, effects));
        }
        _ => add(TouchedUnits::All, false, "is unknown to xtask-kit"),
    }
}

fn is(row: &str, path: &[&str]) -> bool {
    row.split('.').count() == path.len() && is_above(path, row)
}

/// Returns true if the path is a prefix of the pattern `row`.
fn is_above(path: &[&str], row: &str) -> bool {
    let mut row = row.split('.');
    path.iter()
        .all(|part| row.next().is_some_and(|want| want == "*" || want == *part))
}

/// Returns a value in one normal form: cargo allows a single string instead of a list.
fn plain(path: &[&str], value: &Value) -> Value {
    match (path.last(), value) {
        (Some(&("rustflags" | "rustdocflags" | "runner")), Value::String(words)) => {
            words.split_whitespace().collect::<Vec<_>>().into()
        }
        (Some(&"target"), Value::String(triple)) => vec![triple.as_str()].into(),
        _ => value.clone(),
    }
}

/// Returns the changes for a difference in `[env]`. Cargo tracks a variable through dep-info and
/// `rerun-if-env-changed`, and passes the variable to everything that it runs.
fn env(change: &KeyChange) -> Vec<SemanticChange> {
    let said = |value: Option<&Value>| {
        let mut said = match value? {
            Value::Table(said) => said.clone(),
            value => Table::from_iter([("value".to_owned(), value.clone())]),
        };
        said.retain(|_, value| value != &Value::Boolean(false));
        Some(said)
    };
    let mut effects = Vec::new();
    for variable in change.inside().unwrap_or_default() {
        if said(variable.old) == said(variable.new) {
            continue;
        }
        let readers = TouchedUnits::ReadersOf(vec![variable.key.to_owned()]);
        let meanings = [
            (readers, "is read by code that uses the variable"),
            (
                TouchedUnits::Runs,
                "is in the environment of tests and benches",
            ),
        ];
        let path = ["env", variable.key];
        effects.extend(meanings.map(|(what, why)| SemanticChange::new(&path, what, false, why)));
    }
    effects
}

#[cfg(test)]
mod tests;
