use serde_json::Value;
use xtask_impact::testing::{answer, place, workspace};
use xtask_impact::unit_graph::Verb;

use super::*;

const RAILWAY: &str = "
    planner: lib bin=plan test=it -> network, build: tables, dev: testkit
    network: lib -> stations
    stations: lib -> serde
    tables: lib
    testkit: lib -> network
    serde@1.0.0 external: lib
";

/// Returns the data of a picture's page.
fn data(picture: &Picture) -> Value {
    let text = PictureText {
        title: "Graph".to_owned(),
        headline: vec!["6 packages".to_owned()],
        about: String::new(),
        notes: Vec::new(),
    };
    let page = picture.page(&text).unwrap();
    let (_, data) = page.split_once(r#"type="application/json">"#).unwrap();
    serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap()
}

fn words(value: &Value) -> String {
    value.to_string().replace('"', "")
}

#[test]
fn packages_edges_and_chains_are_in_the_page() {
    let answer = answer(RAILWAY, Verb::Test, &["stations lib"]);
    let units: Vec<_> = answer.affected.units().map(|it| it.0).collect();
    let mut picture = Picture::default();
    picture.add_change(&answer, &units);
    let data = data(&picture);
    let nodes = data["nodes"].as_array().unwrap();
    let name = |index: &Value| &nodes[usize::try_from(index.as_u64().unwrap()).unwrap()]["name"];
    let mut told = String::new();
    for node in nodes {
        let facts = ["folder", "kinds", "dependents", "dependencies"];
        let facts = facts.map(|key| words(&node[key]));
        told += &format!("{} {}\n", words(&node["name"]), facts.join(" "));
    }
    for edge in data["edges"].as_array().unwrap() {
        let way = [&edge[0], &edge[1]].map(|it| words(name(it)));
        let follows = edge[3]
            .as_u64()
            .map(|_| format!(", through {}", name(&edge[3])));
        let follows = follows.unwrap_or_default();
        told += &format!("{} {}{follows}\n", way.join(" > "), words(&edge[2]));
    }
    let change = &data["change"];
    for unit in change["units"].as_array().unwrap() {
        let mut way = Vec::new();
        let mut step = &change["steps"][usize::try_from(unit["step"].as_u64().unwrap()).unwrap()];
        loop {
            way.push(words(&step["name"]));
            let Some(next) = step["through"].as_u64() else {
                break;
            };
            step = &change["steps"][usize::try_from(next).unwrap()];
        }
        let seed = &change["seeds"][usize::try_from(step["seed"].as_u64().unwrap()).unwrap()];
        way.push(words(&seed["path"]));
        let facts = ["name", "kind", "effect", "distance"].map(|key| words(&unit[key]));
        told += &format!(
            "{} {}: {}\n",
            words(name(&unit["node"])),
            facts.join(" "),
            way.join(" < ")
        );
    }
    for view in data["views"].as_array().unwrap() {
        let places = view["places"].as_array().unwrap().len();
        told += &format!("{}: {places} places\n", words(&view["label"]));
    }
    expect_test::expect![[r#"
        network network [lib] 2 1
        planner planner [bin,lib,test] 0 4
        stations stations [lib] 3 0
        tables tables [lib] 1 0
        testkit testkit [lib] 1 2
        network > stations n
        planner > network n
        planner > tables b
        planner > testkit d
        testkit > network n
        network lib lib rebuilt 1: network lib < stations lib < edited.rs
        network lib test lib rebuilt 1: network lib test < stations lib < edited.rs
        network doctests lib rerun 1: network doctests < stations lib < edited.rs
        planner lib lib rebuilt 2: planner lib < network lib < stations lib < edited.rs
        planner lib test lib rebuilt 2: planner lib test < network lib < stations lib < edited.rs
        planner doctests lib rerun 2: planner doctests < network lib < stations lib < edited.rs
        planner bin plan bin rebuilt 2: planner bin plan < network lib < stations lib < edited.rs
        planner bin plan test bin rebuilt 2: planner bin plan test < network lib < stations lib < edited.rs
        planner test it test rebuilt 2: planner test it < network lib < stations lib < edited.rs
        stations lib lib rebuilt 0: stations lib < edited.rs
        stations doctests lib rerun 1: stations doctests < stations lib < edited.rs
        testkit lib lib rebuilt 2: testkit lib < network lib < stations lib < edited.rs
        testkit lib test lib rebuilt 2: testkit lib test < network lib < stations lib < edited.rs
        testkit doctests lib rerun 2: testkit doctests < network lib < stations lib < edited.rs
        affected: 4: 4 places
        all 5: 5 places
    "#]].assert_eq(&told);
}

#[test]
fn units_of_packages_are_nodes_if_asked_for() {
    let workspace = workspace("a: lib!test!bench script -> b\nb: lib!test!bench");
    let graph = UnitGraph::new(&workspace, Verb::Check);
    let mut picture = Picture::default();
    picture.add_units(&workspace, &graph, &[place(&workspace, "a")]);
    let data = data(&picture);
    let names = data["nodes"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a lib", "a build script", "a build script run"]);
    assert_eq!(words(&data["edges"]), "[[0,2,n,null],[2,1,n,null]]");
}

/// A page that would show more nodes than a reader can read begins with the nodes near the change, or
/// with foundations and tops.
#[test]
fn a_large_graph_begins_with_its_main_part() {
    let mut text = String::from("p0: lib\n");
    for at in 1..300 {
        text += &format!("p{at}: lib -> p{}\n", (at - 1) / 2);
    }
    let workspace = workspace(&text);
    let packages: Vec<_> = workspace.packages().map(|it| it.0).collect();
    let mut picture = Picture::default();
    picture.add_packages(&workspace, &packages);
    let whole = data(&picture);
    let labels = |data: &Value| {
        let views = data["views"].as_array().unwrap().iter();
        views
            .map(|it| words(&it["label"]))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let shows = |data: &Value, view: usize, name: &str| {
        let places = data["views"][view]["places"].as_array().unwrap();
        let mut names = places
            .iter()
            .map(|it| &data["nodes"][it[0].as_u64().unwrap() as usize]["name"]);
        names.any(|it| it == name)
    };
    assert_eq!(labels(&whole), "main 60 of 300, all 300");
    assert!(shows(&whole, 0, "p0") && !shows(&whole, 0, "p150"));

    let answer = answer(&text, Verb::Check, &["p1 lib"]);
    let units: Vec<_> = answer.affected.units().map(|it| it.0).collect();
    let mut picture = Picture::default();
    picture.add_change(&answer, &units);
    let data = data(&picture);
    assert_eq!(labels(&data), "main 60 of 172, affected: 172, all 300");
    assert!(shows(&data, 0, "p1") && shows(&data, 0, "p3") && !shows(&data, 0, "p2"));
}
