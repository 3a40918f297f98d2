//! After `clean-affected`, a build gives the same result as a build from nothing, even if cargo
//! alone would not notice the change. Every edit here has an old modification time.
//!
//! A program prints the value of every kind of input. By default, the tests use the flags that
//! remove least. With `XTASK_MATRIX=full`, they use every combination of flags, for each input
//! alone, in both layouts; this takes a quarter of an hour.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::Command;
use std::time::{Duration, SystemTime};
use std::{env, fs};

use crate::support::Project;
use crate::support::clean::SECOND_LAYOUT;

/// Every input: its name in the output of the program, its path, and the text around its value.
const INPUTS: &[(&str, &str, &str)] = &[
    (
        "code",
        "crates/parts/src/code.rs",
        "pub const CODE: u32 = {};\n",
    ),
    ("included", "crates/parts/src/included.txt", "{}"),
    ("out-dir", "crates/parts/data.txt", "{}"),
    ("env", "crates/parts/env.txt", "{}"),
    (
        "script",
        "crates/parts/build/helper.rs",
        "pub const HELPER: u32 = {};\n",
    ),
    ("links", "crates/sys/meta.txt", "{}"),
    (
        "macro",
        "crates/macros/src/code.rs",
        "pub const CODE: &str = \"{}\";\n",
    ),
    ("read-by-macro", "crates/app/macro.txt", "{}"),
    (
        "plugin",
        "crates/plugin/src/lib.rs",
        "pub const PLUGIN: u32 = {};\n",
    ),
    (
        "program",
        "crates/app/src/code.rs",
        "pub const CODE: u32 = {};\n",
    ),
];

/// The build script keeps a file of its former run, so that a stale file shows in the output.
const SCRIPT: &str = r#"
#[path = "build/helper.rs"]
mod helper;

use std::{env, fs, path::Path};

fn main() {
    for input in ["data.txt", "env.txt"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let to = env::var("OUT_DIR").unwrap() + "/data.txt";
    if !Path::new(&to).exists() {
        fs::write(to, fs::read("data.txt").unwrap()).unwrap();
    }
    println!("cargo::rustc-env=FROM_FILE={}", fs::read_to_string("env.txt").unwrap());
    println!("cargo::rustc-env=FROM_SCRIPT={}", helper::HELPER);
    println!("cargo::rustc-env=FROM_LINKS={}", env::var("DEP_SYS_VALUE").unwrap());
}
"#;

const PARTS: &str = r#"
mod code;

pub fn values() -> String {
    format!(
        "code {}, included {}, out-dir {}, env {}, script {}, links {}",
        code::CODE,
        include_str!("included.txt"),
        include_str!(concat!(env!("OUT_DIR"), "/data.txt")),
        env!("FROM_FILE"),
        env!("FROM_SCRIPT"),
        env!("FROM_LINKS"),
    )
}
"#;

const MACROS: &str = r#"
mod code;

#[proc_macro]
pub fn own(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    code::CODE.parse().unwrap()
}

#[proc_macro]
pub fn file(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let path = std::env::var("CARGO_MANIFEST_DIR").unwrap() + "/macro.txt";
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}
"#;

const APP: &str = r#"
pub fn values() -> String {
    format!(
        "{}, macro {}, read-by-macro {}, plugin {}",
        parts::values(),
        macros::own!(),
        macros::file!(),
        plugin::PLUGIN
    )
}
"#;

const PROGRAM: &str = r#"
#[path = "../src/code.rs"]
mod code;

fn main() {
    println!("{}, program {}", app::values(), code::CODE);
}
"#;

const TEST: &str = r#"
#[test]
fn it() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_app")).output().unwrap();
    println!("{}", String::from_utf8(output.stdout).unwrap());
}
"#;

/// The workspace, and the present value of each input.
struct Printed {
    project: Project,
    values: BTreeMap<&'static str, u32>,
}

impl Printed {
    fn new(configuration: &str) -> Self {
        let project = Project::without_members();
        for (name, dependencies) in [
            ("sys", &[][..]),
            ("parts", &["sys"]),
            ("macros", &[]),
            ("plugin", &[]),
            ("app", &["parts", "macros", "plugin"]),
        ] {
            project.library(name, dependencies);
        }
        let manifest = |name: &str| format!("crates/{name}/Cargo.toml");
        project.replace(manifest("sys"), "edition", "links = \"sys\"\nedition");
        project.append(manifest("macros"), "[lib]\nproc-macro = true\n");
        let library = "[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n";
        project.append(manifest("plugin"), library);
        let metadata = "fn main() {\n    println!(\"cargo::rerun-if-changed=meta.txt\");\n    \
             let value = std::fs::read_to_string(\"meta.txt\").unwrap();\n    \
             println!(\"cargo::metadata=value={value}\");\n}\n";
        for (path, text) in [
            ("sys/build.rs", metadata),
            ("parts/build.rs", SCRIPT),
            ("parts/src/lib.rs", PARTS),
            ("macros/src/lib.rs", MACROS),
            ("app/src/lib.rs", APP),
            ("app/src/main.rs", PROGRAM),
            ("app/examples/show.rs", PROGRAM),
            ("app/tests/it.rs", TEST),
        ] {
            project.write(format!("crates/{path}"), text);
        }
        let small = "[profile.dev]\ndebug = false\n";
        project.write(".cargo/config.toml", &(configuration.to_owned() + small));
        let values = INPUTS.iter().map(|&(name, ..)| (name, 0)).collect();
        let mut printed = Self { project, values };
        let all: Vec<_> = INPUTS.iter().map(|it| it.0).collect();
        printed.edit(&all);
        printed.project = printed.project.in_git();
        printed
    }

