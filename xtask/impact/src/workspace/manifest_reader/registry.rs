//! Packages of crates.io, from the files that cargo keeps in its home: the index cache, with which
//! cargo resolves, and the unpacked sources, whose manifests `cargo metadata` prints.
//!
//! <https://doc.rust-lang.org/cargo/reference/registry-index.html>

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::DependencyKind;
use memchr::memmem;
use serde::Deserialize;

use super::dependencies::features;
use super::lock::LockedEntry;
use super::package::{Origin, package, parsed, text};
use super::resolve::Summary;
use super::{ReadOrAsk, ask};
use crate::files;
use crate::workspace::metadata_json::{DeclaredEdge, Manifest};

/// The start of the names of the directories of crates.io.
const DIRECTORY: &str = "index.crates.io-";

/// The first bytes of a file of the index cache: the version of the cache (3), and the version of
/// the index (2) as a `u32`.
const HEADER: [u8; 5] = [3, 2, 0, 0, 0];

/// The content of the file that marks a completely unpacked package.
const COMPLETE: &str = r#"{"v":1}"#;

/// Cargo's copy of the registry.
pub(super) struct Registry {
    index: Utf8PathBuf,
    sources: Utf8PathBuf,
}

/// A version of a package in the index.
#[derive(Deserialize)]
struct IndexEntry<'a> {
    #[serde(borrow)]
    deps: Vec<IndexDependency<'a>>,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
    features2: Option<BTreeMap<String, Vec<String>>>,
    #[serde(borrow)]
    cksum: Cow<'a, str>,
    links: Option<String>,
    v: Option<u32>,
}

#[derive(Deserialize)]
struct IndexDependency<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    req: Cow<'a, str>,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default = "yes")]
    default_features: bool,
    #[serde(borrow)]
    target: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    registry: Option<Cow<'a, str>>,
    #[serde(borrow)]
    package: Option<Cow<'a, str>>,
    artifact: Option<serde::de::IgnoredAny>,
}

fn yes() -> bool {
    true
}

impl Registry {
    /// Finds cargo's copy of crates.io in cargo's home.
    pub(super) fn new(home: &Utf8Path) -> ReadOrAsk<Self> {
        let registry = home.join("registry");
        let only = |below: &str| {
            let entries = fs::read_dir(registry.join(below)).into_iter().flatten();
            let names = entries
                .flatten()
                .filter_map(|it| it.file_name().into_string().ok());
            let mut names = names.filter(|it| it.starts_with(DIRECTORY));
            match (names.next(), names.next()) {
                (Some(name), None) => Some(name),
                _ => None,
            }
        };
        match (only("index"), only("src")) {
            (Some(index), Some(sources)) if index == sources => Ok(Self {
                index: registry.join("index").join(index).join(".cache"),
                sources: registry.join("src").join(sources),
            }),
            _ => Err(ask("cargo's home has not exactly one copy of crates.io")),
        }
    }

    /// Returns the declarations of a package in the index.
    pub(super) fn summary(&self, entry: &LockedEntry) -> ReadOrAsk<Summary<'static>> {
        let what = format!("{} {}", entry.name, entry.version);
        let unknown = || ask(format!("`{what}` is not in the index cache"));
        let path = self.index.join(index_path(&entry.name));
        let content = files::read(&path, files::RECORD).map_err(|_| unknown())?;
        let rest = content.strip_prefix(&HEADER).ok_or_else(unknown)?;
        let key = format!("\0{}\0", entry.version);
        let at = memmem::find(rest, key.as_bytes()).ok_or_else(unknown)?;
        let json = &rest[at + key.len()..];
        let end = memchr::memchr(0, json).ok_or_else(unknown)?;
        let found: IndexEntry<'_> = serde_json::from_slice(&json[..end]).map_err(|_| unknown())?;
        if !matches!(found.v, None | Some(1 | 2))
            || entry.checksum.as_deref() != Some(&*found.cksum)
        {
            return Err(ask(format!("the index has another `{what}`")));
        }
        let mut listed = found.features;
        for (name, values) in found.features2.into_iter().flatten() {
            listed.entry(name).or_default().extend(values);
        }
        let edges = found.deps.into_iter().map(edge);
        let edges: Option<Vec<_>> = edges.collect();
        let edges = edges.ok_or_else(|| ask(format!("`{what}` has an unusual dependency")))?;
        let features =
            features(listed, &edges).map_err(|because| ask(format!("`{what}`: {}", because.0)))?;
        Ok(Summary {
            features: Cow::Owned(features),
            dependencies: Cow::Owned(edges),
            links: found.links,
        })
    }

    /// Returns the manifest of an unpacked package.
    pub(super) fn manifest(&self, entry: &LockedEntry) -> ReadOrAsk<Manifest<'static>> {
        let what = format!("{}-{}", entry.name, entry.version);
        let directory = self.sources.join(&what);
        let mark = files::read_text(directory.join(".cargo-ok"), files::SETTINGS);
        if mark.is_ok_and(|mark| mark != COMPLETE) || !directory.join(".cargo-ok").is_file() {
            return Err(ask(format!("`{what}` is not downloaded")));
        }
        let path = directory.join("Cargo.toml");
        let manifest = parsed(&path)?;
        let own = manifest.workspace.as_ref().map(|it| (it, &*directory));
        let package = package(&path, &manifest, own, Origin::Registry)?;
        match package.name == entry.name && package.version == entry.version.to_string() {
            true => Ok(package),
            false => Err(ask(format!("{path} is another package"))),
        }
    }
}

/// Returns the path of a package in the index.
fn index_path(name: &str) -> String {
    let name = name.to_lowercase();
    match name.len() {
        1 => format!("1/{name}"),
        2 => format!("2/{name}"),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    }
}

/// Converts a dependency of the index. Returns `None` if the dependency is unusual.
fn edge(dependency: IndexDependency<'_>) -> Option<DeclaredEdge<'static>> {
    if dependency.registry.is_some() || dependency.artifact.is_some() {
        return None;
    }
    let name = dependency.package.as_ref().unwrap_or(&dependency.name);
    let mut features = dependency.features;
    features.retain(|it| !it.is_empty());
    Some(DeclaredEdge {
        name: text(name.to_string()),
        rename: dependency
            .package
            .is_some()
            .then(|| text(dependency.name.to_string())),
        req: dependency.req.parse().ok()?,
        kind: Some(match dependency.kind.as_deref() {
            Some("dev") => DependencyKind::Development,
            Some("build") => DependencyKind::Build,
            _ => DependencyKind::Normal,
        }),
        target: dependency.target.map(|it| it.parse()).transpose().ok()?,
        optional: dependency.optional,
        uses_default_features: dependency.default_features,
        features,
        path: None,
    })
}
