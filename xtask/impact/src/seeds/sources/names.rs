//! The names that a text contains: components of paths, words, modules and variables.

use std::collections::{HashMap, HashSet};

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::search::Lines;
use crate::source_scan::has;

/// The characters before and after a component of a path in a string literal.
const AROUND: [char; 3] = ['"', '/', '\\'];

/// The names that every package contains. A text that contains such a name is no evidence.
pub(super) const COMMON_NAMES: [&str; 8] = [
    "src", "tests", "examples", "benches", "build.rs", "lib.rs", "main.rs", "mod.rs",
];

/// Names that a text contains, as one text with a name on each line. A set would have to be built
/// each time the cache is read, which takes longer than the searches.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct NameList(String);

impl NameList {
    fn of(names: &HashSet<&str>) -> Self {
        let mut list = Self::default();
        for name in names {
            list.add_lines(&format!("\n{name}\n"));
        }
        list
    }

    /// Adds the names of another list.
    pub(super) fn extend(&mut self, other: &Self) {
        self.add_lines(&other.0);
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        has(&self.0, &format!("\n{name}\n"))
    }

    /// Adds lines that begin and end with a line break. Neighbours share one line break.
    fn add_lines(&mut self, lines: &str) {
        let lines = match self.0.is_empty() {
            true => lines,
            false => lines.strip_prefix('\n').unwrap_or(lines),
        };
        self.0.push_str(lines);
    }
}

/// The names in a source, collected once.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct SourceNames {
    /// True if the source defines macros.
    pub(super) defines_macros: bool,
    /// The components of paths in code.
    pub(super) code: NameList,
    /// The components of paths in documentation.
    pub(super) docs: NameList,
    /// The components of paths between quotes, in code and in comments. Attributes of the whole
    /// module are left out.
    components: NameList,
    /// The modules that are declared.
    modules: NameList,
    /// The macros that are defined, and the names that items are given with `as`.
    macros: NameList,
}

impl SourceNames {
    /// The length of the longest name of a file, in bytes.
    const LONGEST: usize = 255;

    pub(super) fn of(text: &str) -> Self {
        let (mut code, mut docs) = (HashSet::new(), HashSet::new());
        let (mut components, mut modules) = (HashSet::new(), HashSet::new());
        let declaration = memchr::memmem::Finder::new("mod ");
        for line in text.lines() {
            let parts = PartsOfLine::of(line);
            let has_modules = declaration.find(line.as_bytes()).is_some();
            if parts.is_none() && !has_modules {
                continue;
            }
            let is_of_module = line.trim_start().starts_with("#![");
            if has_modules && !is_of_module {
                modules.extend(modules_in(line));
            }
            let Some(parts) = parts else { continue };
            match Lines::of(line) {
                Some(Lines::Code | Lines::Macros) => code.extend(code_parts(line, &parts)),
                Some(Lines::Docs) => docs.extend(parts.path_parts()),
                None => {}
            }
            if !is_of_module {
                components.extend(parts.components());
            }
        }
        Self {
            defines_macros: has(text, "macro_rules"),
            code: NameList::of(&code),
            docs: NameList::of(&docs),
            components: NameList::of(&components),
            modules: NameList::of(&modules),
            macros: NameList::of(&macros_in(text)),
        }
    }

    /// Returns true if the source may define a macro with a name.
    pub(super) fn define_macro(&self, name: &str) -> bool {
        self.macros.contains(name)
    }

    /// Returns true if the source names a file: see [`names_file`].
    pub(super) fn name_file(&self, below: &Utf8Path) -> bool {
        names_of(below).any(|name| self.components.contains(name))
            || own_name(below).is_some_and(|module| self.modules.contains(module))
    }
}

/// The parts of a line between quotes or separators.
struct PartsOfLine<'a> {
    /// The parts between two such characters.
    closed: Vec<&'a str>,
    /// The part behind the last such character.
    open: &'a str,
}

impl<'a> PartsOfLine<'a> {
    /// Returns `None` for a line without such characters.
    fn of(line: &'a str) -> Option<Self> {
        let [quote, slash, backslash] = AROUND.map(|char| char as u8);
        let mut ends = memchr::memchr3_iter(quote, slash, backslash, line.as_bytes());
        let mut start = ends.next()? + 1;
        let mut closed = Vec::new();
        for end in ends {
            closed.push(&line[start..end]);
            start = end + 1;
        }
        let open = &line[start..];
        Some(Self { closed, open })
    }

