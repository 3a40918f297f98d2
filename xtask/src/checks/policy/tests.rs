//! Compares the final values of profiles with the values of the units that cargo would build.

use serde_json::Value as Json;
use xtask_impact::cargo_config::{CargoConfig, Surroundings, ValueKind};
use xtask_impact::process;
use xtask_impact::process::Runner;
use xtask_impact::testing::{scratch, write};

use super::profiles::{Fields, Of, profiles};
use super::subject::profiles_of;

/// The files of a workspace: a member `app` with a build script, the member `inside`, and the
/// package `outside` of the workspace.
const FILES: &[(&str, &str)] = &[
    (
        "w/app/Cargo.toml",
        "[package]\nname = 'app'\nedition = '2024'\n[dependencies]\ninside = { path = '../inside' }\n\
         outside = { path = '../../outside' }",
    ),
    ("w/app/build.rs", "fn main() {}"),
    ("w/app/src/main.rs", "fn main() {}"),
    ("w/inside/Cargo.toml", "[package]\nname = 'inside'"),
    ("w/inside/src/lib.rs", ""),
    (
        "outside/Cargo.toml",
        "[package]\nname = 'outside'\n[workspace]",
    ),
    ("outside/src/lib.rs", ""),
];

type Variables = &'static [(&'static str, &'static str)];

/// Profiles of the root manifest and of the configuration, with variables.
const PROFILES: &[(&str, &str, Variables)] = &[
    ("", "", &[]),
    (
        "[profile.dev]\ndebug = 1\nopt-level = 's'\nstrip = 'symbols'\n\
         [profile.dev.package.inside]\nopt-level = 3\n[profile.dev.package.'*']\ndebug = 0\n\
         [profile.dev.build-override]\ncodegen-units = 7\nopt-level = 1\n\
         [profile.release]\nlto = 'fat'\ncodegen-units = 1\n\
         [profile.first]\ninherits = 'release'\ndebug = true\npanic = 'abort'\n\
         [profile.second]\ninherits = 'first'\nlto = false\n[profile.second.package.inside]\nstrip = true",
        "[profile.dev]\ndebug = 'line-tables-only'\nincremental = false\n\
         [profile.dev.package.inside]\ndebug-assertions = false\n[profile.second]\noverflow-checks = true\n\
         [profile.dev.build-override]\ndebug = 2",
        &[],
    ),
    (
        "[profile.dev]\nincremental = false\n[profile.test]\nopt-level = 1\n\
         [profile.second]\ninherits = 'test'\nsplit-debuginfo = 'unpacked'",
        "build.incremental = true\n[profile.first]\ninherits = 'dev'\nrpath = true\n\
         [profile.first.package.inside]\nopt-level = 1",
        &[
            ("CARGO_PROFILE_DEV_OPT_LEVEL", "2"),
            ("CARGO_PROFILE_TEST_DEBUG", "false"),
            ("CARGO_PROFILE_FIRST_PACKAGE_inside_OPT_LEVEL", "z"),
            ("CARGO_PROFILE_RELEASE_BUILD_OVERRIDE_OPT_LEVEL", "3"),
        ],
    ),
    (
        "[profile.release]\nincremental = true\n[profile.second]\ninherits = 'first'\n\
         [profile.first]\ninherits = 'dev'",
        "",
        &[
            ("CARGO_INCREMENTAL", "0"),
            ("CARGO_PROFILE_FIRST_LTO", "true"),
        ],
    ),
];

#[test]
fn final_profile_values_equal_those_of_cargos_units() {
    let (_temporary, top) = scratch();
    let write = |path: &str, text: &str| write(&top.join(path), text);
    for (path, text) in FILES {
        write(path, text);
    }
    let mut compared = 0;
    for (manifest, configuration, variables) in PROFILES {
        let workspace = "[workspace]\nmembers = ['app', 'inside']\nresolver = '3'\n";
        write("w/Cargo.toml", &format!("{workspace}{manifest}"));
        write("w/.cargo/config.toml", configuration);
        let root = top.join("w");
        let around = Surroundings {
            home: Some(top.join("home")),
            variables: variables
                .iter()
                .map(|&(it, value)| (it.into(), value.into()))
                .collect(),
            flags: Vec::new(),
            target_dir: None,
        };
        let config = CargoConfig::in_directory(&root, &around).unwrap();
        let table = profiles_of(&root.join("Cargo.toml")).unwrap();
        for profile in profiles(table.as_ref(), &config, None).unwrap() {
            let arguments = ["build", "--profile", &profile.name];
            let mut command = Runner::new().unwrap().in_directory(&root).cargo();
            for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO")) {
                command.env_remove(name);
            }
            command.env_remove("CI").envs(variables.iter().copied());
            command
                .env("CARGO_HOME", top.join("home"))
                .env("RUSTC_BOOTSTRAP", "1");
            command
                .args(arguments)
                .args(["-Zunstable-options", "--unit-graph", "--offline"]);
            let graph: Json =
                serde_json::from_slice(&process::checked(&mut command).unwrap()).unwrap();
            for unit in graph["units"].as_array().unwrap() {
                let kind = unit["target"]["kind"][0].as_str().unwrap();
                let name = unit["target"]["name"].as_str().unwrap();
                // Cargo gives the run of a script a profile with fewer fields.
                if unit["mode"] != "build" {
                    continue;
                }
                let of = Of {
                    package: Some(if kind == "lib" { name } else { "app" }),
                    is_foreign: name == "outside",
                    is_for_build: kind == "custom-build",
                };
                let ours = as_lines(&profile.values(of));
                let cargos = &unit["profile"];
                assert_eq!(
                    ours,
                    fields_of_cargo(cargos),
                    "{name} {}: {manifest}",
                    profile.name
                );
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 22 * 4, "units of profiles");
}

fn as_lines(values: &Fields) -> Vec<String> {
    let shown = |field: &str| match values.get(field).map(|it| &it.kind) {
        None => "null".to_owned(),
        Some(ValueKind::String(text)) => text.clone(),
        Some(kind) => serde_json::to_string(kind).unwrap(),
    };
    COMPARED
        .iter()
        .map(|(ours, _)| format!("{ours}: {}", shown(ours)))
        .collect()
}

fn fields_of_cargo(profile: &Json) -> Vec<String> {
    let lines = COMPARED.iter().map(|(ours, cargos)| {
        let value = match &profile[*cargos] {
            Json::Object(strip) => match strip.values().next() {
                Some(Json::String(word)) => word.to_lowercase(),
                Some(named) => named["Named"].as_str().unwrap().to_owned(),
                None => String::new(),
            },
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let value = match (*ours, &*value) {
            ("debug", "0") => "none",
            ("debug", "1") => "limited",
            ("debug", "2") => "full",
            ("lto", "true") => "fat",
            (_, value) => value,
        };
        format!("{ours}: {value}")
    });
    lines.collect()
}

/// Pairs of the kit's name and cargo's name of a field.
const COMPARED: &[(&str, &str)] = &[
    ("opt-level", "opt_level"),
    ("debug", "debuginfo"),
    ("split-debuginfo", "split_debuginfo"),
    ("strip", "strip"),
    ("debug-assertions", "debug_assertions"),
    ("overflow-checks", "overflow_checks"),
    ("lto", "lto"),
    ("panic", "panic"),
    ("incremental", "incremental"),
    ("codegen-units", "codegen_units"),
    ("rpath", "rpath"),
];
