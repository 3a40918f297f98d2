use super::*;

/// Parses a unit graph, one unit per line: `package kind +feature -> index, index`. A line that
/// begins with `!` is a root.
fn features(text: &str) -> UnitFeatures {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (mut units, mut roots) = (Vec::new(), Vec::new());
    for (place, line) in lines.enumerate() {
        let (head, on) = line.split_once(" -> ").unwrap_or((line, ""));
        if head.starts_with('!') {
            roots.push(place);
        }
        let mut words = head.trim_start_matches('!').split(' ');
        let (package, kind) = (words.next().unwrap(), words.next().unwrap());
        let features: Vec<_> = words.map(|word| word.trim_start_matches('+')).collect();
        let dependencies: Vec<_> = on
            .split(", ")
            .filter(|place| !place.is_empty())
            .map(|place| {
                let index: usize = place.parse().unwrap();
                serde_json::json!({ "index": index, "extern_crate_name": format!("d{index}") })
            })
            .collect();
        units.push(serde_json::json!({
            "pkg_id": package, "features": features, "dependencies": dependencies,
            "target": { "kind": [kind], "crate_types": [], "name": package, "edition": "2024" },
            "profile": {}, "platform": null, "mode": "build",
        }));
    }
    let graph = serde_json::json!({ "version": 1, "units": units, "roots": roots });
    UnitFeatures::of(serde_json::from_value(graph).unwrap()).unwrap()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn needed(whole: &str, each: &str, members: &[&str], selected: &[&str]) -> Vec<String> {
    let (members, selected) = (names(members), names(selected));
    added(&features(whole), &features(each), &members, &selected)
        .iter()
        .map(|it| {
            format!(
                "{} for {} +{}",
                it.package,
                it.keeps,
                it.features.join(" +")
            )
        })
        .collect()
}

const WHOLE: &str = "
    !app lib -> 3
    !tool lib -> 3
    !plain lib
    serde lib +derive +std
";
const EACH: &str = "
    !app lib -> 3
    !tool lib -> 4
    !plain lib
    serde lib +std
    serde lib +derive +std
";

#[test]
fn a_selection_with_the_features_of_the_whole_is_part_of_the_whole() {
    let whole = features(WHOLE);
    // The name of a dependency in the source is part of the hash. In these graphs the name is made
    // of the index, so the indexes must match.
    assert!(
        features("!app lib -> 3\n!x lib\n!plain lib\n serde lib +std +derive")
            .is_part_of(&features(&WHOLE.replace("!tool lib -> 3", "!x lib")))
    );
    assert!(!features("!app lib -> 1\n serde lib +std").is_part_of(&whole));
    assert!(features("!plain lib").is_part_of(&whole));
    assert!(whole.is_part_of(&whole));
}

#[test]
fn the_package_that_turns_a_feature_on_is_selected_too() {
    let members = ["app", "tool", "plain"];
    assert_eq!(
        needed(WHOLE, EACH, &members, &["app"]),
        ["tool for serde +derive"]
    );
    let none: [&str; 0] = [];
    assert_eq!(needed(WHOLE, EACH, &members, &["tool"]), none);
    assert_eq!(needed(WHOLE, EACH, &members, &["plain"]), none);
}

#[test]
fn the_package_that_brings_most_features_is_selected() {
    let whole = "
        !app lib -> 3, 4
        !one lib -> 3
        !both lib -> 3, 4
        a lib +x
        b lib +y
    ";
    let each = "
        !app lib -> 3, 4
        !one lib -> 5
        !both lib -> 5, 6
        a lib
        b lib
        a lib +x
        b lib +y
    ";
    assert_eq!(
        needed(whole, each, &["app", "one", "both"], &["app"]),
        ["both for a +x"]
    );
}

#[test]
fn a_feature_for_the_host_only_is_not_required_for_the_target() {
    let whole = "
        !app lib -> 2
        !derive proc-macro -> 3
        syn lib
        syn lib +full
    ";
    let none: [&str; 0] = [];
    assert_eq!(needed(whole, whole, &["app", "derive"], &["app"]), none);
}

#[test]
fn a_package_without_units_can_be_selected_for_its_features() {
    let whole = "!app lib -> 1\n tokio lib +full";
    let each = "!app lib -> 1\n tokio lib";
    let needed = needed(whole, each, &["app", "examples"], &["app"]);
    assert_eq!(needed, ["examples for tokio +full"]);
}

#[test]
fn a_dependency_differs_if_a_member_alone_turns_on_fewer_features() {
    let members = names(&["app", "tool", "plain"]);
    let found = differences(&features(WHOLE), &features(EACH), &members);
    let expected = FeatureDifference {
        package: "serde".to_owned(),
        features: names(&["derive"]),
        with: names(&["tool"]),
        without: names(&["app"]),
    };
    assert_eq!(found, [expected]);
    let whole = features(WHOLE);
    assert!(differences(&whole, &whole, &members).is_empty());
}
