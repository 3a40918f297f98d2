use camino::Utf8PathBuf;

use super::*;
use crate::seeds::Rule;
use crate::testing::workspace;
use crate::unit_graph::UnitIx;

fn named(name: &str, paths: &[&str]) -> NamedOutside {
    NamedOutside {
        name: name.to_owned(),
        paths: paths.iter().map(Utf8PathBuf::from).collect(),
    }
}

/// Returns the names of the paths that a workspace does not use. The workspace has a package in
/// `/outside/ext` and a unit that reads `/opt/read.json`.
fn unused(named: &[NamedOutside]) -> Vec<&str> {
    let workspace = workspace("app: lib -> ext\next outside: lib");
    let seed = Seed {
        path: Some("/opt/read.json".into()),
        ..Seed::new(UnitIx(0), Rule::Source, "it is compiled from this file")
    };
    let uses = Uses {
        layout: &PackageDirectories::new(&workspace),
        settings: &SettingFiles::new(&workspace),
        seeds: &[seed],
    };
    let unused = uses.unused(named).into_iter();
    unused.map(|it| it.name.as_str()).collect()
}

#[test]
fn a_path_is_used_by_a_unit_a_package_or_a_setting() {
    for (path, is_used) in [
        ("/opt/read.json", true),
        ("/opt/other.json", false),
        ("/etc/hosts", false),
        // A file in a path dependency, a file above it, and the manifest of its workspace.
        ("/outside/ext/notes.txt", true),
        ("/outside", true),
        ("/outside/Cargo.toml", true),
        ("/outside/other/Cargo.toml", false),
        ("/outside/Cargo.lock", false),
        // Files that cargo and rustup read, starting from the workspace's root.
        ("/.cargo/config.toml", true),
        ("/rust-toolchain.toml", true),
        ("/other/.cargo/config.toml", false),
        // A file that cargo built.
        ("/w/target/debug/app", true),
    ] {
        let named = [named(path, &[path])];
        assert_eq!(unused(&named).is_empty(), is_used, "{path}");
    }
}

#[test]
fn one_used_path_of_a_name_is_enough() {
    let both = named("/link", &["/link", "/opt/read.json"]);
    let neither = named("/else", &["/else", "/opt/other.json"]);
    assert_eq!(unused(&[both, neither]), ["/else"]);
}

#[test]
fn a_path_is_refused_only_if_no_workspace_uses_the_path() {
    let runner = Runner::new().unwrap();
    let all = UnusedPaths::default();
    let (one, other) = (named("/a", &["/a"]), named("/b", &["/b"]));
    all.add(&[&one, &other]);
    all.add(&[&other]);
    let refused = |workspaces| match all.refuse(&runner, workspaces) {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(refused(3), "");
    assert_eq!(
        refused(2),
        "the path `/b` lies outside the repository, and no unit, path dependency or setting uses \
         it\nhint: name paths of this repository or of a path dependency; to count a package as \
         changed, use --assume-changed"
    );
}
