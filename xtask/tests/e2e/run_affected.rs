//! `run-affected`: runs a cargo command on the affected packages, with the features of the whole
//! workspace.

use expect_test::expect;

use crate::support::Project;
use crate::support::clean::CHECK;

/// Makes a project in which `wide` enables a feature of `base` that `narrow` does not enable.
fn project() -> Project {
    let project = Project::with_libraries(&[("base", &[]), ("narrow", &["base"])]);
    project.append("crates/base/Cargo.toml", "\n[features]\nmore = []\n");
    project.library("wide", &[]);
    project.append(
        "crates/wide/Cargo.toml",
        "base = { path = \"../base\", features = [\"more\"] }\n",
    );
    project.library("apart", &[]);
    project.write("crates/narrow/tests/it.rs", "#[test]\nfn passes() {}\n");
    project.cargo(&["metadata", "--format-version", "1"]).done();
    project.commit("Give the base a feature");
    project
}

#[test]
fn selected_packages_are_built_with_the_features_of_the_workspace() {
    let project = project();
    project.build(CHECK).unwrap();
    project.append("crates/narrow/src/lib.rs", "// Edited.\n");
    let named = project.named(&[]);
    project.xtask(&["run-affected", "check"]).is(expect![[r#"
        --- stderr
        note: wide is also selected, because it turns on features of base: more
        note: cheapest features: the features of the workspace (to compile: 3 units for the features of the workspace, 4 units for the selected packages alone, 3 units for the whole workspace)
             Running cargo check -p narrow -p wide --all-targets --locked
            Checking narrow v0.1.0 ([ROOT]/crates/narrow)
            Finished `dev` profile [unoptimized + debuginfo] target(s) in [TIME]
    "#]]);

    // Cargo built the predicted units. The packages that were not selected are still fresh.
    let built = project.build(CHECK);
    assert!(built.unwrap().is_empty());
    assert!(
        named
            .iter()
            .all(|unit| unit.target.contains("narrow") || unit.target == "it")
    );
    let alone = project.build(&["check", "-p", "narrow"]).unwrap();
    assert!(alone.iter().any(|unit| unit.target == "base"), "{alone:?}");
}

/// Cargo is asked once, and again only if a manifest changes. The answer cannot be cached before
/// the first build.
#[test]
fn packages_selected_for_features_are_cached_until_a_manifest_changes() {
    let project = project();
    project.build(&["check"]).unwrap();
    let asked = "run-affected check --assume-changed narrow --dry-run";
    let asked: Vec<&str> = asked.split(' ').collect();
    let dry = || project.xtask(&asked).done();
    let with_wide = dry();
    assert!(with_wide.contains("-p narrow -p wide"), "{with_wide}");
    project.remove("target/xtask/rustc");
    project.write("target/xtask/rustc", "");
    assert_eq!(dry(), with_wide);
    project.replace("crates/wide/Cargo.toml", ", features = [\"more\"]", "");
    // If cargo must be asked but cannot be, everything is selected.
    let uncached = [&asked[..], &["--no-cache"]].concat();
    let everything = project.xtask(&uncached).done();
    assert!(everything.contains("--workspace"), "{everything}");
    project.remove("target/xtask/rustc");
    assert_eq!(dry(), "cargo check -p narrow --all-targets --locked\n");
}

#[test]
fn a_dry_run_prints_the_command_for_each_tool() {
    let project = project();
    project.append(
        "crates/narrow/tests/it.rs",
        "#[test]\nfn fails() { panic!() }\n",
    );
    let dry = |arguments: &[&str]| {
        let all = [&["run-affected", "--dry-run"], arguments].concat();
        let kit = env!("CARGO_BIN_EXE_xtask").replace('\\', "/");
        project.xtask(&all).to_string().replace(&kit, "[KIT]")
    };
    let told = [
        dry(&[
            "test",
            "--keep-going",
            "--feature-unification=workspace",
            "--",
            "--release",
        ]),
        dry(&["nextest", "--feature-unification=workspace"]),
        dry(&["nextest"]),
        dry(&["clippy", "--all", "--exclude", "apart"]),
        dry(&["fmt", "--", "--check"]),
        dry(&["doc"]),
        dry(&["check", "--partition", "slice:1/2"]),
        dry(&["test", "--all", "--partition", "slice:1/2"]),
        dry(&["test", "--all", "--partition", "slice:2/2"]),
    ];
    expect![[r#"
        cargo --config 'target."cfg(all())".runner=["[KIT]", "run-test", "--without", "wide", "--"]' test -p narrow -p wide --test=it --no-fail-fast --release --locked
        --- stderr
        note: wide is also selected, because it turns on features of base: more
        cargo nextest run -p narrow -p wide --test=it --no-tests=pass -E 'binary_id(=narrow::it)' --locked
        --- stderr
        note: wide is also selected, because it turns on features of base: more
        cargo nextest run -p narrow -p wide --test=it --no-tests=pass -E 'binary_id(=narrow::it)' --locked
        --- stderr
        note: wide is also selected, because it turns on features of base: more
        cargo clippy --workspace --exclude apart --all-targets --locked
        cargo fmt -p narrow --check
        cargo doc --no-deps -p narrow --locked
        --- stderr
        note: cheapest features: the selected packages alone (to compile: 3 units for the features of the workspace, 2 units for the selected packages alone)
        --- stderr
        error: --partition works only with `test` and `nextest`, because it splits tests
        hint: leave out --partition
        --- exit status 2
        cargo test -p narrow -p wide --locked
        cargo test -p apart -p base --locked
        --- stderr
        note: cheapest features: the selected packages alone (to compile: 6 units for the features of the workspace, 4 units for the selected packages alone)
    "#]].assert_eq(&told.join(""));

    let output = project.xtask(&["run-affected", "test"]);
    assert_eq!(output.status, 101);
    assert!(output.stdout.contains("test fails ... FAILED"), "{output}");
}

/// `wide` is built together with `narrow` because of its feature. Its tests are not selected.
#[test]
fn packages_selected_for_features_are_not_tested() {
    let project = project();
    project.write(
        "crates/wide/src/lib.rs",
        "//! ```\n//! panic!();\n//! ```\n#[test]\nfn fails() { panic!() }\n",
    );
    project.commit("Break the wide one");
    project.append("crates/narrow/src/lib.rs", "#[test]\nfn is_run() {}\n");
    let test = [
        "run-affected",
        "test",
        "--feature-unification=workspace",
        "--since",
        "HEAD",
    ];
    let test = || project.xtask(&[&test[..], &["--", "--quiet"]].concat());
    let output = test();
    assert_eq!(output.status, 0, "{output}");
    assert!(
        output.stderr.contains("note: wide is also selected"),
        "{output}"
    );
    assert!(output.stdout.contains("running 1 test"), "{output}");
    // This run builds no unit again.
    let built = project.build(&["test", "--workspace", "--no-run"]).unwrap();
    assert!(
        !built
            .iter()
            .any(|unit| unit.target == "base" && unit.mode == "build"),
        "{built:?}"
    );
    // With a runner of the user's own, the kit cannot skip tests, so it selects nothing more.
    project.write(
        ".cargo/config.toml",
        "[target.'cfg(all())']\nrunner = \"env\"\n",
    );
    project.commit("Configure a runner");
    project.append("crates/narrow/src/lib.rs", "// Edited.\n");
    let output = test();
    assert_eq!(output.status, 0, "{output}");
    assert!(output.stdout.contains("running 1 test"), "{output}");
    let note = "only the selected packages are built, with their own features: the runner of \
                `target.cfg(all())`";
    assert!(output.stderr.contains(note), "{output}");
}

/// On an empty target directory the selected packages alone are cheapest. After a build of all
/// packages, a build with the features of that build is cheapest. Cargo then builds as many units as
/// the kit said.
#[test]
fn the_cheapest_features_are_chosen() {
    let project = project();
    project.append("crates/narrow/src/lib.rs", "// Edited.\n");
    project
        .xtask(&["run-affected", "check", "--dry-run"])
        .is(expect![[r#"
            cargo check -p narrow --all-targets --locked
            --- stderr
            note: cheapest features: the selected packages alone (to compile: 6 units for the features of the workspace, 4 units for the selected packages alone)
        "#]]);
    project.build(CHECK).unwrap();
    project.append("crates/narrow/src/lib.rs", "// Edited again.\n");
    project
        .xtask(&["run-affected", "check", "--dry-run"])
        .is(expect![[r#"
            cargo check -p narrow -p wide --all-targets --locked
            --- stderr
            note: wide is also selected, because it turns on features of base: more
            note: cheapest features: the features of the workspace (to compile: 3 units for the features of the workspace, 4 units for the selected packages alone, 3 units for the whole workspace)
        "#]]);
    let explicit = |which: &str| {
        let flag = format!("--feature-unification={which}");
        project
            .xtask(&["run-affected", "check", "--dry-run", &flag])
            .done()
    };
    assert_eq!(
        explicit("selected"),
        "cargo check -p narrow --all-targets --locked\n"
    );
    assert!(explicit("workspace").contains("-p narrow -p wide"));
    project.append(
        "Cargo.toml",
        "\n[workspace.metadata.xtask]\nfeature-unification = \"selected\"\n",
    );
    let since = [
        "run-affected",
        "check",
        "--dry-run",
        "--since",
        "HEAD",
        "--exclude",
        "apart",
    ];
    let configured = project.xtask(&since).done();
    assert!(!configured.contains("--workspace"), "{configured}");
    project.replace("Cargo.toml", "\"selected\"", "\"none\"");
    project
        .xtask(&["run-affected", "check", "--dry-run"])
        .is(expect![[r#"
            --- stderr
            error: [ROOT]/Cargo.toml: [workspace.metadata.xtask]: `feature-unification`: unknown variant `none`, expected one of `workspace`, `selected`, `cheapest`
            --- exit status 2
        "#]]);
}

/// If nextest is installed, it runs exactly the tests of the affected units. On several machines,
/// each test runs exactly once.
#[test]
fn nextest_runs_the_affected_tests() {
    let project = project();
    if project.cargo(&["nextest", "--version"]).status != 0 {
        eprintln!("cargo-nextest is not installed here: not tested");
        return;
    }
    for library in ["base", "narrow", "wide", "apart"] {
        let test = format!("#[test]\nfn of_{library}() {{}}\n");
        project.append(format!("crates/{library}/src/lib.rs"), &test);
    }
    project.commit("Test everything");
    let passed = |arguments: &[&str]| {
        let output = project.xtask(&[&["run-affected", "nextest"], arguments].concat());
        assert_eq!(output.status, 0, "{output}");
        let names = output.stderr.lines().filter(|line| line.contains(" PASS "));
        let names = names.map(|line| line.rsplit(' ').next().unwrap().to_owned());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    project.append("crates/narrow/tests/it.rs", "// Edited.\n");
    assert_eq!(passed(&["--since", "HEAD"]), ["passes"]);
    project.append("crates/narrow/src/lib.rs", "// Edited.\n");
    assert_eq!(passed(&["--since", "HEAD"]), ["of_narrow", "passes"]);
    let parts = ["slice:1/2", "slice:2/2"].map(|part| passed(&["--all", "--partition", part]));
    assert!(parts.iter().all(|part| !part.is_empty()));
    let mut whole = parts.concat();
    whole.sort();
    assert_eq!(
        whole,
        ["of_apart", "of_base", "of_narrow", "of_wide", "passes"]
    );
}

/// Only the kit receives the signal, as from a supervisor, and cargo ends too. The test that cargo
/// ran ends when the project is removed.
#[test]
#[cfg(unix)]
fn an_interrupt_ends_cargo_too() {
    use std::process::{Command, Stdio};

    let project = Project::with_libraries(&[("base", &[])]);
    project.write(
        "crates/base/tests/slow.rs",
        "#[test]\nfn slow() {\n    std::fs::write(\"started\", \"\").unwrap();\n    \
         while std::path::Path::new(\"started\").exists() {\n        \
         std::thread::sleep(std::time::Duration::from_millis(50));\n    }\n}\n",
    );
    let mut kit = project.kit(&["run-affected", "test"]);
    let mut kit = kit
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !project.path("crates/base/started").exists() {
        assert!(kit.try_wait().unwrap().is_none());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let pid = kit.id().to_string();
    Command::new("kill")
        .args(["-s", "TERM", &pid])
        .status()
        .unwrap();
    assert_eq!(kit.wait().unwrap().code(), Some(143));
}

/// A `clippy.toml` file holds for the packages below its directory.
#[test]
fn a_clippy_file_affects_the_packages_below() {
    let project = project();
    project.build(CHECK).unwrap();
    project.write(
        "crates/narrow/clippy.toml",
        "too-many-lines-threshold = 9\n",
    );
    let dry = |tool| project.xtask(&["run-affected", tool, "--dry-run"]).done();
    assert!(dry("clippy").contains("cargo clippy -p narrow"));
    assert_eq!(project.named(&[]), [].into(), "cargo check reads it not");
    project.write("clippy.toml", "too-many-lines-threshold = 9\n");
    let all = "cargo clippy --workspace --all-targets --locked";
    assert_eq!(dry("clippy").lines().last(), Some(all));
    dry("check");
}

/// The configuration of nextest affects every test under nextest, and has no effect on `cargo
/// test`.
#[test]
fn the_nextest_configuration_affects_every_test() {
    let project = project();
    project.write(".config/nextest.toml", "[profile.default]\nretries = 1\n");
    let dry = |tool| project.xtask(&["run-affected", tool, "--dry-run"]).done();
    assert!(dry("nextest").contains("cargo nextest run --workspace"));
    let filter = project.xtask(&["affected", "--format", "nextest"]);
    assert!(filter.stdout.contains("binary_id(=narrow)"), "{filter}");
    let because = "note: all tests are run: .config/nextest.toml changed: it configures how \
                   nextest runs each test\n";
    assert_eq!(filter.stderr, because);
    let summary = project
        .xtask(&["ci", "summary", "nextest", "--base", "main"])
        .done();
    assert!(
        summary.contains("> all tests are run: .config/nextest.toml changed"),
        "{summary}"
    );
    let why = ["affected", "--verb", "test", "--why", "narrow:lib"];
    let why = project.xtask(&why).done();
    let last = "narrow lib test must run again with nextest\n  since .config/nextest.toml changed: \
                it configures how nextest runs each test\n";
    assert!(why.ends_with(last), "{why}");
    assert_eq!(dry("test"), "");
    assert_eq!(project.named(&["--verb", "test"]), [].into());
}

/// Cargo documents a package again if a file of the package changes or if a dependency is rebuilt.
#[test]
fn documentation_is_affected_as_in_cargo() {
    let project = project();
    let dry = |tool| project.xtask(&["run-affected", tool, "--dry-run"]).done();
    project.write("crates/apart/README.md", "# Apart\n");
    assert!(dry("doc").contains("cargo doc --no-deps -p apart"));
    assert_eq!(dry("check"), "");
    project.append("crates/base/src/lib.rs", "// Edited.\n");
    assert!(dry("doc").contains("cargo doc --no-deps --workspace"));
}
