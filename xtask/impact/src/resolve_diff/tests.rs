//! Tests with the real cargo, offline, on workspaces that only have path packages.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::testing::scratch;
use crate::vcs::{EntryKind, TreeEntry};

type Files<'a> = &'a [(&'a str, &'a str)];

struct Scratch {
    top: Utf8PathBuf,
    _temporary: TempDir,
}

impl Scratch {
    fn new() -> Self {
        let (temporary, top) = scratch();
        for directory in ["repository", "sides"] {
            fs::create_dir_all(top.join(directory)).unwrap();
        }
        Self {
            top,
            _temporary: temporary,
        }
    }

    fn side(&self, files: Files<'_>) -> Side {
        self.side_with("Cargo.lock", files)
    }

    /// Creates a side with the lock file at this path. A path that contains `link` is a symbolic
    /// link; its content is the target.
    fn side_with(&self, lock_file: &str, files: Files<'_>) -> Side {
        let repository = self.top.join("repository");
        let place = SidePaths {
            repository: &repository,
            workspace: Utf8Path::new(""),
            lock_file: Utf8Path::new(lock_file),
            cargo_home: None,
            scratch: self.top.join("sides"),
        };
        let entries = files.iter().map(|(path, _)| TreeEntry {
            path: path.into(),
            kind: match path.contains("link") {
                true => EntryKind::Link,
                false => EntryKind::File,
            },
        });
        let mut read = |paths: &[Utf8PathBuf]| {
            let content = |path: &Utf8PathBuf| {
                let (_, text) = files.iter().find(|(name, _)| path == name).unwrap();
                Some(text.as_bytes().to_vec())
            };
            Ok(paths.iter().map(content).collect())
        };
        Side::materialise(&place, entries.collect(), &[], &mut read).unwrap()
    }
}

