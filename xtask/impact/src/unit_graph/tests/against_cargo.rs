//! Compares the unit graph with cargo's own `--unit-graph`, in a workspace of path packages that
//! covers every kind of target and dependency.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use serde_json::Value;

use super::super::*;
use crate::process::Runner;
use crate::workspace::LoadOptions;

/// The names of the dependencies of each unit. A name is `package kind target mode`.
type Units = BTreeMap<String, BTreeSet<String>>;

const ROOT: &str = r#"
    [workspace]
    resolver = "3"
    members = ["*"]
    exclude = ["outside", "target"]
"#;

/// A package: its directory and name, its manifest after the `edition` line, and its source files.
type Written = (&'static str, &'static str, &'static [&'static str]);

const PACKAGES: &[Written] = &[
    (
        "app",
        r#"
        [features]
        default = ["on"]
        on = []
        off = []
        [dependencies]
        base.path = "../base"
        macros.path = "../macros"
        native.path = "../native"
        renamed = { path = "../plain-lib", package = "plain-lib" }
        outside.path = "../outside"
        idle = { path = "../idle", optional = true }
        [target.'cfg(any())'.dependencies]
        elsewhere.path = "../elsewhere"
        [build-dependencies]
        native-build.path = "../native-build"
        base.path = "../base"
        [dev-dependencies]
        helper.path = "../helper"
        native-dev.path = "../native-dev"
        [[bin]]
        name = "with"
        required-features = ["on"]
        [[bin]]
        name = "without"
        required-features = ["off"]
        [[test]]
        name = "never"
        required-features = ["off"]
        [[bench]]
        name = "speed"
        harness = false
        "#,
        &[
            "src/lib.rs",
            "src/main.rs",
            "src/bin/with.rs",
            "src/bin/without.rs",
            "build.rs",
            "tests/it.rs",
            "tests/more/main.rs",
            "tests/never.rs",
            "examples/demo.rs",
            "benches/speed.rs",
        ],
    ),
    ("base", "", &["src/lib.rs", "build.rs"]),
    (
        "macros",
        r#"
        [lib]
        proc-macro = true
        [dependencies]
        plain-lib.path = "../plain-lib"
        [dev-dependencies]
        base.path = "../base"
        "#,
        &["src/lib.rs", "tests/expand.rs"],
    ),
    // The build script run of `native` reads the output of the script run of `native-base`, but not
    // of `base`, because only `native-base` declares `links`.
    (
        "native",
        r#"
        links = "native"
        [dependencies]
        native-base.path = "../native-base"
        base.path = "../base"
        "#,
        &["src/lib.rs", "build.rs"],
    ),
    (
        "native-base",
        "links = \"native-base\"\n",
        &["src/lib.rs", "build.rs"],
    ),
    (
        "native-build",
        "links = \"native-build\"\n",
        &["src/lib.rs", "build.rs"],
    ),
    (
        "native-dev",
        "links = \"native-dev\"\n",
        &["src/lib.rs", "build.rs"],
    ),
    (
        "helper",
        r#"
        [dependencies]
        app.path = "../app"
        [dev-dependencies]
        helper.path = "."
        "#,
        &["src/lib.rs", "tests/it.rs"],
    ),
    ("plain-lib", "", &["src/lib.rs"]),
    ("idle", "[features]\nmore = []\n", &["src/lib.rs"]),
    // `dependency?/feature` does not turn on an optional dependency.
    (
        "weak",
        r#"
        [features]
        default = ["more", "strong"]
        more = ["idle?/more"]
        strong = ["elsewhere/more"]
        [dependencies]
        idle = { path = "../idle", optional = true }
        elsewhere = { path = "../elsewhere", optional = true }
        "#,
        &["src/lib.rs"],
    ),
    // As a dev-dependency, it is not optional.
    (
        "weak-but-for-tests",
        r#"
        [features]
        default = ["idle?/more"]
        [dependencies]
        idle = { path = "../idle", optional = true }
        [dev-dependencies]
        idle.path = "../idle"
        "#,
        &["src/lib.rs", "tests/it.rs"],
    ),
    ("elsewhere", "[features]\nmore = []\n", &["src/lib.rs"]),
    (
        "outside",
        "[dev-dependencies]\nidle.path = \"../idle\"\n[build-dependencies]\nbase.path = \"../base\"\n",
        &[
            "src/lib.rs",
            "src/main.rs",
            "build.rs",
            "tests/it.rs",
            "examples/e.rs",
        ],
    ),
    (
        "shared",
        r#"
        links = "shared"
        [lib]
        crate-type = ["cdylib"]
        [dependencies]
        base.path = "../base"
        "#,
        &[
            "src/lib.rs",
            "src/main.rs",
            "build.rs",
            "tests/it.rs",
            "examples/e.rs",
        ],
    ),
    // `of-shared` cannot link its dependencies, but cargo builds these dependencies nevertheless.
    (
        "of-shared",
        "[dependencies]\nshared.path = \"../shared\"\nonly-bin.path = \"../only-bin\"\n",
        &["src/lib.rs", "build.rs"],
    ),
    (
        "quiet",
        r#"
        [lib]
        test = false
        doctest = false
        [[bin]]
        name = "quiet-bin"
        test = false
        [[example]]
        name = "tested"
        test = true
        [[test]]
        name = "off"
        test = false
        [[bench]]
        name = "both"
        test = true
        "#,
        &[
            "src/lib.rs",
            "src/bin/quiet-bin.rs",
            "examples/tested.rs",
            "tests/off.rs",
            "benches/both.rs",
        ],
    ),
    (
        "unused",
        "[lib]\ntest = false\ndoctest = false\n",
        &["src/lib.rs", "build.rs"],
    ),
    (
        "only-bin",
        "[dependencies]\nbase.path = \"../base\"\n[dev-dependencies]\nhelper.path = \"../helper\"\n",
        &[
            "src/main.rs",
            "tests/it.rs",
            "examples/e.rs",
            "benches/b.rs",
        ],
    ),
];

