//! Tests `run-affected --watch` with real saves, a real cargo and a real git.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::support::Project;

/// A kit that watches a project.
struct Watching {
    kit: Child,
    lines: Receiver<String>,
}

impl Watching {
    /// Starts the kit, and waits until it watches.
    fn start(project: &Project, arguments: &[&str]) -> Self {
        let mut kit = project.kit(&[&["run-affected", "--watch"], arguments].concat());
        let mut kit = kit
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(kit.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines() {
                drop(sender.send(line.unwrap()));
            }
        });
        let watching = Self { kit, lines };
        watching.until("Watching");
        watching
    }

    /// Returns the next line of the kit that contains the word, without its time.
    fn until(&self, word: &str) -> String {
        let mut before = String::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60));
            let line = line.unwrap_or_else(|_| panic!("no {word} after {before}"));
            before += &format!("{line}\n");
            if line.contains(word) {
                let end = line.rfind(" in ").unwrap_or(line.len());
                return line[..end].trim().to_owned();
            }
        }
    }

    /// Returns the lines of runs and notes that come within a moment.
    fn rest(&self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(1200)) {
            let is_run = ["Passed", "Failed", "note"]
                .iter()
                .any(|it| line.contains(it));
            rest.extend(is_run.then_some(line));
        }
        rest
    }

    fn end(mut self, signal: &str) -> Option<i32> {
        let id = self.kit.id().to_string();
        Command::new("kill")
            .args(["-s", signal, &id])
            .status()
            .unwrap();
        self.kit.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.kit.kill());
    }
}

#[test]
fn each_save_runs_the_tool_on_what_it_affects() {
    let project = Project::with_libraries(&[("base", &[]), ("app", &["base"]), ("other", &[])]);
    project.git(&["branch", "feature"]);
    let watching = Watching::start(&project, &["check"]);

    project.write("crates/base/src/lib.rs", "pub fn one() {}\n");
    assert_eq!(
        watching.until("after"),
        "Passed check after crates/base/src/lib.rs"
    );

    // A failed run counts again. `other` alone would pass.
    project.write("crates/app/src/lib.rs", "fn broken( {}\n");
    assert_eq!(
        watching.until("after"),
        "Failed check after crates/app/src/lib.rs"
    );
    project.write("crates/other/src/lib.rs", "pub fn two() {}\n");
    assert_eq!(
        watching.until("after"),
        "Failed check after crates/other/src/lib.rs"
    );
    project.write("crates/app/src/lib.rs", "");
    assert_eq!(
        watching.until("after"),
        "Passed check after crates/app/src/lib.rs"
    );

    // A file in a new directory.
    project.write("crates/base/tests/it.rs", "#[test]\nfn it() {}\n");
    assert_eq!(
        watching.until("after"),
        "Passed check after crates/base/tests/it.rs"
    );

    // Ignored files, target directories and files for a moment are no saves.
    project.write(".git/info/exclude", "*.log\n");
    project.write("crates/base/src/noise.log", "");
    project.write("target/noise.rs", "");
    let moment = project.path("crates/base/src/4913");
    std::fs::write(&moment, "").unwrap();
    std::fs::remove_file(&moment).unwrap();
    assert_eq!(watching.rest(), [""; 0]);

    // A commit and a switch are no saves.
    project.git(&["add", "--all"]);
    project.git(&["commit", "--quiet", "--message", "Edit"]);
    project.git(&["switch", "--quiet", "feature"]);
    let note = watching.until("note");
    assert!(note.contains("HEAD moved, and git wrote"), "{note}");
    assert_eq!(watching.rest(), [""; 0]);

    // A restored file is a save.
    project.write("crates/other/src/lib.rs", "pub fn three() {}\n");
    watching.until("after");
    project.git(&["restore", "crates/other/src/lib.rs"]);
    assert_eq!(
        watching.until("after"),
        "Passed check after crates/other/src/lib.rs"
    );
    assert_eq!(watching.end("INT"), Some(130));
}

#[test]
fn saves_wait_while_the_tool_runs() {
    let project = Project::with_libraries(&[("base", &[]), ("other", &[])]);
    let words = [
        "--",
        "sh",
        "-c",
        "touch ../begun; sleep 1; echo {packages} >> ../ran",
    ];
    let watching = Watching::start(&project, &words);
    project.write("crates/base/src/lib.rs", "pub fn one() {}\n");
    while !project.path("../begun").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    project.write("crates/other/src/lib.rs", "pub fn one() {}\n");
    project.write("crates/other/src/more.rs", "pub fn two() {}\n");
    watching.until("after");
    let line = watching.until("after");
    assert_eq!(
        line,
        "Passed the program after crates/other/src/lib.rs and 1 more"
    );
    assert_eq!(watching.rest(), [""; 0]);
    assert_eq!(project.read("../ran"), "base\nother\n");
    assert_eq!(watching.end("TERM"), Some(143));
}

#[test]
fn watch_refuses_a_change_set_and_needs_git() {
    let project = Project::without_members();
    project.library("base", &[]);
    let told = [
        project
            .xtask(&["run-affected", "--watch", "check"])
            .to_string(),
        project
            .xtask(&["run-affected", "--watch", "check", "--all"])
            .to_string(),
    ];
    expect_test::expect![[r#"
        --- stderr
        error: --watch needs git, which knows the ignored files; [ROOT] is not in a repository
        hint: run `git init`
        --- exit status 2
        --- stderr
        error: --all has no effect with --watch, which runs the tool on what a save affects
        hint: leave out one of the two
        --- exit status 2
    "#]]
    .assert_eq(&told.concat());
}
