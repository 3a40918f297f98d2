//! Flags that the kit takes as cargo does: `--target-dir`, `--config`, `--jobs`, `+TOOLCHAIN`, and
//! the filters `--package` and `--exclude`.

use expect_test::expect;

use crate::support::Project;

fn pair() -> Project {
    let project = Project::with_libraries(&[("base", &[]), ("app", &["base"])]);
    project.cargo(&["generate-lockfile", "--offline"]).done();
    project.commit("Lock");
    project
}

/// Returns the profile directories below `out`.
fn is_built(project: &Project, profile: &str) -> bool {
    project.path(format!("out/{profile}/.fingerprint")).is_dir()
}

#[test]
fn another_target_directory_is_built_and_cleaned() {
    let project = pair();
    project.append(".gitignore", "/out\n");
    project.commit("Ignore the other directory");
    project.write("crates/base/src/lib.rs", "pub fn new() {}\n");
    // The directory is relative to the current one, which is not the root.
    let run = ["run-affected", "check", "--target-dir", "../out", "-j2"];
    project.xtask_in("crates", &run).done();
    assert!(is_built(&project, "debug") && !project.path("target/debug").exists());
    let clean = ["clean-affected", "--target-dir", "out"];
    let told = project.xtask(&[&clean[..], &["--dry-run"]].concat());
    assert!(told.done().starts_with("in [ROOT]/out/debug\n"));
    project
        .xtask(&[&clean[..], &["--verify", "--jobs", "1"]].concat())
        .done();
    let timed = [
        "timings",
        "--target-dir",
        "out",
        "-j",
        "1",
        "--clean",
        "all",
    ];
    project.xtask(&timed).done();
    assert!(project.path("out/xtask/timings").is_dir());
    let list = project.xtask(&["timings", "list", "--target-dir", "out"]);
    assert!(format!("{list:?}").contains("build"), "{list:?}");
    project
        .xtask(&["freshness", "save", "--target-dir", "out"])
        .done();
    project
        .xtask(&["rebuilds", "--target-dir", "out", "-j1", "--", "check"])
        .done();
    let swept = [
        "sweep",
        "--target-dir",
        "out",
        "--max-age",
        "0d",
        "--dry-run",
    ];
    let told = project.xtask(&swept);
    assert!(format!("{told:?}").contains("out"), "{told:?}");
    assert!(!project.path("target/debug").exists());
}

#[test]
fn a_value_of_the_configuration_holds_for_questions_and_builds() {
    let project = pair();
    project.write("more.toml", "profile.dits.inherits = \"release\"\n");
    project.commit("Add a file");
    project.write("crates/base/src/lib.rs", "pub fn new() {}\n");
    let config = [
        "--config",
        "../more.toml",
        "--config",
        "build.target-dir='../out'",
    ];
    let run = [
        &["run-affected", "build"],
        &config[..],
        &["--", "--profile", "dits"],
    ]
    .concat();
    project.xtask_in("crates", &run).done();
    let names = ["affected", "--format", "names", "--profile", "dits"];
    let answer = project.xtask_in("crates", &[&names[..], &config[..2]].concat());
    assert_eq!(answer.done(), "app\nbase\n");
    let unknown = project.xtask(&names);
    assert!(format!("{unknown:?}").contains("dits"), "{unknown:?}");
}

