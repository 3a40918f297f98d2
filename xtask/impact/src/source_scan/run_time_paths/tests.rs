use super::*;

/// Returns each named path with its start and its code.
fn shown(text: &str) -> Vec<String> {
    let paths = RunTimePaths::of(text);
    let show = |it: &NamedPath| format!("{} {:?} {:?}", it.path, it.start, it.code);
    paths.named.iter().map(show).collect()
}

#[test]
fn paths_are_found_in_strings() {
    for (code, expected) in [
        (
            "fn f() { fs::read(\"../b/x.json\") }",
            &["../b/x.json Unknown Any"][..],
        ),
        (
            "fn f() { fs::read(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../b/\", \"x.json\")) }",
            &["../b/x.json Package Any", "../b/x.json Unknown Any"],
        ),
        (
            "fn f() { read_dir(Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"../b\")) }",
            &["../b Package Any", "../b Unknown Any"],
        ),
        (
            "fn f() { root().join(\"b\").join(\"data\").join(name) }",
            &["b/data Unknown Any"],
        ),
        (
            "fn f() { fs::read(format!(\"{root}/../b/data/{name}.json\")) }",
            &["../b/data Unknown Any"],
        ),
        (
            "#[files(\"../b/data/*.json\")] fn f() {}",
            &["../b/data Unknown Any"],
        ),
        (
            "const DIR: &str = \"../b/data\";",
            &["../b/data Unknown Any"],
        ),
        (
            "fn f() { [\"..\", \"b\", \"x\"].iter().collect::<PathBuf>() }",
            &["../b/x Unknown Any", "b Unknown Any", "x Unknown Any"],
        ),
        (
            "fn f() { include_dir!(\"$CARGO_MANIFEST_DIR/../b/data\") }",
            &["../b/data Unknown Any"],
        ),
        (
            "fn f() { sh(\"cat ../b/x.json other.json\") }",
            &["../b/x.json Unknown Any"],
        ),
        (
            "fn f() { Path::new(\"..\").join(name).join(\"data\").join(\"x.json\") }",
            &[".. Unknown Any", "../*/data/x.json Unknown Any"],
        ),
        (
            "fn f() { fs::canonicalize(\"..\").unwrap().join(\"b/x.json\") }",
            &[".. Unknown Any", "../b/x.json Unknown Any"],
        ),
        (
            "const UP: &str = \"..\"; fn f() { part == \"..\" }",
            &[".. Unknown Any"],
        ),
        (
            "fn f() { glob(\"../*/data/*.json\"); glob(\"../{b,c}/data/x.{json,toml}\") }",
            &["../*/data Unknown Any"],
        ),
        (
            "fn f() { fs::read(\"..\\\\b\\\\x.json\"); sh(\"cat '../c/x' | wc\\n cp ../d/x /tmp\") }",
            &[
                "../b/x.json Unknown Any",
                "../c/x Unknown Any",
                "../d/x Unknown Any",
            ],
        ),
        // Paths that the compiler reads, and strings that are no paths.
        ("const S: &str = include_str!(\"../../b/x\");", &[]),
        ("#[path = \"../../b/x.rs\"] mod x;", &[]),
        (
            "fn f() { get(\"https://example.org/../b\"); say(\"no path here\") }",
            &[],
        ),
    ] {
        assert_eq!(shown(code), expected, "{code}");
    }
}

#[test]
fn code_of_tests_and_documentation_is_distinguished() {
    for (code, expected) in [
        (
            "#[cfg(test)] mod tests { const X: &str = \"../b/x\"; }",
            &["../b/x Unknown Test"][..],
        ),
        (
            "#[test] fn t() { read(\"../b/x\") } fn f() { read(\"../c/x\") }",
            &["../b/x Unknown Test", "../c/x Unknown Any"],
        ),
        (
            "/// ```\n/// read(\"../b/x\");\n/// ```\npub fn f() {}",
            &["../b/x Unknown Docs"],
        ),
    ] {
        assert_eq!(shown(code), expected, "{code}");
    }
}

#[test]
fn examples_in_documentation_are_code() {
    for (code, expected) in [
        (
            "/// See \"../b/x\".\n/// ```\n/// # let d = Path::new(\"..\");\n\
             /// d.join(\"c\"); Path::new(\"..\").join(\"b\").join(\"x\");\n/// ```\npub fn f() {}",
            &[".. Unknown Docs", "../b/x Unknown Docs", "c Unknown Docs"][..],
        ),
        ("//! ```text\n//! read(\"../b/x\")\n//! ```\n", &[]),
        (
            "//! ```no_run,edition2021\n//! read(\"../b/x\")\n",
            &["../b/x Unknown Docs"],
        ),
        ("//!     read(\"../b/x\")\n", &["../b/x Unknown Docs"]),
    ] {
        assert_eq!(shown(code), expected, "{code}");
    }
}

