//! The text of a source file, with the tokens that a scan walks through. A file belongs to several
//! targets and modes, but it is read and lexed once.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::shapes::{
    Attribute, BUILT_IN_MACROS, ORDINARY_MACROS, QUOTING_MACROS, attribute_at, attribute_parts,
};
use super::token_tree::{Delimiter, Ident, TokenGroup, TokenStream, TokenTree};
use super::tokens::{before, group, is_ident, is_nested_too_deep, is_punct, lex, macro_call, name};

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
        let lexed = || {
            let tokens = lex(self.text())?;
            let mut imported = HashSet::new();
            imported_macros(&tokens, &mut imported);
            Some(without_plain_code(&tokens, &imported))
        };
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
///
/// A macro of another crate can have the name of a well-known macro. Its name becomes a raw
/// identifier (`r#line!`), so that no list of well-known macros contains the name. `imported` are
/// the names of such macros that the file imports.
fn without_plain_code(tokens: &[TokenTree], imported: &HashSet<String>) -> TokenStream {
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
            let called = called.as_str();
            let is_foreign = is_well_known(called)
                && path_root(&kept).map_or(imported.contains(called), is_unknown_crate);
            kept.push(match is_foreign {
                true => TokenTree::Ident(Ident::raw(called)),
                false => token.clone(),
            });
            kept.extend_from_slice(&rest[1..length - 1]);
            let is_plain = QUOTING_MACROS.contains(&called)
                || !is_foreign
                    && ORDINARY_MACROS.contains(&called)
                    && !may_declare(arguments.stream());
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
                    let inside = without_plain_code(group.stream(), imported);
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

/// The crates whose macros the lists of well-known macros mean.
const KNOWN_CRATES: [&str; 15] = [
    "alloc",
    "anyhow",
    "bitflags",
    "core",
    "criterion",
    "defmt",
    "eyre",
    "lazy_static",
    "log",
    "pretty_assertions",
    "similar_asserts",
    "slog",
    "std",
    "tokio",
    "tracing",
];

fn is_well_known(called: &str) -> bool {
    ORDINARY_MACROS.contains(&called) || BUILT_IN_MACROS.contains(&called)
}

fn is_unknown_crate(root: &str) -> bool {
    !KNOWN_CRATES.contains(&root)
}

/// Collects the names of well-known macros that are imported from other crates or from modules.
fn imported_macros(tokens: &[TokenTree], imported: &mut HashSet<String>) {
    for (at, token) in tokens.iter().enumerate() {
        if is_ident(token, "use") {
            let path = before(&tokens[at + 1..], ';');
            if path.iter().find_map(name).is_some_and(is_unknown_crate) {
                names_in(path, imported);
            }
        } else if let TokenTree::Group(group) = token {
            imported_macros(group.stream(), imported);
        }
    }
}

/// Collects the names of well-known macros among tokens.
fn names_in(tokens: &[TokenTree], found: &mut HashSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => names_in(group.stream(), found),
            token => {
                let name = name(token).filter(|it| is_well_known(it));
                found.extend(name.map(str::to_owned));
            }
        }
    }
}

/// Returns the first name of the path that ends before a macro's name, as `a` of `a::b::m!()`;
/// `None` if there is no path.
fn path_root(before: &[TokenTree]) -> Option<&str> {
    let mut root = None;
    let mut rest = before;
    while let [above @ .., part, first, second] = rest
        && [first, second].iter().all(|it| is_punct(it, ':'))
        && let Some(part) = name(part)
    {
        root = Some(part);
        rest = above;
    }
    root
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
                "use a::{line as l, info}; info!(\"a\"); warn!(\"b\");",
                "use a :: { } ; r#info ! (\"a\") ; warn ! () ;",
            ),
            (
                "use log::info; info!(\"a\");",
                "use log :: info ; info ! () ;",
            ),
            (
                "const A: X = a::b::file!(); x(return std::panic!(\"a\"));",
                "const A : X = a :: b :: r#file ! () ; x (return std :: panic ! ()) ;",
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
