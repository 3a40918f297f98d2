//! Conditions: whether a `cfg` leaves an item out.

use proc_macro2::TokenTree;

use super::shapes::{Attribute, attribute_parts};
use super::tokens::{is_ident, is_one_of, is_punct, lex, name, split_commas, string_value, trees};

/// Whether an option of a configuration is set, `unix` as well as `target_os = "linux"`; `None`
/// where that is not known.
pub type Holds<'a> = dyn Fn(&str, Option<&str>) -> Option<bool> + 'a;

/// Whether one of the attributes is a `cfg` that is known not to hold, or makes a test where none is
/// built.
pub(super) fn leave_out(attributes: &[Attribute], holds: &Holds<'_>) -> bool {
    let mut certain = attributes.iter().filter(|it| !it.conditional);
    certain.any(|attribute| match &attribute.tokens[..] {
        [cfg, TokenTree::Group(predicate)] if is_ident(cfg, "cfg") => {
            value(&trees(predicate.stream()), holds) == Some(false)
        }
        [test] if is_ident(test, "test") => holds("test", None) == Some(false),
        _ => false,
    })
}

/// The attributes that an attribute's body stands for: several under a `cfg_attr`, and none where
/// its predicate is known not to hold. An attribute whose predicate holds is as good as written.
pub(super) fn attributes(body: Vec<TokenTree>, holds: &Holds<'_>) -> Vec<Attribute> {
    let parts = match body.as_slice() {
        [cfg_attr, TokenTree::Group(parts)] if is_ident(cfg_attr, "cfg_attr") => {
            trees(parts.stream())
        }
        _ => return attribute_parts(body, false),
    };
    let mut parts = split_commas(&parts);
    let is_met = parts.next().and_then(|predicate| value(predicate, holds));
    if is_met == Some(false) {
        return Vec::new();
    }
    let mut made: Vec<Attribute> = parts
        .flat_map(|part| attributes(part.to_vec(), holds))
        .collect();
    if is_met.is_none() {
        made.iter_mut().for_each(|it| it.conditional = true);
    }
    made
}

/// What the predicate of a `cfg(…)` comes to, of a manifest or of cargo's configuration; `None` where
/// that is not known.
pub fn evaluate(cfg: &str, holds: &Holds<'_>) -> Option<bool> {
    let predicate = cfg.trim().strip_prefix("cfg(")?.strip_suffix(')')?;
    value(&trees(lex(predicate)?), holds)
}

/// What a predicate comes to, as the Rust reference has it under "Conditional compilation".
fn value(predicate: &[TokenTree], holds: &Holds<'_>) -> Option<bool> {
    match predicate {
        [option] if is_ident(option, "true") => Some(true),
        [option] if is_ident(option, "false") => Some(false),
        [option] => holds(&name(option)?, None),
        [option, equals, value] if is_punct(equals, '=') => {
            holds(&name(option)?, Some(&string_value(value)?))
        }
        [operator, TokenTree::Group(predicates)] => {
            let predicates = trees(predicates.stream());
            let mut values = split_commas(&predicates).map(|predicate| value(predicate, holds));
            match name(operator)?.as_str() {
                "all" => conjunction(&mut values),
                "any" => conjunction(&mut values.map(|value| value.map(|it| !it))).map(|it| !it),
                "not" => values.next()?.map(|it| !it),
                _ => None,
            }
        }
        _ => None,
    }
}

/// False where one is, whatever the others.
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

/// Whether an item or a `let` stands here, which reaches to a semicolon or to the end of a body.
/// Anything else that bears an attribute, such as a field or an arm, may end in a comma.
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
                if is_ident(constant, "const") && name != "fn" && is_punct(colon, ':') =>
            {
                return true;
            }
            [word, ..] if is_one_of(word, &ITEMS) => return true,
            [word, next, ..] if is_one_of(word, &BEFORE) => {
                // A visibility may be in brackets; an ABI follows in quotes.
                let belongs = matches!(next, TokenTree::Group(_) | TokenTree::Literal(_));
                rest = &rest[1 + usize::from(belongs)..];
            }
            _ => return false,
        }
    }
}

/// How many tokens the item or part takes that an attribute before them leaves out. Where in doubt
/// fewer, so that what is read is rather more.
pub(super) fn length(tokens: &[TokenTree]) -> usize {
    let is_item = opens_item(tokens);
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Brace,
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
