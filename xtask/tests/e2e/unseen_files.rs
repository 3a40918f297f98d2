//! Files that no scan of sources shows, because macros, variables and generated code make their
//! paths.
//!
//! One workspace contains all ways to reach such a file. The test builds the workspace once.
//! Cargo's own records then say which packages read a file, and the test compares the kit's answers
//! without records with these records.

use std::collections::BTreeSet;
use std::fs;

use crate::support::Project;

/// A library: its name, the further lines of its manifest, `src/lib.rs`, and the `main` of
/// `build.rs`.
type Library = (&'static str, &'static str, &'static str, &'static str);

const LIBRARIES: &[Library] = &[
    (
        "kit",
        "",
        "#[macro_export]\nmacro_rules! up { ($x:expr) => { include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../\", $x)) } }\n\
         #[macro_export]\nmacro_rules! hidden { () => { mod hidden; } }\n",
        "",
    ),
    (
        "pieces",
        "",
        "#[macro_export]\nmacro_rules! parts { ($d:literal) => { include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../\", $d, \"/\", \"parts\", \".bin\")) } }\n",
        "",
    ),
    (
        "setter",
        "",
        "pub fn set() { println!(\"cargo::rustc-env=FAR={}/../data/by_helper.bin\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()); }\n",
        "",
    ),
    (
        "watcher",
        "",
        "pub fn watch() { println!(\"cargo::rerun-if-changed=../data/watched.bin\"); }\n",
        "",
    ),
    (
        "writer",
        "",
        "pub fn write() { let here = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap(); \
         std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/g.rs\", format!(\"pub const X: &str = include_str!(\\\"{here}/../data/by_library.bin\\\");\")).unwrap(); }\n",
        "",
    ),
    (
        "maker",
        "[lib]\nproc-macro = true\n",
        "use proc_macro::TokenStream;\n\
         #[proc_macro]\npub fn fixed(_: TokenStream) -> TokenStream { \"include_str!(concat!(env!(\\\"CARGO_MANIFEST_DIR\\\"), \\\"/../data/fixed.bin\\\"))\".parse().unwrap() }\n",
        "",
    ),
    (
        "pager",
        "[lib]\nproc-macro = true\n",
        "use proc_macro::TokenStream;\n\
         #[proc_macro]\npub fn page(name: TokenStream) -> TokenStream { format!(\"include_str!(concat!(env!(\\\"CARGO_MANIFEST_DIR\\\"), \\\"/templates/\\\", {name}))\").parse().unwrap() }\n",
        "",
    ),
    (
        "teller",
        "",
        "pub const PATH: &str = \"../../tables/by_value.bin\";\n",
        "",
    ),
    (
        "joiner",
        "",
        "#[macro_export]\nmacro_rules! joined { ($x:literal) => { include_str!(concat!(env!(\"JOINED_PLACE\"), $x)) } }\n",
        "",
    ),
    ("data", "", "", ""),
    ("rows", "", "", ""),
    (
        "first",
        "[dependencies]\nkit = { path = \"../kit\" }\n",
        "pub extern crate kit;\n",
        "",
    ),
    (
        "second",
        "[dependencies]\nfirst = { path = \"../first\" }\n",
        "pub extern crate first;\n",
        "",
    ),
    (
        "third",
        "[dependencies]\nsecond = { path = \"../second\" }\n",
        "pub const A: &str = second::first::kit::up!(\"data/by_chain.bin\");\n",
        "",
    ),
    (
        "joined",
        "[dependencies]\njoiner = { path = \"../joiner\" }\n",
        "pub const A: &str = joiner::joined!(\"/by_variable.bin\");\n",
        "",
    ),
    (
        "valued",
        "[build-dependencies]\nteller = { path = \"../teller\" }\n",
        "",
        "println!(\"cargo::rerun-if-changed={}\", teller::PATH);",
    ),
    (
        "asked",
        "",
        "",
        "println!(\"cargo::rerun-if-changed={}\", std::env::var(\"WATCHED_FILE\").unwrap());",
    ),
    (
        "handed",
        "[dependencies]\nkit = { path = \"../kit\" }\n",
        "pub const A: &str = kit::up!(\"data/handed.bin\");\npub const B: &str = kit::up!(\"../LICENSE\");\npub const C: &str = kit::up!(concat!(\"data/\", \"joined.bin\"));\n",
        "",
    ),
    (
        "parts",
        "[dependencies]\npieces = { path = \"../pieces\" }\n",
        "pub const A: &str = pieces::parts!(\"data\");\n",
        "",
    ),
    (
        "declared",
        "[dependencies]\nkit = { path = \"../kit\" }\n",
        "kit::hidden!();\n",
        "",
    ),
    (
        "fixed",
        "[dependencies]\nmaker = { path = \"../maker\" }\n",
        "pub const A: &str = maker::fixed!();\n",
        "",
    ),
    (
        "paged",
        "[dependencies]\npager = { path = \"../pager\" }\n",
        "pub const A: &str = pager::page!(\"page.html\");\n",
        "",
    ),
    ("included", "", "include!(\"code.in\");\n", ""),
    (
        "given",
        "[build-dependencies]\nsetter = { path = \"../setter\" }\n",
        "pub const A: &str = include_str!(env!(\"FAR\"));\n",
        "setter::set(); println!(\"cargo::rerun-if-changed=build.rs\");",
    ),
    (
        "told",
        "[build-dependencies]\nwatcher = { path = \"../watcher\" }\n",
        "",
        "watcher::watch();",
    ),
    (
        "written",
        "[build-dependencies]\nwriter = { path = \"../writer\" }\n",
        "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n",
        "writer::write(); println!(\"cargo::rerun-if-changed=build.rs\");",
    ),
    (
        "listed",
        "",
        "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n",
        "println!(\"cargo::rerun-if-changed=build.rs\"); let mut code = String::new();\n\
         for (at, entry) in std::fs::read_dir(\"../rows/many\").unwrap().enumerate() { let path = entry.unwrap().path().canonicalize().unwrap(); code += &format!(\"pub const X{at}: &str = include_str!({path:?});\"); }\n\
         std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/g.rs\", code).unwrap();",
    ),
];

