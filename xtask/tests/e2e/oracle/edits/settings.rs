//! Edits of manifests, of the lock file, and of cargo's configuration.

use super::{Chance, Edit, Maker, is_member_manifest};

pub(super) const MAKERS: &[Maker] = &[
    member_line,
    member_line,
    member_line,
    member_dependency,
    member_dependency,
    member_word,
    root_line,
    root_line,
    root_word,
    lock,
    configuration,
    configuration,
    toolchain,
    ignored_file,
];

/// Adds a line to a table of a member's manifest.
fn member_line(chance: &mut Chance<'_>) -> Option<Edit> {
    let manifest = chance.file(is_member_manifest)?;
    let name = chance.name("n");
    let (table, line) = chance.random.pick(&[
        ("package", "# A comment."),
        ("package", "homepage = \"https://example.org/NAME\""),
        ("package", "authors = [\"NAME\"]"),
        ("package", "keywords = [\"NAME\"]"),
        ("package", "readme = false"),
        ("package", "autotests = false"),
        ("package", "autobenches = false"),
        ("package", "autoexamples = false"),
        ("package", "include = [\"src\", \"NAME\"]"),
        ("package", "exclude = [\"NAME\"]"),
        ("package", "default-run = \"NAME\""),
        ("package.metadata.NAME", "key = 1"),
        ("features", "NAME = []"),
        ("features", "default = []"),
        ("lib", "doctest = false"),
        ("lib", "test = false"),
        ("lib", "bench = false"),
        ("lib", "doc = false"),
        ("lib", "crate-type = [\"lib\"]"),
        ("lib", "path = \"src/lib.rs\""),
        ("lib", "crate-type = [\"rlib\", \"staticlib\"]"),
        ("[test]", "name = \"it\"\nharness = true"),
        ("[test]", "name = \"it\"\nrequired-features = [\"NAME\"]"),
        ("[test]", "name = \"NAME\"\npath = \"tests/it.rs\""),
        ("[bench]", "name = \"search\"\ntest = true"),
        ("[bin]", "name = \"rail-check\"\ntest = false"),
        ("[example]", "name = \"styles\"\ntest = true"),
        ("profile.dev", "opt-level = 1"),
        ("badges", "maintenance = { status = \"NAME\" }"),
    ])?;
    let (table, line) = (table.replace("NAME", &name), line.replace("NAME", &name));
    let text = with_line(&chance.read(&manifest), &table, &line);
    Some(Edit::new(format!("{manifest}: [{table}] {line}")).write(manifest, text))
}

fn member_dependency(chance: &mut Chance<'_>) -> Option<Edit> {
    let manifest = chance.file(is_member_manifest)?;
    let table = chance.random.pick(&[
        "dependencies",
        "dev-dependencies",
        "build-dependencies",
        "target.'cfg(unix)'.dependencies",
        "target.'cfg(windows)'.dependencies",
        "target.'cfg(windows)'.dev-dependencies",
    ])?;
    let line = chance.random.pick(&[
        "anyhow.workspace = true",
        "serde = { workspace = true, features = [\"rc\"] }",
        "serde_json = { workspace = true, features = [\"raw_value\"] }",
        "petgraph = { workspace = true, features = [\"stable_graph\"] }",
        "strsim.workspace = true",
        "strsim = { workspace = true, optional = true }",
        "toml.workspace = true",
        "glob.workspace = true",
        "clap.workspace = true",
        "tables.workspace = true",
        "zones.workspace = true",
        "term-windows.workspace = true",
        "term-unix = { workspace = true, optional = true }",
        "stations = { workspace = true, features = [\"suggest\"] }",
        "daytime = { workspace = true, features = [\"serde\"] }",
        "delays = { workspace = true, features = [\"feed\"] }",
        "rail-cli = { path = \"../cli\", default-features = false }",
        "another = { package = \"tables\", path = \"../tables\" }",
    ])?;
    let text = chance.read(&manifest);
    let is_optional_dev = line.contains("optional") && table.contains("dev");
    let name = line.split([' ', '.']).next()?;
    let is_there = text
        .lines()
        .any(|known| known.split([' ', '.']).next() == Some(name));
    if is_optional_dev || is_there && chance.random.below(4) > 0 {
        return None;
    }
    let kept: Vec<&str> = text
        .lines()
        .filter(|known| known.split([' ', '.']).next() != Some(name))
        .collect();
    let text = with_line(&(kept.join("\n") + "\n"), table, line);
    let edit = Edit::new(format!("{manifest}: [{table}] {line}"));
    Some(synced(chance, edit.write(manifest, text)))
}

