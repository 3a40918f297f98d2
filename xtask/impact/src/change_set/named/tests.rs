use super::*;
use crate::process::Runner;
use crate::testing::scratch;

/// Creates a repository whose second commit deletes `old/gone.rs`, with the untracked file
/// `new.rs`.
fn repository(root: &Utf8Path) -> Repository {
    let runner = Runner::new().unwrap().in_directory(root);
    let git = |args: &[&str]| {
        let mut command = runner.git();
        command.args(["-c", "user.name=test", "-c", "user.email=test@example.org"]);
        let output = command.args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    let files = [
        "src/lib.rs",
        "old/gone.rs",
        "rust/src/lib.rs",
        "rust/café.rs",
        "rust/-b.rs",
    ];
    for file in files.into_iter().chain(["staged.rs"]) {
        let file = root.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "").unwrap();
    }
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&[&["add", "--"], &files[..]].concat());
    git(&["commit", "--quiet", "-m", "first"]);
    git(&["rm", "--quiet", "old/gone.rs"]);
    git(&["commit", "--quiet", "-m", "second"]);
    git(&["add", "staged.rs"]);
    for file in ["staged.rs", "rust/-b.rs"] {
        std::fs::remove_file(root.join(file)).unwrap();
    }
    std::fs::write(root.join("new.rs"), "").unwrap();
    Repository::discover(&runner, root).unwrap().unwrap()
}

