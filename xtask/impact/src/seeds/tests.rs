//! Tests of the seed rules, with one table for each rule: a workspace, a change, and the units that
//! the rule seeds.
//!
//! These mutations were made by hand, one for each rule, and each is caught:
//!
//! | mutation | caught by |
//! | --- | --- |
//! | a file that a record lists does not seed its unit | [`a_source_seeds_the_units_that_compile_it`] |
//! | a script does not watch the package if it names no input | [`a_script_runs_again_if_a_watched_file_changes`] |
//! | a removed target is ignored | [`an_added_or_deleted_target_seeds_its_package`] |
//! | a manifest has no effect by its meaning | [`only_the_meaning_of_a_manifest_counts`] |
//! | a changed entry of the lock file is ignored | [`settings_and_configured_rules_seed_units`] |
//! | a changed toolchain is ignored | [`settings_and_configured_rules_seed_units`] |
//! | a rule of the workspace is ignored | [`settings_and_configured_rules_seed_units`] |
//! | a changed configuration is ignored | [`flags_for_rustc_do_not_reach_documentation`] |
//! | a file of a package does not rerun the package's tests | [`rules_decide_about_files_that_no_unit_reads`] |
//! | a doubt does not seed its unit | [`rules_decide_about_files_that_no_unit_reads`] |

mod doubts;
mod run_time;
mod scope;
mod scripts;
mod setting_files;
mod targets;

use std::collections::BTreeSet;

use super::*;
use crate::resolve_diff;
use crate::testing::scene::Scene;
use crate::workspace::PlatformFacts;

const LIBRARY: &str = "a: lib!test!bench!doctest";
const SCRIPTED: &str = "a: lib!test!bench!doctest script";

/// Returns the seeds after a modification of this file of the scene.
fn modified(mut scene: Scene, path: &str) -> String {
    scene.change(path, ChangeStatus::Modified);
    scene.seeds()
}

#[test]
fn a_source_seeds_the_units_that_compile_it() {
    let files = [("a/src/lib.rs", "mod read;"), ("a/src/read.rs", "")];
    let scene = |files: &[(&str, &str)]| Scene::new(LIBRARY, Verb::Check, files);
    assert_eq!(modified(scene(&files), "a/src/read.rs"), "a lib: Source\n");
    // A record lists a file that a macro hides from the scan.
    let hidden = [("a/src/lib.rs", ""), ("a/src/read.rs", "")];
    let mut recorded = scene(&hidden);
    recorded.compiled(
        ("a", "lib"),
        &["a/src/lib.rs", "a/src/read.rs"],
        500,
        (10, &[]),
    );
    assert_eq!(modified(recorded, "a/src/read.rs"), "a lib: Source\n");
    let mut recorded = scene(&files);
    recorded.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[]));
    assert_eq!(
        modified(recorded, "a/src/read.rs"),
        "",
        "the record is current"
    );
}

#[test]
fn an_added_or_deleted_target_seeds_its_package() {
    let text = "a: lib!test!bench!doctest script bin=t!test!bench test=it";
    let seeds = |verb, path: &str, status| {
        let mut scene = Scene::new(text, verb, &[]);
        let at = scene.root.join(path);
        if status == ChangeStatus::Deleted && at.exists() {
            std::fs::remove_file(at).unwrap();
        }
        scene.change(path, status);
        scene.seeds()
    };
    let gone = seeds(Verb::Test, "a/src/bin/old.rs", ChangeStatus::Deleted);
    assert!(gone.contains("a test it: Target"), "{gone}");
    let gone = seeds(Verb::Check, "a/src/bin/old.rs", ChangeStatus::Deleted);
    assert!(
        !gone.contains("Target"),
        "check builds no binary for tests: {gone}"
    );
    let gone = seeds(Verb::Check, "a/build.rs", ChangeStatus::Deleted);
    for unit in ["a lib", "a bin t", "a build script run"] {
        assert!(gone.contains(&format!("{unit}: Target")), "{unit}: {gone}");
    }
}

#[test]
fn the_first_test_needs_the_binaries() {
    let seeds = |text: &str, verb, gone: Option<&str>| {
        let mut scene = Scene::new(text, verb, &[]);
        scene.change("a/tests/it.rs", ChangeStatus::Added);
        if let Some(gone) = gone {
            scene.change(gone, ChangeStatus::Deleted);
        }
        scene.seeds()
    };
    let first = "a: lib!test!bench!doctest bin=t!test!bench test=it";
    let second = "a: lib!test!bench!doctest bin=t!test!bench test=it test=other";
    let both = "a bin t: Target\na lib: Target\na test it: Source\n";
    let alone = "a test it: Source\n";
    let reads = "a test it: RuntimeInput, rerun\na test it: Source\n";
    for (story, text, verb, gone, expected) in [
        ("the first", first, Verb::Test, None, both),
        (
            "check builds no binaries for tests",
            first,
            Verb::Check,
            None,
            alone,
        ),
        (
            "another needs them already",
            second,
            Verb::Test,
            None,
            alone,
        ),
        (
            "another needed them",
            first,
            Verb::Test,
            Some("a/tests/old.rs"),
            reads,
        ),
    ] {
        assert_eq!(seeds(text, verb, gone), expected, "{story}");
    }
}