/// Replaces a word of a member's manifest.
fn member_word(chance: &mut Chance<'_>) -> Option<Edit> {
    let manifest = chance.file(is_member_manifest)?;
    let (word, with) = chance.random.pick(&[
        ("description = \"", "description = \"Other: "),
        ("version.workspace = true", "version = \"0.1.1\""),
        ("version.workspace = true", "version = \"0.1.0\""),
        ("edition.workspace = true", "edition = \"2021\""),
        ("edition.workspace = true", "edition = \"2024\""),
        ("rust-version.workspace = true", "rust-version = \"1.90\""),
        ("license.workspace = true", "license = \"MIT\""),
        ("publish.workspace = true\n", ""),
        ("[lints]\nworkspace = true", ""),
        (
            "[lints]\nworkspace = true",
            "[lints.rust]\nunused = \"warn\"",
        ),
        (
            "testkit.workspace = true",
            "testkit = { path = \"../testkit\" }",
        ),
        (
            "daytime.workspace = true",
            "daytime = { path = \"../daytime\" }",
        ),
        ("[dev-dependencies]\ntestkit.workspace = true", ""),
        ("harness = false", "harness = false\ntest = false"),
        ("links = \"rail-stations\"", "links = \"rail-register\""),
        ("default = [\"fares\", \"json\"]", "default = [\"fares\"]"),
        ("default = [\"fares\", \"json\"]", "default = []"),
        (", features = [\"suggest\"]", ""),
        ("required-features = [\"suggest\"]\n", ""),
        (
            "serde = [\"dep:serde\"]",
            "serde = [\"dep:serde\"]\nmore = [\"serde\"]",
        ),
        ("proc-macro = true", "proc-macro = true\ntest = false"),
        ("name = \"rail\"", "name = \"railway\""),
        ("version = \"0.3", "version = \"0.4"),
    ])?;
    let text = chance.read(&manifest);
    if !text.contains(word) {
        return None;
    }
    let edit = Edit::new(format!("{manifest}: {word:?} becomes {with:?}"));
    let edit = edit.write(manifest, text.replacen(word, with, 1));
    Some(synced(chance, edit))
}

fn root_line(chance: &mut Chance<'_>) -> Option<Edit> {
    let (table, line) = chance.random.pick(&[
        ("workspace", "# A comment."),
        ("workspace", "default-members = [\"crates/daytime\"]"),
        ("workspace.metadata.anything", "key = 1"),
        ("workspace.package", "authors = [\"Somebody\"]"),
        ("workspace.package", "description = \"Inherited by nobody\""),
        ("workspace.lints.rust", "unused_qualifications = \"warn\""),
        ("workspace.lints.clippy", "pedantic = \"allow\""),
        ("workspace.dependencies", "semver = \"1\""),
        ("profile.dev", "opt-level = 1"),
        ("profile.dev", "overflow-checks = false"),
        ("profile.dev", "incremental = true"),
        ("profile.dev", "panic = \"abort\""),
        ("profile.dev.package.strsim", "opt-level = 1"),
        ("profile.dev.package.stations", "debug = 1"),
        ("profile.dev.package.\"*\"", "opt-level = 1"),
        ("profile.dev.build-override", "opt-level = 1"),
        ("profile.test", "opt-level = 1"),
        ("profile.test.package.daytime", "opt-level = 1"),
        ("profile.release", "lto = true"),
        ("profile.bench", "debug = true"),
        ("profile.special", "inherits = \"dev\""),
    ])?;
    let text = with_line(&chance.read("Cargo.toml"), table, line);
    Some(Edit::new(format!("Cargo.toml: [{table}] {line}")).write("Cargo.toml", text))
}

fn root_word(chance: &mut Chance<'_>) -> Option<Edit> {
    let (word, with) = chance.random.pick(&[
        (
            "version = \"0.1.0\"\nedition",
            "version = \"0.2.0\"\nedition",
        ),
        ("edition = \"2024\"", "edition = \"2021\""),
        ("rust-version = \"1.95\"", "rust-version = \"1.94\""),
        ("license = \"MIT OR Apache-2.0\"", "license = \"MIT\""),
        ("resolver = \"3\"", "resolver = \"2\""),
        ("resolver = \"3\"", "resolver = \"1\""),
        ("anyhow = \"1.0\"", "anyhow = \"1.0.0\""),
        (
            "features = [\"derive\"] }\nserde_json",
            "features = [\"derive\", \"rc\"] }\nserde_json",
        ),
        (
            "serde_json = \"1.0\"",
            "serde_json = { version = \"1\", features = [\"raw_value\"] }",
        ),
        (
            "petgraph = { version",
            "petgraph = { optional = false, version",
        ),
        ("strsim = \"0.11\"", "strsim = \"0.11.1\""),
        (
            "toml = \"1.0\"",
            "toml = { version = \"1\", features = [\"preserve_order\"] }",
        ),
        ("unsafe_code = \"deny\"", "unsafe_code = \"forbid\""),
        ("exclude = [", "exclude = [\"crates/none\", "),
        ("\"crates/*\"", "\"crates/[a-z]*\""),
        (
            "stations = { path = \"crates/stations\" }",
            "stations = { path = \"crates/stations\", features = [\"suggest\"] }",
        ),
        ("inherits = \"release\"", "inherits = \"dev\""),
    ])?;
    let text = chance.read("Cargo.toml");
    if !text.contains(word) {
        return None;
    }
    let edit = Edit::new(format!("Cargo.toml: {word:?} becomes {with:?}"));
    let edit = edit.write("Cargo.toml", text.replacen(word, with, 1));
    Some(synced(chance, edit))
}

