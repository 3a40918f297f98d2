//! What the tests of the core are told with: a workspace in three lines, and units by the names
//! that the output gives them.

mod architecture;

use std::collections::{BTreeMap, HashSet};

use cargo_metadata::Message;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use crate::graph::{UnitGraph, UnitIx, Verb};
use crate::impact::{self, Rule, Seed};
use crate::question::Answer;
use crate::render::affected::unit_name;
use crate::repo::lock_file::{LockFile, LockState};
use crate::workspace::{Dependency, Package, PackageIx, Target, TargetKind, Workspace};

/// A workspace in `/w`, one package a line: `head: targets -> dependencies`.
///
/// - The head is `name` or `name@version`, and `external` (of a registry), `outside` (a path
///   package that is no member), `links`, `+feature`.
/// - A target is `lib`, `proc-macro`, `cdylib`, `script`, `bin`, `example`, `test` or `bench`, with
///   `=name` unless it is called as its package. `!test`, `!bench` and `!doctest` turn a setting
///   off, `+test` turns it on, and `?feature` requires one.
/// - A dependency is a name, after `dev:`, `build:` or `normal+dev:` and the like where it is not
///   of the normal kind.
pub(crate) fn workspace(text: &str) -> Workspace {
    workspace_in("/w".into(), text)
}

/// The same in another directory.
pub(crate) fn workspace_in(root: &Utf8Path, text: &str) -> Workspace {
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
        ground: None,
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

/// The unit that the output calls so: `app lib`, `app bin tool test`, `app build script run`.
pub(crate) fn unit(workspace: &Workspace, graph: &UnitGraph, name: &str) -> UnitIx {
    graph
        .units()
        .find(|(_, unit)| unit_name(workspace, unit) == name)
        .unwrap_or_else(|| panic!("there is no unit `{name}`"))
        .0
}

/// The name of a unit in the output.
pub(crate) fn name(workspace: &Workspace, graph: &UnitGraph, unit: UnitIx) -> String {
    unit_name(workspace, graph.unit(unit))
}

/// A unit whose source, `/w/edited.rs`, was edited.
pub(crate) fn edited(unit: UnitIx) -> Seed {
    Seed {
        path: Some("edited.rs".into()),
        ..Seed::new(unit, Rule::Source, "it is compiled from this file")
    }
}

/// The answer where the sources of these units were edited.
pub(crate) fn answer(text: &str, verb: Verb, units: &[&str]) -> Answer {
    let workspace = workspace(text);
    let graph = UnitGraph::new(&workspace, verb);
    let seeds = units
        .iter()
        .map(|name| edited(unit(&workspace, &graph, name)))
        .collect();
    Answer {
        untouched: HashSet::new(),
        affected: impact::propagate(&graph, seeds),
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

/// Cargo's message about a target, `lib`, `script` or `test it`, compiled or fresh. A script lies
/// where cargo puts the one with the hash `01`.
pub(crate) fn artifact(workspace: &Workspace, package: &str, target: &str, fresh: bool) -> Message {
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

/// The place of a package, by its name.
pub(crate) fn place(workspace: &Workspace, name: &str) -> PackageIx {
    workspace.find(name).expect("the test names a package")
}

/// An empty directory by its path without links, with what removes it in the end.
pub(crate) fn scratch() -> (TempDir, Utf8PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let path = Utf8Path::from_path(directory.path()).expect("its path is UTF-8");
    let path = path.canonicalize_utf8().expect("it is there");
    (directory, path)
}

/// Writes a file, and makes the directories that it is in.
pub(crate) fn write(path: &Utf8Path, text: &str) {
    let above = path.parent().expect("a file is in a directory");
    std::fs::create_dir_all(above).expect("the directory can be made");
    std::fs::write(path, text).expect("the file can be written");
}

/// Where the kit's own sources are.
pub(crate) fn own_sources() -> Utf8PathBuf {
    Utf8PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")
}
