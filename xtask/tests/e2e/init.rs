//! `init`: the kit is adopted in a repository that does not know the kit.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::support::Project;

/// Returns the folder of the kit's package.
fn kit() -> &'static str {
    env!("CARGO_MANIFEST_DIR")
}

/// Returns a repository of 100 packages with features and dependencies.
fn hundred_packages() -> Project {
    let project = Project::without_members();
    for index in 0..100 {
        let name = format!("p{index}");
        let before = index.max(1) - 1;
        project.library(&name, &[]);
        let manifest = format!("crates/{name}/Cargo.toml");
        if index > 0 {
            let feature = if index % 7 == 0 { "wide" } else { "narrow" };
            let on =
                format!("p{before} = {{ path = \"../p{before}\", features = [\"{feature}\"] }}\n");
            project.append(&manifest, &on);
        }
        project.append(&manifest, "\n[features]\nwide = []\nnarrow = []\n");
    }
    project.in_git()
}

/// Returns all that cargo says about the workspace: its lock file, its features and its units.
fn facts(project: &Project) -> [String; 3] {
    let metadata = ["metadata", "--format-version", "1", "--locked"];
    let mut units = Command::new("cargo");
    let words = "build --workspace --all-targets --locked --unit-graph -Zunstable-options";
    units.args(words.split(' '));
    project.isolated(&mut units);
    units.env("RUSTC_BOOTSTRAP", "1");
    [
        project.read("Cargo.lock"),
        project.cargo(&metadata).done(),
        project.finish(&mut units).done(),
    ]
}

#[test]
fn a_repository_of_100_packages_adopts_the_kit_and_builds_as_before() {
    let project = hundred_packages();
    let before = facts(&project);
    let arguments = [
        "init",
        "--kit-path",
        kit(),
        "--ci",
        "github",
        "--pre-commit",
    ];
    let shown = project.xtask(&[&arguments[..], &["--dry-run"]].concat());
    assert!(shown.done().starts_with("new xtask/Cargo.toml\n"));
    assert_eq!(project.git(&["status", "--porcelain"]), "");

    project.xtask(&arguments).done();
    assert_eq!(
        project.git(&["status", "--porcelain", "--untracked-files=all"]),
        " M Cargo.toml\n\
         ?? .cargo/config.toml\n\
         ?? .github/workflows/xtask.yml\n\
         ?? .pre-commit-config.yaml\n\
         ?? xtask/.gitignore\n\
         ?? xtask/Cargo.toml\n\
         ?? xtask/launcher/Cargo.lock\n\
         ?? xtask/launcher/Cargo.toml\n\
         ?? xtask/launcher/src/main.rs\n\
         ?? xtask/src/main.rs\n"
    );
    assert_eq!(facts(&project), before);
    let told = project.xtask(&["affected", "--since", "HEAD", "--format", "names"]);
    assert_eq!(told.done(), "");

    project.commit("Adopt the kit");
    let again = project.xtask(&arguments);
    assert_eq!(again.done(), "");
    assert_eq!(project.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_glob_of_members_does_not_take_the_new_package_in() {
    let project = Project::empty()
        .file("Cargo.toml", "[workspace]\nmembers = [\"x*\"]\n")
        .file("xone/Cargo.toml", &crate::support::manifest("xone"))
        .file("xone/src/lib.rs", "")
        .in_git();
    project.xtask(&["init", "--kit-path", kit()]).done();
    assert!(
        project
            .read("Cargo.toml")
            .contains("exclude = [\"xtask\"]\n")
    );
    let graph = project.xtask(&["graph"]);
    assert_eq!(graph.done(), "xone\n");
}

/// Builds the kit in the foreign repository, so the test runs at night. Measures the time to start.
#[test]
#[ignore = "builds the kit; run with `cargo test -p xtask-kit --test e2e the_own_xtask -- --ignored`"]
fn the_own_xtask_answers() {
    let project = hundred_packages();
    let before = facts(&project);
    let kit = Path::new(kit());
    project
        .xtask(&["init", "--kit-path", kit.to_str().unwrap()])
        .done();
    project.commit("Adopt the kit");
    let told = project.cargo(&["xtask", "hello"]);
    assert_eq!(told.done(), "hello\n");
    let usage = project.cargo(&["xtask", "affected", "--nope"]);
    assert!(
        format!("{usage:?}").contains("Usage: cargo xtask affected"),
        "{usage:?}"
    );
    project.write("crates/p98/src/lib.rs", "pub fn new() {}\n");
    let names = project.cargo(&["xtask", "affected", "--since", "HEAD", "--format", "names"]);
    assert_eq!(names.done(), "p98\np99\n");
    assert_eq!(facts(&project), before);
    starts_quickly(&project);
}

/// Checks that the alias starts in at most twice the time of `cargo metadata --no-deps` in a
/// workspace of one package. The shortest of many alternating runs counts, since other work on the
/// machine only makes a run longer.
fn starts_quickly(project: &Project) {
    let one = Project::with_libraries(&[("one", &[])]);
    let metadata = ["metadata", "--no-deps", "--format-version", "1"];
    let time = |project: &Project, arguments: &[&str]| {
        let start = Instant::now();
        project.cargo(arguments).done();
        start.elapsed()
    };
    let runs = (0..25).map(|_| (time(project, &["xtask", "hello"]), time(&one, &metadata)));
    let (alias, metadata): (Vec<_>, Vec<_>) = runs.unzip();
    let (alias, metadata) = (alias.into_iter().min(), metadata.into_iter().min());
    let (alias, metadata) = (alias.unwrap(), metadata.unwrap());
    println!("the alias starts in {alias:?}, `cargo metadata --no-deps` takes {metadata:?}");
    assert!(
        alias <= 2 * metadata,
        "the alias takes {alias:?}, and `cargo metadata --no-deps` {metadata:?}"
    );
}
