//! Tests of build scripts that watch files: by their sources, by their records, and by files that
//! git does not list.

use std::fs::File;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::testing::scene::Scene;
use crate::testing::{scratch, write};
use crate::unit_graph::Verb;
use crate::vcs::ChangeStatus::{self, Added, Deleted, Modified};

const SCRIPTED: &str = "a: lib!test!bench!doctest script";

/// Returns true if the change set of a scene runs the script of `a` again.
fn runs(scene: &Scene) -> bool {
    scene
        .seeds()
        .contains("a build script run: BuildScriptInput\n")
}

/// The script computes the path that it declares.
const COMPUTES: &str = "fn main() { println!(\"cargo::rerun-if-changed={}\", path()); }";
/// The script declares a path only if the path exists.
const MAY_DECLARE: &str =
    "fn main() { if x() { println!(\"cargo::rerun-if-changed=build.rs\"); } }";
const DECLARES: &str = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }";

#[test]
fn a_script_that_computes_its_inputs_may_watch_files_near_it() {
    let text = "a: lib!test!bench!doctest script test=it\nb: lib!test!bench!doctest";
    let with = |script: &str, text: &str| script.replace("main() {", &format!("main() {{ {text};"));
    for (story, script, path, expected) in [
        ("its package", COMPUTES.to_owned(), "a/other/x", true),
        ("another package", COMPUTES.to_owned(), "b/other/x", false),
        (
            "a name in its text",
            with(COMPUTES, "f(\"data\")"),
            "b/data/x",
            true,
        ),
        ("a source", COMPUTES.to_owned(), "a/src/lib.rs", true),
        ("a test", COMPUTES.to_owned(), "a/tests/it.rs", false),
        (
            "a named test",
            with(COMPUTES, "f(\"tests\")"),
            "a/tests/it.rs",
            true,
        ),
        (
            "a plain declaration",
            with(DECLARES, "f(\"data\")"),
            "a/data/x",
            false,
        ),
        (
            "a plain declaration",
            with(DECLARES, "f(\"data\")"),
            "b/data/x",
            false,
        ),
        (
            "no declaration",
            "fn main() { f(\"data\") }".to_owned(),
            "b/data/x",
            true,
        ),
        (
            "no declaration",
            "fn main() {}".to_owned(),
            "b/data/x",
            false,
        ),
        (
            "under a condition",
            MAY_DECLARE.to_owned(),
            "a/other/x",
            true,
        ),
        (
            "under a condition",
            MAY_DECLARE.to_owned(),
            "b/other/x",
            false,
        ),
    ] {
        let mut scene = Scene::new(text, Verb::Check, &[("a/build.rs", &script)]);
        if !scene.root.join(path).exists() {
            scene.write(path, "");
        }
        scene.change(path, Modified);
        assert_eq!(runs(&scene), expected, "{story}: {path}");
    }
}

#[test]
fn a_record_of_a_script_outweighs_what_the_script_may_watch() {
    for (newer, expected) in [
        (None, false),
        // A manifest does not say what a script watches.
        (Some("a/Cargo.toml"), false),
        (Some("a/build.rs"), true),
    ] {
        let files = [("a/build.rs", COMPUTES), ("a/data/x", ""), ("a/other", "")];
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &files);
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        scene.run("a", &["a/data"], 500, 20);
        if let Some(newer) = newer {
            scene.set_age(newer, 499);
        }
        scene.change("a/other", Modified);
        assert_eq!(runs(&scene), expected, "{newer:?}");
    }
}

/// Cargo compares only the newest file of a package whose script declares no input.
#[test]
fn an_older_file_that_came_or_went_does_not_run_a_script_that_watches_its_package() {
    let newest = ("src/lib.rs", 900);
    let old = "a/old.yml";
    for (story, records, path, status, age, expected) in [
        (
            "an older file came",
            &[(newest, 500)][..],
            old,
            Added,
            950,
            false,
        ),
        (
            "a file with the same time came",
            &[(newest, 500)],
            old,
            Added,
            900,
            true,
        ),
        ("a newer file came", &[(newest, 500)], old, Added, 850, true),
        (
            "an older file changed",
            &[(newest, 500)],
            old,
            Modified,
            950,
            true,
        ),
        (
            "a manifest decides about others",
            &[(newest, 500)],
            "a/x/Cargo.toml",
            Deleted,
            950,
            true,
        ),
        (
            "an earlier run saw the file",
            &[(("old.yml", 950), 600), (newest, 500)],
            old,
            Deleted,
            950,
            true,
        ),
    ] {
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &[("a/x/y", "")]);
        scene.set_age("a/src/lib.rs", 900);
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        for &(newest, age) in records {
            scene.watched_package("a", newest, age, 20);
        }
        if status != Deleted {
            scene.write(path, "");
            scene.set_age(path, age);
        }
        scene.change(path, status);
        assert_eq!(runs(&scene), expected, "{story}");
    }
}

