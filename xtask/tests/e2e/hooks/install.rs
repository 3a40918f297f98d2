//! Installs and uninstalls hooks in different repositories.

use std::fs;
use std::process::Command;

use expect_test::expect;

use super::{git, one_step, project};
use crate::support::Project;

#[test]
fn an_existing_hook_still_runs_first() {
    let project = Project::with_libraries(&[("base", &[])]);
    // This hook reads its own name, as dispatching hooks do.
    let before = "#!/bin/sh\ncase $0 in */pre-push) echo \"the old one: $1 $(cat)\" ;; esac\n";
    project.write(".git/hooks/pre-push", before);
    executable(&project, ".git/hooks/pre-push");
    let install = project.xtask(&["hooks", "install"]);
    install.is(expect![[r#"
        --- stderr
           Installed pre-commit
           Installed pre-push
    "#]]);
    project.xtask(&["hooks", "install"]).is(expect![[r#"
        --- stderr
        note: pre-commit is installed already
        note: pre-push is installed already
    "#]]);
    project.xtask(&["hooks", "status"]).is(expect![[r#"
        pre-commit     installed
                       [ROOT]/.git/hooks/pre-commit
        pre-push       installed
                       [ROOT]/.git/hooks/pre-push
                       after [ROOT]/.git/before-xtask/pre-push
        post-checkout  not installed
                       [ROOT]/.git/hooks/post-checkout
    "#]]);

    project.git(&["init", "--quiet", "--bare", "../remote.git"]);
    let push = git(&project, &["push", "--quiet", "../remote.git", "main"]);
    assert!(
        (push.stdout.clone() + &push.stderr).contains("the old one: ../remote.git refs/heads/main"),
        "{push}"
    );

    project.xtask(&["hooks", "uninstall"]).is(expect![[r#"
        --- stderr
             Removed pre-commit
             Removed pre-push
        note: post-checkout is not installed
    "#]]);
    assert_eq!(project.read(".git/hooks/pre-push"), before);
    assert!(!project.path(".git/hooks/pre-commit").exists());
    project
        .xtask(&["hooks", "uninstall", "pre-push"])
        .is(expect![[r#"
            --- stderr
            note: pre-push is not a hook of the kit; not removed
        "#]]);
}

/// Husky writes its hooks again at each installation of its packages.
#[test]
fn a_hook_that_another_tool_replaced_is_reported_and_restored() {
    let project = Project::with_libraries(&[("base", &[])]);
    let path = ".git/hooks/pre-commit";
    let write = |text: &str| {
        project.write(path, text);
        executable(&project, path);
    };
    write("#!/bin/sh\necho theirs\n");
    project.xtask(&["hooks", "install", "pre-commit"]).done();
    let ours = project.read(path);
    write("#!/bin/sh\necho theirs\n");
    project.xtask(&["hooks", "status"]).is(expect![[r#"
        pre-commit     replaced by another tool, so no step runs: `hooks install` restores the kit's hook
                       [ROOT]/.git/hooks/pre-commit
                       after [ROOT]/.git/before-xtask/pre-commit
        pre-push       not installed
                       [ROOT]/.git/hooks/pre-push
        post-checkout  not installed
                       [ROOT]/.git/hooks/post-checkout
    "#]]);
    project.xtask(&["doctor"]).is(expect![[r#"
        --- stderr
        note: another tool replaced the hook [ROOT]/.git/hooks/pre-commit, so no step of the kit runs there: `cargo xtask hooks install` restores the kit's hook
        note: nothing found
    "#]]);
    project
        .xtask(&["hooks", "install", "pre-commit"])
        .is(expect![[r#"
            --- stderr
               Installed pre-commit
        "#]]);
    assert_eq!(project.read(path), ours);
    // Another version of the tool.
    write("#!/bin/sh\necho newer\n");
    project
        .xtask(&["hooks", "install", "pre-commit"])
        .is(expect![[r#"
            --- stderr
            error: neither [ROOT]/.git/hooks/pre-commit nor [ROOT]/.git/before-xtask/pre-commit is a hook of the kit
            hint: remove one of them
            --- exit status 2
        "#]]);
}

#[test]
fn hooks_are_installed_where_git_looks_for_them() {
    let project = project(&one_step("pre-commit", "echo seen >> \"$OUT\""));
    let out = project.beside("out");
    let count = || fs::read_to_string(&out).unwrap_or_default().lines().count();
    let commit = |directory: &std::path::Path, arguments: &[&str]| {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(directory)
            .args(["commit", "--quiet", "--allow-empty-message"]);
        command
            .args(["--message", ""])
            .args(arguments)
            .env("OUT", &out);
        project.run(&mut command).done();
    };
    // The commit is made in a subdirectory of a linked worktree.
    let linked = project.beside("linked");
    project.git(&["worktree", "add", "--quiet", linked.to_str().unwrap()]);
    fs::write(linked.join("crates/base/src/lib.rs"), "// Linked.\n").unwrap();
    commit(&linked.join("crates/base"), &["--all"]);
    assert_eq!(count(), 1);
    project.git(&["worktree", "remove", "--force", linked.to_str().unwrap()]);

    // The hooks lie in a directory that the repository configures.
    project.xtask(&["hooks", "uninstall"]).done();
    project.git(&["config", "core.hooksPath", ".githooks"]);
    project.xtask(&["hooks", "install"]).done();
    assert!(project.path(".githooks/pre-commit").is_file());
    project.write("crates/base/src/lib.rs", "// Again.\n");
    commit(project.root(), &["--all"]);
    assert_eq!(count(), 2);

    // A directory that other repositories share is refused.
    project.git(&[
        "config",
        "core.hooksPath",
        project.beside("shared").to_str().unwrap(),
    ]);
    project.xtask(&["hooks", "install"]).is(expect![[r#"
        --- stderr
        error: core.hooksPath is [BESIDE]/shared, which other repositories may use too
        hint: give this repository its own hooks: `git config core.hooksPath .githooks`
        --- exit status 2
    "#]]);
}

/// A hook that was installed from one workspace also checks the other workspaces.
#[test]
fn one_hook_checks_every_workspace_of_the_repository() {
    let hooks = "[workspace.metadata.xtask.hooks]\npre-commit.steps = [\"fmt\"]\n";
    let mut project = Project::empty();
    for name in ["a", "b"] {
        project = project
            .file(
                format!("{name}/Cargo.toml"),
                &format!("[package]\nname = \"{name}\"\n[workspace]\n{hooks}"),
            )
            .file(format!("{name}/src/lib.rs"), "");
    }
    project.git(&["init", "--quiet", "--initial-branch", "main"]);
    project.commit("Two workspaces");
    // Git starts hooks in the top level.
    project.write(".git/hooks/pre-commit", "#!/bin/sh\npwd\n");
    executable(&project, ".git/hooks/pre-commit");
    let install =
        |directory: &str| project.xtask_in(directory, &["hooks", "install", "pre-commit"]);
    for directory in ["a", "b"] {
        install(directory).is(expect![[r#"
            --- stderr
               Installed pre-commit
            note: the hooks check every workspace of this repository: a, b
        "#]]);
    }
    project.write("a/src/lib.rs", "fn   a() {}\n");
    project.write("b/src/lib.rs", "fn b() {}\n");
    git(&project, &["commit", "--quiet", "--all", "--message", "x"]).is(expect![[r#"
        --- stderr
        [ROOT]
        ── a: fmt failed ([TIME])
        Diff in a/src/lib.rs:1:
        -fn   a() {}
        +fn a() {}
         
        `cargo fmt`, then `git add` what it changed
        ── pre-commit: a: fmt (failed [TIME]), b: fmt ([TIME]) in [TIME]
           hint: SKIP=fmt skips the failed steps, --no-verify skips the hook
        --- exit status 1
    "#]]);

    // A step that does not exist is an error, in any of the workspaces.
    project.replace("a/Cargo.toml", "[\"fmt\"]", "[\"fmt\", \"lints\"]");
    install("b").is(expect![[r#"
        --- stderr
        error: [ROOT]/a/Cargo.toml
          caused by: [workspace.metadata.xtask.hooks]: pre-commit has an unknown step `lints`; known steps are fmt, policy, clippy, check, test, nextest, doc, freshness, sweep
          hint: define it as steps.lints = { run = ["program", "argument"] }
        --- exit status 2
    "#]]);
}

/// Example: a branch of web pages.
#[test]
fn a_commit_on_a_branch_without_workspaces_passes() {
    let project = project("");
    project.git(&["checkout", "--quiet", "--orphan", "pages"]);
    project.git(&["rm", "--quiet", "--force", "-r", "."]);
    project.write("index.html", "");
    project.git(&["add", "index.html"]);
    git(&project, &["commit", "--quiet", "--message", "x"]).is(expect![""]);
}

/// Example: dotfiles. The repository lies elsewhere, and git is told both places.
#[test]
fn a_repository_outside_its_work_tree_can_have_hooks() {
    let project = project("pre-commit.steps = [\"fmt\"]\n");
    project.xtask(&["hooks", "uninstall"]).done();
    project.rename(".git", "../apart.git");
    let apart = project.beside("apart.git");
    let apart = apart.to_str().unwrap();
    let mut install = project.kit(&["hooks", "install", "pre-commit"]);
    install
        .env("GIT_DIR", apart)
        .env("GIT_WORK_TREE", project.root());
    project.finish(&mut install).is(expect![[r#"
        --- stderr
           Installed pre-commit
    "#]]);
    project.write("crates/base/src/lib.rs", "fn   one() {}\n");
    let both = ["--git-dir", apart, "--work-tree", "."];
    let commit = [&both[..], &["commit", "--all", "--message", "x"]].concat();
    let output = git(&project, &commit);
    assert_eq!(output.status, 1, "{output}");
    assert!(
        output.stderr.contains("Diff in crates/base/src/lib.rs"),
        "{output}"
    );
    project.write("crates/base/src/lib.rs", "fn one() {}\n");
    let output = git(&project, &commit);
    assert!(output.stderr.contains("Passed pre-commit: fmt"), "{output}");
}

/// Graphical programs start git with a `PATH` that does not contain cargo.
#[test]
fn a_hook_works_with_a_minimal_path() {
    let project = project("pre-commit.steps = [\"fmt\", \"check\"]\n");
    project.write("crates/base/src/lib.rs", "//! Staged.\n");
    let mut command = Command::new("git");
    command.args(["commit", "--quiet", "--all", "--message", "From afar"]);
    project.isolated(&mut command);
    let output = project.finish(command.env("PATH", "/usr/bin:/bin"));
    assert_eq!(output.status, 0, "{output}");
    assert!(output.stderr.contains("Passed pre-commit: fmt"), "{output}");
}

fn executable(project: &Project, path: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(project.path(path), fs::Permissions::from_mode(0o755)).unwrap();
}
