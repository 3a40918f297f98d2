//! Hand-made workspaces that the reader reads as cargo does.

use camino::Utf8Path;

use super::{assert_equal, write_files};
use crate::process::{self, Runner};
use crate::testing::{scratch, write};
use crate::workspace::{LoadOptions, Platforms};

/// Members by globs, by path dependencies and by the root package; excluded directories; packages
/// outside the workspace with a workspace of their own; everything that can be inherited.
const MEMBERS: &str = r#"
## w/Cargo.toml
[workspace]
members = ["crates/*", "tools/./one", "crates/a"]
exclude = ["crates/apart", "vendor"]
default-members = [".", "crates/[ab]"]
resolver = "2"
[workspace.package]
version = "1.2.3-rc.1+build"
edition = "2021"
rust-version = "1.70"
authors = ["An Author"]
license = "MIT"
[workspace.dependencies]
b = { path = "crates/b", version = "1.2.3-rc.1", default-features = false, features = ["one"] }
renamed = { package = "apart", path = "crates/apart" }
near = { path = "../near" }
[workspace.lints.rust]
unsafe_code = "forbid"
unexpected_cfgs = { level = "warn", priority = -1, check-cfg = ["cfg(x)"] }
[workspace.metadata.xtask]
number = [1, 2.5, true, { nested = "text" }]
[profile.dev.package."*"]
opt-level = 1
[profile.ci]
inherits = "dev"
debug = "line-tables-only"
[package]
name = "root-package"
version = "0.1.0"
[dependencies]
implied = { path = "deep/implied" }
[badges]
maintenance = { status = "none" }
## w/src/main.rs
## w/crates/README.md
## w/crates/a/Cargo.toml
[package]
name = "a"
version.workspace = true
edition.workspace = true
rust-version = { workspace = true }
authors.workspace = true
license.workspace = true
publish = false
[lints]
workspace = true
[dependencies]
b = { workspace = true, features = ["two"], default-features = true }
renamed.workspace = true
near.workspace = true
## w/crates/a/src/lib.rs
## w/crates/b/Cargo.toml
[package]
name = "b"
version.workspace = true
[features]
default = ["one"]
one = []
two = ["one"]
## w/crates/b/src/lib.rs
## w/crates/apart/Cargo.toml
[package]
name = "apart"
version = "0.3.0"
[dev-dependencies]
missing = { path = "nowhere" }
## w/crates/apart/src/lib.rs
## w/tools/one/Cargo.toml
[package]
name = "one"
[dependencies]
b = { workspace = true, optional = true }
## w/tools/one/src/lib.rs
## w/deep/implied/Cargo.toml
[package]
name = "implied"
version = "0.0.1"
[build-dependencies]
vendored = { path = "../../vendor/vendored" }
## w/deep/implied/build.rs
## w/deep/implied/src/lib.rs
## w/vendor/vendored/Cargo.toml
[package]
name = "vendored"
version = "9.0.0"
## w/vendor/vendored/src/lib.rs
## near/Cargo.toml
[workspace]
members = ["far"]
[workspace.package]
version = "7.0.0"
[workspace.dependencies]
far = { path = "far" }
[package]
name = "near"
version.workspace = true
[dependencies]
far = { workspace = true }
## near/src/lib.rs
## near/far/Cargo.toml
[package]
name = "far"
version.workspace = true
## near/far/src/lib.rs
"#;

/// Targets that are listed, found, turned off and renamed.
const TARGETS: &str = r#"
## w/Cargo.toml
[workspace]
members = ["*"]
## w/old/Cargo.toml
[package]
name = "old-2015"
version = "0.1.0"
[[bin]]
name = "listed"
path = "src/other.rs"
[[test]]
name = "it"
harness = false
## w/old/src/main.rs
## w/old/src/other.rs
## w/old/tests/it.rs
## w/old/tests/unlisted.rs
## w/old/examples/found.rs
## w/new/Cargo.toml
[package]
name = "new-one"
version = "0.1.0"
edition = "2021"
build = "scripts/../scripts/make.rs"
links = "new"
default-run = "second"
[lib]
crate-type = ["cdylib", "staticlib"]
doctest = false
bench = false
[[bin]]
name = "second"
required-features = ["fast"]
test = false
bench = false
doc = false
[[example]]
name = "library"
crate-type = ["dylib"]
test = true
[[bench]]
name = "speed"
test = true
bench = false
[features]
fast = []
## w/new/scripts/make.rs
## w/new/src/lib.rs
## w/new/src/main.rs
## w/new/src/bin/second.rs
## w/new/src/bin/third/main.rs
## w/new/src/bin/fourth/helper.rs
## w/new/src/bin/.hidden.rs
## w/new/examples/library.rs
## w/new/examples/dotted.name.rs
## w/new/examples/notes.md
## w/new/tests/a/main.rs
## w/new/tests/b.rs
## w/new/benches/speed.rs
## w/none/Cargo.toml
[package]
name = "none"
version = "0.1.0"
edition = "2024"
build = false
autobins = false
autoexamples = false
autotests = false
autobenches = false
[lib]
name = "another"
path = "library.rs"
test = false
doc = false
[[test]]
name = "z"
path = "tests/z.rs"
[[test]]
name = "a"
path = "../new/tests/b.rs"
## w/none/build.rs
## w/none/library.rs
## w/none/src/main.rs
## w/none/tests/z.rs
## w/none/tests/not.rs
## w/derive/Cargo.toml
[package]
name = "derive"
version = "0.1.0"
edition = "2018"
[lib]
proc-macro = true
## w/derive/src/lib.rs
## w/derive/build.rs
## w/only-bin/Cargo.toml
[package]
name = "only-bin"
edition = "2021"
autolib = false
## w/only-bin/src/lib.rs
## w/only-bin/src/main.rs
"#;

