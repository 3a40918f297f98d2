//! Selects the files of a tree that cargo reads, and how much of each file must be copied.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use crate::paths::normalized;
use crate::vcs::{EntryKind, TreeEntry};

/// A function that reads all files at these paths and returns their contents in the same order. The
/// content of a symbolic link is its target path.
pub(super) type ReadFiles<'a> = dyn FnMut(&[Utf8PathBuf]) -> Result<Vec<Option<Vec<u8>>>> + 'a;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Content {
    Whole(Vec<u8>),
    Empty,
    Link(Utf8PathBuf),
}

/// The files of a tree that cargo reads.
#[derive(Default)]
pub(super) struct Copied {
    pub(super) files: BTreeMap<Utf8PathBuf, Content>,
    pub(super) submodules: Vec<Utf8PathBuf>,
}

impl Copied {
    /// Collects the files for the workspace root and the lock file in `roots`.
    pub(super) fn gather(
        roots: (&Utf8Path, &Utf8Path),
        entries: Vec<TreeEntry>,
        given: &[(Utf8PathBuf, Vec<u8>)],
        read: &mut ReadFiles<'_>,
    ) -> Result<Self> {
        let mut copied = Self::default();
        let (mut whole, mut links) = (Vec::new(), Vec::new());
        let mut others = BTreeSet::new();
        for TreeEntry { path, kind } in entries {
            match kind {
                EntryKind::Submodule => copied.submodules.push(path),
                EntryKind::Link => links.push(path),
                EntryKind::File if is_read(roots, &path) => whole.push(path),
                EntryKind::File if may_start_target(&path) => {
                    copied.files.insert(path, Content::Empty);
                }
                EntryKind::File => drop(others.insert(path)),
            }
        }
        for (path, target) in contents(read, links)? {
            let target = Utf8PathBuf::from(String::from_utf8_lossy(&target).into_owned());
            let within = beside(&path, &target);
            if target.is_absolute() || within.starts_with("..") {
                copied.files.insert(path, Content::Empty);
                continue;
            }
            // The target of the link is read under the name of the link, even if its own name
            // differs.
            if is_read(roots, &path) && others.contains(&within) {
                whole.push(within);
            } else {
                let led = others
                    .range(within.clone()..)
                    .take_while(|it| it.starts_with(&within));
                let roots = led.filter(|&it| *it == within || it.extension() == Some("rs"));
                copied
                    .files
                    .extend(roots.map(|root| (root.clone(), Content::Empty)));
            }
            copied.files.insert(path, Content::Link(target));
        }
        while !whole.is_empty() {
            let mut named = BTreeSet::new();
            for (path, bytes) in contents(read, whole)? {
                let named_here = match std::str::from_utf8(&bytes).map(str::parse) {
                    Ok(Ok(table)) => NamedPaths::by(&path, &table),
                    _ => NamedPaths::default(),
                };
                let roots = named_here.target_roots.iter();
                let roots = roots.map(|root| beside(&path, root.as_ref()));
                let roots = roots.filter(|root| others.contains(root));
                copied.files.extend(roots.map(|it| (it, Content::Empty)));
                let files = named_here.files.iter();
                named.extend(files.map(|file| beside(&path, file.as_ref())));
                copied.files.insert(path, Content::Whole(bytes));
            }
            let is_new = |path: &Utf8PathBuf| {
                let unread = matches!(copied.files.get(path), None | Some(Content::Empty));
                unread && (others.contains(path) || copied.files.contains_key(path))
            };
            whole = named.into_iter().filter(is_new).collect();
        }
        for (path, bytes) in given {
            copied
                .files
                .insert(path.clone(), Content::Whole(bytes.clone()));
        }
        Ok(copied)
    }
}

fn contents(
    read: &mut ReadFiles<'_>,
    paths: Vec<Utf8PathBuf>,
) -> Result<impl Iterator<Item = (Utf8PathBuf, Vec<u8>)>> {
    let contents = read(&paths)?.into_iter().map(Option::unwrap_or_default);
    Ok(paths.into_iter().zip(contents))
}

/// Returns the path `named`, which is relative to the directory of `file`.
pub(super) fn beside(file: &Utf8Path, named: &Utf8Path) -> Utf8PathBuf {
    normalized(&file.parent().unwrap_or(Utf8Path::new("")).join(named))
}

/// Returns true if cargo reads this file to resolve the workspace. Toolchain files are not
/// included: rustup reads them, not cargo.
fn is_read((workspace, lock_file): (&Utf8Path, &Utf8Path), path: &Utf8Path) -> bool {
    let directory = path.parent().unwrap_or(Utf8Path::new(""));
    match path.file_name().unwrap_or_default() {
        // A directory of vendored packages needs its checksum files.
        "Cargo.toml" | ".cargo-checksum.json" => true,
        "Cargo.lock" => path == lock_file,
        "config" | "config.toml" => {
            directory.file_name() == Some(".cargo")
                && directory
                    .parent()
                    .is_some_and(|above| workspace.starts_with(above))
        }
        _ => false,
    }
}

/// Returns true if this file can be the root of a target by cargo's conventions, including those of
/// the 2015 edition.
fn may_start_target(path: &Utf8Path) -> bool {
    let directory = path
        .parent()
        .and_then(Utf8Path::file_name)
        .unwrap_or_default();
    match path.file_name().unwrap_or_default() {
        "main.rs" | "build.rs" => true,
        name => {
            let is_place = matches!(directory, "src" | "bin" | "tests" | "examples" | "benches");
            is_place && name.ends_with(".rs")
        }
    }
}

/// The paths that a manifest or a configuration file names, relative to the directory of that file.
#[derive(Default)]
struct NamedPaths {
    target_roots: Vec<String>,
    files: Vec<String>,
}

impl NamedPaths {
    fn by(path: &Utf8Path, table: &toml::Table) -> Self {
        let strings = |value: &toml::Value| -> Vec<String> {
            let one = |value: &toml::Value| {
                value
                    .as_str()
                    .or_else(|| value.get("path")?.as_str())
                    .map(str::to_owned)
            };
            value.as_array().map_or_else(
                || one(value).into_iter().collect(),
                |values| values.iter().filter_map(one).collect(),
            )
        };
        let mut named = Self::default();
        if path.file_name() == Some("Cargo.toml") {
            let targets = ["lib", "bin", "example", "test", "bench"];
            let targets = targets.iter().filter_map(|kind| table.get(*kind));
            let script = table
                .get("package")
                .and_then(|package| package.get("build"));
            named.target_roots = targets.chain(script).flat_map(strings).collect();
        } else {
            named.files = table.get("include").map(strings).unwrap_or_default();
            // A target can be a JSON file. Its path is relative to the directory above `.cargo`.
            let target = table
                .get("build")
                .and_then(|build| build.get("target"))
                .map(strings);
            let target = target
                .into_iter()
                .flatten()
                .filter(|target| target.ends_with(".json"));
            named
                .files
                .extend(target.map(|target| format!("../{target}")));
        }
        named
    }
}
