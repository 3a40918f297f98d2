//! The functions, methods and closures of a build script, by name.

use std::collections::{HashMap, HashSet};

use super::names::Names;
use super::token_tree::{Delimiter, TokenStream, TokenTree};
use super::tokens::{before, group, is_ident, is_one_of, is_punct, name, split_commas};

/// A function, a method or a closure.
#[derive(Clone)]
pub(super) struct Function {
    /// True for a method: in a call, the receiver stands before the dot.
    has_receiver: bool,
    is_closure: bool,
    /// The patterns of the parameters, without the receiver.
    parameters: Vec<Vec<TokenTree>>,
    pub(super) body: TokenStream,
}

impl Function {
    /// Returns the function that the tokens declare, if they begin with `fn` and the function has a
    /// body.
    pub(super) fn declared(tokens: &[TokenTree]) -> Option<(String, Self)> {
        let called = tokens.get(1).filter(|_| is_ident(&tokens[0], "fn"));
        let called = called.and_then(name)?;
        let parameters = parameters_of(&tokens[2..])?;
        let of_item = before(tokens, ';');
        let body = of_item
            .iter()
            .find_map(|it| group(it, Delimiter::Brace))?
            .stream();
        let mut patterns: Vec<Vec<TokenTree>> = split_commas(parameters)
            .map(|parameter| before(parameter, ':').to_vec())
            .collect();
        let is_receiver = |pattern: &Vec<TokenTree>| pattern.iter().any(|it| is_ident(it, "self"));
        let has_receiver = patterns.first().is_some_and(is_receiver);
        if has_receiver {
            patterns.remove(0);
        }
        let function = Self {
            has_receiver,
            is_closure: false,
            parameters: patterns,
            body: body.clone(),
        };
        Some((called.to_owned(), function))
    }

    /// Returns the closure that the tokens bind to a name, if they begin with `let`, and the number
    /// of tokens of the statement.
    pub(super) fn bound(tokens: &[TokenTree]) -> Option<(String, Self, usize)> {
        tokens.first().filter(|it| is_ident(it, "let"))?;
        let statement = before(tokens, ';');
        let rest = statement[1..].strip_prefix_if(|it| is_ident(it, "mut"));
        let [bound, equals, rest @ ..] = rest else {
            return None;
        };
        let rest = rest.strip_prefix_if(|it| is_ident(it, "move"));
        let [pipe, rest @ ..] = rest else {
            return None;
        };
        if !is_punct(equals, '=') || !is_punct(pipe, '|') {
            return None;
        }
        let parameters = before(rest, '|');
        let closure = Self {
            has_receiver: false,
            is_closure: true,
            parameters: split_commas(parameters)
                .map(|parameter| before(parameter, ':').to_vec())
                .collect(),
            body: rest.get(parameters.len() + 1..)?.iter().cloned().collect(),
        };
        Some((name(bound)?.to_owned(), closure, statement.len()))
    }

    /// Returns the names that are known inside a call. `around` are the names known at the call,
    /// `outside` the names known where the function is declared.
    pub(super) fn entered<'a>(
        &self,
        arguments: &[TokenTree],
        around: &Names<'_>,
        outside: &Names<'a>,
    ) -> Names<'a> {
        let mut inside = outside.inner();
        let mut arguments: Vec<_> = split_commas(arguments).collect();
        if self.has_receiver && arguments.len() == self.parameters.len() + 1 {
            // A method called as `Type::method(value, …)`: the receiver is the first argument.
            arguments.remove(0);
        }
        let is_aligned = arguments.len() == self.parameters.len();
        for (at, parameter) in self.parameters.iter().enumerate() {
            let argument = arguments.get(at).filter(|_| is_aligned);
            let value = argument.and_then(|argument| around.value(argument));
            inside.bind_pattern(parameter, value);
        }
        inside
    }

    /// Returns the names that are known inside every call: the parameters are unknown.
    pub(super) fn entered_by_any<'a>(&self, outside: &Names<'a>) -> Names<'a> {
        let mut inside = outside.inner();
        for parameter in &self.parameters {
            inside.bind_pattern(parameter, None);
        }
        inside
    }
}

