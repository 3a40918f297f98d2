//! Paths that the code of a package opens while it runs, and the directories that it knows.

use super::*;

/// Returns the directories that the package `a` can join with a path: `climbs`, the places, and the
/// packages that lead it up.
fn bases(graph: &str, files: &[(&str, &str)]) -> String {
    let scene = Scene::new(graph, Verb::Test, files);
    let a = crate::testing::place(&scene.workspace, "a");
    let bases = with_sources(&scene, |it| it.bases(a));
    let mut found = Vec::new();
    found.extend(bases.climbs.then(|| "climbs".to_owned()));
    let places = bases.places.iter();
    let places = places.map(|it| it.strip_prefix(&scene.root).unwrap_or(it).to_string());
    found.extend(places);
    let leads = bases.leads.iter();
    found.extend(leads.map(|it| format!("by {}", scene.workspace.package(*it).name)));
    found.join(", ")
}

#[test]
fn a_package_finds_directories_above_its_own() {
    let climbing = "const DIR: &str = concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/..\");";
    let sets = "fn main() { println!(\"cargo::rustc-env=DATA=x\"); }";
    for (story, source, script, configuration, expected) in [
        ("only its own", "fn f() { open(\"data\"); }", "", "", ""),
        ("a step up", climbing, "", "", "climbs"),
        (
            "the root of the workspace",
            "fn f() { workspace_root(); }",
            "",
            "",
            "climbs",
        ),
        (
            "a path that does not leave",
            "fn f() { open(\"x/../data\"); }",
            "",
            "",
            "",
        ),
        (
            "a variable with the root",
            "fn f() { var(\"MY_WORKSPACE\"); }",
            "",
            "",
            "climbs",
        ),
        ("another variable", "fn f() { var(\"DATA\"); }", "", "", ""),
        (
            "a variable of the script",
            "fn f() { env!(\"DATA\"); }",
            sets,
            "",
            "climbs",
        ),
        (
            "another variable than the script's",
            "fn f() { env!(\"OTHER\"); }",
            sets,
            "",
            "",
        ),
        (
            "a configured path",
            "fn f() { var(\"DATA\"); }",
            "",
            "[env]\nDATA = '../shared'\n",
            "shared",
        ),
        (
            "a configured path from the configuration",
            "fn f() { var(\"DATA\"); }",
            "",
            "[env]\nDATA = { value = 'shared', relative = true }\n",
            "shared",
        ),
        (
            "a configured path from the package",
            "fn f() { var(\"DATA\"); }",
            "",
            "[env]\nDATA = { value = '../shared', relative = false }\n",
            "shared",
        ),
        (
            "a path for another variable",
            "fn f() { var(\"DATA\"); }",
            "",
            "[env]\nOTHER = '../shared'\n",
            "",
        ),
    ] {
        let files = [
            ("a/src/lib.rs", source),
            ("a/build.rs", script),
            (".cargo/config.toml", configuration),
        ];
        let graph = "a: lib!test!bench!doctest script";
        assert_eq!(bases(graph, &files), expected, "{story}");
    }
}

#[test]
fn a_library_passes_its_directory_to_its_dependents() {
    let graph = "a: lib!test!bench!doctest -> b\n\
        b: lib!test!bench!doctest -> l\n\
        l: lib!test!bench!doctest\n\
        n: lib!test!bench!doctest";
    let own = "pub fn dir() -> &'static str { env!(\"CARGO_MANIFEST_DIR\") }";
    let above = "pub fn dir() -> String { concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/..\").into() }";
    let relative = "pub fn dir() -> &'static Path { Path::new(\"../shared\") }";
    let root = "pub fn dir() -> PathBuf { workspace_root() }";
    let test = "#[test] fn t() { open(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/..\")); }";
    for (story, path, text, expected) in [
        ("its own directory", "l/src/lib.rs", own, "l"),
        ("the directory above", "l/src/lib.rs", above, "climbs, by l"),
        ("a path of the caller", "l/src/lib.rs", relative, ""),
        ("the root", "l/src/lib.rs", root, "climbs"),
        ("in a test", "l/src/lib.rs", test, ""),
        ("in an example", "l/examples/x.rs", above, ""),
        ("nothing", "l/src/lib.rs", "pub fn dir() {}", ""),
        ("another package", "n/src/lib.rs", own, ""),
    ] {
        assert_eq!(bases(graph, &[(path, text)]), expected, "{story}");
    }
}

