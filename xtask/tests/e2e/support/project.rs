//! Projects: a few files, a git repository, and the programs that run in them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use super::output::Output;
use super::tree;

/// A directory with a cargo workspace, removed when the test ends. The path of the directory
/// contains a space and a letter beyond ASCII, so that every test shows that such paths work.
pub(crate) struct Project {
    scratch: TempDir,
    root: PathBuf,
}

impl Project {
    /// Makes an empty directory.
    pub(crate) fn empty() -> Self {
        let scratch = TempDir::with_prefix("xtask-e2e-").unwrap();
        let root = without_links(scratch.path())
            .join("Fahrpläne 1")
            .join("project");
        fs::create_dir_all(&root).unwrap();
        Self { scratch, root }
    }

    /// Makes a workspace of small libraries below `crates/`, each with its dependencies, committed
    /// on the branch `main`.
    pub(crate) fn with_libraries(libraries: &[(&str, &[&str])]) -> Self {
        let project = Self::without_members();
        for (name, dependencies) in libraries {
            project.library(name, dependencies);
        }
        project.in_git()
    }

    /// Makes a workspace whose members will lie below `crates/`, without a git repository.
    pub(crate) fn without_members() -> Self {
        let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n";
        Self::empty().file("Cargo.toml", manifest)
    }

    /// Adds a small library below `crates/`.
    pub(crate) fn library(&self, name: &str, dependencies: &[&str]) {
        let mut manifest = manifest(name) + "\n[dependencies]\n";
        for on in dependencies {
            manifest.push_str(&format!("{on} = {{ path = \"../{on}\" }}\n"));
        }
        self.write(format!("crates/{name}/Cargo.toml"), &manifest);
        self.write(format!("crates/{name}/src/lib.rs"), "");
    }

    /// Adds a file.
    pub(crate) fn file(self, path: impl AsRef<Path>, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// Adds a git repository, and commits everything on the branch `main`.
    pub(crate) fn in_git(self) -> Self {
        self.write(".gitignore", "/target/\n");
        if self.path("Cargo.toml").exists() {
            // Cargo writes the lock file here. The filter avoids packages of other platforms, which
            // may not have been downloaded.
            let host = ["--filter-platform", "host-tuple"];
            let metadata = ["metadata", "--format-version", "1"];
            self.cargo(&[&metadata[..], &host].concat()).done();
        }
        self.git(&["init", "--quiet", "--initial-branch", "main"]);
        self.commit("Begin");
        self
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Returns the path of a directory next to the project, for files that must lie outside the
    /// project.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.with_file_name(name)
    }

    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.path(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes the files of libraries from a table, and returns the library and the file of each entry.
    /// An entry begins with `//- NAME/FILE`; the first entry of a library may list dependencies, as in
    /// `//- app/src/lib.rs -> base`. The text of a `Cargo.toml` is appended to the manifest.
    pub(crate) fn write_libraries<'a>(&self, table: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut written = Vec::new();
        for entry in table.split("//- ").skip(1) {
            let (file, text) = entry.split_once('\n').unwrap();
            let (file, on) = file.split_once(" -> ").unwrap_or((file, ""));
            let (name, below) = file.split_once('/').unwrap();
            let manifest = self.path(format!("crates/{name}/Cargo.toml"));
            if !manifest.exists() {
                self.library(name, &on.split_whitespace().collect::<Vec<_>>());
            }
            match below {
                "Cargo.toml" => self.append(&manifest, text),
                _ => self.write(format!("crates/{file}"), text),
            }
            written.push((name, below));
        }
        written
    }

    pub(crate) fn append(&self, path: impl AsRef<Path>, text: &str) {
        self.write(&path, &(self.read(&path) + text));
    }

    /// Replaces a text that occurs exactly once in a file.
    #[track_caller]
    pub(crate) fn replace(&self, path: impl AsRef<Path>, text: &str, with: &str) {
        let before = self.read(&path);
        assert_eq!(
            before.matches(text).count(),
            1,
            "{text:?} in {}",
            path.as_ref().display()
        );
        self.write(&path, &before.replace(text, with));
    }

    pub(crate) fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) {
        let to = self.path(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(self.path(from), to).unwrap();
    }

    /// Removes a file, or a directory with its contents.
    pub(crate) fn remove(&self, path: impl AsRef<Path>) {
        let path = self.path(path);
        if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
        .unwrap();
    }

    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.run(Command::new("git").args(arguments)).done()
    }

    /// Commits everything that git does not ignore.
    #[track_caller]
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    /// Runs the kit in the project's directory.
    pub(crate) fn xtask(&self, arguments: &[&str]) -> Output {
        self.xtask_in("", arguments)
    }

    /// Runs the kit in a directory of the project.
    pub(crate) fn xtask_in(&self, directory: &str, arguments: &[&str]) -> Output {
        let mut command = self.kit(arguments);
        command.current_dir(self.path(directory));
        self.finish(&mut command)
    }