/// Returns the parameters in tokens that follow the name of a function. Skips generics.
fn parameters_of(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    let (mut depth, mut is_arrow) = (0, false);
    for token in tokens {
        if is_punct(token, '<') {
            depth += 1;
        } else if is_punct(token, '>') && !is_arrow {
            depth -= 1;
        }
        is_arrow = is_punct(token, '-');
        if let Some(parameters) = group(token, Delimiter::Parenthesis)
            && depth == 0
        {
            return Some(parameters.stream());
        }
    }
    None
}

/// A slice of tokens that can drop its first token.
trait StripPrefixIf {
    fn strip_prefix_if(&self, is_it: impl Fn(&TokenTree) -> bool) -> &Self;
}

impl StripPrefixIf for [TokenTree] {
    fn strip_prefix_if(&self, is_it: impl Fn(&TokenTree) -> bool) -> &Self {
        match self {
            [first, rest @ ..] if is_it(first) => rest,
            all => all,
        }
    }
}

/// The functions with parameters that are only used in calls that are written out.
#[derive(Default)]
pub(super) struct Functions {
    by_name: HashMap<String, Vec<Function>>,
    called: HashSet<String>,
    /// The names that are also used in another way: as a value, or in an implementation of a trait.
    escaped: HashSet<String>,
}

impl Functions {
    /// Finds the functions in the files of a script.
    pub(super) fn called(files: impl Iterator<Item = TokenStream>) -> Self {
        let mut functions = Self::default();
        for tokens in files {
            functions.collect(&tokens, false);
        }
        let Functions {
            by_name,
            called,
            escaped,
        } = &mut functions;
        by_name.retain(|name, functions| {
            // A closure uses names around it, so a closure is only followed if no other function
            // has its name.
            let is_alone = functions.len() == 1;
            let is_followed = |function: &Function| {
                !function.parameters.is_empty() && (is_alone || !function.is_closure)
            };
            called.contains(name) && !escaped.contains(name) && functions.iter().all(is_followed)
        });
        functions
    }

    /// Returns the functions with this name. A call may mean any of them.
    pub(super) fn of(&self, name: &str) -> &[Function] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    fn collect(&mut self, tokens: &[TokenTree], is_of_trait: bool) {
        let (mut item, mut at) = (0, 0);
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            at += 1;
            if is_ident(token, "use") {
                let length = before(rest, ';').len();
                self.renamed(&rest[..length]);
                at += length - 1;
            } else if is_ident(token, "fn") {
                let called = rest.get(1).and_then(name);
                let declared = Function::declared(rest).filter(|_| !is_of_trait);
                match (called, declared) {
                    (_, Some((name, function))) => {
                        self.by_name.entry(name).or_default().push(function);
                    }
                    (called, None) => self.escaped.extend(called.map(str::to_owned)),
                }
                at += 1;
            } else if let Some((name, closure, _)) = Function::bound(rest) {
                self.by_name.entry(name).or_default().push(closure);
                let equals = rest.iter().position(|it| is_punct(it, '='));
                at += equals.unwrap_or_default();
            } else if let Some(word) = name(token) {
                let is_called = match rest.get(1..) {
                    Some([next, ..]) if group(next, Delimiter::Parenthesis).is_some() => {
                        self.called.insert(word.to_owned());
                        true
                    }
                    // A macro with the name.
                    Some([bang, TokenTree::Group(_), ..]) => is_punct(bang, '!'),
                    _ => false,
                };
                if !is_called {
                    self.escaped.insert(word.to_owned());
                }
            } else if let TokenTree::Group(inner) = token {
                // The items of a trait stand between braces. The words before any other group are
                // not searched, because a list can have thousands of groups.
                let is_block = inner.delimiter() == Delimiter::Brace;
                let of_item = &tokens[item..at - 1];
                let holds = |word: &str| of_item.iter().any(|it| is_ident(it, word));
                let is_trait =
                    is_block && !holds("fn") && (holds("trait") || holds("impl") && holds("for"));
                self.collect(inner.stream(), is_trait);
                if is_block {
                    item = at;
                }
            } else if is_punct(token, ';') {
                item = at;
            }
        }
    }

    /// Records the names that a `use` renames as used in another way.
    fn renamed(&mut self, tokens: &[TokenTree]) {
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.renamed(group.stream()),
                token if tokens.get(at + 1).is_some_and(|it| is_one_of(it, &["as"])) => {
                    self.escaped.extend(name(token).map(str::to_owned));
                }
                _ => {}
            }
        }
    }
}
