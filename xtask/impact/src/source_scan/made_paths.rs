//! Paths that code makes step by step, from a directory that cargo tells it, from its own
//! executable, or from a literal.
//!
//! An expression is followed through its methods, and through the variables of one body that hold
//! it. Where a step is not known, or a function hands the path on, the trail ends: what is found is
//! there, and not all that is there is found.

use std::collections::HashMap;

use cargo_metadata::camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use proc_macro2::{Delimiter, TokenTree};

use super::scoped::Scoped;
use super::shapes::{NEUTRAL, attribute_at};
use super::tokens::{
    is_ident, is_one_of, is_punct, lex, macro_call, name, parenthesised, split_commas,
    string_value, trees,
};

/// Where a path starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathOrigin {
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
    pub origin: PathOrigin,
    /// The line of its start, counted from 1.
    pub line: usize,
    /// What was put behind the start, `..` for each step up; as far as it is known.
    pub path: Utf8PathBuf,
    /// How far above the start it climbs on its way.
    pub climbs: usize,
    /// Whether the code takes the start apart into its directories, by an iterator or by separators.
    pub is_taken_apart: bool,
    /// How many `..` the path begins with.
    above: usize,
    /// The iterator over the start's directories, where the code has one at this step.
    iterator: Option<PathDirectories>,
}

/// An iterator over the directories of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PathDirectories {
    kind: PartKind,
    /// Whether it begins with the last directory.
    is_backward: bool,
    /// How many were taken from the end.
    taken: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartKind {
    /// Of paths, each one directory above the former.
    Ancestors,
    /// Of names.
    Names,
}

impl MadePath {
    /// A step up.
    fn up(&mut self) {
        match self.path.components().next_back() {
            None | Some(Utf8Component::ParentDir) => {
                self.path.push("..");
                self.above += 1;
                self.climbs = self.climbs.max(self.above);
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
                Utf8Component::RootDir if self.origin == PathOrigin::Literal => {
                    self.path.push("/");
                    self.above = 0;
                }
                _ => {}
            }
        }
    }

    /// Takes a directory so many above the last one.
    fn take(&mut self, directories: PathDirectories, above: usize) {
        match directories.kind {
            PartKind::Ancestors => {
                self.iterator = None;
                (0..above.min(MANY)).for_each(|_| self.up());
            }
            PartKind::Names => {
                let depth = self.path.components().count() - self.above;
                self.climbs = self.climbs.max(self.above + above.saturating_sub(depth));
            }
        }
    }
}

/// More directories than a path has.
const MANY: usize = 64;

/// The paths that the code of a file makes from other starts than a literal: each expression that
/// adds a step to one.
pub fn made_paths(text: &str) -> Vec<MadePath> {
    let mut found = paths(text).made;
    found.retain(|it| it.origin != PathOrigin::Literal);
    found
}

/// The paths to which the code of a file writes, by the functions of the standard library, and as
/// code generators are told where to write; each with the function's name.
pub fn written_paths(text: &str) -> Vec<(String, MadePath)> {
    paths(text).written
}

/// The paths that the code of a file reads by the functions of the standard library; nothing for
/// one that the code makes in a way that is not followed.
pub(super) fn read_paths(text: &str) -> Vec<Option<MadePath>> {
    paths(text).read
}

/// The paths below, above and at `CARGO_MANIFEST_DIR` that code makes, wherever it hands them on;
/// each as far as its parts are known. `tokens` are those of the text that are looked at.
pub(super) fn from_manifest_dir(text: &str, tokens: &[TokenTree]) -> Vec<Utf8PathBuf> {
    let mut walker = PathWalker::new(text);
    walker.walk(tokens, &mut PathVariables::new([]));
    let trails = walker.followed.into_iter();
    let trails = trails.filter(|trail| trail.origin == PathOrigin::ManifestDir);
    let is_known = |part: &Utf8Component<'_>| !part.as_str().contains('*');
    trails
        .map(|trail| trail.path.components().take_while(is_known).collect())
        .collect()
}

fn paths(text: &str) -> PathWalker<'_> {
    let mut walker = PathWalker::new(text);
    if let Some(tokens) = lex(text) {
        walker.walk(&trees(tokens), &mut PathVariables::new([]));
    }
    walker
}

type PathVariables = Scoped<MadePath>;

struct PathWalker<'a> {
    /// The lines of the text, those left out that are comments alone, with their numbers.
    lines: Vec<(usize, &'a str)>,
    /// The lines on which each kind of start stands.
    starts: HashMap<&'static str, Vec<usize>>,
    seen: PassedText,
    made: Vec<MadePath>,
    written: Vec<(String, MadePath)>,
    read: Vec<Option<MadePath>>,
    /// Every path that was followed to its last known step.
    followed: Vec<MadePath>,
}

/// What of the text was passed, which leads to the line of what comes next.
#[derive(Default)]
struct PassedText {
    /// How often each kind of start was seen.
    starts: HashMap<&'static str, usize>,
    /// The place in the lines of the last literal.
    literal: usize,
}

