//! The texts that a build script may print, as far as they follow from its literals.

use super::functions::{Function, Functions};
use super::names::{KnownValue, Names, Statement, ends_statement};
use super::shapes::made_text;
use super::token_tree::{Delimiter, TokenStream, TokenTree};
use super::tokens::{
    MAX_DEPTH, group, is_ident, is_punct, macro_call, name, parenthesised, split_commas,
    string_value,
};

/// A search for all string literals of code, except in attributes, because documentation is an
/// attribute. The literals of a `concat!` are joined, and names are replaced by their known values.
///
/// A function is entered at each of its calls if all its calls are written out, so that its
/// parameters are known. The body of a loop over a list is searched once for each item.
pub(super) struct TextFinder<'a> {
    functions: &'a Functions,
    /// The names that are known everywhere.
    constants: &'a Names<'a>,
    /// The closures that can be called at the present place, with the names known where each
    /// closure is declared.
    closures: Vec<(String, Names<'a>)>,
    /// The names of the functions that the search is inside of.
    entered: Vec<String>,
    /// The number of groups and functions that the search is inside of.
    depth: usize,
    /// The number of calls and items followed so far.
    steps: usize,
    pub(super) texts: Vec<String>,
    /// True if some calls were not followed.
    pub(super) is_cut_short: bool,
}

/// The macros whose first literal is a format.
const PRINTERS: [&str; 5] = ["println", "print", "writeln", "write", "format"];

/// The maximum number of calls and items that are followed in a file.
const MOST_STEPS: usize = 4_000;

impl<'a> TextFinder<'a> {
    /// Finds the texts in a file.
    pub(super) fn find(
        tokens: TokenStream,
        functions: &'a Functions,
        constants: &'a Names<'a>,
    ) -> Self {
        let mut finder = Self {
            functions,
            constants,
            closures: Vec::new(),
            entered: Vec::new(),
            depth: 0,
            steps: 0,
            texts: Vec::new(),
            is_cut_short: false,
        };
        finder.search(&tokens, constants.inner());
        finder
    }