/// Edges of all kinds and platforms, optional dependencies, features, and dependencies on itself
/// through tests. `RESOLVER` is replaced.
const EDGES: &str = r#"
## w/Cargo.toml
[workspace]
members = ["*"]
resolver = "RESOLVER"
## w/top/Cargo.toml
[package]
name = "top"
version = "0.1.0"
edition = "2021"
[features]
default = ["base?/weak", "strong/more"]
extra = ["dep:hidden", "base/on"]
[dependencies]
base = { path = "../base", optional = true }
strong = { path = "../strong", default-features = false, optional = true }
hidden = { path = "../hidden", optional = true }
implicit = { path = "../renamed", package = "renamed-package", optional = true }
program = { path = "../program" }
[dev-dependencies]
top = { path = ".", features = ["implicit"] }
strong = { path = "../strong", features = ["tested"] }
[build-dependencies]
base = { path = "../base", features = ["built"] }
[target.'cfg(windows)'.dependencies]
only-windows = { path = "../only-windows" }
hidden = { path = "../hidden", features = ["windows"] }
[target.'cfg(unix)'.dependencies]
hidden = { path = "../hidden", features = ["unix"] }
[target.'cfg(target_arch = "wasm32")'.dev-dependencies]
only-wasm = { path = "../only-wasm" }
[target.x86_64-unknown-linux-gnu.build-dependencies]
hidden = { path = "../hidden" }
## w/top/build.rs
## w/top/src/lib.rs
## w/base/Cargo.toml
[package]
name = "base"
version = "0.1.0"
[features]
default = ["std"]
std = []
weak = []
on = ["weak"]
built = []
## w/base/src/lib.rs
## w/renamed/Cargo.toml
[package]
name = "renamed-package"
version = "0.1.0"
[dependencies]
base = { path = "../base", features = ["on"] }
## w/renamed/src/lib.rs
## w/strong/Cargo.toml
[package]
name = "strong"
version = "0.2.0"
[features]
default = []
more = ["derive"]
tested = []
derive = ["dep:macros"]
[dependencies]
macros = { path = "../macros", optional = true }
[dev-dependencies]
top = { path = "../top" }
## w/strong/src/lib.rs
## w/macros/Cargo.toml
[package]
name = "macros"
version = "0.1.0"
[lib]
proc-macro = true
[dependencies]
base = { path = "../base" }
## w/macros/src/lib.rs
## w/hidden/Cargo.toml
[package]
name = "hidden"
version = "0.1.0"
[features]
windows = []
unix = []
## w/hidden/src/lib.rs
## w/program/Cargo.toml
[package]
name = "program"
version = "0.1.0"
[dependencies]
hidden = { path = "../hidden" }
## w/program/src/main.rs
## w/only-windows/Cargo.toml
[package]
name = "only-windows"
version = "0.1.0"
[target.'cfg(not(windows))'.dependencies]
base = { path = "../base" }
## w/only-windows/src/lib.rs
## w/only-wasm/Cargo.toml
[package]
name = "only-wasm"
version = "0.1.0"
## w/only-wasm/src/lib.rs
"#;

fn lock(directory: &Utf8Path) {
    let runner = Runner::new().unwrap().in_directory(directory);
    let mut command = runner.cargo();
    process::checked(command.args(["generate-lockfile", "--offline"])).unwrap();
}

#[test]
#[cfg(unix)]
fn members_and_inherited_keys_are_read_as_cargo_reads_them() {
    let (_scratch, top) = scratch();
    let top = crate::paths::resolved(&top);
    write_files(&top, MEMBERS);
    lock(&top.join("w"));
    let options = LoadOptions::default();
    assert_equal("root", &top.join("w"), &options);
    assert_equal("member", &top.join("w/crates/b/src"), &options);
    let options = LoadOptions {
        manifest_path: Some("../w/tools/one/Cargo.toml".into()),
        ..options
    };
    assert_equal("manifest", &top.join("near"), &options);
}

#[test]
#[cfg(unix)]
fn targets_are_found_as_cargo_finds_them() {
    let (_scratch, top) = scratch();
    let top = crate::paths::resolved(&top);
    write_files(&top, TARGETS);
    lock(&top.join("w"));
    write(
        &top.join(".cargo/config.toml"),
        "[build]\ntarget-dir = 'out'\nbuild-dir = '{workspace-root}/between'\n",
    );
    assert_equal("targets", &top.join("w"), &LoadOptions::default());
}

#[test]
#[cfg(unix)]
fn edges_and_features_are_resolved_as_cargo_resolves_them() {
    let (_scratch, top) = scratch();
    let top = crate::paths::resolved(&top);
    let of = |platforms| LoadOptions {
        platforms,
        ..LoadOptions::default()
    };
    for resolver in ["1", "2", "3"] {
        write_files(&top, &EDGES.replace("RESOLVER", resolver));
        if resolver == "1" {
            lock(&top.join("w"));
        }
        assert_equal(resolver, &top.join("w"), &of(Platforms::Configured));
    }
    // Flags that decide about no dependency.
    write(
        &top.join(".cargo/config.toml"),
        "[build]\nrustflags = ['--cfg', 'other']\n",
    );
    assert_equal("flags", &top.join("w"), &of(Platforms::Configured));
    assert_equal("all", &top.join("w"), &of(Platforms::All));
    let wasm = vec!["wasm32-unknown-unknown".to_owned()];
    assert_equal("wasm", &top.join("w"), &of(Platforms::Triples(wasm)));
}

/// The packages of this repository depend on packages of crates.io.
#[test]
#[cfg(unix)]
fn this_repository_is_read_as_cargo_reads_it() {
    let here = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_equal("this repository", here, &LoadOptions::default());
}
