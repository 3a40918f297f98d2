//! Modules under a `cfg` that is certainly false are no files of a unit. In doubt, they are.

use std::collections::BTreeSet;

use super::*;
use crate::workspace::PlatformFacts;

/// Returns the modules among `yes.rs` and `no.rs` that the library `a` reads in a mode. The first is
/// read under the condition, the second without the condition.
fn modules(scene: &Scene, mode: Mode, profile: Option<&str>, condition: &str) -> String {
    let source = format!("#[cfg({condition})] mod yes;\n#[cfg(not({condition}))] mod no;\n");
    for (path, text) in [
        ("a/src/lib.rs", &*source),
        ("a/src/yes.rs", ""),
        ("a/src/no.rs", ""),
    ] {
        scene.write(path, text);
    }
    let layout = PackageDirectories::new(&scene.workspace);
    let facts = RefCell::default();
    let sources = Sources::new(&scene.workspace, &layout, &facts, HashMap::new());
    let reads = sources
        .in_profile(profile)
        .of(&library(scene, "a", mode))
        .unwrap();
    let is_read = |name: &&str| reads.has(&scene.root.join(format!("a/src/{name}.rs")));
    let read: Vec<&str> = ["yes", "no"].into_iter().filter(is_read).collect();
    read.join(" ")
}

/// Makes the scene a workspace for Unix.
fn on_unix(scene: &mut Scene) {
    scene.workspace.platforms = Some(vec![PlatformFacts {
        name: "T".to_owned(),
        cfg: BTreeSet::from(["unix".to_owned()]),
    }]);
}

#[test]
fn options_of_the_compiler_depend_on_the_mode() {
    for (mode, condition, expected) in [
        (Mode::Build, "test", "no"),
        (Mode::Test, "test", "yes"),
        (Mode::Doc, "test", "no"),
        (Mode::Build, "doc", "no"),
        (Mode::Test, "doc", "no"),
        (Mode::Doc, "doc", "yes"),
        (Mode::Build, "doctest", "no"),
        (Mode::Doc, "doctest", "no"),
        // Rustdoc collects the tests with `doc` and `doctest`, and compiles the library without.
        (Mode::Doctest, "doc", "yes no"),
        (Mode::Doctest, "doctest", "yes no"),
        (Mode::Build, "unix", "yes"),
        (Mode::Build, "windows", "no"),
        (Mode::Build, "other", "yes no"),
    ] {
        let mut scene = Scene::new(LIBRARY, Verb::Check, &[]);
        on_unix(&mut scene);
        let read = modules(&scene, mode, None, condition);
        assert_eq!(read, expected, "{mode:?} {condition}");
    }
}

#[test]
fn only_a_procedural_macro_is_compiled_for_the_compiler() {
    for (graph, expected) in [(LIBRARY, "no"), ("a: proc-macro!test!bench!doctest", "yes")] {
        let scene = Scene::new(graph, Verb::Check, &[]);
        let read = modules(&scene, Mode::Build, None, "proc_macro");
        assert_eq!(read, expected, "{graph}");
    }
}

#[test]
fn options_of_tools_are_unset_unless_settings_or_scripts_name_them() {
    let flags = |text: &str| format!("[build]\nrustflags = [{text:?}]\n");
    for (story, configuration, script, condition, expected) in [
        ("nobody sets it", "", "fn main() {}", "miri", "no"),
        ("nobody sets it", "", "fn main() {}", "docsrs", "no"),
        ("a flag", &*flags("--cfg=docsrs"), "", "docsrs", "yes no"),
        ("another flag", &flags("--cfg=other"), "", "docsrs", "no"),
        (
            "a script",
            "",
            "fn main() { println!(\"cargo::rustc-cfg=docsrs\"); }",
            "docsrs",
            "yes no",
        ),
    ] {
        let files = [
            (".cargo/config.toml", configuration),
            ("a/build.rs", script),
        ];
        let graph = "a: lib!test!bench!doctest script";
        let scene = Scene::new(graph, Verb::Check, &files);
        let read = modules(&scene, Mode::Build, None, condition);
        assert_eq!(read, expected, "{story}: {condition}");
    }
}

