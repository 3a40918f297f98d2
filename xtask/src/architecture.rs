//! Imports run downward only, in the kit and in the engine.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use proc_macro2::{TokenStream, TokenTree};

/// The modules of the kit, from the highest floor to the lowest. A module imports modules of lower
/// floors and its own parts; two modules of one floor do not import each other.
const KIT: &[&[&str]] = &[
    &["commands", "fuzzing"],
    &[
        "affected",
        "audit",
        "cache",
        "ci",
        "clean",
        "completions",
        "doctor",
        "explain",
        "freshness",
        "graph",
        "hooks",
        "init",
        "policy",
        "rebuilds",
        "run",
        "sweep",
        "timings",
    ],
    &["selection"],
    &["built_from"],
    &["artifacts"],
    &["checks"],
    &["cargo_runs", "ci_service", "picture"],
    &["compiler_cache"],
    &["cli", "page", "toml_text"],
];

/// The modules of the engine, from the highest floor to the lowest.
const ENGINE: &[&[&str]] = &[
    &["fuzzing"],
    &["query"],
    &["change_set"],
    &["propagate"],
    &["seeds"],
    &["semantic_diff"],
    &["records"],
    &["resolve_diff"],
    &["unit_graph"],
    &["workspace"],
    &["source_scan", "build_dir"],
    &["lock_file"],
    &["vcs", "cargo_config"],
    &["state"],
    &["files"],
    &["paths", "process", "parallel"],
    &["private_dir", "observed"],
    &["error", "quote"],
];

#[test]
fn imports_of_the_kit_run_downward_only() {
    expect_test::expect![""].assert_eq(&upward_imports("src", KIT));
}

#[test]
fn imports_of_the_engine_run_downward_only() {
    expect_test::expect![""].assert_eq(&upward_imports("impact/src", ENGINE));
}

/// Files that open a file by other means than the engine's module `files`: files with fixed names,
/// and files that the user named, which may be pipes of a shell.
const READERS: &[&str] = &[
    "src/artifacts/lock.rs",
    "src/cli/change_args.rs",
    "impact/src/files.rs",
    "impact/src/process/signals.rs",
    "impact/src/testing/mod.rs",
    "src/architecture.rs",
    "src/language.rs",
    "src/nightly.rs",
    "src/reference.rs",
];

#[test]
fn files_are_read_by_one_module() {
    let mut found = Vec::new();
    for directory in ["src", "impact/src"] {
        for file in files(&package().join(directory)) {
            let path = file.strip_prefix(package()).unwrap();
            let source = std::fs::read_to_string(&file).unwrap();
            let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let opens = ["fs::read(", "fs::read_to_string", "File::open("];
            let is_reader = READERS.contains(&path.as_str());
            if !is_reader && opens.iter().any(|open| code.contains(open)) {
                found.push(path.to_string());
            }
        }
    }
    expect_test::expect![""].assert_eq(&found.join("\n"));
}

/// The seeds of a question are cached with every path that was looked at, so the code that finds
/// seeds looks through the engine's module `observed`. The settings are found before each answer.
#[test]
fn seeds_are_found_from_observed_paths() {
    let looks = [
        ".exists()",
        ".is_file()",
        ".is_dir()",
        ".is_symlink()",
        ".read_dir",
        ".read_link",
        ".canonicalize",
        "metadata()",
    ];
    let mut found = Vec::new();
    for directory in ["impact/src/seeds", "impact/src/source_scan"] {
        for file in files(&package().join(directory)) {
            let source = std::fs::read_to_string(&file).unwrap();
            let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let is_look = |line: &&str| {
                let is_comment = line.trim_start().starts_with("//");
                let is_of_entry = line.contains("kind.is_") || line.contains('"');
                !is_comment && !is_of_entry && looks.iter().any(|look| line.contains(look))
            };
            let path = file.strip_prefix(package()).unwrap();
            let is_exempt = path.ends_with("seeds/settings.rs") || path.ends_with("tests.rs");
            let lines = code.lines().filter(is_look).filter(|_| !is_exempt);
            found.extend(lines.map(|line| format!("{path}: {}", line.trim())));
        }
    }
    expect_test::expect![""].assert_eq(&found.join("\n"));
}