#[test]
fn settings_and_configured_rules_seed_units() {
    let toolchain = |channel: &str| format!("[toolchain]\nchannel = \"{channel}\"\n");
    let lock = |checksum: &str| {
        format!(
            "version = 4\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\nchecksum = \"{checksum}\"\n"
        )
    };
    for (path, before, after, expected) in [
        (
            "rust-toolchain.toml",
            toolchain("1.94"),
            toolchain("1.95"),
            "a lib: Toolchain\n",
        ),
        ("Cargo.lock", lock("1"), lock("2"), "a lib: Resolution\n"),
        (
            "notes.yml",
            String::new(),
            "1".to_owned(),
            "a lib: Configured\n",
        ),
    ] {
        let mut scene = Scene::new(LIBRARY, Verb::Check, &[]);
        let rules = serde_json::json!([{ "files": ["notes.yml"], "affects": ["a"] }]);
        scene.workspace.metadata = serde_json::json!({ "xtask": { "rules": rules } }).to_string();
        scene.edit(path, &before, &after);
        assert_eq!(scene.seeds(), expected, "{path}");
    }
}

#[test]
fn units_that_are_already_built_are_not_seeded_for_a_new_target() {
    let tests = "a: lib!test!bench!doctest bin=t!test!bench test=it";
    let docs = "a: lib!test!bench!doctest -> b\nb: lib!test!bench!doctest";
    let script = "a: lib!test!bench!doctest -> b\nb: lib!test!bench!doctest script";
    for (story, text, verb, new, library, expected) in [
        (
            "the library was built",
            tests,
            Verb::Test,
            "a/tests/it.rs",
            ("a", "a/src/lib.rs"),
            "a bin t: Target\na test it: Source\n",
        ),
        (
            "the library was built, and not checked",
            docs,
            Verb::Doc,
            "a/src/lib.rs",
            ("b", "b/src/lib.rs"),
            "b lib: Target\n",
        ),
        (
            "the script of the library was run",
            script,
            Verb::Doc,
            "a/src/lib.rs",
            ("b", "b/src/lib.rs"),
            "b lib: Target\n",
        ),
    ] {
        let mut scene = Scene::new(text, verb, &[]);
        if text == script {
            scene.compiled(("b", "script"), &["b/build.rs"], 500, (10, &[]));
            scene.run("b", &["b/build.rs"], 500, 10);
        }
        scene.compiled((library.0, "lib"), &[library.1], 500, (20, &[]));
        scene.change(new, ChangeStatus::Added);
        let others = |scene: &Scene| {
            let seeds = scene.seeds();
            let of_others = seeds.lines().filter(|it| !it.starts_with("a lib doc"));
            of_others.map(|it| format!("{it}\n")).collect::<String>()
        };
        assert_eq!(others(&scene), expected, "{story}");
        // The unit graphs of both sides show the units that are needed.
        scene.resolution = Resolution::Compared(resolve_diff::ResolveDifferences::default());
        let expected = expected.lines().filter(|it| !it.ends_with("Target"));
        let expected: String = expected.map(|it| format!("{it}\n")).collect();
        assert_eq!(others(&scene), expected, "{story}, and cargo was asked");
    }
}

#[test]
fn only_the_meaning_of_a_manifest_counts() {
    let text = "a: lib!test!bench!doctest -> b\nb: lib!test!bench!doctest";
    let manifest = "[package]\nname = 'a'\n";
    let seeds = |after: &str| {
        let mut scene = Scene::new(text, Verb::Check, &[]);
        scene.edit("a/Cargo.toml", manifest, &format!("{manifest}{after}"));
        scene.seeds()
    };
    assert_eq!(seeds("# a comment"), "");
    assert_eq!(seeds("[lints.rust]\nunused = 'warn'"), "a lib: Manifest\n");
    assert_eq!(seeds("[broken"), "a lib: Doubt\nb lib: Doubt\n");
}

#[test]
fn a_file_that_only_clippy_reads_is_checked_again() {
    let text = "a: lib!test!bench!doctest -> b\nb: lib!test!bench!doctest";
    for (verb, path, expected) in [
        (Verb::Check, "b/src/lint.rs", "b lib: Source\n"),
        (Verb::Build, "b/src/lint.rs", ""),
        (Verb::Check, "clippy.toml", ""),
        (Verb::Check, "b/src/lib.rs", "b lib: Source\n"),
    ] {
        let files = [("b/src/lint.rs", ""), ("clippy.toml", "")];
        let mut scene = Scene::new(text, verb, &files);
        let read = ["b/src/lib.rs", "b/src/lint.rs", "clippy.toml"];
        scene.compiled(("b", "lib"), &read, 500, (20, &[]));
        scene.reads_variable("CLIPPY_ARGS");
        scene.compiled(("b", "lib"), &["b/src/lib.rs"], 500, (21, &[]));
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 500, (10, &[21]));
        scene.change(path, ChangeStatus::Modified);
        assert_eq!(scene.seeds(), expected, "{verb:?}, {path}");
    }
}

