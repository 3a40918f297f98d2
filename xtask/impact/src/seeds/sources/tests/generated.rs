//! Files that code of a build script includes, and paths that the libraries of a script print.

use super::*;

const INCLUDES_OUTPUT: &str = "include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));";

#[test]
fn generated_code_includes_files_that_its_makers_name() {
    let quiet = "println!(\"cargo::rerun-if-changed=build.rs\");";
    let both = "pub fn emit() { write(\"include_str!(\\\"data.bin\\\")\") }";
    let includes = "pub fn emit(n: &str) { write(\"include_str!\", n) }";
    let names = "pub fn emit() { write(\"data.bin\") }";
    for (story, script, library, expected) in [
        (
            "the script alone",
            "write(\"include_str!\", \"data.bin\");",
            "",
            "a lib",
        ),
        (
            "a script that includes another",
            "write(\"include_str!\", \"other.bin\");",
            "",
            "",
        ),
        ("a script that names it", "write(\"data.bin\");", "", ""),
        ("a library alone", "l::emit();", both, "a lib"),
        (
            "a library includes what the script names",
            "l::emit(\"data.bin\");",
            includes,
            "a lib",
        ),
        (
            "a library names what the script includes",
            "write(\"include_str!\");",
            names,
            "a lib",
        ),
        ("nobody includes it", "l::emit();", names, ""),
        ("nobody names it", "l::emit();", includes, ""),
    ] {
        let script = format!("fn main() {{ {quiet} {script} }}");
        let graph = "a: lib!test!bench!doctest script -> build: l\nl: lib!test!bench!doctest";
        let files = [
            ("a/src/lib.rs", INCLUDES_OUTPUT),
            ("a/build.rs", &*script),
            ("l/src/lib.rs", library),
        ];
        assert_eq!(doubted(graph, &files, "a/data.bin"), expected, "{story}");
    }
}

#[test]
fn only_code_that_a_variable_leads_to_counts_as_generated() {
    let graph = "a: lib!test!bench!doctest script";
    let script = "fn main() { println!(\"cargo::rustc-env=SOURCE=x\"); println!(\"cargo::rerun-if-changed=build.rs\"); read_dir(\"queries\"); emit(\"include_str!\") }";
    for (source, expected) in [
        ("include!(env!(\"SOURCE\"));", "a lib"),
        ("const X: &str = include_str!(env!(\"SOURCE\"));", ""),
    ] {
        let files = [("a/src/lib.rs", source), ("a/build.rs", script)];
        assert_eq!(
            doubted(graph, &files, "a/queries/all.sql"),
            expected,
            "{source}"
        );
    }
}

#[test]
fn a_library_of_a_script_may_print_what_the_script_does_not_show() {
    let graph = "a: lib!test!bench!doctest script -> build: l\n\
        l: lib!test!bench!doctest";
    let quiet = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); ";
    let function = "pub fn watch() { println!(\"cargo::rerun-if-changed=data.txt\"); }";
    let at_compile_time = "pub fn watch() { println!(\"cargo::rerun-if-changed={}/x\", env!(\"CARGO_MANIFEST_DIR\")); }";
    for (story, script, library, expected) in [
        (
            "the scan follows the function",
            "l::watch();",
            function,
            false,
        ),
        (
            "a function with its own directory",
            "l::watch();",
            at_compile_time,
            true,
        ),
        (
            "a computed instruction",
            "println!(\"cargo::rerun-if-changed={}\", l::x());",
            function,
            true,
        ),
        (
            "a library without instructions",
            "l::watch();",
            "pub fn watch() {}",
            false,
        ),
    ] {
        let script = format!("{quiet}{script} }}");
        let files = [("a/build.rs", &*script), ("l/src/lib.rs", library)];
        let scene = Scene::new(graph, Verb::Check, &files);
        let a = crate::testing::place(&scene.workspace, "a");
        let may_print = with_sources(&scene, |it| it.may_print_watches(a));
        assert_eq!(may_print, expected, "{story}");
    }
}

#[test]
fn the_functions_of_a_scripts_libraries_are_followed() {
    let graph = "a: lib!test!bench!doctest script -> build: l-m\nl-m: lib!test!bench!doctest";
    let files = [
        ("a/build.rs", "fn main() { l_m::watch(); }"),
        (
            "l-m/src/lib.rs",
            "pub fn watch() { println!(\"cargo::rerun-if-changed=data.txt\"); }",
        ),
    ];
    let scene = Scene::new(graph, Verb::Check, &files);
    let a = crate::testing::place(&scene.workspace, "a");
    let script = with_sources(&scene, |it| it.script(a)).unwrap();
    let watched: Vec<_> = script.named().collect();
    assert_eq!(watched, [scene.root.join("a/data.txt")]);
}

