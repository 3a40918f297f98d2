//! The texts in a source that macros can turn into code of their callers.

use super::shapes::attribute_at;
use super::token_tree::TokenTree;
use super::tokens::{has, is_ident, is_punct, lex, macro_call, name};

/// The texts of macros in a source. All texts are the tokens as rustc prints them, with a blank in
/// between.
#[derive(Debug, Default)]
pub(crate) struct MacroTexts {
    /// The macros that `macro_rules!` defines.
    pub(crate) definitions: Vec<MacroDefinition>,
    /// The arguments of all other calls of macros.
    pub(crate) arguments: String,
    /// True if a macro may define macros whose names its callers give.
    pub(crate) defines_others: bool,
}

/// A macro that `macro_rules!` defines.
#[derive(Debug)]
pub(crate) struct MacroDefinition {
    pub(crate) name: String,
    /// True if other packages can call the macro.
    pub(crate) is_exported: bool,
    /// The patterns and the code of the macro.
    pub(crate) body: String,
}

impl MacroTexts {
    /// Reads a source. Returns `None` for a text that is not lexed.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let mut found = Self::default();
        found.collect(&lex(text)?);
        Some(found)
    }

    fn collect(&mut self, tokens: &[TokenTree]) {
        let mut rest = tokens;
        let mut is_exported = false;
        while let [token, after @ ..] = rest {
            if let Some((attribute, length)) = attribute_at(rest) {
                is_exported |= attribute.stream().to_string().contains("macro_export");
                rest = &rest[length..];
                continue;
            }
            if let Some((called, inside, length)) = macro_call(rest) {
                let body = inside.stream().to_string();
                match rest.get(2).and_then(name) {
                    Some(name) if called == "macro_rules" => {
                        let name = name.to_owned();
                        self.collect_defined(inside.stream());
                        self.definitions.push(MacroDefinition {
                            name,
                            is_exported,
                            body,
                        });
                    }
                    _ => {
                        self.arguments.push_str(&body);
                        self.arguments.push('\n');
                    }
                }
                rest = &rest[length..];
            } else {
                if let TokenTree::Group(group) = token {
                    self.collect(group.stream());
                }
                rest = after;
            }
            is_exported = false;
        }
    }

    /// Collects the macros that the body of a definition defines.
    fn collect_defined(&mut self, body: &[TokenTree]) {
        let mut inside = Self::default();
        inside.collect(body);
        self.definitions.append(&mut inside.definitions);
        self.defines_others |= inside.defines_others || names_defined_macro(body);
    }
}

/// Returns true if tokens contain `macro_rules! $name`.
fn names_defined_macro(tokens: &[TokenTree]) -> bool {
    let is_here = tokens.windows(3).any(|it| {
        is_ident(&it[0], "macro_rules") && is_punct(&it[1], '!') && is_punct(&it[2], '$')
    });
    is_here
        || tokens.iter().any(|token| match token {
            TokenTree::Group(group) => names_defined_macro(group.stream()),
            _ => false,
        })
}

/// Returns the bodies of all definitions of macros and the arguments of all calls. Only these tokens
/// can become a path of `include_str!` at a caller of the macros. Returns `None` for a text that is
/// not lexed.
pub(crate) fn text_of_macros(text: &str) -> Option<String> {
    let texts = MacroTexts::of(text)?;
    let bodies = texts.definitions.into_iter().map(|it| it.body);
    Some(
        bodies
            .chain([texts.arguments])
            .collect::<Vec<_>>()
            .join("\n"),
    )
}

/// Returns the text that procedural macros can make code from: all tokens, except attributes and the
/// Rust code that the source includes for itself. Returns `None` for a text that is not lexed.
pub(crate) fn text_for_procedural_macros(text: &str) -> Option<String> {
    let mut found = String::new();
    add_without_own_inclusions(&lex(text)?, &mut found);
    Some(found)
}

fn add_without_own_inclusions(tokens: &[TokenTree], found: &mut String) {
    let mut rest = tokens;
    let mut before = None;
    while let [token, after @ ..] = rest {
        // The arguments of a macro, as of `quote!`, may become code of a caller.
        let is_argument = before.replace(token).is_some_and(|it| is_punct(it, '!'));
        if let Some((_, length)) = attribute_at(rest) {
            rest = &rest[length..];
            continue;
        }
        if is_ident(token, "include")
            && let Some((_, inside, length)) = macro_call(rest)
        {
            let path = inside.stream().to_string();
            if has(&path, "OUT_DIR") || path.ends_with(".rs\"") {
                rest = &rest[length..];
                continue;
            }
        }
        match token {
            TokenTree::Group(group) if is_argument => found.push_str(&group.to_string()),
            TokenTree::Group(group) => add_without_own_inclusions(group.stream(), found),
            token => found.push_str(&token.to_string()),
        }
        found.push(' ');
        rest = after;
    }
}
