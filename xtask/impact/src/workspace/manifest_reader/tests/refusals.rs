//! Workspaces about which cargo is asked, each with the reason.

use camino::Utf8Path;

use super::write_files;
use crate::process::Runner;
use crate::testing::{scratch, write};
use crate::workspace::manifest_reader::ManifestReader;
use crate::workspace::{LoadOptions, PlatformFacts};

const BASE: &str = r#"
## Cargo.toml
[workspace]
members = ["a", "b"]
## a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
[dependencies]
b = { path = "../b", version = "0.1" }
## a/src/lib.rs
## b/Cargo.toml
[package]
name = "b"
version = "0.1.0"
[features]
on = []
## b/src/lib.rs
## c/Cargo.toml
[package]
name = "c"
version = "0.1.0"
## c/src/lib.rs
## Cargo.lock
version = 4
[[package]]
name = "a"
version = "0.1.0"
dependencies = ["b"]
[[package]]
name = "b"
version = "0.1.0"
"#;

/// The changes: a file, a text in the file, and the text that replaces it. An empty text stands for
/// the whole file.
const CHANGES: &[(&str, &str, &str)] = &[
    (
        "Cargo.toml",
        "[workspace]",
        "[patch.crates-io]\n[workspace]",
    ),
    ("Cargo.toml", "[workspace]", "[replace]\n[workspace]"),
    (
        "Cargo.toml",
        "[workspace]",
        "cargo-features = []\n[workspace]",
    ),
    ("Cargo.toml", "[workspace]", "[workspace]\nresolver = '4'"),
    (
        "Cargo.toml",
        "[workspace]",
        "[workspace]\ndefault-members = ['c']",
    ),
    ("Cargo.toml", "\"b\"", "\"b\", \"c\""),
    ("Cargo.toml", ", \"b\"", ", \"b\", \"nowhere\""),
    (
        "Cargo.toml",
        "[workspace]",
        "[dependencies]\n[lib]\n[workspace]",
    ),
    (
        "Cargo.toml",
        "[workspace]",
        "[profile.dev]\nopt-level = 7\n[workspace]",
    ),
    (
        "Cargo.toml",
        "[workspace]",
        "[workspace.metadata]\nday = 2024-01-01\n[workspace]",
    ),
    ("Cargo.lock", "", ""),
    ("Cargo.lock", "version = 4", "version = 2"),
    ("Cargo.lock", "version = 4", "<<<<<<< HEAD"),
    ("Cargo.lock", "[\"b\"]", "[]"),
    ("Cargo.lock", "[\"b\"]", "[\"a\", \"b\"]"),
    ("Cargo.lock", "[\"b\"]", "[\"b 0.2.0\"]"),
    (
        "Cargo.lock",
        "name = \"b\"",
        "name = \"b\"\nsource = \"git+https://example.org/b#1\"",
    ),
    (
        "Cargo.lock",
        "name = \"b\"",
        "name = \"b\"\nchecksum = \"12\"",
    ),
    (
        "Cargo.lock",
        "name = \"b\"",
        "name = \"b\"\nreplace = \"c\"",
    ),
    ("a/Cargo.toml", "b = {", "c = { path = '../c' }\nb = {"),
    (
        "a/Cargo.toml",
        "b = { path = \"../b\", version = \"0.1\" }",
        "",
    ),
    ("a/Cargo.toml", "\"0.1\"", "\"0.2\""),
    ("a/Cargo.toml", "\"0.1\"", "\"*\""),
    (
        "a/Cargo.toml",
        "path = \"../b\"",
        "path = '../b', features = ['off']",
    ),
    (
        "a/Cargo.toml",
        "path = \"../b\"",
        "path = '../b', features = ['on/b']",
    ),
    (
        "a/Cargo.toml",
        "path = \"../b\"",
        "path = '../b', artifact = 'bin'",
    ),
    (
        "a/Cargo.toml",
        "path = \"../b\"",
        "path = '../b', public = true",
    ),
    (
        "a/Cargo.toml",
        "path = \"../b\"",
        "git = 'https://example.org/b'",
    ),
    ("a/Cargo.toml", "path = \"../b\"", "registry = 'mine'"),
    ("a/Cargo.toml", "path = \"../b\"", "workspace = true"),
    (
        "a/Cargo.toml",
        "version = \"0.1.0\"",
        "version.workspace = true",
    ),
    ("a/Cargo.toml", "version = \"0.1.0\"", "edition = '2030'"),
    (
        "a/Cargo.toml",
        "version = \"0.1.0\"",
        "edition = '2024'\nrust-version = '1.80'",
    ),
    ("a/Cargo.toml", "version = \"0.1.0\"", "version = '0.1'"),
    ("a/Cargo.toml", "version = \"0.1.0\"", "workspace = '..'"),
    ("a/Cargo.toml", "version = \"0.1.0\"", "links = 'x'"),
    ("a/Cargo.toml", "version = \"0.1.0\"", "default-run = 'x'"),
    ("a/Cargo.toml", "version = \"0.1.0\"", "metabuild = 'x'"),
    ("a/Cargo.toml", "name = \"a\"", "name = 'a:a'"),
    ("a/Cargo.toml", "name = \"a\"", "name = 'b'"),
    (
        "a/Cargo.toml",
        "[dependencies]",
        "[[bin]]\nname = 'x'\n[dependencies]",
    ),
    (
        "a/Cargo.toml",
        "[dependencies]",
        "[lib]\ncrate-type = ['new']\n[dependencies]",
    ),
    (
        "a/Cargo.toml",
        "[dependencies]",
        "[lints.other]\nx = 'warn'\n[dependencies]",
    ),
    (
        "a/Cargo.toml",
        "[dependencies]",
        "[dependencies.x]\n[dependencies]",
    ),
    (
        "a/Cargo.toml",
        "[package]",
        "[target.'cfg(('.dependencies]\n[package]",
    ),
    ("a/Cargo.toml", "[package]", "[workspace]\n[package]"),
    ("a/Cargo.toml", "[package]", "[dev_dependencies]\n[package]"),
    ("b/Cargo.toml", "version = \"0.1.0\"", "version = '0.1.1'"),
    (
        "b/Cargo.toml",
        "[features]",
        "[dependencies]\na = { path = '../a' }\n[features]",
    ),
    ("b/Cargo.toml", "on = []", "on = ['off']"),
    ("b/Cargo.toml", "on = []", "on = ['c/on']"),
    ("b/Cargo.toml", "on = []", "on = ['dep:c']"),
    (
        "a/Cargo.toml",
        "b = {",
        "c = { path = '../b', package = 'b' }\nb = {",
    ),
    (".cargo/config.toml", "", "paths = ['c']"),
    (
        ".cargo/config.toml",
        "",
        "[source.crates-io]\nreplace-with = 'x'",
    ),
    (".cargo/config.toml", "", "[patch.crates-io]\n"),
    (".cargo/config.toml", "", "[unstable]\nx = true"),
    (
        ".cargo/config.toml",
        "",
        "[resolver]\nlockfile-path = 'x/Cargo.lock'",
    ),
    (".cargo/config.toml", "", "[build]\nrustc = 'mine'"),
    (".cargo/config.toml", "", "[build]\ntarget-dir = '../out'"),
    (
        ".cargo/config.toml",
        "",
        "[build]\nbuild-dir = '{workspace-path-hash}'",
    ),
];

