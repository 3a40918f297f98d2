//! Paths that code names in its strings and may open at run time.
//!
//! A path in `include!`, `include_str!`, `include_bytes!` or `#[path]` is read by the compiler.
//! Such a path is left out here, unless a macro or a variable makes it. Strings that are no paths
//! do no harm: a path counts only if it leads to the file in question.

mod text;

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::condition;
use super::made_paths::from_manifest_dir;
use super::shapes::{Attribute, NEUTRAL, attribute_at, attribute_parts, made_text};
use super::token_tree::{Delimiter, TokenGroup, TokenStream, TokenTree};
use super::tokens::{
    has, is_ident, is_one_of, is_punct, lex, macro_call, name, parenthesised, string_value,
};
use crate::paths::normalized;

/// The paths that a source file names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTimePaths {
    /// The paths, without those that the compiler reads.
    pub named: BTreeSet<NamedPath>,
    /// The environment variables that the code reads, at compile time or at run time.
    pub variables: BTreeSet<String>,
    /// True if the code lists a directory whose name does not appear at the place of the listing.
    pub lists_directories: bool,
    /// True if the code asks for the root of the workspace or of the repository.
    pub seeks_root: bool,
    /// The names of files and directories in the strings, and `..`. Each name has the first of its
    /// contexts in the order of [`StringContext`], because this context is part of the most builds.
    pub parts: BTreeMap<String, StringContext>,
    /// True if the code calls a method that may step up to a directory above.
    pub steps_up: bool,
    /// The paths of the texts that the compiler includes, as the source writes them. The context is
    /// [`StringContext::Docs`] if the text is included as documentation.
    pub included: BTreeSet<(Utf8PathBuf, StringContext)>,
}

/// A path that a string names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NamedPath {
    /// A relative path. The path is empty for the package's own directory, if the code passes this
    /// directory on unchanged. A `*` stands for a name that is known only at run time; the path
    /// does not end in `*`.
    pub path: Utf8PathBuf,
    /// The directory that the path is relative to.
    pub start: RelativeTo,
    /// The code that contains the string.
    pub code: StringContext,
}

/// The directory that a named path is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RelativeTo {
    /// The package's directory, from `CARGO_MANIFEST_DIR`.
    Package,
    /// An unknown directory: the current directory, or a directory that other code makes.
    Unknown,
}

/// The code that contains a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StringContext {
    /// Code that is part of every build of the file.
    Any,
    /// Code under `cfg(test)` or `#[test]`.
    Test,
    /// Documentation. Its examples are tests.
    Docs,
}

impl RunTimePaths {
    /// Finds the paths that a source file names. A file that does not lex names no paths, because
    /// it does not compile.
    pub fn of(text: &str) -> Self {
        let mut found = Self::default();
        let Some(tokens) = lex(text) else {
            return found;
        };
        let mut read = Read::default();
        let kept = pruned(&tokens, Tests::Left, &mut read);
        found.code(text, &kept, StringContext::Any);
        let tests = std::mem::take(&mut read.tests);
        if !tests.is_empty() {
            // A test may use a variable with a path that other code makes.
            let kept = match has(text, "CARGO_MANIFEST_DIR") {
                true => {
                    read = Read::default();
                    pruned(&tokens, Tests::Taken, &mut read)
                }
                false => pruned(&tests, Tests::Taken, &mut read),
            };
            found.code(text, &kept, StringContext::Test);
        }
        found.included = read.files;
        found.add_docs(&read.docs.join("\n"));
        found
    }

    /// Adds the paths that the examples of a documentation text name.
    pub fn add_docs(&mut self, markdown: &str) {
        for example in text::examples(markdown) {
            match lex(&example) {
                Some(tokens) => self.code(&example, &tokens, StringContext::Docs),
                None => self.add_text(&example, StringContext::Docs),
            }
        }
    }

    /// Adds the paths that a text in another language than Rust names, such as a script.
    pub fn add_text(&mut self, text: &str, code: StringContext) {
        text.lines().for_each(|line| self.text(line, code));
    }

    fn code(&mut self, text: &str, tokens: &[TokenTree], code: StringContext) {
        for path in from_manifest_dir(text, tokens) {
            self.add(&path, RelativeTo::Package, code);
        }
        self.literals(tokens, code);
    }

