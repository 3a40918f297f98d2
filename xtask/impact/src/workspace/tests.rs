use crate::error::is_usage;
use crate::testing::workspace;

const PACKAGES: &str = "
    network: lib
    timetable: lib
    timetable-csv: lib
    serde@1.0.0 external: lib
    rand@0.8.5 external: lib
    rand@0.9.1 external: lib
    log@0.3.0: lib
    log@0.4.0 external: lib
";

#[test]
fn a_package_is_found_by_name_version_or_id() {
    let workspace = workspace(PACKAGES);
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    let rows = [
        ("network", "network 0.1.0"),
        ("network@0.1.0", "network 0.1.0"),
        ("network:0.1", "network 0.1.0"),
        ("file:///w/network", "network 0.1.0"),
        ("file:///w/network#network@0.1", "network 0.1.0"),
        (
            "https://github.com/rust-lang/crates.io-index#rand@0.9",
            "rand 0.9.1",
        ),
        ("path+file:///w/network#0.1.0", "network 0.1.0"),
        ("serde", "serde 1.0.0"),
        ("rand@0.9.1", "rand 0.9.1"),
        (&format!("{registry}#rand@0.8.5"), "rand 0.8.5"),
        ("log", "log 0.3.0"),
        ("log@0.4.0", "log 0.4.0"),
    ];
    for (spec, expected) in rows {
        let package = workspace.package(workspace.find(spec).expect(spec));
        assert_eq!(
            format!("{} {}", package.name, package.version),
            expected,
            "{spec}"
        );
    }
}

#[test]
fn an_unknown_or_ambiguous_name_is_refused_with_a_hint() {
    let workspace = workspace(PACKAGES);
    let faults: Vec<_> = [
        "netwrok",
        "timetable-cvs",
        "network@2.0.0",
        "file:///elsewhere/network",
        "serd",
        "zzz",
        "",
        "rand",
        "path+file:///w/network#9.9.9",
    ]
    .map(|spec| {
        let error = workspace.find(spec).unwrap_err();
        assert!(is_usage(&error), "{spec}");
        format!("{error:#}")
    })
    .into();
    expect_test::expect![[r#"
        no package `netwrok` in this workspace
        hint: did you mean `network`?
        no package `timetable-cvs` in this workspace
        hint: did you mean `timetable-csv`?
        no package `network@2.0.0` in this workspace
        hint: did you mean `network`?
        no package `file:///elsewhere/network` in this workspace
        hint: did you mean `network`?
        no package `serd` in this workspace
        hint: did you mean `serde`?
        no package `zzz` in this workspace
        hint: `cargo xtask graph` lists the packages
        no package `` in this workspace
        hint: `cargo xtask graph` lists the packages
        `rand` names several packages
        hint: use one of rand@0.8.5, rand@0.9.1
        no package `path+file:///w/network#9.9.9` in this workspace
        hint: did you mean `network`?"#]]
    .assert_eq(&faults.join("\n"));
}

#[test]
fn only_workspace_members_are_listed_as_members() {
    let workspace = workspace("b: lib\na: lib\nserde external: lib\nnear outside: lib");
    let names: Vec<_> = workspace
        .members()
        .map(|(_, package)| &package.name)
        .collect();
    assert_eq!(names, ["a", "b"]);
}
