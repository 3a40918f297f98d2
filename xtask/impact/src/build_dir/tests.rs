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

#[test]
fn a_directory_inside_the_other_one_is_left_out() {
    for (build, target, expected) in [
        ("/w/target", "/w/target", &["/w/target"][..]),
        ("/w/target/build", "/w/target", &["/w/target"]),
        ("/w/build", "/w/build/target", &["/w/build"]),
        ("/w/build", "/w/target", &["/w/build", "/w/target"]),
    ] {
        let (build, target) = (build.into(), target.into());
        assert_eq!(Directories { build, target }.outer(), expected);
    }
}

#[test]
fn other_target_directories_have_the_tag_and_the_compiler_cache() {
    let (_directory, root) = tree(&[
        "plain/.rustc_info.json",
        "src/lib.rs",
        "target/tagged-only/debug/",
    ]);
    const SIGNATURE: &str = "Signature: 8a477f597d28d172789f06886806bc55";
    let cargos = format!("{SIGNATURE}\n# This file is a cache directory tag created by cargo.\n");
    for (directory, tag, has_cache) in [
        ("build", &*cargos, true),
        ("target", &cargos, true),
        ("editor", &cargos, true),
        ("target/coverage", &cargos, true),
        ("build/nested", &cargos, true),
        ("target/tagged-only", &cargos, false),
        ("of-another-tool", SIGNATURE, true),
        ("without-signature", "# created by cargo", true),
    ] {
        write(&root.join(directory).join("CACHEDIR.TAG"), tag);
        if has_cache {
            write(&root.join(directory).join(COMPILER_CACHE), "");
        }
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("editor", root.join("link")).unwrap();
    let own = Directories {
        build: root.join("build"),
        target: root.join("target"),
    };
    let found: Vec<_> = others(&root, &own).unwrap();
    let expected = ["build/nested", "editor", "target/coverage"].map(|directory| Directories {
        build: root.join(directory),
        target: root.join(directory),
    });
    assert_eq!(found, expected);
}

#[test]
fn a_place_is_cargos_by_its_tag_or_by_a_lock_file() {
    let (_directory, root) = tree(&["locked/debug/.cargo-lock", "free/debug/"]);
    let is_it = |directory| is_cargos(&root.join(directory), &root.join(directory).join("debug"));
    assert!(is_it("locked"));
    assert!(!is_it("free"));
}

#[test]
fn the_places_of_outputs_follow_profile_triple_and_layout() {
    for (profile, expected) in [
        ("dev", "debug"),
        ("test", "debug"),
        ("release", "release"),
        ("bench", "release"),
        ("fast", "fast"),
    ] {
        assert_eq!(directory_of(profile), expected);
    }
    for (triple, layout, outputs, out_dir) in [
        (None, Layout::V1, "/t/debug", "build/a-0/out"),
        (
            Some("wasm32"),
            Layout::V2,
            "/t/wasm32/debug",
            "build/a/0/out",
        ),
    ] {
        let place = ProfileDir {
            path: "/b/debug".into(),
            build_directory: "/b".into(),
            triple: triple.map(str::to_owned),
            directory: "debug".to_owned(),
            layout,
        };
        assert_eq!(place.outputs("/t".into()), outputs);
        assert_eq!(place.out_dir("a", "0"), place.path.join(out_dir));
    }
}

#[test]
fn the_time_of_a_unit_is_that_of_its_output_or_of_its_dep_info() {
    for (layout, name, expected) in [
        (Layout::V1, "lib-a", ".fingerprint/a-0/dep-lib-a"),
        (Layout::V2, "lib-a", "build/a/0/fingerprint/dep-lib-a"),
        (Layout::V1, "run-build-script-x", "build/a-0/output"),
        (Layout::V2, "run-build-script-x", "build/a/0/run/stdout"),
    ] {
        let place = ProfileDir {
            path: "/b/debug".into(),
            build_directory: "/b".into(),
            triple: None,
            directory: "debug".to_owned(),
            layout,
        };
        let name = UnitName::parse(name).unwrap();
        assert_eq!(place.reference("a", "0", &name), place.path.join(expected));
    }
}

#[test]
fn the_hash_of_a_unit_is_found_in_the_names_of_its_files() {
    for (file, expected) in [
        ("libmy_lib-0123456789abcdef.rlib", Some(HASH)),
        ("tool-0123456789abcdef", Some(HASH)),
        ("tool-0123456789abcdef.1x.rcgu.o", Some(HASH)),
        ("tool-0123456789abcdeg.d", None),
        ("tool0123456789abcdef.d", None),
        ("0123456789abcdef.d", None),
        ("tool.d", None),
        ("", None),
    ] {
        assert_eq!(hash_in(file), expected, "{file}");
    }
}

#[test]
fn a_directory_that_cargo_did_not_prepare_is_no_profile_directory() {
    // Only final artifacts are here, because the build directory is elsewhere.
    let (_directory, root) = tree(&["debug/.cargo-lock", "debug/examples/"]);
    assert_eq!(found(&root), [""; 0]);
    let (_directory, root) = tree(&["debug/deps/", "debug/build/a/x"]);
    assert_eq!(found(&root), [""; 0]);
}
