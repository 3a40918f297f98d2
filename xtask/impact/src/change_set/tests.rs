use camino::Utf8Path;

use super::*;
use crate::process::Runner;
use crate::testing::scene::Scene;
use crate::unit_graph::Verb;

/// Creates a repository with two commits on `main`. The branch `side` is at the first commit.
fn repository() -> (tempfile::TempDir, Repository) {
    let directory = tempfile::tempdir().unwrap();
    let runner = Runner::new().unwrap().in_directory(directory.path());
    let git = |args: &str| {
        let mut command = runner.git();
        command.args(["-c", "user.name=test", "-c", "user.email=test@example.org"]);
        let output = command.args(args.split(' ')).output().unwrap();
        assert!(output.status.success(), "{args}: {output:?}");
    };
    git("init --quiet --initial-branch main");
    git("commit --quiet --allow-empty -m first");
    git("branch side");
    git("commit --quiet --allow-empty -m second");
    let top = Utf8Path::from_path(directory.path()).unwrap();
    let repository = Repository::discover(&runner, top).unwrap().unwrap();
    (directory, repository)
}

#[test]
fn a_comparison_is_described_in_words() {
    let (_directory, repository) = repository();
    let [first, second] = ["side", "main"].map(|name| repository.commit(name).unwrap());
    let text = |text: &str| Some(text.to_owned());
    let base = |revision, head| ComparedStates::Base { revision, head };
    let since = |revision: &str, head| ComparedStates::Since {
        revision: revision.to_owned(),
        head,
    };
    let worktree = |base: &Commit| Range::WorkTree { base: base.clone() };
    let revisions = |base: &Commit, head: &Commit| Range::Revisions {
        base: base.clone(),
        head: head.clone(),
    };
    let index = Range::Index {
        head: Some(second.clone()),
    };
    let rows = [
        (ComparedStates::Staged, index, "the index against HEAD"),
        (
            base(None, None),
            worktree(&second),
            "the work tree since the merge base with main",
        ),
        (
            base(text("side"), None),
            worktree(&first),
            "the work tree since the merge base with side",
        ),
        (
            base(None, text("side")),
            revisions(&first, &first),
            "side since the merge base with main",
        ),
        (
            since("HEAD~1", None),
            worktree(&first),
            "the work tree since HEAD~1",
        ),
        (
            since("main", text("side")),
            revisions(&second, &first),
            "side since main",
        ),
    ];
    for (comparison, range, words) in rows {
        let found = comparison.resolve(&repository).unwrap();
        assert_eq!(found, (range, words.to_owned()));
    }
}

#[test]
fn the_newer_side_is_on_disk_or_in_a_commit() {
    let (_directory, repository) = repository();
    let [first, second] = ["side", "main"].map(|name| repository.commit(name).unwrap());
    let revisions = |base: &Commit, head: &Commit| Range::Revisions {
        base: base.clone(),
        head: head.clone(),
    };
    let worktree = |base: &Commit| Range::WorkTree { base: base.clone() };
    let mut set = change_set(repository);
    set.notes = vec!["told before".to_owned()];
    let index = Range::Index {
        head: Some(second.clone()),
    };
    for (range, head_moved, is_on_disk, notes) in [
        (None, false, true, 1),
        (Some(worktree(&second)), false, true, 1),
        (Some(worktree(&first)), true, true, 1),
        (Some(revisions(&first, &second)), true, false, 1),
        (Some(revisions(&first, &first)), false, false, 2),
        (Some(index), false, false, 1),
    ] {
        let story = format!("{range:?}");
        set.range = range;
        assert_eq!(set.head_moved(), head_moved, "{story}");
        assert_eq!(set.is_on_disk(), is_on_disk, "{story}");
        let found = set.notes();
        assert_eq!((found.len(), &*found[0]), (notes, "told before"), "{story}");
        if let Some(note) = found.get(1) {
            let start = "the newer side is not checked out";
            assert!(note.starts_with(start), "{note}");
        }
    }
}