    /// Returns the parts that [`names_in`] finds: the texts between two of these characters, and each
    /// beginning of such a text that ends before a dot.
    fn path_parts(&self) -> impl Iterator<Item = &'a str> {
        let closed = self.closed.iter();
        let names = closed.flat_map(|part| beginnings(part, true));
        names.filter(|part| (1..200).contains(&part.len()))
    }

    /// Returns the components of paths that stand between these characters.
    fn components(self) -> impl Iterator<Item = &'a str> {
        let closed = self.closed.into_iter();
        let closed = closed.flat_map(|part| beginnings(part, true));
        let names = closed.chain(beginnings(self.open, false));
        names.filter(|name| (1..=SourceNames::LONGEST).contains(&name.len()))
    }
}

/// Returns the names of the macros that a source may define, and the names that items are given with
/// `as`. Every function of a procedural macro counts.
fn macros_in(text: &str) -> HashSet<&str> {
    let mut names = HashSet::new();
    let is_procedural = has(text, "proc_macro");
    let starts = [
        "macro_rules! ",
        "macro_rules!",
        " as ",
        "proc_macro_derive(",
        " fn ",
        "\nfn ",
    ];
    for start in starts {
        if start.ends_with("fn ") && !is_procedural {
            continue;
        }
        for at in memchr::memmem::find_iter(text.as_bytes(), start) {
            let rest = text[at + start.len()..].trim_start();
            let end = rest.find(|char: char| !char.is_alphanumeric() && char != '_');
            names.insert(&rest[..end.unwrap_or(rest.len())]);
        }
    }
    names.remove("");
    names
}

/// Returns the names of the modules that a line declares.
fn modules_in(line: &str) -> impl Iterator<Item = &str> {
    let names = line.split("mod ").skip(1).map(|rest| {
        let end = rest.find(|char: char| !char.is_alphanumeric() && char != '_');
        &rest[..end.unwrap_or(rest.len())]
    });
    names.filter(|name| !name.is_empty())
}

/// Texts, found by the words that they contain.
#[derive(Default)]
pub(super) struct WordIndex {
    texts: Vec<String>,
    /// The indices of the texts with a word.
    by_word: HashMap<Box<str>, Vec<usize>>,
}

impl WordIndex {
    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(super) fn add(&mut self, text: String) {
        let index = self.texts.len();
        let words: HashSet<&str> = text.split(|char: char| !char.is_alphanumeric()).collect();
        for word in words {
            match self.by_word.get_mut(word) {
                Some(known) => known.push(index),
                None => _ = self.by_word.insert(word.into(), vec![index]),
            }
        }
        self.texts.push(text);
    }

    /// Returns true if a text contains a name, or all words that the name could be built from: see
    /// [`makes_name`].
    pub(super) fn make(&self, name: &str) -> bool {
        let mut runs = name.split(|char: char| !char.is_alphanumeric());
        let first_run = runs.find(|run| !run.is_empty());
        if !name.is_ascii() || first_run.is_none() {
            return self.texts.iter().any(|text| makes_name(text, name));
        }
        let first = [first_run, words_of(name).next()];
        let with_first = first.into_iter().flatten();
        let mut with_first = with_first
            .filter_map(|word| self.by_word.get(word))
            .flatten();
        with_first.any(|&index| makes_name(&self.texts[index], name))
    }
}

/// Returns the name that code uses for a file: `module` for `module.rs` and for `module/mod.rs`.
pub(super) fn own_name(file: &Utf8Path) -> Option<&str> {
    match file.file_stem()? {
        "mod" => file.parent()?.file_name(),
        stem => Some(stem),
    }
}

/// Returns true if a text contains a name as a component of a path in a string literal. The name
/// stands after a quote or a separator, and before a quote, a separator or an extension.
pub(super) fn names_in(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        before.is_some_and(|it| AROUND.contains(&it))
            && after.is_some_and(|it| it == '.' || AROUND.contains(&it))
    })
}

/// Returns true if a text names a file of a package, a directory on the way to the file, or the
/// module that the file would be.
pub(super) fn names_file(text: &str, below: &Utf8Path) -> bool {
    names_of(below).any(|name| names_in(text, name))
        || own_name(below).is_some_and(|module| text.contains(&format!("mod {module}")))
}

