//! The only module that starts other programs.
//!
//! Commands are built with [`xshell`]. Their environment lacks everything that `cargo run` leaks
//! into its child, so that a cargo started by the kit sees the same environment as a cargo started
//! by the user.

mod children;
mod cpu;
mod interrupt;
mod service;
mod signals;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::semver::Version;
use children::{Reach, RunningChild, SignalRole};
pub use cpu::cpu_seconds;
pub use interrupt::{Ended, instead, interruptible, with_toolchain, within};
pub use service::Service;
pub use signals::{clean_up_at_the_end, received as signal_received, status_of};
use xshell::Shell;

use crate::error::FailedProgram;
use crate::quote;

/// Flags of cargo that hold for every question that a runner asks cargo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CargoFlags {
    /// The values of `--config`: each is `KEY=VALUE` or the absolute path of a file.
    pub config: Vec<String>,
    /// The absolute path of `--target-dir`.
    pub target_dir: Option<Utf8PathBuf>,
}

/// A runner: the directory and the cleaned environment in which programs start.
#[derive(Clone)]
pub struct Runner {
    shell: Shell,
    /// Variables of the kit's own environment that children do not get.
    leaked: Vec<OsString>,
    /// The values of `LD_LIBRARY_PATH` and similar variables before `cargo run` added its own
    /// directories.
    library_paths: Vec<(&'static str, OsString)>,
    cargo: OsString,
    /// The repository and the work tree that the kit passes to git, as absolute paths. `None` if
    /// git finds them by the directory.
    repository: Option<(OsString, Option<OsString>)>,
    flags: CargoFlags,
}

impl Runner {
    /// Returns a runner for the kit's own current directory.
    ///
    /// # Errors
    /// Returns an error if the current directory cannot be read.
    pub fn new() -> Result<Self> {
        let shell = Shell::new().context("cannot read the current directory")?;
        let environment = Leaks::of(&|name| std::env::var_os(name));
        let leaked = std::env::vars_os()
            .map(|(name, _)| name)
            .filter(|name| name.to_str().is_some_and(|name| environment.leaks(name)))
            .collect();
        let library_paths = LIBRARY_PATHS
            .into_iter()
            .filter(|_| environment.under_cargo)
            .filter_map(|name| Some((name, without_cargos_own(&std::env::var_os(name)?))))
            .collect();
        Ok(Self {
            shell,
            leaked,
            library_paths,
            cargo: environment.cargo,
            repository: None,
            flags: CargoFlags::default(),
        })
    }

    /// Returns a runner with the same environment in another directory.
    #[must_use]
    pub fn in_directory(&self, directory: impl AsRef<Path>) -> Self {
        Self {
            shell: self.shell.with_current_dir(directory),
            ..self.clone()
        }
    }

    /// Returns a runner that sets a variable for every program.
    #[must_use]
    pub fn with_variable(&self, name: &str, value: impl AsRef<OsStr>) -> Self {
        Self {
            shell: self.shell.with_var(name, value),
            ..self.clone()
        }
    }

    /// Returns a runner that removes a variable for every program.
    #[must_use]
    pub fn without_variable(&self, name: &str) -> Self {
        let mut this = self.clone();
        this.leaked.push(name.into());
        this
    }

    /// Returns a runner whose questions to cargo have these flags.
    #[must_use]
    pub fn with_cargo_flags(&self, flags: CargoFlags) -> Self {
        Self {
            flags,
            ..self.clone()
        }
    }

    /// Returns the flags of the questions to cargo.
    pub fn cargo_flags(&self) -> &CargoFlags {
        &self.flags
    }

    /// Returns a runner with which git uses the repository of `GIT_DIR` and the work tree of
    /// `GIT_WORK_TREE`. Returns `None` if `GIT_DIR` is not set.
    pub fn with_named_repository(&self) -> Option<Self> {
        let absolute = |name| Some(std::path::absolute(std::env::var_os(name)?).ok()?.into());
        let repository = (absolute("GIT_DIR")?, absolute("GIT_WORK_TREE"));
        Some(Self {
            repository: Some(repository),
            ..self.clone()
        })
    }

    /// Returns a runner with another work tree for a named repository.
    #[must_use]
    pub fn with_work_tree(&self, top: &Utf8Path) -> Self {
        let mut this = self.clone();
        if let Some((_, work_tree)) = &mut this.repository {
            *work_tree = Some(top.as_os_str().to_owned());
        }
        this
    }