#[test]
fn a_file_that_went_before_the_run_was_no_input_of_it() {
    for (age, expected) in [(499, false), (500, true)] {
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &[("a/x/y", "")]);
        scene.set_age("a/src/lib.rs", 900);
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        scene.watched_package("a", ("src/lib.rs", 900), 500, 20);
        scene.change("a/x/gone", Deleted);
        // The time of its directory shows when the file was deleted.
        let record = scene.root.join("a/Cargo.toml").metadata().unwrap();
        let time = record.modified().unwrap() + Duration::from_secs(1000 - age);
        File::open(scene.root.join("a/x"))
            .unwrap()
            .set_modified(time)
            .unwrap();
        assert_eq!(runs(&scene), expected, "{age}");
    }
}

/// Of the files of a package, cargo leaves out those of nested packages, git's own files, and the
/// target directory at the top.
#[test]
fn a_newer_file_elsewhere_in_the_package_shows_that_the_record_is_old() {
    for (newer, expected) in [
        ("a/data/x", true),
        ("a/.git/x", false),
        ("a/data/.git/x", false),
        ("a/target/x", false),
        ("a/data/target/x", true),
        ("a/nested/x", false),
    ] {
        let files = [("a/nested/Cargo.toml", "[package]"), (newer, "")];
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &files);
        scene.set_age("a/src/lib.rs", 900);
        scene.set_age(newer, 850);
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        scene.watched_package("a", ("src/lib.rs", 900), 500, 20);
        scene.change("a/old.yml", Deleted);
        assert_eq!(runs(&scene), expected, "{newer}");
    }
}

#[test]
fn only_a_new_manifest_takes_the_newest_file_out_of_its_package() {
    let changes: [(&str, ChangeStatus, bool); 3] = [
        ("a/nested/Cargo.toml", Added, true),
        ("a/nested/Cargo.toml", Modified, false),
        ("a/nested/other.toml", Added, false),
    ];
    for (path, status, expected) in changes {
        let files = [("a/nested/Cargo.toml", "[package]"), ("a/nested/new", "")];
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &files);
        scene.set_age("a/nested/new", 900);
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        scene.watched_package("a", ("nested/new", 900), 500, 20);
        scene.change(path, status);
        assert_eq!(runs(&scene), expected, "{path}, {status:?}");
    }
}

#[test]
fn a_script_runs_again_for_files_that_git_does_not_list() {
    let declares =
        |path: &str| format!("fn main() {{ println!(\"cargo::rerun-if-changed={path}\"); }}");
    for (story, script, head_moved, expected) in [
        ("a missing file", declares("gone"), false, true),
        ("a file that exists", declares("build.rs"), false, false),
        ("git's index", declares("../.git/index"), false, true),
        (
            "git's HEAD, which moved",
            declares("../.git/HEAD"),
            true,
            true,
        ),
        ("git's HEAD", declares("../.git/HEAD"), false, false),
        (
            "another file, after HEAD moved",
            declares("build.rs"),
            true,
            false,
        ),
    ] {
        let files = [
            ("a/build.rs", &*script),
            (".git/HEAD", ""),
            (".git/index", ""),
        ];
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &files);
        scene.head_moved = head_moved;
        assert_eq!(runs(&scene), expected, "{story}, by sources");
        if story != "git's index" {
            // A record outweighs the source.
            scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
            scene.run("a", &["a/src"], 500, 20);
            assert!(!runs(&scene), "{story}, by records");
        }
    }
}

#[test]
fn times_decide_about_watched_files_that_git_does_not_list() {
    let (_directory, outside) = scratch();
    write(&outside.join("header.h"), "");
    for (path, age, expected) in [
        (".git/index", 500, false),
        (".git/index", 499, true),
        // Git lists the file, if its content changed.
        ("a/data", 499, false),
    ] {
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &[(path, "")]);
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        scene.run("a", &[path], 500, 20);
        scene.set_age(path, age);
        assert_eq!(runs(&scene), expected, "{path}, {age}");
    }
    for (seconds, expected) in [(2000, false), (0, true)] {
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &[]);
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        scene.run("a", &["x"], 500, 20);
        let watch = json!({ "Run": { "Declared": [[outside.join("header.h")], []] } });
        scene.set_in_record("inputs", json!([[scene.root.join("a"), watch]]));
        let file = File::options()
            .append(true)
            .open(outside.join("header.h"))
            .unwrap();
        let time = SystemTime::now() - Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
        assert_eq!(runs(&scene), expected, "{seconds}");
    }
}
