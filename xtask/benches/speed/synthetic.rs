//! A workspace of any size: layers of small libraries with a few files, each depending on about
//! four libraries of lower layers. Some libraries have integration tests, dev-dependencies, build
//! scripts, and dependencies on registry packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A workspace in a directory that is kept from one run to the next, because building the workspace
/// takes long.
pub(crate) struct Synthetic {
    root: PathBuf,
}

/// A hook configuration with one step, which runs almost no code outside the kit.
const HOOKS: &str = "\
[workspace.metadata.xtask.hooks]
pre-commit.steps = [\"owners\"]
steps.owners.run = [\"git\", \"--version\", \"{packages}\"]
";

const CONFIG: &str = ".cargo/config.toml";

/// The modules of each package, relative to its `src`.
pub(crate) const MODULES: [&str; 6] = [
    "read",
    "write",
    "model",
    "model/query",
    "model/index",
    "error",
];

impl Synthetic {
    /// Makes a workspace with a number of packages, in a git repository with one commit. With
    /// `external`, a third of the packages depend on registry packages.
    pub(crate) fn new(packages: usize, external: bool) -> Self {
        let kind = if external { "external-" } else { "" };
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("speed-{kind}{packages}"));
        let synthetic = Self { root };
        let is_complete = [CONFIG, ".git/HEAD"]
            .iter()
            .all(|it| synthetic.path(it).exists());
        if !is_complete {
            let _ = fs::remove_dir_all(&synthetic.root);
            synthetic.write_all(packages, external);
            synthetic.commit();
        }
        synthetic
    }

    fn write_all(&self, packages: usize, external: bool) {
        // The workspace lies below the kit's own workspace, whose target directory cargo would use
        // otherwise.
        self.write(CONFIG, "[build]\ntarget-dir = \"target\"\n");
        self.write(
            "Cargo.toml",
            &format!(
                "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n\n\
                 [profile.dev]\ndebug = false\nincremental = false\n\n{HOOKS}"
            ),
        );
        for at in 0..packages {
            let name = name(at);
            let write = |file: &str, text: &str| self.write(format!("crates/{name}/{file}"), text);
            let mut manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n"
            );
            let depend = |on: usize| format!("{0} = {{ path = \"../{0}\" }}\n", self::name(on));
            manifest.push_str("[dependencies]\n");
            let mut source = format!(
                "pub fn value() -> u64 {{\n    let mut value = {at}_u64;\n    value += 1;\n"
            );
            for on in below(at) {
                manifest.push_str(&depend(on));
                let on = self::name(on);
                source.push_str(&format!("    value = value.max({on}::value());\n"));
            }
            source.push_str("    value\n}\n");
            if external && at % 3 == 0 {
                manifest.push_str("itoa = \"1\"\nmemchr = \"2\"\n");
            }
            if at % 4 == 1 {
                manifest.push_str(&format!("\n[dev-dependencies]\n{}", depend(at - 1)));
            }
            for module in MODULES {
                if !module.contains('/') {
                    source.push_str(&format!("pub mod {module};\n"));
                }
                let last = module.rsplit('/').next().unwrap_or(module);
                let mut text = format!("//! To {last}.\n\npub fn {last}() {{}}\n");
                if module == "model" {
                    text.push_str("pub mod index;\npub mod query;\n");
                }
                write(&format!("src/{module}.rs"), &text);
            }
            if at % 10 == 0 {
                let text = "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n}\n";
                write("build.rs", text);
            }
            if at % 3 == 0 {
                let text = format!("#[test]\nfn works() {{\n    {name}::value();\n}}\n");
                write("tests/it.rs", &text);
            }
            write("README.md", &format!("# {name}\n"));
            write("Cargo.toml", &manifest);
            write("src/lib.rs", &source);
        }
        let manifest = "[package]\nname = \"tool\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        self.write("crates/tool/Cargo.toml", manifest);
        self.write("crates/tool/src/main.rs", "fn main() {}\n");
        self.cargo(&["generate-lockfile", "--offline", "--quiet"]);
    }

    fn commit(&self) {
        self.write(".gitignore", "/target\n/built\n");
        for arguments in [
            "init --quiet",
            "add --all",
            "-c user.name=Speed -c user.email=speed@example.com commit --quiet -m All",
        ] {
            self.run(Command::new("git").args(arguments.split(' ')));
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.join(below)
    }

    /// Runs cargo in the workspace. Panics if cargo fails.
    pub(crate) fn cargo(&self, arguments: &[&str]) {
        self.run(Command::new("cargo").args(arguments));
    }

    /// Runs a program in the workspace, without showing its output. Panics if the program fails.
    pub(crate) fn run(&self, command: &mut Command) {
        let output = self.prepared(command).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
    }

    /// Prepares a program to run in the workspace, without the environment variables that `cargo
    /// bench` sets.
    pub(crate) fn prepared<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            let name = name.to_str().unwrap_or_default();
            if name.starts_with("CARGO_") && name != "CARGO_HOME" {
                command.env_remove(name);
            }
        }
        command
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Returns the name of a package by its number. No package depends on the package with the highest
/// number.
pub(crate) fn name(at: usize) -> String {
    format!("part_{at:05}")
}

/// Returns the packages of lower layers that a package depends on.
fn below(at: usize) -> Vec<usize> {
    let mut below: Vec<_> = [at / 2, at / 3, at * 3 / 5, at.saturating_sub(7)].into();
    below.retain(|&it| it < at);
    below.sort_unstable();
    below.dedup();
    below
}