    /// Returns true if nothing was found in the file: no path, no name, no variable and no search
    /// for a root.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, path: &Utf8Path, start: RelativeTo, code: StringContext) {
        let named = NamedPath {
            path: normalized(path),
            start,
            code: StringContext::Any,
        };
        if code == StringContext::Any || !self.named.contains(&named) {
            self.named.insert(NamedPath { code, ..named });
        }
    }

    fn literals(&mut self, tokens: &[TokenTree], code: StringContext) {
        self.lists_directories |= lists_unnamed(tokens);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            at += 1;
            let is_step = is_punct(token, '.') || is_punct(token, '?');
            if matches!(token, TokenTree::Punct(_)) && !is_step {
                continue;
            }
            if let Some((called, arguments, length)) = macro_call(rest) {
                match called.as_str() {
                    "env" | "option_env" => {
                        self.variables.extend(first_string(arguments));
                        at += length - 1;
                        continue;
                    }
                    "concat" => {
                        self.text(&concatenated(arguments), code);
                        let mut others = arguments.stream().to_vec();
                        others.retain(|token| string_value(token).is_none());
                        self.literals(&others, code);
                        at += length - 1;
                        continue;
                    }
                    _ => {}
                }
            } else if is_step
                && let [_, method, ..] = rest
                && is_one_of(method, &["join", "push"])
                && let Some((path, length)) = joined(rest)
            {
                self.text(&path, code);
                self.arguments(&rest[..length], code);
                at += length - 1;
            } else if let Some(name) = name(token) {
                self.name(name, rest.get(1));
            } else if let Some(text) = string_value(token) {
                self.seeks_root |= ROOTS.contains(&text.as_str());
                self.text(&text, code);
                let before = at.checked_sub(2).map(|before| &tokens[before]);
                if UP.contains(&text.as_str())
                    && before.is_some_and(|it| is_punct(it, '='))
                    && rest.get(1).is_some_and(|it| is_punct(it, ';'))
                {
                    self.add(Utf8Path::new(&text), RelativeTo::Unknown, code);
                }
            } else if let TokenTree::Group(inner) = token {
                let inside = inner.stream();
                let called = at.checked_sub(2).map(|called| &tokens[called]);
                if called.is_some_and(|it| is_one_of(it, &TAKE_PATHS))
                    && let [literal] = &inside[..]
                    && let Some(first) = string_value(literal)
                {
                    if UP.contains(&first.as_str()) {
                        self.add(Utf8Path::new(&first), RelativeTo::Unknown, code);
                    }
                    if let Some((path, length)) = joined(&rest[1..]) {
                        self.text(&first, code);
                        self.text(&format!("{first}/{path}"), code);
                        self.arguments(&rest[1..=length], code);
                        at += length;
                        continue;
                    }
                }
                let parts: Vec<String> = inside.iter().filter_map(string_value).collect();
                if inner.delimiter() == Delimiter::Bracket && parts.len() > 1 {
                    self.text(&parts.join("/"), code);
                }
                self.literals(inside, code);
            }
        }
    }

    /// Adds the meaning of a name in code, given the token behind the name.
    fn name(&mut self, name: &str, after: Option<&TokenTree>) {
        match (name, after) {
            ("var" | "var_os", Some(TokenTree::Group(arguments))) => {
                self.variables.extend(first_string(arguments));
            }
            ("current_dir", Some(arguments))
                if parenthesised(arguments).is_some_and(|it| it.is_empty()) =>
            {
                self.seeks_root = true;
            }
            _ => {
                self.seeks_root |= ROOTS.contains(&name);
                self.steps_up |= STEPS_UP.binary_search(&name).is_ok();
            }
        }
    }

    /// Adds the paths in the arguments of method calls. An argument list that is a single literal
    /// is skipped, because [`joined`] has already read it.
    fn arguments(&mut self, tokens: &[TokenTree], code: StringContext) {
        for token in tokens {
            if let Some(inside) = parenthesised(token) {
                match inside {
                    [TokenTree::Literal(_)] => {}
                    inside => self.literals(inside, code),
                }
            }
        }
    }

    /// Adds the names and the paths in a string. A string without blanks is one path; a command or
    /// prose may contain several paths.
    fn text(&mut self, text: &str, code: StringContext) {
        for part in text::parts(text) {
            let known = self.parts.entry(part).or_insert(code);
            *known = code.min(*known);
        }
        for path in text::paths(text) {
            self.add(&path, RelativeTo::Unknown, code);
        }
    }
}