    /// Searches the tokens of a block or a list.
    fn search(&mut self, tokens: &[TokenTree], mut names: Names<'a>) {
        const DEEPEST: usize = MAX_DEPTH + 40;
        if self.depth > DEEPEST {
            self.is_cut_short = true;
            return;
        }
        self.depth += 1;
        let mut statement = Statement::new(&names);
        let mut lets = Vec::new();
        let (mut start, mut at) = (0, 0);
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            let mut taken = 1;
            if is_punct(token, '#') {
                taken += 1 + usize::from(rest.get(1).is_some_and(|next| is_punct(next, '!')));
            } else if let Some(length) = self.declaration(rest, statement.names()) {
                taken = length;
            } else if is_ident(token, "let") {
                lets.push(at);
            } else if let Some(length) = self.looped(rest, statement.names()) {
                taken = length;
            } else if let Some((called, _, length)) = macro_call(rest)
                && called == "concat"
                && let Ok(Some(text)) = made_text(Some(&rest[..length]), names.manifest_dir)
            {
                self.texts.push(text);
                taken = length;
            } else if let Some(length) = self.printed(rest, statement.names()) {
                taken = length;
            } else if let Some(length) = self.call(rest, statement.names()) {
                taken = length;
            } else if let Some(length) =
                self.for_each(&tokens[start..], at - start, statement.names())
            {
                taken = length;
            } else if let TokenTree::Group(group) = token {
                self.search(group.stream(), statement.names().inner());
            } else {
                self.texts.extend(string_value(token));
            }
            let end = (at + taken).min(tokens.len());
            tokens[at..end].iter().for_each(|it| statement.pass(it));
            at += taken;
            if at <= tokens.len() && ends_statement(&tokens[..at], tokens.get(at)) {
                // End the statement's scope first: while it is open, each `let` adds another.
                drop(statement);
                for at in lets.drain(..) {
                    names.bind(&tokens[..at], &tokens[at + 1..]);
                }
                statement = Statement::new(&names);
                start = at;
            }
        }
        self.depth -= 1;
    }

    /// Skips the declaration of a function or closure that is entered at its calls. Returns the
    /// number of tokens skipped.
    fn declaration(&mut self, tokens: &[TokenTree], names: &Names<'a>) -> Option<usize> {
        if let Some((name, _)) = Function::declared(tokens) {
            let is_body = |it: &TokenTree| group(it, Delimiter::Brace).is_some();
            let body = tokens.iter().position(is_body)?;
            return (!self.functions.of(&name).is_empty()).then_some(body + 1);
        }
        let (name, _, length) = Function::bound(tokens)?;
        if self.functions.of(&name).is_empty() {
            return None;
        }
        self.closures.push((name, names.inner()));
        Some(length)
    }

    /// Enters the functions that a call may mean. Returns the number of tokens of the call.
    fn call(&mut self, tokens: &[TokenTree], names: &Names<'a>) -> Option<usize> {
        let [called, arguments, ..] = tokens else {
            return None;
        };
        let called = name(called)?;
        let functions = self.functions.of(called);
        if functions.is_empty() {
            return None;
        }
        let arguments = parenthesised(arguments)?;
        let searched = self.texts.len();
        if split_commas(arguments).any(|argument| names.value(argument).is_none()) {
            self.search(arguments, names.inner());
        }
        let closure = self.closures.iter().rfind(|(name, _)| *name == called);
        let outside = closure.map_or(self.constants, |(_, names)| names).inner();
        let times = self.entered.iter().filter(|it| **it == called).count();
        for function in functions {
            let inside = match times {
                0 => function.entered(arguments, names, &outside),
                // A recursive call may have any arguments.
                1 => function.entered_by_any(&outside),
                _ => continue,
            };
            if self.goes_on() {
                self.entered.push(called.to_owned());
                self.search(&function.body, inside);
                self.entered.pop();
            }
        }
        // The function may use an argument in a way that is not followed. So an argument text is
        // kept if no text found in the function contains it.
        for argument in split_commas(arguments) {
            if let Some(KnownValue::Text(text)) = names.value(argument)
                && !self.texts[searched..].iter().any(|it| it.contains(&text))
            {
                self.texts.push(text);
            }
        }
        Some(2)
    }

    /// Searches the body of a loop over a list that is written out, once for each item. Returns the
    /// number of tokens of the loop.
    fn looped(&mut self, tokens: &[TokenTree], names: &Names<'a>) -> Option<usize> {
        let [for_, rest @ ..] = tokens else {
            return None;
        };
        let over = rest.iter().position(|it| is_ident(it, "in"))?;
        let body = rest
            .iter()
            .position(|it| group(it, Delimiter::Brace).is_some())?;
        if !is_ident(for_, "for") || over > body {
            return None;
        }
        let (pattern, list) = (&rest[..over], &rest[over + 1..body]);
        let items = names.items(list)?;
        self.search(list, names.inner());
        let length = body + 2;
        let body = group(&rest[body], Delimiter::Brace)?.stream();
        for item in items {
            let mut inside = names.inner();
            inside.bind_pattern(pattern, item);
            if self.goes_on() {
                self.search(body, inside);
            }
        }
        Some(length)
    }

    /// Searches the closure of `list.iter().for_each(|item| …)` once for each item, if `for_each`
    /// stands at index `at` of the statement. Returns the number of tokens of the call.
    fn for_each(&mut self, statement: &[TokenTree], at: usize, names: &Names<'a>) -> Option<usize> {
        let [for_each, closure, ..] = &statement[at..] else {
            return None;
        };
        let (dot, list) = statement[..at].split_last()?;
        let closure = parenthesised(closure)
            .filter(|_| is_ident(for_each, "for_each") && is_punct(dot, '.'))?;
        let [pipe, closure @ ..] = closure else {
            return None;
        };
        let items = names.items(list).filter(|_| is_punct(pipe, '|'))?;
        let pattern = closure.split(|it| is_punct(it, '|')).next()?;
        let body = closure.get(pattern.len() + 1..)?;
        for item in items {
            let mut inside = names.inner();
            let pattern = pattern.split(|it| is_punct(it, ':')).next()?;
            inside.bind_pattern(pattern, item);
            if self.goes_on() {
                self.search(body, inside);
            }
        }
        Some(2)
    }

    /// Counts a call or an item. Returns false if the limit is exceeded.
    fn goes_on(&mut self) -> bool {
        self.steps += 1;
        self.is_cut_short |= self.steps > MOST_STEPS;
        self.steps <= MOST_STEPS
    }

    /// Adds the text of a printing macro, made from its first literal with the known arguments
    /// filled in, and the literals in the other arguments. Returns the number of tokens of the
    /// call.
    fn printed(&mut self, tokens: &[TokenTree], names: &Names<'a>) -> Option<usize> {
        let (called, arguments, length) = macro_call(tokens)?;
        if !PRINTERS.contains(&called.as_str()) {
            return None;
        }
        let arguments = arguments.stream();
        let arguments: Vec<&[TokenTree]> = split_commas(arguments).collect();
        let format = |argument: &&[TokenTree]| string_value(argument.first()?);
        let at = arguments
            .iter()
            .take(2)
            .position(|it| format(it).is_some())?;
        for argument in &arguments[..at] {
            self.search(argument, names.inner());
        }
        for argument in &arguments[at + 1..] {
            if names.text(argument).is_none() {
                self.search(argument, names.inner());
            }
        }
        self.texts.extend(names.formatted(&arguments[at..]));
        Some(length)
    }
}
