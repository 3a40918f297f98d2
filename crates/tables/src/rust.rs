//! Rust source written from tables by build scripts.

use std::fmt::Write;

/// The declaration of a constant slice with the given `items`, one in each line.
///
/// ```
/// let code = tables::rust::slice("pub const PRIMES", "u32", ["2", "3"]);
/// assert_eq!(code, "pub const PRIMES: &[u32] = &[\n    2,\n    3,\n];\n");
/// ```
pub fn slice<T: AsRef<str>>(
    declaration: &str,
    item_type: &str,
    items: impl IntoIterator<Item = T>,
) -> String {
    let mut code = format!("{declaration}: &[{item_type}] = &[\n");
    for item in items {
        writeln!(code, "    {},", item.as_ref()).expect("a string takes any text");
    }
    code.push_str("];\n");
    code
}

/// `text` as a string literal.
pub fn literal(text: &str) -> String {
    format!("{text:?}")
}
