//! Tests of the tests that open a file of another package while they run.

use crate::testing::scene::Scene;
use crate::unit_graph::Verb;
use crate::vcs::ChangeStatus;

/// Returns the tests that run again after a modification of this file.
fn rerun(text: &str, files: &[(&str, &str)], path: &str) -> String {
    rerun_in(Scene::new(text, Verb::Test, files), path)
}

fn rerun_in(mut scene: Scene, path: &str) -> String {
    if !scene.root.join(path).exists() {
        scene.write(path, "");
    }
    scene.change(path, ChangeStatus::Modified);
    let seeds = scene.seeds();
    let tests = seeds
        .lines()
        .filter_map(|line| line.strip_suffix(": RuntimeInput, rerun"));
    tests.collect::<Vec<_>>().join(", ")
}

const READS: &str = "std::fs::read(\"../b/data.json\").unwrap();";

#[test]
fn code_that_names_a_file_reruns_the_tests_that_run_the_code() {
    let text = "a: lib!bench bin=t!bench test=it\nb: lib!test!bench!doctest";
    let all = "a bin t test, a doctests, a lib test, a test it";
    let code = format!("pub fn f() {{ {READS} }}");
    let test = format!("#[test] fn f() {{ {READS} }}");
    let docs = format!("/// ```\n/// {READS}\n/// ```\npub fn f() {{}}");
    let both = format!("{code}\n{docs}");
    for (story, file, source, expected) in [
        ("code of the library", "a/src/lib.rs", &code, all),
        ("a test of the library", "a/src/lib.rs", &test, "a lib test"),
        ("an example", "a/src/lib.rs", &docs, "a doctests"),
        ("code and an example", "a/src/lib.rs", &both, all),
        ("code of a program", "a/src/bin/t.rs", &code, all),
        (
            "a test of a program",
            "a/src/bin/t.rs",
            &test,
            "a bin t test",
        ),
        ("an integration test", "a/tests/it.rs", &code, "a test it"),
        ("its test", "a/tests/it.rs", &test, "a test it"),
        ("code that no unit contains", "a/src/unused.rs", &code, all),
    ] {
        let found = rerun(text, &[(file, source)], "b/data.json");
        assert_eq!(found, expected, "{story}");
        let other = rerun(text, &[(file, source)], "b/other.json");
        assert_eq!(other, "", "{story}, another file");
    }
}

#[test]
fn code_of_a_library_reruns_the_tests_of_its_dependents() {
    let text = "
        a: lib!test!bench!doctest
        b: lib!test!bench!doctest
        c: lib!test!bench!doctest test=it -> a
        d: lib!test!bench!doctest bench=it test=it -> c
        e: lib!test!bench!doctest script test=it -> build: a
        f: lib!test!bench!doctest test=it";
    let code = format!("pub fn f() {{ {READS} }}");
    let test = format!("#[test] fn f() {{ {READS} }}");
    for (story, file, source, expected) in [
        ("code", "a/src/lib.rs", &code, "c test it, d test it"),
        // A build script runs before the tests are built.
        ("a module", "a/src/x.rs", &code, "c test it, d test it"),
        ("a test", "a/src/lib.rs", &test, ""),
        ("an example program", "a/examples/x.rs", &code, ""),
    ] {
        let module = ("a/src/lib.rs", "mod x;");
        let mut files = vec![(file, source.as_str())];
        files.extend((file == "a/src/x.rs").then_some(module));
        assert_eq!(rerun(text, &files, "b/data.json"), expected, "{story}");
    }
    // The library may include the file by a path from the environment.
    let includes = "include!(concat!(env!(\"PLACE\"), \"/x.rs\"));";
    let files = [("a/src/lib.rs", includes), ("a/src/x.rs", code.as_str())];
    assert_eq!(rerun(text, &files, "b/data.json"), "c test it, d test it");
    // A library that does not contain the file.
    let files = [("a/src/lib.rs", ""), ("a/src/x.rs", code.as_str())];
    assert_eq!(rerun(text, &files, "b/data.json"), "");
}

