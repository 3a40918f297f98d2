//! Imports run downward only.

use std::collections::BTreeSet;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use proc_macro2::{TokenStream, TokenTree};

use xtask_impact::testing::own_sources;

/// The rooms from the top of the house down. One imports from the floors below, and from its own
/// room; two rooms of one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["exec"],
    &["render"],
    &[
        "action", "audit", "ci", "doctor", "hooks", "policy", "timings",
    ],
    &["built", "finding"],
    &["question"],
    &["changes"],
    &["impact"],
    &["resolution"],
    &["graph"],
    &["workspace"],
    &["repo"],
    &["process", "error", "parallel"],
    &["private_dir"],
    &["quote"],
];

#[test]
fn imports_run_downward_only() {
    let mut upward = Vec::new();
    for file in files(&own_sources()) {
        let source = std::fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(own_sources()).unwrap();
        let room = path.iter().next().unwrap().trim_end_matches(".rs");
        if matches!(room, "lib" | "main" | "testing") {
            continue;
        }
        let from = floor(room);
        for import in imports(source.parse().unwrap()) {
            if import != room && floor(&import) <= from {
                upward.push(format!("{path} imports {import}"));
            }
        }
    }
    expect_test::expect![""].assert_eq(&upward.join("\n"));
}

/// Files of fixed names, and files that the user named, which may be pipes of a shell.
const READERS: &[&str] = &[
    "cli/args.rs",
    "exec/lock.rs",
    "process/signals.rs",
    "repo/files.rs",
];

#[test]
fn files_are_read_by_one_module() {
    let mut found = Vec::new();
    for file in files(&own_sources()) {
        let path = file.strip_prefix(own_sources()).unwrap();
        let source = std::fs::read_to_string(&file).unwrap();
        let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let opens = ["fs::read(", "fs::read_to_string", "File::open("];
        let is_among = READERS.contains(&path.as_str()) || path.starts_with("testing");
        if !is_among && opens.iter().any(|open| code.contains(open)) {
            found.push(path.to_string());
        }
    }
    expect_test::expect![""].assert_eq(&found.join("\n"));
}

#[test]
fn imports_are_found_wherever_they_stand() {
    let source = "
        use xtask_impact::unit_graph::{Unit, Verb};
        use xtask_impact::{usage, vcs, workspace};
        /// See [`crate::commands`].
        fn f() -> Result<()> { xtask_impact::process::run(usage!(\"crate::cargo_runs\")) }
        #[cfg(test)] mod tests { use crate::cli::output; }
        #[cfg(test)] use crate::audit::comparison;
        #[test] fn g() { use crate::ci_service; }
    ";
    let found = imports(source.parse().unwrap());
    let found: Vec<_> = found.iter().map(String::as_str).collect();
    assert_eq!(found, ["error", "graph", "process", "repo", "workspace"]);
}

/// How far down a room lies.
fn floor(room: &str) -> usize {
    FLOORS
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("the room `{room}` is on no floor"))
}

/// The rooms that a file's paths of the form `crate::room` name, tests left out.
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

/// Whether `[cfg(test)]` or `[test]` comes next.
fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Group(attribute), ..] = tokens else {
        return false;
    };
    matches!(&*attribute.to_string(), "[cfg (test)]" | "[test]")
}

/// `a::b, c` names `a` and `c`.
fn first_names(stream: TokenStream) -> Vec<String> {
    let tokens: Vec<_> = stream.into_iter().collect();
    tokens
        .split(|token| token.to_string() == ",")
        .filter_map(|tokens| Some(tokens.first()?.to_string()))
        .collect()
}

/// The sources below a directory, tests left out.
fn files(directory: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut found = Vec::new();
    for entry in directory.read_dir_utf8().unwrap() {
        let path = entry.unwrap().into_path();
        let name = path.file_stem().unwrap_or_default();
        if path.is_dir() && name != "tests" {
            found.extend(files(&path));
        } else if path.extension() == Some("rs") && name != "tests" {
            found.push(path);
        }
    }
    found.sort();
    found
}