/// Strings that only step up. Such a string counts only if the code makes a path from it.
const UP: [&str; 4] = ["..", "../", "../..", "../../"];

/// The functions and types that take a path as an argument.
const TAKE_PATHS: [&str; 14] = [
    "new",
    "from",
    "join",
    "push",
    "canonicalize",
    "current_dir",
    "set_current_dir",
    "read_dir",
    "read_dir_utf8",
    "glob",
    "arg",
    "to_path",
    "dir",
    "walk",
];

/// The methods that lead from a path to a path above it, if they are called on a path. The list is
/// sorted.
const STEPS_UP: [&str; 18] = [
    "ancestors",
    "components",
    "iter",
    "parent",
    "pop",
    "replace",
    "replacen",
    "rev",
    "rfind",
    "rsplit",
    "rsplit_once",
    "rsplitn",
    "set_file_name",
    "split_once",
    "strip_suffix",
    "trim_end_matches",
    "truncate",
    "with_file_name",
];

/// The functions and types that list the entries of a directory. The list is sorted.
const LISTING: [&str; 10] = [
    "Walk",
    "WalkBuilder",
    "WalkDir",
    "copy_dir",
    "glob",
    "glob_with",
    "read_dir",
    "read_dir_utf8",
    "walk",
    "walkdir",
];

/// The names and strings in code that asks for the root of a workspace or repository.
const ROOTS: [&str; 3] = ["workspace_root", "--show-toplevel", "locate-project"];

/// The treatment of test code: left out or included.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tests {
    Left,
    Taken,
}

/// The texts that the compiler reads, and the code that is for tests only.
#[derive(Default)]
struct Read {
    /// The items that were left out, each as a group.
    tests: Vec<TokenTree>,
    /// The lines of documentation.
    docs: Vec<String>,
    /// The paths of the texts that are included.
    files: BTreeSet<(Utf8PathBuf, StringContext)>,
}

impl Read {
    /// Adds the path of an included text. Returns false if the path is not known.
    fn include(&mut self, arguments: &TokenGroup, code: StringContext) -> bool {
        let path = made_text(Some(arguments.stream()), Utf8Path::new(""));
        let text = path.as_ref().ok().and_then(Option::as_deref);
        let text = text.map(|it| it.trim_start_matches('/').into());
        self.files.extend(text.map(|text| (text, code)));
        path.is_ok()
    }
}

/// Returns the tokens without the macros and attributes that make the compiler read a text, and
/// without attributes that name no file. Adds the texts that the compiler reads to `read`.
fn pruned(tokens: &[TokenTree], tests: Tests, read: &mut Read) -> Vec<TokenTree> {
    let no_tests = |option: &str, _: Option<&str>| (option == "test").then_some(false);
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = &tokens[at..];
        if let Some((body, length)) = attribute_at(rest) {
            at += length;
            let parts = attribute_parts(body.stream(), false);
            if tests == Tests::Left && condition::leave_out(&parts, &no_tests) {
                at += condition::length(&tokens[at..]);
                let test = rest[..rest.len() - (tokens.len() - at)].iter().cloned();
                let test = TokenGroup::new(Delimiter::None, test.collect());
                read.tests.push(TokenTree::Group(test));
                continue;
            }
            for part in parts {
                kept.extend(pruned_attribute(part, tests, read));
            }
            continue;
        }
        if let Some((called, arguments, length)) = macro_call(rest)
            && ["include", "include_str", "include_bytes"].contains(&called.as_str())
        {
            at += length;
            // A path made by a macro or a variable is kept: no other scan finds it.
            if !read.include(arguments, StringContext::Any) {
                kept.push(TokenTree::Group(arguments.clone()));
            }
            continue;
        }
        at += 1;
        kept.push(match token {
            TokenTree::Group(inner) => {
                let inside = pruned(inner.stream(), tests, read);
                TokenTree::Group(TokenGroup::new(
                    inner.delimiter(),
                    inside.into_iter().collect(),
                ))
            }
            other => other.clone(),
        });
    }
    kept
}

