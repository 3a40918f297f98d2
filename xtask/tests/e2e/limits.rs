//! Tests of the known limits that `docs/answers.md` names. Each test compares the kit's answer with
//! the true answer. The name of a test contains the names of its limits.

use std::fs::File;
use std::time::{Duration, SystemTime};

use crate::support::clean::CHECK;
use crate::support::{Project, manifest};

/// Returns a built workspace. The library of the package `reader` reads a variable. The package
/// `user` has a file that a procedural macro reads by itself.
fn built() -> Project {
    let project = Project::without_members();
    project.library("reader", &[]);
    project.write(
        "crates/reader/src/lib.rs",
        "pub const LIMIT: Option<&str> = option_env!(\"LIMIT\");\n",
    );
    project.library("user", &["macros"]);
    project.write(
        "crates/user/src/lib.rs",
        "pub const N: u32 = macros::table!();\n",
    );
    project.write("crates/user/table.txt", "1\n");
    project.write(
        "crates/macros/Cargo.toml",
        &(manifest("macros") + "\n[lib]\nproc-macro = true\n"),
    );
    project.write(
        "crates/macros/src/lib.rs",
        "#[proc_macro]\npub fn table(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    \
         std::fs::read_to_string(\"crates/user/table.txt\").unwrap().parse().unwrap()\n}\n",
    );
    project.cargo(&["generate-lockfile", "--offline"]).done();
    let project = project.in_git();
    project.build(CHECK).unwrap();
    project
}

const NAMES: [&str; 3] = ["affected", "--format", "names"];

#[test]
fn limit_macro_reads_limit_environment_limit_same_content_limit_hidden_from_git() {
    let project = built();
    // Cargo checks the library again if the variable has another value.
    let mut other_value = project.kit(&NAMES);
    other_value.env("LIMIT", "2");
    assert_eq!(project.run(&mut other_value).done(), "");

    // The macro would now generate other code, and cargo does not know this either. The kit names
    // only tests.
    project.write("crates/user/table.txt", "2\n");
    let arguments = ["affected", "--format", "names", "--rebuilt"];
    assert_eq!(project.xtask(&arguments).done(), "");
    assert_eq!(project.xtask(&NAMES).done(), "user\n");
    assert!(project.build(CHECK).unwrap().is_empty());
    project.write("crates/user/table.txt", "1\n");

    // Git compares content, cargo compares times.
    let source = File::options()
        .write(true)
        .open(project.path("crates/reader/src/lib.rs"));
    let later = SystemTime::now() + Duration::from_secs(1);
    source.unwrap().set_modified(later).unwrap();
    assert_eq!(project.xtask(&NAMES).done(), "");
    assert!(!project.build(CHECK).unwrap().is_empty());

    let hidden = "crates/reader/src/lib.rs";
    project.git(&["update-index", "--assume-unchanged", hidden]);
    project.append(hidden, "pub fn more() {}\n");
    assert_eq!(project.xtask(&NAMES).done(), "");
    let named = [&NAMES[..], &["--file", hidden]].concat();
    assert_eq!(project.xtask(&named).done(), "reader\n");
}

#[test]
fn limit_unnamed_paths_limit_nested_configuration_limit_old_toolchain() {
    let project = Project::with_libraries(&[("owner", &[]), ("reader", &[])]);
    // No string literal contains the name of the directory.
    project.write(
        "crates/reader/tests/it.rs",
        "#[test]\nfn t() {\n    let file = [\"own\", \"er/x.js\", \"on\"].concat();\n    \
         std::fs::read(format!(\"../{file}\")).unwrap();\n}\n",
    );
    project.write("crates/owner/x.json", "1\n");
    // This cargo is too old to read the edition of the manifests.
    project.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.60.0\"\n");
    project.commit("Add a test");
    project.write("crates/owner/x.json", "2\n");
    let cold = [&NAMES[..], &["--verb", "test", "--no-records"]].concat();
    assert_eq!(project.xtask(&cold).done(), "owner\n");

    // Cargo uses these flags only if cargo is started in the package's directory.
    project.git(&["checkout", "--quiet", "."]);
    project.write(
        "crates/owner/.cargo/config.toml",
        "[build]\nrustflags = [\"--cfg\", \"x\"]\n",
    );
    let rebuilt = [&NAMES[..], &["--rebuilt"]].concat();
    assert_eq!(project.xtask(&rebuilt).done(), "");
    project.remove("crates/owner/.cargo");

    // The installed cargo also resolves the older side. For the installed cargo, both sides are the
    // same.
    project.remove("rust-toolchain.toml");
    assert_eq!(project.xtask(&NAMES).done(), "");
}

#[test]
fn limit_unnamed_paths_in_the_name_of_a_variable() {
    let project = Project::without_members();
    project.library("reader", &[]);
    project.write(
        "crates/reader/src/lib.rs",
        "macro_rules! made {\n    ($($part:ident)*) => { env!(concat!($(stringify!($part)),*)) };\n}\n\
         pub const X: &str = made!(GREE TING);\n",
    );
    project.write(".cargo/config.toml", "[env]\nGREETING = \"1\"\n");
    let project = project.in_git();
    project.build(CHECK).unwrap();
    project.write(".cargo/config.toml", "[env]\nGREETING = \"2\"\n");
    let rebuilt = [&NAMES[..], &["--rebuilt"]].concat();
    let cold = [&rebuilt[..], &["--no-records"]].concat();
    assert_eq!(project.xtask(&cold).done(), "");
    assert_eq!(project.xtask(&rebuilt).done(), "reader\n");
    assert!(!project.build(CHECK).unwrap().is_empty());
}

#[test]
fn limit_shadowed_macros() {
    let project = Project::without_members();
    project.library("texts", &[]);
    project.write(
        "crates/texts/src/lib.rs",
        "#[macro_export]\nmacro_rules! info {\n    ($file:literal) => { include_str!($file) };\n}\n",
    );
    project.library("reader", &["texts"]);
    project.write(
        "crates/reader/src/lib.rs",
        "use texts::*;\npub const X: &str = info!(\"note.txt\");\n",
    );
    project.write("crates/reader/src/note.txt", "1\n");
    project.cargo(&["generate-lockfile", "--offline"]).done();
    let project = project.in_git();
    project.build(CHECK).unwrap();
    project.write("crates/reader/src/note.txt", "2\n");
    let cold = [&NAMES[..], &["--rebuilt", "--no-records"]].concat();
    assert_eq!(project.xtask(&cold).done(), "");
    // The record of the build names the file.
    assert_eq!(project.xtask(&NAMES).done(), "reader\n");
    assert!(!project.build(CHECK).unwrap().is_empty());
}

#[test]
fn each_limit_of_the_documentation_is_named_here() {
    let docs = include_str!("../../docs/answers.md");
    let (_, limits) = docs.split_once("## What the kit cannot know\n").unwrap();
    let names: Vec<&str> = limits
        .lines()
        .filter_map(|line| line.strip_prefix("- **")?.split_once("**"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names.len(),
        limits.matches("\n- ").count(),
        "each has a name"
    );
    let tests = [include_str!("limits.rs"), include_str!("shared.rs")].concat();
    for name in names {
        let test = format!("limit_{}", name.replace('-', "_"));
        let mut functions = tests.lines().filter(|line| line.starts_with("fn "));
        assert!(
            functions.any(|line| line.contains(&test)),
            "no test shows {name}"
        );
    }
}
