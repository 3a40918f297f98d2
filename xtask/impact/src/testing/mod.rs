//! Helpers for tests: a workspace in three lines, and units by the names that the output gives
//! them.

#[cfg(test)]
pub(crate) mod scene;
pub mod schema;

use std::collections::{BTreeMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::Message;
use tempfile::TempDir;

use crate::lock_file::{LockFile, LockState};
use crate::propagate;
use crate::query::Answer;
use crate::seeds::{Rule, Seed};
use crate::unit_graph::{UnitGraph, UnitIx, Verb, unit_name};
use crate::workspace::{Dependency, Package, PackageIx, Target, TargetKind, Workspace};

/// Returns a workspace in `/w`. Each line is a package: `head: targets -> dependencies`.
///
/// - The head is `name` or `name@version`, followed by any of `external` (from a registry),
///   `outside` (a path package that is no member), `links`, `overridden` and `+feature`.
/// - A target is `lib`, `proc-macro`, `cdylib`, `script`, `bin`, `example`, `test` or `bench`, with
///   `=name` unless it has the name of its package. `!test`, `!bench` and `!doctest` turn a setting
///   off, `+test` turns it on, and `?feature` requires a feature.
/// - A dependency is a name. A prefix such as `dev:`, `build:` or `normal+dev:` gives the kinds of
///   a dependency that is not just normal.
pub fn workspace(text: &str) -> Workspace {
    workspace_in("/w".into(), text)
}

/// Returns the workspace of a text, in another directory.
pub fn workspace_in(root: &Utf8Path, text: &str) -> Workspace {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut packages: Vec<Package> = lines().map(|line| package(root, line)).collect();
    packages.sort_by(|a, b| (&a.name, &a.version, &a.id).cmp(&(&b.name, &b.version, &b.id)));
    let mut workspace = Workspace {
        root: root.to_owned(),
        target_directory: root.join("target"),
        build_directory: root.join("target"),
        packages,
        metadata: "null".to_owned(),
        platforms: None,
        lock_file: LockFile {
            path: root.join("Cargo.lock"),
            state: LockState::Current,
        },
        sysroot: None,
        links: BTreeMap::new(),
        inputs_hash: None,
    };
    for line in lines() {
        let Some((head, dependencies)) = line.split_once(" -> ") else {
            continue;
        };
        let (spec, _) = head.split_once([' ', ':']).expect("a head ends in a colon");
        let dependencies = dependencies
            .split(", ")
            .map(|written| dependency(&workspace, written))
            .collect();
        let index = workspace.find(spec).expect("the package of this line");
        workspace.packages[index.0 as usize].dependencies = dependencies;
    }
    workspace
}

fn package(root: &Utf8Path, line: &str) -> Package {
    let (head, rest) = line.split_once(':').expect("a head ends in a colon");
    let targets = rest.split(" -> ").next().unwrap_or_default();
    let mut words = head.split_whitespace();
    let spec = words.next().expect("a head starts with a name");
    let (name, version) = spec.split_once('@').unwrap_or((spec, "0.1.0"));
    let words: Vec<_> = words.collect();
    let has = |word| words.contains(&word);
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    let (directory, id) = match () {
        () if has("external") => (
            format!("/registry/{name}-{version}"),
            format!("{registry}#{name}@{version}"),
        ),
        () if has("outside") => (
            format!("/outside/{name}"),
            format!("path+file:///outside/{name}#{version}"),
        ),
        () => (
            format!("{root}/{name}"),
            format!("path+file://{root}/{name}#{version}"),
        ),
    };
    Package {
        id,
        name: name.to_owned(),
        version: version.to_owned(),
        source: has("external").then(|| registry.to_owned()),
        manifest_path: format!("{directory}/Cargo.toml").into(),
        member: !has("external") && !has("outside"),
        links: has("links").then(|| name.to_owned()),
        features: words
            .iter()
            .filter_map(|word| word.strip_prefix('+'))
            .map(str::to_owned)
            .collect(),
        builds: Vec::new(),
        is_script_overridden: has("overridden"),
        targets: targets
            .split_whitespace()
            .map(|written| target(name, &directory, written))
            .collect(),
        dependencies: Vec::new(),
    }
}

fn target(package: &str, directory: &str, written: &str) -> Target {
    let end = written.find(['!', '+', '?']).unwrap_or(written.len());
    let (what, flags) = written.split_at(end);
    let (word, name) = what.split_once('=').unwrap_or((what, package));
    let has = |flag: &str| flags.contains(flag);
    let (kind, path) = match word {
        "lib" | "proc-macro" | "cdylib" => (TargetKind::Lib, "src/lib.rs".to_owned()),
        "script" => (TargetKind::CustomBuild, "build.rs".to_owned()),
        "bin" => (TargetKind::Bin, format!("src/bin/{name}.rs")),
        "example" => (TargetKind::Example, format!("examples/{name}.rs")),
        "test" => (TargetKind::Test, format!("tests/{name}.rs")),
        "bench" => (TargetKind::Bench, format!("benches/{name}.rs")),
        _ => panic!("`{word}` is no kind of target"),
    };
    let is_any = |kinds: &[TargetKind]| kinds.contains(&kind);
    Target {
        name: match kind {
            TargetKind::Lib => name.replace('-', "_"),
            TargetKind::CustomBuild => "build-script-build".to_owned(),
            _ => name.to_owned(),
        },
        kind,
        src_path: format!("{directory}/{path}").into(),
        linkable: matches!(word, "lib" | "proc-macro"),
        proc_macro: word == "proc-macro",
        test: has("+test")
            || is_any(&[TargetKind::Lib, TargetKind::Bin, TargetKind::Test]) && !has("!test"),
        bench: is_any(&[TargetKind::Lib, TargetKind::Bin, TargetKind::Bench]) && !has("!bench"),
        doctest: matches!(word, "lib" | "proc-macro") && !has("!doctest"),
        doc: is_any(&[TargetKind::Lib, TargetKind::Bin]),
        required_features: match flags.split_once('?') {
            Some((_, feature)) => vec![feature.to_owned()],
            None => Vec::new(),
        },
    }
}

fn dependency(workspace: &Workspace, written: &str) -> Dependency {
    let (kinds, spec) = written.split_once(": ").unwrap_or(("normal", written));
    let has = |kind| kinds.split('+').any(|known| known == kind);
    Dependency {
        package: workspace.find(spec).expect("a dependency has a line"),
        normal: has("normal"),
        dev: has("dev"),
        build: has("build"),
    }
}

/// Returns the unit with this name in the output: `app lib`, `app bin tool test`, `app build script
/// run`.
pub fn unit(workspace: &Workspace, graph: &UnitGraph, name: &str) -> UnitIx {
    graph
        .units()
        .find(|(_, unit)| unit_name(workspace, unit) == name)
        .unwrap_or_else(|| panic!("there is no unit `{name}`"))
        .0
}

/// Returns the name of a unit in the output.
pub fn name(workspace: &Workspace, graph: &UnitGraph, unit: UnitIx) -> String {
    unit_name(workspace, graph.unit(unit))
}

/// Returns the seed of a unit whose source, `/w/edited.rs`, was edited.
pub fn edited(unit: UnitIx) -> Seed {
    Seed {
        path: Some("edited.rs".into()),
        ..Seed::new(unit, Rule::Source, "it is compiled from this file")
    }
}

/// Returns the answer for edited sources of these units.
pub fn answer(text: &str, verb: Verb, units: &[&str]) -> Answer {
    let workspace = workspace(text);
    let graph = UnitGraph::new(&workspace, verb);
    let seeds = units
        .iter()
        .map(|name| edited(unit(&workspace, &graph, name)))
        .collect();
    Answer {
        untouched: HashSet::new(),
        affected: propagate::propagate(&graph, seeds),
        verb,
        compared: "the work tree since main".to_owned(),
        top_level: "/w".into(),
        changes: Vec::new(),
        recorded: (0, 0),
        shared: None,
        notes: Vec::new(),
        graph,
        workspace,
    }
}

/// Returns cargo's message about a target that is compiled or fresh. `target` is written as `lib`,
/// `script` or `test it`. The path of a script has the hash `01`.
pub fn artifact(workspace: &Workspace, package: &str, target: &str, fresh: bool) -> Message {
    let package = workspace.package(place(workspace, package));
    let (word, name) = target.split_once(' ').unwrap_or((target, &package.name));
    let (kind, file) = match word {
        "script" => {
            let directory = format!("/w/target/debug/build/{}-01", package.name);
            ("custom-build", format!("{directory}/build-script-build"))
        }
        kind => (kind, format!("/w/target/debug/deps/{name}-01")),
    };
    let message = serde_json::json!({
        "reason": "compiler-artifact", "package_id": package.id,
        "manifest_path": package.manifest_path, "features": [], "filenames": [file],
        "executable": null, "fresh": fresh,
        "target": { "kind": [kind], "crate_types": [kind], "name": name, "edition": "2024",
            "src_path": "/w/x.rs", "doc": true, "doctest": true, "test": true },
        "profile": { "opt_level": "0", "debuginfo": 2, "debug_assertions": true,
            "overflow_checks": true, "test": kind == "test" },
    });
    serde_json::from_value(message).expect("it has the form of cargo's")
}

/// Returns the index of a package by its name.
pub fn place(workspace: &Workspace, name: &str) -> PackageIx {
    workspace.find(name).expect("the test names a package")
}

/// Returns an empty directory and its canonical path. Dropping the first value removes the
/// directory.
pub fn scratch() -> (TempDir, Utf8PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let path = Utf8Path::from_path(directory.path()).expect("its path is UTF-8");
    let path = path.canonicalize_utf8().expect("it is there");
    (directory, path)
}

/// Writes a file, and creates the directories above the file.
pub fn write(path: &Utf8Path, text: &str) {
    let above = path.parent().expect("a file is in a directory");
    std::fs::create_dir_all(above).expect("the directory can be made");
    std::fs::write(path, text).expect("the file can be written");
}