#[test]
fn flags_for_rustc_reach_only_documentation_with_an_overridden_script() {
    let overridden = "a overridden links: lib!test!bench!doctest script";
    for (text, verb, expected) in [
        (LIBRARY, Verb::Check, "a lib: Configuration\n"),
        (LIBRARY, Verb::Doc, ""),
        (overridden, Verb::Check, "a lib: Configuration\n"),
        (overridden, Verb::Doc, "a lib doc: Configuration\n"),
    ] {
        let mut scene = Scene::new(text, verb, &[]);
        scene.edit(".cargo/config.toml", "", "build.rustflags = ['-Cx']");
        assert_eq!(scene.seeds(), expected, "{text}, {verb:?}");
    }
}

#[test]
fn an_overridden_script_seeds_its_users_and_does_not_run() {
    let text = "a overridden links: lib!test!bench!doctest script
        b: lib!test!bench!doctest script -> a
        c: lib!test!bench!doctest script -> dev: a";
    let mut scene = Scene::new(text, Verb::Check, &[]);
    scene.workspace.platforms = Some(vec![PlatformFacts {
        name: "T".to_owned(),
        cfg: BTreeSet::new(),
    }]);
    scene.edit(".cargo/config.toml", "", "target.T.a.rustc-cfg = ['x']");
    scene.resolution = Resolution::Compared(resolve_diff::ResolveDifferences::default());
    assert_eq!(
        scene.seeds(),
        "a lib: Configuration\nb build script run: Configuration\n"
    );
}

#[test]
fn another_name_in_links_counts_if_the_configuration_may_override_the_script() {
    let text = "a links: lib!test!bench!doctest script";
    let [before, after] =
        ["a", "b"].map(|links| format!("[package]\nname = 'a'\nlinks = '{links}'\n"));
    for (configuration, runs) in [
        ("", false),
        ("[target.T.a]\nrustc-cfg = ['x']\n", true),
        ("[target.T.b]\nrustc-cfg = ['x']\n", true),
        ("[http]\nproxy = ''\n", false),
    ] {
        let files = [(".cargo/config.toml", configuration)];
        let mut scene = Scene::new(text, Verb::Check, &files);
        scene.edit("a/Cargo.toml", &before, &after);
        scene.resolution = Resolution::Compared(resolve_diff::ResolveDifferences::default());
        let seeds = scene.seeds();
        assert_eq!(
            seeds.contains("a build script run: Manifest\n"),
            runs,
            "{configuration}: {seeds}"
        );
    }
}

#[test]
fn a_script_runs_again_if_a_watched_file_changes() {
    let watching = (
        "a/build.rs",
        "fn main() { println!(\"cargo::rerun-if-changed=data\"); }",
    );
    let silent = ("a/build.rs", "fn main() {}");
    let nested = ("a/nested/Cargo.toml", "[package]\nname = 'nested'");
    let run = "a build script run: BuildScriptInput\n";
    for (story, files, path, expected) in [
        (
            "a watched file",
            &[watching, ("a/data/x", "")][..],
            "a/data/x",
            run,
        ),
        (
            "another file",
            &[watching, ("a/data/x", ""), ("a/other", "")],
            "a/other",
            "",
        ),
        (
            "the package, without instructions",
            &[silent, ("a/other", "")],
            "a/other",
            run,
        ),
        (
            "a package in the package is another's",
            &[silent, nested, ("a/nested/other", "")],
            "a/nested/other",
            "",
        ),
    ] {
        let sources = modified(Scene::new(SCRIPTED, Verb::Check, files), path);
        assert_eq!(sources, expected, "{story}, by sources");
        let mut scene = Scene::new(SCRIPTED, Verb::Check, files);
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        let watched: &[&str] = if files[0] == watching {
            &["a/data"]
        } else {
            &[]
        };
        scene.run("a", watched, 500, 20);
        scene.compiled(("a", "lib"), &["a/src/lib.rs"], 400, (10, &[1020]));
        assert_eq!(modified(scene, path), expected, "{story}, by records");
    }
}

#[test]
fn the_newest_file_of_the_last_run_counts() {
    let run = "a build script run: BuildScriptInput\n";
    let (older, newest) = (("build.rs", 950), ("src/lib.rs", 900));
    let deleted = ("examples/old.rs", 850);
    for (story, records, expected) in [
        ("the last run", &[(newest, 500)][..], ""),
        (
            "an earlier run with other settings",
            &[(older, 600), (newest, 500)],
            "",
        ),
        (
            "a later run with other settings saw the deleted file",
            &[(newest, 600), (deleted, 500)],
            run,
        ),
        (
            "a later run with other settings saw an older file",
            &[(newest, 600), (older, 500)],
            run,
        ),
        (
            "the newest file was written after the run",
            &[(older, 500)],
            run,
        ),
    ] {
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &[]);
        scene.set_age("a/src/lib.rs", 900);
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        for &(newest, age) in records {
            scene.watched_package("a", newest, age, 20);
        }
        scene.change("a/examples/old.rs", ChangeStatus::Deleted);
        assert_eq!(scene.seeds(), expected, "{story}");
    }
}

