//! Evaluates `cfg` conditions: finds items that a condition removes.

use super::shapes::{Attribute, attribute_at, attribute_parts};
use super::token_tree::{Delimiter, TokenGroup, TokenTree};
use super::tokens::{group, is_ident, is_one_of, is_punct, lex, name, split_commas, string_value};

/// A function that returns true if a `cfg` option is set, such as `unix` or `target_os = "linux"`.
/// It returns `None` if that is not known.
pub type Holds<'a> = dyn Fn(&str, Option<&str>) -> Option<bool> + 'a;

/// Returns true if one of the attributes removes the item: a `cfg` that is known to be false, or a
/// `#[test]` if no tests are built.
pub(super) fn leave_out(attributes: &[Attribute], holds: &Holds<'_>) -> bool {
    let mut certain = attributes.iter().filter(|it| !it.conditional);
    certain.any(|attribute| match &attribute.tokens[..] {
        [cfg, TokenTree::Group(predicate)] if is_ident(cfg, "cfg") => {
            value(predicate.stream(), holds) == Some(false)
        }
        [test] if is_ident(test, "test") => holds("test", None) == Some(false),
        _ => false,
    })
}

/// Returns the attributes in the body of an attribute. A `cfg_attr` can hold several; it holds none
/// if its predicate is known to be false. If the predicate is known to be true, its attributes are
/// unconditional.
pub(super) fn attributes(body: &[TokenTree], holds: &Holds<'_>) -> Vec<Attribute> {
    let parts = match body {
        [cfg_attr, TokenTree::Group(parts)] if is_ident(cfg_attr, "cfg_attr") => parts.stream(),
        _ => return attribute_parts(body, false),
    };
    let mut parts = split_commas(parts);
    let is_met = parts.next().and_then(|predicate| value(predicate, holds));
    if is_met == Some(false) {
        return Vec::new();
    }
    let mut made: Vec<Attribute> = parts.flat_map(|part| attributes(part, holds)).collect();
    if is_met.is_none() {
        made.iter_mut().for_each(|it| it.conditional = true);
    }
    made
}

/// Returns the branches of a `cfg_if!` that may be compiled: the branches before the first condition
/// that is known to be true, without the conditions that are known to be false. Returns `None` if
/// the arguments have another form.
pub(super) fn branches<'t>(
    mut rest: &'t [TokenTree],
    holds: &Holds<'_>,
) -> Option<Vec<&'t TokenGroup>> {
    let mut kept = Vec::new();
    loop {
        let is_met = match rest {
            [keyword, after @ ..] if is_ident(keyword, "if") => {
                let (attribute, length) = attribute_at(after)?;
                rest = &after[length..];
                match &attribute.stream()[..] {
                    [cfg, TokenTree::Group(predicate)] if is_ident(cfg, "cfg") => {
                        value(predicate.stream(), holds)
                    }
                    _ => return None,
                }
            }
            _ => Some(true),
        };
        let (body, after) = rest.split_first()?;
        let body = group(body, Delimiter::Brace)?;
        if is_met != Some(false) {
            kept.push(body);
        }
        rest = match after {
            [] => return Some(kept),
            _ if is_met == Some(true) => return Some(kept),
            [keyword, after @ ..] if is_ident(keyword, "else") => after,
            _ => return None,
        };
    }
}

/// Evaluates a `cfg(…)` of a manifest or of cargo's configuration. Returns `None` if the value is
/// not known.
pub fn evaluate(cfg: &str, holds: &Holds<'_>) -> Option<bool> {
    let predicate = cfg.trim().strip_prefix("cfg(")?.strip_suffix(')')?;
    value(&lex(predicate)?, holds)
}

/// Evaluates a predicate by the rules of the Rust reference, "Conditional compilation".
fn value(predicate: &[TokenTree], holds: &Holds<'_>) -> Option<bool> {
    match predicate {
        [option] if is_ident(option, "true") => Some(true),
        [option] if is_ident(option, "false") => Some(false),
        [option] => holds(name(option)?, None),
        [option, equals, value] if is_punct(equals, '=') => {
            holds(name(option)?, Some(&string_value(value)?))
        }
        [operator, TokenTree::Group(predicates)] => {
            let predicates = predicates.stream();
            let mut values = split_commas(predicates).map(|predicate| value(predicate, holds));
            match name(operator)? {
                "all" => conjunction(&mut values),
                "any" => conjunction(&mut values.map(|value| value.map(|it| !it))).map(|it| !it),
                "not" => values.next()?.map(|it| !it),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Returns false if one value is false, even if other values are unknown.
fn conjunction(values: &mut dyn Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for value in values {
        match value {
            Some(false) => return value,
            None => result = None,
            Some(true) => {}
        }
    }
    result
}

/// Returns true if the tokens begin with an item or a `let`, which ends with a semicolon or with a
/// body. Other parts with attributes, such as a field or a match arm, may end with a comma.
fn opens_item(tokens: &[TokenTree]) -> bool {
    const ITEMS: [&str; 11] = [
        "enum",
        "impl",
        "let",
        "macro_rules",
        "mod",
        "static",
        "struct",
        "trait",
        "type",
        "union",
        "use",
    ];
    const BEFORE: [&str; 5] = ["pub", "unsafe", "async", "const", "extern"];
    let mut rest = tokens;
    loop {
        match rest {
            [function, TokenTree::Ident(_), ..] if is_ident(function, "fn") => return true,
            [constant, TokenTree::Ident(name), colon, ..]
                if is_ident(constant, "const") && name.as_str() != "fn" && is_punct(colon, ':') =>
            {
                return true;
            }
            [word, ..] if is_one_of(word, &ITEMS) => return true,
            [word, next, ..] if is_one_of(word, &BEFORE) => {
                // A visibility may have parentheses, and `extern` may have an ABI as a string.
                let belongs = matches!(next, TokenTree::Group(_) | TokenTree::Literal(_));
                rest = &rest[1 + usize::from(belongs)..];
            }
            _ => return false,
        }
    }
}

/// Returns the number of tokens of the item or part that an attribute before the tokens removes. In
/// doubt the number is smaller, so that more is scanned.
pub(super) fn length(tokens: &[TokenTree]) -> usize {
    let is_item = opens_item(tokens);
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => {
            punct.as_char() == ';' || !is_item && [',', '>'].contains(&punct.as_char())
        }
        _ => false,
    };
    tokens
        .iter()
        .position(ends)
        .map_or(tokens.len(), |end| end + 1)
}
