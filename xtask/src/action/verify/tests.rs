use super::*;
use crate::action::clean::Planned;
use crate::testing::{artifact, place, workspace};

#[test]
fn what_cargo_compiled_is_held_against_the_plan() {
    let workspace = workspace(
        "network: lib\nplanner: lib\ndocs: lib\nboard: lib bin
         serde@1.0.0 external: lib\nrand@0.9.1 external: lib",
    );
    let id = |name: &str| workspace.package(place(&workspace, name)).id.clone();
    let planned = |name: &str| Planned {
        name: name.to_owned(),
        id: id(name),
        because: String::new(),
    };
    let plan = CleanPlan {
        version: 1,
        packages: ["network", "planner", "serde"].map(planned).into(),
        directories: Vec::new(),
    };
    let messages = [
        artifact(&workspace, "network", "lib", false),
        // Announced, and yet only fresh.
        artifact(&workspace, "planner", "lib", true),
        artifact(&workspace, "serde", "lib", false),
        // Not announced: one target of two compiled, and one package fresh.
        artifact(&workspace, "board", "lib", true),
        artifact(&workspace, "board", "bin", false),
        artifact(&workspace, "docs", "lib", true),
        artifact(&workspace, "rand", "lib", false),
    ];
    let found = Verification::new(&plan, &workspace, &messages);
    let expected = Verification {
        compiled: vec!["network".into(), "serde 1.0.0".into()],
        missed: vec!["planner".into()],
        besides: vec!["board".into(), "rand 0.9.1".into()],
        fresh: 1,
    };
    assert_eq!(found, expected);
    expect_test::expect![[r#"
        compiled as announced: 2 packages: network, serde 1.0.0
        compiled besides: 2 packages: board, rand 0.9.1
        announced, yet not compiled: 1 package: planner
        stayed fresh: 1 package
    "#]]
    .assert_eq(&crate::render::clean::verification(&found));
}
