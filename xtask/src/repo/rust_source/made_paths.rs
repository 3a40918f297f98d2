//! Paths that code makes step by step, from a directory that cargo tells it, from its own
//! executable, or from a literal.
//!
//! An expression is followed through its methods, and through the variables of one body that hold
//! it. Where a step is not known, or a function hands the path on, the trail ends: what is found is
//! there, and not all that is there is found.

use std::collections::HashMap;

use cargo_metadata::camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use proc_macro2::{Delimiter, TokenTree};

use super::shapes::{NEUTRAL, attribute_at};
use super::tokens::{
    group, is_ident, is_one_of, is_punct, lex, macro_call, name, parenthesised, split_commas,
    string_value, trees,
};

/// Where a path starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// `CARGO_MANIFEST_DIR`.
    ManifestDir,
    /// `OUT_DIR`.
    OutDir,
    /// `std::env::current_exe()`.
    CurrentExe,
    /// A literal.
    Literal,
}

/// A path that an expression makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadePath {
    /// Where it starts.
    pub origin: Origin,
    /// The line of its start, counted from 1.
    pub line: usize,
    /// What was put behind the start, `..` for each step up; as far as it is known.
    pub path: Utf8PathBuf,
    /// How far above the start it climbs on its way.
    pub climbs: usize,
}

impl MadePath {
    /// A step up.
    fn up(&mut self) {
        match self.path.components().next_back() {
            None | Some(Utf8Component::ParentDir) => {
                self.path.push("..");
                self.climbs = self.climbs.max(self.path.components().count());
            }
            Some(_) => _ = self.path.pop(),
        }
    }

    /// Steps down, and up where the path has `..`.
    fn join(&mut self, path: &str) {
        for component in Utf8Path::new(path).components() {
            match component {
                Utf8Component::ParentDir => self.up(),
                Utf8Component::Normal(part) => self.path.push(part),
                Utf8Component::RootDir if self.origin == Origin::Literal => self.path.push("/"),
                _ => {}
            }
        }
    }
}

/// The paths that the code of a file makes from other starts than a literal: each expression that
/// adds a step to one.
pub fn made_paths(text: &str) -> Vec<MadePath> {
    let mut found = paths(text).made;
    found.retain(|it| it.origin != Origin::Literal);
    found
}

/// The paths to which the code of a file writes, by the functions of the standard library, and as
/// code generators are told where to write; each with the function's name.
pub fn written_paths(text: &str) -> Vec<(String, MadePath)> {
    paths(text).written
}

/// The paths below, above and at `CARGO_MANIFEST_DIR` that code makes, wherever it hands them on;
/// each as far as its parts are known. `tokens` are those of the text that are looked at.
pub(super) fn from_manifest_dir(text: &str, tokens: &[TokenTree]) -> Vec<Utf8PathBuf> {
    let mut walker = Walker::new(text);
    walker.walk(tokens, &mut Variables::new());
    let trails = walker.followed.into_iter();
    let trails = trails.filter(|trail| trail.origin == Origin::ManifestDir);
    let is_known = |part: &Utf8Component<'_>| !part.as_str().contains('*');
    trails
        .map(|trail| trail.path.components().take_while(is_known).collect())
        .collect()
}

fn paths(text: &str) -> Walker<'_> {
    let mut walker = Walker::new(text);
    if let Some(tokens) = lex(text) {
        walker.walk(&trees(tokens), &mut Variables::new());
    }
    walker
}

type Variables = HashMap<String, MadePath>;

struct Walker<'a> {
    text: &'a str,
    /// How often each start was seen, which leads to its line.
    seen: HashMap<&'static str, usize>,
    made: Vec<MadePath>,
    written: Vec<(String, MadePath)>,
    /// Every path that was followed to its last known step.
    followed: Vec<MadePath>,
}

/// Functions, behind their `::`, that write to the path that is their first argument.
const WRITERS: [&str; 5] = [
    "write",
    "create",
    "create_new",
    "create_dir",
    "create_dir_all",
];

/// The same as methods, of code generators.
const WRITING_METHODS: [&str; 2] = ["write_to_file", "out_dir"];

/// Methods that leave a path what it is, besides those that do so with a text, too.
const NEUTRAL_TO_PATHS: [&str; 5] = [
    "as_os_str",
    "canonicalize",
    "into_os_string",
    "into_string",
    "ok",
];