#[test]
fn a_library_for_tests_passes_its_directory_to_tests() {
    let graph = "a: lib!test!bench!doctest -> dev: l\nl: lib!test!bench!doctest";
    let own = "pub fn dir() -> &'static str { env!(\"CARGO_MANIFEST_DIR\") }";
    assert_eq!(bases(graph, &[("l/src/lib.rs", own)]), "l");
}

#[test]
fn a_package_that_cannot_leave_its_directory_opens_nothing_else() {
    let graph =
        "a: lib!test!bench!doctest -> l\nl: lib!test!bench!doctest\nb: lib!test!bench!doctest";
    for (story, files, expected) in [
        (
            "nothing",
            &[("a/src/lib.rs", "fn f() { open(\"data\"); }")][..],
            false,
        ),
        (
            "a path outside",
            &[("a/src/lib.rs", "fn f() { open(\"../b/data\"); }")],
            true,
        ),
        (
            "its location",
            &[("a/src/lib.rs", "fn f() { env!(\"CARGO_MANIFEST_DIR\"); }")],
            true,
        ),
        (
            "a step up",
            &[("a/src/lib.rs", "fn f() { Path::new(\"..\"); }")],
            true,
        ),
        (
            "the directory of a library",
            &[(
                "l/src/lib.rs",
                "pub fn d() -> &'static str { env!(\"CARGO_MANIFEST_DIR\") }",
            )],
            true,
        ),
        (
            "a script that it names",
            &[
                ("a/src/lib.rs", "fn f() { run(\"test.sh\"); }"),
                ("a/test.sh", "cd ..\ncat b/data"),
            ],
            true,
        ),
        (
            "a script that it does not name",
            &[
                ("a/src/lib.rs", "fn f() { run(\"other.sh\"); }"),
                ("a/test.sh", "cd .."),
            ],
            false,
        ),
    ] {
        let scene = Scene::new(graph, Verb::Test, files);
        let a = crate::testing::place(&scene.workspace, "a");
        let opens = with_sources(&scene, |it| it.run_time(a)).is_some();
        assert_eq!(opens, expected, "{story}");
    }
}

#[test]
fn a_package_above_other_packages_opens_their_files() {
    let mut scene = Scene::new(
        "a: lib!test!bench!doctest\nb: lib!test!bench!doctest",
        Verb::Test,
        &[],
    );
    let b = crate::testing::place(&scene.workspace, "b");
    let a = crate::testing::place(&scene.workspace, "a");
    assert!(with_sources(&scene, |it| it.run_time(a)).is_none());
    let nested = scene.root.join("a/b");
    let package = &mut scene.workspace.packages[b.0 as usize];
    package.manifest_path = nested.join("Cargo.toml");
    package.targets[0].src_path = nested.join("src/lib.rs");
    assert!(with_sources(&scene, |it| it.run_time(a)).is_some());
    assert!(with_sources(&scene, |it| it.run_time(b)).is_none());
}

#[test]
fn code_steps_up_by_dots_or_from_a_known_location() {
    for (story, source, expected) in [
        ("dots", "fn f() { Path::new(\"..\"); }", true),
        (
            "a method, from its location",
            "fn f() { Path::new(env!(\"CARGO_MANIFEST_DIR\")).parent(); }",
            true,
        ),
        (
            "a method, from anywhere",
            "fn f(p: &Path) { p.parent(); }",
            false,
        ),
        (
            "its location only",
            "fn f() { env!(\"CARGO_MANIFEST_DIR\"); }",
            false,
        ),
    ] {
        let scene = Scene::new(LIBRARY, Verb::Test, &[("a/src/lib.rs", source)]);
        let a = crate::testing::place(&scene.workspace, "a");
        assert_eq!(
            with_sources(&scene, |it| it.may_climb(a)),
            expected,
            "{story}"
        );
    }
}

