//! Tokens of Rust source, and the few patterns of tokens that the scan needs.

use super::token_tree::{Delimiter, TokenGroup, TokenStream, TokenTree};

/// The maximum depth of brackets. Source that is nested deeper counts as not understood. Written or
/// generated code stays far below, and rustc's own limit for macros and types is 128. The limit
/// prevents a stack overflow, because every walk through tokens recurses once per bracket.
pub(super) const MAX_DEPTH: usize = 200;

/// Returns the tokens of a source file. Returns `None` if the file does not lex, or is nested
/// deeper than [`MAX_DEPTH`].
///
/// The shebang line and the frontmatter of a cargo script are removed first, as rustc does, because
/// proc-macro2 does not know them.
pub(super) fn lex(text: &str) -> Option<TokenStream> {
    TokenStream::of(lex_to_any_depth(text)?, MAX_DEPTH)
}

/// Returns true if the text lexes, but is nested deeper than [`MAX_DEPTH`].
pub(super) fn is_nested_too_deep(text: &str) -> bool {
    lex_to_any_depth(text).is_some_and(|tokens| TokenStream::of(tokens, MAX_DEPTH).is_none())
}

fn lex_to_any_depth(text: &str) -> Option<proc_macro2::TokenStream> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    without_frontmatter(without_shebang(text)).parse().ok()
}

/// Removes the shebang line. `#!` begins a shebang line unless a bracket follows, as in an inner
/// attribute.
fn without_shebang(text: &str) -> &str {
    match text.strip_prefix("#!") {
        Some(rest) if !rest.trim_start().starts_with('[') => {
            rest.split_once('\n').map_or("", |(_, after)| after)
        }
        _ => text,
    }
}

/// Removes the frontmatter. It stands between two fences of at least three dashes, each on a line
/// of its own. A word may follow the first fence.
fn without_frontmatter(text: &str) -> &str {
    let start = text.trim_start();
    let dashes = start.len() - start.trim_start_matches('-').len();
    if dashes < 3 {
        return text;
    }
    let fence = &start[..dashes];
    let mut rest = start;
    while let Some((_, after)) = rest.split_once('\n') {
        if let Some(tail) = after.strip_prefix(fence)
            && tail
                .lines()
                .next()
                .is_none_or(|line| line.trim().is_empty())
        {
            return tail;
        }
        rest = after;
    }
    text
}

/// Returns true if a text contains another text. This search is optimized in builds of the kit
/// that are not.
pub(crate) fn has(text: &str, part: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some()
}

/// Returns true if a token is this punctuation character.
pub(super) fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

/// Returns true if a token is this identifier or keyword.
pub(super) fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.as_str() == name)
}

/// Returns true if a token is one of these identifiers or keywords.
pub(super) fn is_one_of(token: &TokenTree, names: &[&str]) -> bool {
    names.iter().any(|name| is_ident(token, name))
}

/// Returns the tokens before a punctuation character, or all tokens if it does not occur.
pub(super) fn before(tokens: &[TokenTree], char: char) -> &[TokenTree] {
    let mut parts = tokens.split(|token| is_punct(token, char));
    parts.next().unwrap_or_default()
}

/// Returns the name of an identifier: `r#try` becomes `try`.
pub(super) fn name(token: &TokenTree) -> Option<&str> {
    let TokenTree::Ident(ident) = token else {
        return None;
    };
    let name = ident.as_str();
    Some(name.strip_prefix("r#").unwrap_or(name))
}

/// Returns the token as a group, if the token is a group with this delimiter.
pub(super) fn group(token: &TokenTree, delimiter: Delimiter) -> Option<&TokenGroup> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// Returns the tokens inside a token, if the token is a group in parentheses.
pub(super) fn parenthesised(token: &TokenTree) -> Option<&[TokenTree]> {
    Some(group(token, Delimiter::Parenthesis)?.stream())
}

