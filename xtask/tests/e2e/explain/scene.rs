//! A small workspace whose artifacts are damaged: a library `base`, a library `mid` with a generated
//! file, a procedural macro `mac`, and a binary `app` that uses all of them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Project, manifest};

/// A workspace that was built and checked once, and can be set back to that state.
pub(super) struct Scene {
    pub(super) project: Project,
    variables: &'static [(&'static str, &'static str)],
}

impl Scene {
    /// Makes the workspace, builds and checks it.
    pub(super) fn new() -> Self {
        Self::with(&[])
    }

    /// Makes the workspace with the second layout of the build directory.
    pub(super) fn in_second_layout() -> Self {
        Self::with(&[
            ("RUSTC_BOOTSTRAP", "1"),
            ("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true"),
        ])
    }

    fn with(variables: &'static [(&'static str, &'static str)]) -> Self {
        let project = Project::empty().file(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\nexclude = [\"other\"]\n[profile.dev]\ndebug = false\n",
        );
        let on = |names: &[&str]| {
            let line = |name: &&str| format!("{name} = {{ path = \"../{name}\" }}\n");
            "[dependencies]\n".to_owned() + &names.iter().map(line).collect::<String>()
        };
        for (name, rest, source) in [
            (
                "base",
                String::new(),
                "pub struct Thing(pub u32);\npub fn one() -> u32 { 1 }\n",
            ),
            (
                "mid",
                on(&["base"]),
                "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n\
                 pub fn two() -> u32 { base::one() + G }\n",
            ),
            (
                "mac",
                "[lib]\nproc-macro = true\n".to_owned(),
                "extern crate proc_macro;\n#[proc_macro]\n\
                 pub fn nine(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    \
                 \"9\".parse().unwrap()\n}\n",
            ),
        ] {
            project.write(
                format!("crates/{name}/Cargo.toml"),
                &(manifest(name) + &rest),
            );
            project.write(format!("crates/{name}/src/lib.rs"), source);
        }
        project.write(
            "crates/mid/build.rs",
            "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
             std::fs::write(format!(\"{out}/g.rs\"), \"pub const G: u32 = 1;\").unwrap();\n}\n",
        );
        project.write(
            "crates/app/Cargo.toml",
            &(manifest("app") + &on(&["base", "mid", "mac"])),
        );
        project.write(
            "crates/app/src/main.rs",
            "fn main() {\n    println!(\"{}\", base::one() + mid::two() + mac::nine!());\n}\n",
        );
        let scene = Self {
            project: project.in_git(),
            variables,
        };
        for verb in ["build", "check"] {
            assert_eq!(scene.fails(&[verb]), None);
        }
        scene.copy(scene.project.root(), &scene.saved());
        scene
    }

    /// Gives a command the environment of the tests and of the layout.
    fn isolated(&self, command: &mut Command) {
        self.project.isolated(command);
        command.envs(self.variables.iter().copied());
    }

    fn saved(&self) -> PathBuf {
        self.project.beside("saved")
    }

    /// Copies a directory with all times and hard links.
    fn copy(&self, from: &Path, to: &Path) {
        let _ = fs::remove_dir_all(to);
        let status = Command::new("cp").arg("-a").args([from, to]).status();
        assert!(status.unwrap().success());
    }

    /// Sets the workspace back to the state after [`Scene::new`].
    pub(super) fn reset(&self) {
        self.copy(&self.saved(), self.project.root());
    }

    /// Returns the only file that rustc or a build script wrote and whose name matches.
    fn file(&self, is_wanted: impl Fn(&str) -> bool) -> PathBuf {
        let mut found = self.files(is_wanted);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// Returns the files that rustc or a build script wrote and whose names match, sorted. Final
    /// artifacts and incremental caches are left out.
    fn files(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let root = self.project.path("target/debug");
        let files = self.built_files().into_iter();
        let found = files.filter(|path| {
            let place = path.strip_prefix(&root).unwrap();
            let is_output = place.starts_with("deps") || place.starts_with("build");
            is_output && is_wanted(path.file_name().unwrap().to_str().unwrap())
        });
        found.collect()
    }

    /// Returns the library that a build of a package wrote.
    pub(super) fn library(&self, name: &str) -> PathBuf {
        let start = format!("lib{name}-");
        self.file(|it| it.starts_with(&start) && it.ends_with(".rlib"))
    }

    /// Returns the metadata that a build of a package wrote.
    pub(super) fn metadata_of_build(&self, name: &str) -> PathBuf {
        self.library(name).with_extension("rmeta")
    }

    /// Returns the metadata that a check of a package wrote.
    pub(super) fn metadata_of_check(&self, name: &str) -> PathBuf {
        let start = format!("lib{name}-");
        let built = self.metadata_of_build(name);
        let mut found = self.files(|it| it.starts_with(&start) && it.ends_with(".rmeta"));
        found.retain(|it| *it != built);
        found.remove(0)
    }

    /// Returns the library of the procedural macro.
    pub(super) fn macro_library(&self) -> PathBuf {
        self.file(|it| it.starts_with("libmac-") && it.ends_with(".so"))
    }

    /// Returns the program, where cargo put it last.
    pub(super) fn program(&self) -> PathBuf {
        self.project.path("target/debug/app")
    }

    /// Returns the executable of the build script. In the second layout, cargo 1.97 keeps the name
    /// that rustc gives it.
    pub(super) fn script(&self) -> PathBuf {
        let mut linked = self.files(|it| it == "build-script-build");
        linked.extend(self.files(|it| it == "build_script_build"));
        linked.remove(0)
    }

    /// Returns the file that the build script generated.
    pub(super) fn generated(&self) -> PathBuf {
        self.files(|it| it == "g.rs").remove(0)
    }

    /// Returns the record of what the build script printed.
    pub(super) fn script_output(&self) -> PathBuf {
        let run = self.generated();
        let run = run.parent().unwrap().parent().unwrap();
        let output = run.join("output");
        if output.exists() {
            output
        } else {
            run.join("run/stdout")
        }
    }

    /// Lets the build script of `mid` make a native library that `mid` uses.
    pub(super) fn with_native_library(self) -> Self {
        self.project.write(
            "crates/mid/build.rs",
            r#"use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = std::env::var("OUT_DIR").unwrap();
    let rust = "pub const G: u32 = 1; unsafe extern \"C\" { pub fn cee() -> u32; }";
    std::fs::write(format!("{out}/g.rs"), rust).unwrap();
    std::fs::write(format!("{out}/c.c"), "unsigned cee(void) { return 4; }").unwrap();
    let run = |program: &str, words: &[&str]| {
        let mut command = Command::new(program);
        assert!(command.args(words).current_dir(&out).status().unwrap().success());
    };
    // As some build systems do, keep a library that exists.
    if !std::path::Path::new(&out).join("libcee.a").exists() {
        run("cc", &["-c", "-o", "c.o", "c.c"]);
        run("ar", &["crs", "libcee.a", "c.o"]);
    }
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=static=cee");
}
"#,
        );
        self.project.replace(
            "crates/mid/src/lib.rs",
            "base::one() + G",
            "base::one() + G + unsafe { cee() }",
        );
        for verb in ["build", "check"] {
            assert_eq!(self.fails(&[verb]), None);
        }
        self.copy(self.project.root(), &self.saved());
        self
    }

    /// Returns the native library that the build script made.
    pub(super) fn native(&self) -> PathBuf {
        self.files(|it| it == "libcee.a").remove(0)
    }

    /// Makes cargo compile a package again.
    pub(super) fn edit(&self, package: &str) {
        for file in ["src/lib.rs", "src/main.rs"] {
            let path = format!("crates/{package}/{file}");
            if self.project.path(&path).exists() {
                self.project.append(&path, "\n// Edited.\n");
            }
        }
    }

    /// Returns the content of an artifact of `base` from a build of other sources in the same place.
    pub(super) fn other_base(&self, path: &Path) -> Vec<u8> {
        let other = self.project.beside("other");
        if !other.exists() {
            self.build_other_base(self.project.root());
            self.copy(self.project.root(), &other);
            self.reset();
        }
        fs::read(other.join(path.strip_prefix(self.project.root()).unwrap())).unwrap()
    }

    /// Returns the content of an artifact of `base` from a build of other sources in another
    /// checkout.
    pub(super) fn foreign_base(&self, path: &Path) -> Vec<u8> {
        let foreign = self.project.beside("foreign");
        if !foreign.exists() {
            self.copy(&self.saved(), &foreign);
            self.build_other_base(&foreign);
        }
        fs::read(foreign.join(path.strip_prefix(self.project.root()).unwrap())).unwrap()
    }

    fn build_other_base(&self, root: &Path) {
        let source = root.join("crates/base/src/lib.rs");
        let text = fs::read_to_string(&source).unwrap() + "pub fn four() -> u64 { 4 }\n";
        fs::write(source, text).unwrap();
        for verb in ["build", "check"] {
            let mut cargo = Command::new("cargo");
            self.isolated(cargo.args([verb, "-q", "-p", "base"]));
            assert!(cargo.current_dir(root).status().unwrap().success());
        }
    }

    /// Writes a source that cargo does not count as changed, as `cp -p` and `tar` do.
    pub(super) fn write_with_old_time(&self, path: &str, text: &str) {
        let path = self.project.path(path);
        let time = path.metadata().unwrap().modified().unwrap();
        fs::write(&path, text).unwrap();
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(time)
            .unwrap();
    }

    /// Runs a command of the shell, and returns its standard error if the command failed. The kit
    /// stands for `cargo xtask`.
    pub(super) fn shell(&self, command: &str) -> Option<String> {
        let kit = env!("CARGO_BIN_EXE_xtask");
        let command = command.replace("cargo xtask", &format!("'{kit}'"));
        let mut shell = Command::new("sh");
        self.isolated(shell.args(["-c", &command]));
        let output = shell.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (!output.status.success()).then_some(said)
    }

    /// Returns the paths of all files in the build directory, without the kit's own.
    pub(super) fn built_files(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut open = vec![self.project.path("target/debug")];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => open.push(path),
                    false => _ = found.insert(path),
                }
            }
        }
        found
    }

    /// Runs cargo, and returns its standard error if cargo failed.
    pub(super) fn fails(&self, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new("cargo");
        self.isolated(command.args(arguments));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (!output.status.success()).then_some(said)
    }

    /// Runs the kit with a text on standard input.
    pub(super) fn explain(&self, arguments: &[&str], input: &str) -> std::process::Output {
        use std::io::Write as _;
        use std::process::Stdio;
        let mut command = self.project.kit(&[&["explain"], arguments].concat());
        command
            .envs(self.variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs the kit with a text on standard input, and returns its JSON.
    pub(super) fn explained(&self, input: &str) -> Value {
        let output = self.explain(&["-", "--format", "json"], input);
        let said = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}\n{input}"))
    }
}

/// Replaces the content of a file in place, and keeps its time, as a broken disk does.
pub(super) fn damage(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let time = path.metadata().unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
    File::options()
        .append(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

/// Cuts a file in the middle.
pub(super) fn cut(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len() / 2);
}

/// Fills a file with zeros.
pub(super) fn zero(bytes: &mut [u8]) {
    bytes.fill(0);
}
