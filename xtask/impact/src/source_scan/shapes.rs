//! The patterns that the scan looks for among tokens: attributes, paths made by macros, possible
//! declarations, and the macros and attributes that never declare anything.

use camino::Utf8Path;

use super::DoubtKind;
use super::token_tree::{Delimiter, TokenGroup, TokenStream, TokenTree};
use super::tokens::{
    char_value, group, is_ident, is_one_of, is_punct, macro_call, name, parenthesised,
    split_commas, string_value,
};

/// The macros whose arguments are ordinary code and text: a literal in them names no file to
/// compile, and an identifier names no module.
pub(super) const ORDINARY_MACROS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "panic",
    "todo",
    "unimplemented",
    "unreachable",
    "compile_error",
    "format",
    "format_args",
    "print",
    "println",
    "eprint",
    "eprintln",
    "write",
    "writeln",
    "dbg",
    "vec",
    "matches",
    "concat",
    "cfg",
    "thread_local",
    "lazy_static",
    "bitflags",
    "anyhow",
    "bail",
    "ensure",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "criterion_group",
    "criterion_main",
];

/// Macros whose arguments are no code of this target, but a text, or tokens for another one.
pub(super) const QUOTING_MACROS: &[&str] = &[
    "quote",
    "quote_spanned",
    "parse_quote",
    "parse_quote_spanned",
    "stringify",
];

/// The attributes whose literals are never files. `path` is about a module and is read together
/// with the module.
pub(super) const ORDINARY_ATTRIBUTES: &[&str] = &[
    "allow",
    "cfg",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "forbid",
    "link",
    "must_use",
    "path",
    "serde",
    "should_panic",
    "warn",
];

/// The attributes of the language and of its tools that are not in [`ORDINARY_ATTRIBUTES`].
const BUILT_IN_ATTRIBUTES: &[&str] = &[
    "automatically_derived",
    "bench",
    "cfg_attr",
    "clippy",
    "cold",
    "crate_name",
    "crate_type",
    "diagnostic",
    "export_name",
    "feature",
    "global_allocator",
    "ignore",
    "inline",
    "link_name",
    "link_section",
    "macro_export",
    "macro_use",
    "no_mangle",
    "no_std",
    "non_exhaustive",
    "panic_handler",
    "proc_macro",
    "proc_macro_attribute",
    "proc_macro_derive",
    "recursion_limit",
    "repr",
    "rustfmt",
    "target_feature",
    "test",
    "track_caller",
    "type_length_limit",
    "unsafe",
    "used",
];

/// The macros of the standard library whose output only depends on their arguments.
pub(super) const BUILT_IN_MACROS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "cfg",
    "column",
    "compile_error",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "eprint",
    "eprintln",
    "file",
    "format",
    "format_args",
    "line",
    "matches",
    "module_path",
    "offset_of",
    "panic",
    "print",
    "println",
    "thread_local",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

/// The traits of the standard library that can be derived.
const BUILT_IN_DERIVES: &[&str] = &[
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Eq",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
];

/// The methods that do not change a text or a path.
pub(super) const NEUTRAL: [&str; 16] = [
    "as_path",
    "as_ref",
    "as_str",
    "borrow",
    "clone",
    "display",
    "expect",
    "into",
    "into_owned",
    "to_owned",
    "to_path_buf",
    "to_str",
    "to_string",
    "to_string_lossy",
    "unwrap",
    "unwrap_or_default",
];

/// An attribute, possibly inside a `cfg_attr`.
#[derive(Clone)]
pub(super) struct Attribute {
    /// True if the attribute is inside a `cfg_attr`.
    pub(super) conditional: bool,
    pub(super) tokens: TokenStream,
}

impl Attribute {
    pub(super) fn is(&self, name: &str) -> bool {
        self.tokens
            .first()
            .is_some_and(|token| is_ident(token, name))
    }

    /// Returns true if the attribute is no macro of another crate.
    pub(super) fn is_built_in(&self) -> bool {
        let Some(first) = self.tokens.first() else {
            return true;
        };
        if is_ident(first, "derive") {
            let derived = self.tokens.get(1).and_then(parenthesised);
            let derived = derived.unwrap_or_default();
            return derived
                .iter()
                .all(|it| is_punct(it, ',') || is_one_of(it, BUILT_IN_DERIVES));
        }
        is_one_of(first, ORDINARY_ATTRIBUTES) || is_one_of(first, BUILT_IN_ATTRIBUTES)
    }
}

