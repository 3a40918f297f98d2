//! The language of the project: plain English in comments, documentation, help, messages and names of
//! functions.

use camino::Utf8Path;
use proc_macro2::{TokenStream, TokenTree};

use crate::architecture::{all_sources, package};

/// Folders of Rust sources, relative to the top level.
const SOURCES: &[&str] = &[
    "xtask/src",
    "xtask/impact/src",
    "xtask/tests",
    "xtask/benches",
    "xtask/examples",
    "xtask/fuzz/fuzz_targets",
    "crates",
];

/// Folders of pages, scripts and styles, relative to the top level.
const TEXTS: &[&str] = &[
    "xtask/docs",
    "xtask/src/picture",
    "xtask/src/timings/text",
    ".ci",
    ".github/workflows",
];

/// Other pages of documentation, relative to the top level.
const PAGES: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "crates/README.md",
];

/// Words that a doc comment does not begin with. A doc comment begins with a verb or a noun.
const BEGINNINGS: &[&str] = &[
    "What", "Whether", "How", "Where", "Which", "Whose", "Of", "Those", "As", "That", "When",
    "Why", "Who",
];

/// Words that readers did not understand, or misunderstood, in the sense that the kit gave them.
/// Each word stands with the word to use instead.
const REFUSED: &[(&str, &str)] = &[
    ("mend", "fix"),
    ("mends", "fixes"),
    ("mended", "fixed"),
    ("anew", "again"),
    ("heed", "use"),
    ("heeds", "uses"),
    ("heeded", "used"),
    ("whoever", "the caller, the user, …"),
    ("in vain", "false positive"),
    ("stranger", "another …"),
    ("strangers", "other …"),
    ("patient", "context"),
    ("besides", "in addition, not predicted"),
    ("beaten", "overridden"),
    ("hears", "reads, is told"),
    ("laboratory", "workspace, directory"),
    ("hence", "so"),
    ("thus", "so"),
    ("lest", "so that … not"),
    ("whence", "from where"),
    ("thereof", "of it"),
    ("wherein", "in which"),
    ("albeit", "although"),
];

/// Former names of JSON fields, which the documentation lists as renamed.
const FIELDS: &[&str] = &["mend", "besides", "is_beaten"];

#[test]
fn doc_comments_begin_with_a_verb_or_a_noun() {
    let mut number = 0;
    let mut odd = Vec::new();
    for (path, source) in sources() {
        let mut in_comment = false;
        for (line, text) in (1..).zip(source.lines().map(str::trim_start)) {
            let comment = text.strip_prefix("///").or(text.strip_prefix("//!"));
            if let Some(comment) = comment.filter(|_| !in_comment) {
                number += 1;
                let comment = comment.trim_start();
                let first = comment.split(|it: char| !it.is_alphabetic()).next();
                if BEGINNINGS.contains(&first.unwrap_or_default())
                    || comment.starts_with("The same")
                {
                    odd.push(format!("{path}:{line}: {comment}"));
                }
            }
            in_comment = comment.is_some();
        }
    }
    assert!(
        odd.len() * 100 <= number * 3,
        "{} of {number} doc comments begin oddly:\n{}",
        odd.len(),
        odd.join("\n")
    );
}

