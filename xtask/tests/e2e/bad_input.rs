//! Errors name the mistake and say what to do. The exit status is 2 for wrong use, and 3 if git,
//! cargo or the disk failed.

use std::env;
use std::path::PathBuf;
use std::process::Stdio;

use expect_test::expect;

use crate::support::{Project, manifest};

fn pair() -> Project {
    Project::with_libraries(&[("base", &[]), ("journeys", &["base"])])
}

#[test]
fn a_directory_without_git_is_an_error() {
    let project = pair();
    project.remove(".git");
    project.xtask(&["affected"]).is(expect![[r#"
        --- stderr
        error: [ROOT] is not in a git repository, so there is nothing to compare with
        hint: pass the changes with --file or --assume-changed, or pass --all
        --- exit status 2
    "#]]);
    project
        .xtask(&[
            "affected",
            "--assume-changed",
            "journeys",
            "--format",
            "names",
        ])
        .is(expect![[r#"
            journeys
        "#]]);
}

#[test]
fn a_repository_without_commits_is_an_error() {
    let project = pair();
    project.remove(".git");
    project.git(&["init", "--quiet", "--initial-branch", "main"]);
    project.xtask(&["affected"]).is(expect![[r#"
        --- stderr
        error: [ROOT] has no commit yet to compare with
        hint: commit first, or pass --staged, --file, --assume-changed or --all
        --- exit status 2
    "#]]);
}

#[test]
fn an_unknown_revision_is_an_error() {
    pair()
        .xtask(&["affected", "--base", "origin/devlop"])
        .is(expect![[r#"
            --- stderr
            error: git knows no revision `origin/devlop`
            hint: fetch it, or pass another revision with --base or --since
            --- exit status 2
        "#]]);
    pair()
        .xtask(&["affected", "--since", "v1.0"])
        .is(expect![[r#"
        --- stderr
        error: git knows no revision `v1.0`
        hint: fetch it, or pass another revision with --base or --since
        --- exit status 2
    "#]]);
}

#[test]
fn a_revision_before_the_first_commit_is_an_error() {
    let project = pair();
    let zeros = "0".repeat(40);
    for (revision, shown, why) in [
        ("HEAD~1", "HEAD~1", "the history has no commit that early"),
        ("HEAD^", "HEAD^", "the history has no commit that early"),
        (
            &zeros,
            "[HASH]",
            "zeros mean that there is no commit before",
        ),
    ] {
        let output = project.xtask(&["affected", "--since", revision]);
        let expected = format!("error: git knows no revision `{shown}`\nhint: {why}; pass --all\n");
        assert_eq!((output.status, output.stderr), (2, expected));
    }
}

#[test]
fn a_named_file_that_does_not_exist_is_an_error() {
    let project = pair();
    project
        .xtask(&["affected", "--file", "crate/base/src/lib.rs"])
        .is(expect![[r#"
            --- stderr
            error: no such path: `crate/base/src/lib.rs` is neither on disk nor in a revision of this repository
            hint: did you mean `crates/base/src/lib.rs`?
            --- exit status 2
        "#]]);
    project.write("names", "M\tcrates/base/src/lib.rs\n");
    project
        .xtask_in("crates", &["affected", "--files-from", "../names"])
        .is(expect![[r#"
            --- stderr
            error: no such path: `"M\tcrates/base/src/lib.rs"` is neither on disk nor in a revision of this repository
            hint: this looks like the output of `git diff --name-status`; pass one path per line, as `git diff --name-only` prints them
            --- exit status 2
        "#]]);
    project.write("names", "\n");
    project
        .xtask(&["affected", "--files-from", "names"])
        .is(expect![[r#"
            --- stderr
            note: nothing is affected (an empty list of files)
        "#]]);
    project.write("names", "\u{feff}crates/base/src/lib.rs\r\n");
    project
        .xtask_in(
            "crates/journeys",
            &["affected", "--files-from", "../../names"],
        )
        .is(expect![[r#"
            base
              rebuilt  lib, lib test
                       ← crates/base/src/lib.rs: it is compiled from this file
            journeys
              rebuilt  lib, lib test
                       ← base lib ← crates/base/src/lib.rs: it is compiled from this file
            --- stderr
                Affected 4 units of 2 packages: 4 rebuilt, 0 rerun (cargo check --workspace --all-targets)
        "#]]);
}

#[test]
fn an_audit_that_compares_nothing_fails() {
    let project = pair();
    project.write("crates/base/src/lib.rs", "pub fn broken( {}\n");
    project.commit("Break it");
    project.append("crates/base/src/lib.rs", "// Edited.\n");
    project.commit("Edit");
    let audit = project.xtask(&["audit", "--commits", "1"]);
    let last = audit.stdout.lines().last();
    let nothing = "nothing was compared: none of 1 commit could be built after its parent";
    assert_eq!((audit.status, last), (3, Some(nothing)), "{audit}");
    let error = "    error: this file contains an unclosed delimiter\n";
    assert!(audit.stdout.contains(error), "{audit}");
}

#[test]
fn a_repository_without_a_base_branch_is_an_error() {
    let project = pair();
    project.git(&["branch", "--quiet", "--move", "trunk"]);
    project.xtask(&["affected"]).is(expect![[r#"
        --- stderr
        error: no base branch found (tried origin/HEAD, origin/main, origin/master, main, master)
        hint: pass --base <REV> or --since <REV>
        --- exit status 2
    "#]]);
}

#[test]
fn a_shallow_clone_without_the_base_is_an_error() {
    let project = pair();
    project.git(&["checkout", "--quiet", "-b", "topic"]);
    project.commit("One");
    project.commit("Two");
    project.git(&["checkout", "--quiet", "main"]);
    project.commit("Three");
    let origin = format!("file://{}", project.root().display());
    let clone = project.beside("clone");
    let branches = ["--depth", "1", "--no-single-branch", "--branch", "topic"];
    let into = [&*origin, clone.to_str().unwrap()];
    project.git(&[&["clone", "--quiet"], &branches[..], &into].concat());
    let mut kit = project.kit(&["affected"]);
    project.finish(kit.current_dir(clone)).is(expect![[r#"
        --- stderr
        error: [HASH] and [HASH] have no common ancestor in this clone
        hint: this clone is shallow: run `git fetch --unshallow` (in CI, check out the full history)
        --- exit status 2
    "#]]);
}

#[test]
fn histories_without_a_common_ancestor_are_an_error() {
    let project = pair();
    project.git(&["checkout", "--quiet", "--orphan", "other"]);
    project.commit("Begin again");
    project.xtask(&["affected"]).is(expect![[r#"
        --- stderr
        error: [HASH] and [HASH] have no common ancestor in this clone
        hint: compare the two directly with --since
        --- exit status 2
    "#]]);
}

#[test]
fn a_manifest_that_does_not_parse_is_an_error() {
    let project = pair();
    project.append("crates/base/Cargo.toml", "[dependencies\n");
    project.xtask(&["affected"]).is(expect![[r#"
        --- stderr
        error: cargo cannot load this workspace
        error: unclosed table, expected `]`
         --> crates/base/Cargo.toml:7:14
          |
        7 | [dependencies
          |              ^
        error: failed to load manifest for workspace member `[ROOT]/crates/base`
        referenced via `crates/*` by workspace at `[ROOT]/Cargo.toml`
        --- exit status 3
    "#]]);
    project.xtask(&["graph"]).is(expect![[r#"
        --- stderr
        error: cargo cannot load this workspace
        error: unclosed table, expected `]`
         --> crates/base/Cargo.toml:7:14
          |
        7 | [dependencies
          |              ^
        error: failed to load manifest for workspace member `[ROOT]/crates/base`
        referenced via `crates/*` by workspace at `[ROOT]/Cargo.toml`
        --- exit status 3
    "#]]);
}

#[test]
fn a_broken_manifest_in_the_base_selects_more() {
    let project = pair();
    let manifest = project.read("crates/base/Cargo.toml");
    project.append("crates/base/Cargo.toml", "[dependencies\n");
    project.commit("Break it");
    project.write("crates/base/Cargo.toml", &manifest);
    project
        .xtask(&["affected", "--format", "names"])
        .is(expect![[r#"
            base
            journeys
            --- stderr
            note: the change in dependency resolution is unknown, so more units are selected than needed: cargo cannot resolve: unclosed table, expected `]`
             --> crates/base/Cargo.toml:7:14
              |
            7 | [dependencies
              |              ^
            error: failed to load manifest for workspace member `crates/base`
            referenced via `crates/*` by workspace at `Cargo.toml`
        "#]]);
}

#[test]
fn a_missing_member_is_an_error() {
    let project = pair();
    project.replace(
        "Cargo.toml",
        "members = [\"crates/*\"]",
        "members = [\"crates/gone\"]",
    );
    project.xtask(&["affected"]).is(expect![[r#"
        --- stderr
        error: cargo cannot load this workspace
        error: failed to load manifest for workspace member `[ROOT]/crates/gone`
        referenced by workspace at `[ROOT]/Cargo.toml`

        Caused by:
          failed to read `[ROOT]/crates/gone/Cargo.toml`

        Caused by:
          [OS ERROR]
        --- exit status 3
    "#]]);
}

#[test]
fn an_unknown_package_is_an_error() {
    let project = pair();
    project
        .xtask(&["affected", "--assume-changed", "journey"])
        .is(expect![[r#"
            --- stderr
            error: no package `journey` in this workspace
            hint: did you mean `journeys`?
            --- exit status 2
        "#]]);
    project.xtask(&["graph", "--focus", "bas"]).is(expect![[r#"
        --- stderr
        error: no package `bas` in this workspace
        hint: did you mean `base`?
        --- exit status 2
    "#]]);
    project
        .xtask(&["affected", "--assume-changed", "base:tset"])
        .is(expect![[r#"
            --- stderr
            error: package `base` has no target or unit `tset`
            hint: it has lib, lib test
            --- exit status 2
        "#]]);
    project
        .xtask(&["affected", "--assume-changed", "nothing-like-it"])
        .is(expect![[r#"
            --- stderr
            error: no package `nothing-like-it` in this workspace
            hint: `cargo xtask graph` lists the packages
            --- exit status 2
        "#]]);
}

#[test]
fn a_missing_cargo_is_an_error() {
    let project = pair();
    let mut kit = project.kit(&["graph"]);
    let output = project.finish(kit.env("CARGO", project.beside("no-cargo")));
    output.is(expect![[r#"
        --- stderr
        error: cannot start `[BESIDE]/no-cargo` in [ROOT]; is it installed and on PATH?
          caused by: [OS ERROR]
        --- exit status 3
    "#]]);
    let mut kit = project.kit(&["graph"]);
    let output = project.finish(kit.env("PATH", project.beside("")));
    output.is(expect![[r#"
        --- stderr
        error: cannot start `cargo` in [ROOT]; is it installed and on PATH?
          caused by: [OS ERROR]
        --- exit status 3
    "#]]);
}

#[test]
fn a_missing_git_is_an_error() {
    let project = pair();
    let cargo = PathBuf::from(env::var_os("CARGO").unwrap());
    let mut kit = project.kit(&["affected"]);
    kit.env("RUSTC", cargo.with_file_name("rustc"))
        .env("CARGO", cargo);
    project
        .finish(kit.env("PATH", project.beside("")))
        .is(expect![[r#"
            --- stderr
            error: cannot start `git` in [ROOT]; is it installed and on PATH?
              caused by: [OS ERROR]
            --- exit status 3
        "#]]);
}

#[test]
fn a_missing_manifest_is_an_error() {
    let project = Project::empty();
    project.xtask(&["graph"]).is(expect![[r#"
        --- stderr
        error: no Cargo.toml in [ROOT] or any directory above it
        hint: run the command in a workspace, or pass --manifest-path
        --- exit status 2
    "#]]);
    // The directory first contains two workspaces and no repository. Later, the directory is a
    // repository.
    for name in ["one", "two words"] {
        project.write(format!("{name}/Cargo.toml"), &manifest("base"));
        project.write(format!("{name}/src/lib.rs"), "");
    }
    project.write("one/tests/fixtures/x/Cargo.toml", &manifest("x"));
    let hint = || project.xtask(&["affected", "--file", "one/src/lib.rs"]);
    hint().is(expect![[r#"
        --- stderr
        error: no Cargo.toml in [ROOT] or any directory above it
        hint: 2 workspaces lie below; pass --manifest-path, as in --manifest-path one/Cargo.toml, or --all-workspaces where the command has it
        --- exit status 2
    "#]]);
    project.git(&["init", "--quiet"]);
    project.git(&["add", "two words"]);
    hint().is(expect![[r#"
        --- stderr
        error: no Cargo.toml in [ROOT] or any directory above it
        hint: pass --manifest-path 'two words/Cargo.toml'
        --- exit status 2
    "#]]);
    project.git(&["add", "."]);
    hint().is(expect![[r#"
        --- stderr
        error: no Cargo.toml in [ROOT] or any directory above it
        hint: 2 workspaces lie below; pass --manifest-path, as in --manifest-path one/Cargo.toml, or --all-workspaces where the command has it
        --- exit status 2
    "#]]);
    project
        .xtask(&["graph", "--manifest-path", "crates/none/Cargo.toml"])
        .is(expect![[r#"
            --- stderr
            error: --manifest-path crates/none/Cargo.toml does not exist
            --- exit status 2
        "#]]);
    project
        .xtask(&["graph", "--manifest-path", "."])
        .is(expect![[r#"
            --- stderr
            error: --manifest-path . is a directory
            hint: pass the path of its Cargo.toml
            --- exit status 2
        "#]]);
}

/// A file has the path of the target directory, so that not even root can write there.
#[test]
fn a_target_directory_that_cannot_be_written_is_an_error() {
    let project = pair();
    project.write("target", "");
    project
        .xtask(&["clean-affected", "--assume-changed", "base", "--verify"])
        .is(expect![[r#"
            --- stderr
                Building first, so that there are artifacts to remove
            error: failed to create directory `[ROOT]/target/debug`

            Caused by:
              [OS ERROR]
            error: this workspace does not build, so nothing was removed; see the output of cargo above
            --- exit status 3
        "#]]);
    project
        .xtask(&["clean-affected", "--assume-changed", "base"])
        .is(expect![[r#"
            --- stderr
            note: no artifacts to remove in [ROOT]/target
        "#]]);
    project.xtask(&["timings"]).is(expect![[r#"
        --- stderr
        error: failed to create directory `[ROOT]/target/debug`

        Caused by:
          [OS ERROR]
        warning: cargo wrote no timing report to [ROOT]/target/cargo-timings, so there is no record of this build
        --- exit status 101
    "#]]);
    assert_eq!(project.read("target"), "");
}

#[test]
fn a_closed_pipe_changes_no_verdict() {
    let project = pair();
    project.append(
        "Cargo.toml",
        "[workspace.metadata.xtask.policy.require]\nprofile.dev.debug = \"none\"\n",
    );
    for (command, status) in [("graph", 0), ("policy check", 1), ("doctor", 1)] {
        for format in ["text", "json"] {
            let arguments = command.split(' ').chain(["--format", format]);
            let mut kit = project.kit(&arguments.collect::<Vec<_>>());
            let mut kit = kit
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            drop(kit.stdout.take());
            let output = kit.wait_with_output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(!errors.contains("error:"), "{command}: {errors}");
            assert_eq!(output.status.code(), Some(status), "{command} {format}");
        }
    }
}

#[test]
fn wrong_flags_are_an_error() {
    let project = pair();
    project
        .xtask(&["affected", "--base", "main", "--staged"])
        .is(expect![[r#"
            --- stderr
            error: the argument '--base <REV>' cannot be used with '--staged'

            Usage: cargo xtask affected --base <REV>

            For more information, try '--help'.
            --- exit status 2
        "#]]);
    project
        .xtask(&["affected", "--files-from", "no-such-file"])
        .is(expect![[r#"
            --- stderr
            error: cannot read no-such-file: [OS ERROR]
            --- exit status 2
        "#]]);
    project.xtask(&["unknown"]).is(expect![[r#"
        --- stderr
        error: unrecognized subcommand 'unknown'

        Usage: cargo xtask [+TOOLCHAIN] [OPTIONS] <COMMAND>

        For more information, try '--help'.
        --- exit status 2
    "#]]);
}
