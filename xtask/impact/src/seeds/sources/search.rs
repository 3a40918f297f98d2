//! Searches of the text of one source.

use camino::{Utf8Path, Utf8PathBuf};

use super::names::{SourceNames, is_plain, makes_name, names_file, names_variable};
use crate::source_scan::{has, text_for_procedural_macros, text_of_macros};

/// The lines of sources to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lines {
    /// The lines that are not comments.
    Code,
    /// The lines of code in files that define macros.
    Macros,
    /// The comments that are documentation, which can contain tests.
    Docs,
}

impl Lines {
    pub(super) fn of(line: &str) -> Option<Self> {
        let line = line.trim_start();
        let is_doc = line.starts_with("///") || line.starts_with("//!");
        match line.starts_with("//") {
            true => is_doc.then_some(Self::Docs),
            false => Some(Self::Code),
        }
    }
}

/// The sources of a package to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SourceScope {
    /// All sources of the package.
    Package,
    /// The sources that may belong to the library of the package.
    Library,
}

impl SourceScope {
    /// Returns true if a file belongs to these sources, given its path relative to the package.
    pub(super) fn has(self, below: &Utf8Path) -> bool {
        const OTHERS: [&str; 5] = ["build.rs", "build", "tests", "benches", "examples"];
        self == Self::Package || below.iter().next().is_none_or(|it| !OTHERS.contains(&it))
    }
}

/// The text to search for. The result of each search is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Search {
    /// One of these words.
    Any(&'static [&'static str]),
    /// This text.
    Text(String),
    /// One of these words, in text that procedural macros can make code from. Blanks do not count.
    Code(&'static [&'static str]),
    /// One of these words as in [`Search::Code`], in the text of the macros of a file that defines
    /// macros. Blanks do not count.
    Macros(&'static [&'static str]),
    /// The name of a macro that includes a file, passed to another macro: `m!(include_str)`.
    PassedInclusion,
    /// A call of `include!` on a line that does not name the directory of generated code.
    IncludedCode,
    /// A word of code, outside string literals: `logo` in `asset!(logo)`.
    Word(String),
    /// The name of a file that a macro may make. Comments and declarations that a scan understands
    /// are skipped: see [`makes_name`].
    Made(String),
    /// A name as in [`Search::Made`], in the text of the macros of a file that defines macros.
    MacrosMade(String),
    /// A file, by its path relative to the package. Attributes of the whole module are skipped: see
    /// [`names_file`].
    File(Utf8PathBuf),
    /// A file as in [`Search::File`], in a file that defines macros.
    MacrosFile(Utf8PathBuf),
    /// A variable: see [`names_variable`].
    Variable(String),
    /// The definition of a macro with this name.
    Defines(String),
    /// A literal without spaces that contains a word, but not the whole name: see [`has_piece`].
    Piece {
        word: String,
        name: String,
        /// True if only files that define macros count.
        of_macros: bool,
    },
}

