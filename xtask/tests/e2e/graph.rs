//! `graph`: the dependencies between packages.

use std::collections::BTreeSet;

use expect_test::expect;
use serde_json::Value;

use crate::support::Project;

/// Makes four libraries. One of them is a normal dependency, a dev-dependency and a
/// build-dependency of others.
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
fn text_has_one_line_for_each_package() {
    four_libraries().xtask(&["graph"]).is(expect![[r#"
        alone
        base
        middle → base
        top → middle; dev → base
    "#]]);
}

#[test]
fn dot_output_is_for_graphviz() {
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
fn mermaid_output_is_for_markdown() {
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
fn json_output_lists_packages_and_dependencies() {
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
fn focus_shows_the_surroundings_of_a_package() {
    let project = four_libraries();
    project.xtask(&["graph", "--focus", "top"]).is(expect![[r#"
        base
        middle → base
        top → middle; dev → base
    "#]]);
}

/// `cargo tree` shows the same edges, for each kind of dependency.
#[test]
fn the_graph_of_the_sample_equals_cargo_tree() {
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