#[test]
fn a_script_may_print_names_from_its_libraries_and_from_the_configuration() {
    let graph = "a: lib!test!bench!doctest script -> build: l\nl: lib!test!bench!doctest";
    let script = "fn main() { for it in l::INPUTS { println!(\"cargo::rerun-if-changed={it}\"); } std::env::var(\"INPUT\"); }";
    let inputs = "pub const INPUTS: &[&str] = &[\"queries/all.sql\", \"src\", \"x\"];";
    let configuration = "[env]\nINPUT = 'tables/all.csv'\n";
    for (path, expected) in [
        ("a/queries/more.sql", true),
        ("a/other/all.sql", true),
        ("a/other/more.sql", false),
        ("a/tables/more.csv", true),
        // Names that every package has, and single letters, are no evidence.
        ("a/src/more.sql", false),
        ("a/x/more.sql", false),
    ] {
        let files = [
            ("a/build.rs", script),
            ("l/src/lib.rs", inputs),
            (".cargo/config.toml", configuration),
        ];
        let scene = Scene::new(graph, Verb::Check, &files);
        let a = crate::testing::place(&scene.workspace, "a");
        let (path, within) = (scene.root.join(path), scene.root.join("a"));
        let is_named = with_sources(&scene, |it| it.is_named_for_script(a, &path, &within));
        assert_eq!(is_named, expected, "{path}");
    }
}

#[test]
fn a_script_gets_paths_from_a_dependency_with_links() {
    let names = "fn main() { println!(\"cargo::metadata=include={}/headers\"); }";
    let takes = "fn main() { std::env::var(\"DEP_H_INCLUDE\"); }";
    for (story, dependency, links, script, path, expected) in [
        ("by links", "h", " links", takes, "h/headers/x.h", true),
        (
            "another directory",
            "h",
            " links",
            takes,
            "h/other/x.h",
            false,
        ),
        ("without links", "h", "", takes, "h/headers/x.h", false),
        (
            "for tests only",
            "dev: h",
            " links",
            takes,
            "h/headers/x.h",
            false,
        ),
        (
            "asks for nothing",
            "h",
            " links",
            "",
            "h/headers/x.h",
            false,
        ),
        (
            "another package",
            "h",
            " links",
            takes,
            "n/headers/x.h",
            false,
        ),
    ] {
        let graph = format!(
            "a: lib!test!bench!doctest script -> {dependency}\n\
             h{links}: lib!test!bench!doctest script\n\
             n: lib!test!bench!doctest"
        );
        let files = [("a/build.rs", script), ("h/build.rs", names)];
        let scene = Scene::new(&graph, Verb::Check, &files);
        let a = crate::testing::place(&scene.workspace, "a");
        let path = scene.root.join(path);
        let is_given = with_sources(&scene, |it| it.is_given_by_links(a, &path));
        assert_eq!(is_given, expected, "{story}");
    }
}

#[test]
fn generated_code_includes_files_of_a_linked_package() {
    let graph = "a: lib!test!bench!doctest script -> h\nh links: lib!test!bench!doctest script";
    let gives = "fn main() { println!(\"cargo::metadata=include={}/headers\", dir()); }";
    let takes = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); bind(std::env::var(\"DEP_H_INCLUDE\")); }";
    for (source, path, expected) in [
        (INCLUDES_OUTPUT, "h/headers/h.h", "a lib"),
        (INCLUDES_OUTPUT, "h/other/h.h", ""),
        ("", "h/headers/h.h", ""),
    ] {
        let files = [
            ("a/src/lib.rs", source),
            ("a/build.rs", takes),
            ("h/build.rs", gives),
        ];
        let found = doubted(graph, &files, path);
        let of_user: Vec<&str> = found.split(", ").filter(|it| *it == "a lib").collect();
        assert_eq!(of_user.concat(), expected, "{source} {path}");
    }
}

#[test]
fn generated_code_includes_files_outside_the_package() {
    let graph = "a: lib!test!bench!doctest script -> build: l\nl: lib!test!bench!doctest";
    let quiet = "println!(\"cargo::rerun-if-changed=build.rs\");";
    let names = "write(\"include_str!\", \"../shared/x.txt\");";
    let includes = "pub fn emit(n: &str) { write(\"include_str!\", n) }";
    let lists = "for it in read_dir(\"../shared\") { write(\"include_str!\", it) }";
    for (story, source, script, library, path, expected) in [
        (
            "the script",
            INCLUDES_OUTPUT,
            names,
            "",
            "shared/x.txt",
            "a lib",
        ),
        (
            "another file",
            INCLUDES_OUTPUT,
            names,
            "",
            "shared/y.txt",
            "",
        ),
        (
            "another directory",
            INCLUDES_OUTPUT,
            names,
            "",
            "other/x.txt",
            "",
        ),
        ("no generated code", "", names, "", "shared/x.txt", ""),
        (
            "a library of the script",
            INCLUDES_OUTPUT,
            "l::emit(\"../shared/x.txt\");",
            includes,
            "shared/x.txt",
            "a lib",
        ),
        (
            "nobody includes",
            INCLUDES_OUTPUT,
            "write(\"../shared/x.txt\");",
            "",
            "shared/x.txt",
            "",
        ),
        (
            "a listing",
            INCLUDES_OUTPUT,
            lists,
            "",
            "shared/y.txt",
            "a lib",
        ),
        (
            "a listing of another",
            INCLUDES_OUTPUT,
            lists,
            "",
            "other/x.txt",
            "",
        ),
    ] {
        let script = format!("fn main() {{ {quiet} {script} }}");
        let files = [
            ("a/src/lib.rs", source),
            ("a/build.rs", &*script),
            ("l/src/lib.rs", library),
        ];
        assert_eq!(doubted(graph, &files, path), expected, "{story}");
    }
}