impl<'a> Walker<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            seen: HashMap::new(),
            made: Vec::new(),
            written: Vec::new(),
            followed: Vec::new(),
        }
    }

    fn walk(&mut self, tokens: &[TokenTree], variables: &mut Variables) {
        let mut binds: Option<String> = None;
        let mut is_let = false;
        let mut before = None;
        let mut rest = tokens;
        while let [token, after @ ..] = rest {
            if let Some((_, length)) = attribute_at(rest) {
                rest = &rest[length..];
                continue;
            }
            if is_one_of(token, &["let", "const", "static"]) {
                let bound = bound(after);
                is_let = is_ident(token, "let");
                binds = bound.as_ref().map(|(name, _)| name.clone());
                if let Some(name) = &binds {
                    variables.remove(name);
                }
                rest = &after[bound.map_or(0, |(_, length)| length)..];
                continue;
            }
            let writers = match before {
                Some(before) if is_punct(before, ':') => &WRITERS[..],
                Some(before) if is_punct(before, '.') => &WRITING_METHODS,
                _ => &[],
            };
            before = Some(token);
            if let Some(writer) = name(token).filter(|it| writers.contains(&it.as_str()))
                && let Some(arguments) = after.first().and_then(parenthesised)
            {
                let first = split_commas(&arguments).next().unwrap_or_default();
                // What is seen here is seen once more below.
                let seen = self.seen.clone();
                if let Some(trail) = self.expression(first, variables, true) {
                    self.written.push((writer, trail));
                }
                self.seen = seen;
            }
            if let Some((mut trail, length)) = self.start(rest, variables, false) {
                let (steps, mutates) = self.follow(&mut trail, &rest[length..], variables);
                // Where a variable of this body has the path, its uses tell where it goes.
                let is_kept = binds.is_some() && is_let && trail.path.as_str().is_empty();
                if !is_kept {
                    self.followed.push(trail.clone());
                }
                if steps.is_some_and(|(_, changed)| changed) {
                    self.made.push(trail.clone());
                }
                let consumed = length + steps.map_or(0, |(length, _)| length);
                match (name(token), binds.take()) {
                    (Some(variable), _) if mutates => {
                        variables.insert(variable, trail);
                    }
                    (_, Some(bound)) if ends(&rest[consumed..]) => {
                        variables.insert(bound, trail);
                    }
                    _ => {}
                }
                rest = &rest[consumed..];
                continue;
            }
            if let TokenTree::Group(group) = token {
                let tokens = trees(group.stream());
                match group.delimiter() {
                    Delimiter::Brace => self.walk(&tokens, &mut variables.clone()),
                    _ => self.walk(&tokens, variables),
                }
                binds = None;
            } else if !is_path_part(token) {
                binds = None;
            }
            rest = after;
        }
    }

    /// A whole expression, such as an argument, as a path.
    fn expression(
        &mut self,
        tokens: &[TokenTree],
        variables: &Variables,
        literals: bool,
    ) -> Option<MadePath> {
        let mut rest = tokens;
        loop {
            if let Some((mut trail, length)) = self.start(rest, variables, literals) {
                let (steps, _) = self.follow(&mut trail, &rest[length..], variables);
                let whole = steps.is_some_and(|(steps, _)| length + steps == rest.len());
                return whole.then_some(trail);
            }
            let (token, after) = rest.split_first()?;
            if !is_path_part(token) {
                return None;
            }
            rest = after;
        }
    }

    /// The path that starts here, and how many tokens that takes.
    fn start(
        &mut self,
        tokens: &[TokenTree],
        variables: &Variables,
        literals: bool,
    ) -> Option<(MadePath, usize)> {
        if let Some((called, arguments, length)) = macro_call(tokens) {
            let arguments = trees(arguments.stream());
            return Some((
                self.made_by(&called, &arguments, variables, literals)?,
                length,
            ));
        }
        let first = tokens.first()?;
        if let Some(value) = string_value(first) {
            let mut trail = literals.then(|| self.trail(Origin::Literal, ""))?;
            trail.line = self.line(&value, 0);
            trail.join(&value);
            return Some((trail, 1));
        }
        let called = name(first)?;
        let Some(arguments) = tokens.get(1).and_then(parenthesised) else {
            return Some((variables.get(&called)?.clone(), 1));
        };
        match called.as_str() {
            "var" | "var_os" => {
                let named = arguments.first().and_then(string_value)?;
                Some((self.of_variable(&named)?, 2))
            }
            "current_exe" if arguments.is_empty() => {
                Some((self.trail(Origin::CurrentExe, "current_exe"), 2))
            }
            // `Path::new`, `PathBuf::from`, `String::from`, `dunce::canonicalize`.
            "new" | "from" | "canonicalize" => {
                Some((self.expression(&arguments, variables, literals)?, 2))
            }
            _ => None,
        }
    }

    fn made_by(
        &mut self,
        called: &str,
        arguments: &[TokenTree],
        variables: &Variables,
        literals: bool,
    ) -> Option<MadePath> {
        let mut parts = split_commas(arguments);
        let first = parts.next()?;
        match called {
            "env" => self.of_variable(&string_value(first.first()?)?),
            "concat" => {
                let mut trail = self.expression(first, variables, literals)?;
                let texts = parts.map(|part| string_value(part.first()?));
                trail.join(&texts.map_while(|it| it).collect::<String>());
                Some(trail)
            }
            "format" => {
                let format = string_value(first.first()?)?;
                let (hole, behind) = format.strip_prefix('{')?.split_once('}')?;
                let mut trail = match hole.trim_end_matches(":?") {
                    "" => self.expression(parts.next()?, variables, literals)?,
                    variable => variables.get(variable)?.clone(),
                };
                trail.join(behind.split('{').next().unwrap_or_default());
                Some(trail)
            }
            _ => None,
        }
    }

    fn of_variable(&mut self, named: &str) -> Option<MadePath> {
        match named {
            "CARGO_MANIFEST_DIR" => Some(self.trail(Origin::ManifestDir, "CARGO_MANIFEST_DIR")),
            "OUT_DIR" => Some(self.trail(Origin::OutDir, "OUT_DIR")),
            _ => None,
        }
    }

    fn trail(&mut self, origin: Origin, word: &'static str) -> MadePath {
        let seen = self.seen.entry(word).or_default();
        *seen += 1;
        let seen = *seen;
        MadePath {
            origin,
            line: self.line(word, seen - 1),
            path: Utf8PathBuf::new(),
            climbs: 0,
        }
    }

    /// The line of a word's occurrence in code, not in a comment that has a line of its own.
    fn line(&self, word: &str, occurrence: usize) -> usize {
        let lines = self.text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
        let first = word.lines().next().unwrap_or_default();
        let mut found = lines.flat_map(|(at, line)| line.matches(first).map(move |_| at + 1));
        found.nth(occurrence).unwrap_or(1)
    }

    /// Follows the methods that are called on a path: how many tokens they take, and whether one of
    /// them is a step; nothing where one leads elsewhere. And whether they changed a variable.
    fn follow(
        &mut self,
        trail: &mut MadePath,
        tokens: &[TokenTree],
        variables: &Variables,
    ) -> (Option<(usize, bool)>, bool) {
        let (mut length, mut changed, mut mutates) = (0, !trail.path.as_str().is_empty(), false);
        loop {
            let rest = &tokens[length..];
            match rest {
                [question, ..] if is_punct(question, '?') => length += 1,
                [dot, method, arguments, ..] if is_punct(dot, '.') => {
                    let (Some(method), Some(arguments)) = (name(method), parenthesised(arguments))
                    else {
                        return (Some((length, changed)), mutates);
                    };
                    let literal = arguments.first().and_then(string_value);
                    length += 3;
                    mutates |= ["push", "pop", "set_file_name"].contains(&method.as_str());
                    match method.as_str() {
                        "join" | "push" => {
                            match (literal, self.expression(&arguments, variables, true)) {
                                (Some(part), _) => trail.join(&part),
                                (None, Some(part)) if part.origin == Origin::Literal => {
                                    trail.join(part.path.as_str());
                                }
                                _ => trail.path.push("*"),
                            }
                            changed = true;
                        }
                        "parent" | "pop" => {
                            trail.up();
                            changed = true;
                        }
                        "with_file_name" | "set_file_name" => {
                            trail.up();
                            trail.join(&literal.unwrap_or_else(|| "*".to_owned()));
                            changed = true;
                        }
                        "ancestors" => {
                            let [dot, nth, number, ..] = &tokens[length..] else {
                                return (None, mutates);
                            };
                            let number = group(number, Delimiter::Parenthesis);
                            let number = number.map(|it| it.stream().to_string());
                            let number = number.and_then(|it| it.parse::<usize>().ok());
                            let (true, true, Some(number)) =
                                (is_punct(dot, '.'), is_ident(nth, "nth"), number)
                            else {
                                // As a search for a name; where it ends is not known.
                                trail.up();
                                return (Some((length, true)), mutates);
                            };
                            length += 3;
                            (0..number).for_each(|_| trail.up());
                            changed = true;
                        }
                        "map" if is_conversion(&arguments) => {}
                        method if NEUTRAL.contains(&method) => {}
                        method if NEUTRAL_TO_PATHS.contains(&method) => {}
                        _ => return (None, mutates),
                    }
                }
                _ => return (Some((length, changed)), mutates),
            }
        }
    }
}