/// Selects another version of an external package, if the machine has this version.
fn lock(chance: &mut Chance<'_>) -> Option<Edit> {
    let (package, version) = chance.random.pick(&[
        ("itoa", "1.0.17"),
        ("indexmap", "2.11.4"),
        ("hashbrown@0.17.1", "0.16.1"),
        ("toml", "1.0.7+spec-1.1.0"),
        ("toml_datetime", "1.0.1+spec-1.1.0"),
        ("toml_writer", "1.0.7+spec-1.1.0"),
    ])?;
    let edit = Edit::new(format!("cargo update {package} --precise {version}"));
    Some(edit.cargo(&["update", "--offline", package, "--precise", version]))
}

fn configuration(chance: &mut Chance<'_>) -> Option<Edit> {
    let (table, line) = chance.random.pick(&[
        ("build", "# A comment."),
        ("alias", "c = \"check\""),
        ("net", "retry = 3"),
        ("term", "progress.when = \"never\""),
        ("build", "jobs = 2"),
        ("build", "rustflags = [\"--cfg\", \"signal\"]"),
        ("build", "rustdocflags = [\"--cfg\", \"signal\"]"),
        ("build", "incremental = true"),
        ("env", "RAIL_BUILD_LABEL = \"nightly\""),
        ("env", "NOBODY_READS_THIS = \"1\""),
        ("profile.release", "lto = true"),
        ("profile.dev", "opt-level = 1"),
        ("profile.dev", "strip = true"),
        ("profile.test", "opt-level = 1"),
        ("profile.dev.package.tables", "opt-level = 1"),
        ("profile.dev.build-override", "opt-level = 1"),
        ("target.'cfg(unix)'", "rustflags = [\"--cfg\", \"signal\"]"),
        (
            "target.'cfg(windows)'",
            "rustflags = [\"--cfg\", \"signal\"]",
        ),
        ("target.x86_64-unknown-linux-gnu", "linker = \"cc\""),
        ("target.x86_64-unknown-linux-gnu", "runner = \"env\""),
        (
            "target.wasm32-unknown-unknown",
            "rustflags = [\"--cfg\", \"signal\"]",
        ),
        (
            "target.x86_64-unknown-linux-gnu.rail-stations",
            "rustc-cfg = [\"signal\"]",
        ),
        (
            "registries.other",
            "index = \"sparse+https://example.org/\"",
        ),
        ("future-incompat-report", "frequency = \"never\""),
        ("cargo-new", "vcs = \"none\""),
        ("cache", "auto-clean-frequency = \"never\""),
    ])?;
    let file = match chance.random.below(8) {
        0 => format!("{}/.cargo/config.toml", chance.package()?),
        _ => ".cargo/config.toml".to_owned(),
    };
    let before = if chance.has(&file) {
        chance.read(&file)
    } else {
        String::new()
    };
    let text = with_line(&before, table, line);
    Some(Edit::new(format!("{file}: [{table}] {line}")).write(file, text))
}

fn toolchain(chance: &mut Chance<'_>) -> Option<Edit> {
    let line = chance
        .random
        .pick(&["# A comment.", "components = [\"rustfmt\"]"])?;
    let text = with_line(&chance.read("rust-toolchain.toml"), "toolchain", line);
    Some(Edit::new(format!("rust-toolchain.toml: {line}")).write("rust-toolchain.toml", text))
}

/// Adds a file that git ignores to a package.
fn ignored_file(chance: &mut Chance<'_>) -> Option<Edit> {
    let package = chance.package()?;
    let path = format!("{package}/{}.ignored", chance.name("scratch"));
    let text = chance.read(".gitignore") + "*.ignored\n";
    let edit = Edit::new(format!("ignore and add {path}"));
    Some(edit.write(".gitignore", text).write(path, ""))
}

/// Returns the manifest with a line added at the beginning of a table. A missing table is added.
pub(super) fn with_line(text: &str, table: &str, line: &str) -> String {
    let header = format!("[{table}]\n");
    let at = text
        .find(&format!("\n{header}"))
        .map(|at| at + 1)
        .or(text.starts_with(&header).then_some(0));
    match at {
        Some(at) if !table.starts_with('[') => {
            let at = at + header.len();
            format!("{}{line}\n{}", &text[..at], &text[at..])
        }
        _ => format!("{text}\n{header}{line}\n"),
    }
}

/// Updates the lock file in half of the cases, as a user does who builds before a commit.
fn synced(chance: &mut Chance<'_>, edit: Edit) -> Edit {
    if chance.random.one_in(2) {
        edit.cargo(&["metadata", "--format-version", "1"])
    } else {
        edit
    }
}
