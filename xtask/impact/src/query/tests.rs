use super::*;
use crate::testing::{name, workspace};

#[test]
fn a_specification_names_units_by_target_by_kind_or_by_label() {
    let workspace = workspace("my-app: lib bin=tool test=it test=a--b script\nother: lib");
    let graph = UnitGraph::new(&workspace, Verb::Test);
    let told = |spec: &str| match units_named(&workspace, &graph, spec) {
        Ok(units) => {
            let units = units.iter().map(|&unit| name(&workspace, &graph, unit));
            units.collect::<Vec<_>>().join(", ")
        }
        Err(error) => error.to_string(),
    };
    for spec in ["my-app", "my-app@0.1.0", "path+file:///w/my-app#0.1.0"] {
        assert_eq!(
            told(spec),
            "my-app lib, my-app lib test, my-app doctests, my-app bin tool, my-app bin tool test, \
             my-app test it, my-app test a--b, my-app build script, my-app build script run"
        );
    }
    let lib = "my-app lib, my-app lib test, my-app doctests";
    for (spec, expected) in [
        ("my-app:my_app", lib),
        ("my-app:lib", lib),
        ("path+file:///w/my-app#0.1.0:lib", lib),
        ("my-app lib", "my-app lib"),
        ("my-app@0.1.0 lib test", "my-app lib test"),
        ("path+file:///w/my-app#0.1.0 doctests", "my-app doctests"),
        ("my-app bin tool test", "my-app bin tool test"),
        ("my-app:bin", "my-app bin tool, my-app bin tool test"),
        ("my-app:bin tool", "my-app bin tool"),
        ("my-app test it", "my-app test it"),
        ("my-app:test", "my-app test it, my-app test a--b"),
        ("my-app build script run", "my-app build script run"),
        (
            "my-app:build-script",
            "my-app build script, my-app build script run",
        ),
    ] {
        assert_eq!(told(spec), expected, "{spec}");
    }
    // Every unit name that reports print is accepted as a specification.
    for (unit, _) in graph.units() {
        let printed = name(&workspace, &graph, unit);
        assert_eq!(told(&printed), printed);
    }
    assert_eq!(
        told("other:nope"),
        "package `other` has no target or unit `nope`\nhint: it has lib, lib test, doctests"
    );
}
