//! The skeleton of a generated workspace: packages with their kinds and targets, and all kinds of
//! edges.

use super::draft::{Draft, Package, PackageKind, Script};

/// The kinds of dependencies that are drawn at random. Other functions add `proc-macro` and
/// `dev-cycle`.
const EDGES: &[&str] = &[
    "normal",
    "normal",
    "dev",
    "build",
    "target-on",
    "target-off",
    "renamed",
    "optional-on",
    "optional-off",
    "without-defaults",
];

/// The kinds of edges that must occur in the cases.
pub(crate) const EDGE_ROWS: &[&str] = &[
    "normal",
    "dev",
    "dev-cycle",
    "build",
    "proc-macro",
    "target-on",
    "renamed",
    "optional-on",
    "without-defaults",
];

/// The package names. Some names begin with another name, such as `base-extra`.
const NAMES: &[&str] = &[
    "base",
    "wire",
    "base-extra",
    "store",
    "macros",
    "ui",
    "ui-kit",
    "net",
    "net-io",
    "feed",
    "app",
    "tool",
    "gen",
    "zones",
];

/// Drafts 6 to 14 packages with their edges and targets.
pub(crate) fn draft(draft: &mut Draft<'_>) {
    let resolver = draft.random.pick(&["1", "2", "2", "3"]).unwrap();
    draft
        .root
        .line("workspace", format!("resolver = {resolver:?}"));
    draft.root.line("workspace", "members = [\"crates/*\"]");
    draft.root.line("profile.dev", "debug = 0");
    draft.root.line("profile.dev", "incremental = false");
    let count = 6 + draft.random.below(9);
    for (index, name) in NAMES.iter().take(count).enumerate() {
        let kind = match *name {
            "macros" | "gen" => PackageKind::ProcMacro,
            "app" | "tool" => PackageKind::Binary,
            _ => PackageKind::Library,
        };
        package(draft, name, kind);
        if index > 0 {
            edges(draft, index);
        }
        targets(draft, index);
    }
    cycle(draft);
}

/// Chooses a layout of the build directory.
pub(crate) fn layout(draft: &mut Draft<'_>) {
    match draft.random.below(5) {
        0 => draft.configure("unstable", "build-dir-new-layout = true"),
        1 => draft.configure("build", "build-dir = \"build-files\""),
        _ => {}
    }
}

fn package(draft: &mut Draft<'_>, name: &str, kind: PackageKind) {
    let edition = draft.random.pick(&["2018", "2021", "2024"]).unwrap();
    let mut package = Package {
        name: name.to_owned(),
        directory: format!("crates/{name}"),
        kind,
        manifest: Default::default(),
        source: String::new(),
        script: None,
    };
    let manifest = &mut package.manifest;
    manifest.line("package", format!("name = {name:?}"));
    manifest.line("package", "version = \"0.1.0\"");
    manifest.line("package", format!("edition = {edition:?}"));
    if kind == PackageKind::ProcMacro {
        manifest.line("lib", "proc-macro = true");
    }
    if draft.random.one_in(3) {
        manifest.line("features", "std = []");
        manifest.line("features", "extra = []");
        manifest.line("features", "default = [\"std\"]");
    }
    if draft.random.one_in(5) {
        package.script = Some(Script::plain());
    }
    draft.packages.push(package);
}

/// Adds dependencies of a package on one to three earlier packages.
fn edges(draft: &mut Draft<'_>, from: usize) {
    for _ in 0..1 + draft.random.below(3) {
        let to = draft.random.below(from);
        match draft.packages[to].kind {
            PackageKind::Binary => {}
            PackageKind::ProcMacro => draft.depend(from, to, "proc-macro"),
            PackageKind::Library => {
                let kind = draft.random.pick(EDGES).unwrap();
                draft.depend(from, to, kind);
            }
        }
    }
}

/// Adds a dev-dependency on a package that depends on this package.
fn cycle(draft: &mut Draft<'_>) {
    let forward = draft.edges.iter().filter(|edge| {
        edge.kind == "normal" && draft.packages[edge.from].kind == PackageKind::Library
    });
    let ends: Vec<_> = forward.map(|edge| (edge.from, edge.to)).collect();
    if let Some((from, to)) = draft.random.pick(&ends) {
        draft.depend(to, from, "dev-cycle");
    }
}

/// Adds binaries, examples, tests and benches.
fn targets(draft: &mut Draft<'_>, package: usize) {
    for (directory, class) in [
        ("src/bin", "binary"),
        ("examples", "example"),
        ("tests", "integration-test"),
        ("benches", "bench"),
    ] {
        if draft.random.one_in(4) {
            let name = draft.name();
            let path = draft.path(package, &format!("{directory}/{name}.rs"));
            draft.file(&path, "fn main() {}\n");
            draft.appending(class, &path);
        }
    }
    let source = draft.source_of(package);
    draft.appending("first-source", &source);
}