    /// Returns the command that runs the kit, for a test that changes the command further.
    pub(crate) fn kit(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(arguments).current_dir(&self.root);
        self.isolate(&mut command);
        command
    }

    pub(crate) fn cargo(&self, arguments: &[&str]) -> Output {
        self.run(Command::new("cargo").args(arguments))
    }

    /// Runs a program of the system in the project's directory.
    pub(crate) fn run(&self, command: &mut Command) -> Output {
        self.isolated(command);
        self.finish(command)
    }

    /// Prepares a program to run in the project's directory, for a test that runs the program
    /// itself.
    pub(crate) fn isolated(&self, command: &mut Command) {
        command.current_dir(&self.root);
        self.isolate(command);
    }

    /// Runs a command to its end.
    pub(crate) fn finish(&self, command: &mut Command) -> Output {
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        self.redacted(&output)
    }

    /// Returns the output of a program without the parts that vary from run to run.
    pub(crate) fn redacted(&self, output: &std::process::Output) -> Output {
        let beside = self.root.parent().unwrap();
        let named = [(&*self.root, "[ROOT]"), (beside, "[BESIDE]")].map(|(path, name)| {
            let path = path.to_str().unwrap().replace('\\', "/");
            [(in_url(&path), name), (path, name)]
        });
        Output::new(output, named.as_flattened())
    }

    /// Returns a text with the names of the project's directories instead of their paths.
    pub(crate) fn redacted_text(&self, text: &str) -> String {
        let root = self.root.to_str().unwrap();
        text.replace(root, "[ROOT]")
    }

    /// Removes the user's own settings and the variables of `cargo test` from the environment of a
    /// command.
    pub(crate) fn isolate(&self, command: &mut Command) {
        for (name, _) in env::vars_os() {
            let is_setting = |name: &str| {
                let of = [
                    "CARGO",
                    "RUST",
                    "GIT_",
                    "RAIL_",
                    "CI_",
                    "GITHUB_",
                    "GITLAB_",
                    "PRE_COMMIT",
                ];
                of.iter().any(|start| name.starts_with(start))
                    || [
                        "CI",
                        "SKIP",
                        "NO_COLOR",
                        "CLICOLOR_FORCE",
                        "LD_LIBRARY_PATH",
                        "XDG_CACHE_HOME",
                    ]
                    .contains(&name)
            };
            if name.to_str().is_some_and(is_setting) {
                command.env_remove(name);
            }
        }
        let home = self.scratch.path().join("home");
        fs::create_dir_all(&home).unwrap();
        command
            .env("PATH", path_with_this_cargo())
            .env("HOME", &home)
            .env("CARGO_HOME", cargo_home_without_settings(&home))
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TERM_COLOR", "never")
            .env("GIT_CONFIG_GLOBAL", home.join("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "A Tester")
                .env(format!("GIT_{role}_EMAIL"), "tester@example.org")
                .env(format!("GIT_{role}_DATE"), "2025-01-01T00:00:00Z");
        }
    }
}

/// Returns the manifest of a package that has only a name.
pub(crate) fn manifest(name: &str) -> String {
    format!("[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2024\"\n")
}

/// Returns the path as programs name it, if the system's temporary directory lies behind a link.
fn without_links(path: &Path) -> PathBuf {
    // Windows has no such links, and its canonical paths have another form.
    if cfg!(windows) {
        path.to_owned()
    } else {
        fs::canonicalize(path).unwrap()
    }
}

/// Returns a path as cargo's package ids contain it.
fn in_url(path: &str) -> String {
    path.replace(' ', "%20").replace('ä', "%C3%A4")
}

/// Returns a `PATH` that begins with the cargo that runs the tests. A proxy of rustup could choose
/// another cargo.
fn path_with_this_cargo() -> std::ffi::OsString {
    let cargo = PathBuf::from(env::var_os("CARGO").expect("the tests are run by cargo"));
    let others = env::var_os("PATH").unwrap_or_default();
    let own = cargo.parent().map(Path::to_path_buf);
    env::join_paths(own.into_iter().chain(env::split_paths(&others))).unwrap()
}

/// Returns a cargo home with the user's downloaded packages but without the user's settings. If a
/// link cannot be made, returns the user's own cargo home.
fn cargo_home_without_settings(home: &Path) -> PathBuf {
    let users = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"))?;
        Some(Path::new(&home).join(".cargo"))
    });
    let users = users.expect("cargo has a home");
    let own = home.join("cargo");
    let link = own.join("registry");
    if link.exists() {
        return own;
    }
    let made = fs::create_dir_all(&own).and_then(|()| tree::symlink(users.join("registry"), link));
    if made.is_ok() { own } else { users }
}
