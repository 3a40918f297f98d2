//! Build directories below a workspace.

use std::collections::BTreeSet;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::{is_hash, profile_dirs};
use xtask_impact::paths::resolved;

/// Returns the directories below the workspace root, at any depth, in which cargo keeps records of
/// units and that belong to none of the build directories `handled`.
///
/// # Errors
/// Returns an error if a build directory cannot be listed.
pub(super) fn unhandled(root: &Utf8Path, handled: &[Utf8PathBuf]) -> Result<Vec<Utf8PathBuf>> {
    let mut known = BTreeSet::new();
    for build_directory in handled {
        let places = profile_dirs(build_directory)?;
        known.extend(places.iter().map(|it| resolved(&it.path)));
    }
    let (mut found, mut pending) = (BTreeSet::new(), vec![resolved(root)]);
    // The build directory may lie elsewhere, and contain other build directories.
    pending.extend(
        handled
            .iter()
            .map(|it| resolved(it))
            .filter(|it| !it.starts_with(root)),
    );
    while let Some(directory) = pending.pop() {
        for entry in directory.read_dir_utf8().into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|it| it.is_dir()) {
                continue;
            }
            let path = entry.into_path();
            let name = path.file_name().unwrap_or_default();
            let profile = match name {
                ".fingerprint" => Some(directory.clone()),
                "fingerprint" if directory.file_name().is_some_and(is_hash) => {
                    directory.ancestors().nth(3).map(Utf8Path::to_owned)
                }
                _ => None,
            };
            match profile {
                Some(profile) => found.extend((!known.contains(&profile)).then_some(profile)),
                None if [".git", "node_modules", "deps", "incremental"].contains(&name) => {}
                None => pending.push(path),
            }
        }
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_directories_are_found_at_any_depth() {
        let (_scratch, top) = xtask_impact::testing::scratch();
        for file in [
            "target/debug/.fingerprint/a-0123456789abcdef/lib-a",
            "target/debug/.cargo-lock",
            "target/inner/.rustc_info.json",
            "target/inner/debug/.fingerprint/a-0123456789abcdef/lib-a",
            "tools/x/target/release/build/a/0123456789abcdef/fingerprint/lib-a",
            "src/fingerprint/lib.rs",
        ] {
            xtask_impact::testing::write(&top.join(file), "");
        }
        let found = unhandled(&top, &[top.join("target")]).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|it| it.strip_prefix(&top).unwrap())
            .collect();
        assert_eq!(found, ["target/inner/debug", "tools/x/target/release"]);
    }
}
