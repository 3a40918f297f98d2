//! The words that a target passes to macros. A macro may make the name of a file from them.

use std::collections::{BTreeMap, BTreeSet};

use super::shapes::{Attribute, OUTER, attribute_at, derived_traits, number_text};
use super::token_tree::{Delimiter, TokenTree};
use super::tokens::{group, is_ident, name, string_value};

/// The words of the calls of each macro, attribute and derive. The words of one call stand in one
/// text, separated by spaces. All words are in lower case: `FrontPage` has the words `front` and
/// `page`.
pub type CallWords = BTreeMap<String, BTreeSet<String>>;

/// Returns the words of a name in lower case. Words end at other characters than letters and digits,
/// before a capital letter after a small letter, and between letters and digits. Numbers lose their
/// leading zeros.
pub(crate) fn lower_words(text: &str) -> impl Iterator<Item = String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = None;
    for char in text.chars() {
        let is_end = before.is_some_and(|before: char| {
            before.is_lowercase() && char.is_uppercase()
                || before.is_ascii_digit() != char.is_ascii_digit()
        });
        if !char.is_alphanumeric() || is_end {
            words.push(std::mem::take(&mut word));
        }
        if char.is_alphanumeric() {
            word.extend(char.to_lowercase());
        }
        before = char.is_alphanumeric().then_some(char);
    }
    words.push(word);
    let words = words.into_iter().filter(|word| !word.is_empty());
    words.map(|word| match word.trim_start_matches('0') {
        "" => "0".to_owned(),
        number if number.starts_with(|it: char| it.is_ascii_digit()) => number.to_owned(),
        _ => word,
    })
}

/// Adds the words of a call.
pub(super) fn add_call(calls: &mut CallWords, called: &str, arguments: &[TokenTree]) {
    let mut words = BTreeSet::new();
    collect(&mut words, arguments);
    insert(calls, called, words);
}

/// Adds the words of an attribute or a derive, and the words of the item below it.
pub(super) fn add_attribute(calls: &mut CallWords, attribute: &Attribute, rest: &[TokenTree]) {
    let Some(first) = attribute.tokens.first() else {
        return;
    };
    let called: Vec<String> = match is_ident(first, "derive") {
        true => derived_traits(attribute),
        false => {
            let path = attribute.tokens.iter();
            let path =
                path.take_while(|token| matches!(token, TokenTree::Ident(_) | TokenTree::Punct(_)));
            path.filter_map(name)
                .last()
                .map(str::to_owned)
                .into_iter()
                .collect()
        }
    };
    if called.is_empty() {
        return;
    }
    let mut words = BTreeSet::new();
    collect(&mut words, &attribute.tokens);
    collect(&mut words, &item(rest));
    for called in called {
        insert(calls, &called, words.clone());
    }
}

/// Returns the tokens of the item at the start of `rest`. The body of a function is left out.
fn item(mut rest: &[TokenTree]) -> Vec<TokenTree> {
    while let Some((_, OUTER)) = attribute_at(rest) {
        rest = &rest[OUTER..];
    }
    let mut tokens = Vec::new();
    let mut is_function = false;
    for token in rest {
        is_function |= is_ident(token, "fn");
        let body = group(token, Delimiter::Brace);
        let is_end = body.is_some() || matches!(token, TokenTree::Punct(it) if it.as_char() == ';');
        if !(is_end && is_function) {
            tokens.push(token.clone());
        }
        if is_end {
            break;
        }
    }
    tokens
}

fn insert(calls: &mut CallWords, called: &str, words: BTreeSet<String>) {
    if !words.is_empty() {
        let words: Vec<String> = words.into_iter().collect();
        let called = called.trim_start_matches("r#");
        let known = calls.entry(called.to_owned()).or_default();
        known.insert(words.join(" "));
    }
}

fn collect(words: &mut BTreeSet<String>, tokens: &[TokenTree]) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(words, group.stream()),
            TokenTree::Ident(ident) => words.extend(lower_words(ident.as_str())),
            TokenTree::Literal(_) => {
                let text = string_value(token).or_else(|| number_text(token));
                words.extend(text.iter().flat_map(|text| lower_words(text)));
            }
            TokenTree::Punct(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_consist_of_words() {
        for (text, expected) in [
            ("front_page.html", "front page html"),
            ("FrontPage", "front page"),
            ("HTTPServer", "httpserver"),
            ("table12", "table 12"),
            ("page-007", "page 7"),
            ("v0", "v 0"),
            ("Größe", "größe"),
            ("__", ""),
        ] {
            let words: Vec<String> = lower_words(text).collect();
            assert_eq!(words.join(" "), expected, "{text}");
        }
    }
}