/// Functions, behind their `::`, that write to the path that is their first argument.
const WRITERS: [&str; 5] = [
    "write",
    "create",
    "create_new",
    "create_dir",
    "create_dir_all",
];

/// Functions that read the path that is their first argument.
const READERS: [&str; 6] = [
    "copy",
    "open",
    "read",
    "read_dir",
    "read_link",
    "read_to_string",
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

impl<'a> PathWalker<'a> {
    fn new(text: &'a str) -> Self {
        let lines = (1..).zip(text.lines());
        let lines = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
        Self {
            lines: lines.collect(),
            starts: HashMap::new(),
            seen: PassedText::default(),
            made: Vec::new(),
            written: Vec::new(),
            read: Vec::new(),
            followed: Vec::new(),
        }
    }

    fn walk(&mut self, tokens: &[TokenTree], variables: &mut PathVariables) {
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
            self.use_of(before, token, after, variables);
            before = Some(token);
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
                    Delimiter::Brace => self.walk(&tokens, &mut variables.inner()),
                    _ => self.walk(&tokens, variables),
                }
                binds = None;
            } else if !is_path_part(token) {
                binds = None;
            }
            rest = after;
        }
    }

    /// Takes the path that a function reads or writes, where a call of such a one begins here.
    fn use_of(
        &mut self,
        before: Option<&TokenTree>,
        token: &TokenTree,
        after: &[TokenTree],
        variables: &PathVariables,
    ) {
        let (writers, readers) = match before {
            Some(before) if is_punct(before, ':') => (&WRITERS[..], &READERS[..]),
            Some(before) if is_punct(before, '.') => (&WRITING_METHODS[..], &["open"][..]),
            _ => return,
        };
        let Some(called) = name(token) else { return };
        let (writes, reads) = (
            writers.contains(&called.as_str()),
            readers.contains(&called.as_str()),
        );
        let Some(arguments) = after.first().and_then(parenthesised) else {
            return;
        };
        if !writes && !reads {
            return;
        }
        let first = split_commas(&arguments).next().unwrap_or_default();
        // Starts that are seen here are seen once more below, and literals are not.
        let starts = self.seen.starts.clone();
        let trail = self.expression(first, variables, true);
        self.seen.starts = starts;
        match (writes, trail) {
            (true, Some(trail)) => self.written.push((called, trail)),
            (true, None) => {}
            (false, trail) => self.read.push(trail),
        }
    }

    /// A whole expression, such as an argument, as a path.
    fn expression(
        &mut self,
        tokens: &[TokenTree],
        variables: &PathVariables,
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
        variables: &PathVariables,
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
            let mut trail = literals.then(|| self.trail(PathOrigin::Literal, ""))?;
            trail.line = self.line_of_literal(&value);
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
                Some((self.trail(PathOrigin::CurrentExe, "current_exe"), 2))
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
        variables: &PathVariables,
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
            "CARGO_MANIFEST_DIR" => Some(self.trail(PathOrigin::ManifestDir, "CARGO_MANIFEST_DIR")),
            "OUT_DIR" => Some(self.trail(PathOrigin::OutDir, "OUT_DIR")),
            _ => None,
        }
    }

    fn trail(&mut self, origin: PathOrigin, word: &'static str) -> MadePath {
        let line = match origin {
            PathOrigin::Literal => 1,
            _ => self.line_of_start(word),
        };
        MadePath {
            origin,
            line,
            path: Utf8PathBuf::new(),
            climbs: 0,
            is_taken_apart: false,
            above: 0,
            iterator: None,
        }
    }

    /// Returns the line of the next start of a kind.
    fn line_of_start(&mut self, word: &'static str) -> usize {
        let lines = &self.lines;
        let starts = self.starts.entry(word).or_insert_with(|| {
            let found = lines.iter();
            let found = found.flat_map(|(at, line)| line.matches(word).map(move |_| *at));
            found.collect()
        });
        let seen = self.seen.starts.entry(word).or_default();
        *seen += 1;
        starts.get(*seen - 1).copied().unwrap_or(1)
    }

    /// Returns the line of a literal, which stands on the last literal's line or behind that line;
    /// the last one's where it is not near.
    fn line_of_literal(&mut self, value: &str) -> usize {
        /// Lines that are looked through for a literal, since each one may be looked for.
        const NEAR: usize = 2000;
        let first = value.lines().next().unwrap_or_default();
        let rest = self.lines[self.seen.literal..].iter().take(NEAR);
        let found = rest.into_iter().position(|(_, line)| line.contains(first));
        self.seen.literal += found.unwrap_or(0);
        self.lines
            .get(self.seen.literal)
            .map_or(1, |(line, _)| *line)
    }

    /// Follows the methods that are called on a path: how many tokens they take, and whether one of
    /// them is a step; nothing where one leads elsewhere. And whether they changed a variable.
    fn follow(
        &mut self,
        trail: &mut MadePath,
        tokens: &[TokenTree],
        variables: &PathVariables,
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
                    if trail.iterator.is_some() {
                        match self.iterate(trail, &method, &arguments) {
                            Some(is_mutated) => {
                                mutates |= is_mutated;
                                changed |= trail.climbs > 0 || trail.is_taken_apart;
                            }
                            None => return (Some((length, true)), mutates),
                        }
                        continue;
                    }
                    mutates |= ["push", "pop", "set_file_name"].contains(&method.as_str());
                    match method.as_str() {
                        "join" | "push" => {
                            match (literal, self.expression(&arguments, variables, true)) {
                                (Some(part), _) => trail.join(&part),
                                (None, Some(part)) if part.origin == PathOrigin::Literal => {
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
                        "ancestors" | "components" | "iter" => {
                            let kind = match method.as_str() {
                                "ancestors" => PartKind::Ancestors,
                                _ => PartKind::Names,
                            };
                            trail.iterator = Some(PathDirectories {
                                kind,
                                is_backward: kind == PartKind::Ancestors,
                                taken: 0,
                            });
                        }
                        "rsplit" | "split" | "rsplitn" => {
                            trail.iterator = Some(PathDirectories {
                                kind: PartKind::Names,
                                is_backward: method != "split",
                                taken: 0,
                            });
                        }
                        method if TAKE_APART.contains(&method) => {
                            trail.is_taken_apart = true;
                            return (Some((length, true)), mutates);
                        }
                        "and_then" | "map" if !is_conversion(&arguments) => {
                            match self.closure(trail, &arguments, variables) {
                                Some(made) => *trail = made,
                                None => return (None, mutates),
                            }
                            changed |= !trail.path.as_str().is_empty() || trail.climbs > 0;
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

impl PathWalker<'_> {
    /// Follows a method of an iterator over a path's directories: whether it moved the iterator;
    /// nothing where it is not known what it takes.
    fn iterate(&self, trail: &mut MadePath, method: &str, arguments: &[TokenTree]) -> Option<bool> {
        let mut directories = trail.iterator?;
        let number = || match arguments {
            [number] => number.to_string().parse::<usize>().ok(),
            _ => None,
        };
        let step = match (method, directories.is_backward) {
            ("next", true) | ("next_back", false) if directories.kind == PartKind::Names => Some(0),
            ("next", true) => Some(0),
            ("nth", true) | ("nth_back", false) => number(),
            ("last", false) => Some(0),
            ("rev", false) => {
                directories.is_backward = true;
                trail.iterator = Some(directories);
                return Some(false);
            }
            ("skip", true) if number().is_some() => {
                directories.taken += number().unwrap_or_default();
                trail.iterator = Some(directories);
                return Some(false);
            }
            ("as_path", false) => {
                let above = PathDirectories {
                    kind: PartKind::Ancestors,
                    ..directories
                };
                trail.take(above, directories.taken);
                return Some(false);
            }
            ("clone" | "by_ref" | "peekable" | "fuse", _) => return Some(false),
            ("unwrap" | "expect" | "as_os_str" | "to_str" | "to_string_lossy", _) => {
                return Some(false);
            }
            _ => None,
        };
        let Some(step) = step else {
            trail.is_taken_apart = true;
            return None;
        };
        let above = directories.taken + step;
        directories.taken = above + 1;
        trail.iterator = Some(directories);
        trail.take(directories, above);
        Some(true)
    }

    /// The path that a closure, or a function by its name, makes of a path.
    fn closure(
        &mut self,
        trail: &MadePath,
        arguments: &[TokenTree],
        variables: &PathVariables,
    ) -> Option<MadePath> {
        let mut made = trail.clone();
        match arguments {
            [bar, parameter, end, body @ ..] if is_punct(bar, '|') && is_punct(end, '|') => {
                let mut inside = variables.inner();
                inside.insert(name(parameter)?, made);
                self.expression(body, &inside, false)
            }
            // `Path::parent`.
            [.., colon, function] if is_punct(colon, ':') && is_ident(function, "parent") => {
                made.up();
                Some(made)
            }
            _ => None,
        }
    }
}

/// Methods of texts that take a path apart at some directory of it.
const TAKE_APART: [&str; 11] = [
    "find",
    "rfind",
    "rsplit_once",
    "rsplit_terminator",
    "split_at",
    "split_once",
    "split_terminator",
    "splitn",
    "strip_suffix",
    "trim_end_matches",
    "match_indices",
];

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
    // `&'static str` binds nothing.
    if !is_punct(tokens.get(at + 1)?, '=') && !is_punct(tokens.get(at + 1)?, ':') {
        return None;
    }
    let equals = tokens.iter().position(|it| is_punct(it, '='))?;
    let end = tokens.iter().position(|it| is_punct(it, ';'));
    let is_simple = equals == at + 1 || is_punct(tokens.get(at + 1)?, ':');
    (is_simple && end.is_none_or(|end| equals < end)).then_some((variable, equals + 1))
}

#[cfg(test)]
mod tests;
