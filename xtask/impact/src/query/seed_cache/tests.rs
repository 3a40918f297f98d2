use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::*;
use crate::change_set::ChangeRequest;
use crate::process::{self, Runner};
use crate::testing::{name, scratch, workspace_in, write};
use crate::unit_graph::Verb;

/// A repository with the packages `a` and `b`, of which `b` includes a file of `a`.
struct Scene {
    _directory: tempfile::TempDir,
    top: Utf8PathBuf,
    runner: Runner,
}

impl Scene {
    fn new() -> Self {
        let (directory, top) = scratch();
        for (path, text) in [
            (".gitignore", "/target\nignored*\n"),
            ("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\n"),
            ("a/Cargo.toml", "[package]\nname = \"a\"\n"),
            ("a/src/lib.rs", "pub mod one;\npub mod two;\n"),
            ("a/src/one.rs", "pub fn one() {}\n"),
            ("a/src/two/mod.rs", "pub fn two() {}\n"),
            ("a/src/ignored.rs", "// \"b/data/x.txt\"\n"),
            ("b/Cargo.toml", "[package]\nname = \"b\"\n"),
            ("b/src/lib.rs", "include!(\"../../a/src/one.rs\");\n"),
            ("b/data/x.txt", "x\n"),
        ] {
            write(&top.join(path), text);
        }
        fs::create_dir(top.join("target")).unwrap();
        let runner = Runner::new().unwrap().in_directory(&top);
        let scene = Self {
            _directory: directory,
            top,
            runner,
        };
        scene.git(&["init", "--quiet"]);
        scene.git(&["add", "--all"]);
        let author = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        scene.git(&[&author[..], &["commit", "--quiet", "-m", "base"]].concat());
        scene
    }

    fn git(&self, arguments: &[&str]) {
        process::checked(self.runner.git().args(arguments)).unwrap();
    }

    fn query(&self) -> Query {
        let mut workspace = workspace_in(&self.top, "a: lib\nb: lib -> a");
        workspace.inputs_hash = Some(1);
        let asked = ChangeRequest::since("HEAD");
        Query::new(self.runner.clone(), workspace, asked, Verb::Check)
    }

    /// Returns the affected units, each with the reason.
    fn answer(query: Query) -> Vec<String> {
        let answer = query.answer().unwrap();
        let told = answer.graph.units().filter_map(|(unit, _)| {
            let because = &answer.explain(unit)?.seed.because;
            let unit = name(&answer.workspace, &answer.graph, unit);
            Some(format!("{unit}: {because}"))
        });
        told.collect()
    }

    /// Answers the question, and returns true if the sources were not looked at. The answer must be
    /// the answer without a cache.
    fn is_cached(&self, story: &str) -> bool {
        let kept = self.top.join("target/xtask");
        let facts = || {
            let entries = kept.read_dir_utf8().into_iter().flatten().flatten();
            entries.filter(|it| it.file_name().starts_with("files-"))
        };
        facts().for_each(|it| fs::remove_file(it.path()).unwrap());
        std::thread::sleep(Duration::from_millis(80));
        let answer = Self::answer(self.query());
        let without_cache = Query {
            no_cache: true,
            ..self.query()
        };
        assert_eq!(answer, Self::answer(without_cache), "{story}");
        facts().next().is_none()
    }

    /// Replaces the text of a file by another text of the same length, and sets the time of the
    /// modification back.
    fn edit_unnoticed(&self, path: &str) {
        let path = self.top.join(path);
        let modified = path.metadata().unwrap().modified().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, "/".repeat(text.len())).unwrap();
        let file = File::options().append(true).open(&path).unwrap();
        file.set_modified(modified).unwrap();
    }
}

#[test]
fn a_repeated_question_is_answered_without_a_look_into_the_sources() {
    let scene = Scene::new();
    scene.edit_unnoticed("a/src/one.rs");
    assert!(!scene.is_cached("the first answer"));
    assert!(scene.is_cached("the second answer"));
    assert!(scene.is_cached("the third answer"));
}

#[test]
fn a_question_about_a_manifest_is_cached_and_one_about_a_toolchain_is_not() {
    for (path, text, is_cached) in [
        (
            "a/Cargo.toml",
            "[package]\nname = \"a\"\nauthors = []\n",
            true,
        ),
        ("rust-toolchain.toml", "[toolchain]\n", false),
        (".cargo/config.toml", "[term]\nquiet = true\n", false),
    ] {
        let scene = Scene::new();
        write(&scene.top.join(path), text);
        assert!(!scene.is_cached(path), "{path}, the first answer");
        assert_eq!(scene.is_cached(path), is_cached, "{path}");
    }
    // The other side of a manifest counts, too: here, another commit.
    let scene = Scene::new();
    let manifest = scene.top.join("a/Cargo.toml");
    write(&manifest, "[package]\nname = \"a\"\nauthors = []\n");
    scene.is_cached("the manifest");
    assert!(scene.is_cached("the manifest"), "before the commit");
    let edited = fs::read_to_string(&manifest).unwrap();
    write(&manifest, "[package]\nname = \"a\"\nlicense = \"MIT\"\n");
    scene.git(&["add", "--all"]);
    let author = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
    scene.git(&[&author[..], &["commit", "--quiet", "-m", "license"]].concat());
    write(&manifest, &edited);
    assert!(!scene.is_cached("the manifest"), "after the commit");
}