/// Returns the tokens of an attribute, if they may name a file that is opened at run time.
fn pruned_attribute(part: Attribute, tests: Tests, read: &mut Read) -> Option<TokenTree> {
    const READ_BY_COMPILER: [&str; 4] = ["cfg", "path", "deprecated", "expect"];
    if part.is("doc") {
        read.docs
            .extend(part.tokens.iter().filter_map(string_value));
        let called = (0..part.tokens.len()).find_map(|at| macro_call(&part.tokens[at..]));
        if let Some((_, arguments, _)) = called {
            read.include(arguments, StringContext::Docs);
        }
        return None;
    }
    if READ_BY_COMPILER.iter().any(|name| part.is(name)) {
        return None;
    }
    let inside: TokenStream = pruned(&part.tokens, tests, read).into_iter().collect();
    Some(TokenTree::Group(TokenGroup::new(Delimiter::None, inside)))
}

/// Returns the text that `concat!` makes, with a hole `{}` for every argument that is not a
/// literal.
fn concatenated(arguments: &TokenGroup) -> String {
    let tokens = arguments.stream();
    let parts = tokens.split(|token| is_punct(token, ','));
    let texts = parts.map(|part| match part {
        [literal] => string_value(literal).unwrap_or_else(|| "{}".to_owned()),
        _ => "{}".to_owned(),
    });
    texts.collect()
}

/// Returns true if code lists a directory that no string names. A string names the directory if the
/// string stands in the call, or in a variable that the call uses.
fn lists_unnamed(tokens: &[TokenTree]) -> bool {
    let mut named: Vec<String> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some(word) = name(token) else { continue };
        let after = &tokens[at + 1..];
        if word == "let" {
            let end = after.iter().position(|it| is_punct(it, ';'));
            let bound = &after[..end.unwrap_or(after.len())];
            let variable = bound.iter().filter_map(name).find(|it| *it != "mut");
            named.extend(
                variable
                    .filter(|_| holds_name(bound, &[]))
                    .map(str::to_owned),
            );
        }
        if LISTING.binary_search(&word).is_err() {
            continue;
        }
        // The call is `read_dir(x)`, `WalkDir::new(x)` or `x.read_dir()`.
        let arguments = match after {
            [TokenTree::Group(arguments), ..] => arguments,
            [_, _, TokenTree::Ident(_), TokenTree::Group(arguments), ..] => arguments,
            _ => continue,
        };
        let before = match tokens[..at].split_last() {
            Some((dot, receiver)) if is_punct(dot, '.') => &receiver[receiver.len().max(1) - 1..],
            _ => &[],
        };
        let is_named = holds_name(arguments.stream(), &named) || holds_name(before, &named);
        if !is_named {
            return true;
        }
    }
    false
}

/// Returns true if tokens contain a string that names something, or one of these variables.
fn holds_name(tokens: &[TokenTree], variables: &[String]) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Group(inner) => holds_name(inner.stream(), variables),
        TokenTree::Ident(_) => {
            name(token).is_some_and(|it| variables.iter().any(|known| known == it))
        }
        token => string_value(token).is_some_and(|text| {
            text.contains(char::is_alphanumeric) && text != "CARGO_MANIFEST_DIR"
        }),
    })
}

/// Returns the path that `.join("a").join(b)` adds, and the number of tokens. A part that is not a
/// literal becomes a hole `{}`, as in a format.
fn joined(tokens: &[TokenTree]) -> Option<(String, usize)> {
    let mut parts = Vec::new();
    let mut rest = tokens;
    loop {
        match rest {
            [question, after @ ..] if is_punct(question, '?') => rest = after,
            [dot, method, arguments, after @ ..] if is_punct(dot, '.') => {
                let Some(inside) = parenthesised(arguments) else {
                    break;
                };
                if is_one_of(method, &["join", "push"]) {
                    let literal = match inside {
                        [literal] => string_value(literal),
                        _ => None,
                    };
                    parts.push(literal.unwrap_or_else(|| "{}".to_owned()));
                } else if !is_one_of(method, &NEUTRAL) && !is_ident(method, "canonicalize") {
                    break;
                }
                rest = after;
            }
            _ => break,
        }
    }
    let length = tokens.len() - rest.len();
    (!parts.is_empty()).then(|| (parts.join("/"), length))
}

fn first_string(arguments: &TokenGroup) -> Option<String> {
    let arguments = arguments.stream();
    string_value(arguments.first()?)
}

#[cfg(test)]
mod tests;