/// Returns the traits that a `derive` names and that are not of the standard library.
pub(super) fn derived_traits(derive: &Attribute) -> Vec<String> {
    let derived = derive.tokens.get(1).and_then(parenthesised);
    let derived = derived.unwrap_or_default();
    let names = split_commas(derived).filter_map(|path| path.last());
    let names = names.filter(|it| !is_one_of(it, BUILT_IN_DERIVES));
    names.filter_map(name).map(str::to_owned).collect()
}

/// The number of tokens of an outer attribute: `#` and its body.
pub(super) const OUTER: usize = 2;

/// The number of tokens of an inner attribute: `#`, `!` and its body.
pub(super) const INNER: usize = 3;

/// Returns the attribute at the start of `tokens`: its body, and its number of tokens ([`OUTER`] or
/// [`INNER`]).
pub(super) fn attribute_at(tokens: &[TokenTree]) -> Option<(&TokenGroup, usize)> {
    let body = match tokens {
        [hash, next, ..] if is_punct(hash, '#') => 1 + usize::from(is_punct(next, '!')),
        _ => return None,
    };
    Some((group(tokens.get(body)?, Delimiter::Bracket)?, body + 1))
}

/// Returns the attributes in the body of an attribute. A `cfg_attr` can hold several.
pub(super) fn attribute_parts(body: &[TokenTree], conditional: bool) -> Vec<Attribute> {
    match body {
        [cfg_attr, TokenTree::Group(parts)] if is_ident(cfg_attr, "cfg_attr") => {
            let parts = parts.stream();
            let after_condition = split_commas(parts).skip(1);
            after_condition
                .flat_map(|part| attribute_parts(part, true))
                .collect()
        }
        _ => vec![Attribute {
            conditional,
            tokens: body.iter().cloned().collect(),
        }],
    }
}

/// Returns the text that a macro's argument makes. Returns `Ok(None)` for a path below `OUT_DIR`,
/// whose files are not sources.
pub(super) fn made_text(
    argument: Option<&[TokenTree]>,
    manifest_dir: &Utf8Path,
) -> Result<Option<String>, DoubtKind> {
    let argument = argument.unwrap_or_default();
    if let Some(text) = literal_text(argument) {
        return Ok(Some(text));
    }
    let after_path = argument
        .iter()
        .rposition(|token| is_punct(token, ':'))
        .map_or(0, |colon| colon + 1);
    let Some((called, inner, _)) = macro_call(&argument[after_path..]) else {
        return Err(DoubtKind::MacroMadePath);
    };
    let inner = inner.stream();
    let mut parts = split_commas(inner);
    match called.as_str() {
        "concat" => parts
            .map(|part| made_text(Some(part), manifest_dir))
            .collect(),
        "env" => match made_text(parts.next(), manifest_dir)?.as_deref() {
            Some("CARGO_MANIFEST_DIR") => Ok(Some(manifest_dir.to_string())),
            Some("OUT_DIR") => Ok(None),
            _ => Err(DoubtKind::UnknownEnv),
        },
        "stringify" => match &inner[..] {
            [word @ (TokenTree::Ident(_) | TokenTree::Literal(_))] => Ok(Some(word.to_string())),
            _ => Err(DoubtKind::MacroMadePath),
        },
        _ => Err(DoubtKind::MacroMadePath),
    }
}

/// Returns the text that `concat!` makes of a literal.
fn literal_text(literal: &[TokenTree]) -> Option<String> {
    match literal {
        [minus, number] if is_punct(minus, '-') => {
            number_text(number).map(|number| format!("-{number}"))
        }
        [word] if is_one_of(word, &["true", "false"]) => Some(word.to_string()),
        [one] => string_value(one)
            .or_else(|| char_value(one))
            .or_else(|| number_text(one)),
        _ => None,
    }
}

