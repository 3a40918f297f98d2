//! The JSON of every command, checked against the schemas of the documentation.

use std::process::Command;

use serde_json::Value;
use xtask_impact::testing::schema::problems;

use crate::support::Project;

/// Checks a text against the schema in a file.
#[track_caller]
pub(crate) fn fits(name: &str, text: &str) {
    let file = format!("{}/docs/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let schema = std::fs::read_to_string(file).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(
        problems(&schema, &value),
        Vec::<String>::new(),
        "{name}: {value:#}"
    );
}

/// Returns what a program prints. Nothing is redacted, so the text is still JSON.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_json_of_every_command_fits_its_schema() {
    let project = Project::with_libraries(&[("base", &[]), ("app", &["base"])]);
    let settings = "[build]\nrustflags = [\"--cfg=x\"]\n[env]\nX = \"1\"\n";
    project.write(".cargo/config.toml", settings);
    project.commit("Configure");
    project.write("crates/base/src/lib.rs", "pub fn new() {}\n");
    project.cargo(&["build", "--quiet"]).done();
    project.write("crates/base/src/lib.rs", "pub fn newer() {}\n");
    let kit = env!("CARGO_MANIFEST_DIR");
    for (name, line) in [
        ("affected", "affected --since HEAD --json"),
        ("affected", "affected --since HEAD --package app --json"),
        (
            "affected-all-workspaces",
            "affected --since HEAD --all-workspaces --json",
        ),
        ("ci-cache-key", "ci cache-key"),
        ("ci-matrix", "ci matrix --since HEAD"),
        (
            "clean-affected",
            "clean-affected --since HEAD --dry-run --json",
        ),
        (
            "clean-affected-all-workspaces",
            "clean-affected --since HEAD --dry-run --all-workspaces --json",
        ),
        ("explain", "explain E0786 --json"),
        ("explain", "explain --fix --dry-run --json target/debug"),
        ("explain-check", "explain damaged-artifact --json"),
        ("rebuilds", "rebuilds --predict --json"),
        ("rebuilds", "rebuilds --json"),
        ("rebuilds", "rebuilds --last --json"),
        ("freshness-save", "freshness save --json"),
        ("freshness-restore", "freshness restore --json"),
        ("freshness-verify", "freshness verify --json"),
        ("cache-lint", "cache lint --json"),
        ("cache-status", "cache status --json"),
        ("doctor", "doctor --json"),
        ("graph", "graph --units --json"),
        ("graph-all-workspaces", "graph --all-workspaces --json"),
        ("policy-check", "policy check --json"),
        ("policy-show", "policy show --json"),
        (
            "sweep",
            "sweep --dry-run --max-size 0 --keep-command check --json",
        ),
        ("sweep-recursive", "sweep --recursive . --dry-run --json"),
        ("timings", "timings --json"),
        ("timings-show", "timings show --json"),
        ("timings-diff", "timings diff latest --json"),
        ("timings-list", "timings list --json"),
        ("timings-trend", "timings trend --json"),
        ("timings-review", "timings review --json"),
        ("timings-try", "timings try --json"),
        ("timings-what-if", "timings what-if --json"),
        ("audit", "audit --commits 1 --json"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        fits(name, &printed(&mut project.kit(&words)));
    }
    let record = printed(&mut project.kit(&["timings", "export"]));
    let record = record.lines().next().unwrap();
    fits("timings-record", record);
    let init = printed(&mut project.kit(&["init", "--dry-run", "--json", "--kit-path", kit]));
    fits("init", &init);
    project.write("crates/base/src/lib.rs", "pub fn newest() {}\n");
    let mut check = Command::new("cargo");
    check.args(["check", "--message-format", "json", "--workspace"]);
    project.isolated(&mut check);
    project.write("target/messages.json", &printed(&mut check));
    let against = printed(&mut project.kit(&[
        "audit",
        "--against",
        "target/messages.json",
        "--since",
        "HEAD",
        "--json",
    ]));
    fits("audit-against", &against);
}
