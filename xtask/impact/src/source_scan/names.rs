//! The values of names in the code of a build script: texts that follow from literals, and lists
//! that are written out.
//!
//! The value of a name is known only if everything that could bind the name is seen: a `let` of a
//! block without an attribute, or a constant that is defined once. A loop, a closure, a function, a
//! match arm and a pattern make every name in them unknown.

use std::collections::HashMap;

use camino::Utf8Path;

use super::scoped::Scoped;
use super::shapes::{NEUTRAL, made_text};
use super::token_tree::{Delimiter, TokenStream, TokenTree};
use super::tokens::{
    self, group, is_ident, is_one_of, is_punct, macro_call, name, parenthesised, split_commas,
    string_value,
};

/// The known values of names in a scope.
pub(super) struct Names<'a> {
    known: Scoped<KnownValue>,
    /// The directory of the package, the value of `CARGO_MANIFEST_DIR`.
    pub(super) manifest_dir: &'a Utf8Path,
}

/// The value of an expression.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum KnownValue {
    Text(String),
    /// A non-empty list that is written out, with the values of the known items.
    List(Vec<Option<KnownValue>>),
    /// A tuple, with the values of the known parts.
    Tuple(Vec<Option<KnownValue>>),
}

impl<'a> Names<'a> {
    /// Returns the constants in all files of a script. A name with several definitions of different
    /// values is unknown.
    pub(super) fn constants(
        manifest_dir: &'a Utf8Path,
        files: impl Iterator<Item = TokenStream>,
    ) -> Self {
        let mut names = Self {
            known: Scoped::new([]),
            manifest_dir,
        };
        let mut constants = HashMap::new();
        for tokens in files {
            names.constants_in(&tokens, &mut constants);
        }
        let known = constants.into_iter();
        names.known = Scoped::new(known.filter_map(|(name, known)| Some((name, known?))));
        names
    }