/// Returns the text that `concat!` makes of a number: the decimal digits of an integer, and a
/// fraction as it is written, both without the suffix.
pub(super) fn number_text(token: &TokenTree) -> Option<String> {
    const SUFFIXES: [&str; 14] = [
        "isize", "usize", "i128", "u128", "i16", "i32", "i64", "u16", "u32", "u64", "f32", "f64",
        "i8", "u8",
    ];
    let TokenTree::Literal(literal) = token else {
        return None;
    };
    let text = literal.as_str().replace('_', "");
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let radix = match text.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 10,
    };
    let digits = SUFFIXES
        .iter()
        // The suffix of a hexadecimal number is no fraction's: `0xaf32` has none.
        .filter(|suffix| radix == 10 || !suffix.starts_with('f'))
        .find_map(|suffix| text.strip_suffix(suffix))
        .unwrap_or(&text);
    match radix {
        10 if digits.contains(['.', 'e', 'E']) => Some(digits.to_owned()),
        10 => digits.parse::<u128>().ok().map(|it| it.to_string()),
        _ => u128::from_str_radix(&digits[2..], radix)
            .ok()
            .map(|it| it.to_string()),
    }
}

/// Returns true if a macro call after these tokens stands in the place of an item.
pub(super) fn starts_item(before: &[TokenTree]) -> bool {
    let in_path = |token: &&TokenTree| {
        is_punct(token, ':') || is_punct(token, '$') || matches!(token, TokenTree::Ident(_))
    };
    match before.iter().rev().find(|token| !in_path(token)) {
        None => true,
        Some(TokenTree::Group(group)) => group.delimiter() != Delimiter::Parenthesis,
        Some(token) => is_punct(token, ';'),
    }
}

/// Returns true if an identifier between these two tokens can be a name that is passed to a macro,
/// as `a` in `mods!(a, b)` and `mods! { pub a; a => "x" }`, and is not part of code.
pub(super) fn may_name_module(before: Option<&TokenTree>, after: Option<&TokenTree>) -> bool {
    const KEYWORDS: [&str; 14] = [
        "as", "const", "dyn", "enum", "fn", "for", "impl", "let", "mut", "return", "static",
        "struct", "trait", "type",
    ];
    let before_fits = match before {
        None | Some(TokenTree::Group(_)) => true,
        Some(token @ TokenTree::Ident(_)) => !is_one_of(token, &KEYWORDS),
        Some(token) => is_punct(token, ',') || is_punct(token, ';'),
    };
    let after_fits = match after {
        None | Some(TokenTree::Ident(_)) => true,
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
        Some(token) => [',', ';', '='].iter().any(|char| is_punct(token, *char)),
    };
    before_fits && after_fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source_scan::tokens::lex;

    /// The texts on the right are those that rustc 1.95 prints for the left sides.
    #[test]
    fn concat_joins_literals_of_every_kind() {
        for (argument, made) in [
            ("1", "1"),
            ("0x10", "16"),
            ("0o17", "15"),
            ("0b11_u64", "3"),
            ("1_000", "1000"),
            ("1u8", "1"),
            ("0xfu8", "15"),
            ("1.50", "1.50"),
            ("1.5f32", "1.5"),
            ("1e3", "1e3"),
            ("1_0.5", "10.5"),
            ("2f32", "2"),
            ("-1", "-1"),
            ("-0x1F", "-31"),
            ("true", "true"),
            ("'a'", "a"),
            ("'\\u{e9}'", "\u{e9}"),
            ("stringify!(a)", "a"),
            ("stringify!(r#type)", "r#type"),
            ("stringify!(\"x\")", "\"x\""),
            ("stringify!(0x10)", "0x10"),
        ] {
            let tokens = lex(&format!("concat!(\"<\", {argument}, r\">\")")).expect("it lexes");
            let text = made_text(Some(&tokens), Utf8Path::new("/p"));
            assert_eq!(text, Ok(Some(format!("<{made}>"))), "{argument}");
        }
        for unknown in ["$x", "stringify!(a.b)", "file!()", "b'a'", "x"] {
            let tokens = lex(&format!("concat!({unknown})")).expect("it lexes");
            assert!(
                made_text(Some(&tokens), Utf8Path::new("/p")).is_err(),
                "{unknown}"
            );
        }
    }
}
