//! Compares two sides of a `Cargo.lock`: finds the entries that differ. The effect on the units is
//! found by asking cargo to resolve both sides.

use std::collections::BTreeMap;

use serde::Deserialize;

/// An entry that differs, as written on the newer side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockEntry {
    /// The name of the package.
    pub name: String,
    /// The version of the package.
    pub version: String,
    /// True if only the checksum differs: the version is the same, but its content is not.
    pub only_checksum: bool,
}

#[derive(Deserialize)]
struct LockTables {
    #[serde(default)]
    package: Vec<LockPackage>,
}

#[derive(Deserialize, PartialEq)]
struct LockPackage {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Returns the entries of the newer side that are new, or that have another checksum or other
/// dependencies. Returns `None` if a side does not parse.
pub fn compare_locks(before: Option<&str>, after: Option<&str>) -> Option<Vec<LockEntry>> {
    let parse = |text: Option<&str>| toml::from_str::<LockTables>(text.unwrap_or_default()).ok();
    let (before, after) = (parse(before)?, parse(after)?);
    let key = |package: &LockPackage| {
        (
            package.name.clone(),
            package.version.clone(),
            package.source.clone(),
        )
    };
    let before: BTreeMap<_, _> = before
        .package
        .iter()
        .map(|package| (key(package), package))
        .collect();
    let entries = after.package.iter().filter_map(|package| {
        let known = before.get(&key(package));
        let only_checksum = known.is_some_and(|known| known.dependencies == package.dependencies);
        (known != Some(&package)).then(|| LockEntry {
            name: package.name.clone(),
            version: package.version.clone(),
            only_checksum,
        })
    });
    Some(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"
        version = 4
        [[package]]
        name = "app"
        version = "0.1.0"
        dependencies = ["one"]
        [[package]]
        name = "one"
        version = "1.0.0"
        source = "registry+https://example.com"
        checksum = "aa"
    "#;

    #[test]
    fn each_difference_of_an_entry_is_reported() {
        let cases = [
            ("version = 4", "version = 3", ""),
            ("\"aa\"", "\"bb\"", "one 1.0.0, only its checksum"),
            ("1.0.0", "1.0.1", "one 1.0.1"),
            ("[\"one\"]", "[]", "app 0.1.0"),
            ("example.com", "example.org", "one 1.0.0"),
        ];
        for (from, to, expected) in cases {
            let after = BEFORE.replacen(from, to, 1);
            let entries = compare_locks(Some(BEFORE), Some(&after)).unwrap();
            let told = entries.iter().map(|entry| {
                let only = if entry.only_checksum {
                    ", only its checksum"
                } else {
                    ""
                };
                format!("{} {}{only}", entry.name, entry.version)
            });
            assert_eq!(
                told.collect::<Vec<_>>().join("; "),
                expected,
                "{from} → {to}"
            );
        }
    }

    #[test]
    fn a_lock_file_with_merge_conflicts_is_not_compared() {
        assert_eq!(compare_locks(Some(BEFORE), Some("<<<<<<< HEAD\n")), None);
    }
}