/// Packages for which `cargo metadata` leaves out facts that cargo's build depends on.
const ABBREVIATED: &[Written] = &[
    // `cargo metadata` does not report `bench = false`, so the kit assumes `bench = true`.
    (
        "no-bench",
        "[lib]\ntest = false\nbench = false\n",
        &["src/lib.rs"],
    ),
    // `cargo metadata` reports one set of features, for all platforms together.
    (
        "features",
        r#"
        [features]
        host = ["dep:extra"]
        foreign = []
        [dependencies]
        extra = { path = "../extra", optional = true }
        [[bin]]
        name = "of-host"
        required-features = ["host"]
        [[bin]]
        name = "of-foreign"
        required-features = ["foreign"]
        "#,
        &["src/lib.rs", "src/bin/of-host.rs", "src/bin/of-foreign.rs"],
    ),
    ("extra", "", &["src/lib.rs"]),
    // For a dependency that is active on this platform as one kind, `cargo metadata` also reports
    // the kinds that are active only on other platforms.
    (
        "user",
        r#"
        [build-dependencies]
        features = { path = "../features", features = ["host"] }
        [target.'cfg(any())'.dependencies]
        features = { path = "../features", features = ["foreign"] }
        "#,
        &["src/lib.rs", "build.rs"],
    ),
];

#[test]
fn the_graph_equals_the_unit_graph_of_cargo() {
    let (directory, runner) = written(PACKAGES);
    let workspace = loaded(&runner);
    let build = asked(&runner, &["build", "--workspace", "--all-targets"]);
    let test = asked(&runner, &["test", "--workspace"]);
    let doc = asked(&runner, &["doc", "--workspace", "--no-deps"]);
    let rows = [
        (Verb::Check, without_binaries_of_tests(&build)),
        (Verb::Build, build),
        (Verb::Test, test),
        (Verb::Doc, doc),
    ];
    for (verb, cargos) in rows {
        let ours = ours(&workspace, verb);
        assert!(ours.len() > 30, "the workspace has one of everything");
        assert_eq!(differences(&ours, &cargos), "", "{verb:?}");
    }
    drop(directory);
}

