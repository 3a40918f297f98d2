//! Frameworks that run the hooks, if they are installed.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::support::{Output, Project};

/// Runs a program with the kit's directory first in `PATH`, where the entries of the frameworks
/// find the kit.
fn run(project: &Project, program: &str, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new(program);
    project.isolated(command.args(arguments));
    let kit = Path::new(env!("CARGO_BIN_EXE_xtask")).parent().unwrap();
    let known = command.get_envs().find(|(name, _)| *name == "PATH");
    let known = known.and_then(|(_, value)| value).unwrap();
    let path = [kit.to_owned()].into_iter().chain(env::split_paths(known));
    command.env("PATH", env::join_paths(path).unwrap());
    let output = command.output().ok()?;
    Some(project.redacted(&output))
}

/// Commits a file with wrong format, which is refused, and then the formatted file.
fn a_commit_is_checked(project: &Project) {
    let commit = ["commit", "--quiet", "--all", "--message", "Signal"];
    project.write("crates/top/src/lib.rs", "pub fn signal( ) {}\n");
    let refused = run(project, "git", &commit).unwrap();
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("fmt failed"), "{said}");
    project.write("crates/top/src/lib.rs", "pub fn signal() {}\n");
    let passed = run(project, "git", &commit).unwrap();
    assert_eq!(passed.status, 0, "{passed}");
    assert_eq!(project.git(&["log", "-1", "--format=%s"]).trim(), "Signal");
}

fn project() -> Project {
    Project::with_libraries(&[("base", &[]), ("top", &["base"])])
}

#[test]
fn pre_commit_finds_the_entries_of_this_repository() {
    let project = project();
    if run(&project, "pre-commit", &["--version"]).is_none() {
        eprintln!("pre-commit is not installed here: not tested");
        return;
    }
    let entries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.pre-commit-hooks.yaml");
    let kit = Project::empty();
    kit.write(
        ".pre-commit-hooks.yaml",
        &std::fs::read_to_string(entries).unwrap(),
    );
    kit.git(&["init", "--quiet"]);
    kit.commit("Offer hooks");
    kit.git(&["tag", "v1"]);
    let configuration = format!(
        "repos:\n  - repo: {:?}\n    rev: v1\n    hooks: [{{id: xtask-pre-commit}}]\n",
        kit.root(),
    );
    project.write(".pre-commit-config.yaml", &configuration);
    project.commit("Use hooks");
    run(&project, "pre-commit", &["install"]).unwrap().done();
    a_commit_is_checked(&project);
}

#[test]
fn lefthook_runs_the_documented_configuration() {
    let project = project();
    if run(&project, "lefthook", &["version"]).is_none() {
        eprintln!("lefthook is not installed here: not tested");
        return;
    }
    let page = include_str!("../../../docs/hooks.md");
    let told = page.split_once("# lefthook.yml\n").unwrap().1;
    let told = told.split_once("```").unwrap().0;
    project.write("lefthook.yml", &told.replace("cargo xtask", "xtask"));
    project.commit("Use hooks");
    run(&project, "lefthook", &["install"]).unwrap().done();
    a_commit_is_checked(&project);
}
