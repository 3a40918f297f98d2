//! Units that may read a variable, and scripts that may declare a variable as input.

use super::*;

#[test]
fn a_unit_may_read_a_variable_that_it_or_its_macros_name() {
    let graph = "a: lib!test!bench!doctest script -> m\nm: lib!test!bench!doctest";
    let reader = "#[macro_export] macro_rules! get { ($v:literal) => { env!($v) } }";
    let silent = "#[macro_export] macro_rules! get { ($v:literal) => { $v } }";
    let own = "#[macro_export] macro_rules! get { () => { env!(\"DATA_PLACE\") } }";
    let made = "include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));";
    let names = "fn main() { println!(\"{}\", \"env!(\\\"DATA_PLACE\\\")\"); }";
    let unknown = "include_str!(concat!(env!(\"X\"), \"/y\")); const N: &str = \"DATA_PLACE\";";
    for (story, source, script, macros, expected) in [
        ("by name", "env!(\"DATA_PLACE\");", "", silent, true),
        ("another", "env!(\"OTHER\");", "", silent, false),
        ("a text only", "f(\"DATA_PLACE\");", "", silent, false),
        ("doubtful code names it", unknown, "", silent, true),
        ("generated code", made, names, silent, true),
        ("generated code without the name", made, "", silent, false),
        ("no generated code", "", names, silent, false),
        (
            "passed to a macro",
            "m::get!(\"DATA_PLACE\");",
            "",
            reader,
            true,
        ),
        ("passed in part", "m::get!(\"DATA\");", "", reader, true),
        (
            "another is passed",
            "m::get!(\"OTHER\");",
            "",
            reader,
            false,
        ),
        (
            "passed to no reader",
            "m::get!(\"DATA_PLACE\");",
            "",
            silent,
            false,
        ),
        ("the macro names it", "m::get!();", "", own, true),
        (
            "the library itself reads variables",
            "m::get!(\"DATA_PLACE\");",
            "",
            &format!("{silent}\nconst O: &str = env!(\"OTHER\");"),
            false,
        ),
    ] {
        let files = [
            ("a/src/lib.rs", source),
            ("a/build.rs", script),
            ("m/src/lib.rs", macros),
        ];
        let scene = Scene::new(graph, Verb::Check, &files);
        let unit = library(&scene, "a", Mode::Build);
        let reads = with_sources(&scene, |it| it.may_read_variable(&unit, "DATA_PLACE"));
        assert_eq!(reads, expected, "{story}");
    }
}

#[test]
fn a_script_may_watch_a_variable_that_it_or_its_libraries_name() {
    let graph = "a: lib!test!bench!doctest script -> build: l\nl: lib!test!bench!doctest";
    let declares = "fn main() { println!(\"cargo::rerun-if-env-changed=PLACE\"); }";
    let other = "fn main() { println!(\"cargo::rerun-if-env-changed=OTHER\"); }";
    let reads = "fn main() { std::env::var(\"PLACE\"); }";
    let computed = "fn main() { println!(\"cargo::rerun-if-env-changed={}\", name(\"PLACE\")); }";
    let library = "pub fn f(n: &str) { println!(\"cargo::rerun-if-env-changed={n}\"); }";
    let whole = "pub fn f() { println!(\"cargo::rerun-if-env-changed=PLACE\"); }";
    for (story, script, library, expected) in [
        ("declared", declares, "", true),
        ("another", other, "", false),
        ("read, not declared", reads, "", false),
        ("computed", computed, "", true),
        (
            "a library prints what the script names",
            reads,
            library,
            true,
        ),
        ("a library prints another", "fn main() {}", library, false),
        ("a library names and prints it", "fn main() {}", whole, true),
        (
            "a library names it",
            other,
            "pub const N: &str = \"PLACE\";",
            false,
        ),
    ] {
        let files = [("a/build.rs", script), ("l/src/lib.rs", library)];
        let scene = Scene::new(graph, Verb::Check, &files);
        let package = crate::testing::place(&scene.workspace, "a");
        let watches = with_sources(&scene, |it| it.may_watch_variable(package, "PLACE"));
        assert_eq!(watches, expected, "{story}");
    }
}
