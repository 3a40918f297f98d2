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

/// Returns the units that are compiled from a file, according to sources.
fn compiled_from(scene: &mut Scene, path: &str) -> String {
    scene.change(path, ChangeStatus::Modified);
    units_with(&scene.seeds(), "Source")
}

#[test]
fn a_file_outside_its_package_is_found_by_the_sources_that_lead_to_it() {
    let graph = "a: lib!test!bench!doctest\nb: lib!test!bench!doctest";
    let text = "const X: &str = include_str!(\"../../shared/x.txt\");";
    let module = "#[path = \"../../shared/code.rs\"] mod code;";
    for (story, source, more, path, expected) in [
        (
            "a text",
            text,
            ("shared/code.rs", ""),
            "shared/x.txt",
            "a lib",
        ),
        (
            "another text",
            text,
            ("shared/code.rs", ""),
            "shared/y.txt",
            "",
        ),
        (
            "a module",
            module,
            ("shared/code.rs", ""),
            "shared/code.rs",
            "a lib",
        ),
        (
            "a module of the module",
            module,
            ("shared/code.rs", "mod more;"),
            "shared/more.rs",
            "a lib",
        ),
        (
            "a text of the module",
            module,
            (
                "shared/code.rs",
                "const X: &str = include_str!(\"../data/x.txt\");",
            ),
            "data/x.txt",
            "a lib",
        ),
        (
            "a text of included code",
            "include!(\"code.in\");",
            (
                "a/src/code.in",
                "const X: &str = include_str!(\"../../data/x.txt\");",
            ),
            "data/x.txt",
            "a lib",
        ),
        (
            "a text of another package",
            text,
            ("b/x.txt", ""),
            "b/x.txt",
            "",
        ),
    ] {
        let files = [(path, ""), ("a/src/lib.rs", source), more];
        let mut scene = Scene::new(graph, Verb::Check, &files);
        assert_eq!(compiled_from(&mut scene, path), expected, "{story}");
    }
}

#[test]
fn the_root_of_a_target_may_lie_outside_its_package() {
    for (root, path, expected) in [
        ("shared/main.rs", "shared/main.rs", "a lib"),
        ("shared/main.rs", "shared/part.rs", "a lib"),
        ("a/../shared/main.rs", "shared/part.rs", "a lib"),
        ("shared/main.rs", "a/src/lib.rs", ""),
    ] {
        let files = [("shared/main.rs", "mod part;"), ("shared/part.rs", "")];
        let mut scene = Scene::new(LIBRARY, Verb::Check, &files);
        scene.workspace.packages[0].targets[0].src_path = scene.root.join(root);
        assert_eq!(compiled_from(&mut scene, path), expected, "{root} {path}");
    }
}

#[test]
#[cfg(unix)]
fn a_link_leads_to_files_outside_the_package() {
    let files = [
        (
            "a/src/lib.rs",
            "const X: &str = include_str!(\"../data/x.txt\");",
        ),
        ("shared/x.txt", ""),
    ];
    let mut scene = Scene::new(LIBRARY, Verb::Check, &files);
    let link = scene.root.join("a/data");
    std::os::unix::fs::symlink(scene.root.join("shared"), link).unwrap();
    assert_eq!(compiled_from(&mut scene, "shared/x.txt"), "a lib");
}

#[test]
fn a_module_that_a_macro_declares_leads_outside_its_package() {
    let graph = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    let macros = "#[macro_export] macro_rules! inside { ($($x:tt)*) => { mod inner { $($x)* } } }";
    let reads = "const X: &str = include_str!(\"../../../shared/x.txt\");";
    for (source, path, expected) in [
        ("m::inside! { mod hidden; }", "shared/x.txt", "a lib"),
        ("m::inside! { mod hidden; }", "shared/y.txt", ""),
        (
            "m::inside! { mod hidden; }",
            "a/src/inner/hidden.rs",
            "a lib",
        ),
    ] {
        let files = [
            ("a/src/lib.rs", source),
            ("a/src/inner/hidden.rs", reads),
            ("m/src/lib.rs", macros),
        ];
        let found = doubted(graph, &files, path);
        assert_eq!(found, expected, "{source} {path}");
    }
}

#[test]
fn a_word_that_a_macro_gets_names_a_file_outside_the_package() {
    let graph = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    let macros = "#[macro_export] macro_rules! table { ($n:ident) => { include_str!(concat!(\"../../shared/\", stringify!($n), \".csv\")) } }";
    for (path, expected) in [
        ("shared/stops.csv", "a lib"),
        ("shared/lines.csv", ""),
        ("other/stops.csv", ""),
        ("stops.csv", ""),
    ] {
        let files = [
            ("a/src/lib.rs", "const X: &str = m::table!(stops);"),
            ("m/src/lib.rs", macros),
        ];
        assert_eq!(doubted(graph, &files, path), expected, "{path}");
    }
}

#[test]
fn a_macro_of_a_downloaded_package_gets_a_path_outside_the_package() {
    let graph = "a: lib!test!bench!doctest -> e\ne external: lib";
    let macros = "#[macro_export] macro_rules! load { ($f:literal) => { include_str!(concat!($f, \".txt\")) } }";
    for (path, expected) in [
        ("shared/stops.txt", "a lib"),
        ("shared/lines.txt", ""),
        ("other/stops.txt", ""),
    ] {
        let files = [
            (
                "a/src/lib.rs",
                "const X: &str = e::load!(\"../../shared/stops\");",
            ),
            (".registry/e-0.1.0/src/lib.rs", macros),
        ];
        assert_eq!(doubted(graph, &files, path), expected, "{path}");
    }
}

#[test]
fn a_directory_that_contains_the_package_needs_no_name() {
    let graph = "a: lib!test!bench!doctest -> e\ne external: lib";
    let macros = "#[macro_export] macro_rules! load { ($f:literal) => { include_str!(concat!($f, \".txt\")) } }";
    for (path, expected) in [
        ("crates/shared/stops.txt", "a lib"),
        ("other/shared/stops.txt", ""),
    ] {
        let files = [
            ("crates/a/Cargo.toml", "[package]\nname = 'a'\n"),
            (
                "crates/a/src/lib.rs",
                "const X: &str = e::load!(\"../../shared/stops\");",
            ),
            (".registry/e-0.1.0/src/lib.rs", macros),
            (path, ""),
        ];
        let mut scene = Scene::new(graph, Verb::Check, &files);
        let directory = scene.root.join("crates/a");
        let package = &mut scene.workspace.packages[0];
        package.manifest_path = directory.join("Cargo.toml");
        package.targets[0].src_path = directory.join("src/lib.rs");
        scene.change(path, ChangeStatus::Modified);
        assert_eq!(units_with(&scene.seeds(), "Doubt"), expected, "{path}");
    }
}