/// A test runs in the directory of its own package, so a relative path in a library starts there.
#[test]
fn a_relative_path_of_a_library_starts_at_each_test() {
    let text = "
        a: lib!test!bench!doctest
        deep/b: lib!test!bench!doctest test=it -> a";
    let reads = "pub fn f() { std::fs::read(\"../shared/x.json\").unwrap(); }";
    let package = "pub fn f() { std::fs::read(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../shared/x.json\")); }";
    let test = "#[test] fn f() { std::fs::read(\"../shared/x.json\").unwrap(); }";
    let own = "pub fn f() { std::fs::read(\"../b/x.json\").unwrap(); }";
    for (story, source, path, expected) in [
        ("from the library", reads, "shared/x.json", "deep/b test it"),
        (
            "from the test",
            reads,
            "deep/shared/x.json",
            "deep/b test it",
        ),
        ("another file", reads, "deep/shared/y.json", ""),
        (
            "from the package",
            package,
            "shared/x.json",
            "deep/b test it",
        ),
        (
            "from the test of the library",
            test,
            "deep/shared/x.json",
            "",
        ),
        // Its tests run again because the file is its own, and not because of the path.
        (
            "to the package of the test",
            own,
            "deep/b/x.json",
            "deep/b test it",
        ),
    ] {
        let found = rerun(text, &[("a/src/lib.rs", source)], path);
        assert_eq!(found, expected, "{story}: {path}");
    }
}

#[test]
fn a_directory_stands_for_its_files_unless_it_contains_packages() {
    let text = "
        a: lib!test!bench!doctest test=it
        b: lib!test!bench!doctest
        group/c: lib!test!bench!doctest";
    let uses = |path: &str| format!("#[test] fn f() {{ run(Path::new({path:?})); }}");
    let lists = |path: &str| {
        let list = "fn list(at: &Path) { for it in read_dir(at) {} }";
        format!("{list} #[test] fn f() {{ list(Path::new({path:?})); }}")
    };
    for (story, source, path, expected) in [
        (
            "a directory",
            uses("../b/data"),
            "b/data/x.json",
            "a test it",
        ),
        ("another directory", uses("../b/data"), "b/date/x.json", ""),
        (
            "a whole package",
            uses("../b"),
            "b/data/x.json",
            "a test it",
        ),
        (
            "a group of packages",
            uses("../group"),
            "group/c/x.json",
            "",
        ),
        (
            "a list of packages",
            lists("../group"),
            "group/c/x.json",
            "a test it",
        ),
        (
            "above the package itself",
            uses("../../"),
            "b/data/x.json",
            "",
        ),
        (
            "any name between",
            uses("../b/*/x.json"),
            "b/data/x.json",
            "a test it",
        ),
        (
            "any name between",
            uses("../b/*/x.json"),
            "b/data/y.json",
            "",
        ),
        (
            "any name between",
            uses("../b/*/x.json"),
            "b/data/deep/x.json",
            "",
        ),
    ] {
        let found = rerun(text, &[("a/tests/it.rs", &source)], path);
        assert_eq!(found, expected, "{story}: {path}");
    }
}

#[test]
fn a_library_that_passes_its_directory_makes_paths_in_it() {
    let text = "
        a: lib!test!bench!doctest
        b: lib!test!bench!doctest test=it -> a";
    let passes = "pub fn root() -> &'static Path { Path::new(env!(\"CARGO_MANIFEST_DIR\")) }";
    let of = |path: &str| format!("#[test] fn f() {{ read(a::root().join({path:?})); }}");
    let variable = "#[test] fn f() { read(a::root().join(var(\"X\"))); }";
    let test = "b test it";
    // No rule affects these files, so the paths alone decide.
    for (story, library, source, path, expected) in [
        ("the file", passes, of("data/x.md"), "a/data/x.md", test),
        (
            "its directory",
            passes,
            of("data/deep"),
            "a/data/deep/x.md",
            test,
        ),
        ("another file", passes, of("data/x.md"), "a/data/y.md", ""),
        ("a name alone", passes, of("x.md"), "a/x.md", test),
        ("a name elsewhere", passes, of("x.md"), "a/data/x.md", ""),
        ("no directory", passes, of("data"), "a/data/x.md", ""),
        ("no library passes", "", of("data/x.md"), "a/data/x.md", ""),
        (
            "a variable",
            passes,
            variable.to_owned(),
            "a/data/y.md",
            test,
        ),
    ] {
        let files = [("a/src/lib.rs", library), ("b/tests/it.rs", &source)];
        let found = rerun(text, &files, path);
        assert_eq!(found, expected, "{story}: {path}");
    }
}

