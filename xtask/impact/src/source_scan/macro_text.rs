//! The text of macros in a source.

use super::shapes::attribute_at;
use super::token_tree::TokenTree;
use super::tokens::{lex, macro_call};

/// Returns the bodies of all definitions of macros and the arguments of all calls. Only these tokens
/// can become a path of `include_str!` at a caller of the macros. Returns `None` for a text that is
/// not lexed.
pub(crate) fn text_of_macros(text: &str) -> Option<String> {
    let mut found = String::new();
    collect(&lex(text)?, &mut found);
    Some(found)
}

fn collect(tokens: &[TokenTree], found: &mut String) {
    let mut rest = tokens;
    while let [token, after @ ..] = rest {
        if let Some((_, length)) = attribute_at(rest) {
            rest = &rest[length..];
        } else if let Some((_, inside, length)) = macro_call(rest) {
            found.push_str(&inside.stream().to_string());
            found.push('\n');
            rest = &rest[length..];
        } else {
            if let TokenTree::Group(group) = token {
                collect(group.stream(), found);
            }
            rest = after;
        }
    }
}
