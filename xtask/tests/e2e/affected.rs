//! `affected`: the units that a change makes cargo rebuild, and the reasons.

use std::collections::BTreeSet;

use expect_test::expect;

use crate::support::clean::{CHECK, host};
use crate::support::sample::TEST;
use crate::support::{Project, manifest};

#[test]
fn an_edit_of_the_sample_is_shown_with_its_reasons() {
    let (sample, _) = Project::sample_with_dependencies();
    sample.build(CHECK).unwrap();
    sample.append("crates/fares/tariff.toml", "# Prices of the new year.\n");
    sample.append("crates/timetable/tests/days.rs", "// One more day.\n");
    sample.append("crates/delays/fixtures/morning.json", "\n");
    sample.xtask(&["affected"]).is(expect![[r#"
        delays
          rerun    lib test, test feed
                   ← crates/delays/fixtures/morning.json: its tests may read this file as they run
        fares
          rebuilt  build script run
                   ← crates/fares/tariff.toml: its build script names no input, so it watches the package
          rebuilt  lib, lib test, test it
                   ← fares build script run ← crates/fares/tariff.toml: its build script names no input, so it watches the package
        timetable
          rebuilt  test days
                   ← crates/timetable/tests/days.rs: it is compiled from this file
        rail-cli
          rebuilt  lib, lib test, bin rail, bin rail test, bin rail-board, bin rail-board test, bin rail-check, bin rail-check test, test days, test it
                   ← fares lib ← fares build script run ← crates/fares/tariff.toml: its build script names no input, so it watches the package
        --- stderr
            Affected 17 units of 4 packages: 15 rebuilt, 2 rerun (cargo check --workspace --all-targets)
    "#]]);
    let names = sample.xtask(&["affected", "--format", "names"]);
    names.is(expect![[r#"
        delays
        fares
        rail-cli
        timetable
    "#]]);
    let arguments = sample.xtask(&["affected", "--format", "cargo-args", "--rebuilt"]);
    arguments.is(expect![[r#"
        -p fares -p rail-cli -p timetable
    "#]]);

    let binaries = sample.xtask(&["affected", "--format", "names", "--kind", "bin"]);
    binaries.is(expect![[r#"
        rail
        rail-board
        rail-check
    "#]]);

    let named = sample.named(&[]);
    assert_eq!(named, sample.build(CHECK).unwrap());
}

/// A build from nothing compiles exactly the units of the kit's unit graph.
#[test]
fn all_units_are_those_that_cargo_builds_from_nothing() {
    let (sample, builds) = Project::sample_with_dependencies();
    sample.remove("target");
    for (verb, built) in [("check", builds.checked), ("test", builds.tested)] {
        let named = sample.named(&["--all", "--verb", verb]);
        assert_eq!(named, built, "{verb}");
    }
}

#[test]
fn a_branch_is_compared_with_its_merge_base() {
    let project =
        Project::with_libraries(&[("base", &[]), ("middle", &["base"]), ("top", &["middle"])]);
    project.git(&["checkout", "--quiet", "-b", "topic"]);
    project.write("crates/middle/src/lib.rs", "pub fn middle() {}\n");
    project.commit("Give the middle a function");
    project.write("crates/top/README.md", "# Top\n");
    project.commit("Document the top");
    project.git(&["checkout", "--quiet", "main"]);
    project.write("crates/base/src/lib.rs", "pub fn base() {}\n");
    project.commit("Give the base a function");
    project.git(&["checkout", "--quiet", "topic"]);

    project.xtask(&["affected"]).is(expect![[r#"
        middle
          rebuilt  lib, lib test
                   ← crates/middle/src/lib.rs: it is compiled from this file
        top
          rebuilt  lib, lib test
                   ← middle lib ← crates/middle/src/lib.rs: it is compiled from this file
        --- stderr
            Affected 4 units of 2 packages: 4 rebuilt, 0 rerun (cargo check --workspace --all-targets)
    "#]]);
    project
        .xtask(&["affected", "--since", "HEAD~1"])
        .is(expect![[r#"
            --- stderr
            note: nothing is affected (the work tree since HEAD~1)
        "#]]);
    project
        .xtask(&["affected", "--since", "HEAD", "--head", "main"])
        .is(expect![[r#"
            base
              rebuilt  lib, lib test
                       ← crates/base/src/lib.rs: it is compiled from this file
            middle
              rebuilt  lib, lib test
                       ← crates/middle/src/lib.rs: it is compiled from this file
            top
              rebuilt  lib, lib test
                       ← middle lib ← crates/middle/src/lib.rs: it is compiled from this file
            --- stderr
            note: the newer side is not checked out, so packages and sources are read from the work tree; check it out for an exact answer
                Affected 6 units of 3 packages: 6 rebuilt, 0 rerun (cargo check --workspace --all-targets)
        "#]]);
}

#[test]
fn only_staged_changes_count_with_staged() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project.write("crates/top/src/lib.rs", "// Staged.\n");
    project.git(&["add", "--all"]);
    project.write("crates/base/src/lib.rs", "// Not staged.\n");
    project.xtask(&["affected", "--staged"]).is(expect![[r#"
        top
          rebuilt  lib, lib test
                   ← crates/top/src/lib.rs: it is compiled from this file
        --- stderr
            Affected 2 units of 1 package: 2 rebuilt, 0 rerun (cargo check --workspace --all-targets)
    "#]]);
}

#[test]
fn without_a_change_nothing_is_affected() {
    let project = Project::with_libraries(&[("base", &[])]);
    project.xtask(&["affected"]).is(expect![[r#"
        --- stderr
        note: nothing is affected (the work tree since the merge base with main)
    "#]]);
    project
        .xtask(&["affected", "--format", "names"])
        .is(expect![[r#"
            --- stderr
            note: nothing is affected (the work tree since the merge base with main)
        "#]]);
}

#[test]
fn the_answer_is_the_same_from_every_directory() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project.write("crates/base/src/lib.rs", "// Changed.\n");
    let from_the_root = project.xtask(&["affected"]).to_string();
    assert_eq!(
        project
            .xtask_in("crates/top/src", &["affected"])
            .to_string(),
        from_the_root
    );

    let manifest = project.path("crates/top/Cargo.toml");
    let mut far = project.kit(&["affected", "--manifest-path", manifest.to_str().unwrap()]);
    far.current_dir(project.beside(""));
    assert_eq!(project.finish(&mut far).to_string(), from_the_root);
}

#[test]
fn named_files_are_relative_to_the_current_directory() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    let output = project.xtask_in("crates/top", &["affected", "--file", "src/lib.rs"]);
    output.is(expect![[r#"
        top
          rebuilt  lib, lib test
                   ← crates/top/src/lib.rs: it is compiled from this file
        --- stderr
            Affected 2 units of 1 package: 2 rebuilt, 0 rerun (cargo check --workspace --all-targets)
    "#]]);
}

/// If a build script names no input, cargo compares only the newest file of the package.
#[test]
fn a_deleted_file_counts_only_if_it_was_the_newest() {
    let project = Project::with_libraries(&[("rail", &[]), ("points", &["rail"])]);
    project.write("crates/rail/build.rs", "fn main() {}\n");
    project.write("crates/rail/data/old.txt", "");
    project.write("crates/rail/data/older.txt", "");
    project.write("crates/rail/src/lib.rs", "");
    project.commit("Lay rails");
    std::thread::sleep(std::time::Duration::from_millis(20));
    project.write("crates/rail/data/new.txt", "");
    project.commit("Lay the last one");
    let went = |path: &str, units: usize| {
        project.build(CHECK).unwrap();
        project.remove(path);
        let answer = project.named(&[]);
        assert_eq!(answer, project.build(CHECK).unwrap(), "{path}");
        assert_eq!(answer.len(), units, "{answer:?}");
        project.commit("Less");
    };
    went("crates/rail/data/old.txt", 0);
    // Touching a file is no change for git, but the file is newer than the record.
    project.build(CHECK).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    project.write("crates/rail/data/new.txt", "");
    project.remove("crates/rail/data/older.txt");
    let answer = project.named(&[]);
    assert_eq!(answer, project.build(CHECK).unwrap());
    assert_eq!(answer.len(), 5, "{answer:?}");
    project.commit("Less, and newer");
    went("crates/rail/data/new.txt", 5);
}

/// A submodule that is checked out is compared file by file.
#[test]
fn a_submodule_is_compared_file_by_file() {
    let tables = Project::empty().file("stops.csv", "").file("notes.txt", "");
    tables.git(&["init", "--quiet", "--initial-branch", "main"]);
    tables.commit("Count the stops");
    let project = Project::with_libraries(&[("rail", &[]), ("points", &["rail"])]);
    let url = tables.root().to_str().unwrap();
    let allowed = ["-c", "protocol.file.allow=always", "submodule", "--quiet"];
    project.git(&[&allowed[..], &["add", url, "crates/rail/tables"]].concat());
    let source = "pub const STOPS: &str = include_str!(\"../tables/stops.csv\");\n";
    project.write("crates/rail/src/lib.rs", source);
    project.commit("Read the stops");
    project.build(CHECK).unwrap();
    for (file, units) in [("notes.txt", 0), ("stops.csv", 4)] {
        let inside = |command: &[&str]| {
            project.git(&[&["-C", "crates/rail/tables"], command].concat());
        };
        project.write(format!("crates/rail/tables/{file}"), "more\n");
        assert_eq!(project.named(&["--since", "HEAD"]).len(), units, "{file}");
        inside(&["add", "--all"]);
        inside(&["commit", "--quiet", "--message", "Count more"]);
        project.commit("Take more");
        for head in [&[][..], &["--head", "HEAD"]] {
            let since = [&["--since", "HEAD~1"], head].concat();
            assert_eq!(project.named(&since).len(), units, "{file}");
        }
        assert_eq!(project.build(CHECK).unwrap().len(), units, "{file}");
    }
    // Nothing can be compiled from a submodule that is not checked out.
    project.git(&["submodule", "--quiet", "deinit", "--force", "--all"]);
    project.git(&[
        "update-index",
        "--cacheinfo",
        &format!("160000,{},crates/rail/tables", "1".repeat(40)),
    ]);
    assert_eq!(
        project.named(&["--since", "HEAD", "--no-records"]),
        [].into()
    );
}

/// Cargo ignores a dependency without a library, and its metadata does not contain the dependency.
#[test]
fn dependents_of_a_deleted_library_are_rebuilt() {
    let project = Project::with_libraries(&[("rail", &[]), ("points", &["rail"]), ("far", &[])]);
    for library in ["rail", "points", "far"] {
        project.write(format!("crates/{library}/src/lib.rs"), "");
    }
    project.write("crates/rail/tests/it.rs", "");
    project.commit("Lay rails");
    project.build(CHECK).unwrap();
    project.remove("crates/rail/src/lib.rs");
    let answer = project.named(&[]);
    assert_eq!(answer, project.build(CHECK).unwrap());
    assert_eq!(answer.len(), 3, "{answer:?}");
}

/// Only the code of a library can print lines for another package's build script. Its own script
/// and its tests cannot.
#[test]
fn a_script_may_print_lines_of_its_libraries() {
    let print = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }\n";
    let library = "pub fn watch() { println!(\"cargo::rerun-if-changed=notes.txt\"); }\n";
    for (file, text, runs) in [
        ("build.rs", print, 0),
        ("tests/it.rs", print, 0),
        ("src/lib.rs", library, 1),
    ] {
        let project = Project::with_libraries(&[("probe", &[]), ("rail", &[])]);
        let on_probe = "\n[build-dependencies]\nprobe = { path = \"../probe\" }\n";
        project.append("crates/rail/Cargo.toml", on_probe);
        let calls = if runs == 1 { "probe::watch();" } else { "" };
        let script = print.replace("{ p", &format!("{{ {calls} p"));
        project.write("crates/rail/build.rs", &script);
        project.write("crates/rail/notes.txt", "");
        project.write(format!("crates/probe/{file}"), text);
        project.commit("Lay rails");
        project.write("crates/rail/notes.txt", "More.\n");
        let named = project.named(&["--since", "HEAD", "--no-records"]);
        let named = named.iter().filter(|it| it.mode == "run-custom-build");
        assert_eq!(named.count(), runs, "{file}");
    }
}

/// Tests are always built for unwinding, but they depend on the binary, which changes with the
/// profile.
#[test]
fn a_test_is_rebuilt_if_the_profile_of_its_binary_changes() {
    let project = Project::with_libraries(&[("rail", &[])]);
    project.write("crates/rail/src/main.rs", "fn main() {}\n");
    project.write("crates/rail/tests/it.rs", "");
    project.commit("Lay rails");
    project.build(TEST).unwrap();
    project.append("Cargo.toml", "\n[profile.dev]\npanic = \"abort\"\n");
    let named = project.named(&["--since", "HEAD", "--verb", "test"]);
    let named = named.into_iter().filter(|it| it.mode != "doctest");
    let named: BTreeSet<_> = named.collect();
    assert_eq!(named, project.build(TEST).unwrap());
    assert!(named.iter().any(|it| it.target == "it"), "{named:?}");
}

/// A `links` override replaces the script. Then neither the script nor its dependencies are built.
#[test]
fn a_script_is_built_if_its_links_override_is_removed() {
    let project = Project::with_libraries(&[("rail", &[]), ("probe", &[])]);
    let manifest = project.read("crates/rail/Cargo.toml");
    let manifest = manifest.replace("[package]\n", "[package]\nlinks = \"rail\"\n")
        + "\n[build-dependencies]\nprobe = { path = \"../probe\" }\n";
    project.write("crates/rail/Cargo.toml", &manifest);
    project.write("crates/rail/build.rs", "fn main() {}\n");
    let stand_in = |flag| format!("[target.{}.rail]\nrustc-cfg = [\"{flag}\"]\n", host());
    project.write(".cargo/config.toml", &stand_in("steam"));
    project.commit("Lay rails");
    project.build(CHECK).unwrap();
    project.write(".cargo/config.toml", &stand_in("diesel"));
    let named = project.named(&["--since", "HEAD"]);
    assert_eq!(named, project.build(CHECK).unwrap());
    project.write(".cargo/config.toml", "");
    let named = project.named(&["--since", "HEAD"]);
    let built = project.build(CHECK).unwrap();
    assert!(built.is_subset(&named), "{built:?} {named:?}");
    assert_eq!(named.len(), 5, "{named:?}");
}

/// Git does not compare files outside the repository. Records of builds, or the other repository,
/// show the changes.
#[test]
fn changes_of_a_dependency_outside_the_repository_are_found() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &[])]);
    let outside = project.beside("ext");
    let source = outside.join("src/lib.rs");
    std::fs::create_dir_all(outside.join("src")).unwrap();
    std::fs::write(outside.join("Cargo.toml"), manifest("ext")).unwrap();
    std::fs::write(&source, "").unwrap();
    project.append(
        "crates/top/Cargo.toml",
        "ext = { path = \"../../../ext\" }\n",
    );
    project.cargo(&["generate-lockfile"]).done();
    project.commit("Depend on ext");
    let names = || project.xtask(&["affected", "--format", "names"]);
    names().is(expect![[r#"
        --- stderr
        note: ext in [BESIDE]/ext lies outside the repository: nothing changed at least: there is no record of a build and no repository to compare with; pass changed files with --file
        note: nothing is affected (the work tree since the merge base with main)
    "#]]);
    for arguments in [
        &["init", "--quiet"][..],
        &["add", "."],
        &["commit", "--quiet", "-m", "x"],
    ] {
        let outside = ["-C", outside.to_str().unwrap()];
        project.git(&[&outside, arguments].concat());
    }
    std::fs::write(&source, "// Edited.\n").unwrap();
    names().is(expect![[r#"
        top
        --- stderr
        note: ext in [BESIDE]/ext lies outside the repository: [COUNT] file changed since the last commit of its own repository, because there is no record of a build
    "#]]);
    project
        .cargo(&["check", "--workspace", "--all-targets"])
        .done();
    names().is(expect![[r#"
        --- stderr
        note: nothing is affected (the work tree since the merge base with main)
    "#]]);
    std::fs::write(&source, "// Edited again.\n").unwrap();
    names().is(expect![[r#"
        top
        --- stderr
        note: ext in [BESIDE]/ext lies outside the repository: [COUNT] file changed since the last build
    "#]]);
    // The repository of the project has no older version of this manifest.
    let bumped = manifest("ext").replace("0.1.0", "0.2.0");
    std::fs::write(outside.join("Cargo.toml"), bumped).unwrap();
    names().is(expect![[r#"
        top
        --- stderr
        note: ext in [BESIDE]/ext lies outside the repository: [COUNT] files changed since the last build
    "#]]);
    // The records of the old version stay beside those of the new one.
    project
        .cargo(&["check", "--workspace", "--all-targets"])
        .done();
    project.commit("Bump ext");
    names().is(expect![[r#"
        --- stderr
        note: nothing is affected (the work tree since the merge base with main)
    "#]]);
    let edited = "// Edited once more.\n";
    std::fs::write(&source, edited).unwrap();
    names().is(expect![[r#"
        top
        --- stderr
        note: ext in [BESIDE]/ext lies outside the repository: [COUNT] file changed since the last build
    "#]]);
    let manifest = outside.join("Cargo.toml");
    let named = ["--file", manifest.to_str().unwrap()];
    let told = project.xtask(&[&["affected", "--format", "names"], &named[..]].concat());
    told.is(expect![[r#"
        top
    "#]]);
}

/// Git shows no changes of ignored files. Records of builds show the changes; without records, the
/// sources name the files.
#[test]
fn changes_of_ignored_files_are_found() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"]), ("local", &[])]);
    project.write(
        ".gitignore",
        "/target\ngen.rs\n*.bin\n*.log\n/crates/local/\nCargo.lock\n",
    );
    project.git(&[
        "rm",
        "--quiet",
        "--cached",
        "-r",
        "crates/local",
        "Cargo.lock",
    ]);
    let lib = "include!(\"gen.rs\");\npub const DATA: &str = include_str!(\"../data.bin\");\n";
    project.write("crates/base/src/lib.rs", lib);
    project.write("crates/base/src/gen.rs", "pub fn one() {}\n");
    project.write("crates/base/data.bin", "1");
    project.commit("Ignore files");
    let names = || project.xtask(&["affected", "--format", "names"]);
    let build = || {
        let all = ["check", "--workspace", "--all-targets"];
        project.cargo(&all).done();
    };
    names().is(expect![[r#"
        base
        local
        top
        --- stderr
        note: git ignores crates/base/data.bin (and 2 more), and there is no record of a build to compare with: counts as changed
    "#]]);
    build();
    project.write("crates/base/notes.log", "Read by nothing.\n");
    project.write("crates/top/src/lib.rs", "");
    names().is(expect![[r#"
        --- stderr
        note: nothing is affected (the work tree since the merge base with main)
    "#]]);
    project.append("crates/base/src/gen.rs", "pub fn two() {}\n");
    names().is(expect![[r#"
        base
        top
        --- stderr
        note: git ignores crates/base/src/gen.rs, newer than a record of a build: counts as changed
    "#]]);
    build();
    std::fs::remove_file(project.path("crates/base/data.bin")).unwrap();
    project.write("crates/local/tests/it.rs", "#[test]\nfn passes() {}\n");
    project.append("Cargo.lock", "# Edited.\n");
    project
        .xtask(&["affected", "--format", "names", "--units"])
        .is(expect![[r#"
            base lib
            base lib test
            local test it
            top lib
            top lib test
            --- stderr
            note: git ignores crates/local/tests/it.rs, newer than a record of a build: counts as changed
            note: git ignores crates/base/data.bin, and it does not exist: counts as changed
            note: git ignores Cargo.lock, newer than the last build: the changes there are unknown and select nothing; in doubt, pass --all
        "#]]);
    project
        .xtask(&["affected", "--format", "names", "--staged"])
        .is(expect![[r#"
            --- stderr
            note: nothing is affected (the index against HEAD)
        "#]]);
}

/// Tests open files of other packages by paths in their own code, or by paths that a library
/// returns. A configured rule adds what no code shows.
#[test]
#[cfg(unix)]
fn tests_that_open_a_file_of_another_package_run_again() {
    let names = [
        "data", "by_path", "by_root", "by_kit", "by_link", "in_docs", "apart",
    ];
    let mut libraries: Vec<(&str, &[&str])> = names.iter().map(|name| (*name, &[][..])).collect();
    libraries.push(("kit", &[]));
    let project = Project::with_libraries(&libraries);
    project.append(
        "crates/by_kit/Cargo.toml",
        "\n[dev-dependencies]\nkit = { path = \"../kit\" }\n",
    );
    project.write(
        "crates/kit/src/lib.rs",
        "use std::path::{Path, PathBuf};\n\
         pub fn fixture(name: &str) -> PathBuf {\n    \
         Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"fixtures\").join(name)\n}\n",
    );
    project.write("crates/kit/fixtures/a.json", "1\n");
    project.write("crates/data/rows/x.json", "1\n");
    project.write(
        "crates/by_path/tests/it.rs",
        "#[test]\nfn t() { std::fs::read(\"../data/rows/x.json\").unwrap(); }\n",
    );
    project.write(
        "crates/by_root/tests/it.rs",
        "fn root() -> &'static std::path::Path {\n    \
         std::path::Path::new(env!(\"CARGO_MANIFEST_DIR\")).parent().unwrap()\n}\n\
         #[test]\nfn t() { std::fs::read_dir(root().join(\"data/rows\")).unwrap(); }\n",
    );
    project.write(
        "crates/in_docs/src/lib.rs",
        "/// ```\n/// std::fs::read(\"../data/rows/x.json\").unwrap();\n/// ```\npub fn f() {}\n",
    );
    project.write(
        "crates/apart/tests/it.rs",
        "#[test]\nfn t() { println!(\"rows/x.json data {}\", env!(\"CARGO_MANIFEST_DIR\")); }\n",
    );
    project.append(
        "Cargo.toml",
        "\n[[workspace.metadata.xtask.rules]]\nfiles = [\"crates/kit/**\"]\n\
         affects = [\"apart\"]\nrerun = true\n",
    );
    std::os::unix::fs::symlink("../data/rows", project.path("crates/by_link/rows")).unwrap();
    project.cargo(&["metadata", "--format-version", "1"]).done();
    project.commit("Open files of other packages");

    let mut told = String::new();
    for file in [
        "crates/data/rows/x.json",
        "crates/data/src/lib.rs",
        "crates/data/Cargo.toml",
        "crates/kit/fixtures/a.json",
        "crates/kit/src/lib.rs",
    ] {
        let before = project.read(file);
        let comment = if file.ends_with(".rs") {
            "// Edited.\n"
        } else {
            "# Edited.\n"
        };
        project.append(file, comment);
        let names = project.xtask(&["affected", "--verb", "test", "--format", "names"]);
        let names = names.done();
        let names: Vec<&str> = names.lines().collect();
        told += &format!("{file}: {names:?}\n");
        project.write(file, &before);
    }
    expect![[r#"
        crates/data/rows/x.json: ["by_link", "by_path", "by_root", "data", "in_docs"]
        crates/data/src/lib.rs: ["data"]
        crates/data/Cargo.toml: []
        crates/kit/fixtures/a.json: ["apart", "by_kit", "kit"]
        crates/kit/src/lib.rs: ["apart", "by_kit", "kit"]
    "#]]
    .assert_eq(&told);
}
