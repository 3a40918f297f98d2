//! Vendored packages, two of one name, Clippy's units, both layouts in one directory, and a target
//! directory inside another one.

use std::collections::BTreeSet;

use super::carry::Archive;
use crate::support::Project;

const LAYOUT: &str = "unstable.build-dir-new-layout=true";

/// The builds of the workspace.
const BUILDS: [&[&str]; 4] = [
    &["build", "--workspace"],
    &["build", "--workspace", "--config", LAYOUT],
    &["clippy", "--workspace"],
    &["build", "--package", "user", "--target-dir", "target/inner"],
];

/// A binary that prints values of two vendored packages of one name, and a library beside it.
fn workspace() -> Project {
    let project = Project::without_members();
    for (directory, version) in [("dep-1", "1.0.0"), ("dep", "2.0.0")] {
        let write = |file: &str, text: &str| {
            project.write(format!("vendor/{directory}/{file}"), text);
        };
        let manifest = crate::support::manifest("dep").replace("0.1.0", version);
        write("Cargo.toml", &manifest);
        write(
            "src/lib.rs",
            &format!("pub const N: &str = \"{version}\";\n"),
        );
        let sum = "0".repeat(64);
        write(
            ".cargo-checksum.json",
            &format!("{{\"files\":{{}},\"package\":\"{sum}\"}}"),
        );
    }
    project.write(
        ".cargo/config.toml",
        "# The layout of an [unstable] cargo is passed by --config.
[profile.dev]
incremental = false
debug = 0
[source.crates-io]
replace-with = \"vendored\"
[source.vendored]
directory = \"vendor\"
",
    );
    drop(project.write_libraries(
        "//- user/Cargo.toml
one = { package = \"dep\", version = \"1\" }
two = { package = \"dep\", version = \"2\" }
//- user/src/main.rs
fn main() { println!(\"{} {}\", one::N, two::N) }
//- beside/src/lib.rs
",
    ));
    project.in_git()
}

/// Runs a build. Returns the packages of which cargo built a unit.
fn built(project: &Project, build: &[&str]) -> String {
    let units = project.build(build).unwrap();
    let name = |it: &crate::support::Unit| {
        let (place, name) = it.package.rsplit_once('#').unwrap();
        let is_version = name.starts_with(|it: char| it.is_ascii_digit());
        let own = name.split('@').next().unwrap();
        let named = if is_version {
            place.rsplit('/').next().unwrap()
        } else {
            own
        };
        named.to_owned()
    };
    let names: BTreeSet<String> = units.iter().map(name).collect();
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.into_iter().collect::<Vec<_>>().join(" "),
    }
}

fn printed(project: &Project) -> [String; 2] {
    ["target/debug/user", "target/inner/debug/user"].map(|it| {
        let mut binary = std::process::Command::new(project.path(it));
        project.run(&mut binary).done().trim().to_owned()
    })
}

/// Restores a fresh clone, and returns what each of the builds builds.
fn restored(project: &Project, archive: Archive) -> String {
    project
        .xtask(&["freshness", "save", "--all-target-dirs"])
        .done();
    project.clone_afresh(archive);
    project
        .xtask(&["freshness", "restore", "--touch", "--all-target-dirs"])
        .done();
    let built = BUILDS
        .iter()
        .map(|it| format!("{}: {}\n", it.join(" "), built(project, it)));
    built.collect()
}

#[test]
fn packages_and_directories_of_every_kind_are_restored() {
    let project = workspace();
    for build in BUILDS {
        project.build(build).unwrap();
    }
    expect_test::expect![[r#"
        build --workspace: nothing
        build --workspace --config unstable.build-dir-new-layout=true: nothing
        clippy --workspace: nothing
        build --package user --target-dir target/inner: nothing
    "#]]
    .assert_eq(&restored(&project, Archive::Exact));
    project.write(
        "vendor/dep-1/src/lib.rs",
        "pub const N: &str = \"1.0.1\";\n",
    );
    project.write("clippy.toml", "");
    project.commit("Change");
    expect_test::expect![[r#"
        build --workspace: dep user
        build --workspace --config unstable.build-dir-new-layout=true: dep user
        clippy --workspace: beside dep user
        build --package user --target-dir target/inner: dep user
    "#]]
    .assert_eq(&restored(&project, Archive::WholeSeconds));
    assert_eq!(printed(&project), ["1.0.1 2.0.0", "1.0.1 2.0.0"]);
}