/// Files that are not sources of the libraries, unless a macro, a variable or generated code names
/// them.
const FILES: &[(&str, &str)] = &[
    ("LICENSE", ""),
    ("CHANGELOG.md", ""),
    (".github/ISSUE_TEMPLATE/page.html", ""),
    ("crates/data/handed.bin", ""),
    ("crates/data/joined.bin", ""),
    ("crates/data/parts.bin", ""),
    ("crates/data/fixed.bin", ""),
    ("crates/data/by_helper.bin", ""),
    ("crates/data/by_library.bin", ""),
    ("crates/data/watched.bin", ""),
    ("crates/data/deep.bin", ""),
    ("crates/data/by_chain.bin", ""),
    ("crates/data/by_variable.bin", ""),
    ("tables/by_value.bin", ""),
    ("settings/by_setting.bin", ""),
    ("crates/data/from_code.bin", ""),
    ("crates/rows/many/one.bin", ""),
    ("crates/data/other.bin", ""),
    (
        "crates/declared/src/hidden.rs",
        "mod deeper;\nconst Y: &str = include_str!(\"beside.txt\");\n",
    ),
    (
        "crates/declared/src/hidden/deeper.rs",
        "const Z: &str = include_str!(\"../../../data/deep.bin\");\n",
    ),
    ("crates/declared/src/beside.txt", ""),
    (
        "crates/included/src/code.in",
        "macro_rules! p { ($x:literal) => { concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../data/\", $x) } }\npub const X: &str = include_str!(p!(\"from_code.bin\"));\n",
    ),
    ("crates/paged/templates/page.html", ""),
    ("crates/paged/elsewhere/page.html", ""),
];

#[test]
fn files_that_no_scan_shows_are_found_without_records() {
    let project = Project::without_members();
    for (name, manifest, library, script) in LIBRARIES {
        let package =
            format!("[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2021\"\n");
        project.write(
            format!("crates/{name}/Cargo.toml"),
            &format!("{package}\n{manifest}"),
        );
        project.write(
            format!("crates/{name}/src/lib.rs"),
            &format!("#![allow(dead_code)]\n{library}"),
        );
        if !script.is_empty() {
            project.write(
                format!("crates/{name}/build.rs"),
                &format!("fn main() {{ {script} }}\n"),
            );
        }
    }
    for (file, text) in FILES {
        project.write(file, text);
    }
    project.write(
        ".cargo/config.toml",
        "[env]\nJOINED_PLACE = { value = \"crates/data\", relative = true }\n\
         WATCHED_FILE = { value = \"settings/by_setting.bin\", relative = true }\n",
    );
    let project = project.in_git();
    project.build(&["check", "--workspace"]).unwrap();
    project.commit("Build");

    let mut wrong = String::new();
    for (file, _) in FILES {
        let before = project.read(file);
        project.append(file, "// more\n");
        let named = project.named(&["--since", "HEAD", "--no-records"]);
        project.write(file, &before);
        let named = named.iter().filter(|unit| unit.mode == "build");
        let packages = named.map(|unit| {
            let id = unit.package.rsplit('/').next().unwrap();
            id.split('#').next().unwrap().to_owned()
        });
        let named: BTreeSet<String> = packages.collect();
        let read = readers(&project, file);
        if named != read {
            wrong += &format!("{file}: named {named:?}, read by {read:?}\n");
        }
    }
    assert_eq!(wrong, "");
}

/// Returns the packages that read a file, according to the dep-info of rustc. Dep-info does not list
/// the files that a build script watches.
fn readers(project: &Project, file: &str) -> BTreeSet<String> {
    let mut readers = BTreeSet::new();
    let name = file.rsplit('/').next().unwrap();
    for entry in fs::read_dir(project.path("target/debug/deps")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "d") {
            continue;
        }
        // The path of the project contains a blank, which dep-info escapes.
        let text = fs::read_to_string(&path).unwrap().replace("\\ ", "\u{a0}");
        let mut listed = text
            .lines()
            .next()
            .unwrap()
            .split(": ")
            .nth(1)
            .unwrap()
            .split(' ');
        let real = project.path(file);
        let is_it = |listed: &str| {
            let listed = listed.replace('\u{a0}', " ");
            listed.ends_with(name)
                && fs::canonicalize(project.path(&listed)).ok() == fs::canonicalize(&real).ok()
        };
        if listed.any(is_it) {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let package = stem.rsplit_once('-').unwrap().0;
            readers.insert(package.trim_start_matches("lib").to_owned());
        }
    }
    let watching = match name {
        "watched.bin" => Some("told"),
        "by_value.bin" => Some("valued"),
        "by_setting.bin" => Some("asked"),
        _ => None,
    };
    readers.extend(watching.map(str::to_owned));
    // Included code is not searched for variables, so it counts as a reader of each variable.
    readers.extend((name == "by_setting.bin").then(|| "included".to_owned()));
    readers
}