#[test]
fn wrong_values_are_refused_before_cargo_starts() {
    let project = pair();
    project
        .xtask(&["affected", "--target", "nope"])
        .is(expect![[r#"
            --- stderr
            error: --target nope: rustc knows no such target
            hint: `rustc --print target-list` lists the targets
            --- exit status 2
        "#]]);
    project
        .xtask(&["run-affected", "check", "--target", "x86_64-unknown-linux-gn"])
        .is(expect![[r#"
            --- stderr
            error: --target x86_64-unknown-linux-gn: rustc knows no such target
            hint: did you mean `x86_64-unknown-linux-gnu`? `rustc --print target-list` lists the targets
            --- exit status 2
        "#]]);
    project
        .xtask(&["affected", "--config", "crates"])
        .is(expect![[r#"
            --- stderr
            error: --config: cannot read [ROOT]/crates: is a directory
            --- exit status 2
        "#]]);
    project
        .xtask(&["graph", "--config", "nope.toml"])
        .is(expect![[r#"
            --- stderr
            error: --config nope.toml: neither a file nor KEY=VALUE, as `build.jobs=2` or `profile.dev.debug="none"`
            --- exit status 2
        "#]]);
    project
        .xtask(&["graph", "--target-dir", ""])
        .is(expect![[r#"
            --- stderr
            error: --target-dir is empty
            hint: check that the variable in your script is set
            --- exit status 2
        "#]]);
    project
        .xtask(&["audit", "--target-dir", "out"])
        .is(expect![[r#"
            --- stderr
            error: --target-dir has no effect on a replay, which builds in its own directory
            hint: --scratch DIR chooses the place of this directory
            --- exit status 2
        "#]]);
}

#[test]
fn a_toolchain_in_front_of_the_command_is_refused_if_it_is_not_installed() {
    let told = format!("{:?}", pair().xtask(&["+no-such-toolchain", "graph"]));
    assert!(told.contains("error: +no-such-toolchain: "), "{told}");
    assert!(told.contains("exit status 2"), "{told}");
}

#[test]
fn the_running_toolchain_can_be_named() {
    let variable = |name| std::env::var(name);
    let (Ok(toolchain), Ok(home)) = (variable("RUSTUP_TOOLCHAIN"), variable("RUSTUP_HOME")) else {
        // These tests run without rustup.
        return;
    };
    let project = pair();
    let mut kit = project.kit(&[&format!("+{toolchain}"), "graph"]);
    let told = project.finish(kit.env("RUSTUP_HOME", home));
    assert_eq!(told.done(), "app → base\nbase\n");
}

/// Each command that answers for packages has the same filters.
#[test]
fn packages_are_filtered() {
    let project = pair();
    project
        .cargo(&["check", "--workspace", "--all-targets"])
        .done();
    project.write("crates/base/src/lib.rs", "pub fn new() {}\n");
    let graph = |flags: &[&str]| project.xtask(&[&["graph"], flags].concat()).done();
    assert_eq!(graph(&["-p", "app"]), "app\n");
    assert_eq!(graph(&["--exclude", "base"]), "app\n");
    assert_eq!(graph(&["-p", "app", "-p", "base"]), "app → base\nbase\n");
    assert_eq!(
        graph(&["--all-workspaces", "-p", "app"]),
        "workspace .\napp\n"
    );
    for (command, flags, shown, hidden) in [
        ("affected --format names", "-p app", "app\n", "base"),
        ("affected --format names", "--exclude app", "base\n", "app"),
        (
            "run-affected check --dry-run",
            "-p app",
            "-p app",
            "-p base",
        ),
        (
            "run-affected test --dry-run",
            "--exclude app",
            "--exclude app",
            "-p app",
        ),
        ("clean-affected --dry-run", "-p app", "/app-", "/base-"),
        (
            "clean-affected --dry-run",
            "--exclude app",
            "/base-",
            "/app-",
        ),
        ("ci matrix --since HEAD", "-p app", "app", "-p base"),
        ("ci summary --since HEAD", "-p app", "-p app", "-p base"),
    ] {
        let words: Vec<_> = command.split(' ').chain(flags.split(' ')).collect();
        let told = project.xtask(&words).done();
        assert!(told.contains(shown), "{command} {flags}: {told}");
        assert!(!told.contains(hidden), "{command} {flags}: {told}");
    }
    for command in ["graph", "affected", "clean-affected", "audit", "ci matrix"] {
        let words: Vec<_> = command.split(' ').chain(["--exclude", "bas"]).collect();
        let told = format!("{:?}", project.xtask(&words));
        assert!(told.contains("exit status 2"), "{command}: {told}");
    }
    project.commit("Edit");
    let replay = ["audit", "--commits", "1", "--exclude", "app"];
    let told = project.xtask(&replay).done();
    assert!(told.contains("2 units rebuilt, 2 predicted"), "{told}");
}