#[test]
fn a_variable_of_the_configuration_leads_to_its_directory() {
    let text = "a: lib!test!bench!doctest test=it\nb: lib!test!bench!doctest";
    let reads = "#[test] fn f() { read(std::env::var(\"DATA\").unwrap()); }";
    let config = "[env]\nDATA = { value = 'b/data', relative = true }\n";
    for (source, path, expected) in [
        (reads, "b/data/x.json", "a test it"),
        (reads, "b/other/x.json", ""),
        ("", "b/data/x.json", ""),
    ] {
        let files = [(".cargo/config.toml", config), ("a/tests/it.rs", source)];
        assert_eq!(rerun(text, &files, path), expected, "{source}: {path}");
    }
}

#[test]
fn a_path_may_be_made_of_names_in_several_strings() {
    let text =
        "a: lib!bench!doctest test=it\nb: lib!test!bench!doctest\na/c: lib!test!bench!doctest";
    let of = |names: &str| format!("#[test] fn f() {{ join_all({names}); }}");
    let lists = |names: &str| {
        format!(
            "#[test] fn f() {{ for it in read_dir(at) {{ join_all({names}) }} go(Path::new(\"../d\")) }}"
        )
    };
    for (story, source, path, expected) in [
        (
            "all names",
            of("\"..\", \"b\", \"data.json\""),
            "b/data.json",
            "a test it",
        ),
        (
            "the stem",
            of("\"..\", \"b\", \"data\", \"json\""),
            "b/data.json",
            "a test it",
        ),
        (
            "not the file",
            of("\"..\", \"b\", \"other.json\""),
            "b/data.json",
            "",
        ),
        (
            "not the directory",
            of("\"..\", \"data.json\""),
            "b/data.json",
            "",
        ),
        ("no step up", of("\"b\", \"data.json\""), "b/data.json", ""),
        ("a listing", lists("\"b\""), "b/data.json", "a test it"),
        ("a listing elsewhere", lists("\"e\""), "b/data.json", ""),
        (
            "below the package",
            of("\"c\", \"data.json\""),
            "a/c/data.json",
            "a test it",
        ),
        (
            "below the package",
            of("\"c\", \"other.json\""),
            "a/c/data.json",
            "",
        ),
    ] {
        let found = rerun(text, &[("a/tests/it.rs", &source)], path);
        assert_eq!(found, expected, "{story}: {path}");
    }
}

#[test]
fn a_package_that_passes_its_directory_reruns_the_tests_of_its_users_for_a_fixture() {
    let text = "
        a: lib!bench!doctest
        b: lib!test!bench!doctest test=it -> a";
    let passes = "pub fn root() -> &'static Path { Path::new(env!(\"CARGO_MANIFEST_DIR\")) }";
    for (source, path, expected) in [
        (passes, "a/notes.yml", "a lib test, b test it"),
        ("", "a/notes.yml", "a lib test"),
        (passes, "a/LICENSE", ""),
        (passes, "a/src/unused.rs", "a lib test"),
    ] {
        let files = [("a/src/lib.rs", source)];
        assert_eq!(rerun(text, &files, path), expected, "{source}: {path}");
    }
}

#[test]
#[cfg(unix)]
fn a_link_to_another_package_reruns_all_tests() {
    let text = "a: lib!bench!doctest test=it\nb: lib!test!bench!doctest";
    for (path, expected) in [
        ("b/data/x.json", "a lib test, a test it"),
        ("b/other/x.json", ""),
    ] {
        let scene = Scene::new(text, Verb::Test, &[("b/data/x.json", "")]);
        std::os::unix::fs::symlink("../b/data", scene.root.join("a/data")).unwrap();
        assert_eq!(rerun_in(scene, path), expected, "{path}");
    }
}

#[test]
fn a_file_of_no_package_reruns_the_tests_that_name_it() {
    let text = "a: lib!bench test=it\nb: lib!bench!doctest";
    let code = "#[test] fn f() { read(\"../schema.json\"); }";
    let docs = "/// ```\n/// read(\"../schema.json\");\n/// ```\npub fn f() {}";
    for (source, expected) in [
        (code, "a doctests, a lib test, a test it"),
        (docs, "a doctests"),
        ("", ""),
    ] {
        let found = rerun(text, &[("a/src/lib.rs", source)], "schema.json");
        assert_eq!(found, expected, "{source}");
    }
}
