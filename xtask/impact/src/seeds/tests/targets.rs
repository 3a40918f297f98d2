//! Tests of added and deleted targets, of changed directories, and of files that documentation
//! includes.

use serde_json::json;

use crate::testing::scene::Scene;
use crate::unit_graph::Verb;
use crate::vcs::ChangeStatus;

/// Returns the seeds of one rule, as one line.
fn of_rule(scene: &Scene, rule: &str) -> String {
    let seeds = scene.seeds();
    let units = seeds.lines().filter_map(|line| line.strip_suffix(rule));
    let units: Vec<_> = units.filter_map(|unit| unit.strip_suffix(": ")).collect();
    units.join(", ")
}

/// Returns the units that a deleted or added root file seeds.
fn targets(text: &str, verb: Verb, path: &str, status: ChangeStatus) -> String {
    let mut scene = Scene::new(text, verb, &[]);
    scene.change(path, status);
    of_rule(&scene, "Target")
}

#[test]
fn root_files_of_targets_are_recognized_by_their_place() {
    let text = "a: lib!bench!doctest script bin=t!test!bench test=it bench=be";
    let tests = "a test it";
    let users = "a bin t, a lib test, a lib, a test it";
    let all = "a bin t, a build script run, a build script, a lib test, a lib, a test it";
    for (path, removed, added) in [
        ("a/src/lib.rs", users, ""),
        ("a/build.rs", all, ""),
        ("a/src/bin/old.rs", tests, ""),
        ("a/src/bin/old/main.rs", tests, ""),
        ("a/src/main.rs", tests, ""),
        ("a/src/bin/t.rs", tests, tests),
        ("a/src/bin/old/other.rs", "", ""),
        ("a/src/bin/old.txt", "", ""),
        ("a/src/bin/.old.rs", "", ""),
        ("a/src/bin/.old/main.rs", "", ""),
        ("a/src/old.rs", "", ""),
        ("a/sub/build.rs", "", ""),
        ("b/src/lib.rs", "", ""),
    ] {
        let verb = Verb::Test;
        let text = format!("{text} -> c\nc: lib");
        let found = targets(&text, verb, path, ChangeStatus::Deleted);
        assert_eq!(found, removed, "{path} was deleted");
        let found = targets(&text, verb, path, ChangeStatus::Added);
        assert_eq!(found, added, "{path} was added");
        let found = targets(&text, verb, path, ChangeStatus::Modified);
        assert_eq!(found, "", "{path} was modified");
    }
}

#[test]
fn a_removed_library_reaches_the_packages_that_name_it() {
    let text = "old: bin!test!bench\nb: lib!test!bench!doctest\nc: lib!test!bench!doctest";
    let of_old = "[package]\nname = 'renamed'\n";
    for (story, manifest, path, expected) in [
        (
            "by its name",
            "[dependencies]\nrenamed = '1'\n",
            "old/src/lib.rs",
            "b lib",
        ),
        (
            "by its path",
            "[dependencies]\nx = { path = '../old' }\n",
            "old/src/lib.rs",
            "b lib",
        ),
        (
            "another name",
            "[dependencies]\nother = '1'\n",
            "old/src/lib.rs",
            "",
        ),
        (
            "it has a library",
            "[dependencies]\nc = '1'\n",
            "c/src/lib.rs",
            "",
        ),
        (
            "another file",
            "[dependencies]\nrenamed = '1'\n",
            "old/src/other.rs",
            "",
        ),
    ] {
        let manifest = format!("[package]\nname = 'user'\n{manifest}");
        let files = [("old/Cargo.toml", of_old), ("b/Cargo.toml", &*manifest)];
        let found = |status| {
            let mut scene = Scene::new(text, Verb::Check, &files);
            scene.write("c/Cargo.toml", "[package]\nname = 'c'\n");
            scene.change(path, status);
            let seeds = scene.find();
            let named = seeds
                .iter()
                .filter(|it| it.because.starts_with("its manifest names"));
            named
                .map(|it| crate::testing::name(&scene.workspace, &scene.graph, it.unit))
                .collect::<Vec<_>>()
                .join(", ")
        };
        assert_eq!(found(ChangeStatus::Deleted), expected, "{story}");
        assert_eq!(found(ChangeStatus::Added), "", "{story}, added");
    }
}

#[test]
fn a_new_target_is_the_first_unless_a_target_of_its_kind_was_deleted() {
    let text = "a: lib!test!bench!doctest bin=t!test!bench test=it";
    let needed = "a bin t, a lib";
    for (deleted, expected) in [
        ("a/tests/old.rs", ""),
        ("a/tests/old.txt", needed),
        ("a/notes.rs", needed),
        ("b/tests/old.rs", needed),
    ] {
        let mut scene = Scene::new(text, Verb::Test, &[]);
        scene.change("a/tests/it.rs", ChangeStatus::Added);
        scene.change(deleted, ChangeStatus::Deleted);
        assert_eq!(of_rule(&scene, "Target"), expected, "{deleted}");
    }
}