    /// Gives inputs another value, and sets the modification time of their files to two hours ago.
    /// Returns the paths of the files.
    fn edit(&mut self, names: &[&str]) -> Vec<&'static str> {
        let mut edited = Vec::new();
        for (name, path, text) in INPUTS.iter().filter(|it| names.contains(&it.0)) {
            let value = self.values.get_mut(name).unwrap();
            *value += 1;
            self.project
                .write(path, &text.replace("{}", &value.to_string()));
            let file = File::options()
                .write(true)
                .open(self.project.path(path))
                .unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(7200))
                .unwrap();
            edited.push(*path);
        }
        edited
    }

    /// Returns the output of the program after a build from nothing.
    fn expected(&self) -> String {
        let values = INPUTS
            .iter()
            .map(|(name, ..)| format!("{name} {}", self.values[name]));
        values.collect::<Vec<_>>().join(", ")
    }

    /// Runs cargo, and returns the first output line with values.
    fn printed_by(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("cargo");
        command.arg("--quiet").args(arguments);
        let printed = self.project.run(command.env("RUSTC_BOOTSTRAP", "1")).done();
        let mut values = printed.lines().filter(|line| line.starts_with("code "));
        values.next().unwrap_or_default().to_owned()
    }

    fn program(&self) -> String {
        self.printed_by(&["run", "--package", "app"])
    }

    /// Runs `clean-affected` after a change of these files.
    fn clean(&self, flags: &[&str], edited: &[&str]) {
        let files = edited.iter().flat_map(|path| ["--file", path]);
        let arguments = ["clean-affected"].into_iter().chain(flags.iter().copied());
        let arguments: Vec<_> = arguments.chain(files).collect();
        self.project.xtask(&arguments).done();
    }

    /// Edits inputs, cleans, and checks that the program prints the new values.
    #[track_caller]
    fn is_fresh_after(&mut self, flags: &[&str], names: &[&str]) {
        let edited = self.edit(names);
        self.clean(flags, &edited);
        assert_eq!(self.program(), self.expected(), "{flags:?} {names:?}");
    }
}

const LEAST: &[&str] = &["--keep-incremental", "--only-changed"];

fn least_is_enough(configuration: &str) {
    let mut printed = Printed::new(configuration);
    assert_eq!(printed.program(), printed.expected());
    // Cargo alone does not notice this edit.
    printed.edit(&["out-dir"]);
    assert_ne!(printed.program(), printed.expected());
    printed.is_fresh_after(LEAST, &["out-dir"]);
    printed.is_fresh_after(LEAST, &["links"]);
    let others = ["included", "script", "macro", "read-by-macro", "plugin"];
    printed.is_fresh_after(LEAST, &others);
}

#[test]
fn the_smallest_clean_is_enough_in_the_first_layout() {
    least_is_enough("");
}

#[test]
fn the_smallest_clean_is_enough_in_the_second_layout() {
    least_is_enough(SECOND_LAYOUT);
}

/// A clean that stops early leaves each unit either unchanged or invalidated together with its
/// dependents.
#[test]
fn a_clean_that_stops_early_leaves_no_stale_unit() {
    let mut printed = Printed::new("");
    printed.program();
    for (flags, stops) in [(LEAST, &[1, 2][..]), (&["--only-changed"], &[1])] {
        for &stop in stops {
            // The input is not `out-dir`, because cargo itself keeps old files in `OUT_DIR` when a
            // script runs again.
            let edited = printed.edit(&["env"]);
            let asked = [flags, &["--file", edited[0]]].concat();
            let plan = printed.project.plan(&asked).unwrap();
            assert!(plan.paths().len() > stop);
            for path in &plan.paths()[..stop] {
                printed.project.remove(path);
            }
            let message = format!("{flags:?}, stopped after {stop} removals");
            assert_eq!(printed.program(), printed.expected(), "{message}");
        }
    }
}

/// Uses every combination of flags; see the [module](self).
#[test]
fn every_combination_of_flags() {
    if !env::var("XTASK_MATRIX").is_ok_and(|it| it == "full") {
        return;
    }
    let mut combinations: Vec<Vec<&str>> =
        vec![vec![], vec!["--only-changed"], vec!["--whole-package"]];
    for flag in ["--keep-incremental", "--doc", "--orphans"] {
        let with = combinations
            .iter()
            .map(|flags| [&flags[..], &[flag]].concat());
        combinations.extend(with.collect::<Vec<_>>());
    }
    for configuration in ["", SECOND_LAYOUT] {
        let mut printed = Printed::new(configuration);
        printed.everything_is_fresh(&["the first build"]);
        for flags in &combinations {
            for (name, ..) in INPUTS {
                let edited = printed.edit(&[name]);
                printed.clean(flags, &edited);
                printed.everything_is_fresh(&[&flags[..], &[name]].concat());
            }
        }
    }
}

impl Printed {
    #[track_caller]
    fn everything_is_fresh(&self, said: &[&str]) {
        let expected = self.expected();
        assert_eq!(self.program(), expected, "{said:?}");
        let example = ["run", "--package", "app", "--example", "show"];
        assert_eq!(self.printed_by(&example), expected, "{said:?}");
        let test = [
            "test",
            "--package",
            "app",
            "--test",
            "it",
            "--",
            "--nocapture",
        ];
        assert_eq!(self.printed_by(&test), expected, "{said:?}");
        let library = self.project.path("target/debug/libplugin.so");
        assert!(!cfg!(target_os = "linux") || fs::exists(library).unwrap());
    }
}
