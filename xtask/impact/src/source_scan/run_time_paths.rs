//! Paths that code names in its strings and may open at run time.
//!
//! A path in `include!`, `include_str!`, `include_bytes!` or `#[path]` is read by the compiler.
//! Such a path is left out here, unless a macro or a variable makes it. Strings that are no paths
//! do no harm: a path counts only if it leads to the file in question.

use std::collections::BTreeSet;

use cargo_metadata::camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use serde::{Deserialize, Serialize};

use super::condition;
use super::made_paths::from_manifest_dir;
use super::shapes::{Attribute, attribute_at, attribute_parts, made_text};
use super::tokens::{
    is_one_of, is_punct, lex, macro_call, name, parenthesised, string_value, trees,
};
use crate::paths::normalized;

/// The paths that a source file names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTimePaths {
    /// The paths, without those that the compiler reads.
    pub named: BTreeSet<NamedPath>,
    /// The environment variables that the code reads, at compile time or at run time.
    pub variables: BTreeSet<String>,
    /// True if the code lists a directory whose name does not appear where the code lists it.
    pub lists_directories: bool,
    /// True if the code asks for the root of the workspace or of the repository.
    pub seeks_root: bool,
}

/// A path that a string names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NamedPath {
    /// The relative path. Empty if the code passes on the package's directory itself. A path ends
    /// before the first part that is known only at run time.
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
        let tokens = trees(tokens);
        let mut docs = Vec::new();
        for tests in [Tests::Left, Tests::Taken] {
            docs.clear();
            let code = match tests {
                Tests::Left => StringContext::Any,
                Tests::Taken => StringContext::Test,
            };
            let kept = pruned(&tokens, tests, &mut docs);
            for path in from_manifest_dir(text, &kept) {
                found.add(&path, RelativeTo::Package, code);
            }
            found.literals(&kept, code);
        }
        for example in docs {
            for literal in example.split('"').skip(1).step_by(2) {
                found.text(literal, StringContext::Docs);
            }
        }
        found
    }

    /// Returns true if the file names no path and no variable, and does not ask for a root.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.variables.is_empty() && !self.seeks_root
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
            if let Some((called, arguments, length)) = macro_call(rest) {
                match called.as_str() {
                    "env" | "option_env" => {
                        self.variables.extend(first_string(arguments));
                        at += length - 1;
                        continue;
                    }
                    "concat" => {
                        self.text(&concatenated(arguments), code);
                        let mut others = trees(arguments.stream());
                        others.retain(|token| string_value(token).is_none());
                        self.literals(&others, code);
                        at += length - 1;
                        continue;
                    }
                    _ => {}
                }
            } else if let Some((path, length)) = joined(rest) {
                self.text(&path, code);
                at += length - 1;
            } else if is_one_of(token, &["var", "var_os"]) {
                if let [TokenTree::Group(arguments), ..] = &rest[1..] {
                    self.variables.extend(first_string(arguments));
                }
            } else if let [function, arguments, ..] = rest
                && is_one_of(function, &["current_dir"])
                && parenthesised(arguments).is_some_and(|it| it.is_empty())
            {
                self.seeks_root = true;
            } else if let Some(name) = name(token) {
                self.seeks_root |= ROOTS.contains(&name.as_str());
            } else if let Some(text) = string_value(token) {
                self.seeks_root |= ROOTS.contains(&text.as_str());
                self.text(&text, code);
            } else if let TokenTree::Group(inner) = token {
                let inside = trees(inner.stream());
                let parts: Vec<String> = inside.iter().filter_map(string_value).collect();
                if inner.delimiter() == Delimiter::Bracket && parts.len() > 1 {
                    self.text(&parts.join("/"), code);
                }
                self.literals(&inside, code);
            }
        }
    }

    /// Adds the paths in a string: the whole string, or the parts after the holes of a format.
    fn text(&mut self, text: &str, code: StringContext) {
        if text.contains(['\n', '\0']) || text.contains("://") {
            return;
        }
        // A string with blanks is prose or a command. In such a string only a word with `../` is
        // certainly a path.
        let is_path = !text.contains(char::is_whitespace);
        for word in text.split_whitespace() {
            if !is_path && !word.contains("../") {
                continue;
            }
            let mut parts = word.split('{').peekable();
            let mut is_first = true;
            while let Some(part) = parts.next() {
                let behind = match part.split_once('}') {
                    // The end of a file name, as in `{name}.json`.
                    Some((_, behind)) if !is_first && !behind.contains('/') => "",
                    Some((_, behind)) if !is_first => behind,
                    _ => part,
                };
                is_first = false;
                let ends_in_hole = parts.peek().is_some();
                if let Some(path) = known_part(behind, ends_in_hole) {
                    self.add(&path, RelativeTo::Unknown, code);
                }
            }
        }
    }
}

/// The functions and types that list the entries of a directory.
const LISTING: [&str; 10] = [
    "read_dir",
    "read_dir_utf8",
    "glob",
    "glob_with",
    "walk",
    "walkdir",
    "Walk",
    "WalkBuilder",
    "WalkDir",
    "copy_dir",
];

/// The names and strings in code that asks for the root of a workspace or repository.
const ROOTS: [&str; 3] = ["workspace_root", "--show-toplevel", "locate-project"];

/// The way in which code of tests is treated: left out or included.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tests {
    Left,
    Taken,
}

