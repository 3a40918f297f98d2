//! The texts that a build script prints in every run. They are printed by literals in `main`, and
//! in the functions of the script and of its libraries that `main` calls. A text is not certain under a condition, in a
//! loop that may have no items, or after code that may end the script early.

use std::collections::HashMap;

use super::functions::Function;
use super::names::{Names, Statement, ends_statement};
use super::token_tree::{Delimiter, TokenGroup, TokenStream, TokenTree};
use super::tokens::{before, group, is_ident, is_one_of, is_punct, macro_call, name, split_commas};

/// Returns the texts that a script certainly prints. `files` are the files of the script, the root
/// first. `libraries` are the libraries that the script may call, by the names of their crates.
pub(super) fn printed_for_certain<'a>(
    files: &[TokenStream],
    libraries: impl Iterator<Item = (&'a str, &'a [TokenStream])>,
    names: &Names<'_>,
) -> Vec<String> {
    let mut of_root = HashMap::new();
    let root = files.first().cloned();
    functions_in(&root.unwrap_or_default(), false, &mut of_root);
    let main = of_root.remove("main").flatten();
    let mut walker = CertainWalker {
        crates: vec![CertainCrate::of("", files)],
        inside: 0,
        constants: names,
        texts: Vec::new(),
    };
    let libraries = libraries.map(|(name, files)| CertainCrate::of(name, files));
    walker.crates.extend(libraries);
    if let Some(main) = main {
        walker.walk(&main.body, names.inner());
    }
    walker.texts
}

/// The functions of a build script or of a library that the script may call.
struct CertainCrate {
    /// The name of the library; empty for the script.
    name: String,
    /// The functions that have not been called yet.
    functions: CertainFunctions,
    /// The names in each `use`, the name of the used crate first.
    uses: Vec<Vec<String>>,
}

impl CertainCrate {
    fn of(name: &str, files: &[TokenStream]) -> Self {
        let mut functions = HashMap::new();
        let mut uses = Vec::new();
        for tokens in files {
            functions_in(tokens, true, &mut functions);
            uses_in(tokens, &mut uses);
        }
        Self {
            name: name.to_owned(),
            functions,
            uses,
        }
    }

    /// Returns true if the crate imports a function of another crate by name.
    fn uses(&self, other: &str, function: &str) -> bool {
        let mut uses = self.uses.iter();
        uses.any(|it| {
            it.first().is_some_and(|it| it == other) && it.iter().any(|it| it == function)
        })
    }
}

/// Collects the names in each `use` of `tokens` that renames nothing.
fn uses_in(tokens: &[TokenTree], uses: &mut Vec<Vec<String>>) {
    for (at, token) in tokens.iter().enumerate() {
        if is_ident(token, "use") {
            let mut names = Vec::new();
            names_in(before(&tokens[at + 1..], ';'), &mut names);
            if !names.iter().any(|name| name == "as") {
                uses.push(names);
            }
        } else if let TokenTree::Group(inner) = token {
            uses_in(inner.stream(), uses);
        }
    }
}

fn names_in(tokens: &[TokenTree], names: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => names_in(group.stream(), names),
            token => names.extend(name(token).map(str::to_owned)),
        }
    }
}

/// The functions and closures by name; `None` for a name with several functions or with a
/// condition.
type CertainFunctions = HashMap<String, Option<Function>>;

/// Collects the functions in `tokens`. With `deep`, also the functions in its modules and
/// functions.
fn functions_in(tokens: &[TokenTree], deep: bool, functions: &mut CertainFunctions) {
    let mut start = 0;
    let mut is_of_methods = false;
    for (at, token) in tokens.iter().enumerate() {
        if is_punct(token, ';') {
            (start, is_of_methods) = (at + 1, false);
        }
        is_of_methods |= is_one_of(token, &["impl", "trait"]);
        if let Some((called, closure, _)) = Function::bound(&tokens[at..]) {
            let has_attribute = at > start;
            let known = functions.entry(called);
            known
                .and_modify(|function| *function = None)
                .or_insert_with(|| (!has_attribute).then_some(closure));
        }
        let TokenTree::Group(body) = token else {
            continue;
        };
        let item = &tokens[start..at];
        // Methods are left out: the name of a method does not identify the method.
        if deep && !is_of_methods {
            functions_in(body.stream(), deep, functions);
        }
        if body.delimiter() != Delimiter::Brace {
            continue;
        }
        (start, is_of_methods) = (at + 1, false);
        let declared = item.iter().position(|it| is_ident(it, "fn"));
        let declared = declared.and_then(|it| Function::declared(&tokens[at - item.len() + it..]));
        if let Some((called, function)) = declared {
            let has_condition = |it: &TokenTree| {
                let attribute = group(it, Delimiter::Bracket);
                let first = attribute.and_then(|it| it.stream().first());
                first.is_some_and(|it| is_one_of(it, &["cfg", "cfg_attr"]))
            };
            let is_plain = !item.iter().any(has_condition);
            let known = functions.entry(called);
            known
                .and_modify(|function| *function = None)
                .or_insert_with(|| is_plain.then_some(function));
        }
    }
}

/// The words that leave a function early without a failure.
const LEAVE: &[&str] = &["return", "exit"];

struct CertainWalker<'a> {
    /// The script, then the libraries.
    crates: Vec<CertainCrate>,
    /// The index of the crate that the walk is inside of.
    inside: usize,
    constants: &'a Names<'a>,
    texts: Vec<String>,
}

