//! A workspace of any size: small libraries of a few files, each on up to three before it, one in three
//! with an integration test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A workspace in a directory of its own, which is gone when it is dropped.
pub(crate) struct Synthetic {
    root: TempDir,
}

impl Synthetic {
    /// Writes one of so many packages, and a lock file.
    pub(crate) fn new(packages: usize) -> Self {
        let root = TempDir::with_prefix("xtask-speed-").unwrap();
        let synthetic = Self { root };
        synthetic.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n\n\
             [profile.dev]\ndebug = false\n",
        );
        for at in 0..packages {
            let name = name(at);
            let mut manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
                 [dependencies]\n"
            );
            let mut source = format!("pub fn value() -> u64 {{\n    {at}");
            for below in below(at) {
                let on = self::name(below);
                manifest.push_str(&format!("{on} = {{ path = \"../{on}\" }}\n"));
                source.push_str(&format!(" + {on}::value()"));
            }
            source.push_str("\n}\n");
            for module in ["read", "write", "model"] {
                source.push_str(&format!("pub mod {module};\n"));
                let text = format!("//! To {module}.\n\npub fn {module}() {{}}\n");
                synthetic.write(format!("crates/{name}/src/{module}.rs"), &text);
            }
            if at % 3 == 0 {
                let text = format!("#[test]\nfn works() {{\n    {name}::value();\n}}\n");
                synthetic.write(format!("crates/{name}/tests/it.rs"), &text);
            }
            synthetic.write(format!("crates/{name}/Cargo.toml"), &manifest);
            synthetic.write(format!("crates/{name}/src/lib.rs"), &source);
        }
        synthetic.cargo(&["generate-lockfile", "--offline", "--quiet"]);
        synthetic
    }

    /// Makes it a repository with one commit.
    pub(crate) fn commit(&self) {
        self.write(".gitignore", "/target\n");
        for arguments in [
            &["init", "--quiet"][..],
            &["add", "--all"],
            &[
                "-c",
                "user.name=Speed",
                "-c",
                "user.email=speed@example.com",
                "commit",
                "--quiet",
                "-m",
                "All",
            ],
        ] {
            self.run(Command::new("git").args(arguments));
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(below)
    }

    /// Runs cargo in it, to a good end.
    pub(crate) fn cargo(&self, arguments: &[&str]) {
        self.run(Command::new("cargo").args(arguments));
    }

    /// Runs a program in it, to a good end and without a word.
    pub(crate) fn run(&self, command: &mut Command) {
        command.current_dir(self.root.path());
        for (name, _) in std::env::vars_os() {
            let name = name.to_str().unwrap_or_default();
            if name.starts_with("CARGO_") && name != "CARGO_HOME" {
                command.env_remove(name);
            }
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
    }

    fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// The name of a package, by its place. Nothing is built from the last one.
pub(crate) fn name(at: usize) -> String {
    format!("part_{at:04}")
}

fn below(at: usize) -> Vec<usize> {
    let mut below: Vec<_> = [at / 2, at / 3, at.saturating_sub(1)].into();
    below.retain(|&it| it < at);
    below.sort_unstable();
    below.dedup();
    below
}