/// Returns the tokens without the paths that the compiler reads, and without attributes that name
/// no file. Adds the texts of documentation to `docs`.
fn pruned(tokens: &[TokenTree], tests: Tests, docs: &mut Vec<String>) -> Vec<TokenTree> {
    let no_tests = |option: &str, _: Option<&str>| (option == "test").then_some(false);
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = &tokens[at..];
        if let Some((body, length)) = attribute_at(rest) {
            at += length;
            let parts = attribute_parts(trees(body.stream()), false);
            if tests == Tests::Left && condition::leave_out(&parts, &no_tests) {
                at += condition::length(&tokens[at..]);
                continue;
            }
            for part in parts {
                kept.extend(pruned_attribute(part, tests, docs));
            }
            continue;
        }
        if let Some((called, arguments, length)) = macro_call(rest)
            && ["include", "include_str", "include_bytes"].contains(&called.as_str())
        {
            at += length;
            // A path made by a macro or a variable is kept: no other scan finds it.
            let inside = trees(arguments.stream());
            if made_text(Some(&inside), Utf8Path::new("")).is_err() {
                kept.push(TokenTree::Group(arguments.clone()));
            }
            continue;
        }
        at += 1;
        kept.push(match token {
            TokenTree::Group(inner) => {
                let inside = pruned(&trees(inner.stream()), tests, docs);
                TokenTree::Group(Group::new(inner.delimiter(), inside.into_iter().collect()))
            }
            other => other.clone(),
        });
    }
    kept
}

/// Returns the tokens of an attribute, if they may name a file that is opened at run time.
fn pruned_attribute(part: Attribute, tests: Tests, docs: &mut Vec<String>) -> Option<TokenTree> {
    const READ_BY_COMPILER: [&str; 4] = ["cfg", "path", "deprecated", "expect"];
    if part.is("doc") {
        docs.extend(part.tokens.iter().filter_map(string_value));
        return None;
    }
    if READ_BY_COMPILER.iter().any(|name| part.is(name)) {
        return None;
    }
    let inside: TokenStream = pruned(&part.tokens, tests, docs).into_iter().collect();
    Some(TokenTree::Group(Group::new(Delimiter::None, inside)))
}

/// Returns the known part of a path, made relative. If an unknown part follows, the result ends at
/// the last directory before it.
fn known_part(part: &str, ends_in_hole: bool) -> Option<Utf8PathBuf> {
    // The value of an instruction to cargo or of an option, after `=`.
    let part = part.rsplit('=').next()?;
    // The path after a shell variable, as in `$CARGO_MANIFEST_DIR/data`.
    let part = match part.strip_prefix('$') {
        Some(variable) => variable.split_once('/')?.1,
        None => part,
    };
    let pattern = part.find(['*', '?', '[']);
    let known = &part[..pattern.unwrap_or(part.len())];
    let known = match ends_in_hole || pattern.is_some() {
        true => known.rsplit_once('/')?.0,
        false => known,
    };
    let known = known.trim_start_matches('/');
    let is_name = |it: char| it.is_alphanumeric() || "._-+@~/\\".contains(it);
    let path = normalized(Utf8Path::new(known));
    let is_some = path
        .components()
        .any(|it| !matches!(it, Utf8Component::CurDir));
    (is_some && known.len() < 300 && known.chars().all(is_name)).then_some(path)
}

/// Returns the text that `concat!` makes, with a hole `{}` for every argument that is not a
/// literal.
fn concatenated(arguments: &Group) -> String {
    let tokens = trees(arguments.stream());
    let parts = tokens.split(|token| is_punct(token, ','));
    let texts = parts.map(|part| match part {
        [literal] => string_value(literal).unwrap_or_else(|| "{}".to_owned()),
        _ => "{}".to_owned(),
    });
    texts.collect()
}

/// Returns true if code lists a directory without naming it: no string names the directory in the
/// call, or in the variable that is passed to the call.
fn lists_unnamed(tokens: &[TokenTree]) -> bool {
    let mut named: Vec<String> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let after = &tokens[at + 1..];
        if is_one_of(token, &["let"]) {
            let end = after.iter().position(|it| is_punct(it, ';'));
            let bound = &after[..end.unwrap_or(after.len())];
            let variable = bound.iter().filter_map(name).find(|it| it != "mut");
            named.extend(variable.filter(|_| holds_name(bound, &[])));
        }
        if !name(token).is_some_and(|it| LISTING.contains(&it.as_str())) {
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
        let is_named = holds_name(&trees(arguments.stream()), &named) || holds_name(before, &named);
        if !is_named {
            return true;
        }
    }
    false
}

/// Returns true if tokens contain a string that names something, or one of these variables.
fn holds_name(tokens: &[TokenTree], variables: &[String]) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Group(inner) => holds_name(&trees(inner.stream()), variables),
        TokenTree::Ident(_) => name(token).is_some_and(|it| variables.contains(&it)),
        token => string_value(token).is_some_and(|text| {
            text.contains(char::is_alphanumeric) && text != "CARGO_MANIFEST_DIR"
        }),
    })
}

/// Returns the path that `.join("a").join("b")` appends, and the number of tokens of these calls.
fn joined(tokens: &[TokenTree]) -> Option<(String, usize)> {
    let mut parts = Vec::new();
    let mut rest = tokens;
    while let [dot, method, arguments, after @ ..] = rest
        && is_punct(dot, '.')
        && is_one_of(method, &["join", "push"])
        && let Some([literal]) = parenthesised(arguments).as_deref()
        && let Some(part) = string_value(literal)
    {
        parts.push(part);
        rest = after;
    }
    let length = tokens.len() - rest.len();
    (length > 0).then(|| (parts.join("/"), length))
}

fn first_string(arguments: &Group) -> Option<String> {
    let arguments = trees(arguments.stream());
    string_value(arguments.first()?)
}

#[cfg(test)]
mod tests;
