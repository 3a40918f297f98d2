//! The functions of libraries that a build script may call.

use std::collections::{BTreeMap, BTreeSet};

use super::functions::Function;
use super::token_tree::{Delimiter, TokenGroup, TokenStream, TokenTree};
use super::tokens::{group, is_ident, name};

/// The names of the functions of libraries that a script may call: the names in the script, in the
/// code outside of functions, in implementations of traits, and in functions with these names.
pub(super) struct Called(BTreeSet<String>);

impl Called {
    pub(super) fn by<'a>(
        script: &[TokenStream],
        libraries: impl Iterator<Item = &'a TokenStream>,
    ) -> Self {
        let mut called = BTreeSet::new();
        for tokens in script {
            names_in(tokens, &mut called);
        }
        let mut functions = BTreeMap::new();
        for tokens in libraries {
            collect(tokens, false, &mut functions, &mut called);
        }
        // The names whose functions are not searched yet.
        let mut new: Vec<String> = called.iter().cloned().collect();
        while let Some(name) = new.pop() {
            for inner in functions.remove(&name).into_iter().flatten() {
                if called.insert(inner.clone()) {
                    new.push(inner);
                }
            }
        }
        Self(called)
    }

    /// Returns the tokens of a source with the bodies of other functions emptied, and true if the
    /// source has a function with one of these names.
    pub(super) fn kept(&self, tokens: &[TokenTree]) -> (TokenStream, bool) {
        self.kept_in(tokens, false)
    }

    fn kept_in(&self, tokens: &[TokenTree], is_of_trait: bool) -> (TokenStream, bool) {
        let (mut kept, mut has_called) = (Vec::new(), false);
        for part in parts(tokens, is_of_trait) {
            match part {
                Part::Token(token) => kept.push(token),
                Part::Group(inner, is_of_trait) => {
                    let (inside, is_called) = self.kept_in(inner.stream(), is_of_trait);
                    has_called |= is_called;
                    kept.push(with(&inner, inside));
                }
                Part::Body(name, body) => {
                    let is_called = self.0.contains(&name);
                    has_called |= is_called;
                    kept.push(match is_called {
                        true => TokenTree::Group(body),
                        false => with(&body, TokenStream::default()),
                    });
                }
            }
        }
        (kept.into_iter().collect(), has_called)
    }
}

/// A part of a source.
enum Part {
    Token(TokenTree),
    /// A group outside of functions, and true for the items of a trait or of its implementation.
    Group(TokenGroup, bool),
    /// The body of a function with this name.
    Body(String, TokenGroup),
}

/// Splits tokens outside of functions into parts. Functions of traits are called without a name, for
/// example `drop`, so they count as other code.
fn parts(tokens: &[TokenTree], is_of_trait: bool) -> Vec<Part> {
    let (mut parts, mut item) = (Vec::new(), 0);
    let mut of_function: Option<String> = None;
    for (at, token) in tokens.iter().enumerate() {
        if let Some((name, _)) = Function::declared(&tokens[at..]).filter(|_| !is_of_trait) {
            of_function = Some(name);
        }
        let TokenTree::Group(inner) = token else {
            parts.push(Part::Token(token.clone()));
            continue;
        };
        if group(token, Delimiter::Brace).is_none() {
            parts.push(Part::Group(inner.clone(), false));
            continue;
        }
        let of_item = &tokens[item..at];
        let holds = |word: &str| of_item.iter().any(|it| is_ident(it, word));
        let is_trait = holds("trait") || holds("impl") && holds("for");
        item = at + 1;
        parts.push(match of_function.take() {
            Some(name) => Part::Body(name, inner.clone()),
            None => Part::Group(inner.clone(), is_trait || is_of_trait),
        });
    }
    parts
}

/// Collects the names in each function, by the name of the function, and the names in other code.
fn collect(
    tokens: &[TokenTree],
    is_of_trait: bool,
    functions: &mut BTreeMap<String, BTreeSet<String>>,
    others: &mut BTreeSet<String>,
) {
    let mut tokens_outside = Vec::new();
    for part in parts(tokens, is_of_trait) {
        match part {
            Part::Token(token) => tokens_outside.push(token),
            Part::Group(inner, is_of_trait) => {
                collect(inner.stream(), is_of_trait, functions, others);
            }
            Part::Body(name, body) => {
                names_in(body.stream(), functions.entry(name).or_default());
            }
        }
    }
    for (at, token) in tokens_outside.iter().enumerate() {
        // The name that an item declares is no call.
        let is_declared = at > 0 && is_ident(&tokens_outside[at - 1], "fn") && !is_of_trait;
        others.extend(name(token).filter(|_| !is_declared).map(str::to_owned));
    }
}

fn names_in(tokens: &[TokenTree], names: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => names_in(group.stream(), names),
            token => names.extend(name(token).map(str::to_owned)),
        }
    }
}

/// Returns a group with other tokens inside.
fn with(group: &TokenGroup, inside: TokenStream) -> TokenTree {
    TokenTree::Group(TokenGroup::new(group.delimiter(), inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source_scan::tokens::lex;

    #[test]
    fn functions_that_a_script_does_not_name_are_emptied() {
        // Each case has a script, a library, and the names of the functions that keep their bodies.
        for (script, library, expected) in [
            (
                "fn main() { l::a(); }",
                "pub fn a() { x() } fn b() { y() }",
                "a",
            ),
            (
                "fn main() { l::a(); }",
                "fn a() { b() } fn b() { c() } fn c() { x() }",
                "a b c",
            ),
            (
                "use l::*; fn main() { l::S::new().a(); }",
                "impl S { fn a(&self) { x() } fn b() { y() } }",
                "a",
            ),
            (
                "fn main() { let s = l::S; }",
                "impl Drop for S { fn drop(&mut self) { a() } } fn a() { x() }",
                "a drop",
            ),
            (
                "fn main() { l::m!(); }",
                "macro_rules! m { () => { $crate::a() } } fn a() { x() }",
                "a",
            ),
            (
                "fn main() { l::T; }",
                "static T: F = F(a); fn a() { x() } fn b() { y() }",
                "a",
            ),
            (
                "fn main() { l::m::a(); }",
                "mod m { pub fn a() where X: Y { x() } const fn b() { y() } }",
                "a",
            ),
            (
                "fn main() { map(l::a); }",
                "fn a() { x() } trait T { fn t(&self) { b() } } fn b() { y() }",
                "a b t",
            ),
            ("fn main() { l::other(); }", "fn a() { x() }", ""),
        ] {
            let (script, library): (TokenStream, TokenStream) =
                (lex(script).unwrap(), lex(library).unwrap());
            let called = Called::by(&[script], [&library].into_iter());
            let (kept, has_called) = called.kept(&library);
            let kept = kept.to_string();
            let words = kept.split("fn ").skip(1);
            let with_body =
                words.filter(|it| it.contains(" () ") && it.contains("{ ") && !it.contains("{ }"));
            let mut names: Vec<_> = with_body
                .filter_map(|it| it.split([' ', '(']).next())
                .collect();
            names.sort_unstable();
            assert_eq!(names.join(" "), expected, "{kept}");
            assert_eq!(
                has_called,
                names.iter().any(|it| ["a", "b"].contains(it)),
                "{kept}"
            );
        }
    }
}
