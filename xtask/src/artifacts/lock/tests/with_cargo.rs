//! Tests of the locks with real cargos: each cargo waits while the kit holds the locks, and the kit
//! sees each build.

#![expect(clippy::disallowed_methods, reason = "cargo is made to wait")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use camino::Utf8PathBuf;
use xtask_impact::build_dir::profile_dirs;
use xtask_impact::process::Runner;
use xtask_impact::testing::{scratch, write};

use super::super::*;

/// A package whose build script waits while the file `wait` exists.
struct Project {
    _scratch: tempfile::TempDir,
    root: Utf8PathBuf,
    is_split: bool,
}

const SCRIPT: &str = r#"fn main() {
    println!("cargo::rerun-if-changed=again");
    std::fs::write("runs", "").unwrap();
    while std::path::Path::new("wait").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
"#;

impl Project {
    fn new(is_split: bool) -> Self {
        let (scratch, root) = scratch();
        let manifest = "[package]\nname = \"a\"\nedition = \"2021\"\n[workspace]\n";
        write(&root.join("Cargo.toml"), manifest);
        write(&root.join("src/lib.rs"), "");
        write(&root.join("build.rs"), SCRIPT);
        Self {
            _scratch: scratch,
            root,
            is_split,
        }
    }

    fn build_directory(&self) -> Utf8PathBuf {
        self.root
            .join(if self.is_split { "build" } else { "target" })
    }

    fn place(&self) -> ProfileDir {
        profile_dirs(&self.build_directory()).unwrap().remove(0)
    }

    fn take(&self) -> Option<BuildLocks> {
        BuildLocks::take(&self.place(), &self.root.join("target"), false).unwrap()
    }

    fn cargo(&self, cargo: Cargo, command: &str) -> Command {
        let runner = Runner::new().unwrap().in_directory(&self.root);
        let mut started = match cargo.toolchain {
            None => runner.cargo(),
            Some(toolchain) => {
                let mut rustup = runner.program("rustup");
                rustup.args(["run", toolchain, "cargo"]);
                rustup
            }
        };
        let build = format!("build.build-dir={:?}", self.build_directory());
        started.args([command, "--target-dir", "target", "--config", &build]);
        started.args(cargo.flags);
        started.stdout(Stdio::null()).stderr(Stdio::piped());
        started
    }

    fn build(&self, cargo: Cargo, command: &str) {
        let output = self.cargo(cargo, command).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }

    /// Holds the locks and checks that a build waits for them.
    fn keeps_out(&self, cargo: Cargo, command: &str, what: &str) {
        let lock = self.take().unwrap();
        assert!(lock.keeps_cargo_out, "{what}");
        let mut waiting = self.cargo(cargo, command).spawn().unwrap();
        let mut said = BufReader::new(waiting.stderr.take().unwrap()).lines();
        let is_blocked = said.any(|line| line.unwrap().contains("Blocking waiting for file lock"));
        assert!(is_blocked, "{what}: cargo does not wait");
        drop(lock);
        let rest: Vec<_> = said.map(Result::unwrap).collect();
        assert!(waiting.wait().unwrap().success(), "{what}: {rest:?}");
    }

    /// Checks that the kit sees a running build.
    fn sees(&self, cargo: Cargo, command: &str, what: &str) {
        let runs = self.root.join("runs");
        drop(fs::remove_file(&runs));
        write(&self.root.join("wait"), "");
        write(&self.root.join("again"), what);
        let mut running = self.cargo(cargo, command).spawn().unwrap();
        while !runs.is_file() {
            assert!(running.try_wait().unwrap().is_none(), "{what}");
            sleep(Duration::from_millis(5));
        }
        let taken = self.take();
        fs::remove_file(self.root.join("wait")).unwrap();
        assert!(running.wait().unwrap().success(), "{what}");
        assert!(taken.is_none(), "{what}: the kit does not see the build");
    }
}

/// A cargo with its own flags.
#[derive(Clone, Copy, Debug)]
struct Cargo {
    /// The toolchain by rustup's name. `None` for the cargo that runs the tests.
    toolchain: Option<&'static str>,
    flags: &'static [&'static str],
}

const OWN: Cargo = Cargo {
    toolchain: None,
    flags: &[],
};

/// Checks a directory that a cargo of another version left behind.
#[test]
fn a_cargo_of_another_version_waits_for_the_locks() {
    let project = Project::new(true);
    project.build(OWN, "check");
    let place = project.place().path;
    for name in EVERY_CARGOS {
        for other in EVERY_CARGOS.into_iter().filter(|it| *it != name) {
            drop(fs::remove_file(place.join(other)));
        }
        write(&place.join(name), "");
        project.keeps_out(OWN, "check", name);
    }
}

#[test]
#[ignore = "needs the nightly toolchain"]
fn the_locks_keep_a_nightly_cargo_out() {
    const NIGHTLY: Option<&str> = Some("nightly");
    let probe = Command::new("rustup")
        .args(["run", "nightly", "cargo", "-V"])
        .output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("there is no nightly toolchain: not tested");
        return;
    }
    let v1 = Cargo {
        toolchain: NIGHTLY,
        flags: &[],
    };
    let v2 = Cargo {
        toolchain: NIGHTLY,
        flags: &["-Zbuild-dir-new-layout"],
    };
    for nightly in [v1, v2] {
        for is_split in [false, true] {
            for command in ["check", "build"] {
                let what = format!("{nightly:?}, split: {is_split}, {command}");
                let project = Project::new(is_split);
                project.build(nightly, command);
                project.keeps_out(nightly, command, &what);
                project.sees(nightly, command, &what);
                // An older cargo has built here, in its own layout.
                if nightly.flags.is_empty() {
                    let project = Project::new(is_split);
                    project.build(OWN, command);
                    project.keeps_out(nightly, command, &format!("{what}, after an older cargo"));
                    project.sees(nightly, command, &what);
                    project.keeps_out(OWN, command, &format!("{what}, then the older"));
                }
            }
        }
    }
}