impl CertainWalker<'_> {
    /// Collects the texts that a block certainly prints. Returns true if the block certainly runs
    /// to its end.
    fn walk(&mut self, tokens: &[TokenTree], mut names: Names<'_>) -> bool {
        let mut statement = Statement::new(&names);
        let (mut at, mut passed, mut lets) = (0, 0, Vec::new());
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            while passed < at {
                statement.pass(&tokens[passed]);
                passed += 1;
                if ends_statement(&tokens[..passed], tokens.get(passed)) {
                    // End the statement's scope first: while it is open, each `let` adds another.
                    drop(statement);
                    for at in lets.drain(..) {
                        names.bind(&tokens[..at], &tokens[at + 1..]);
                    }
                    statement = Statement::new(&names);
                }
            }
            at += 1;
            let is = |word| is_ident(token, word);
            if is_one_of(token, LEAVE) {
                return false;
            } else if is("fn") {
                at += conditional(rest) - 1;
            } else if is_punct(token, '#')
                || is_one_of(token, &["if", "match", "while"])
                || is("for") && !statement.names().has_some(looped(rest))
                || (is_one_of(token, &["for", "loop"]) || is_punct(token, '\''))
                    && holds(&rest[..conditional(rest)], &["break", "continue"])
            {
                let length = conditional(rest);
                let condition = &rest[1..length];
                let decided = condition
                    .iter()
                    .position(|it| braced(it).is_some() || is_punct(it, '&') || is_punct(it, '|'));
                // A condition is always evaluated up to its first `&`, `|` or block.
                let is_attribute = is_punct(token, '#');
                if let (Some(end), false) = (decided, is_attribute)
                    && !self.walk(
                        &condition[..end],
                        statement.names().behind(&condition[..end]),
                    )
                {
                    return false;
                }
                if holds(&rest[..length], LEAVE) {
                    return false;
                }
                at += length - 1;
            } else if is_punct(token, '|')
                || is_punct(token, '&') && rest.get(1).is_some_and(|it| is_punct(it, '&'))
            {
                // A closure may never be called, and the operand after `&&` or `||` may never be
                // evaluated.
                let rest = before(rest, ';');
                if holds(rest, LEAVE) {
                    return false;
                }
                at += rest.len() - 1;
            } else if is("let") {
                lets.push(at - 1);
            } else if let Some((called, arguments, length)) = macro_call(rest) {
                if ["println", "print"].contains(&called.as_str()) {
                    let arguments = arguments.stream();
                    let arguments: Vec<&[TokenTree]> = split_commas(arguments).collect();
                    self.texts.extend(statement.names().formatted(&arguments));
                }
                at += length - 1;
            } else if let TokenTree::Group(inner) = token {
                let inner = inner.stream();
                // A closure may never be called.
                let is_closure = inner.iter().any(|it| is_punct(it, '|'));
                if !is_closure && !self.walk(inner, statement.names().inner()) {
                    return false;
                }
            } else if let Some(called) = name(token)
                && let Some(TokenTree::Group(arguments)) = rest.get(1)
                && arguments.delimiter() == Delimiter::Parenthesis
                && let Some((of, function)) = self.function(&tokens[..at - 1], called)
            {
                let arguments = arguments.stream();
                let names = function.entered(arguments, statement.names(), self.constants);
                let outside = std::mem::replace(&mut self.inside, of);
                self.walk(&function.body, names);
                self.inside = outside;
            }
        }
        true
    }

    /// Takes the function that a call means, with the index of its crate. `before` are the tokens
    /// before the name of the function.
    fn function(&mut self, before: &[TokenTree], called: &str) -> Option<(usize, Function)> {
        let path = path_before(before);
        let libraries = self.crates.iter().enumerate().skip(1);
        let mut libraries = libraries.filter(|(at, _)| *at != self.inside);
        let here = &self.crates[self.inside];
        let of = match path.first() {
            Some(first) => libraries.find(|(_, library)| library.name == *first),
            None => libraries.find(|(_, library)| here.uses(&library.name, called)),
        };
        let of = of.map_or(self.inside, |(at, _)| at);
        let function = self.crates[of].functions.get_mut(called);
        Some((of, function.and_then(Option::take)?))
    }
}

/// Returns the segments of the path that ends before a name: `a` and `b` for `a::b::`.
fn path_before(mut tokens: &[TokenTree]) -> Vec<String> {
    let mut path = Vec::new();
    while let [before @ .., segment, colon, second] = tokens
        && is_punct(colon, ':')
        && is_punct(second, ':')
        && let Some(segment) = name(segment)
    {
        path.insert(0, segment.to_owned());
        tokens = before;
    }
    path
}

/// Returns the number of tokens of a statement under a condition: up to its last braces or to its
/// end.
fn conditional(tokens: &[TokenTree]) -> usize {
    let mut at = 1;
    while let Some(token) = tokens.get(at) {
        at += 1;
        if is_punct(token, ';') {
            break;
        }
        let goes_on = tokens.get(at).is_some_and(|next| is_ident(next, "else"));
        if braced(token).is_some() && !goes_on {
            break;
        }
    }
    at.min(tokens.len())
}

/// Returns the expression that a loop iterates over.
fn looped(tokens: &[TokenTree]) -> &[TokenTree] {
    let tokens = &tokens[..conditional(tokens) - 1];
    let over = tokens.iter().position(|it| is_ident(it, "in"));
    over.map_or(&[], |over| &tokens[over + 1..])
}

/// Returns true if the tokens contain one of these words.
fn holds(tokens: &[TokenTree], words: &[&str]) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Group(group) => holds(group.stream(), words),
        token => is_one_of(token, words),
    })
}

fn braced(token: &TokenTree) -> Option<&TokenGroup> {
    group(token, Delimiter::Brace)
}