/// Returns the macro call at the start of `tokens`: the macro's name, its arguments, and the number
/// of tokens of the call. A path before the name must have been skipped.
///
/// `foo! name { .. }`, the form of `macro_rules!`, is a call too. A keyword is no macro: `if !(a)`
/// is a negation.
pub(super) fn macro_call(tokens: &[TokenTree]) -> Option<(String, &TokenGroup, usize)> {
    let [word @ TokenTree::Ident(called), bang, rest @ ..] = tokens else {
        return None;
    };
    const KEYWORDS: [&str; 9] = [
        "if", "while", "match", "return", "in", "else", "break", "yield", "as",
    ];
    if !is_punct(bang, '!') || is_one_of(word, &KEYWORDS) {
        return None;
    }
    match rest {
        [TokenTree::Group(args), ..] => Some((called.to_string(), args, 3)),
        [TokenTree::Ident(_), TokenTree::Group(args), ..] => Some((called.to_string(), args, 4)),
        _ => None,
    }
}

/// Splits a list at its commas. A trailing comma starts no part.
pub(super) fn split_commas(tokens: &[TokenTree]) -> impl Iterator<Item = &[TokenTree]> {
    tokens
        .split(|token| is_punct(token, ','))
        .filter(|part| !part.is_empty())
}

/// Returns the text of a string literal (plain, raw, byte or C). Returns `None` for any other
/// token.
pub(super) fn string_value(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else {
        return None;
    };
    let literal = literal.as_str();
    let body = literal.trim_start_matches(['b', 'c']);
    if let Some(raw) = body.strip_prefix('r') {
        let raw = raw.trim_matches('#');
        return Some(raw.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    unescape(body.strip_prefix('"')?.strip_suffix('"')?)
}

/// Returns the text of a character literal. Returns `None` for any other token.
pub(super) fn char_value(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else {
        return None;
    };
    let literal = literal.as_str();
    unescape(literal.strip_prefix('\'')?.strip_suffix('\'')?)
}

/// Decodes the escapes of a string literal that the lexer has accepted.
fn unescape(text: &str) -> Option<String> {
    let mut value = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        value.push_str(plain);
        let kind = escaped.chars().next()?;
        rest = &escaped[kind.len_utf8()..];
        match kind {
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            '0' => value.push('\0'),
            'x' => {
                value.push(char::from(u8::from_str_radix(rest.get(..2)?, 16).ok()?));
                rest = &rest[2..];
            }
            'u' => {
                let (digits, after) = rest.strip_prefix('{')?.split_once('}')?;
                let code = u32::from_str_radix(&digits.replace('_', ""), 16).ok()?;
                value.push(char::from_u32(code)?);
                rest = after;
            }
            '\n' | '\r' => rest = rest.trim_start(),
            quoted => value.push(quoted),
        }
    }
    value.push_str(rest);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shebang_and_frontmatter_are_not_lexed() {
        for text in [
            "mod a;",
            "\u{feff}mod a;",
            "#!/usr/bin/env cargo\nmod a;",
            "\u{feff}#!/usr/bin/env it's\nmod a;",
            "---\n[package] # isn't Rust\n---\nmod a;",
            "#!/usr/bin/env cargo\n\n---- cargo\n---\n----\nmod a;",
        ] {
            assert_eq!(
                lex(text).map(|tokens| tokens.to_string()),
                Some("mod a ;".into()),
                "{text}"
            );
        }
        let attribute = lex("#![no_std]\nmod a;").expect("an attribute is no shebang");
        assert_eq!(attribute.len(), 6);
        assert!(lex("mod a; \"").is_none());
    }

    #[test]
    fn the_text_of_a_string_literal_is_decoded() {
        for (literal, value) in [
            (r#""a/b""#, Some("a/b")),
            (r##"r#"a"\b"#"##, Some("a\"\\b")),
            (r#"b"x=1""#, Some("x=1")),
            (r#""\x61\u{62}\t\"\\""#, Some("ab\t\"\\")),
            ("\"a\\\n   b\"", Some("ab")),
            ("'a'", None),
            ("12", None),
        ] {
            let tokens = lex(literal).expect("it lexes");
            assert_eq!(string_value(&tokens[0]).as_deref(), value, "{literal}");
        }
    }
}