/// `PathBuf::from`, `PathBuf::into` and their like, as an argument of `map`.
fn is_conversion(arguments: &[TokenTree]) -> bool {
    let mut names = arguments.iter().filter_map(name);
    names
        .next_back()
        .is_some_and(|it| ["from", "into", "new", "to_path_buf", "to_owned"].contains(&it.as_str()))
        && arguments
            .iter()
            .all(|it| name(it).is_some() || is_punct(it, ':'))
}

/// What may stand before a path's start without changing it: `&std::env::`, `mut`.
fn is_path_part(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(_) => true,
        token => is_punct(token, ':') || is_punct(token, '&'),
    }
}

/// Whether a bound expression ends here.
fn ends(tokens: &[TokenTree]) -> bool {
    let word = tokens.first();
    word.is_none_or(|it| is_punct(it, ';') || is_ident(it, "else"))
}

/// The variable of `mut x: T =`, and how many tokens that takes.
fn bound(tokens: &[TokenTree]) -> Option<(String, usize)> {
    let at = usize::from(is_ident(tokens.first()?, "mut"));
    let variable = name(tokens.get(at)?)?;
    let equals = tokens.iter().position(|it| is_punct(it, '='))?;
    let end = tokens.iter().position(|it| is_punct(it, ';'));
    let is_simple = equals == at + 1 || is_punct(tokens.get(at + 1)?, ':');
    (is_simple && end.is_none_or(|end| equals < end)).then_some((variable, equals + 1))
}

#[cfg(test)]
mod tests;
