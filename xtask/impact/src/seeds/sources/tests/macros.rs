//! Files that a macro reads for its caller: the macros that a unit can use, and the names that they
//! get or contain.

use super::*;

/// A macro that includes the file with the given name in the directory of the package.
const PAGE: &str = "#[macro_export] macro_rules! page { ($n:literal) => { include_str!(concat!(\"../\", $n, \".txt\")) } }";

#[test]
fn a_unit_uses_the_macros_of_the_dependencies_that_it_is_built_with() {
    let call = "const X: &str = m::page!(\"page\");";
    for (story, graph, caller, expected) in [
        (
            "a build script",
            "a: lib!test!bench!doctest script -> build: m",
            "a/build.rs",
            "a build script",
        ),
        (
            "no dependency of a build script",
            "a: lib!test!bench!doctest script -> m",
            "a/build.rs",
            "",
        ),
        (
            "a test",
            "a: lib!test!bench!doctest test=it -> dev: m",
            "a/tests/it.rs",
            "a test it",
        ),
        (
            "an example",
            "a: lib!test!bench!doctest example=e -> dev: m",
            "a/examples/e.rs",
            "a example e",
        ),
        (
            "no dependency of the library",
            "a: lib!test!bench!doctest -> dev: m",
            "a/src/lib.rs",
            "",
        ),
        (
            "only a dependency of the script",
            "a: lib!bench!doctest script -> build: m",
            "a/src/lib.rs",
            "",
        ),
        (
            "only the tests of a library",
            "a: lib!bench!doctest -> dev: m",
            "a/src/lib.rs",
            "a lib test",
        ),
    ] {
        let graph = format!("{graph}\nm: lib!test!bench!doctest");
        let quiet = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }";
        let files = [
            ("a/build.rs", quiet),
            ("m/src/lib.rs", PAGE),
            (caller, call),
        ];
        assert_eq!(doubted(&graph, &files, "a/page.txt"), expected, "{story}");
    }
}

#[test]
fn macros_are_used_through_packages_that_reexport_them() {
    let graph = "a: lib!test!bench!doctest -> n\n\
        n: lib!test!bench!doctest -> o\n\
        o: lib!test!bench!doctest -> p\n\
        p: lib!test!bench!doctest -> m\n\
        m: lib!test!bench!doctest";
    for (o, expected) in [("pub use p::*;", "a lib"), ("", "")] {
        let files = [
            ("a/src/lib.rs", "const X: &str = n::page!(\"page\");"),
            ("n/src/lib.rs", "pub use o::*;"),
            ("o/src/lib.rs", o),
            ("p/src/lib.rs", "pub use m::*;"),
            ("m/src/lib.rs", PAGE),
        ];
        assert_eq!(doubted(graph, &files, "a/page.txt"), expected, "{o}");
    }
}

#[test]
fn a_procedural_macro_makes_code_with_its_dependencies() {
    let uses = "const X: &str = m::page!(\"page\");";
    let emits = "pub fn emit() { quote!(include_str!(#path)) }";
    for (story, library, of_library, expected) in [
        ("a library of its own", "h", emits, "a lib"),
        ("a library that emits nothing", "h", "", ""),
        ("a library that every macro has", "quote", emits, ""),
    ] {
        let graph = format!(
            "a: lib!test!bench!doctest -> m\n\
             m: proc-macro!test!bench!doctest -> {library}\n\
             {library}: lib!test!bench!doctest"
        );
        let source = format!("{library}/src/lib.rs");
        let files = [("a/src/lib.rs", uses), (&*source, of_library)];
        assert_eq!(doubted(&graph, &files, "a/page.txt"), expected, "{story}");
    }
}

#[test]
fn only_the_library_of_a_package_has_macros_for_others() {
    let graph = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    let literal = "#[macro_export] macro_rules! page { ($n:literal) => { include_str!($n) } }";
    let of_tests = "macro_rules! page { () => { include_str!(\"../page.txt\") } }";
    for (path, expected) in [("m/src/more.rs", "a lib"), ("m/tests/it.rs", "")] {
        let files = [
            ("a/src/lib.rs", "const X: &str = m::page!(\"x\");"),
            ("m/src/lib.rs", literal),
            (path, of_tests),
        ];
        assert_eq!(doubted(graph, &files, "a/page.txt"), expected, "{path}");
    }
}