impl Search {
    pub(super) fn succeeds_in(&self, text: &str) -> bool {
        let code = |words: &[&str]| {
            // Most sources contain none of the words, and a search of the whole text is faster.
            if !words.iter().any(|word| has(text, word)) {
                return false;
            }
            let mut lines = text
                .lines()
                .filter(|line| !line.contains("doc = include_str"));
            lines.any(|line| words.iter().any(|word| has(line, word)))
        };
        let made = |name: &str| {
            // A search of the whole text is faster than finding the lines that count.
            if !makes_name(text, name) {
                return false;
            }
            let lines = text.lines().filter(|line| !is_plain(line));
            makes_name(&lines.collect::<Vec<_>>().join("\n"), name)
        };
        let names = |below: &Utf8Path| {
            let mut lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("#!["));
            lines.any(|line| names_file(line, below))
        };
        match self {
            Self::Any(words) => words.iter().any(|word| has(text, word)),
            Self::Text(searched) => has(text, searched),
            Self::Code(words) => {
                code(words)
                    && text_for_procedural_macros(text)
                        .is_none_or(|code| has_apart_from_blanks(&code, words))
            }
            Self::Macros(words) => {
                has(text, "macro_rules") && code(words) && macros_hold(text, words)
            }
            Self::PassedInclusion => passes_inclusion(text),
            Self::IncludedCode => {
                let mut lines = text.lines();
                let calls = |line: &str| has(line, "include!") || has(line, "include !");
                lines.any(|line| calls(line) && !has(line, "OUT_DIR"))
            }
            Self::Word(name) => {
                let is_code = |line: &&str| !is_plain(line) && Lines::of(line) == Some(Lines::Code);
                has(text, name)
                    && text
                        .lines()
                        .filter(is_code)
                        .any(|line| has_word(line, name))
            }
            Self::Made(name) => made(name),
            Self::MacrosMade(name) => {
                has(text, "macro_rules")
                    && made(name)
                    && text_of_macros(text).is_none_or(|it| makes_name(&it, name))
            }
            Self::File(below) => names(below),
            Self::MacrosFile(below) => has(text, "macro_rules") && names(below),
            Self::Variable(variable) => names_variable(text, variable),
            Self::Piece {
                word,
                name,
                of_macros,
            } => (!of_macros || has(text, "macro_rules")) && has_piece(text, word, name),
            Self::Defines(called) => SourceNames::of(text).define_macro(called),
        }
    }

    /// Returns true if a source with these names contains the searched text; `None` if only texts
    /// can be searched.
    pub(super) fn succeeds_by_names(&self, names: &SourceNames) -> Option<bool> {
        match self {
            Self::File(below) => Some(names.name_file(below)),
            Self::MacrosFile(below) => Some(names.defines_macros && names.name_file(below)),
            Self::Defines(called) => Some(names.define_macro(called)),
            _ => None,
        }
    }

    /// Returns true if the collected names of a source suffice for the search.
    pub(super) fn is_for_names(&self) -> bool {
        self.succeeds_by_names(&SourceNames::default()).is_some()
    }
}

/// Returns true if the text of a file's macros contains one of these words, apart from blanks. A file
/// that is not lexed counts as such a file.
fn macros_hold(text: &str, words: &[&str]) -> bool {
    text_of_macros(text).is_none_or(|macros| has_apart_from_blanks(&macros, words))
}

/// Returns true if a text contains one of these words, apart from blanks.
pub(super) fn has_apart_from_blanks(text: &str, words: &[&str]) -> bool {
    let without_blanks = |text: &str| text.split_whitespace().collect::<String>();
    let squeezed = without_blanks(text);
    words.iter().any(|word| match word.contains('"') {
        // The blank at the end of `"mod ` is part of a literal.
        true => has(text, word),
        false => {
            let word = without_blanks(word);
            let mut found = squeezed.match_indices(&word);
            found.any(|(at, _)| word != "mod#" || !is_inline_module(&squeezed[at + word.len()..]))
        }
    })
}

/// Returns true if the text behind `mod #` is the name of a module with a body, as `name {` or
/// `(name) {`. Such a module has no file.
fn is_inline_module(rest: &str) -> bool {
    let rest = rest.strip_prefix('(').unwrap_or(rest);
    let rest = rest.trim_start_matches(|it: char| it.is_alphanumeric() || it == '_');
    rest.strip_prefix(')').unwrap_or(rest).starts_with('{')
}

/// Returns true if a line of code contains a name as a word that is no part of a string literal
/// with a path.
fn has_word(line: &str, name: &str) -> bool {
    let is_part = |char: char| char.is_alphanumeric() || "_-\"".contains(char);
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(|it| is_part(it) || "/\\.".contains(it)) && !after.is_some_and(is_part)
    })
}

/// Returns true if a text between quotes in code contains a word, but neither spaces nor the whole
/// name. Such a text may be a part of a path that a macro joins.
fn has_piece(text: &str, word: &str, name: &str) -> bool {
    let is_piece = |literal: &str| {
        !literal.contains(' ') && !literal.contains(name) && makes_name(literal, word)
    };
    has(text, word)
        && text.lines().any(|line| {
            has(line, word)
                && Lines::of(line) == Some(Lines::Code)
                && line.contains('"')
                && line.split('"').any(is_piece)
        })
}