#[test]
fn a_script_runs_again_for_git_and_for_missing_files() {
    let run = "a build script run: BuildScriptInput\n";
    for (story, watched, head_moved, expected) in [
        ("HEAD moved", ".git/HEAD", true, run),
        ("HEAD stays", ".git/HEAD", false, ""),
        ("a missing file", "a/missing", false, run),
        ("a file that is there", "a/build.rs", true, ""),
    ] {
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &[(".git/HEAD", "")]);
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        scene.run("a", &[watched], 500, 20);
        scene.head_moved = head_moved;
        assert_eq!(scene.seeds(), expected, "{story}");
    }
}

#[test]
fn rules_decide_about_files_that_no_unit_reads() {
    let text = "a: lib!bench!doctest\nb: lib!bench!doctest";
    let macros = "const X: &str = include_str!(concat!(env!(\"PLACE\"), \"LICENSE\"));";
    for (story, files, path, expected) in [
        (
            "a file of the package",
            &[][..],
            "a/notes.yml",
            "a lib test: RuntimeInput, rerun\n",
        ),
        ("an inert file", &[], "a/LICENSE", ""),
        (
            "an inert file that a macro is given",
            &[("a/src/lib.rs", macros)],
            "a/LICENSE",
            "a lib test: Doubt\na lib: Doubt\n",
        ),
        ("a file of no package", &[], "notes.yml", ""),
    ] {
        let mut files = files.to_vec();
        files.push((path, ""));
        let scene = Scene::new(text, Verb::Check, &files);
        assert_eq!(modified(scene, path), expected, "{story}");
    }
}

#[test]
fn a_file_that_another_packages_test_opens_reruns_that_test() {
    let test = "#[test] fn t() { std::fs::read(\"../b/data.json\").unwrap(); }";
    for (source, expected) in [
        (test, "a test it: RuntimeInput, rerun\n"),
        ("#[test] fn t() {}", ""),
    ] {
        let files = [("a/tests/it.rs", source), ("b/data.json", "")];
        let text = "a: lib!test!bench!doctest test=it\nb: lib!test!bench!doctest";
        let scene = Scene::new(text, Verb::Test, &files);
        assert_eq!(modified(scene, "b/data.json"), expected, "{source}");
    }
}

#[test]
fn a_file_that_was_not_the_newest_reaches_no_documentation() {
    let all = "a lib doc: Source\n";
    for (story, newest, status, expected) in [
        (
            "another file is the newest",
            Some(("src/lib.rs", 900)),
            ChangeStatus::Deleted,
            "",
        ),
        (
            "the deleted file was the newest",
            Some(("notes.yml", 900)),
            ChangeStatus::Deleted,
            all,
        ),
        (
            "the newest file was written again",
            Some(("src/lib.rs", 950)),
            ChangeStatus::Deleted,
            all,
        ),
        (
            "the record names no file",
            Some(("", 900)),
            ChangeStatus::Deleted,
            all,
        ),
        ("there is no record", None, ChangeStatus::Deleted, all),
        (
            "the file was modified",
            Some(("src/lib.rs", 900)),
            ChangeStatus::Modified,
            all,
        ),
    ] {
        let mut scene = Scene::new(LIBRARY, Verb::Doc, &[]);
        scene.set_age("a/src/lib.rs", 900);
        if let Some(newest) = newest {
            scene.documented("a", newest, 500);
        }
        scene.change("a/notes.yml", status);
        assert_eq!(scene.seeds(), expected, "{story}");
    }
    let manifest = ("a/nested/Cargo.toml", "[package]\nname = 'nested'");
    for (story, files, newest, expected) in [
        (
            "another package may hold newer files",
            &[manifest, ("a/nested/new", "")][..],
            "src/lib.rs",
            "",
        ),
        (
            "of two files with one time, cargo takes either",
            &[("a/nested/new", "")],
            "src/lib.rs",
            all,
        ),
        (
            "the newest file now belongs to another package",
            &[manifest, ("a/nested/new", "")],
            "nested/new",
            all,
        ),
    ] {
        let mut scene = Scene::new(LIBRARY, Verb::Doc, files);
        scene.set_age("a/nested/new", 900);
        scene.set_age(&format!("a/{newest}"), 900);
        scene.documented("a", (newest, 900), 500);
        scene.change("a/notes.yml", ChangeStatus::Deleted);
        assert_eq!(scene.seeds(), expected, "{story}");
    }
}