#[test]
fn a_library_may_lie_in_a_directory_for_tests_or_scripts() {
    let graph = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    let files = [
        ("a/src/lib.rs", "const X: &str = m::page!();"),
        ("a/page.txt", ""),
        (
            "m/build/lib.rs",
            "#[macro_export] macro_rules! page { () => { include_str!(\"../page.txt\") } }",
        ),
    ];
    let mut scene = Scene::new(graph, Verb::Check, &files);
    let library = scene.root.join("m/build/lib.rs");
    let m = crate::testing::place(&scene.workspace, "m");
    scene.workspace.packages[m.0 as usize].targets[0].src_path = library;
    scene.change("a/page.txt", ChangeStatus::Modified);
    assert_eq!(units_with(&scene.seeds(), "Doubt"), "a lib");
}

#[test]
fn a_macro_gets_files_by_the_name_of_their_directory() {
    let graph = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    let source = "m::pages!(\"pages\");";
    let macros = "#[macro_export] macro_rules! pages { ($d:literal) => { include_str!(concat!($d, \"/x\")) } }";
    for (path, expected) in [
        ("a/pages/front.txt", "a lib"),
        ("a/pages/deep/front.txt", "a lib"),
        ("a/views/front.txt", ""),
    ] {
        let files = [("a/src/lib.rs", source), ("m/src/lib.rs", macros)];
        assert_eq!(doubted(graph, &files, path), expected, "{path}");
    }
}

#[test]
fn modules_below_a_module_of_a_macro_belong_to_the_macro() {
    let graph = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    let macros = "#[macro_export] macro_rules! part { ($n:literal) => { include!(concat!(\"part_\", $n, \".rs\")); } }
        #[macro_export] macro_rules! code { ($f:literal) => { include!(concat!($f, \".rs\")); } }";
    for (path, expected) in [
        ("a/src/part_7.rs", "a lib"),
        ("a/src/part_7/deep.rs", "a lib"),
        ("a/src/part_8/deep.rs", ""),
        ("a/src/part_7/deep.txt", ""),
    ] {
        let files = [
            ("a/src/lib.rs", "m::part!(7);"),
            ("a/src/part_7.rs", "m::code!(\"part_7/deep\");"),
            ("a/src/part_8.rs", ""),
            ("m/src/lib.rs", macros),
        ];
        assert_eq!(doubted(graph, &files, path), expected, "{path}");
    }
}

#[test]
fn code_that_does_not_lex_may_read_every_file_of_its_package() {
    let graph = "a: lib!test!bench!doctest\nn: lib!test!bench!doctest";
    for (source, expected) in [("const X: &str = \"open;", "a lib"), ("fn f() {}", "")] {
        let files = [("a/src/lib.rs", source)];
        assert_eq!(doubted(graph, &files, "a/x.dat"), expected, "{source}");
    }
}

#[test]
fn a_variable_from_outside_may_name_every_file_of_the_package() {
    let graph = "a: lib!test!bench!doctest script";
    let reader = "const X: &str = include_str!(env!(\"PLACE\"));";
    let sets = "fn main() { println!(\"cargo::rustc-env=PLACE=front.dat\"); println!(\"cargo::rerun-if-changed=build.rs\"); }";
    let quiet = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }";
    let configured = "[env]\nPLACE = 'a/data/front.dat'\n";
    for (story, script, configuration, path, expected) in [
        ("from the shell", quiet, "", "a/x.dat", "a lib"),
        ("from the script", sets, "", "a/front.dat", "a lib"),
        ("from the script", sets, "", "a/x.dat", ""),
        ("configured", quiet, configured, "a/data/front.dat", "a lib"),
        ("configured", quiet, configured, "a/data/x.dat", ""),
    ] {
        let files = [
            ("a/src/lib.rs", reader),
            ("a/build.rs", script),
            (".cargo/config.toml", configuration),
        ];
        assert_eq!(doubted(graph, &files, path), expected, "{story}: {path}");
    }
}

#[test]
fn names_of_the_package_and_literals_together_name_a_file() {
    let of =
        |parts: &str| format!("const X: &str = include_str!(concat!(\"../\", {parts}, \".dat\"));");
    let name = "env!(\"CARGO_PKG_NAME\")";
    let quiet = "fn main() { println!(\"cargo::rustc-env=X=\"); println!(\"cargo::rerun-if-changed=build.rs\"); }";
    for (package, parts, file, expected) in [
        ("tool", name.to_owned(), "tool.dat", true),
        ("tool", name.to_owned(), "tool_side.dat", false),
        ("tool", format!("{name}, \"_side\""), "tool_side.dat", true),
        ("tool", format!("{name}, 2"), "tool2.dat", true),
        ("tool", format!("{name}, 3"), "tool2.dat", false),
        ("tool2", name.to_owned(), "tool2.dat", true),
    ] {
        let graph = format!("{package}: lib!test!bench!doctest script");
        let [library, script, path] =
            ["src/lib.rs", "build.rs", file].map(|it| format!("{package}/{it}"));
        let source = of(&parts);
        let files = [(&*library, &*source), (&*script, quiet)];
        let found = doubted(&graph, &files, &path);
        assert_eq!(!found.is_empty(), expected, "{parts} {file}: {found}");
    }
}

