//! `graph`: what depends on what.

use std::collections::BTreeSet;

use expect_test::expect;
use serde_json::Value;

use crate::support::Project;

/// Four libraries, one of them used in each of the three ways.
fn four_libraries() -> Project {
    let project = Project::with_libraries(&[
        ("base", &[]),
        ("middle", &["base"]),
        ("top", &["middle"]),
        ("alone", &[]),
    ]);
    project.append(
        "crates/top/Cargo.toml",
        "\n[dev-dependencies]\nbase = { path = \"../base\" }\n",
    );
    project.append(
        "crates/middle/Cargo.toml",
        "\n[build-dependencies]\nbase = { path = \"../base\" }\n",
    );
    project
}

#[test]
fn a_line_a_package() {
    four_libraries().xtask(&["graph"]).is(expect![[r#"
        alone
        base
        middle → base
        top → middle; dev → base
    "#]]);
}

#[test]
fn for_graphviz() {
    four_libraries()
        .xtask(&["graph", "--format", "dot"])
        .is(expect![[r#"
            digraph workspace {
                rankdir = LR;
                node [shape = box];
                "path+file://[ROOT]/crates/alone#0.1.0" [label = "alone"];
                "path+file://[ROOT]/crates/base#0.1.0" [label = "base"];
                "path+file://[ROOT]/crates/middle#0.1.0" [label = "middle"];
                "path+file://[ROOT]/crates/top#0.1.0" [label = "top"];
                "path+file://[ROOT]/crates/middle#0.1.0" -> "path+file://[ROOT]/crates/base#0.1.0" [style = solid];
                "path+file://[ROOT]/crates/top#0.1.0" -> "path+file://[ROOT]/crates/base#0.1.0" [style = dotted];
                "path+file://[ROOT]/crates/top#0.1.0" -> "path+file://[ROOT]/crates/middle#0.1.0" [style = solid];
            }
        "#]]);
}

#[test]
fn for_markdown() {
    four_libraries()
        .xtask(&["graph", "--format", "mermaid"])
        .is(expect![[r#"
            graph LR
                p0["alone"]
                p1["base"]
                p2["middle"]
                p3["top"]
                p2 --> p1
                p3 -. dev .-> p1
                p3 --> p2
        "#]]);
}

#[test]
fn as_json_for_other_tools() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project
        .xtask(&["graph", "--format", "json"])
        .is(expect![[r#"
        {
          "version": 1,
          "workspace_root": "[ROOT]",
          "packages": [
            {
              "id": "path+file://[ROOT]/crates/base#0.1.0",
              "name": "base",
              "version": "0.1.0",
              "member": true,
              "dependencies": []
            },
            {
              "id": "path+file://[ROOT]/crates/top#0.1.0",
              "name": "top",
              "version": "0.1.0",
              "member": true,
              "dependencies": [
                {
                  "id": "path+file://[ROOT]/crates/base#0.1.0",
                  "name": "base",
                  "kinds": [
                    "normal"
                  ]
                }
              ]
            }
          ]
        }
    "#]]);
}

#[test]
fn the_surroundings_of_a_package() {
    let project = four_libraries();
    project.xtask(&["graph", "--focus", "top"]).is(expect![[r#"
        base
        middle → base
        top → middle; dev → base
    "#]]);
}

/// `cargo tree` shows the same edges, kind by kind.
#[test]
fn the_sample_as_cargo_tree_shows_it() {
    let sample = Project::sample();
    let graph = sample
        .json(&["graph", "--external", "--format", "json"])
        .unwrap();
    for kind in ["normal", "build", "dev"] {
        let mut ours = BTreeSet::new();
        for package in graph["packages"].as_array().unwrap() {
            for edge in package["dependencies"].as_array().unwrap() {
                let is_of_kind = edge["kinds"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|one| one == kind);
                if package["member"] == true && is_of_kind {
                    let name = |node: &Value| node["name"].as_str().unwrap().to_owned();
                    ours.insert((name(package), name(edge)));
                }
            }
        }
        assert_eq!(ours, edges_by_cargo_tree(&sample, kind), "{kind}");
    }
}

fn edges_by_cargo_tree(project: &Project, kind: &str) -> BTreeSet<(String, String)> {
    let shape = ["--depth", "1", "--prefix", "depth", "--no-dedupe"];
    let arguments = [&["tree", "--workspace", "--edges", kind], &shape[..]].concat();
    let tree = project.cargo(&arguments).done();
    let mut edges = BTreeSet::new();
    let mut from = "";
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let name = line[1..].split(' ').next().unwrap();
        match &line[..1] {
            "0" => from = name,
            _ => _ = edges.insert((from.to_owned(), name.to_owned())),
        }
    }
    edges
}