/// An edit after which the sources must be looked at again.
type Edit = (&'static str, fn(&Scene));

#[test]
fn every_change_after_an_answer_is_noticed() {
    let edits: [Edit; 9] = [
        ("the changed file again", |it| {
            write(&it.top.join("a/src/one.rs"), "pub fn two() {}\n");
        }),
        ("another file", |it| {
            write(&it.top.join("a/src/two/mod.rs"), "");
        }),
        ("an ignored file, with its old size and time", |it| {
            it.edit_unnoticed("a/src/ignored.rs");
        }),
        ("a file that git does not compare", |it| {
            it.git(&["update-index", "--assume-unchanged", "b/src/lib.rs"]);
            it.edit_unnoticed("b/src/lib.rs");
        }),
        ("a new ignored file", |it| {
            write(&it.top.join("b/src/ignored.rs"), "\n");
        }),
        ("a new file that shadows a module", |it| {
            write(&it.top.join("a/src/two.rs"), "\n");
        }),
        ("an ignored file that went", |it| {
            fs::remove_file(it.top.join("a/src/ignored.rs")).unwrap();
        }),
        ("an ignored file that is moved", |it| {
            let from = it.top.join("a/src/ignored.rs");
            fs::rename(from, it.top.join("a/src/ignored2.rs")).unwrap();
        }),
        ("a damaged cache", |it| {
            let kept = it.top.join("target/xtask").read_dir_utf8().unwrap();
            let mut kept = kept.flatten();
            let kept = kept.find(|it| it.file_name().starts_with("seeds-"));
            let file = File::options().write(true).open(kept.unwrap().path());
            file.unwrap().set_len(100).unwrap();
        }),
    ];
    for (story, edit) in edits {
        let scene = Scene::new();
        scene.edit_unnoticed("a/src/one.rs");
        scene.is_cached(story);
        assert!(scene.is_cached(story), "{story}, before the edit");
        edit(&scene);
        assert!(!scene.is_cached(story), "{story}");
    }
}

#[test]
#[cfg(unix)]
fn a_link_in_the_place_of_a_file_or_directory_is_noticed() {
    for place in ["a/src/ignored.rs", "a/src/two", "b", "a/src/one.rs"] {
        let scene = Scene::new();
        scene.edit_unnoticed("a/src/one.rs");
        scene.is_cached(place);
        assert!(scene.is_cached(place), "{place}, before the edit");
        let (from, to) = (scene.top.join(place), scene.top.join("target/moved"));
        fs::rename(&from, &to).unwrap();
        std::os::unix::fs::symlink(&to, &from).unwrap();
        assert!(!scene.is_cached(place), "{place}");
    }
}

fn looked_at(paths: &[&Utf8Path]) -> BTreeMap<String, SeenPath> {
    let seen = |path: &Utf8Path| (path.to_string(), SeenPath::now(path, Look::Content));
    paths.iter().map(|path| seen(path)).collect()
}

#[test]
fn a_file_that_changed_shortly_before_the_search_is_not_cached() {
    let (_directory, top) = scratch();
    let file = top.join("lib.rs");
    write(&file, "");
    let (_, states) = WatchedPaths::of(looked_at(&[&file]), &BTreeSet::new(), "/cache".into());
    let is_fresh = |time| states.iter().any(|it| it.is_fresh_at(time));
    let now = SystemTime::now();
    assert!(is_fresh(now));
    assert!(!is_fresh(now + Duration::from_secs(1)));
}

#[test]
fn the_state_before_the_first_look_counts() {
    let (_directory, top) = scratch();
    let edits: [fn(&Utf8Path); 3] = [
        |it| write(it, "later"),
        |it| fs::remove_file(it).unwrap(),
        |it| write(&it.with_file_name("gone.rs"), ""),
    ];
    for edit in edits {
        let file = top.join("lib.rs");
        write(&file, "");
        let gone = top.join("gone.rs");
        let looked_at = looked_at(&[&file, &gone]);
        edit(&file);
        let (watched, states) = WatchedPaths::of(looked_at, &BTreeSet::new(), "/cache".into());
        assert!(watched.states() != states);
    }
}

#[test]
fn missing_paths_are_watched_and_downloads_as_a_whole() {
    let looked_at = looked_at(&[
        "/w/src/gone/mod.rs".into(),
        "/w/src/lib.rs".into(),
        "/w/changed".into(),
        "/cache/files".into(),
    ]);
    let (watched, states) =
        WatchedPaths::of(looked_at, &["/w/changed".into()].into(), "/cache".into());
    assert_eq!(watched.contents, "/w/src/gone/mod.rs\0/w/src/lib.rs");
    assert_eq!(watched.places, "/\0/w\0/w/src\0/w/src/gone");
    assert!(watched.states() == states);
    let package = package(
        "/home/registry/src/i/p-1.0.0/src/x.rs",
        "/home/registry/src".into(),
    );
    assert_eq!(package.unwrap(), "/home/registry/src/i/p-1.0.0");
}