#[test]
fn a_moved_root_file_reaches_documentation_although_it_is_old() {
    for (path, expected) in [("a/src/lib.rs", "a lib doc: Source\n"), ("a/old.yml", "")] {
        let files = [("a/newest.yml", ""), ("a/old.yml", "")];
        let mut scene = Scene::new(LIBRARY, Verb::Doc, &files);
        scene.set_age("a/src/lib.rs", 900);
        scene.set_age("a/old.yml", 900);
        scene.set_age("a/newest.yml", 800);
        scene.documented("a", ("newest.yml", 800), 500);
        scene.change(path, ChangeStatus::Added);
        let seeds = scene.seeds();
        let documented: String = seeds.lines().filter(|it| it.contains(" doc:")).collect();
        assert_eq!(documented, expected.trim_end(), "{path}");
    }
}

#[test]
fn a_manifest_that_takes_out_the_newest_file_runs_the_script() {
    let run = "a build script run: BuildScriptInput\n";
    for (newest, expected) in [("nested/new", run), ("src/lib.rs", "")] {
        let files = [("a/nested/Cargo.toml", "[package]"), ("a/nested/new", "")];
        let mut scene = Scene::new(SCRIPTED, Verb::Check, &files);
        scene.set_age(&format!("a/{newest}"), 900);
        scene.compiled(("a", "script"), &["a/build.rs"], 500, (20, &[]));
        scene.watched_package("a", (newest, 900), 500, 20);
        scene.change("a/nested/Cargo.toml", ChangeStatus::Added);
        let seeds = scene.seeds();
        let runs: String = seeds
            .lines()
            .filter(|it| it.contains("script run"))
            .map(|it| format!("{it}\n"))
            .collect();
        assert_eq!(runs, expected, "{newest}");
    }
}

#[test]
fn a_setting_for_panics_does_not_reach_tests_and_the_host() {
    let both = "a lib test: Source\na lib: Source\n";
    let abort = "#[cfg(panic = \"abort\")]\nmod x;";
    let unwind = "#[cfg(panic = \"unwind\")]\nmod x;";
    let profile = (
        "Cargo.toml",
        "[workspace]\n[profile.dev]\npanic = \"abort\"\n",
    );
    let flags = (
        ".cargo/config.toml",
        "build.rustflags = [\"-Cpanic=abort\"]",
    );
    for (source, setting, expected) in [
        (abort, None, ""),
        (unwind, None, both),
        (abort, Some(profile), "a lib: Source\n"),
        (unwind, Some(profile), both),
        (abort, Some(flags), both),
    ] {
        let mut files = vec![("a/src/lib.rs", source), ("a/src/x.rs", "")];
        files.extend(setting);
        let mut scene = Scene::new("a: lib!bench!doctest", Verb::Check, &files);
        let host = PlatformFacts {
            name: "T".to_owned(),
            cfg: BTreeSet::from(["unix".to_owned()]),
        };
        scene.workspace.platforms = Some(vec![host]);
        scene.change("a/src/x.rs", ChangeStatus::Modified);
        let seeds = scene.seeds();
        let sources = seeds.lines().filter(|it| it.ends_with("Source"));
        let sources: String = sources.map(|it| format!("{it}\n")).collect();
        assert_eq!(sources, expected, "{source} {setting:?}");
    }
}

#[test]
fn a_macro_with_the_name_of_a_well_known_macro_reads_files() {
    let graph = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    let joined = "include_str!(concat!(\"parts/\", $x, \".txt\"))";
    let given = "include_str!($x)";
    for (body, source, expected) in [
        (joined, "const X: &str = m::line!(\"n\");", true),
        (joined, "use m::line; const X: &str = line!(\"n\");", true),
        (
            joined,
            "use m::assert; const X: &str = assert!(\"n\");",
            true,
        ),
        (joined, "const X: &str = line!(\"n\");", false),
        (given, "const X: &str = m::info!(\"parts/n.txt\");", true),
        (
            given,
            "use m::{a, info}; fn f() { info!(\"parts/n.txt\") }",
            true,
        ),
        (
            given,
            "use log::info; fn f() { info!(\"parts/n.txt\") }",
            false,
        ),
        (given, "fn f() { std::assert!(\"parts/n.txt\") }", false),
    ] {
        let macros = ["line", "assert", "info"].map(|name| {
            format!("#[macro_export] macro_rules! {name} {{ ($x:literal) => {{ {body} }} }}\n")
        });
        let path = "a/src/parts/n.txt";
        let macros = macros.concat();
        let files = [
            ("a/src/lib.rs", source),
            ("m/src/lib.rs", &*macros),
            (path, ""),
        ];
        let mut scene = Scene::new(graph, Verb::Check, &files);
        scene.change(path, ChangeStatus::Modified);
        let is_read = scene.seeds().lines().any(|it| it.starts_with("a lib: "));
        assert_eq!(is_read, expected, "{source}");
    }
}

