//! Names in the sources of a package, and the files that cargo lists for it.

use super::*;

#[test]
fn a_package_mentions_a_file_by_its_name_or_by_a_directory_above() {
    for (source, path, in_code, in_docs) in [
        ("open(\"notes/x\");", "notes/guide.txt", true, false),
        ("open(\"guide.txt\");", "notes/guide.txt", true, false),
        (
            "open(concat!(\"guide\", \".txt\"));",
            "notes/guide.txt",
            true,
            false,
        ),
        ("open(\"other.txt\");", "notes/guide.txt", false, false),
        (
            "/// See [the guide](\"../notes/guide.txt\").",
            "notes/guide.txt",
            false,
            true,
        ),
        (
            "// See \"../notes/guide.txt\".",
            "notes/guide.txt",
            false,
            false,
        ),
        // Names that every package has, and single letters, are no evidence.
        ("open(\"src/x\");", "src/guide.txt", false, false),
        ("open(\"x\");", "x/guide.txt", false, false),
        ("open(\"build.rs\");", "notes/build.rs", false, false),
    ] {
        let scene = Scene::new(LIBRARY, Verb::Check, &[("a/src/lib.rs", source)]);
        let a = crate::testing::place(&scene.workspace, "a");
        let path = scene.root.join(path);
        let found = with_sources(&scene, |sources| {
            [Lines::Code, Lines::Docs].map(|it| sources.mentions(a, it, &path, &scene.root))
        });
        assert_eq!(found, [in_code, in_docs], "{source} {path}");
    }
}

#[test]
fn cargo_lists_the_files_that_it_would_publish() {
    for (keys, path, expected) in [
        ("", "a/data.txt", true),
        ("exclude = ['data.txt']", "a/data.txt", false),
        ("exclude = ['data.txt']", "a/other.txt", true),
        ("include = ['/src']", "a/data.txt", false),
        ("include = ['/src']", "a/src/lib.rs", true),
        ("exclude = ['*']", "b/data.txt", true),
    ] {
        let manifest = format!("[package]\nname = 'a'\n{keys}\n");
        let scene = Scene::new(LIBRARY, Verb::Check, &[("a/Cargo.toml", &manifest)]);
        let a = crate::testing::place(&scene.workspace, "a");
        let path = scene.root.join(path);
        let is_listed = with_sources(&scene, |it| it.lists(a, &path));
        assert_eq!(is_listed, expected, "{keys} {path}");
    }
}

#[test]
#[cfg(unix)]
fn a_watched_link_covers_the_files_that_it_leads_to() {
    let scene = Scene::new(LIBRARY, Verb::Check, &[("b/x", ""), ("c/y", "")]);
    let link = |to: &str, from: &str| {
        std::os::unix::fs::symlink(scene.root.join(to), scene.root.join(from)).unwrap();
    };
    link("b", "link");
    link("c", "b/more");
    for (watched, path, expected) in [
        ("b", "b/x", true),
        ("link", "link/x", true),
        ("link", "b/x", true),
        ("b", "c/y", true),
        ("c", "b/x", false),
        ("b/x", "b/xy", false),
    ] {
        let [watched, path] = [watched, path].map(|it| scene.root.join(it));
        let covers = with_sources(&scene, |it| it.covers(&watched, &path));
        assert_eq!(covers, expected, "{watched} {path}");
    }
}

#[test]
fn facts_about_a_script_depend_on_its_sources_outside_the_package() {
    let files = [
        (
            "a/build.rs",
            "#[path = \"../shared/steps.rs\"] mod steps; fn main() { l::run(); }",
        ),
        ("shared/steps.rs", ""),
        ("l/src/lib.rs", "pub fn run() {}"),
    ];
    let graph = "a: lib!test!bench!doctest script -> build: l\nl: lib!test!bench!doctest";
    let scene = Scene::new(graph, Verb::Check, &files);
    let a = crate::testing::place(&scene.workspace, "a");
    for (changed, is_used) in [
        ("shared/steps.rs", false),
        ("l/src/lib.rs", false),
        ("Cargo.toml", false),
        ("shared/other.rs", true),
        // The package itself differs from the commit; its directory says so.
        ("a/src/lib.rs", true),
    ] {
        let layout = PackageDirectories::new(&scene.workspace);
        let facts = RefCell::new(SourceFacts::default());
        facts
            .borrow_mut()
            .move_on("one".to_owned(), &[], &Default::default());
        let mut sources = Sources::new(&scene.workspace, &layout, &facts, HashMap::new());
        sources.script(a).unwrap();
        let changes = [scene.root.join(changed)];
        facts
            .borrow_mut()
            .exclude_changed(&changes, Default::default());
        let known = facts.borrow().script(&scene.root.join("a"));
        assert_eq!(known.is_some(), is_used, "{changed}");
    }
}