/// Returns true if code names a macro that includes a file, and does not call the macro.
fn passes_inclusion(text: &str) -> bool {
    let is_passed = |line: &str, name: &str| {
        line.match_indices(name).any(|(at, _)| {
            let after = line[at + name.len()..].trim_start().chars().next();
            after.is_none_or(|it| !it.is_alphanumeric() && !['_', '!', '"'].contains(&it))
        })
    };
    ["include_str", "include_bytes"].iter().any(|name| {
        let mut code = text.lines().filter(|it| Lines::of(it) == Some(Lines::Code));
        has(text, name) && code.any(|line| is_passed(line, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::sources::names::WordIndex;

    #[test]
    fn a_macro_makes_a_name_from_words_in_the_source() {
        for (line, makes_it) in [
            ("m!(\"table_12.bin\");", true),
            ("m!(table_12);", true),
            ("m!(concat!(\"ta\", \"ble_12\"));", false),
            (
                "include_str!(concat!(\"data/\", $name, \"_\", 12, \".bin\")); m!(table);",
                true,
            ),
            ("m!(tables, 12);", false),
            ("let n = 112; m!(table);", false),
            ("// m!(table_12)", false),
            ("mod table_12;", false),
            ("pub(crate) mod table_12;", false),
            ("mod r#table_12;", false),
            ("mods! { mod table_12; }", true),
            ("mod a { m!(table_12);", true),
            ("#[path = \"table_12.rs\"]", false),
            ("#[path = concat!(\"table_12\", \".rs\")]", true),
            (
                "#![cfg_attr(doctest, doc = include_str!(\"table_12.bin\"))]",
                false,
            ),
            ("doc = include_str!(\"../table_12.bin\")", false),
            (
                "#[cfg_attr(doc, doc = include_str!(m!(\"table_12\")))]",
                true,
            ),
        ] {
            let search = Search::Made("table_12".to_owned());
            assert_eq!(search.succeeds_in(line), makes_it, "{line}");
        }
        for (line, makes_it) in [
            ("m!(\"table\")", true),
            ("m!(\"old_table.bin\")", true),
            ("struct Mytable;", false),
            ("m!(tables)", false),
        ] {
            let search = Search::Made("table".to_owned());
            assert_eq!(search.succeeds_in(line), makes_it, "{line}");
        }
    }

    #[test]
    fn a_source_names_a_file_by_its_own_names() {
        for (line, below, expected) in [
            ("open(\"docs/x\")", "docs/guide.txt", true),
            ("open(\"guide\")", "docs/guide.txt", true),
            ("open(\"other\")", "docs/guide.txt", false),
            ("mod guide;", "src/guide.rs", true),
            ("mod deep;", "src/deep/mod.rs", true),
            // Every package has these names.
            ("open(\"src/x\")", "src/guide.txt", false),
            ("open(\"tests\")", "tests/it.rs", false),
        ] {
            let search = Search::File(below.into());
            assert_eq!(search.succeeds_in(line), expected, "{line} {below}");
            let names = SourceNames::of(line);
            assert_eq!(names.name_file(below.into()), expected, "{line} {below}");
        }
    }

    #[test]
    fn a_word_is_no_part_of_a_literal() {
        for (line, has_it) in [
            ("asset!(logo)", true),
            ("asset!(icons::logo, 1);", true),
            ("asset!(logo.png)", true),
            ("open(\"logo\")", false),
            ("open(\"logo.png\")", false),
            ("open(\"images/logo.png\")", false),
            ("asset!(logos)", false),
            ("// asset!(logo)", false),
        ] {
            let search = Search::Word("logo".to_owned());
            assert_eq!(search.succeeds_in(line), has_it, "{line}");
        }
    }

    #[test]
    fn code_passes_an_inclusion_to_a_macro() {
        for (line, is_passed) in [
            ("m!(include_str)", true),
            ("m! { include_bytes, 1 }", true),
            ("include_str!(\"x\")", false),
            ("include_str !(\"x\")", false),
            ("include_strings()", false),
            ("[\"include_str\"]", false),
            ("// m!(include_str)", false),
        ] {
            assert_eq!(
                Search::PassedInclusion.succeeds_in(line),
                is_passed,
                "{line}"
            );
        }
    }

    #[test]
    fn only_the_text_of_macros_makes_names_for_callers() {
        for (code, makes_it) in [
            ("macro_rules! m { () => { n!(table) } }", true),
            ("define_macro_rules!(table);", true),
            ("macro_rules! m { () => {} } fn f() { n!(table) }", true),
            ("#![deny(table)]\nmacro_rules! m { () => {} }", false),
            ("use a::{old_table, b};\nmacro_rules! m { () => {} }", false),
            ("macro_rules! m { () => {} }\nstruct S { table: u8 }", false),
        ] {
            let search = Search::MacrosMade("table".to_owned());
            assert_eq!(search.succeeds_in(code), makes_it, "{code}");
        }
    }

    #[test]
    fn only_the_text_of_macros_reads_files_for_callers() {
        const WORDS: [&str; 3] = ["include_str", "tracked::path", "mod $"];
        for (code, reads) in [
            ("macro_rules! m { () => { include_str!(\"x\") } }", true),
            ("macro_rules! m { () => { tracked::path(\"x\") } }", true),
            ("macro_rules! m { ($name:ident) => { mod $name; } }", true),
            ("define_macro_rules!(include_str);", true),
            ("macro_rules! m { () => {} } f!(include_str!(\"x\"));", true),
            (
                "macro_rules! m { () => {} }\nconst X: &str = include_str!(\"x\");",
                false,
            ),
            (
                "/// include_str!(\"x\")\nmacro_rules! m { () => {} }",
                false,
            ),
            (
                "#[x(include_str!(\"x\"))]\nmacro_rules! m { () => {} }",
                false,
            ),
            ("fn f() { include_str!(\"x\") }", false),
        ] {
            let search = Search::Macros(&WORDS);
            assert_eq!(search.succeeds_in(code), reads, "{code}");
        }
        for (code, reads) in [
            ("quote! { include_str!(#path) }", true),
            ("quote! { mod #name; }", true),
            ("quote!(#[path = #path] mod a;)", true),
            ("Ident::new(\"include_str\", span)", true),
            ("format!(\"include_str!({path:?})\").parse()", true),
            ("const TEMPLATE: &str = include_str!(\"code.txt\");", true),
            ("include!(\"code.in\");", true),
            (
                "include!(concat!(env!(\"OUT_DIR\"), \"/version.rs\"));",
                false,
            ),
            ("include!(\"more.rs\");", false),
            ("/// include_str!(\"x\")\nfn f() {}", false),
            ("#[path = \"x\"]\nmod a;", false),
            ("quote! { mod #name { fn f() {} } }", false),
            ("quote_! { mod #(name) { fn f() {} } }", false),
            ("quote! { mod #name { mod #other; } }", true),
        ] {
            let search = Search::Code(&crate::seeds::sources::macro_inputs::INCLUSIONS);
            assert_eq!(search.succeeds_in(code), reads, "{code}");
        }
    }

    #[test]
    fn collected_names_answer_as_the_text_does() {
        let lines = [
            "m!(\"data/table_12.bin\", \"v2\");",
            "include!(\"gen\\\\code.in\"); mod hidden { mod deep; }",
            "let unclosed = \"first.second",
            "#![doc = include_str!(\"guide.md\")]",
            "// see \"notes.txt\" and old.gitignore",
            "let x = concat!(\"a\", 7, \".bin\"); m!(.hidden, größe);",
            "macro_rules! m { () => {} }",
            "pub mod plain;",
            "m!(\"table12_x.bin\");",
            "#![doc = \"mod inner\"]",
        ];
        let names = [
            "plain",
            "inner",
            "table12_x",
            "table_12.bin",
            "table",
            "12",
            "v2",
            "v_2",
            "code.in",
            "gen",
            "hidden",
            "deep",
            "dee",
            "first",
            "second",
            "guide.md",
            "notes.txt",
            "gitignore",
            ".gitignore",
            ".hidden",
            "a7",
            "a_7",
            "größe",
            "x",
            "m",
            "macro_rules",
            "data",
        ];
        for line in lines {
            let collected = SourceNames::of(line);
            let mut index = WordIndex::default();
            index.add(line.to_owned());
            for name in names {
                assert_eq!(index.make(name), makes_name(line, name), "{name} in {line}");
                let searches = [Search::File(name.into()), Search::MacrosFile(name.into())];
                for search in searches {
                    let by_text = search.succeeds_in(line);
                    let by_names = search.succeeds_by_names(&collected).unwrap();
                    // `mod dee` begins `mod deep`, which declares another module.
                    let is_prefix = name == "dee" && by_text;
                    assert!(is_prefix || by_names == by_text, "{search:?} in {line}");
                }
            }
        }
    }

    #[test]
    fn a_library_has_fewer_sources_than_its_package() {
        for (file, is_of_library) in [
            ("lib.rs", true),
            ("src/build/tests.rs", true),
            ("build.rs", false),
            ("build/probe.rs", false),
            ("tests/it.rs", false),
            ("examples/one/main.rs", false),
        ] {
            assert!(SourceScope::Package.has(file.into()), "{file}");
            assert_eq!(
                SourceScope::Library.has(file.into()),
                is_of_library,
                "{file}"
            );
        }
    }
}
