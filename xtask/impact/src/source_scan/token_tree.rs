//! Token trees of Rust source. The tokens of a group are a slice, and a copy shares them. So a
//! source is lexed once, and many scans walk through its tokens.

use std::fmt::{self, Display, Formatter};
use std::ops::Deref;
use std::rc::Rc;

pub(super) use proc_macro2::Delimiter;
use proc_macro2::Spacing;

/// A list of token trees. A copy is cheap.
#[derive(Clone, Debug, Default)]
pub(super) struct TokenStream(Rc<[TokenTree]>);

/// A token, or a group of tokens between brackets.
#[derive(Clone, Debug)]
pub(super) enum TokenTree {
    Group(TokenGroup),
    Ident(Ident),
    Punct(Punct),
    Literal(Literal),
}

/// A list of tokens between brackets.
#[derive(Clone, Debug)]
pub(super) struct TokenGroup {
    delimiter: Delimiter,
    stream: TokenStream,
}

/// An identifier or a keyword, with `r#` if the source has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ident(Rc<str>);

/// A punctuation character.
#[derive(Clone, Copy, Debug)]
pub(super) struct Punct {
    char: char,
    /// True if another punctuation character follows at once, as in `::`.
    is_joint: bool,
}

/// A literal, as the source writes it.
#[derive(Clone, Debug)]
pub(super) struct Literal(Rc<str>);

impl TokenStream {
    /// Copies the tokens of a lexed source. Returns `None` if groups are nested deeper than
    /// `max_depth`.
    pub(super) fn of(lexed: proc_macro2::TokenStream, max_depth: usize) -> Option<Self> {
        let tokens = lexed.into_iter().map(|token| match token {
            proc_macro2::TokenTree::Group(group) => {
                let inner_depth = max_depth.checked_sub(1)?;
                let (delimiter, inside) = (group.delimiter(), group.stream());
                // The last owner of a stream moves its tokens; any other owner copies them.
                drop(group);
                let stream = Self::of(inside, inner_depth)?;
                Some(TokenTree::Group(TokenGroup { delimiter, stream }))
            }
            proc_macro2::TokenTree::Ident(ident) => {
                Some(TokenTree::Ident(Ident(ident.to_string().into())))
            }
            proc_macro2::TokenTree::Punct(punct) => Some(TokenTree::Punct(Punct {
                char: punct.as_char(),
                is_joint: punct.spacing() == Spacing::Joint,
            })),
            proc_macro2::TokenTree::Literal(literal) => {
                Some(TokenTree::Literal(Literal(literal.to_string().into())))
            }
        });
        tokens.collect()
    }
}

impl Deref for TokenStream {
    type Target = [TokenTree];

    fn deref(&self) -> &[TokenTree] {
        &self.0
    }
}

impl FromIterator<TokenTree> for TokenStream {
    fn from_iter<I: IntoIterator<Item = TokenTree>>(tokens: I) -> Self {
        Self(tokens.into_iter().collect())
    }
}

impl TokenGroup {
    pub(super) fn new(delimiter: Delimiter, stream: TokenStream) -> Self {
        Self { delimiter, stream }
    }

    pub(super) fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    pub(super) fn stream(&self) -> &TokenStream {
        &self.stream
    }
}

impl Ident {
    /// Returns the raw form of an identifier: `r#try` for `try`.
    pub(super) fn raw(name: &str) -> Self {
        Self(format!("r#{name}").into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Punct {
    pub(super) fn as_char(self) -> char {
        self.char
    }
}

impl Literal {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes the tokens with blanks in between, as proc-macro2 does.
impl Display for TokenStream {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let mut is_joined = true;
        for token in self.iter() {
            if !is_joined {
                formatter.write_str(" ")?;
            }
            is_joined = matches!(token, TokenTree::Punct(punct) if punct.is_joint);
            token.fmt(formatter)?;
        }
        Ok(())
    }
}

impl Display for TokenTree {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => group.fmt(formatter),
            Self::Ident(ident) => ident.fmt(formatter),
            Self::Punct(punct) => punct.char.fmt(formatter),
            Self::Literal(literal) => formatter.write_str(&literal.0),
        }
    }
}

impl Display for TokenGroup {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { delimiter, stream } = self;
        match delimiter {
            Delimiter::Parenthesis => write!(formatter, "({stream})"),
            Delimiter::Bracket => write!(formatter, "[{stream}]"),
            Delimiter::Brace if stream.is_empty() => formatter.write_str("{ }"),
            Delimiter::Brace => write!(formatter, "{{ {stream} }}"),
            Delimiter::None => stream.fmt(formatter),
        }
    }
}

impl Display for Ident {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_written_as_proc_macro2_writes_them() {
        for text in [
            "",
            "mod a;",
            "a::b!(\"x\", 'c', r#type, -1.5e3) { }",
            "#![x = [1, 2]] fn f<'a>() -> &'a str { {} () [] ..= }",
        ] {
            let lexed: proc_macro2::TokenStream = text.parse().expect("it lexes");
            let expected = lexed.to_string();
            let tokens = TokenStream::of(lexed, 10).expect("it is not nested deep");
            assert_eq!(tokens.to_string(), expected);
        }
    }

    #[test]
    fn deeply_nested_groups_are_refused() {
        for (text, depth) in [("a", 0), ("(a) [b]", 1), ("(a [b {}])", 3)] {
            let lexed = || text.parse::<proc_macro2::TokenStream>().expect("it lexes");
            assert!(TokenStream::of(lexed(), depth).is_some(), "{text}");
            let less = depth.checked_sub(1);
            assert!(
                less.is_none_or(|less| TokenStream::of(lexed(), less).is_none()),
                "{text}"
            );
        }
    }
}
