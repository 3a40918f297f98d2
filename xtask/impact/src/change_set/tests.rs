use camino::Utf8Path;

use super::*;
use crate::process::Runner;

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
fn head_moves_from_one_commit_to_another() {
    let (_directory, repository) = repository();
    let [first, second] = ["side", "main"].map(|name| repository.commit(name).unwrap());
    let revisions = |base: &Commit, head: &Commit| Range::Revisions {
        base: base.clone(),
        head: head.clone(),
    };
    let worktree = |base: &Commit| Range::WorkTree { base: base.clone() };
    let mut set = ChangeSet {
        top_level: repository.top_level().to_owned(),
        repository: Some(repository),
        range: None,
        in_words: Vec::new(),
        changes: Vec::new(),
        named_outside: Vec::new(),
        notes: Vec::new(),
    };
    for (range, expected) in [
        (None, false),
        (Some(worktree(&second)), false),
        (Some(worktree(&first)), true),
        (Some(revisions(&first, &second)), true),
        (Some(revisions(&first, &first)), false),
        (
            Some(Range::Index {
                head: Some(second.clone()),
            }),
            false,
        ),
    ] {
        let story = format!("{range:?}");
        set.range = range;
        assert_eq!(set.head_moved(), expected, "{story}");
    }
}
