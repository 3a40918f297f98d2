//! No command writes `Cargo.lock`.

use std::fs;
use std::time::SystemTime;

use expect_test::expect;

use crate::support::{Output, Project};

/// Returns the content and the modification time of the lock file, if there is one.
fn lock_file(project: &Project) -> Option<(Vec<u8>, SystemTime)> {
    let path = project.path("Cargo.lock");
    let modified = fs::metadata(&path).ok()?.modified().unwrap();
    Some((fs::read(path).unwrap(), modified))
}

/// Makes two libraries with a stale lock file: one library now depends on the other.
fn stale() -> Project {
    let project = Project::with_libraries(&[("base", &[]), ("top", &[])]);
    depend(&project);
    project
}

fn depend(project: &Project) {
    project.append("crates/top/Cargo.toml", "base = { path = \"../base\" }\n");
}

const COMMANDS: &[&[&str]] = &[
    &["graph"],
    &["affected", "--format", "names"],
    &["clean-affected"],
    &["run-affected", "check", "--dry-run"],
    &["run-affected", "check"],
    &["timings"],
    &["clean-affected", "--verify"],
    &["doctor", "--layout-v2"],
];

/// Runs every command, and checks that the lock file stays unchanged.
fn run_all(project: &Project) -> String {
    let before = lock_file(project);
    let mut said = String::new();
    for arguments in COMMANDS {
        let output = project.xtask(arguments);
        assert_eq!(lock_file(project), before, "{arguments:?}");
        let words = arguments.join(" ");
        said.push_str(&format!("$ {words}\n{output}"));
    }
    said
}

#[test]
fn a_stale_lock_file_stays_as_it_is() {
    expect![[r#"
        $ graph
        base
        top → base
        $ affected --format names
        top
        $ clean-affected
        --- stderr
        note: no artifacts to remove in [ROOT]/target
        $ run-affected check --dry-run
        cargo check -p top --all-targets --locked
        $ run-affected check
        --- stderr
        error: [ROOT]/Cargo.lock is stale: it does not match the manifests, and the kit does not write it
        hint: run `cargo update --workspace`, which changes only what the manifests require
        --- exit status 2
        $ timings
        --- stderr
        error: [ROOT]/Cargo.lock is stale: it does not match the manifests, and the kit does not write it
        hint: run `cargo update --workspace`, which changes only what the manifests require
        --- exit status 2
        $ clean-affected --verify
        --- stderr
        error: [ROOT]/Cargo.lock is stale: it does not match the manifests, and the kit does not write it
        hint: run `cargo update --workspace`, which changes only what the manifests require
        --- exit status 2
        $ doctor --layout-v2
        --- stderr
        error: [ROOT]/Cargo.lock is stale: it does not match the manifests, and the kit does not write it
        hint: run `cargo update --workspace`, which changes only what the manifests require
        --- exit status 2
    "#]].assert_eq(&run_all(&stale()));
}

#[test]
fn a_missing_lock_file_is_not_created() {
    let project = stale();
    project.write(".gitignore", "/target/\nCargo.lock\n");
    project.git(&["rm", "--quiet", "--cached", "Cargo.lock"]);
    project.remove("Cargo.lock");
    project.commit("Ignore the lock file");
    project.write("crates/base/src/lib.rs", "pub fn one() {}\n");
    expect![[r#"
        $ graph
        base
        top → base
        $ affected --format names
        base
        top
        $ clean-affected
        --- stderr
        note: no artifacts to remove in [ROOT]/target
        $ run-affected check --dry-run
        cargo check --workspace --all-targets --locked
        $ run-affected check
        --- stderr
        error: [ROOT]/Cargo.lock is missing, and the kit does not create it
        hint: run `cargo generate-lockfile`
        --- exit status 2
        $ timings
        --- stderr
        error: [ROOT]/Cargo.lock is missing, and the kit does not create it
        hint: run `cargo generate-lockfile`
        --- exit status 2
        $ clean-affected --verify
        --- stderr
        error: [ROOT]/Cargo.lock is missing, and the kit does not create it
        hint: run `cargo generate-lockfile`
        --- exit status 2
        $ doctor --layout-v2
        --- stderr
        error: [ROOT]/Cargo.lock is missing, and the kit does not create it
        hint: run `cargo generate-lockfile`
        --- exit status 2
    "#]]
    .assert_eq(&run_all(&project));
}

#[test]
fn a_hook_checks_the_lock_file_that_is_going_to_be_committed() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &[])]);
    project.append(
        "Cargo.toml",
        "\n[workspace.metadata.xtask.hooks]\n\
         pre-commit = { steps = [\"check\"], budget = 0 }\n",
    );
    project.commit("Configure the hook");
    let hook = || -> Output {
        let before = lock_file(&project);
        let output = project.xtask(&["hooks", "run", "pre-commit"]);
        assert_eq!(lock_file(&project), before);
        output
    };
    let hook_refuses_the_lock_file = || {
        hook().is(expect![[r#"
            --- stderr
            ── check failed ([TIME])
            error: Cargo.lock is stale: it does not match the manifests in the index
            hint: run `cargo update --workspace`, and stage Cargo.lock
            ── pre-commit: check (failed [TIME]) in [TIME]
               hint: SKIP=check skips the failed steps, --no-verify skips the hook
            --- exit status 1
        "#]]);
    };
    // The lock file of the work tree is stale; the staged lock file fits.
    depend(&project);
    project.write("crates/base/src/lib.rs", "pub fn one() {}\n");
    project.git(&["add", "crates/base"]);
    hook().is(expect![[r#"
        --- stderr
              Passed pre-commit: check ([TIME]) in [TIME]
    "#]]);
    // Now the staged lock file is stale.
    project.git(&["add", "--all"]);
    hook_refuses_the_lock_file();
    // A member is removed, on which no other package depends.
    project.git(&["reset", "--quiet", "--hard"]);
    project.replace(
        "Cargo.toml",
        "members",
        "exclude = [\"crates/top\"]\nmembers",
    );
    project.git(&["rm", "--quiet", "-r", "crates/top"]);
    project.git(&["add", "--all"]);
    hook_refuses_the_lock_file();
    // The lock file that fits is not staged.
    project
        .cargo(&["update", "--workspace", "--offline"])
        .done();
    hook_refuses_the_lock_file();
    project.git(&["add", "Cargo.lock"]);
    hook().is(expect![[r#""#]]);
    project.git(&["reset", "--quiet", "--hard"]);
    depend(&project);
    project.git(&["add", "--all"]);
    // An untracked lock file is not part of the commit.
    project.write(".gitignore", "/target/\nCargo.lock\n");
    project.git(&["rm", "--quiet", "--cached", "Cargo.lock"]);
    project.git(&["add", "--all"]);
    hook().is(expect![[r#"
        --- stderr
              Passed pre-commit: check ([TIME]) in [TIME]
    "#]]);
    // If the lock file fits, the step runs in the work tree.
    project
        .cargo(&["update", "--workspace", "--offline"])
        .done();
    assert!(!project.path("target/debug").exists());
    hook().is(expect![[r#"
        --- stderr
              Passed pre-commit: check ([TIME]) in [TIME]
    "#]]);
    assert!(project.path("target/debug").exists());
}