#[test]
fn a_readme_that_came_or_went_reaches_the_units_that_read_its_variable() {
    let text = "a: lib!bench!doctest script";
    let reads = "const X: &str = env!(\"CARGO_PKG_README\");";
    let test = "#[cfg(test)] const X: &str = env!(\"CARGO_PKG_README\");";
    let both = "a lib test, a lib";
    for (source, path, status, expected) in [
        (reads, "a/README.md", ChangeStatus::Added, both),
        (reads, "a/README.md", ChangeStatus::Deleted, both),
        (reads, "a/README.md", ChangeStatus::Modified, ""),
        (reads, "a/README", ChangeStatus::Added, both),
        (reads, "a/docs/README.md", ChangeStatus::Added, ""),
        (test, "a/README.md", ChangeStatus::Added, "a lib test"),
        ("", "a/README.md", ChangeStatus::Added, ""),
    ] {
        let mut scene = Scene::new(text, Verb::Check, &[("a/src/lib.rs", source)]);
        scene.change(path, status);
        assert_eq!(
            of_rule(&scene, "Manifest"),
            expected,
            "{source}, {path}, {status:?}"
        );
    }
    // A record outweighs the source.
    let mut scene = Scene::new(
        "a: lib!test!bench!doctest",
        Verb::Check,
        &[("a/src/lib.rs", reads)],
    );
    scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[]));
    scene.change("a/README.md", ChangeStatus::Added);
    assert_eq!(of_rule(&scene, "Manifest"), "");
}

#[test]
fn documentation_that_includes_a_file_is_tested_again() {
    let text = "a: lib!test!bench\nb: lib!test!bench";
    let includes = |path: &str| format!("#![doc = include_str!({path:?})]");
    for (story, package, source, path, expected) in [
        (
            "its own file",
            "a",
            includes("../guide.md"),
            "a/guide.md",
            "a doctests: Source, rerun",
        ),
        (
            "a file outside",
            "b",
            includes("../../a/guide.md"),
            "a/guide.md",
            "b doctests: Source, rerun",
        ),
        (
            "another file",
            "a",
            includes("../guide.md"),
            "a/other.md",
            "",
        ),
        ("no documentation", "a", String::new(), "a/guide.md", ""),
    ] {
        let file = format!("{package}/src/lib.rs");
        let mut scene = Scene::new(text, Verb::Test, &[(&file, &source), (path, "")]);
        scene.change(path, ChangeStatus::Modified);
        let seeds = scene.seeds();
        let tests: Vec<_> = seeds
            .lines()
            .filter(|it| it.contains("doctests: Source"))
            .collect();
        assert_eq!(tests.join(", "), expected, "{story}");
    }
}

#[test]
fn a_file_of_another_package_that_a_source_includes_seeds_its_unit() {
    let text = "a: lib!test!bench!doctest\nb: lib!test!bench!doctest";
    let source = "const X: &str = include_str!(\"../../a/data.txt\");";
    for (records, age, expected) in [
        (false, 1000, "b lib"),
        // A current record lists all files.
        (true, 1000, ""),
        (true, 499, "b lib"),
    ] {
        let files = [("b/src/lib.rs", source), ("a/data.txt", "")];
        let mut scene = Scene::new(text, Verb::Check, &files);
        if records {
            scene.compiled(("b", "lib"), &["b/src/lib.rs"], 500, (10, &[]));
        }
        scene.set_age("b/src/lib.rs", age);
        scene.change("a/data.txt", ChangeStatus::Modified);
        assert_eq!(of_rule(&scene, "Source"), expected, "{records}, {age}");
    }
}

#[test]
fn every_seed_names_the_path_that_is_its_reason() {
    let text = "a: lib!test!bench!doctest";
    let mut scene = Scene::new(text, Verb::Check, &[]);
    scene.change("a/src/lib.rs", ChangeStatus::Modified);
    let by_source = scene.find();
    scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[]));
    let by_record = scene.find();
    let mut scene = Scene::new(text, Verb::Check, &[]);
    scene.edit(
        "a/Cargo.toml",
        "[package]\nname = 'a'",
        "[package]\nname = 'a'\nedition = '2024'",
    );
    let by_meaning = scene.find();
    for (seeds, path) in [
        (by_source, "a/src/lib.rs"),
        (by_record, "a/src/lib.rs"),
        (by_meaning, "a/Cargo.toml"),
    ] {
        assert!(!seeds.is_empty());
        for seed in seeds {
            assert_eq!(seed.path.as_deref(), Some(path.into()), "{}", seed.because);
        }
    }
}