#[test]
fn imports_are_found_in_declarations_and_bodies() {
    let source = "
        use crate::graph::{Unit, Verb};
        use crate::{vcs::Status, usage, workspace};
        /// See [`crate::cli`].
        fn f() -> Result<()> { crate::process::run(usage!(\"crate::clean\")) }
        #[cfg(test)] mod tests { use crate::run; }
        #[cfg(test)] use crate::audit;
        #[test] fn g() { use crate::ci; }
    ";
    let found = imports(source.parse().unwrap());
    let found: Vec<_> = found.iter().map(String::as_str).collect();
    assert_eq!(found, ["error", "graph", "process", "vcs", "workspace"]);
}

/// The API of the engine for other programs, and the modules that the kit needs in addition. A
/// change of this list is a change of the API.
#[test]
fn the_engine_exports_two_tiers() {
    let library = package().join("impact/src/lib.rs");
    let text = std::fs::read_to_string(library).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("pub "));
    let exported: Vec<_> = lines.collect();
    expect_test::expect![[r#"
        pub mod build_dir;
        pub mod cargo_config;
        pub mod change_set;
        pub mod error;
        pub mod files;
        pub mod lock_file;
        pub mod observed;
        pub mod parallel;
        pub mod paths;
        pub mod private_dir;
        pub mod process;
        pub mod propagate;
        pub mod query;
        pub mod quote;
        pub mod records;
        pub mod resolve_diff;
        pub mod seeds;
        pub mod semantic_diff;
        pub mod source_scan;
        pub mod state;
        pub mod unit_graph;
        pub mod vcs;
        pub mod workspace;
        pub use change_set::{ChangeRequest, ComparedStates, NamedFiles};
        pub use error::{ErrorKind, Usage, is_usage, kind};
        pub use process::Runner;
        pub use propagate::Affected;
        pub use query::{Answer, Evidence, Explanation, Query};
        pub use seeds::{Effect, Rule, Seed};
        pub use unit_graph::{Link, Mode, Unit, UnitGraph, UnitId, UnitIx, Verb, unit_name};
        pub use vcs::{Change, ChangeStatus};
        pub use workspace::{LoadOptions, Package, PackageIx, Platforms, Target, TargetKind, Workspace};
        pub mod testing;
        pub mod fuzzing;"#]]
    .assert_eq(&exported.join("\n"));
}

/// The public modules of the kit's library: the API to embed commands is at the root, and the
/// benchmarks measure the analysis of builds without a process.
#[test]
fn the_kit_exports_few_modules() {
    let text = std::fs::read_to_string(package().join("src/lib.rs")).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("pub "));
    let exported: Vec<_> = lines.filter(|line| !line.starts_with("pub(")).collect();
    expect_test::expect![[r#"
        pub mod artifacts;
        pub mod cargo_runs;
        pub mod timings;
        pub mod fuzzing;
        pub use cli::entry::parse;
        pub use cli::global::GlobalArgs;
        pub use cli::status::Status;
        pub use commands::{Command, command, main};"#]]
    .assert_eq(&exported.join("\n"));
}

/// Type names that stand for two types. Each command has its own arguments, subcommands, formats and
/// errors; every other name is unique, so that a search finds one type.
#[test]
fn few_type_names_are_defined_twice() {
    const COMMON: &[&str] = &["Args", "Command", "Error", "Format"];
    let mut defined: BTreeMap<String, usize> = BTreeMap::new();
    for directory in ["src", "impact/src"] {
        for file in files(&package().join(directory)) {
            let source = std::fs::read_to_string(&file).unwrap();
            for name in source.lines().filter_map(type_name) {
                *defined.entry(name.to_owned()).or_default() += 1;
            }
        }
    }
    let is_double = |(name, count): &(String, usize)| *count > 1 && !COMMON.contains(&&**name);
    let double = defined.into_iter().filter(is_double);
    let double: Vec<_> = double.map(|(name, _)| name).collect();
    assert!(double.len() <= 8, "{double:?}");
    expect_test::expect!["BuildRecord JudgedUnit Reason Record Records Share"]
        .assert_eq(&double.join(" "));
}

/// Returns the name of the type that a line outside all other items defines.
fn type_name(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.trim_start(),
        None => line,
    };
    let (keyword, rest) = line.split_once(' ')?;
    let is_type = ["struct", "enum", "trait", "type", "union"].contains(&keyword);
    let name = rest.split(|letter: char| !letter.is_alphanumeric()).next();
    name.filter(|_| is_type)
}

/// Returns the imports of the sources below a directory that do not run downward, a line each.
fn upward_imports(directory: &str, floors: &[&[&str]]) -> String {
    let sources = package().join(directory);
    let mut upward = Vec::new();
    for file in files(&sources) {
        let path = file.strip_prefix(&sources).unwrap();
        let module = path.iter().next().unwrap().trim_end_matches(".rs");
        if matches!(
            module,
            "lib" | "main" | "testing" | "architecture" | "language" | "nightly" | "reference"
        ) {
            continue;
        }
        let source = std::fs::read_to_string(&file).unwrap();
        // One `super` for each module around the code leads to the root of the crate.
        let depth = path.iter().filter(|it| *it != "mod.rs").count();
        let source = source.replace(&"super::".repeat(depth), "crate::");
        let from = floor(floors, module);
        for import in imports(source.parse().unwrap()) {
            if import != module && floor(floors, &import) <= from {
                upward.push(format!("{path} imports {import}"));
            }
        }
    }
    upward.join("\n")
}

/// Returns the number of floors above a module.
fn floor(floors: &[&[&str]], module: &str) -> usize {
    floors
        .iter()
        .position(|modules| modules.contains(&module))
        .unwrap_or_else(|| panic!("the module `{module}` is on no floor"))
}

/// Returns the modules that a file's paths of the form `crate::module` name, tests left out.
fn imports(source: TokenStream) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let tokens: Vec<TokenTree> = source.into_iter().collect();
    let mut rest = &tokens[..];
    while let [first, tail @ ..] = rest {
        rest = tail;
        if is_test_attribute(rest) {
            // To the end of the item: its body, or its semicolon.
            let end = rest.iter().position(|token| match token {
                TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Brace,
                TokenTree::Punct(punct) => punct.as_char() == ';',
                _ => false,
            });
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
        }
        match (first, rest) {
            (TokenTree::Ident(word), [colon, _, next, ..])
                if *word == "crate" && colon.to_string() == ":" =>
            {
                match next {
                    TokenTree::Group(group) => found.extend(first_names(group.stream())),
                    next => _ = found.insert(next.to_string()),
                }
            }
            (TokenTree::Group(group), _) => found.extend(imports(group.stream())),
            _ => {}
        }
    }
    // The macro makes an error of wrong use, and stands in that module.
    if found.remove("usage") {
        found.insert("error".to_owned());
    }
    found
}

/// Returns true where `[cfg(test)]` or `[test]` comes next.
fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Group(attribute), ..] = tokens else {
        return false;
    };
    matches!(&*attribute.to_string(), "[cfg (test)]" | "[test]")
}

/// Returns the first name of each path of a group: `a` and `c` for `a::b, c`.
fn first_names(stream: TokenStream) -> Vec<String> {
    let tokens: Vec<_> = stream.into_iter().collect();
    tokens
        .split(|token| token.to_string() == ",")
        .filter_map(|tokens| Some(tokens.first()?.to_string()))
        .collect()
}

/// Returns the sources below a directory, tests left out.
fn files(directory: &Utf8Path) -> Vec<Utf8PathBuf> {
    let is_test = |path: &Utf8Path| path.iter().any(|name| matches!(name, "tests" | "tests.rs"));
    let mut found = all_sources(directory);
    found.retain(|path| !path.strip_prefix(directory).is_ok_and(is_test));
    found
}

/// Returns the sources below a directory, tests included.
pub(crate) fn all_sources(directory: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut found = Vec::new();
    for entry in directory.read_dir_utf8().unwrap() {
        let path = entry.unwrap().into_path();
        if path.is_dir() {
            found.extend(all_sources(&path));
        } else if path.extension() == Some("rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The folder of the kit's package.
pub(crate) fn package() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
}
