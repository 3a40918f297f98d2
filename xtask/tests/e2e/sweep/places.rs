//! The directories that are swept: split, linked, several, below a directory; and cargo's locks.

use std::fs::File;

use super::{KEPT, fingerprints_below, program};
use crate::support::tree;

const ASKED: [&str; 4] = ["--max-size", "0", "--keep-command", "build --workspace"];

#[test]
fn split_and_linked_directories_are_swept() {
    let project = program();
    let disk = project.beside("disk");
    std::fs::create_dir_all(&disk).unwrap();
    tree::symlink(&disk, project.path("target")).unwrap();
    project.write(
        ".cargo/config.toml",
        "[build]\nbuild-dir = \"target/inner\"\n",
    );
    project.build_all(&KEPT[..1]);
    let needed = fingerprints_below(&disk);
    assert!(!needed.is_empty());
    project
        .build(&["build", "--workspace", "--release"])
        .unwrap();
    let report = project.sweep(&ASKED);
    assert!(report["removed"].as_u64().unwrap() > 0);
    assert_eq!(fingerprints_below(&disk), needed);
    project.all_fresh(&KEPT[..1]);
    assert!(!project.path("target/release/app").exists());
    assert!(project.path("target/debug/app").exists());
}

/// Writes fail, as on a full disk: artifacts are removed, and the access times of the file system
/// still count.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_swept() {
    let project = program();
    project.build_all(&KEPT[..1]);
    let asked = [
        "--max-size",
        "0",
        "--keep-command",
        "check --target-dir elsewhere",
    ];
    let before = project.sweep_output(&[&asked[..], &["--dry-run"]].concat());
    assert!(before.stdout.contains("would remove"), "{before}");
    let kit = project.kit(&[&["sweep"], &asked[..]].concat());
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]);
    shell.arg(kit.get_program()).args(kit.get_args());
    let after = project.run(&mut shell);
    assert_eq!(after.status, 0, "{after}");
    assert!(!project.path("target/debug/app").exists());
    let says = |it: &str| it.contains("does not keep access times");
    assert_eq!(says(&after.stderr), says(&before.stderr), "{after}");
}

#[test]
fn other_target_directories_are_swept_when_asked() {
    let project = program();
    project.build_all(&[KEPT[0], &["build", "--target-dir", "target/editor"]]);
    let report = project.sweep(&ASKED);
    assert_eq!(report["others"].as_array().unwrap().len(), 1);
    let editor = project.path("target/editor");
    assert!(!fingerprints_below(&editor).is_empty());
    let report = project.sweep(&[&ASKED[..], &["--all-target-dirs"]].concat());
    assert_eq!(report["directories"].as_array().unwrap().len(), 2);
    assert!(fingerprints_below(&editor).is_empty());
    project.all_fresh(&KEPT[..1]);
}

#[test]
fn every_workspace_below_a_directory_is_swept() {
    let project = program();
    project.write(
        "other/Cargo.toml",
        "[package]\nname = \"other\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
         metadata.xtask.sweep = { max-size = \"0\", keep-commands = [\"check --release\"] }\n",
    );
    project.write("other/src/lib.rs", "");
    let manifest: &[&str] = &["build", "--manifest-path", "other/Cargo.toml"];
    project.build_all(&[KEPT[0], manifest]);
    let report = project.sweep(&["--recursive", "."]);
    let workspaces = report["workspaces"].as_array().unwrap();
    let removed: Vec<_> = workspaces
        .iter()
        .map(|it| it["removed"].as_u64() > Some(0))
        .collect();
    assert_eq!(removed, [false, true], "{report:#}");
    project.all_fresh(&KEPT[..1]);
}

#[test]
fn a_running_build_is_not_disturbed() {
    let project = program();
    project.build_all(&[KEPT[0], &["build", "--release"]]);
    let lock = File::open(project.path("target/debug/.cargo-lock")).unwrap();
    lock.lock().unwrap();
    let before = project.artifacts();
    let output = project.sweep_output(&[&ASKED[..], &["--no-wait"]].concat());
    assert_eq!(output.status, 3, "{output}");
    assert!(output.stderr.contains("a build is running"), "{output}");
    assert_eq!(project.artifacts(), before);
    drop(lock);
    project.sweep(&ASKED);
    assert!(!project.path("target/release/app").exists());
}

/// Says nothing under `--quiet`, except that the limit does not hold.
#[test]
fn a_quiet_sweep_prints_warnings_only() {
    let project = program();
    project.build_all(&KEPT[..1]);
    let limits = ["--max-size", "1G", "--quiet"];
    assert_eq!(project.sweep_output(&limits).to_string(), "");
    let output = project.sweep_output(&[&ASKED[..], &["--quiet"]].concat());
    assert_eq!(output.stdout, "");
    assert!(output.stderr.starts_with("warning: "), "{output}");
    assert!(output.stderr.contains("more than the limit"), "{output}");
}

/// Sweeps before the first build, and where a file has the name of the directory.
#[test]
fn a_missing_directory_is_empty_and_a_file_is_refused() {
    let project = program();
    let text = project.sweep_output(&[]).done();
    assert!(text.contains("target: nothing was built there\n"), "{text}");
    for path in ["target", "Cargo.toml"] {
        project.write("target", "");
        let output = project.sweep_output(&["--target-dir", path]);
        assert_eq!(output.status, 2, "{path}: {output}");
        let said = "is not a directory, so cargo cannot build there";
        assert!(output.stderr.contains(said), "{output}");
    }
    for (name, value) in [("--max-size", "-5G"), ("--max-age", "-3d")] {
        let output = project.sweep_output(&[name, value]);
        assert_eq!(output.status, 2, "{output}");
        let said = format!("`{value}` is not a ");
        assert!(output.stderr.contains(&said), "{output}");
    }
}

/// Checks out a branch: the hook sweeps with the configured limit, and a wrong setting does not
/// fail the checkout.
#[test]
fn the_hook_after_a_checkout_sweeps() {
    let project = program();
    project.append(
        "Cargo.toml",
        "[workspace.metadata.xtask]\nhooks.post-checkout.steps = [\"sweep\"]\n\
         sweep = { max-size = \"0\", keep-commands = [\"build --workspace\"] }\n",
    );
    project.commit("Sweep");
    project.build_all(&[KEPT[0], &["build", "--release"]]);
    let hook = ["hooks", "run", "post-checkout"];
    let planned = project.xtask(&[&hook[..], &["--dry-run"]].concat()).done();
    assert!(planned.contains("xtask sweep --quiet"), "{planned}");
    let run = |branch: &str| project.xtask(&[&hook[..], &["--", "HEAD", "HEAD", branch]].concat());
    run("0").done();
    assert!(project.path("target/release/app").exists());
    run("1").done();
    assert!(!project.path("target/release/app").exists());
    project.all_fresh(&KEPT[..1]);
    project.replace("Cargo.toml", "max-size = \"0\"", "max-size = \"0X\"");
    let output = run("1");
    assert_eq!(output.status, 0, "{output}");
    assert!(
        output.stderr.contains("post-checkout: sweep failed"),
        "{output}"
    );
}
