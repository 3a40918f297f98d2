//! The path dependencies that manifests declare, with their lines.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use xtask_impact::files;
use xtask_impact::paths::normalized;

/// A path dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathDependency {
    pub(super) from: String,
    pub(super) from_directory: Utf8PathBuf,
    /// The name of the dependency's package.
    pub(super) to: String,
    /// The directory of the dependency's package.
    pub(super) directory: Utf8PathBuf,
    pub(super) manifest: Utf8PathBuf,
    pub(super) line: usize,
    pub(super) table: String,
    /// The key in the table. Code uses the crate by this name.
    key: String,
}

impl PathDependency {
    /// Returns the name by which the code uses the dependency.
    pub(super) fn crate_name(&self) -> String {
        self.key.replace('-', "_")
    }
}

/// Returns the path dependencies of packages and of everything that the packages depend on, by
/// directory. Dev-dependencies are left out, since cargo allows cycles through them.
pub(super) fn graph(starts: &[Utf8PathBuf]) -> BTreeMap<Utf8PathBuf, Vec<PathDependency>> {
    let mut graph = BTreeMap::new();
    let mut open: Vec<Utf8PathBuf> = starts.to_vec();
    while let Some(directory) = open.pop() {
        if graph.contains_key(&directory) {
            continue;
        }
        let found = path_dependencies(&directory).unwrap_or_default();
        open.extend(found.iter().map(|it| it.directory.clone()));
        graph.insert(directory, found);
    }
    graph
}

fn path_dependencies(directory: &Utf8Path) -> Option<Vec<PathDependency>> {
    let manifest = directory.join("Cargo.toml");
    let text = files::read_text(&manifest, files::SETTINGS).ok()?;
    let root = DeTable::parse(&text).ok()?;
    let root = root.get_ref();
    let from = table(root, "package").and_then(|it| text_of(it, "name"))?;
    let mut tables: Vec<(String, &DeTable<'_>)> = Vec::new();
    let kinds = ["dependencies", "build-dependencies"];
    tables.extend(
        kinds
            .iter()
            .filter_map(|kind| Some((String::from(*kind), table(root, kind)?))),
    );
    for (platform, value) in table(root, "target").into_iter().flatten() {
        let DeValue::Table(value) = value.get_ref() else {
            continue;
        };
        let of_platform = kinds.iter().filter_map(|kind| {
            Some((
                format!("target.{}.{kind}", platform.get_ref()),
                table(value, kind)?,
            ))
        });
        tables.extend(of_platform);
    }
    let shared = shared_paths(directory);
    let mut found = Vec::new();
    for (name, entries) in tables {
        for (key, value) in entries {
            let DeValue::Table(entry) = value.get_ref() else {
                continue;
            };
            let own = text_of(entry, "path").map(|path| normalized(&directory.join(path)));
            let is_shared = entry.get("workspace").is_some();
            let shared = shared
                .get(key.get_ref().as_ref())
                .filter(|_| is_shared)
                .cloned();
            let Some(path) = own.or(shared) else { continue };
            let to = text_of(entry, "package").unwrap_or_else(|| key.get_ref().to_string());
            found.push(PathDependency {
                from: from.clone(),
                from_directory: directory.to_owned(),
                to,
                directory: path,
                manifest: manifest.clone(),
                line: line_of(&text, key),
                table: name.clone(),
                key: key.get_ref().to_string(),
            });
        }
    }
    Some(found)
}

/// Returns the paths of `[workspace.dependencies]` in the nearest root manifest, by key.
fn shared_paths(directory: &Utf8Path) -> BTreeMap<String, Utf8PathBuf> {
    let read = || {
        let root = xtask_impact::workspace::likely_root(directory)?;
        let text = files::read_text(root.join("Cargo.toml"), files::SETTINGS).ok()?;
        let parsed = DeTable::parse(&text).ok()?;
        let shared = table(table(parsed.get_ref(), "workspace")?, "dependencies")?;
        let paths = shared
            .iter()
            .filter_map(|(key, value)| match value.get_ref() {
                DeValue::Table(entry) => {
                    let path = normalized(&root.join(text_of(entry, "path")?));
                    Some((key.get_ref().to_string(), path))
                }
                _ => None,
            });
        Some(paths.collect())
    };
    read().unwrap_or_default()
}

fn table<'t, 'i>(parent: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    match parent.get(key)?.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

fn text_of(parent: &DeTable<'_>, key: &str) -> Option<String> {
    parent.get(key)?.get_ref().as_str().map(str::to_owned)
}

fn line_of<T>(text: &str, key: &Spanned<T>) -> usize {
    text[..key.span().start].matches('\n').count() + 1
}
