//! The order of removal: garbage first, then units by their last use.

use std::process::Command;

use super::{KEPT, program, removed};
use crate::support::Project;
use crate::support::clean::SECOND_LAYOUT;

const BUILD: &[&str] = &["build", "--workspace"];

/// Builds three variants, uses the oldest one again, and checks that the variant that was not used
/// for the longest time is removed.
#[test]
fn units_are_removed_by_last_use() {
    let project = Project::with_libraries(&[("base", &[])]);
    project.build_with_flags("-C debuginfo=0", BUILD);
    let oldest = project.fingerprints();
    project.build_with_flags("-C debuginfo=1", BUILD);
    let middle: Vec<_> = project.fingerprints();
    let middle: Vec<_> = middle.iter().filter(|it| !oldest.contains(it)).collect();
    project.build_all(&[BUILD]);
    project.xtask(&["sweep", "arm"]).done();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    project.build_with_flags("-C debuginfo=0", BUILD);

    let size = project.sweep(&["--dry-run"])["before"].as_u64().unwrap();
    let limit = (size - 1).to_string();
    let keep = ["--keep-command", "check -p base"];
    let report = project.sweep(&[&["--max-size", &limit], &keep[..]].concat());
    assert_eq!(removed(&report, "last-use"), 1, "{report:#}");
    assert!(!middle[0].exists());
    assert!(oldest[0].exists());
    project.all_fresh(&[BUILD]);
}

/// Reads everything, as for an archive: the times of the builds decide, and the report says so.
#[test]
fn an_archive_is_no_use() {
    let project = Project::with_libraries(&[("base", &[])]);
    project.build_all(&[BUILD]);
    project.xtask(&["sweep", "arm"]).done();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let archive = project.beside("archive.tar");
    project
        .run(Command::new("tar").arg("cf").arg(archive).arg("target"))
        .done();
    let report = project.sweep(&["--dry-run"]);
    assert_eq!(report["directories"][0]["last_use"], "archived");
    // A build after the archive is a use again.
    project.xtask(&["sweep", "arm"]).done();
    project.build_all(&[BUILD]);
    let report = project.sweep(&["--dry-run"]);
    assert_eq!(report["directories"][0]["last_use"], "access-times");
}

/// Mounts a file system that does not keep access times as the target directory. The mount is seen
/// by the programs of the test alone.
#[cfg(target_os = "linux")]
#[test]
fn builds_count_where_access_times_are_not_kept() {
    let project = Project::with_libraries(&[("base", &[])]);
    project.build_all(&[BUILD]);
    let kit = project.kit(&["sweep", "--dry-run", "--json"]);
    let sweep_on = |options: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        command.arg(format!(
            "cp -a target ../copy && mount -t tmpfs -o {options} none target && \
             cp -a ../copy/. target && rm -r ../copy && exec \"$@\""
        ));
        command
            .arg("sh")
            .arg(kit.get_program())
            .args(kit.get_args());
        project.isolated(&mut command);
        command.output()
    };
    // The copy reads the files, and only the second sweep may see these accesses.
    for (options, evidence) in [("relatime", "access-times"), ("noatime", "builds")] {
        let output = match sweep_on(options) {
            Ok(output) if output.status.success() => output,
            failed => {
                println!("skipped: no file system can be mounted: {failed:?}");
                return;
            }
        };
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["directories"][0]["last_use"], evidence, "{report:#}");
        let said = String::from_utf8_lossy(&output.stderr);
        let is_said = said.contains("does not keep access times");
        assert_eq!(is_said, options == "noatime", "{said}");
    }
}