/// Returns a set without changes.
fn change_set(repository: Repository) -> ChangeSet {
    ChangeSet {
        top_level: repository.top_level().to_owned(),
        repository: Some(repository),
        range: None,
        in_words: Vec::new(),
        changes: Vec::new(),
        named_outside: Vec::new(),
        notes: Vec::new(),
    }
}

#[test]
fn a_request_names_one_kind_of_change() {
    let nothing = ChangeRequest::default;
    let since = ComparedStates::Since {
        revision: "main".to_owned(),
        head: None,
    };
    let files = NamedFiles {
        directory: "/w".into(),
        paths: vec!["a.rs".to_owned()],
    };
    let rows = [
        (
            ChangeRequest::since("main"),
            ChangeRequest {
                compare: Some(since),
                ..nothing()
            },
        ),
        (
            ChangeRequest::files("/w", ["a.rs"]),
            ChangeRequest {
                files: Some(files),
                ..nothing()
            },
        ),
        (
            ChangeRequest::assuming(["a:lib"]),
            ChangeRequest {
                assumed: vec!["a:lib".to_owned()],
                ..nothing()
            },
        ),
        (
            ChangeRequest::everything(),
            ChangeRequest {
                all: true,
                ..nothing()
            },
        ),
    ];
    for (request, expected) in rows {
        assert_eq!(request, expected);
    }
}

/// If both `.cargo/config` and `.cargo/config.toml` exist, cargo reads only the first.
#[test]
fn settings_are_read_as_cargo_reads_them_on_each_side() {
    const PLAIN: &str = ".cargo/config";
    const TOML: &str = ".cargo/config.toml";
    let sides = |before: &[&str], after: &[&str], changed: &str| {
        let scene = Scene::new("a: lib", Verb::Check, &[]);
        for path in before {
            scene.write(path, &format!("# {path} before"));
        }
        let mut set = change_set(scene.commit(""));
        for path in before {
            std::fs::remove_file(scene.root.join(path)).unwrap();
        }
        for path in after {
            scene.write(path, &format!("# {path} after"));
        }
        set.changes = vec![Change {
            path: changed.into(),
            status: ChangeStatus::Modified,
            seen: Seen::WorkTree,
        }];
        let contents = set.contents(&SettingFiles::new(&scene.workspace)).unwrap();
        let sides = contents.get(Utf8Path::new(changed))?;
        let text = |side: &Option<String>| side.as_deref().map(|text| text[2..].to_owned());
        Some((text(&sides.before), text(&sides.after)))
    };
    let expected = |before: &str, after: &str| {
        let side = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some((side(before), side(after)))
    };
    for (before, after, changed, texts) in [
        (
            &[TOML][..],
            &[TOML][..],
            TOML,
            expected(".cargo/config.toml before", ".cargo/config.toml after"),
        ),
        (
            &[TOML],
            &[TOML, PLAIN],
            TOML,
            expected(".cargo/config.toml before", ".cargo/config after"),
        ),
        (
            &[TOML],
            &[TOML, PLAIN],
            PLAIN,
            expected(".cargo/config.toml before", ".cargo/config after"),
        ),
        (
            &[PLAIN, TOML],
            &[TOML],
            PLAIN,
            expected(".cargo/config before", ".cargo/config.toml after"),
        ),
        (&[PLAIN], &[], PLAIN, expected(".cargo/config before", "")),
        (
            &["a/Cargo.toml"],
            &["a/Cargo.toml"],
            "a/Cargo.toml",
            expected("a/Cargo.toml before", "a/Cargo.toml after"),
        ),
        (&[], &["a/src/lib.rs"], "a/src/lib.rs", None),
    ] {
        let found = sides(before, after, changed);
        assert_eq!(found, texts, "{before:?} {after:?} {changed}");
    }
}