    /// Returns a runner whose git finds the repository by the directory.
    #[must_use]
    pub fn without_named_repository(&self) -> Self {
        Self {
            repository: None,
            ..self.clone()
        }
    }

    /// Returns the directory in which programs start.
    pub fn directory(&self) -> &Path {
        self.shell.current_dir()
    }

    /// Returns a command for the cargo that the user's own shell would start here.
    pub fn cargo(&self) -> Command {
        self.program(&self.cargo)
    }

    /// Returns the values of `--config` as arguments for cargo.
    pub fn config_args(&self) -> Vec<String> {
        let values = self.flags.config.iter();
        values
            .flat_map(|value| ["--config".to_owned(), value.clone()])
            .collect()
    }

    /// Returns a command for any program. The `GIT_*` variables that git sets for its hooks are
    /// removed, since they would mislead the git that cargo starts.
    pub fn program(&self, name: impl AsRef<OsStr>) -> Command {
        let mut command = self.command(name.as_ref());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("GIT_")) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Returns the environment of the programs that the runner starts.
    pub fn environment(&self) -> impl Iterator<Item = (OsString, OsString)> {
        std::env::vars_os().filter(|(name, _)| !self.leaked.contains(name))
    }

    /// Returns the file on `PATH` with a program's name.
    pub fn find(&self, name: &str) -> Option<Utf8PathBuf> {
        let path = std::env::var_os("PATH")?;
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let found = std::env::split_paths(&path).map(|directory| directory.join(&file));
        found
            .filter(|file| file.is_file())
            .find_map(|file| Utf8PathBuf::try_from(file).ok())
    }

    /// Returns a command for a hook of the user, with all variables that git set for the hook.
    pub fn hook(&self, path: &Utf8Path) -> Command {
        if cfg!(windows) {
            // Windows cannot start scripts, but git installs a shell.
            let mut command = self.command(OsStr::new("sh"));
            command.arg(path);
            return command;
        }
        self.command(path.as_ref())
    }

    /// Returns the version of cargo; `None` if cargo does not start or prints no version.
    pub fn cargo_version(&self) -> Option<Version> {
        let said = checked(self.cargo().arg("--version")).ok()?;
        version_in(&String::from_utf8_lossy(&said))
    }

    /// Returns a command for the rustc that cargo would choose from the environment.
    pub fn rustc(&self) -> Command {
        let named = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        self.command(&named)
    }

    /// Returns a command for git. Git finds the repository by the directory, or uses the repository
    /// that this runner names. `GIT_DIR` and similar variables, which hooks set, are removed, since
    /// they would override the directory. `GIT_INDEX_FILE` is kept, since during `git commit -a` it
    /// names the index that is going to be committed.
    pub fn git(&self) -> Command {
        let mut command = self.command(OsStr::new("git"));
        for name in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_PREFIX",
            "GIT_EXTERNAL_DIFF",
        ] {
            command.env_remove(name);
        }
        if let Some((directory, work_tree)) = &self.repository {
            command.env("GIT_DIR", directory);
            if let Some(work_tree) = work_tree {
                command.env("GIT_WORK_TREE", work_tree);
            }
        }
        // A query must not hold the index lock while the user's own git needs the lock.
        command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        command
    }

    fn command(&self, program: &OsStr) -> Command {
        let mut command = self.shell.cmd(program).to_command();
        for name in &self.leaked {
            command.env_remove(name);
        }
        for (name, value) in &self.library_paths {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        command
    }
}

/// Returns the version in the output of `cargo --version`, for instance
/// `cargo 1.95.0 (f2d3ce0bd 2026-03-21)`.
pub fn version_in(text: &str) -> Option<Version> {
    Version::parse(text.split_whitespace().nth(1)?).ok()
}

/// Runs a program to its end and returns its output, for any exit status.
///
/// # Errors
/// Returns an error if the program cannot be started. The message names the program and the
/// directory.
pub fn output(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    helper(command)?.wait_with_output()
}

/// Runs a program to its end and returns its standard output.
///
/// # Errors
/// Returns an error if the program cannot be started or fails. The message has the program's
/// standard error.
pub fn checked(command: &mut Command) -> Result<Vec<u8>> {
    let output = output(command)?;
    succeeded(command, output)
}

/// Returns the standard output of a program that has ended.
///
/// # Errors
/// Returns an error if the program failed. The message has the program's standard error.
pub fn succeeded(command: &Command, output: Output) -> Result<Vec<u8>> {
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(anyhow::Error::new(FailedProgram {
            is_git: command.get_program() == "git",
            command: shown(command),
            stderr: quote::text(said.trim_end()).into(),
        }));
    }
    Ok(output.stdout)
}

