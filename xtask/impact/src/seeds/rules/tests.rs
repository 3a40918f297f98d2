use serde_json::json;

use super::*;
use crate::testing::{place, workspace};

fn rules(configured: serde_json::Value) -> Result<Rules> {
    let mut workspace = workspace("app: lib\ncore: lib");
    workspace.metadata = json!({ "xtask": configured }).to_string();
    Rules::new(&workspace)
}

/// Returns the error message of a configuration, with its causes.
fn fault(configured: serde_json::Value) -> String {
    format!("{:#}", rules(configured).unwrap_err())
}

#[test]
fn files_that_no_build_reads_affect_nothing() {
    let rules = Rules::new(&workspace("app: lib")).unwrap();
    let inert = [
        "README.md",
        "app/docs/guide.md",
        "LICENSE-MIT",
        "app/LICENSE",
        ".github/workflows/ci.yml",
        ".gitignore",
        "app/.gitignore",
        ".vscode/settings.json",
        "rustfmt.toml",
        "app/clippy.toml",
        "deny.toml",
        ".config/nextest.toml",
    ];
    for path in inert {
        let affects = rules.of(path.into()).map(|rule| &rule.affects);
        assert_eq!(affects, Some(&Affects::Nothing), "{path}");
    }
    let undecided = [
        "app/src/lib.rs",
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        ".cargo/config.toml",
        "app/data.json",
        "app/deny.toml",
        "app/.github/x.yml",
        "Makefile",
    ];
    for path in undecided {
        assert!(rules.of(path.into()).is_none(), "{path}");
    }
}

#[test]
fn the_last_matching_rule_wins() {
    let rules = rules(json!({ "rules": [
        { "files": ["**/*.md"], "affects": "everything" },
        { "files": ["docs/*.md", "book/**"], "affects": ["core", "app@0.1.0"], "rerun": true },
        { "files": ["docs/draft.md"], "affects": "nothing" },
    ] }))
    .unwrap();
    let workspace = workspace("app: lib\ncore: lib");
    let packages = Affects::Packages(vec![place(&workspace, "core"), place(&workspace, "app")]);
    let rows = [
        ("README.md", Some((&Affects::Everything, Effect::Rebuilt))),
        ("docs/guide.md", Some((&packages, Effect::Rerun))),
        (
            "docs/deep/guide.md",
            Some((&Affects::Everything, Effect::Rebuilt)),
        ),
        ("docs/draft.md", Some((&Affects::Nothing, Effect::Rebuilt))),
        ("book/a/b.txt", Some((&packages, Effect::Rerun))),
        ("LICENSE", Some((&Affects::Nothing, Effect::Rebuilt))),
        ("data.txt", None),
    ];
    for (path, expected) in rows {
        let found = rules
            .of(path.into())
            .map(|rule| (&rule.affects, rule.effect));
        assert_eq!(found, expected, "{path}");
    }
    let shown = rules.of("docs/guide.md".into()).map(PathRule::shown);
    assert_eq!(shown.as_deref(), Some("docs/*.md, book/**"));
}

#[test]
fn an_error_names_the_file_and_the_rule() {
    let faults = [
        fault(json!({ "rules": [{ "files": ["x"], "affects": ["cores"] }] })),
        fault(json!({ "rules": [{ "files": ["x"], "affects": "core" }] })),
        fault(json!({ "rules": [{ "files": ["x/**y"], "affects": "nothing" }] })),
        fault(json!({ "rules": [{ "files": ["x"], "affects": "nothing", "reruns": true }] })),
        fault(json!({ "rules": [{ "files": ["x"] }] })),
    ];
    expect_test::expect![[r#"
        /w/Cargo.toml: rule 1 of [workspace.metadata.xtask]: no package `cores` in this workspace
        hint: did you mean `core`?
        /w/Cargo.toml: rule 1 of [workspace.metadata.xtask]: `affects = "core"`: write "nothing", "everything" or a list of packages
        /w/Cargo.toml: rule 1 of [workspace.metadata.xtask]: `x/**y`: Pattern syntax error near position 4: recursive wildcards must form a single path component
        /w/Cargo.toml: [workspace.metadata.xtask]: `rules`: unknown field `reruns`, expected one of `files`, `affects`, `rerun`
        /w/Cargo.toml: [workspace.metadata.xtask]: `rules`: missing field `affects`"#]]
    .assert_eq(&faults.join("\n"));
}

#[test]
fn an_error_does_not_mention_rust_types() {
    let fault = fault(json!({ "rules": [{ "files": ["x"], "affects": 1 }] }));
    assert!(!fault.contains("enum"), "{fault}");
}

#[test]
fn an_unknown_setting_is_refused() {
    assert!(rules(json!({ "rule": [] })).is_err());
}

#[test]
fn an_invalid_rule_is_a_usage_error() {
    for configured in [
        json!({ "rules": [{ "files": ["x"], "affects": ["cores"] }] }),
        json!({ "rules": [{ "files": ["x"] }] }),
    ] {
        let error = rules(configured).unwrap_err();
        assert!(crate::error::is_usage(&error));
    }
}
