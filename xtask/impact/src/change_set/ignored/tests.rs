//! Ignored files, compared with records of builds. Ages are in seconds. The records are 500 seconds
//! old.

use serde_json::json;

use super::*;
use crate::testing::scene::Scene;
use crate::unit_graph::Verb;

/// Creates package `a`, whose library was compiled from two files that git ignores.
fn scene() -> Scene {
    let files = [
        ("a/src/table.gen", ""),
        ("a/src/zones.gen", ""),
        ("a/src/plain.rs", ""),
    ];
    let mut scene = Scene::new("a: lib!test!bench!doctest", Verb::Check, &files);
    let read = ["a/src/lib.rs", "a/src/table.gen", "a/src/zones.gen"];
    scene.compiled(("a", "lib"), &read, 500, (10, &[]));
    scene
}

/// Returns the changes as lines, and after them the notes, with `ROOT` for the directory.
fn found(scene: &Scene, listed: &[&str]) -> String {
    let repository = scene.commit("*.gen\n.cargo\n/target\n");
    let listed: Vec<_> = listed
        .iter()
        .map(|&path| change(path.into(), ChangeStatus::Modified))
        .collect();
    let (changes, notes) =
        scene.with_builds(|builds| changes(builds, &repository, &listed).unwrap());
    scene.told(&changes, &notes)
}

const NEWER: &str = "newer than a record of a build: counts as changed";

#[test]
fn an_ignored_file_is_changed_if_it_is_newer_than_a_record() {
    let one = format!("Modified a/src/table.gen\ngit ignores a/src/table.gen, {NEWER}\n");
    let table = |age: u64| {
        let scene = scene();
        scene.set_age("a/src/table.gen", age);
        scene
    };
    assert_eq!(found(&table(1000), &[]), "");
    assert_eq!(found(&table(500), &[]), "", "as old as the record");
    assert_eq!(found(&table(499), &[]), one);
    let listed = found(&table(499), &["a/src/table.gen"]);
    assert_eq!(listed, "", "git lists the file");
    assert_eq!(
        found(&table(499), &["a"]),
        "",
        "git lists a directory above"
    );

    let scene = table(300);
    scene.set_age("a/src/zones.gen", 300);
    let two = found(&scene, &[]);
    let expected = format!(
        "Modified a/src/table.gen\nModified a/src/zones.gen\n\
         git ignores a/src/table.gen (and 1 more), {NEWER}\n"
    );
    assert_eq!(two, expected);

    let mut scene = table(300);
    let read = ["a/src/lib.rs", "a/src/table.gen"];
    scene.compiled(("a", "lib test"), &read, 200, (11, &[]));
    assert_eq!(found(&scene, &[]), one, "older than the newest record");
}

#[test]
fn a_tracked_file_is_left_to_git() {
    let mut scene = scene();
    let read = ["a/src/lib.rs", "a/src/plain.rs"];
    scene.compiled(("a", "lib"), &read, 500, (11, &[]));
    for path in ["a/src/plain.rs", "a/src/lib.rs", "a/Cargo.toml"] {
        scene.set_age(path, 100);
    }
    assert_eq!(found(&scene, &[]), "");
}

#[test]
fn a_file_in_a_watched_directory_is_compared_with_the_run_of_the_script() {
    for (age, expected) in [
        (1000, String::new()),
        (
            100,
            format!("Modified a/data/deep/two.gen\ngit ignores a/data/deep/two.gen, {NEWER}\n"),
        ),
    ] {
        let files = [("a/data/one.txt", ""), ("a/data/deep/two.gen", "")];
        let mut scene = Scene::new("a: lib!test!bench!doctest script", Verb::Check, &files);
        scene.compiled(("a", "script"), &["a/build.rs"], 600, (20, &[]));
        scene.run("a", &["a/data"], 500, 20);
        scene.set_age("a/data/deep/two.gen", age);
        scene.set_age("a/data/one.txt", age);
        assert_eq!(found(&scene, &[]), expected);
    }
}

#[test]
fn a_deleted_file_is_changed_if_the_newest_record_lists_it() {
    let gone = |prepare: &dyn Fn(&mut Scene)| {
        let mut scene = scene();
        std::fs::remove_file(scene.root.join("a/src/table.gen")).unwrap();
        prepare(&mut scene);
        found(&scene, &[])
    };
    let expected = "Deleted a/src/table.gen\n\
                    git ignores a/src/table.gen, and it does not exist: counts as changed\n";
    assert_eq!(gone(&|_| {}), expected);
    let newer =
        |age: u64| gone(&|scene| scene.compiled(("a", "lib"), &["a/src/lib.rs"], age, (11, &[])));
    assert_eq!(newer(400), "", "the newest record does not list the file");
    assert_eq!(newer(600), expected, "an older record");
}

#[test]
fn without_a_record_every_ignored_file_that_sources_name_is_changed() {
    let unknown = "Modified a/src/table.rs\ngit ignores a/src/table.rs, and there is no record of \
                   a build to compare with: counts as changed\n";
    let ignored = |prepare: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::new("a: lib!test!bench!doctest", Verb::Check, &[]);
        scene.write("a/src/lib.rs", "mod table; mod plain; mod missing;");
        for name in ["table", "plain", "other"] {
            scene.write(&format!("a/src/{name}.rs"), "");
        }
        prepare(&mut scene);
        let repository = scene.commit("table.rs\nother.rs\n");
        let (changes, notes) =
            scene.with_builds(|builds| changes(builds, &repository, &[]).unwrap());
        let lines = changes
            .iter()
            .map(|it| format!("{:?} {}\n", it.status, it.path));
        let notes = notes.iter().map(|note| format!("{note}\n"));
        lines.chain(notes).collect::<String>()
    };
    let record = |key: &'static str, value: serde_json::Value| {
        ignored(&move |scene| {
            let read = ["a/src/lib.rs", "a/src/table.rs"];
            scene.compiled(("a", "lib"), &read, 500, (10, &[]));
            scene.set_in_record(key, value.clone());
        })
    };
    assert_eq!(ignored(&|_| {}), unknown);
    assert_eq!(record("documented", json!(null)), "", "a record");
    assert_eq!(
        record("features", json!(["other"])),
        unknown,
        "of other features"
    );
    assert_eq!(record("package", json!("b")), unknown, "of another package");
    let older_toolchain = ignored(&|scene| {
        let read = ["a/src/lib.rs", "a/src/table.rs"];
        scene.compiled(("a", "lib"), &read, 500, (10, &[]));
        scene.compiled(("z", "lib"), &[], 400, (20, &[]));
        scene.set_in_record("rustc", json!(2));
    });
    assert_eq!(older_toolchain, unknown, "of another toolchain");
}

#[test]
fn an_ignored_file_of_settings_gets_a_note_only() {
    for (age, expected) in [
        (1000, ""),
        (
            100,
            "git ignores .cargo/config.toml, newer than the last build: the changes there are \
             unknown and select nothing; in doubt, pass --all\n",
        ),
    ] {
        let scene = scene();
        scene.write(".cargo/config.toml", "");
        scene.set_age(".cargo/config.toml", age);
        assert_eq!(found(&scene, &[]), expected);
    }
}