/// Asks with these flags, offline.
fn with<T>(flags: &[&str], ask: impl FnOnce(ResolveQuery<'_>) -> T) -> T {
    let flags: Vec<_> = flags.iter().map(|&flag| flag.to_owned()).collect();
    ask(ResolveQuery {
        runner: &Runner::new().unwrap(),
        verb: Verb::Build,
        flags: &flags,
        network: false,
        inputs_hash: None,
    })
}

fn compared(before: &Side, after: &Side, flags: &[&str]) -> ResolveDifferences {
    with(flags, |it| it.compare_sides(before, after)).unwrap()
}

fn refused(side: &Side) -> String {
    with(&[], |it| it.ask_about(side)).unwrap_err().to_string()
}

const ROOT: &str = "[workspace]\nmembers = ['a', 'b']\nresolver = '2'\n";
const A: &str = "[package]\nname = 'a'\nedition = '2024'\n[features]\nx = []\n\
                 [[bin]]\nname = 'tool'\npath = 'odd/place.rs'\n";
const B: &str = "[package]\nname = 'b'\nedition = '2024'\n[dependencies]\na = { path = '../a' }\n";

#[test]
fn a_feature_that_a_user_turns_on_changes_the_dependency() {
    let scratch = Scratch::new();
    let files = |b: &str| {
        let side = [
            ("Cargo.toml", ROOT),
            ("a/Cargo.toml", A),
            ("a/src/lib.rs", "never read"),
            ("a/odd/place.rs", "never read"),
            ("b/Cargo.toml", b),
            ("b/src/lib.rs", ""),
            ("b/src/deep/module.rs", "not copied"),
            ("b/README.md", "not copied"),
        ];
        scratch.side(&side)
    };
    let before = files(B);
    let after = files(&B.replace("'../a'", "'../a', features = ['x']"));
    let answer = compared(&before, &after, &["--workspace"]);
    let told: Vec<String> = answer
        .differences
        .iter()
        .map(|difference| format!("{} {:?}", difference.target.name, difference.what))
        .collect();
    assert_eq!(
        told,
        [
            r#"tool Changed(["features +x"])"#,
            r#"a Changed(["features +x"])"#
        ]
    );
    assert_eq!(answer.rebuilt.len(), 3, "b too: {:?}", answer.rebuilt);
    assert!(!before.root.join("b/src/deep").exists());
    // A change that cargo cannot see does not make another side.
    assert_eq!(before, files(B));
}

#[test]
fn a_new_member_documents_with_a_library_that_was_checked() {
    const TWO: &str = "[workspace]\nmembers = ['a', 'b']\nresolver = '2'\n";
    const ONE: &str = "[workspace]\nmembers = ['a']\nresolver = '2'\n";
    let scratch = Scratch::new();
    let library_alone = A.split("[[bin]]").next().unwrap();
    let side = |root: &str, b: &str| {
        let files = [
            ("Cargo.toml", root),
            ("a/Cargo.toml", library_alone),
            ("a/src/lib.rs", ""),
            ("b/Cargo.toml", b),
            ("b/src/lib.rs", ""),
        ];
        scratch.side(&files)
    };
    let with_feature = B.replace("'../a'", "'../a', features = ['x']");
    for (b, rebuilt, checked) in [
        (B, &["build", "doc"][..], 1),
        (&with_feature, &["build", "doc", "doc"], 0),
    ] {
        let (before, after) = (side(ONE, b), side(TWO, b));
        let found = with(&["--workspace", "--no-deps"], |it| {
            let it = ResolveQuery {
                verb: Verb::Doc,
                ..it
            };
            it.compare_sides(&before, &after)
        });
        let found = found.unwrap();
        let names: Vec<_> = found.rebuilt.iter().map(|(_, it)| &*it.mode).collect();
        assert_eq!(names, rebuilt);
        assert_eq!(found.checked.len(), checked, "{found:?}");
    }
}

#[test]
fn cargo_is_asked_again_only_if_its_answer_may_differ() {
    const LOCK: &str = "# This file is automatically @generated by Cargo.\n\
                        # It is not intended for manual editing.\nversion = 4\n\n\
                        [[package]]\nname = \"a\"\nversion = \"0.0.0\"\n\n\
                        [[package]]\nname = \"b\"\nversion = \"0.0.0\"\n\
                        dependencies = [\n \"a\",\n]\n";
    let with_feature = B.replace("'../a'", "'../a', features = ['x']");
    let without_b = LOCK.split("[[package]]\nname = \"b\"").next().unwrap();
    for (story, lock, second_hash, is_cached) in [
        ("nothing changed", LOCK, Some(1), true),
        ("another toolchain", LOCK, Some(2), false),
        ("the toolchain may have changed", LOCK, None, false),
        ("cargo completes the lock file", without_b, Some(1), false),
    ] {
        let scratch = Scratch::new();
        let side = |b: &str| {
            scratch.side(&[
                ("Cargo.toml", ROOT),
                ("Cargo.lock", lock),
                ("a/Cargo.toml", A),
                ("a/src/lib.rs", ""),
                ("a/odd/place.rs", ""),
                ("b/Cargo.toml", b),
                ("b/src/lib.rs", ""),
            ])
        };
        let (before, after) = (side(B), side(&with_feature));
        let compare = |inputs_hash| {
            with(&[], |it| {
                let query = ResolveQuery { inputs_hash, ..it };
                query.compare_sides(&before, &after)
            })
        };
        let first = compare(Some(1)).unwrap();
        // Cargo would fail now.
        fs::write(after.root.join("b/Cargo.toml"), "damaged").unwrap();
        match compare(second_hash) {
            Ok(second) => assert!(is_cached && first == second, "{story}"),
            Err(error) => assert!(!is_cached, "{story}: {error}"),
        }
    }
}

#[test]
fn configuration_and_symbolic_links_of_a_side_are_used() {
    let scratch = Scratch::new();
    let side = |debug: &str| {
        scratch.side(&[
            (
                "Cargo.toml",
                "[package]\nname = 'a'\nedition = '2024'\n[workspace]\n",
            ),
            (".cargo/config.toml", "include = ['../shared.toml']"),
            ("shared.toml", debug),
            ("src/lib.rs", ""),
            ("link", "src"),
            ("examples/link.rs", "../texts/example"),
            ("texts/example", ""),
        ])
    };
    let (before, after) = (
        side("[profile.dev]\ndebug = 1"),
        side("[profile.dev]\ndebug = 2"),
    );
    let answer = compared(&before, &after, &["--all-targets"]);
    assert_eq!(
        answer.differences[0].what,
        Difference::Changed(vec!["profile debuginfo 1 → 2".to_owned()])
    );
    let differ: Vec<_> = answer
        .differences
        .iter()
        .map(|it| &*it.target.name)
        .collect();
    assert_eq!(differ, ["link", "a", "a"]);
}

#[test]
fn absolute_paths_into_the_repository_are_redirected_to_the_copy() {
    let scratch = Scratch::new();
    let root = scratch.top.join("repository");
    let side = |level: &str| {
        let manifest = format!(
            "[package]\nname = 'b'\nedition = '2024'\n[workspace]\n\
             [dependencies]\na = {{ path = '{root}/a' }}\n\
             [profile.dev.package.'path+file://{root}/a#0.0.0']\nopt-level = {level}\n"
        );
        scratch.side(&[
            ("Cargo.toml", &manifest),
            ("src/lib.rs", ""),
            ("a/Cargo.toml", "[package]\nname = 'a'\nedition = '2024'\n"),
            ("a/src/lib.rs", ""),
        ])
    };
    let (before, after) = (side("1"), side("2"));
    let answer = compared(&before, &after, &[]);
    let differ: Vec<_> = answer
        .differences
        .iter()
        .map(|it| (&*it.target.name, format!("{:?}", it.what)))
        .collect();
    let changed = "Changed([\"profile opt_level 1 → 2\"])".to_owned();
    assert_eq!(differ, [("a", changed)]);
    // The name of another directory may begin with the name of the repository.
    let beside = format!("include = ['{root}-of-all/x.toml', '{root}.toml', '/y{root}']");
    let beside = scratch.side(&[(".cargo/config.toml", &beside)]);
    let text = fs::read_to_string(beside.root.join(".cargo/config.toml")).unwrap();
    assert_eq!(text.matches(root.as_str()).count(), 3);
}

#[test]
fn a_path_outside_the_repository_is_reported() {
    let scratch = Scratch::new();
    let side = scratch.side(&[
        ("Cargo.toml", &B.replace("../a", "../a/lib")),
        ("src/lib.rs", ""),
    ]);
    assert_eq!(
        refused(&side),
        "cannot resolve: ../a/lib/Cargo.toml lies outside the repository"
    );
}

#[test]
fn other_failures_report_cargos_message() {
    let scratch = Scratch::new();
    let side = scratch.side(&[("Cargo.toml", "[package]\nname = 'a'\n")]);
    let error = refused(&side);
    let first = error.lines().next().unwrap();
    assert_eq!(
        first,
        "cargo cannot resolve: failed to parse manifest at `Cargo.toml`"
    );
}

#[test]
#[cfg(unix)]
fn each_side_has_its_own_lock_file_at_any_path() {
    for (lock_file, real, link) in [
        ("Cargo.lock", "Cargo.lock", None),
        ("locks/Cargo.lock", "locks/Cargo.lock", None),
        (
            "link/Cargo.lock",
            "locks/main.lock",
            Some("../locks/main.lock"),
        ),
    ] {
        let scratch = Scratch::new();
        let manifest = "[package]\nname = 'a'\nedition = '2024'\n[workspace]\n";
        // A lock file that cargo has to update.
        let stale = "version = 4\n";
        let mut files = vec![("Cargo.toml", manifest), ("src/lib.rs", ""), (real, stale)];
        files.extend(link.map(|target| (lock_file, target)));
        let side = scratch.side_with(lock_file, &files);
        let read = || fs::read_to_string(side.root.join(real)).unwrap();
        assert_eq!(read(), stale);
        with(&["--workspace"], |it| it.ask_about(&side)).unwrap();
        assert_ne!(read(), stale, "{lock_file}: cargo read and wrote it");
        assert_eq!(side, scratch.side_with(lock_file, &files));
        assert_eq!(read(), stale, "{lock_file}: it is as it was");
        let is_link = side.root.join(lock_file).is_symlink();
        assert_eq!(is_link, link.is_some(), "{lock_file}");
    }
}