/// Checks that answers and sweeps do not count as a use.
#[test]
fn the_kits_own_reads_are_no_use() {
    let project = program();
    project.build_all(&KEPT[..1]);
    project.xtask(&["sweep", "arm"]).done();
    let accessed = || {
        let directories = project.fingerprints().into_iter();
        let files = directories.flat_map(|it| std::fs::read_dir(it).unwrap());
        let times = files.map(|it| {
            let it = it.unwrap();
            (it.path(), it.metadata().unwrap().accessed().unwrap())
        });
        times.collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = accessed();
    project
        .xtask(&["affected", "--assume-changed", "base"])
        .done();
    project
        .xtask(&[
            "clean-affected",
            "--assume-changed",
            "base",
            "--orphans",
            "--dry-run",
        ])
        .done();
    project.sweep(&["--max-size", "0", "--dry-run"]);
    assert_eq!(accessed(), before);
}

/// Counts only a toolchain that does not exist as installed.
#[test]
fn units_of_gone_toolchains_are_removed_first() {
    let project = program();
    project.build_all(&[BUILD, &["build", "--release"]]);
    let report = project.sweep(&[
        "--toolchain",
        "1.2.3",
        "--keep-command",
        "build --workspace",
    ]);
    assert!(removed(&report, "gone-toolchain") > 0, "{report:#}");
    let reasons = report["by_reason"].as_object().unwrap();
    assert_eq!(reasons.keys().collect::<Vec<_>>(), ["gone-toolchain"]);
    project.all_fresh(&[BUILD]);
    assert!(!project.path("target/release/app").exists());
    let installed = Command::new("rustc").arg("--version").output().unwrap();
    let installed = String::from_utf8(installed.stdout).unwrap();
    let version = installed.split_whitespace().nth(1).unwrap();
    let report = project.sweep(&["--toolchain", version]);
    assert_eq!(report["removed"], 0);
}

/// Removes a package, a fingerprint and a crate's last unit, and checks that their remains are
/// removed without any limit.
#[test]
fn garbage_is_removed_without_a_limit() {
    let project = Project::without_members();
    for (name, dependencies) in [("base", &[][..]), ("top", &["base"]), ("gone", &[])] {
        project.library(name, dependencies);
    }
    project.write("crates/gone/src/lib.rs", "pub fn f() {}\n");
    let project = project.in_git();
    project.build_all(&[BUILD]);
    project.remove("crates/gone");
    project.cargo(&["metadata", "--format-version", "1"]).done();
    let base = project.fingerprints();
    let top = base
        .iter()
        .find(|it| it.to_string_lossy().contains("/top-"))
        .unwrap();
    std::fs::remove_dir_all(top).unwrap();
    let report = project.sweep(&["--keep-command", "build -p base"]);
    assert_eq!(removed(&report, "orphan"), 1, "{report:#}");
    assert_eq!(removed(&report, "without-fingerprint"), 1, "{report:#}");
    assert_eq!(removed(&report, "last-use"), 0);
    assert!(removed(&report, "incremental") > 0, "{report:#}");
    assert!(!project.path("target/debug/libgone.rlib").exists());
    project.all_fresh(&[&["build", "-p", "base"]]);
    // What was used lately is kept.
    let report = project.sweep(&[
        "--max-size",
        "0",
        "--max-age",
        "1d",
        "--keep-command",
        "check",
    ]);
    assert_eq!(report["removed"], 0);
    assert!(report["missing"].as_u64().unwrap() > 0);
}

/// Builds in the first layout and then in the second one.
#[test]
fn the_former_layout_is_removed() {
    let project = program();
    project.build_all(&KEPT[..1]);
    project.write(".cargo/config.toml", SECOND_LAYOUT);
    project.build_all(&KEPT[..1]);
    let report = project.sweep(&["--keep-command", "build --workspace"]);
    assert!(removed(&report, "former-layout") > 3, "{report:#}");
    assert_eq!(removed(&report, "last-use"), 0);
    project.all_fresh(&KEPT[..1]);
    let left = project.fingerprints();
    assert!(
        left.iter().all(|it| it.ends_with("fingerprint")),
        "{left:?}"
    );
}
