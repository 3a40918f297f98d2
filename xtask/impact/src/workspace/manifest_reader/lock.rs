//! The packages of `Cargo.lock`.

use std::collections::HashMap;

use camino::Utf8Path;
use cargo_metadata::semver::Version;
use serde::Deserialize;

use super::{CRATES_IO, ReadOrAsk, ask};
use crate::files;

/// A package in the lock file.
pub(super) struct LockedEntry {
    pub(super) name: String,
    pub(super) version: Version,
    /// The checksum of a package from crates.io; `None` for a path package.
    pub(super) checksum: Option<String>,
    /// The indexes of the dependencies.
    pub(super) dependencies: Vec<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownLockTables {
    version: u32,
    #[serde(default)]
    package: Vec<LockTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockTable {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Reads a lock file.
pub(super) fn read(path: &Utf8Path) -> ReadOrAsk<Vec<LockedEntry>> {
    let text = files::read_text(path, files::RECORD)
        .map_err(|_| ask("the lock file is missing or cannot be read"))?;
    parse(&text)
}

fn parse(text: &str) -> ReadOrAsk<Vec<LockedEntry>> {
    let tables: KnownLockTables =
        toml::from_str(text).map_err(|_| ask("the lock file has an unusual shape"))?;
    if ![3, 4].contains(&tables.version) {
        return Err(ask(format!("the lock file has version {}", tables.version)));
    }
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, table) in tables.package.iter().enumerate() {
        places.entry(&table.name).or_default().push(index);
    }
    let find = |dependency: &str| {
        let mut parts = dependency.split(' ');
        let (name, version, source) = (parts.next()?, parts.next(), parts.next());
        let source = source.map(|it| it.trim_start_matches('(').trim_end_matches(')'));
        let table = |index: usize| -> &LockTable { &tables.package[index] };
        let fits = |&index: &usize| {
            let is_source = |source| table(index).source.as_deref() == Some(source);
            version.is_none_or(|it| it == table(index).version) && source.is_none_or(is_source)
        };
        let mut found: Vec<usize> = places.get(name)?.iter().copied().filter(fits).collect();
        // Path packages have no source, so a dependency with a version and without a source is a
        // path package if there is one.
        if version.is_some() && found.iter().any(|&it| table(it).source.is_none()) {
            found.retain(|&it| table(it).source.is_none());
        }
        match (&found[..], parts.next()) {
            (&[index], None) => Some(index),
            _ => None,
        }
    };
    let mut entries = Vec::new();
    for table in &tables.package {
        let (name, version) = (&table.name, &table.version);
        let what = format!("`{name} {version}` of the lock file");
        let is_external = match table.source.as_deref() {
            None => false,
            Some(CRATES_IO) => true,
            Some(_) => return Err(ask(format!("{what} does not come from crates.io"))),
        };
        if is_external != table.checksum.is_some() {
            return Err(ask(format!("{what} has no checksum, or should have none")));
        }
        let unclear = || ask(format!("{what} has an unclear dependency"));
        let dependencies = table.dependencies.iter().map(|it| find(it));
        let dependencies: Option<Vec<usize>> = dependencies.collect();
        let mut dependencies = dependencies.ok_or_else(unclear)?;
        dependencies.sort_unstable();
        if dependencies.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(unclear());
        }
        entries.push(LockedEntry {
            name: name.clone(),
            version: version
                .parse()
                .map_err(|_| ask(format!("{what} has no version")))?,
            checksum: table.checksum.clone(),
            dependencies,
        });
    }
    let mut known = std::collections::HashSet::new();
    match entries
        .iter()
        .all(|it| known.insert((&it.name, &it.version, it.checksum.is_some())))
    {
        true => Ok(entries),
        false => Err(ask("the lock file names a package twice")),
    }
}
