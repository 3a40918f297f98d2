//! Real servers of a cache, and the projects that are built with them. A test says that it was
//! skipped if a program is missing; `.ci/run` installs the programs.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Output, Project, manifest};

/// Returns a program that `.ci/run` installs: on `PATH`, or in the directory that it keeps.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<_> = std::env::split_paths(&path).collect();
    if let Some(home) = std::env::var_os("HOME") {
        let tools = PathBuf::from(home).join(".cache/xtask-kit-tools");
        places.extend([tools.join("bin"), tools.join("moto/bin")]);
    }
    let found = places
        .into_iter()
        .map(|it| it.join(name))
        .find(|it| it.is_file());
    if found.is_none() {
        println!("skipped: {name} is not installed; .ci/run installs it");
    }
    found
}

/// A server on a loopback port. It ends with the value.
pub(super) struct Server {
    child: Child,
    pub(super) port: u16,
}

impl Server {
    pub(super) fn redis(program: &Path, directory: &Path) -> Self {
        Self::start(directory, &|port| {
            let mut command = Command::new(program);
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
            command.args(["--save", "", "--appendonly", "no"]);
            command
        })
    }

    pub(super) fn s3(program: &Path, directory: &Path) -> Self {
        Self::start(directory, &|port| {
            let mut command = Command::new(program);
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
            command
        })
    }

    fn start(directory: &Path, command: &dyn Fn(u16) -> Command) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut command = command(port);
        command.current_dir(directory).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "{command:?} ended");
            assert!(Instant::now() < end, "{command:?} does not listen");
            sleep(Duration::from_millis(20));
        }
        Self { child, port }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(super) fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{name}")).arg(self.id().to_string());
        assert!(kill.status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A stopped process ends by this signal, too.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A project that is built with a cache.
pub(super) struct CachedProject {
    pub(super) project: Project,
    pub(super) sccache: PathBuf,
}

impl CachedProject {
    /// Makes a workspace of libraries, a procedural macro and a binary. A build script sends a signal
    /// if the file `signal` names one, so that a server is lost half-way.
    pub(super) fn new(sccache: PathBuf) -> Self {
        let project = Project::without_members();
        for (name, on) in [
            ("base", &["derive"][..]),
            ("early", &[]),
            ("middle", &["base", "early"]),
            ("left", &["middle"]),
            ("right", &["middle"]),
            ("top", &["left", "right"]),
        ] {
            project.library(name, on);
            let text = format!("pub fn {name}() -> u32 {{ {} }}\n", name.len());
            project.write(format!("crates/{name}/src/lib.rs"), &text);
        }
        project.write(
            "crates/derive/Cargo.toml",
            &(manifest("derive") + "[lib]\nproc-macro = true\n"),
        );
        project.write("crates/derive/src/lib.rs", "");
        project.write(
            "crates/top/src/main.rs",
            "fn main() {\n    println!(\"{}\", top::top());\n}\n",
        );
        project.write("crates/base/build.rs", SCRIPT);
        let project = project.in_git();
        Self { project, sccache }
    }

    /// Returns the kit's command, with sccache and with the project's own configuration of it.
    pub(super) fn kit(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.kit(arguments);
        self.prepare(&mut command);
        command
    }

    pub(super) fn prepare(&self, command: &mut Command) {
        let named = command
            .get_envs()
            .find(|it| it.0 == "PATH")
            .unwrap()
            .1
            .unwrap();
        let own = self.sccache.parent().map(Path::to_path_buf);
        let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(named)));
        command
            .env("PATH", path.unwrap())
            .env("SCCACHE_CONF", self.configuration());
        for name in ["CARGO_NET_OFFLINE", "CARGO_TERM_COLOR"] {
            command.env_remove(name);
        }
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.project.beside("sccache.toml")
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.project.finish(&mut self.kit(arguments))
    }

    pub(super) fn json(&self, arguments: &[&str]) -> (Value, i32) {
        let output = self.kit(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let value = serde_json::from_slice(&output.stdout);
        (
            value.unwrap_or_else(|_| panic!("{said}")),
            output.status.code().unwrap(),
        )
    }

    /// Sets up the cache, with its disk beside the project.
    pub(super) fn set_up(&self, arguments: &[&str]) {
        let disk = self.project.beside("disk");
        let text = format!("[cache.disk]\ndir = {:?}\n", disk.to_str().unwrap());
        fs::write(self.configuration(), text).unwrap();
        self.run(&[&["cache", "setup"], arguments].concat()).done();
    }

    /// Builds with the cache from nothing: without a target directory and without the disk of the
    /// cache. Returns hits, misses, the time, and what the kit printed.
    pub(super) fn build(&self) -> CachedBuild {
        drop(fs::remove_dir_all(self.project.path("target")));
        drop(fs::remove_dir_all(self.project.beside("disk")));
        let start = Instant::now();
        let output = self
            .project
            .finish(&mut self.kit(&["cache", "run", "--", "build", "-q"]));
        let time = start.elapsed();
        assert_eq!(output.status, 0, "{output}");
        let (status, _) = self.json(&["cache", "status", "--format", "json"]);
        let last = &status["last_run"];
        let count = |name: &str| last["counts"][name].as_u64().unwrap();
        CachedBuild {
            hits: count("hits"),
            misses: count("misses"),
            compilations: count("compilations"),
            said: output.stderr,
            time,
        }
    }
}

/// A build with `cache run`.
pub(super) struct CachedBuild {
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) compilations: u64,
    pub(super) said: String,
    pub(super) time: Duration,
}

/// A build script that sends the signal that a file names, as `STOP 123`, and removes the file.
const SCRIPT: &str = r#"fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../signal");
    if let Ok(text) = std::fs::read_to_string(file) {
        let (name, id) = text.split_once(' ').unwrap();
        let mut kill = std::process::Command::new("kill");
        assert!(kill.arg(format!("-{name}")).arg(id).status().unwrap().success());
    }
}
"#;
