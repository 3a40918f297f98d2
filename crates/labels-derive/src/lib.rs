//! `#[derive(Label)]` gives the variants of an enum their printed names.
//!
//! The macro is small enough to read tokens itself, so it needs no parser of Rust.

use proc_macro::{Delimiter, TokenStream, TokenTree};

mod words;

/// Implements `label`, which is a variant's printed name, and `ALL`, the list of the variants.
///
/// The printed name is the variant's name in lower-case words, or what `#[label("…")]` says.
///
/// ```
/// use labels_derive::Label;
///
/// #[derive(Clone, Copy, Debug, PartialEq, Label)]
/// pub enum Weather {
///     ClearSky,
///     #[label("leaves on the line")]
///     Autumn,
/// }
///
/// assert_eq!(Weather::ClearSky.label(), "clear sky");
/// assert_eq!(Weather::Autumn.label(), "leaves on the line");
/// assert_eq!(Weather::ALL, [Weather::ClearSky, Weather::Autumn]);
/// ```
///
/// A variant with fields has no single name, so it is an error:
///
/// ```compile_fail
/// #[derive(labels_derive::Label)]
/// pub enum Weather {
///     Snow { depth: u8 },
/// }
/// ```
#[proc_macro_derive(Label, attributes(label))]
pub fn label(input: TokenStream) -> TokenStream {
    let code = match read(input) {
        Ok((name, variants)) => write(&name, &variants),
        Err(message) => format!("compile_error!({message:?});"),
    };
    code.parse().expect("the macro writes valid Rust")
}

/// A variant's name and its printed name, which is a literal of Rust.
struct Variant {
    name: String,
    label: String,
}

fn read(input: TokenStream) -> Result<(String, Vec<Variant>), String> {
    let mut tokens = input.into_iter();
    let is_enum = |token: TokenTree| token.to_string() == "enum";
    if !tokens.any(is_enum) {
        return Err("Label can be derived for an enum only".to_owned());
    }
    let name = tokens
        .next()
        .map(|token| token.to_string())
        .unwrap_or_default();
    match tokens.next() {
        Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => {
            Ok((name, read_variants(body.stream())?))
        }
        _ => Err(format!(
            "Label cannot be derived for `{name}`: it is generic"
        )),
    }
}

fn read_variants(body: TokenStream) -> Result<Vec<Variant>, String> {
    let mut variants: Vec<Variant> = Vec::new();
    let mut given_label = None;
    for token in body {
        match token {
            TokenTree::Punct(_) => {}
            TokenTree::Ident(name) => {
                let name = name.to_string();
                let label = given_label
                    .take()
                    .unwrap_or_else(|| format!("{:?}", words::of(&name)));
                variants.push(Variant { name, label });
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                given_label = read_attribute(group.stream()).or(given_label);
            }
            other => {
                return Err(format!(
                    "Label expects variants without fields, not `{other}`"
                ));
            }
        }
    }
    Ok(variants)
}

/// The literal in `label("…")`.
fn read_attribute(attribute: TokenStream) -> Option<String> {
    let mut tokens = attribute.into_iter();
    let is_label = tokens.next()?.to_string() == "label";
    match tokens.next()? {
        TokenTree::Group(group) if is_label => Some(group.stream().to_string()),
        _ => None,
    }
}

fn write(name: &str, variants: &[Variant]) -> String {
    let all: String = variants
        .iter()
        .map(|v| format!("{name}::{}, ", v.name))
        .collect();
    let arms: String = variants
        .iter()
        .map(|v| format!("{name}::{} => {}, ", v.name, v.label))
        .collect();
    format!(
        "impl {name} {{
            /// Every variant, in the order in which they are declared.
            pub const ALL: &'static [{name}] = &[{all}];

            /// The printed name.
            pub const fn label(&self) -> &'static str {{
                match self {{ {arms} }}
            }}
        }}"
    )
}
