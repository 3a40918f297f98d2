use serde_json::json;

use super::*;

/// Returns the planned units as `package name form -> dependencies`. A line of `text` is
/// `package kind mode -> indexes`, and begins with `!` for a root.
fn planned(text: &str, command: PlannedFor) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (mut units, mut roots) = (Vec::new(), Vec::new());
    for (place, line) in lines.enumerate() {
        let (head, on) = line.split_once(" -> ").unwrap_or((line, ""));
        roots.extend(head.starts_with('!').then_some(place));
        let words: Vec<_> = head.trim_start_matches('!').split(' ').collect();
        let on = on.split(", ").filter(|it| !it.is_empty());
        let on: Vec<_> = on
            .map(|it| json!({ "index": it.parse::<usize>().unwrap(), "extern_crate_name": "x" }))
            .collect();
        units.push(json!({
            "pkg_id": words[0], "mode": words[2], "features": [], "platform": null, "profile": {},
            "target": { "kind": [words[1]], "crate_types": [words[1]], "name": words[0], "edition": "2024" },
            "dependencies": on,
        }));
    }
    let graph = json!({ "version": 1, "units": units, "roots": roots });
    let graph: UnitGraphJson = serde_json::from_value(graph).unwrap();
    let units = PlannedBuild::new(&graph, command).unwrap().units;
    let mut shown: Vec<_> = units
        .iter()
        .map(|unit| {
            let form = if unit.is_checked { "checked" } else { "built" };
            let on = unit.dependencies.iter().map(|&it| &units[it]);
            let on: Vec<_> = on.map(|it| it.package.as_str()).collect();
            let name = unit.name.file_name();
            format!("{} {name} {form} -> {}", unit.package, on.join(", "))
        })
        .collect();
    shown.sort();
    shown
}

const GRAPH: &str = "
    !app lib build -> 2, 3
    !app lib test -> 2, 3, 6
    shared lib build
    derive proc-macro build -> 2
    app custom-build build -> 2
    app custom-build run-custom-build -> 4
    app bin build -> 0, 5
    !app lib doctest -> 0
";

#[test]
fn a_check_compiles_only_units_that_run_on_the_host() {
    assert_eq!(
        planned(GRAPH, PlannedFor::Check),
        [
            "app lib-app checked -> shared, derive",
            "app test-lib-app checked -> shared, derive",
            "derive lib-derive built -> shared",
            "shared lib-shared built -> ",
            "shared lib-shared checked -> ",
        ]
    );
}

#[test]
fn a_test_builds_the_binaries_that_it_runs() {
    assert_eq!(
        planned(GRAPH, PlannedFor::Build),
        [
            "app bin-app built -> app, app",
            "app build-script-app built -> shared",
            "app lib-app built -> shared, derive",
            "app run-build-script-app built -> app",
            "app test-lib-app built -> shared, derive",
            "derive lib-derive built -> shared",
            "shared lib-shared built -> ",
        ]
    );
}
