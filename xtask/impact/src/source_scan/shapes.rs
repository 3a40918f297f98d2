//! The patterns that the scan looks for among tokens: attributes, paths made by macros, possible
//! declarations, and the macros and attributes that never declare anything.

use camino::Utf8Path;
use proc_macro2::{Delimiter, Group, TokenTree};

use super::DoubtKind;
use super::tokens::{
    group, is_ident, is_one_of, is_punct, macro_call, parenthesised, split_commas, string_value,
    trees,
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
    pub(super) tokens: Vec<TokenTree>,
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

/// The number of tokens of an outer attribute: `#` and its body.
pub(super) const OUTER: usize = 2;

/// The number of tokens of an inner attribute: `#`, `!` and its body.
pub(super) const INNER: usize = 3;

/// Returns the attribute at the start of `tokens`: its body, and its number of tokens ([`OUTER`] or
/// [`INNER`]).
pub(super) fn attribute_at(tokens: &[TokenTree]) -> Option<(&Group, usize)> {
    let body = match tokens {
        [hash, next, ..] if is_punct(hash, '#') => 1 + usize::from(is_punct(next, '!')),
        _ => return None,
    };
    Some((group(tokens.get(body)?, Delimiter::Bracket)?, body + 1))
}

/// Returns the attributes in the body of an attribute. A `cfg_attr` can hold several.
pub(super) fn attribute_parts(body: Vec<TokenTree>, conditional: bool) -> Vec<Attribute> {
    match body.as_slice() {
        [cfg_attr, TokenTree::Group(parts)] if is_ident(cfg_attr, "cfg_attr") => {
            let parts = trees(parts.stream());
            let after_condition = split_commas(&parts).skip(1);
            after_condition
                .flat_map(|part| attribute_parts(part.to_vec(), true))
                .collect()
        }
        _ => vec![Attribute {
            conditional,
            tokens: body,
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
    if let [literal] = argument
        && let Some(text) = string_value(literal)
    {
        return Ok(Some(text));
    }
    let after_path = argument
        .iter()
        .rposition(|token| is_punct(token, ':'))
        .map_or(0, |colon| colon + 1);
    let Some((called, inner, _)) = macro_call(&argument[after_path..]) else {
        return Err(DoubtKind::MacroMadePath);
    };
    let inner = trees(inner.stream());
    let mut parts = split_commas(&inner);
    match called.as_str() {
        "concat" => parts
            .map(|part| made_text(Some(part), manifest_dir))
            .collect(),
        "env" => match made_text(parts.next(), manifest_dir)?.as_deref() {
            Some("CARGO_MANIFEST_DIR") => Ok(Some(manifest_dir.to_string())),
            Some("OUT_DIR") => Ok(None),
            _ => Err(DoubtKind::UnknownEnv),
        },
        _ => Err(DoubtKind::MacroMadePath),
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
