//! A signal ends the kit and its children, and removes its temporary directories.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::Project;

/// A fake cargo that starts another program for a build, as cargo starts rustc, and never ends.
const ENDLESS: &str = "#!/bin/sh
case \" $* \" in
*' build '*)
    sh -c 'echo $$ $PPID > \"$STARTED.new\"; mv \"$STARTED.new\" \"$STARTED\"; exec sleep 1000'
    exit 1
    ;;
*) unset CARGO; exec cargo \"$@\" ;;
esac
";

/// A project whose builds never end.
struct Endless {
    project: Project,
}

impl Endless {
    fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let project = Project::with_libraries(&[("base", &[])]);
        project.write("../cargo", ENDLESS);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(project.beside("cargo"), mode).unwrap();
        fs::create_dir(project.beside("tmp")).unwrap();
        Self { project }
    }

    /// Starts the kit, and waits until the build has started. Returns the kit, and the process ids
    /// of the build.
    fn start(&self, arguments: &str) -> (Child, Vec<String>) {
        let started = self.project.beside("started");
        drop(fs::remove_file(&started));
        let arguments: Vec<_> = arguments.split(' ').collect();
        let mut kit = self.project.kit(&arguments);
        kit.env("CARGO", self.project.beside("cargo"))
            .env("STARTED", &started)
            .env("TMPDIR", self.project.beside("tmp"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut kit = kit.spawn().unwrap();
        while !started.exists() {
            assert!(kit.try_wait().unwrap().is_none(), "{arguments:?}");
            sleep(Duration::from_millis(5));
        }
        let processes = fs::read_to_string(&started).unwrap();
        (kit, processes.split_whitespace().map(Into::into).collect())
    }

    /// Returns the names of the kit's temporary directories.
    fn temporary(&self) -> Vec<String> {
        let homes = ["tmp", "../home/.cache/xtask-kit/tmp"];
        let entries = homes.into_iter().flat_map(|directory| {
            let entries = fs::read_dir(self.project.beside(directory));
            entries.into_iter().flatten().flatten()
        });
        entries
            .map(|it| it.file_name().into_string().unwrap())
            .collect()
    }
}

fn signal(name: &str, process: &str) {
    let status = Command::new("kill")
        .args(["-s", name, "--", process])
        .status();
    assert!(status.unwrap().success());
}

fn is_running(process: &str) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(process).join("stat"));
    // A process that has ended stays a zombie until its parent waits for it.
    status.is_ok_and(|status| !status.contains(") Z "))
}

fn assert_ended(processes: &[String], what: &str) {
    let start = Instant::now();
    while processes.iter().any(|it| is_running(it)) {
        assert!(start.elapsed() < Duration::from_secs(5), "{what}");
        sleep(Duration::from_millis(5));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_ends_the_build_and_its_processes() {
    let endless = Endless::new();
    for (name, status, arguments) in [
        ("TERM", 143, "clean-affected --all --verb build --verify"),
        ("INT", 130, "timings --clean workspace -- --workspace"),
        ("HUP", 129, "doctor --layout-v2 --only layout-v2-build"),
        ("TERM", 143, "run-affected build --all"),
    ] {
        let (mut kit, processes) = endless.start(arguments);
        let is_in_temporary = arguments.starts_with("doctor");
        assert_eq!(endless.temporary().len(), usize::from(is_in_temporary));
        signal(name, &kit.id().to_string());
        assert_eq!(kit.wait().unwrap().code(), Some(status), "{arguments}");
        assert_ended(&processes, arguments);
        assert_eq!(endless.temporary(), [""; 0], "{arguments}");
    }
}

/// `nohup` starts a program with SIGHUP ignored.
#[test]
#[cfg(target_os = "linux")]
fn a_signal_that_was_ignored_stays_ignored() {
    let endless = Endless::new();
    let script = endless.project.beside("nohup");
    fs::write(&script, "trap '' HUP\nexec \"$@\"\n").unwrap();
    let (mut kit, processes) = {
        let started = endless.project.beside("started");
        let kit = endless.project.kit(&[]);
        let mut nohup = Command::new("sh");
        endless.project.isolated(&mut nohup);
        nohup
            .arg(&script)
            .arg(kit.get_program())
            .args(["timings", "--", "--workspace"])
            .env("CARGO", endless.project.beside("cargo"))
            .env("STARTED", &started)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let nohup = nohup.spawn().unwrap();
        while !started.exists() {
            sleep(Duration::from_millis(5));
        }
        let processes = fs::read_to_string(&started).unwrap();
        let processes: Vec<String> = processes.split_whitespace().map(Into::into).collect();
        (nohup, processes)
    };
    signal("HUP", &kit.id().to_string());
    sleep(Duration::from_millis(100));
    assert!(processes.iter().all(|it| is_running(it)));
    signal("TERM", &kit.id().to_string());
    assert_eq!(kit.wait().unwrap().code(), Some(143));
    assert_ended(&processes, "after SIGTERM");
}

/// A child that ignores the first signal is ended by the second signal.
#[test]
#[cfg(target_os = "linux")]
fn a_second_signal_ends_the_kit_at_once() {
    let endless = Endless::new();
    let stubborn = ENDLESS.replace("case", "trap '' INT\ncase");
    fs::write(endless.project.beside("cargo"), stubborn).unwrap();
    let (mut kit, processes) = endless.start("doctor --layout-v2 --only layout-v2-build");
    signal("INT", &kit.id().to_string());
    sleep(Duration::from_millis(500));
    assert!(kit.try_wait().unwrap().is_none(), "it waits");
    signal("INT", &kit.id().to_string());
    assert_eq!(kit.wait().unwrap().code(), Some(130));
    assert_ended(&processes, "after the second signal");
    assert_eq!(endless.temporary(), [""; 0]);
}