#[test]
fn a_macro_reads_files_only_for_packages_that_use_macros() {
    let text =
        "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest\nn: lib!test!bench!doctest";
    let macros = "#[macro_export] macro_rules! m { () => { include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../n/data.bin\")) } }";
    for (source, expected) in [
        ("pub use m as inner;", ""),
        ("const X: &str = m::m!();", "a lib: Doubt\n"),
        (
            "include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));",
            "a lib: Doubt\n",
        ),
    ] {
        let files = [
            ("a/src/lib.rs", source),
            ("m/src/lib.rs", macros),
            ("n/data.bin", ""),
        ];
        let seeds = modified(Scene::new(text, Verb::Check, &files), "n/data.bin");
        let of_user = seeds.lines().filter(|it| it.starts_with("a "));
        let of_user: String = of_user.map(|it| format!("{it}\n")).collect();
        assert_eq!(of_user, expected, "{source}");
    }
}

#[test]
fn only_macros_of_a_library_make_paths_for_its_users() {
    let text =
        "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest\nn: lib!test!bench!doctest";
    let macros = "#[macro_export] macro_rules! m { ($x:expr) => { include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), $x)) } }";
    let names = "fn f() { open(\"../n/data.bin\"); }";
    let together = format!("{macros}\n{names}");
    for (story, of_macros, of_others, expected) in [
        ("in another file", macros, names, ""),
        ("in the file of the macros", &together, "", "a lib: Doubt\n"),
    ] {
        let files = [
            ("a/src/lib.rs", "const X: &str = m::m!(\"/x\");"),
            ("m/src/lib.rs", of_macros),
            ("m/src/others.rs", of_others),
            ("n/data.bin", ""),
        ];
        let seeds = modified(Scene::new(text, Verb::Check, &files), "n/data.bin");
        let of_user = seeds.lines().filter(|it| it.starts_with("a "));
        let of_user: String = of_user.map(|it| format!("{it}\n")).collect();
        assert_eq!(of_user, expected, "{story}");
    }
}

#[test]
fn a_macro_makes_the_name_of_a_file_from_words() {
    let text = "a: lib!bench!doctest -> m\nm: lib!test!bench!doctest";
    let both = "a lib test: Doubt\na lib: Doubt\n";
    let rerun = "a lib test: RuntimeInput, rerun\n";
    let words = "#[macro_export] macro_rules! m { ($x:ident) => { include_str!(concat!(\"../\", stringify!($x), \".bin\")) } }";
    let literals = "#[macro_export] macro_rules! m { ($x:expr) => { include_str!($x) } }";
    let calls = "#[macro_export] macro_rules! m { ($x:ident) => { $x!(\"../data.bin\") } }";
    for (story, macros, source, expected) in [
        (
            "the macro takes words",
            words,
            "const X: &str = m::m!(data);",
            both,
        ),
        ("other words", words, "const X: &str = m::m!(other);", rerun),
        (
            "the macro calls a macro",
            calls,
            "const X: &str = m::m!(include_str);",
            both,
        ),
        (
            "the macro calls another macro",
            calls,
            "const X: &str = m::m!(stringify);",
            rerun,
        ),
        (
            "the macro takes literals",
            literals,
            "const X: &str = m::m!(data);",
            rerun,
        ),
    ] {
        let files = [
            ("a/src/lib.rs", source),
            ("m/src/lib.rs", macros),
            ("a/data.bin", ""),
        ];
        let seeds = modified(Scene::new(text, Verb::Check, &files), "a/data.bin");
        assert_eq!(seeds, expected, "{story}");
    }
}

#[test]
fn a_macro_makes_the_name_of_a_file_from_numbers() {
    let text =
        "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest\nn: lib!test!bench!doctest";
    let inside = "#[macro_export] macro_rules! m { ($n:literal) => { include_str!(concat!(\"v\", $n, \".bin\")) } }";
    let outside = "#[macro_export] macro_rules! m { ($n:literal) => { include_str!(concat!(\"../../n/v\", $n, \"/data.bin\")) } }";
    for (story, macros, source, path, expected) in [
        (
            "the file",
            inside,
            "m::m!(2)",
            "a/src/v2.bin",
            "a lib: Doubt\n",
        ),
        (
            "in another base",
            inside,
            "m::m!(0x2)",
            "a/src/v2.bin",
            "a lib: Doubt\n",
        ),
        ("another number", inside, "m::m!(3)", "a/src/v2.bin", ""),
        ("another word", inside, "m::m!(2)", "a/src/w2.bin", ""),
        (
            "the directory",
            outside,
            "m::m!(2)",
            "n/v2/data.bin",
            "a lib: Doubt\n",
        ),
        (
            "another directory",
            outside,
            "m::m!(2)",
            "n/w2/data.bin",
            "",
        ),
    ] {
        let source = format!("const X: &str = {source};");
        let files = [
            ("a/src/lib.rs", &*source),
            ("m/src/lib.rs", macros),
            (path, ""),
        ];
        let seeds = modified(Scene::new(text, Verb::Check, &files), path);
        let of_user = seeds.lines().filter(|it| it.starts_with("a "));
        let of_user: String = of_user.map(|it| format!("{it}\n")).collect();
        assert_eq!(of_user, expected, "{story}");
    }
}