/// Runs a program to its end with `input` on its standard input, and returns its output.
///
/// # Errors
/// Returns an error if the program cannot be started or does not read its input.
pub fn output_with_input(command: &mut Command, input: Vec<u8>) -> Result<Output> {
    use std::io::Write as _;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = helper(command)?;
    let mut stdin = child.stdin().context("the program's input is not a pipe")?;
    // The program writes while it reads, so one of the two directions needs a thread.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    if output.status.success() {
        let written = writer
            .join()
            .map_err(|_| anyhow::anyhow!("writing to a program"))?;
        written.with_context(|| format!("writing to {}", shown(command)))?;
    }
    Ok(output)
}

/// Runs a program to its end with `input` on its standard input. The program prints to the kit's
/// own streams.
///
/// # Errors
/// Returns an error if the program cannot be started.
pub fn status_with_input(command: &mut Command, input: Vec<u8>) -> Result<ExitStatus> {
    use std::io::Write as _;
    command.stdin(Stdio::piped());
    let mut child = helper(command)?;
    if let Some(mut stdin) = child.stdin() {
        // A program that does not read its input does not need it, so errors are ignored.
        drop(stdin.write_all(&input));
    }
    child.wait()
}

/// Runs a program to its end with the kit's own streams.
///
/// # Errors
/// Returns an error if the program cannot be started.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    helper(command)?.wait()
}

/// Runs a program to its end, and passes each line of its standard output to `line` as soon as it
/// is printed. Standard error is the kit's own.
///
/// # Errors
/// Returns an error if the program cannot be started or if its output cannot be read.
pub fn stream(command: &mut Command, mut line: impl FnMut(&str)) -> Result<ExitStatus> {
    use std::io::BufRead as _;
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = helper(command)?;
    let stdout = child
        .stdout()
        .context("the program's output is not a pipe")?;
    for bytes in std::io::BufReader::new(stdout).split(b'\n') {
        let bytes = bytes.with_context(|| format!("reading the output of {}", shown(command)))?;
        line(&String::from_utf8_lossy(&bytes));
    }
    child.wait()
}

/// Runs a program to its end, and passes each line of its standard output to `line` and each piece
/// of its standard error to `errors` as soon as it is printed.
///
/// # Errors
/// Returns the errors of [`stream`].
pub fn stream_both(
    command: &mut Command,
    line: impl FnMut(&str),
    mut errors: impl FnMut(&[u8]) + Send,
) -> Result<ExitStatus> {
    use std::io::Read as _;
    let (mut reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    command.stderr(writer);
    std::thread::scope(|scope| {
        let listening = scope.spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut piece) {
                errors(&piece[..length]);
            }
        });
        let status = stream(command, line);
        // The command holds the other end of the pipe until the command gets another standard
        // error.
        command.stderr(Stdio::null());
        drop(listening.join());
        status
    })
}

/// Returns a command as a user would type it into a shell.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| quote::shell(&word.to_string_lossy()).into_owned());
    words.collect::<Vec<_>>().join(" ")
}

/// Starts a program that works for the kit. After a signal the kit ends as soon as the program has
/// ended.
fn helper(command: &mut Command) -> Result<RunningChild> {
    RunningChild::start(command, SignalRole::Helper, Reach::Descendants)
}

fn cannot_start(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = quote::name(&program);
    let directory = command.get_current_dir().unwrap_or(Path::new("."));
    let shown = directory.to_string_lossy();
    let shown = quote::name(&shown);
    if directory.is_dir() {
        format!("cannot start `{program}` in {shown}; is it installed and on PATH?")
    } else {
        format!("cannot start `{program}`: the directory {shown} does not exist")
    }
}

const LIBRARY_PATHS: [&str; 3] = [
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
];

/// The variables that are in the environment because `cargo run` started the kit.
struct Leaks {
    under_cargo: bool,
    toolchain_leaked: bool,
    cargo: OsString,
}

