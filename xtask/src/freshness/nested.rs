//! Build directories below a workspace.

use std::collections::BTreeSet;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::dep_info::{Local, RecordedPath};
use xtask_impact::build_dir::{is_hash, profile_dirs};
use xtask_impact::paths::resolved;

use crate::built_from::declared::InputFinder;
use crate::built_from::subject::FreshnessScene;
use crate::built_from::units::{DiskUnit, DiskUnits};

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

/// Returns true if a unit in a profile directory may read a file of this workspace's packages. The
/// build directory of another workspace, such as that of an own `xtask`, holds no such unit.
pub(super) fn may_read(scene: &FreshnessScene<'_>, profile: &Utf8Path) -> bool {
    // The second directory above belongs to a platform.
    let mut above = profile.ancestors().skip(1).take(2);
    let units = above.find_map(|directory| {
        let units = DiskUnits::read(directory).ok()?;
        let holds = units.places.iter().any(|it| it.path == profile);
        holds.then_some(units)
    });
    let Some(units) = units else {
        return true;
    };
    let finder = InputFinder::new(scene.workspace, &units, &scene.config, None);
    let mut inside = units
        .units
        .iter()
        .filter(|it| units.places[it.place].path == profile);
    inside.any(|unit| {
        finder.local_root(unit).is_some() || reads_below(&scene.workspace.root, &finder, unit)
    })
}

/// Returns true if a unit may read a file below a directory, apart from the files of its own package
/// and of its build directory.
fn reads_below(root: &Utf8Path, finder: &InputFinder<'_>, unit: &DiskUnit) -> bool {
    let roots = [root.to_owned(), resolved(root)];
    let is_below = |path: &Utf8Path| {
        let is_built = path.starts_with(&finder.units().build_directory);
        let is_inside = path.is_absolute() && roots.iter().any(|it| path.starts_with(it));
        is_inside && !is_built || path.iter().any(|it| it == "..")
    };
    let Some((_, record)) = &unit.record else {
        return true;
    };
    record.local.iter().any(|local| match local {
        Local::CheckDepInfo { .. } => match finder.dep_info(unit) {
            Some(found) => found.files.iter().any(|it| match it {
                RecordedPath::Package(path) | RecordedPath::Build(path) => is_below(path),
            }),
            None => true,
        },
        Local::RerunIfChanged { paths, .. } => paths.iter().any(|it| is_below(it)),
        Local::Precalculated(_) | Local::RerunIfEnvChanged { .. } => false,
    })
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