#[test]
fn a_macro_makes_the_path_of_a_file_outside_from_words() {
    let text = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    let macros = "#[macro_export] macro_rules! m { ($a:ident) => { include_str!(concat!(\"../../\", stringify!($a), \"/\", stringify!($a), \".bin\")) } }";
    for (source, expected) in [("m::m!(store);", "a lib: Doubt\n"), ("m::m!(other);", "")] {
        let files = [
            ("a/src/lib.rs", source),
            ("m/src/lib.rs", macros),
            ("store/store.bin", ""),
        ];
        let seeds = modified(Scene::new(text, Verb::Check, &files), "store/store.bin");
        let of_user = seeds.lines().filter(|it| it.starts_with("a "));
        let of_user: String = of_user.map(|it| format!("{it}\n")).collect();
        assert_eq!(of_user, expected, "{source}");
    }
}

#[test]
fn generated_code_behind_a_variable_includes_listed_files() {
    let text = "a: lib!test!bench!doctest script";
    let sets =
        "println!(\"cargo::rustc-env=SOURCE=x\"); println!(\"cargo::rerun-if-changed=build.rs\");";
    for (lists, expected) in [("read_dir(\"queries\");", "a lib: Doubt\n"), ("", "")] {
        let script = format!("fn main() {{ {sets} {lists} emit(\"include_str!\") }}");
        let files = [
            ("a/src/lib.rs", "include!(env!(\"SOURCE\"));"),
            ("a/build.rs", &*script),
            ("a/queries/all.sql", ""),
        ];
        let seeds = modified(Scene::new(text, Verb::Check, &files), "a/queries/all.sql");
        assert_eq!(seeds, expected, "{lists}");
    }
}

#[test]
fn variables_of_cargo_name_files() {
    let text = "a: lib!test!bench!doctest script\nn: lib!test!bench!doctest";
    // The script sets a variable, but not the variable in the path.
    let script = "fn main() { println!(\"cargo::rustc-env=OTHER=1\"); println!(\"cargo::rerun-if-changed=build.rs\"); }";
    let of = |before: &str, variable: &str, after: &str| {
        format!("const X: &str = include_str!(concat!({before:?}, env!({variable:?}), {after:?}));")
    };
    for (source, path, expected) in [
        (
            of("../", "CARGO_PKG_NAME", ".txt"),
            "a/a.txt",
            "a lib: Doubt\n",
        ),
        (of("../", "CARGO_PKG_NAME", ".txt"), "a/b.txt", ""),
        (
            of("../../", "CARGO_CRATE_NAME", ".txt"),
            "a.txt",
            "a lib: Doubt\n",
        ),
        (
            of("../../n/", "CARGO_PKG_VERSION", ".txt"),
            "n/0.1.0.txt",
            "a lib: Doubt\n",
        ),
        (of("../../n/", "CARGO_PKG_NAME", ".txt"), "n/b.txt", ""),
    ] {
        let files = [
            ("a/src/lib.rs", &*source),
            ("a/build.rs", script),
            (path, ""),
        ];
        let seeds = modified(Scene::new(text, Verb::Check, &files), path);
        assert_eq!(seeds, expected, "{source} {path}");
    }
}

#[test]
fn a_macro_names_files_by_the_package_of_its_caller() {
    let text = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    let of = |path: &str| {
        format!(
            "#[macro_export] macro_rules! m {{ () => {{ include_str!(concat!({path:?}, env!(\"CARGO_PKG_NAME\"), \".txt\")) }} }}"
        )
    };
    for (above, path, expected) in [
        ("../", "a/a.txt", "a lib: Doubt\n"),
        ("../", "a/b.txt", ""),
        ("../../", "a.txt", "a lib: Doubt\n"),
        ("../../", "b.txt", ""),
    ] {
        let macros = of(above);
        let files = [
            ("a/src/lib.rs", "const X: &str = m::m!();"),
            ("m/src/lib.rs", &*macros),
            (path, ""),
        ];
        let seeds = modified(Scene::new(text, Verb::Check, &files), path);
        assert_eq!(seeds, expected, "{path}");
    }
}

#[test]
fn a_procedural_macro_takes_a_path_from_a_list() {
    let text = "a: lib!test!bench!doctest -> m\nm: proc-macro!test!bench!doctest";
    let macros = "fn f() { let files = read(\"files.list\"); emit(\"include_str!\", files) }";
    for (list, expected) in [("files.list", "a lib: Doubt\n"), ("other.list", "")] {
        let list = format!("a/{list}");
        let files = [
            ("a/src/lib.rs", "const X: &str = m::m!();"),
            (&*list, "pages/base.html\n"),
            ("m/src/lib.rs", macros),
            ("a/pages/base.html", ""),
        ];
        let seeds = modified(Scene::new(text, Verb::Check, &files), "a/pages/base.html");
        assert_eq!(seeds, expected, "{list}");
    }
}