#[test]
fn texts_that_the_compiler_includes() {
    let included = |code: &str| -> Vec<String> {
        let included = RunTimePaths::of(code).included;
        let show = |(path, code): (Utf8PathBuf, StringContext)| format!("{path} {code:?}");
        included.into_iter().map(show).collect()
    };
    for (code, expected) in [
        (
            "#![doc = include_str!(\"../README.md\")]",
            &["../README.md Docs"][..],
        ),
        (
            "#[cfg_attr(doctest, doc = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/R.md\")))] mod m {}",
            &["R.md Docs"],
        ),
        (
            "const S: &str = include_str!(\"list.txt\");",
            &["list.txt Any"],
        ),
        ("const S: &str = include_str!(p!(\"list.txt\"));", &[]),
    ] {
        assert_eq!(included(code), expected, "{code}");
    }
}

#[test]
fn names_that_strings_hold() {
    for (text, expected) in [
        ("x.json", &["json", "x", "x.json"][..]),
        ("../b/{name}.json", &["..", ".json", "b", "json"]),
        ("{b,c}/x", &["b", "c", "x"]),
        ("{\"p\":\"../b\"}", &["..", "b", "p"]),
        ("no path here", &[]),
        ("cd ..; cat b", &["..", "b", "cat", "cd"]),
        ("see https://example.org/b or ./a", &["a", "or", "see"]),
        ("a..b", &["a.", "a..b", "b"]),
        ("...", &[]),
    ] {
        let code = format!("fn f() {{ g({text:?}) }}");
        let parts = RunTimePaths::of(&code).parts;
        assert_eq!(parts.keys().collect::<Vec<_>>(), expected, "{text}");
    }
}

#[test]
fn a_path_from_the_manifest_directory_is_found_where_it_is_passed_on() {
    for (code, expected) in [
        (
            "pub fn root() -> PathBuf { PathBuf::from(env!(\"CARGO_MANIFEST_DIR\")) }",
            &[" Package Any"][..],
        ),
        (
            "pub fn up() -> &Path { Path::new(env!(\"CARGO_MANIFEST_DIR\")).parent().unwrap() }",
            &[".. Package Any"],
        ),
        (
            "pub fn f(name: &str) -> PathBuf {
                Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"fixtures\").join(name)
            }",
            &["fixtures Package Any", "fixtures Unknown Any"],
        ),
        (
            "pub fn f() { let root = Path::new(env!(\"CARGO_MANIFEST_DIR\"));
                root.join(\"data/x\").exists(); }",
            &["data/x Package Any", "data/x Unknown Any"],
        ),
    ] {
        assert_eq!(shown(code), expected, "{code}");
    }
}

#[test]
fn a_listing_of_an_unnamed_directory_is_noticed() {
    for (code, is_unnamed) in [
        ("use walkdir::WalkDir;", false),
        ("fn f() { read_dir(root().join(\"data\")) }", false),
        (
            "fn f() { let d = root().join(\"data\"); for x in read_dir(&d) {} }",
            false,
        ),
        ("fn f() { root().join(\"data\").read_dir() }", false),
        ("fn f() { fs::read_dir(root()) }", true),
        (
            "fn f() { WalkDir::new(env!(\"CARGO_MANIFEST_DIR\")) }",
            true,
        ),
        ("fn f(root: &Path) { root.read_dir() }", true),
    ] {
        assert_eq!(
            RunTimePaths::of(code).lists_directories,
            is_unnamed,
            "{code}"
        );
    }
}

#[test]
fn a_path_that_a_macro_or_a_variable_includes_is_found() {
    for (code, expected) in [
        (
            "const S: &str = include_str!(p!(\"LICENSE\"));",
            "LICENSE Unknown Any",
        ),
        (
            "fn main() { println!(\"cargo::rustc-env=DATA=../c/x\") }",
            "../c/x Unknown Any",
        ),
        (
            "fn main() { println!(\"cargo::rustc-env=D={d}/../c/x\") }",
            "../c/x Unknown Any",
        ),
    ] {
        assert_eq!(shown(code), [expected], "{code}");
    }
    let paths = RunTimePaths::of("const S: &str = include_str!(env!(\"DATA\"));");
    assert!(paths.variables.contains("DATA"));
}

#[test]
fn variables_and_searches_for_the_root_are_found() {
    let paths = RunTimePaths::of(
        "fn f() { let r = env!(\"CARGO_WORKSPACE_DIR\"); env::var(\"DATA\"); \
         WalkDir::new(metadata.workspace_root) }",
    );
    let variables: Vec<_> = paths.variables.iter().map(String::as_str).collect();
    assert_eq!(variables, ["CARGO_WORKSPACE_DIR", "DATA"]);
    assert!(paths.lists_directories && paths.seeks_root);
    let none = RunTimePaths::of("fn f() { command.current_dir(x) }");
    assert!(none.is_empty() && !none.lists_directories);
    assert!(RunTimePaths::of("fn f() { std::env::current_dir().unwrap() }").seeks_root);
}

#[test]
fn the_searched_lists_are_sorted() {
    assert!(STEPS_UP.is_sorted());
    assert!(LISTING.is_sorted());
}
