//! A guess of the path packages of a workspace, made from the manifests before cargo answers.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use crate::files;
use crate::paths::normalized;

/// Returns the name and directory of the path packages that a workspace probably has, sorted.
///
/// The result is a quick guess from the lines of the manifests. A caller has to compare the guess
/// with cargo's answer.
pub fn guess_members(root: &Utf8Path) -> BTreeSet<(String, Utf8PathBuf)> {
    let text = manifest_in(root).unwrap_or_default();
    let manifest: toml::Table = text.parse().unwrap_or_default();
    let paths = |key| listed(&manifest, key).map(|path| normalized(&root.join(path)));
    let excluded: Vec<_> = paths("exclude").collect();
    let members = paths("members").flat_map(|path| glob::glob(path.as_str()));
    let members = members.flatten().flatten();
    let mut pending: Vec<_> = members
        .filter_map(|path| Utf8PathBuf::try_from(path).ok())
        .filter(|path| !excluded.iter().any(|excluded| path.starts_with(excluded)))
        .chain([root.to_owned()])
        .collect();
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    while let Some(directory) = pending.pop() {
        if !seen.insert(directory.to_string()) {
            continue;
        }
        let Some(manifest) = manifest_in(&directory) else {
            continue;
        };
        let paths = values(&manifest, "path");
        pending.extend(paths.map(|path| normalized(&directory.join(path))));
        let package = manifest.split_once("[package]").map(|(_, after)| after);
        if let Some(name) = package.and_then(|it| values(it, "name").next()) {
            found.insert((name.to_owned(), directory));
        }
    }
    found
}

/// Returns the strings of the array `key` in the `[workspace]` table of a root manifest.
pub(super) fn listed<'a>(manifest: &'a toml::Table, key: &str) -> impl Iterator<Item = &'a str> {
    let workspace = manifest.get("workspace");
    let listed = workspace.and_then(|it| it.get(key)?.as_array());
    listed.into_iter().flatten().filter_map(toml::Value::as_str)
}

fn manifest_in(directory: &Utf8Path) -> Option<String> {
    files::read_text(directory.join("Cargo.toml"), files::SETTINGS).ok()
}

/// Returns the string values of a key in any table of the manifest.
fn values<'a>(manifest: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    manifest.split(key).skip(1).filter_map(|behind| {
        let behind = behind.trim_start().strip_prefix('=')?.trim_start();
        let quote = behind
            .chars()
            .next()
            .filter(|it| ['"', '\''].contains(it))?;
        Some(behind[1..].split_once(quote)?.0)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::process::Runner;
    use crate::workspace::{LoadOptions, Workspace};

    #[test]
    fn the_packages_of_this_repository_are_guessed_correctly() {
        let here = Runner::new()
            .unwrap()
            .in_directory(env!("CARGO_MANIFEST_DIR"));
        let options = LoadOptions {
            no_cache: true,
            ..LoadOptions::default()
        };
        let workspace = Workspace::load(&here, &options).unwrap();
        let own = workspace.packages.iter().filter(|it| it.source.is_none());
        let own = own.map(|it| (it.name.clone(), it.directory().to_owned()));
        assert_eq!(guess_members(&workspace.root), own.collect());
    }

    #[test]
    fn members_and_path_dependencies_are_found_in_the_manifests() {
        let temporary = tempfile::tempdir().unwrap();
        let top = Utf8Path::from_path(temporary.path()).unwrap();
        for (directory, manifest) in [
            (
                "w",
                "[workspace]\nmembers = ['crates/*', 'tool']\nexclude = ['crates/apart']\n\
                 [workspace.dependencies]\nnear = { path = \"../near\" }",
            ),
            (
                "w/crates/a",
                "[package]\nname = \"a\"\n[lib]\npath = \"lib.rs\"\n\
                 [dependencies]\nfar = { version = '1', path='../../../far/' }\n",
            ),
            ("w/crates/apart", "[package]\nname = 'apart'"),
            ("w/tool", "[package]\nversion = '1.0.0'\nname = 'the-tool'"),
            ("near", "[package]\nname = 'near'"),
            ("far", "[package]\nname = 'far'"),
            ("elsewhere", "[package]\nname = 'elsewhere'"),
        ] {
            fs::create_dir_all(top.join(directory)).unwrap();
            fs::write(top.join(directory).join("Cargo.toml"), manifest).unwrap();
        }
        let found = guess_members(&top.join("w"));
        let found = found.iter().map(|(name, directory)| {
            let below = directory.strip_prefix(top).unwrap();
            format!("{name} {below}")
        });
        expect_test::expect![[r#"
            a w/crates/a
            far far
            near near
            the-tool w/tool"#]]
        .assert_eq(&found.collect::<Vec<_>>().join("\n"));
    }
}
