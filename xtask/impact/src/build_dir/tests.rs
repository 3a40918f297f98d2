use tempfile::TempDir;

use super::*;
use crate::testing::{scratch, write};

/// Creates a temporary build directory with the given files. A path that ends in a slash is a
/// directory.
fn tree(paths: &[&str]) -> (TempDir, Utf8PathBuf) {
    let (directory, root) = scratch();
    for path in paths {
        let path = root.join(path);
        match path.as_str().ends_with('/') {
            true => fs::create_dir_all(path).unwrap(),
            false => write(&path, ""),
        }
    }
    (directory, root)
}

/// Returns the found profile directories as `triple/directory layout`, or the error if there is
/// one.
fn found(root: &Utf8Path) -> Vec<String> {
    let dirs = profile_dirs(root);
    let show = |dir: ProfileDir| {
        assert!(dir.path.starts_with(&dir.build_directory));
        format!(
            "{}/{} {:?}",
            dir.triple.unwrap_or_default(),
            dir.directory,
            dir.layout
        )
    };
    match dirs {
        Ok(dirs) => dirs.into_iter().map(show).collect(),
        Err(error) => vec![format!("{error:#}").replace(root.as_str(), "ROOT")],
    }
}

const HASH: &str = "0123456789abcdef";

#[test]
fn profile_directories_of_both_layouts_are_found() {
    let unit = format!("wasm32-unknown-unknown/debug/build/a/{HASH}/fingerprint/");
    let mixed_unit = format!("debug/build/a-b/{HASH}/out/");
    let (_directory, root) = tree(&[
        "release/.fingerprint/",
        "debug/.cargo-lock",
        "debug/.fingerprint/",
        "debug/build/.DS_Store",
        &mixed_unit,
        &unit,
        "my.json/fast/.fingerprint/",
        "llvm-cov-target/.rustc_info.json",
        "llvm-cov-target/debug/.fingerprint/",
        "doc/a/build/",
        "xtask/cache.json",
        "artifacts/.cargo-lock",
        "artifacts/examples/",
        "CACHEDIR.TAG",
    ]);
    let expected = [
        "/debug V1",
        "/debug V2",
        "/release V1",
        "my.json/fast V1",
        "wasm32-unknown-unknown/debug V2",
    ];
    assert_eq!(found(&root), expected);
}

#[test]
fn a_missing_build_directory_has_no_profile_directories() {
    assert_eq!(profile_dirs("/none/such".into()).unwrap(), []);
}

#[test]
fn an_unknown_layout_is_refused_with_its_path() {
    let (_directory, root) = tree(&[
        "debug/.cargo-lock",
        "debug/incremental/",
        "debug/build/a/lib/x",
    ]);
    assert_eq!(
        found(&root),
        [
            "unknown layout of the build directory `ROOT/debug`: see `build/a`\nhint: update \
          xtask-kit, or run `cargo clean`"
        ]
    );
    let (_directory, root) = tree(&[
        "t/debug/.cargo-build-lock",
        "t/debug/deps/",
        "t/debug/units/",
    ]);
    let expected = "unknown layout of the build directory `ROOT/t/debug`: no `.fingerprint`, no \
                    `build`\nhint: update xtask-kit, or run `cargo clean`";
    assert_eq!(found(&root), [expected]);
}

#[test]
fn a_profile_directory_without_units_is_recognized() {
    let (_directory, root) = tree(&["debug/.cargo-lock", "debug/incremental/", "debug/build/"]);
    assert_eq!(found(&root), ["/debug V2"]);
}

#[test]
#[cfg(unix)]
fn a_symbolic_link_to_itself_is_no_profile_directory() {
    use std::os::unix::fs::symlink;
    let (_directory, root) = tree(&["debug/.cargo-lock", "debug/incremental/", "debug/build/"]);
    for name in ["loop", "debug/loop", "debug/build/loop"] {
        symlink(root.join(name), root.join(name)).unwrap();
    }
    assert_eq!(found(&root), ["/debug V2"]);
    assert_eq!(profile_dirs(&root.join("loop")).unwrap(), []);
}

#[test]
fn directories_of_cargo_are_recognized_by_tag_or_lock() {
    let (_directory, root) = tree(&[
        "locked/debug/.cargo-lock",
        "other/CACHEDIR.TAG",
        "tag/",
        "info/.rustc_info.json",
    ]);
    let signature = "Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory \
        tag created by cargo.\n";
    fs::write(root.join("tag/CACHEDIR.TAG"), signature).unwrap();
    let is_cargos = |name| is_cargos(&root.join(name), &root.join(name).join("debug"));
    assert_eq!(["locked", "tag"].map(is_cargos), [true; 2]);
    assert_eq!(["other", "info", "none"].map(is_cargos), [false; 3]);
}