#[test]
fn facts_that_metadata_leaves_out_only_add_units() {
    let (directory, runner) = written(ABBREVIATED);
    let ours = ours(&loaded(&runner), Verb::Build);
    let cargos = asked(&runner, &["build", "--workspace", "--all-targets"]);
    expect_test::expect![[r#"
        only ours: features bin of-foreign build
        only ours: features bin of-foreign build → extra lib extra build
        only ours: features bin of-foreign build → features lib features build
        only ours: features bin of-foreign test
        only ours: features bin of-foreign test → extra lib extra build
        only ours: features bin of-foreign test → features lib features build
        only ours: features bin of-host build
        only ours: features bin of-host build → extra lib extra build
        only ours: features bin of-host build → features lib features build
        only ours: features bin of-host test
        only ours: features bin of-host test → extra lib extra build
        only ours: features bin of-host test → features lib features build
        only ours: features lib features test → extra lib extra build
    "#]]
    .assert_eq(&differences(&ours, &cargos));
    drop(directory);
}

/// Writes a workspace to a temporary directory, and returns the directory and a runner that starts
/// cargo in the workspace.
fn written(packages: &[Written]) -> (tempfile::TempDir, Runner) {
    let directory = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(directory.path()).unwrap();
    std::fs::write(root.join("Cargo.toml"), ROOT).unwrap();
    for (name, manifest, sources) in packages {
        for source in *sources {
            let path = root.join(name).join(source);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "fn main() {}\n").unwrap();
        }
        let head =
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        std::fs::write(root.join(name).join("Cargo.toml"), head + manifest).unwrap();
    }
    let runner = Runner::new().unwrap().in_directory(root);
    (directory, runner)
}

fn loaded(runner: &Runner) -> Workspace {
    let options = LoadOptions {
        offline: true,
        ..LoadOptions::default()
    };
    Workspace::load(runner, &options).unwrap()
}

/// Returns the units of cargo's unit graph. Cargo's variants of one target and mode become one
/// unit.
fn asked(runner: &Runner, arguments: &[&str]) -> Units {
    let mut command = runner.cargo();
    command.args(arguments).env("RUSTC_BOOTSTRAP", "1");
    command.args(["--unit-graph", "-Zunstable-options", "--offline"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let graph: Value = serde_json::from_slice(&output.stdout).unwrap();
    let units = graph["units"].as_array().unwrap();
    let names: Vec<String> = units.iter().map(cargos_name).collect();
    let mut folded = Units::new();
    for (unit, name) in units.iter().zip(&names) {
        let on = unit["dependencies"].as_array().unwrap().iter();
        let on = on.map(|dependency| names[dependency["index"].as_u64().unwrap() as usize].clone());
        folded.entry(name.clone()).or_default().extend(on);
    }
    folded
}

fn cargos_name(unit: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    // The id of a path package ends in its directory, which has the package's name, and its
    // version.
    let id = text(&unit["pkg_id"]);
    let package = id.rsplit('/').next().unwrap().split('#').next().unwrap();
    let target = &unit["target"];
    let kind = match &*text(&target["kind"][0]) {
        kind @ ("bin" | "example" | "test" | "bench" | "custom-build") => kind.to_owned(),
        _ => "lib".to_owned(),
    };
    format!(
        "{package} {kind} {} {}",
        text(&target["name"]),
        // Cargo only checks the dependencies of documentation; the kit has the mode `build` for
        // both.
        text(&unit["mode"]).replace("check", "build")
    )
}

fn ours(workspace: &Workspace, verb: Verb) -> Units {
    let graph = UnitGraph::new(workspace, verb);
    let name = |index| {
        let unit = graph.unit(index);
        let word = |value| text(serde_json::to_value(value).unwrap());
        fn text(value: Value) -> String {
            value.as_str().unwrap().to_owned()
        }
        let package = &workspace.package(unit.package).name;
        let mode = text(serde_json::to_value(unit.mode).unwrap());
        format!("{package} {} {} {mode}", word(unit.kind), unit.target)
    };
    let on = |index| graph.dependencies(index).map(|(on, _)| name(on)).collect();
    graph
        .units()
        .map(|(index, _)| (name(index), on(index)))
        .collect()
}

/// Returns the units of `cargo check`, which builds no binaries for tests to run.
fn without_binaries_of_tests(built: &Units) -> Units {
    let mut checked = built.clone();
    for on in checked.values_mut() {
        on.retain(|name| name.split(' ').nth(1) != Some("bin"));
    }
    checked
}

/// Returns the units and edges that only one of the two graphs has, one per line.
fn differences(ours: &Units, cargos: &Units) -> String {
    let lines = |units: &Units| -> BTreeSet<String> {
        let edges = units
            .iter()
            .flat_map(|(unit, on)| on.iter().map(move |on| format!("{unit} → {on}")));
        units.keys().cloned().chain(edges).collect()
    };
    let (ours, cargos) = (lines(ours), lines(cargos));
    let only = |whose, these: &BTreeSet<String>, those: &BTreeSet<String>| {
        let only = these.difference(those);
        only.map(|line| format!("only {whose}: {line}\n"))
            .collect::<String>()
    };
    only("ours", &ours, &cargos) + &only("cargo's", &cargos, &ours)
}
