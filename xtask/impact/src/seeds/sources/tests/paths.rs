//! Files outside a package that its sources, its macros or the libraries of its script lead to.

use super::*;

#[test]
fn code_that_lists_a_directory_reads_every_file_below() {
    let graph = "a: lib!test!bench!doctest -> m\nm: proc-macro!test!bench!doctest";
    let macros =
        "fn pages() { for file in read_dir(\"../shared\") { emit(\"include_str!\", file) } }";
    for (path, expected) in [
        ("shared/x.dat", "a lib"),
        ("shared/deep/x.dat", "a lib"),
        ("other/x.dat", ""),
    ] {
        let files = [
            ("a/src/lib.rs", "const X: &[&str] = m::pages!(\"x\");"),
            ("m/src/lib.rs", macros),
        ];
        assert_eq!(doubted(graph, &files, path), expected, "{path}");
    }
}

#[test]
fn included_code_reads_files_below_the_directories_that_it_names() {
    let graph = "a: lib!test!bench!doctest\nn: lib!test!bench!doctest";
    let source = "include!(concat!(env!(\"PLACE\"), \"/shared/\", \"x.rs\"));";
    for (path, expected) in [
        ("shared/x.rs", "a lib"),
        ("shared/y.rs", "a lib"),
        ("other/x.rs", ""),
        ("x.rs", ""),
    ] {
        let files = [("a/src/lib.rs", source)];
        assert_eq!(doubted(graph, &files, path), expected, "{path}");
    }
}

#[test]
fn libraries_of_a_script_name_the_files_that_they_print() {
    let graph = "a: lib!test!bench!doctest script -> build: l\n\
        l: lib!test!bench!doctest -> k\n\
        k: lib!test!bench!doctest";
    let prints = "println!(\"cargo::rerun-if-changed={}/../shared/tables/data.csv\", env!(\"CARGO_MANIFEST_DIR\"));";
    let lists = format!("{prints} fs::read_dir(\"x\")");
    for (story, code, path, expected) in [
        ("the file", prints, "shared/tables/data.csv", true),
        ("another file", prints, "shared/tables/other.csv", false),
        ("another directory", prints, "shared/views/data.csv", false),
        ("a listing", &*lists, "shared/tables/other.csv", true),
        (
            "a listing of another",
            &lists,
            "other/views/data.csv",
            false,
        ),
        (
            "no instruction",
            "f(\"shared/tables/data.csv\")",
            "shared/tables/data.csv",
            false,
        ),
    ] {
        let library = format!("pub fn watch() {{ {code} }}");
        let files = [
            ("a/build.rs", "fn main() { l::watch(); }"),
            ("l/src/lib.rs", "pub use k::watch;"),
            ("k/src/lib.rs", &*library),
        ];
        let scene = Scene::new(graph, Verb::Check, &files);
        let a = crate::testing::place(&scene.workspace, "a");
        let path = scene.root.join(path);
        let may_be = with_sources(&scene, |it| it.may_be_given_watch(a, &path, &scene.root));
        assert_eq!(may_be, expected, "{story}");
    }
}

#[test]
fn a_script_is_built_with_the_path_packages_below_its_libraries() {
    let graph = "a: lib!test!bench!doctest script -> build: l, build: j, d\n\
        d: lib!test!bench!doctest\n\
        j: lib!test!bench!doctest -> k\n\
        l: lib!test!bench!doctest -> k, dev: d, e\n\
        k: lib!test!bench!doctest\n\
        e external: lib";
    let scene = Scene::new(graph, Verb::Check, &[]);
    let a = crate::testing::place(&scene.workspace, "a");
    let libraries = with_sources(&scene, |it| it.script_libraries(a));
    let name = |it: &PackageIx| scene.workspace.package(*it).name.as_str();
    let mut names: Vec<&str> = libraries.iter().map(name).collect();
    names.sort_unstable();
    assert_eq!(names, ["j", "k", "l"]);
}