/// Returns the reason to ask cargo. No program is started.
fn reason(directory: &Utf8Path) -> Option<String> {
    let runner = Runner::new().unwrap().in_directory(directory);
    let reader = ManifestReader::new(&runner, &LoadOptions::default());
    let because = reader.and_then(|it| it.resolved(&None, None)).err()?.0;
    Some(because.replace(directory.as_str(), "…"))
}

#[test]
#[cfg(unix)]
fn cargo_is_asked_about_everything_unusual() {
    let mut reasons = String::new();
    for (file, before, after) in CHANGES {
        let (_scratch, top) = scratch();
        let top = crate::paths::resolved(&top);
        write_files(&top, BASE);
        assert_eq!(reason(&top), None);
        let path = top.join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        match before.is_empty() && after.is_empty() {
            true => std::fs::remove_file(&path).unwrap(),
            false if before.is_empty() => write(&path, after),
            false => {
                assert!(text.contains(before), "{file}: {before}");
                std::fs::write(&path, text.replacen(before, after, 1)).unwrap();
            }
        }
        let because = reason(&top).unwrap_or_else(|| panic!("{file}: {after} is read"));
        let first = because.lines().next().unwrap_or_default();
        reasons += &format!("{file}: {} → {first}\n", after.replace('\n', " "));
    }
    expect_test::expect![[r#"
        Cargo.toml: [patch.crates-io] [workspace] → the workspace has [patch]
        Cargo.toml: [replace] [workspace] → the workspace has [replace]
        Cargo.toml: cargo-features = [] [workspace] → …/Cargo.toml: unknown field `cargo-features`
        Cargo.toml: [workspace] resolver = '4' → the resolver is not known
        Cargo.toml: [workspace] default-members = ['c'] → `default-members` names no member
        Cargo.toml: "b", "c" → a member is not in the lock file
        Cargo.toml: , "b", "nowhere" → …/nowhere/Cargo.toml cannot be read: No such file or directory (os error 2)
        Cargo.toml: [dependencies] [lib] [workspace] → the root manifest has tables of a package, and no package
        Cargo.toml: [profile.dev] opt-level = 7 [workspace] → a profile has unusual values
        Cargo.toml: [workspace.metadata] day = 2024-01-01 [workspace] → the metadata has a date
        Cargo.lock:  → the lock file is missing or cannot be read
        Cargo.lock: version = 2 → the lock file has version 2
        Cargo.lock: <<<<<<< HEAD → the lock file has an unusual shape
        Cargo.lock: [] → the lock file has no package for `b` of `a`
        Cargo.lock: ["a", "b"] → the lock file has other dependencies of `a 0.1.0`
        Cargo.lock: ["b 0.2.0"] → `a 0.1.0` of the lock file has an unclear dependency
        Cargo.lock: name = "b" source = "git+https://example.org/b#1" → `b 0.1.0` of the lock file does not come from crates.io
        Cargo.lock: name = "b" checksum = "12" → `b 0.1.0` of the lock file has no checksum, or should have none
        Cargo.lock: name = "b" replace = "c" → the lock file has an unusual shape
        a/Cargo.toml: c = { path = '../c' } b = { → a member is not in the lock file
        a/Cargo.toml:  → the lock file has other dependencies of `a 0.1.0`
        a/Cargo.toml: "0.2" → the lock file has no package for `b` of `a`
        a/Cargo.toml: "*" → …/a/Cargo.toml: `b` has a path and the version `*`
        a/Cargo.toml: path = '../b', features = ['off'] → no feature `off` in a package
        a/Cargo.toml: path = '../b', features = ['on/b'] → …/a/Cargo.toml: `b` is asked for a feature of a dependency
        a/Cargo.toml: path = '../b', artifact = 'bin' → …/a/Cargo.toml: unknown field `artifact`
        a/Cargo.toml: path = '../b', public = true → …/a/Cargo.toml: unknown field `public`
        a/Cargo.toml: git = 'https://example.org/b' → …/a/Cargo.toml: `b` comes from git
        a/Cargo.toml: registry = 'mine' → …/a/Cargo.toml: `b` comes from another registry
        a/Cargo.toml: workspace = true → …/a/Cargo.toml: an inherited dependency has keys of its own
        a/Cargo.toml: version.workspace = true → …/a/Cargo.toml: a key is inherited that the workspace does not set
        a/Cargo.toml: edition = '2030' → …/a/Cargo.toml: an edition is not known
        a/Cargo.toml: edition = '2024' rust-version = '1.80' → …/a/Cargo.toml: `rust-version` does not fit the edition
        a/Cargo.toml: version = '0.1' → …/a/Cargo.toml: a version is not valid
        a/Cargo.toml: workspace = '..' → …/a/Cargo.toml has a workspace of its own
        a/Cargo.toml: links = 'x' → …/a/Cargo.toml: a package with `links` has no build script
        a/Cargo.toml: default-run = 'x' → …/a/Cargo.toml: `default-run` names no binary
        a/Cargo.toml: metabuild = 'x' → …/a/Cargo.toml: unknown field `metabuild`
        a/Cargo.toml: name = 'a:a' → …/a/Cargo.toml: a name has special characters
        a/Cargo.toml: name = 'b' → two members have one name
        a/Cargo.toml: [[bin]] name = 'x' [dependencies] → …/a/Cargo.toml: a target has no file, or several
        a/Cargo.toml: [lib] crate-type = ['new'] [dependencies] → …/a/Cargo.toml: a library has an unknown crate type
        a/Cargo.toml: [lints.other] x = 'warn' [dependencies] → …/a/Cargo.toml: a lint is not known
        a/Cargo.toml: [dependencies.x] [dependencies] → …/a/Cargo.toml: `x` has neither a path nor a version
        a/Cargo.toml: [target.'cfg(('.dependencies] [package] → …/a/Cargo.toml: a platform is not known
        a/Cargo.toml: [workspace] [package] → …/a/Cargo.toml has a workspace of its own
        a/Cargo.toml: [dev_dependencies] [package] → …/a/Cargo.toml: unknown field `dev_dependencies`
        b/Cargo.toml: version = '0.1.1' → the lock file has `b 0.1.0`, which no manifest has
        b/Cargo.toml: [dependencies] a = { path = '../a' } [features] → the lock file has no package for `a` of `b`
        b/Cargo.toml: on = ['off'] → …/b/Cargo.toml: feature `on` turns on an unknown `off`
        b/Cargo.toml: on = ['c/on'] → …/b/Cargo.toml: feature `on` turns on an unknown `c/on`
        b/Cargo.toml: on = ['dep:c'] → …/b/Cargo.toml: feature `on` turns on an unknown `dep:c`
        a/Cargo.toml: c = { path = '../b', package = 'b' } b = { → a package is a dependency under two names
        .cargo/config.toml: paths = ['c'] → the configuration has `paths`
        .cargo/config.toml: [source.crates-io] replace-with = 'x' → the configuration has `source`
        .cargo/config.toml: [patch.crates-io]  → the configuration has `patch`
        .cargo/config.toml: [unstable] x = true → the configuration has `unstable`
        .cargo/config.toml: [resolver] lockfile-path = 'x/Cargo.lock' → the configuration has `resolver`
        .cargo/config.toml: [build] rustc = 'mine' → the configuration names a compiler
        .cargo/config.toml: [build] target-dir = '../out' → the target directory is not a plain path
        .cargo/config.toml: [build] build-dir = '{workspace-path-hash}' → the target directory is not a plain path
    "#]].assert_eq(&reasons);
}

#[test]
#[cfg(unix)]
fn compiler_flags_may_decide_about_a_dependency() {
    let (_scratch, top) = scratch();
    let top = crate::paths::resolved(&top);
    let on_cfg = "[target.'cfg(by_flag)'.dependencies]\nb = { path";
    write_files(&top, &BASE.replace("[dependencies]\nb = { path", on_cfg));
    let facts = |cfg: &[&str]| PlatformFacts {
        name: "x86_64-unknown-linux-gnu".to_owned(),
        cfg: cfg.iter().map(|&it| it.to_owned()).collect(),
    };
    let facts = (vec![facts(&["unix"])], top.clone());
    let read = || {
        let runner = Runner::new().unwrap().in_directory(&top);
        let reader = ManifestReader::new(&runner, &LoadOptions::default());
        let read = reader.and_then(|it| it.resolved(&Some(Vec::new()), Some(&facts)));
        read.err().map(|because| because.0)
    };
    assert_eq!(read(), None);
    write(
        &top.join(".cargo/config.toml"),
        "[build]\nrustflags = ['--cfg', 'by_flag']\n",
    );
    let because = "compiler flags may decide about `cfg(by_flag)`";
    assert_eq!(read().as_deref(), Some(because));
}

#[test]
#[cfg(unix)]
fn a_package_that_is_no_member_and_a_linked_directory_are_not_read() {
    let (_scratch, top) = scratch();
    let top = crate::paths::resolved(&top);
    write_files(&top.join("w"), BASE);
    std::os::unix::fs::symlink(top.join("w"), top.join("link")).unwrap();
    let reasons = [top.join("w/c"), top.join("link")].map(|it| reason(&it).unwrap());
    let expected = [
        "the package of this directory is not a member",
        "the directory is reached through a symbolic link",
    ];
    assert_eq!(reasons, expected);
}
