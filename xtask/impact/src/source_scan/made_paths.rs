//! Paths that code makes step by step, from a directory that cargo provides, from the program's own
//! executable, or from a literal.
//!
//! An expression is followed through its method calls, and through the variables of one body. The
//! trail ends at an unknown step, or if a function passes the path on. So every path found is
//! really made by the code, but some paths are not found.

use std::collections::HashMap;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::scoped::Scoped;
use super::shapes::{NEUTRAL, attribute_at};
use super::token_tree::{Delimiter, TokenTree};
use super::tokens::{
    has, is_ident, is_one_of, is_punct, lex, macro_call, name, parenthesised, split_commas,
    string_value,
};

/// The start of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathOrigin {
    /// The variable `CARGO_MANIFEST_DIR`.
    ManifestDir,
    /// The variable `OUT_DIR`.
    OutDir,
    /// The path of the own executable, `std::env::current_exe()`.
    CurrentExe,
    /// A string literal.
    Literal,
}

/// A path that an expression makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadePath {
    /// The start of the path.
    pub origin: PathOrigin,
    /// The line of the start, counted from 1.
    pub line: usize,
    /// The part that was appended to the start, as far as it is known, with `..` for each step up.
    pub path: Utf8PathBuf,
    /// The maximum number of directories that the path climbs above its start on the way.
    pub climbs: usize,
    /// True if the code splits the start into its directories, by an iterator or by separators.
    pub is_taken_apart: bool,
    /// The number of `..` at the beginning of the path.
    above: usize,
    /// The iterator over the start's directories, if the expression is such an iterator at this
    /// step.
    iterator: Option<PathDirectories>,
}

/// An iterator over the directories of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PathDirectories {
    kind: PartKind,
    /// True if the iterator begins with the last directory.
    is_backward: bool,
    /// The number of directories taken from the end.
    taken: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartKind {
    /// The items are paths. Each path is the parent of the previous path.
    Ancestors,
    /// The items are the names of directories.
    Names,
}

impl MadePath {
    /// Steps up to the parent directory.
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

    /// Appends a path. Each `..` in it is a step up.
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

    /// Takes the directory that is `above` directories above the last one from the iterator.
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

/// A number of directories that no path exceeds.
const MANY: usize = 64;

/// Returns the paths that the code of a file makes from a start that is not a literal: one for each
/// expression that adds a step.
pub fn made_paths(text: &str) -> Vec<MadePath> {
    let mut found = paths(text).made;
    found.retain(|it| it.origin != PathOrigin::Literal);
    found
}

/// Returns the paths that the code of a file writes to, each with the name of the function. The
/// functions are those of the standard library and of code generators.
pub fn written_paths(text: &str) -> Vec<(String, MadePath)> {
    paths(text).written
}

/// Returns the paths that the code of a file reads with the functions of the standard library;
/// `None` for a path that is made in a way that is not followed.
pub(super) fn read_paths(text: &str) -> Vec<Option<MadePath>> {
    paths(text).read
}

/// Returns the paths that code makes from `CARGO_MANIFEST_DIR` and passes on in any way. Each path
/// ends before its first unknown part. `tokens` are the tokens of `text` that are searched.
pub(super) fn from_manifest_dir(text: &str, tokens: &[TokenTree]) -> Vec<Utf8PathBuf> {
    if !has(text, "CARGO_MANIFEST_DIR") {
        return Vec::new();
    }
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
        walker.walk(&tokens, &mut PathVariables::new([]));
    }
    walker
}

type PathVariables = Scoped<MadePath>;

struct PathWalker<'a> {
    /// The lines of the text with their numbers, without lines that are only a comment.
    lines: Vec<(usize, &'a str)>,
    /// The line numbers of each kind of start.
    starts: HashMap<&'static str, Vec<usize>>,
    seen: PassedText,
    made: Vec<MadePath>,
    written: Vec<(String, MadePath)>,
    read: Vec<Option<MadePath>>,
    /// Every path that was followed to its last known step.
    followed: Vec<MadePath>,
}

/// The progress of the walk through the text, from which the line of the next start follows.
#[derive(Default)]
struct PassedText {
    /// The number of starts seen so far, by kind.
    starts: HashMap<&'static str, usize>,
    /// The index in the lines of the last literal.
    literal: usize,
}

/// The functions after `::` that write to the path in their first argument.
const WRITERS: [&str; 5] = [
    "write",
    "create",
    "create_new",
    "create_dir",
    "create_dir_all",
];

/// The functions that read the path in their first argument.
const READERS: [&str; 6] = [
    "copy",
    "open",
    "read",
    "read_dir",
    "read_link",
    "read_to_string",
];

/// The methods of code generators that write to the path in their first argument.
const WRITING_METHODS: [&str; 2] = ["write_to_file", "out_dir"];