/// Returns the names by which a text can name a file of a package: the components of its path, and
/// the name of its module.
fn names_of(below: &Utf8Path) -> impl Iterator<Item = &str> {
    let components = below.iter().filter(|name| !COMMON_NAMES.contains(name));
    components.chain(own_name(below))
}

/// Returns true for a comment, for the declaration of a module, and for an attribute with a literal
/// path of a module or of documentation.
pub(super) fn is_plain(line: &str) -> bool {
    let line = line.trim();
    let is_module = line.ends_with(';')
        && line.split_once("mod ").is_some_and(|(before, name)| {
            let visibility = before.trim_end();
            let is_name = |char: char| char.is_alphanumeric() || char == '_' || char == '#';
            (visibility.is_empty() || visibility.starts_with("pub"))
                && name.trim_end_matches(';').chars().all(is_name)
        });
    let is_attribute = ["#[", "#![", "doc =", "path ="]
        .iter()
        .any(|start| line.starts_with(start));
    let has_literal = ["doc = include_str!(\"", "path = \""]
        .iter()
        .any(|text| line.contains(text));
    line.starts_with("//") || is_module || is_attribute && has_literal
}

/// Returns true if a text contains a name, or all the words that the name could be built from.
pub(super) fn makes_name(text: &str, name: &str) -> bool {
    let words = words_of(name);
    let is_word = |word: &str| {
        has(text, word)
            && text.match_indices(word).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                let after = text[at + word.len()..].chars().next();
                let is_apart = |char: Option<char>| char.is_none_or(|char| !char.is_alphanumeric());
                is_apart(before) && is_apart(after)
            })
    };
    is_word(name) || words.clone().count() > 1 && words.clone().all(is_word)
}

/// Returns the words and numbers of a name: `table` and `12` for `table_12`.
pub(super) fn words_of(name: &str) -> impl Iterator<Item = &str> + Clone {
    let kind = |byte: &u8| {
        let char = char::from(*byte);
        (char.is_ascii_digit(), char.is_alphanumeric())
    };
    name.as_bytes()
        .chunk_by(move |a, b| kind(a) == kind(b))
        .filter_map(|word| std::str::from_utf8(word).ok())
        .filter(|word| word.chars().all(char::is_alphanumeric))
}

/// Returns true if a word of a name is a number.
pub(super) fn is_number(word: &&str) -> bool {
    word.starts_with(|it: char| it.is_ascii_digit())
}

/// Returns each beginning of a part that ends before a dot, and the whole part if it is closed.
fn beginnings(part: &str, is_closed: bool) -> impl Iterator<Item = &str> {
    let dots = part.match_indices('.').map(|(at, _)| at);
    let ends = dots.chain(is_closed.then_some(part.len()));
    ends.map(move |end| &part[..end])
}

/// Returns the path parts of a line of code. URLs are left out, because they are no paths. A file
/// that a crate includes as its own documentation is left out too, because that path leads to a
/// single file.
fn code_parts<'a>(line: &'a str, parts: &PartsOfLine<'a>) -> Vec<&'a str> {
    if line.starts_with("#![") && line.contains("doc = include_str!(\"") {
        return Vec::new();
    }
    let Some(url) = memchr::memmem::find(line.as_bytes(), b"://") else {
        return parts.path_parts().collect();
    };
    // The quotes around the literal with the URL belong to it.
    let (before, after) = (line[..url].rfind('"'), line[url..].find('"'));
    let before = before.map_or("", |quote| &line[..=quote]);
    let after = after.map_or("", |quote| &line[url + quote..]);
    let mut found: Vec<&str> = Vec::new();
    found.extend(
        PartsOfLine::of(before)
            .iter()
            .flat_map(PartsOfLine::path_parts),
    );
    found.extend(
        PartsOfLine::of(after)
            .iter()
            .flat_map(|parts| code_parts(after, parts)),
    );
    found
}

/// Returns true if a text names a variable. Code that builds the name from parts counts too: the
/// text then contains the beginning or the end of the name, split at an underscore.
pub(super) fn names_variable(text: &str, variable: &str) -> bool {
    text.contains(variable)
        || variable.match_indices('_').any(|(at, _)| {
            let (start, end) = (&variable[..at], &variable[at..]);
            ["\"", "_\"", "_{"]
                .iter()
                .any(|after| text.contains(&format!("\"{start}{after}")))
                || ["\"", "}"]
                    .iter()
                    .any(|before| text.contains(&format!("{before}{end}\"")))
        })
}
