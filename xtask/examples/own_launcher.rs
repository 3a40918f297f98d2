//! Starts the tasks in the folder above.
//!
//! Cargo needs longer to check all packages of xtask-kit than the tasks need to start. So the alias
//! runs this package, which has no dependencies. It lets cargo build the tasks, unless nothing has
//! changed since cargo found them up to date.

#![expect(clippy::disallowed_methods, reason = "it has no dependencies")]

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::UNIX_EPOCH;
use std::{env, fs, io};

/// The binary of the tasks.
const NAME: &str = "xtask";

/// The flags that the alias passes to cargo.
const FLAGS: &[&str] = &["--target-dir", "target/own-xtask"];

/// The files that change a build, in each directory above a package.
const SETTINGS: [&str; 6] = [
    ".cargo/config",
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
];

fn main() -> ExitCode {
    start().unwrap_or_else(|error| {
        eprintln!("error: cannot start the tasks `{NAME}`: {error}");
        ExitCode::FAILURE
    })
}

fn start() -> io::Result<ExitCode> {
    let launcher = env::current_exe()?;
    let tasks = launcher.with_file_name(format!("{NAME}{}", env::consts::EXE_SUFFIX));
    // `cargo run` sets the variable at each start, so it is right in a repository that was moved.
    let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let folder = folder.as_deref().and_then(Path::parent);
    let folder = folder.ok_or(io::Error::other("start them with cargo"))?;

    let record = launcher.with_file_name(format!("{NAME}.inputs"));
    let found = inputs(folder, &launcher, &tasks);
    if found.is_none() || found != fs::read_to_string(&record).ok() {
        let status = build(folder, &tasks).status()?;
        if !status.success() {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
        }
        // If cargo built something, or if a file changed during the build, the next start asks
        // cargo again. So no clock is compared, and the record only holds what cargo confirmed.
        if found.is_some() && found == inputs(folder, &launcher, &tasks) {
            // Without the record, the next start asks cargo again.
            let _ = fs::write(&record, found.unwrap_or_default());
        }
    }

    let mut command = Command::new(&tasks);
    command.args(env::args_os().skip(1));
    // The variables that `cargo run` would set for the tasks.
    command.env("CARGO_PKG_NAME", NAME);
    command.env("CARGO_MANIFEST_DIR", folder);
    command.env("CARGO_MANIFEST_PATH", folder.join("Cargo.toml"));
    replace_this_process(&mut command)
}

/// Returns the command that builds the tasks.
fn build(folder: &Path, tasks: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(["build", "--bin", NAME, "--manifest-path"]);
    command.arg(folder.join("Cargo.toml")).args(FLAGS);
    // Only the first build takes long enough to be shown.
    if tasks.exists() {
        command.arg("--quiet");
    }
    // A git hook does not write the lock file.
    let words: Vec<_> = env::args_os().collect();
    let is_hook = |pair: &[OsString]| pair[0] == "hooks" && pair[1] == "run";
    if words.windows(2).any(is_hook) {
        command.arg("--locked");
    }
    command.stdin(Stdio::null());
    command
}

/// Returns the files that decide if the tasks are up to date, each with its time and its size;
/// `None` if only cargo can tell. The launcher is one of the files: cargo builds it again for
/// another toolchain and for other flags of the compiler.
fn inputs(folder: &Path, launcher: &Path, tasks: &Path) -> Option<String> {
    // Cargo lists the sources in one line: `TASKS: SOURCE SOURCE`. A blank in a path is `\ `.
    let listed = fs::read_to_string(tasks.with_extension("d")).ok()?;
    let listed = listed.trim_end().replace("\\ ", "\0");
    let (built, sources) = listed.split_once(": ")?;
    let path = |text: &str| PathBuf::from(text.replace('\0', " "));
    let sources: Vec<PathBuf> = sources.split(' ').map(path).collect();
    // A target directory can be copied, or be shared by several checkouts.
    if path(built) != tasks || !sources.iter().any(|it| it.starts_with(folder)) {
        return None;
    }

    // The paths are compared as plain texts: comparing them part by part takes longer than asking
    // for their times.
    let mut needed = BTreeSet::from([launcher.as_os_str(), tasks.as_os_str()]);
    let mut directories = BTreeSet::new();
    for source in &sources {
        needed.insert(source.as_os_str());
        directories.insert(source.parent()?.as_os_str());
    }
    let mut packages = BTreeSet::new();
    for directory in directories {
        needed.insert(directory);
        let mut above = Path::new(directory).ancestors();
        packages.insert(above.find(|it| it.join("Cargo.toml").exists())?.as_os_str());
    }
    let current = env::current_dir().ok()?;
    let mut above: BTreeSet<&OsStr> = current.ancestors().map(Path::as_os_str).collect();
    for package in packages {
        let package = Path::new(package);
        if has_build_script(package) || has_root_elsewhere(package) {
            return None;
        }
        above.extend(package.ancestors().map(Path::as_os_str));
    }
    let mut text = format!("{}\n", folder.display());
    for path in needed {
        text += &state(Path::new(path))?;
    }
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")))?;
    let mut settings = ["config", "config.toml"].map(|it| home.join(it)).to_vec();
    for directory in above {
        settings.extend(SETTINGS.map(|it| Path::new(directory).join(it)));
    }
    for path in settings.iter().filter(|it| it.exists()) {
        let is_manifest = path.ends_with("Cargo.toml");
        if !is_manifest && has_key(path, "include") {
            return None;
        }
        text += &state(path)?;
    }
    Some(text)
}

/// Returns the time and the size of a file or a directory; `None` if it cannot be read.
fn state(path: &Path) -> Option<String> {
    let found = fs::metadata(path).ok()?;
    let time = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let (time, size) = (time.as_nanos(), found.len());
    Some(format!("{} {time} {size}\n", path.display()))
}

/// Returns true if a package has a build script, which may read any file.
fn has_build_script(package: &Path) -> bool {
    package.join("build.rs").exists() || has_key(&package.join("Cargo.toml"), "build")
}

/// Returns true if a package names the directory of its workspace, which may lie anywhere. Values
/// such as `workspace = true` name no directory.
fn has_root_elsewhere(package: &Path) -> bool {
    let names_root = |line: &str| {
        let value = line
            .split_once('=')
            .filter(|it| it.0.trim().ends_with("workspace"));
        value.is_some_and(|it| it.1.trim().starts_with(['"', '\'']))
    };
    let text = fs::read_to_string(package.join("Cargo.toml"));
    text.map_or(true, |text| text.lines().any(names_root))
}

/// Returns true if a line of a TOML file sets a key, or if the file cannot be read.
fn has_key(path: &Path, key: &str) -> bool {
    let is_key = |line: &str| line.split('=').next().is_some_and(|it| it.trim() == key);
    fs::read_to_string(path).map_or(true, |text| text.lines().any(is_key))
}

#[cfg(unix)]
fn replace_this_process(command: &mut Command) -> io::Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(command))
}

#[cfg(not(unix))]
fn replace_this_process(command: &mut Command) -> io::Result<ExitCode> {
    std::process::exit(command.status()?.code().unwrap_or(1))
}
