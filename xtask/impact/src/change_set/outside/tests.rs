//! Packages outside the repository. Ages are in seconds. The records are 500 seconds old.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::testing::scene::Scene;
use crate::unit_graph::Verb;

/// Creates the packages `a` and `b`, each with a record. The repository is `b`, so `a` lies outside.
fn scene() -> Scene {
    let files = [("a/src/more.rs", ""), ("a/.git/config.old", "")];
    let text = "a: lib!test!bench!doctest\nb: lib!test!bench!doctest";
    let mut scene = Scene::new(text, Verb::Check, &files);
    let read = ["a/src/lib.rs", "a/src/more.rs"];
    scene.compiled(("a", "lib"), &read, 500, (10, &[]));
    scene
}

/// Returns the changes as lines, and after them the notes, with `ROOT` for the directory.
fn found(scene: &Scene) -> String {
    let (changes, notes) = scene.with_builds(|builds| builds.changes(&scene.root.join("b")));
    scene.told(&changes, &notes)
}

const OUTSIDE: &str = "a in ROOT/a lies outside the repository:";

#[test]
fn a_file_is_changed_if_it_is_newer_than_the_oldest_record() {
    let newer = |ages: &[(&str, u64)]| {
        let scene = scene();
        for &(path, age) in ages {
            scene.set_age(path, age);
        }
        found(&scene)
    };
    assert_eq!(newer(&[]), "", "nothing is newer");
    assert_eq!(newer(&[("b/src/lib.rs", 100)]), "", "in the repository");
    assert_eq!(newer(&[("a/.git/config.old", 100)]), "", "of git");
    assert_eq!(
        newer(&[("a/src/more.rs", 400)]),
        format!("Modified ROOT/a/src/more.rs\n{OUTSIDE} 1 file changed since the last build\n")
    );
    assert_eq!(
        newer(&[("a/src/lib.rs", 400), ("a/Cargo.toml", 400)]),
        format!(
            "Modified ROOT/a/Cargo.toml\nModified ROOT/a/src/lib.rs\n\
             {OUTSIDE} 2 files changed since the last build\n"
        )
    );
}

#[test]
fn a_build_directory_of_the_package_is_left_out() {
    let scene = scene();
    scene.write("a/target/CACHEDIR.TAG", "");
    scene.write("a/target/new.rs", "");
    scene.set_age("a/target/new.rs", 100);
    assert_eq!(found(&scene), "");
}

#[test]
fn a_recorded_file_that_does_not_exist_is_deleted() {
    let mut scene = scene();
    scene.compiled(("a", "lib test"), &["b/src/missing.rs"], 400, (11, &[]));
    std::fs::remove_file(scene.root.join("a/src/more.rs")).unwrap();
    let expected =
        format!("Deleted ROOT/a/src/more.rs\n{OUTSIDE} 1 file changed since the last build\n");
    assert_eq!(found(&scene), expected);
}

#[test]
fn only_records_of_the_same_package_toolchain_and_features_are_compared() {
    let unknown = format!(
        "{OUTSIDE} nothing changed at least: there is no record of a build and no repository to \
         compare with; pass changed files with --file\n"
    );
    for (key, value) in [
        ("package", json!("b")),
        ("features", json!(["other"])),
        ("inputs", json!([])),
        ("invoked", json!(null)),
    ] {
        let mut scene = scene();
        scene.set_in_record(key, value);
        assert_eq!(found(&scene), unknown, "{key}");
    }
    let mut scene = scene();
    scene.compiled(("b", "lib"), &["b/src/lib.rs"], 400, (20, &[]));
    scene.set_in_record("rustc", json!(2));
    assert_eq!(found(&scene), unknown, "rustc");
}

#[test]
fn without_a_record_the_repository_of_the_package_is_compared() {
    let mut scene = scene();
    scene.set_in_record("package", json!("b"));
    std::fs::remove_dir_all(scene.root.join("a/.git")).unwrap();
    scene.commit("/target\n");
    for path in ["a/src/more.rs", "b/src/lib.rs"] {
        scene.write(path, "// edited");
    }
    let expected = format!(
        "Modified ROOT/a/src/more.rs\n{OUTSIDE} 1 file changed since the last commit of its own \
         repository, because there is no record of a build\n"
    );
    assert_eq!(found(&scene), expected);
}

#[test]
fn a_record_of_an_older_version_is_no_proof_if_the_newest_build_is_newer_than_the_manifest() {
    // The manifests of a scene are as new as the test, so times after them lie ahead.
    let now = SystemTime::now();
    let at = |seconds: i64| match u64::try_from(seconds) {
        Ok(ahead) => now + Duration::from_secs(ahead),
        Err(_) => now - Duration::from_secs(seconds.unsigned_abs()),
    };
    let changed = |older: i64, newer: i64, file: i64| {
        let mut scene = scene();
        for (value, started) in [(10, older), (11, newer)] {
            scene.compiled(("a", "lib"), &["a/src/lib.rs"], 0, (value, &[]));
            scene.set_in_record("invoked", json!(at(started)));
            scene.set_in_record("likeness", json!(1));
        }
        let source = std::fs::File::options()
            .append(true)
            .open(scene.root.join("a/src/lib.rs"));
        source.unwrap().set_modified(at(file)).unwrap();
        scene.remove_record(0);
        !found(&scene).is_empty()
    };
    assert!(
        !changed(100, 300, 200),
        "newer than the superseded record only"
    );
    assert!(changed(100, 300, 400), "newer than both records");
    assert!(
        changed(-400, -200, -300),
        "the manifest is newer than both records"
    );
}