/// A submodule, or a directory that the user names, hides which of its files changed.
#[test]
fn a_changed_directory_reaches_the_units_that_may_read_a_file_in_it() {
    let text = "a: lib!bench!doctest\nsub/b: lib!bench!doctest\nc: lib!bench!doctest";
    let names = "const X: &str = include_str!(\"../../sub/data.txt\");";
    let found = |directory: &str, source: &str, records: bool, status| {
        let files = [
            ("sub/data.txt", ""),
            ("c/src/lib.rs", source),
            ("a/src/deep/x.rs", ""),
        ];
        let mut scene = Scene::new(text, Verb::Check, &files);
        std::fs::create_dir_all(scene.root.join("empty")).unwrap();
        if records {
            let files = ["a/src/lib.rs", "a/src/deep/x.rs"];
            for kind in ["lib", "lib test"] {
                scene.compiled(("a", kind), &files, 500, (10, &[]));
                scene.compiled(("sub/b", kind), &["sub/b/src/lib.rs"], 500, (20, &[]));
                scene.compiled(("c", kind), &["c/src/lib.rs"], 500, (30, &[]));
            }
        }
        scene.change(directory, status);
        scene.seeds().trim_end().replace('\n', ", ")
    };
    use ChangeStatus::{Added, Modified};
    let all = [
        ("sub", "", false, Modified),
        ("sub", names, false, Modified),
        ("sub", names, true, Modified),
        ("a/src/deep", "", false, Modified),
        ("a/src/deep", "", true, Modified),
        ("empty", "", false, Modified),
        (
            "empty",
            "const X: &str = include_str!(\"../../empty/x\");",
            false,
            Added,
        ),
        (
            "empty",
            "const X: &str = include_str!(\"../../empty/x\");",
            false,
            Modified,
        ),
    ]
    .map(|(directory, source, records, status)| {
        let seeds = found(directory, source, records, status);
        let names = if source.is_empty() {
            ""
        } else {
            ", which c names"
        };
        let records = if records { ", with records" } else { "" };
        format!("{directory}{names}{records}, {status:?}: {seeds}\n")
    });
    expect_test::expect![[r#"
        sub, Modified: sub/b lib test: Doubt, sub/b lib: Doubt
        sub, which c names, Modified: c lib test: Source, c lib: Source, sub/b lib test: Doubt, sub/b lib: Doubt
        sub, which c names, with records, Modified: c lib test: RuntimeInput, rerun, sub/b lib test: Doubt, sub/b lib test: Source, sub/b lib: Doubt, sub/b lib: Source
        a/src/deep, Modified: a lib test: Doubt, a lib: Doubt
        a/src/deep, with records, Modified: a lib test: RuntimeInput, rerun, a lib test: Source, a lib: Source
        empty, Modified: 
        empty, which c names, Added: c lib test: Source, c lib: Source
        empty, which c names, Modified: 
    "#]].assert_eq(&all.concat());
}

#[test]
fn documentation_leaves_out_the_files_of_nested_packages() {
    let nested = ("a/nested/Cargo.toml", "[package]\nname = 'nested'");
    for (path, expected) in [("a/notes.yml", "a lib doc"), ("a/nested/notes.yml", "")] {
        let mut scene = Scene::new("a: lib", Verb::Doc, &[nested, (path, "")]);
        scene.change(path, ChangeStatus::Modified);
        assert_eq!(of_rule(&scene, "Source"), expected, "{path}");
    }
}

/// Cargo compares the files of a package as they are found, also behind a link.
#[test]
#[cfg(unix)]
fn documentation_counts_the_files_behind_a_link() {
    for (path, expected) in [
        ("b/data/x", "a lib doc, b lib doc"),
        ("b/other/x", "b lib doc"),
    ] {
        let mut scene = Scene::new("a: lib\nb: lib", Verb::Doc, &[("b/data/x", ""), (path, "")]);
        std::os::unix::fs::symlink("../b/data", scene.root.join("a/data")).unwrap();
        scene.change(path, ChangeStatus::Modified);
        assert_eq!(of_rule(&scene, "Source"), expected, "{path}");
    }
}

#[test]
fn a_rule_of_the_workspace_adds_units_to_those_that_read_a_file() {
    let text = "a: lib!bench!doctest\nb: lib!bench!doctest";
    for (affects, rerun, expected) in [
        (
            json!(["b"]),
            false,
            "b lib test: Configured, b lib: Configured",
        ),
        (json!(["b"]), true, "b lib test: Configured, rerun"),
        (
            json!("everything"),
            true,
            "a lib test: Configured, rerun, b lib test: Configured, rerun",
        ),
        (json!("nothing"), false, ""),
    ] {
        let mut scene = Scene::new(text, Verb::Check, &[]);
        let rules = json!([{ "files": ["a/src/lib.rs"], "affects": affects, "rerun": rerun }]);
        scene.workspace.metadata = json!({ "xtask": { "rules": rules } }).to_string();
        scene.change("a/src/lib.rs", ChangeStatus::Modified);
        let seeds = scene.seeds();
        assert!(seeds.contains("a lib: Source"), "{seeds}");
        let configured: Vec<_> = seeds
            .lines()
            .filter(|it| it.contains("Configured"))
            .collect();
        assert_eq!(configured.join(", "), expected, "{affects}");
    }
}