#[test]
fn a_script_watches_files_that_a_linked_package_names() {
    let text = "a: lib!test!bench!doctest script -> h\nh links: lib!test!bench!doctest script";
    let gives = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); println!(\"cargo::metadata=include={}/headers\", env::var(\"CARGO_MANIFEST_DIR\").unwrap()); }";
    let takes = "fn main() { println!(\"cargo::rerun-if-changed={}\", env::var(\"DEP_H_INCLUDE\").unwrap()); }";
    let other =
        "fn main() { println!(\"cargo::rerun-if-changed={}\", env::var(\"OTHER\").unwrap()); }";
    for (script, path, expected) in [
        (
            takes,
            "h/headers/h.h",
            "a build script run: BuildScriptInput\n",
        ),
        (takes, "h/notes/h.h", ""),
        (other, "h/headers/h.h", ""),
    ] {
        let files = [("a/build.rs", script), ("h/build.rs", gives), (path, "")];
        let seeds = modified(Scene::new(text, Verb::Check, &files), path);
        let of_user = seeds.lines().filter(|it| it.starts_with("a "));
        let of_user: String = of_user.map(|it| format!("{it}\n")).collect();
        assert_eq!(of_user, expected, "{path}");
    }
}

#[test]
fn a_script_of_another_package_does_not_hide_a_module() {
    let text = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest\nb: lib!test!bench!doctest script";
    let watches = "fn main() { println!(\"cargo::rerun-if-changed=../a/src\"); }";
    let macros = "#[macro_export] macro_rules! m { ($($x:tt)*) => { mod inner { $($x)* } } }";
    let files = [
        ("a/src/lib.rs", "m::m! { mod hidden; }"),
        ("a/src/inner/hidden.rs", ""),
        ("m/src/lib.rs", macros),
        ("b/build.rs", watches),
    ];
    let seeds = modified(
        Scene::new(text, Verb::Check, &files),
        "a/src/inner/hidden.rs",
    );
    assert!(seeds.contains("a lib: Doubt\n"), "{seeds}");
    assert!(
        seeds.contains("b build script run: BuildScriptInput\n"),
        "{seeds}"
    );
}

#[test]
fn a_procedural_macro_takes_a_path_from_the_settings_of_a_package() {
    let text = "a: lib!bench!doctest -> m\nm: proc-macro!test!bench!doctest";
    let both = "a lib test: Doubt\na lib: Doubt\n";
    let rerun = "a lib test: RuntimeInput, rerun\n";
    let settings = "page = \"views/base.html\"\n";
    for (macros, path, expected) in [
        ("\"include_str!\"", "a/views/base.html", both),
        ("\"include_str!\"", "a/views/other.html", rerun),
        ("", "a/views/base.html", rerun),
    ] {
        let files = [
            ("a/src/lib.rs", "const X: &str = m::page!();"),
            ("a/pages.toml", settings),
            ("m/src/lib.rs", macros),
            (path, ""),
        ];
        let seeds = modified(Scene::new(text, Verb::Check, &files), path);
        assert_eq!(seeds, expected, "{macros} {path}");
    }
}

#[test]
fn a_macro_that_calls_another_macro_makes_paths() {
    let text =
        "a: lib!bench!doctest -> n\nn: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    let page = "pub use m;\n#[macro_export] macro_rules! page { ($n:ident) => { \
                $crate::m::raw!(concat!(\"../pages/\", stringify!($n), \".md\")) } }";
    let files = [
        ("a/src/lib.rs", "const X: &str = n::page!(about);"),
        ("n/src/lib.rs", page),
        (
            "m/src/lib.rs",
            "#[macro_export] macro_rules! raw { ($p:expr) => { include_str!($p) } }",
        ),
        ("a/pages/about.yml", ""),
    ];
    let seeds = modified(Scene::new(text, Verb::Check, &files), "a/pages/about.yml");
    assert_eq!(seeds, "a lib test: Doubt\na lib: Doubt\n");
}

#[test]
fn a_file_of_no_binary_reaches_no_test() {
    let text = "a: lib!test!bench!doctest bin=t!test!bench test=it";
    let auto = "[package]\nname = 'a'\n";
    let declared = "[package]\nname = 'a'\nautobins = false\n";
    let passed = "a test it: Target\n";
    for (manifest, path, status, expected) in [
        (auto, "a/src/bin/t.rs", ChangeStatus::Added, passed),
        (auto, "a/src/bin/other.rs", ChangeStatus::Deleted, passed),
        (declared, "a/src/bin/other.rs", ChangeStatus::Added, ""),
        (declared, "a/src/bin/other.rs", ChangeStatus::Deleted, ""),
    ] {
        let mut scene = Scene::new(text, Verb::Test, &[("a/Cargo.toml", manifest)]);
        scene.change(path, status);
        let seeds = scene.seeds();
        let of_test = seeds.lines().filter(|it| it.ends_with("it: Target"));
        let of_test: String = of_test.map(|it| format!("{it}\n")).collect();
        assert_eq!(of_test, expected, "{path} {status:?}");
    }
}