    fn constants_in(
        &self,
        tokens: &[TokenTree],
        constants: &mut HashMap<String, Option<KnownValue>>,
    ) {
        for (at, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                self.constants_in(group.stream(), constants);
            }
            // A constant such as `const NAME: &str = "…";`, with or without a lifetime, or a list.
            let declares = is_one_of(token, &["const", "static"]);
            let (true, Some(name)) = (declares, tokens.get(at + 1).and_then(name)) else {
                continue;
            };
            let value = match tokens::before(&tokens[at + 2..], ';') {
                [.., equals, value] if is_punct(equals, '=') => match string_value(value) {
                    Some(text) => Some(KnownValue::Text(text)),
                    None => self.list(std::slice::from_ref(value)).map(KnownValue::List),
                },
                [.., equals, reference, list]
                    if is_punct(equals, '=') && is_punct(reference, '&') =>
                {
                    self.list(std::slice::from_ref(list)).map(KnownValue::List)
                }
                _ => None,
            };
            let known = constants
                .entry(name.to_owned())
                .or_insert_with(|| value.clone());
            if *known != value {
                *known = None;
            }
        }
    }

    /// Opens a scope inside this scope.
    pub(super) fn inner(&self) -> Self {
        Self {
            known: self.known.inner(),
            manifest_dir: self.manifest_dir,
        }
    }

    /// Binds the name of a `let`. `after` are the tokens after the keyword.
    pub(super) fn bind(&mut self, before: &[TokenTree], after: &[TokenTree]) {
        let statement = tokens::before(after, ';');
        let (pattern, value) = statement.split_at(tokens::before(statement, '=').len());
        // Evaluate the value first: it may use the former value of the name.
        let known = self.value(value.get(1..).unwrap_or_default());
        self.forget(pattern);
        // A `let` with an attribute may be one of several under different conditions.
        let has_attribute = before
            .last()
            .is_some_and(|token| group(token, Delimiter::Bracket).is_some());
        let bound = match pattern {
            [one] => name(one),
            [one, colon, ..] if is_punct(colon, ':') => name(one),
            _ => None,
        };
        if let (Some(bound), Some(known), false) = (bound, known, has_attribute) {
            self.known.insert(bound.to_owned(), known);
        }
    }

    /// Binds the names of a pattern, such as a parameter or the variable of a loop, to the parts of
    /// a value.
    pub(super) fn bind_pattern(&mut self, pattern: &[TokenTree], value: Option<KnownValue>) {
        self.forget(pattern);
        self.bind_parts(pattern, value);
    }

    fn bind_parts(&mut self, pattern: &[TokenTree], value: Option<KnownValue>) {
        match (pattern, value) {
            ([reference, rest @ ..], value) if is_punct(reference, '&') => {
                self.bind_parts(rest, value);
            }
            ([one @ TokenTree::Ident(_)], Some(value)) => {
                if let Some(name) = name(one) {
                    self.known.insert(name.to_owned(), value);
                }
            }
            ([one], Some(KnownValue::Tuple(values))) => {
                let parts = parenthesised(one).unwrap_or_default();
                let parts: Vec<_> = split_commas(parts).collect();
                if parts.len() == values.len() {
                    for (part, value) in parts.into_iter().zip(values) {
                        self.bind_parts(part, value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Makes each name in the tokens unknown.
    fn forget(&mut self, tokens: &[TokenTree]) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.forget(group.stream()),
                token => _ = name(token).map(|name| self.known.remove(name)),
            }
        }
    }

    /// Returns the text that a formatting macro makes, with the known arguments filled in. Returns
    /// `None` if the format is not a literal.
    pub(super) fn formatted(&self, arguments: &[&[TokenTree]]) -> Option<String> {
        let (format, arguments) = arguments.split_first()?;
        // A named argument of the call shadows the name outside of the call.
        let mut inside = self.inner();
        for argument in arguments {
            if let [name, equals, ..] = argument
                && is_punct(equals, '=')
            {
                inside.forget(std::slice::from_ref(name));
            }
        }
        let mut text = inside.interpolated(&string_value(format.first()?)?);
        // The arguments are filled in only if every hole is `{}` and so takes the next argument.
        if text.matches('{').count() != text.matches("{}").count() {
            return Some(text);
        }
        let mut from = 0;
        for argument in arguments {
            let Some(hole) = text[from..].find("{}").map(|hole| from + hole) else {
                break;
            };
            from = hole + 2;
            if let Some(made) = self.text(argument) {
                text.replace_range(hole..from, &made);
                from = hole + made.len();
            }
        }
        Some(text)
    }

    /// Returns a format with the known names filled in (`{name}`).
    fn interpolated(&self, format: &str) -> String {
        let mut text = String::new();
        let mut rest = format;
        while let Some((before, hole)) = rest.split_once('{') {
            text += before;
            let named = hole.split_once('}');
            match named.and_then(|(name, behind)| Some((self.known.get(name)?, behind))) {
                Some((KnownValue::Text(known), behind)) => {
                    text += known;
                    rest = behind;
                }
                _ => {
                    text.push('{');
                    rest = hole;
                }
            }
        }
        text + rest
    }

    /// Returns true if a loop over an expression certainly has a first item: the expression is a
    /// non-empty list that is written out.
    pub(super) fn has_some(&self, expression: &[TokenTree]) -> bool {
        self.items(expression).is_some()
    }

    /// Returns the items of a loop over an expression, if the expression is a non-empty list that
    /// is written out. Unknown items are `None`.
    pub(super) fn items(&self, expression: &[TokenTree]) -> Option<Vec<Option<KnownValue>>> {
        const STEPS: [&str; 5] = ["cloned", "copied", "into_iter", "iter", "rev"];
        let mut parts = expression.split(|it| is_punct(it, '.'));
        let mut items = self.list(parts.next()?)?;
        for step in parts {
            let step = step.first()?;
            if is_ident(step, "enumerate") {
                let number = |item| Some(KnownValue::Tuple(vec![None, item]));
                items = items.into_iter().map(number).collect();
            } else if !is_one_of(step, &STEPS) {
                return None;
            }
        }
        Some(items)
    }

    /// Returns the items of a non-empty list that is written out, or of a name with such a list as
    /// its value.
    fn list(&self, tokens: &[TokenTree]) -> Option<Vec<Option<KnownValue>>> {
        let list = match tokens {
            [reference, list @ ..] if is_punct(reference, '&') => list,
            list => list,
        };
        let list = match list {
            [vec, bang, list] if is_ident(vec, "vec") && is_punct(bang, '!') => list,
            [list] => list,
            _ => return None,
        };
        if let Some(KnownValue::List(items)) = name(list).and_then(|name| self.known.get(name)) {
            return Some(items.clone());
        }
        let items = group(list, Delimiter::Bracket)?.stream();
        let is_plain = !items
            .iter()
            .any(|it| is_punct(it, ';') || is_punct(it, '#'));
        (is_plain && !items.is_empty())
            .then(|| split_commas(items).map(|item| self.value(item)).collect())
    }

    /// Returns the value of an expression: a text, a list or a tuple.
    pub(super) fn value(&self, expression: &[TokenTree]) -> Option<KnownValue> {
        if let Some(items) = self.items(expression) {
            return Some(KnownValue::List(items));
        }
        if let Some(text) = self.text(expression) {
            return Some(KnownValue::Text(text));
        }
        match expression {
            [reference, rest @ ..] if is_punct(reference, '&') => self.value(rest),
            [one] => {
                let parts = parenthesised(one)?;
                let is_tuple = parts.iter().any(|it| is_punct(it, ','));
                is_tuple.then(|| {
                    KnownValue::Tuple(split_commas(parts).map(|it| self.value(it)).collect())
                })
            }
            _ => None,
        }
    }

    /// Returns the text of an expression, including its method calls.
    pub(super) fn text(&self, tokens: &[TokenTree]) -> Option<String> {
        let mut tokens: Vec<TokenTree> = tokens.to_vec();
        tokens.retain(|token| !is_punct(token, '?'));
        let tokens = match &tokens[..] {
            [reference, rest @ ..] if is_punct(reference, '&') => rest,
            tokens => tokens,
        };
        let (start, mut steps) = tokens.split_at(tokens::before(tokens, '.').len());
        let mut text = self.start(start)?;
        while let [dot, method, arguments, rest @ ..] = steps {
            let arguments = parenthesised(arguments)?;
            let called = name(method).filter(|_| is_punct(dot, '.'))?;
            if called == "join" {
                let further = self.text(arguments)?;
                text = Utf8Path::new(&text).join(further).into_string();
            } else if !NEUTRAL.contains(&called) {
                return None;
            }
            steps = rest;
        }
        steps.is_empty().then_some(text)
    }

    /// Returns the text of an expression without method calls.
    fn start(&self, tokens: &[TokenTree]) -> Option<String> {
        let mut tokens_of_a_path = tokens
            .iter()
            .filter(|it| !is_punct(it, ':') && !is_punct(it, '!'));
        if tokens_of_a_path.any(|it| matches!(it, TokenTree::Punct(_))) {
            return None;
        }
        if let Ok(known) = made_text(Some(tokens), self.manifest_dir) {
            return known;
        }
        if let [one] = tokens {
            return match self.known.get(name(one)?) {
                Some(KnownValue::Text(text)) => Some(text.clone()),
                _ => None,
            };
        }
        if let Some((called, arguments, length)) = macro_call(tokens)
            && length == tokens.len()
            && called == "format"
        {
            let arguments = arguments.stream();
            let made = self.formatted(&split_commas(arguments).collect::<Vec<_>>())?;
            return (!made.contains(['{', '}'])).then_some(made);
        }
        let [.., of, colon, _, called, arguments] = tokens else {
            return None;
        };
        let arguments = parenthesised(arguments)?;
        let (of, called) = (name(of).filter(|_| is_punct(colon, ':'))?, name(called)?);
        match (of, called) {
            ("Path" | "Utf8Path", "new") | ("PathBuf" | "Utf8PathBuf" | "String", "from") => {
                self.text(arguments)
            }
            ("env", "var" | "var_os") => {
                let variable = arguments.first().and_then(string_value)?;
                (variable == "CARGO_MANIFEST_DIR").then(|| self.manifest_dir.to_string())
            }
            _ => None,
        }
    }
}

/// The known names at each group and call of a statement, which depend on the tokens before them.
/// Each token is read once.
pub(super) struct Statement<'a> {
    names: Names<'a>,
    /// The tokens so far. Empty once a token may bind names.
    before: Vec<TokenTree>,
    binds: bool,
    ends_in_equals: bool,
}

impl<'a> Statement<'a> {
    pub(super) fn new(names: &Names<'a>) -> Self {
        Self {
            names: names.inner(),
            before: Vec::new(),
            binds: false,
            ends_in_equals: false,
        }
    }

    /// Returns the names that are known after the tokens so far.
    pub(super) fn names(&self) -> &Names<'a> {
        &self.names
    }

    /// Reads the next token. After a token that may bind names, all names in the statement so far
    /// become unknown.
    pub(super) fn pass(&mut self, token: &TokenTree) {
        let is_arrow = self.ends_in_equals && is_punct(token, '>');
        self.ends_in_equals = is_punct(token, '=');
        self.binds = self.binds || is_arrow || binds(std::slice::from_ref(token));
        self.before.push(token.clone());
        if self.binds {
            let before = std::mem::take(&mut self.before);
            self.names.forget(&before);
        }
    }
}