#[test]
fn only_code_that_asks_for_its_own_path_reads_files_beside_it() {
    let graph = "a: lib!test!bench!doctest";
    let of = |start: &str| {
        format!(
            "macro_rules! snap {{ ($e:literal) => {{ include_str!(concat!({start}, $e)) }} }}\nconst X: &str = snap!(\".snap\");"
        )
    };
    for (start, path, expected) in [
        ("\"../../\", file!()", "a/src/lib.rs.snap", "a lib"),
        ("\"../../\", file!()", "a/src/lib.snap", ""),
        ("\"x\"", "a/src/lib.rs.snap", ""),
    ] {
        let source = of(start);
        let files = [("a/src/lib.rs", &*source)];
        assert_eq!(doubted(graph, &files, path), expected, "{start} {path}");
    }
}

#[test]
fn a_macro_takes_the_path_that_a_script_sets_only_if_the_macro_reads_variables() {
    let graph = "a: lib!test!bench!doctest script -> m\nm: lib!test!bench!doctest";
    let script = "fn main() { println!(\"cargo::rustc-env=PAGE=pages/front.dat\"); println!(\"cargo::rerun-if-changed=build.rs\"); }";
    for (value, expected) in [("env!(\"PAGE\")", "a lib"), ("$p", "")] {
        let macros = format!(
            "#[macro_export] macro_rules! page {{ ($p:literal) => {{ include_str!({value}) }} }}"
        );
        let files = [
            ("a/src/lib.rs", "const X: &str = m::page!(\"x\");"),
            ("a/build.rs", script),
            ("m/src/lib.rs", &*macros),
        ];
        let found = doubted(graph, &files, "a/pages/front.dat");
        assert_eq!(found, expected, "{value}");
    }
}

#[test]
fn names_in_downloaded_code_are_no_files_of_the_workspace() {
    let graph = "a: lib!test!bench!doctest script -> build: e\ne external: lib";
    let quiet = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); CODE }";
    for (story, code, library, expected) in [
        (
            "it includes",
            "emit(\"data.bin\");",
            "const X: &str = \"include_str!\";",
            "a lib",
        ),
        (
            "it names",
            "emit(\"include_str!\");",
            "const X: &str = \"data.bin\";",
            "",
        ),
    ] {
        let script = quiet.replace("CODE", code);
        let files = [
            (
                "a/src/lib.rs",
                "include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));",
            ),
            ("a/build.rs", &*script),
            (".registry/e-0.1.0/src/lib.rs", library),
        ];
        assert_eq!(doubted(graph, &files, "a/data.bin"), expected, "{story}");
    }
}

#[test]
fn a_manifest_without_a_license_file_names_no_file_for_it() {
    let graph = "a: lib!test!bench!doctest script";
    let source =
        "const A: &str = include_str!(concat!(\"../\", env!(\"CARGO_PKG_LICENSE_FILE\")));";
    let sets = "fn main() { println!(\"cargo::rustc-env=X=\"); println!(\"cargo::rerun-if-changed=build.rs\"); }";
    for (key, path, expected) in [
        ("license-file = 'TERMS'", "a/TERMS", "a lib"),
        ("", "a/TERMS", ""),
        ("", "a/README.txt", ""),
    ] {
        let manifest = format!("[package]\nname = 'a'\n{key}\n");
        let files = [
            ("a/Cargo.toml", &*manifest),
            ("a/src/lib.rs", source),
            ("a/build.rs", sets),
        ];
        assert_eq!(doubted(graph, &files, path), expected, "{key} {path}");
    }
}

#[test]
fn a_library_may_pass_an_including_macro_to_its_own_macros() {
    let graph = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    for (passed, expected) in [("include_str", "a lib"), ("stringify", "")] {
        let macros = format!(
            "#[macro_export] macro_rules! page {{ ($n:literal) => {{ $crate::with!({passed}, $n) }} }}
             #[macro_export] macro_rules! with {{ ($m:ident, $n:literal) => {{ $m!(concat!(\"../\", $n, \".txt\")) }} }}"
        );
        let files = [
            ("a/src/lib.rs", "const X: &str = m::page!(\"page\");"),
            ("m/src/lib.rs", &*macros),
        ];
        assert_eq!(doubted(graph, &files, "a/page.txt"), expected, "{passed}");
    }
}
