//! Tests of files that a unit may read in a way that its sources do not show, and of the records
//! that outweigh such a doubt.

use crate::testing::scene::Scene;
use crate::unit_graph::Verb;
use crate::vcs::ChangeStatus::{self, Deleted, Modified};

fn seeds(mut scene: Scene, path: &str, status: ChangeStatus) -> String {
    scene.change(path, status);
    scene.seeds().trim_end().replace('\n', ", ")
}

/// The unit reads a file whose path comes from the environment.
const BY_ENVIRONMENT: &str = "const X: &str = include_str!(concat!(env!(\"PLACE\"), \"LICENSE\"));";

#[test]
fn a_doubt_concerns_compiled_units_without_a_record() {
    let text = "a: lib!bench script";
    let files = [
        ("a/src/lib.rs", BY_ENVIRONMENT),
        ("a/LICENSE", ""),
        (
            "a/build.rs",
            "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }",
        ),
    ];
    let scene = || Scene::new(text, Verb::Test, &files);
    assert_eq!(
        seeds(scene(), "a/LICENSE", Modified),
        "a lib test: Doubt, a lib: Doubt"
    );
    let recorded = |newer: Option<&str>| {
        let mut scene = scene();
        scene.write(".cargo/config.toml", "");
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        scene.run("a", &["a/build.rs"], 500, 20);
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[1020]));
        scene.reads_variable("PLACE");
        if let Some(newer) = newer {
            scene.set_age(newer, 499);
        }
        seeds(scene, "a/LICENSE", Modified)
    };
    let test = "a lib test: Doubt";
    let both = "a lib test: Doubt, a lib: Doubt";
    assert_eq!(recorded(None), test, "the record is current");
    // A manifest does not set the variable.
    assert_eq!(recorded(Some("a/Cargo.toml")), test);
    assert_eq!(recorded(Some(".cargo/config.toml")), both);
    assert_eq!(recorded(Some("a/src/lib.rs")), both);
}

#[test]
fn a_source_that_a_unit_compiles_is_hidden_from_no_other_unit() {
    let text = "a: lib!test!bench!doctest test=it\nb: lib!test!bench!doctest";
    let includes = "include!(concat!(env!(\"PLACE\"), \"/x\"));";
    let reads = "const X: &str = include_str!(\"../data.txt\");";
    let compiles = "#[path = \"../../a/src/x.rs\"] mod x;";
    for (story, library, of_b, path, status, expected) in [
        (
            "a source",
            "mod x;",
            "",
            "a/src/x.rs",
            Modified,
            "a lib: Source",
        ),
        (
            "a text",
            reads,
            "",
            "a/data.txt",
            Modified,
            "a lib: Source, a test it: Doubt",
        ),
        (
            "a deleted text",
            reads,
            "",
            "a/data.txt",
            Deleted,
            "a lib: Source",
        ),
        (
            "a source of another package",
            "",
            compiles,
            "a/src/x.rs",
            Modified,
            "a test it: Doubt, b lib: Source",
        ),
        (
            "a source of no unit",
            "",
            "",
            "a/src/x.rs",
            Modified,
            "a test it: Doubt",
        ),
    ] {
        let files = [
            ("a/src/lib.rs", library),
            ("a/tests/it.rs", includes),
            ("b/src/lib.rs", of_b),
            (path, ""),
        ];
        let scene = Scene::new(text, Verb::Check, &files);
        assert_eq!(seeds(scene, path, status), expected, "{story}");
    }
}

#[test]
fn a_current_record_outweighs_a_macro_that_may_read_a_file() {
    let text = "a: lib!bench!doctest -> m\nm: proc-macro!test!bench!doctest";
    let macros = "fn f() { read(var()) ; emit(\"include_str!\") }";
    for (records, newer, expected) in [
        (false, None, "a lib test: Doubt, a lib: Doubt"),
        (true, None, "a lib test: Doubt"),
        (true, Some("a/Cargo.toml"), "a lib test: Doubt"),
        (
            true,
            Some("m/src/lib.rs"),
            "a lib test: Doubt, a lib: Doubt",
        ),
    ] {
        let files = [
            ("a/src/lib.rs", "const X: &str = m::page!(\"notes\");"),
            ("m/src/lib.rs", macros),
            ("a/notes.yml", ""),
        ];
        let mut scene = Scene::new(text, Verb::Check, &files);
        if records {
            scene.compiled(("m", "lib"), &["m/src/lib.rs"], 500, (20, &[]));
            scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[20]));
        }
        if let Some(newer) = newer {
            scene.set_age(newer, 499);
        }
        assert_eq!(
            seeds(scene, "a/notes.yml", Modified),
            expected,
            "{records}, {newer:?}"
        );
    }
}
