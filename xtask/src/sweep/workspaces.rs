//! The workspaces below a directory.

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::paths::resolved;
use xtask_impact::workspace::workspaces_below;
use xtask_impact::{build_dir, quote, usage};

/// Returns the name and the root of every workspace below a directory, sorted. Symbolic links,
/// hidden directories, directories that cargo built in, and fixtures are left out.
///
/// # Errors
/// Returns an error if the path is no directory, or if there is no workspace.
pub(super) fn below(directory: &Utf8Path) -> Result<Vec<(String, Utf8PathBuf)>> {
    if !directory.is_dir() {
        return Err(usage!(
            "{} is not a directory\nhint: name a directory that holds workspaces",
            quote::name(directory)
        ));
    }
    let top = resolved(directory);
    let mut manifests = Vec::new();
    let mut pending = vec![top.clone()];
    while let Some(directory) = pending.pop() {
        if directory.join("CACHEDIR.TAG").exists() {
            continue;
        }
        for name in build_dir::entries(&directory).unwrap_or_default() {
            let path = directory.join(&name);
            if name == "Cargo.toml" {
                manifests.extend(path.strip_prefix(&top).ok().map(Utf8Path::to_owned));
            } else if !name.starts_with('.') && name != "node_modules" && is_directory(&path) {
                pending.push(path);
            }
        }
    }
    let roots = workspaces_below(&top, manifests).into_iter();
    // A workspace above the directory is not below it.
    let roots = roots.filter(|it| !it.is_fixture && it.path.starts_with(&top));
    let named = roots.map(|root| {
        let directory = root.directory().to_owned();
        let name = match directory.strip_prefix(&top) {
            Ok(below) if below != "" => below.to_string(),
            _ => ".".to_owned(),
        };
        (name, directory)
    });
    let named: Vec<_> = named.collect();
    match named.is_empty() {
        true => Err(usage!(
            "no workspace below {}\nhint: name a directory above the `Cargo.toml` files",
            quote::name(directory)
        )),
        false => Ok(named),
    }
}

fn is_directory(path: &Utf8Path) -> bool {
    path.symlink_metadata().is_ok_and(|it| it.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_are_found_below_a_directory() {
        let (_scratch, top) = xtask_impact::testing::scratch();
        for (path, text) in [
            ("a/Cargo.toml", "[workspace]\nmembers = [\"inner\"]\n"),
            ("a/inner/Cargo.toml", "[package]\nname = \"inner\"\n"),
            ("a/target/CACHEDIR.TAG", ""),
            ("a/target/package/x/Cargo.toml", "[package]\nname = \"x\"\n"),
            ("b/deep/Cargo.toml", "[package]\nname = \"deep\"\n"),
            ("b/.hidden/Cargo.toml", "[package]\nname = \"hidden\"\n"),
            (
                "b/tests/fixture/Cargo.toml",
                "[package]\nname = \"fixture\"\n",
            ),
        ] {
            xtask_impact::testing::write(&top.join(path), text);
        }
        let found = below(&top).unwrap();
        let names: Vec<_> = found.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(names, ["a", "b/deep"]);
        assert!(below(&top.join("b/.hidden/none")).is_err());
    }
}
