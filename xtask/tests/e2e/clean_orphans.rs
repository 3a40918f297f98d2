//! `clean-affected --orphans`: removes artifacts of packages and targets that the workspace no
//! longer has, if that is certain.

use expect_test::expect;

use crate::support::Project;
use crate::support::clean::CHECK;

const ORPHANS: &[&str] = &["clean-affected", "--orphans", "--since", "HEAD"];

fn railway() -> Project {
    let project = Project::with_libraries(&[("track", &[]), ("signal", &["track"]), ("old", &[])]);
    project.write(".cargo/config.toml", "[profile.dev]\nincremental = false\n");
    project.append("crates/old/Cargo.toml", "strsim = \"0.11\"\n");
    project.write("crates/old/build.rs", "fn main() {}\n");
    project.write("crates/old/src/lib.rs", "pub fn old() {}\n");
    project.write("crates/old/tests/it.rs", "#[test]\nfn it() {}\n");
    project.write("crates/track/src/lib.rs", "pub fn track() {}\n");
    project.write("crates/track/tests/it.rs", "#[test]\nfn it() {}\n");
    project.write("crates/track/tests/once.rs", "#[test]\nfn it() {}\n");
    project.cargo(&["metadata", "--format-version", "1"]).done();
    project.commit("Lay tracks");
    project
}

#[test]
fn orphans_of_packages_targets_and_versions_are_removed() {
    let project = railway();
    let build = ["build", "--workspace", "--all-targets"];
    project.build(&build).unwrap();
    project.cargo(&["doc", "--quiet", "--workspace"]).done();
    project.remove("crates/old");
    project.remove("crates/track/tests/once.rs");
    project.cargo(&["metadata", "--format-version", "1"]).done();
    project.commit("Drop what is old");
    let orphans = [ORPHANS, &["--doc"]].concat();
    project.clean_as_planned(&orphans[1..]);
    let is_orphans = |path: &std::path::PathBuf| {
        let path = path.to_str().unwrap();
        ["old", "once", "strsim"].iter().any(|it| path.contains(it))
            && !path.contains("static.files")
    };
    let left = project.artifacts();
    let left: Vec<_> = left.iter().filter(|path| is_orphans(path)).collect();
    assert_eq!(left, Vec::<&std::path::PathBuf>::new());
    assert!(project.build(&build).unwrap().is_empty());
    project.xtask(ORPHANS).is(expect![[r#"
        --- stderr
        note: nothing is affected (the work tree since HEAD)
        note: no orphans to remove in [ROOT]/target
    "#]]);
}

/// A package that is gone is an orphan, even if a stale lock file names it. Other packages in the
/// lock file may still be needed.
#[test]
fn a_deleted_package_is_an_orphan_despite_a_stale_lock_file() {
    let project = railway();
    project.build(CHECK).unwrap();
    project.remove("crates/old");
    project.xtask(ORPHANS).is(expect![[r#"
        in [ROOT]/target/debug
          old: [COUNT] files, [SIZE] ← the workspace no longer has the package old
            build script, build script run, lib, lib test, test it
        total: [COUNT] files, [SIZE]
        --- stderr
        note: nothing is affected (the work tree since HEAD)
    "#]]);
}

/// Artifacts of another workspace are no orphans, and neither are packages that the other workspace
/// may use.
#[test]
fn artifacts_of_another_workspace_are_no_orphans() {
    let project = railway();
    project.build(CHECK).unwrap();
    let other = railway();
    let shared = format!("[build]\ntarget-dir = {:?}\n", project.path("target"));
    other.append(".cargo/config.toml", &shared);
    other.rename("crates/signal", "crates/semaphore");
    other.replace("crates/semaphore/Cargo.toml", "\"signal\"", "\"semaphore\"");
    other.write("crates/semaphore/src/lib.rs", "pub fn semaphore() {}\n");
    other.build(CHECK).unwrap();
    project.remove("crates/old");
    project.remove("crates/track/tests/once.rs");
    project.cargo(&["metadata", "--format-version", "1"]).done();
    project.commit("Drop what is old");
    let orphans = [ORPHANS, &["--no-records"]].concat();
    assert_eq!(project.xtask(&orphans).status, 2);
    let orphans = [&orphans[..], &["--allow-shared"]].concat();
    project.xtask(&orphans).is(expect![[r#"
        in [ROOT]/target/debug
          old: kept, because no artifact records that it was compiled here ← the workspace no longer has the package old
            build script, build script run, lib, lib test, test it
          semaphore: kept, because no artifact records that it was compiled here ← the workspace no longer has the package semaphore
            lib, lib test
          strsim: kept, because another workspace may build here: see the artifacts of track ← Cargo.lock no longer names strsim (strsim-0.11.1)
            lib
          track: kept, because no artifact records that it was compiled here ← track no longer has the target once
            test once
        --- stderr
        note: nothing is affected (the work tree since HEAD)
        note: no orphans to remove in [ROOT]/target
    "#]]);
}

/// Cargo records the path as the manifest writes it; the compiler records the normalized path.
#[test]
fn a_target_outside_its_package_is_no_orphan() {
    let project = Project::with_libraries(&[("track", &[]), ("signal", &["track"])]);
    project.append(
        "crates/track/Cargo.toml",
        "[lib]\npath = \"../../beside/track.rs\"\n",
    );
    project.write("beside/track.rs", "pub fn track() {}\n");
    project.remove("crates/track/src");
    project.commit("Lay tracks elsewhere");
    project.build(CHECK).unwrap();
    project.xtask(ORPHANS).is(expect![[r#"
        --- stderr
        note: nothing is affected (the work tree since HEAD)
        note: no orphans to remove in [ROOT]/target
    "#]]);
    project.clean_as_planned(&["--assume-changed", "track"]);
    let left = project.artifacts();
    let is_tracks = |path: &&std::path::PathBuf| path.to_string_lossy().contains("track");
    assert_eq!(left.iter().find(is_tracks), None);
}