impl<'a> Names<'a> {
    /// Returns the names that are known after these tokens of a statement.
    pub(super) fn behind(&self, before: &[TokenTree]) -> Self {
        let mut statement = Statement::new(self);
        before.iter().for_each(|it| statement.pass(it));
        statement.names
    }
}

/// Returns true if tokens may bind names for the tokens that follow. A function, a closure, a loop,
/// a match arm and a pattern bind names.
fn binds(tokens: &[TokenTree]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => binds(group.stream()),
        token => {
            let is_arrow = is_punct(token, '>') && at > 0 && is_punct(&tokens[at - 1], '=');
            is_arrow || is_punct(token, '|') || is_one_of(token, &["fn", "for", "let"])
        }
    })
}

/// Returns true if a statement ends here, which also depends on the next token: after braces, the
/// statement may go on, for example with the rest of a pattern.
pub(super) fn ends_statement(before: &[TokenTree], next: Option<&TokenTree>) -> bool {
    const GOES_ON: [&str; 4] = ["as", "else", "if", "in"];
    let Some(last) = before.last() else {
        return false;
    };
    let is_word = matches!(next, Some(word @ TokenTree::Ident(_)) if !is_one_of(word, &GOES_ON));
    is_punct(last, ';') || group(last, Delimiter::Brace).is_some() && is_word
}
