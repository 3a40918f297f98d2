//! The cache of the kit is never stale.

use std::collections::BTreeSet;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::support::clean::CHECK;
use crate::support::{Project, manifest, tree};

/// A change that a user makes between two queries, with its name.
type Edit = (&'static str, fn(&Project));

#[test]
fn every_change_is_noticed_despite_the_cache() {
    let project =
        Project::with_libraries(&[("base", &[]), ("middle", &["base"]), ("top", &["middle"])]);
    project.write("crates/top/tests/story/helper.rs", "");
    project.write("elsewhere/other/Cargo.toml", &manifest("other"));
    project.write("elsewhere/other/src/lib.rs", "");
    project.commit("Add more");
    project.build(CHECK).unwrap();
    let edits: &[Edit] = &[
        ("an edit of a source", |it| {
            it.append("crates/base/src/lib.rs", "// Edited.\n")
        }),
        ("a source that climbs", |it| {
            it.append(
                "crates/middle/src/lib.rs",
                "const A: &str = include_str!(\"../../../far.txt\");\n",
            );
        }),
        ("what it climbs to", |it| it.write("far.txt", "far")),
        ("a dependency goes", |it| {
            let manifest = it.read("crates/top/Cargo.toml");
            let kept: Vec<&str> = manifest
                .lines()
                .filter(|line| !line.contains("middle"))
                .collect();
            it.write("crates/top/Cargo.toml", &(kept.join("\n") + "\n"));
        }),
        ("a new member", |it| {
            it.write(
                "crates/new/Cargo.toml",
                &it.read("crates/base/Cargo.toml").replace("base", "new"),
            );
            it.write("crates/new/src/lib.rs", "");
        }),
        ("a member goes", |it| it.remove("crates/new")),
        ("a test", |it| it.write("crates/top/tests/new.rs", "")),
        ("a test in a directory that was there", |it| {
            it.write("crates/top/tests/story/main.rs", "");
        }),
        ("a binary", |it| {
            it.write("crates/base/src/main.rs", "fn main() {}\n")
        }),
        ("another binary", |it| {
            it.write("crates/base/src/bin/more.rs", "fn main() {}\n")
        }),
        ("a build script", |it| {
            it.write("crates/base/build.rs", "fn main() {}\n")
        }),
        ("an example goes to another directory", |it| {
            it.write("crates/base/examples/shown/main.rs", "fn main() {}\n");
        }),
        ("configuration", |it| {
            it.write(".cargo/config.toml", "[build]\nrustflags = [\"--cfg=a\"]\n")
        }),
        ("a dependency outside", |it| {
            it.append(
                "crates/top/Cargo.toml",
                "other = { path = \"../../elsewhere/other\" }\n",
            );
        }),
        ("its manifest", |it| {
            it.append("elsewhere/other/Cargo.toml", "[features]\ndefault = []\n")
        }),
        ("a build", |it| {
            it.cargo(&["check", "--workspace"]);
        }),
        ("a source that was just built", |it| {
            it.append("crates/base/src/lib.rs", "// Again.\n")
        }),
        ("a commit", |it| it.commit("All of it")),
        ("a commit back", |it| {
            it.git(&["checkout", "--quiet", "-b", "back", "HEAD~1"]);
        }),
        ("the target directory", |it| {
            it.write(
                ".cargo/config.toml",
                "[build]\ntarget-dir = \"elsewhere/target\"\n",
            );
        }),
    ];
    for (what, edit) in edits {
        let ask =
            |more: &[&str]| project.xtask(&[&["affected", "--format", "json"], more].concat());
        // The kit does not cache a file that changed a moment ago, because the file may change
        // again without a new time.
        sleep(Duration::from_millis(100));
        ask(&[]).done();
        edit(&project);
        let (kept, uncached) = (ask(&[]).done(), ask(&["--no-cache"]).done());
        assert_eq!(kept, uncached, "{what}");
        assert_eq!(ask(&[]).done(), uncached, "{what}, asked again");
    }
    let state = project.path("target/xtask");
    let kept: Vec<_> = tree::files(&state).into_iter().collect();
    assert!(
        kept.iter().any(|name| name.starts_with("workspace-")),
        "{kept:?}"
    );

    // A damaged cache file counts as missing.
    for name in kept {
        fs::write(state.join(name), "xtask-kit").unwrap();
    }
    project.remove(".cargo/config.toml");
    let answer = |more: &[&str]| project.xtask(&[&["affected", "--format", "json"], more].concat());
    assert_eq!(answer(&[]).done(), answer(&["--no-cache"]).done());
}

#[test]
fn a_changed_link_is_noticed() {
    let project = Project::with_libraries(&[("base", &[])]);
    for version in ["v1", "v2"] {
        project.write(format!("{version}/table.csv"), version);
    }
    let link = project.path("crates/base/data");
    if tree::symlink("../../v1", &link).is_err() {
        // This platform or this user cannot make links.
        return;
    }
    let text = "pub const TABLE: &str = include_str!(\"../data/table.csv\");\n";
    project.append("crates/base/src/lib.rs", text);
    project.commit("Read a table");
    let ask = || {
        sleep(Duration::from_millis(100));
        project
            .xtask(&["affected", "--rebuilt", "--format", "names"])
            .done()
    };
    let build = || project.build(&["check", "--workspace"]).unwrap();
    build();
    assert_eq!(ask(), "");
    fs::remove_file(&link).unwrap();
    tree::symlink("../../v2", &link).unwrap();
    project.commit("Read another");
    build();
    assert_eq!(ask(), "");
    project.append("v2/table.csv", "more");
    assert_eq!(ask(), "base\n");
}

#[test]
#[cfg(target_os = "linux")]
fn the_cache_directory_is_used_until_there_is_a_target_directory() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project.append("crates/base/src/lib.rs", "// Edited.\n");
    let home = project.beside("../home");
    let kept = || {
        let directory = home.join(".cache/xtask-kit");
        match directory.is_dir() {
            true => tree::files(&directory),
            false => Vec::new(),
        }
    };
    let places = |files: &[String]| -> BTreeSet<String> {
        let places = files.iter().filter_map(|it| it.split_once("/workspace-"));
        places.map(|(place, _)| place.to_owned()).collect()
    };
    let ask = ["affected", "--format", "names"];
    let answer = "base\ntop\n";
    sleep(Duration::from_millis(100));

    // First without a home directory, then with a cache directory that cannot be used.
    let mut kit = project.kit(&ask);
    kit.env_remove("HOME");
    assert_eq!(project.finish(&mut kit).done(), answer);
    let mut kit = project.kit(&ask);
    kit.env("XDG_CACHE_HOME", "/proc/self/none");
    assert_eq!(project.finish(&mut kit).done(), answer);
    assert_eq!(kept(), [""; 0]);

    // The second answer caches its seeds, and the third answer uses them.
    assert_eq!(project.xtask(&ask).done(), answer);
    assert_eq!(project.xtask(&ask).done(), answer);
    let first = kept();
    assert_eq!(places(&first).len(), 1, "{first:?}");
    let is_of_seeds = |name: &String| name.contains("/seeds-");
    assert!(first.iter().any(is_of_seeds), "{first:?}");
    assert_eq!(project.xtask(&ask).done(), answer);
    assert_eq!(kept(), first);
    assert!(!project.path("target").exists());

    let other = project.beside("other");
    fs::create_dir(&other).unwrap();
    tree::copy(project.root(), &other, &|_| true);
    sleep(Duration::from_millis(100));
    let mut kit = project.kit(&ask);
    kit.current_dir(&other);
    assert_eq!(project.finish(&mut kit).done(), answer);
    assert_eq!(places(&kept()).len(), 2);

    project.cargo(&["check", "--package", "base"]);
    assert_eq!(project.xtask(&ask).done(), answer);
    let in_target = tree::files(&project.path("target/xtask"));
    let is_workspace = |name: &String| name.starts_with("workspace-");
    assert!(in_target.iter().any(is_workspace), "{in_target:?}");
}