#[test]
fn documentation_and_messages_avoid_refused_words() {
    let mut found = Vec::new();
    let mut pages: Vec<_> = PAGES.iter().map(|name| top().join(name)).collect();
    for folder in TEXTS {
        let entries = top().join(folder).read_dir_utf8().unwrap();
        let files = entries.map(|entry| entry.unwrap().into_path());
        pages.extend(files.filter(|it| it.is_file() && it.extension() != Some("rs")));
    }
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for (line, text) in (1..).zip(text.lines()) {
            let words = refused(text).into_iter();
            found.extend(words.map(|it| format!("{page}:{line}: {it}")));
        }
    }
    for (path, source) in sources() {
        // This file names the words.
        if path == "xtask/src/language.rs" {
            continue;
        }
        let mut texts = literals(source.parse().unwrap());
        texts.extend(comments(&source));
        texts.extend(function_names(source.parse().unwrap()));
        for text in texts {
            let words = refused(&text).into_iter();
            found.extend(words.map(|it| format!("{path}: {it} in {text}")));
        }
    }
    found.sort();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn refused_words_are_found() {
    let found = [
        "Mend it",
        "found in\nvain",
        "amended, recommended",
        "{\"mend\": \"x\"}, `besides[]`",
        "besides that",
    ]
    .map(|text| refused(text).join("; "));
    expect_test::expect![[r#"
        [
            "`mend`, write fix",
            "`in vain`, write false positive",
            "",
            "",
            "`besides`, write in addition, not predicted",
        ]
    "#]]
    .assert_debug_eq(&found);
    let source = "/// Help\n#[arg(x)] struct A; fn f() { g(\"text\", [r#\"raw\"#, 'c', 1]) }";
    assert_eq!(
        literals(source.parse().unwrap()),
        ["\" Help\"", "\"text\"", "r#\"raw\"#"]
    );
    assert_eq!(function_names(source.parse().unwrap()), ["f"]);
    let source =
        "// One,\n    // two.\nlet url = \"http://host\"; // Not read.\n/// Doc.\n// Three.\n";
    assert_eq!(comments(source), [" One,  two.", " Three."]);
}

/// Returns the refused words of a text, each with the word to use. Names of JSON fields in quotes
/// or backticks do not count.
fn refused(text: &str) -> Vec<String> {
    let mut text = text.replace("\\\"", "\"").replace("\\n", " ");
    for field in FIELDS {
        for quoted in [
            format!("\"{field}\""),
            format!("`{field}`"),
            format!("`{field}[]`"),
        ] {
            text = text.replace(&quoted, "");
        }
    }
    let words: Vec<String> = text
        .split(|it: char| !it.is_alphabetic())
        .filter(|it| !it.is_empty())
        .map(str::to_lowercase)
        .collect();
    let words = format!(" {} ", words.join(" "));
    let found = REFUSED.iter();
    let found = found.filter(|(word, _)| words.contains(&format!(" {word} ")));
    found
        .map(|(word, plain)| format!("`{word}`, write {plain}"))
        .collect()
}

/// Returns the string literals of a source. Doc comments are string literals too: clap makes help
/// of some of them.
fn literals(source: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in source {
        match token {
            TokenTree::Group(group) => found.extend(literals(group.stream())),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.contains('"') && !text.starts_with('\'') {
                    found.push(text);
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
    found
}

/// Returns the names of the functions of a source.
fn function_names(source: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    let mut after_fn = false;
    for token in source {
        let is_fn = matches!(&token, TokenTree::Ident(word) if word == "fn");
        match token {
            TokenTree::Group(group) => found.extend(function_names(group.stream())),
            TokenTree::Ident(name) if after_fn => found.push(name.to_string()),
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        after_fn = is_fn;
    }
    found
}

/// Returns the text of each comment that is not a doc comment and has its own lines.
fn comments(source: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut in_comment = false;
    for line in source.lines().map(str::trim_start) {
        let comment = line.strip_prefix("//");
        let comment = comment.filter(|it| !it.starts_with(['/', '!']));
        match (comment, found.last_mut()) {
            (Some(text), Some(last)) if in_comment => {
                last.push(' ');
                last.push_str(text);
            }
            (Some(text), _) => found.push(text.to_owned()),
            (None, _) => {}
        }
        in_comment = comment.is_some();
    }
    found
}

/// Returns the Rust sources of the project, tests included, each with its path relative to the top
/// level.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for directory in SOURCES {
        for file in all_sources(&top().join(directory)) {
            let path = file.strip_prefix(top()).unwrap().to_string();
            // One workspace below `crates` has a target directory of its own.
            if !path.contains("/target/") {
                found.push((path, std::fs::read_to_string(&file).unwrap()));
            }
        }
    }
    found
}

/// The top level of the repository.
fn top() -> &'static Utf8Path {
    package().parent().unwrap()
}
