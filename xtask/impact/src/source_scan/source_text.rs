//! The text of a source file, with the tokens that a scan walks through. A file belongs to several
//! targets and modes, but it is read and lexed once.

use std::cell::OnceCell;
use std::rc::Rc;

use super::shapes::{Attribute, ORDINARY_MACROS, QUOTING_MACROS, attribute_at, attribute_parts};
use super::token_tree::{Delimiter, TokenGroup, TokenStream, TokenTree};
use super::tokens::{group, is_ident, is_nested_too_deep, is_punct, lex, macro_call};

/// The text of a source file. A copy is cheap.
#[derive(Clone, Debug)]
pub struct SourceText(Rc<LexedOnce>);

#[derive(Debug)]
struct LexedOnce {
    text: String,
    tokens: OnceCell<Option<TokenStream>>,
}

impl SourceText {
    /// Returns the text of the file.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Returns the tokens of the file without plain code: see [`without_plain_code`]. Returns `None`
    /// if the text does not lex, or is nested too deep.
    pub(super) fn declaring_tokens(&self) -> Option<&TokenStream> {
        let lexed = || lex(self.text()).map(|tokens| without_plain_code(&tokens));
        self.0.tokens.get_or_init(lexed).as_ref()
    }

    pub(super) fn is_nested_too_deep(&self) -> bool {
        is_nested_too_deep(self.text())
    }
}

impl From<String> for SourceText {
    fn from(text: String) -> Self {
        let tokens = OnceCell::new();
        Self(Rc::new(LexedOnce { text, tokens }))
    }
}

/// Returns tokens of written code in which each group that declares nothing is empty. In written
/// code, a scan finds attributes, modules and macro calls, and ignores everything else. The
/// arguments of a macro, and the items below an attribute of another crate, stay as they are,
/// because a scan may take any of their words for the name of a file. The bodies of functions are no
/// such items.
fn without_plain_code(tokens: &[TokenTree]) -> TokenStream {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    let mut has_attribute = false;
    while let Some(token) = tokens.get(at) {
        let rest = &tokens[at..];
        if let Some((body, length)) = attribute_at(rest) {
            let parts = attribute_parts(body.stream(), false);
            has_attribute |= !parts.iter().all(Attribute::is_built_in);
            kept.extend_from_slice(&rest[..length]);
            at += length;
        } else if let Some((called, arguments, length)) = macro_call(rest) {
            kept.extend_from_slice(&rest[..length - 1]);
            let called = called.as_str();
            let is_plain = QUOTING_MACROS.contains(&called)
                || ORDINARY_MACROS.contains(&called) && !may_declare(arguments.stream());
            kept.push(match is_plain {
                true => emptied(arguments),
                false => rest[length - 1].clone(),
            });
            at += length;
        } else {
            has_attribute &= !is_ident(token, "fn");
            kept.push(match token {
                TokenTree::Group(_) if has_attribute => token.clone(),
                TokenTree::Group(group) if may_declare(group.stream()) => {
                    let inside = without_plain_code(group.stream());
                    TokenTree::Group(TokenGroup::new(group.delimiter(), inside))
                }
                TokenTree::Group(group) => emptied(group),
                other => other.clone(),
            });
            has_attribute &= !is_punct(token, ';') && group(token, Delimiter::Brace).is_none();
            at += 1;
        }
    }
    kept.into_iter().collect()
}

fn emptied(group: &TokenGroup) -> TokenTree {
    TokenTree::Group(TokenGroup::new(group.delimiter(), TokenStream::default()))
}

/// Returns true if tokens may contain an attribute, a module or a macro call.
fn may_declare(tokens: &[TokenTree]) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Group(group) => may_declare(group.stream()),
        token => is_punct(token, '#') || is_punct(token, '!') || is_ident(token, "mod"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_that_may_declare_something_is_kept() {
        for (text, kept) in [
            ("fn f(x: X) -> Y { g(x) }", "fn f () -> Y { }"),
            (
                "fn f() { if x { m!(\"a\") } else { y() } }",
                "fn f () { if x { m ! (\"a\") } else { } }",
            ),
            (
                "#[x] struct S { a: b } struct T { c: d }",
                "# [x] struct S { a : b } struct T { }",
            ),
            (
                "#[derive(X)] enum E { A(B) }",
                "# [derive (X)] enum E { A (B) }",
            ),
            (
                "#[derive(Debug)] struct S { a: b }",
                "# [derive (Debug)] struct S { }",
            ),
            ("#[x] fn f() { g(x) }", "# [x] fn f () { }"),
            (
                "mod a { mod b; fn f() { x } }",
                "mod a { mod b ; fn f () { } }",
            ),
            ("#[path = \"x\"] mod a;", "# [path = \"x\"] mod a ;"),
            (
                "struct S { #[x] a: [u8; 3] }",
                "struct S { # [x] a : [u8 ; 3] }",
            ),
            (
                "fn f() { assert!(x, \"a\"); quote! { mod a; } }",
                "fn f () { assert ! () ; quote ! { } }",
            ),
            (
                "format!(\"{}\", env!(\"X\"))",
                "format ! (\"{}\" , env ! (\"X\"))",
            ),
            (
                "macro_rules! m { ($x) => { mod a; f(1) } }",
                "macro_rules ! m { ($ x) => { mod a ; f (1) } }",
            ),
        ] {
            let source = SourceText::from(text.to_owned());
            let tokens = source.declaring_tokens().expect("it lexes");
            assert_eq!(tokens.to_string(), kept, "{text}");
        }
    }
}
