//! Tests of a panic in a separate process: this executable, started for one test alone.

#![expect(clippy::disallowed_methods, reason = "a process is made to panic")]

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio, abort};

use camino::Utf8PathBuf;

use super::*;
use crate::private_dir::TemporaryDir;
use crate::process::children::{RunningChild, SignalRole};
use crate::testing::scratch;

/// The variable that names the directory in which [`panics`] works.
const PLACE: &str = "XTASK_KIT_TEST_PANICS_IN";

#[test]
fn a_child_that_was_told_to_end_is_recognized_by_its_status() {
    for (raw, expected) in [
        (15, true),
        (2, true),
        (1, true),
        (9, false),
        (6, false),
        (0, false),
        (143 << 8, true),
        (130 << 8, true),
        (128 << 8, false),
        (15 << 8, false),
        (101 << 8, false),
    ] {
        let status = ExitStatus::from_raw(raw);
        assert_eq!(is_end_by_signal(&status), expected, "{status}");
    }
}

#[test]
fn a_panic_ends_the_children_and_removes_the_temporary_directories() {
    const SIGABRT: i32 = 6;
    let (_scratch, top) = scratch();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture"])
        .arg("process::signals::tests::panics")
        .env(PLACE, &top)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(SIGABRT), "{said}");
    assert!(said.contains("panicked on purpose"), "{said}");
    let started = fs::read_to_string(top.join("started")).unwrap();
    for id in started.split_whitespace() {
        assert!(!is_running(id), "process {id} outlives the panic");
    }
    assert_eq!(started.split_whitespace().count(), 2);
    let left: Vec<_> = top.read_dir_utf8().unwrap().flatten().collect();
    let left: Vec<_> = left.iter().map(|it| it.file_name()).collect();
    assert_eq!(left, ["started"]);
}

#[test]
#[ignore = "aborts the process; the test above starts it in one of its own"]
fn panics() {
    let Ok(top) = std::env::var(PLACE).map(Utf8PathBuf::from) else {
        return;
    };
    clean_up_at_a_panic();
    // The profile of tests unwinds. This call does what the kit's own profile does after the hook.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        hook(panic);
        abort();
    }));
    let temporary = TemporaryDir::inside(&top).unwrap();
    fs::write(temporary.path().join("file"), "").unwrap();
    let started = top.join("started");
    let script =
        format!("sleep 1000 & echo $$ $! > {started}.new; mv {started}.new {started}; wait");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).stdin(Stdio::null());
    let _running = RunningChild::start(&mut shell, SignalRole::Helper, Reach::Descendants).unwrap();
    while !started.is_file() {
        thread::sleep(Duration::from_millis(5));
    }
    panic!("panicked on purpose");
}

fn is_running(process: &str) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(process).join("stat"));
    // The parent may not have waited for a process that has ended.
    status.is_ok_and(|status| !status.contains(") Z "))
}
