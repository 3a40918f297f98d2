use std::os::unix::fs::symlink;

use super::*;
use crate::process::Runner;
use crate::testing::{scratch, write};

/// Returns a repository with one commit: a manifest, links to the manifest, and links to other
/// places.
fn repository(root: &Utf8Path) -> Repository {
    let runner = Runner::new().unwrap().in_directory(root);
    let git = |args: &[&str]| {
        let mut command = runner.git();
        command.args(["-c", "user.name=test", "-c", "user.email=test@example.org"]);
        process::checked(command.args(args)).unwrap();
    };
    write(&root.join("common/Cargo.toml"), "[package]");
    write(&root.join("a/src/lib.rs"), "");
    for (target, link) in [
        ("../common/Cargo.toml", "a/Cargo.toml"),
        ("a/Cargo.toml", "twice"),
        ("loop", "loop"),
        ("../../outside", "a/outside"),
        ("gone", "dangling"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    Repository::discover(&runner, root).unwrap().unwrap()
}

#[test]
fn the_target_of_a_link_is_read() {
    let (_directory, root) = scratch();
    let repository = repository(&root);
    let head = TreeState::Commit(repository.head().unwrap().clone());
    for (path, expected) in [
        ("common/Cargo.toml", Some("[package]")),
        ("a/Cargo.toml", Some("[package]")),
        ("twice", Some("[package]")),
        ("loop", Some("loop")),
        ("a/outside", Some("../../outside")),
        ("dangling", None),
        ("gone", None),
    ] {
        for state in [&head, &TreeState::Index, &TreeState::WorkTree] {
            let read = repository
                .read_through_links(state, &[path.into()])
                .unwrap();
            let expected = expected.map(|it| it.as_bytes().to_owned());
            assert_eq!(read, [expected], "{path} {state:?}");
        }
    }
}

#[test]
fn git_is_not_asked_of_paths_outside_the_repository() {
    let (_directory, root) = scratch();
    let repository = repository(&root.join("main"));
    write(&root.join("ext/Cargo.toml"), "[package]");
    let head = TreeState::Commit(repository.head().unwrap().clone());
    let paths = [root.join("ext/Cargo.toml"), "twice".into()];
    let text = || Some(b"[package]".to_vec());
    for (state, outside) in [
        (&TreeState::Empty, None),
        (&head, None),
        (&TreeState::Index, None),
        (&TreeState::WorkTree, text()),
    ] {
        let inside = text().filter(|_| *state != TreeState::Empty);
        let read = repository.read_through_links(state, &paths).unwrap();
        assert_eq!(read, [outside, inside], "{state:?}");
    }
}

#[test]
fn large_objects_are_not_read() {
    let (_directory, root) = scratch();
    let repository = repository(&root);
    let check = |limit| {
        let names = [":0:gone", ":0:common/Cargo.toml"].map(str::to_owned);
        repository.check_sizes(&names, files::Limit(limit))
    };
    assert!(check(9).is_ok());
    let error = check(8).unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot read :0:common/Cargo.toml of git: larger than 0 MiB"
    );
}