#[test]
fn the_profile_decides_about_assertions_and_panics() {
    let manifest = |profile: &str| format!("[workspace]\n[profile.dev]\n{profile}\n");
    let asserts = "debug_assertions";
    let unwinds = "panic = \"unwind\"";
    for (mode, profile, manifest, condition, expected) in [
        (Mode::Build, None, manifest(""), asserts, "yes"),
        (Mode::Build, Some("x"), manifest(""), asserts, "yes no"),
        (
            Mode::Build,
            None,
            manifest("debug-assertions = false"),
            asserts,
            "yes no",
        ),
        (Mode::Build, None, manifest(""), unwinds, "yes"),
        (Mode::Build, Some("x"), manifest(""), unwinds, "yes no"),
        (
            Mode::Build,
            None,
            manifest("panic = 'abort'"),
            unwinds,
            "yes no",
        ),
        // Cargo ignores `panic` for tests.
        (
            Mode::Test,
            None,
            manifest("panic = 'abort'"),
            unwinds,
            "yes",
        ),
        (Mode::Test, Some("x"), manifest(""), unwinds, "yes"),
    ] {
        let mut scene = Scene::new(LIBRARY, Verb::Check, &[("Cargo.toml", &manifest)]);
        on_unix(&mut scene);
        let read = modules(&scene, mode, profile, condition);
        assert_eq!(read, expected, "{mode:?} {profile:?} {manifest}{condition}");
    }
    // Without a known platform, a panic may abort.
    let scene = Scene::new(LIBRARY, Verb::Check, &[]);
    assert_eq!(modules(&scene, Mode::Build, None, unwinds), "yes no");
}

#[test]
fn flags_can_make_panics_abort_in_tests_and_on_the_host() {
    let graph = "a: proc-macro!test!bench!doctest";
    for (mode, flag, expected) in [
        (Mode::Build, "", "yes"),
        (Mode::Build, "-Cpanic=abort", "yes no"),
        (Mode::Test, "-Zpanic-abort-tests", "yes no"),
    ] {
        let configuration = format!("build.rustflags = [{flag:?}]\n");
        let manifest = "[workspace]\n[profile.dev]\npanic = 'abort'\n";
        let files = [
            ("Cargo.toml", manifest),
            (".cargo/config.toml", &configuration),
        ];
        let mut scene = Scene::new(graph, Verb::Check, &files);
        on_unix(&mut scene);
        let read = modules(&scene, mode, None, "panic = \"unwind\"");
        assert_eq!(read, expected, "{mode:?} {flag}");
    }
}

#[test]
fn a_feature_counts_only_if_every_build_agrees() {
    let on = |features: &[&str]| features.iter().map(|&it| it.to_owned()).collect();
    for (story, head, builds, script, flags, expected) in [
        ("off", "a", vec![], "", "", "no"),
        ("on", "a +x", vec![on(&["x"])], "", "", "yes"),
        (
            "on in one of two builds",
            "a +x",
            vec![on(&["x"]), on(&[])],
            "",
            "",
            "yes no",
        ),
        ("on in unknown builds", "a +x", vec![], "", "", "yes no"),
        (
            "a script sets features",
            "a",
            vec![],
            "fn main() { println!(\"cargo::rustc-cfg=feature=\\\"x\\\"\"); }",
            "",
            "yes no",
        ),
        (
            "a flag sets features",
            "a",
            vec![],
            "",
            "--cfg=feature=\"x\"",
            "yes no",
        ),
        ("another flag", "a", vec![], "", "--cfg=x", "no"),
    ] {
        let configuration = format!("build.rustflags = ['{flags}']\n");
        let files = [
            (".cargo/config.toml", &*configuration),
            ("a/build.rs", script),
        ];
        let graph = format!("{head}: lib!test!bench!doctest script");
        let mut scene = Scene::new(&graph, Verb::Check, &files);
        scene.workspace.packages[0].builds = builds;
        let read = modules(&scene, Mode::Build, None, "feature = \"x\"");
        assert_eq!(read, expected, "{story}");
    }
}