/// Places names from the directory `rust/`, and returns the status letters and paths, then the
/// notes.
fn placed(root: &Utf8Path, repository: Option<&Repository>, names: &[&str]) -> String {
    let files = NamedFiles {
        directory: root.join("rust"),
        paths: names.iter().map(|&name| name.to_owned()).collect(),
    };
    match files.place(root, repository, None) {
        Ok(NamedChanges {
            changes,
            outside,
            notes,
        }) => {
            let changes = changes.iter().map(|it| match it.status {
                ChangeStatus::Deleted => format!("D {}", it.path),
                _ => format!("M {}", it.path),
            });
            let outside = outside.iter().map(|it| format!("outside: {}", it.name));
            let told = changes.chain(outside).chain(notes);
            told.collect::<Vec<_>>().join(", ")
        }
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn names_are_found_from_the_current_directory_and_the_top_level() {
    let (_directory, root) = scratch();
    let repository = repository(&root);
    let absolute = root.join("src/../src/lib.rs");
    let rows = [
        ("new.rs", "M new.rs"),
        ("café.rs", "M rust/café.rs"),
        ("rust/café.rs", "M rust/café.rs"),
        ("./café.rs", "M rust/café.rs"),
        ("../new.rs", "M new.rs"),
        ("nowhere/../../new.rs", "M new.rs"),
        (r#""caf\303\251.rs""#, "M rust/café.rs"),
        (r#""rust/caf\303\251.rs""#, "M rust/café.rs"),
        ("-b.rs", "D rust/-b.rs"),
        ("staged.rs", "D staged.rs"),
        ("old/gone.rs", "D old/gone.rs"),
        ("old", "D old/gone.rs"),
        ("rust/src", "M rust/src, M rust/src/lib.rs"),
        ("./new.rs", "M new.rs"),
        ("./src/lib.rs", "M rust/src/lib.rs"),
        (absolute.as_str(), "M src/lib.rs"),
        (
            "src/lib.rs",
            "M rust/src/lib.rs, M src/lib.rs, `src/lib.rs` exists both in the current directory and \
             at the top level of the repository; both count as changed",
        ),
    ];
    for (name, expected) in rows {
        assert_eq!(
            placed(&root, Some(&repository), &[name]),
            expected,
            "{name}"
        );
    }
    assert_eq!(placed(&root, Some(&repository), &[]), "");
    let whole = placed(&root, Some(&repository), &[".."]);
    let expected = "M ., M new.rs, D rust/-b.rs, M rust/café.rs, M rust/src/lib.rs, M src/lib.rs, \
                    D staged.rs";
    assert_eq!(whole, expected);
    let all = placed(&root, Some(&repository), &["."]);
    assert_eq!(
        all,
        "M rust, D rust/-b.rs, M rust/café.rs, M rust/src/lib.rs"
    );
}

#[test]
fn a_name_that_exists_nowhere_is_refused() {
    let (_directory, root) = scratch();
    let repository = repository(&root);
    let names = [
        &["rust/scr/lib.rs"][..],
        &["caff.rs"],
        &["lib.rs", "nothing"],
        &["*.rs"],
        &["src/lib.rs "],
        &["M\tsrc/lib.rs"],
        &["zzz"],
        &["/no/such/file"],
        &["\u{1b}[31m"],
    ];
    let refused = names.map(|names| placed(&root, Some(&repository), names));
    expect_test::expect![[r#"
        no such path: `rust/scr/lib.rs` is neither on disk nor in a revision of this repository
        hint: did you mean `rust/src/lib.rs`?
        no such path: `caff.rs` is neither on disk nor in a revision of this repository
        hint: name paths relative to the current directory or to the top level of the repository, one per line; for a file of another revision, name that revision with --since
        no such path: `lib.rs` (and 1 more) is neither on disk nor in a revision of this repository
        hint: did you mean `rust/src/lib.rs`?
        no such path: `*.rs` is neither on disk nor in a revision of this repository
        hint: name paths relative to the current directory or to the top level of the repository, one per line; for a file of another revision, name that revision with --since
        no such path: `src/lib.rs ` is neither on disk nor in a revision of this repository
        hint: did you mean `src/lib.rs`?
        no such path: `"M\tsrc/lib.rs"` is neither on disk nor in a revision of this repository
        hint: this looks like the output of `git diff --name-status`; pass one path per line, as `git diff --name-only` prints them
        no such path: `zzz` is neither on disk nor in a revision of this repository
        hint: name paths relative to the current directory or to the top level of the repository, one per line; for a file of another revision, name that revision with --since
        no such path: `/no/such/file` is neither on disk nor in a revision of this repository
        hint: name paths relative to the current directory or to the top level of the repository, one per line; for a file of another revision, name that revision with --since
        no such path: `"\033[31m"` is neither on disk nor in a revision of this repository
        hint: name paths relative to the current directory or to the top level of the repository, one per line; for a file of another revision, name that revision with --since
    "#]].assert_eq(&(refused.join("\n") + "\n"));
}

#[test]
fn a_name_is_found_on_disk_outside_a_repository() {
    let (_directory, root) = scratch();
    for file in [
        "rust/src/lib.rs",
        "rust/target/x",
        "rust/target/CACHEDIR.TAG",
        "a.rs",
    ] {
        let file = root.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "").unwrap();
    }
    assert_eq!(
        placed(&root, None, &["src/lib.rs", "a.rs"]),
        "M a.rs, M rust/src/lib.rs"
    );
    assert_eq!(placed(&root, None, &["."]), "M rust, M rust/src/lib.rs");
    expect_test::expect![[r#"
        no such path: `src/main.rs` is not on disk
        hint: name paths relative to the current directory or to the top level of the repository, one per line; for a file of another revision, name that revision with --since"#]].assert_eq(&placed(&root, None, &["src/main.rs"]));
}

#[test]
fn names_of_paths_outside_alone_are_told_apart() {
    let (_directory, beside) = scratch();
    for file in ["alone.rs", "top/rust/a.rs"] {
        crate::testing::write(&beside.join(file), "");
    }
    let root = beside.join("top");
    let alone = beside.join("alone.rs");
    for (name, expected) in [
        ("a.rs", "M rust/a.rs".to_owned()),
        (
            "../../alone.rs",
            format!("M {alone}, outside: ../../alone.rs"),
        ),
        (alone.as_str(), format!("M {alone}, outside: {alone}")),
        ("../../top/rust/a.rs", "M rust/a.rs".to_owned()),
        ("../..", format!("M {beside}, M {alone}, M rust/a.rs")),
    ] {
        assert_eq!(placed(&root, None, &[name]), expected, "{name}");
    }
}

#[test]
#[cfg(unix)]
fn a_link_stands_for_itself_and_its_target() {
    use std::os::unix::fs::symlink;
    let (_directory, root) = scratch();
    std::fs::create_dir_all(root.join("rust/real")).unwrap();
    std::fs::write(root.join("rust/real/lib.rs"), "").unwrap();
    symlink("real", root.join("rust/link")).unwrap();
    symlink("real/lib.rs", root.join("rust/file.rs")).unwrap();
    symlink("nowhere", root.join("rust/dangling.rs")).unwrap();
    let rows = [
        ("file.rs", "M rust/file.rs, M rust/real/lib.rs"),
        ("link/lib.rs", "M rust/real/lib.rs"),
        ("link", "M rust/link, M rust/real, M rust/real/lib.rs"),
        ("dangling.rs", "M rust/dangling.rs"),
    ];
    for (name, expected) in rows {
        assert_eq!(placed(&root, None, &[name]), expected, "{name}");
    }
}
