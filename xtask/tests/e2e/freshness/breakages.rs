//! Inputs that cargo does not track, and changes that leave no newer time. One workspace holds a
//! package for each; each change must rebuild its package, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use super::carry::Archive;
use crate::support::clean::SECOND_LAYOUT;
use crate::support::{Project, tree};

/// The packages. The script of a package writes what it reads into `OUT_DIR`.
const PACKAGES: &str = r#"
//- commit/build.rs
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let head = std::process::Command::new("git").args(["rev-parse", "HEAD"]).output().unwrap();
    println!("cargo::rustc-env=COMMIT={}", String::from_utf8(head.stdout).unwrap().trim());
}
//- commit/src/lib.rs
pub const C: &str = env!("COMMIT");
//- head/build.rs
fn main() { println!("cargo::rerun-if-changed=../../.git/HEAD"); }
//- head/src/lib.rs
//- embed/src/lib.rs
use proc_macro::TokenStream;
//- embed/Cargo.toml
[lib]
proc-macro = true
//- pure/src/lib.rs
use proc_macro::TokenStream;
#[proc_macro]
pub fn one(_: TokenStream) -> TokenStream { "1".parse().unwrap() }
//- pure/Cargo.toml
[lib]
proc-macro = true
//- embeds/Cargo.toml
embed = { path = "../embed" }
//- embeds/src/lib.rs
pub const N: usize = embed::count!();
//- embeds/data/one.txt
//- embeds_above/Cargo.toml
embed = { path = "../embed" }
//- embeds_above/src/lib.rs
pub const N: &str = "../../assets";
//- steady/Cargo.toml
pure = { path = "../pure" }
//- steady/src/lib.rs
pub const N: usize = pure::one!();
//- steady/README.md
//- native/build.rs
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-search=native=crates/native/lib");
}
//- native/src/lib.rs
//- native/lib/libz.a
old
//- variable/build.rs
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=V={}", std::env::var("TABLE").unwrap_or_default());
}
//- variable/src/lib.rs
//- ignored/build.rs
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=V={}", std::fs::read_to_string("secret.ign").unwrap_or_default());
}
//- ignored/src/lib.rs
//- writes/build.rs
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    std::fs::write("../written/src/made.ign", "1").unwrap();
}
//- writes/src/lib.rs
//- written/Cargo.toml
writes = { path = "../writes" }
//- written/src/lib.rs
pub const N: usize = include!("made.ign");
//- late/build.rs
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    std::fs::write("late.ign", "1").unwrap();
}
//- late/src/lib.rs
//- linker/build.rs
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg=-Tcrates/linker/memory.x");
}
//- linker/src/lib.rs
//- linker/memory.x
//- whole/build.rs
fn main() { println!("cargo::rerun-if-changed=../.."); }
//- whole/src/lib.rs
//- mode/build.rs
fn main() { println!("cargo::rerun-if-changed=tool.sh"); }
//- mode/src/lib.rs
//- mode/tool.sh
//- older/src/lib.rs
pub const N: usize = 1;
//- removed/build.rs
fn main() { println!("cargo::rerun-if-changed=data"); }
//- removed/src/lib.rs
//- removed/data/a.txt
//- removed/data/b.txt
//- across/src/lib.rs
include!("../link/../text.rs");
//- declares/build.rs
fn main() {
    println!("cargo::rerun-if-env-changed=CC");
    let text = std::fs::read_dir("native").unwrap().count();
    println!("cargo::rustc-env=V={text}");
}
//- declares/src/lib.rs
//- declares/native/a.c
//- reads/build.rs
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=V={}", std::fs::read_to_string("list.txt").unwrap());
}
//- reads/src/lib.rs
//- reads/list.txt
//- counts/src/lib.rs
pub fn emit() {
    println!("cargo::rerun-if-changed=build.rs");
    let commits = std::process::Command::new("git").args(["rev-list", "--count", "HEAD"]).output();
    println!("cargo::rustc-env=V={}", String::from_utf8(commits.unwrap().stdout).unwrap().trim());
}
//- counted/Cargo.toml
[build-dependencies]
counts = { path = "../counts" }
//- counted/build.rs
fn main() { counts::emit() }
//- counted/src/lib.rs
//- asks/Cargo.toml
[lib]
proc-macro = true
//- assembles/src/lib.rs
core::arch::global_asm!(".incbin \"crates/assembles/a.bin\"");
//- assembles/a.bin
//- asks/src/lib.rs
use std::{path::Path as Place};
#[proc_macro]
pub fn exists(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let root = std::option_env!("CARGO_MANIFEST_DIR").unwrap();
    let exists = Place::new(root).join("../../assets/b.txt").exists();
    exists.to_string().parse().unwrap()
}
//- asked/Cargo.toml
asks = { path = "../asks" }
//- asked/src/lib.rs
pub const B: bool = asks::exists!();
"#;

