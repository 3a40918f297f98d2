//! Compares the configuration with cargo's: with `cargo config get`, which stable cargo runs if
//! unstable features are allowed, and with the directories that `cargo metadata` prints.

use std::process::Command;

use serde_json::Value as Json;

use super::super::*;
use crate::process;
use crate::testing::{scratch, write};

/// The files next to the current directory `w/a`, in which a workspace lies.
struct Layout {
    files: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
    flags: &'static [&'static str],
}

const LAYOUTS: &[Layout] = &[
    // This key stands alone: together with other keys, cargo joins or replaces a command
    // unpredictably.
    Layout {
        files: &[
            (
                "w/.cargo/config.toml",
                "target.'cfg(unix)'.runner = ['w', 'x']",
            ),
            (
                "w/a/.cargo/config.toml",
                "target.'cfg(unix)'.runner = ['a']",
            ),
        ],
        variables: &[],
        flags: &[],
    },
    Layout {
        files: &[
            (
                "home/config.toml",
                "[build]\njobs = 1\ntarget-dir = 'home-t'",
            ),
            (
                "w/.cargo/config.toml",
                "[build]\nrustflags = '-Cw -Cv'\n[net]\nretry = 3",
            ),
        ],
        variables: &[],
        flags: &[],
    },
    Layout {
        files: &[
            (
                "home/config.toml",
                "[build]\nrustflags = ['-Chome']\nincremental = false",
            ),
            (
                "w/.cargo/config.toml",
                "[build]\nrustflags = ['-Cw', '-Cv']\ntarget-dir = '../t'\nbuild-dir = 'b/{workspace-root}'",
            ),
            (
                "w/a/.cargo/config",
                "[build]\nrustflags = ['-Ca']\njobs = 2",
            ),
            ("w/a/.cargo/config.toml", "[build]\njobs = 3"),
        ],
        variables: &[
            ("CARGO_BUILD_RUSTFLAGS", " -Ce  -Cf "),
            ("CARGO_BUILD_JOBS", "7"),
            ("CARGO_BUILD_TARGET_DIR", "of/variable"),
        ],
        flags: &["build.rustflags=['-Cflag']", "build.incremental=true"],
    },
    Layout {
        files: &[
            (
                "w/a/.cargo/config.toml",
                "include = ['x.toml', { path = 'gone.toml', optional = true }, { path = '../y.toml' }]\n\
                 [build]\nrustflags = ['-Cown']",
            ),
            (
                "w/a/.cargo/x.toml",
                "include = ['deep/z.toml']\n[build]\nrustflags = ['-Cx']\njobs = 4",
            ),
            ("w/a/y.toml", "[build]\njobs = 5\n[profile.dev]\ndebug = 1"),
            (
                "w/a/.cargo/deep/z.toml",
                "[build]\njobs = 6\ntarget-dir = 'from-z'\n[profile.dev]\ndebug = 2\nlto = 'off'",
            ),
            ("w/.cargo/config.toml", "[alias]\nb = ['build']"),
        ],
        variables: &[
            ("CARGO_PROFILE_DEV_DEBUG", "line-tables-only"),
            ("CARGO_BUILD_BUILD_DIR", "bb"),
        ],
        flags: &["w/flags.toml"],
    },
    Layout {
        files: &[
            (
                "w/.cargo/config.toml",
                "[build]\ntarget-dir = 'one'\nbuild-dir = '{cargo-cache-home}/b'",
            ),
            (
                "w/a/flag/more.toml",
                "[build]\ntarget-dir = 'two'\nrustflags = ['-Cmore']",
            ),
        ],
        variables: &[],
        flags: &["flag/more.toml", "build.rustflags=['-Cthen']", "env.A='x'"],
    },
    Layout {
        files: &[(
            "w/.cargo/config.toml",
            "[build]\ntarget-dir = '/absolute/t'",
        )],
        variables: &[
            ("CARGO_TARGET_DIR", "../beside"),
            ("CARGO_BUILD_TARGET_DIR", "no"),
        ],
        flags: &["build.target-dir='nor'"],
    },
];

/// Keys that are not tables. For these keys `cargo config get` includes the environment.
const LEAVES: &[&str] = &[
    "build.jobs",
    "build.rustflags",
    "build.incremental",
    "profile.dev.debug",
    "profile.dev.lto",
];

#[test]
fn values_and_directories_equal_cargos() {
    for (number, layout) in LAYOUTS.iter().enumerate() {
        let (_temporary, top) = scratch();
        let write = |path: &str, text: &str| write(&top.join(path), text);
        write("w/a/Cargo.toml", "[package]\nname = 'a'\n[workspace]");
        write("w/a/src/lib.rs", "");
        write("w/a/w/flags.toml", "build.rustflags = ['-Cfile']");
        for (path, text) in layout.files {
            write(path, text);
        }
        let (directory, home) = (top.join("w/a"), top.join("home"));
        let flags: Vec<_> = layout.flags.iter().map(|&it| it.to_owned()).collect();
        let variables = layout.variables.iter();
        let around = Surroundings {
            home: Some(home.clone()),
            variables: variables
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            flags: flags.clone(),
            target_dir: None,
        };
        let config = CargoConfig::in_directory(&directory, &around).unwrap();

        let cargo = |arguments: &[&str]| -> Option<Json> {
            let mut command = Runner::new().unwrap().in_directory(&directory).cargo();
            for (name, _) in std::env::vars() {
                let is_cargos = name.starts_with("CARGO_") || name.starts_with("RUSTFLAGS");
                if is_cargos || name.starts_with("RUSTC") {
                    command.env_remove(name);
                }
            }
            let command: &mut Command = command
                .env("CARGO_HOME", &home)
                .env("RUSTC_BOOTSTRAP", "1")
                .envs(layout.variables.iter().copied())
                .args(arguments);
            command.args(flags.iter().flat_map(|it| ["--config", it]));
            let output = process::output(command).unwrap();
            serde_json::from_slice(&output.stdout).ok()
        };
        let get = ["config", "get", "-Zunstable-options", "--format", "json"];
        let everything = cargo(&get).unwrap();
        let ours = serde_json::to_value(config.written()).unwrap();
        assert_eq!(ours, everything, "layout {number}");
        for leaf in LEAVES {
            let told = cargo(&[&get[..], &[leaf]].concat());
            let key: Vec<_> = leaf.split('.').collect();
            let told = key
                .iter()
                .try_fold(told, |table, part| Some(Some(table?.get(part)?.clone())));
            let ours = config
                .get(&key)
                .unwrap()
                .map(|it| serde_json::to_value(it).unwrap());
            assert_eq!(ours, told.flatten(), "layout {number}: {leaf}");
        }
        let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]).unwrap();
        let (target, _) = config.target_directory(&directory).unwrap();
        assert_eq!(
            target,
            metadata["target_directory"].as_str().unwrap(),
            "layout {number}"
        );
        let build = config.build_directory(&directory).unwrap();
        let build = build.map_or(target, |(path, _)| path);
        assert_eq!(
            build,
            metadata["build_directory"].as_str().unwrap(),
            "layout {number}"
        );
    }
}
