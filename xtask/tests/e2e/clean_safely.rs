//! `clean-affected` if something is in its way: a build, a link, or a directory that is not
//! cargo's.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use expect_test::expect;

use crate::support::clean::{CHECK, MIDDLE, middle};
use crate::support::{Project, tree};

#[test]
fn the_clean_waits_for_a_running_build() {
    let project = Project::checked_chain();
    let lock = File::open(project.path("target/debug/.cargo-lock")).unwrap();
    lock.lock().unwrap();
    let before = project.artifacts();
    project.xtask(&middle(&["--no-wait"])).is(expect![[r#"
        --- stderr
        error: a build is running in [ROOT]/target/debug
        hint: try again when it has finished, or leave out --no-wait
        --- exit status 3
    "#]]);
    let mut kit = project.kit(MIDDLE);
    let mut waiting = kit
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(waiting.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.contains("waiting for the build in"), "{line}");
    assert_eq!(project.artifacts(), before);
    // Changes during the wait count. Here, another process removes the files that say whose
    // artifacts these are.
    project.remove("target/debug/.fingerprint");
    lock.unlock().unwrap();
    let output = waiting.wait_with_output().unwrap();
    project.redacted(&output).is(expect![""]);
}

#[test]
fn nothing_is_removed_beyond_a_symbolic_link() {
    let project = Project::checked_chain();
    let outside = project.beside("outside");
    fs::rename(project.path("target/debug/deps"), &outside).unwrap();
    tree::symlink(&outside, project.path("target/debug/deps")).unwrap();
    let before = (project.artifacts(), tree::files(&outside));
    project.xtask(MIDDLE).is(expect![[r#"
        --- stderr
        error: [ROOT]/target/debug/deps/libmiddle-[HASH].rmeta is reached through a symbolic link out of the build directory, so nothing is removed from [ROOT]/target/debug
        --- exit status 3
    "#]]);
    assert_eq!((project.artifacts(), tree::files(&outside)), before);
}

#[test]
fn a_directory_without_cargos_marks_is_not_cleaned() {
    let project = Project::checked_chain();
    project.remove("target/CACHEDIR.TAG");
    project.xtask(&middle(&["--dry-run"])).done();
    for lock in [".cargo-lock", ".cargo-build-lock"] {
        let _ = fs::remove_file(project.path("target/debug").join(lock));
    }
    let before = project.artifacts();
    project.xtask(MIDDLE).is(expect![[r#"
        --- stderr
        error: nothing removed in [ROOT]/target/debug, because cargo may not have made it: there is no lock file of cargo in it, and no CACHEDIR.TAG of cargo in [ROOT]/target
        --- exit status 3
    "#]]);
    assert_eq!(project.artifacts(), before);
}

/// The target directory is a link to an existing directory, or lies on another file system.
#[test]
fn a_target_directory_elsewhere_is_cleaned() {
    let project = Project::chain();
    let elsewhere = project.beside("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    tree::symlink(&elsewhere, project.path("target")).unwrap();
    cleans_in(&project, &elsewhere);
    // The directory lies in memory, if the system has such a file system.
    let scratch = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let configuration = format!("[build]\ntarget-dir = {:?}\n", scratch.path());
    project.append(".cargo/config.toml", &configuration);
    cleans_in(&project, scratch.path());
}

fn cleans_in(project: &Project, directory: &Path) {
    let everything = project.build(CHECK).unwrap();
    let before = tree::files(directory);
    assert!(
        before
            .iter()
            .any(|file| file.starts_with("debug/deps/libmiddle-"))
    );
    project.xtask(MIDDLE).done();
    let mut after = tree::files(directory);
    after.retain(|file| !file.starts_with("xtask/"));
    let is_gone = |file: &&String| ["middle-", "top-"].iter().any(|it| file.contains(it));
    let left: Vec<_> = before
        .iter()
        .filter(|file| !is_gone(file))
        .cloned()
        .collect();
    assert_eq!(after, left);
    let affected = project.named(&MIDDLE[1..]);
    project.builds_again(&affected, &[(CHECK.to_vec(), everything)]);
}

#[test]
fn a_directory_without_write_permission_is_an_error() {
    let project = Project::checked_chain();
    let target = project.path("target/debug");
    let writable = |mode| Permissions::from_mode(mode);
    let lock = target.join(".cargo-lock");
    fs::set_permissions(&lock, writable(0o444)).unwrap();
    let is_superuser = File::options().write(true).open(&lock).is_ok();
    let kit = || match is_superuser {
        false => project.xtask(MIDDLE),
        // In its own user namespace the kit owns the same files, but has no further rights.
        true => project.run(
            Command::new("unshare")
                .args(["--user", env!("CARGO_BIN_EXE_xtask")])
                .args(MIDDLE),
        ),
    };
    if is_superuser
        && !Command::new("unshare")
            .args(["--user", "true"])
            .status()
            .is_ok_and(|it| it.success())
    {
        eprintln!(
            "the superuser may write everything, and nobody else can be had here: not tested"
        );
        return;
    }
    kit().is(expect![[r#"
        --- stderr
        error: cannot open the lock file [ROOT]/target/debug/.cargo-lock: [OS ERROR]
        hint: make the directory writable for this user, or name another target directory with --target-dir
        --- exit status 3
    "#]]);
    fs::set_permissions(&lock, writable(0o644)).unwrap();
    fs::set_permissions(target.join(".fingerprint"), writable(0o555)).unwrap();
    let before = project.artifacts();
    let output = kit();
    fs::set_permissions(target.join(".fingerprint"), writable(0o755)).unwrap();
    assert!(
        output
            .stderr
            .contains("error: cannot remove [ROOT]/target/debug/.fingerprint/")
    );
    assert_eq!(output.status, 3);
    assert!(project.artifacts().is_subset(&before));
    project.build(CHECK).unwrap();
}

#[test]
fn an_unknown_layout_is_refused() {
    let project = Project::checked_chain();
    project.remove("target/debug/.fingerprint");
    fs::create_dir_all(project.path("target/debug/build/middle/some-new-way")).unwrap();
    let before = project.artifacts();
    project.xtask(MIDDLE).is(expect![[r#"
        --- stderr
        error: unknown layout of the build directory `[ROOT]/target/debug`: see `build/middle`
        hint: update xtask-kit, or run `cargo clean`
        --- exit status 3
    "#]]);
    assert_eq!(project.artifacts(), before);
}

/// Makes a number of libraries, each with a build script that makes a constant from a file, and a
/// program that prints all constants.
fn counters(count: usize) -> Project {
    let project = Project::without_members();
    let names: Vec<_> = (0..count).map(|it| format!("counter{it}")).collect();
    for name in &names {
        project.library(name, &[]);
        let at = |file: &str| format!("crates/{name}/{file}");
        project.write(at("value"), "0");
        project.write(
            at("build.rs"),
            "fn main() {\n    println!(\"cargo::rerun-if-changed=value\");\n    \
             let to = std::env::var(\"OUT_DIR\").unwrap() + \"/value\";\n    \
             std::fs::copy(\"value\", to).unwrap();\n}\n",
        );
        let value = "include_str!(concat!(env!(\"OUT_DIR\"), \"/value\"))";
        project.write(
            at("src/lib.rs"),
            &format!("pub const VALUE: &str = {value};\n"),
        );
    }
    let on: Vec<&str> = names.iter().map(String::as_str).collect();
    project.library("app", &on);
    let prints = names
        .iter()
        .map(|it| format!("    print!(\"{{}} \", {it}::VALUE);\n"));
    let main = format!("fn main() {{\n{}}}\n", prints.collect::<String>());
    project.write("crates/app/src/main.rs", &main);
    project.in_git()
}

/// Checks that the program prints the values in the files, and that nothing is left to build then.
#[track_caller]
fn runs_right(project: &Project, count: usize) {
    let values = (0..count).map(|it| project.read(format!("crates/counter{it}/value")) + " ");
    let printed = project
        .cargo(&["run", "--quiet", "--package", "app"])
        .done();
    assert_eq!(printed.trim_end(), values.collect::<String>().trim_end());
    project.build(&["build", "--workspace"]).unwrap();
    assert_eq!(
        project.build(&["build", "--workspace"]).unwrap(),
        BTreeSet::new()
    );
}

#[test]
fn a_killed_clean_does_not_harm_the_next_build() {
    const COUNT: usize = 8;
    let project = counters(COUNT);
    runs_right(&project, COUNT);
    let fingerprints = project.path("target/debug/.fingerprint");
    let count = || fs::read_dir(&fingerprints).unwrap().count();
    for round in 1..=6 {
        project.write(format!("crates/counter{round}/value"), &round.to_string());
        let before = count();
        let mut kit = project.kit(&["clean-affected", "--all", "--verb", "build"]);
        let mut kit = kit
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The kit first computes its answer. The removals are the moment that matters.
        while count() == before && kit.try_wait().unwrap().is_none() {}
        std::thread::sleep(Duration::from_micros(round * round * 60));
        kit.kill().unwrap();
        kit.wait().unwrap();
        assert!(count() < before);
        runs_right(&project, COUNT);
    }
}

#[test]
fn several_cleans_during_a_build_do_no_harm() {
    const COUNT: usize = 4;
    let project = counters(COUNT);
    runs_right(&project, COUNT);
    project.write("crates/counter1/value", "1");
    let clean = ["clean-affected", "--all", "--verb", "build"];
    let mut build = Command::new("cargo");
    project.isolate(
        build
            .args(["build", "--workspace"])
            .current_dir(project.root()),
    );
    let commands = [
        project.kit(&clean),
        build,
        project.kit(&clean),
        project.kit(&clean),
    ];
    let silent = |mut it: Command| {
        let streams = it.stdout(Stdio::null()).stderr(Stdio::null());
        streams.spawn().unwrap()
    };
    for mut running in commands.map(silent) {
        assert!(running.wait().unwrap().success());
    }
    runs_right(&project, COUNT);
}