/// A procedural macro that counts the files of a directory of the package that uses the macro.
const EMBED: &str = r#"
#[proc_macro]
pub fn count(_: TokenStream) -> TokenStream {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let entries = std::fs::read_dir(root + "/data").unwrap().count();
    entries.to_string().parse().unwrap()
}
"#;

fn workspace(settings: &str) -> Project {
    let project = Project::without_members();
    drop(project.write_libraries(PACKAGES));
    project.append("crates/embed/src/lib.rs", EMBED);
    for directory in ["one", "two"] {
        project.write(format!("crates/across/{directory}/deep/x"), "");
    }
    project.write("crates/across/one/text.rs", "pub const N: usize = 1;\n");
    project.write("crates/across/two/text.rs", "pub const N: usize = 2;\n");
    tree::symlink("one/deep", project.path("crates/across/link")).unwrap();
    project.write("assets/a.txt", "");
    let settings = format!("[profile.dev]\nincremental = false\ndebug = 0\n{settings}");
    project.write(".cargo/config.toml", &settings);
    let project = project.in_git();
    project.write(".gitignore", "/target/\n*.ign\n");
    project.write("crates/ignored/secret.ign", "1");
    project.commit("Ignore");
    project
}

/// Changes that a fresh clone hides today by building everything.
fn change(project: &Project) {
    let write = |path: &str, text: &str| project.write(path, text);
    write("crates/embeds/data/two.txt", "");
    write("assets/b.txt", "");
    write("crates/steady/README.md", "More\n");
    write("crates/native/lib/libz.a", "new\n");
    write("crates/linker/memory.x", "new\n");
    write("crates/declares/native/b.c", "");
    write("crates/reads/list.txt", "new");
    write("crates/assembles/a.bin", "new");
    write("crates/older/src/lib.rs", "pub const N: usize = 2;\n");
    project.remove("crates/removed/data/b.txt");
    project.remove("crates/across/link");
    tree::symlink("two/deep", project.path("crates/across/link")).unwrap();
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(project.path("crates/mode/tool.sh"), mode).unwrap();
    project.commit("Change");
}

/// Returns the packages of which cargo built a unit.
fn built(project: &Project) -> BTreeSet<String> {
    let units = project.build(&["build", "--workspace"]).unwrap();
    let name = |text: String| text.split([' ', '#']).next().map(str::to_owned);
    let names = units.iter().filter_map(|it| name(it.to_string()));
    names.collect()
}

/// Sets every source to a time before the build, as tools do that restore commit times.
fn age(project: &Project) {
    let old = SystemTime::now() - Duration::from_secs(3600);
    for file in tree::files(project.root()) {
        let path = project.path(file);
        if !path.is_symlink() {
            fs::File::open(path).unwrap().set_modified(old).unwrap();
        }
    }
}

/// Builds and records, makes a fresh clone, restores, and compares the packages that are built.
#[track_caller]
fn clone_and_compare(project: &Project, archive: Archive, is_aged: bool, expected: &str) {
    project.xtask(&["freshness", "save"]).done();
    project.clone_afresh(archive);
    if is_aged {
        age(project);
    }
    let restored = project.xtask(&["freshness", "restore"]).done();
    let built: Vec<_> = built(project).into_iter().collect();
    assert_eq!(built.join(" "), expected, "{restored}");
}

fn only_what_changed_is_built(settings: &str, is_aged: bool) -> Project {
    let project = workspace(settings);
    project.build(&["build", "--workspace"]).unwrap();
    // A clone lacks the ignored file that a script reads, and those that scripts write. A directory
    // that contains the build directory is never proven.
    let lacking = "ignored late whole writes written";
    clone_and_compare(&project, Archive::Exact, is_aged, lacking);
    assert!(project.path("crates/late/late.ign").exists());
    change(&project);
    let changed = "across asked assembles commit counted declares embeds embeds_above head late \
                   linker mode native older reads removed whole writes written";
    clone_and_compare(&project, Archive::Copied, is_aged, changed);
    project
}

#[test]
fn inputs_that_cargo_does_not_track_rebuild_their_package() {
    let project = only_what_changed_is_built("", false);
    project.append(".cargo/config.toml", "[env]\nTABLE = \"1\"\n");
    project.git(&["commit", "--quiet", "--all", "--message", "Set a variable"]);
    // The variables reach every script, and every user of a macro that reads.
    let reached = "asked commit counted declares embeds embeds_above head ignored late linker mode \
                   native reads removed variable whole writes written";
    clone_and_compare(&project, Archive::WholeSeconds, false, reached);
}

#[test]
fn sources_with_old_times_do_not_hide_a_change() {
    only_what_changed_is_built(SECOND_LAYOUT, true);
}
