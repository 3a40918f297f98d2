//! Pushes of every kind to a remote.

use expect_test::expect;

use super::{git, one_step, project};
use crate::support::Project;

/// A script that prints the changed files and fails, so that its output is shown.
const SAY: &str = "echo files: $(ls -d \"$@\"); false";

fn with_remote(hooks: &str) -> Project {
    let project = project(hooks);
    project.git(&["init", "--quiet", "--bare", "../remote.git"]);
    project.git(&["remote", "add", "origin", "../remote.git"]);
    project
}

/// Runs `git push`, returns the output of the step, and then pushes without the hook.
fn push(project: &Project, arguments: &[&str]) -> String {
    let output = git(
        project,
        &[&["push", "--quiet", "origin"], arguments].concat(),
    );
    let past = ["push", "--quiet", "--no-verify", "origin"];
    git(project, &[&past[..], arguments].concat());
    let lines = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("files:"));
    let told: String = lines.map(|line| format!("{line}\n")).collect();
    format!("{arguments:?}\n{told}")
}

#[test]
fn a_push_is_compared_with_the_commits_of_the_remote() {
    let step = one_step("pre-push", SAY).replace("''']", "''', \"sh\", \"{files}\"]");
    let project = with_remote(&step);
    let edit = |path: &str, text: &str| {
        project.write(path, text);
        project.commit(text);
    };
    let mut told = vec![push(&project, &["main"])];
    edit("crates/base/src/lib.rs", "// One.\n");
    edit("crates/top/src/lib.rs", "// Two.\n");
    told.push(push(&project, &["main"]));
    told.push(push(&project, &["main"]));
    // Pushes new branches without an upstream. One of them has no commit of its own.
    told.push(push(&project, &["main:same"]));
    project.git(&["checkout", "--quiet", "-b", "topic"]);
    edit("crates/base/src/lib.rs", "// Three.\n");
    told.push(push(&project, &["HEAD"]));
    // Force-pushes another history.
    project.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    edit("crates/top/src/lib.rs", "// Four.\n");
    told.push(push(&project, &["--force", "topic"]));
    // Pushes a tag of a commit that the remote has, a tag of a commit that the remote lacks, and
    // the deletion of a branch.
    project.git(&["tag", "v1"]);
    told.push(push(&project, &["v1"]));
    edit("crates/top/README.md", "# Five\n");
    project.git(&["tag", "--annotate", "--message", "Two", "v2"]);
    told.push(push(&project, &["v2"]));
    told.push(push(&project, &["--delete", "same"]));
    // Pushes another commit than the one that is checked out.
    project.git(&["checkout", "--quiet", "main"]);
    told.push(push(&project, &["topic"]));
    // Pushes to a remote whose branches are unknown here.
    project.git(&["init", "--quiet", "--bare", "../other.git"]);
    project.git(&["remote", "set-url", "origin", "../other.git"]);
    for branch in ["main", "topic", "same"] {
        let name = format!("refs/remotes/origin/{branch}");
        project.git(&["update-ref", "-d", &name]);
    }
    told.push(push(&project, &["main"]));
    expect![[r#"
        ["main"]
        files: .gitignore Cargo.lock Cargo.toml crates/base/Cargo.toml crates/base/src/lib.rs crates/top/Cargo.toml crates/top/src/lib.rs
        ["main"]
        files: crates/base/src/lib.rs crates/top/src/lib.rs
        ["main"]
        ["main:same"]
        ["HEAD"]
        files: crates/base/src/lib.rs
        ["--force", "topic"]
        files: crates/base/src/lib.rs crates/top/src/lib.rs
        ["v1"]
        ["v2"]
        files: crates/top/README.md
        ["--delete", "same"]
        ["topic"]
        files: crates/top/README.md
        ["main"]
        files: .gitignore Cargo.lock Cargo.toml crates/base/Cargo.toml crates/base/src/lib.rs crates/top/Cargo.toml crates/top/src/lib.rs
    "#]].assert_eq(&told.concat());
}

#[test]
fn the_affected_tests_of_a_push_are_run() {
    let project = with_remote("pre-commit.steps = []\npre-push.steps = [\"check\", \"test\"]\n");
    project.write("crates/top/tests/it.rs", "#[test]\nfn passes() {}\n");
    project.commit("Add a test");
    project.git(&["push", "--quiet", "--no-verify", "origin", "main"]);
    project.write(
        "crates/top/tests/it.rs",
        "#[test]\nfn fails() { panic!() }\n",
    );
    project.commit("Break it");
    // The content of the work tree does not count.
    project.write("crates/top/tests/it.rs", "#[test]\nfn passes() {}\n");
    let output = git(&project, &["push", "--quiet", "origin", "main"]);
    assert_eq!(output.status, 1, "{output}");
    assert!(output.stderr.contains("test fails ... FAILED"), "{output}");
    project.append("crates/top/tests/it.rs", "// Fixed.\n");
    project.commit("Fix it");
    project.git(&["update-index", "--refresh"]);
    project
        .xtask(&["hooks", "run", "pre-push", "--dry-run"])
        .is(expect![[r#"
        pre-push
          check: cargo check -p top --test=it --keep-going --locked
          test: cargo test -p top --test=it --no-fail-fast --locked
    "#]]);
    git(&project, &["push", "--quiet", "origin", "main"]).is(expect![[r#"
        --- stderr
            Checking pre-push: check, test
             Running pre-push: check (1 package)
             Running pre-push: test (1 package)
              Passed pre-push: check ([TIME]), test ([TIME]) in [TIME]
    "#]]);
}