#[test]
fn names_are_counted_from_the_top_until_one_is_missing() {
    let graph = "a: lib!test!bench!doctest -> l\nl: lib!test!bench!doctest";
    let source =
        "fn f() { open(\"shared\").join(\"tables\").join(\"x\").with_extension(\"csv\"); }";
    let leading = "pub fn d() { concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/..\"); open(\"deep\"); }";
    for (library, names, expected) in [
        ("", &["shared", "tables", "x.csv"][..], 3),
        ("", &["shared", "tables", "y.csv"], 2),
        ("", &["shared", "tables", "x.txt"], 2),
        ("", &["other", "tables", "x.csv"], 0),
        ("", &["deep"], 0),
        (leading, &["deep"], 1),
    ] {
        let files = [("a/src/lib.rs", source), ("l/src/lib.rs", library)];
        let scene = Scene::new(graph, Verb::Test, &files);
        let a = crate::testing::place(&scene.workspace, "a");
        let known = with_sources(&scene, |it| it.count_named(a, names));
        assert_eq!(known, expected, "{names:?}");
    }
}

#[test]
fn texts_that_code_names_name_more_paths() {
    let scripts = "fn f() { run(\"scripts/all.sh\"); }";
    for (story, source, files, expected) in [
        (
            "a script",
            scripts,
            &[("a/scripts/all.sh", "cat ../../b/data.csv")][..],
            true,
        ),
        (
            "a script behind a script",
            scripts,
            &[
                ("a/scripts/all.sh", "sh ../scripts/more.sh"),
                ("a/scripts/more.sh", "cat ../b/data.csv"),
            ],
            true,
        ),
        (
            "a text beside the source",
            "fn f() { open(\"list.txt\"); }",
            &[("a/src/list.txt", "../b/data.csv")],
            true,
        ),
        (
            "a script without a step up",
            scripts,
            &[("a/scripts/all.sh", "cat b/data.csv")],
            false,
        ),
        (
            "a script outside",
            "fn f() { run(\"../tools/all.sh\"); }",
            &[("tools/all.sh", "cat ../b/data.csv")],
            true,
        ),
        (
            "a lock file",
            "fn f() { open(\"all.lock\"); }",
            &[("a/all.lock", "../b/data.csv")],
            false,
        ),
        (
            "an example of the documentation",
            "#![doc = include_str!(\"../README.md\")]",
            &[("a/README.md", "```\nopen(\"../b/data.csv\");\n```\n")],
            true,
        ),
        (
            "prose of the documentation",
            "#![doc = include_str!(\"../README.md\")]",
            &[("a/README.md", "See ../b/data.csv.\n")],
            false,
        ),
        (
            "documentation that is no Markdown",
            "#![doc = include_str!(\"../guide.txt\")]",
            &[("a/guide.txt", "../b/data.csv\n")],
            true,
        ),
    ] {
        let graph = "a: lib!test!bench!doctest\nb: lib!test!bench!doctest";
        let all = [&[("a/src/lib.rs", source)], files].concat();
        let scene = Scene::new(graph, Verb::Test, &all);
        let a = crate::testing::place(&scene.workspace, "a");
        let named = with_sources(&scene, |it| it.run_time(a));
        let is_named = named.is_some_and(|named| {
            let mut paths = named.files.iter().flat_map(|(_, paths)| &paths.named);
            paths.any(|it| it.path.ends_with("b/data.csv"))
        });
        assert_eq!(is_named, expected, "{story}");
    }
}

#[test]
#[cfg(unix)]
fn a_link_leads_the_code_of_a_package_to_other_files() {
    let scene = Scene::new(LIBRARY, Verb::Test, &[("shared/x", "")]);
    let link = scene.root.join("a/data");
    std::os::unix::fs::symlink(scene.root.join("shared"), link).unwrap();
    let a = crate::testing::place(&scene.workspace, "a");
    for (path, expected) in [("shared/x", true), ("shared", true), ("other/x", false)] {
        let path = scene.root.join(path);
        let leads = with_sources(&scene, |it| it.links_to(a, &path));
        assert_eq!(leads, expected, "{path}");
    }
}
