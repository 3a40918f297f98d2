use xtask_impact::testing::{place, workspace};
use xtask_impact::unit_graph::Verb;

use super::*;

const RAILWAY: &str = "
    planner: lib bin=plan -> network, dev: testkit, build: tables, normal+dev: serde
    network: lib -> serde
    tables: lib
    testkit: lib -> network
    serde@1.0.0 external: lib
";

fn report(names: &[&str]) -> GraphReport {
    let workspace = workspace(RAILWAY);
    let packages: Vec<_> = names.iter().map(|name| place(&workspace, name)).collect();
    GraphReport::new(&workspace, &packages)
}

#[test]
fn packages_are_written_as_text_dot_and_mermaid() {
    let report = report(&["network", "planner", "serde", "tables", "testkit"]);
    expect_test::expect![[r#"
        network → serde
        planner → network, serde; build → tables; dev → testkit
        serde 1.0.0
        tables
        testkit → network
    "#]]
    .assert_eq(&report.text());
    expect_test::expect![[r#"
        digraph workspace {
            rankdir = LR;
            node [shape = box];
            "path+file:///w/network#0.1.0" [label = "network"];
            "path+file:///w/planner#0.1.0" [label = "planner"];
            "registry+https://github.com/rust-lang/crates.io-index#serde@1.0.0" [label = "serde 1.0.0", style = dashed];
            "path+file:///w/tables#0.1.0" [label = "tables"];
            "path+file:///w/testkit#0.1.0" [label = "testkit"];
            "path+file:///w/network#0.1.0" -> "registry+https://github.com/rust-lang/crates.io-index#serde@1.0.0" [style = solid];
            "path+file:///w/planner#0.1.0" -> "path+file:///w/network#0.1.0" [style = solid];
            "path+file:///w/planner#0.1.0" -> "registry+https://github.com/rust-lang/crates.io-index#serde@1.0.0" [style = solid];
            "path+file:///w/planner#0.1.0" -> "path+file:///w/tables#0.1.0" [style = dashed];
            "path+file:///w/planner#0.1.0" -> "path+file:///w/testkit#0.1.0" [style = dotted];
            "path+file:///w/testkit#0.1.0" -> "path+file:///w/network#0.1.0" [style = solid];
        }
    "#]].assert_eq(&report.dot());
    expect_test::expect![[r#"
        graph LR
            p0["network"]
            p1["planner"]
            p2["serde 1.0.0"]
            p3["tables"]
            p4["testkit"]
            p0 --> p2
            p1 --> p0
            p1 --> p2
            p1 -. build .-> p3
            p1 -. dev .-> p4
            p4 --> p0
    "#]]
    .assert_eq(&report.mermaid());
}

#[test]
fn only_edges_between_shown_packages_are_written() {
    let report = report(&["planner", "testkit"]);
    expect_test::expect![[r#"
        planner; dev → testkit
        testkit
    "#]]
    .assert_eq(&report.text());
    expect_test::expect![[r#"
        {
          "version": 1,
          "workspace_root": "/w",
          "packages": [
            {
              "id": "path+file:///w/planner#0.1.0",
              "name": "planner",
              "version": "0.1.0",
              "member": true,
              "dependencies": [
                {
                  "id": "path+file:///w/testkit#0.1.0",
                  "name": "testkit",
                  "kinds": [
                    "dev"
                  ]
                }
              ]
            },
            {
              "id": "path+file:///w/testkit#0.1.0",
              "name": "testkit",
              "version": "0.1.0",
              "member": true,
              "dependencies": []
            }
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&report).unwrap());
}

#[test]
fn units_are_written_if_asked_for() {
    let workspace = workspace("a: lib!test!bench bin!test!bench script -> b\nb: lib!test!bench");
    let packages: Vec<_> = workspace.packages().map(|(index, _)| index).collect();
    let graph = UnitGraph::new(&workspace, Verb::Check);
    let report = GraphReport::new(&workspace, &packages).with_units(&workspace, &graph);
    expect_test::expect![[r#"
        a → b
        b
        a bin a → a build script run, a lib, b lib
        a build script → 
        a build script run → a build script
        a lib → a build script run, b lib
        b lib → 
    "#]]
    .assert_eq(&report.text());
    let below = |text: String, start: &str| {
        let lines = text.lines().filter(|line| line.trim().starts_with(start));
        lines
            .map(|line| format!("{}\n", line.trim()))
            .collect::<String>()
    };
    expect_test::expect![[r#"
        "a bin a" [shape = ellipse];
        "a bin a" -> "a build script run";
        "a bin a" -> "a lib";
        "a bin a" -> "b lib";
    "#]]
    .assert_eq(&below(report.dot(), "\"a bin"));
    expect_test::expect![[r#"
        u0("a bin a")
        u1("a build script")
        u2("a build script run")
        u3("a lib")
        u4("b lib")
        u0 --> u2
        u0 --> u3
        u0 --> u4
        u2 --> u1
        u3 --> u2
        u3 --> u4
    "#]]
    .assert_eq(&below(report.mermaid(), "u"));
}