/// The further methods that do not change a path. The methods in [`NEUTRAL`] do not change a path
/// either.
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
                // If a variable of this body holds the path, the uses of the variable show where
                // the path goes.
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
                        variables.insert(variable.to_owned(), trail);
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
                let tokens = group.stream();
                match group.delimiter() {
                    Delimiter::Brace => self.walk(tokens, &mut variables.inner()),
                    _ => self.walk(tokens, variables),
                }
                binds = None;
            } else if !is_path_part(token) {
                binds = None;
            }
            rest = after;
        }
    }

    /// Adds the path that a function reads or writes, if a call of such a function begins here.
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
        let (writes, reads) = (writers.contains(&called), readers.contains(&called));
        let Some(arguments) = after.first().and_then(parenthesised) else {
            return;
        };
        if !writes && !reads {
            return;
        }
        let first = split_commas(arguments).next().unwrap_or_default();
        // The walk counts the starts in the arguments again later, so their number is restored. The
        // walk does not see the literals again.
        let starts = self.seen.starts.clone();
        let trail = self.expression(first, variables, true);
        self.seen.starts = starts;
        match (writes, trail) {
            (true, Some(trail)) => self.written.push((called.to_owned(), trail)),
            (true, None) => {}
            (false, trail) => self.read.push(trail),
        }
    }

    /// Returns the path that a whole expression makes, such as an argument. Returns `None` if the
    /// expression is not understood completely.
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

    /// Returns the path that starts here, and the number of tokens of its start.
    fn start(
        &mut self,
        tokens: &[TokenTree],
        variables: &PathVariables,
        literals: bool,
    ) -> Option<(MadePath, usize)> {
        if let Some((called, arguments, length)) = macro_call(tokens) {
            let arguments = arguments.stream();
            return Some((
                self.made_by(&called, arguments, variables, literals)?,
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
            return Some((variables.get(called)?.clone(), 1));
        };
        match called {
            "var" | "var_os" => {
                let named = arguments.first().and_then(string_value)?;
                Some((self.of_variable(&named)?, 2))
            }
            "current_exe" if arguments.is_empty() => {
                Some((self.trail(PathOrigin::CurrentExe, "current_exe"), 2))
            }
            // The call is `Path::new`, `PathBuf::from`, `String::from` or `dunce::canonicalize`.
            "new" | "from" | "canonicalize" => {
                Some((self.expression(arguments, variables, literals)?, 2))
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

    /// Returns the line of the next start of this kind.
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

    /// Returns the line of a literal. Searches from the line of the last literal on. Returns the
    /// line of the last literal if the literal is not near.
    fn line_of_literal(&mut self, value: &str) -> usize {
        /// The maximum number of lines that are searched for a literal, so that a file of many
        /// literals is not searched in quadratic time.
        const NEAR: usize = 2000;
        let first = value.lines().next().unwrap_or_default();
        let rest = self.lines[self.seen.literal..].iter().take(NEAR);
        let found = rest.into_iter().position(|(_, line)| line.contains(first));
        self.seen.literal += found.unwrap_or(0);
        self.lines
            .get(self.seen.literal)
            .map_or(1, |(line, _)| *line)
    }

    /// Follows the method calls on a path. Returns the number of tokens of the calls, with true if
    /// one of them is a step (`None` if a call leads elsewhere), and true if a call changes the
    /// variable that holds the path.
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
                        match self.iterate(trail, method, arguments) {
                            Some(is_mutated) => {
                                mutates |= is_mutated;
                                changed |= trail.climbs > 0 || trail.is_taken_apart;
                            }
                            None => return (Some((length, true)), mutates),
                        }
                        continue;
                    }
                    mutates |= ["push", "pop", "set_file_name"].contains(&method);
                    match method {
                        "join" | "push" => {
                            match (literal, self.expression(arguments, variables, true)) {
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
                            let kind = match method {
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
                        "and_then" | "map" if !is_conversion(arguments) => {
                            match self.closure(trail, arguments, variables) {
                                Some(made) => *trail = made,
                                None => return (None, mutates),
                            }
                            changed |= !trail.path.as_str().is_empty() || trail.climbs > 0;
                        }
                        "map" if is_conversion(arguments) => {}
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
    /// Follows a method of an iterator over the directories of a path. Returns true if the method
    /// moves the iterator, and `None` if it is not known which directory the method takes.
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

    /// Returns the path that a closure makes from a path. A function that is passed by its name
    /// counts as a closure.
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
                inside.insert(name(parameter)?.to_owned(), made);
                self.expression(body, &inside, false)
            }
            // A function that is passed by its name, such as `Path::parent`.
            [.., colon, function] if is_punct(colon, ':') && is_ident(function, "parent") => {
                made.up();
                Some(made)
            }
            _ => None,
        }
    }
}

/// The methods of texts that split a path at one of its directories.
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

/// Returns true if the argument of a `map` is a conversion such as `PathBuf::from` or
/// `PathBuf::into`.
fn is_conversion(arguments: &[TokenTree]) -> bool {
    let mut names = arguments.iter().filter_map(name);
    names
        .next_back()
        .is_some_and(|it| ["from", "into", "new", "to_path_buf", "to_owned"].contains(&it))
        && arguments
            .iter()
            .all(|it| name(it).is_some() || is_punct(it, ':'))
}

/// Returns true if a token may stand before the start of a path without changing the path, as in
/// `&std::env::` or `mut`.
fn is_path_part(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(_) => true,
        token => is_punct(token, ':') || is_punct(token, '&'),
    }
}

/// Returns true if the expression of a `let` ends here.
fn ends(tokens: &[TokenTree]) -> bool {
    let word = tokens.first();
    word.is_none_or(|it| is_punct(it, ';') || is_ident(it, "else"))
}

/// Returns the variable of `mut x: T =`, and the number of tokens up to the equals sign.
fn bound(tokens: &[TokenTree]) -> Option<(String, usize)> {
    let at = usize::from(is_ident(tokens.first()?, "mut"));
    let variable = name(tokens.get(at)?)?.to_owned();
    // The name in a lifetime, as in `&'static str`, is no variable.
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