impl Leaks {
    fn of(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        // Cargo sets both variables for a program that it runs. Users set neither.
        let under_cargo =
            variable("CARGO_MANIFEST_DIR").is_some() && variable("CARGO_PKG_NAME").is_some();
        let under_rustup = variable("RUSTUP_TOOLCHAIN").is_some();
        // From 1.29 on, rustup names the source of its choice. A toolchain that the user chose,
        // with `+nightly` or the variable, is kept. A toolchain that came from a default or a file
        // belongs to the directory in which the kit was started, and would be wrong in another
        // directory.
        let chosen = variable("RUSTUP_TOOLCHAIN_SOURCE")
            .is_some_and(|source| matches!(source.to_str(), Some("cli" | "env")));
        let toolchain_leaked = under_cargo && under_rustup && !chosen;
        // `cargo run` passes the path of one toolchain's cargo. rustup's proxy chooses a toolchain
        // for each directory.
        let cargo = variable("CARGO").filter(|_| !toolchain_leaked);
        Self {
            under_cargo,
            toolchain_leaked,
            cargo: cargo.unwrap_or_else(|| "cargo".into()),
        }
    }

    fn leaks(&self, name: &str) -> bool {
        if name.starts_with("RUSTUP_TOOLCHAIN") {
            return self.toolchain_leaked;
        }
        self.under_cargo
            && (name.starts_with("CARGO_PKG_")
                || matches!(
                    name,
                    "CARGO"
                        | "CARGO_BIN_NAME"
                        | "CARGO_CRATE_NAME"
                        | "CARGO_MANIFEST_DIR"
                        | "CARGO_MANIFEST_LINKS"
                        | "CARGO_MANIFEST_PATH"
                        | "CARGO_PRIMARY_PACKAGE"
                        | "OUT_DIR"
                        | "RUST_RECURSION_COUNT"
                ))
    }
}

/// Removes the directories that cargo and rustup added to a library search path: the kit's own
/// build directory and the toolchain's directories.
fn without_cargos_own(value: &OsStr) -> OsString {
    let own = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_path_buf));
    let kept = std::env::split_paths(value).filter(|path| {
        let of_build = own.as_ref().is_some_and(|own| path.starts_with(own));
        let of_toolchain = path.join("rustlib").is_dir()
            || path.ancestors().any(|above| above.ends_with("lib/rustlib"));
        !of_build && !of_toolchain
    });
    std::env::join_paths(kept).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaks(variables: &[(&str, &str)]) -> Leaks {
        Leaks::of(&|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.into())
        })
    }

    #[test]
    fn under_cargo_run_the_package_and_the_toolchain_leak() {
        let leaks = leaks(&[
            ("CARGO", "/toolchain/bin/cargo"),
            ("CARGO_MANIFEST_DIR", "/repo/xtask"),
            ("CARGO_PKG_NAME", "xtask-kit"),
            ("RUSTUP_TOOLCHAIN", "stable"),
            ("RUSTUP_TOOLCHAIN_SOURCE", "default"),
        ]);
        assert_eq!(
            leaks.cargo, "cargo",
            "rustup chooses again for each directory"
        );
        for name in [
            "CARGO_PKG_VERSION",
            "CARGO_MANIFEST_DIR",
            "RUSTUP_TOOLCHAIN",
            "CARGO",
        ] {
            assert!(leaks.leaks(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_PROFILE_DEV_DEBUG",
            "RUSTFLAGS",
        ] {
            assert!(!leaks.leaks(name), "{name} is the user's own");
        }
    }

    #[test]
    fn a_toolchain_that_the_user_chose_is_kept() {
        let leaks = leaks(&[
            ("CARGO", "/nightly/bin/cargo"),
            ("CARGO_MANIFEST_DIR", "/repo/xtask"),
            ("CARGO_PKG_NAME", "xtask-kit"),
            ("RUSTUP_TOOLCHAIN", "nightly"),
            ("RUSTUP_TOOLCHAIN_SOURCE", "cli"),
        ]);
        assert_eq!(leaks.cargo, "/nightly/bin/cargo");
        assert!(!leaks.leaks("RUSTUP_TOOLCHAIN"));
    }

    #[test]
    fn a_kit_started_by_hand_inherits_no_variables_of_cargo_run() {
        let leaks = leaks(&[("RUSTUP_TOOLCHAIN", "nightly"), ("CARGO", "my-cargo")]);
        assert_eq!(leaks.cargo, "my-cargo");
        assert!(!leaks.leaks("RUSTUP_TOOLCHAIN") && !leaks.leaks("CARGO_PKG_NAME"));
    }

    #[test]
    fn a_command_is_shown_as_a_user_would_type_it() {
        let mut command = Runner::new().unwrap().git();
        command.args(["clean", "-p", "my lib", "", "a|b", "$it's"]);
        let expected = r"git clean -p 'my lib' '' 'a|b' '$it'\''s'";
        assert_eq!(shown(&command), expected);
    }
}
